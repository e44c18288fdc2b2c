/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Node: a model of a Redis server, as far as a sentinel and its clients can
 * tell it from a real one: roles, run id, replication ids and offsets, partial
 * and full resync with the window in which it loads, INFO as text, publish
 * carried to replicas, restart with the data that its persistence kept.
 *
 * Data is a path in the tree of all writes ever made (struct sim_entry): to
 * copy a data set is to copy a pointer, and to ask whether a write survived is
 * to walk up from the head.
 */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include "base/text.h"
#include "net.h"

struct sim_entry {
    struct sim_entry *parent;
    struct sim_entry *older; /* all of them, for the release */
    uint64_t writes;         /* on the path, this one included */
    uint64_t write;          /* number of the write; 0: a published message */
    struct sim_payload *hello;
    bool mark;
};

struct sim_history {
    struct sim_entry *all;
};
void sim_history_free(struct sim_history *history);

enum sim_persistence {
    SIM_KEEP_NOTHING,
    SIM_KEEP_RDB, /* a snapshot now and then, with the replication id and offset */
    SIM_KEEP_AOF, /* all but the last second, without them */
    SIM_KEEP_COUNT,
};

enum sim_upstream {
    SIM_UP_NONE, /* a primary */
    SIM_UP_CONNECT,
    SIM_UP_CONNECTING,
    SIM_UP_HANDSHAKE,
    SIM_UP_TRANSFER,
    SIM_UP_LOADING,
    SIM_UP_STREAMING,
};

enum sim_guest_kind {
    SIM_GUEST_NORMAL,
    SIM_GUEST_SUBSCRIBER,
    SIM_GUEST_REPLICA,
};

/* The server's own FAILOVER. */
enum sim_failover {
    SIM_FAILOVER_NONE,
    SIM_FAILOVER_WAITING, /* for the replica to have all */
    SIM_FAILOVER_RUNNING, /* they change places */
};

/* What a command is refused with. */
enum sim_error {
    SIM_ERR_NONE,
    SIM_ERR_NOAUTH,
    SIM_ERR_NOPERM,
    SIM_ERR_LOADING,
    SIM_ERR_BUSY,
    SIM_ERR_READONLY,
    SIM_ERR_NOREPLICAS,
    SIM_ERR_OTHER, /* -ERR */
};

/* A command that CLIENT PAUSE holds back, or that stands behind such a one. */
struct sim_held {
    struct sim_msg msg;
    struct sim_held *next;
};

/* Who is connected to a node. */
struct sim_guest {
    struct sim_node *node;
    struct sim_conn *conn;
    enum sim_guest_kind kind;
    bool online; /* replica: gets the stream */
    int64_t acked;
    sim_us acked_at;
    struct sim_task sync; /* replica: the snapshot is ready */
    struct sim_entry *snapshot;
    int64_t snapshot_offset;
    struct sim_held *held;
    int64_t wrote_at;   /* offset behind its last write */
    unsigned waits_for; /* WAIT: so many replicas; 0: it waits for nothing */
    uint64_t wait_ticket;
    struct sim_task wait; /* its timeout */
    struct sim_guest *prev;
    struct sim_guest *next;
};

/* Where a data set stands: what PSYNC compares. */
struct sim_lineage {
    struct vd_id replid;
    struct vd_id replid2; /* "" none */
    int64_t replid2_offset;
    int64_t offset;
    struct sim_entry *data;
};

struct sim_node {
    struct sim *sim;
    unsigned index;
    unsigned group;
    struct sim_host *host;
    bool running;
    bool busy;           /* a script runs and does not end */
    bool locked;         /* the sentinels' password is refused */
    bool denies;         /* ... and their right to turn it */
    bool moved;          /* it has been on another machine */
    bool unmet;          /* made a primary by hand, and on no list until then */
    sim_us paused_until; /* CLIENT PAUSE WRITE */
    struct sim_task unpause;
    bool releasing; /* what was held back */
    enum sim_failover failover;
    const struct sim_host *failover_to;
    struct sim_task failover_over;
    bool loading;
    int priority;
    struct vd_id run_id;
    struct sim_lineage at;
    bool backlog;
    int64_t backlog_from;
    const struct sim_host *primary; /* NULL: it is one */
    enum sim_upstream upstream;
    struct sim_conn *conn; /* to the primary */
    bool cached;           /* at.offset tells where it stood under its primary */
    bool synced;           /* has been in sync with a primary since its data began */
    sim_us heard_at;
    sim_us link_down_at;      /* -1: never was up */
    sim_us in_step_from;      /* when it last came into step with its primary */
    struct sim_lineage next;  /* what is being loaded */
    struct sim_entry *behind; /* arrived while loading */
    int64_t behind_offset;
    struct sim_task load;
    struct sim_task cron;
    sim_us pinged_at;
    struct sim_guest *guests;
    /* on its disk */
    struct sim_lineage rdb;
    bool rdb_is_positioned;
    sim_us rdb_at;
    struct sim_entry *aof;
    const struct sim_host *configured; /* whom its configuration file says to follow */
    uint64_t ids;                      /* made so far */
};

/* A node, not running yet. Server number `number` of its group; 0 is configured as the primary. */
struct sim_node *sim_node_new(struct sim *sim, unsigned index, unsigned group, unsigned number);
void sim_node_free(struct sim_node *node);
/* Whom its file says to follow at first; NULL nobody. */
void sim_node_configure(struct sim_node *node, const struct sim_host *primary);

/* Start the process; `emptied`: its disk lost the data. */
void sim_node_start(struct sim_node *node, bool emptied);
/* It will start on this machine, where nobody is (any more); it does not run. */
void sim_node_move(struct sim_node *node, struct sim_host *to);
/* SAVE: the snapshot is that of now. */
void sim_node_save(struct sim_node *node);
/* kill -9, or the plug pulled with `power`. */
void sim_node_kill(struct sim_node *node, bool power);

static inline bool sim_node_is_primary(const struct sim_node *node)
{
    return node->running && node->primary == NULL;
}
/* Takes writes now, if it can be reached. */
bool sim_node_takes_writes(const struct sim_node *node);
/* Who is on this machine now; NULL: no server. */
struct sim_node *sim_node_of(const struct sim *sim, const struct sim_host *host);

/* INFO, as the server would print it. */
void sim_node_info(const struct sim_node *node, struct vd_text *to);

/* Commands (node_commands.c, node_failover.c) ----------------------------------- */

/* A command came. */
void sim_node_hear(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg);
/* Some replica has acknowledged more. */
void sim_node_acked(struct sim_node *node);
/* What is held back no more is done now. */
void sim_node_release(struct sim_node *node);
void sim_node_drop_held(struct sim_guest *guest);
unsigned sim_node_good_replicas(const struct sim_node *node); /* for min-replicas-to-write */
/* FAILOVER TO msg->addr (NULL: any) TIMEOUT msg->offset ms; false: refused. */
bool sim_node_failover(struct sim_node *node, const struct sim_msg *msg);
void sim_node_failover_abort(struct sim_node *node);
void sim_node_failover_step(struct sim_node *node);
void sim_node_failover_done(struct sim_node *node);
void sim_node_failover_refused(struct sim_node *node);
void sim_node_failover_forget(struct sim_node *node);

/* Replication (replication.c) ------------------------------------------------- */

struct sim_entry *sim_node_append(struct sim_node *node, uint64_t write, struct sim_payload *hello);
void sim_node_promote(struct sim_node *node); /* NO ONE */
void sim_node_follow(struct sim_node *node, const struct sim_host *primary);
void sim_node_replicate_cron(struct sim_node *node);
void sim_node_upstream_connected(struct sim_node *node);
void sim_node_upstream_lost(struct sim_node *node);
void sim_node_upstream_heard(struct sim_node *node, const struct sim_msg *msg);
void sim_node_guest_heard(struct sim_node *node, struct sim_guest *guest,
                          const struct sim_msg *msg);
void sim_node_drop_replicas(struct sim_node *node);
void sim_node_drop_guest(struct sim_guest *guest);
void sim_node_load(struct sim *sim, void *self);
/* A message to everybody who subscribed here. */
unsigned sim_node_fan_out(struct sim_node *node, struct sim_payload *hello);
struct vd_id sim_node_new_id(struct sim_node *node);

#endif
