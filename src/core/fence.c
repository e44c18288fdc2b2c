/* SPDX-License-Identifier: BSD-3-Clause */
/* Fence: see fence.h. */
#include "core/fence.h"

#include "core/emit.h"
#include "core/guard.h"
#include "core/health.h"
#include "core/notice.h"
#include "core/quorum.h"

#define RENEW_MS 1000
#define HOLD_MS 3000 /* outlives two renewals that get lost */

static bool is_isolated(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_node *primary = group->primary;
    const struct vd_node *node;

    if (group->node_count < 2 || group->failover.state != VD_FO_NONE ||
        primary->role != VD_ROLE_PRIMARY || !vd_health_reaches(core, primary) ||
        vd_quorum_usable(group) >= vd_quorum_needed(group))
        return false;
    DL_FOREACH (group->nodes, node) {
        if (node != primary && node->command.up && node->s_down_at == VD_NEVER)
            return false;
    }
    return true;
}

static void hold(struct vd_core *core, struct vd_group *group)
{
    struct vd_effect *effect = vd_emit_send(core, &group->primary->command, VD_RQ_PAUSE);

    effect->send.pause_ms = HOLD_MS;
    if (group->fenced == NULL)
        group->fence = VD_FENCE_ASKED;
    group->fenced = group->primary;
    group->fenced_at = core->now;
    group->fence_ticket = effect->send.ticket;
}

static void lift(struct vd_core *core, struct vd_group *group)
{
    if (group->fenced->command.up)
        (void)vd_emit_send(core, &group->fenced->command, VD_RQ_UNPAUSE);
    if (group->fence == VD_FENCE_HOLDS)
        vd_notice_node(core, VD_N_UNFENCED, group->fenced, "%s", "");
    group->fenced = NULL;
    group->fence_ticket.n = 0;
}

bool vd_fence_on_ack(struct vd_core *core, struct vd_node *node, const struct vd_event *event)
{
    struct vd_group *group = node->group;
    enum vd_fence before = group->fence;

    if (group->fence_ticket.n == 0 || group->fence_ticket.n != event->ack.ticket.n)
        return false;
    VD_ASSERT(node == group->fenced);
    group->fence_ticket.n = 0;
    vd_group_touch(core, group);
    group->fence = event->ack.ok ? VD_FENCE_HOLDS : VD_FENCE_REFUSED;
    if (group->fence == before)
        return true;
    if (group->fence == VD_FENCE_HOLDS) {
        vd_notice_node(core, VD_N_FENCED, node, "%s", "");
        return true;
    }
    if (before == VD_FENCE_HOLDS)
        vd_notice_node(core, VD_N_UNFENCED, node, "%s", "");
    vd_notice_node(core, VD_N_REMARK, node, "is cut off with us, but does not hold writes back: %s",
                   event->ack.text != NULL ? event->ack.text : "no reason given");
    return true;
}

vd_ms vd_fence_tick(struct vd_core *core, struct vd_group *group)
{
    bool isolated = group->options.fence_isolated_primary && is_isolated(core, group);
    vd_ms grace_ms = group->options.down_after_ms / 4;

    if (!isolated)
        group->isolated_since = VD_NEVER;
    else if (group->isolated_since == VD_NEVER)
        group->isolated_since = core->now;
    if (group->fenced != NULL && group->fenced != group->primary) {
        /* It has a successor: held back until it is a replica, or the pause ends. */
        if (group->fenced->role == VD_ROLE_REPLICA || core->now - group->fenced_at >= HOLD_MS)
            lift(core, group);
        return group->fenced == NULL ? INT64_MAX : group->fenced_at + HOLD_MS;
    }
    if (group->fenced != NULL && !isolated &&
        (!group->options.fence_isolated_primary || vd_guard_config_is_shared(core, group) ||
         !vd_health_reaches(core, group->primary))) {
        lift(core, group);
        return INT64_MAX;
    }
    if (group->fenced == NULL) {
        if (!isolated)
            return INT64_MAX;
        if (core->now - group->isolated_since < grace_ms || !core->time_counts)
            return group->isolated_since + grace_ms;
    } else if (core->now - group->fenced_at < RENEW_MS) {
        return group->fenced_at + RENEW_MS;
    }
    if (!group->primary->command.up)
        return core->now + RENEW_MS;
    hold(core, group);
    return core->now + RENEW_MS;
}
