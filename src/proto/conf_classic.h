/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sentinel.conf, and the command line, whose options are lines of the same
 * language. Statements are applied in Sentinel's order; what cannot be
 * honoured is refused rather than ignored. Text only: opening files is the
 * caller's, by the functions of struct vd_classic_world.
 */
#ifndef VD_PROTO_CONF_CLASSIC_H
#define VD_PROTO_CONF_CLASSIC_H

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "proto/config.h"

struct vd_classic_world {
    void *self;
    /* The whole file; "-" is standard input. False with "No such file or directory" or the like. */
    bool (*read)(void *self, const char *path, struct vd_text *to, struct vd_err *err);
    /* Paths that match the glob, sorted, in the arena; none is no error. */
    size_t (*expand)(void *self, const char *pattern, struct vd_arena *arena,
                     const char *const **paths);
    /* Can the path be the working directory? False with the reason. */
    bool (*is_directory)(void *self, const char *path, struct vd_err *err);
    /* May the path be executed? Relative paths have been put behind `dir`. */
    bool (*is_executable)(void *self, const char *path);
};

/* What to read, in this order; each may be missing. */
struct vd_classic_input {
    const char *path;
    bool standard_input;
    const char *const *lines; /* of the command line */
    size_t line_count;
};

/*
 * Read everything into the configuration, on top of what it holds. All faults
 * are put into config->faults, and what an operator might miss into
 * config->warnings; true when no fault was found.
 */
bool vd_conf_classic_read(struct vd_config *config, const struct vd_classic_input *input,
                          const struct vd_classic_world *world) VD_MUSTCHECK;

/*
 * Arguments of a program (without its name) into an input: a first argument
 * not starting with '-' is the path, a lone '-' first or last is standard
 * input, `--name value ...` is a line, a bare `--sentinel` nothing. Lines live in the arena.
 * False when an argument belongs to no option.
 */
bool vd_classic_arguments(size_t count, const char *const *arguments, struct vd_arena *arena,
                          struct vd_classic_input *out, struct vd_err *err) VD_MUSTCHECK;

#endif
