/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits: who sends too much, reads too slowly, stays silent for too long or
 * comes when the house is full is cut off, and nobody else notices. And what
 * stands in the way of listening is said.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "house.h"
#include "shell/clock.h"
#include "shell/listen.h"
#include "suite.h"

static struct house house;

static void set_up(void)
{
    house_init(&house);
}

static void tear_down(void)
{
    house_free(&house);
}

/* A line of `len` times the letter. */
static char *long_text(size_t len)
{
    char *text = vd_alloc(len + 1);

    memset(text, 'x', len);
    return text;
}

static bool wait_until_gone(size_t left)
{
    vd_ms until = vd_clock_now() + 5000;

    while (vd_clients_count(house.clients) > left && vd_clock_now() < until)
        ev_run(house.loop, EVRUN_NOWAIT);
    return vd_clients_count(house.clients) == left;
}

/* Output ------------------------------------------------------------------------------- */

START_TEST(slow_reader)
{
    char *big = long_text(60000);
    int slow;
    int other;

    house.config.server.output_hard_limit = 300000;
    house_open(&house);
    slow = house_enter(&house);
    other = house_enter(&house);
    for (int i = 0; i < 40 && vd_clients_count(house.clients) == 2; i++) {
        char head[64];

        (void)snprintf(head, sizeof(head), "*2\r\n$4\r\nPING\r\n$60000\r\n");
        house_write(&house, slow, head);
        house_write(&house, slow, big);
        house_write(&house, slow, "\r\n");
    }
    ck_assert_uint_eq(vd_clients_count(house.clients), 1);
    ck_assert(house_expect_end(&house, slow));
    house_ask(&house, other, "PING", "+PONG\r\n");
    (void)close(slow);
    (void)close(other);
    vd_free(big);
}
END_TEST

/* One who reads gets all of it, however much. */
START_TEST(large_replies)
{
    char *big = long_text(600000);
    struct vd_text reply = {0};
    int fd;

    house_open(&house);
    fd = house_enter(&house);
    vd_text_printf(&reply, "$600000\r\n%s\r\n", big);
    for (int i = 0; i < 3; i++) {
        house_write(&house, fd, "*2\r\n$4\r\nPING\r\n$600000\r\n");
        house_write(&house, fd, big);
        house_write(&house, fd, "\r\n");
    }
    for (int i = 0; i < 3; i++)
        house_expect(&house, fd, reply.bytes);
    house_ask(&house, fd, "PING", "+PONG\r\n");
    vd_text_free(&reply);
    vd_free(big);
    (void)close(fd);
}
END_TEST

/* A subscriber: `slow` does not read, `quick` does. */
static void publish_to_two(int quick, size_t messages)
{
    char *payload = long_text(10000);
    struct vd_text message = {0};

    vd_text_printf(&message, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$10000\r\n%s\r\n", payload);
    for (size_t i = 0; i < messages; i++) {
        vd_clients_publish(house.clients, "c", payload);
        house_expect(&house, quick, message.bytes);
    }
    vd_text_free(&message);
    vd_free(payload);
}

static int subscribe(void)
{
    int fd = house_enter(&house);

    house_ask(&house, fd, "SUBSCRIBE c", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    return fd;
}

START_TEST(slow_subscriber)
{
    int slow;
    int quick;

    house.config.server.output_hard_limit_pubsub = 100000;
    house_open(&house);
    slow = subscribe();
    quick = subscribe();
    publish_to_two(quick, 100);
    ck_assert(wait_until_gone(1));
    ck_assert(house_expect_end(&house, slow));
    publish_to_two(quick, 3);
    (void)close(slow);
    (void)close(quick);
}
END_TEST

START_TEST(soft_limit)
{
    vd_ms start;
    int slow;
    int catching_up;
    int quick;

    house.config.server.output_hard_limit_pubsub = 0;
    house.config.server.output_soft_limit_pubsub = 20000;
    house.config.server.output_soft_pubsub_ms = 200;
    house_open(&house);
    slow = subscribe();
    catching_up = subscribe();
    quick = subscribe();
    start = vd_clock_now();
    publish_to_two(quick, 60);
    ck_assert_uint_eq(vd_clients_count(house.clients), 3);
    for (int i = 0; i < 60; i++) {
        char bytes[10100];
        size_t need = 10000 + strlen("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$10000\r\n\r\n");
        size_t len = 0;

        while (len < need) {
            ssize_t got = recv(catching_up, bytes, need - len, 0);

            len += got > 0 ? (size_t)got : 0;
            ev_run(house.loop, EVRUN_NOWAIT);
        }
    }
    ck_assert(wait_until_gone(2));
    ck_assert_int_ge(vd_clock_now() - start, 190);
    ck_assert(house_expect_end(&house, slow));
    publish_to_two(quick, 1);
    (void)close(slow);
    (void)close(catching_up);
    (void)close(quick);
}
END_TEST

/* Input -------------------------------------------------------------------------------- */

START_TEST(endless_request)
{
    char *piece = long_text(50000);
    int fd;
    int other;

    house.config.server.query_limit = 200000;
    house_open(&house);
    fd = house_enter(&house);
    other = house_enter(&house);
    house_write(&house, fd, "*2\r\n$4\r\nPING\r\n$100000000\r\n");
    for (int i = 0; i < 4; i++)
        house_write(&house, fd, piece);
    ck_assert_uint_eq(vd_clients_count(house.clients), 1);
    ck_assert(house_expect_end(&house, fd));
    house_ask(&house, other, "PING", "+PONG\r\n");
    vd_free(piece);
    (void)close(fd);
    (void)close(other);
}
END_TEST

START_TEST(stranger)
{
    char *piece = long_text(16000);
    int fd;

    house.config.server.requirepass = vd_strdup("secret");
    house_open(&house);
    fd = house_enter(&house);
    house_ask(&house, fd, "PING", "-NOAUTH Authentication required.\r\n");
    house_write(&house, fd, "*3\r\n$4\r\nAUTH\r\n$16385\r\n");
    house_expect(&house, fd, "-ERR Protocol error: unauthenticated bulk length\r\n");
    ck_assert(house_expect_end(&house, fd));
    (void)close(fd);
    fd = house_enter(&house);
    house_write(&house, fd, "AUTH secret\r\n*2\r\n$4\r\nPING\r\n$20000\r\n");
    house_write(&house, fd, piece);
    house_expect(&house, fd, "+OK\r\n");
    house_expect_nothing(&house, fd);
    vd_free(piece);
    (void)close(fd);
}
END_TEST

START_TEST(idle_timeout)
{
    vd_ms start;
    int silent;
    int subscriber;
    int waiting;

    house.config.server.timeout_ms = 1000; /* all three enter within it, on a busy machine too */
    house_open(&house);
    start = vd_clock_now();
    silent = house_enter(&house);
    subscriber = subscribe();
    waiting = house_enter(&house);
    house_write(&house, waiting, "SENTINEL FLUSHCONFIG\r\n");
    ck_assert_uint_eq(vd_clients_count(house.clients), 3);
    ck_assert(wait_until_gone(2));
    ck_assert_int_ge(vd_clock_now() - start, 995);
    ck_assert(house_expect_end(&house, silent));
    publish_to_two(subscriber, 1);
    house_reply_ok(&house, (vd_client){3});
    house_expect(&house, waiting, "+OK\r\n");
    ck_assert(wait_until_gone(1));
    ck_assert(house_expect_end(&house, waiting));
    (void)close(silent);
    (void)close(subscriber);
    (void)close(waiting);
}
END_TEST

/* Entry -------------------------------------------------------------------------------- */

START_TEST(full_house)
{
    int first;
    int second;

    house.config.server.maxclients = 1;
    house_open(&house);
    first = house_enter(&house);
    second = house_connect(&house);
    house_expect(&house, second, "-ERR max number of clients reached\r\n");
    ck_assert(house_expect_end(&house, second));
    (void)close(first);
    (void)close(second);
    ck_assert(wait_until_gone(0));
    first = house_enter(&house);
    house_ask(&house, first, "PING", "+PONG\r\n");
    (void)close(first);
}
END_TEST

START_TEST(no_descriptors)
{
    const char *preloaded = getenv("LD_PRELOAD");
    struct rlimit limit;
    int first;
    int second;

    house_open(&house);
    /* Valgrind takes a connection, and only then finds that there is no descriptor for it. */
    if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL)
        return;
    first = house_enter(&house);
    second = house_connect(&house);
    /* Descriptors are given from below: `second` is the last that there can be. */
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)second + 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    house_run(&house);
    ck_assert_uint_eq(vd_clients_count(house.clients), 1);
    house_ask(&house, first, "PING", "+PONG\r\n");
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    house_write(&house, second, "PING\r\n");
    house_expect(&house, second, "+PONG\r\n");
    (void)close(first);
    (void)close(second);
}
END_TEST

/* Listening ---------------------------------------------------------------------------- */

static struct vd_listen sockets;
static struct vd_err err;

static bool listen_on(const char *address, uint16_t port, const char *path)
{
    char copy[64];
    char *bind[] = {copy};
    struct vd_server_options server = {.port = port, .bind = bind, .bind_count = 1};
    bool ok;

    ck_assert(vd_copy(copy, sizeof(copy), address));
    server.unixsocket = vd_strdup(path);
    ok = vd_listen_open(&sockets, &server, &err);
    vd_free(server.unixsocket);
    return ok;
}

static uint16_t taken_port(int *fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(*fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(*fd, 1), 0);
    ck_assert_int_eq(getsockname(*fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

START_TEST(ports)
{
    char expected[256];
    int fd;
    uint16_t port = taken_port(&fd);

    ck_assert(!listen_on("127.0.0.1", port, NULL));
    (void)snprintf(expected, sizeof(expected),
                   "port %u is in use: another process listens on 127.0.0.1; stop it, or set "
                   "another port",
                   (unsigned)port);
    ck_assert_str_eq(err.text, expected);
    /* A port that is taken is not forgiven; an address that is not there may be. */
    ck_assert(!listen_on("-127.0.0.1", port, NULL));
    (void)close(fd);
    ck_assert(listen_on("127.0.0.1", port, NULL));
    ck_assert_uint_eq(sockets.count, 1);
    vd_listen_close(&sockets);
    ck_assert(!listen_on("192.0.2.1", port, NULL));
    ck_assert_ptr_nonnull(strstr(err.text, "bind 192.0.2.1: this host has no such address"));
    ck_assert(!listen_on("-192.0.2.1", port, NULL));
    ck_assert_str_eq(err.text, "bind: none of the addresses exists on this host");
    ck_assert(!listen_on("localhost", port, NULL));
    ck_assert_str_eq(err.text, "bind localhost: not an IP address; write one, or * for all");
}
END_TEST

START_TEST(unix_sockets)
{
    char other[128];
    char *too_long = long_text(200);
    FILE *file;

    house_open(&house);
    (void)snprintf(other, sizeof(other), "%s/other", house.directory);
    ck_assert(!listen_on("*", 0, house.path));
    ck_assert_ptr_nonnull(strstr(err.text, "is in use: another process listens there"));
    ck_assert_int_eq(access(house.path, F_OK), 0);
    ck_assert(!listen_on("*", 0, too_long));
    ck_assert_ptr_nonnull(strstr(err.text, "the path is longer than 107 bytes"));
    vd_free(too_long);
    file = fopen(other, "w");
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    ck_assert(!listen_on("*", 0, other));
    ck_assert_ptr_nonnull(strstr(err.text, "there is something else of that name"));
    ck_assert_int_eq(unlink(other), 0);
    /* One that a process left behind when it was killed. */
    ck_assert(listen_on("*", 0, other));
    (void)close(sockets.list[0].fd);
    sockets.count = 0;
    vd_free(sockets.unixsocket);
    sockets.unixsocket = NULL;
    vd_listen_close(&sockets);
    ck_assert_int_eq(access(other, F_OK), 0);
    ck_assert(listen_on("*", 0, other));
    vd_listen_close(&sockets);
    ck_assert_int_eq(access(other, F_OK), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client limits");
    TCase *tcase = tcase_create("limits");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, slow_reader);
    tcase_add_test(tcase, large_replies);
    tcase_add_test(tcase, slow_subscriber);
    tcase_add_test(tcase, soft_limit);
    tcase_add_test(tcase, endless_request);
    tcase_add_test(tcase, stranger);
    tcase_add_test(tcase, idle_timeout);
    tcase_add_test(tcase, full_house);
    tcase_add_test(tcase, no_descriptors);
    tcase_add_test(tcase, ports);
    tcase_add_test(tcase, unix_sockets);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
