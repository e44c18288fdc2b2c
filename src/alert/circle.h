/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Circle: which of the vedettes tells an alert, so that it is told once. Each
 * that could says so to its peers every second, on the links that they
 * have anyway and in the channel of hellos, where a sentinel of another kind
 * ignores it. Of those of a group that are within reach and were heard of late,
 * the one with the lowest id tells; who could not reach a channel stands back
 * for a while, behind all that do not. When all of them do, it is the lowest id
 * again: a channel that takes nothing must not keep the others silent. Who tells
 * also says what it has told, at once and again every second, so that whoever
 * comes after it knows.
 *
 *   vedette-alerts,1,ID,here,READY
 *   vedette-alerts,1,ID,told,CHANNEL,STATE,SINCE,RULE,GROUP,TARGET
 */
#ifndef VD_ALERT_CIRCLE_H
#define VD_ALERT_CIRCLE_H

#include "core/drive.h"
#include "core/view.h"
#include "shell/links.h"

#define VD_CIRCLE_HERE_MS 1000
#define VD_CIRCLE_LOST_MS 3000 /* not heard for so long; nor ready so long after the start */

struct vd_circle;

struct vd_circle *vd_circle_new(struct vd_links *links, const struct vd_drive *drive, vd_ms now);
void vd_circle_free(struct vd_circle *circle);

/* Peers of a group, as they are seen now: whom to speak to. */
void vd_circle_meet(struct vd_circle *circle, const char *group, vd_ms now);

/* One announcement that somebody has told an alert; texts are not terminated by more than NUL. */
struct vd_told {
    const char *channel;
    const char *rule;
    const char *group; /* "" none */
    const char *target;
    bool ended;
    int64_t since_ms;
};

/*
 * What a peer said, NUL-terminated. True: it has told an alert, and *out is
 * that, with texts inside of `scratch`. Nonsense, and what strangers say, is
 * ignored.
 */
bool vd_circle_hear(struct vd_circle *circle, const char *text, vd_ms now, struct vd_text *scratch,
                    struct vd_told *out) VD_MUSTCHECK;

/* To all peers: "here", and what was told. Leaves at once. */
void vd_circle_say_here(struct vd_circle *circle, vd_ms now);
void vd_circle_say_told(struct vd_circle *circle, const struct vd_told *told);

/* We cannot reach a channel until then: others are to tell, if there are any who can. */
void vd_circle_stand_back(struct vd_circle *circle, vd_ms until);

/* May we tell what is about this group: we have begun, and nobody comes before us. */
bool vd_circle_leads(const struct vd_circle *circle, const char *group, vd_ms now);

/* We were started long enough ago to have heard what the others told. */
bool vd_circle_has_begun(const struct vd_circle *circle, vd_ms now);

#endif
