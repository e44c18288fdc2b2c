/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLS keys: certificates, keys and rules as OpenSSL contexts, one for those
 * who come in and one for going out, made of the files that are configured.
 * They never change: new files make new keys, and streams that are open keep
 * those they began with.
 */
#ifndef VD_SHELL_TLS_KEYS_H
#define VD_SHELL_TLS_KEYS_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/text.h"
#include "proto/config.h"

struct vd_tls_keys {
    unsigned holders;
    SSL_CTX *incoming; /* NULL: tls-port is 0 */
    SSL_CTX *outgoing; /* NULL: no links use TLS */
    bool verify_names;
    /* For messages, which must name the file: */
    char *incoming_cert; /* ours */
    char *outgoing_cert; /* "" : none */
    char *authorities;   /* tls-ca-cert-file or -dir; "": none */
};

/* Is any TLS configured at all? */
bool vd_tls_is_wanted(const struct vd_tls_options *options);

/*
 * Read and check the files. NULL with setting, file and remedy when they are
 * of no use. What is odd but usable (an own certificate that has expired, or
 * soon will) is appended to `warnings`, a line each; *expired tells whether
 * one has.
 */
struct vd_tls_keys *vd_tls_keys_load(const struct vd_tls_options *options, struct vd_text *warnings,
                                     bool *expired, struct vd_err *err) VD_MUSTCHECK;

/* Each holder releases them once; the one who loaded them is the first. NULL is fine. */
struct vd_tls_keys *vd_tls_keys_hold(struct vd_tls_keys *keys);
void vd_tls_keys_release(struct vd_tls_keys *keys);

/* Tell the server whom we mean, for it may be several; with `verify` its certificate must be for
 * that host, a name or an IP address. */
bool vd_tls_name_peer(SSL *ssl, const char *host, bool verify) VD_MUSTCHECK;

/* The newest of OpenSSL's reasons, and nothing left behind; "no reason given" where there is none.
 * Valid until the next call. */
const char *vd_tls_reason(void);

#endif
