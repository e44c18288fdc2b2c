/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maintenance: a group that an operator has paused (SENTINEL PAUSE) is watched
 * and reported, but not acted on: no failover, no vote for one, nobody is
 * turned. Orders are still obeyed. It ends by itself; peers are told, since a
 * majority of them could act without us. A restart forgets it.
 */
#ifndef VD_CORE_MAINTENANCE_H
#define VD_CORE_MAINTENANCE_H

#include "core/model.h"

/* SENTINEL PAUSE and RESUME; replies. */
void vd_maintenance_on_order(struct vd_core *core, struct vd_group *group,
                             const struct vd_order *order, vd_client client);

bool vd_maintenance_is_on(const struct vd_core *core, const struct vd_group *group);

/* Ends it when its time is over. Returns when that is. */
vd_ms vd_maintenance_tick(struct vd_core *core, struct vd_group *group);

#endif
