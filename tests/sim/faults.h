/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults: carries a schedule out, and takes each fault back when its time is
 * over or the faults end. Mixes are families of schedules: a menu of what may
 * happen in a run, and what must hold nevertheless; plan.c draws a schedule
 * from the menu by the seed.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "net.h"
#include "schedule.h"

/* The menu from which mixes choose. One of these may become several entries of a schedule. */
enum sim_fault_kind {
    SIM_NODE_KILL,
    SIM_NODE_EMPTY, /* killed, back at once without its data */
    SIM_NODE_POWER,
    SIM_NODE_PAUSE,
    SIM_NODE_BUSY,
    SIM_NODE_PRIORITY,
    SIM_NODE_AUTH,
    SIM_NODE_DENY,
    SIM_NODE_TURN, /* an administrator does the sentinels' work */
    SIM_NODE_MASS, /* all primaries die at once */
    SIM_NODE_MOVE,
    SIM_NODE_SWAP,
    SIM_SENTINEL_KILL,
    SIM_SENTINEL_DOOM, /* dies at the boundary of an effect */
    SIM_SENTINEL_POWER,
    SIM_SENTINEL_PAUSE,
    SIM_SENTINEL_STALL,  /* several short pauses */
    SIM_SENTINEL_FREEZE, /* its machine stands still, clock and all */
    SIM_SENTINEL_DRIFT,
    SIM_SENTINEL_AMNESIA,
    SIM_SENTINEL_LATE, /* what has arrived is read late, or what it sends leaves late */
    SIM_SENTINEL_ALL,  /* all of them restart, one after the other or at once */
    SIM_DISK_FAIL,
    SIM_DISK_FAIL_LATE,
    SIM_DISK_SLOW,
    SIM_SPLIT,       /* two halves */
    SIM_BRIDGE,      /* ... and one host that sees both */
    SIM_ISOLATE,     /* one host from all */
    SIM_ONE_WAY,     /* one host is heard by nobody, or hears nobody */
    SIM_CUT,         /* one host from one other */
    SIM_HICCUP,      /* for a moment nothing passes between halves */
    SIM_SPLIT_PEERS, /* sentinels from each other only */
    SIM_SPLIT_NODES, /* one sentinel from the nodes only */
    SIM_LOSS,
    SIM_DELAY,
    SIM_ECHO,
    SIM_RESET,
    SIM_BLACKHOLE,
    SIM_OP_FAILOVER,
    SIM_OP_SWITCHOVER,
    SIM_OP_RESET,
    SIM_OP_SET,
    SIM_OP_ANEW,  /* REMOVE, then MONITOR */
    SIM_OP_CRASH, /* SIMULATE-FAILURE */
    SIM_FAULT_COUNT,
};

/* An entry of the schedule in its life. */
struct sim_fault {
    struct sim *sim;
    const struct sim_schedule_entry *entry;
    struct sim_task start;
    struct sim_task end;
    bool active;
    struct sim_host *hit;   /* whom it struck, */
    struct sim_node *node;  /* ... if that was a server, */
    struct sim_node *other; /* and with whom it swapped */
    unsigned deaths;        /* that its process had died then */
    int64_t before;         /* what it changed, for the way back */
};

struct sim_faults {
    struct sim_schedule schedule;
    struct sim_fault list[SIM_SCHEDULE_MAX];
    struct sim_task end;
    bool over;
};

/* A family of schedules. */
struct sim_mix {
    const char *name;
    const char *about;
    uint64_t kinds;             /* bit per enum sim_fault_kind that may occur */
    unsigned most;              /* faults at most */
    enum sim_fault_kind opener; /* the first of them; 0, a killed server: any */
    bool swarm;                 /* only a random few of the kinds in one run */
    bool clean_net;             /* 5 ms at most, no loss but by faults */
    bool no_switch;             /* the primary must stay */
    bool no_loss;               /* no acknowledged write may be lost */
    bool many;                  /* many groups */
    bool mixed;                 /* quorums of vedettes and originals */
    bool early;                 /* faults from the first moment on */
    bool no_corpses;            /* everybody is alive again in the end */
    vd_ms within_ms; /* one fault: its successor is due down-after and so long after it; 0: no bound
                      */
    bool unannounced; /* ... and one ping period later: no socket tells of it */
};
const struct sim_mix *sim_mix_find(const char *name);
const struct sim_mix *sim_mix_at(size_t index); /* NULL past the end */
/* "any": by the seed. */
const struct sim_mix *sim_mix_of_seed(uint64_t seed);

/* The schedule that seed and mix of this setup mean. */
void sim_plan(struct sim_schedule *schedule, const struct sim_setup *setup);
/* Does the world have all the hosts and groups that the schedule speaks of? */
bool sim_schedule_fits(const struct sim_schedule *schedule, const struct sim_setup *setup,
                       struct vd_err *err) VD_MUSTCHECK;

void sim_faults_new(struct sim *sim, const struct sim_schedule *schedule);
void sim_faults_start(struct sim *sim);

/* May this server stay away for good, and its group still have a primary? */
bool sim_may_stay_away(const struct sim *sim, const struct sim_node *node);
/* The node that most sentinels name as primary of the group; NULL: none. */
struct sim_node *sim_named_primary(const struct sim *sim, unsigned group);

#endif
