/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Facts: what can be only one way, such as a vote, a leader or a configuration
 * of an epoch. The first that says it makes it so; the oracle compares.
 */
#ifndef SIM_FACTS_H
#define SIM_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "core/value.h"

struct sim_fact_key {
    uint64_t who; /* hash of a sentinel's id; 0: the group as a whole */
    uint64_t group;
    uint64_t epoch;
};

struct sim_fact {
    struct sim_fact_key key;
    uint64_t what;
    char text[VD_ID_LEN + 1]; /* the same for a message */
    UT_hash_handle hh;
};

/* NULL: nothing is known. A set of facts begins as NULL. */
struct sim_fact *sim_fact_find(struct sim_fact *facts, const struct sim_fact_key *key);
/* The fact as it is known; what is given here where it is new. */
const struct sim_fact *sim_fact_put(struct sim_fact **facts, const struct sim_fact_key *key,
                                    uint64_t what, const char *text);
/* How many say this of the group and epoch? */
unsigned sim_facts_count(const struct sim_fact *facts, unsigned group, uint64_t epoch,
                         uint64_t what);
/* Does any say this of the group, in whatever epoch? */
bool sim_facts_say(const struct sim_fact *facts, unsigned group, uint64_t what);
/* Is there an epoch of the group of which no more than half say the same? */
bool sim_facts_are_split(const struct sim_fact *facts, unsigned group);
void sim_facts_free(struct sim_fact *facts);

#endif
