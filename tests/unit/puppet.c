/* SPDX-License-Identifier: BSD-3-Clause */
/* Puppet: one core on strings, see puppet.h. */
#include "puppet.h"

#include <check.h>
#include <stdio.h>

struct vd_addr puppet_addr(const char *ip, uint16_t port)
{
    struct vd_addr addr = {.port = port};

    ck_assert_int_lt(snprintf(addr.ip, sizeof(addr.ip), "%s", ip), (int)sizeof(addr.ip));
    ck_assert_int_lt(snprintf(addr.host, sizeof(addr.host), "%s", ip), (int)sizeof(addr.host));
    return addr;
}

struct vd_id puppet_peer_id(unsigned number)
{
    struct vd_id id;

    ck_assert_int_eq(snprintf(id.hex, sizeof(id.hex), "%08u%032u", number, number), VD_ID_LEN);
    return id;
}

static struct vd_addr node_addr(unsigned last_byte)
{
    char ip[32];

    ck_assert_int_gt(snprintf(ip, sizeof(ip), "10.0.0.%u", last_byte), 0);
    return puppet_addr(ip, 6379);
}

static struct vd_addr peer_addr(unsigned number)
{
    char ip[32];

    ck_assert_int_gt(snprintf(ip, sizeof(ip), "10.0.1.%u", number), 0);
    return puppet_addr(ip, 26379);
}

void puppet_init(struct puppet *puppet, unsigned quorum, unsigned replicas, unsigned peers)
{
    struct vd_globals globals;
    struct vd_options options;
    struct vd_addr nodes[16];
    struct vd_image_peer known[16];
    struct vd_image_group group = {.name = "m", .from_config = true};
    struct vd_image image = {.self = {PUPPET_SELF}, .group_count = 1};
    struct vd_event start = {.type = VD_EV_START};

    memset(puppet, 0, sizeof(*puppet));
    vd_globals_init(&globals);
    globals.listen_port = 26379;
    vd_options_init(&options, &globals);
    options.quorum = quorum;
    options.down_after_ms = 1000;
    options.failover_timeout_ms = 10000;
    for (unsigned i = 0; i < replicas; i++)
        nodes[i] = node_addr(i + 2);
    for (unsigned i = 0; i < peers; i++)
        known[i] = (struct vd_image_peer){puppet_peer_id(i + 1), peer_addr(i + 1)};
    group.primary = node_addr(1);
    group.options = &options;
    group.replicas = nodes;
    group.replica_count = replicas;
    group.peers = known;
    group.peer_count = peers;
    image.globals = &globals;
    image.groups = &group;
    puppet->core = vd_core_new(&image, false);
    vd_options_free(&options);
    vd_globals_free(&globals);
    puppet->now = 1000;
    puppet_step(puppet, &start);
}

void puppet_free(struct puppet *puppet)
{
    vd_core_free(puppet->core);
    vd_arena_free(&puppet->effects.arena);
    vd_free(puppet->effects.list);
}

struct vd_group *puppet_group(struct puppet *puppet)
{
    return puppet->core->by_index[0];
}

struct vd_node *puppet_node(struct puppet *puppet, unsigned last_byte)
{
    struct vd_addr addr = node_addr(last_byte);

    return vd_node_find(puppet_group(puppet), &addr);
}

struct vd_opinion *puppet_opinion(struct puppet *puppet, unsigned number)
{
    struct vd_id id = puppet_peer_id(number);

    return vd_opinion_find(puppet_group(puppet), &id);
}

/* An event, and time behind it: one turn. */
static void step(struct puppet *puppet, struct vd_event *event)
{
    struct vd_event due = {.type = VD_EV_DUE, .at = puppet->now};

    event->at = puppet->now;
    vd_core_step(puppet->core, event, &puppet->effects);
    vd_core_check(puppet->core);
    if (vd_core_wake_at(puppet->core) > puppet->now)
        return;
    vd_core_step(puppet->core, &due, &puppet->effects); /* as the drive does */
    vd_core_check(puppet->core);
}

void puppet_step(struct puppet *puppet, struct vd_event *event)
{
    puppet->effects.count = 0;
    vd_arena_reset(&puppet->effects.arena);
    step(puppet, event);
}

void puppet_pass(struct puppet *puppet, vd_ms at)
{
    puppet->effects.count = 0;
    vd_arena_reset(&puppet->effects.arena);
    while (vd_core_wake_at(puppet->core) <= at) {
        struct vd_event due = {.type = VD_EV_DUE};
        vd_ms wake_at = vd_core_wake_at(puppet->core);

        puppet->now = wake_at > puppet->now ? wake_at : puppet->now;
        step(puppet, &due);
        ck_assert_msg(puppet->effects.count < PUPPET_EFFECTS * 4, "the core runs in circles");
    }
    puppet->now = at;
}

static void raise_wire(struct puppet *puppet, struct vd_wire *wire, const char *ip)
{
    struct vd_event up = {.type = VD_EV_LINK_UP};

    if (wire->link.n == 0 || wire->up)
        return;
    up.up.link = wire->link;
    up.up.ip = ip;
    up.up.local_ip = "10.0.9.9";
    step(puppet, &up);
}

void puppet_raise_links(struct puppet *puppet)
{
    struct vd_node *node;
    struct vd_opinion *opinion;

    puppet->effects.count = 0;
    vd_arena_reset(&puppet->effects.arena);
    DL_FOREACH (puppet_group(puppet)->nodes, node) {
        raise_wire(puppet, &node->command, node->addr.ip);
        raise_wire(puppet, &node->subscribe, node->addr.ip);
    }
    DL_FOREACH (puppet_group(puppet)->opinions, opinion) {
        raise_wire(puppet, &opinion->peer->wire, opinion->peer->addr.ip);
    }
}

void puppet_link_down(struct puppet *puppet, struct vd_wire *wire, enum vd_down_reason reason)
{
    struct vd_event down = {.type = VD_EV_LINK_DOWN};

    down.down.link = wire->link;
    down.down.reason = reason;
    puppet_step(puppet, &down);
}

void puppet_pong(struct puppet *puppet, struct vd_wire *wire, enum vd_pong kind)
{
    struct vd_event pong = {.type = VD_EV_PONG};
    const struct vd_pulse *pulse = wire->node != NULL ? &wire->node->pulse : &wire->peer->pulse;

    pong.pong.link = wire->link;
    pong.pong.ticket = pulse->ticket;
    pong.pong.kind = kind;
    puppet_step(puppet, &pong);
}

void puppet_info(struct puppet *puppet, struct vd_node *node, struct vd_info *info)
{
    struct vd_event event = {.type = VD_EV_INFO};

    event.info.link = node->command.link;
    event.info.ticket = node->info_ticket;
    event.info.info = info;
    event.info.raw = "";
    puppet_step(puppet, &event);
}

struct vd_info puppet_primary_info(void)
{
    struct vd_info info = {
        .role = VD_ROLE_PRIMARY,
        .run_id = {"1000000000000000000000000000000000000001"},
        .replid = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        .primary_offset = 1000,
        .replica_offset = -1,
        .priority = 100,
        .announced = true,
        .connected_replicas = 2,
        .keys = 500,
    };

    return info;
}

struct vd_info puppet_replica_info(unsigned last_byte, int64_t offset)
{
    struct vd_info info = puppet_primary_info();

    ck_assert_int_eq(snprintf(info.run_id.hex, sizeof(info.run_id.hex), "2%039u", last_byte),
                     VD_ID_LEN);
    info.role = VD_ROLE_REPLICA;
    info.primary = node_addr(1);
    info.replica_offset = offset;
    info.link_up = true;
    return info;
}

void puppet_settle(struct puppet *puppet)
{
    struct vd_node *node;
    struct vd_opinion *opinion;
    unsigned last_byte = 1;

    puppet_raise_links(puppet);
    DL_FOREACH (puppet_group(puppet)->nodes, node) {
        struct vd_info info =
            last_byte == 1 ? puppet_primary_info() : puppet_replica_info(last_byte, 1000);

        if (node->pulse.ticket.n != 0)
            puppet_pong(puppet, &node->command, VD_PONG_OK);
        if (node->info_ticket.n != 0)
            puppet_info(puppet, node, &info);
        last_byte++;
    }
    DL_FOREACH (puppet_group(puppet)->opinions, opinion) {
        if (opinion->peer->pulse.ticket.n != 0)
            puppet_pong(puppet, &opinion->peer->wire, VD_PONG_OK);
    }
}

void puppet_answer(struct puppet *puppet, unsigned number, bool down, const char *leader,
                   uint64_t epoch)
{
    struct vd_opinion *opinion = puppet_opinion(puppet, number);
    struct vd_event event = {.type = VD_EV_ANSWER};

    ck_assert_uint_ne(opinion->asked.n, 0);
    event.answer.link = opinion->peer->wire.link;
    event.answer.ticket = opinion->asked;
    event.answer.ok = true;
    event.answer.down = down;
    event.answer.leader_epoch = epoch;
    ck_assert_int_le(snprintf(event.answer.leader.hex, VD_ID_LEN + 1, "%s", leader), VD_ID_LEN);
    puppet_step(puppet, &event);
}

const struct vd_effect *puppet_question(struct puppet *puppet, const char *asker, uint64_t epoch,
                                        const char *candidate)
{
    struct vd_event event = {.type = VD_EV_QUESTION};
    const struct vd_effect *reply;

    event.question.client.n = 7;
    event.question.addr = puppet_group(puppet)->primary->addr;
    event.question.epoch = epoch;
    event.question.wants_vote = candidate != NULL;
    ck_assert_int_le(snprintf(event.question.candidate.hex, VD_ID_LEN + 1, "%s",
                              candidate != NULL ? candidate : ""),
                     VD_ID_LEN);
    ck_assert_int_le(snprintf(event.question.asker, 9, "%.8s", asker), 8);
    puppet_step(puppet, &event);
    reply = puppet_find(puppet, VD_EF_REPLY);
    ck_assert_ptr_nonnull(reply);
    ck_assert_int_eq(reply->reply.kind, VD_REPLY_VOTE);
    return reply;
}

void puppet_say_hello(struct puppet *puppet, const struct vd_hello *hello)
{
    struct vd_event event = {.type = VD_EV_HELLO};

    event.hello.hello = hello;
    puppet_step(puppet, &event);
}

void puppet_hello(struct puppet *puppet, unsigned number, struct vd_addr primary, uint64_t epoch)
{
    struct vd_hello hello = {.id = puppet_peer_id(number),
                             .group = "m",
                             .peer = peer_addr(number),
                             .primary = primary,
                             .epoch = epoch,
                             .config_epoch = epoch};

    puppet_say_hello(puppet, &hello);
}

const struct vd_effect *puppet_order(struct puppet *puppet, const struct vd_order *order)
{
    struct vd_event event = {.type = VD_EV_ORDER};
    const struct vd_effect *reply;

    event.order.client.n = 3;
    event.order.order = order;
    puppet_step(puppet, &event);
    reply = puppet_find(puppet, VD_EF_REPLY);
    ck_assert_ptr_nonnull(reply);
    return reply;
}

void puppet_role(struct puppet *puppet, const struct vd_node *node, enum vd_role role,
                 struct vd_addr primary)
{
    struct vd_event event = {.type = VD_EV_ROLE};

    ck_assert_uint_ne(node->role_ticket.n, 0);
    event.role.link = node->command.link;
    event.role.ticket = node->role_ticket;
    event.role.role = role;
    event.role.primary = primary;
    puppet_step(puppet, &event);
}

void puppet_ack(struct puppet *puppet, const struct vd_node *node, vd_ticket ticket,
                const char *error)
{
    struct vd_event event = {.type = VD_EV_ACK};

    ck_assert_uint_ne(ticket.n, 0);
    event.ack.link = node->command.link;
    event.ack.ticket = ticket;
    event.ack.ok = error == NULL;
    event.ack.text = error;
    puppet_step(puppet, &event);
}

unsigned puppet_noticed(const struct puppet *puppet, const char *event)
{
    unsigned count = 0;

    for (size_t i = 0; i < puppet->effects.count; i++) {
        const struct vd_effect *effect = &puppet->effects.list[i];

        count += effect->type == VD_EF_NOTICE && strcmp(effect->notice.event, event) == 0;
    }
    return count;
}

unsigned puppet_sent(const struct puppet *puppet, enum vd_request request)
{
    unsigned count = 0;

    for (size_t i = 0; i < puppet->effects.count; i++) {
        const struct vd_effect *effect = &puppet->effects.list[i];

        count += effect->type == VD_EF_SEND && effect->send.request == request;
    }
    return count;
}

const struct vd_effect *puppet_find(const struct puppet *puppet, enum vd_effect_type type)
{
    for (size_t i = 0; i < puppet->effects.count; i++) {
        if (puppet->effects.list[i].type == type)
            return &puppet->effects.list[i];
    }
    return NULL;
}
