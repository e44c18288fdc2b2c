/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fence: a primary that is cut off together with us (we reach it, but neither
 * a majority of the sentinels nor any of its replicas) may have a successor on
 * the other side already. Where the operator wants it (fence-isolated-primary)
 * its clients' writes are held back, again and again, until a majority says
 * that it is still the primary. It lifts itself within seconds when we die.
 */
#ifndef VD_CORE_FENCE_H
#define VD_CORE_FENCE_H

#include "core/model.h"

/* Hold back, renew or lift. Returns when to look again. */
vd_ms vd_fence_tick(struct vd_core *core, struct vd_group *group);

/* ACK of a PAUSE: only now is it fenced; false: it is about something else. */
bool vd_fence_on_ack(struct vd_core *core, struct vd_node *node, const struct vd_event *event);

#endif
