/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Node: the server's own FAILOVER TO: writes are held back until the replica
 * has acknowledged all, then the two change places over PSYNC FAILOVER.
 */
#include <utlist.h>

#include "node.h"
#include "oracle.h"
#include "tell.h"

static const struct sim_guest *replica_at(const struct sim_node *node, const struct sim_host *host)
{
    const struct sim_guest *guest;

    DL_FOREACH (node->guests, guest) {
        if (guest->kind == SIM_GUEST_REPLICA && guest->online &&
            (host == NULL || guest->conn->host[0] == host))
            return guest;
    }
    return NULL;
}

static void end(struct sim_node *node)
{
    sim_cancel(node->sim, &node->failover_over);
    node->failover = SIM_FAILOVER_NONE;
    node->failover_to = NULL;
    sim_node_release(node);
}

static void run_over(struct sim *sim, void *self)
{
    struct sim_node *node = self;

    if (node->failover != SIM_FAILOVER_WAITING)
        return;
    SIM_TELL(sim, node->host, VD_MARK_ROLE, "gives up its failover");
    end(node);
}

bool sim_node_failover(struct sim_node *node, const struct sim_msg *msg)
{
    if (node->primary != NULL || node->failover != SIM_FAILOVER_NONE ||
        replica_at(node, msg->addr) == NULL)
        return false;
    node->failover = SIM_FAILOVER_WAITING;
    node->failover_to = msg->addr;
    node->failover_over = (struct sim_task){.run = run_over, .self = node};
    if (msg->offset > 0)
        sim_after(node->sim, &node->failover_over, msg->offset * SIM_MS);
    return true;
}

void sim_node_failover_abort(struct sim_node *node)
{
    if (node->failover == SIM_FAILOVER_RUNNING)
        sim_node_failover_refused(node);
    else
        end(node);
}

void sim_node_failover_step(struct sim_node *node)
{
    const struct sim_guest *guest;

    if (node->failover != SIM_FAILOVER_WAITING)
        return;
    guest = replica_at(node, node->failover_to);
    if (guest == NULL || guest->acked != node->at.offset)
        return;
    node->failover_to = guest->conn->host[0];
    node->failover = SIM_FAILOVER_RUNNING;
    sim_node_follow(node, node->failover_to);
    sim_oracle_on_roles(node->sim);
}

void sim_node_failover_done(struct sim_node *node)
{
    if (node->failover == SIM_FAILOVER_RUNNING)
        end(node);
}

void sim_node_failover_refused(struct sim_node *node)
{
    if (node->failover != SIM_FAILOVER_RUNNING)
        return;
    sim_node_promote(node);
    end(node);
    sim_oracle_on_roles(node->sim);
}

void sim_node_failover_forget(struct sim_node *node)
{
    sim_cancel(node->sim, &node->failover_over);
    node->failover = SIM_FAILOVER_NONE;
    node->failover_to = NULL;
}
