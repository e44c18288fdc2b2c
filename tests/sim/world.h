/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * World: virtual time and everything that is in it. Nothing here sleeps or
 * asks the machine for anything; a run is a function of its setup. Rooms hang
 * their state below struct sim and act by tasks, which run in order of time,
 * equal times in the order in which they were set.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stddef.h>

#include "base/heap.h"
#include "base/mem.h"
#include "core/core.h"
#include "rng.h"

typedef int64_t sim_us; /* virtual time, microseconds since the world began */
#define SIM_MS ((sim_us)1000)
#define SIM_S ((sim_us)1000000)

#define SIM_SENTINELS_MAX 7
#define SIM_ORIGINALS_MAX 4 /* peers that are original Sentinels */
#define SIM_GROUPS_MAX 12
#define SIM_NODES_MAX 36 /* data servers, all groups together */
#define SIM_CLIENTS_MAX 12
#define SIM_SPARES_MAX 4 /* machines to which servers may move */
#define SIM_HOSTS_MAX                                                                              \
    (SIM_SENTINELS_MAX + SIM_ORIGINALS_MAX + SIM_NODES_MAX + SIM_CLIENTS_MAX + SIM_SPARES_MAX)

struct sim;
struct vd_story;

struct sim_task {
    struct vd_heap_entry entry; /* first: the heap hands it out */
    void (*run)(struct sim *sim, void *self);
    void *self;
};

/* A deliberate lie of the world, by which the oracle shows that it can fail. */
enum sim_mutant {
    SIM_HONEST,
    SIM_MUTANT_LYING_DISK,   /* saves are acknowledged before they are durable */
    SIM_MUTANT_FORGETFUL,    /* the same, and the oracle believes the disk */
    SIM_MUTANT_EAGER,        /* promises leave although the save failed */
    SIM_MUTANT_DOUBLE_VOTE,  /* a vote is given to whoever asks */
    SIM_MUTANT_FROZEN_CLOCK, /* at some time all clocks stop for good */
    SIM_MUTANT_ROGUE,        /* a replica is promoted by a sentinel that was not elected */
    SIM_MUTANT_OTHER_ADDR,   /* one sentinel's hello names another primary */
    SIM_MUTANT_STALE_EPOCH,  /* a restored image is older than the last one */
    SIM_MUTANT_UNSEEDED,     /* luck that does not come from the seed */
    SIM_MUTANT_DEAF,         /* answers of replicas to PROMOTE and INFO are lost for good */
    SIM_MUTANT_COUNT,
};

/* How the world is made; drawn from seed and mix by setup.c. */
/* on-save-failure */
enum sim_save_failure { SIM_SAVE_MUTE, SIM_SAVE_VOLATILE };

struct sim_setup {
    uint64_t seed;
    const struct sim_mix *mix;
    enum sim_mutant mutant;
    bool verbose; /* the transcript goes to stdout */
    sim_us faults_from;
    sim_us faults_end_at; /* from then on all heals */
    sim_us until;         /* the end of it all, without any healing before; 0: none is set */
    bool exact;           /* no luck: latencies do not vary, clocks do not drift */
    unsigned sentinels;
    unsigned originals; /* Redis Sentinels beside them */
    unsigned groups;
    unsigned nodes; /* per group, the primary included */
    unsigned clients;
    unsigned quorum;
    vd_ms down_after_ms;
    vd_ms down_after_refused_ms;
    vd_ms failover_timeout_ms;
    unsigned parallel_syncs;
    vd_ms info_period_ms;
    bool server_handover; /* a switchover is left to the server's FAILOVER */
    vd_ms abstain_ms;
    unsigned reboot_failover; /* enum vd_reboot_failover */
    unsigned save_failure;    /* enum sim_save_failure */
    int64_t max_lag_bytes;    /* candidate-max-lag-bytes; 0: as by default */
    sim_us latency;           /* one way, of the slowest pair of hosts */
    unsigned loss_permille;   /* always, beside what faults add */
    sim_us fsync;             /* of a save */
    sim_us write_every;       /* of each client */
    vd_ms repl_timeout_ms;
    vd_ms repl_ping_ms;    /* of primaries to their replicas */
    vd_ms sync_ms;         /* a full resync: fork and transfer */
    vd_ms load_ms;         /* ... and loading */
    int64_t backlog;       /* bytes */
    unsigned min_replicas; /* min-replicas-to-write; 0: off */
    int min_replicas_lag_s;
    bool acquainted;      /* sentinels have met before, and replicas were in step until now */
    bool rewrite;         /* CONFIG REWRITE works: servers keep their role over a restart */
    unsigned persistence; /* enum sim_persistence */
    struct sim_corners *corners; /* faults that are counted out, see corners.h; NULL: none */
    bool scripts;                /* sentinels have scripts to run */
    bool corpses;                /* some of the dead may stay dead when the faults end */
};

struct sim_stats {
    uint64_t events; /* tasks run */
    uint64_t turns;
    uint64_t messages;
    uint64_t saves;
    uint64_t faults;
    uint64_t switches; /* address changes, counted once per group and epoch */
    uint64_t acked;
    uint64_t lost;    /* acknowledged, and not in the final primary's history */
    sim_us dual_us;   /* more than one primary took writes, */
    uint64_t dual;    /* and so many were acknowledged meanwhile */
    sim_us outage_us; /* clients got no write acknowledged: times longer than their patience, */
    sim_us outage_worst_us;
    sim_us settled_us; /* from the last fault to agreement */
    sim_us prompt_us;  /* from the one fault of a mix with a bound to its successor */
};

struct sim {
    struct sim_setup setup;
    sim_us now;
    struct vd_heap tasks;
    struct sim_rng dice;  /* luck handed to cores */
    struct sim_rng times; /* latencies and delays */
    uint64_t hash;        /* of all that happened */
    bool over;
    bool forgetful; /* operators gave orders to forget: RESET, REMOVE */
    bool failed;
    char failure[512];
    struct sim_stats stats;
    struct sim_net *net;
    struct sim_oracle *oracle;
    struct sim_conduct *conduct;
    struct vd_story *story; /* what happens is told there; NULL: to nobody */
    struct sim_faults *faults;
    struct sim_live *live;
    struct sim_sentinel *sentinels[SIM_SENTINELS_MAX];
    struct sim_original *originals[SIM_ORIGINALS_MAX];
    struct sim_node
        *nodes[SIM_NODES_MAX]; /* those of group 0 first; the first of each starts as primary */
    struct sim_client *clients[SIM_CLIENTS_MAX];
    struct sim_host *spares[SIM_SPARES_MAX]; /* as many as the schedule has moves */
    unsigned spare_count;
    unsigned node_count; /* all groups */
    struct sim_history *history;
};

/* Tasks: set moves one that is set already. `when` may not lie in the past. */
void sim_at(struct sim *sim, struct sim_task *task, sim_us when);
void sim_after(struct sim *sim, struct sim_task *task, sim_us delay);
void sim_cancel(struct sim *sim, struct sim_task *task);
static inline bool sim_is_set(const struct sim_task *task)
{
    return vd_heap_has(&task->entry);
}

/* Run tasks until the world is over, has failed, or `until` has come. */
void sim_run(struct sim *sim, sim_us until);

/* A violation: the first one is kept and ends the run. */
void sim_fail(struct sim *sim, const char *format, ...) VD_PRINTF(2, 3);

/* One line of the transcript, if somebody reads it. */
void sim_say(const struct sim *sim, const char *who, const char *format, ...) VD_PRINTF(3, 4);
#define SIM_SAY(sim, ...)                                                                          \
    do {                                                                                           \
        if ((sim)->setup.verbose)                                                                  \
            sim_say((sim), __VA_ARGS__);                                                           \
    } while (0)

/* What happened, into the hash by which two runs are compared. */
static inline void sim_note(struct sim *sim, uint64_t what)
{
    sim->hash = (sim->hash ^ what) * 1099511628211U;
    sim->hash ^= sim->hash >> 29;
}
uint64_t sim_hash_text(const char *text);

/* The group's name by its number. */
const char *sim_group_name(unsigned group);

#endif
