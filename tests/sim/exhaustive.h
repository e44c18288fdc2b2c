/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exhaustive: one failover of each kind in a world without luck, and every
 * single fault of it: each message late, lost with a reset, lost in silence;
 * each save of each sentinel failing; each sentinel dying before and behind
 * each save and before each effect. And all pairs of those by which something
 * is decided. After each the oracle and the demand for agreement stand.
 */
#ifndef SIM_EXHAUSTIVE_H
#define SIM_EXHAUSTIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum sim_exhaust {
    SIM_EXHAUST_DECISIVE, /* single faults: saves, and messages by which something is decided */
    SIM_EXHAUST_SINGLES,  /* all single faults */
    SIM_EXHAUST_PAIRS,    /* all pairs of decisive ones */
};

struct sim_exhausted {
    uint64_t runs;
    uint64_t failed;
    char failure[512]; /* of one that failed, and how to repeat it */
};

/* Is a story called so? */
bool sim_exhaust_knows(const char *story);
/* This story (NULL: every one); failures are printed to `out` (may be NULL). */
void sim_exhaust(enum sim_exhaust what, const char *story, unsigned jobs, FILE *out,
                 struct sim_exhausted *sum);

/* One of them by its name: "kill/late-31", "hang/fails-s1-2+reset-7". Exit status. */
int sim_exhaust_one(const char *name, bool verbose);

#endif
