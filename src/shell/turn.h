/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turn: the daemon's way through the door. Before the loop waits, all events
 * of the inbox, and DUE when it has come, become one turn of the drive: step,
 * save once, perform. A timer is set to the very instant at which the next
 * turn is due. Effects are handed to the room that does such things; nothing
 * is decided here.
 */
#ifndef VD_SHELL_TURN_H
#define VD_SHELL_TURN_H

#include <ev.h>

#include "core/drive.h"
#include "shell/clients.h"
#include "shell/hearing.h"
#include "shell/inbox.h"
#include "shell/links.h"
#include "shell/record.h"
#include "shell/resolver.h"
#include "shell/spawn.h"
#include "shell/store.h"
#include "shell/watch.h"
#include "shell/witness.h"

/* Filled in by main before vd_turn_start; borrowed. */
struct vd_turn {
    struct ev_loop *loop;
    struct vd_inbox *inbox;
    struct vd_drive *drive;
    struct vd_store *store;
    struct vd_tls *tls;
    struct vd_links *links;
    struct vd_resolver *resolver;
    struct vd_spawn *spawn;
    struct vd_clients *clients;
    struct vd_record *record;       /* NULL: none is kept */
    struct vd_watch *watch;         /* NULL: nobody looks */
    struct vd_witness *witness;     /* NULL: nobody looks */
    struct vd_inbox taken;          /* the rest is the turn's own */
    struct vd_history_entry *ended; /* failovers of the present turn; texts are the effects' */
    size_t ended_count;
    size_t ended_room;
    ev_prepare before;
    ev_timer due;
    struct vd_hearing hearing;
    vd_ms slow_from;  /* the last turn, if it was slow, */
    vd_ms slow_until; /* ... and when what it had to send had left; 0: it was not */
};

/* The ops by which the drive uses a struct vd_turn. */
extern const struct vd_drive_ops vd_turn_ops;

/* Begin: watch, and push START. */
void vd_turn_start(struct vd_turn *turn);

/* All that is in the inbox now, as one turn or several, without waiting. */
void vd_turn_run(struct vd_turn *turn);

void vd_turn_stop(struct vd_turn *turn);

#endif
