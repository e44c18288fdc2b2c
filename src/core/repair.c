/* SPDX-License-Identifier: BSD-3-Clause */
/* Repair: see repair.h. PROTOCOL facts: +convert-to-slave, +fix-slave-config. */
#include "core/repair.h"

#include "core/election.h"
#include "core/guard.h"
#include "core/maintenance.h"
#include "core/names.h"
#include "core/notice.h"
#include "core/reconf.h"

#define AGAIN_MS 1000  /* an order that did not help is given again after this */
#define SUDDEN_MS 2000 /* one promoted before our eyes may have a leader that tells us soon */
#define FOLLOWS_OTHER_MS 1000 /* a replica of another node of the group may be turned just now */

static bool primary_looks_sane(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_node *primary = group->primary;

    return primary->role == VD_ROLE_PRIMARY && primary->s_down_at == VD_NEVER &&
           vd_node_has_told(primary) && !primary->reboot_review && !primary->loading &&
           vd_elapsed(core->now, primary->info_at, INT64_MAX) <= 2 * core->globals.info_period_ms;
}

/* May anybody be turned in this group now? */
static bool is_quiet(const struct vd_core *core, const struct vd_node *node, vd_ms *next)
{
    const struct vd_group *group = node->group;
    enum vd_failover_state state = group->failover.state;

    if (state != VD_FO_NONE && (state != VD_FO_RECONF_SLAVES || node->reconf != VD_RECONF_DONE))
        return false;
    if (vd_election_is_following(core, group, next) || vd_maintenance_is_on(core, group))
        return false;
    return primary_looks_sane(core, group) && vd_guard_config_is_shared(core, group);
}

/* What is wrong with it, since when, and how long that may last; VD_NEVER: nothing. */
static vd_ms wrong_since(struct vd_core *core, struct vd_node *node, vd_ms *grace_ms)
{
    const struct vd_group *group = node->group;
    const struct vd_node *above;
    vd_ms since = node->follows_at;

    if (node->role == VD_ROLE_PRIMARY) {
        /* differs: demoted at first sight, not after 8 s, unless someone may be promoting it. */
        *grace_ms = node->rogue_sudden ? SUDDEN_MS : 0;
        return node->role_at;
    }
    if (node->role != VD_ROLE_REPLICA || node->follows.port == 0)
        return VD_NEVER;
    if (!vd_names_complete(core, &node->follows))
        return VD_NEVER; /* a name that is being looked up */
    if (vd_addr_equal(&node->follows, &group->primary->addr))
        return VD_NEVER;
    above = vd_node_find(group, &node->follows);
    *grace_ms = above != NULL ? FOLLOWS_OTHER_MS : group->options.failover_timeout_ms;
    /* A stranger until now, whom it followed with the stranger's data perhaps. */
    if (above != NULL)
        since = vd_max_ms(since, above->created_at);
    /* Right after a switch the leader is turning it: its time counts from there. */
    if (group->switch_count != 0)
        since = vd_max_ms(since, group->switches[0]);
    return since;
}

/* Has the last order helped? And is a replica still what it was before it was wrong? */
static bool must_tell(const struct vd_node *node, vd_ms since)
{
    if (node->turn_sent_at != VD_NEVER && node->info_at <= node->turn_sent_at)
        return true;
    return node->role == VD_ROLE_REPLICA && node->info_at < since;
}

vd_ms vd_repair_node(struct vd_core *core, struct vd_node *node)
{
    vd_ms next = INT64_MAX;
    vd_ms grace_ms = 0;
    vd_ms since;
    vd_ms at;

    if (vd_node_is_primary(node) || !vd_node_has_told(node) || node->turn_ticket.n != 0)
        return INT64_MAX;
    since = wrong_since(core, node, &grace_ms);
    if (since == VD_NEVER || !is_quiet(core, node, &next))
        return next;
    at = vd_max_ms(since, core->awake_since) + grace_ms;
    if (node->turn_sent_at != VD_NEVER)
        at = vd_max_ms(at, node->turn_sent_at + AGAIN_MS);
    /* Nobody is turned on what was known before the rest of the inbox was read. */
    if (at > core->now || !core->time_counts)
        return vd_min_ms(at, next);
    if (must_tell(node, since)) {
        /* Asked once a second: it may not want to. */
        at = vd_elapsed(core->now, node->info_sent_at, INT64_MAX) < AGAIN_MS
                 ? node->info_sent_at + AGAIN_MS
                 : core->now + AGAIN_MS;
        node->info_wanted |= core->now - node->info_sent_at >= AGAIN_MS;
        return at;
    }
    if (vd_guard_spares(core, node) || vd_guard_leaves_alone(core, node))
        return core->now + AGAIN_MS;
    vd_notice_node(core, node->role == VD_ROLE_PRIMARY ? VD_N_CONVERT : VD_N_FIX, node, "%s", "");
    vd_reconf_turn(core, node);
    return core->now + AGAIN_MS;
}
