/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tape: what one recording saw, in an order and in words that can be drawn:
 * what its sentinel said and to whom, what it was answered and asked, its
 * notices, saves and failovers. Instants are microseconds of its own clock,
 * of which a recording knows the milliseconds; within one, the order is kept.
 *
 * PINGs that were answered well are left out, since they are most of what
 * there is. merge.h makes a story of several tapes.
 */
#ifndef VD_REPLAY_TAPE_H
#define VD_REPLAY_TAPE_H

#include "base/arena.h"
#include "draw/story.h"
#include "replay/replay.h"

#define VD_TAPE_NOWHERE (-1)

enum vd_tape_kind {
    VD_TAPE_LEFT_OUT,
    VD_TAPE_SAID,     /* a request to `place`; `answer` tells what came of it */
    VD_TAPE_ANSWER,   /* ... to the SAID before it */
    VD_TAPE_HEARD,    /* what `place` said unasked: a hello it passed on, the end of a link */
    VD_TAPE_ASKED,    /* by another sentinel, `who`; answered at `until` */
    VD_TAPE_NOTICE,   /* label: the event, detail: its payload */
    VD_TAPE_MARK,     /* label */
    VD_TAPE_STATE,    /* of the server at `place`: `band`, label */
    VD_TAPE_FAILOVER, /* `failover` */
};

struct vd_tape_item {
    enum vd_tape_kind kind;
    int64_t at;
    int64_t until; /* ASKED: answered; NEVER: not */
    int place;
    enum vd_talk talk;
    enum vd_mark mark;
    enum vd_band band;
    size_t answer;     /* SAID: the place of its ANSWER in the list; 0: none came */
    vd_client client;  /* ASKED */
    bool taken;        /* ASKED: whoever asked has a tape, too */
    const char *who;   /* ASKED: the beginning of the asker's id, "" unknown */
    const char *key;   /* SAID, ASKED: equal in both; NULL: nothing to compare */
    const char *reply; /* ASKED: what was answered */
    const char *group; /* NULL: none */
    const char *label;
    const char *detail;
    const struct vd_story_failover *failover;
};

/* Whom it had to do with, by address. */
struct vd_tape_place {
    const char *name; /* "host:port" */
    bool is_sentinel;
};

struct vd_tape {
    struct vd_arena arena;
    const char *file;
    const char *version;
    char id[VD_ID_LEN + 1];
    const char *name; /* its own address as it tells it; NULL: it never did */
    int64_t wall_ms;  /* when it began, by the wall clock, and... */
    vd_ms began_at;   /* ... by its own */
    vd_ms ended_at;
    struct vd_tape_item *items;
    size_t item_count;
    struct vd_tape_place *places;
    size_t place_count;
    struct vd_tape_link *links; /* those that are open */
    size_t link_count;
    int64_t clock; /* of the last item */
};

void vd_tape_init(struct vd_tape *tape, const char *file);
void vd_tape_free(struct vd_tape *tape);

/* What vd_replay_run must be given so that the tape is filled; borrows the tape. */
struct vd_replay_watch vd_tape_watch(struct vd_tape *tape);

/* The last item at the end of it: nobody answers any more. */
void vd_tape_end(struct vd_tape *tape);

#endif
