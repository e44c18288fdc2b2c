/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams over a pair of sockets. At the far end is OpenSSL (or a plain
 * socket) in the test's own hands, so that it can do what no client does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "suite.h"
#include "tunnel.h"

#define MUCH ((size_t)1 << 20)

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
    put = SSL_write(tunnel.far_ssl, much + far_put, (int)(MUCH - far_put));
    far_put += put > 0 ? (size_t)put : 0;
}

static void far_reads(void)
{
    static char bytes[65536];
    int got;

    ERR_clear_error();
    got = SSL_read(tunnel.far_ssl, bytes, sizeof(bytes));
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
    return tunnel.user.in.len == MUCH;
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
    tunnel.user.out = much;
    tunnel.user.out_len = MUCH;
    tunnel_write(NULL);
}

START_TEST(much_in_both_directions)
{
    make_much();
    tunnel_accept();
    write_much();
    ck_assert_uint_gt(tunnel.user.out_len, 0); /* more than a socket takes */
    ck_assert(tunnel.stream.awaits_room);
    tunnel_turn_until(both_have_much, far_reads_and_sends);
    ck_assert_mem_eq(tunnel.user.in.bytes, much, MUCH);
    ck_assert_mem_eq(far_in.bytes, much, MUCH);
    ck_assert(!tunnel.stream.awaits_room);
    free_much();
}
END_TEST

/* What OpenSSL has already taken from the socket makes no event there. */
START_TEST(small_reads_miss_nothing)
{
    static const char text[] = "as many bytes as there are in here, and not one less";

    tunnel_accept();
    tunnel.user.piece = 1;
    ck_assert_int_eq(SSL_write(tunnel.far_ssl, text, sizeof(text)), sizeof(text));
    while (tunnel.user.in.len < sizeof(text))
        ev_run(tunnel.loop, EVRUN_ONCE);
    ck_assert_str_eq(tunnel.user.in.bytes, text);
}
END_TEST

/* Whoever reads to the end of what there is has read it, in however many records it came. */
START_TEST(one_read_takes_all_records)
{
    static char bytes[60000];
    size_t put = 0;

    tunnel_accept();
    ev_run(tunnel.loop, EVRUN_NOWAIT);
    vd_text_clear(&tunnel.user.in);
    while (put < sizeof(bytes)) {
        int done = SSL_write(tunnel.far_ssl, bytes + put, (int)(sizeof(bytes) - put));

        ck_assert_int_gt(done, 0);
        put += (size_t)done;
    }
    tunnel_read(NULL);
    ck_assert_uint_eq(tunnel.user.in.len, sizeof(bytes));
    tunnel_read(NULL);
    ck_assert(!tunnel.user.ended && tunnel.user.error == 0);
    ck_assert_uint_eq(tunnel.user.in.len, sizeof(bytes));
}
END_TEST

START_TEST(held_input_waits)
{
    tunnel_accept();
    tunnel.user.piece = 2;
    ck_assert_int_eq(SSL_write(tunnel.far_ssl, "abcdef", 6), 6);
    while (tunnel.user.in.len < 2)
        ev_run(tunnel.loop, EVRUN_ONCE);
    vd_stream_hold(&tunnel.stream, true);
    tunnel_turn(20, NULL);
    ck_assert_uint_eq(tunnel.user.in.len, 2);
    vd_stream_hold(&tunnel.stream, false);
    while (tunnel.user.in.len < 6)
        ev_run(tunnel.loop, EVRUN_ONCE);
    ck_assert_mem_eq(tunnel.user.in.bytes, "abcdef", 6);
}
END_TEST

/* The answer to an update of keys must be written before anything else is read or written. */
START_TEST(keys_are_updated_amid_everything)
{
    make_much();
    tunnel_accept();
    write_much();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(SSL_key_update(tunnel.far_ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        (void)SSL_do_handshake(tunnel.far_ssl);
        tunnel_turn(20, far_reads_and_sends);
    }
    tunnel_turn_until(both_have_much, far_reads_and_sends);
    ck_assert_mem_eq(tunnel.user.in.bytes, much, MUCH);
    ck_assert_mem_eq(far_in.bytes, much, MUCH);
    free_much();
}
END_TEST

START_TEST(plain_text_needs_no_tls)
{
    char bytes[16];

    ck_assert_int_eq(send(tunnel.far, "in", 2, 0), 2);
    while (tunnel.user.in.len < 2)
        ev_run(tunnel.loop, EVRUN_ONCE);
    ck_assert_int_eq(vd_stream_write(&tunnel.stream, "out", 3), 3);
    ck_assert_int_eq(recv(tunnel.far, bytes, sizeof(bytes), 0), 3);
    (void)shutdown(tunnel.far, SHUT_WR);
    tunnel_turn_until(tunnel_has_ended, NULL);
    ck_assert(tunnel.user.ended);
}
END_TEST

/* Ends ----------------------------------------------------------------------------------------- */

START_TEST(ends_with_a_goodbye)
{
    tunnel_accept();
    ck_assert_int_eq(SSL_write(tunnel.far_ssl, "last", 4), 4);
    (void)SSL_shutdown(tunnel.far_ssl);
    tunnel_turn_until(tunnel_has_ended, NULL);
    ck_assert(tunnel.user.ended);
    ck_assert_mem_eq(tunnel.user.in.bytes, "last", 4);
}
END_TEST

START_TEST(ends_without_a_goodbye)
{
    tunnel_accept();
    (void)close(tunnel.far);
    tunnel.far = -1;
    tunnel_turn_until(tunnel_has_ended, NULL);
    ck_assert(tunnel.user.ended);
}
END_TEST

START_TEST(says_goodbye)
{
    char byte;

    tunnel_accept();
    vd_stream_close(&tunnel.stream);
    ck_assert_int_eq(SSL_read(tunnel.far_ssl, &byte, 1), 0);
    ck_assert_int_eq(SSL_get_error(tunnel.far_ssl, 0), SSL_ERROR_ZERO_RETURN);
}
END_TEST

START_TEST(broken_records_break_it)
{
    static const char wrong[] = "\x17\x03\x03\x00\x20 this was not made with the key of anybody";

    tunnel_accept();
    ck_assert_int_gt(send(tunnel.far, wrong, sizeof(wrong), 0), 0);
    tunnel_turn_until(tunnel_has_ended, NULL);
    ck_assert_int_eq(tunnel.user.error, EPROTO);
    ck_assert_int_eq(vd_stream_reason(tunnel.user.error), VD_DOWN_TLS);
    ck_assert_str_ne(tunnel.user.why, "");
}
END_TEST

START_TEST(plain_text_is_told_so)
{
    char answer[64] = "";

    ck_assert(vd_tls_accept(tunnel.tls, &tunnel.stream));
    ck_assert_int_eq(send(tunnel.far, "PING\r\n", 6, 0), 6);
    tunnel_turn_until(tunnel_has_failed, NULL);
    ck_assert_int_eq(tunnel.user.reason, VD_DOWN_TLS);
    ck_assert_ptr_nonnull(strstr(tunnel.user.why, "plain text"));
    ck_assert_int_gt(recv(tunnel.far, answer, sizeof(answer) - 1, 0), 0);
    ck_assert_str_eq(answer, "-ERR this port speaks TLS only\r\n");
}
END_TEST

START_TEST(who_goes_away_is_not_blamed)
{
    ck_assert(vd_tls_accept(tunnel.tls, &tunnel.stream));
    (void)close(tunnel.far);
    tunnel.far = -1;
    tunnel_turn_until(tunnel_has_failed, NULL);
    ck_assert_int_eq(tunnel.user.reason, VD_DOWN_CLOSED);
    ck_assert_str_eq(tunnel.user.why, "");
}
END_TEST

/* Going out ---------------------------------------------------------------------------- */

START_TEST(goes_out_to_whom_it_means)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};

    tunnel_begin(true);
    ck_assert(vd_tls_connect(tunnel.tls, &tunnel.stream, names[_i]));
    tunnel_turn_until(tunnel_is_open, tunnel_shake);
    ck_assert(_i == 0 ? strcmp(SSL_get_servername(tunnel.far_ssl, TLSEXT_NAMETYPE_host_name),
                               "localhost") == 0
                      : SSL_get_servername(tunnel.far_ssl, TLSEXT_NAMETYPE_host_name) == NULL);
}
END_TEST

START_TEST(does_not_speak_to_others)
{
    static const char *const names[] = {"otherhost", "127.0.0.2", "host.localhost", "::1"};
    char meant[64];

    tunnel_begin(true);
    ck_assert(vd_tls_connect(tunnel.tls, &tunnel.stream, names[_i]));
    tunnel_turn_until(tunnel_has_failed, tunnel_shake);
    ck_assert_int_eq(tunnel.user.reason, VD_DOWN_TLS);
    (void)snprintf(meant, sizeof(meant), "is not for %s but for localhost, 127.0.0.1;", names[_i]);
    ck_assert_msg(strstr(tunnel.user.why, meant) != NULL, "%s", tunnel.user.why);
}
END_TEST

START_TEST(hears_plain_text_for_tls)
{
    ck_assert(vd_tls_connect(tunnel.tls, &tunnel.stream, "localhost"));
    ck_assert_int_gt(send(tunnel.far, "-ERR unknown command\r\n", 22, 0), 0);
    tunnel_turn_until(tunnel_has_failed, NULL);
    ck_assert_msg(strstr(tunnel.user.why, "it does not answer in TLS") != NULL, "%s",
                  tunnel.user.why);
}
END_TEST

/* Keys -------------------------------------------------------------------------------- */

START_TEST(bad_keys_change_nothing)
{
    struct vd_tls_options none = {.port = 0};
    struct vd_tls_options bad = {.port = 1, .cert_file = tunnel_keys};
    struct vd_tls_keys *before = tunnel.tls->keys;
    struct vd_err err = {""};

    ck_assert(!vd_tls_load(tunnel.tls, &bad, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "tls-key-file"));
    ck_assert_ptr_eq(tunnel.tls->keys, before);
    tunnel_accept();
    ck_assert(vd_tls_load(tunnel.tls, &none, NULL, &err));
    ck_assert_ptr_null(tunnel.tls->keys);
    ck_assert(!vd_tls_accept(tunnel.tls, &tunnel.stream));
    /* Who is in stays in, with the keys it came by. */
    ck_assert_int_eq(SSL_write(tunnel.far_ssl, "still", 5), 5);
    while (tunnel.user.in.len < 5)
        ev_run(tunnel.loop, EVRUN_ONCE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *tcase = tunnel_case("stream");

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
