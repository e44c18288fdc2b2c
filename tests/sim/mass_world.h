/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mass world: thousands of groups for real cores, and nothing but what a mass
 * failure needs: servers that live or are dead, links of one latency, disks
 * that take their time, processors that take theirs for every event and
 * effect. No luck, no oracle, no bitmaps of hosts: those are `world`'s.
 */
#ifndef SIM_MASS_WORLD_H
#define SIM_MASS_WORLD_H

#include <uthash.h>

#include "core/drive.h"
#include "world.h"

#define SIM_MASS_VEDETTES 3
#define SIM_MASS_NODES 3 /* of a group */
#define SIM_MASS_CALLS 262144

struct sim_mass_load;

/* A message under way, or an event in an inbox. */
struct sim_mass_item {
    sim_us at;
    uint8_t type;
    uint8_t vedette; /* who sent the request, and hears the answer */
    uint8_t request;
    uint8_t kind;    /* of the link */
    uint32_t target; /* a node, or a vedette */
    uint64_t link;
    uint64_t ticket;
    struct sim_mass_load *load; /* may be shared; NULL: none */
};

struct sim_mass_queue {
    struct sim_mass_item *list;
    size_t head;
    size_t count;
    size_t room; /* a power of two */
};

struct sim_mass_link {
    uint64_t handle;
    enum vd_link_kind kind;
    uint32_t target;
    UT_hash_handle hh;
};

struct sim_mass_call {
    bool pending;
    uint8_t vedette;
    uint64_t link;
    uint64_t ticket;
};

struct sim_mass_vedette {
    struct sim_mass *mass;
    unsigned index;
    struct vd_drive drive;
    struct vd_arena arena; /* of a turn */
    struct sim_mass_link *links;
    struct sim_mass_queue inbox;
    struct sim_mass_queue out;
    sim_us busy_until;
    sim_us flush_at; /* INT64_MAX: nothing to be sent */
    bool started;
    unsigned effects; /* of the turn under way */
    unsigned saved;   /* ... saves */
    struct {
        uint64_t turns;
        uint64_t saves;
        uint64_t saves_most; /* in one turn */
        uint64_t votes;
        uint64_t requests;
        double cpu_s;
        double cpu_turn_s; /* the longest turn */
        size_t events_most;
    } stats;
};

struct sim_mass_node {
    bool dead;
    enum vd_role role;
    uint32_t follows;
    sim_us lost_at; /* its primary; -1: never had to */
    struct vd_id replid;
    struct vd_id replid2;
    uint64_t links[SIM_MASS_VEDETTES][2]; /* command, subscription; 0: none */
};

struct sim_mass {
    sim_us now;
    unsigned groups;
    vd_ms down_after_ms;
    struct sim_mass_queue wire;
    struct sim_mass_vedette vedettes[SIM_MASS_VEDETTES];
    struct sim_mass_node *nodes;
    struct sim_mass_call *calls;
    uint64_t next_call;
    uint64_t next_id;
    /* A vedette names this node, by +switch-master. */
    void (*on_switch)(struct sim_mass *mass, unsigned vedette, unsigned group, uint32_t node);
    void *user;
};

struct sim_mass *sim_mass_new(unsigned groups, vd_ms down_after_ms);
void sim_mass_free(struct sim_mass *mass);
/* Until then, or until `stop` says so, which is asked every virtual millisecond or so. */
void sim_mass_run(struct sim_mass *mass, sim_us until, bool (*stop)(const struct sim_mass *mass));
/* The process is killed: links break, connections are refused. */
void sim_mass_kill(struct sim_mass *mass, uint32_t index);
/* Forget what was counted. */
void sim_mass_reset_stats(struct sim_mass *mass);

#endif
