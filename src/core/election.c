/* SPDX-License-Identifier: BSD-3-Clause */
/* Election: see election.h. */
#include "core/election.h"

#include "base/text.h"
#include "core/emit.h"
#include "core/failover.h"
#include "core/health.h"
#include "core/maintenance.h"
#include "core/notice.h"
#include "core/probe.h"
#include "core/quorum.h"

#define STEP_LEAST_MS 25
#define STEP_MOST_MS 500
#define STEP_CROWD 4 /* so many lost at once make it 1 ms longer: elections wait for each other */
#define LEADER_SILENT_MS 500    /* a leader whose link is silent for so long is taken for dead */
#define LEADER_PATIENCE_MS 5000 /* one that lives but does not finish */
#define CLAIM_VALID_MS 5000

enum vd_tally vd_election_count(const struct vd_ballot *ballots, size_t count,
                                const struct vd_id *candidate, uint64_t epoch, unsigned needed)
{
    unsigned votes = 0;
    unsigned open = 0;

    for (size_t i = 0; i < count; i++) {
        bool voted = ballots[i].epoch == epoch && vd_id_known(&ballots[i].vote);

        if (voted && vd_id_equal(&ballots[i].vote, candidate))
            votes++;
        else if (!voted && ballots[i].may_come)
            open++;
    }
    if (votes >= needed)
        return VD_TALLY_WON;
    return votes + open >= needed ? VD_TALLY_PENDING : VD_TALLY_LOST;
}

enum vd_tally vd_election_tally(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_failover *failover = &group->failover;
    struct vd_ballot *ballots =
        vd_arena_alloc(&core->out->arena, (group->opinion_count + 1) * sizeof(struct vd_ballot));
    const struct vd_opinion *opinion;
    size_t count = 0;

    ballots[count].vote = group->vote;
    ballots[count++].epoch = group->vote_epoch;
    DL_FOREACH (group->opinions, opinion) {
        bool answered = opinion->asked.n == 0 && !opinion->ask_wanted &&
                        opinion->answered_at != VD_NEVER &&
                        opinion->answered_at >= failover->started_at;

        ballots[count].vote = opinion->voted_for;
        ballots[count].epoch = opinion->voted_epoch;
        /* Who answered without a vote in this epoch will not give one. */
        ballots[count++].may_come = vd_opinion_is_usable(opinion) && !answered;
    }
    return vd_election_count(ballots, count, &core->self, failover->epoch, vd_quorum_needed(group));
}

static uint64_t rank_key(const struct vd_group *group, const struct vd_id *id)
{
    uint64_t hash = vd_hash_text(vd_hash_text(0, group->name), id->hex);

    /* Turns with the configuration epoch: leadership wanders, and is spread over groups. */
    return (hash ^ group->config_epoch) * 1099511628211U;
}

unsigned vd_election_rank(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_opinion *opinion;
    uint64_t own = rank_key(group, &core->self);
    unsigned rank = 0;

    DL_FOREACH (group->opinions, opinion) {
        if (vd_opinion_is_usable(opinion) && rank_key(group, &opinion->peer->id) < own)
            rank++;
    }
    return rank;
}

vd_ms vd_election_step_ms(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_opinion *opinion;
    vd_ms slowest = 0;

    DL_FOREACH (group->opinions, opinion) {
        slowest = vd_max_ms(slowest, opinion->peer->pulse.rtt_ms);
    }
    return vd_min_ms(vd_max_ms(STEP_LEAST_MS + 3 * slowest, (vd_ms)core->lost_wires / STEP_CROWD),
                     STEP_MOST_MS);
}

vd_ms vd_election_abstains_until(const struct vd_core *core)
{
    return core->fresh ? core->started_at + core->globals.abstain_ms : VD_NEVER;
}

bool vd_election_abstains(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_opinion *opinion;
    unsigned heard = 1;

    if (!core->fresh)
        return false;
    DL_FOREACH (group->opinions, opinion) {
        heard += opinion->heard ? 1U : 0U;
    }
    return core->now < vd_election_abstains_until(core) || heard < vd_quorum_voters(group) / 2 + 1;
}

bool vd_election_is_epoch(const struct vd_core *core, uint64_t epoch)
{
    return epoch <= core->epoch ||
           (epoch - core->epoch <= VD_EPOCH_LEAP_MAX && epoch < VD_EPOCH_MAX - VD_EPOCH_LEAP_MAX);
}

void vd_election_raise_epoch(struct vd_core *core, uint64_t epoch)
{
    VD_ASSERT(epoch <= VD_EPOCH_MAX);
    if (epoch <= core->epoch)
        return;
    core->epoch = epoch;
    core->dirty = true;
    vd_notice_plain(core, VD_N_NEW_EPOCH, "%llu", (unsigned long long)epoch);
}

void vd_election_vote(struct vd_core *core, struct vd_group *group, const struct vd_id *candidate,
                      uint64_t epoch)
{
    VD_ASSERT(epoch > group->vote_epoch);
    group->vote = *candidate;
    group->vote_epoch = epoch;
    vd_group_dirty(core, group);
    vd_notice_plain(core, VD_N_VOTE, "%s %llu", candidate->hex, (unsigned long long)epoch);
    if (vd_id_equal(candidate, &core->self)) {
        group->following.hex[0] = '\0';
        return;
    }
    /* Whoever asks for a newer epoch takes over; what we had begun, it finds and completes. */
    vd_failover_yield(core, group);
    group->following = *candidate;
    group->following_epoch = epoch;
    group->following_since = core->now;
    group->stand_at = VD_NEVER;
}

/*
 * differs: Sentinel votes for anyone who asks first. A voter that reaches the
 * primary refuses a candidate that says it is down, so that a primary which a
 * majority reaches is never failed over. A candidate that never claimed so
 * acts on an operator's order, and gets the vote. So does a client that bears
 * no sentinel's name: no sentinel leads by such a vote.
 */
static bool refutes(const struct vd_core *core, const struct vd_group *group,
                    const struct vd_opinion *asker, const struct vd_event *event)
{
    bool claims = asker == NULL
                      ? event->question.asker[0] != '\0'
                      : vd_elapsed(core->now, asker->claimed_at, INT64_MAX) <= CLAIM_VALID_MS;

    return claims && (vd_maintenance_is_on(core, group) || vd_health_reached(core, group->primary));
}

static void consider(struct vd_core *core, struct vd_group *group, const struct vd_opinion *asker,
                     const struct vd_event *event)
{
    uint64_t epoch = event->question.epoch;

    if (!vd_election_is_epoch(core, epoch))
        return;
    /* differs: the vote is about this group's epoch; the global one moving on starves nobody. */
    vd_election_raise_epoch(core, epoch);
    if (epoch <= group->vote_epoch || epoch <= group->config_epoch)
        return;
    if (vd_election_abstains(core, group) || refutes(core, group, asker, event))
        return;
    vd_election_vote(core, group, &event->question.candidate, epoch);
}

static struct vd_opinion *find_asker(const struct vd_group *group, const char *asker)
{
    struct vd_opinion *opinion;

    if (strlen(asker) != 8)
        return NULL;
    DL_FOREACH (group->opinions, opinion) {
        if (strncmp(opinion->peer->id.hex, asker, 8) == 0)
            return opinion;
    }
    return NULL;
}

void vd_election_on_question(struct vd_core *core, const struct vd_event *event)
{
    struct vd_group *group = vd_group_find_address(core, &event->question.addr);
    struct vd_effect *effect;
    const char *leader = "*";
    uint64_t leader_epoch = 0;

    if (group != NULL) {
        struct vd_opinion *asker = find_asker(group, event->question.asker);

        if (asker != NULL && !event->question.wants_vote) {
            /* Only who holds it for down asks: its answer to us may have changed. */
            asker->claimed_at = core->now;
            asker->ask_wanted |= !asker->primary_down;
            vd_group_touch(core, group);
        }
        if (event->question.wants_vote) {
            consider(core, group, asker, event);
            vd_group_touch(core, group);
            if (vd_id_known(&group->vote))
                leader = vd_arena_strdup(&core->out->arena, group->vote.hex);
            leader_epoch = group->vote_epoch;
        }
    }
    effect = vd_emit(core, VD_EF_REPLY, true);
    effect->reply.client = event->question.client;
    effect->reply.kind = VD_REPLY_VOTE;
    effect->reply.down = group != NULL && group->primary->s_down_at != VD_NEVER;
    effect->reply.leader = leader;
    effect->reply.leader_epoch = leader_epoch;
}

/*
 * Its process is gone, or it has not answered for so long that it may be.
 * Whatever was wrong with our link to it before, it lived when it asked for
 * our vote: two that each hold the other for dead would outbid each other.
 */
static bool leader_is_dead(const struct vd_core *core, const struct vd_opinion *leader,
                           vd_ms alive_at, vd_ms *next)
{
    const struct vd_pulse *pulse = &leader->peer->pulse;
    vd_ms gone_at = vd_max_ms(leader->s_down_at, pulse->refused_since);
    vd_ms silent_since = vd_pulse_silent_since(core, pulse);

    if (gone_at != VD_NEVER && gone_at >= alive_at)
        return true;
    if (gone_at == VD_NEVER && silent_since == VD_NEVER)
        return false;
    silent_since = vd_max_ms(silent_since, alive_at);
    if (core->now - silent_since >= LEADER_SILENT_MS)
        return true;
    *next = vd_min_ms(*next, silent_since + LEADER_SILENT_MS);
    return false;
}

bool vd_election_is_following(const struct vd_core *core, const struct vd_group *group, vd_ms *next)
{
    const struct vd_opinion *leader;
    vd_ms end_at;

    if (!vd_id_known(&group->following) || group->config_epoch >= group->following_epoch)
        return false;
    end_at =
        group->following_since + vd_min_ms(LEADER_PATIENCE_MS, group->options.failover_timeout_ms);
    if (core->now >= end_at)
        return false;
    leader = vd_opinion_find(group, &group->following);
    /* differs: a leader killed in mid-failover is succeeded at once, not after 11 s. */
    if (leader != NULL && leader_is_dead(core, leader, group->following_since, next))
        return false;
    *next = vd_min_ms(*next, end_at);
    return true;
}
