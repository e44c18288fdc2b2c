/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handover: a planned switchover that loses no acknowledged write. The
 * primary holds its clients' writes back, the chosen replica receives the
 * rest of the stream, the primary becomes a replica of the chosen one, and
 * only when it says itself that it holds nothing more is the chosen one
 * promoted. At no moment are there two primaries, and none of it rests on
 * time: whatever comes late, the last look decides. Where clients cannot be
 * held back, the server's own FAILOVER does the same in its time (after the
 * replica's next acknowledgement, one a second).
 *
 * COORDINATED goes this way or not at all; a plain FAILOVER goes it while that
 * is quick, and else as it always went. It must never leave a primary that is
 * not one: whoever gives it up reinstates it.
 */
#ifndef VD_CORE_HANDOVER_H
#define VD_CORE_HANDOVER_H

#include "core/model.h"

enum vd_handover_says {
    VD_HANDOVER_WAIT,    /* until *next */
    VD_HANDOVER_PROMOTE, /* promote the chosen one now: drained, or not to be drained */
    VD_HANDOVER_WATCH,   /* the primary promotes it by itself */
    VD_HANDOVER_FAILED,  /* give the failover up; *why says why */
};

/* The replica is chosen: take the next step towards its promotion. */
enum vd_handover_says vd_handover_tick(struct vd_core *core, struct vd_group *group, vd_ms *next,
                                       const char **why);

/* ACK of a step's request; false: it is about something else. */
bool vd_handover_on_ack(struct vd_core *core, struct vd_node *node, const struct vd_event *event);

/*
 * A turn of the node was answered, or its link is up again: whom it still
 * holds back may go on. Not before: the turn sends waiting clients away, and
 * may be said twice on its way (REPLICAOF, then SLAVEOF).
 */
void vd_handover_release(struct vd_core *core, struct vd_node *node);

/* The failover is given up: undo what was done to the primary. */
void vd_handover_cancel(struct vd_core *core, struct vd_group *group);

/*
 * Before the succession: the primary whose clients are held back stays mute, since a hello would
 * wait behind them, and all that follows on that link behind the hello.
 */
void vd_handover_hold(struct vd_group *group);

/* Promoted, and the former primary turned: lift what is left of the pause from `former`. */
void vd_handover_finish(struct vd_core *core, struct vd_group *group, struct vd_node *former);

/* A hello to it would be held back with the writes, and all that comes behind it. */
bool vd_handover_mutes(const struct vd_node *node);

#endif
