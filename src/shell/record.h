/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Record: what the core started from and was given, into a file, so that the
 * run can be repeated (vedette-replay). It watches and never acts: turns are
 * encoded behind their effects, the file is written when the loop has nothing
 * else to do, and when it cannot be written, that is said once and recording
 * is over. Passwords are not in it: each stands there as a word that tells
 * only whether two are the same.
 */
#ifndef VD_SHELL_RECORD_H
#define VD_SHELL_RECORD_H

#include <ev.h>

#include "base/err.h"
#include "core/drive.h"

struct vd_record;

/*
 * A new file, for its owner only, of up to `limit` bytes (0: any): when that is
 * reached it is closed with a proper end, and that is logged. A core cannot be
 * caught in the middle of its life, so a recording that goes on in a second
 * file would be of no use there; what is kept is its beginning. One that is there is left alone:
 * then it is the first of PATH.1, PATH.2, ... that is not. NULL with the reason. At most one record
 * is open in a process.
 */
struct vd_record *vd_record_open(const char *path, int64_t limit, struct vd_err *err);

/* From here on NULL for a record is fine, and nothing happens. */

/* The file that is written. */
const char *vd_record_path(const struct vd_record *record);

/* What the core was made from (vd_core_new). */
void vd_record_begin(struct vd_record *record, struct ev_loop *loop, const struct vd_image *image,
                     bool fresh);

/* Before vd_drive_turn, with what it is given; borrowed until vd_record_turn. */
void vd_record_expect(struct vd_record *record, const struct vd_event *events, size_t count,
                      vd_ms now, uint32_t dice);

/* Behind it, when nobody waits any more for what it made. */
void vd_record_turn(struct vd_record *record, const struct vd_drive *drive);

/* The process is about to end amid a turn: what it was given is written at once. */
void vd_record_cut(struct vd_record *record);

/* The same for whichever record is open; for vd_panic's hook. */
void vd_record_panic(void);

/* Write the rest and close. A file in which nothing was begun is removed. */
void vd_record_close(struct vd_record *record);

#endif
