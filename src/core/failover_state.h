/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of a failover: the small table that says which moves there are,
 * the one function that moves, and the record that is written of the way. It
 * decides nothing; failover.c does.
 */
#ifndef VD_CORE_FAILOVER_STATE_H
#define VD_CORE_FAILOVER_STATE_H

#include "core/model.h"

/* The only writer of the state; the move must be in the table. Announces it, touches the group. */
void vd_failover_enter(struct vd_core *core, struct vd_group *group, enum vd_failover_state state);

/* RECORD: how it went, for the history and the log. */
void vd_failover_record(struct vd_core *core, struct vd_group *group, const char *result);

#endif
