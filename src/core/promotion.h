/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Promotion: from the choice of the replica until it says that it is the
 * primary. Decisions are taken on what INFO and ROLE say; replies only hurry
 * it. A candidate that vanishes or refuses makes room for another, unless the
 * former primary has been handed over to it already.
 */
#ifndef VD_CORE_PROMOTION_H
#define VD_CORE_PROMOTION_H

#include "core/model.h"

/* The states send_slaveof_noone and wait_promotion. Return when to look again. */
vd_ms vd_promotion_send(struct vd_core *core, struct vd_group *group);
vd_ms vd_promotion_await(struct vd_core *core, struct vd_group *group);

/* ACK of PROMOTE. */
void vd_promotion_on_ack(struct vd_core *core, struct vd_node *node, const struct vd_event *event);

/* ROLE or INFO of the node has come. */
void vd_promotion_on_role(struct vd_core *core, struct vd_node *node);

#endif
