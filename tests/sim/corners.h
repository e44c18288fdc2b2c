/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Corners: faults that are counted out instead of drawn: the n-th message, the
 * n-th save or effect of a sentinel, from an instant on. With none in the list
 * they only count: so one run tells how many there are to try.
 */
#ifndef SIM_CORNERS_H
#define SIM_CORNERS_H

#include "base/text.h"
#include "net.h"
#include "world.h"

enum sim_corner_kind {
    SIM_CORNER_NONE,
    /* sentinel `who`, at its save or effect */
    SIM_CORNER_BEFORE, /* dies before the save */
    SIM_CORNER_AFTER,  /* dies behind it: it is durable, and nothing of the turn leaves */
    SIM_CORNER_EFFECT, /* dies before the effect: those ahead of it in the turn have left */
    SIM_CORNER_FAILS,  /* the save fails */
    SIM_CORNER_TORN,   /* the save fails, and is durable all the same */
    /* a message */
    SIM_CORNER_LATE,  /* lost, and sent again: late */
    SIM_CORNER_RESET, /* it is lost, and its connection breaks */
    SIM_CORNER_BLACK, /* it is lost, and all that follows on its connection */
    SIM_CORNER_COUNT,
};

struct sim_corner {
    enum sim_corner_kind kind;
    unsigned who;
    unsigned number; /* from 0 */
};

#define SIM_CORNERS_AT_ONCE 2

struct sim_corners {
    struct sim_corner list[SIM_CORNERS_AT_ONCE];
    sim_us from;
    sim_us until;
    bool of_substance; /* messages: only those by which something is decided */
    unsigned messages;
    unsigned saves[SIM_SENTINELS_MAX];
    unsigned effects[SIM_SENTINELS_MAX];
};

/* What is to happen to this message, save, effect: counted, and looked up. */
enum sim_corner_kind sim_corner_of_message(const struct sim *sim, const struct sim_msg *msg);
enum sim_corner_kind sim_corner_of_save(const struct sim *sim, unsigned sentinel);
enum sim_corner_kind sim_corner_of_effect(const struct sim *sim, unsigned sentinel);

/* "late-31", "fails-s1-2"; false: it is no such thing. */
void sim_corner_print(const struct sim_corner *corner, struct vd_text *to);
bool sim_corner_parse(const char *text, struct sim_corner *corner);

#endif
