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
static void free_guest(struct sim_guest *guest);
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
    node->host->group = group;
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

        sim_node_drop_held(guest);
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
    node->paused_until = 0;
    node->run_id = sim_node_new_id(node);
    node->primary = node->configured != node->host ? node->configured : NULL;
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
    while (node->guests != NULL)
        free_guest(node->guests);
    sim_cancel(sim, &node->cron);
    sim_cancel(sim, &node->load);
    sim_cancel(sim, &node->unpause);
    sim_node_failover_forget(node);
    node->running = false;
    node->conn = NULL;
    if (power)
        sim_host_power(sim->net, node->host, false);
    else
        sim_host_die(sim->net, node->host);
    SIM_TELL(sim, node->host, VD_MARK_LIFE, power ? "loses power" : "is killed");
    sim_oracle_on_roles(sim);
}

void sim_node_move(struct sim_node *node, struct sim_host *to)
{
    VD_ASSERT(!node->running);
    node->host = to;
    node->moved = true;
    to->ops = &ops;
    to->self = node;
    if (to->group == SIM_GROUPS_MAX)
        to->group = node->group;
}

bool sim_node_takes_writes(const struct sim_node *node)
{
    return sim_node_is_primary(node) && !node->loading && !node->busy && node->host->paused == 0 &&
           node->paused_until <= node->sim->now && node->failover == SIM_FAILOVER_NONE;
}

struct sim_node *sim_node_of(const struct sim *sim, const struct sim_host *host)
{
    struct sim_node *node;

    (void)sim;
    if (host == NULL || host->ops != &ops)
        return NULL;
    node = host->self;
    return node->host == host ? node : NULL; /* or it has moved on */
}

/* Once a second ------------------------------------------------------------------ */

void sim_node_save(struct sim_node *node)
{
    node->aof = node->at.data;
    node->rdb_at = node->sim->now;
    node->rdb = node->at;
    node->rdb_is_positioned =
        node->primary != NULL ? node->upstream == SIM_UP_STREAMING || node->cached : node->backlog;
}

static void save_data(struct sim_node *node)
{
    node->aof = node->at.data;
    if (node->sim->now - node->rdb_at >= RDB_EVERY)
        sim_node_save(node);
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

static void free_guest(struct sim_guest *guest)
{
    struct sim_node *node = guest->node;

    sim_cancel(node->sim, &guest->sync);
    sim_cancel(node->sim, &guest->wait);
    sim_node_drop_held(guest);
    DL_DELETE(node->guests, guest);
    vd_free(guest);
}

void sim_node_drop_guest(struct sim_guest *guest)
{
    sim_close(guest->conn, 1);
    free_guest(guest);
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
        free_guest(guest);
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

static void on_heard(void *self, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct sim_node *node = self;
    struct sim_guest *guest = conn->user[1];

    if (conn == node->conn)
        sim_node_upstream_heard(node, msg);
    else if (sim_end(conn, node->host) == 1 && guest != NULL)
        sim_node_hear(node, guest, msg);
}

static const struct sim_host_ops ops = {
    .accepted = on_accepted,
    .connected = on_connected,
    .lost = on_lost,
    .heard = on_heard,
};

/* INFO ---------------------------------------------------------------------------------- */

/* By hand: printf took a tenth of a run's time here. */
static void put(struct vd_text *to, const char *name, const char *value)
{
    vd_text_puts(to, name);
    vd_text_putc(to, ':');
    vd_text_puts(to, value);
    vd_text_add(to, "\r\n", 2);
}

static void put_number(struct vd_text *to, const char *name, int64_t value)
{
    vd_text_puts(to, name);
    vd_text_putc(to, ':');
    vd_text_put_int(to, value);
    vd_text_add(to, "\r\n", 2);
}

static void info_upstream(const struct sim_node *node, struct vd_text *to)
{
    bool up = node->upstream == SIM_UP_STREAMING;
    int64_t offset = up || node->cached ? node->at.offset : 1; /* 1: never was in sync */
    sim_us now = node->sim->now;

    put(to, "master_host", node->primary->addr.ip);
    put_number(to, "master_port", node->primary->addr.port);
    put(to, "master_link_status", up ? "up" : "down");
    put_number(to, "master_last_io_seconds_ago", up ? (now - node->heard_at) / SIM_S : -1);
    put_number(to, "master_sync_in_progress",
               node->upstream == SIM_UP_TRANSFER || node->upstream == SIM_UP_LOADING);
    put_number(to, "slave_read_repl_offset", offset);
    put_number(to, "slave_repl_offset", offset);
    if (!up)
        put_number(to, "master_link_down_since_seconds",
                   node->link_down_at < 0 ? -1 : (now - node->link_down_at) / SIM_S);
    put_number(to, "slave_priority", node->priority);
    vd_text_puts(to, "slave_read_only:1\r\nreplica_announced:1\r\n");
}

static void info_replica(const struct sim_guest *guest, unsigned number, struct vd_text *to)
{
    const struct vd_addr *addr = &guest->conn->host[0]->addr;

    vd_text_puts(to, "slave");
    vd_text_put_int(to, number);
    vd_text_puts(to, ":ip=");
    vd_text_puts(to, addr->ip);
    vd_text_puts(to, ",port=");
    vd_text_put_int(to, addr->port);
    vd_text_puts(to, guest->online ? ",state=online,offset=" : ",state=wait_bgsave,offset=");
    vd_text_put_int(to, guest->online ? guest->acked : 0);
    vd_text_puts(to, ",lag=");
    vd_text_put_int(to, (guest->node->sim->now - guest->acked_at) / SIM_S);
    vd_text_add(to, "\r\n", 2);
}

static void info_replicas(const struct sim_node *node, struct vd_text *to)
{
    const struct sim_guest *guest;
    unsigned count = 0;

    DL_FOREACH (node->guests, guest) {
        count += guest->kind == SIM_GUEST_REPLICA;
    }
    put_number(to, "connected_slaves", count);
    if (node->sim->setup.min_replicas != 0)
        put_number(to, "min_slaves_good_slaves", sim_node_good_replicas(node));
    count = 0;
    DL_FOREACH (node->guests, guest) {
        if (guest->kind == SIM_GUEST_REPLICA)
            info_replica(guest, count++, to);
    }
}

void sim_node_info(const struct sim_node *node, struct vd_text *to)
{
    static const char zeros[] = "0000000000000000000000000000000000000000";
    static const char *const failovers[] = {"no-failover", "waiting-for-sync",
                                            "failover-in-progress"};
    const struct sim_lineage *at = &node->at;
    bool known2 = at->replid2.hex[0] != '\0';
    uint64_t keys = at->data != NULL && !node->loading ? at->data->writes : 0;

    put(to, "# Server\r\nredis_version:7.0.15\r\nrun_id", node->run_id.hex);
    put_number(to, "tcp_port:6379\r\n\r\n# Persistence\r\nloading", node->loading);
    put(to, "async_loading:0\r\n\r\n# Replication\r\nrole",
        node->primary != NULL ? "slave" : "master");
    if (node->primary != NULL)
        info_upstream(node, to);
    info_replicas(node, to);
    put(to, "master_failover_state", failovers[node->failover]);
    put(to, "master_replid", at->replid.hex);
    put(to, "master_replid2", known2 ? at->replid2.hex : zeros);
    put_number(to, "master_repl_offset", at->offset);
    put_number(to, "second_repl_offset", known2 ? at->replid2_offset : -1);
    put_number(to, "repl_backlog_active", node->backlog);
    vd_text_puts(to, "\r\n# Keyspace\r\n");
    if (keys != 0) {
        vd_text_puts(to, "db0:keys=");
        vd_text_put_int(to, (int64_t)keys);
        vd_text_puts(to, ",expires=0,avg_ttl=0\r\n");
    }
}
