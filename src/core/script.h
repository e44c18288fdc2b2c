/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts: the queue of operators' programs to run, after Sentinel's rules
 * (at most 256 jobs, 16 at a time, exit 1 or a signal runs it again up to ten
 * times with a doubling delay, 60 s each). It decides when; the shell runs.
 */
#ifndef VD_CORE_SCRIPT_H
#define VD_CORE_SCRIPT_H

#include "core/model.h"

#define VD_SCRIPT_QUEUE_MAX 256
#define VD_SCRIPT_RUNNING_MAX 16
#define VD_SCRIPT_RUNS_MAX 10

/* Queue a run; argv is NULL-terminated and copied. A full queue drops its oldest waiting job. */
void vd_script_queue(struct vd_core *core, const char *const *argv);

/* The client-reconfig-script of the group, if it has one. role: "leader" or "observer". */
void vd_script_reconfig(struct vd_core *core, struct vd_group *group, const char *role,
                        const struct vd_addr *from, const struct vd_addr *to);

void vd_script_on_exit(struct vd_core *core, const struct vd_event *event);

/* Start what is due, kill what runs too long; sets core->scripts_due. */
void vd_script_tick(struct vd_core *core);

void vd_script_free_all(struct vd_core *core);

#endif
