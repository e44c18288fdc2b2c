/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults: the clockwork that carries a schedule out, and its end; see faults.h. */
#include "faults.h"

#include <string.h>

#include "fault_acts.h"
#include "live.h"
#include "node.h"
#include "original.h"
#include "sentinel.h"
#include "tell.h"

/* Whom the i-th names, the originals behind the others; NULL: nobody. */
static const struct sim_host *named_by(const struct sim *sim, unsigned i, unsigned group)
{
    const struct sim_original *o;

    if (i < sim->setup.sentinels)
        return sim->sentinels[i]->running ? sim_sentinel_names(sim->sentinels[i], group) : NULL;
    o = sim->originals[i - sim->setup.sentinels];
    return o->running ? sim_original_names(o, group) : NULL;
}

/* The address that most name; a server may have left it. */
static const struct sim_host *named_host(const struct sim *sim, unsigned group)
{
    unsigned votes[SIM_HOSTS_MAX] = {0};
    const struct sim_host *best = NULL;

    for (unsigned i = 0; i < sim->setup.sentinels + sim->setup.originals; i++) {
        const struct sim_host *host = named_by(sim, i, group);

        if (host != NULL && (++votes[host->index] > (best != NULL ? votes[best->index] : 0)))
            best = host;
    }
    return best;
}

struct sim_node *sim_named_primary(const struct sim *sim, unsigned group)
{
    const struct sim_host *host = named_host(sim, group);

    return host != NULL ? sim_node_of(sim, host) : NULL;
}

/* Life of a fault ------------------------------------------------------------------ */

static void run_start(struct sim *sim, void *self)
{
    struct sim_fault *fault = self;

    sim->stats.faults++;
    sim_note(sim, (uint64_t)fault->entry->deed);
    fault->active = sim_fault_strike(fault);
    sim_tell_states(sim);
    if (!fault->active)
        return;
    if (sim->setup.mix->within_ms != 0)
        sim_live_struck(sim);
    if (fault->entry->lasts != SIM_FOR_GOOD)
        sim_after(sim, &fault->end, fault->entry->lasts);
}

static void run_end(struct sim *sim, void *self)
{
    struct sim_fault *fault = self;

    if (!fault->active)
        return;
    fault->active = !sim_fault_lift(fault);
    sim_tell_states(sim);
    if (fault->active)
        sim_after(sim, &fault->end, SIM_S);
}

/* The end ---------------------------------------------------------------------------- */

/* What it holds under this id is the group's, for all sentinels. */
static bool all_know_lineage(const struct sim *sim, const struct sim_node *node,
                             const struct vd_id *replid)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        const struct sim_saved_group *saved =
            sim_saved_find(&sim->sentinels[i]->disk.platter, sim_group_name(node->group));

        if (saved == NULL || (strcmp(saved->image.lineage.hex, replid->hex) != 0 &&
                              strcmp(saved->image.lineage_before.hex, replid->hex) != 0))
            return false;
    }
    return true;
}

/* A replica that was in step for so long has told so: INFO is asked each second until it is. */
#define HEARD_WITHIN (3 * SIM_S)

/*
 * By what its INFO would say: could it be promoted, and do all know of it? A
 * former primary, whom nobody has told yet that it is not any more, could. One
 * that has come into step with a server that began anew holds nothing.
 */
static bool is_eligible(const struct sim *sim, const struct sim_node *node,
                        const struct sim_node *dead)
{
    const struct sim_node *above = node->primary != NULL ? sim_node_of(sim, node->primary) : NULL;
    bool is_related = all_know_lineage(sim, node, &node->at.replid);
    bool follows = node->primary != NULL && node->synced && node->cached &&
                   (is_related || all_know_lineage(sim, node, &node->at.replid2));
    bool was_named = node->primary == NULL && is_related;
    sim_us until = node->upstream == SIM_UP_STREAMING ? sim->now : node->link_down_at;

    if (follows && until - node->in_step_from < HEARD_WITHIN)
        return false;
    /* That comes back, or is back, and may take its data away before anybody decides. */
    if (above != NULL && above != dead && (!above->running || node->upstream != SIM_UP_STREAMING))
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

bool sim_may_stay_away(const struct sim *sim, const struct sim_node *dead)
{
    const struct sim_node *named = sim_named_primary(sim, dead->group);

    if (named != NULL && named != dead && sim_node_is_primary(named) && named->at.data != NULL)
        return true;
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i]->group == dead->group && sim->nodes[i] != named &&
            sim->nodes[i] != dead && is_eligible(sim, sim->nodes[i], dead))
            return true;
    }
    return false;
}

static bool is_on_spare(const struct sim *sim, const struct sim_node *node)
{
    for (unsigned i = 0; i < sim->spare_count; i++) {
        if (sim->spares[i] == node->host)
            return true;
    }
    return false;
}

static void return_from_spare(struct sim *sim, struct sim_host *host)
{
    struct sim_node *node = host->self;

    if (host->group >= SIM_GROUPS_MAX || host->powered || sim_node_of(sim, host) != NULL ||
        !is_on_spare(sim, node) || sim_may_stay_away(sim, node))
        return;
    sim_node_kill(node, false);
    sim_host_power(sim->net, host, true);
    sim_node_move(node, host);
    SIM_SAY(sim, host->name, "is where it was");
}

/* Another group's server has the address that is named: they change places again. */
static void swap_back(struct sim *sim, unsigned group)
{
    const struct sim_host *named = named_host(sim, group);
    struct sim_node *guest = named != NULL ? sim_node_of(sim, named) : NULL;
    struct sim_host *host;

    if (guest == NULL || guest->group == group)
        return;
    host = guest->host;
    for (unsigned i = 0; i < sim->node_count; i++) {
        struct sim_node *node = sim->nodes[i];

        if (node->group != group || node->host->group == group || is_on_spare(sim, node))
            continue;
        if (sim_may_stay_away(sim, node))
            return;
        sim_node_kill(guest, false);
        sim_node_kill(node, false);
        sim_node_move(guest, node->host);
        sim_node_move(node, host);
        SIM_SAY(sim, host->name, "and %s have changed places again", guest->host->name);
        return;
    }
}

/* Where nobody is left who could lead, those who moved to where nobody looks for them return. */
static void return_to_machines(struct sim *sim)
{
    for (unsigned i = 0; i < sim->net->host_count; i++)
        return_from_spare(sim, sim->net->hosts[i]);
    for (unsigned g = 0; g < sim->setup.groups; g++)
        swap_back(sim, g);
}

static void revive_nodes(struct sim *sim, struct sim_rng *dice, bool corpses)
{
    const struct sim_node *left[SIM_GROUPS_MAX] = {NULL};

    return_to_machines(sim);
    /* Who stays is settled before anybody is back. */
    for (unsigned i = 0; corpses && i < sim->node_count; i++) {
        const struct sim_node *node = sim->nodes[i];

        if (node->running || left[node->group] != NULL || !sim_chance(dice, 500) ||
            !sim_may_stay_away(sim, node))
            continue;
        left[node->group] = node;
        SIM_SAY(sim, node->host->name, "stays dead");
    }
    for (unsigned i = 0; i < sim->node_count; i++) {
        struct sim_node *node = sim->nodes[i];

        node->priority = 100;
        node->busy = false;
        node->locked = false;
        node->denies = false;
        if (!node->running && left[node->group] != node)
            sim_node_start(node, false);
    }
}

static void revive_sentinels(struct sim *sim, struct sim_rng *dice, bool corpses)
{
    unsigned all = sim->setup.sentinels + sim->setup.originals;
    unsigned spare = (all - 1) / 2;

    if (sim->setup.quorum > all - spare)
        spare = all - sim->setup.quorum;
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        struct sim_original *o = sim->originals[i];

        if (o->running)
            continue;
        if (corpses && spare > 0 && sim_chance(dice, 500))
            spare--;
        else
            sim_original_start(o);
    }
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
            SIM_TELL(sim, s->host, VD_MARK_LIFE, "stays dead");
            continue;
        }
        sim_sentinel_start(s);
    }
}

static void run_faults_end(struct sim *sim, void *self)
{
    struct sim_faults *faults = self;
    struct sim_rng dice;
    bool corpses = sim->setup.corpses;

    sim_rng_seed(&dice, sim->setup.seed, 99);
    SIM_TELL(sim, NULL, VD_MARK_FAULT, "all that was done is taken back");
    faults->over = true;
    sim->setup.loss_permille = 0;
    for (unsigned i = 0; i < faults->schedule.count; i++) {
        struct sim_fault *fault = &faults->list[i];

        sim_cancel(sim, &fault->start);
        sim_cancel(sim, &fault->end);
        if (fault->active && (!sim_deed_leaves_corpse(fault->entry->deed) || !corpses))
            fault->active = !sim_fault_lift(fault);
    }
    revive_nodes(sim, &dice, corpses);
    revive_sentinels(sim, &dice, corpses);
    /* Orders that are half done because the sentinel was dead: it is alive now, or nobody asks. */
    for (unsigned i = 0; i < faults->schedule.count; i++) {
        if (faults->list[i].active && faults->list[i].entry->deed == SIM_DO_ORDER)
            (void)sim_fault_lift(&faults->list[i]);
    }
    sim_live_start(sim);
}

void sim_faults_new(struct sim *sim, const struct sim_schedule *schedule)
{
    struct sim_faults *faults = vd_alloc(sizeof(*faults));

    faults->schedule = *schedule;
    for (unsigned i = 0; i < schedule->count; i++) {
        struct sim_fault *fault = &faults->list[i];

        fault->sim = sim;
        fault->entry = &faults->schedule.list[i];
        fault->start = (struct sim_task){.run = run_start, .self = fault};
        fault->end = (struct sim_task){.run = run_end, .self = fault};
    }
    faults->end = (struct sim_task){.run = run_faults_end, .self = faults};
    sim->faults = faults;
}

void sim_faults_start(struct sim *sim)
{
    struct sim_faults *faults = sim->faults;

    sim_at(sim, &faults->end, sim->setup.faults_end_at);
    for (unsigned i = 0; i < faults->schedule.count; i++)
        sim_at(sim, &faults->list[i].start, faults->list[i].entry->at);
}
