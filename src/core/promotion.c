/* SPDX-License-Identifier: BSD-3-Clause */
/* Promotion: see promotion.h. PROTOCOL facts: send_slaveof_noone, wait_promotion. */
#include "core/promotion.h"

#include "core/candidate.h"
#include "core/emit.h"
#include "core/failover_state.h"
#include "core/handover.h"
#include "core/lineage.h"
#include "core/link.h"
#include "core/notice.h"
#include "core/probe.h"
#include "core/reconf.h"
#include "core/script.h"
#include "core/succession.h"

#define CONFIRM_MS 50     /* ROLE is asked again until it says so */
#define PROMOTION_MS 2000 /* a candidate that is silent is given up after this */
#define MUTE_MS 1000      /* state could not be saved: not before this again */

static vd_ms choose_again(struct vd_core *core, struct vd_group *group)
{
    if (group->failover.coordinated || group->failover.handover >= VD_HO_DEMOTING) {
        /* The primary waits for this one, or follows it: there is no choice left. */
        vd_failover_give_up(core, group, VD_N_SLAVE_TIMEOUT, "the replica was not promoted");
        return INT64_MAX;
    }
    vd_failover_drop_candidate(group);
    vd_probe_want_info(core, group);
    vd_failover_enter(core, group, VD_FO_SELECT_SLAVE);
    return INT64_MAX;
}

/* A handover takes its time: what the chosen one has said since may forbid to promote it. */
static bool is_spoiled(const struct vd_core *core, const struct vd_group *group,
                       const struct vd_node *chosen)
{
    enum vd_unfit unfit;

    if (group->failover.handover == VD_HO_NONE || chosen->role != VD_ROLE_REPLICA)
        return false;
    unfit = vd_candidate_fit(core, chosen);
    return unfit == VD_UNFIT_NEVER || unfit == VD_UNFIT_LOADING || unfit == VD_UNFIT_SYNCING ||
           unfit == VD_UNFIT_FOREIGN;
}

static vd_ms leave_spoiled(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *chosen = group->failover.chosen;

    vd_notice_node(core, VD_N_REMARK, chosen, "is no candidate any more: %s",
                   vd_unfit_text(vd_candidate_fit(core, chosen)));
    if (vd_candidate_select(core, group, NULL) != NULL)
        return choose_again(core, group);
    vd_failover_give_up(core, group, VD_N_NO_GOOD, "no good replica");
    return INT64_MAX;
}

vd_ms vd_promotion_send(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *chosen = failover->chosen;
    struct vd_effect *effect;
    const char *why = "";
    vd_ms next;

    if (chosen == NULL || !chosen->command.up)
        return choose_again(core, group);
    /* While the primary may be about to follow it there is no choice. */
    if (failover->handover < VD_HO_DEMOTING && is_spoiled(core, group, chosen))
        return leave_spoiled(core, group);
    switch (vd_handover_tick(core, group, &next, &why)) {
    case VD_HANDOVER_WAIT:
        return next;
    case VD_HANDOVER_FAILED:
        vd_failover_give_up(core, group, VD_N_MASTER_TIMEOUT, why);
        return INT64_MAX;
    case VD_HANDOVER_WATCH:
        chosen->turn_sent_at = core->now;
        vd_failover_enter(core, group, VD_FO_WAIT_PROMOTION);
        failover->deadline = core->now + group->options.failover_timeout_ms;
        return INT64_MAX;
    case VD_HANDOVER_PROMOTE:
        /* Not demoted: back without its data, perhaps, and filling the chosen one. */
        if (failover->handover == VD_HO_DEMOTING && is_spoiled(core, group, chosen))
            return leave_spoiled(core, group);
        break;
    }
    effect = vd_emit_send(core, &chosen->command, VD_RQ_PROMOTE);
    chosen->turn_ticket = effect->send.ticket;
    chosen->turn_sent_at = core->now;
    chosen->turn_obeyed = false;
    vd_failover_enter(core, group, VD_FO_WAIT_PROMOTION);
    failover->deadline = core->now + group->options.failover_timeout_ms;
    return INT64_MAX;
}

void vd_promotion_on_ack(struct vd_core *core, struct vd_node *node, const struct vd_event *event)
{
    struct vd_group *group = node->group;

    if (group->failover.state != VD_FO_WAIT_PROMOTION || group->failover.chosen != node)
        return;
    if (event->ack.unsent) {
        /* Mute: we may not act. Whoever can save its state will. */
        vd_failover_give_up(core, group, VD_N_SLAVE_TIMEOUT, "the state could not be saved");
        group->stand_at = core->now + MUTE_MS;
        return;
    }
    if (!event->ack.ok) {
        vd_notice_node(core, VD_N_REMARK, node, "promotion refused: %s",
                       event->ack.text != NULL ? event->ack.text : "no reason given");
        node->refused_turn_at = core->now;
        (void)choose_again(core, group);
        return;
    }
    node->turn_obeyed = true;
    node->role_sent_at = VD_NEVER; /* differs: confirmed by ROLE at once, not by the next INFO */
    vd_group_touch(core, group);
}

void vd_promotion_on_role(struct vd_core *core, struct vd_node *node)
{
    struct vd_group *group = node->group;

    if (group->failover.state != VD_FO_WAIT_PROMOTION || group->failover.chosen != node)
        return;
    if (node->role == VD_ROLE_REPLICA && node->turn_ticket.n == 0 &&
        group->failover.handover != VD_HO_SERVER) {
        /* The order was lost with its link: order again. If it was obeyed in word only, try
         * another. */
        if (node->turn_obeyed)
            node->refused_turn_at = core->now;
        (void)choose_again(core, group);
    }
    vd_group_touch(core, group);
}

static void promoted(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *chosen = failover->chosen;
    struct vd_node *former = group->primary;
    struct vd_addr from = former->addr;

    failover->promoted_at = core->now;
    vd_notice_node(core, VD_N_PROMOTED, chosen, "%s", "");
    vd_failover_enter(core, group, VD_FO_RECONF_SLAVES);
    failover->deadline = core->now + group->options.failover_timeout_ms;
    vd_script_reconfig(core, group, "leader", &from, &chosen->addr);
    group->failover_count++;
    vd_handover_hold(group);
    vd_succession(core, group, chosen, failover->epoch);
    vd_lineage_learn(core, chosen); /* its INFO may have come in the same turn */
    vd_reconf_begin(core, group);
    vd_handover_finish(core, group, former);
    if ((core->simulate_failure & VD_CRASH_AFTER_PROMOTION) != 0)
        (void)vd_emit(core, VD_EF_CRASH, true);
}

/* Its port refuses: the process is dead, and what it was told died with it. Others are there. */
static bool is_surely_dead(const struct vd_group *group, const struct vd_node *chosen)
{
    return !chosen->command.up && chosen->pulse.refused_since != VD_NEVER &&
           !group->failover.coordinated && group->failover.handover < VD_HO_DEMOTING;
}

/* The former primary was taken back for want of a better one, and the better one is here again. */
static bool is_needless(const struct vd_group *group)
{
    const struct vd_node *primary = group->primary;

    return group->failover.taken_back && primary->command.up && primary->s_down_at == VD_NEVER &&
           primary->role == VD_ROLE_PRIMARY;
}

vd_ms vd_promotion_await(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *chosen = failover->chosen;
    vd_ms ask_at;

    if (is_needless(group)) {
        /* Nobody has been told of a switch; repair turns the one that was promoted for nothing. */
        vd_failover_give_up(core, group, VD_N_SLAVE_TIMEOUT, "the primary is back");
        return INT64_MAX;
    }
    if (chosen != NULL && chosen->role == VD_ROLE_PRIMARY && chosen->turn_ticket.n == 0) {
        promoted(core, group);
        return INT64_MAX;
    }
    if (failover->deadline <= core->now) {
        vd_failover_give_up(core, group, VD_N_SLAVE_TIMEOUT, "promotion not seen");
        group->stand_at = vd_failover_retry_at(core, 0);
        return INT64_MAX;
    }
    if (chosen == NULL || is_surely_dead(group, chosen) ||
        (!chosen->command.up && core->now - chosen->turn_sent_at >= PROMOTION_MS))
        return choose_again(core, group);
    if (!chosen->command.up)
        return chosen->turn_sent_at + PROMOTION_MS;
    if (chosen->turn_ticket.n != 0 && core->now - chosen->turn_sent_at >= PROMOTION_MS) {
        vd_wire_close(core, &chosen->command); /* it hangs: let another take its place */
        return choose_again(core, group);
    }
    if (chosen->turn_ticket.n != 0)
        return vd_min_ms(failover->deadline, chosen->turn_sent_at + PROMOTION_MS);
    if (chosen->role_ticket.n != 0)
        return failover->deadline;
    ask_at = chosen->role_sent_at == VD_NEVER ? core->now : chosen->role_sent_at + CONFIRM_MS;
    if (ask_at <= core->now) {
        chosen->role_ticket = vd_emit_send(core, &chosen->command, VD_RQ_ROLE)->send.ticket;
        chosen->role_sent_at = core->now;
        return failover->deadline;
    }
    return ask_at;
}
