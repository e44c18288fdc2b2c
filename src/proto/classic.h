/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of conf_classic: a line on its way from the file to its meaning.
 * conf_classic.c reads lines and keeps Sentinel's order, classic_server.c
 * knows the server's directives, classic_sentinel.c the sentinel statements,
 * classic_remark.c what vedette has noted in comments.
 */
#ifndef VD_PROTO_CLASSIC_H
#define VD_PROTO_CLASSIC_H

#include "proto/conf_classic.h"
#include "proto/words.h"

/* A line that holds words; everything lives in the reader's arena. */
struct vd_classic_line {
    const char *file;
    unsigned number;
    const char *text; /* trimmed */
    struct vd_words words;
    bool included; /* not of the file itself */
    bool remark;   /* a comment of vedette's, "sentinel" put before its words; never a fault */
};

/* Lines that wait for their turn. */
struct vd_classic_queue {
    struct vd_classic_line *list;
    size_t count;
};

struct vd_classic {
    struct vd_config *config;
    const struct vd_classic_world *world;
    struct vd_arena arena;
    const char *main;                   /* the file itself, no include; NULL: none */
    unsigned depth;                     /* of includes */
    struct vd_classic_queue statements; /* sentinel statements, in the order of the files */
    struct vd_classic_queue remarks;
    struct vd_text idle; /* directives that were taken and do nothing, to be told at the end */
};

/* A fault of the line, its secret masked, or a warning if it is a remark; false, to be returned. */
bool vd_classic_fault(struct vd_classic *classic, const struct vd_classic_line *line,
                      const char *reason, const char *remedy);

/* A path as it is seen from `dir`; lives in the arena. */
const char *vd_classic_path(struct vd_classic *classic, const char *path);

/* A directive other than include and sentinel, applied. */
void vd_classic_directive(struct vd_classic *classic, const struct vd_classic_line *line);

/* A line `user NAME RULES`, kept until all was read. */
void vd_classic_add_user(struct vd_classic *classic, const struct vd_classic_line *line);

/* The queued statements, in Sentinel's three passes. */
void vd_classic_statements(struct vd_classic *classic);

/* A remark's option, as if it were a statement. False: there is no such option. */
bool vd_classic_option(struct vd_classic *classic, const struct vd_classic_line *line);

/* The remarks, when all else is known. */
void vd_classic_remarks(struct vd_classic *classic);

/* The id in a word: 40 characters that travel well in a hello. */
bool vd_classic_read_id(const struct vd_word *word, struct vd_id *out);

#endif
