/* SPDX-License-Identifier: BSD-3-Clause */
/* Live: see live.h. */
#include "live.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "core/view.h"
#include "excuse.h"
#include "faults.h"
#include "node.h"
#include "oracle.h"
#include "original.h"
#include "sentinel.h"
#include "tell.h"

#define LOOK_EVERY (200 * SIM_MS)
#define LOOK_CLOSELY (5 * SIM_MS)
#define SPLIT_MS 520 /* a lost election is tried again after 100 to 500 ms */
/* Agreement holds when it has outlived whatever a timeout might still bring. */
static sim_us stays(const struct sim *sim)
{
    return SIM_S + sim->setup.down_after_ms * SIM_MS;
}

/* By then a host that was away for less than down-after, and told nobody, is found out. */
#define FOUND_OUT_MS 3000

/* Agreement --------------------------------------------------------------------------- */

static bool not_yet(struct sim *sim, const char *format, ...) VD_PRINTF(2, 3);

static bool not_yet(struct sim *sim, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sim->live->why, sizeof(sim->live->why), format, args);
    va_end(args);
    return false;
}

/* Does it count? Not if it is dead, nor, when all had their time, if nobody can meet it. */
static bool is_asked(const struct sim *sim, const struct sim_sentinel *s, unsigned group)
{
    return s->running && (sim->now <= sim->live->deadline || !sim_excuse_sentinel(sim, s, group));
}

static bool sees_all(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                     const struct sim_host *named)
{
    const char *name = sim_group_name(group);
    vd_ms now = sim_sentinel_clock(s);
    struct vd_view_group view;
    struct vd_view_node node;
    struct vd_view_peer peer;
    uint64_t *known = &sim->live->known[s->index];
    unsigned peers = 1;
    unsigned alive = 0;

    *known = 0;
    if (!vd_view_group(s->drive.core, now, name, &view))
        return not_yet(sim, "%s does not know %s", s->host->name, name);
    if (named != NULL)
        *known |= UINT64_C(1) << named->index;
    if (view.failover_in_progress)
        return not_yet(sim, "%s: a failover of %s is under way", s->host->name, name);
    if (view.primary.s_down || view.primary.o_down)
        return not_yet(sim, "%s holds the primary of %s for down", s->host->name, name);
    if (view.primary.disconnected)
        return not_yet(sim, "%s has no link to the primary of %s", s->host->name, name);
    for (size_t i = 0; vd_view_replica(s->drive.core, now, name, i, &node); i++) {
        const struct sim_host *host = sim_host_find(sim->net, &node.addr);
        const struct sim_node *there = host != NULL ? sim_node_of(sim, host) : NULL;

        if (host != NULL)
            *known |= UINT64_C(1) << host->index;
        if (there != NULL && there->running && (node.s_down || node.disconnected))
            return not_yet(sim, "%s has no link to %s", s->host->name, host->name);
    }
    for (size_t i = 0; vd_view_peer(s->drive.core, now, name, i, &peer); i++)
        peers += !peer.s_down && !peer.disconnected;
    for (unsigned i = 0; i < sim->setup.sentinels; i++)
        alive += is_asked(sim, sim->sentinels[i], group);
    for (unsigned i = 0; i < sim->setup.originals; i++)
        alive += sim->originals[i]->running;
    if (peers < alive)
        return not_yet(sim, "%s has %u of %u sentinels in %s", s->host->name, peers, alive, name);
    return true;
}

bool sim_live_knows(const struct sim *sim, const struct sim_sentinel *s,
                    const struct sim_node *node)
{
    if (node->group != sim->live->group)
        return sim_sentinel_knows(s, node->group, node->host);
    return (sim->live->known[s->index] >> node->host->index & 1U) != 0;
}

static bool all_follow(struct sim *sim, const struct sim_host *primary, unsigned group)
{
    const struct sim_node *head = sim_node_of(sim, primary);

    if (head == NULL || !sim_node_is_primary(head) || head->loading)
        return not_yet(sim, "%s, named by all, is no primary", primary->name);
    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = sim->nodes[i];

        if (node->group != group || !node->running || node == head)
            continue;
        if (sim_excuse_node(sim, node, head))
            continue;
        if (node->primary != primary || node->upstream != SIM_UP_STREAMING)
            return not_yet(sim, "%s does not follow %s", node->host->name, primary->name);
        for (unsigned k = 0; k < sim->setup.sentinels; k++) {
            if (is_asked(sim, sim->sentinels[k], group) &&
                !sim_live_knows(sim, sim->sentinels[k], node))
                return not_yet(sim, "%s does not know %s", sim->sentinels[k]->host->name,
                               node->host->name);
        }
    }
    return true;
}

/*
 * An original that hears of a newer epoch while it leads takes the epoch, goes
 * on, and ends with its own primary under it. So do two orders. It keeps that
 * one until there is an epoch that is newer still, and nothing brings one.
 */
static bool is_stuck(const struct sim *sim, const struct sim_original *o, unsigned group,
                     uint64_t epoch)
{
    return sim->now > sim->live->deadline && o->groups[group].config_epoch == epoch;
}

static bool agrees_on(struct sim *sim, unsigned group)
{
    const struct sim_host *named = NULL;
    uint64_t epoch = 0;
    bool first = true;

    if (sim->now > sim->live->deadline && sim_excuse_group(sim, group))
        return true;
    sim->live->group = group;
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        const struct sim_sentinel *s = sim->sentinels[i];
        const struct sim_host *host;
        struct vd_view_group view;

        if (!is_asked(sim, s, group))
            continue;
        host = sim_sentinel_names(s, group);
        if (host == NULL ||
            !vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), &view))
            return not_yet(sim, "%s names nobody in %s", s->host->name, sim_group_name(group));
        if (!first && (host != named || view.config_epoch != epoch))
            return not_yet(sim, "%s names %s in epoch %llu, others %s in epoch %llu", s->host->name,
                           host->name, (unsigned long long)view.config_epoch, named->name,
                           (unsigned long long)epoch);
        first = false;
        named = host;
        epoch = view.config_epoch;
        if (!sees_all(sim, s, group, host))
            return false;
    }
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        const struct sim_original *o = sim->originals[i];
        const struct sim_host *host = sim_original_names(o, group);
        const char *why;

        if (!o->running || (!first && host != named && is_stuck(sim, o, group, epoch)))
            continue;
        if (!first && (host != named || o->groups[group].config_epoch != epoch))
            return not_yet(sim, "%s names %s in epoch %llu, others %s in epoch %llu", o->host->name,
                           host->name, (unsigned long long)o->groups[group].config_epoch,
                           named->name, (unsigned long long)epoch);
        first = false;
        named = host;
        epoch = o->groups[group].config_epoch;
        if (!sim_original_is_settled(o, group, &why))
            return not_yet(sim, "%s %s in %s", o->host->name, why, sim_group_name(group));
    }
    return named != NULL && all_follow(sim, named, group);
}

static bool all_agree(struct sim *sim)
{
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        if (!agrees_on(sim, g))
            return false;
    }
    return true;
}

/* End ----------------------------------------------------------------------------------- */

void sim_live_count_losses(struct sim *sim)
{
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        const struct sim_node *primary = sim_named_primary(sim, g);

        if (primary != NULL)
            sim->stats.lost += sim_clients_lost(sim, g, primary->at.data);
    }
    if (sim->setup.mix->no_loss && sim->stats.lost != 0)
        sim_fail(sim, "%llu acknowledged writes are lost", (unsigned long long)sim->stats.lost);
    if (sim->setup.mix->no_switch && sim->stats.switches != 0)
        sim_fail(sim, "the primary was switched although nothing was wrong with it");
}

/* The best of what replicas held when the primary came back empty must have survived. */
static void check_survival(struct sim *sim)
{
    struct sim_live *live = sim->live;

    if (live->treasure == NULL || live->treasure->mark)
        return;
    sim_fail(sim, "what replicas held when the primary came back empty is lost: %llu writes",
             (unsigned long long)live->treasure->writes);
}

static void run_look(struct sim *sim, void *self)
{
    struct sim_live *live = self;
    bool agree = all_agree(sim);
    sim_us from = sim->setup.faults_end_at;

    if (live->since >= 0 && sim->stats.switches != live->switches) {
        if (sim->now - from > (sim->setup.down_after_ms + FOUND_OUT_MS) * SIM_MS) {
            sim_fail(sim, "another failover, though all had agreed and nothing went wrong since");
            return;
        }
        live->since = -1;
    }
    if (!agree) {
        live->since = -1;
    } else if (live->since < 0) {
        live->since = sim->now;
        live->switches = sim->stats.switches;
        SIM_TELL(sim, NULL, VD_MARK_ROLE, "all agree");
    }
    if (live->since >= 0 && sim->now - live->since >= stays(sim)) {
        sim->stats.settled_us = live->since - from;
        sim_live_count_losses(sim);
        check_survival(sim);
        sim->over = true;
        return;
    }
    if (live->since < 0 && sim->now > live->deadline) {
        sim_fail(sim, "no agreement %.3f s after the last fault: %s",
                 (double)(sim->now - from) / 1e6, live->why);
        if (sim->setup.verbose)
            sim_live_describe(sim);
        return;
    }
    sim_after(sim, &live->look, LOOK_EVERY);
}

/*
 * The bound: what may have to happen one after the other. A demotion is seen
 * after down-after and two INFO periods, links and replicas are retried, a
 * failover may be damped for failover-timeout, a second one may follow the
 * first, a replica may need a full resync twice.
 */
static vd_ms bound_ms(const struct sim_setup *setup)
{
    return 10000 + 8 * setup->down_after_ms + 2 * setup->info_period_ms +
           2 * setup->failover_timeout_ms + 2 * setup->repl_timeout_ms +
           2 * (setup->sync_ms + setup->load_ms) + setup->abstain_ms +
           /* TILT, two attempts with their waits, a repair of each server */
           (setup->originals != 0 ? 80000 + 8 * setup->failover_timeout_ms : 0);
}

void sim_live_start(struct sim *sim)
{
    struct sim_live *live = sim->live;

    live->since = -1;
    live->deadline = sim->now + bound_ms(&sim->setup) * SIM_MS;
    live->look = (struct sim_task){.run = run_look, .self = live};
    sim_after(sim, &live->look, LOOK_EVERY);
}

/* In time ---------------------------------------------------------------------------------- */

static bool all_name_the_new(const struct sim *sim, const struct sim_host *old)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim_sentinel_names(sim->sentinels[i], 0) == old)
            return false;
    }
    return true;
}

static void run_look_closely(struct sim *sim, void *self)
{
    struct sim_live *live = self;
    const struct sim_node *named = sim_named_primary(sim, 0);

    if (all_name_the_new(sim, live->old) && named != NULL && sim_node_takes_writes(named)) {
        sim->stats.prompt_us = sim->now - live->struck_at;
        SIM_SAY(sim, "world", "failover took %.3f ms", (double)sim->stats.prompt_us / 1000.0);
        return;
    }
    if (live->deadline != 0)
        return; /* a shrunk world: the fault has been taken back */
    /* Two stood within one way's time: the next try is up to half a second later, and decides. */
    if (sim->now > live->prompt_by && !live->prompt_extended && sim_oracle_was_split(sim, 0)) {
        live->prompt_extended = true;
        live->prompt_by += SPLIT_MS * SIM_MS;
    }
    if (sim->now > live->prompt_by) {
        sim_fail(sim, "%.0f ms after its death the primary has no successor that all name",
                 (double)(sim->now - live->struck_at) / 1000.0);
        return;
    }
    sim_after(sim, &live->prompt, LOOK_CLOSELY);
}

void sim_live_struck(struct sim *sim)
{
    struct sim_live *live = sim->live;
    vd_ms down_after_ms = sim->setup.down_after_ms;

    if (sim->setup.nodes < 2)
        return; /* a shrunk world: there is nobody to succeed */
    live->struck_at = sim->now;
    live->old = sim_sentinel_names(sim->sentinels[0], 0);
    live->prompt_by = sim->now + (down_after_ms + sim->setup.mix->within_ms) * SIM_MS;
    if (sim->setup.mix->unannounced)
        live->prompt_by += (down_after_ms / 5 < 1000 ? down_after_ms / 5 : 1000) * SIM_MS;
    live->prompt = (struct sim_task){.run = run_look_closely, .self = live};
    sim_after(sim, &live->prompt, LOOK_CLOSELY);
}

void sim_live_treasure(struct sim *sim, unsigned group)
{
    struct sim_entry *best = NULL;

    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = sim->nodes[i];

        if (node->group == group && node->running && node->primary != NULL && node->synced &&
            !node->loading && node->at.data != NULL &&
            (best == NULL || node->at.data->writes > best->writes))
            best = node->at.data;
    }
    sim->live->treasure = best;
}

/* For people --------------------------------------------------------------------------------- */

static void describe_sentinel(const struct sim *sim, const struct sim_sentinel *s)
{
    for (unsigned g = 0; s->running && g < sim->setup.groups; g++) {
        vd_ms now = sim_sentinel_clock(s);
        const char *name = sim_group_name(g);
        const struct sim_saved_group *saved;
        struct vd_view_group view;
        struct vd_view_node node;

        if (!vd_view_group(s->drive.core, now, name, &view))
            continue;
        saved = sim_saved_find(&s->disk.platter, name);
        if (saved != NULL)
            printf("  %s: lineage %.16s\n", s->host->name, saved->image.lineage.hex);
        printf("  %s: %s is %s, configuration %llu, vote %llu %.8s, %s%s, %u of %u sentinels, "
               "primary health %d role %d%s%s\n",
               s->host->name, name, view.address.host, (unsigned long long)view.config_epoch,
               (unsigned long long)view.vote_epoch, view.vote.hex,
               vd_failover_state_name(view.failover_state), s->drive.mute ? ", mute" : "",
               view.usable, view.peer_count + 1, (int)view.primary.health,
               (int)view.primary.role_reported, view.primary.s_down ? ", s_down" : "",
               view.primary.o_down ? ", o_down" : "");
        for (size_t i = 0; vd_view_replica(s->drive.core, now, name, i, &node); i++)
            printf("    %s: health %d, role %d of %s, link %s, offset %lld, priority %lld%s%s\n",
                   node.addr.host, (int)node.health, (int)node.role_reported, node.follows.host,
                   node.link_ok ? "up" : "down", (long long)node.offset, (long long)node.priority,
                   node.s_down ? ", s_down" : "", node.disconnected ? ", disconnected" : "");
    }
}

void sim_live_describe(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = sim->nodes[i];

        printf("  %s %s %s: %s%s%s, upstream %d, offset %lld, %llu writes%s, lineage %.16s "
               "before %.16s\n",
               node->host->name, node->host->addr.host, sim_group_name(node->group),
               !node->running          ? "dead"
               : node->primary == NULL ? "primary"
                                       : "replica of ",
               node->running && node->primary != NULL ? node->primary->name : "",
               node->loading ? ", loading" : "", (int)node->upstream, (long long)node->at.offset,
               node->at.data != NULL ? (unsigned long long)node->at.data->writes : 0,
               node->host->paused != 0 ? ", paused" : "", node->at.replid.hex,
               node->at.replid2.hex);
    }
    for (unsigned i = 0; i < sim->setup.sentinels; i++)
        describe_sentinel(sim, sim->sentinels[i]);
}
