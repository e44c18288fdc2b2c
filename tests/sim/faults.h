/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults: what goes wrong, when, to whom, for how long. The whole schedule is
 * drawn from the seed before the world starts; whom a fault hits (the primary
 * of that moment, whoever leads) is decided when it strikes. Each knows how
 * to take itself back, and at the end of the faults all are taken back.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "net.h"

enum sim_fault_kind {
    SIM_NODE_KILL,
    SIM_NODE_EMPTY, /* killed, back at once without its data */
    SIM_NODE_POWER,
    SIM_NODE_PAUSE,
    SIM_NODE_BUSY,
    SIM_NODE_PRIORITY,
    SIM_SENTINEL_KILL,
    SIM_SENTINEL_DOOM, /* dies at the boundary of an effect */
    SIM_SENTINEL_POWER,
    SIM_SENTINEL_PAUSE,
    SIM_SENTINEL_STALL,  /* several short pauses */
    SIM_SENTINEL_FREEZE, /* its machine stands still, clock and all */
    SIM_SENTINEL_AMNESIA,
    SIM_SENTINEL_ALL, /* all of them restart, one after the other or at once */
    SIM_DISK_FAIL,
    SIM_DISK_FAIL_LATE,
    SIM_DISK_SLOW,
    SIM_SPLIT,       /* two halves */
    SIM_ISOLATE,     /* one host from all */
    SIM_ONE_WAY,     /* one host is heard by nobody, or hears nobody */
    SIM_SPLIT_PEERS, /* sentinels from each other only */
    SIM_SPLIT_NODES, /* one sentinel from the nodes only */
    SIM_LOSS,
    SIM_DELAY,
    SIM_RESET,
    SIM_BLACKHOLE,
    SIM_ORDER_FAILOVER,
    SIM_ORDER_RESET,
    SIM_ORDER_SET,
    SIM_ORDER_ANEW,  /* REMOVE, then MONITOR */
    SIM_ORDER_CRASH, /* SIMULATE-FAILURE */
    SIM_FAULT_COUNT,
};

#define SIM_FAULTS_MAX 24

struct sim_fault {
    struct sim *sim;
    enum sim_fault_kind kind;
    sim_us at;
    sim_us lasts;
    struct sim_rng dice; /* its own, so that one fault less changes no other */
    struct sim_task start;
    struct sim_task end;
    bool active;
    /* what it hit, for the way back */
    unsigned target;
    uint32_t side; /* hosts on one side, a bit each */
    unsigned repeat;
};

struct sim_faults {
    struct sim_fault list[SIM_FAULTS_MAX];
    unsigned count;
    struct sim_task end;
    bool over;
};

/* A family of schedules. */
struct sim_mix {
    const char *name;
    const char *about;
    unsigned kinds;  /* bit per enum sim_fault_kind that may occur */
    unsigned most;   /* faults at most */
    bool swarm;      /* only a random few of the kinds in one run */
    bool clean_net;  /* 5 ms at most, no loss but by faults */
    bool no_switch;  /* the primary must stay */
    bool no_loss;    /* no acknowledged write may be lost */
    bool early;      /* faults from the first moment on */
    bool no_corpses; /* everybody is alive again in the end */
    vd_ms within_ms; /* one fault: its successor is due down-after and so long after it; 0: no bound
                      */
    bool unannounced; /* ... and one ping period later: no socket tells of it */
};
const struct sim_mix *sim_mix_find(const char *name);
const struct sim_mix *sim_mix_at(size_t index); /* NULL past the end */
/* "any": by the seed. */
const struct sim_mix *sim_mix_of_seed(uint64_t seed);

void sim_faults_plan(struct sim *sim);
void sim_faults_start(struct sim *sim);

const char *sim_fault_name(enum sim_fault_kind kind);

/* The node that most sentinels name as primary of the group; NULL: none. */
struct sim_node *sim_named_primary(const struct sim *sim, unsigned group);

#endif
