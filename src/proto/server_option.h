/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of what the process itself needs (struct vd_server_options): one
 * row a setting, for both file formats. Settings that the core acts on are in
 * option.h.
 */
#ifndef VD_PROTO_SERVER_OPTION_H
#define VD_PROTO_SERVER_OPTION_H

#include "base/err.h"
#include "proto/command.h"
#include "proto/config.h"
#include "proto/option.h"

enum vd_server_kind {
    VD_SERVER_INT,     /* int, unsigned or uint16_t, by `size` */
    VD_SERVER_OCTAL,   /* unsigned, a file mode */
    VD_SERVER_SECONDS, /* int of seconds or vd_ms, by `size`; whole seconds in the classic file */
    VD_SERVER_BYTES,   /* size_t */
    VD_SERVER_BOOL,    /* or a struct of nothing but bools, all set at once */
    VD_SERVER_CHOICE,  /* an enum by the place in `choices`; a bool: not the first of them */
    VD_SERVER_TEXT,    /* with `choices`: one of them */
    VD_SERVER_PATH,    /* text: a file or directory; relative ones begin at `dir` */
    VD_SERVER_IP,      /* text: an IP address */
    VD_SERVER_SECRET,  /* text */
    VD_SERVER_VERSION, /* text: numbers and dots */
    VD_SERVER_LIST,    /* bind: addresses */
    VD_SERVER_LIMITS,  /* client-output-buffer-limit: class, hard, soft, seconds, repeated */
};

struct vd_server_row {
    const char *classic; /* NULL: not there */
    const char *native;  /* NULL: not there */
    enum vd_server_kind kind;
    size_t offset; /* in struct vd_server_options */
    size_t size;   /* of the field */
    int64_t min;
    int64_t max;
    const char *const *choices; /* NULL-terminated; the place is the value */
};

const struct vd_server_row *vd_server_rows(size_t *count);

/* By its name in the native (VD_IN_NATIVE) or the classic file; NULL: no such setting. */
const struct vd_server_row *vd_server_find(enum vd_option_place place, const char *name,
                                           size_t len);

/*
 * Put values into the field. False with a reason in Redis's words ("argument
 * must be between 0 and 65535 inclusive"); the field is then as it was.
 */
bool vd_server_set(struct vd_server_options *server, const struct vd_server_row *row,
                   enum vd_option_form form, const struct vd_word *values, size_t count,
                   struct vd_err *err) VD_MUSTCHECK;

/*
 * The value as it stands in a classic file, a blank before each word:
 * vd_server_set takes it back. Nothing: it is unset, and so is its line.
 * Secrets are not masked.
 */
void vd_server_print(const struct vd_server_options *server, const struct vd_server_row *row,
                     struct vd_text *to);

/*
 * rename-command: the command a client means by this name; NULL: none. And one
 * more of them: `to` empty takes the command away.
 */
const struct vd_command *vd_server_find_command(const struct vd_server_options *server,
                                                const struct vd_word *name);
void vd_server_rename(struct vd_server_options *server, const struct vd_word *from,
                      const struct vd_word *to);

#endif
