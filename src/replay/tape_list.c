/* SPDX-License-Identifier: BSD-3-Clause */
/* The lists of a tape; see tape_list.h. */
#include "replay/tape_list.h"

#include <string.h>

#include "replay/tape_words.h"

#define BETWEEN_US 15 /* items of one millisecond, so that their order is seen */

void vd_tape_init(struct vd_tape *tape, const char *file)
{
    *tape = (struct vd_tape){0};
    tape->file = vd_arena_strdup(&tape->arena, file);
    tape->version = "";
    tape->clock = INT64_MIN;
}

void vd_tape_close_link(struct vd_tape *tape, struct vd_tape_link *link)
{
    vd_free(link->waiting);
    *link = tape->links[--tape->link_count];
}

void vd_tape_end(struct vd_tape *tape)
{
    while (tape->link_count > 0)
        vd_tape_close_link(tape, &tape->links[0]);
}

void vd_tape_free(struct vd_tape *tape)
{
    vd_tape_end(tape);
    vd_free(tape->links);
    vd_free(tape->items);
    vd_free(tape->places);
    vd_arena_free(&tape->arena);
}

void *vd_tape_grow(void *list, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return list;
    return vd_realloc(list, (count == 0 ? 1 : 2 * count) * size);
}

const char *vd_tape_keep(struct vd_tape *tape, const struct vd_text *text)
{
    return vd_arena_strdup(&tape->arena, vd_text_cstr(text));
}

/* An instant within this millisecond, behind all that were before. */
int64_t vd_tape_next_instant(struct vd_tape *tape, vd_ms at)
{
    int64_t first = at * 1000;
    int64_t last = first + 999;

    if (tape->clock < first)
        tape->clock = first;
    else if (tape->clock + BETWEEN_US <= last)
        tape->clock += BETWEEN_US;
    else if (tape->clock < last) /* too many for one: all at its end */
        tape->clock = last;
    return tape->clock;
}

struct vd_tape_item *vd_tape_add_item(struct vd_tape *tape, enum vd_tape_kind kind, vd_ms at)
{
    int64_t clock = vd_tape_next_instant(tape, at);
    struct vd_tape_item *item;

    tape->items = vd_tape_grow(tape->items, tape->item_count, sizeof(*item));
    item = &tape->items[tape->item_count++];
    *item = (struct vd_tape_item){
        .kind = kind,
        .at = clock,
        .until = VD_STORY_NEVER,
        .place = VD_TAPE_NOWHERE,
        .label = "",
        .detail = "",
    };
    return item;
}

int vd_tape_find_place(struct vd_tape *tape, const struct vd_addr *addr, bool is_sentinel)
{
    struct vd_text name = {0};
    size_t i;

    vd_tape_addr(addr, &name);
    for (i = 0; i < tape->place_count; i++) {
        if (strcmp(tape->places[i].name, vd_text_cstr(&name)) == 0)
            break;
    }
    if (i == tape->place_count) {
        tape->places = vd_tape_grow(tape->places, tape->place_count, sizeof(*tape->places));
        tape->places[tape->place_count++] =
            (struct vd_tape_place){.name = vd_tape_keep(tape, &name), .is_sentinel = is_sentinel};
    }
    vd_text_free(&name);
    return (int)i;
}

struct vd_tape_link *vd_tape_find_link(struct vd_tape *tape, vd_link handle)
{
    for (size_t i = 0; i < tape->link_count; i++) {
        if (tape->links[i].number == handle.n)
            return &tape->links[i];
    }
    return NULL;
}

/* The request that this answers, which waits no longer; 0 if there is none: item 0 is the start. */
size_t vd_tape_take_waiting(struct vd_tape_link *link, vd_ticket ticket)
{
    for (size_t i = 0; i < link->waiting_count; i++) {
        size_t item = link->waiting[i].item;

        if (link->waiting[i].ticket != ticket.n)
            continue;
        link->waiting_count--;
        memmove(&link->waiting[i], &link->waiting[i + 1],
                (link->waiting_count - i) * sizeof(link->waiting[0]));
        return item;
    }
    return 0;
}
