/* SPDX-License-Identifier: BSD-3-Clause */
/* Client: see client.h. */
#include "client.h"

#include <stdio.h>

#include "node.h"
#include "oracle.h"
#include "original.h"
#include "sentinel.h"

#define PATIENCE (500 * SIM_MS)

static const struct sim_host_ops ops;

static void leave(struct sim_client *client)
{
    if (client->conn != NULL)
        sim_close(client->conn, 0);
    client->conn = NULL;
    client->open = false;
    client->sent_at = -1;
}

static void go_to(struct sim_client *client, const struct sim_host *to, bool asking)
{
    leave(client);
    client->asking = asking;
    client->sent_at = client->sim->now;
    client->conn = sim_connect(client->sim->net, client->host, to);
}

static void write_one(struct sim_client *client)
{
    struct sim_msg *msg = sim_msg_new(client->sim->net, SIM_WRITE);

    msg->ticket = ((uint64_t)(client->index + 1) << 40) | ++client->writes;
    client->sent_at = client->sim->now;
    sim_send(client->conn, 0, msg);
}

static const struct sim_host *any_sentinel(struct sim *sim)
{
    unsigned any = (unsigned)sim_below(&sim->times, sim->setup.sentinels + sim->setup.originals);

    return any < sim->setup.sentinels ? sim->sentinels[any]->host
                                      : sim->originals[any - sim->setup.sentinels]->host;
}

static void run_tick(struct sim *sim, void *self)
{
    struct sim_client *client = self;
    sim_us every = sim->setup.write_every;

    sim_after(sim, &client->tick, every / 2 + sim_between(&sim->times, 0, every));
    if (client->sent_at >= 0 && sim->now - client->sent_at < PATIENCE)
        return;
    if (client->sent_at >= 0)
        leave(client);
    if (client->conn == NULL)
        go_to(client, any_sentinel(sim), true);
    else if (client->open && !client->asking)
        write_one(client);
}

static void on_accepted(void *self, struct sim_conn *conn)
{
    (void)self;
    (void)conn;
}

static void on_connected(void *self, struct sim_conn *conn)
{
    struct sim_client *client = self;
    struct sim_msg *msg;

    if (conn != client->conn)
        return;
    client->open = true;
    client->sent_at = -1;
    if (!client->asking) {
        write_one(client);
        return;
    }
    msg = sim_msg_new(client->sim->net, SIM_GET_PRIMARY);
    msg->group = client->group;
    client->sent_at = client->sim->now;
    sim_send(conn, 0, msg);
}

static void on_lost(void *self, struct sim_conn *conn, enum vd_down_reason reason)
{
    struct sim_client *client = self;

    (void)reason;
    if (conn != client->conn)
        return;
    client->conn = NULL;
    client->open = false;
    client->sent_at = -1;
}

/* As an outside observer counts: what was acknowledged, in whose presence, after what silence. */
static void count_ack(struct sim_client *client)
{
    struct sim *sim = client->sim;
    sim_us silence = client->acked_at != 0 ? sim->now - client->acked_at : 0;

    sim->stats.acked++;
    sim->stats.dual += sim_oracle_is_dual(sim, client->group);
    if (silence > PATIENCE + 2 * sim->setup.write_every) {
        sim->stats.outage_us += silence;
        if (silence > sim->stats.outage_worst_us)
            sim->stats.outage_worst_us = silence;
    }
    client->acked_at = sim->now;
}

static void on_heard(void *self, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct sim_client *client = self;

    if (conn != client->conn)
        return;
    client->sent_at = -1;
    if (client->asking) {
        if (msg->addr != NULL)
            go_to(client, msg->addr, false);
        else
            leave(client);
        return;
    }
    if (!msg->ok) { /* READONLY, LOADING: this is not, or not yet, the primary */
        leave(client);
        return;
    }
    if (client->acked_count == client->acked_room) {
        client->acked_room = client->acked_room == 0 ? 256 : client->acked_room * 2;
        client->acked = vd_realloc(client->acked, client->acked_room * sizeof(struct sim_entry *));
    }
    client->acked[client->acked_count++] = msg->data;
    count_ack(client);
}

static const struct sim_host_ops ops = {
    .accepted = on_accepted,
    .connected = on_connected,
    .lost = on_lost,
    .heard = on_heard,
};

struct sim_client *sim_client_new(struct sim *sim, unsigned index)
{
    struct sim_client *client = vd_alloc(sizeof(*client));
    char name[8];

    (void)snprintf(name, sizeof(name), "c%u", index + 1);
    client->sim = sim;
    client->index = index;
    client->group = index % sim->setup.groups;
    client->sent_at = -1;
    client->host = sim_host_new(sim->net, name, 3, index + 1, 50000, &ops, client);
    client->tick = (struct sim_task){.run = run_tick, .self = client};
    return client;
}

void sim_client_free(struct sim_client *client)
{
    vd_free(client->acked);
    vd_free(client);
}

void sim_client_start(struct sim_client *client)
{
    sim_after(client->sim, &client->tick, SIM_S);
}

uint64_t sim_clients_lost(struct sim *sim, unsigned group, struct sim_entry *head)
{
    uint64_t lost = 0;

    for (struct sim_entry *e = head; e != NULL; e = e->parent)
        e->mark = true;
    for (unsigned i = 0; i < sim->setup.clients; i++) {
        const struct sim_client *client = sim->clients[i];

        if (client->group != group)
            continue;
        for (size_t k = 0; k < client->acked_count; k++)
            lost += !client->acked[k]->mark;
    }
    return lost;
}
