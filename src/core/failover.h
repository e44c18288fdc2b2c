/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Failover: the machine. One function per state, one function that changes
 * the state (failover_enter), one small table that says which moves there
 * are. Decisions are taken on what INFO and ROLE say; replies only hurry it.
 */
#ifndef VD_CORE_FAILOVER_H
#define VD_CORE_FAILOVER_H

#include "core/model.h"

/* Stand for election, or take the failover under way further. Returns when to look again. */
vd_ms vd_failover_tick(struct vd_core *core, struct vd_group *group);

/* An operator's FAILOVER; the caller has checked that none is under way. */
void vd_failover_order(struct vd_core *core, struct vd_group *group);

/* Somebody else leads now, or a newer configuration came: ours, if not yet promoted, ends here. */
void vd_failover_yield(struct vd_core *core, struct vd_group *group);

/* ACK of PROMOTE. */
void vd_failover_on_promote_ack(struct vd_core *core, struct vd_node *node,
                                const struct vd_event *event);

/* ROLE or INFO of the node has come: `role` is what it says. */
void vd_failover_on_role(struct vd_core *core, struct vd_node *node);

/* The replicas follow, or their time is over: the failover ends. */
void vd_failover_finish(struct vd_core *core, struct vd_group *group, bool timed_out);

#endif
