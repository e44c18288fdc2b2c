/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handles: what a number names. Links are numbers that are never reused, and
 * nearly every event and effect carries one; with thousands of them the cost
 * of a look-up is the memory that it touches. Here that is one place of one
 * array (open addressing, linear probing, never more than half full), where a
 * chained hash walks through the owners. Nothing is owned; there is no order.
 */
#ifndef VD_BASE_HANDLES_H
#define VD_BASE_HANDLES_H

#include <stddef.h>
#include <stdint.h>

struct vd_handle_slot {
    uint64_t number; /* 0: free */
    void *what;
};

struct vd_handles {
    struct vd_handle_slot *slots;
    size_t count;
    size_t room; /* a power of 2, or 0 */
};

/* A zeroed struct vd_handles is empty and ready. */

/* The number, not 0 and not in the table, names `what`, not NULL, from now on. */
void vd_handles_put(struct vd_handles *handles, uint64_t number, void *what);

/* NULL: it names nothing, or nothing any more. */
void *vd_handles_find(const struct vd_handles *handles, uint64_t number);

/* Forget the number, which must be in the table. */
void vd_handles_drop(struct vd_handles *handles, uint64_t number);

/* Each in turn, in no order: start with *at 0, until NULL. The table must not change meanwhile. */
void *vd_handles_next(const struct vd_handles *handles, size_t *at);

/* Release the table's own memory, not what it names. It is empty and ready again. */
void vd_handles_free(struct vd_handles *handles);

#endif
