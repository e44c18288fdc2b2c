/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLS of the process: the keys in force, which can be replaced while it runs,
 * and the queue of handshakes. Streams are put into TLS here; how they then
 * read and write is in stream_tls.c.
 */
#ifndef VD_SHELL_TLS_H
#define VD_SHELL_TLS_H

#include "base/err.h"
#include "shell/handshakes.h"
#include "shell/stream.h"
#include "shell/tls_keys.h"

struct vd_tls {
    struct vd_handshakes handshakes;
    struct vd_tls_keys *keys; /* NULL: no TLS */
};

/* Without keys: everything is plain. */
struct vd_tls *vd_tls_new(struct ev_loop *loop);
/* All streams must have been closed. NULL is fine. */
void vd_tls_free(struct vd_tls *tls);

/*
 * Take the keys that these options name for streams from now on, or none if
 * they want none. False with the reason when the files are of no use, or when
 * a certificate that has expired would take the place of a good one: the keys
 * in force then stay. What is odd about the new ones (tls_keys.h) is appended
 * to `warnings`, NULL: not told.
 */
bool vd_tls_load(struct vd_tls *tls, const struct vd_tls_options *options, struct vd_text *warnings,
                 struct vd_err *err) VD_MUSTCHECK;

/* Whole seconds until our own certificate expires; false: there is none. */
bool vd_tls_expires_in_s(const struct vd_tls *tls, int64_t *seconds);

/*
 * A stream that was just opened goes into TLS: `opened` is called when it may
 * be used, or `failed`. Incoming ones have 10 s for it; how long to wait for
 * an outgoing one is its user's to decide. `name`, an IP address or a host
 * name, is who we mean to speak to. False: there are no keys for this.
 */
bool vd_tls_accept(struct vd_tls *tls, struct vd_stream *stream) VD_MUSTCHECK;
bool vd_tls_connect(struct vd_tls *tls, struct vd_stream *stream, const char *name) VD_MUSTCHECK;

#endif
