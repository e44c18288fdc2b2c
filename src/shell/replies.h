/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies: the bytes of a server, by hiredis's reader, made into values of
 * proto/answer.h. hiredis's own connections are not used: they trust the
 * server (a reply that was not asked for ends the process), build a reply out
 * of as many elements as it claims, and cost three system calls a command.
 */
#ifndef VD_SHELL_REPLIES_H
#define VD_SHELL_REPLIES_H

#include <hiredis/read.h>

#include "proto/answer.h"

#define VD_REPLY_BYTES_MAX ((size_t)1024 * 1024)
#define VD_REPLY_ELEMENTS_MAX 16384U

/* What all links of a loop share, as a value only lives until the next. A zeroed one is ready. */
struct vd_reply_scratch {
    struct vd_arena arena;
    redisReader *reader; /* NULL: somebody has it, or none was needed yet */
};

struct vd_replies {
    redisReader *reader; /* while a reply is half read, else NULL */
    struct vd_reply_scratch *scratch;
    struct vd_arena arena; /* of a reply that is not whole yet, else empty */
    size_t made;           /* elements of it */
};

void vd_replies_init(struct vd_replies *replies, struct vd_reply_scratch *scratch);
void vd_replies_free(struct vd_replies *replies);
/* When no link uses it any more. */
void vd_reply_scratch_free(struct vd_reply_scratch *scratch);

/* Bytes that came in. False with a reason: the link is to be dropped. */
bool vd_replies_feed(struct vd_replies *replies, const char *bytes, size_t len,
                     const char **why) VD_MUSTCHECK;

/*
 * The next whole reply, valid until the next call, with an arena for what is
 * made from it; NULL: none yet. *why is set when the link is to be dropped.
 */
const struct vd_value *vd_replies_next(struct vd_replies *replies, const char **why);

/* The memory of the reply that vd_replies_next gave. */
struct vd_arena *vd_replies_arena(struct vd_replies *replies);

#endif
