/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replacing a file whole: either the old bytes are there after a crash or the
 * new ones, never something between. What the bytes are is the caller's.
 */
#ifndef VD_SHELL_FILE_REPLACE_H
#define VD_SHELL_FILE_REPLACE_H

#include <sys/stat.h>

#include "base/err.h"
#include "base/text.h"

/*
 * Write `bytes` to a new file beside `path`, with the mode and, as far as this
 * user may, the owner of `like`; sync it, put it in the place of `path`, and
 * sync the directory. Durable on true. *fd, if not -1, is closed and becomes
 * the new file's, locked (flock) before anybody could open it. False with the
 * reason and the remedy; `path` and *fd are then as they were, unless it was
 * the directory that could not be synced: the new file is in its place then,
 * until a crash may undo that.
 */
bool vd_file_replace(const char *path, const struct vd_text *bytes, const struct stat *like,
                     int *fd, struct vd_err *err) VD_MUSTCHECK;

#endif
