/* SPDX-License-Identifier: BSD-3-Clause */
/* Health: see health.h. */
#include "core/health.h"

#include "core/emit.h"
#include "core/link.h"
#include "core/notice.h"
#include "core/probe.h"

#define JUST_LOST_MS 250

vd_ms vd_ping_period(const struct vd_core *core, vd_ms down_after_ms)
{
    /* differs: down-after / 5 where Sentinel sends once a second whatever the setting. */
    vd_ms period = vd_min_ms(core->globals.ping_period_ms, down_after_ms / 5);

    return vd_max_ms(period, VD_PING_LEAST_MS);
}

void vd_pulse_on_lost(const struct vd_core *core, struct vd_pulse *pulse,
                      enum vd_down_reason reason)
{
    pulse->ticket.n = 0;
    /* Our own lack of descriptors says nothing about the other side. */
    if (pulse->silent_since == VD_NEVER && reason != VD_DOWN_LIMIT)
        pulse->silent_since = core->now;
    /* A dead process does not live again because its host or its name is gone as well. */
    if (reason == VD_DOWN_TIMEOUT || reason == VD_DOWN_UNRESOLVED || reason == VD_DOWN_LIMIT)
        return;
    if (reason != VD_DOWN_REFUSED)
        pulse->refused_since = VD_NEVER;
    else if (pulse->refused_since == VD_NEVER)
        pulse->refused_since = core->now;
}

static vd_ms not_before_waking(const struct vd_core *core, vd_ms since)
{
    /* differs: no TILT; what aged while the loop was away is counted again from the waking. */
    return since == VD_NEVER ? VD_NEVER : vd_max_ms(since, core->awake_since);
}

vd_ms vd_pulse_silent_since(const struct vd_core *core, const struct vd_pulse *pulse)
{
    vd_ms since = pulse->silent_since;

    return since == VD_NEVER ? VD_NEVER : not_before_waking(core, vd_core_left_at(core, since));
}

vd_ms vd_pulse_counts_from(const struct vd_core *core, const struct vd_wire *wire,
                           const struct vd_pulse *pulse, vd_ms after_ms)
{
    vd_ms since = vd_pulse_silent_since(core, pulse);
    vd_ms tells_from = vd_wire_tells_from(core, wire);

    return since == VD_NEVER || tells_from == VD_NEVER ? since
                                                       : vd_max_ms(since, tells_from - after_ms);
}

static void pulse_on_pong(struct vd_core *core, struct vd_wire *wire, struct vd_pulse *pulse,
                          const struct vd_event *event)
{
    enum vd_pong kind = event->pong.kind;
    /* differs: on a data node a refused password is the operator's mistake, not a death. */
    bool auth_is_life = wire->node != NULL;

    if (pulse->ticket.n == event->pong.ticket.n)
        pulse->ticket.n = 0;
    pulse->reply_at = core->now;
    wire->heard_at = core->now;
    wire->dropped = 0;
    if (kind == VD_PONG_OK && pulse->sent_at != VD_NEVER)
        pulse->rtt_ms = core->now - pulse->sent_at;
    if (kind == VD_PONG_OK || kind == VD_PONG_LOADING || kind == VD_PONG_MASTERDOWN ||
        (kind == VD_PONG_AUTH && auth_is_life)) {
        pulse->ok_at = core->now;
        pulse->silent_since = VD_NEVER;
    } else if (pulse->silent_since == VD_NEVER) {
        pulse->silent_since = core->now;
    }
    if (kind == VD_PONG_AUTH && pulse->kind != VD_PONG_AUTH && wire->node != NULL)
        vd_notice_node(core, VD_N_REMARK, wire->node,
                       "refuses our credentials (%s): check auth-user and auth-pass",
                       event->pong.text != NULL ? event->pong.text : "NOAUTH");
    pulse->kind = kind;
}

static void kill_script_of(struct vd_core *core, struct vd_node *node)
{
    /* BUSY: a script hangs in it. Once per S_DOWN, and only then, ask it to stop. */
    if (node->s_down_at == VD_NEVER || node->script_kill_sent || !node->command.up)
        return;
    (void)vd_emit_send(core, &node->command, VD_RQ_SCRIPT_KILL);
    node->script_kill_sent = true;
}

static bool is_heard(const struct vd_core *core, const struct vd_node *node)
{
    vd_ms period = vd_ping_period(core, node->group->options.down_after_ms);

    return node->s_down_at == VD_NEVER &&
           core->now - node->pulse.ok_at <= vd_max_ms(2 * period, 500);
}

void vd_health_on_pong(struct vd_core *core, const struct vd_event *event)
{
    struct vd_wire *wire = vd_wire_find(core, event->pong.link);
    struct vd_node *node;
    bool is_usual;

    if (wire == NULL || wire->pending == 0)
        return;
    wire->pending--;
    if (wire->peer != NULL) {
        bool was_silent = wire->peer->pulse.silent_since != VD_NEVER;
        struct vd_opinion *opinion;

        pulse_on_pong(core, wire, &wire->peer->pulse, event);
        vd_heap_set(&core->peer_due, &wire->peer->due, core->now);
        if (!was_silent)
            return;
        DL_FOREACH2 (wire->peer->opinions, opinion, peer_next) {
            if (opinion->s_down_at != VD_NEVER)
                vd_group_touch(core, opinion->group);
        }
        return;
    }
    node = wire->node;
    if (node == NULL)
        return;
    /* The same as a second ago: nobody who asks whether it is heard gets another answer. */
    is_usual = is_heard(core, node) && node->reboot_at == VD_NEVER &&
               node->group->failover.state == VD_FO_NONE && node->pulse.kind == VD_PONG_OK &&
               event->pong.kind == VD_PONG_OK;
    pulse_on_pong(core, wire, &node->pulse, event);
    if (event->pong.kind == VD_PONG_OK)
        node->reboot_at = VD_NEVER;
    if (event->pong.kind == VD_PONG_BUSY)
        kill_script_of(core, node);
    if (is_usual)
        vd_probe_expect_ping(core, node);
    else
        vd_group_touch(core, node->group);
}

/*
 * One reason to be down: has its instant come, and if not, when will it?
 * Taken only when time counts; kept (`was_down`) whenever it still holds.
 */
static bool is_due(const struct vd_core *core, bool was_down, vd_ms since, vd_ms after_ms,
                   vd_ms *next)
{
    if (since == VD_NEVER)
        return false;
    if (was_down ? core->now - since >= after_ms : vd_core_is_overdue(core, since + after_ms))
        return true;
    *next = vd_min_ms(*next, vd_core_look_at(core, since + after_ms));
    return false;
}

static bool follows_own_replica(const struct vd_node *primary)
{
    const struct vd_node *other =
        primary->follows.port != 0 ? vd_node_find(primary->group, &primary->follows) : NULL;

    return other != NULL && other != primary && other->role == VD_ROLE_REPLICA;
}

static bool primary_is_down(const struct vd_core *core, const struct vd_node *node, vd_ms *next)
{
    const struct vd_options *options = &node->group->options;
    vd_ms demoted_after = options->down_after_ms;
    bool was_down = node->s_down_at != VD_NEVER;
    bool down = node->empty_restart;

    /* differs: one that follows a replica of its own is nobody's primary: a switchover was cut off.
     */
    if (!follows_own_replica(node))
        demoted_after += 2 * core->globals.info_period_ms;
    if (node->role == VD_ROLE_REPLICA)
        down |= is_due(core, was_down, not_before_waking(core, node->role_at), demoted_after, next);
    if (options->reboot_down_after_ms != 0)
        down |= is_due(core, was_down, not_before_waking(core, node->reboot_at),
                       options->reboot_down_after_ms, next);
    return down;
}

vd_ms vd_health_node(struct vd_core *core, struct vd_node *node)
{
    const struct vd_options *options = &node->group->options;
    const struct vd_pulse *pulse = &node->pulse;
    bool was_down = node->s_down_at != VD_NEVER;
    vd_ms silence = was_down
                        ? vd_pulse_silent_since(core, pulse)
                        : vd_pulse_counts_from(core, &node->command, pulse, options->down_after_ms);
    vd_ms next = INT64_MAX;
    bool down;

    down = is_due(core, was_down, silence, options->down_after_ms, &next);
    /* differs: a port that refuses at a host that answers is a dead process. */
    if (options->down_after_refused_ms != 0)
        down |= is_due(core, was_down, not_before_waking(core, pulse->refused_since),
                       options->down_after_refused_ms, &next);
    if (vd_node_is_primary(node))
        down |= primary_is_down(core, node, &next);
    if (down && node->s_down_at == VD_NEVER) {
        node->s_down_at = core->now;
        vd_notice_node(core, VD_N_SDOWN, node, "%s", "");
    } else if (!down && node->s_down_at != VD_NEVER) {
        node->s_down_at = VD_NEVER;
        node->script_kill_sent = false;
        vd_notice_node(core, VD_N_SUP, node, "%s", "");
    }
    return next;
}

vd_ms vd_health_opinion(struct vd_core *core, struct vd_opinion *opinion)
{
    const struct vd_peer *peer = opinion->peer;
    vd_ms after_ms = opinion->group->options.down_after_ms;
    bool was_down = opinion->s_down_at != VD_NEVER;
    vd_ms silence = was_down ? vd_pulse_silent_since(core, &peer->pulse)
                             : vd_pulse_counts_from(core, &peer->wire, &peer->pulse, after_ms);
    vd_ms next = INT64_MAX;
    bool down = is_due(core, was_down, silence, after_ms, &next);

    if (down && opinion->s_down_at == VD_NEVER) {
        opinion->s_down_at = core->now;
        vd_notice_peer(core, VD_N_SDOWN, opinion, "%s", "");
    } else if (!down && opinion->s_down_at != VD_NEVER) {
        opinion->s_down_at = VD_NEVER;
        vd_notice_peer(core, VD_N_SUP, opinion, "%s", "");
    }
    return next;
}

bool vd_opinion_is_usable(const struct vd_opinion *opinion)
{
    return opinion->s_down_at == VD_NEVER && opinion->peer->wire.up;
}

bool vd_health_reaches(const struct vd_core *core, const struct vd_node *node)
{
    return node->command.up && is_heard(core, node);
}

bool vd_health_just_lost(const struct vd_core *core, const struct vd_node *node)
{
    return !node->command.up && node->pulse.refused_since == VD_NEVER &&
           vd_elapsed(core->now, node->command.lost_since, INT64_MAX) <= JUST_LOST_MS;
}

bool vd_health_reached(const struct vd_core *core, const struct vd_node *node)
{
    return is_heard(core, node) && (node->command.up || vd_health_just_lost(core, node));
}

enum vd_health vd_health_of(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_pulse *pulse = &node->pulse;
    vd_ms period = vd_ping_period(core, node->group->options.down_after_ms);

    if (node->empty_restart)
        return VD_HEALTH_REBOOTED;
    if (pulse->refused_since != VD_NEVER)
        return VD_HEALTH_REFUSED;
    if (pulse->kind == VD_PONG_BUSY && pulse->silent_since != VD_NEVER)
        return VD_HEALTH_BUSY;
    if (node->s_down_at != VD_NEVER)
        return VD_HEALTH_SILENT;
    if (pulse->silent_since != VD_NEVER && core->now - pulse->silent_since > period)
        return VD_HEALTH_SLOW;
    if (pulse->kind == VD_PONG_NONE)
        return VD_HEALTH_UNKNOWN;
    if (pulse->kind == VD_PONG_AUTH)
        return VD_HEALTH_AUTH;
    return pulse->kind == VD_PONG_LOADING ? VD_HEALTH_LOADING : VD_HEALTH_UP;
}
