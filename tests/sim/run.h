/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Run: one world from birth to end, and many of them, in processes of their
 * own so that an assertion in a core is one failed seed and not the end.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdio.h>

#include "faults.h"
#include "world.h"

struct sim_options {
    const struct sim_mix *mix; /* NULL: by the seed */
    enum sim_mutant mutant;
    bool verbose;
    struct vd_story *story; /* to be filled, or NULL */
    double minutes;         /* virtual time in which faults happen; 0: by the seed */
    const char *until; /* only violations that this extended regular expression matches count */
};

struct sim_result {
    bool failed;
    uint64_t hash;
    sim_us lasted;
    struct sim_stats stats;
    char failure[512];
};

void sim_setup_draw(struct sim_setup *setup, uint64_t seed, const struct sim_options *options);
/* The world of this setup, under this schedule, which must fit it
 * (sim_schedule_fits); told to `story`, if that is not NULL. */
void sim_run_world(const struct sim_setup *setup, const struct sim_schedule *schedule,
                   struct vd_story *story, struct sim_result *result);
/* The one that the seed means. */
void sim_run_one(uint64_t seed, const struct sim_options *options, struct sim_result *result);

/* What many runs came to. */
struct sim_tally {
    uint64_t seeds;
    uint64_t failed;
    uint64_t first_failed; /* the smallest seed */
    char failure[512];     /* of that seed */
    double virtual_s;
    double real_s;
    double settled_worst_s;
    double settled_sum_s;
    uint64_t hash; /* of all runs, in whatever order: what two builds that should agree are compared
                      by */
    struct sim_stats stats;
};

/*
 * `count` seeds from `from` on, in `jobs` processes; failures are printed to
 * `out` (may be NULL) as they come, progress too where that is a terminal.
 * Stops after `failures_max` of them.
 */
void sim_run_many(uint64_t from, uint64_t count, unsigned jobs, uint64_t failures_max,
                  const struct sim_options *options, FILE *out, struct sim_tally *tally);

/* The one command that repeats a seed. */
void sim_print_command(FILE *out, uint64_t seed, const struct sim_options *options);

#endif
