/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clocks: how far the clocks of several recordings are apart; see merge.h. One
 * after the other is set by those before it: each question that both of them
 * recorded bounds the difference from one side, its answer from the other.
 */
#include <string.h>

#include "replay/merge.h"

#define COARSE_US 1000          /* recordings know milliseconds */
#define UNBOUND (INT64_MAX / 4) /* far from where sums overflow */

struct bounds {
    int64_t low;
    int64_t high;
};

/* The first that this sentinel was asked by that one, with this key. NULL: none. */
static const struct vd_tape_item *find_asked(const struct vd_tape *tape, const char *asker,
                                             const char *key)
{
    for (size_t i = 0; i < tape->item_count; i++) {
        const struct vd_tape_item *item = &tape->items[i];

        if (item->kind == VD_TAPE_ASKED && item->talk == VD_TALK_QUESTION &&
            strncmp(item->who, asker, 8) == 0 && strcmp(item->key, key) == 0)
            return item;
    }
    return NULL;
}

static bool is_first(const struct vd_tape *tape, size_t place)
{
    for (size_t i = 0; i < place; i++) {
        if (tape->items[i].kind == VD_TAPE_SAID &&
            tape->items[i].place == tape->items[place].place && tape->items[i].key != NULL &&
            strcmp(tape->items[i].key, tape->items[place].key) == 0)
            return false;
    }
    return true;
}

/*
 * Votes are asked for once in an epoch or a few times, and only of who is met:
 * their first times belong together. What is asked over and over does not tell.
 */
static bool is_vote(const struct vd_tape_item *item)
{
    return item->kind == VD_TAPE_SAID && item->talk == VD_TALK_QUESTION && item->key != NULL &&
           strstr(item->key, " * ") == NULL;
}

/*
 * What `to` heard of `from` cannot have been before it was said. Bounds of
 * (to's shift - from's shift), or of its negative.
 */
static void bound(const struct vd_tape *from, const struct vd_tape *to, struct bounds *out)
{
    for (size_t i = 0; i < from->item_count; i++) {
        const struct vd_tape_item *said = &from->items[i];
        const struct vd_tape_item *asked;

        if (!is_vote(said) || to->name == NULL ||
            strcmp(from->places[said->place].name, to->name) != 0 || !is_first(from, i))
            continue;
        asked = find_asked(to, from->id, said->key);
        if (asked == NULL)
            continue;
        if (said->at - asked->at > out->low)
            out->low = said->at - asked->at;
        if (asked->until != VD_STORY_NEVER && said->answer != 0 &&
            from->items[said->answer].at - asked->until < out->high)
            out->high = from->items[said->answer].at - asked->until;
    }
}

static int64_t keep_within(int64_t shift, const struct bounds *bounds)
{
    if (bounds->low > bounds->high + 2 * (int64_t)COARSE_US)
        return shift; /* they contradict each other: recordings of different runs, perhaps */
    if (bounds->low > bounds->high)
        return (bounds->low + bounds->high) / 2;
    if (bounds->low != -UNBOUND && shift < bounds->low - COARSE_US)
        return bounds->high != UNBOUND ? (bounds->low + bounds->high) / 2 : bounds->low;
    if (bounds->high != UNBOUND && shift > bounds->high + COARSE_US)
        return bounds->low != -UNBOUND ? (bounds->low + bounds->high) / 2 : bounds->high;
    return shift;
}

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void vd_merge_clocks(const struct vd_tape *tapes, size_t count, int64_t *shifts)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < count; i++) {
        struct bounds bounds = {-UNBOUND, UNBOUND};

        shifts[i] = (tapes[i].wall_ms - tapes[i].began_at) * 1000;
        for (size_t k = 0; k < i; k++) {
            struct bounds here = {-UNBOUND, UNBOUND};  /* shift i - shift k */
            struct bounds there = {-UNBOUND, UNBOUND}; /* shift k - shift i */

            bound(&tapes[k], &tapes[i], &here);
            bound(&tapes[i], &tapes[k], &there);
            if (here.low != -UNBOUND && here.low + shifts[k] > bounds.low)
                bounds.low = here.low + shifts[k];
            if (here.high != UNBOUND)
                bounds.high = min_of(bounds.high, here.high + shifts[k]);
            if (there.low != -UNBOUND)
                bounds.high = min_of(bounds.high, shifts[k] - there.low);
            if (there.high != UNBOUND && shifts[k] - there.high > bounds.low)
                bounds.low = shifts[k] - there.high;
        }
        shifts[i] = keep_within(shifts[i], &bounds);
    }
    for (size_t i = 0; i < count; i++)
        first = min_of(first, tapes[i].began_at * 1000 + shifts[i]);
    for (size_t i = 0; i < count; i++)
        shifts[i] -= first;
}
