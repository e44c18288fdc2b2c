/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of a failover: the small table that says which moves there are,
 * the one function that moves, and the record that is written of the way. It
 * decides nothing; failover.c does.
 */
#ifndef VD_CORE_FAILOVER_STATE_H
#define VD_CORE_FAILOVER_STATE_H

#include "core/notice.h"

/* The only writer of the state; the move must be in the table. Announces it, touches the group. */
void vd_failover_enter(struct vd_core *core, struct vd_group *group, enum vd_failover_state state);

/* Give the failover up; nothing was promoted as far as we know. */
void vd_failover_give_up(struct vd_core *core, struct vd_group *group, enum vd_notice notice,
                         const char *result);
void vd_failover_drop_candidate(struct vd_group *group);
/*
 * differs: it is tried again, in a new epoch, after 100-500 ms; Sentinel waits
 * for minutes. Less often, up to 2-10 s, the longer others refuse to take part:
 * each try is an epoch that everybody has to save.
 */
vd_ms vd_failover_retry_at(const struct vd_core *core, vd_ms disputed_ms);

/* By an operator, not for a fault. */
static inline bool vd_failover_is_ordered(const struct vd_group *group)
{
    return group->failover.forced || group->failover.coordinated;
}
void vd_failover_forget_order(struct vd_group *group);

/* RECORD: how it went, for the history and the log. */
void vd_failover_record(struct vd_core *core, struct vd_group *group, const char *result);

#endif
