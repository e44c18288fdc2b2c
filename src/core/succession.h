/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Succession: a group takes a new primary, by a failover of ours, by gossip,
 * or because its configured primary says whom it follows. The one place where
 * a group's primary changes.
 */
#ifndef VD_CORE_SUCCESSION_H
#define VD_CORE_SUCCESSION_H

#include "core/model.h"

/*
 * `node`, not the primary so far, is it from now on, in this configuration
 * epoch: the switch is announced to clients, everybody in the group is told
 * at once, and what was thought about the former primary is forgotten.
 */
void vd_succession(struct vd_core *core, struct vd_group *group, struct vd_node *node,
                   uint64_t config_epoch);
/* The same for an address that is not the primary's; its node is made if need be. */
void vd_succession_by_address(struct vd_core *core, struct vd_group *group,
                              const struct vd_addr *addr, uint64_t config_epoch);

/* How many switches fell into the last failover-timeout. */
unsigned vd_succession_recent(const struct vd_core *core, const struct vd_group *group);

#endif
