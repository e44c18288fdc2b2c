/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reader: requests out of a client's bytes, arrays of bulk strings or inline
 * words, with the limits and the protocol errors of Redis (PROTOCOL 4.2).
 * Incremental and without copies: the words of an array are pieces of the
 * input. It reads no socket and keeps no input; where it stopped is all it
 * remembers.
 */
#ifndef VD_PROTO_READER_H
#define VD_PROTO_READER_H

#include "proto/words.h"

#define VD_READER_INLINE_MAX ((size_t)64 * 1024)
#define VD_READER_BULK_MAX ((int64_t)512 * 1024 * 1024)
/* Of a client that has not authenticated. */
#define VD_READER_STRANGER_WORDS 10
#define VD_READER_STRANGER_BULK 16384
#define VD_READER_STRANGER_INPUT ((size_t)1024 * 1024)

struct vd_reader_span;

struct vd_reader {
    struct vd_word *words; /* the request, once it is whole; a NUL stands behind each */
    size_t count;
    size_t used;    /* bytes of the input that the request took */
    char error[64]; /* with VD_READ_BROKEN: "Protocol error: ..." */
    /* Private from here. */
    struct vd_reader_span *spans;
    size_t room;
    size_t at;             /* where reading goes on */
    size_t scanned;        /* no line end before this */
    int64_t left;          /* words still to come; -1: the count is not read yet */
    int64_t bulk;          /* length of the one that is being read; -1: not read yet */
    struct vd_arena arena; /* words of inline requests */
};

enum vd_read {
    VD_READ_MORE,    /* no whole request yet */
    VD_READ_REQUEST, /* words, count, used */
    VD_READ_BROKEN,  /* error; the connection is to be closed */
};

void vd_reader_init(struct vd_reader *reader);
void vd_reader_free(struct vd_reader *reader);

/*
 * Read on. `bytes` is all unused input, beginning with the request that is
 * being read: after VD_READ_MORE call again with the same bytes and more
 * behind them, wherever they lie now; after VD_READ_REQUEST drop `used` bytes
 * and call again. Empty requests are skipped: they come as VD_READ_REQUEST of
 * 0 words. The input is changed: line ends behind words become NUL.
 * `stranger`: the client has yet to authenticate.
 */
enum vd_read vd_reader_next(struct vd_reader *reader, char *bytes, size_t len, bool stranger);

/* Is a request begun and not whole, so that the reader must be kept? */
bool vd_reader_is_amid(const struct vd_reader *reader);

#endif
