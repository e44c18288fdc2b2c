/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a sentinel.conf must hold: an image as a list of wanted lines. Each has
 * a slot, which says whose place it takes among the lines that are there; where
 * the lines are put is classic_write.c's.
 */
#ifndef VD_PROTO_CLASSIC_WANT_H
#define VD_PROTO_CLASSIC_WANT_H

#include "base/arena.h"
#include "core/core.h"
#include "proto/words.h"

/* What begins a remark: a line that is a comment to Sentinel, and a statement to vedette. */
#define VD_CLASSIC_REMARK "# vedette: "

struct vd_classic_want {
    const char *slot; /* "sentinel monitor NAME", "# vedette: vote NAME" */
    const char *line; /* begins with the slot */
    /*
     * For what Sentinel does not know: the slot and the remark that hold it
     * where nobody has written it as a line; NULL: Sentinel's own.
     */
    const char *remark_slot;
    const char *remark;
    bool optional; /* a default: only in the place of a line that is there */
};

struct vd_classic_wants {
    struct vd_classic_want *list;
    size_t count;
    size_t room;
    struct vd_arena *arena; /* texts, borrowed */
};

/* All that the image says, in Sentinel's order. `unsound` as vd_store_set_unsound has it. */
void vd_classic_want_image(struct vd_classic_wants *wants, const struct vd_image *image,
                           bool unsound);

/* A line as it stands, such as "port 26380". */
void vd_classic_want_line(struct vd_classic_wants *wants, const char *slot, const char *line);

void vd_classic_wants_free(struct vd_classic_wants *wants);

/* A directive of the server that only vedette knows. */
bool vd_classic_is_own_directive(const struct vd_word *name);

/* A statement, by the name that vd_classic_statement_name gives, that only vedette knows. */
bool vd_classic_is_own_statement(const char *name);

/*
 * The name under which a statement is written ("known-replica" for
 * known-slave), and whether the name of a group follows it; NULL: there is no
 * such statement. The second is for remarks, which have options as well.
 */
const char *vd_classic_statement_name(const char *name, size_t len, bool *of_group);
const char *vd_classic_remark_name(const char *name, size_t len, bool *of_group);

#endif
