/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Report: what an INFO or a ROLE changes: role, run id, lineage, offsets, new
 * replicas, and whom a node follows. It takes facts in; what follows from
 * them is decided elsewhere, when the group is settled.
 */
#ifndef VD_CORE_REPORT_H
#define VD_CORE_REPORT_H

#include "core/model.h"

void vd_report_on_info(struct vd_core *core, const struct vd_event *event);
void vd_report_on_role(struct vd_core *core, const struct vd_event *event);
/* ACK: of a hello, PROMOTE, REPLICATE, SCRIPT KILL. */
void vd_report_on_ack(struct vd_core *core, const struct vd_event *event);

#endif
