/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders as faults; see fault_orders.h. */
#include "fault_orders.h"

#include "node.h"
#include "sentinel.h"

static struct vd_setting setting(enum vd_option option, int64_t number)
{
    return (struct vd_setting){.option = option, .number = number, .word = "option", .shown = "x"};
}

static void order_set(struct sim_fault *fault, struct sim_sentinel *s, const char *group)
{
    const struct sim_setup *setup = &fault->sim->setup;
    struct vd_setting settings[] = {
        setting(VD_OPT_DOWN_AFTER, setup->down_after_ms),
        setting(VD_OPT_FAILOVER_TIMEOUT, setup->failover_timeout_ms),
        setting(VD_OPT_PARALLEL_SYNCS, setup->parallel_syncs),
    };
    struct vd_order order = {
        .type = VD_ORDER_SET, .name = group, .settings = settings, .setting_count = 3};

    if (fault->kind == SIM_ORDER_SET) {
        settings[0].number = sim_between(&fault->dice, 300, setup->down_after_ms + 1000);
        settings[2].number = sim_between(&fault->dice, 1, 5);
    }
    sim_sentinel_order(s, &order);
}

bool sim_fault_order(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    struct sim_sentinel *s = sim->sentinels[sim_below(&fault->dice, sim->setup.sentinels)];
    unsigned group = (unsigned)sim_below(&fault->dice, sim->setup.groups);
    struct vd_order order = {.name = sim_group_name(group)};

    if (!sim_sentinel_is_awake(s))
        return false;
    fault->target = s->index;
    fault->side = group;
    SIM_SAY(sim, "fault", "%s: %s", sim_fault_name(fault->kind), s->host->name);
    switch ((int)fault->kind) {
    case SIM_ORDER_FAILOVER:
        order.type = VD_ORDER_FAILOVER;
        break;
    case SIM_ORDER_RESET:
        order.type = VD_ORDER_RESET;
        order.name = sim_chance(&fault->dice, 500) ? "*" : order.name;
        break;
    case SIM_ORDER_SET:
        order_set(fault, s, order.name);
        return false;
    case SIM_ORDER_ANEW:
        order.type = VD_ORDER_REMOVE;
        break;
    default:
        order.type = VD_ORDER_SIMULATE_FAILURE;
        order.flags = (unsigned)sim_between(&fault->dice, 1, 3);
        break;
    }
    sim->forgetful |= fault->kind == SIM_ORDER_RESET || fault->kind == SIM_ORDER_ANEW;
    sim_sentinel_order(s, &order);
    return fault->kind == SIM_ORDER_ANEW || fault->kind == SIM_ORDER_CRASH;
}

bool sim_fault_order_back(struct sim_fault *fault)
{
    struct sim *sim = fault->sim;
    struct sim_sentinel *s = sim->sentinels[fault->target];
    const struct sim_node *named = sim_named_primary(sim, fault->side);
    struct vd_order order = {.name = sim_group_name(fault->side), .quorum = sim->setup.quorum};

    if (!s->running)
        return fault->kind != SIM_ORDER_ANEW; /* it forgot the other one when it died */
    order.type = fault->kind == SIM_ORDER_ANEW ? VD_ORDER_MONITOR : VD_ORDER_SIMULATE_FAILURE;
    if (named == NULL)
        named = sim->nodes[fault->side * sim->setup.nodes];
    order.addr = named->host->addr;
    sim_sentinel_order(s, &order);
    if (fault->kind == SIM_ORDER_ANEW)
        order_set(fault, s, order.name);
    return true;
}
