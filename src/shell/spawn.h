/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spawn: scripts are started and watched. No shell, no descriptor open but the
 * standard three, default signals; the end of each is an event. Whatever else
 * dies as our child is reaped as well, for vedette may be process 1.
 */
#ifndef VD_SHELL_SPAWN_H
#define VD_SHELL_SPAWN_H

#include <ev.h>

#include "shell/inbox.h"

struct vd_spawn;

/* The loop must be libev's default loop, which alone watches children. */
struct vd_spawn *vd_spawn_new(struct ev_loop *loop, struct vd_inbox *inbox);
/* Scripts that run are left alone. */
void vd_spawn_free(struct vd_spawn *spawn);

/* Effects SPAWN and KILL. */
void vd_spawn_perform(struct vd_spawn *spawn, const struct vd_effect *effect);

/* The process of a script that runs; 0: none. */
long vd_spawn_pid(const struct vd_spawn *spawn, vd_job id);

#endif
