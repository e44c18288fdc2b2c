/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mass: many of very many primaries die at once. How many have a successor
 * that all three vedettes name, when, at what price: what PAIN knows as the
 * failure from which sentinels do not recover within minutes.
 */
#ifndef SIM_MASS_H
#define SIM_MASS_H

#include "mass_world.h"

struct sim_mass_result {
    unsigned agreed;
    double median_ms; /* after down-after: until all three name the same living primary */
    double p99_ms;
    double last_ms;
    double calm_requests;  /* a second, of each vedette for each group */
    double calm_cpu;       /* of each core: seconds a second */
    double cpu_s;          /* ... in the failover, of the busiest */
    double longest_turn_s; /* of the processor */
    uint64_t events_most;  /* in a turn */
    uint64_t turns, saves, votes;
    uint64_t saves_most; /* in one turn */
};

/* `dead` of the groups' primaries are killed; looked at until all agree, or for a minute. */
void sim_mass_fail(unsigned groups, unsigned dead, vd_ms down_after_ms,
                   struct sim_mass_result *result);

/* The same for people, with what it took. Exit status: 0 all agreed within down-after + 2 s. */
int sim_mass_main(unsigned groups, unsigned dead);

#endif
