/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes: the cadence of PING, INFO and hello. Each group has a phase of its
 * own, so that a thousand groups do not beat together, and all that it is due
 * for falls on one grid: a link's requests leave in one write, and a group is
 * looked at once for what it sends and once for the replies.
 */
#ifndef VD_CORE_PROBE_H
#define VD_CORE_PROBE_H

#include "core/model.h"

/* Send what is due; returns when the next thing will be. */
vd_ms vd_probe_node(struct vd_core *core, struct vd_node *node);
vd_ms vd_probe_opinion(struct vd_core *core, struct vd_opinion *opinion);
vd_ms vd_probe_peer(struct vd_core *core, struct vd_peer *peer);

/* Its PING was answered, and nothing else is new: the group is looked at when the next is due. */
void vd_probe_expect_ping(struct vd_core *core, struct vd_node *node);

/* Tell everybody in the group our view of it now, whatever the cadence says. */
void vd_probe_want_hello(struct vd_core *core, struct vd_group *group);

/* Ask every node of the group for a fresh INFO. */
void vd_probe_want_info(struct vd_core *core, struct vd_group *group);

/* So many are lost at once that only what is needed is asked. */
bool vd_probe_is_crowded(const struct vd_core *core);

#endif
