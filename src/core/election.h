/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Election: epochs, votes, the tally, and who tries first. One vote per
 * (group, epoch), first come first served, durable before it is told; a
 * majority of all known sentinels, and the quorum at least, elects. As in
 * Raft's elections (Ongaro and Ousterhout, 2014, section 5.2), except that
 * candidates try in an order that all compute alike, so that votes rarely
 * split.
 */
#ifndef VD_CORE_ELECTION_H
#define VD_CORE_ELECTION_H

#include "core/model.h"

/*
 * Epochs count elections. One that is further ahead than this is no epoch but
 * a mistake or an attack, and is refused, so that nobody can exhaust them.
 */
#define VD_EPOCH_LEAP_MAX ((uint64_t)1 << 32)
#define VD_EPOCH_MAX ((uint64_t)INT64_MAX)

/* May this epoch, as heard, be taken for one? */
bool vd_election_is_epoch(const struct vd_core *core, uint64_t epoch);

enum vd_tally {
    VD_TALLY_PENDING,
    VD_TALLY_WON,
    VD_TALLY_LOST, /* not even if all that may still come came */
};

struct vd_ballot {
    struct vd_id vote;
    uint64_t epoch;
    bool may_come; /* its owner can still answer */
};

/* Pure: what these ballots mean for `candidate` in `epoch`, `needed` votes to win. */
enum vd_tally vd_election_count(const struct vd_ballot *ballots, size_t count,
                                const struct vd_id *candidate, uint64_t epoch, unsigned needed);

/* The tally of the group's election under way, own vote included. */
enum vd_tally vd_election_tally(const struct vd_core *core, const struct vd_group *group);

/* Where we stand among those who could lead now: 0 tries at once. */
unsigned vd_election_rank(const struct vd_core *core, const struct vd_group *group);
/* How long each rank waits for the one before it. */
vd_ms vd_election_step_ms(const struct vd_core *core, const struct vd_group *group);

/*
 * A sentinel that lost its state gives no vote until any election that it may
 * have voted in is over, and it has heard a majority of those it knows.
 */
bool vd_election_abstains(const struct vd_core *core, const struct vd_group *group);
vd_ms vd_election_abstains_until(const struct vd_core *core);

/* A higher epoch was heard, or is made: from here on it is ours. */
void vd_election_raise_epoch(struct vd_core *core, uint64_t epoch);

/* Give the group's vote in `epoch`, which must be newer than its last. */
void vd_election_vote(struct vd_core *core, struct vd_group *group, const struct vd_id *candidate,
                      uint64_t epoch);

/* QUESTION: is the primary down, and may I have your vote? */
void vd_election_on_question(struct vd_core *core, const struct vd_event *event);

/* Whom we gave our vote leads, and is alive and within its time. Sets when that can end. */
bool vd_election_is_following(const struct vd_core *core, const struct vd_group *group,
                              vd_ms *next);

#endif
