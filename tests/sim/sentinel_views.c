/* SPDX-License-Identifier: BSD-3-Clause */
/* What a sentinel would tell whoever asks, without an event: see core/view.h. */
#include "core/view.h"

#include "sentinel.h"

const struct sim_host *sim_sentinel_names(const struct sim_sentinel *s, unsigned group)
{
    const struct vd_addr *addr = vd_view_address(s->drive.core, sim_group_name(group));

    return addr != NULL ? sim_host_find(s->sim->net, addr) : NULL;
}

unsigned sim_sentinel_group(const struct sim_sentinel *s, const struct sim_host *host)
{
    for (unsigned g = 0; g < s->sim->setup.groups; g++) {
        if (sim_sentinel_names(s, g) == host)
            return g;
    }
    return host->group;
}

static bool disk_knows(const struct sim_sentinel *s, unsigned group, const struct sim_host *node)
{
    const struct sim_saved_group *saved = sim_saved_find(&s->disk.platter, sim_group_name(group));

    if (saved == NULL)
        return false;
    if (sim_host_find(s->sim->net, &saved->image.primary) == node)
        return true;
    for (size_t i = 0; i < saved->image.replica_count; i++) {
        if (sim_host_find(s->sim->net, &saved->image.replicas[i]) == node)
            return true;
    }
    return false;
}

bool sim_sentinel_knows(const struct sim_sentinel *s, unsigned group, const struct sim_host *node)
{
    struct vd_view_node view;

    if (!s->running)
        return disk_knows(s, group, node);
    if (sim_sentinel_names(s, group) == node)
        return true;
    for (size_t i = 0;
         vd_view_replica(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), i, &view);
         i++) {
        if (sim_host_find(s->sim->net, &view.addr) == node)
            return true;
    }
    return false;
}
