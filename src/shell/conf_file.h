/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of the configuration: reading them whole, with limits, and what both
 * formats must know of the file system. Relative paths of secrets and includes
 * begin at the file that names them, those of scripts at `dir`.
 */
#ifndef VD_SHELL_CONF_FILE_H
#define VD_SHELL_CONF_FILE_H

#include "base/err.h"
#include "base/text.h"
#include "proto/config.h"

/* Append a whole file, at most 64 MB and no directory. False with "No such file or directory". */
bool vd_conf_file_read(const char *path, struct vd_text *to, struct vd_err *err) VD_MUSTCHECK;

/* The same of standard input, which is kept: it can be read only once, but be asked for again. */
bool vd_conf_stdin_read(struct vd_text *to, struct vd_err *err) VD_MUSTCHECK;

/* The directory a path is in, "." for none; owned by the caller. */
char *vd_conf_directory(const char *path);

/* `path` as seen from `dir` (NULL: from here); owned by the caller. */
char *vd_conf_join(const char *dir, const char *path);

/* A directory, or false with the reason. */
bool vd_conf_is_directory(const char *path, struct vd_err *err) VD_MUSTCHECK;

/* A file, not a directory, that this process may execute. */
bool vd_conf_is_executable(const char *dir, const char *path);

/*
 * The path in *value is replaced by what the file holds, without the line end
 * at its end. `file` and `line` are those of the setting. Warns in *config of
 * a secret that everybody may read.
 */
bool vd_conf_secret_read(struct vd_config *config, const char *file, unsigned line,
                         struct vd_text *value, struct vd_err *err) VD_MUSTCHECK;

/*
 * The text of a native file, after a look at what it includes, because
 * libconfig does not forgive a missing or odd one. Faults go into *config.
 */
bool vd_conf_native_text(struct vd_config *config, const char *path, const char *dir,
                         struct vd_text *to) VD_MUSTCHECK;

#endif
