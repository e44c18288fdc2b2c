/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Oracle, what its rooms share: oracle.c (what is saved and said) keeps it,
 * oracle_leaders.c (who leads, and whom leaders turn) reads and adds to it.
 * For nobody else.
 */
#ifndef SIM_ORACLE_PARTS_H
#define SIM_ORACLE_PARTS_H

#include "facts.h"
#include "oracle.h"

/* What of a sentinel is durable, as far as anybody may rely on it. */
struct sim_durable {
    bool known;
    bool removed; /* ... no more, by order, since: */
    sim_us removed_at;
    uint64_t config_epoch;
    uint64_t vote_epoch;
    struct vd_id vote;
    struct vd_addr primary;
};

/* One sentinel, as the outside has seen it. */
struct sim_dossier {
    bool known;
    bool wiped; /* it has lost its state, once at least */
    uint64_t epoch;
    struct sim_durable groups[SIM_GROUPS_MAX];
    /* from its notices, in their order */
    uint64_t new_epoch;
    uint64_t try_epoch[SIM_GROUPS_MAX];
    bool leading[SIM_GROUPS_MAX];
    bool unseen[SIM_GROUPS_MAX];   /* ... elected while it was mute */
    bool rebooted[SIM_GROUPS_MAX]; /* it said +reboot of the primary that it still names */
    bool ordered[SIM_GROUPS_MAX];  /* FAILOVER was ordered here, and not done yet */
};

struct sim_oracle {
    struct sim_dossier watched[SIM_SENTINELS_MAX];
    struct sim_fact *votes;
    struct sim_fact *leaders;
    struct sim_fact *configs;
    struct sim_conduct *conduct;
    struct sim_fact *loose;            /* epochs in which nothing was promised */
    sim_us dual_since[SIM_GROUPS_MAX]; /* -1: one primary at most */
};

/* What has been seen of this sentinel. */
struct sim_dossier *sim_oracle_dossier(const struct sim *sim, const struct sim_sentinel *s);
/* The group of this name; SIM_GROUPS_MAX: none. */
unsigned sim_oracle_group(const struct sim *sim, const char *name);

/* An epoch in which nothing was promised: two leaders, or two primaries, may be in it. */
bool sim_oracle_is_loose(const struct sim *sim, unsigned group, uint64_t epoch);
void sim_oracle_set_loose(struct sim *sim, unsigned group, uint64_t epoch);

#endif
