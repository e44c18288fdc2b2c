/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guard: see guard.h. The empty restart: a primary without persistence that
 * is killed and restarted before anybody calls it down comes back with a new
 * run id, a new replication id and no keys; its replicas reconnect within a
 * second, take the empty data set over, and everything is lost. Sentinel
 * notices (+reboot) and does nothing.
 */
#include "core/guard.h"

#include "core/lineage.h"
#include "core/notice.h"
#include "core/probe.h"
#include "core/quorum.h"

#define REVIEW_MS 500 /* replicas that have not told their state by then are not waited for */
#define LOOK_MS 50
#define SHARED_PERIODS 3 /* what a peer told longer ago, it may not think any more */

void vd_guard_on_reboot(struct vd_core *core, struct vd_node *node)
{
    const struct vd_options *options = &node->group->options;

    vd_notice_node(core, VD_N_REBOOT, node, "%s", "");
    if (!vd_node_is_primary(node))
        return;
    if (options->reboot_down_after_ms != 0)
        node->reboot_at = core->now;
    node->empty_restart = false;
    if (options->reboot_failover == VD_REBOOT_NEVER)
        return;
    node->reboot_review = true;
    node->reboot_review_at = core->now;
    vd_probe_want_info(core, node->group); /* what do the replicas hold? */
}

/* Most keys that a connected replica of the group's lineage holds; -1: none tells. */
static int64_t keys_held(const struct vd_core *core, const struct vd_group *group, bool *all_told)
{
    vd_ms since = group->primary->reboot_review_at - core->globals.ping_period_ms;
    const struct vd_node *node;
    int64_t most = -1;

    *all_told = true;
    DL_FOREACH (group->nodes, node) {
        if (vd_node_is_primary(node) || node->s_down_at != VD_NEVER || !node->command.up)
            continue;
        if (node->info_at == VD_NEVER || node->info_at < since)
            *all_told = false;
        else if (node->role == VD_ROLE_REPLICA && vd_lineage_is_related(node) && node->keys > most)
            most = node->keys;
    }
    return most;
}

/* Less than half of what its replicas hold: a few keys were written since, but the data is gone. */
static bool has_lost_data(const struct vd_node *primary, int64_t held)
{
    return held > 0 && primary->keys < held - primary->keys;
}

static void settle_review(struct vd_core *core, struct vd_node *primary, bool lost, int64_t held)
{
    primary->reboot_review = false;
    if (!lost) {
        primary->info_wanted = true; /* its lineage is the group's from now on */
        return;
    }
    primary->empty_restart = true;
    if (primary->group->options.reboot_failover == VD_REBOOT_ALWAYS)
        vd_notice_node(core, VD_N_REMARK, primary,
                       "restarted: counted as down, whatever it holds, since its replicas hold "
                       "%lld keys (reboot-failover always)",
                       (long long)held);
    else
        vd_notice_node(core, VD_N_REMARK, primary,
                       "restarted with %lld keys while its replicas hold %lld: counted as down so "
                       "that they survive (reboot-failover)",
                       (long long)primary->keys, (long long)held);
}

vd_ms vd_guard_review(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *primary = group->primary;
    bool always = group->options.reboot_failover == VD_REBOOT_ALWAYS;
    bool all_told;
    int64_t held;

    if (!primary->reboot_review && !primary->empty_restart)
        return INT64_MAX;
    held = keys_held(core, group, &all_told);
    if (primary->empty_restart) {
        /* Too late: nobody holds more than it any more. Or it was filled again. */
        if (all_told && (held < 0 || (!always && !has_lost_data(primary, held)))) {
            primary->empty_restart = false;
            primary->info_wanted = true;
        }
        return core->now + LOOK_MS * 4;
    }
    if (primary->role != VD_ROLE_PRIMARY || primary->keys < 0) {
        primary->reboot_review = false;
        return INT64_MAX;
    }
    if (!always && !primary->loading && vd_lineage_carries(primary, &primary->group->lineage)) {
        settle_review(core, primary, false, held);
        return INT64_MAX;
    }
    if ((primary->loading && !always) ||
        (!all_told && core->now - primary->reboot_review_at < REVIEW_MS)) {
        primary->info_wanted |= primary->loading && primary->info_ticket.n == 0 &&
                                core->now - primary->info_sent_at >= LOOK_MS;
        return core->now + LOOK_MS;
    }
    settle_review(core, primary, always ? held >= 0 : has_lost_data(primary, held), held);
    return INT64_MAX;
}

bool vd_guard_spares(struct vd_core *core, struct vd_node *node)
{
    if (!vd_lineage_holds_newer(node, node->group->primary)) {
        node->spared = false;
        return false;
    }
    if (!node->spared)
        vd_notice_node(core, VD_N_REMARK, node,
                       "is a primary with newer data than the one that is configured: left alone "
                       "while it holds more (SENTINEL FAILOVER, or REPLICAOF by hand, decides)");
    node->spared = true;
    return true;
}

bool vd_guard_leaves_alone(struct vd_core *core, struct vd_node *node)
{
    bool foreign = vd_lineage_is_foreign(core, node);

    if (foreign && !node->foreign)
        vd_notice_node(core, VD_N_FOREIGN, node, "%s", "");
    node->foreign = foreign;
    return foreign;
}

bool vd_guard_is_recent(const struct vd_core *core, const struct vd_opinion *opinion)
{
    return core->now - opinion->hello_at <= SHARED_PERIODS * core->globals.publish_period_ms;
}

bool vd_guard_config_is_shared(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_opinion *opinion;
    unsigned sharing = 1;

    DL_FOREACH (group->opinions, opinion) {
        bool shares = opinion->same_primary && opinion->config_epoch == group->config_epoch &&
                      vd_guard_is_recent(core, opinion);

        sharing += shares ? 1U : 0U;
    }
    return sharing >= vd_quorum_needed(group);
}
