/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Live: once faults have stopped, and if a majority of sentinels and one
 * eligible replica (or the primary) live, there must be one primary that all
 * agree on and every live replica follows, within a bound; and it must stay
 * so. Also what is asked of single mixes: no switch, no loss, in time.
 */
#ifndef SIM_LIVE_H
#define SIM_LIVE_H

#include "world.h"

struct sim_node;
struct sim_sentinel;

struct sim_live {
    struct sim_task look;
    sim_us since;      /* all agree since then; -1: they do not */
    uint64_t switches; /* until then */
    sim_us struck_at;  /* the one fault of a mix with a bound; -1: not yet */
    sim_us deadline;
    struct sim_task prompt;
    sim_us prompt_by;
    bool prompt_extended;              /* for a split election, once */
    const struct sim_host *old;        /* the primary that it struck */
    struct sim_entry *treasure;        /* the best data that replicas held at an empty restart */
    unsigned group;                    /* that is being looked at, */
    uint64_t known[SIM_SENTINELS_MAX]; /* and whom each sentinel has in it, by hosts */
    char why[256];                     /* what is missing for agreement */
};

void sim_live_start(struct sim *sim);
/* The one fault of a mix with a bound has struck. */
void sim_live_struck(struct sim *sim);
/* A server is about to come back empty: what its replicas hold must survive. */
void sim_live_treasure(struct sim *sim, unsigned group);
/* Is it on this one's list, as the look that is under way has found? */
bool sim_live_knows(const struct sim *sim, const struct sim_sentinel *s,
                    const struct sim_node *node);
/* Into the stats: what was acknowledged and is not in the named primary's history. */
void sim_live_count_losses(struct sim *sim);
/* What the state of things is, onto stdout: for a failing seed. */
void sim_live_describe(const struct sim *sim);

#endif
