/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Repair: a node is not what the configuration says it is. A former primary
 * that came back as a primary, or a replica that follows somebody else, is
 * turned to the group's primary; but only on a configuration that a majority
 * shares, and never while a failover may be changing it.
 */
#ifndef VD_CORE_REPAIR_H
#define VD_CORE_REPAIR_H

#include "core/model.h"

/* Turn the node if it must be. Returns when to look again. */
vd_ms vd_repair_node(struct vd_core *core, struct vd_node *node);

#endif
