/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of servers, sentinels, disks and ways; see fault_acts.h. */
#include "fault_acts.h"

#include <utlist.h>

#include "core/view.h"
#include "fault_orders.h"
#include "live.h"
#include "node.h"
#include "oracle.h"
#include "sentinel.h"

bool sim_fault_leaves_corpse(enum sim_fault_kind kind)
{
    return kind == SIM_NODE_KILL || kind == SIM_NODE_POWER || kind == SIM_SENTINEL_KILL ||
           kind == SIM_SENTINEL_POWER;
}

/* Whom ------------------------------------------------------------------------------- */

static unsigned draw_group(struct sim_fault *fault)
{
    return (unsigned)sim_below(&fault->dice, fault->sim->setup.groups);
}

static struct sim_node *draw_node(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    unsigned group = draw_group(fault);
    struct sim_node *named = sim_named_primary(sim, group);
    unsigned any = group * sim->setup.nodes + (unsigned)sim_below(&fault->dice, sim->setup.nodes);
    bool primary = sim_chance(&fault->dice, sim->setup.mix->most == 1 ? 1000 : 650);

    return primary && named != NULL ? named : sim->nodes[any];
}

static struct sim_sentinel *draw_sentinel(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    unsigned any = (unsigned)sim_below(&fault->dice, sim->setup.sentinels);
    bool leader = sim_chance(&fault->dice, 500);

    for (unsigned i = 0; leader && i < sim->setup.sentinels; i++) {
        struct sim_sentinel *s = sim->sentinels[i];
        struct vd_view_group view;

        for (unsigned g = 0; s->running && g < sim->setup.groups; g++) {
            if (vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(g), &view) &&
                view.failover_in_progress)
                return s;
        }
    }
    return sim->sentinels[any];
}

/* Nodes -------------------------------------------------------------------------------- */

static bool strike_node(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    struct sim_node *node = draw_node(fault);

    if (!node->running)
        return false;
    fault->target = node->index;
    SIM_SAY(sim, "fault", "%s: %s", sim_fault_name(fault->kind), node->host->name);
    switch ((int)fault->kind) {
    case SIM_NODE_KILL:
        sim_node_kill(node, false);
        break;
    case SIM_NODE_EMPTY:
        if (sim->setup.mix->most == 1)
            sim_live_treasure(sim, node->group);
        sim_node_kill(node, false);
        break;
    case SIM_NODE_POWER:
        sim_node_kill(node, true);
        break;
    case SIM_NODE_PAUSE:
        sim_host_pause(node->host);
        sim_oracle_on_roles(sim);
        break;
    case SIM_NODE_BUSY:
        node->busy = true;
        break;
    default:
        node->priority = (int)sim_below(&fault->dice, 3) * 50;
        break;
    }
    return true;
}

static void lift_node(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    struct sim_node *node = sim->nodes[fault->target];

    switch ((int)fault->kind) {
    case SIM_NODE_KILL:
    case SIM_NODE_POWER:
    case SIM_NODE_EMPTY:
        if (!node->running)
            sim_node_start(node, fault->kind == SIM_NODE_EMPTY);
        break;
    case SIM_NODE_PAUSE:
        sim_host_resume(sim->net, node->host);
        sim_oracle_on_roles(sim);
        break;
    case SIM_NODE_BUSY:
        node->busy = false;
        break;
    default:
        node->priority = 100;
        break;
    }
}

/* Sentinels ------------------------------------------------------------------------------ */

static void strike_all_sentinels(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    sim_us gap = sim_chance(&fault->dice, 500) ? 0 : sim_between(&fault->dice, 1, 2000) * SIM_MS;

    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        struct sim_sentinel *s = sim->sentinels[i];

        if (!s->running)
            continue;
        sim_sentinel_kill(s, false);
        sim_after(sim, &s->revive, fault->lasts / 10 + (sim_us)i * gap);
    }
}

static void doom(struct sim_fault *fault, struct sim_sentinel *s)
{
    enum sim_doom where =
        (enum sim_doom)sim_between(&fault->dice, SIM_DOOM_BEFORE_SAVE, SIM_DOOM_AT_EFFECT);
    uint64_t most = where == SIM_DOOM_AT_EFFECT ? 40 : 3;

    sim_sentinel_doom(s, where, (unsigned)sim_below(&fault->dice, most),
                      sim_between(&fault->dice, 1, 3000) * SIM_MS);
}

/* Only one forgets at a time, and not before the one before may vote again. */
static bool may_forget(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        struct vd_view_core view;

        if (!sim->sentinels[i]->running)
            return false;
        vd_view_core(sim->sentinels[i]->drive.core, sim_sentinel_clock(sim->sentinels[i]), &view);
        if (view.abstains)
            return false;
    }
    return true;
}

static bool strike_sentinel(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    struct sim_sentinel *s = draw_sentinel(fault);

    if (fault->kind == SIM_SENTINEL_ALL) {
        strike_all_sentinels(fault);
        return false; /* each revives by itself */
    }
    if (!s->running || (fault->kind == SIM_SENTINEL_AMNESIA && !may_forget(sim)))
        return false;
    fault->target = s->index;
    SIM_SAY(sim, "fault", "%s: %s", sim_fault_name(fault->kind), s->host->name);
    switch ((int)fault->kind) {
    case SIM_SENTINEL_KILL:
        sim_sentinel_kill(s, false);
        break;
    case SIM_SENTINEL_POWER:
        sim_sentinel_kill(s, true);
        break;
    case SIM_SENTINEL_AMNESIA:
        sim_sentinel_kill(s, false);
        sim_sentinel_wipe(s, sim_chance(&fault->dice, 500));
        break;
    case SIM_SENTINEL_DOOM:
        doom(fault, s);
        break;
    case SIM_SENTINEL_FREEZE:
        sim_sentinel_freeze(s);
        break;
    default:
        sim_sentinel_pause(s);
        break;
    }
    return true;
}

static void lift_sentinel(struct sim_fault *fault)
{
    struct sim_sentinel *s = fault->sim->sentinels[fault->target];

    switch ((int)fault->kind) {
    case SIM_SENTINEL_KILL:
    case SIM_SENTINEL_POWER:
    case SIM_SENTINEL_AMNESIA:
        if (!s->running)
            sim_sentinel_start(s);
        break;
    case SIM_SENTINEL_DOOM:
        s->doom = SIM_DOOM_NONE;
        break;
    case SIM_SENTINEL_FREEZE:
        sim_sentinel_thaw(s);
        break;
    default:
        sim_sentinel_resume(s);
        break;
    }
}

/* Disks ------------------------------------------------------------------------------------ */

static bool strike_disk(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    bool all = sim_chance(&fault->dice, 200);
    unsigned one = draw_sentinel(fault)->index;

    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        struct sim_disk *disk = &sim->sentinels[i]->disk;

        if (!all && i != one)
            continue;
        SIM_SAY(sim, "fault", "%s: %s", sim_fault_name(fault->kind), sim->sentinels[i]->host->name);
        fault->side |= 1U << i;
        if (fault->kind == SIM_DISK_SLOW)
            disk->slow = sim_between(&fault->dice, 1, 3000) * SIM_MS;
        else
            disk->failing = true;
        disk->failing_late = fault->kind == SIM_DISK_FAIL_LATE;
    }
    return true;
}

static void lift_disk(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;

    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if ((fault->side >> i & 1U) == 0)
            continue;
        sim->sentinels[i]->disk.failing = false;
        sim->sentinels[i]->disk.slow = 0;
    }
}

/* Ways -------------------------------------------------------------------------------------- */

static bool is_sentinel(const struct sim *sim, unsigned host)
{
    return sim_sentinel_of(sim, sim->net->hosts[host]) != NULL;
}

static bool is_cut(const struct sim_fault *fault, unsigned from, unsigned to)
{
    const struct sim *sim = fault->sim;
    bool from_side = (fault->side >> from & 1U) != 0;
    bool to_side = (fault->side >> to & 1U) != 0;

    if (from_side == to_side)
        return false;
    if (fault->kind == SIM_ONE_WAY)
        return from_side;
    if (fault->kind == SIM_SPLIT_PEERS)
        return is_sentinel(sim, from) && is_sentinel(sim, to);
    if (fault->kind == SIM_SPLIT_NODES)
        return sim_node_of(sim, sim->net->hosts[from_side ? to : from]) != NULL;
    return true;
}

static void cut_or_heal(struct sim_fault *fault, bool cut)
{
    struct sim_net *net = fault->sim->net;

    for (unsigned from = 0; from < net->host_count; from++) {
        for (unsigned to = 0; to < net->host_count; to++) {
            if (!is_cut(fault, from, to))
                continue;
            if (cut)
                sim_cut(net, from, to);
            else
                sim_heal(net, from, to);
        }
    }
}

static uint32_t draw_side(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    unsigned hosts = sim->net->host_count;
    uint32_t all = (1U << hosts) - 1U;
    uint32_t side = (uint32_t)sim_draw(&fault->dice) & all;

    switch ((int)fault->kind) {
    case SIM_ISOLATE:
        return sim_chance(&fault->dice, 500) ? 1U << draw_node(fault)->host->index
                                             : 1U << draw_sentinel(fault)->host->index;
    case SIM_SPLIT_NODES:
        return 1U << draw_sentinel(fault)->host->index;
    case SIM_ONE_WAY:
        side = 1U << (unsigned)sim_below(&fault->dice, hosts);
        return sim_chance(&fault->dice, 500) ? side : all & ~side;
    default:
        return side;
    }
}

static void touch_conns(struct sim_fault *fault)
{
    struct sim_net *net = fault->sim->net;
    struct sim_conn *conn;
    unsigned share = (unsigned)sim_between(&fault->dice, 50, 900);

    DL_FOREACH (net->conns, conn) {
        if (!sim_chance(&fault->dice, share))
            continue;
        if (fault->kind == SIM_RESET)
            sim_conn_reset(net, conn);
        else
            conn->black = true;
    }
}

static bool strike_net(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;

    SIM_SAY(sim, "fault", "%s", sim_fault_name(fault->kind));
    switch ((int)fault->kind) {
    case SIM_LOSS:
        fault->target = (unsigned)sim_between(&fault->dice, 20, 400);
        sim->net->loss_permille += fault->target;
        return true;
    case SIM_DELAY:
        fault->target = (unsigned)sim_between(&fault->dice, 1, 400);
        sim->net->extra += fault->target * SIM_MS;
        return true;
    case SIM_RESET:
    case SIM_BLACKHOLE:
        touch_conns(fault);
        return false;
    default:
        fault->side = draw_side(fault);
        cut_or_heal(fault, true);
        return true;
    }
}

static void lift_net(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;

    SIM_SAY(sim, "fault", "over: %s", sim_fault_name(fault->kind));
    if (fault->kind == SIM_LOSS)
        sim->net->loss_permille -= fault->target;
    else if (fault->kind == SIM_DELAY)
        sim->net->extra -= fault->target * SIM_MS;
    else
        cut_or_heal(fault, false);
}

/* All ------------------------------------------------------------------------------------------ */

bool sim_fault_strike(struct sim_fault *fault)
{
    if (fault->kind <= SIM_NODE_PRIORITY)
        return strike_node(fault);
    if (fault->kind <= SIM_SENTINEL_ALL)
        return strike_sentinel(fault);
    if (fault->kind <= SIM_DISK_SLOW)
        return strike_disk(fault);
    if (fault->kind <= SIM_BLACKHOLE)
        return strike_net(fault);
    return sim_fault_order(fault);
}

bool sim_fault_lift(struct sim_fault *fault)
{
    if (fault->kind <= SIM_NODE_PRIORITY)
        lift_node(fault);
    else if (fault->kind <= SIM_SENTINEL_ALL)
        lift_sentinel(fault);
    else if (fault->kind <= SIM_DISK_SLOW)
        lift_disk(fault);
    else if (fault->kind <= SIM_BLACKHOLE)
        lift_net(fault);
    else
        return sim_fault_order_back(fault);
    return true;
}
