/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ctl: what every command of vedettectl shares: what was asked for, the crew of
 * sentinels, and the answer, which is JSON first; text for people is made of
 * that, so that both always say the same.
 */
#ifndef VD_CTL_CTL_H
#define VD_CTL_CTL_H

#include <jansson.h>

#include "base/text.h"
#include "ctl/crew.h"
#include "ctl/options.h"
#include "ctl/show.h"

/* How it ended; the program's exit status. */
enum vd_ctl_exit {
    VD_CTL_WELL = 0,
    VD_CTL_NOT_WELL = 1,    /* what was looked at is not well, or the order was not carried out */
    VD_CTL_USAGE = 2,       /* the command line or the environment makes no sense */
    VD_CTL_UNREACHABLE = 3, /* nobody could be asked */
};

struct vd_ctl {
    struct vd_ctl_options options;
    struct vd_ctl_crew crew;
    bool coloured;
    json_t *json;        /* the answer; owned */
    struct vd_text text; /* the same for people */
};

typedef int vd_ctl_run(struct vd_ctl *ctl);

/* The commands' functions; the table that has them is options.c. */
vd_ctl_run vd_ctl_run_check;
vd_ctl_run vd_ctl_run_cost;
vd_ctl_run vd_ctl_run_drill;
vd_ctl_run vd_ctl_run_failover;
vd_ctl_run vd_ctl_run_forget;
vd_ctl_run vd_ctl_run_history;
vd_ctl_run vd_ctl_run_pause;
vd_ctl_run vd_ctl_run_resume;
vd_ctl_run vd_ctl_run_status;
vd_ctl_run vd_ctl_run_topology;
vd_ctl_run vd_ctl_run_watch;

/* A sentence on standard error; what is in it from outside is made safe. */
void vd_ctl_warn(const char *sentence);

/* An answer that is a refusal: the sentence on standard error, {"error": ...} with --json. */
int vd_ctl_refuse(struct vd_ctl *ctl, enum vd_ctl_exit status, const char *format, ...)
    VD_PRINTF(3, 4);

/*
 * The crew, gathered; at least one of it answers. False with the refusal made:
 * the command ends with *status.
 */
bool vd_ctl_begin(struct vd_ctl *ctl, int *status) VD_MUSTCHECK;

/* A line for each of the crew that could not be reached. Is there any? */
bool vd_ctl_tell_unreached(struct vd_ctl *ctl);

/*
 * The one group that is meant: by name, or the only one. NULL with the refusal
 * made. Valid as long as the crew.
 */
const char *vd_ctl_the_group(struct vd_ctl *ctl, int *status) VD_MUSTCHECK;

/* Write the answer out; false: standard output takes no more. */
bool vd_ctl_flush(struct vd_ctl *ctl);

/* The command of the options; the exit status. */
int vd_ctl_main(int argc, char **argv);

/* ---- JSON, read without fear: what is not there is NULL, "" or 0 ------------------------- */

const char *vd_ctl_text_of(const json_t *object, const char *name);
int64_t vd_ctl_number_of(const json_t *object, const char *name, int64_t otherwise);
bool vd_ctl_is(const json_t *object, const char *name);

/* ---- the survey (survey.c) ------------------------------------------------------------------ */

/*
 * What the crew sees: {"well", "at_ms", "vedettes": [...], "groups": [...]},
 * of the group asked for or of all; vedettectl(1) has the fields.
 */
json_t *vd_ctl_survey(struct vd_ctl *ctl);

/* As text. */
void vd_ctl_put_status(struct vd_ctl *ctl, const json_t *survey, struct vd_text *to);
/* One of its groups, as a tree. */
void vd_ctl_put_tree(struct vd_ctl *ctl, const json_t *group, struct vd_text *to);

#endif
