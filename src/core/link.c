/* SPDX-License-Identifier: BSD-3-Clause */
/* Links: see link.h. PROTOCOL facts: Sentinel's links, their opening and dropping. */
#include "core/link.h"

#include <stdio.h>

#include "base/text.h"
#include "core/emit.h"
#include "core/handover.h"
#include "core/health.h"
#include "core/notice.h"
#include "core/places.h"

#define RETRY_LEAST_MS 20
#define RETRY_MOST_MS 1000
#define AWAITED_MOST_MS 100 /* of a primary that is not counted as down yet */
#define STEADY_MS 1000      /* a link that lived this long was a good one: raise it again at once */

#define PATIENCE_MS 100 /* with a link that is being opened, or is newly up */

/*
 * What is down must cost less than what is up: all that is lost is dialled
 * once in so many milliseconds a piece, but no less often than judging it asks for.
 */
#define LOST_EACH_MS 1
#define LOST_DOWN_EACH_MS 4 /* what is down already: others need the processor to replace it */
#define LOST_DOWN_MOST_MS 10000

struct vd_wire *vd_wire_find(const struct vd_core *core, vd_link link)
{
    return vd_handles_find(&core->wires, link.n);
}

static const struct vd_addr *wire_addr(const struct vd_wire *wire)
{
    return wire->node != NULL ? &wire->node->addr : &wire->peer->addr;
}

static void set_lost(struct vd_core *core, struct vd_wire *wire, bool is_lost)
{
    if (wire->is_lost == is_lost)
        return;
    wire->is_lost = is_lost;
    if (wire->kind == VD_LINK_SUBSCRIBE)
        return; /* it is not dialled while the other is lost */
    if (is_lost)
        core->lost_wires++;
    else
        core->lost_wires--;
}

static struct vd_pulse *wire_pulse(struct vd_wire *wire)
{
    if (wire->kind == VD_LINK_SUBSCRIBE)
        return NULL;
    return wire->node != NULL ? &wire->node->pulse : &wire->peer->pulse;
}

static vd_ms wire_down_after(const struct vd_wire *wire)
{
    return wire->node != NULL ? wire->node->group->options.down_after_ms
                              : wire->peer->down_after_ms;
}

static void wire_changed(struct vd_core *core, struct vd_wire *wire)
{
    if (wire->node != NULL)
        vd_group_touch(core, wire->node->group);
    else
        vd_heap_set(&core->peer_due, &wire->peer->due, core->now);
}

static void copy_renames(struct vd_core *core, struct vd_effect *effect,
                         const struct vd_options *options)
{
    struct vd_arena *arena = &core->out->arena;
    struct vd_rename *renames;

    if (options->rename_count == 0)
        return;
    renames = vd_arena_alloc(arena, options->rename_count * sizeof(*renames));
    for (size_t i = 0; i < options->rename_count; i++) {
        renames[i].from = vd_arena_strdup(arena, options->renames[i].from);
        renames[i].to = vd_arena_strdup(arena, options->renames[i].to);
    }
    effect->connect.renames = renames;
    effect->connect.rename_count = options->rename_count;
}

/* Whom we have never reached nor missed is not silent before we call. */
static void begin_silence(const struct vd_core *core, struct vd_wire *wire)
{
    struct vd_pulse *pulse = wire_pulse(wire);

    if (pulse != NULL && pulse->silent_since != VD_NEVER && pulse->kind == VD_PONG_NONE &&
        !wire->is_lost)
        pulse->silent_since = core->now;
}

static void raise_wire(struct vd_core *core, struct vd_wire *wire)
{
    struct vd_arena *arena = &core->out->arena;
    struct vd_effect *effect = vd_emit(core, VD_EF_CONNECT, false);
    const char *user = core->globals.sentinel_user;
    const char *pass = core->globals.sentinel_pass;

    VD_ASSERT(wire->link.n == 0);
    if (wire->node != NULL) {
        user = wire->node->group->options.auth_user;
        pass = wire->node->group->options.auth_pass;
        copy_renames(core, effect, &wire->node->group->options);
    }
    begin_silence(core, wire);
    wire->link.n = vd_core_next(core);
    wire->up = false;
    vd_place_leave(core, wire);
    wire->since = core->now;
    wire->pending = 0;
    vd_handles_put(&core->wires, wire->link.n, wire);
    effect->connect.link = wire->link;
    effect->connect.kind = wire->kind;
    effect->connect.addr = *wire_addr(wire);
    effect->connect.user = vd_arena_strdup(arena, user);
    effect->connect.pass = vd_arena_strdup(arena, pass);
    effect->connect.client_name =
        vd_arena_printf(arena, "sentinel-%.8s-%s", core->self.hex,
                        wire->kind == VD_LINK_SUBSCRIBE ? "pubsub" : "cmd");
}

/* What was owed on the link will never come. */
static void forget_owed(struct vd_core *core, struct vd_wire *wire)
{
    struct vd_pulse *pulse = wire_pulse(wire);
    struct vd_opinion *opinion;

    if (pulse != NULL)
        pulse->ticket.n = 0;
    if (wire->kind == VD_LINK_COMMAND) {
        wire->node->info_ticket.n = 0;
        wire->node->turn_ticket.n = 0;
        wire->node->role_ticket.n = 0;
    }
    if (wire->kind == VD_LINK_PEER) {
        VD_ASSERT(wire->peer != NULL);
        DL_FOREACH2 (wire->peer->opinions, opinion, peer_next) {
            vd_opinion_set_asked(core, opinion, (vd_ticket){0});
        }
    }
}

static void release(struct vd_core *core, struct vd_wire *wire)
{
    vd_handles_drop(&core->wires, wire->link.n);
    wire->link.n = 0;
    wire->up = false;
    wire->pending = 0;
    forget_owed(core, wire);
}

/*
 * One that may be back any moment, and empty: its replicas try once a second,
 * and must not find it first. Once it is down it has a successor soon.
 */
static bool is_awaited(const struct vd_wire *wire, enum vd_down_reason reason)
{
    /* One that does not let us in lives, and handshakes have their price. */
    if (reason == VD_DOWN_TLS || reason == VD_DOWN_AUTH || reason == VD_DOWN_LIMIT)
        return false;
    return wire->node != NULL && wire == &wire->node->command && vd_node_is_primary(wire->node) &&
           wire->node->s_down_at == VD_NEVER;
}

/* How long one of many waits for its next attempt. */
static vd_ms crowd_wait(const struct vd_core *core, const struct vd_wire *wire)
{
    bool is_down = wire->node != NULL && wire->node->s_down_at != VD_NEVER;
    vd_ms most = is_down ? LOST_DOWN_MOST_MS : wire_down_after(wire) / 4;
    vd_ms each = is_down ? LOST_DOWN_EACH_MS : LOST_EACH_MS;

    return vd_min_ms((vd_ms)core->lost_wires * each, most);
}

/* The link is gone for a reason of its own: the silence begins here, if it has not yet. */
static void lose(struct vd_core *core, struct vd_wire *wire, enum vd_down_reason reason)
{
    bool was_steady = wire->up && core->now - wire->since >= STEADY_MS;
    bool was_heard = wire->up && wire->heard_at > wire->since;
    vd_ms since = wire->since;
    struct vd_pulse *pulse = wire_pulse(wire);

    /* One that answered is no vain attempt, however short its life: the waiting begins anew. */
    if (was_steady || was_heard)
        wire->lost_since = VD_NEVER;
    release(core, wire);
    if (wire->lost_since == VD_NEVER)
        wire->lost_since = core->now;
    /*
     * differs: a lost link is raised again at once and then every 20 ms at
     * first, not once a second: a primary that is back after 300 ms must be
     * looked at before its replicas do.
     */
    wire->retry_at = core->now;
    if (!was_steady) {
        vd_ms wait = (core->now - wire->lost_since) / 16;
        vd_ms most = is_awaited(wire, reason) ? AWAITED_MOST_MS : RETRY_MOST_MS;

        wait = vd_max_ms(RETRY_LEAST_MS, vd_min_ms(wait, most));
        wire->retry_at += vd_max_ms(wait, crowd_wait(core, wire));
    }
    set_lost(core, wire, true);
    /* One who made the ping period longer than ever is needed (SENTINEL DEBUG) wants it rare. */
    if (core->globals.ping_period_ms > RETRY_MOST_MS)
        wire->retry_at = vd_max_ms(wire->retry_at, since + core->globals.ping_period_ms);
    if (pulse != NULL)
        vd_pulse_on_lost(core, pulse, reason);
    wire_changed(core, wire);
}

/* When the link has hung for so long, a new one is tried. Grows while nothing helps. */
static vd_ms hang_limit(const struct vd_wire *wire)
{
    vd_ms limit = vd_max_ms(1000, wire_down_after(wire) / 2);
    unsigned shift = wire->dropped < 4 ? wire->dropped : 4;

    return limit << shift;
}

static vd_ms connect_limit(const struct vd_wire *wire)
{
    return vd_max_ms(500, vd_min_ms(wire_down_after(wire) / 2, 5000));
}

/* When a connection that is being opened is given up. */
static vd_ms fails_at(const struct vd_core *core, const struct vd_wire *wire)
{
    vd_ms since = vd_max_ms(vd_core_left_at(core, wire->since), core->awake_since);

    return since + connect_limit(wire);
}

/* When an established link is given up for silence; INT64_MAX: it owes nothing. */
static vd_ms hangs_at(const struct vd_core *core, struct vd_wire *wire)
{
    const struct vd_pulse *pulse = wire_pulse(wire);

    if (pulse == NULL) {
        vd_ms since = vd_max_ms(wire->heard_at, wire->since);

        /* Hellos come on it once in two publish periods, ours or another's (probe.c): none in three
         * means a dead subscription. */
        vd_ms silent_at = vd_max_ms(since, core->awake_since) + 3 * core->globals.publish_period_ms;

        if (!wire->node->command.up)
            silent_at += core->globals.min_link_reconnect_ms;
        return vd_max_ms(silent_at, wire->since + core->globals.min_link_reconnect_ms);
    }
    if (pulse->ticket.n == 0)
        return INT64_MAX;
    return vd_max_ms(vd_core_left_at(core, pulse->sent_at), core->awake_since) + hang_limit(wire);
}

static void drop_hung(struct vd_core *core, struct vd_wire *wire, const char *why)
{
    enum vd_notice notice =
        wire->kind == VD_LINK_SUBSCRIBE ? VD_N_SUBSCRIBE_LINK : VD_N_COMMAND_LINK;
    struct vd_effect *effect = vd_emit(core, VD_EF_CLOSE, false);

    effect->close.link = wire->link;
    wire->dropped += wire->up ? 1U : 0U;
    if (wire->node != NULL)
        vd_notice_node(core, notice, wire->node, "#%s", why);
    lose(core, wire, VD_DOWN_TIMEOUT);
}

/* differs: who does not answer requests has no messages either; one attempt tells as much. */
static bool waits_for_command(const struct vd_wire *wire)
{
    return wire->kind == VD_LINK_SUBSCRIBE && wire->is_lost && !wire->node->command.up;
}

vd_ms vd_wire_tick(struct vd_core *core, struct vd_wire *wire)
{
    if (wire->link.n != 0) {
        vd_ms limit_at = wire->up ? hangs_at(core, wire) : fails_at(core, wire);

        if (!vd_core_is_overdue(core, limit_at))
            return vd_core_look_at(core, limit_at);
        drop_hung(core, wire, wire->up ? "silence" : "connect timeout");
    }
    if (wire_addr(wire)->port == 0)
        return INT64_MAX;
    if (wire->retry_at > core->now)
        return wire->retry_at;
    if (waits_for_command(wire))
        return INT64_MAX; /* its link touches the group when it is up */
    if (!vd_place_take(core, wire))
        return INT64_MAX; /* touched when it is called */
    raise_wire(core, wire);
    return fails_at(core, wire);
}

/* It was dialled since it was lost. */
static bool was_tried(const struct vd_wire *wire)
{
    return wire->lost_since != VD_NEVER && wire->since > wire->lost_since;
}

vd_ms vd_wire_tells_from(const struct vd_core *core, const struct vd_wire *wire)
{
    if (wire->dropped != 0)
        return VD_NEVER; /* it was asked, and hung */
    if (wire->link.n == 0 && (wire->place != VD_PLACE_WAITING || was_tried(wire)))
        return VD_NEVER;
    if (wire->link.n == 0)
        return core->now + wire_down_after(wire); /* it is touched when it is called */
    return vd_core_left_at(core, wire->since) + vd_min_ms(PATIENCE_MS, wire_down_after(wire) / 10);
}

void vd_wire_close(struct vd_core *core, struct vd_wire *wire)
{
    if (wire->link.n != 0) {
        struct vd_effect *effect = vd_emit(core, VD_EF_CLOSE, false);

        effect->close.link = wire->link;
        release(core, wire);
    }
    vd_place_leave(core, wire);
    wire->retry_at = core->now;
    wire_changed(core, wire);
}

/* Addresses are given again: a node by another name, not linked, had this ip before. */
static void take_ip(struct vd_core *core, struct vd_node *node, const char *ip)
{
    struct vd_node *other;

    DL_FOREACH (node->group->nodes, other) {
        struct vd_addr addr = other->addr;

        if (other == node || other->command.up || addr.port != node->addr.port ||
            strcmp(addr.ip, ip) != 0 || strcmp(addr.host, ip) == 0)
            continue;
        addr.ip[0] = '\0';
        vd_group_set_address(core, other, &addr);
    }
}

/* A name that resolves to something new: the node keeps its name, its ip follows. */
static void learn_ip(struct vd_core *core, struct vd_wire *wire, const char *ip)
{
    struct vd_addr addr = *wire_addr(wire);
    struct vd_group *group;

    if (ip == NULL || strcmp(addr.ip, ip) == 0 || !vd_copy(addr.ip, sizeof(addr.ip), ip))
        return;
    if (wire->peer != NULL) {
        wire->peer->addr = addr;
        return;
    }
    group = wire->node->group;
    take_ip(core, wire->node, ip);
    vd_group_set_address(core, wire->node, &addr);
    vd_group_dirty(core, group);
}

void vd_link_on_up(struct vd_core *core, const struct vd_event *event)
{
    struct vd_wire *wire = vd_wire_find(core, event->up.link);
    struct vd_pulse *pulse;
    struct vd_opinion *opinion;

    if (wire == NULL || wire->up)
        return;
    wire->up = true;
    begin_silence(core, wire);
    set_lost(core, wire, false);
    wire->since = core->now;
    wire->heard_at = core->now;
    if (event->up.local_ip != NULL && !vd_copy(wire->local_ip, VD_IP_SIZE, event->up.local_ip))
        wire->local_ip[0] = '\0';
    learn_ip(core, wire, event->up.ip);
    pulse = wire_pulse(wire);
    if (pulse != NULL) {
        pulse->refused_since = VD_NEVER;
        pulse->sent_at = VD_NEVER; /* PING at once */
    }
    if (wire->kind == VD_LINK_COMMAND) {
        wire->node->info_wanted = true;
        wire->node->hello_wanted = true;
        vd_handover_release(core, wire->node);
    }
    if (wire->kind == VD_LINK_PEER) {
        DL_FOREACH2 (wire->peer->opinions, opinion, peer_next) {
            opinion->hello_wanted = true;
            opinion->ask_wanted = true;
            vd_group_touch(core, opinion->group);
        }
    }
    wire_changed(core, wire);
}

/* Those who gave this peer their vote must know at once that it cannot use it. */
static void touch_followers(struct vd_core *core, const struct vd_peer *peer)
{
    struct vd_opinion *opinion;

    DL_FOREACH2 (peer->opinions, opinion, peer_next) {
        struct vd_group *group = opinion->group;

        if (group->failover.state != VD_FO_NONE || vd_id_equal(&group->following, &peer->id))
            vd_group_touch(core, group);
    }
}

void vd_link_on_down(struct vd_core *core, const struct vd_event *event)
{
    struct vd_wire *wire = vd_wire_find(core, event->down.link);
    struct vd_node *node;

    if (wire == NULL)
        return;
    node = wire->node;
    if (wire->up && node != NULL)
        vd_notice_node(core,
                       wire->kind == VD_LINK_SUBSCRIBE ? VD_N_SUBSCRIBE_LINK : VD_N_COMMAND_LINK,
                       node, "#%s", event->down.text != NULL ? event->down.text : "closed");
    if (wire->up && wire->kind == VD_LINK_COMMAND && node != NULL && vd_node_is_primary(node)) {
        struct vd_node *other;

        /* What the replicas hold is asked while they still hold it. */
        DL_FOREACH (node->group->nodes, other) {
            other->info_wanted = true;
        }
    }
    lose(core, wire, event->down.reason);
    if (wire->peer != NULL)
        touch_followers(core, wire->peer);
}

void vd_node_close(struct vd_core *core, struct vd_node *node)
{
    vd_wire_close(core, &node->command);
    vd_wire_close(core, &node->subscribe);
}

void vd_node_forget(struct vd_core *core, struct vd_node *node)
{
    vd_node_close(core, node);
    vd_node_drop(core, node);
}

void vd_opinion_forget(struct vd_core *core, struct vd_opinion *opinion)
{
    if (opinion->peer->opinion_count == 1)
        vd_wire_close(core, &opinion->peer->wire);
    vd_opinion_drop(core, opinion);
}

void vd_group_forget(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;
    struct vd_group **at = &core->touched;

    while (group->opinions != NULL)
        vd_opinion_forget(core, group->opinions);
    DL_FOREACH (group->nodes, node) {
        vd_node_close(core, node);
    }
    while (*at != NULL && *at != group)
        at = &(*at)->touched_next;
    if (*at != NULL)
        *at = group->touched_next;
    group->touched = false;
    vd_group_drop(core, group);
}
