/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams inside TLS: what stream.c and tls.c share with stream_tls.c; nobody
 * else includes this. OpenSSL reads and writes the socket; this is the clerk
 * who knows what it waits for, because it may have read more than it has told,
 * may have to write in order to read, and the other way round.
 */
#ifndef VD_SHELL_STREAM_TLS_H
#define VD_SHELL_STREAM_TLS_H

#include "shell/handshakes.h"
#include "shell/stream.h"
#include "shell/tls_keys.h"

/* `name` NULL: incoming. The keys are held for as long as the stream lives. */
void vd_stream_begin_tls(struct vd_stream *stream, struct vd_handshakes *handshakes,
                         struct vd_tls_keys *keys, const char *name);
void vd_stream_tls_free(struct vd_stream *stream);

/* The socket has input or room. */
void vd_stream_tls_input(struct vd_stream *stream);
void vd_stream_tls_output(struct vd_stream *stream);

/* As vd_stream_read and vd_stream_write. errno EPROTO: see vd_stream_tls_why. */
ssize_t vd_stream_tls_read(struct vd_stream *stream, void *to, size_t size);
ssize_t vd_stream_tls_write(struct vd_stream *stream, const void *bytes, size_t len);

/* Has the handshake ended well? */
bool vd_stream_tls_is_open(const struct vd_stream *stream);

/* The user awaits room or holds input, or does so no longer. */
void vd_stream_tls_watch(struct vd_stream *stream);

/* What has broken it. */
const char *vd_stream_tls_why(const struct vd_stream *stream);

#endif
