/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of the ways; see fault_ways.h. */
#include "fault_ways.h"

#include <utlist.h>

#include "fault_acts.h"
#include "node.h"
#include "original.h"
#include "sentinel.h"

static bool is_sentinel(const struct sim *sim, const struct sim_host *host)
{
    return sim_sentinel_of(sim, host) != NULL || sim_original_of(sim, host) != NULL;
}

static bool is_node(const struct sim *sim, const struct sim_host *host)
{
    return sim_node_of(sim, host) != NULL;
}

static bool is_cut(const struct sim_fault *fault, uint64_t side, const struct sim_host *other,
                   const struct sim_host *from, const struct sim_host *to)
{
    const struct sim *sim = fault->sim;
    bool from_side = (from->bit & side) != 0;
    bool to_side = (to->bit & side) != 0;

    if (from_side == to_side)
        return false;
    switch ((int)fault->entry->deed) {
    case SIM_DO_ONE_WAY:
        return from_side;
    case SIM_DO_DEAF:
        return to_side;
    case SIM_DO_BRIDGE:
        return from != fault->hit && to != fault->hit;
    case SIM_DO_CUT:
        return from == other || to == other;
    case SIM_DO_SPLIT_PEERS:
        return is_sentinel(sim, from) && is_sentinel(sim, to);
    case SIM_DO_SPLIT_NODES:
        return is_node(sim, from_side ? to : from);
    default:
        return true;
    }
}

/* The ways that lie over it are found anew at its end: what struck is kept in `hit` and `before`.
 */
static void cut_or_heal(const struct sim_fault *fault, bool cut)
{
    struct sim_net *net = fault->sim->net;
    uint64_t side = fault->entry->side != 0 ? fault->entry->side : fault->hit->bit;
    const struct sim_host *other =
        fault->before > 0 ? net->hosts[fault->before - 1] : NULL; /* CUT's */

    for (unsigned from = 0; from < net->host_count; from++) {
        for (unsigned to = 0; to < net->host_count; to++) {
            if (!is_cut(fault, side, other, net->hosts[from], net->hosts[to]))
                continue;
            if (cut)
                sim_cut(net, from, to);
            else
                sim_heal(net, from, to);
        }
    }
}

static void touch_conns(const struct sim_fault *fault)
{
    struct sim_net *net = fault->sim->net;
    struct sim_rng dice; /* its own, so that one fault less changes no other */
    struct sim_conn *conn;

    sim_rng_seed(&dice, fault->sim->setup.seed, (uint64_t)fault->entry->at);
    DL_FOREACH (net->conns, conn) {
        if (!sim_chance(&dice, (unsigned)fault->entry->number))
            continue;
        if (fault->entry->deed == SIM_DO_RESET)
            sim_conn_reset(net, conn);
        else
            conn->black = true;
    }
}

/* Loss, delay and echo add up. */
static void tune(const struct sim_fault *fault, int sign)
{
    struct sim_net *net = fault->sim->net;
    int64_t number = sign * fault->entry->number;

    if (fault->entry->deed == SIM_DO_LOSS)
        net->loss_permille = (unsigned)((int64_t)net->loss_permille + number);
    else if (fault->entry->deed == SIM_DO_ECHO)
        net->echo_permille = (unsigned)((int64_t)net->echo_permille + number);
    else
        net->extra += number * SIM_MS;
}

bool sim_fault_way(struct sim_fault *fault)
{
    const struct sim_schedule_entry *entry = fault->entry;
    const struct sim_host *other;

    switch ((int)entry->deed) {
    case SIM_DO_LOSS:
    case SIM_DO_DELAY:
    case SIM_DO_ECHO:
        tune(fault, 1);
        return true;
    case SIM_DO_RESET:
    case SIM_DO_BLACKHOLE:
        touch_conns(fault);
        return false;
    default:
        if (entry->who.kind != SIM_WHO_NOBODY && fault->hit == NULL)
            return false;
        if (entry->deed == SIM_DO_CUT) {
            other = sim_fault_target(fault->sim, &entry->other);
            if (other == NULL || other == fault->hit)
                return false;
            fault->before = (int64_t)other->index + 1;
        }
        cut_or_heal(fault, true);
        return true;
    }
}

void sim_fault_way_back(struct sim_fault *fault)
{
    enum sim_deed deed = fault->entry->deed;

    if (deed == SIM_DO_LOSS || deed == SIM_DO_DELAY || deed == SIM_DO_ECHO)
        tune(fault, -1);
    else
        cut_or_heal(fault, false);
}
