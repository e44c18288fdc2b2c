/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reconf: turning the other replicas to the new primary after a promotion,
 * parallel-syncs at a time. It orders, then watches INFO; a reply alone
 * proves nothing.
 */
#ifndef VD_CORE_RECONF_H
#define VD_CORE_RECONF_H

#include "core/model.h"

/* The promotion is confirmed and the group has its new primary. */
void vd_reconf_begin(struct vd_core *core, struct vd_group *group);
/* Turn whom it is time to turn; ends the failover. Returns when to look again. */
vd_ms vd_reconf_tick(struct vd_core *core, struct vd_group *group);
/* Somebody else leads: stop turning. */
void vd_reconf_stop(struct vd_group *group);
/* An INFO of this node came in. */
void vd_reconf_on_info(struct vd_core *core, struct vd_node *node);

/* Send REPLICATE to follow the group's primary; its command link must be up. */
void vd_reconf_turn(struct vd_core *core, struct vd_node *node);
/* ... to follow this one; for a primary that is handed over. */
void vd_reconf_turn_to(struct vd_core *core, struct vd_node *node, const struct vd_addr *to);

#endif
