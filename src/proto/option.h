/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The option table. One row says all there is to say about an option: its
 * names in the native file, the classic file, SENTINEL SET, CONFIG and DEBUG,
 * and what values it takes; every way in and out goes through the row. What an
 * option does is the core's; what the process's other settings are (port, log
 * file, ...) is in server_option.h.
 */
#ifndef VD_PROTO_OPTION_H
#define VD_PROTO_OPTION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "core/core.h"
#include "proto/words.h"

/*
 * `loglevel` is an option to CONFIG GET and SET, but none of the core's: a
 * setting of it (number: enum vd_log_level) must be handled by the shell and
 * never be put into an order.
 */
#define VD_OPT_LOG_LEVEL VD_OPT_COUNT

enum vd_option_kind {
    VD_KIND_COUNT,    /* a whole number */
    VD_KIND_DURATION, /* milliseconds; "3s" where units are taken */
    VD_KIND_SIZE,     /* bytes; "1mb" where units are taken */
    VD_KIND_BOOL,     /* yes, no */
    VD_KIND_CHOICE,   /* one of `choices`; the number is its place */
    VD_KIND_TEXT,
    VD_KIND_HOST,   /* text that is a literal or a name */
    VD_KIND_SECRET, /* text that is never shown */
    VD_KIND_SCRIPT, /* path of a program */
    VD_KIND_RENAME, /* a command and its new name; many */
};

/* Where a name is valid. */
enum vd_option_place {
    VD_IN_NATIVE,  /* vedette.cfg; '_' is as good as '-' */
    VD_IN_CLASSIC, /* "sentinel <name> ..." in sentinel.conf */
    VD_IN_SET,     /* SENTINEL SET */
    VD_IN_CONFIG,  /* SENTINEL CONFIG GET, SET */
    VD_IN_DEBUG,   /* SENTINEL DEBUG */
    VD_PLACE_COUNT,
};

struct vd_option_row {
    enum vd_option option; /* or VD_OPT_LOG_LEVEL */
    enum vd_option_kind kind;
    const char *names[VD_PLACE_COUNT]; /* NULL: not there */
    const char *alias;                 /* another name in CLASSIC and SET; NULL: none */
    int64_t min;                       /* numbers: both inclusive */
    int64_t max;
    const char *const *choices; /* NULL-terminated */
    bool units;                 /* takes units in SET and CLASSIC too, not being Sentinel's */
};

/* How values are written. */
enum vd_option_form {
    VD_FORM_PLAIN, /* whole numbers, durations in ms: Sentinel's commands, and saved state */
    VD_FORM_UNITS, /* durations and sizes carry a unit unless 0: the native file */
};

/* All rows: groups' options, then the process's in the order of enum vd_option, then loglevel. */
const struct vd_option_row *vd_option_rows(size_t *count);

/* The row of an option; never NULL. */
const struct vd_option_row *vd_option_row(enum vd_option option);

/* By a name, whatever its case; NULL: no such option there. */
const struct vd_option_row *vd_option_find(enum vd_option_place place, const char *name,
                                           size_t len);

/*
 * A value from its text. The setting borrows the bytes of `value` (and of
 * `value2`, which only a rename has; NULL otherwise). False with a reason that
 * goes behind the option's name ("must be 1 or more").
 */
bool vd_option_parse(const struct vd_option_row *row, enum vd_option_form form,
                     const struct vd_word *value, const struct vd_word *value2,
                     struct vd_setting *out, struct vd_err *err) VD_MUSTCHECK;

/*
 * The present value as text, as vd_option_read_* takes it back exactly: this
 * is how the saved image keeps it. Unset texts are empty; renames are quoted
 * words. Secrets are not masked.
 */
void vd_option_print_group(enum vd_option option, const struct vd_options *options,
                           struct vd_text *to);
void vd_option_print_global(enum vd_option option, const struct vd_globals *globals,
                            struct vd_text *to);

/* The way back: replaces the value (for renames all of them). False: not a value of this option. */
bool vd_option_read_group(enum vd_option option, const char *text, struct vd_options *options,
                          struct vd_err *err) VD_MUSTCHECK;
bool vd_option_read_global(enum vd_option option, const char *text, struct vd_globals *globals,
                           struct vd_err *err) VD_MUSTCHECK;

/* Commands ------------------------------------------------------------------ */

/* What SENTINEL SET must know of the world. */
struct vd_option_world {
    bool deny_scripts_reconfig;
    bool (*is_executable)(const char *path);
};

/*
 * SENTINEL SET: the option at words[*at] with its values; moves *at behind
 * them. `word` and `shown` are set for +set, secrets masked. False with the
 * whole error reply, code included.
 */
bool vd_option_set(const struct vd_word *words, size_t count, size_t *at,
                   const struct vd_option_world *world, struct vd_arena *arena,
                   struct vd_setting *out, struct vd_err *err) VD_MUSTCHECK;

/*
 * SENTINEL CONFIG SET: all name-value pairs or none. The settings live in the
 * arena. False with the whole error reply.
 */
bool vd_option_config_set(const struct vd_word *words, size_t count, struct vd_arena *arena,
                          const struct vd_setting **out, size_t *out_count,
                          struct vd_err *err) VD_MUSTCHECK;

/*
 * SENTINEL DEBUG: one pair at words[*at]; moves *at behind it. As Sentinel has
 * it, pairs before a bad one stay in force. False with the whole error reply.
 */
bool vd_option_debug(const struct vd_word *words, size_t count, size_t *at, struct vd_setting *out,
                     struct vd_err *err) VD_MUSTCHECK;

/* Durations and sizes ------------------------------------------------------- */

/* "500ms", "3s", "5m", "1h", "2d", or "0"; false when it is none of these or too large. */
bool vd_duration_parse(const char *text, size_t len, vd_ms *out) VD_MUSTCHECK;

/* "100", "1k", "1kb", "1m", "1mb", "1g", "1gb": Redis's units, k = 1000, kb = 1024. */
bool vd_size_parse(const char *text, size_t len, int64_t *out) VD_MUSTCHECK;

/* Of the names, the one most like `name`, or NULL when none is near. For "did you mean". */
const char *vd_name_nearest(const char *name, const char *const *names, size_t count);

#endif
