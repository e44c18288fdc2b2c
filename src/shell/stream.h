/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stream: a connected socket as links and clients use it, plain or inside TLS.
 * It carries bytes and says when there may be more; what they mean, how much
 * is buffered and how long to wait for anything belongs to its user.
 *
 * A plain stream is a socket and two watchers, and costs one system call for
 * each call. What TLS adds is in stream_tls.c.
 */
#ifndef VD_SHELL_STREAM_H
#define VD_SHELL_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ev.h>

#include "core/core.h"

struct vd_tls_session;

/* Called from the loop only. Each of them may close the stream. */
struct vd_stream_calls {
    /* There may be input: read until there is none, or be called again. */
    void (*readable)(void *self);
    /* There is room again; only while vd_stream_await_room holds. */
    void (*writable)(void *self);
    /* TLS only: the handshake has ended well, and until now nothing could be read or written. */
    void (*opened)(void *self);
    /* TLS only: there will be no TLS. `why` says what is wrong with the other end and what helps;
     * NULL: it went away. */
    void (*failed)(void *self, enum vd_down_reason reason, const char *why);
};

/* Filled in by vd_stream_open; its address must not change until it is closed. */
struct vd_stream {
    struct ev_loop *loop;
    int fd; /* -1: not open */
    bool awaits_room;
    bool held; /* input is left where it is */
    ev_io input;
    ev_io output;
    const struct vd_stream_calls *calls;
    void *self;
    struct vd_tls_session *tls; /* NULL: plain */
};

/* Over a connected, non-blocking socket, which is the stream's from now on. Input is awaited. */
void vd_stream_open(struct vd_stream *stream, struct ev_loop *loop, int fd,
                    const struct vd_stream_calls *calls, void *self);

/* Nothing is called any more. A stream that is not open is fine. */
void vd_stream_close(struct vd_stream *stream);

/*
 * Up to `size` bytes. 0: the other end has closed its side. -1: errno is EAGAIN
 * when there are none at present, else what has broken the stream.
 */
ssize_t vd_stream_read(struct vd_stream *stream, void *to, size_t size);

/*
 * How many of these bytes were taken. -1: errno is EAGAIN when there is no room
 * at all, else what has broken the stream. Bytes that were offered and not
 * taken must be offered again before any others.
 */
ssize_t vd_stream_write(struct vd_stream *stream, const void *bytes, size_t len);

/* Bytes that all streams of the process have taken to send, without what TLS adds. */
uint64_t vd_stream_sent(void);

/* What the errno of a read or a write means, in words and for a link. */
const char *vd_stream_why(const struct vd_stream *stream, int error);
enum vd_down_reason vd_stream_reason(int error);

/* Is it amid a TLS handshake? */
bool vd_stream_is_shaking(const struct vd_stream *stream);

/* Whether `writable` is to be called when there is room. */
void vd_stream_await_room(struct vd_stream *stream, bool wanted);

/* Leave input with the kernel, so that it holds the sender back; or take it again. */
void vd_stream_hold(struct vd_stream *stream, bool held);

#endif
