/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core among liars: every byte is a choice of what happens next. Servers
 * answer with any INFO, peers with any hello, vote and epoch, links rise and
 * break, operators order, disks fail, the process is killed and comes back with
 * what it saved. Whatever they say: no invariant of vd_core_check breaks,
 * nothing is said on a link that is not open, each request is owed once, a
 * group's vote is given once an epoch, epochs on disk never fall, and what is
 * remembered stays bounded.
 */
#include <string.h>

#include "core/drive.h"
#include "core/view.h"
#include "fuzz.h"
#include "liar.h"
#include "proto/hello.h"
#include "proto/info.h"
#include "proto/pack.h"

#define LINKS_MAX 64
#define OWED_MAX 512
#define VOTES_MAX 256
#define EFFECTS_MAX 4000 /* of one turn */
#define ROUNDS_MAX 200   /* turns without time passing between them */

struct owed {
    vd_link link;
    vd_ticket ticket;
    enum vd_request request;
};

struct vote {
    char group[4];
    uint64_t epoch;
    char leader[VD_ID_LEN + 1];
};

static struct {
    struct vd_drive drive;
    vd_ms now;
    bool disk_fails;
    struct vd_text disk; /* the last image that was saved, packed */
    uint64_t disk_epoch;
    struct {
        vd_link link;
        bool up;
        char host[VD_HOST_SIZE];
    } links[LINKS_MAX];
    size_t link_count;
    struct owed owed[OWED_MAX];
    size_t owed_count;
    vd_job job; /* the last that was started */
    struct vote votes[VOTES_MAX];
    size_t vote_count;
    const char *asked_about; /* the group that the question under way is about */
    size_t effects;          /* of this turn */
    struct vd_arena arena;   /* of the event under way */
} world;

/* What the core does ------------------------------------------------------------------------ */

static int find_link(vd_link link)
{
    for (size_t i = 0; i < world.link_count; i++)
        if (world.links[i].link.n == link.n)
            return (int)i;
    return -1;
}

/* It is closed: nothing more may be said on it, and nothing is owed. */
static void drop_link(vd_link link)
{
    int i = find_link(link);
    size_t kept = 0;

    MUST(i >= 0);
    world.links[i] = world.links[--world.link_count];
    for (size_t k = 0; k < world.owed_count; k++)
        if (world.owed[k].link.n != link.n)
            world.owed[kept++] = world.owed[k];
    world.owed_count = kept;
}

static void on_send(const struct vd_effect *effect)
{
    int i = find_link(effect->send.link);

    MUST(i >= 0 && world.links[i].up);
    if (effect->send.request == VD_RQ_HELLO) {
        MUST(effect->send.hello->epoch <= world.disk_epoch);
        MUST(effect->send.hello->config_epoch <= effect->send.hello->epoch);
    }
    MUST(world.owed_count < OWED_MAX);
    world.owed[world.owed_count++] =
        (struct owed){effect->send.link, effect->send.ticket, effect->send.request};
}

/* One vote per group and epoch, across restarts. */
static void on_vote(const struct vd_effect *effect)
{
    if (strcmp(effect->reply.leader, "*") == 0 || world.asked_about == NULL)
        return;
    for (size_t i = 0; i < world.vote_count; i++) {
        const struct vote *vote = &world.votes[i];

        if (strcmp(vote->group, world.asked_about) == 0 &&
            vote->epoch == effect->reply.leader_epoch) {
            MUST(strcmp(vote->leader, effect->reply.leader) == 0);
            return;
        }
    }
    if (world.vote_count == VOTES_MAX)
        return;
    world.votes[world.vote_count].epoch = effect->reply.leader_epoch;
    MUST(vd_copy(world.votes[world.vote_count].group, sizeof(world.votes[0].group),
                 world.asked_about));
    MUST(vd_copy(world.votes[world.vote_count].leader, sizeof(world.votes[0].leader),
                 effect->reply.leader));
    world.vote_count++;
}

static void perform(void *self, const struct vd_effect *effect)
{
    (void)self;
    MUST(++world.effects < EFFECTS_MAX);
    switch (effect->type) {
    case VD_EF_CONNECT:
        MUST(find_link(effect->connect.link) < 0 && world.link_count < LINKS_MAX);
        MUST(effect->connect.addr.port != 0);
        world.links[world.link_count].link = effect->connect.link;
        memcpy(world.links[world.link_count].host, effect->connect.addr.host, VD_HOST_SIZE);
        world.links[world.link_count++].up = false;
        return;
    case VD_EF_CLOSE:
        drop_link(effect->close.link);
        return;
    case VD_EF_SEND:
        on_send(effect);
        return;
    case VD_EF_REPLY:
        MUST(effect->reply.client.n == 7);
        if (effect->reply.kind == VD_REPLY_VOTE)
            on_vote(effect);
        return;
    case VD_EF_SPAWN:
        world.job = effect->spawn.job;
        return;
    case VD_EF_NOTICE:
        MUST(effect->notice.event[0] != '\0');
        return;
    case VD_EF_RESOLVE:
    case VD_EF_KILL:
    case VD_EF_RECORD:
    case VD_EF_CRASH:
        return;
    }
}

static void refuse(void *self, const struct vd_effect *effect, const char *reason)
{
    (void)self;
    MUST(effect->promise && reason[0] != '\0');
}

static bool save(void *self, const struct vd_image *image, struct vd_receipt *receipt,
                 struct vd_err *err)
{
    struct vd_arena arena = {0};
    struct vd_image all;

    (void)self;
    if (world.disk_fails)
        return vd_err_set(err, "No space left on device");
    MUST(image->epoch >= world.disk_epoch);
    world.disk_epoch = image->epoch;
    all = *vd_core_image_all(world.drive.core, &arena);
    all.removed_count = 0;
    vd_text_clear(&world.disk);
    vd_pack_image(&all, NULL, &world.disk);
    vd_arena_free(&arena);
    receipt->durable = true;
    return true;
}

static const struct vd_drive_ops ops = {save, perform, refuse};

/* Turns ------------------------------------------------------------------------------------- */

static void check_bounds(void)
{
    struct vd_view_core view;

    vd_core_check(world.drive.core);
    vd_view_core(world.drive.core, &view);
    MUST(view.group_count <= 4);
    for (size_t i = 0; i < view.group_count; i++) {
        struct vd_view_group group;

        MUST(vd_view_group_at(world.drive.core, world.now, i, &group));
        MUST(group.replica_count <= 5 + 1 && group.peer_count <= 4);
    }
}

static void turn(const struct vd_event *event)
{
    world.effects = 0;
    vd_drive_turn(&world.drive, event, event != NULL ? 1 : 0, world.now, 0x9e3779b9U);
    check_bounds();
    for (unsigned rounds = 0; vd_drive_wake_at(&world.drive) <= world.now; rounds++) {
        MUST(rounds < ROUNDS_MAX);
        world.effects = 0;
        vd_drive_turn(&world.drive, NULL, 0, world.now, 0x9e3779b9U);
        check_bounds();
    }
}

static void boot(const struct vd_image *image)
{
    struct vd_event start = {.type = VD_EV_START};

    world.link_count = 0;
    world.owed_count = 0;
    vd_drive_init(&world.drive, vd_core_new(image, false), &ops, NULL);
    turn(&start);
}

static void first_boot(void)
{
    struct vd_globals globals;
    struct vd_options options;
    struct vd_addr addrs[] = {{"10.0.0.1", "10.0.0.1", 6379},
                              {"10.0.0.2", "10.0.0.2", 6379},
                              {"10.0.0.3", "10.0.0.3", 6379}};
    struct vd_image_peer peers[] = {
        {{"1111111111111111111111111111111111111111"}, {"10.0.1.1", "10.0.1.1", 26379}},
        {{"2222222222222222222222222222222222222222"}, {"10.0.1.2", "10.0.1.2", 26379}}};
    struct vd_image_group groups[2] = {{.name = "m", .from_config = true}, {.name = "n"}};
    struct vd_image image = {.self = {LIAR_SELF}, .groups = groups, .group_count = 2};

    vd_globals_init(&globals);
    globals.listen_port = 26379;
    globals.resolve_hostnames = true;
    globals.max_groups = 3;
    globals.max_replicas = 5;
    globals.max_peers = 4;
    vd_options_init(&options, &globals);
    options.down_after_ms = 1000;
    options.failover_timeout_ms = 10000;
    options.fence_isolated_primary = true;
    options.client_reconfig_script = vd_strdup("/bin/reconfig");
    for (size_t i = 0; i < 2; i++) {
        groups[i].options = &options;
        groups[i].primary = addrs[2 * i];
        groups[i].replicas = addrs + 1;
        groups[i].replica_count = 2 - 2 * i;
        groups[i].peers = peers;
        groups[i].peer_count = 2;
    }
    image.globals = &globals;
    boot(&image);
    vd_options_free(&options);
    vd_globals_free(&globals);
}

/* Killed; what was saved is all that is left. */
static void restart(void)
{
    struct vd_unpack from;
    struct vd_unpacked_image image;
    struct vd_arena arena = {0};

    vd_drive_free(&world.drive);
    world.disk_fails = false;
    from = (struct vd_unpack){.at = (const unsigned char *)world.disk.bytes,
                              .end = (const unsigned char *)world.disk.bytes + world.disk.len,
                              .arena = &arena};
    vd_unpack_image(&from, &image);
    MUST(from.complaint == NULL);
    boot(&image.image);
    vd_unpacked_image_free(&image);
    vd_arena_free(&arena);
}

/* What happens -------------------------------------------------------------------------------- */

static void pass_time(void)
{
    static const vd_ms spans[] = {1, 10, 100, 201, 500, 1000, 5000, 10001, 31000};
    vd_ms until = world.now + spans[liar_take(sizeof(spans) / sizeof(spans[0]))];

    while (vd_drive_wake_at(&world.drive) <= until) {
        world.now = vd_drive_wake_at(&world.drive);
        turn(NULL);
    }
    world.now = until;
}

static void link_event(void)
{
    struct vd_event event = {.type = VD_EV_LINK_UP};
    size_t i;

    if (world.link_count == 0)
        return;
    i = liar_take((unsigned)world.link_count);
    if (!world.links[i].up && liar_take(4) != 0) {
        world.links[i].up = true;
        event.up.link = world.links[i].link;
        event.up.ip = world.links[i].host;
        if (strchr(event.up.ip, '-') != NULL) /* a name: it may be anywhere */
            event.up.ip = liar_take(2) == 0 ? "10.0.0.2" : "10.0.0.4";
        event.up.local_ip = liar_take(2) == 0 ? "10.0.9.9" : "10.0.1.1";
    } else {
        event.type = VD_EV_LINK_DOWN;
        event.down.link = world.links[i].link;
        event.down.reason = (enum vd_down_reason)liar_take(VD_DOWN_LIMIT + 1);
        drop_link(event.down.link);
    }
    turn(&event);
}

static void answer_info(struct vd_event *event)
{
    struct vd_info *info = vd_arena_alloc(&world.arena, sizeof(*info));

    event->type = VD_EV_INFO;
    if (liar_take(8) == 0)
        return; /* an error */
    event->info.raw = liar_info(&world.arena);
    if (vd_info_parse(event->info.raw, strlen(event->info.raw), &world.arena, info))
        event->info.info = info;
    else
        event->info.raw = NULL;
}

static void answer_question(struct vd_event *event)
{
    event->type = VD_EV_ANSWER;
    event->answer.ok = liar_take(8) != 0;
    event->answer.down = liar_take(2) == 0;
    MUST(vd_copy(event->answer.leader.hex, sizeof(event->answer.leader.hex), liar_id()));
    if (event->answer.leader.hex[0] == '*')
        event->answer.leader.hex[0] = '\0';
    event->answer.leader_epoch = liar_epoch();
}

/* The i-th that is owed is answered, or one that nobody waits for. */
static void answer(bool bogus)
{
    struct vd_event event = {.type = VD_EV_ACK};
    struct owed owed;
    size_t i;

    if (world.owed_count == 0)
        return;
    i = liar_take((unsigned)world.owed_count);
    owed = world.owed[i];
    if (bogus)
        owed.ticket.n += 1000000;
    else
        world.owed[i] = world.owed[--world.owed_count];
    if (bogus && liar_take(2) == 0)
        owed.link.n += 1000000;
    /* All answers begin with the link and the ticket. */
    event.ack.link = owed.link;
    event.ack.ticket = owed.ticket;
    switch (owed.request) {
    case VD_RQ_PING:
        event.type = VD_EV_PONG;
        event.pong.kind = (enum vd_pong)liar_take(VD_PONG_ERROR + 1);
        event.pong.text = "PONG";
        break;
    case VD_RQ_INFO:
        answer_info(&event);
        break;
    case VD_RQ_ROLE:
        event.type = VD_EV_ROLE;
        event.role.role = (enum vd_role)liar_take(3);
        event.role.primary = liar_addr();
        break;
    case VD_RQ_QUESTION:
        answer_question(&event);
        break;
    case VD_RQ_HELLO:
    case VD_RQ_PROMOTE:
    case VD_RQ_REPLICATE:
    case VD_RQ_SCRIPT_KILL:
    case VD_RQ_PAUSE:
    case VD_RQ_UNPAUSE:
    case VD_RQ_HANDOVER:
    case VD_RQ_ABORT:
    case VD_RQ_MAINTAIN:
        event.ack.ok = liar_take(3) != 0;
        event.ack.text = event.ack.ok ? NULL : "NOPERM";
        break;
    }
    turn(&event);
}

static void gossip(void)
{
    struct vd_event event = {.type = VD_EV_HELLO};
    struct vd_hello hello;
    struct vd_err err;
    const char *line = liar_hello(&world.arena);

    if (!vd_hello_parse(line, strlen(line), &hello, &err))
        return;
    event.hello.hello = &hello;
    if (world.link_count != 0 && liar_take(2) == 0)
        event.hello.link = world.links[liar_take((unsigned)world.link_count)].link;
    turn(&event);
}

static bool is_at(const struct vd_addr *a, const struct vd_addr *b)
{
    return a->port == b->port && (strcmp(a->ip, b->ip) == 0 || strcmp(a->host, b->host) == 0 ||
                                  strcmp(a->ip, b->host) == 0 || strcmp(a->host, b->ip) == 0);
}

/* By two groups' primaries: the answer may be about the other one. */
static bool is_shared(const struct vd_addr *addr)
{
    struct vd_view_group view;
    unsigned groups = 0;

    for (size_t i = 0; vd_view_group_at(world.drive.core, world.now, i, &view); i++)
        groups += is_at(&view.primary.addr, addr) ? 1U : 0U;
    return groups > 1;
}

static void question(void)
{
    struct vd_event event = {.type = VD_EV_QUESTION};
    struct vd_view_group view;

    event.question.client.n = 7;
    world.asked_about = liar_take(2) == 0 ? "m" : "n";
    if (!vd_view_group(world.drive.core, world.now, world.asked_about, &view))
        return;
    event.question.addr = view.primary.addr;
    if (is_shared(&event.question.addr))
        return;
    event.question.epoch = liar_epoch();
    event.question.wants_vote = liar_take(4) != 0;
    MUST(vd_copy(event.question.candidate.hex, sizeof(event.question.candidate.hex), liar_id()));
    turn(&event);
    world.asked_about = NULL;
}

static void order(void)
{
    struct vd_setting setting = {.option = (enum vd_option)liar_take(VD_OPT_MAX_GROUPS)};
    struct vd_order order = {.type = (enum vd_order_type)liar_take(VD_ORDER_COUNT)};
    struct vd_event event = {.type = VD_EV_ORDER};

    order.name = liar_group();
    order.addr = liar_addr();
    order.quorum = 1 + liar_take(3);
    order.flags = liar_take(4);
    order.for_ms = 1000;
    MUST(vd_copy(order.id.hex, sizeof(order.id.hex), liar_id()));
    if (order.type == VD_ORDER_FORGET && liar_take(2) == 0)
        order.addr.port = 0;
    if (order.type == VD_ORDER_MONITOR &&
        (order.addr.port == 0 || order.name[0] == '*' || order.addr.host[0] == '\0'))
        return; /* the shell refuses these */
    if (order.type == VD_ORDER_SIMULATE_FAILURE)
        return; /* the process would end */
    setting.number = 1000 + liar_take(3);
    setting.text = liar_take(2) == 0 ? "text" : NULL;
    if ((order.type == VD_ORDER_SET) == (setting.option < VD_OPT_GROUP_COUNT) &&
        setting.option != VD_OPT_ANNOUNCE_IP && setting.option != VD_OPT_REBOOT_FAILOVER &&
        setting.option != VD_OPT_HANDOVER) {
        order.settings = &setting;
        order.setting_count = 1;
    }
    event.order.client.n = 7;
    event.order.order = &order;
    turn(&event);
}

static void other_event(void)
{
    struct vd_event event = {.type = VD_EV_RESOLVED};

    if (liar_take(2) == 0) {
        event.resolved.host = "db-1";
        event.resolved.ip = liar_take(2) == 0 ? "10.0.0.2" : "";
    } else {
        event.type = VD_EV_SCRIPT_EXIT;
        event.script.job = world.job;
        event.script.exit_code = (int)liar_take(3);
        event.script.signal = liar_take(4) == 0 ? 9 : 0;
        event.script.failed_to_start = liar_take(8) == 0;
    }
    turn(&event);
}

static void happen(void)
{
    switch (liar_take(16)) {
    case 0:
    case 1:
        pass_time();
        return;
    case 2:
    case 3:
    case 4:
        link_event();
        return;
    case 5:
        gossip();
        return;
    case 6:
        question();
        return;
    case 7:
        order();
        return;
    case 8:
        other_event();
        return;
    case 9:
        answer(true);
        return;
    case 10:
        world.disk_fails = !world.disk_fails;
        return;
    case 11:
        restart();
        return;
    default:
        answer(false);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    memset(&world, 0, sizeof(world));
    liar_begin(bytes, len);
    world.now = 1000;
    first_boot();
    while (!liar_is_done()) {
        happen();
        vd_arena_reset(&world.arena);
    }
    vd_drive_free(&world.drive);
    vd_text_free(&world.disk);
    vd_arena_free(&world.arena);
    return 0;
}
