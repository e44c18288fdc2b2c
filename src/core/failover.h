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

/*
 * An operator's FAILOVER; the caller has checked that none is under way.
 * Coordinated: only with votes, and only if no write is lost. `wanted`: whom
 * to promote, port 0 the best.
 */
void vd_failover_order(struct vd_core *core, struct vd_group *group, bool coordinated,
                       const struct vd_addr *wanted);

/* Somebody else leads now, or a newer configuration came: ours, if not yet promoted, ends here. */
void vd_failover_yield(struct vd_core *core, struct vd_group *group);

/* The replicas follow, or their time is over: the failover ends. */
void vd_failover_finish(struct vd_core *core, struct vd_group *group, bool timed_out);

#endif
