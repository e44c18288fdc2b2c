/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnel: a stream and its far end, see tunnel.h. */
#include "tunnel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "shell/clock.h"

#define DEADLINE_MS 10000

struct tunnel tunnel = {.far = -1};
char tunnel_keys[SCRATCH_SIZE];

void tunnel_read(void *self)
{
    char bytes[65536];
    ssize_t got = vd_stream_read(&tunnel.stream, bytes,
                                 tunnel.user.piece == 0 ? sizeof(bytes) : tunnel.user.piece);

    (void)self;
    if (got > 0)
        vd_text_add(&tunnel.user.in, bytes, (size_t)got);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        tunnel.user.ended = got == 0;
        tunnel.user.error = got == 0 ? 0 : errno;
        (void)snprintf(tunnel.user.why, sizeof(tunnel.user.why), "%s",
                       vd_stream_why(&tunnel.stream, errno));
        vd_stream_close(&tunnel.stream);
    }
}

void tunnel_write(void *self)
{
    ssize_t put = vd_stream_write(&tunnel.stream, tunnel.user.out, tunnel.user.out_len);

    (void)self;
    ck_assert(put > 0 || errno == EAGAIN);
    if (put > 0) {
        tunnel.user.out += put;
        tunnel.user.out_len -= (size_t)put;
    }
    vd_stream_await_room(&tunnel.stream, tunnel.user.out_len > 0);
}

static void user_opened(void *self)
{
    (void)self;
    tunnel.user.opened = true;
}

static void user_failed(void *self, enum vd_down_reason reason, const char *why)
{
    (void)self;
    tunnel.user.failed = true;
    tunnel.user.reason = reason;
    (void)snprintf(tunnel.user.why, sizeof(tunnel.user.why), "%s", why == NULL ? "" : why);
    vd_stream_close(&tunnel.stream);
}

static const struct vd_stream_calls calls = {tunnel_read, tunnel_write, user_opened, user_failed};

/* A certificate for localhost and 127.0.0.1, and its key, that nobody has signed but itself. */
static void make_certificate(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    FILE *file = fopen(path, "w");

    VD_ASSERT(key != NULL);
    VD_ASSERT(file != NULL);
    (void)X509_set_version(cert, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * 30);
    (void)X509_set_pubkey(cert, key);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"self", -1,
                                     -1, 0);
    (void)X509_set_issuer_name(cert, name);
    (void)X509_add_ext(cert, names, -1);
    VD_ASSERT(X509_sign(cert, key, EVP_sha256()) > 0);
    VD_ASSERT(PEM_write_X509(file, cert) == 1);
    VD_ASSERT(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    (void)fclose(file);
    X509_EXTENSION_free(names);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void setup(void)
{
    struct vd_tls_options options = {.port = 1,
                                     .to = {true, true},
                                     .verify_names = true,
                                     .cert_file = tunnel_keys,
                                     .key_file = tunnel_keys,
                                     .ca_cert_file = tunnel_keys,
                                     .auth_clients = VD_TLS_AUTH_NO};
    struct vd_err err = {""};
    int pair[2];

    (void)signal(SIGPIPE, SIG_IGN);
    memset(&tunnel.user, 0, sizeof(tunnel.user));
    tunnel.loop = ev_loop_new(0);
    tunnel.tls = vd_tls_new(tunnel.loop);
    ck_assert_msg(vd_tls_load(tunnel.tls, &options, NULL, &err), "%s", err.text);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    tunnel.far = pair[0];
    vd_stream_open(&tunnel.stream, tunnel.loop, pair[1], &calls, NULL);
}

static void teardown(void)
{
    vd_stream_close(&tunnel.stream);
    SSL_free(tunnel.far_ssl);
    tunnel.far_ssl = NULL;
    SSL_CTX_free(tunnel.far_context);
    tunnel.far_context = NULL;
    if (tunnel.far >= 0)
        (void)close(tunnel.far);
    vd_tls_free(tunnel.tls);
    ev_loop_destroy(tunnel.loop);
    vd_text_free(&tunnel.user.in);
}

void tunnel_begin(bool server)
{
    tunnel.far_context = SSL_CTX_new(TLS_method());
    if (server) {
        ck_assert_int_eq(
            SSL_CTX_use_certificate_file(tunnel.far_context, tunnel_keys, SSL_FILETYPE_PEM), 1);
        ck_assert_int_eq(
            SSL_CTX_use_PrivateKey_file(tunnel.far_context, tunnel_keys, SSL_FILETYPE_PEM), 1);
    }
    SSL_CTX_set_mode(tunnel.far_context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    tunnel.far_ssl = SSL_new(tunnel.far_context);
    (void)SSL_set_fd(tunnel.far_ssl, tunnel.far);
    if (server)
        SSL_set_accept_state(tunnel.far_ssl);
    else
        SSL_set_connect_state(tunnel.far_ssl);
}

static void turn(void (*pump)(void))
{
    if (pump != NULL)
        pump();
    ev_run(tunnel.loop, EVRUN_NOWAIT);
}

void tunnel_turn(unsigned times, void (*pump)(void))
{
    while (times-- > 0)
        turn(pump);
}

void tunnel_turn_until(bool (*is_met)(void), void (*pump)(void))
{
    vd_ms end_at = vd_clock_now() + DEADLINE_MS;

    while (!is_met()) {
        ck_assert_msg(vd_clock_now() < end_at, "not within %d ms; why: %s", DEADLINE_MS,
                      tunnel.user.why);
        turn(pump);
    }
}

void tunnel_shake(void)
{
    ERR_clear_error();
    (void)SSL_do_handshake(tunnel.far_ssl);
}

bool tunnel_is_open(void)
{
    return tunnel.user.opened && SSL_is_init_finished(tunnel.far_ssl);
}

bool tunnel_has_failed(void)
{
    return tunnel.user.failed;
}

bool tunnel_has_ended(void)
{
    return tunnel.user.ended || tunnel.user.error != 0;
}

void tunnel_accept(void)
{
    tunnel_begin(false);
    ck_assert(vd_tls_accept(tunnel.tls, &tunnel.stream));
    ck_assert(vd_stream_is_shaking(&tunnel.stream));
    tunnel_turn_until(tunnel_is_open, tunnel_shake);
    ck_assert(!vd_stream_is_shaking(&tunnel.stream));
}

static void certify(void)
{
    scratch_template(tunnel_keys);
    (void)close(mkstemp(tunnel_keys));
    make_certificate(tunnel_keys);
}

static void forget_certificate(void)
{
    (void)unlink(tunnel_keys);
}

TCase *tunnel_case(const char *name)
{
    TCase *tests = tcase_create(name);

    /* Once for all tests: keys take long to make. */
    tcase_add_unchecked_fixture(tests, certify, forget_certificate);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    return tests;
}
