/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replication between nodes, after replication.c of Redis 7: who may continue
 * where (PSYNC), what a full resync throws away and when, how a promotion
 * keeps the old id so that siblings can continue, and what an old primary
 * remembers of itself.
 */
#include <string.h>
#include <utlist.h>

#include "node.h"
#include "oracle.h"
#include "tell.h"

#define WRITE_BYTES 60
#define PUBLISH_BYTES 150
#define PING_BYTES 14

static bool same_id(const struct vd_id *a, const struct vd_id *b)
{
    return a->hex[0] != '\0' && strcmp(a->hex, b->hex) == 0;
}

void sim_history_free(struct sim_history *history)
{
    while (history->all != NULL) {
        struct sim_entry *entry = history->all;

        history->all = entry->older;
        sim_payload_drop(entry->hello);
        vd_free(entry);
    }
    vd_free(history);
}

/* As a primary (or in between) ------------------------------------------------ */

static void stream_to(struct sim_node *node, struct sim_guest *guest)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_STREAM);

    msg->data = node->at.data;
    msg->offset = node->at.offset;
    sim_send(guest->conn, 1, msg);
}

static void stream_to_all(struct sim_node *node)
{
    struct sim_guest *guest;

    DL_FOREACH (node->guests, guest) {
        if (guest->kind == SIM_GUEST_REPLICA && guest->online)
            stream_to(node, guest);
    }
}

struct sim_entry *sim_node_append(struct sim_node *node, uint64_t write, struct sim_payload *hello)
{
    struct sim_entry *entry = vd_alloc(sizeof(*entry));
    struct sim_history *history = node->sim->history;

    entry->parent = node->at.data;
    entry->writes = (entry->parent != NULL ? entry->parent->writes : 0) + (write != 0);
    entry->write = write;
    entry->hello = hello;
    if (hello != NULL)
        hello->refs++;
    entry->older = history->all;
    history->all = entry;
    node->at.data = entry;
    if (node->backlog)
        node->at.offset += write != 0 ? WRITE_BYTES : PUBLISH_BYTES;
    stream_to_all(node);
    return entry;
}

void sim_node_drop_replicas(struct sim_node *node)
{
    struct sim_guest *guest;
    struct sim_guest *next;

    DL_FOREACH_SAFE (node->guests, guest, next) {
        if (guest->kind == SIM_GUEST_REPLICA)
            sim_node_drop_guest(guest);
    }
}

static bool may_continue(const struct sim_node *node, const struct sim_msg *ask)
{
    const struct sim_lineage *at = &node->at;
    int64_t wanted = ask->offset + 1;
    int64_t first = node->backlog_from;

    if (at->offset - first + 1 > node->sim->setup.backlog)
        first = at->offset - node->sim->setup.backlog + 1;
    if (!node->backlog || wanted < first || wanted > at->offset + 1)
        return false;
    if (same_id(&ask->id, &at->replid))
        return true;
    return same_id(&ask->id, &at->replid2) && wanted <= at->replid2_offset;
}

static void snapshot_ready(struct sim *sim, void *self)
{
    struct sim_guest *guest = self;
    struct sim_msg *msg = sim_msg_new(sim->net, SIM_RDB);

    msg->data = guest->snapshot;
    msg->offset = guest->snapshot_offset;
    msg->id = guest->node->at.replid;
    sim_send(guest->conn, 1, msg);
    guest->online = true;
    guest->acked = guest->snapshot_offset;
    guest->acked_at = sim->now;
    stream_to(guest->node, guest);
}

/* PSYNC FAILOVER: our primary asks us to take its place. */
static bool takes_over(struct sim_node *node, const struct sim_guest *guest,
                       const struct sim_msg *ask)
{
    if (ask->kind == 0 || node->primary != guest->conn->host[0] ||
        !same_id(&ask->id, &node->at.replid) || node->loading)
        return false;
    sim_node_promote(node);
    sim_oracle_on_roles(node->sim);
    return true;
}

static void answer_psync(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *ask)
{
    struct sim *sim = node->sim;
    bool taken_over = takes_over(node, guest, ask);
    bool part = may_continue(node, ask);
    bool refused = node->loading || (node->primary != NULL && node->upstream != SIM_UP_STREAMING);
    sim_us most = sim->setup.sync_ms;
    struct sim_msg *msg;

    if (refused || (ask->kind != 0 && !taken_over)) {
        sim_send(guest->conn, 1, sim_msg_new(sim->net, SIM_SYNC_REFUSED));
        return;
    }
    guest->kind = SIM_GUEST_REPLICA;
    guest->acked = ask->offset;
    guest->acked_at = sim->now;
    if (!part && !node->backlog) {
        /* The first replica ever: the stream begins here, under an id of its own. */
        node->at.replid = sim_node_new_id(node);
        node->at.replid2.hex[0] = '\0';
        node->backlog = true;
        node->backlog_from = node->at.offset + 1;
    }
    msg = sim_msg_new(sim->net, part ? SIM_CONTINUE : SIM_FULLRESYNC);
    msg->id = node->at.replid;
    msg->offset = node->at.offset;
    msg->data = node->at.data;
    sim_send(guest->conn, 1, msg);
    guest->online = part;
    if (part) {
        stream_to(node, guest);
        return;
    }
    guest->snapshot = node->at.data;
    guest->snapshot_offset = node->at.offset;
    guest->sync.run = snapshot_ready;
    guest->sync.self = guest;
    if (sim->setup.acquainted && sim->now < sim->setup.faults_from)
        most = most < 20 ? most : 20; /* nothing to see yet: be in step soon */
    sim_after(sim, &guest->sync, sim_between(&sim->times, 1, most) * SIM_MS);
}

void sim_node_guest_heard(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg)
{
    if (msg->word == SIM_PSYNC) {
        answer_psync(node, guest, msg);
    } else if (msg->word == SIM_ACK) {
        guest->acked = msg->offset;
        guest->acked_at = node->sim->now;
        sim_node_acked(node);
    }
}

/* As a replica -------------------------------------------------------------------- */

static void leave_upstream(struct sim_node *node)
{
    if (node->conn != NULL)
        sim_close(node->conn, 0);
    node->conn = NULL;
}

/* Back to trying; what was in sync remembers where it stood. */
static void link_fell(struct sim_node *node)
{
    if (node->upstream == SIM_UP_STREAMING) {
        node->cached = true;
        node->link_down_at = node->sim->now;
        SIM_TELL(node->sim, node->host, VD_MARK_ROLE, "lost its primary %s at offset %lld",
                 node->primary->name, (long long)node->at.offset);
    }
    leave_upstream(node);
    if (node->upstream != SIM_UP_LOADING)
        node->upstream = SIM_UP_CONNECT;
}

void sim_node_upstream_lost(struct sim_node *node)
{
    node->conn = NULL;
    link_fell(node);
}

static void connect_upstream(struct sim_node *node)
{
    node->upstream = SIM_UP_CONNECTING;
    node->heard_at = node->sim->now;
    node->conn = sim_connect(node->sim->net, node->host, node->primary);
}

void sim_node_promote(struct sim_node *node)
{
    if (node->primary == NULL)
        return;
    SIM_TELL(node->sim, node->host, VD_MARK_ROLE, "is promoted at offset %lld",
             (long long)node->at.offset);
    leave_upstream(node);
    node->primary = NULL;
    node->upstream = SIM_UP_NONE;
    node->cached = false;
    node->link_down_at = -1;
    /* What siblings had in common with us up to here, they may continue under the old id. */
    node->at.replid2 = node->at.replid;
    node->at.replid2_offset = node->at.offset + 1;
    node->at.replid = sim_node_new_id(node);
    sim_node_drop_replicas(node);
}

void sim_node_follow(struct sim_node *node, const struct sim_host *primary)
{
    bool was_primary = node->primary == NULL;

    if (node->primary == primary)
        return;
    SIM_TELL(node->sim, node->host, VD_MARK_ROLE, "%s now follows %s",
             was_primary ? "(a primary)" : "", primary->name);
    if (node->upstream == SIM_UP_STREAMING || was_primary)
        node->cached = true;
    leave_upstream(node);
    node->primary = primary;
    node->link_down_at = node->sim->now;
    sim_node_drop_replicas(node);
    connect_upstream(node);
}

void sim_node_upstream_connected(struct sim_node *node)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_PSYNC);

    node->upstream = SIM_UP_HANDSHAKE;
    node->heard_at = node->sim->now;
    if (node->cached)
        msg->id = node->at.replid;
    msg->kind = node->failover == SIM_FAILOVER_RUNNING;
    msg->offset = node->cached ? node->at.offset : -1;
    sim_send(node->conn, 0, msg);
}

/* Publish what lies between our data and the new head, oldest first. */
static bool publish_between(struct sim_node *node, struct sim_entry *head)
{
    struct sim_payload *found[64];
    unsigned count = 0;

    for (struct sim_entry *e = head; e != node->at.data; e = e->parent) {
        if (e == NULL)
            return false;
        if (e->hello != NULL && count < 64)
            found[count++] = e->hello;
    }
    while (count > 0)
        (void)sim_node_fan_out(node, found[--count]);
    return true;
}

static void apply(struct sim_node *node, struct sim_entry *head, int64_t offset)
{
    if (!publish_between(node, head))
        sim_fail(node->sim, "model: %s was sent a stream that does not continue its data",
                 node->host->name);
    node->at.data = head;
    node->at.offset = offset;
    stream_to_all(node);
}

static void take_continue(struct sim_node *node, const struct sim_msg *msg)
{
    SIM_TELL(node->sim, node->host, VD_MARK_ROLE, "continues under %s from offset %lld",
             node->primary->name, (long long)node->at.offset);
    if (!same_id(&msg->id, &node->at.replid)) {
        node->at.replid2 = node->at.replid;
        node->at.replid2_offset = node->at.offset + 1;
        node->at.replid = msg->id;
        sim_node_drop_replicas(node);
    }
    node->upstream = SIM_UP_STREAMING;
    node->in_step_from = node->sim->now;
    node->cached = true;
    node->synced = true;
    if (!node->backlog) {
        node->backlog = true;
        node->backlog_from = node->at.offset + 1;
    }
}

static void take_snapshot(struct sim_node *node, const struct sim_msg *msg)
{
    SIM_TELL(node->sim, node->host, VD_MARK_ROLE, "loads what %s sent", node->primary->name);
    node->upstream = SIM_UP_LOADING;
    node->loading = true;
    node->at.data = NULL; /* what it had is gone from here on */
    node->synced = false;
    sim_node_drop_replicas(node);
    node->next = (struct sim_lineage){.replid = msg->id, .offset = msg->offset, .data = msg->data};
    node->behind = msg->data;
    node->behind_offset = msg->offset;
    sim_after(node->sim, &node->load, node->sim->setup.load_ms * SIM_MS);
}

void sim_node_load(struct sim *sim, void *self)
{
    struct sim_node *node = self;
    bool at_start = node->upstream != SIM_UP_LOADING;

    if (node->host->paused != 0) {
        sim_after(sim, &node->load, 10 * SIM_MS);
        return;
    }
    node->loading = false;
    node->at = node->next;
    sim_oracle_on_roles(sim);
    if (at_start)
        return;
    SIM_TELL(sim, node->host, VD_MARK_ROLE, "has loaded, offset %lld", (long long)node->at.offset);
    node->backlog = true;
    node->backlog_from = node->at.offset + 1;
    node->synced = true;
    node->cached = true;
    node->upstream = SIM_UP_STREAMING;
    node->in_step_from = node->sim->now;
    node->heard_at = sim->now;
    if (node->conn == NULL) { /* it broke meanwhile */
        link_fell(node);
        return;
    }
    apply(node, node->behind, node->behind_offset);
}

static void take_stream(struct sim_node *node, const struct sim_msg *msg)
{
    if (node->upstream == SIM_UP_LOADING) {
        node->behind = msg->data;
        node->behind_offset = msg->offset;
    } else if (node->upstream == SIM_UP_STREAMING) {
        apply(node, msg->data, msg->offset);
    }
}

static void acknowledge(struct sim_node *node)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_ACK);

    msg->offset = node->at.offset;
    sim_send(node->conn, 0, msg);
}

void sim_node_upstream_heard(struct sim_node *node, const struct sim_msg *msg)
{
    node->heard_at = node->sim->now;
    switch ((int)msg->word) {
    case SIM_CONTINUE:
        take_continue(node, msg);
        sim_node_failover_done(node);
        break;
    case SIM_FULLRESYNC:
        SIM_TELL(node->sim, node->host, VD_MARK_ROLE, "is to resync fully with %s",
                 node->primary->name);
        node->upstream = SIM_UP_TRANSFER;
        node->cached = false; /* the place where it stood is forgotten, not yet the data */
        sim_node_failover_done(node);
        break;
    case SIM_SYNC_REFUSED:
        link_fell(node);
        sim_node_failover_refused(node);
        break;
    case SIM_GETACK:
        acknowledge(node);
        break;
    case SIM_RDB:
        take_snapshot(node, msg);
        break;
    default:
        take_stream(node, msg);
        break;
    }
}

/* Once a second ----------------------------------------------------------------------- */

static void watch_upstream(struct sim_node *node)
{
    struct sim *sim = node->sim;
    sim_us limit = sim->setup.repl_timeout_ms * SIM_MS;

    if (node->upstream == SIM_UP_CONNECT) {
        connect_upstream(node);
        return;
    }
    if (node->upstream == SIM_UP_TRANSFER)
        limit += sim->setup.sync_ms * SIM_MS;
    if (sim->now - node->heard_at > limit) {
        link_fell(node);
        return;
    }
    if (node->upstream != SIM_UP_STREAMING)
        return;
    acknowledge(node);
}

static void watch_replicas(struct sim_node *node)
{
    struct sim *sim = node->sim;
    sim_us limit = sim->setup.repl_timeout_ms * SIM_MS;
    struct sim_guest *guest;
    struct sim_guest *next;

    DL_FOREACH_SAFE (node->guests, guest, next) {
        if (guest->kind == SIM_GUEST_REPLICA && guest->online && sim->now - guest->acked_at > limit)
            sim_node_drop_guest(guest);
    }
    if (node->primary != NULL || sim->now - node->pinged_at < sim->setup.repl_ping_ms * SIM_MS ||
        node->paused_until > sim->now || node->failover != SIM_FAILOVER_NONE)
        return;
    node->pinged_at = sim->now;
    if (!node->backlog)
        return;
    node->at.offset += PING_BYTES;
    stream_to_all(node);
}

void sim_node_replicate_cron(struct sim_node *node)
{
    if (node->primary != NULL)
        watch_upstream(node);
    watch_replicas(node);
}
