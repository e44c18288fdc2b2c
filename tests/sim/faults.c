/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults: the plan, its clockwork, and whom a fault hits; see faults.h. */
#include "faults.h"

#include <string.h>

#include "fault_acts.h"
#include "live.h"
#include "node.h"
#include "sentinel.h"

const char *sim_fault_name(enum sim_fault_kind kind)
{
    static const char *const names[SIM_FAULT_COUNT] = {
        [SIM_NODE_KILL] = "kill of a node",
        [SIM_NODE_EMPTY] = "empty restart of a node",
        [SIM_NODE_POWER] = "power loss of a node",
        [SIM_NODE_PAUSE] = "pause of a node",
        [SIM_NODE_BUSY] = "endless script on a node",
        [SIM_NODE_PRIORITY] = "priority of a node",
        [SIM_SENTINEL_KILL] = "kill of a sentinel",
        [SIM_SENTINEL_DOOM] = "death of a sentinel at a boundary",
        [SIM_SENTINEL_POWER] = "power loss of a sentinel",
        [SIM_SENTINEL_PAUSE] = "pause of a sentinel",
        [SIM_SENTINEL_STALL] = "stalls of a sentinel",
        [SIM_SENTINEL_FREEZE] = "freeze of a sentinel's machine",
        [SIM_SENTINEL_AMNESIA] = "loss of a sentinel's state",
        [SIM_SENTINEL_ALL] = "restart of all sentinels",
        [SIM_DISK_FAIL] = "disk full",
        [SIM_DISK_FAIL_LATE] = "disk errors after the write",
        [SIM_DISK_SLOW] = "slow disk",
        [SIM_SPLIT] = "partition in halves",
        [SIM_ISOLATE] = "isolation of a host",
        [SIM_ONE_WAY] = "one-way partition",
        [SIM_SPLIT_PEERS] = "partition between sentinels",
        [SIM_SPLIT_NODES] = "partition between a sentinel and the nodes",
        [SIM_LOSS] = "packet loss",
        [SIM_DELAY] = "latency",
        [SIM_RESET] = "resets of connections",
        [SIM_BLACKHOLE] = "connections forgotten by a middlebox",
        [SIM_ORDER_FAILOVER] = "order: FAILOVER",
        [SIM_ORDER_RESET] = "order: RESET",
        [SIM_ORDER_SET] = "order: SET",
        [SIM_ORDER_ANEW] = "order: REMOVE and MONITOR",
        [SIM_ORDER_CRASH] = "order: SIMULATE-FAILURE",
    };

    return names[kind];
}

struct sim_node *sim_named_primary(const struct sim *sim, unsigned group)
{
    unsigned votes[SIM_NODES_MAX] = {0};
    struct sim_node *best = NULL;

    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        const struct sim_host *host;
        struct sim_node *node;

        if (!sim->sentinels[i]->running)
            continue;
        host = sim_sentinel_names(sim->sentinels[i], group);
        node = host != NULL ? sim_node_of(sim, host) : NULL;
        if (node != NULL && (++votes[node->index] > (best != NULL ? votes[best->index] : 0)))
            best = node;
    }
    return best;
}

/* Plan --------------------------------------------------------------------------- */

static enum sim_fault_kind draw_kind(struct sim_rng *dice, unsigned kinds)
{
    unsigned count = 0;
    unsigned chosen;

    for (unsigned k = 0; k < SIM_FAULT_COUNT; k++)
        count += (kinds >> k) & 1U;
    chosen = (unsigned)sim_below(dice, count);
    for (unsigned k = 0; k < SIM_FAULT_COUNT; k++) {
        if (((kinds >> k) & 1U) != 0 && chosen-- == 0)
            return (enum sim_fault_kind)k;
    }
    return SIM_NODE_KILL;
}

static unsigned draw_swarm(struct sim_rng *dice, unsigned kinds)
{
    unsigned drawn = 0;
    unsigned wanted = (unsigned)sim_between(dice, 2, 5);

    for (unsigned i = 0; i < wanted; i++)
        drawn |= 1U << draw_kind(dice, kinds);
    /* Without a dead server there is little to decide. */
    return drawn | (1U << SIM_NODE_KILL);
}

/* How long a fault of this kind lasts: mostly short, sometimes for good. */
static sim_us draw_lasting(struct sim_rng *dice, enum sim_fault_kind kind)
{
    if (kind == SIM_NODE_EMPTY)
        return sim_between(dice, 20, 400) * SIM_MS;
    if (kind == SIM_SENTINEL_STALL)
        return sim_between(dice, 50, 1900) * SIM_MS;
    switch ((int)sim_below(dice, 4)) {
    case 0:
        return sim_between(dice, 50, 1000) * SIM_MS;
    case 1:
        return sim_between(dice, 1000, 5000) * SIM_MS;
    case 2:
        return sim_between(dice, 5, 30) * SIM_S;
    default:
        return sim_between(dice, 1, 120) * SIM_S;
    }
}

/* Half of them come shortly after the one before: into the middle of what that set off. */
static sim_us draw_at(struct sim *sim, struct sim_rng *dice, sim_us before)
{
    sim_us soon = before + sim_between(dice, 0, 2 * sim->setup.down_after_ms + 500) * SIM_MS;
    sim_us last = sim->setup.faults_end_at - SIM_S;

    if (sim->setup.mix->within_ms != 0) /* what it sets off must end before it is lifted */
        last -= (2 * sim->setup.down_after_ms + 2000) * SIM_MS;

    if (before != 0 && sim_chance(dice, 500) && soon < last)
        return soon;
    return sim_between(dice, sim->setup.faults_from / SIM_MS, last / SIM_MS) * SIM_MS;
}

static void run_start(struct sim *sim, void *self)
{
    struct sim_fault *fault = self;

    sim->stats.faults++;
    sim_note(sim, (uint64_t)fault->kind);
    fault->active = sim_fault_strike(fault);
    if (!fault->active)
        return;
    if (sim->setup.mix->within_ms != 0)
        sim_live_struck(sim);
    sim_after(sim, &fault->end, fault->lasts);
}

static void run_end(struct sim *sim, void *self)
{
    struct sim_fault *fault = self;

    if (!fault->active)
        return;
    if (!sim_fault_lift(fault)) {
        sim_after(sim, &fault->end, SIM_S);
        return;
    }
    fault->active = false;
    if (fault->repeat > 0 && !sim->faults->over) {
        fault->repeat--;
        sim_after(sim, &fault->start, sim_between(&fault->dice, 1, 1500) * SIM_MS);
    }
}

void sim_faults_plan(struct sim *sim)
{
    const struct sim_mix *mix = sim->setup.mix;
    struct sim_faults *faults = vd_alloc(sizeof(*faults));
    struct sim_rng dice;
    unsigned kinds;
    sim_us before = 0;

    sim->faults = faults;
    sim_rng_seed(&dice, sim->setup.seed, 77);
    if (mix->most == 0)
        return;
    kinds = mix->swarm ? draw_swarm(&dice, mix->kinds) : mix->kinds;
    faults->count = (unsigned)sim_between(&dice, 1, mix->most);
    for (unsigned i = 0; i < faults->count; i++) {
        struct sim_fault *fault = &faults->list[i];

        fault->sim = sim;
        fault->kind = draw_kind(&dice, kinds);
        fault->at = draw_at(sim, &dice, before);
        fault->lasts = draw_lasting(&dice, fault->kind);
        if (mix->within_ms != 0)
            fault->lasts = sim->setup.faults_end_at; /* for good: lifted with the end */
        before = fault->at;
        sim_rng_seed(&fault->dice, sim->setup.seed, 1000 + i);
        fault->repeat = fault->kind == SIM_SENTINEL_STALL ? (unsigned)sim_below(&dice, 6) : 0;
        fault->start = (struct sim_task){.run = run_start, .self = fault};
        fault->end = (struct sim_task){.run = run_end, .self = fault};
    }
}

/* The end ---------------------------------------------------------------------------- */

/* A primary whose data all sentinels know for the group's: it has not begun anew since. */
static bool all_know_lineage(const struct sim *sim, const struct sim_node *node)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        const struct sim_saved_group *saved =
            sim_saved_find(&sim->sentinels[i]->disk.platter, sim_group_name(node->group));

        if (saved == NULL || (strcmp(saved->image.lineage.hex, node->at.replid.hex) != 0 &&
                              strcmp(saved->image.lineage_before.hex, node->at.replid.hex) != 0))
            return false;
    }
    return true;
}

/* A replica that was in step for so long has told so: INFO is asked each second until it is. */
#define HEARD_WITHIN (3 * SIM_S)

/*
 * By what its INFO would say: could it be promoted, and do all know of it? A
 * former primary, whom nobody has told yet that it is not any more, could.
 */
static bool is_eligible(const struct sim *sim, const struct sim_node *node)
{
    bool follows = node->primary != NULL && node->synced && node->cached;
    bool was_named = node->primary == NULL && all_know_lineage(sim, node);
    sim_us until = node->upstream == SIM_UP_STREAMING ? sim->now : node->link_down_at;

    if (follows && until - node->in_step_from < HEARD_WITHIN)
        return false;
    if (!node->running || node->loading || node->priority == 0 || node->at.data == NULL ||
        (!follows && !was_named))
        return false;
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (!sim_sentinel_knows(sim->sentinels[i], node->group, node->host))
            return false;
    }
    return true;
}

static bool may_stay_dead(const struct sim *sim, const struct sim_node *dead)
{
    const struct sim_node *named = sim_named_primary(sim, dead->group);

    if (named != NULL && named != dead && sim_node_is_primary(named) && named->at.data != NULL)
        return true;
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i]->group == dead->group && sim->nodes[i] != named &&
            is_eligible(sim, sim->nodes[i]))
            return true;
    }
    return false;
}

static void revive_nodes(struct sim *sim, struct sim_rng *dice, bool corpses)
{
    bool left[SIM_GROUPS_MAX] = {false};

    for (unsigned i = 0; i < sim->node_count; i++) {
        struct sim_node *node = sim->nodes[i];

        node->priority = 100;
        node->busy = false;
        if (node->running)
            continue;
        if (corpses && !left[node->group] && sim_chance(dice, 500) && may_stay_dead(sim, node)) {
            left[node->group] = true;
            SIM_SAY(sim, node->host->name, "stays dead");
            continue;
        }
        sim_node_start(node, false);
    }
}

static void revive_sentinels(struct sim *sim, struct sim_rng *dice, bool corpses)
{
    unsigned spare = (sim->setup.sentinels - 1) / 2;

    if (sim->setup.quorum > sim->setup.sentinels - spare)
        spare = sim->setup.sentinels - sim->setup.quorum;
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        struct sim_sentinel *s = sim->sentinels[i];

        s->doom = SIM_DOOM_NONE;
        s->disk.failing = false;
        s->disk.slow = 0;
        sim_cancel(sim, &s->revive);
        if (s->running)
            continue;
        if (corpses && spare > 0 && sim_chance(dice, 500)) {
            spare--;
            SIM_SAY(sim, s->host->name, "stays dead");
            continue;
        }
        sim_sentinel_start(s);
    }
}

static void run_faults_end(struct sim *sim, void *self)
{
    struct sim_faults *faults = self;
    struct sim_rng dice;
    bool corpses = !sim->setup.mix->no_corpses;

    sim_rng_seed(&dice, sim->setup.seed, 99);
    corpses = corpses && sim_chance(&dice, 500);
    SIM_SAY(sim, "world", "faults end");
    faults->over = true;
    sim->setup.loss_permille = 0;
    for (unsigned i = 0; i < faults->count; i++) {
        struct sim_fault *fault = &faults->list[i];

        sim_cancel(sim, &fault->start);
        sim_cancel(sim, &fault->end);
        if (fault->active && (!sim_fault_leaves_corpse(fault->kind) || !corpses))
            fault->active = !sim_fault_lift(fault);
    }
    revive_nodes(sim, &dice, corpses);
    revive_sentinels(sim, &dice, corpses);
    /* Orders that are half done because the sentinel was dead: it is alive now, or nobody asks. */
    for (unsigned i = 0; i < faults->count; i++) {
        if (faults->list[i].active && faults->list[i].kind >= SIM_ORDER_FAILOVER)
            (void)sim_fault_lift(&faults->list[i]);
    }
    sim_live_start(sim);
}

void sim_faults_start(struct sim *sim)
{
    struct sim_faults *faults = sim->faults;

    faults->end = (struct sim_task){.run = run_faults_end, .self = faults};
    sim_at(sim, &faults->end, sim->setup.faults_end_at);
    for (unsigned i = 0; i < faults->count; i++)
        sim_at(sim, &faults->list[i].start, faults->list[i].at);
}
