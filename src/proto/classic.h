/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of conf_classic: a line on its way from the file to its meaning.
 * conf_classic.c reads lines and keeps Sentinel's order, classic_server.c
 * knows the server's directives, classic_sentinel.c the sentinel statements.
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
};

struct vd_classic {
    struct vd_config *config;
    const struct vd_classic_world *world;
    struct vd_arena arena;
    unsigned depth;                /* of includes */
    struct vd_classic_line *queue; /* sentinel statements, in the order of the files */
    size_t queue_count;
    const struct vd_classic_line *user; /* the line of user default */
};

/* A fault of the line, its secret masked; false, to be returned. */
bool vd_classic_fault(struct vd_classic *classic, const struct vd_classic_line *line,
                      const char *reason, const char *remedy);

/* A path as it is seen from `dir`; lives in the arena. */
const char *vd_classic_path(struct vd_classic *classic, const char *path);

/* A directive other than include and sentinel, applied. */
void vd_classic_directive(struct vd_classic *classic, const struct vd_classic_line *line);

/* What only the whole of the directives tells; after the last of them. */
void vd_classic_directives_end(struct vd_classic *classic);

/* The queued statements, in Sentinel's three passes. */
void vd_classic_statements(struct vd_classic *classic);

#endif
