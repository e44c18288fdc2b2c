/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lists of a tape that is being filled: items, places, open links and what
 * waits on them. For tape.c alone.
 */
#ifndef VD_REPLAY_TAPE_LIST_H
#define VD_REPLAY_TAPE_LIST_H

#include "base/text.h"
#include "replay/tape.h"

struct vd_tape_link {
    uint64_t number;
    enum vd_link_kind kind;
    int place;
    bool up;
    size_t opening; /* item */
    struct waiting {
        uint64_t ticket;
        size_t item;
    } * waiting; /* requests without an answer, oldest first */
    size_t waiting_count;
};

/* Room for one more: doubled whenever the count is a power of two. */
void *vd_tape_grow(void *list, size_t count, size_t size);
const char *vd_tape_keep(struct vd_tape *tape, const struct vd_text *text);

/* An instant within this millisecond, behind all that were before. */
int64_t vd_tape_next_instant(struct vd_tape *tape, vd_ms at);
/* A new item there; valid until the next one is added. */
struct vd_tape_item *vd_tape_add_item(struct vd_tape *tape, enum vd_tape_kind kind, vd_ms at);
/* The number of the place with this address, added if it is new. */
int vd_tape_find_place(struct vd_tape *tape, const struct vd_addr *addr, bool is_sentinel);

/* NULL: it is not open. */
struct vd_tape_link *vd_tape_find_link(struct vd_tape *tape, vd_link handle);
void vd_tape_close_link(struct vd_tape *tape, struct vd_tape_link *link);
/* The request that this answers, which waits no longer; 0 if there is none: item 0 is the start. */
size_t vd_tape_take_waiting(struct vd_tape_link *link, vd_ticket ticket);

#endif
