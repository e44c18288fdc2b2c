/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What COMMAND DOCS tells beyond the command table: the arguments of each
 * command one by one, from which clients make hints, what changed in which
 * release, and what has replaced it. Constant data; nothing is parsed by it.
 */
#ifndef VD_PROTO_COMMAND_DETAILS_H
#define VD_PROTO_COMMAND_DETAILS_H

struct vd_command;

enum vd_argument_flag {
    VD_ARG_OPTIONAL = 1 << 0,
    VD_ARG_MULTIPLE = 1 << 1,
    VD_ARG_MULTIPLE_TOKEN = 1 << 2, /* with the token before each */
};

/* Lists of it end with one without a name. */
struct vd_argument {
    const char *name;
    const char *type;  /* as COMMAND DOCS has it: "string", "integer", "oneof", "block"... */
    const char *token; /* the word before it, or itself if "pure-token"; NULL: none */
    const char *since; /* the release that had it first; NULL: as old as the command */
    const char *deprecated_since;     /* NULL: is not */
    unsigned flags;                   /* of enum vd_argument_flag */
    const struct vd_argument *inside; /* of "oneof" and "block" */
};

/* Lists of it end with one without a release. */
struct vd_command_change {
    const char *since;
    const char *what;
};

struct vd_command_details {
    const char *name;                        /* in full: "client|list" or "info" */
    const struct vd_argument *arguments;     /* NULL: none */
    const struct vd_command_change *history; /* NULL: none */
    const char *deprecated_since;            /* NULL: is not */
    const char *replaced_by;                 /* NULL: by nothing */
};

/* Of a command (`parent` NULL) or subcommand; NULL: there is nothing to tell. */
const struct vd_command_details *vd_command_details(const struct vd_command *parent,
                                                    const struct vd_command *command);

/* All that there are, ended by one without a name. */
const struct vd_command_details *vd_command_details_all(void);

#endif
