/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Indexed binary heap, see heap.h. What entries are compared by stands in the
 * heap's own array, so that sifting touches no entry but those that move.
 */
#include "base/heap.h"

#include "base/mem.h"

static bool is_before(const struct vd_heap_slot *a, const struct vd_heap_slot *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return a->order < b->order;
}

static void put(struct vd_heap *heap, size_t index, const struct vd_heap_slot *slot)
{
    heap->slots[index] = *slot;
    slot->entry->place = index + 1;
}

/* Fill the hole at `index` with `slot`, or with what stands above it. */
static void sift_up(struct vd_heap *heap, size_t index, struct vd_heap_slot slot)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (!is_before(&slot, &heap->slots[parent]))
            break;
        put(heap, index, &heap->slots[parent]);
        index = parent;
    }
    put(heap, index, &slot);
}

/* ... or below it. */
static void sift_down(struct vd_heap *heap, size_t index, struct vd_heap_slot slot)
{
    for (;;) {
        size_t child = index * 2 + 1;

        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && is_before(&heap->slots[child + 1], &heap->slots[child]))
            child++;
        if (!is_before(&heap->slots[child], &slot))
            break;
        put(heap, index, &heap->slots[child]);
        index = child;
    }
    put(heap, index, &slot);
}

static void sift(struct vd_heap *heap, size_t index, struct vd_heap_slot slot)
{
    if (index > 0 && is_before(&slot, &heap->slots[(index - 1) / 2]))
        sift_up(heap, index, slot);
    else
        sift_down(heap, index, slot);
}

void vd_heap_set(struct vd_heap *heap, struct vd_heap_entry *entry, int64_t key)
{
    struct vd_heap_slot slot = {.key = key, .entry = entry};

    if (entry->place != 0 && entry->key == key)
        return;
    entry->key = key;
    slot.order = heap->next_order++;
    if (entry->place == 0) {
        if (heap->count == heap->room) {
            heap->room = heap->room == 0 ? 64 : heap->room * 2;
            heap->slots = vd_realloc(heap->slots, heap->room * sizeof(struct vd_heap_slot));
        }
        heap->count++;
        sift_up(heap, heap->count - 1, slot);
        return;
    }
    VD_ASSERT(heap->slots[entry->place - 1].entry == entry);
    sift(heap, entry->place - 1, slot);
}

void vd_heap_drop(struct vd_heap *heap, struct vd_heap_entry *entry)
{
    size_t index;

    if (entry->place == 0)
        return;
    index = entry->place - 1;
    VD_ASSERT(index < heap->count);
    VD_ASSERT(heap->slots[index].entry == entry);
    entry->place = 0;
    heap->count--;
    if (index != heap->count)
        sift(heap, index, heap->slots[heap->count]);
}

struct vd_heap_entry *vd_heap_top(const struct vd_heap *heap)
{
    return heap->count == 0 ? NULL : heap->slots[0].entry;
}

void vd_heap_free(struct vd_heap *heap)
{
    vd_free(heap->slots);
    heap->slots = NULL;
    heap->count = 0;
    heap->room = 0;
}
