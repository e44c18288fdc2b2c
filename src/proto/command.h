/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command table: one row says all about a command: name, arity, flags,
 * ACL categories, documentation and who runs it. COMMAND, HELP, unknown
 * command and arity errors are answered from it.
 */
#ifndef VD_PROTO_COMMAND_H
#define VD_PROTO_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/resp.h"
#include "proto/words.h"

struct vd_call;
typedef void vd_command_run(struct vd_call *call);

enum vd_command_flag {
    VD_CMD_ADMIN = 1 << 0,
    VD_CMD_PUBSUB = 1 << 1,
    VD_CMD_NOSCRIPT = 1 << 2,
    VD_CMD_LOADING = 1 << 3,
    VD_CMD_STALE = 1 << 4,
    VD_CMD_FAST = 1 << 5,
    VD_CMD_NO_AUTH = 1 << 6, /* may be called before authentication */
    VD_CMD_ALLOW_BUSY = 1 << 7,
    VD_CMD_NO_MULTI = 1 << 8,
    /* Not shown in COMMAND INFO: */
    VD_CMD_SUBSCRIBED = 1 << 9, /* may be called in RESP2 with subscriptions */
    VD_CMD_HIDDEN = 1 << 10,    /* not told of by COMMAND: no sentinel has it */
    VD_CMD_CHANNEL = 1 << 11,   /* its first argument is a channel */
    VD_CMD_CHANNELS = 1 << 12,  /* all its arguments are */
    VD_CMD_PATTERNS = 1 << 13,  /* all its arguments are patterns of channels */
};

enum vd_command_category {
    VD_CAT_ADMIN = 1 << 0,
    VD_CAT_FAST = 1 << 1,
    VD_CAT_SLOW = 1 << 2,
    VD_CAT_DANGEROUS = 1 << 3,
    VD_CAT_CONNECTION = 1 << 4,
    VD_CAT_PUBSUB = 1 << 5,
    VD_CAT_ABSENT = 1 << 6, /* any that Redis has and no command here is in: keyspace, write... */
};

/* More than there are commands and subcommands; a multiple of 64. */
#define VD_COMMAND_IDS 128U

struct vd_command {
    const char *name; /* lower case; of a subcommand without its command's */
    int arity;        /* words, the command's included; negative: at least */
    unsigned flags;
    unsigned categories;
    vd_command_run *run; /* NULL: only the subcommands run */
    const char *usage;   /* arguments, for HELP: "<name> [arg ...]"; "" none */
    const char *summary;
    const char *since;       /* the Redis version that had it first */
    const char *complexity;  /* NULL: O(1); "": not told */
    const char *const *tips; /* NULL-terminated; NULL: none */
    const char *group;       /* of a command: "connection"; NULL in its subcommands */
    const struct vd_command *subs;
    size_t sub_count;
};

/* All commands, in the order of COMMAND LIST. */
const struct vd_command *vd_commands(size_t *count);

/* By name, whatever its case; NULL: unknown. */
const struct vd_command *vd_command_find(const struct vd_word *name);
const struct vd_command *vd_command_find_sub(const struct vd_command *command,
                                             const struct vd_word *name);

/* Does a request of that many words fit the row's arity? */
bool vd_command_fits(const struct vd_command *command, size_t words);

/* A number below VD_COMMAND_IDS for each command and subcommand, the same while the process lives.
 */
unsigned vd_command_id(const struct vd_command *parent, const struct vd_command *command);

/* Append "info" or "client|list"; `parent` is NULL for a command. */
void vd_command_put_name(const struct vd_command *parent, const struct vd_command *command,
                         struct vd_text *to);

/* An ACL category by its name without '@', whatever its case; 0: unknown. */
unsigned vd_command_category_find(const char *name, size_t len);

/* The names of the commands in these categories, as an array. */
void vd_command_render_category(struct vd_call *call, unsigned wanted);

/* All categories by name, in the order of ACL CAT. */
const char *const *vd_command_categories(size_t *count);

#endif
