/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forget: members that are gone for good. An operator says so (SENTINEL
 * FORGET), or a replica is unreachable for so long, while the primary lives
 * and does not list it, that nobody will miss it. Who answers is not forgotten:
 * it would be back in a moment, and a sentinel takes part in votes.
 */
#ifndef VD_CORE_FORGET_H
#define VD_CORE_FORGET_H

#include "core/model.h"

/* SENTINEL FORGET; replies. */
void vd_forget_on_order(struct vd_core *core, struct vd_group *group, const struct vd_order *order,
                        vd_client client);

/* Drop whom nobody misses. Returns when to look again. */
vd_ms vd_forget_expired(struct vd_core *core, struct vd_group *group);

/* Was it forgotten by order a moment ago? Then what is still said about it is late. */
bool vd_forget_has_peer(const struct vd_core *core, const struct vd_group *group,
                        const struct vd_id *id);
bool vd_forget_has_node(const struct vd_core *core, const struct vd_group *group,
                        const struct vd_addr *addr);

#endif
