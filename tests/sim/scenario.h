/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scenario: a small world, what goes wrong in it, and the whole of what then
 * happens, as one text that a person can read (tests/scenario/README.md tells
 * the language). It is run by the same code as a seed; in the world that it
 * has by default nothing is left to luck, so that what stands in its
 * transcript is there for a reason.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "draw/story.h"
#include "run.h"
#include "schedule.h"

struct sim_scenario {
    struct sim_setup setup;
    struct sim_schedule schedule;
    struct vd_text title; /* the first line of comment */
    struct vd_text about; /* the others */
    sim_us from;          /* where the transcript begins */
    unsigned talks;       /* bit per enum vd_talk that is shown */
    unsigned marks;       /* bit per enum vd_mark */
    bool echoes;          /* also notices that only repeat what messages say */
    size_t script_len;    /* bytes of the file before its transcript */
};

/*
 * Read the text of a file, up to its "----". False with the place and the
 * remedy. To be freed, whatever comes back.
 */
bool sim_scenario_read(struct sim_scenario *scenario, const char *text,
                       struct vd_err *err) VD_MUSTCHECK;
void sim_scenario_free(struct sim_scenario *scenario);

/* Run it. The transcript is appended to `to`; `story`, if not NULL, is filled for a picture. */
void sim_scenario_run(const struct sim_scenario *scenario, struct vd_story *story,
                      struct vd_text *to, struct sim_result *result);

/*
 * A script that means the world of this setup and schedule, drawn from a seed
 * or cut down from one: lines for all that the seed does not say.
 */
void sim_scenario_print(const struct sim_setup *setup, const struct sim_schedule *schedule,
                        struct vd_text *to);

/* One line per thing that happened, in order of time. */
void sim_scenario_tell(const struct sim_scenario *scenario, const struct vd_story *story,
                       struct vd_text *to);

#endif
