/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams over a pair of sockets. At the far end is OpenSSL (or a plain
 * socket) in the test's own hands, so that it can do what no client does.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "scratch.h"
#include "shell/clock.h"
#include "shell/tls.h"
#include "suite.h"

#define DEADLINE_MS 10000
#define MUCH ((size_t)1 << 20)

static struct ev_loop *loop;
static struct vd_tls *tls;
static struct vd_stream stream;
static int far = -1;
static SSL_CTX *far_context;
static SSL *far_ssl;
static char cert_path[SCRATCH_SIZE]; /* certificate and key */

/* What the stream's user has heard. */
static struct {
    struct vd_text in;
    size_t piece; /* read so many bytes at a time, once a call */
    bool opened;
    bool failed;
    bool ended; /* read 0 */
    int error;
    enum vd_down_reason reason;
    char why[512];
    const char *out; /* to be written, with room awaited */
    size_t out_len;
} user;

static void user_readable(void *self)
{
    char bytes[65536];
    ssize_t got = vd_stream_read(&stream, bytes, user.piece == 0 ? sizeof(bytes) : user.piece);

    (void)self;
    if (got > 0)
        vd_text_add(&user.in, bytes, (size_t)got);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        user.ended = got == 0;
        user.error = got == 0 ? 0 : errno;
        (void)snprintf(user.why, sizeof(user.why), "%s", vd_stream_why(&stream, errno));
        vd_stream_close(&stream);
    }
}

static void user_writable(void *self)
{
    ssize_t put = vd_stream_write(&stream, user.out, user.out_len);

    (void)self;
    ck_assert(put > 0 || errno == EAGAIN);
    if (put > 0) {
        user.out += put;
        user.out_len -= (size_t)put;
    }
    vd_stream_await_room(&stream, user.out_len > 0);
}

static void user_opened(void *self)
{
    (void)self;
    user.opened = true;
}

static void user_failed(void *self, enum vd_down_reason reason, const char *why)
{
    (void)self;
    user.failed = true;
    user.reason = reason;
    (void)snprintf(user.why, sizeof(user.why), "%s", why == NULL ? "" : why);
    vd_stream_close(&stream);
}

static const struct vd_stream_calls calls = {user_readable, user_writable, user_opened,
                                             user_failed};

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
                                     .cert_file = cert_path,
                                     .key_file = cert_path,
                                     .ca_cert_file = cert_path,
                                     .auth_clients = VD_TLS_AUTH_NO};
    struct vd_err err = {""};
    int pair[2];

    (void)signal(SIGPIPE, SIG_IGN);
    memset(&user, 0, sizeof(user));
    loop = ev_loop_new(0);
    tls = vd_tls_new(loop);
    ck_assert_msg(vd_tls_load(tls, &options, NULL, &err), "%s", err.text);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    far = pair[0];
    vd_stream_open(&stream, loop, pair[1], &calls, NULL);
}

static void teardown(void)
{
    vd_stream_close(&stream);
    SSL_free(far_ssl);
    far_ssl = NULL;
    SSL_CTX_free(far_context);
    far_context = NULL;
    if (far >= 0)
        (void)close(far);
    vd_tls_free(tls);
    ev_loop_destroy(loop);
    vd_text_free(&user.in);
}

/* The far end speaks TLS: as a client, or as a server with the same certificate. */
static void begin_far(bool server)
{
    far_context = SSL_CTX_new(TLS_method());
    if (server) {
        ck_assert_int_eq(SSL_CTX_use_certificate_file(far_context, cert_path, SSL_FILETYPE_PEM), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(far_context, cert_path, SSL_FILETYPE_PEM), 1);
    }
    SSL_CTX_set_mode(far_context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    far_ssl = SSL_new(far_context);
    (void)SSL_set_fd(far_ssl, far);
    if (server)
        SSL_set_accept_state(far_ssl);
    else
        SSL_set_connect_state(far_ssl);
}

/* Turn the loop until the condition holds; `pump` moves the far end along. */
static void turn_until(bool (*is_met)(void), void (*pump)(void))
{
    vd_ms end_at = vd_clock_now() + DEADLINE_MS;

    while (!is_met()) {
        ck_assert_msg(vd_clock_now() < end_at, "not within %d ms; why: %s", DEADLINE_MS, user.why);
        if (pump != NULL)
            pump();
        ev_run(loop, EVRUN_NOWAIT);
    }
}

static void shake(void)
{
    ERR_clear_error();
    (void)SSL_do_handshake(far_ssl);
}

static bool is_open(void)
{
    return user.opened && SSL_is_init_finished(far_ssl);
}

static bool has_failed(void)
{
    return user.failed;
}

static bool has_ended(void)
{
    return user.ended || user.error != 0;
}

static void accept_far(void)
{
    begin_far(false);
    ck_assert(vd_tls_accept(tls, &stream));
    ck_assert(vd_stream_is_shaking(&stream));
    turn_until(is_open, shake);
    ck_assert(!vd_stream_is_shaking(&stream));
}

/* Bytes ------------------------------------------------------------------------------------ */

static char *much;     /* MUCH bytes that are like no others */
static size_t far_put; /* of them, by the far end */
static struct vd_text far_in;

static void make_much(void)
{
    much = vd_alloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char)(i * 2654435761U >> 13);
    far_put = 0;
    far_in = (struct vd_text){0};
}

static void free_much(void)
{
    vd_free(much);
    vd_text_free(&far_in);
}

static void far_sends(void)
{
    int put;

    if (far_put == MUCH)
        return;
    ERR_clear_error();
    put = SSL_write(far_ssl, much + far_put, (int)(MUCH - far_put));
    far_put += put > 0 ? (size_t)put : 0;
}

static void far_reads(void)
{
    static char bytes[65536];
    int got;

    ERR_clear_error();
    got = SSL_read(far_ssl, bytes, sizeof(bytes));
    if (got > 0)
        vd_text_add(&far_in, bytes, (size_t)got);
}

static void far_reads_and_sends(void)
{
    far_sends();
    far_reads();
}

static bool has_much(void)
{
    return user.in.len == MUCH;
}

static bool far_has_much(void)
{
    return far_in.len == MUCH;
}

static bool both_have_much(void)
{
    return has_much() && far_has_much();
}

static void write_much(void)
{
    user.out = much;
    user.out_len = MUCH;
    user_writable(NULL);
}

START_TEST(much_in_both_directions)
{
    make_much();
    accept_far();
    write_much();
    ck_assert_uint_gt(user.out_len, 0); /* more than a socket takes */
    ck_assert(stream.awaits_room);
    turn_until(both_have_much, far_reads_and_sends);
    ck_assert_mem_eq(user.in.bytes, much, MUCH);
    ck_assert_mem_eq(far_in.bytes, much, MUCH);
    ck_assert(!stream.awaits_room);
    free_much();
}
END_TEST

/* What OpenSSL has already taken from the socket makes no event there. */
START_TEST(small_reads_miss_nothing)
{
    static const char text[] = "as many bytes as there are in here, and not one less";

    accept_far();
    user.piece = 1;
    ck_assert_int_eq(SSL_write(far_ssl, text, sizeof(text)), sizeof(text));
    while (user.in.len < sizeof(text))
        ev_run(loop, EVRUN_ONCE);
    ck_assert_str_eq(user.in.bytes, text);
}
END_TEST

/* Whoever reads to the end of what there is has read it, in however many records it came. */
START_TEST(one_read_takes_all_records)
{
    static char bytes[60000];
    size_t put = 0;

    accept_far();
    ev_run(loop, EVRUN_NOWAIT);
    vd_text_clear(&user.in);
    while (put < sizeof(bytes)) {
        int done = SSL_write(far_ssl, bytes + put, (int)(sizeof(bytes) - put));

        ck_assert_int_gt(done, 0);
        put += (size_t)done;
    }
    user_readable(NULL);
    ck_assert_uint_eq(user.in.len, sizeof(bytes));
    user_readable(NULL);
    ck_assert(!user.ended && user.error == 0);
    ck_assert_uint_eq(user.in.len, sizeof(bytes));
}
END_TEST

static bool never(void)
{
    static unsigned turns;

    return turns++ % 20 == 19;
}

START_TEST(held_input_waits)
{
    accept_far();
    user.piece = 2;
    ck_assert_int_eq(SSL_write(far_ssl, "abcdef", 6), 6);
    while (user.in.len < 2)
        ev_run(loop, EVRUN_ONCE);
    vd_stream_hold(&stream, true);
    turn_until(never, NULL);
    ck_assert_uint_eq(user.in.len, 2);
    vd_stream_hold(&stream, false);
    while (user.in.len < 6)
        ev_run(loop, EVRUN_ONCE);
    ck_assert_mem_eq(user.in.bytes, "abcdef", 6);
}
END_TEST

/* The answer to an update of keys must be written before anything else is read or written. */
START_TEST(keys_are_updated_amid_everything)
{
    make_much();
    accept_far();
    write_much();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(SSL_key_update(far_ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        (void)SSL_do_handshake(far_ssl);
        turn_until(never, far_reads_and_sends);
    }
    turn_until(both_have_much, far_reads_and_sends);
    ck_assert_mem_eq(user.in.bytes, much, MUCH);
    ck_assert_mem_eq(far_in.bytes, much, MUCH);
    free_much();
}
END_TEST

START_TEST(plain_text_needs_no_tls)
{
    char bytes[16];

    ck_assert_int_eq(send(far, "in", 2, 0), 2);
    while (user.in.len < 2)
        ev_run(loop, EVRUN_ONCE);
    ck_assert_int_eq(vd_stream_write(&stream, "out", 3), 3);
    ck_assert_int_eq(recv(far, bytes, sizeof(bytes), 0), 3);
    (void)shutdown(far, SHUT_WR);
    turn_until(has_ended, NULL);
    ck_assert(user.ended);
}
END_TEST

/* Ends ----------------------------------------------------------------------------------------- */

START_TEST(ends_with_a_goodbye)
{
    accept_far();
    ck_assert_int_eq(SSL_write(far_ssl, "last", 4), 4);
    (void)SSL_shutdown(far_ssl);
    turn_until(has_ended, NULL);
    ck_assert(user.ended);
    ck_assert_mem_eq(user.in.bytes, "last", 4);
}
END_TEST

START_TEST(ends_without_a_goodbye)
{
    accept_far();
    (void)close(far);
    far = -1;
    turn_until(has_ended, NULL);
    ck_assert(user.ended);
}
END_TEST

START_TEST(says_goodbye)
{
    char byte;

    accept_far();
    vd_stream_close(&stream);
    ck_assert_int_eq(SSL_read(far_ssl, &byte, 1), 0);
    ck_assert_int_eq(SSL_get_error(far_ssl, 0), SSL_ERROR_ZERO_RETURN);
}
END_TEST

START_TEST(broken_records_break_it)
{
    static const char wrong[] = "\x17\x03\x03\x00\x20 this was not made with the key of anybody";

    accept_far();
    ck_assert_int_gt(send(far, wrong, sizeof(wrong), 0), 0);
    turn_until(has_ended, NULL);
    ck_assert_int_eq(user.error, EPROTO);
    ck_assert_int_eq(vd_stream_reason(user.error), VD_DOWN_TLS);
    ck_assert_str_ne(user.why, "");
}
END_TEST

START_TEST(plain_text_is_told_so)
{
    char answer[64] = "";

    ck_assert(vd_tls_accept(tls, &stream));
    ck_assert_int_eq(send(far, "PING\r\n", 6, 0), 6);
    turn_until(has_failed, NULL);
    ck_assert_int_eq(user.reason, VD_DOWN_TLS);
    ck_assert_ptr_nonnull(strstr(user.why, "plain text"));
    ck_assert_int_gt(recv(far, answer, sizeof(answer) - 1, 0), 0);
    ck_assert_str_eq(answer, "-ERR this port speaks TLS only\r\n");
}
END_TEST

START_TEST(who_goes_away_is_not_blamed)
{
    ck_assert(vd_tls_accept(tls, &stream));
    (void)close(far);
    far = -1;
    turn_until(has_failed, NULL);
    ck_assert_int_eq(user.reason, VD_DOWN_CLOSED);
    ck_assert_str_eq(user.why, "");
}
END_TEST

/* Going out ---------------------------------------------------------------------------------------
 */

START_TEST(goes_out_to_whom_it_means)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};

    begin_far(true);
    ck_assert(vd_tls_connect(tls, &stream, names[_i]));
    turn_until(is_open, shake);
    ck_assert(_i == 0
                  ? strcmp(SSL_get_servername(far_ssl, TLSEXT_NAMETYPE_host_name), "localhost") == 0
                  : SSL_get_servername(far_ssl, TLSEXT_NAMETYPE_host_name) == NULL);
}
END_TEST

START_TEST(does_not_speak_to_others)
{
    static const char *const names[] = {"otherhost", "127.0.0.2", "host.localhost", "::1"};
    char meant[64];

    begin_far(true);
    ck_assert(vd_tls_connect(tls, &stream, names[_i]));
    turn_until(has_failed, shake);
    ck_assert_int_eq(user.reason, VD_DOWN_TLS);
    (void)snprintf(meant, sizeof(meant), "is not for %s but for localhost, 127.0.0.1;", names[_i]);
    ck_assert_msg(strstr(user.why, meant) != NULL, "%s", user.why);
}
END_TEST

START_TEST(hears_plain_text_for_tls)
{
    ck_assert(vd_tls_connect(tls, &stream, "localhost"));
    ck_assert_int_gt(send(far, "-ERR unknown command\r\n", 22, 0), 0);
    turn_until(has_failed, NULL);
    ck_assert_msg(strstr(user.why, "it does not answer in TLS") != NULL, "%s", user.why);
}
END_TEST

/* Keys
 * ------------------------------------------------------------------------------------------------
 */

START_TEST(bad_keys_change_nothing)
{
    struct vd_tls_options none = {.port = 0};
    struct vd_tls_options bad = {.port = 1, .cert_file = cert_path};
    struct vd_tls_keys *before = tls->keys;
    struct vd_err err = {""};

    ck_assert(!vd_tls_load(tls, &bad, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "tls-key-file"));
    ck_assert_ptr_eq(tls->keys, before);
    accept_far();
    ck_assert(vd_tls_load(tls, &none, NULL, &err));
    ck_assert_ptr_null(tls->keys);
    ck_assert(!vd_tls_accept(tls, &stream));
    /* Who is in stays in, with the keys it came by. */
    ck_assert_int_eq(SSL_write(far_ssl, "still", 5), 5);
    while (user.in.len < 5)
        ev_run(loop, EVRUN_ONCE);
}
END_TEST

/* Once for all tests: keys take long to make. */
static void certify(void)
{
    scratch_template(cert_path);
    (void)close(mkstemp(cert_path));
    make_certificate(cert_path);
}

static void forget_certificate(void)
{
    (void)unlink(cert_path);
}

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *tcase = tcase_create("stream");

    tcase_add_unchecked_fixture(tcase, certify, forget_certificate);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, much_in_both_directions);
    tcase_add_test(tcase, small_reads_miss_nothing);
    tcase_add_test(tcase, one_read_takes_all_records);
    tcase_add_test(tcase, held_input_waits);
    tcase_add_test(tcase, keys_are_updated_amid_everything);
    tcase_add_test(tcase, plain_text_needs_no_tls);
    tcase_add_test(tcase, ends_with_a_goodbye);
    tcase_add_test(tcase, ends_without_a_goodbye);
    tcase_add_test(tcase, says_goodbye);
    tcase_add_test(tcase, broken_records_break_it);
    tcase_add_test(tcase, plain_text_is_told_so);
    tcase_add_test(tcase, who_goes_away_is_not_blamed);
    tcase_add_loop_test(tcase, goes_out_to_whom_it_means, 0, 2);
    tcase_add_loop_test(tcase, does_not_speak_to_others, 0, 4);
    tcase_add_test(tcase, hears_plain_text_for_tls);
    tcase_add_test(tcase, bad_keys_change_nothing);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
