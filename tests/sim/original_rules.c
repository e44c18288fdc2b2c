/* SPDX-License-Identifier: BSD-3-Clause */
/* Original: who is down, who is voted for, the failover; see original.h. */
#include <string.h>
#include <strings.h>

#include "oracle.h"
#include "original.h"

#define PING_PERIOD SIM_S
#define INFO_PERIOD (10 * SIM_S)
#define RECONF_TIMEOUT (10 * SIM_S)
#define ELECTION_TIMEOUT (10 * SIM_S)
#define DESYNC (SIM_S - 1)

sim_us sim_original_patience(const struct sim_original *o)
{
    return o->sim->setup.failover_timeout_ms * SIM_MS;
}

struct sim_watched *sim_original_replica(struct sim_original_group *group,
                                         const struct sim_host *at, bool add,
                                         struct sim_original *o)
{
    struct sim_watched *empty = NULL;

    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        struct sim_watched *w = &group->replicas[i];

        if (w->at == at)
            return w;
        if (w->at == NULL && empty == NULL)
            empty = w;
    }
    if (!add || empty == NULL || at == NULL)
        return NULL;
    sim_original_watch(o, empty, at);
    return empty;
}

/* Down -------------------------------------------------------------------------------- */

static void check_s_down(struct sim_original *o, unsigned g, struct sim_watched *w, bool primary)
{
    sim_us now = o->sim->now;
    sim_us down_after = o->sim->setup.down_after_ms * SIM_MS;
    sim_us silent = 0;
    bool down;

    if (w->at == NULL)
        return;
    if (w->ping_since >= 0)
        silent = now - w->ping_since;
    else if (!sim_original_is_linked(w))
        silent = now - w->good_at;
    down = silent > down_after || (primary && w->role == VD_ROLE_REPLICA &&
                                   now - w->role_at > down_after + 2 * INFO_PERIOD);
    if (down == w->s_down)
        return;
    w->s_down = down;
    w->s_down_at = now;
    sim_original_say(o, down ? "+sdown" : "-sdown", g, w->at);
}

static void check_o_down(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    unsigned votes = 1;
    bool down;

    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++)
        votes += group->opinions[p].member && group->opinions[p].down;
    down = group->primary.s_down && votes >= o->sim->setup.quorum;
    if (down == group->o_down)
        return;
    group->o_down = down;
    group->o_down_at = o->sim->now;
    sim_original_say(o, down ? "+odown" : "-odown", g, group->primary.at);
}

/* Votes -------------------------------------------------------------------------------- */

void sim_original_vote(struct sim_original *o, unsigned g, uint64_t epoch,
                       const struct vd_id *candidate)
{
    struct sim_original_group *group = &o->groups[g];

    if (epoch > o->epoch) {
        o->epoch = epoch;
        sim_original_save(o);
        sim_original_say(o, "+new-epoch", g, NULL);
    }
    if (group->leader_epoch >= epoch || o->epoch > epoch)
        return;
    group->leader = *candidate;
    group->leader_epoch = o->epoch;
    sim_original_save(o);
    sim_original_say(o, "+vote-for-leader", g, NULL);
    sim_oracle_on_foreign_vote(o->sim, &o->id, g, o->epoch, candidate);
    if (strcmp(candidate->hex, o->id.hex) != 0)
        group->started_at = o->sim->now + sim_between(&o->sim->times, 0, DESYNC);
}

static unsigned count_for(const struct sim_original *o, const struct sim_original_group *group,
                          const struct vd_id *leader)
{
    unsigned votes = 0;

    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        const struct sim_original_opinion *opinion = &group->opinions[p];

        votes += opinion->member && opinion->leader_epoch == o->epoch &&
                 strcmp(opinion->leader.hex, leader->hex) == 0;
    }
    return votes;
}

/* Am I elected? Votes for whoever is ahead, or for oneself. */
static bool am_leader(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    const struct vd_id *ahead = &o->id;
    unsigned most = 0;
    unsigned voters = 1;

    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        const struct sim_original_opinion *opinion = &group->opinions[p];
        unsigned votes = 0;

        voters += opinion->member;
        if (opinion->member && opinion->leader.hex[0] != '\0' && opinion->leader_epoch == o->epoch)
            votes = count_for(o, group, &opinion->leader);
        if (votes > most) {
            most = votes;
            ahead = &opinion->leader;
        }
    }
    sim_original_vote(o, g, group->failover_epoch, ahead);
    most = count_for(o, group, &o->id) + (group->leader_epoch == group->failover_epoch &&
                                          strcmp(group->leader.hex, o->id.hex) == 0);
    return most >= voters / 2 + 1 && most >= o->sim->setup.quorum;
}

/* Failover ------------------------------------------------------------------------------- */

void sim_original_enter(struct sim_original *o, unsigned g, enum sim_original_state state,
                        const char *event)
{
    o->groups[g].state = state;
    o->groups[g].state_at = o->sim->now;
    if (event != NULL)
        sim_original_say(o, event, g,
                         o->groups[g].promoted != NULL ? o->groups[g].promoted->at
                                                       : o->groups[g].primary.at);
}

static void start(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];

    group->failover_epoch = ++o->epoch;
    group->started_at = o->sim->now + sim_between(&o->sim->times, 0, DESYNC);
    group->promoted = NULL;
    sim_original_enter(o, g, SIM_OS_WAIT_START, "+try-failover");
}

void sim_original_failover(struct sim_original *o, unsigned g)
{
    if (o->groups[g].state != SIM_OS_NONE)
        return;
    o->groups[g].forced = true;
    start(o, g);
}

static void abort_failover(struct sim_original *o, unsigned g, const char *event)
{
    struct sim_original_group *group = &o->groups[g];

    if (group->promoted != NULL)
        group->promoted->promoted = false;
    group->promoted = NULL;
    group->forced = false;
    sim_original_enter(o, g, SIM_OS_NONE, event);
}

static bool is_better(const struct sim_watched *a, const struct sim_watched *b)
{
    if (b == NULL || a->priority != b->priority)
        return b == NULL || a->priority < b->priority;
    if (a->offset != b->offset)
        return a->offset > b->offset;
    return strcasecmp(a->run_id.hex, b->run_id.hex) < 0;
}

static struct sim_watched *select_replica(const struct sim_original *o,
                                          struct sim_original_group *group)
{
    sim_us now = o->sim->now;
    sim_us down_for = group->primary.s_down ? now - group->primary.s_down_at : 0;
    sim_us link_bound = down_for + 10 * o->sim->setup.down_after_ms * SIM_MS;
    sim_us info_bound = group->primary.s_down ? 5 * PING_PERIOD : 3 * INFO_PERIOD;
    struct sim_watched *best = NULL;

    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        struct sim_watched *w = &group->replicas[i];

        if (w->at == NULL || w->s_down || !sim_original_is_linked(w) || w->priority == 0 ||
            now - w->good_at > 5 * PING_PERIOD || w->info_at < 0 || now - w->info_at > info_bound ||
            w->link_down_ms * SIM_MS > link_bound)
            continue;
        if (is_better(w, best))
            best = w;
    }
    return best;
}

static void select_and_go_on(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    struct sim_watched *best = select_replica(o, group);

    if (best == NULL) {
        abort_failover(o, g, "-failover-abort-no-good-slave");
        return;
    }
    best->promoted = true;
    group->promoted = best;
    sim_original_enter(o, g, SIM_OS_SEND_NOONE, "+selected-slave");
}

static void turn_others(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    sim_us now = o->sim->now;
    bool late = now - group->state_at > sim_original_patience(o);
    unsigned busy = 0;
    bool left = group->promoted->s_down;

    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++)
        busy += group->replicas[i].at != NULL && (group->replicas[i].reconf == SIM_OR_SENT ||
                                                  group->replicas[i].reconf == SIM_OR_INPROG);
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        struct sim_watched *w = &group->replicas[i];

        if (w->at == NULL || w->promoted || w->reconf == SIM_OR_DONE)
            continue;
        if (w->reconf == SIM_OR_SENT && now - w->reconf_at > RECONF_TIMEOUT)
            w->reconf = SIM_OR_DONE;
        if (w->reconf == SIM_OR_NONE && sim_original_is_linked(w) &&
            (late || busy < o->sim->setup.parallel_syncs)) {
            sim_original_turn(o, w, group->promoted->at);
            w->reconf = SIM_OR_SENT;
            w->reconf_at = now;
            busy++;
        }
        left |= !w->s_down && w->reconf != SIM_OR_DONE;
    }
    if (!left || late)
        sim_original_enter(o, g, SIM_OS_UPDATE, "+failover-end");
}

void sim_original_switch(struct sim_original *o, unsigned g, const struct sim_host *to)
{
    struct sim_original_group *group = &o->groups[g];
    const struct sim_host *old = group->primary.at;
    const struct sim_host *keep[SIM_ORIGINAL_REPLICAS];

    sim_original_say(o, "+switch-master", g, to);
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++)
        keep[i] = group->replicas[i].at;
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        sim_original_unlink(&group->replicas[i]);
        group->replicas[i] = (struct sim_watched){.at = NULL};
    }
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        if (keep[i] != NULL && keep[i] != to)
            (void)sim_original_replica(group, keep[i], true, o);
    }
    if (old != to)
        (void)sim_original_replica(group, old, true, o);
    sim_original_watch(o, &group->primary, to);
    group->primary.role = VD_ROLE_PRIMARY;
    group->o_down = false;
    group->state = SIM_OS_NONE;
    group->forced = false;
    group->promoted = NULL;
    group->started_at = -1000 * SIM_S;
    group->leader.hex[0] = '\0';
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        group->opinions[p].down = false;
        group->opinions[p].leader.hex[0] = '\0';
    }
    sim_original_save(o);
}

void sim_original_reset(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    const struct sim_host *primary = group->primary.at;

    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        sim_original_unlink(&group->replicas[i]);
        group->replicas[i] = (struct sim_watched){.at = NULL};
    }
    memset(group->opinions, 0, sizeof(group->opinions));
    sim_original_switch(o, g, primary);
}

static void wait_start(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    sim_us patience =
        sim_original_patience(o) < ELECTION_TIMEOUT ? sim_original_patience(o) : ELECTION_TIMEOUT;

    if (group->forced || am_leader(o, g)) {
        /* Votes of the present epoch elect it, and it leads in its own, in which another may. */
        bool unsound = group->forced || group->failover_epoch != o->epoch;

        sim_oracle_on_foreign_leader(o->sim, o->host, g, group->failover_epoch, unsound);
        sim_original_enter(o, g, SIM_OS_SELECT, "+elected-leader");
    } else if (o->sim->now - group->started_at > patience) {
        abort_failover(o, g, "-failover-abort-not-elected");
    }
}

static void run_state(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    bool late = o->sim->now - group->state_at > sim_original_patience(o);

    switch (group->state) {
    case SIM_OS_NONE:
        break;
    case SIM_OS_WAIT_START:
        wait_start(o, g);
        break;
    case SIM_OS_SELECT:
        select_and_go_on(o, g);
        break;
    case SIM_OS_SEND_NOONE:
        if (sim_original_is_linked(group->promoted)) {
            sim_original_turn(o, group->promoted, NULL);
            sim_original_enter(o, g, SIM_OS_WAIT_PROMOTION, "+failover-state-wait-promotion");
        } else if (late) {
            abort_failover(o, g, "-failover-abort-slave-timeout");
        }
        break;
    case SIM_OS_WAIT_PROMOTION:
        if (late)
            abort_failover(o, g, "-failover-abort-slave-timeout");
        break;
    case SIM_OS_RECONF:
        turn_others(o, g);
        break;
    case SIM_OS_UPDATE:
        break;
    }
    if (group->state == SIM_OS_UPDATE)
        sim_original_switch(o, g, group->promoted->at);
}

void sim_original_check(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];

    if (o->tilt_at >= 0)
        return;
    check_s_down(o, g, &group->primary, true);
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++)
        check_s_down(o, g, &group->replicas[i], false);
    check_o_down(o, g);
    if (group->o_down && group->state == SIM_OS_NONE &&
        o->sim->now - group->started_at >= 2 * sim_original_patience(o)) {
        start(o, g);
        sim_original_ask(o, g, true);
    }
    run_state(o, g);
    sim_original_ask(o, g, false);
}
