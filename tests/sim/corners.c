/* SPDX-License-Identifier: BSD-3-Clause */
/* Corners: see corners.h. */
#include "corners.h"

#include <stdio.h>
#include <string.h>

static const char *const names[SIM_CORNER_COUNT] = {
    [SIM_CORNER_NONE] = "none",     [SIM_CORNER_BEFORE] = "before", [SIM_CORNER_AFTER] = "after",
    [SIM_CORNER_EFFECT] = "effect", [SIM_CORNER_FAILS] = "fails",   [SIM_CORNER_TORN] = "torn",
    [SIM_CORNER_LATE] = "late",     [SIM_CORNER_RESET] = "reset",   [SIM_CORNER_BLACK] = "black",
};

static bool is_now(const struct sim *sim)
{
    const struct sim_corners *corners = sim->setup.corners;

    return corners != NULL && sim->now >= corners->from && sim->now <= corners->until;
}

static enum sim_corner_kind look_up(const struct sim_corners *corners, enum sim_corner_kind first,
                                    enum sim_corner_kind last, unsigned who, unsigned number)
{
    for (unsigned i = 0; i < SIM_CORNERS_AT_ONCE; i++) {
        const struct sim_corner *corner = &corners->list[i];

        if (corner->kind >= first && corner->kind <= last && corner->number == number &&
            corner->who == who)
            return corner->kind;
    }
    return SIM_CORNER_NONE;
}

/* A hello is counted when it is told, not once more for everybody who hears of it. */
static bool decides(enum sim_word word)
{
    return word == SIM_QUESTION || word == SIM_ANSWER || word == SIM_PROMOTE ||
           word == SIM_REPLICATE || word == SIM_DONE || word == SIM_ROLE || word == SIM_ROLE_IS ||
           word == SIM_PUBLISH;
}

enum sim_corner_kind sim_corner_of_message(const struct sim *sim, const struct sim_msg *msg)
{
    struct sim_corners *corners = sim->setup.corners;

    /* What the kernels say to each other is lost with the rest of a connection. */
    if (!is_now(sim) || msg->word < SIM_PING || (corners->of_substance && !decides(msg->word)))
        return SIM_CORNER_NONE;
    return look_up(corners, SIM_CORNER_LATE, SIM_CORNER_BLACK, 0, corners->messages++);
}

enum sim_corner_kind sim_corner_of_save(const struct sim *sim, unsigned sentinel)
{
    struct sim_corners *corners = sim->setup.corners;
    enum sim_corner_kind kind;
    unsigned number;

    if (!is_now(sim))
        return SIM_CORNER_NONE;
    number = corners->saves[sentinel]++;
    kind = look_up(corners, SIM_CORNER_BEFORE, SIM_CORNER_AFTER, sentinel, number);
    return kind != SIM_CORNER_NONE
               ? kind
               : look_up(corners, SIM_CORNER_FAILS, SIM_CORNER_TORN, sentinel, number);
}

enum sim_corner_kind sim_corner_of_effect(const struct sim *sim, unsigned sentinel)
{
    struct sim_corners *corners = sim->setup.corners;

    if (!is_now(sim))
        return SIM_CORNER_NONE;
    return look_up(corners, SIM_CORNER_EFFECT, SIM_CORNER_EFFECT, sentinel,
                   corners->effects[sentinel]++);
}

void sim_corner_print(const struct sim_corner *corner, struct vd_text *to)
{
    vd_text_puts(to, names[corner->kind]);
    if (corner->kind < SIM_CORNER_LATE)
        vd_text_printf(to, "-s%u", corner->who + 1);
    vd_text_printf(to, "-%u", corner->number);
}

bool sim_corner_parse(const char *text, struct sim_corner *corner)
{
    char word[16];
    unsigned who;
    unsigned number;

    *corner = (struct sim_corner){0};
    if (sscanf(text, "%15[a-z]-s%u-%u", word, &who, &number) == 3 && who >= 1 &&
        who <= SIM_SENTINELS_MAX)
        corner->who = who - 1;
    else if (sscanf(text, "%15[a-z]-%u", word, &number) != 2)
        return false;
    corner->number = number;
    for (int kind = SIM_CORNER_BEFORE; kind < SIM_CORNER_COUNT; kind++) {
        if (strcmp(names[kind], word) == 0)
            corner->kind = (enum sim_corner_kind)kind;
    }
    return corner->kind != SIM_CORNER_NONE;
}
