/* SPDX-License-Identifier: BSD-3-Clause */
/* Original: who is down, who is voted for, the failover; see original.h. */
#include <string.h>
#include <strings.h>

#include "oracle.h"
#include "original.h"

#define PING_PERIOD SIM_S
#define INFO_PERIOD (10 * SIM_S)
#define PUBLISH_PERIOD (2 * SIM_S)
#define RECONF_TIMEOUT (10 * SIM_S)
#define ELECTION_TIMEOUT (10 * SIM_S)
#define DESYNC (SIM_S - 1)

static sim_us failover_timeout(const struct sim_original *o)
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

static void enter(struct sim_original *o, unsigned g, enum sim_original_state state,
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
    enter(o, g, SIM_OS_WAIT_START, "+try-failover");
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
    enter(o, g, SIM_OS_NONE, event);
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
    enter(o, g, SIM_OS_SEND_NOONE, "+selected-slave");
}

static void turn_others(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    sim_us now = o->sim->now;
    bool late = now - group->state_at > failover_timeout(o);
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
        enter(o, g, SIM_OS_UPDATE, "+failover-end");
}

/* The group has a new primary, by an own failover or by hello. */
static void switch_to(struct sim_original *o, unsigned g, const struct sim_host *to)
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
    switch_to(o, g, primary);
}

static void wait_start(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    sim_us patience =
        failover_timeout(o) < ELECTION_TIMEOUT ? failover_timeout(o) : ELECTION_TIMEOUT;

    if (group->forced || am_leader(o, g)) {
        /* Votes of the present epoch elect it, and it leads in its own, in which another may. */
        bool unsound = group->forced || group->failover_epoch != o->epoch;

        sim_oracle_on_foreign_leader(o->sim, o->host, g, group->failover_epoch, unsound);
        enter(o, g, SIM_OS_SELECT, "+elected-leader");
    } else if (o->sim->now - group->started_at > patience) {
        abort_failover(o, g, "-failover-abort-not-elected");
    }
}

static void run_state(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];
    bool late = o->sim->now - group->state_at > failover_timeout(o);

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
            enter(o, g, SIM_OS_WAIT_PROMOTION, "+failover-state-wait-promotion");
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
        switch_to(o, g, group->promoted->at);
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
        o->sim->now - group->started_at >= 2 * failover_timeout(o)) {
        start(o, g);
        sim_original_ask(o, g, true);
    }
    run_state(o, g);
    sim_original_ask(o, g, false);
}

/* INFO --------------------------------------------------------------------------------------- */

static bool primary_looks_sane(const struct sim_original *o, const struct sim_original_group *group)
{
    return group->primary.role == VD_ROLE_PRIMARY && !group->primary.s_down && !group->o_down &&
           group->primary.info_at >= 0 && o->sim->now - group->primary.info_at < 2 * INFO_PERIOD;
}

static bool was_quiet(const struct sim_original *o, const struct sim_watched *w, sim_us time)
{
    return w->s_down_at < 0 || o->sim->now - w->s_down_at > time;
}

static void promoted_is_primary(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];

    group->config_epoch = group->failover_epoch;
    enter(o, g, SIM_OS_RECONF, "+promoted-slave");
    sim_original_save(o);
    sim_oracle_on_foreign_config(o->sim, o->host, g, group->config_epoch, group->promoted->at);
    group->primary.published_at = 0; /* to all, at once */
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++)
        group->replicas[i].published_at = 0;
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++)
        o->peers[p].published_at = 0;
}

static void repair(struct sim_original *o, unsigned g, struct sim_watched *w)
{
    struct sim_original_group *group = &o->groups[g];
    sim_us now = o->sim->now;
    sim_us wait = 4 * PUBLISH_PERIOD;

    if (!primary_looks_sane(o, group) || w->promoted)
        return;
    if (w->role == VD_ROLE_PRIMARY) {
        if (was_quiet(o, w, wait) && now - w->role_at > wait) {
            sim_original_say(o, "+convert-to-slave", g, w->at);
            sim_original_turn(o, w, group->primary.at);
        }
    } else if (w->follows != group->primary.at && was_quiet(o, w, failover_timeout(o)) &&
               now - w->follows_at > failover_timeout(o)) {
        sim_original_say(o, "+fix-slave-config", g, w->at);
        sim_original_turn(o, w, group->primary.at);
    }
}

static void learn(struct sim_original *o, unsigned g, struct sim_watched *w,
                  const struct vd_info *info)
{
    struct sim_original_group *group = &o->groups[g];
    const struct sim_host *follows = NULL;

    w->run_id = info->run_id;
    if (info->role != w->role) {
        w->role = info->role;
        w->role_at = o->sim->now;
        w->follows_at = o->sim->now;
    }
    if (info->role == VD_ROLE_REPLICA)
        follows = sim_host_find(o->sim->net, &info->primary);
    if (follows != w->follows) {
        w->follows = follows;
        w->follows_at = o->sim->now;
    }
    w->link_up = info->link_up;
    w->link_down_ms = info->link_down_ms;
    w->priority = info->priority;
    w->offset = info->replica_offset;
    for (size_t i = 0; w == &group->primary && i < info->replica_count; i++) {
        const struct sim_host *at = sim_host_find(o->sim->net, &info->replicas[i].addr);

        if (at != NULL && sim_original_replica(group, at, false, o) == NULL) {
            (void)sim_original_replica(group, at, true, o);
            sim_original_save(o);
        }
    }
}

void sim_original_informed(struct sim_original *o, unsigned g, struct sim_watched *w,
                           const struct vd_info *info)
{
    struct sim_original_group *group = &o->groups[g];

    if (g == SIM_GROUPS_MAX)
        return;
    learn(o, g, w, info);
    if (o->tilt_at >= 0 || w == &group->primary)
        return;
    if (w->promoted && w->role == VD_ROLE_PRIMARY && group->state == SIM_OS_WAIT_PROMOTION)
        promoted_is_primary(o, g);
    else
        repair(o, g, w);
    if (group->state != SIM_OS_RECONF || w->role != VD_ROLE_REPLICA)
        return;
    if (w->reconf == SIM_OR_SENT && w->follows == group->promoted->at)
        w->reconf = SIM_OR_INPROG;
    if (w->reconf == SIM_OR_INPROG && w->link_up)
        w->reconf = SIM_OR_DONE;
}

/* Hello --------------------------------------------------------------------------------------- */

static void forget_peer(struct sim_original *o, unsigned p)
{
    sim_original_unlink(&o->peers[p]);
    o->peers[p] = (struct sim_watched){.at = NULL};
    for (unsigned g = 0; g < o->sim->setup.groups; g++)
        o->groups[g].opinions[p] = (struct sim_original_opinion){.member = false};
}

/* The peer's place; who had its address under another id is gone. */
static int meet(struct sim_original *o, unsigned g, const struct vd_hello *hello)
{
    const struct sim_host *at = sim_host_find(o->sim->net, &hello->peer);
    int empty = -1;

    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        bool same_id = strcmp(o->peers[p].id.hex, hello->id.hex) == 0;

        if (o->peers[p].at != NULL && o->peers[p].at == at && same_id) {
            if (!o->groups[g].opinions[p].member)
                sim_original_say(o, "+sentinel", g, at);
            o->groups[g].opinions[p].member = true;
            return (int)p;
        }
        if (o->peers[p].at != NULL && (same_id || o->peers[p].at == at))
            forget_peer(o, p);
        if (o->peers[p].at == NULL && empty < 0)
            empty = (int)p;
    }
    if (at == NULL || empty < 0)
        return -1;
    sim_original_watch(o, &o->peers[empty], at);
    o->peers[empty].is_peer = true;
    o->peers[empty].id = hello->id;
    o->groups[g].opinions[empty].member = true;
    sim_original_say(o, "+sentinel", g, at);
    sim_original_save(o);
    return empty;
}

void sim_original_hello(struct sim_original *o, const struct vd_hello *hello)
{
    const struct sim_host *named = sim_host_find(o->sim->net, &hello->primary);
    unsigned g = 0;

    while (g < o->sim->setup.groups && strcmp(sim_group_name(g), hello->group) != 0)
        g++;
    if (g == o->sim->setup.groups || named == NULL || meet(o, g, hello) < 0)
        return;
    if (hello->epoch > o->epoch) {
        o->epoch = hello->epoch;
        sim_original_save(o);
        sim_original_say(o, "+new-epoch", g, NULL);
    }
    if (hello->config_epoch <= o->groups[g].config_epoch)
        return;
    o->groups[g].config_epoch = hello->config_epoch;
    sim_original_save(o);
    if (named != o->groups[g].primary.at)
        switch_to(o, g, named);
}
