/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fleet: one process that plays thousands of Redis servers, for benches of
 * many groups. Each server has an address of its own in 127.0.0.0/8 and says
 * what a sentinel asks a server for: roles, replication, pub/sub, promotions.
 * It keeps no data, and has no opinion: it counts who asks what, and how late.
 */
#ifndef VD_BENCH_FLEET_H
#define VD_BENCH_FLEET_H

#include <ev.h>
#include <netinet/in.h>

#include "base/text.h"
#include "proto/reader.h"

#define FLEET_NODES 3
#define FLEET_ID_SIZE 41

struct fleet_node {
    struct fleet_group *group;
    struct in_addr ip;
    char run_id[FLEET_ID_SIZE];
    char replid[FLEET_ID_SIZE];
    char replid_before[FLEET_ID_SIZE]; /* "": none */
    int64_t second_offset;
    int64_t offset;             /* when it was last looked at */
    struct fleet_node *primary; /* NULL: it is one */
    int listener;               /* -1: dead */
    double last_hello_at;       /* anybody's; 0: none yet */
    struct ev_io accepts;
    struct fleet_connection *connections;
};

struct fleet_group {
    struct fleet *fleet;
    struct fleet_node nodes[FLEET_NODES];
};

struct fleet_connection {
    struct fleet_node *node;
    int fd;
    unsigned version; /* of RESP: 3 behind HELLO 3 */
    bool is_subscriber;
    bool is_in_multi;
    unsigned queued;
    struct vd_text queued_replies;
    double last_ping_at; /* 0: none yet */
    struct ev_io reads, writes;
    struct vd_reader reader;
    struct vd_text input, output;
    struct fleet_connection *prev, *next; /* of the node */
};

/* How late something that comes again and again was, beyond its usual period; in ms, by bucket of
 * one. */
#define FLEET_LATE_MAX 5000
struct fleet_lateness {
    uint64_t count;
    uint32_t by_ms[FLEET_LATE_MAX + 1];
};

struct fleet {
    struct ev_loop *loop;
    int port;
    struct fleet_group *groups;
    unsigned first, count; /* numbers of its groups */
    char *info_head;       /* INFO of a real server, before "# Replication" and behind it */
    char *info_tail;
    uint64_t pings, infos, publishes, delivered, others, bytes_in, bytes_out;
    struct fleet_lateness ping_late, hello_late;
};

/* Carry out a request; the reply goes to the connection's output, messages to those who listen. */
void fleet_run(struct fleet_connection *connection, const struct vd_word *words, size_t count);

/* A server that has just been started, with new ids. */
void fleet_node_begin(struct fleet_node *node, struct fleet_node *primary);

/* How much of the stream it has: a primary's grows with time; who follows a dead one stands still.
 */
int64_t fleet_offset(const struct fleet_node *node);

/* Send what is in the output when all that has come was carried out; closes nothing. */
void fleet_flush(struct fleet_connection *connection);

#endif
