/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes: see probe.h. */
#include "core/probe.h"

#include "base/text.h"
#include "core/emit.h"
#include "core/guard.h"
#include "core/handover.h"
#include "core/health.h"

#define PENDING_MAX 100 /* requests without reply on a link */
#define PEER_PENDING 4  /* ... to a peer, for each group, more: a PING stands behind them */
#define INFO_HURRIED_MS 1000
#define INFO_CROWD_EACH_MS 4    /* that is added for each that is lost ... */
#define INFO_CROWD_MOST_MS 4000 /* ... and not so long that what it says is out of date */
#define SPARE_PERIODS 5         /* of hellos that come by another way, too */
#define SILENT_PERIODS 2        /* without any there, and that way is in doubt */
#define LOOK_AGAIN_MS 1000      /* no later than a link without replies is given up, see link.c */

/*
 * Groups that are due within a slot are served in one turn, and most replies to
 * it are there when the loop looks again: every waking costs as much as several
 * requests. A slot is as long as it takes about SLOT_GROUPS groups to fall due,
 * so that no turn lasts long however many there are; and where all fit into
 * one, there is nothing to gather.
 */
#define SLOT_GROUPS 25
#define SLOT_LEAST_MS 10
#define SLOT_MOST_MS 50

static vd_ms slot_ms(const struct vd_core *core)
{
    vd_ms count = (vd_ms)HASH_COUNT(core->groups);

    if (count <= SLOT_GROUPS)
        return SLOT_LEAST_MS;
    return vd_max_ms(vd_min_ms(SLOT_GROUPS * core->globals.ping_period_ms / count, SLOT_MOST_MS),
                     SLOT_LEAST_MS);
}

/* The first instant after `last` on the grid of `period` with this phase; at once if there was
 * none. `grid` keeps it: it is asked for in every turn, and the divisions cost more than the rest
 * of a quiet one. */
static vd_ms next_on_grid(const struct vd_core *core, struct vd_grid *grid, vd_ms last,
                          vd_ms period, uint64_t phase)
{
    vd_ms slot;
    vd_ms offset;
    vd_ms behind;

    if (last == VD_NEVER)
        return core->now;
    if (grid->last == last && grid->period == period)
        return grid->next;
    slot = slot_ms(core);
    offset = (vd_ms)(phase % (uint64_t)period) / slot * slot;
    behind = (last - offset) % period;
    if (behind < 0)
        behind += period;
    *grid = (struct vd_grid){.last = last, .period = period, .next = last - behind + period};
    return grid->next;
}

static const char *announced_ip(const struct vd_core *core, const struct vd_wire *wire)
{
    if (core->globals.announce_ip != NULL && core->globals.announce_ip[0] != '\0')
        return core->globals.announce_ip;
    return wire->local_ip;
}

static void send_hello(struct vd_core *core, struct vd_wire *wire, struct vd_group *group)
{
    struct vd_hello *hello = vd_arena_alloc(&core->out->arena, sizeof(*hello));
    const struct vd_addr *primary = &group->primary->addr;
    const char *ip = announced_ip(core, wire);
    struct vd_effect *effect;

    if (!vd_copy(hello->peer.host, sizeof(hello->peer.host), ip) || ip[0] == '\0')
        return; /* nothing to say who we are: others would drop it */
    hello->peer.port =
        core->globals.announce_port != 0 ? core->globals.announce_port : core->globals.listen_port;
    hello->id = core->self;
    hello->epoch = core->epoch;
    VD_ASSERT(vd_copy(hello->group, sizeof(hello->group), group->name));
    VD_ASSERT(
        vd_copy(hello->primary.host, sizeof(hello->primary.host), vd_addr_shown(core, primary)));
    hello->primary.port = primary->port;
    hello->config_epoch = group->config_epoch;
    effect = vd_emit_send(core, wire, VD_RQ_HELLO);
    effect->send.hello = hello;
}

static void send_ping(struct vd_core *core, struct vd_wire *wire, struct vd_pulse *pulse)
{
    struct vd_effect *effect = vd_emit_send(core, wire, VD_RQ_PING);

    pulse->ticket = effect->send.ticket;
    pulse->sent_at = core->now;
    if (pulse->silent_since == VD_NEVER)
        pulse->silent_since = core->now; /* until the reply */
}

static vd_ms probe_pulse(struct vd_core *core, struct vd_wire *wire, struct vd_pulse *pulse,
                         vd_ms down_after_ms, uint64_t phase)
{
    vd_ms period = vd_ping_period(core, down_after_ms);
    vd_ms due;

    if (pulse->ticket.n != 0)
        return INT64_MAX; /* its reply, or the death of the link, comes first */
    due = next_on_grid(core, &pulse->grid, pulse->sent_at, period, phase);
    if (due > core->now)
        return due;
    send_ping(core, wire, pulse);
    /* Links and health were looked at before it was sent: without a reply, look again in time. */
    return core->now + vd_min_ms(down_after_ms, vd_max_ms(LOOK_AGAIN_MS, down_after_ms / 2));
}

/*
 * differs: what is asked in a hurry when hundreds are lost at once hinders those
 * who replace them. Whoever stands for election asks at that moment.
 */
static vd_ms crowd_ms(const struct vd_core *core)
{
    return vd_min_ms((vd_ms)core->lost_wires * INFO_CROWD_EACH_MS, INFO_CROWD_MOST_MS);
}

bool vd_probe_is_crowded(const struct vd_core *core)
{
    return crowd_ms(core) > INFO_HURRIED_MS;
}

/* Replicas are asked more often while something is going on. */
static vd_ms info_period(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_group *group = node->group;
    bool trouble = group->primary->s_down_at != VD_NEVER || group->primary->o_down_at != VD_NEVER;
    bool changes = group->failover.state != VD_FO_NONE || node->reconf == VD_RECONF_SENT ||
                   node->reconf == VD_RECONF_INPROG;
    vd_ms hurried = vd_min_ms(core->globals.info_period_ms, INFO_HURRIED_MS);

    if (node->follow_pending && node->role == VD_ROLE_REPLICA)
        return hurried;
    /* So is a primary that says that it is a replica: it may be made one again. */
    if (vd_node_is_primary(node) && node->role != VD_ROLE_REPLICA && !node->loading &&
        !node->reboot_review)
        return core->globals.info_period_ms;
    if (changes || node->loading || node->reboot_review)
        return hurried;
    if (trouble || !node->link_up)
        return vd_min_ms(core->globals.info_period_ms, vd_max_ms(hurried, crowd_ms(core)));
    return core->globals.info_period_ms;
}

static vd_ms probe_info(struct vd_core *core, struct vd_node *node)
{
    struct vd_effect *effect;
    vd_ms due;

    if (node->info_ticket.n != 0)
        return INT64_MAX;
    due = next_on_grid(core, &node->info_grid, node->info_sent_at, info_period(core, node),
                       node->group->phase);
    if (!node->info_wanted && due > core->now)
        return due;
    node->info_wanted = false;
    node->info_sent_at = core->now;
    effect = vd_emit_send(core, &node->command, VD_RQ_INFO);
    node->info_ticket = effect->send.ticket;
    return INT64_MAX;
}

/* Each other sentinel of the group hears us on its own link, and we hear it. */
static bool all_hear_us(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_opinion *opinion;

    DL_FOREACH (group->opinions, opinion) {
        if (!opinion->peer->wire.up || !opinion->heard || !vd_guard_is_recent(core, opinion))
            return false;
    }
    return group->opinions != NULL;
}

/*
 * differs: to a replica in step the primary's stream brings what is published
 * there, to a hundredth of a second; of what Sentinel sends a second time most
 * is left out. Once its stream or the primary is in doubt, all is sent: INFO
 * calls a stream up for a minute (repl-timeout) after it was cut silently, but
 * then our subscription there has fallen silent as well.
 */
static bool comes_by_stream(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_node *primary = node->group->primary;

    return node->role == VD_ROLE_REPLICA && node->link_up && node->s_down_at == VD_NEVER &&
           vd_addr_equal(&node->follows, &primary->addr) && vd_health_reaches(core, primary) &&
           primary->role == VD_ROLE_PRIMARY && !vd_handover_mutes(primary) &&
           core->now - node->subscribe.heard_at <= SILENT_PERIODS * core->globals.publish_period_ms;
}

/*
 * differs: what is published at a server tells strangers who we are, and
 * subscriptions that they live. To those whom we know it is said on their own
 * links, every period; when all of them are there, any sentinel's hello of the
 * last period will do for the subscriptions, and ours follows when it was the
 * last one: at the primary, and at replicas that do not get it from there.
 * Sentinels that meet tell each other at once (vd_opinion_add).
 */
static vd_ms hello_due(const struct vd_core *core, struct vd_node *node)
{
    vd_ms period = core->globals.publish_period_ms;
    vd_ms last = node->hello_sent_at;

    if (comes_by_stream(core, node))
        period *= SPARE_PERIODS;
    else if (last != VD_NEVER && node->subscribe.up && all_hear_us(core, node->group))
        last = vd_min_ms(vd_max_ms(last, node->subscribe.heard_at + period - 1),
                         last + (SPARE_PERIODS - 1) * period);
    return next_on_grid(core, &node->hello_grid, last, period, node->group->phase);
}

vd_ms vd_probe_node(struct vd_core *core, struct vd_node *node)
{
    uint64_t phase = node->group->phase;
    vd_ms next;
    vd_ms due;

    if (!node->command.up)
        return INT64_MAX;
    /* One at a time, and never held back: silence counts from it. */
    next =
        probe_pulse(core, &node->command, &node->pulse, node->group->options.down_after_ms, phase);
    if (node->command.pending >= PENDING_MAX)
        return next;
    next = vd_min_ms(next, probe_info(core, node));
    due = hello_due(core, node);
    if (vd_handover_mutes(node))
        return next; /* its end touches the group */
    if (node->hello_wanted || due <= core->now) {
        node->hello_wanted = false;
        node->hello_sent_at = core->now;
        send_hello(core, &node->command, node->group);
        due = hello_due(core, node);
    }
    return vd_min_ms(next, due);
}

vd_ms vd_probe_opinion(struct vd_core *core, struct vd_opinion *opinion)
{
    struct vd_peer *peer = opinion->peer;
    vd_ms due;

    if (!peer->wire.up || peer->wire.pending >= PENDING_MAX + PEER_PENDING * peer->opinion_count)
        return INT64_MAX;
    due = next_on_grid(core, &opinion->hello_grid, opinion->hello_sent_at,
                       core->globals.publish_period_ms, opinion->group->phase);
    if (!opinion->hello_wanted && due > core->now)
        return due;
    opinion->hello_wanted = false;
    opinion->hello_sent_at = core->now;
    send_hello(core, &peer->wire, opinion->group);
    return next_on_grid(core, &opinion->hello_grid, core->now, core->globals.publish_period_ms,
                        opinion->group->phase);
}

vd_ms vd_probe_peer(struct vd_core *core, struct vd_peer *peer)
{
    if (!peer->wire.up)
        return INT64_MAX;
    return probe_pulse(core, &peer->wire, &peer->pulse, peer->down_after_ms, peer->phase);
}

void vd_probe_expect_ping(struct vd_core *core, struct vd_node *node)
{
    struct vd_group *group = node->group;
    struct vd_pulse *pulse = &node->pulse;
    vd_ms due = next_on_grid(core, &pulse->grid, pulse->sent_at,
                             vd_ping_period(core, group->options.down_after_ms), group->phase);

    /* What was held back for want of replies has room again. */
    if (node->command.pending + 1 >= PENDING_MAX)
        due = core->now;
    vd_group_settle_by(core, group, vd_max_ms(due, core->now));
}

void vd_probe_want_hello(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;
    struct vd_opinion *opinion;

    /* A wish of its own, not a back-dated timer: a PUBLISH in flight cannot swallow it. */
    DL_FOREACH (group->nodes, node) {
        node->hello_wanted = true;
    }
    DL_FOREACH (group->opinions, opinion) {
        opinion->hello_wanted = true;
    }
    vd_group_touch(core, group);
}

void vd_probe_want_info(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        node->info_wanted = true;
    }
    vd_group_touch(core, group);
}
