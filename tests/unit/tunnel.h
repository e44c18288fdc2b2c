/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnel: a stream and its far end, which speaks TLS by OpenSSL alone, for unit
 * tests of shell/stream and shell/tls. The stream's user keeps what it hears.
 */
#ifndef VD_TESTS_TUNNEL_H
#define VD_TESTS_TUNNEL_H

#include <check.h>

#include <openssl/ssl.h>

#include "base/text.h"
#include "scratch.h"
#include "shell/tls.h"

struct tunnel {
    struct ev_loop *loop;
    struct vd_tls *tls;
    struct vd_stream stream;
    int far; /* the other end's socket; -1: closed by the test */
    SSL_CTX *far_context;
    SSL *far_ssl; /* NULL before tunnel_begin */
    struct {      /* what the stream's user has heard, and says */
        struct vd_text in;
        size_t piece; /* read so many bytes at a time, once a call; 0: all there is */
        bool opened;
        bool failed;
        bool ended; /* read 0 */
        int error;
        enum vd_down_reason reason;
        char why[512];
        const char *out; /* to be written, with room awaited */
        size_t out_len;
    } user;
};

/* Anew, in plain text, for every test of such a case. */
extern struct tunnel tunnel;
TCase *tunnel_case(const char *name);

/* Certificate and key of both ends: for localhost and 127.0.0.1, signed by itself. */
extern char tunnel_keys[SCRATCH_SIZE];

/* The far end speaks TLS: as a client, or as a server. */
void tunnel_begin(bool server);
/* ... and has said hello, as a client, to our server. */
void tunnel_accept(void);

/* Turn the loop; `pump`, if any, moves the far end along. */
void tunnel_turn(unsigned times, void (*pump)(void));
/* ... until the condition holds: in ten seconds, or the test has failed. */
void tunnel_turn_until(bool (*is_met)(void), void (*pump)(void));

/* Conditions, of the stream's user, and the pump of a handshake. */
bool tunnel_is_open(void);
bool tunnel_has_failed(void);
bool tunnel_has_ended(void);
void tunnel_shake(void);

/* As the stream calls its user: take what has come; say more of user.out. */
void tunnel_read(void *self);
void tunnel_write(void *self);

#endif
