/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arena: memory of one turn. Whatever a step hands out (texts of notices,
 * arguments of scripts, replies) lives here and is released in one go when
 * the turn is over, so that no effect has an owner to argue about.
 */
#ifndef VD_BASE_ARENA_H
#define VD_BASE_ARENA_H

#include <stddef.h>

#include "base/mem.h"

struct vd_arena_block;

struct vd_arena {
    struct vd_arena_block *blocks; /* newest first */
    struct vd_arena_block *spare;  /* big ones that the next burst finds */
    size_t used;                   /* bytes handed out since the last reset */
    unsigned resets;               /* since spare ones were last looked through, */
    unsigned most;                 /* ... and how many big ones were in use at once since then */
};

/* A zeroed struct vd_arena is empty and ready. */

/* `size` zeroed bytes, aligned for any type, valid until reset or free. */
void *vd_arena_alloc(struct vd_arena *arena, size_t size);

/* A copy of `text` in the arena; NULL gives NULL. */
char *vd_arena_strdup(struct vd_arena *arena, const char *text);

/* A copy of `len` bytes with a NUL behind them. */
char *vd_arena_memdup(struct vd_arena *arena, const void *bytes, size_t len);

/* As snprintf, into the arena. */
char *vd_arena_printf(struct vd_arena *arena, const char *format, ...) VD_PRINTF(2, 3);

/* Forget all that was handed out; keeps a small block for the next turn, and as many big ones as
 * were needed lately. */
void vd_arena_reset(struct vd_arena *arena);

/* Release everything. The arena is empty and ready again. */
void vd_arena_free(struct vd_arena *arena);

#endif
