/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Restore: configuration and saved state made into the one image that a core
 * starts from. The configuration says what the operator wants, the state what
 * has happened since; neither is written here.
 */
#ifndef VD_SHELL_RESTORE_H
#define VD_SHELL_RESTORE_H

#include "base/arena.h"
#include "proto/config.h"

struct vd_saved; /* store.h */

/*
 * Merge. `saved` NULL: there is no state; *fresh is then true, and a new id
 * is needed if the image's is empty. In another's place the configuration is
 * the state, `saved` is NULL, and *fresh tells whether it remembers anything. The rules, each about
 * one line of the configuration against what the line was when the state was saved:
 *
 *  - A value given by SENTINEL SET or CONFIG SET wins until its line changes.
 *  - The saved primary's address wins until the configured address changes.
 *  - A group removed by SENTINEL REMOVE stays away until its address changes.
 *  - A group made by SENTINEL MONITOR lives in the state alone; a line for it
 *    makes it the configuration's.
 *  - A group gone from the configuration is dropped, with a line in the log,
 *    and named in the image's `removed`.
 *  - Epochs are the higher of both; epochs and known members that a classic
 *    file brings along count only while there is no state of the group.
 *
 * The image lives in the arena and borrows from *config and *saved.
 */
const struct vd_image *vd_restore_merge(const struct vd_config *config,
                                        const struct vd_saved *saved, struct vd_arena *arena,
                                        bool *fresh);

#endif
