/* SPDX-License-Identifier: BSD-3-Clause */
/* Reconf: see reconf.h. PROTOCOL facts: reconf_slaves. */
#include "core/reconf.h"

#include "base/text.h"
#include "core/emit.h"
#include "core/failover.h"
#include "core/guard.h"
#include "core/notice.h"

#define LOOK_LEAST_MS 50
#define LOOK_MOST_MS 1000

void vd_reconf_turn_to(struct vd_core *core, struct vd_node *node, const struct vd_addr *to)
{
    struct vd_effect *effect;

    /* A FAILOVER of its own that hangs would make it refuse. */
    if (node->hands_over)
        (void)vd_emit_send(core, &node->command, VD_RQ_ABORT);
    effect = vd_emit_send(core, &node->command, VD_RQ_REPLICATE);
    effect->send.addr = *to;
    VD_ASSERT(
        vd_copy(effect->send.addr.host, sizeof(effect->send.addr.host), vd_addr_shown(core, to)));
    node->turn_ticket = effect->send.ticket;
    node->turn_sent_at = core->now;
}

void vd_reconf_turn(struct vd_core *core, struct vd_node *node)
{
    VD_ASSERT(!vd_node_is_primary(node));
    vd_reconf_turn_to(core, node, &node->group->primary->addr);
}

/* Another cluster's by its own word; but the former primary is ours, whatever it says. */
static bool is_left_alone(struct vd_core *core, struct vd_node *node)
{
    if (vd_guard_spares(core, node))
        return true;
    if (node->role == VD_ROLE_PRIMARY && vd_addr_equal(&node->addr, &node->group->failover.from))
        return false;
    return vd_guard_leaves_alone(core, node);
}

void vd_reconf_begin(struct vd_core *core, struct vd_group *group)
{
    const struct vd_addr *from = &group->failover.from;
    struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        node->reconf = VD_RECONF_NONE;
        node->reconf_at = core->now;
        if (vd_node_is_primary(node))
            continue;
        if (is_left_alone(core, node)) {
            node->reconf = VD_RECONF_DONE;
            continue;
        }
        if (!vd_addr_equal(&node->addr, from))
            continue;
        /*
         * The former primary. Whoever still writes to it loses those writes:
         * it is told first, even if it hangs, so that it obeys when it wakes.
         * When it is gone, repair turns it on its return.
         */
        node->reconf = VD_RECONF_DONE;
        if (!node->command.up)
            continue;
        vd_notice_node(core, VD_N_CONVERT, node, "%s", "");
        if (group->failover.handover != VD_HO_DEMOTED) /* or it follows already */
            vd_reconf_turn(core, node);
    }
}

void vd_reconf_stop(struct vd_group *group)
{
    struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        node->reconf = VD_RECONF_NONE;
    }
}

void vd_reconf_on_info(struct vd_core *core, struct vd_node *node)
{
    const struct vd_group *group = node->group;

    if (group->failover.state != VD_FO_RECONF_SLAVES || vd_node_is_primary(node))
        return;
    if (node->role != VD_ROLE_REPLICA || !vd_addr_equal(&node->follows, &group->primary->addr))
        return;
    /* It may follow already: turned by a leader before us, or by hand. */
    if (node->reconf == VD_RECONF_SENT) {
        node->reconf = VD_RECONF_INPROG;
        vd_notice_node(core, VD_N_RECONF_INPROG, node, "%s", "");
    }
    if (node->reconf != VD_RECONF_DONE && node->link_up) {
        node->reconf = VD_RECONF_DONE;
        vd_notice_node(core, VD_N_RECONF_DONE, node, "%s", "");
    }
}

static bool is_under_way(const struct vd_node *node)
{
    return node->reconf == VD_RECONF_SENT || node->reconf == VD_RECONF_INPROG;
}

/* Look at one that was told; sooner at first, since most are done in a moment. */
static vd_ms watch(struct vd_core *core, struct vd_node *node)
{
    vd_ms told_for_ms = core->now - node->reconf_at;
    vd_ms look_ms = vd_max_ms(LOOK_LEAST_MS, vd_min_ms(told_for_ms / 4, LOOK_MOST_MS));
    vd_ms look_at;

    if (node->reconf == VD_RECONF_SENT && told_for_ms >= core->globals.replica_reconf_timeout_ms) {
        vd_notice_node(core, VD_N_RECONF_TIMEOUT, node, "%s", "");
        node->reconf = VD_RECONF_DONE;
        return core->now;
    }
    look_at = node->info_sent_at == VD_NEVER ? core->now : node->info_sent_at + look_ms;
    if (look_at <= core->now && node->info_ticket.n == 0 && node->command.up) {
        node->info_wanted = true;
        look_at = core->now + look_ms;
    }
    return vd_max_ms(look_at, core->now + 1);
}

static void turn_the_rest(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        if (vd_node_is_primary(node) || node->reconf != VD_RECONF_NONE || !node->command.up)
            continue;
        if (is_left_alone(core, node)) {
            node->reconf = VD_RECONF_DONE;
            continue;
        }
        vd_reconf_turn(core, node);
        vd_notice_node(core, VD_N_RECONF_SENT_BE, node, "%s", "");
    }
}

static bool all_turned(const struct vd_group *group)
{
    const struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        if (!vd_node_is_primary(node) && node->reconf != VD_RECONF_DONE &&
            node->s_down_at == VD_NEVER)
            return false;
    }
    return true;
}

static vd_ms turn_next(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;
    unsigned under_way = 0;
    vd_ms next = INT64_MAX;

    DL_FOREACH (group->nodes, node) {
        if (!is_under_way(node) || node->s_down_at != VD_NEVER)
            continue;
        next = vd_min_ms(next, watch(core, node));
        under_way += is_under_way(node) ? 1U : 0U;
    }
    DL_FOREACH (group->nodes, node) {
        if (under_way >= group->options.parallel_syncs)
            break;
        if (vd_node_is_primary(node) || node->reconf != VD_RECONF_NONE || !node->command.up)
            continue;
        if (is_left_alone(core, node)) {
            node->reconf = VD_RECONF_DONE;
            continue;
        }
        node->reconf = VD_RECONF_SENT;
        node->reconf_at = core->now;
        vd_reconf_turn(core, node);
        vd_notice_node(core, VD_N_RECONF_SENT, node, "%s", "");
        next = vd_min_ms(next, core->now + LOOK_LEAST_MS);
        under_way++;
    }
    return next;
}

vd_ms vd_reconf_tick(struct vd_core *core, struct vd_group *group)
{
    vd_ms next;

    /* differs: a new primary that dies is replaced at once; its failover does not wait. */
    if (group->primary->o_down_at != VD_NEVER) {
        vd_failover_finish(core, group, true);
        return INT64_MAX;
    }
    if (group->failover.deadline <= core->now) {
        turn_the_rest(core, group);
        vd_failover_finish(core, group, true);
        return INT64_MAX;
    }
    next = turn_next(core, group);
    if (all_turned(group)) {
        vd_failover_finish(core, group, false);
        return INT64_MAX;
    }
    return vd_min_ms(next, group->failover.deadline);
}
