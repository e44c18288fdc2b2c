/* SPDX-License-Identifier: BSD-3-Clause */
/* Node: a server's life and its commands; see node.h. */
#include "node.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "oracle.h"
#include "tell.h"

#define RDB_EVERY (20 * SIM_S)

static const struct sim_host_ops ops;
static void run_cron(struct sim *sim, void *self);

/* Life ------------------------------------------------------------------------ */

struct sim_node *sim_node_new(struct sim *sim, unsigned index, unsigned group, unsigned number)
{
    struct sim_node *node = vd_alloc(sizeof(*node));
    char name[8];

    (void)snprintf(name, sizeof(name), "r%u", index + 1);
    node->sim = sim;
    node->index = index;
    node->group = group;
    node->priority = 100;
    node->host = sim_host_new(sim->net, name, 10 + group, number + 1, 6379, &ops, node);
    node->load.run = sim_node_load;
    node->load.self = node;
    node->cron.run = run_cron;
    node->cron.self = node;
    return node;
}

void sim_node_free(struct sim_node *node)
{
    while (node->guests != NULL) {
        struct sim_guest *guest = node->guests;

        DL_DELETE(node->guests, guest);
        vd_free(guest);
    }
    vd_free(node);
}

void sim_node_configure(struct sim_node *node, const struct sim_host *primary)
{
    node->configured = primary;
}

struct vd_id sim_node_new_id(struct sim_node *node)
{
    struct vd_id id;
    uint64_t state = node->sim->setup.seed * 1000003U + node->index * 4099U + ++node->ids;
    uint64_t a = sim_split(&state);
    uint64_t b = sim_split(&state);

    (void)snprintf(id.hex, sizeof(id.hex), "%08x%016llx%016llx", node->index + 0xd0000000U,
                   (unsigned long long)a, (unsigned long long)b);
    return id;
}

/* What its disk gives back, and what replication may make of it. */
static void restore(struct sim_node *node, bool emptied)
{
    unsigned kept = emptied ? SIM_KEEP_NOTHING : node->sim->setup.persistence;

    node->at = (struct sim_lineage){.replid = sim_node_new_id(node)};
    node->backlog = false;
    node->cached = false;
    node->synced = false;
    if (kept == SIM_KEEP_AOF)
        node->at.data = node->aof;
    if (kept != SIM_KEEP_RDB)
        return;
    node->at.data = node->rdb.data;
    if (!node->rdb_is_positioned)
        return;
    node->at.offset = node->rdb.offset;
    node->backlog = true;
    node->backlog_from = node->at.offset + 1;
    if (node->primary != NULL) {
        node->at.replid = node->rdb.replid;
        node->cached = true;
        node->synced = true;
    } else {
        node->at.replid2 = node->rdb.replid;
        node->at.replid2_offset = node->at.offset + 1;
    }
}

void sim_node_start(struct sim_node *node, bool emptied)
{
    struct sim *sim = node->sim;

    VD_ASSERT(!node->running);
    node->running = true;
    node->busy = false;
    node->run_id = sim_node_new_id(node);
    node->primary = node->configured;
    node->upstream = node->primary != NULL ? SIM_UP_CONNECT : SIM_UP_NONE;
    node->conn = NULL;
    node->link_down_at = -1;
    restore(node, emptied);
    if (emptied) {
        node->rdb = node->at;
        node->rdb_is_positioned = false;
        node->aof = NULL;
    }
    if (!node->host->powered)
        sim_host_power(sim->net, node->host, true);
    sim_host_listen(node->host);
    node->loading = node->at.data != NULL;
    if (node->loading) {
        node->next = node->at;
        sim_after(sim, &node->load, sim->setup.load_ms * SIM_MS);
    }
    sim_after(sim, &node->cron, (sim_us)sim_below(&sim->times, (uint64_t)SIM_S));
    SIM_TELL(sim, node->host, VD_MARK_LIFE, "starts as %s%s, %llu writes, offset %lld",
            node->primary != NULL ? "replica of " : "primary",
            node->primary != NULL ? node->primary->name : "",
            node->at.data != NULL ? (unsigned long long)node->at.data->writes : 0,
            (long long)node->at.offset);
    sim_oracle_on_roles(sim);
}

void sim_node_kill(struct sim_node *node, bool power)
{
    struct sim *sim = node->sim;

    if (!node->running)
        return;
    while (node->guests != NULL) {
        struct sim_guest *guest = node->guests;

        sim_cancel(sim, &guest->sync);
        DL_DELETE(node->guests, guest);
        vd_free(guest);
    }
    sim_cancel(sim, &node->cron);
    sim_cancel(sim, &node->load);
    node->running = false;
    node->conn = NULL;
    if (power)
        sim_host_power(sim->net, node->host, false);
    else
        sim_host_die(sim->net, node->host);
    SIM_TELL(sim, node->host, VD_MARK_LIFE, power ? "loses power" : "is killed");
    sim_oracle_on_roles(sim);
}

bool sim_node_takes_writes(const struct sim_node *node)
{
    return sim_node_is_primary(node) && !node->loading && !node->busy && node->host->paused == 0;
}

struct sim_node *sim_node_of(const struct sim *sim, const struct sim_host *host)
{
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i]->host == host)
            return sim->nodes[i];
    }
    return NULL;
}

unsigned sim_group_of(const struct sim *sim, const struct sim_host *host)
{
    const struct sim_node *node = sim_node_of(sim, host);

    return node != NULL ? node->group : SIM_GROUPS_MAX;
}

/* Once a second ------------------------------------------------------------------ */

static void save_data(struct sim_node *node)
{
    sim_us now = node->sim->now;

    node->aof = node->at.data;
    if (now - node->rdb_at < RDB_EVERY)
        return;
    node->rdb_at = now;
    node->rdb = node->at;
    node->rdb_is_positioned =
        node->primary != NULL ? node->upstream == SIM_UP_STREAMING || node->cached : node->backlog;
}

static void run_cron(struct sim *sim, void *self)
{
    struct sim_node *node = self;

    sim_after(sim, &node->cron, SIM_S);
    if (node->host->paused != 0 || node->loading)
        return;
    save_data(node);
    sim_node_replicate_cron(node);
}

/* Guests --------------------------------------------------------------------------- */

static void on_accepted(void *self, struct sim_conn *conn)
{
    struct sim_node *node = self;
    struct sim_guest *guest = vd_alloc(sizeof(*guest));

    guest->node = node;
    guest->conn = conn;
    conn->user[1] = guest;
    DL_APPEND(node->guests, guest);
}

void sim_node_drop_guest(struct sim_guest *guest)
{
    struct sim_node *node = guest->node;

    sim_cancel(node->sim, &guest->sync);
    DL_DELETE(node->guests, guest);
    sim_close(guest->conn, 1);
    vd_free(guest);
}

static void on_connected(void *self, struct sim_conn *conn)
{
    struct sim_node *node = self;

    if (conn == node->conn)
        sim_node_upstream_connected(node);
}

static void on_lost(void *self, struct sim_conn *conn, enum vd_down_reason reason)
{
    struct sim_node *node = self;
    struct sim_guest *guest = conn->user[1];

    (void)reason;
    if (conn == node->conn) {
        sim_node_upstream_lost(node);
        return;
    }
    if (sim_end(conn, node->host) == 1 && guest != NULL) {
        sim_cancel(node->sim, &guest->sync);
        DL_DELETE(node->guests, guest);
        vd_free(guest);
    }
}

unsigned sim_node_fan_out(struct sim_node *node, struct sim_payload *hello)
{
    struct sim_guest *guest;
    unsigned count = 0;

    DL_FOREACH (node->guests, guest) {
        struct sim_msg *msg;

        if (guest->kind != SIM_GUEST_SUBSCRIBER)
            continue;
        msg = sim_msg_new(node->sim->net, SIM_MESSAGE);
        msg->payload = hello;
        hello->refs++;
        sim_send(guest->conn, 1, msg);
        count++;
    }
    return count;
}

/* Commands -------------------------------------------------------------------------- */

static void reply(struct sim_guest *guest, const struct sim_msg *to, struct sim_msg *msg)
{
    msg->ticket = to->ticket;
    sim_send(guest->conn, 1, msg);
}

static void reply_done(struct sim_guest *guest, const struct sim_msg *to, bool ok)
{
    struct sim_msg *msg = sim_msg_new(guest->node->sim->net, SIM_DONE);

    msg->ok = ok;
    msg->asked = to->word;
    reply(guest, to, msg);
}

static void do_ping(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_PONG);

    msg->kind = node->busy ? VD_PONG_BUSY : node->loading ? VD_PONG_LOADING : VD_PONG_OK;
    reply(guest, to, msg);
}

static void do_info(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_INFO_TEXT);
    struct vd_text text = {0};

    msg->ok = !node->busy;
    if (msg->ok) {
        sim_node_info(node, &text);
        msg->payload = sim_payload_new(text.bytes, text.len);
        vd_text_free(&text);
    }
    reply(guest, to, msg);
}

static void do_role(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_ROLE_IS);

    if (!node->busy)
        msg->kind = node->primary != NULL ? VD_ROLE_REPLICA : VD_ROLE_PRIMARY;
    msg->addr = node->busy ? NULL : node->primary;
    reply(guest, to, msg);
}

static void do_publish(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    if (!node->busy) {
        (void)sim_node_fan_out(node, to->payload);
        if (node->primary == NULL && node->backlog && !node->loading)
            (void)sim_node_append(node, 0, to->payload);
    }
    reply_done(guest, to, !node->busy);
}

/* CLIENT KILL TYPE normal and pubsub: all but the caller. */
static void kill_clients(struct sim_node *node, const struct sim_guest *caller)
{
    struct sim_guest *guest;
    struct sim_guest *next;

    DL_FOREACH_SAFE (node->guests, guest, next) {
        if (guest != caller && guest->kind != SIM_GUEST_REPLICA)
            sim_node_drop_guest(guest);
    }
}

static void do_turn(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    bool ok = !node->busy && !node->loading;

    sim_oracle_on_turned(node->sim, node, to);
    reply_done(guest, to, ok);
    if (!ok)
        return;
    if (to->word == SIM_PROMOTE)
        sim_node_promote(node);
    else if (to->addr != NULL && to->addr != node->host)
        sim_node_follow(node, to->addr);
    if (node->sim->setup.rewrite)
        node->configured = node->primary;
    kill_clients(node, guest);
    sim_oracle_on_roles(node->sim);
}

static void do_write(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_DONE);

    msg->ok = node->primary == NULL && !node->loading && !node->busy;
    msg->asked = SIM_WRITE;
    if (msg->ok)
        msg->data = sim_node_append(node, to->ticket, NULL);
    reply(guest, to, msg);
}

static void on_heard(void *self, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct sim_node *node = self;
    struct sim_guest *guest = conn->user[1];

    if (conn == node->conn) {
        sim_node_upstream_heard(node, msg);
        return;
    }
    if (sim_end(conn, node->host) != 1 || guest == NULL)
        return;
    switch ((int)msg->word) {
    case SIM_PING:
        do_ping(node, guest, msg);
        break;
    case SIM_INFO:
        do_info(node, guest, msg);
        break;
    case SIM_ROLE:
        do_role(node, guest, msg);
        break;
    case SIM_PUBLISH:
        do_publish(node, guest, msg);
        break;
    case SIM_SUBSCRIBE:
        guest->kind = SIM_GUEST_SUBSCRIBER;
        break;
    case SIM_PROMOTE:
    case SIM_REPLICATE:
        do_turn(node, guest, msg);
        break;
    case SIM_SCRIPT_KILL:
        reply_done(guest, msg, node->busy);
        node->busy = false;
        break;
    case SIM_WRITE:
        do_write(node, guest, msg);
        break;
    default:
        sim_node_guest_heard(node, guest, msg);
        break;
    }
}

static const struct sim_host_ops ops = {
    .accepted = on_accepted,
    .connected = on_connected,
    .lost = on_lost,
    .heard = on_heard,
};

/* INFO ---------------------------------------------------------------------------------- */

static void info_upstream(const struct sim_node *node, struct vd_text *to)
{
    bool up = node->upstream == SIM_UP_STREAMING;
    int64_t offset = up || node->cached ? node->at.offset : 1; /* 1: never was in sync */
    sim_us since = node->sim->now - node->link_down_at;

    vd_text_printf(to, "master_host:%s\r\nmaster_port:%u\r\nmaster_link_status:%s\r\n",
                   node->primary->addr.ip, (unsigned)node->primary->addr.port, up ? "up" : "down");
    vd_text_printf(to, "master_last_io_seconds_ago:%lld\r\nmaster_sync_in_progress:%d\r\n",
                   up ? (long long)((node->sim->now - node->heard_at) / SIM_S) : -1LL,
                   node->upstream == SIM_UP_TRANSFER || node->upstream == SIM_UP_LOADING);
    vd_text_printf(to, "slave_read_repl_offset:%lld\r\nslave_repl_offset:%lld\r\n",
                   (long long)offset, (long long)offset);
    if (!up)
        vd_text_printf(to, "master_link_down_since_seconds:%lld\r\n",
                       node->link_down_at < 0 ? -1LL : (long long)(since / SIM_S));
    vd_text_printf(to, "slave_priority:%d\r\nslave_read_only:1\r\nreplica_announced:1\r\n",
                   node->priority);
}

static void info_replicas(const struct sim_node *node, struct vd_text *to)
{
    struct sim_guest *guest;
    unsigned count = 0;

    DL_FOREACH (node->guests, guest) {
        count += guest->kind == SIM_GUEST_REPLICA;
    }
    vd_text_printf(to, "connected_slaves:%u\r\n", count);
    count = 0;
    DL_FOREACH (node->guests, guest) {
        if (guest->kind != SIM_GUEST_REPLICA)
            continue;
        vd_text_printf(to, "slave%u:ip=%s,port=%u,state=%s,offset=%lld,lag=%lld\r\n", count++,
                       guest->conn->host[0]->addr.ip, (unsigned)guest->conn->host[0]->addr.port,
                       guest->online ? "online" : "wait_bgsave",
                       (long long)(guest->online ? guest->acked : 0),
                       (long long)((node->sim->now - guest->acked_at) / SIM_S));
    }
}

void sim_node_info(const struct sim_node *node, struct vd_text *to)
{
    static const char zeros[] = "0000000000000000000000000000000000000000";
    const struct sim_lineage *at = &node->at;
    bool known2 = at->replid2.hex[0] != '\0';
    uint64_t keys = at->data != NULL && !node->loading ? at->data->writes : 0;

    vd_text_printf(to, "# Server\r\nredis_version:7.0.15\r\nrun_id:%s\r\ntcp_port:6379\r\n\r\n",
                   node->run_id.hex);
    vd_text_printf(to, "# Persistence\r\nloading:%d\r\nasync_loading:0\r\n\r\n", node->loading);
    vd_text_printf(to, "# Replication\r\nrole:%s\r\n", node->primary != NULL ? "slave" : "master");
    if (node->primary != NULL)
        info_upstream(node, to);
    info_replicas(node, to);
    vd_text_printf(to, "master_failover_state:no-failover\r\nmaster_replid:%s\r\n", at->replid.hex);
    vd_text_printf(to,
                   "master_replid2:%s\r\nmaster_repl_offset:%lld\r\nsecond_repl_offset:%lld\r\n",
                   known2 ? at->replid2.hex : zeros, (long long)at->offset,
                   known2 ? (long long)at->replid2_offset : -1LL);
    vd_text_printf(to, "repl_backlog_active:%d\r\n\r\n# Keyspace\r\n", node->backlog);
    if (keys != 0)
        vd_text_printf(to, "db0:keys=%llu,expires=0,avg_ttl=0\r\n", (unsigned long long)keys);
}
