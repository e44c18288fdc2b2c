/* SPDX-License-Identifier: BSD-3-Clause */
/* Handles: see handles.h. */
#include "base/handles.h"

#include "base/mem.h"

#define LEAST_ROOM 64

/* Numbers are handed out in sequence: the golden ratio spreads them. */
static size_t home(const struct vd_handles *handles, uint64_t number)
{
    return (size_t)((number * 0x9e3779b97f4a7c15U) >> 32) & (handles->room - 1);
}

/* Where it is, or where it would be put. There is always a free slot. */
static struct vd_handle_slot *find(const struct vd_handles *handles, uint64_t number)
{
    size_t mask = handles->room - 1;
    size_t at = home(handles, number);

    while (handles->slots[at].number != 0 && handles->slots[at].number != number)
        at = (at + 1) & mask;
    return &handles->slots[at];
}

static void grow(struct vd_handles *handles)
{
    struct vd_handles larger = {.count = handles->count};

    larger.room = handles->room == 0 ? LEAST_ROOM : 2 * handles->room;
    larger.slots = vd_calloc(larger.room, sizeof(larger.slots[0]));
    for (size_t i = 0; i < handles->room; i++) {
        if (handles->slots[i].number != 0)
            *find(&larger, handles->slots[i].number) = handles->slots[i];
    }
    vd_free(handles->slots);
    *handles = larger;
}

void vd_handles_put(struct vd_handles *handles, uint64_t number, void *what)
{
    struct vd_handle_slot *slot;

    VD_ASSERT(number != 0 && what != NULL);
    if (2 * (handles->count + 1) > handles->room)
        grow(handles);
    slot = find(handles, number);
    VD_ASSERT(slot->number == 0);
    *slot = (struct vd_handle_slot){number, what};
    handles->count++;
}

void *vd_handles_find(const struct vd_handles *handles, uint64_t number)
{
    if (handles->count == 0 || number == 0)
        return NULL;
    return find(handles, number)->what;
}

void vd_handles_drop(struct vd_handles *handles, uint64_t number)
{
    size_t mask = handles->room - 1;
    size_t hole;

    VD_ASSERT(vd_handles_find(handles, number) != NULL);
    hole = (size_t)(find(handles, number) - handles->slots);
    /* Whoever stands behind it only because the place was taken moves up. */
    for (size_t at = (hole + 1) & mask; handles->slots[at].number != 0; at = (at + 1) & mask) {
        size_t from_home = (at - home(handles, handles->slots[at].number)) & mask;

        if (from_home < ((at - hole) & mask))
            continue;
        handles->slots[hole] = handles->slots[at];
        hole = at;
    }
    handles->slots[hole] = (struct vd_handle_slot){0, NULL};
    handles->count--;
}

void *vd_handles_next(const struct vd_handles *handles, size_t *at)
{
    while (*at < handles->room) {
        const struct vd_handle_slot *slot = &handles->slots[(*at)++];

        if (slot->number != 0)
            return slot->what;
    }
    return NULL;
}

void vd_handles_free(struct vd_handles *handles)
{
    vd_free(handles->slots);
    *handles = (struct vd_handles){0};
}
