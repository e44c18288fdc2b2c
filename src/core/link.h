/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links: when a connection is raised, given up and raised again. Every
 * deadline on it is ours; nothing waits for the kernel to notice a dead host.
 */
#ifndef VD_CORE_LINK_H
#define VD_CORE_LINK_H

#include "core/model.h"

/* NULL: the link is gone, and what is late on it is to be ignored. */
struct vd_wire *vd_wire_find(const struct vd_core *core, vd_link link);

/* Raise what is missing, drop what is stuck. Returns the next instant to look again. */
vd_ms vd_wire_tick(struct vd_core *core, struct vd_wire *wire);

/*
 * From when on silence on it tells anything: one that is being opened, or is
 * newly up, is given a moment, and one that waits for its turn to be dialled
 * has not been asked. VD_NEVER: from the beginning on.
 */
vd_ms vd_wire_tells_from(const struct vd_core *core, const struct vd_wire *wire);

/* Close it now and raise it again at the next tick: credentials or addresses changed. */
void vd_wire_close(struct vd_core *core, struct vd_wire *wire);

void vd_link_on_up(struct vd_core *core, const struct vd_event *event);
void vd_link_on_down(struct vd_core *core, const struct vd_event *event);

/* Both links of a node. */
void vd_node_close(struct vd_core *core, struct vd_node *node);

/* Close what only these need, then forget them. */
void vd_node_forget(struct vd_core *core, struct vd_node *node);
void vd_opinion_forget(struct vd_core *core, struct vd_opinion *opinion);
void vd_group_forget(struct vd_core *core, struct vd_group *group);

#endif
