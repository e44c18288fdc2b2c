/* SPDX-License-Identifier: BSD-3-Clause */
/* Failover: see failover.h. PROTOCOL facts: failover, from start to switch. */
#include "core/failover.h"

#include "core/candidate.h"
#include "core/election.h"
#include "core/emit.h"
#include "core/failover_state.h"
#include "core/link.h"
#include "core/maintenance.h"
#include "core/notice.h"
#include "core/probe.h"
#include "core/promotion.h"
#include "core/quorum.h"
#include "core/reconf.h"
#include "core/script.h"
#include "core/stopgap.h"
#include "core/succession.h"

#define ROUND_MS 1000      /* an election that has not ended by then starts anew */
#define ORDER_ROUND_MS 500 /* an order waits so long for votes, then does without */
#define ORDER_ROUNDS 3     /* ... and tries so often to win against another candidate */
#define FRUITLESS_MS 500   /* no good replica: looked for again after this, doubling */
#define DAMPING_MS 1000    /* the third failover within failover-timeout waits, doubling */

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
    failover->deadline = core->now + (vd_failover_is_ordered(group) ? ORDER_ROUND_MS : round_ms);
    vd_quorum_want_answers(core, group);
}

static void begin(struct vd_core *core, struct vd_group *group, const char *reason)
{
    struct vd_failover *failover = &group->failover;
    const struct vd_node *primary = group->primary;

    VD_ASSERT(failover->state == VD_FO_NONE);
    failover->reason = reason;
    failover->handover = VD_HO_NONE;
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

/* Whoever is taken when nobody is fit, in this order, and why. */
static const struct stopgap {
    struct vd_node *(*find)(const struct vd_core *core, const struct vd_group *group);
    const char *why;
} stopgaps[] = {
    {vd_stopgap_former,
     "is taken back as primary: its successor is gone, and nobody holds what was written there"},
    {vd_stopgap_stranded,
     "is chosen though a full resynchronisation of it never ended: the primary does not come "
     "back, and nobody holds more than what it held before"},
    {vd_stopgap_last_resort, "is chosen because nobody holds the group's data any more, and it "
                             "holds most of what there is"},
    {vd_stopgap_remaining,
     "is chosen because it holds most of what is left: whoever may hold more does not come back"},
};

/* The one for the place, and the stopgap that it is, or NULL: it needs no explanation. */
static struct vd_node *find_successor(const struct vd_core *core, const struct vd_group *group,
                                      const struct stopgap **stopgap, int64_t *loss_bytes)
{
    struct vd_node *node = vd_stopgap_half_promoted(core, group);

    *stopgap = NULL;
    /* While a half-promoted one refuses, a second must not be made. */
    if (node != NULL)
        return vd_candidate_has_refused(core, node) ? NULL : node;
    node = vd_candidate_select(core, group, loss_bytes);
    for (size_t i = 0; node == NULL && i < sizeof(stopgaps) / sizeof(stopgaps[0]); i++) {
        *stopgap = &stopgaps[i];
        node = stopgaps[i].find(core, group);
    }
    return node;
}

static bool has_candidate(const struct vd_core *core, const struct vd_group *group)
{
    const struct stopgap *stopgap;

    return find_successor(core, group, &stopgap, NULL) != NULL;
}

static vd_ms tick_none(struct vd_core *core, struct vd_group *group)
{
    vd_ms next = INT64_MAX;

    if (group->primary->o_down_at == VD_NEVER) {
        group->stand_at = VD_NEVER;
        group->fruitless = 0;
        return INT64_MAX;
    }
    if (vd_maintenance_is_on(core, group))
        return INT64_MAX;
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
    /* An order that failed in the meantime tries again sooner than that. */
    group->stand_at = vd_max_ms(group->stand_at, group->primary->o_down_at + damping(core, group));
    if (group->stand_at > core->now || !core->time_counts)
        return group->stand_at;
    /* An election that cannot be won only wears epochs out; links coming up touch the group. */
    if (vd_quorum_usable(group) < vd_quorum_needed(group))
        return INT64_MAX;
    begin(core, group, group->primary->empty_restart ? "reboot" : "odown");
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
}

/* The reason to act has gone away: the primary answers again. */
static bool is_moot(const struct vd_group *group)
{
    return !vd_failover_is_ordered(group) && group->primary->o_down_at == VD_NEVER;
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

/* An order is not given up after one round. */
static bool may_ask_again(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_failover *failover = &group->failover;

    if (failover->coordinated)
        return core->now - failover->started_at <
               vd_min_ms(core->globals.election_timeout_ms, group->options.failover_timeout_ms);
    return failover->forced && failover->rounds < ORDER_ROUNDS;
}

/* differs: an order asks for votes, too; Sentinel's takes itself for elected at once. */
static vd_ms tick_wait_start(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    enum vd_tally tally = vd_election_tally(core, group);
    bool late = failover->deadline <= core->now;
    /* Who abstains now may vote in the next round: a coordinated one takes its time. */
    bool over = late || (tally == VD_TALLY_LOST && !failover->coordinated);

    if ((tally == VD_TALLY_WON && !is_moot(group)) ||
        (failover->forced && over && !lost_to_another(core, group))) {
        elected(core, group);
        return INT64_MAX;
    }
    if (over && may_ask_again(core, group)) {
        raise_epoch(core, group);
        canvass(core, group);
        return INT64_MAX;
    }
    if (!over && !is_moot(group))
        return failover->deadline;
    vd_failover_give_up(core, group, VD_N_NOT_ELECTED, "not elected");
    group->stand_at =
        vd_failover_retry_at(core, vd_elapsed(core->now, group->primary->o_down_at, 0));
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

/* Whom the operator named, or else the best; only one that loses nothing. */
static struct vd_node *choose_ordered(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *wanted;

    if (failover->wanted.port == 0)
        return vd_candidate_select(core, group, &failover->loss_bytes);
    wanted = vd_node_find(group, &failover->wanted);
    return wanted != NULL && vd_candidate_fit(core, wanted) == VD_FIT ? wanted : NULL;
}

static struct vd_node *choose(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    const struct stopgap *stopgap;
    struct vd_node *chosen;

    failover->taken_back = false;
    if (failover->coordinated || failover->wanted.port != 0)
        return choose_ordered(core, group);
    chosen = find_successor(core, group, &stopgap, &failover->loss_bytes);
    if (chosen != NULL && stopgap != NULL) {
        failover->taken_back = stopgap->find == vd_stopgap_former;
        vd_notice_node(core, VD_N_REMARK, chosen, "%s; it holds %lld keys", stopgap->why,
                       (long long)chosen->keys);
    }
    return chosen;
}

/* Nobody to succeed it: looked for again, less and less often. */
static void end_fruitless(struct vd_core *core, struct vd_group *group, const char *result)
{
    unsigned doublings = group->fruitless < 10 ? group->fruitless : 10;

    vd_failover_give_up(core, group, VD_N_NO_GOOD, result);
    group->stand_at =
        core->now + vd_min_ms((vd_ms)FRUITLESS_MS << doublings, group->options.failover_timeout_ms);
    group->fruitless++;
}

/*
 * The named primary, which says that it is a replica, is to stay what it is: it
 * is told so, and nobody else is told anything. Whoever names another by then
 * does so in a newer epoch, and turns it.
 */
static void reinstate(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *primary = group->primary;

    primary->turn_ticket = vd_emit_send(core, &primary->command, VD_RQ_PROMOTE)->send.ticket;
    primary->turn_sent_at = core->now;
    end_fruitless(core, group, "the primary is made one again");
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
        vd_failover_give_up(core, group, VD_N_NOT_ELECTED, "the primary is back");
        return INT64_MAX;
    }
    /* differs: the choice is made on INFO asked after the fault, not on one up to 10 s old. */
    if (waiting)
        return failover->deadline;
    failover->chosen = choose(core, group);
    if (failover->chosen == NULL && failover->deadline > core->now &&
        vd_candidate_will_return(core, group))
        return failover->deadline;
    if (failover->chosen == NULL) {
        explain(core, group);
        end_fruitless(core, group, "no good replica");
        return INT64_MAX;
    }
    if (failover->chosen == group->primary) {
        failover->chosen = NULL;
        reinstate(core, group);
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
    vd_failover_drop_candidate(group);
    vd_failover_forget_order(group);
    vd_failover_enter(core, group, VD_FO_NONE);
}

/* Not elected, as far as that went; one that had begun to promote ends as if that took too long. */
static enum vd_notice abort_notice(const struct vd_group *group)
{
    return group->failover.state <= VD_FO_SELECT_SLAVE ? VD_N_NOT_ELECTED : VD_N_SLAVE_TIMEOUT;
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
        /* It decides about a primary that we demoted: to make it one again would cross that. */
        if (group->failover.handover >= VD_HO_DEMOTING)
            group->failover.handover = VD_HO_NONE;
        vd_failover_give_up(core, group, abort_notice(group), "somebody else leads");
        return;
    case VD_FO_RECONF_SLAVES:
        vd_failover_record(core, group, "somebody else leads");
        vd_reconf_stop(group);
        vd_failover_drop_candidate(group);
        vd_failover_forget_order(group);
        vd_failover_enter(core, group, VD_FO_NONE);
        return;
    }
}

void vd_failover_order(struct vd_core *core, struct vd_group *group, bool coordinated,
                       const struct vd_addr *wanted)
{
    group->failover.forced = !coordinated;
    group->failover.coordinated = coordinated;
    group->failover.wanted = *wanted;
    begin(core, group, coordinated ? "coordinated" : "order");
}

vd_ms vd_failover_tick(struct vd_core *core, struct vd_group *group)
{
    /*
     * A failover goes on when the inbox has been read: somebody else's newer
     * configuration may stand in there, or what a replica has become.
     */
    if (group->failover.state != VD_FO_NONE && !core->time_counts)
        return core->now;
    switch (group->failover.state) {
    case VD_FO_NONE:
        return tick_none(core, group);
    case VD_FO_WAIT_START:
        return tick_wait_start(core, group);
    case VD_FO_SELECT_SLAVE:
        return tick_select(core, group);
    case VD_FO_SEND_SLAVEOF_NOONE:
        return vd_promotion_send(core, group);
    case VD_FO_WAIT_PROMOTION:
        return vd_promotion_await(core, group);
    case VD_FO_RECONF_SLAVES:
        return vd_reconf_tick(core, group);
    case VD_FO_UPDATE_CONFIG:
    case VD_FO_COUNT:
        break;
    }
    VD_ASSERT(false);
    return INT64_MAX;
}
