/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders as faults; see fault_orders.h. */
#include "fault_orders.h"

#include <stdio.h>

#include "fault_acts.h"
#include "node.h"
#include "original.h"
#include "proto/option.h"
#include "sentinel.h"

/* As a client would have said it: by the option's name and its number. */
static struct vd_setting setting(enum vd_option option, int64_t number)
{
    static char shown[VD_OPT_COUNT][24];

    (void)snprintf(shown[option], sizeof(shown[option]), "%lld", (long long)number);
    return (struct vd_setting){.option = option,
                               .number = number,
                               .word = vd_option_row(option)->names[VD_IN_SET],
                               .shown = shown[option]};
}

/* A group that was monitored anew has defaults: here are its values. */
static void configure(struct sim_fault *fault, struct sim_sentinel *s, const char *group)
{
    const struct sim_setup *setup = &fault->sim->setup;
    struct vd_setting settings[] = {
        setting(VD_OPT_DOWN_AFTER, setup->down_after_ms),
        setting(VD_OPT_FAILOVER_TIMEOUT, setup->failover_timeout_ms),
        setting(VD_OPT_PARALLEL_SYNCS, setup->parallel_syncs),
    };
    struct vd_order order = {
        .type = VD_ORDER_SET, .name = group, .settings = settings, .setting_count = 3};

    sim_sentinel_order(s, &order);
}

static void monitor(struct sim_fault *fault, struct sim_sentinel *s, const struct sim_host *primary)
{
    struct vd_order order = {.type = VD_ORDER_MONITOR,
                             .name = sim_group_name(fault->entry->group),
                             .addr = primary->addr,
                             .quorum = fault->sim->setup.quorum};

    sim_sentinel_order(s, &order);
    configure(fault, s, order.name);
}

static const struct sim_host *first_primary(const struct sim *sim, unsigned group)
{
    const struct sim_node *named = sim_named_primary(sim, group);

    return named != NULL ? named->host : sim->nodes[group * sim->setup.nodes]->host;
}

static bool order_original(const struct sim_fault *fault, struct sim_original *o)
{
    if (!o->running || o->host->paused != 0)
        return false;
    if (fault->entry->detail == SIM_ORDER_FAILOVER)
        sim_original_failover(o, fault->entry->group);
    for (unsigned g = 0; g < fault->sim->setup.groups; g++) {
        if (fault->entry->detail == SIM_ORDER_RESET_ALL ||
            (fault->entry->detail == SIM_ORDER_RESET && g == fault->entry->group))
            sim_original_reset(o, g);
    }
    fault->sim->forgetful |= fault->entry->detail != SIM_ORDER_FAILOVER;
    return false;
}

bool sim_fault_order(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    const struct sim_schedule_entry *entry = fault->entry;
    struct sim_sentinel *s = sim_sentinel_of(sim, fault->hit);
    struct vd_setting set = setting(entry->option, entry->number);
    struct vd_order order = {.name = sim_group_name(entry->group)};
    const struct sim_host *primary;

    if (s == NULL)
        return order_original(fault, sim_original_of(sim, fault->hit));
    if (!sim_sentinel_is_awake(s))
        return false;
    switch ((enum sim_order)entry->detail) {
    case SIM_ORDER_SWITCHOVER:
        order.flags = VD_FAILOVER_COORDINATED;
        order.type = VD_ORDER_FAILOVER;
        break;
    case SIM_ORDER_FAILOVER:
        order.type = VD_ORDER_FAILOVER;
        break;
    case SIM_ORDER_RESET:
    case SIM_ORDER_RESET_ALL:
        order.type = VD_ORDER_RESET;
        if (entry->detail == SIM_ORDER_RESET_ALL)
            order.name = "*";
        sim->forgetful = true;
        break;
    case SIM_ORDER_SET:
        order.type = VD_ORDER_SET;
        order.settings = &set;
        order.setting_count = 1;
        break;
    case SIM_ORDER_REMOVE:
        order.type = VD_ORDER_REMOVE;
        sim->forgetful = true;
        break;
    case SIM_ORDER_MONITOR:
        primary = sim_fault_target(sim, &entry->other);
        if (primary != NULL)
            monitor(fault, s, primary);
        return false;
    case SIM_ORDER_CRASH_ELECTED:
    case SIM_ORDER_CRASH_PROMOTED:
        order.type = VD_ORDER_SIMULATE_FAILURE;
        order.flags = entry->detail == SIM_ORDER_CRASH_ELECTED ? VD_CRASH_AFTER_ELECTION
                                                               : VD_CRASH_AFTER_PROMOTION;
        break;
    }
    sim_sentinel_order(s, &order);
    return order.type == VD_ORDER_REMOVE || order.type == VD_ORDER_SIMULATE_FAILURE;
}

bool sim_fault_order_back(struct sim_fault *fault)
{
    struct sim_sentinel *s = sim_sentinel_of(fault->sim, fault->hit);
    struct vd_order order = {.type = VD_ORDER_SIMULATE_FAILURE};

    if (fault->entry->detail != SIM_ORDER_REMOVE) {
        if (s->running) /* it forgot the other one when it died */
            sim_sentinel_order(s, &order);
        return true;
    }
    if (!s->running)
        return false;
    monitor(fault, s, first_primary(fault->sim, fault->entry->group));
    return true;
}
