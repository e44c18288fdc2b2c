/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of processes and disks; see fault_acts.h. */
#include "fault_acts.h"

#include <string.h>

#include "client.h"
#include "core/view.h"
#include "fault_orders.h"
#include "fault_ways.h"
#include "live.h"
#include "node.h"
#include "oracle.h"
#include "original.h"
#include "sentinel.h"
#include "tell.h"

/* Whom ------------------------------------------------------------------------------- */

static struct sim_host *leader_of(const struct sim *sim, const struct sim_who *who)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        struct sim_sentinel *s = sim->sentinels[i];
        struct vd_view_group view;

        if (s->running &&
            vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(who->number),
                          &view) &&
            view.failover_in_progress)
            return s->host;
    }
    return sim->sentinels[who->other]->host;
}

struct sim_host *sim_fault_target(const struct sim *sim, const struct sim_who *who)
{
    struct sim_node *node;

    switch (who->kind) {
    case SIM_WHO_SENTINEL:
        return sim->sentinels[who->number]->host;
    case SIM_WHO_NODE:
        return sim->nodes[who->number]->host;
    case SIM_WHO_CLIENT:
        return sim->clients[who->number]->host;
    case SIM_WHO_LEADER:
        return leader_of(sim, who);
    case SIM_WHO_PRIMARY:
        node = sim_named_primary(sim, who->number);
        return node != NULL ? node->host : NULL;
    case SIM_WHO_ORIGINAL:
        return sim->originals[who->number]->host;
    case SIM_WHO_NOBODY:
        break;
    }
    return NULL;
}

/* Nodes -------------------------------------------------------------------------------- */

/* No sentinel has it on a list, nor had it when it died. */
static bool is_unmet(const struct sim *sim, const struct sim_node *node)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim_sentinel_knows(sim->sentinels[i], node->group, node->host))
            return false;
    }
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        if (sim_original_knows(sim->originals[i], node->group, node->host))
            return false;
    }
    return true;
}

static bool turn_by_hand(const struct sim_fault *fault, struct sim_node *node)
{
    const struct sim_host *to = sim_fault_target(fault->sim, &fault->entry->other);

    if (node->loading || node->busy || to == node->host ||
        (to == NULL && fault->entry->other.kind != SIM_WHO_NOBODY))
        return false;
    node->unmet = to == NULL && is_unmet(fault->sim, node);
    if (to == NULL)
        sim_node_promote(node);
    else
        sim_node_follow(node, to);
    if (fault->sim->setup.rewrite)
        node->configured = node->primary;
    sim_oracle_on_roles(fault->sim);
    return true;
}

/* Its machine is gone; it comes back on the next spare one. */
static bool leave_machine(struct sim_fault *fault, struct sim_node *node)
{
    struct sim *sim = fault->sim;
    struct sim_host *old = node->host;

    for (unsigned i = 0; i < sim->spare_count; i++) {
        if (sim->spares[i]->self != NULL || !sim_may_stay_away(sim, node))
            continue;
        sim_node_kill(node, false);
        sim_host_power(sim->net, old, false);
        sim_node_move(node, sim->spares[i]);
        return true;
    }
    return false;
}

static bool swap_machines(struct sim_fault *fault, struct sim_node *node)
{
    struct sim *sim = fault->sim;
    const struct sim_host *to = sim_fault_target(sim, &fault->entry->other);
    struct sim_node *other = to != NULL ? sim_node_of(sim, to) : NULL;
    struct sim_host *old = node->host;

    if (other == NULL || other == node || !sim_may_stay_away(sim, node) ||
        !sim_may_stay_away(sim, other))
        return false;
    fault->other = other;
    sim_node_kill(node, false);
    sim_node_kill(other, false);
    sim_node_move(node, other->host);
    sim_node_move(other, old);
    return true;
}

static bool strike_node(struct sim_fault *fault, struct sim_node *node)
{
    struct sim *sim = fault->sim;

    if (!node->running)
        return false;
    switch ((int)fault->entry->deed) {
    case SIM_DO_EMPTY:
        if (sim->setup.mix->most == 1)
            sim_live_treasure(sim, node->group);
        sim_node_kill(node, false);
        break;
    case SIM_DO_KILL:
    case SIM_DO_POWER:
        sim_node_kill(node, fault->entry->deed == SIM_DO_POWER);
        break;
    case SIM_DO_PAUSE:
        sim_host_pause(node->host);
        sim_oracle_on_roles(sim);
        break;
    case SIM_DO_BUSY:
        node->busy = true;
        break;
    case SIM_DO_AUTH:
        node->locked = true;
        break;
    case SIM_DO_DENY:
        node->denies = true;
        break;
    case SIM_DO_MOVE:
        return leave_machine(fault, node);
    case SIM_DO_SWAP:
        return swap_machines(fault, node);
    case SIM_DO_TURN:
        (void)turn_by_hand(fault, node);
        return false;
    default:
        node->priority = (int)fault->entry->number;
        break;
    }
    return true;
}

static void lift_node(struct sim_fault *fault, struct sim_node *node)
{
    struct sim *sim = fault->sim;

    switch ((int)fault->entry->deed) {
    case SIM_DO_KILL:
    case SIM_DO_POWER:
    case SIM_DO_EMPTY:
    case SIM_DO_MOVE:
    case SIM_DO_SWAP:
        if (!node->running)
            sim_node_start(node, fault->entry->deed == SIM_DO_EMPTY);
        if (fault->other != NULL && !fault->other->running)
            sim_node_start(fault->other, false);
        break;
    case SIM_DO_PAUSE:
        sim_host_resume(sim->net, node->host);
        sim_oracle_on_roles(sim);
        break;
    case SIM_DO_BUSY:
        node->busy = false;
        break;
    case SIM_DO_AUTH:
        node->locked = false;
        break;
    case SIM_DO_DENY:
        node->denies = false;
        break;
    default:
        node->priority = 100;
        break;
    }
}

/* Sentinels ------------------------------------------------------------------------------ */

/* Only one forgets at a time, and not before the one before may vote again. */
static bool may_forget(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        const struct sim_sentinel *s = sim->sentinels[i];

        if (!s->running || vd_view_abstains(s->drive.core, sim_sentinel_clock(s)))
            return false;
    }
    return true;
}

static void strike_disk(struct sim_fault *fault, struct sim_disk *disk)
{
    if (fault->entry->detail == SIM_DISK_IS_SLOW)
        disk->slow = fault->entry->number * SIM_MS;
    else
        disk->failing = true;
    disk->failing_late = fault->entry->detail == SIM_DISK_IS_LATE;
}

static bool strike_sentinel(struct sim_fault *fault, struct sim_sentinel *s)
{
    const struct sim_schedule_entry *entry = fault->entry;

    if (!s->running || (entry->deed == SIM_DO_WIPE && !may_forget(fault->sim)))
        return false;
    switch ((int)entry->deed) {
    case SIM_DO_KILL:
    case SIM_DO_POWER:
        sim_sentinel_kill(s, entry->deed == SIM_DO_POWER);
        break;
    case SIM_DO_WIPE:
        sim_sentinel_kill(s, false);
        sim_sentinel_wipe(s, entry->flag);
        break;
    case SIM_DO_CRASH:
        sim_sentinel_doom(s, (enum sim_doom)entry->detail, (unsigned)entry->number,
                          entry->lasts == SIM_FOR_GOOD ? SIM_S : entry->lasts);
        return false; /* it comes back by itself */
    case SIM_DO_FREEZE:
        sim_sentinel_freeze(s);
        break;
    case SIM_DO_DRIFT:
        fault->before = s->drift_ppm;
        sim_sentinel_drift(s, entry->number);
        break;
    case SIM_DO_LAG:
        sim_sentinel_lag(s, entry->number * SIM_MS);
        break;
    case SIM_DO_DRAG:
        s->drag = entry->number * SIM_MS;
        break;
    case SIM_DO_DISK:
        strike_disk(fault, &s->disk);
        break;
    default:
        sim_sentinel_pause(s);
        break;
    }
    return true;
}

static void lift_sentinel(struct sim_fault *fault, struct sim_sentinel *s)
{
    switch ((int)fault->entry->deed) {
    case SIM_DO_KILL:
    case SIM_DO_POWER:
    case SIM_DO_WIPE:
        if (!s->running)
            sim_sentinel_start(s);
        break;
    case SIM_DO_FREEZE:
        sim_sentinel_thaw(s);
        break;
    case SIM_DO_DRIFT:
        sim_sentinel_drift(s, fault->before);
        break;
    case SIM_DO_LAG:
        sim_sentinel_lag(s, 0);
        break;
    case SIM_DO_DRAG:
        s->drag = 0;
        break;
    case SIM_DO_DISK:
        s->disk.failing = false;
        s->disk.slow = 0;
        break;
    default:
        sim_sentinel_resume(s);
        break;
    }
}

/* Originals --------------------------------------------------------------------------- */

static bool strike_original(const struct sim_fault *fault, struct sim_original *o)
{
    if (!o->running)
        return false;
    if (fault->entry->deed == SIM_DO_PAUSE)
        sim_original_pause(o);
    else
        sim_original_kill(o, fault->entry->deed == SIM_DO_POWER);
    return true;
}

static void lift_original(const struct sim_fault *fault, struct sim_original *o)
{
    if (fault->entry->deed == SIM_DO_PAUSE)
        sim_original_resume(o);
    else if (!o->running)
        sim_original_start(o);
}

/* All ------------------------------------------------------------------------------------------ */

static void say(const struct sim_fault *fault, const char *before)
{
    struct vd_text line = {0};

    if (!fault->sim->setup.verbose && fault->sim->story == NULL)
        return;
    sim_schedule_print_entry(fault->entry, &line);
    sim_tell(fault->sim, fault->hit, VD_MARK_FAULT, "%s%s", before,
             strchr(vd_text_cstr(&line) + 3, ' ') + 1); /* behind "at <ms>" */
    vd_text_free(&line);
}

bool sim_fault_strike(struct sim_fault *fault)
{
    const struct sim_schedule_entry *entry = fault->entry;
    struct sim *sim = fault->sim;

    fault->hit = sim_fault_target(sim, &entry->who);
    say(fault, "");
    if (entry->deed >= SIM_DO_SPLIT && entry->deed != SIM_DO_ORDER)
        return sim_fault_way(fault);
    if (fault->hit == NULL)
        return false;
    if (entry->deed == SIM_DO_ORDER)
        return sim_fault_order(fault);
    fault->deaths = fault->hit->deaths;
    fault->node = sim_node_of(sim, fault->hit);
    if (fault->node != NULL)
        return strike_node(fault, fault->node);
    if (sim_original_of(sim, fault->hit) != NULL)
        return strike_original(fault, sim_original_of(sim, fault->hit));
    return strike_sentinel(fault, sim_sentinel_of(sim, fault->hit));
}

bool sim_fault_lift(struct sim_fault *fault)
{
    if (fault->entry->deed == SIM_DO_ORDER)
        return sim_fault_order_back(fault);
    say(fault, "over: ");
    if (fault->entry->deed >= SIM_DO_SPLIT) {
        sim_fault_way_back(fault);
        return true;
    }
    if ((fault->entry->deed == SIM_DO_PAUSE || fault->entry->deed == SIM_DO_FREEZE) &&
        fault->deaths != fault->hit->deaths)
        return true; /* it died of something else: that life is over, and its pauses with it */
    if (fault->node != NULL)
        lift_node(fault, fault->node);
    else if (sim_original_of(fault->sim, fault->hit) != NULL)
        lift_original(fault, sim_original_of(fault->sim, fault->hit));
    else
        lift_sentinel(fault, sim_sentinel_of(fault->sim, fault->hit));
    return true;
}
