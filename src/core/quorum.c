/* SPDX-License-Identifier: BSD-3-Clause */
/* Quorum: see quorum.h. PROTOCOL facts: objectively down, asking peers. */
#include "core/quorum.h"

#include "core/emit.h"
#include "core/failover_state.h"
#include "core/health.h"
#include "core/link.h"
#include "core/notice.h"
#include "core/probe.h"

#define ASK_LEAST_MS 100
#define ANSWER_VALID_PERIODS 5

unsigned vd_quorum_voters(const struct vd_group *group)
{
    return 1 + group->opinion_count;
}

unsigned vd_quorum_needed(const struct vd_group *group)
{
    unsigned majority = vd_quorum_voters(group) / 2 + 1;

    return majority > group->options.quorum ? majority : group->options.quorum;
}

unsigned vd_quorum_usable(const struct vd_group *group)
{
    const struct vd_opinion *opinion;
    unsigned usable = 1;

    DL_FOREACH (group->opinions, opinion) {
        usable += vd_opinion_is_usable(opinion) ? 1U : 0U;
    }
    return usable;
}

void vd_quorum_want_answers(struct vd_core *core, struct vd_group *group)
{
    struct vd_opinion *opinion;

    DL_FOREACH (group->opinions, opinion) {
        /* The answer under way was to another question. */
        vd_opinion_set_asked(core, opinion, (vd_ticket){0});
        opinion->ask_wanted = true;
    }
    vd_group_touch(core, group);
}

/*
 * A candidate that acts by itself says why with every request for a vote: who
 * is asked without that takes it for an operator's order, see refutes() in
 * election.c. What was asked before may not have arrived, and with a quorum of
 * one nobody has been asked at all. The answer is not waited for.
 */
static void claim(struct vd_core *core, struct vd_opinion *opinion)
{
    struct vd_effect *effect = vd_emit_send(core, &opinion->peer->wire, VD_RQ_QUESTION);

    effect->send.addr = opinion->group->primary->addr;
    effect->send.epoch = core->epoch;
    effect->send.candidate = "*";
}

static void ask(struct vd_core *core, struct vd_opinion *opinion)
{
    struct vd_group *group = opinion->group;
    const struct vd_addr *primary = &group->primary->addr;
    bool wants_vote = group->failover.state == VD_FO_WAIT_START;
    struct vd_effect *effect;

    if (wants_vote && !vd_failover_is_ordered(group))
        claim(core, opinion);
    effect = vd_emit_send(core, &opinion->peer->wire, VD_RQ_QUESTION);
    effect->send.addr = *primary;
    effect->send.epoch = wants_vote ? group->failover.epoch : core->epoch;
    effect->send.candidate = wants_vote ? vd_arena_strdup(&core->out->arena, core->self.hex) : "*";
    vd_opinion_set_asked(core, opinion, effect->send.ticket);
    opinion->asked_at = core->now;
    opinion->ask_wanted = false;
}

/*
 * differs: a peer that said no is asked again after 100 ms, less often as the
 * disagreement lasts; Sentinel asks once a second.
 */
static vd_ms ask_period(const struct vd_core *core, const struct vd_opinion *opinion)
{
    vd_ms period = core->globals.ask_period_ms;
    vd_ms down_at = opinion->group->primary->s_down_at;

    if (opinion->primary_down || down_at == VD_NEVER)
        return period;
    return vd_max_ms(ASK_LEAST_MS, vd_min_ms((core->now - down_at) / 8, period));
}

static vd_ms tick_opinion(struct vd_core *core, struct vd_opinion *opinion)
{
    vd_ms due;

    if (!opinion->peer->wire.up || opinion->asked.n != 0)
        return INT64_MAX;
    due = opinion->asked_at == VD_NEVER ? core->now : opinion->asked_at + ask_period(core, opinion);
    if (!opinion->ask_wanted && due > core->now)
        return due;
    ask(core, opinion);
    return INT64_MAX;
}

/* An answer is good for five ask periods. */
static vd_ms expire(const struct vd_core *core, struct vd_opinion *opinion)
{
    vd_ms end_at;

    if (opinion->answered_at == VD_NEVER)
        return INT64_MAX;
    end_at = opinion->answered_at + ANSWER_VALID_PERIODS * core->globals.ask_period_ms;
    if (end_at > core->now)
        return end_at;
    opinion->primary_down = false;
    opinion->answered_at = VD_NEVER;
    opinion->voted_for.hex[0] = '\0';
    return INT64_MAX;
}

static void judge(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *primary = group->primary;
    const struct vd_opinion *opinion;
    unsigned agreed = 1;
    bool down;

    DL_FOREACH (group->opinions, opinion) {
        agreed += opinion->primary_down ? 1U : 0U;
    }
    down = primary->s_down_at != VD_NEVER && agreed >= group->options.quorum;
    if (down && primary->o_down_at == VD_NEVER) {
        primary->o_down_at = core->now;
        vd_notice_group(core, VD_N_ODOWN, group, "#quorum %u/%u", agreed, group->options.quorum);
    } else if (!down && primary->o_down_at != VD_NEVER) {
        primary->o_down_at = VD_NEVER;
        vd_notice_group(core, VD_N_OUP, group, "%s", "");
    }
}

/* differs: what a peer said in an outage that is over counts for nothing in the next. */
static void forget_answers(struct vd_group *group)
{
    struct vd_opinion *opinion;

    DL_FOREACH (group->opinions, opinion) {
        opinion->primary_down = false;
    }
}

vd_ms vd_quorum_tick(struct vd_core *core, struct vd_group *group)
{
    bool down = group->primary->s_down_at != VD_NEVER;
    struct vd_opinion *opinion;
    vd_ms next = INT64_MAX;

    if (down && !group->asking) {
        forget_answers(group);
        vd_quorum_want_answers(core, group);
        if (!vd_probe_is_crowded(core))
            vd_probe_want_info(core, group); /* for the choice that may follow */
    }
    group->asking = down;
    DL_FOREACH (group->opinions, opinion) {
        next = vd_min_ms(next, expire(core, opinion));
        if (down || group->failover.state == VD_FO_WAIT_START)
            next = vd_min_ms(next, tick_opinion(core, opinion));
    }
    judge(core, group);
    return next;
}

void vd_quorum_on_answer(struct vd_core *core, const struct vd_event *event)
{
    struct vd_wire *wire = vd_wire_find(core, event->answer.link);
    struct vd_opinion *opinion;

    if (wire == NULL || wire->pending == 0)
        return;
    wire->pending--;
    wire->heard_at = core->now;
    HASH_FIND(hh, core->asked, &event->answer.ticket, sizeof(vd_ticket), opinion);
    if (opinion == NULL)
        return; /* about a primary, or an election, that is over */
    vd_opinion_set_asked(core, opinion, (vd_ticket){0});
    vd_group_touch(core, opinion->group);
    if (!event->answer.ok)
        return;
    opinion->answered_at = core->now;
    opinion->primary_down = event->answer.down;
    if (vd_id_known(&event->answer.leader)) {
        opinion->voted_for = event->answer.leader;
        opinion->voted_epoch = event->answer.leader_epoch;
    }
    vd_group_touch(core, opinion->group);
}
