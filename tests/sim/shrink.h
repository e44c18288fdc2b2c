/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shrink: a world and a schedule that fail are made smaller as long as they
 * fail in the same way: fewer faults (delta debugging), shorter and earlier
 * ones, fewer groups, servers, sentinels and clients, less loss and latency, a
 * shorter run. Each try is a process of its own, since some failures end it.
 */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "run.h"
#include "schedule.h"

struct sim_shrunk {
    struct sim_setup setup;
    struct sim_schedule schedule;
    struct sim_result result; /* of these two */
    unsigned tries;
    unsigned entries_before;
};

/* Run in a process of its own: an assertion that fails there is a failure that says so. */
void sim_run_apart(const struct sim_setup *setup, const struct sim_schedule *schedule,
                   struct sim_result *result);

/* What failed, without the numbers that differ from run to run. */
void sim_failure_kind(const char *failure, char *kind, size_t size);

/* False: it does not fail at all. `most`: tries at most. */
bool sim_shrink(const struct sim_setup *setup, const struct sim_schedule *schedule, unsigned most,
                struct sim_shrunk *shrunk);

#endif
