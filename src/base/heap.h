/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Indexed binary heap of deadlines: O(log n) to set, move and drop, O(1) to
 * look at the earliest. Entries are embedded in their owners and know their
 * place, so that a deadline can be moved without a search. Equal deadlines
 * leave in the order in which they were set, which keeps runs repeatable.
 */
#ifndef VD_BASE_HEAP_H
#define VD_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vd_heap_entry {
    int64_t key;
    size_t place; /* 1 + index in the heap; 0 when not in it */
};

struct vd_heap_slot {
    int64_t key;
    uint64_t order; /* breaks ties: first set, first out */
    struct vd_heap_entry *entry;
};

struct vd_heap {
    struct vd_heap_slot *slots;
    size_t count;
    size_t room;
    uint64_t next_order;
};

/* A zeroed struct vd_heap is empty and ready; so is a zeroed entry. */

/* Put the entry in, or move it if it is in already. The entry must outlive its stay. */
void vd_heap_set(struct vd_heap *heap, struct vd_heap_entry *entry, int64_t key);

/* Take the entry out; nothing happens if it is not in. */
void vd_heap_drop(struct vd_heap *heap, struct vd_heap_entry *entry);

/* The entry with the smallest key, or NULL. It stays in. */
struct vd_heap_entry *vd_heap_top(const struct vd_heap *heap);

static inline bool vd_heap_has(const struct vd_heap_entry *entry)
{
    return entry->place != 0;
}

/* Release the heap's own memory, not the entries. */
void vd_heap_free(struct vd_heap *heap);

#endif
