/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams inside TLS: see stream_tls.h. A session waits for its first byte
 * (incoming), shakes hands step by step when its turn comes, is open, and may
 * break. Which watchers run follows from that in one place: watch().
 *
 * After the handshake OpenSSL crosses directions rarely, for updates of keys
 * (renegotiation is refused); it is all the same treated as possible at any
 * time.
 */
#include "shell/stream_tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "shell/tls_cert.h"
#include "shell/tls_reason.h"

/* OpenSSL asks the kernel for a record at a time: behind half of the longest there may be another.
 */
#define MORE_LIKELY 8192U
#define INCOMING_S 10
#define RECORD_HANDSHAKE 0x16 /* first byte of everybody who begins a handshake */

struct vd_tls_session {
    struct vd_handshake shake; /* first: it is found by this */
    struct vd_handshakes *handshakes;
    struct vd_stream *stream;
    struct vd_tls_keys *keys;
    SSL *ssl;   /* NULL: nothing has been said yet */
    char *name; /* whom we mean to speak to; NULL: incoming */
    bool open;
    int error;           /* errno that has broken it; 0: it works */
    bool step_wants_in;  /* the handshake waits for input ... */
    bool step_wants_out; /* ... or for room */
    bool read_wants_out; /* reading cannot go on before there is room */
    bool write_wants_in; /* writing cannot go on before there is input */
    bool has_more;       /* OpenSSL has taken input that it has not told of */
    ev_idle again;       /* active while that should be read */
    ev_timer deadline;
    int fault; /* of the other's certificate: the first that was found */
    X509 *fault_cert;
    struct vd_text why;
};

/* What is waited for ------------------------------------------------------------------- */

static void set_io(struct ev_loop *loop, ev_io *io, bool on)
{
    if (on)
        ev_io_start(loop, io);
    else
        ev_io_stop(loop, io);
}

static void watch(struct vd_tls_session *session)
{
    struct vd_stream *stream = session->stream;
    bool in = session->step_wants_in;
    bool out = session->step_wants_out;

    if (session->open) {
        in = !stream->held || session->write_wants_in;
        out = (stream->awaits_room && !session->write_wants_in) ||
              (session->read_wants_out && !stream->held);
    }
    set_io(stream->loop, &stream->input, in);
    set_io(stream->loop, &stream->output, out);
    if (session->open && session->has_more && !stream->held)
        ev_idle_start(stream->loop, &session->again);
    else
        ev_idle_stop(stream->loop, &session->again);
}

bool vd_stream_tls_is_open(const struct vd_stream *stream)
{
    return stream->tls->open;
}

void vd_stream_tls_watch(struct vd_stream *stream)
{
    watch(stream->tls);
}

void vd_stream_tls_input(struct vd_stream *stream)
{
    struct vd_tls_session *session = stream->tls;

    if (!session->open) {
        session->step_wants_in = session->step_wants_out = false;
        watch(session);
        vd_handshakes_want(session->handshakes, &session->shake);
        return;
    }
    if (session->write_wants_in) {
        session->write_wants_in = false;
        watch(session);
        /* Room may be gone again, and then that is waited for; the other call may end us. */
        ev_feed_event(stream->loop, &stream->output, EV_WRITE);
    }
    if (!stream->held)
        stream->calls->readable(stream->self);
}

void vd_stream_tls_output(struct vd_stream *stream)
{
    struct vd_tls_session *session = stream->tls;

    if (!session->open) {
        vd_stream_tls_input(stream);
        return;
    }
    if (session->read_wants_out) {
        session->read_wants_out = false;
        session->has_more = true;
        watch(session);
    }
    if (stream->awaits_room)
        stream->calls->writable(stream->self);
}

static void on_again(struct ev_loop *loop, ev_idle *again, int events)
{
    struct vd_stream *stream = again->data;

    /* As of a socket that is readable, there is no end of this before it is read or held. */
    (void)loop;
    (void)events;
    stream->calls->readable(stream->self);
}

/* Ends --------------------------------------------------------------------------------- */

const char *vd_stream_tls_why(const struct vd_stream *stream)
{
    return vd_text_cstr(&stream->tls->why);
}

/* What SSL_get_error says has broken it: an errno, with the words in `why` if that is EPROTO. */
static void note_broken(struct vd_tls_session *session, int ssl_error, int error)
{
    struct vd_tls_keys *keys = session->keys;
    const struct vd_tls_fault fault = {.error = session->fault,
                                       .cert = session->fault_cert,
                                       .name = session->name,
                                       .authorities = keys->authorities};

    session->error = error == 0 ? ECONNRESET : error;
    if (ssl_error != SSL_ERROR_SSL)
        return;
    session->error = EPROTO;
    if (session->fault != X509_V_OK)
        vd_tls_cert_explain(&fault, &session->why);
    else
        vd_tls_explain(session->name == NULL,
                       session->name == NULL ? keys->incoming_cert : keys->outgoing_cert,
                       ERR_peek_error(), &session->why);
    ERR_clear_error();
}

/* The handshake has come to nothing. The stream's user ends the stream. */
static void fail(struct vd_tls_session *session, enum vd_down_reason reason, const char *why)
{
    struct vd_stream *stream = session->stream;

    if (session->error == 0)
        session->error = ECONNRESET;
    vd_handshakes_leave(session->handshakes, &session->shake);
    ev_timer_stop(stream->loop, &session->deadline);
    session->step_wants_in = session->step_wants_out = false;
    watch(session);
    stream->calls->failed(stream->self, reason, why);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_tls_session *session = timer->data;

    (void)loop;
    (void)events;
    /* Who says nothing at all is a scanner or a balancer's check, and not worth a warning. */
    fail(session, VD_DOWN_TIMEOUT,
         session->ssl == NULL ? NULL : "it does not end its TLS handshake within 10 s");
}

void vd_stream_tls_free(struct vd_stream *stream)
{
    struct vd_tls_session *session = stream->tls;

    vd_handshakes_leave(session->handshakes, &session->shake);
    ev_idle_stop(stream->loop, &session->again);
    ev_timer_stop(stream->loop, &session->deadline);
    if (session->open && session->error == 0) {
        ERR_clear_error();
        (void)SSL_shutdown(session->ssl); /* our goodbye; the other's is not waited for */
    }
    SSL_free(session->ssl);
    X509_free(session->fault_cert);
    vd_tls_keys_release(session->keys);
    vd_text_free(&session->why);
    vd_free(session->name);
    vd_free(session);
    stream->tls = NULL;
}

/* Handshake ------------------------------------------------------------------------------ */

/* Notes the first fault, so that it can be told; OpenSSL's judgement stands. */
static int on_verified(int good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct vd_tls_session *session = SSL_get_app_data(ssl);

    if (good == 0 && session->fault == X509_V_OK) {
        session->fault = X509_STORE_CTX_get_error(store);
        session->fault_cert = X509_STORE_CTX_get_current_cert(store);
        if (session->fault_cert != NULL && X509_up_ref(session->fault_cert) != 1)
            session->fault_cert = NULL;
    }
    return good;
}

static bool make_ssl(struct vd_tls_session *session)
{
    bool incoming = session->name == NULL;

    ERR_clear_error();
    session->ssl = SSL_new(incoming ? session->keys->incoming : session->keys->outgoing);
    if (session->ssl == NULL || SSL_set_fd(session->ssl, session->stream->fd) != 1)
        return false;
    SSL_set_app_data(session->ssl, session);
    SSL_set_verify(session->ssl, SSL_get_verify_mode(session->ssl), on_verified);
    if (incoming)
        SSL_set_accept_state(session->ssl);
    else
        SSL_set_connect_state(session->ssl);
    return incoming || vd_tls_name_peer(session->ssl, session->name, session->keys->verify_names);
}

/* Somebody who begins with anything but a handshake has come to the wrong port. */
static bool speaks_tls(struct vd_tls_session *session)
{
    static const char answer[] = "-ERR this port speaks TLS only\r\n";
    int fd = session->stream->fd;
    unsigned char first;
    ssize_t got = recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);

    if (got == 1 && first == RECORD_HANDSHAKE)
        return true;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        session->step_wants_in = true;
        watch(session);
    } else if (got <= 0) {
        fail(session, VD_DOWN_CLOSED, NULL);
    } else {
        (void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        fail(session, VD_DOWN_TLS,
             "it speaks plain text to the TLS port; let it use TLS, or the plain port");
    }
    return false;
}

static void finish(struct vd_tls_session *session)
{
    struct vd_stream *stream = session->stream;

    vd_handshakes_leave(session->handshakes, &session->shake);
    ev_timer_stop(stream->loop, &session->deadline);
    session->open = true;
    session->has_more = SSL_has_pending(session->ssl) == 1;
    watch(session);
    stream->calls->opened(stream->self);
}

static void step(struct vd_handshake *shake)
{
    struct vd_tls_session *session = (struct vd_tls_session *)(void *)shake;
    int result;
    int error;

    if (session->ssl == NULL && session->name == NULL && !speaks_tls(session))
        return;
    if (session->ssl == NULL && !make_ssl(session)) {
        fail(session, VD_DOWN_LIMIT, vd_tls_reason());
        return;
    }
    ERR_clear_error();
    errno = 0;
    result = SSL_do_handshake(session->ssl);
    if (result == 1) {
        finish(session);
        return;
    }
    error = SSL_get_error(session->ssl, result);
    session->step_wants_in = error == SSL_ERROR_WANT_READ;
    session->step_wants_out = error == SSL_ERROR_WANT_WRITE;
    if (session->step_wants_in || session->step_wants_out) {
        watch(session);
        return;
    }
    note_broken(session, error, errno);
    if (error == SSL_ERROR_SSL)
        fail(session, VD_DOWN_TLS, vd_text_cstr(&session->why));
    else
        fail(session, VD_DOWN_CLOSED, NULL);
}

void vd_stream_begin_tls(struct vd_stream *stream, struct vd_handshakes *handshakes,
                         struct vd_tls_keys *keys, const char *name)
{
    struct vd_tls_session *session = vd_alloc(sizeof(*session));

    session->shake = (struct vd_handshake){.step = step, .outgoing = name != NULL};
    session->handshakes = handshakes;
    session->stream = stream;
    session->keys = vd_tls_keys_hold(keys);
    session->name = vd_strdup(name);
    session->step_wants_in = name == NULL;
    ev_idle_init(&session->again, on_again);
    ev_set_priority(&session->again, EV_MAXPRI);
    ev_timer_init(&session->deadline, on_deadline, INCOMING_S, 0.);
    session->again.data = stream;
    session->deadline.data = session;
    stream->tls = session;
    watch(session);
    if (name != NULL) {
        vd_handshakes_want(handshakes, &session->shake);
    } else {
        ev_now_update(stream->loop);
        ev_timer_start(stream->loop, &session->deadline);
    }
}

/* Bytes ---------------------------------------------------------------------------------- */

/* A call of OpenSSL that has brought nothing. -1 with errno, or 0: the other end is done. */
static ssize_t end_call(struct vd_tls_session *session, int result, bool reading)
{
    int system_error = errno;
    int error = SSL_get_error(session->ssl, result);

    switch (error) {
    case SSL_ERROR_WANT_READ:
        session->write_wants_in = !reading;
        break;
    case SSL_ERROR_WANT_WRITE:
        session->read_wants_out = reading;
        break;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        note_broken(session, error, system_error);
        errno = session->error;
        return -1;
    }
    watch(session);
    errno = EAGAIN;
    return -1;
}

static int at_most(size_t len)
{
    return len > INT_MAX ? INT_MAX : (int)len;
}

ssize_t vd_stream_tls_read(struct vd_stream *stream, void *to, size_t size)
{
    struct vd_tls_session *session = stream->tls;
    bool had_more = session->has_more;
    size_t done = 0;
    int got = 0;

    errno = session->error == 0 ? EAGAIN : session->error;
    if (!session->open || session->error != 0)
        return -1;
    do {
        ERR_clear_error();
        errno = 0;
        got = SSL_read(session->ssl, (char *)to + done, at_most(size - done));
        done += got > 0 ? (size_t)got : 0;
    } while (got > 0 && done < size && (SSL_has_pending(session->ssl) == 1 || done >= MORE_LIKELY));
    session->has_more = got > 0 && SSL_has_pending(session->ssl) == 1;
    if (got <= 0) {
        ssize_t end = end_call(session, got, true);

        /* What ended it is told by the next call. */
        session->has_more = done > 0 && (end == 0 || session->error != 0);
        if (done == 0)
            return end;
    }
    if (session->has_more != had_more)
        watch(session);
    return (ssize_t)done;
}

ssize_t vd_stream_tls_write(struct vd_stream *stream, const void *bytes, size_t len)
{
    struct vd_tls_session *session = stream->tls;
    size_t done = 0;

    errno = session->error == 0 ? EAGAIN : session->error;
    if (!session->open || session->error != 0)
        return -1;
    while (done < len) {
        int put;

        ERR_clear_error();
        errno = 0;
        put = SSL_write(session->ssl, (const char *)bytes + done, at_most(len - done));
        if (put <= 0) {
            ssize_t end = end_call(session, put, false);

            if (end == 0)
                errno = EPIPE; /* it has said goodbye, and reads no more */
            return done > 0 ? (ssize_t)done : -1;
        }
        done += (size_t)put;
    }
    return (ssize_t)done;
}
