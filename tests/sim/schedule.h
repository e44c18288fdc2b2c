/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Schedule: what goes wrong in a world, as data. The whole list is there
 * before the world starts (drawn from the seed by plan.c, or read from a
 * scenario), each entry stands for itself and no entry draws luck that another
 * one sees: an entry may be left out, moved or shortened, and the others mean
 * what they meant. That is what makes a failing seed shrink.
 *
 * One line of text per entry, the same in what is printed and what is read:
 *
 *     at 10000 kill r1 for 5000
 *     at 12000.250 split s1 r1 c1 for 4000
 *     at 13000 order s2 set m1 down-after 500
 *
 * Times are milliseconds. Without `for` it lasts until the faults end (or for
 * good, where it cannot be taken back). Hosts are s1.. (vedettes), o1..
 * (original Redis Sentinels), r1.. (servers, those of m1 first), c1..
 * (clients), groups m1... Whom a fault hits may be left to the moment in which
 * it strikes: `primary m1` is whom most sentinels name then, `leader m1 s2`
 * the sentinel that is busy with a failover then, or else s2.
 */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include "base/err.h"
#include "base/text.h"
#include "world.h"

enum sim_who_kind {
    SIM_WHO_NOBODY,
    SIM_WHO_SENTINEL,
    SIM_WHO_ORIGINAL,
    SIM_WHO_NODE,
    SIM_WHO_CLIENT,
    SIM_WHO_PRIMARY, /* of the group, by what most sentinels say in that moment */
    SIM_WHO_LEADER,  /* of the group's failover in that moment, or else sentinel `other` */
};

struct sim_who {
    enum sim_who_kind kind;
    unsigned number; /* from 0; PRIMARY, LEADER: the group's */
    unsigned other;
};

/* Hosts as a set: a bit for each. */
uint64_t sim_who_bit(enum sim_who_kind kind, unsigned number);
/* "s1", "r12"; false: no such name. Does not know PRIMARY and LEADER. */
bool sim_who_of_name(const char *name, struct sim_who *who);

enum sim_deed {
    /* processes */
    SIM_DO_KILL,
    SIM_DO_POWER,
    SIM_DO_PAUSE,
    SIM_DO_FREEZE, /* a sentinel's machine stands still, clock and all */
    SIM_DO_CRASH,  /* a sentinel dies at a boundary of its own turn */
    SIM_DO_WIPE,   /* a sentinel is killed and loses its state */
    SIM_DO_DRIFT,  /* a sentinel's clock runs faster or slower */
    SIM_DO_LAG,    /* a sentinel reads what has arrived so many ms late, while its deadlines come */
    SIM_DO_DRAG,   /* ... is up to so many ms at work in each turn before anything leaves */
    SIM_DO_EMPTY,  /* a server is killed and comes back without its data */
    SIM_DO_BUSY,   /* a script runs on a server and does not end */
    SIM_DO_PRIORITY,
    SIM_DO_AUTH, /* a server refuses the sentinels' password */
    SIM_DO_DENY, /* ... their right to turn it */
    SIM_DO_TURN, /* a server is told by hand to follow another, or nobody */
    SIM_DO_MOVE, /* a server goes to another machine: a new address, the old one is dead */
    SIM_DO_SWAP, /* two servers are killed and come back, each under the other's address */
    SIM_DO_DISK,
    /* ways */
    SIM_DO_SPLIT,
    SIM_DO_BRIDGE,      /* two halves, and one host that sees both */
    SIM_DO_ISOLATE,     /* one from all */
    SIM_DO_ONE_WAY,     /* nobody hears it */
    SIM_DO_DEAF,        /* it hears nobody */
    SIM_DO_CUT,         /* one from another */
    SIM_DO_SPLIT_PEERS, /* halves, but only sentinels from each other */
    SIM_DO_SPLIT_NODES, /* sentinels of one side from servers of the other */
    SIM_DO_LOSS,
    SIM_DO_DELAY,
    SIM_DO_ECHO,      /* gossip comes twice, the second time late */
    SIM_DO_RESET,     /* a share of all connections */
    SIM_DO_BLACKHOLE, /* ... forgotten by a middlebox: silence */
    /* operators */
    SIM_DO_ORDER,
    SIM_DO_COUNT,
};

enum sim_disk_fault {
    SIM_DISK_IS_FULL,
    SIM_DISK_IS_LATE, /* the error comes although the save is durable */
    SIM_DISK_IS_SLOW, /* a save takes up to `number` ms */
};

enum sim_order {
    SIM_ORDER_FAILOVER,
    SIM_ORDER_SWITCHOVER, /* FAILOVER COORDINATED */
    SIM_ORDER_RESET,
    SIM_ORDER_RESET_ALL,
    SIM_ORDER_SET,
    SIM_ORDER_REMOVE,
    SIM_ORDER_MONITOR,
    SIM_ORDER_CRASH_ELECTED, /* SIMULATE-FAILURE */
    SIM_ORDER_CRASH_PROMOTED,
};

#define SIM_FOR_GOOD INT64_MAX

struct sim_schedule_entry {
    enum sim_deed deed;
    sim_us at;
    sim_us lasts; /* SIM_FOR_GOOD: until the faults end */
    struct sim_who who;
    struct sim_who other; /* TURN, SWAP, CUT; NOBODY: "no-one" */
    uint64_t side;        /* SPLIT and its like: sim_who_bit of each */
    unsigned group;       /* ORDER */
    unsigned detail;      /* CRASH: enum sim_doom; DISK, ORDER: see above; SET: the option is ... */
    enum vd_option option; /* ... this */
    bool flag;             /* WIPE: it comes back with a new id */
    int64_t number;        /* as the deed has it: ms, per mille, a count, a priority */
};

#define SIM_SCHEDULE_MAX 96

struct sim_schedule {
    struct sim_schedule_entry list[SIM_SCHEDULE_MAX];
    unsigned count;
};

/* False when it is full. */
bool sim_schedule_add(struct sim_schedule *schedule, const struct sim_schedule_entry *entry);
void sim_schedule_remove(struct sim_schedule *schedule, unsigned index);

/* The entry's line without its end. */
void sim_schedule_print_entry(const struct sim_schedule_entry *entry, struct vd_text *to);
/* A line, appended. False: what is wrong with it, the word included. */
bool sim_schedule_parse_line(struct sim_schedule *schedule, const char *line,
                             struct vd_err *err) VD_MUSTCHECK;

/* Its first word, for a count of what happened. */
const char *sim_deed_name(enum sim_deed deed);
/* Entries of this kind may stay as they are in the end: the dead. */
bool sim_deed_leaves_corpse(enum sim_deed deed);

#endif
