/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sentinel's outgoing links: what the core wants becomes messages, what
 * comes back becomes events. The door's contract is checked here: a handle is
 * never used again, nothing is said on a link that is not up, nothing is
 * closed that is not open.
 */
#include <string.h>
#include <utlist.h>

#include "base/text.h"
#include "bounds.h"
#include "conduct.h"
#include "node.h"
#include "oracle.h"
#include "proto/hello.h"
#include "proto/info.h"
#include "sentinel.h"

static struct sim_link **slot_of(struct sim_sentinel *s, vd_link handle)
{
    return &s->link_by_handle[handle.n % SIM_LINK_SLOTS];
}

static struct sim_link *find(struct sim_sentinel *s, vd_link handle)
{
    struct sim_link **slot = slot_of(s, handle);
    struct sim_link *link = *slot;

    if (link != NULL && link->handle.n == handle.n)
        return link;
    DL_FOREACH (s->links, link) {
        if (link->handle.n != handle.n)
            continue;
        *slot = link;
        return link;
    }
    return NULL;
}

static void set_down(struct sim_sentinel *s, struct sim_link *link)
{
    s->links_down += link->state != SIM_LINK_DOWN;
    link->state = SIM_LINK_DOWN;
    link->conn = NULL;
}

static void forget(struct sim_sentinel *s, struct sim_link *link)
{
    struct sim_link **slot = slot_of(s, link->handle);

    if (link->conn != NULL)
        sim_close(link->conn, 0);
    if (*slot == link)
        *slot = NULL;
    s->links_down -= link->state == SIM_LINK_DOWN;
    s->link_count--;
    DL_DELETE(s->links, link);
    vd_free(link);
}

void sim_links_forget(struct sim_sentinel *s)
{
    while (s->links != NULL) {
        s->links->conn = NULL; /* the host's death closes it */
        forget(s, s->links);
    }
}

void sim_links_after_turn(struct sim_sentinel *s)
{
    struct sim_link *link;
    struct sim_link *next;

    if (s->links_down == 0)
        return;
    DL_FOREACH_SAFE (s->links, link, next) {
        if (link->state == SIM_LINK_DOWN)
            forget(s, link);
    }
}

static void say_link(const struct sim_sentinel *s, const struct sim_link *link, const char *verb)
{
    static const char *const kinds[] = {"command", "subscription", "peer"};

    SIM_SAY(s->sim, s->host->name, "%s link %llu (%s) to %s", verb,
            (unsigned long long)link->handle.n, kinds[link->kind],
            link->to != NULL ? link->to->name : "nobody");
}

/* What the core wants ------------------------------------------------------------- */

void sim_links_connect(struct sim_sentinel *s, const struct vd_effect *effect)
{
    struct sim *sim = s->sim;
    struct sim_link *link;

    if (effect->connect.link.n <= s->last_link) {
        sim_fail(sim, "%s: link handle %llu is used again", s->host->name,
                 (unsigned long long)effect->connect.link.n);
        return;
    }
    s->last_link = effect->connect.link.n;
    link = vd_alloc(sizeof(*link));
    link->handle = effect->connect.link;
    link->kind = effect->connect.kind;
    link->state = SIM_LINK_OPENING;
    link->to = sim_host_find(sim->net, &effect->connect.addr);
    if (link->to == s->host)
        sim_fail(sim, "%s: connects to itself", s->host->name);
    link->conn = sim_connect(sim->net, s->host, link->to);
    link->conn->user[0] = link;
    say_link(s, link, "connects");
    DL_APPEND(s->links, link);
    s->link_count++;
}

void sim_links_close(struct sim_sentinel *s, const struct vd_effect *effect)
{
    struct sim_link *link = find(s, effect->close.link);

    if (link == NULL) {
        sim_fail(s->sim, "%s: closes link %llu, which is not open", s->host->name,
                 (unsigned long long)effect->close.link.n);
        return;
    }
    say_link(s, link, "closes");
    forget(s, link);
}

static struct sim_msg *say_hello(struct sim_sentinel *s, const struct vd_effect *effect)
{
    struct sim_msg *msg = sim_msg_new(s->sim->net, SIM_PUBLISH);
    struct vd_hello hello = *effect->send.hello;
    struct vd_text *text = &s->sim->net->words;

    if (s->sim->setup.mutant == SIM_MUTANT_OTHER_ADDR && s->index == 0 && hello.config_epoch != 0)
        hello.primary = s->sim->nodes[s->sim->stats.turns % s->sim->setup.nodes]->host->addr;
    sim_oracle_on_hello(s->sim, s, &hello);
    vd_text_clear(text);
    vd_hello_print(&hello, text);
    msg->payload = sim_payload_new(text->bytes, text->len);
    return msg;
}

static struct sim_msg *word_for(struct sim_sentinel *s, const struct sim_link *link,
                                const struct vd_effect *effect)
{
    static const enum sim_word words[] = {
        [VD_RQ_PING] = SIM_PING,           [VD_RQ_INFO] = SIM_INFO,
        [VD_RQ_ROLE] = SIM_ROLE,           [VD_RQ_HELLO] = SIM_PUBLISH,
        [VD_RQ_QUESTION] = SIM_QUESTION,   [VD_RQ_PROMOTE] = SIM_PROMOTE,
        [VD_RQ_REPLICATE] = SIM_REPLICATE, [VD_RQ_SCRIPT_KILL] = SIM_SCRIPT_KILL,
        [VD_RQ_PAUSE] = SIM_PAUSE,         [VD_RQ_UNPAUSE] = SIM_UNPAUSE,
        [VD_RQ_HANDOVER] = SIM_HANDOVER,   [VD_RQ_ABORT] = SIM_ABORT,
        [VD_RQ_MAINTAIN] = SIM_ABORT, /* nobody gives that order here */
    };
    struct sim *sim = s->sim;
    struct sim_msg *msg;

    if (effect->send.request == VD_RQ_HELLO)
        return say_hello(s, effect);
    msg = sim_msg_new(sim->net, words[effect->send.request]);
    msg->offset = effect->send.pause_ms;
    if (effect->send.request == VD_RQ_QUESTION || effect->send.request == VD_RQ_REPLICATE ||
        effect->send.request == VD_RQ_HANDOVER)
        msg->addr = sim_host_find(sim->net, &effect->send.addr);
    if (effect->send.request == VD_RQ_QUESTION) {
        msg->epoch = effect->send.epoch;
        if (!vd_copy(msg->id.hex, sizeof(msg->id.hex), effect->send.candidate))
            sim_fail(sim, "%s: asks with a candidate that is no id", s->host->name);
        sim_oracle_on_question(
            sim, s, msg->addr != NULL ? sim_sentinel_group(s, msg->addr) : SIM_GROUPS_MAX,
            msg->epoch, &msg->id);
    }
    if (effect->send.request == VD_RQ_PROMOTE || effect->send.request == VD_RQ_REPLICATE) {
        SIM_SAY(sim, s->host->name, "tells %s to %s %s",
                link->to != NULL ? link->to->name : "nobody",
                effect->send.request == VD_RQ_PROMOTE ? "be primary" : "follow",
                msg->addr != NULL ? msg->addr->name : "");
        sim_oracle_on_turn(sim, s, link->to, msg);
    }
    return msg;
}

/* A promotion that nobody decided, for the oracle to find. */
static void go_rogue(struct sim_sentinel *s, const struct sim_link *link)
{
    struct sim *sim = s->sim;
    struct sim_node *node = sim_node_of(sim, link->to);
    struct sim_msg *msg;

    if (node == NULL || node->primary == NULL || sim->now < sim->setup.faults_end_at / 2)
        return;
    msg = sim_msg_new(sim->net, SIM_PROMOTE);
    sim_oracle_on_turn(sim, s, link->to, msg);
    sim_send(link->conn, 0, msg);
}

void sim_links_send(struct sim_sentinel *s, const struct vd_effect *effect)
{
    struct sim_link *link = find(s, effect->send.link);
    struct sim_msg *msg;

    if (link == NULL || link->state == SIM_LINK_OPENING) {
        sim_fail(s->sim, "%s: sends request %d on link %llu, which is %s", s->host->name,
                 effect->send.request, (unsigned long long)effect->send.link.n,
                 link == NULL ? "closed" : "not up yet");
        return;
    }
    if (link->kind == VD_LINK_SUBSCRIBE)
        sim_fail(s->sim, "%s: sends a request on a subscription", s->host->name);
    msg = word_for(s, link, effect);
    msg->ticket = effect->send.ticket.n;
    sim_bounds_on_send(s->sim, s, link, effect->send.request);
    if (link->conn != NULL) {
        sim_send(link->conn, 0, msg);
        if (s->sim->setup.mutant == SIM_MUTANT_ROGUE && effect->send.request == VD_RQ_PING)
            go_rogue(s, link);
        return;
    }
    sim_msg_discard(s->sim->net, msg); /* it broke in this very turn; LINK_DOWN is the answer */
}

/* What comes back ------------------------------------------------------------------ */

void sim_links_connected(struct sim_sentinel *s, struct sim_conn *conn)
{
    struct sim_link *link = conn->user[0];
    struct vd_event event = {.type = VD_EV_LINK_UP};

    if (link == NULL)
        return;
    link->state = SIM_LINK_UP;
    link->up_at = s->sim->now;
    say_link(s, link, "has");
    if (link->kind == VD_LINK_SUBSCRIBE)
        sim_send(conn, 0, sim_msg_new(s->sim->net, SIM_SUBSCRIBE));
    event.up.link = link->handle;
    event.up.ip = link->to->addr.ip;
    event.up.local_ip = s->host->addr.ip;
    sim_sentinel_push(s, &event);
}

static void lose(struct sim_sentinel *s, struct sim_link *link, enum vd_down_reason reason)
{
    struct vd_event event = {.type = VD_EV_LINK_DOWN};

    say_link(s, link, reason == VD_DOWN_REFUSED ? "is refused" : "loses");
    set_down(s, link);
    event.down.link = link->handle;
    event.down.reason = reason;
    event.down.text = "lost";
    sim_sentinel_push(s, &event);
}

void sim_links_lost(struct sim_sentinel *s, struct sim_conn *conn, enum vd_down_reason reason)
{
    if (conn->user[0] != NULL)
        lose(s, conn->user[0], reason);
}

static uint64_t followers(const struct sim_sentinel *s, const struct vd_info *info)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < info->replica_count; i++) {
        const struct sim_host *host = sim_host_find(s->sim->net, &info->replicas[i].addr);

        if (host != NULL)
            bits |= UINT64_C(1) << host->index;
    }
    return bits;
}

static void remember(struct sim_sentinel *s, const struct sim_link *link,
                     const struct vd_info *info)
{
    const struct sim_node *node = sim_node_of(s->sim, link->to);
    struct sim_heard *heard;

    if (node == NULL)
        return;
    heard = &s->heard[node->index];
    if (strcmp(heard->run_id.hex, info->run_id.hex) != 0)
        heard->was_linked = false;
    heard->known = true;
    heard->at = s->sim->now;
    heard->replid = info->replid;
    heard->replid2 = info->replid2;
    heard->link_down_ms = info->link_down_ms;
    heard->role = info->role;
    heard->loading = info->loading;
    heard->syncing = info->sync_in_progress;
    heard->link_up = info->link_up;
    heard->was_linked |= info->role == VD_ROLE_REPLICA && info->link_up;
    heard->followers = followers(s, info);
    heard->where = link->to;
    heard->was_promoted = info->replid2.hex[0] != '\0';
    heard->offset = info->replica_offset;
    heard->primary_offset = info->primary_offset;
    heard->priority = info->priority;
    heard->keys = info->keys;
    heard->follows =
        info->role == VD_ROLE_REPLICA ? sim_host_find(s->sim->net, &info->primary) : NULL;
    heard->run_id = info->run_id;
}

static void take_info(struct sim_sentinel *s, const struct sim_link *link,
                      const struct sim_msg *msg, struct vd_event *event)
{
    struct vd_info *info = vd_arena_alloc(&s->arena, sizeof(*info));

    event->type = VD_EV_INFO;
    event->info.link = link->handle;
    event->info.ticket.n = msg->ticket;
    if (!msg->ok)
        return;
    sim_sentinel_hold(s, msg->payload);
    event->info.raw = msg->payload->text;
    if (!vd_info_parse(msg->payload->text, msg->payload->len, &s->arena, info)) {
        sim_fail(s->sim, "INFO of %s was not understood", link->to->name);
        return;
    }
    event->info.info = info;
    remember(s, link, info);
}

const struct vd_hello *sim_sentinel_read_hello(struct sim_sentinel *s, struct sim_payload *payload)
{
    struct vd_err err;

    if (payload->hello == NULL) {
        payload->hello = vd_alloc(sizeof(*payload->hello));
        if (!vd_hello_parse(payload->text, payload->len, payload->hello, &err)) {
            sim_fail(s->sim, "hello was not understood: %s", err.text);
            return NULL;
        }
    }
    sim_sentinel_hold(s, payload);
    return payload->hello;
}

static bool take_hello(struct sim_sentinel *s, const struct sim_link *link,
                       const struct sim_msg *msg, struct vd_event *event)
{
    event->type = VD_EV_HELLO;
    event->hello.link = link->handle;
    event->hello.hello = sim_sentinel_read_hello(s, msg->payload);
    return event->hello.hello != NULL;
}

static bool is_lost(const struct sim_sentinel *s, const struct sim_msg *msg)
{
    return s->sim->setup.mutant == SIM_MUTANT_DEAF && s->sim->now > s->sim->setup.faults_from &&
           (msg->word == SIM_INFO_TEXT || msg->word == SIM_ROLE_IS);
}

void sim_links_heard(struct sim_sentinel *s, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct sim_link *link = conn->user[0];
    struct vd_event event = {0};

    if (link == NULL || is_lost(s, msg))
        return;
    if (link->kind == VD_LINK_SUBSCRIBE && msg->word == SIM_DONE) { /* -NOAUTH to SUBSCRIBE */
        sim_close(conn, 0);
        lose(s, link, VD_DOWN_AUTH);
        return;
    }
    if (msg->word != SIM_MESSAGE) {
        if (link->pending == 0)
            sim_fail(s->sim, "%s hears an answer to nothing", s->host->name);
        else
            link->pending--;
    }
    switch ((int)msg->word) {
    case SIM_PONG:
        event.type = VD_EV_PONG;
        event.pong.link = link->handle;
        event.pong.ticket.n = msg->ticket;
        event.pong.kind = (enum vd_pong)msg->kind;
        event.pong.text = "reply";
        if (msg->kind == VD_PONG_OK)
            sim_conduct_on_pong(s->sim, s, link->to);
        break;
    case SIM_INFO_TEXT:
        take_info(s, link, msg, &event);
        break;
    case SIM_ROLE_IS:
        event.type = VD_EV_ROLE;
        event.role.link = link->handle;
        event.role.ticket.n = msg->ticket;
        event.role.role = (enum vd_role)msg->kind;
        if (msg->addr != NULL)
            event.role.primary = msg->addr->addr;
        break;
    case SIM_ANSWER:
        event.type = VD_EV_ANSWER;
        event.answer.link = link->handle;
        event.answer.ticket.n = msg->ticket;
        event.answer.ok = msg->ok;
        event.answer.down = msg->kind != 0;
        event.answer.leader = msg->id;
        event.answer.leader_epoch = msg->epoch;
        break;
    case SIM_MESSAGE:
        if (!take_hello(s, link, msg, &event))
            return;
        break;
    default:
        event.type = VD_EV_ACK;
        event.ack.link = link->handle;
        event.ack.ticket.n = msg->ticket;
        event.ack.ok = msg->ok;
        event.ack.text = msg->ok ? NULL : "ERR refused";
        break;
    }
    sim_sentinel_push(s, &event);
}
