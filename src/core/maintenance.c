/* SPDX-License-Identifier: BSD-3-Clause */
/* Maintenance: see maintenance.h. */
#include "core/maintenance.h"

#include "core/emit.h"
#include "core/notice.h"
#include "core/probe.h"

bool vd_maintenance_is_on(const struct vd_core *core, const struct vd_group *group)
{
    return group->paused_until != VD_NEVER && group->paused_until > core->now;
}

/* Sentinels of other makes do not know the command, and refuse it. */
static void tell_peers(struct vd_core *core, struct vd_group *group, vd_ms for_ms)
{
    struct vd_opinion *opinion;

    DL_FOREACH (group->opinions, opinion) {
        struct vd_effect *effect;

        if (!opinion->peer->wire.up)
            continue;
        effect = vd_emit_send(core, &opinion->peer->wire, VD_RQ_MAINTAIN);
        effect->send.group = vd_arena_strdup(&core->out->arena, group->name);
        effect->send.pause_ms = for_ms;
    }
}

static void resume(struct vd_core *core, struct vd_group *group)
{
    group->paused_until = VD_NEVER;
    vd_notice_group(core, VD_N_RESUMED, group, "%s", "");
    vd_probe_want_info(core, group);
}

void vd_maintenance_on_order(struct vd_core *core, struct vd_group *group,
                             const struct vd_order *order, vd_client client)
{
    bool pauses = order->type == VD_ORDER_PAUSE;

    if (pauses) {
        group->paused_until = core->now + order->for_ms;
        group->stand_at = VD_NEVER;
        vd_notice_group(core, VD_N_PAUSED, group, "%lld ms", (long long)order->for_ms);
        vd_group_touch(core, group);
    } else if (group->paused_until != VD_NEVER) {
        resume(core, group);
    }
    if ((order->flags & VD_PAUSE_TELL_PEERS) != 0)
        tell_peers(core, group, pauses ? order->for_ms : 0);
    vd_emit_ok(core, client);
}

vd_ms vd_maintenance_tick(struct vd_core *core, struct vd_group *group)
{
    if (group->paused_until == VD_NEVER)
        return INT64_MAX;
    if (group->paused_until > core->now || !core->time_counts)
        return group->paused_until;
    resume(core, group);
    return INT64_MAX;
}
