/* SPDX-License-Identifier: BSD-3-Clause */
/* Setup: how big a world is and how its parts are made, drawn from the seed. */
#include <string.h>

#include "node.h"
#include "run.h"

static int64_t pick(struct sim_rng *dice, const int64_t *list, size_t count)
{
    return list[sim_below(dice, count)];
}
#define PICK(dice, ...)                                                                            \
    pick((dice), (const int64_t[]){__VA_ARGS__},                                                   \
         sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void draw_house(struct sim_setup *setup, struct sim_rng *dice)
{
    unsigned majority;

    setup->sentinels = (unsigned)PICK(dice, 3, 3, 3, 3, 5, 5, 4);
    setup->groups = (unsigned)PICK(dice, 1, 1, 1, 1, 1, 2, 3);
    setup->nodes = (unsigned)PICK(dice, 2, 3, 3, 3, 4);
    setup->clients = setup->groups;
    majority = setup->sentinels / 2 + 1;
    setup->quorum = (unsigned)PICK(dice, 2, majority, majority, 1);
    setup->down_after_ms = PICK(dice, 300, 500, 1000, 1000, 2000, 5000);
    setup->down_after_refused_ms = PICK(dice, 0, 0, 0, 200);
    setup->failover_timeout_ms = PICK(dice, 2000, 5000, 10000);
    setup->parallel_syncs = (unsigned)PICK(dice, 1, 1, 2);
    setup->info_period_ms = PICK(dice, 10000, 10000, 2000);
    setup->abstain_ms = PICK(dice, 2000, 2000, 10000);
}

static void draw_stuff(struct sim_setup *setup, struct sim_rng *dice)
{
    setup->latency = PICK(dice, 200, 1000, 5000, 20000);
    setup->loss_permille = (unsigned)PICK(dice, 0, 0, 0, 2, 20);
    setup->fsync = PICK(dice, 50, 200, 1000, 8000);
    setup->write_every = PICK(dice, 50, 100, 200) * SIM_MS;
    setup->repl_timeout_ms = PICK(dice, 12000, 15000, 30000);
    setup->repl_ping_ms = 10000;
    setup->sync_ms = PICK(dice, 20, 500, 5000);
    setup->load_ms = PICK(dice, 1, 50, 1000);
    setup->backlog = PICK(dice, 1 << 20, 1 << 20, 20000);
    setup->min_replicas_lag_s = 10;
    setup->min_replicas = (unsigned)PICK(dice, 0, 0, 0, 1);
    setup->scripts = sim_chance(dice, 200);
    setup->server_handover = sim_chance(dice, 500);
    setup->rewrite = sim_chance(dice, 700);
    setup->persistence = (unsigned)PICK(dice, SIM_KEEP_NOTHING, SIM_KEEP_RDB, SIM_KEEP_AOF);
}

void sim_setup_draw(struct sim_setup *setup, uint64_t seed, const struct sim_options *options)
{
    struct sim_rng dice;
    sim_us faults = (sim_us)(options->minutes * 60.0 * (double)SIM_S);

    memset(setup, 0, sizeof(*setup));
    setup->seed = seed;
    setup->mix = options->mix != NULL ? options->mix : sim_mix_of_seed(seed);
    setup->mutant = options->mutant;
    setup->verbose = options->verbose;
    sim_rng_seed(&dice, seed, 1);
    draw_house(setup, &dice);
    draw_stuff(setup, &dice);
    if (faults == 0)
        faults = sim_between(&dice, 2000, 8000 + 2 * setup->down_after_ms) * SIM_MS;
    setup->faults_from = setup->abstain_ms * SIM_MS + 5 * SIM_S; /* all know each other by then */
    /* Most begin where others are after a while: how strangers meet is seen in the rest. */
    setup->acquainted = !setup->mix->early && sim_chance(&dice, 875);
    if (setup->acquainted)
        setup->faults_from = 3 * SIM_S;
    if (setup->mix->early)
        setup->faults_from = 0;
    setup->faults_end_at = setup->faults_from + faults;
    if (setup->mix->clean_net) {
        setup->latency = setup->latency > 5000 ? 5000 : setup->latency;
        setup->loss_permille = 0;
        setup->fsync = setup->fsync > 1000 ? 1000 : setup->fsync;
    }
    if (setup->mix->mixed) {
        setup->sentinels = (unsigned)PICK(&dice, 1, 2, 2, 3);
        setup->originals = (unsigned)PICK(&dice, 2, 1, 1, 2);
        if (setup->sentinels + setup->originals < 3)
            setup->originals = 2;
        setup->quorum = (setup->sentinels + setup->originals) / 2 + 1;
        setup->quorum = sim_chance(&dice, 300) ? 2 : setup->quorum;
    }
    if (setup->mix->many) {
        setup->groups = (unsigned)PICK(&dice, 6, 8, 12);
        setup->nodes = (unsigned)PICK(&dice, 2, 3);
        setup->clients = setup->groups;
    }
    if (setup->mix->most == 1) {
        setup->groups = 1;
        setup->clients = 1;
        setup->sync_ms = 10000; /* a diskless server waits 5 s for more replicas to come */
        setup->faults_from = (setup->acquainted ? 3 : 16) * SIM_S;
        setup->quorum = setup->sentinels / 2 + 1;
        setup->faults_end_at = setup->faults_from + 2 * setup->down_after_ms * SIM_MS + 5 * SIM_S;
    }
    if (setup->mix->within_ms != 0)
        setup->down_after_refused_ms = 0;
    setup->corpses = !setup->mix->no_corpses && sim_chance(&dice, 500);
}
