/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client: asks a sentinel where the primary is, writes there, and asks again
 * when the primary is gone, refuses or does not answer. What was acknowledged
 * to it is remembered, to be looked for in the end.
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "net.h"

struct sim_client {
    struct sim *sim;
    unsigned index;
    unsigned group;
    struct sim_host *host;
    struct sim_conn *conn; /* to a sentinel or a node */
    bool asking;           /* ... a sentinel */
    bool open;
    sim_us sent_at; /* of what has no reply yet; -1: nothing */
    struct sim_task tick;
    uint64_t writes;
    sim_us acked_at; /* the last; 0 none */
    struct sim_entry **acked;
    size_t acked_count;
    size_t acked_room;
};

struct sim_client *sim_client_new(struct sim *sim, unsigned index);
void sim_client_free(struct sim_client *client);
void sim_client_start(struct sim_client *client);

/* How many acknowledged writes are not in the history that ends at `head`. */
uint64_t sim_clients_lost(struct sim *sim, unsigned group, struct sim_entry *head);

#endif
