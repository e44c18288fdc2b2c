/* SPDX-License-Identifier: BSD-3-Clause */
/* Run: one world from birth to end; see run.h. */
#include "run.h"

#include <string.h>
#include <utlist.h>

#include "client.h"
#include "live.h"
#include "node.h"
#include "oracle.h"
#include "original.h"
#include "sentinel.h"
#include "tell.h"

#define LONGEST (24 * 3600 * SIM_S) /* of virtual time: no run comes near it */

static void build(struct sim *sim, const struct sim_schedule *schedule)
{
    const struct sim_setup *setup = &sim->setup;

    sim->net = sim_net_new(sim);
    sim->oracle = sim_oracle_new(sim);
    sim->live = vd_alloc(sizeof(*sim->live));
    sim->live->since = -1;
    sim->live->struck_at = -1;
    sim->history = vd_alloc(sizeof(*sim->history));
    sim->node_count = setup->groups * setup->nodes;
    for (unsigned i = 0; i < setup->sentinels; i++)
        sim->sentinels[i] = sim_sentinel_new(sim, i);
    for (unsigned i = 0; i < setup->originals; i++)
        sim->originals[i] = sim_original_new(sim, i);
    for (unsigned i = 0; i < sim->node_count; i++)
        sim->nodes[i] = sim_node_new(sim, i, i / setup->nodes, i % setup->nodes);
    for (unsigned i = 0; i < setup->clients; i++)
        sim->clients[i] = sim_client_new(sim, i);
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (i % setup->nodes != 0)
            sim_node_configure(sim->nodes[i], sim->nodes[i - i % setup->nodes]->host);
    }
    for (unsigned i = 0; i < schedule->count; i++) {
        char name[8];

        if (schedule->list[i].deed != SIM_DO_MOVE || sim->spare_count == SIM_SPARES_MAX)
            continue;
        (void)snprintf(name, sizeof(name), "n%u", sim->spare_count + 1);
        sim->spares[sim->spare_count] =
            sim_host_new(sim->net, name, 9, sim->spare_count + 1, 6379, NULL, NULL);
        sim->spares[sim->spare_count++]->powered = false;
    }
    sim_faults_new(sim, schedule);
}

static void start(struct sim *sim)
{
    for (unsigned i = 0; i < sim->node_count; i++)
        sim_node_start(sim->nodes[i], false);
    for (unsigned i = 0; sim->setup.acquainted && i < sim->setup.sentinels; i++)
        sim_sentinel_acquaint(sim->sentinels[i]);
    for (unsigned i = 0; i < sim->setup.sentinels; i++)
        sim_after(sim, &sim->sentinels[i]->revive,
                  sim_between(&sim->times, 0, sim->setup.acquainted ? 500 : 2000) * SIM_MS);
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        if (sim->setup.acquainted)
            sim_original_acquaint(sim->originals[i]);
        sim_after(sim, &sim->originals[i]->revive, sim_between(&sim->times, 0, 500) * SIM_MS);
    }
    for (unsigned i = 0; i < sim->setup.clients; i++)
        sim_client_start(sim->clients[i]);
    sim_faults_start(sim);
}

static void stop_clocks(struct sim *sim, void *self)
{
    (void)self;
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        sim->sentinels[i]->clock_stopped = true;
        sim->sentinels[i]->stopped_at = sim->now;
    }
}

static void destroy(struct sim *sim)
{
    /* The net first: it empties the heap, in which the tasks of all others are. */
    struct sim_net *net = sim->net;

    sim_net_drop_tasks(net);
    for (unsigned i = 0; i < sim->setup.sentinels; i++)
        sim_sentinel_free(sim->sentinels[i]);
    for (unsigned i = 0; i < sim->setup.originals; i++)
        sim_original_free(sim->originals[i]);
    for (unsigned i = 0; i < sim->node_count; i++)
        sim_node_free(sim->nodes[i]);
    for (unsigned i = 0; i < sim->setup.clients; i++)
        sim_client_free(sim->clients[i]);
    sim_net_free(net);
    sim_oracle_free(sim->oracle);
    sim_history_free(sim->history);
    vd_free(sim->live);
    vd_free(sim->faults);
    vd_heap_free(&sim->tasks);
}

static void introduce(const struct sim *sim)
{
    const struct sim_setup *setup = &sim->setup;
    struct vd_text line = {0};

    printf("seed %llu, mix %s: %u sentinels, %u originals, quorum %u, %u groups of %u servers; "
           "down-after %lld, "
           "failover-timeout %lld, info %lld ms; latency up to %.1f ms, loss %u per mille, "
           "sync %lld, load %lld ms, %s, %s\n",
           (unsigned long long)setup->seed, setup->mix->name, setup->sentinels, setup->originals,
           setup->quorum, setup->groups, setup->nodes, (long long)setup->down_after_ms,
           (long long)setup->failover_timeout_ms, (long long)setup->info_period_ms,
           (double)setup->latency / 1000.0, setup->loss_permille, (long long)setup->sync_ms,
           (long long)setup->load_ms,
           setup->persistence == SIM_KEEP_RDB   ? "rdb"
           : setup->persistence == SIM_KEEP_AOF ? "aof"
                                                : "nothing kept",
           setup->rewrite ? "roles kept" : "roles as configured");
    for (unsigned i = 0; i < sim->faults->schedule.count; i++) {
        vd_text_clear(&line);
        sim_schedule_print_entry(&sim->faults->schedule.list[i], &line);
        printf("  %s\n", vd_text_cstr(&line));
    }
    vd_text_free(&line);
    printf("  faults end at %.3f s\n", (double)setup->faults_end_at / 1e6);
}

void sim_run_world(const struct sim_setup *setup, const struct sim_schedule *schedule,
                   struct vd_story *story, struct sim_result *result)
{
    struct sim *sim = vd_alloc(sizeof(*sim));
    struct sim_task clocks = {.run = stop_clocks};

    sim->setup = *setup;
    sim_rng_seed(&sim->dice, setup->seed, 2);
    sim_rng_seed(&sim->times, setup->seed, 3);
    sim->times.exact = setup->exact;
    build(sim, schedule);
    sim->story = story;
    sim_tell_begin(sim);
    if (setup->verbose)
        introduce(sim);
    start(sim);
    if (setup->mutant == SIM_MUTANT_FROZEN_CLOCK)
        sim_at(sim, &clocks, setup->faults_from);
    sim_run(sim, setup->until != 0 ? setup->until : LONGEST);
    if (setup->until != 0)
        sim_live_count_losses(sim);
    else if (!sim->over && !sim->failed)
        sim_fail(sim, "the world never ends");
    memset(result, 0, sizeof(*result));
    result->failed = sim->failed;
    result->hash = sim->hash;
    result->lasted = sim->now;
    result->stats = sim->stats;
    memcpy(result->failure, sim->failure, sizeof(result->failure));
    sim_tell_end(sim);
    destroy(sim);
    vd_free(sim);
}

void sim_run_one(uint64_t seed, const struct sim_options *options, struct sim_result *result)
{
    struct sim_setup setup;
    struct sim_schedule schedule;

    sim_setup_draw(&setup, seed, options);
    sim_plan(&schedule, &setup);
    sim_run_world(&setup, &schedule, options->story, result);
}
