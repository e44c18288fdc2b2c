/* SPDX-License-Identifier: BSD-3-Clause */
/* Failover: see failover.h. PROTOCOL facts: failover, from start to switch. */
#include "core/failover.h"

#include "core/candidate.h"
#include "core/election.h"
#include "core/emit.h"
#include "core/failover_state.h"
#include "core/link.h"
#include "core/notice.h"
#include "core/probe.h"
#include "core/quorum.h"
#include "core/reconf.h"
#include "core/script.h"
#include "core/succession.h"

#define ROUND_MS 1000      /* an election that has not ended by then starts anew */
#define RETRY_LEAST_MS 100 /* after a lost election: so long, and up to RETRY_SPREAD_MS more */
#define RETRY_SPREAD_MS 400
#define ORDER_ROUND_MS 500 /* an order waits so long for votes, then does without */
#define ORDER_ROUNDS 3     /* ... and tries so often to win against another candidate */
#define FRESH_INFO_MS 250  /* the choice waits so long for what replicas hold now */
#define CONFIRM_MS 50      /* ROLE is asked again until it says so */
#define PROMOTION_MS 2000  /* a candidate that vanished is given up after this */
#define FRUITLESS_MS 500   /* no good replica: looked for again after this, doubling */
#define MUTE_MS 1000       /* state could not be saved: not before this again */
#define DAMPING_MS 1000    /* the third failover within failover-timeout waits, doubling */

static void drop_candidate(struct vd_group *group)
{
    if (group->failover.chosen != NULL)
        group->failover.chosen->promoted = false;
    group->failover.chosen = NULL;
}

/* Give the failover up; nothing was promoted as far as we know. */
static void give_up(struct vd_core *core, struct vd_group *group, enum vd_notice notice,
                    const char *result)
{
    VD_ASSERT(group->failover.state < VD_FO_RECONF_SLAVES);
    vd_notice_group(core, notice, group, "%s", "");
    vd_failover_record(core, group, result);
    drop_candidate(group);
    group->failover.forced = false;
    vd_failover_enter(core, group, VD_FO_NONE);
}

/* Start -------------------------------------------------------------------- */

/* An election in an epoch that nobody has used yet; one's own vote is the first. */
static void raise_epoch(struct vd_core *core, struct vd_group *group)
{
    uint64_t epoch = core->epoch;

    epoch = group->vote_epoch > epoch ? group->vote_epoch : epoch;
    epoch = group->config_epoch > epoch ? group->config_epoch : epoch;
    group->failover.epoch = epoch + 1;
    vd_election_raise_epoch(core, group->failover.epoch);
}

static void canvass(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    vd_ms round_ms = vd_min_ms(ROUND_MS, core->globals.election_timeout_ms);

    failover->rounds++;
    vd_election_vote(core, group, &core->self, failover->epoch);
    failover->deadline = core->now + (failover->forced ? ORDER_ROUND_MS : round_ms);
    vd_quorum_want_answers(core, group);
}

static void begin(struct vd_core *core, struct vd_group *group, const char *reason, bool forced)
{
    struct vd_failover *failover = &group->failover;
    const struct vd_node *primary = group->primary;

    VD_ASSERT(failover->state == VD_FO_NONE);
    failover->forced = forced;
    failover->reason = reason;
    failover->rounds = 0;
    failover->from = primary->addr;
    failover->silent_at = primary->pulse.silent_since;
    failover->sdown_at = primary->s_down_at;
    failover->odown_at = primary->o_down_at;
    failover->started_at = core->now;
    failover->elected_at = VD_NEVER;
    failover->selected_at = VD_NEVER;
    failover->promoted_at = VD_NEVER;
    failover->loss_bytes = -1;
    raise_epoch(core, group);
    vd_notice_group(core, VD_N_TRY, group, "%s", "");
    vd_failover_enter(core, group, VD_FO_WAIT_START);
    canvass(core, group);
    group->stand_at = VD_NEVER;
    vd_probe_want_info(core, group);
}

/*
 * A dead new primary is replaced at once; a third failover in a row takes its
 * time. One that came back empty cannot wait: it is wiping its replicas.
 */
static vd_ms damping(const struct vd_core *core, const struct vd_group *group)
{
    unsigned recent = vd_succession_recent(core, group);

    if (recent < 2 || group->primary->empty_restart)
        return 0;
    return vd_min_ms((vd_ms)DAMPING_MS << (recent - 2), group->options.failover_timeout_ms);
}

static bool has_candidate(const struct vd_core *core, const struct vd_group *group)
{
    return vd_candidate_half_promoted(core, group) != NULL ||
           vd_candidate_select(core, group, NULL) != NULL ||
           vd_candidate_former(core, group) != NULL ||
           vd_candidate_last_resort(core, group) != NULL;
}

static vd_ms tick_none(struct vd_core *core, struct vd_group *group)
{
    vd_ms next = INT64_MAX;

    if (group->primary->o_down_at == VD_NEVER) {
        group->stand_at = VD_NEVER;
        group->fruitless = 0;
        return INT64_MAX;
    }
    if (vd_election_abstains(core, group))
        return core->now < vd_election_abstains_until(core) ? vd_election_abstains_until(core)
                                                            : INT64_MAX;
    if (vd_election_is_following(core, group, &next))
        return next;
    /* differs: all compute the same order, and there is no wait of 2 x failover-timeout. */
    if (group->fruitless != 0 && !has_candidate(core, group))
        return INT64_MAX; /* looked at again with every INFO; no epoch is worn out on it */
    if (group->stand_at == VD_NEVER)
        group->stand_at = core->now + damping(core, group) +
                          (vd_ms)vd_election_rank(core, group) * vd_election_step_ms(core, group);
    if (group->stand_at > core->now || !core->time_counts)
        return group->stand_at;
    /* An election that cannot be won only wears epochs out; links coming up touch the group. */
    if (vd_quorum_usable(group) < vd_quorum_needed(group))
        return INT64_MAX;
    begin(core, group, group->primary->empty_restart ? "reboot" : "odown", false);
    return INT64_MAX;
}

/* Election -------------------------------------------------------------------- */

static void elected(struct vd_core *core, struct vd_group *group)
{
    group->failover.elected_at = core->now;
    vd_notice_group(core, VD_N_ELECTED, group, "%s", "");
    if (group->primary->empty_restart)
        vd_probe_want_info(core, group);
    if ((core->simulate_failure & VD_CRASH_AFTER_ELECTION) != 0)
        (void)vd_emit(core, VD_EF_CRASH, true);
    vd_failover_enter(core, group, VD_FO_SELECT_SLAVE);
    group->failover.deadline = core->now + FRESH_INFO_MS;
}

/* The reason to act has gone away: the primary answers again. */
static bool is_moot(const struct vd_group *group)
{
    return !group->failover.forced && group->primary->o_down_at == VD_NEVER;
}

/* Somebody has a vote in our epoch: not even an order may act in it. */
static bool lost_to_another(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_opinion *opinion;

    DL_FOREACH (group->opinions, opinion) {
        if (opinion->voted_epoch == group->failover.epoch && vd_id_known(&opinion->voted_for) &&
            !vd_id_equal(&opinion->voted_for, &core->self))
            return true;
    }
    return false;
}

static vd_ms tick_wait_start(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    enum vd_tally tally = vd_election_tally(core, group);
    bool over = tally == VD_TALLY_LOST || (core->time_counts && failover->deadline <= core->now);

    if (tally == VD_TALLY_WON || (failover->forced && over && !lost_to_another(core, group))) {
        elected(core, group);
        return INT64_MAX;
    }
    if (failover->forced && over && failover->rounds < ORDER_ROUNDS) {
        raise_epoch(core, group);
        canvass(core, group);
        return INT64_MAX;
    }
    if (!over && !is_moot(group))
        return failover->deadline;
    give_up(core, group, VD_N_NOT_ELECTED, "not elected");
    /* differs: a lost election is retried in a new epoch after 100-500 ms. */
    group->stand_at = core->now + RETRY_LEAST_MS + (vd_ms)(core->dice % RETRY_SPREAD_MS);
    return INT64_MAX;
}

/* Choice ------------------------------------------------------------------------ */

static void explain(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        enum vd_unfit unfit = vd_candidate_fit(core, node);

        if (unfit != VD_FIT && unfit != VD_UNFIT_PRIMARY)
            vd_notice_node(core, VD_N_REMARK, node, "not a candidate: %s", vd_unfit_text(unfit));
    }
}

static struct vd_node *choose(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *chosen = vd_candidate_half_promoted(core, group);

    /* While a half-promoted one refuses, a second must not be made. */
    if (chosen != NULL && vd_candidate_has_refused(core, chosen))
        return NULL;
    if (chosen == NULL)
        chosen = vd_candidate_select(core, group, &group->failover.loss_bytes);
    if (chosen != NULL)
        return chosen;
    chosen = vd_candidate_former(core, group);
    if (chosen != NULL) {
        vd_notice_node(core, VD_N_REMARK, chosen,
                       "is taken back as primary: its successor is gone, and nobody holds what "
                       "was written there");
        return chosen;
    }
    chosen = vd_candidate_last_resort(core, group);
    if (chosen != NULL)
        vd_notice_node(core, VD_N_REMARK, chosen,
                       "is chosen because nobody holds the group's data any more, and it holds "
                       "most of what there is: %lld keys",
                       (long long)chosen->keys);
    return chosen;
}

static vd_ms tick_select(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    vd_ms since = failover->sdown_at == VD_NEVER ? failover->started_at : failover->sdown_at;
    bool waiting;

    /* An empty primary is wiping its replicas: what one held before the election may be gone. */
    if (group->primary->empty_restart)
        since = failover->elected_at;
    /* What was asked before a leader that we succeed may not tell what it did. */
    if (group->following_since != VD_NEVER)
        since = vd_max_ms(since, group->following_since);
    waiting = failover->deadline > core->now && !vd_candidate_all_fresh(core, group, since);
    if (is_moot(group)) {
        give_up(core, group, VD_N_NOT_ELECTED, "the primary is back");
        return INT64_MAX;
    }
    /* differs: the choice is made on INFO asked after the fault, not on one up to 10 s old. */
    if (waiting)
        return failover->deadline;
    failover->chosen = choose(core, group);
    if (failover->chosen == NULL) {
        explain(core, group);
        give_up(core, group, VD_N_NO_GOOD, "no good replica");
        group->stand_at =
            core->now +
            vd_min_ms((vd_ms)FRUITLESS_MS << (group->fruitless < 10 ? group->fruitless : 10),
                      group->options.failover_timeout_ms);
        group->fruitless++;
        return INT64_MAX;
    }
    failover->selected_at = core->now;
    failover->chosen->promoted = true;
    vd_notice_node(core, VD_N_SELECTED, failover->chosen, "%s", "");
    if (failover->loss_bytes > group->options.candidate_max_lag_bytes)
        vd_notice_node(core, VD_N_REMARK, failover->chosen,
                       "is %lld bytes behind the best offset known: that much may be lost",
                       (long long)failover->loss_bytes);
    vd_failover_enter(core, group, VD_FO_SEND_SLAVEOF_NOONE);
    failover->deadline = core->now + group->options.failover_timeout_ms;
    return INT64_MAX;
}

/* Promotion ------------------------------------------------------------------------ */

static vd_ms choose_again(struct vd_core *core, struct vd_group *group)
{
    drop_candidate(group);
    vd_probe_want_info(core, group);
    vd_failover_enter(core, group, VD_FO_SELECT_SLAVE);
    group->failover.deadline = core->now + FRESH_INFO_MS;
    return INT64_MAX;
}

static vd_ms tick_send(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *chosen = failover->chosen;
    struct vd_effect *effect;

    if (chosen == NULL || !chosen->command.up)
        return choose_again(core, group);
    effect = vd_emit_send(core, &chosen->command, VD_RQ_PROMOTE);
    chosen->turn_ticket = effect->send.ticket;
    chosen->turn_sent_at = core->now;
    chosen->turn_obeyed = false;
    vd_failover_enter(core, group, VD_FO_WAIT_PROMOTION);
    failover->deadline = core->now + group->options.failover_timeout_ms;
    return INT64_MAX;
}

void vd_failover_on_promote_ack(struct vd_core *core, struct vd_node *node,
                                const struct vd_event *event)
{
    struct vd_group *group = node->group;

    if (group->failover.state != VD_FO_WAIT_PROMOTION || group->failover.chosen != node)
        return;
    if (event->ack.unsent) {
        /* Mute: we may not act. Whoever can save its state will. */
        give_up(core, group, VD_N_SLAVE_TIMEOUT, "the state could not be saved");
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

void vd_failover_on_role(struct vd_core *core, struct vd_node *node)
{
    struct vd_group *group = node->group;

    if (group->failover.state != VD_FO_WAIT_PROMOTION || group->failover.chosen != node)
        return;
    if (node->role == VD_ROLE_REPLICA && node->turn_ticket.n == 0) {
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
    struct vd_addr from = group->primary->addr;

    failover->promoted_at = core->now;
    vd_notice_node(core, VD_N_PROMOTED, chosen, "%s", "");
    vd_failover_enter(core, group, VD_FO_RECONF_SLAVES);
    failover->deadline = core->now + group->options.failover_timeout_ms;
    vd_script_reconfig(core, group, "leader", &from, &chosen->addr);
    group->failover_count++;
    vd_succession(core, group, chosen, failover->epoch);
    vd_reconf_begin(core, group);
    if ((core->simulate_failure & VD_CRASH_AFTER_PROMOTION) != 0)
        (void)vd_emit(core, VD_EF_CRASH, true);
}

static vd_ms tick_wait_promotion(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *chosen = failover->chosen;
    vd_ms ask_at;

    if (chosen != NULL && chosen->role == VD_ROLE_PRIMARY && chosen->turn_ticket.n == 0) {
        promoted(core, group);
        return INT64_MAX;
    }
    if (failover->deadline <= core->now) {
        give_up(core, group, VD_N_SLAVE_TIMEOUT, "promotion not seen");
        group->stand_at = core->now + RETRY_LEAST_MS + (vd_ms)(core->dice % RETRY_SPREAD_MS);
        return INT64_MAX;
    }
    if (chosen == NULL || (!chosen->command.up && core->now - chosen->turn_sent_at >= PROMOTION_MS))
        return choose_again(core, group);
    if (!chosen->command.up)
        return chosen->turn_sent_at + PROMOTION_MS;
    if (chosen->turn_ticket.n != 0 && core->time_counts &&
        core->now - chosen->turn_sent_at >= PROMOTION_MS) {
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

/* End ----------------------------------------------------------------------------------- */

void vd_failover_finish(struct vd_core *core, struct vd_group *group, bool timed_out)
{
    VD_ASSERT(group->failover.state == VD_FO_RECONF_SLAVES);
    if (timed_out)
        vd_notice_group(core, VD_N_END_TIMEOUT, group, "%s", "");
    vd_notice_group(core, VD_N_END, group, "%s", "");
    vd_failover_enter(core, group, VD_FO_UPDATE_CONFIG);
    vd_failover_record(core, group, timed_out ? "done for timeout" : "done");
    vd_reconf_stop(group);
    drop_candidate(group);
    group->failover.forced = false;
    vd_failover_enter(core, group, VD_FO_NONE);
}

void vd_failover_yield(struct vd_core *core, struct vd_group *group)
{
    switch (group->failover.state) {
    case VD_FO_NONE:
    case VD_FO_UPDATE_CONFIG:
    case VD_FO_COUNT:
        return;
    case VD_FO_WAIT_START:
    case VD_FO_SELECT_SLAVE:
    case VD_FO_SEND_SLAVEOF_NOONE:
    case VD_FO_WAIT_PROMOTION:
        give_up(core, group, VD_N_NOT_ELECTED, "somebody else leads");
        return;
    case VD_FO_RECONF_SLAVES:
        vd_failover_record(core, group, "somebody else leads");
        vd_reconf_stop(group);
        drop_candidate(group);
        group->failover.forced = false;
        vd_failover_enter(core, group, VD_FO_NONE);
        return;
    }
}

void vd_failover_order(struct vd_core *core, struct vd_group *group)
{
    begin(core, group, "order", true);
}

vd_ms vd_failover_tick(struct vd_core *core, struct vd_group *group)
{
    switch (group->failover.state) {
    case VD_FO_NONE:
        return tick_none(core, group);
    case VD_FO_WAIT_START:
        return tick_wait_start(core, group);
    case VD_FO_SELECT_SLAVE:
        return tick_select(core, group);
    case VD_FO_SEND_SLAVEOF_NOONE:
        return tick_send(core, group);
    case VD_FO_WAIT_PROMOTION:
        return tick_wait_promotion(core, group);
    case VD_FO_RECONF_SLAVES:
        return vd_reconf_tick(core, group);
    case VD_FO_UPDATE_CONFIG:
    case VD_FO_COUNT:
        break;
    }
    VD_ASSERT(false);
    return INT64_MAX;
}
