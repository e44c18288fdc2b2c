/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mass parts: what the two halves of a mass world, servers and vedettes, say
 * to each other. Nobody else's business: see mass_world.h.
 */
#ifndef SIM_MASS_PARTS_H
#define SIM_MASS_PARTS_H

#include "mass_world.h"

enum {
    ITEM_CONNECT,
    ITEM_REQUEST,
    ITEM_UP,
    ITEM_REFUSED,
    ITEM_CLOSED,
    ITEM_REPLY,
    ITEM_HELLO,
    ITEM_QUESTION,
};

/* What a message carries; every field is one of a kind of message. */
struct sim_mass_load {
    unsigned refs;
    struct vd_addr addr; /* QUESTION, REPLICATE */
    struct vd_id id;     /* a candidate, a leader; "*": none */
    uint64_t epoch;
    bool down;
    uint64_t call;
    char asker[9];
    struct vd_hello hello;
    struct vd_info info;
    struct vd_info_replica replicas[SIM_MASS_NODES];
};

struct sim_mass_load *sim_mass_new_load(void);
void sim_mass_drop(struct sim_mass_load *load);

void sim_mass_put(struct sim_mass_queue *queue, const struct sim_mass_item *item);
struct sim_mass_item sim_mass_take(struct sim_mass_queue *queue);
/* What a vedette says leaves it when its turn is over. */
void sim_mass_say(struct sim_mass_vedette *v, const struct sim_mass_item *item);

struct vd_addr sim_mass_addr_of_node(uint32_t node);
struct vd_addr sim_mass_addr_of_vedette(unsigned index);
/* Of either; which of them it is, is known by the link's kind. */
uint32_t sim_mass_index_of(const char *ip);
struct vd_id sim_mass_id_of_vedette(unsigned index);

/* Takes the core over. */
void sim_mass_open(struct sim_mass_vedette *v, struct vd_core *core);
void sim_mass_close(struct sim_mass_vedette *v);
/* When it has something to do; INT64_MAX: never. */
sim_us sim_mass_turn_at(const struct sim_mass_vedette *v);
void sim_mass_turn(struct sim_mass_vedette *v);

#endif
