/* SPDX-License-Identifier: BSD-3-Clause */
/* Indexed binary heap, see heap.h. */
#include "base/heap.h"

#include "base/mem.h"

static bool is_before(const struct vd_heap_entry *a, const struct vd_heap_entry *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return a->order < b->order;
}

static void put(struct vd_heap *heap, size_t index, struct vd_heap_entry *entry)
{
    heap->entries[index] = entry;
    entry->place = index + 1;
}

static void sift_up(struct vd_heap *heap, size_t index)
{
    struct vd_heap_entry *entry = heap->entries[index];

    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (!is_before(entry, heap->entries[parent]))
            break;
        put(heap, index, heap->entries[parent]);
        index = parent;
    }
    put(heap, index, entry);
}

static void sift_down(struct vd_heap *heap, size_t index)
{
    struct vd_heap_entry *entry = heap->entries[index];

    for (;;) {
        size_t child = index * 2 + 1;

        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && is_before(heap->entries[child + 1], heap->entries[child]))
            child++;
        if (!is_before(heap->entries[child], entry))
            break;
        put(heap, index, heap->entries[child]);
        index = child;
    }
    put(heap, index, entry);
}

void vd_heap_set(struct vd_heap *heap, struct vd_heap_entry *entry, int64_t key)
{
    if (entry->place != 0 && entry->key == key)
        return;
    entry->key = key;
    entry->order = heap->next_order++;
    if (entry->place == 0) {
        if (heap->count == heap->room) {
            heap->room = heap->room == 0 ? 64 : heap->room * 2;
            heap->entries = vd_realloc(heap->entries, heap->room * sizeof(struct vd_heap_entry *));
        }
        put(heap, heap->count, entry);
        heap->count++;
        sift_up(heap, heap->count - 1);
        return;
    }
    VD_ASSERT(heap->entries[entry->place - 1] == entry);
    sift_up(heap, entry->place - 1);
    sift_down(heap, entry->place - 1);
}

void vd_heap_drop(struct vd_heap *heap, struct vd_heap_entry *entry)
{
    size_t index;
    struct vd_heap_entry *last;

    if (entry->place == 0)
        return;
    index = entry->place - 1;
    VD_ASSERT(index < heap->count);
    VD_ASSERT(heap->entries[index] == entry);
    entry->place = 0;
    heap->count--;
    if (index == heap->count)
        return;
    last = heap->entries[heap->count];
    put(heap, index, last);
    sift_up(heap, index);
    sift_down(heap, last->place - 1);
}

struct vd_heap_entry *vd_heap_top(const struct vd_heap *heap)
{
    return heap->count == 0 ? NULL : heap->entries[0];
}

void vd_heap_free(struct vd_heap *heap)
{
    vd_free(heap->entries);
    heap->entries = NULL;
    heap->count = 0;
    heap->room = 0;
}
