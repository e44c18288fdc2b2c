/* SPDX-License-Identifier: BSD-3-Clause */
/* Cost: see cost.h. */
#include "shell/cost.h"

#include <stdint.h>
#include <string.h>

#define GB 1e9
#define DAY_S 86400.

void vd_cost_of(const struct vd_cost_config *prices, const struct vd_load_use *use,
                struct vd_cost *out)
{
    *out = (struct vd_cost){.observed_s = use->observed_s};
    if (use->observed_s <= 0)
        return;
    out->memory_bytes = use->memory_byte_s / use->observed_s;
    out->vcpu = use->cpu_s / use->observed_s;
    out->egress_bytes_day = use->egress_bytes / use->observed_s * DAY_S;
    out->memory_month = out->memory_bytes / GB * prices->memory_gb_month;
    out->cpu_month = out->vcpu * prices->vcpu_month;
    out->egress_month = out->egress_bytes_day * VD_COST_MONTH_DAYS / GB * prices->egress_gb;
    out->month = out->memory_month + out->cpu_month + out->egress_month;
}

/* A peer is known once for each group: is this the first group that has it? */
static bool is_first_sight(const struct vd_cost_walk *walk, size_t group_at,
                           const struct vd_id *peer)
{
    struct vd_view_group group;
    struct vd_view_peer other;

    for (size_t i = 0; i < group_at && vd_view_group_at(walk->drive->core, walk->now, i, &group);
         i++)
        for (size_t j = 0; vd_view_peer(walk->drive->core, walk->now, group.name, j, &other); j++)
            if (strcmp(other.id.hex, peer->hex) == 0)
                return false;
    return true;
}

static void tell_own(const struct vd_cost_walk *walk, const struct vd_addr *peer,
                     vd_cost_each *each, void *self)
{
    struct vd_cost_service service = {.addr = peer, .estimated = peer != NULL};
    struct vd_load_use use;

    vd_load_own_use(walk->load, &use);
    vd_cost_of(walk->prices, &use, &service.cost);
    each(self, &service);
}

static void tell_node(const struct vd_cost_walk *walk, const char *group,
                      const struct vd_view_node *node, vd_cost_each *each, void *self)
{
    struct vd_cost_service service = {
        .group = group, .addr = &node->addr, .is_primary = node->is_primary};
    struct vd_load_use use;

    (void)vd_load_use(walk->load, group, &node->addr, &use);
    vd_cost_of(walk->prices, &use, &service.cost);
    each(self, &service);
}

static void tell_group(const struct vd_cost_walk *walk, const struct vd_view_group *group,
                       vd_cost_each *each, void *self)
{
    const struct vd_core *core = walk->drive->core;
    struct vd_view_node replica;
    struct vd_view_peer peer;

    tell_node(walk, group->name, &group->primary, each, self);
    for (size_t i = 0; vd_view_replica(core, walk->now, group->name, i, &replica); i++)
        tell_node(walk, group->name, &replica, each, self);
    for (size_t i = 0; vd_view_peer(core, walk->now, group->name, i, &peer); i++)
        if (peer.id.hex[0] != '\0' && is_first_sight(walk, walk->next, &peer.id))
            tell_own(walk, &peer.addr, each, self);
}

bool vd_cost_step(struct vd_cost_walk *walk, size_t groups, vd_cost_each *each, void *self)
{
    struct vd_view_group group;

    if (walk->next == 0)
        tell_own(walk, NULL, each, self);
    for (size_t i = 0; i < groups; i++, walk->next++) {
        if (!vd_view_group_at(walk->drive->core, walk->now, walk->next, &group))
            return true;
        tell_group(walk, &group, each, self);
    }
    return false;
}

static void add(void *self, const struct vd_cost_service *service)
{
    double *sum = self;

    *sum += service->cost.month;
}

double vd_cost_total(const struct vd_cost_config *prices, const struct vd_load *load,
                     const struct vd_drive *drive, vd_ms now)
{
    struct vd_cost_walk walk = {.prices = prices, .load = load, .drive = drive, .now = now};
    double sum = 0;

    (void)vd_cost_step(&walk, SIZE_MAX, add, &sum);
    return sum;
}
