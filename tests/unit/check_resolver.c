/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The resolver against a name server that is part of the test: it answers,
 * denies or is silent as the test wants. Names end in .test, which nobody owns.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "base/text.h"
#include "shell/clock.h"
#include "shell/resolver.h"
#include "suite.h"

#define DEADLINE_MS 15000
#define HEADER 12

static struct ev_loop *loop;
static struct vd_resolver *resolver;
static int server;
static ev_io questions;
static bool is_silent;
static bool denies;
static bool has_ipv6;  /* gives 2001:db8::1 as well */
static uint8_t last;   /* of the addresses 10.0.0.<last>, <last> + 1 */
static unsigned asked; /* questions for an IPv4 address */

static unsigned answers;
static uint64_t last_token;
static char ips[VD_RESOLVER_MAX][VD_IP_SIZE];
static size_t count;

/* The name server ----------------------------------------------------------------- */

/* A record that answers the question: a pointer to its name, type, class, 60 s, the address. */
static size_t put_record(uint8_t *to, uint8_t type, const uint8_t *address, uint8_t len)
{
    const uint8_t head[] = {0xC0, HEADER, 0, type, 0, 1, 0, 0, 0, 60, 0, len};

    memcpy(to, head, sizeof(head));
    memcpy(to + sizeof(head), address, len);
    return sizeof(head) + len;
}

static void on_question(struct ev_loop *on, ev_io *io, int events)
{
    static const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    uint8_t packet[1024];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t got = recvfrom(io->fd, packet, 512, 0, (struct sockaddr *)&from, &from_len);
    size_t end = HEADER;
    uint8_t type;
    uint8_t records = 0;

    (void)on;
    (void)events;
    ck_assert_int_gt(got, HEADER + 5);
    while (packet[end] != 0)
        end += packet[end] + 1U;
    type = packet[end + 2];
    end += 5;
    asked += type == 1;
    if (is_silent)
        return;
    packet[2] = 0x81; /* a reply, to a question that wanted recursion */
    packet[3] = denies ? 0x83 : 0x80;
    if (!denies && type == 1) {
        for (uint8_t i = 0; i < 2; i++) {
            const uint8_t ipv4[4] = {10, 0, 0, (uint8_t)(last + i)};

            end += put_record(packet + end, 1, ipv4, 4);
            records++;
        }
    }
    if (!denies && type == 28 && has_ipv6) {
        end += put_record(packet + end, 28, ipv6, 16);
        records++;
    }
    packet[7] = records;
    packet[9] = packet[11] = 0; /* no authority, nothing additional */
    ck_assert_int_eq(sendto(io->fd, packet, end, 0, (struct sockaddr *)&from, from_len),
                     (ssize_t)end);
}

static void begin(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    struct vd_err err;
    char servers[64];

    is_silent = denies = has_ipv6 = false;
    last = 1;
    asked = answers = 0;
    server = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(server, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(servers, sizeof(servers), "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    loop = ev_default_loop(0);
    ev_io_init(&questions, on_question, server, EV_READ);
    ev_io_start(loop, &questions);
    resolver = vd_resolver_new(loop, servers, &err);
    ck_assert_msg(resolver != NULL, "%s", err.text);
}

static void finish(void)
{
    vd_resolver_free(resolver);
    ev_io_stop(loop, &questions);
    (void)close(server);
    ev_loop_destroy(loop);
}

/* Asking -------------------------------------------------------------------------- */

static void on_answer(void *self, uint64_t token, const char *host, const char (*found)[VD_IP_SIZE],
                      size_t found_count, const char *why)
{
    (void)host;
    ck_assert_ptr_eq(self, &answers);
    ck_assert(found_count > 0 || why != NULL);
    answers++;
    last_token = token;
    count = found_count;
    memcpy(ips, found, found_count * VD_IP_SIZE);
}

static void on_tick(struct ev_loop *on, ev_timer *timer, int events)
{
    (void)on;
    (void)timer;
    (void)events;
}

static void turn_until(vd_ms end_at, unsigned wanted)
{
    ev_timer tick;

    ev_timer_init(&tick, on_tick, 0.01, 0.01);
    ev_timer_start(loop, &tick);
    while (answers < wanted && vd_clock_now() < end_at)
        ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &tick);
}

static void wait_answers(unsigned wanted)
{
    turn_until(vd_clock_now() + DEADLINE_MS, wanted);
    ck_assert_uint_eq(answers, wanted);
}

static void ask(const char *host, uint64_t token)
{
    vd_resolver_ask(resolver, host, on_answer, &answers, token);
}

START_TEST(literals_at_once)
{
    ask("10.1.2.3", 1);
    ck_assert_uint_eq(answers, 1);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(ips[0], "10.1.2.3");
    ask("2001:db8::9", 2);
    ck_assert_uint_eq(answers, 2);
    ck_assert_str_eq(ips[0], "2001:db8::9");
    ck_assert_uint_eq(asked, 0);
}
END_TEST

START_TEST(names_by_the_server)
{
    has_ipv6 = true;
    ask("redis-1.test", 7);
    ck_assert_uint_eq(answers, 0);
    wait_answers(1);
    ck_assert_uint_eq(last_token, 7);
    ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(one_question_for_all_who_wait)
{
    for (uint64_t i = 0; i < 50; i++)
        ask("redis-1.test", i);
    wait_answers(50);
    ck_assert_uint_eq(last_token, 49);
    ck_assert_uint_eq(asked, 1);
    /* Fresh: known without a question. */
    ask("redis-1.test", 60);
    ck_assert_uint_eq(answers, 51);
    ck_assert_uint_eq(asked, 1);
}
END_TEST

START_TEST(who_is_forgotten_is_not_told)
{
    ask("redis-1.test", 1);
    ask("redis-1.test", 2);
    vd_resolver_forget(resolver, "redis-1.test", &answers, 1);
    vd_resolver_forget(resolver, "unknown.test", &answers, 1);
    wait_answers(1);
    ck_assert_uint_eq(last_token, 2);
}
END_TEST

START_TEST(no_such_name)
{
    denies = true;
    ask("redis-1.test", 1);
    wait_answers(1);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(stale_rather_than_nothing)
{
    vd_ms begun_at;

    ask("redis-1.test", 1);
    wait_answers(1);
    ck_assert_uint_eq(count, 2);
    /* Until the answer is not fresh any more. */
    turn_until(vd_clock_now() + 1100, 2);
    is_silent = true;
    begun_at = vd_clock_now();
    ask("redis-1.test", 2);
    ck_assert_uint_eq(answers, 1);
    wait_answers(2);
    /* Long before the query has given up. */
    ck_assert_int_lt(vd_clock_now() - begun_at, 900);
    ck_assert_uint_eq(count, 2);
    /* Denied now: the last good answer still stands. */
    is_silent = false;
    denies = true;
    turn_until(vd_clock_now() + 3000, 3);
    ask("redis-1.test", 3);
    wait_answers(3);
    ck_assert_uint_eq(count, 2);
    /* And a new address is learnt when there is one. */
    denies = false;
    last = 77;
    turn_until(vd_clock_now() + 1100, 4);
    ask("redis-1.test", 4);
    wait_answers(4);
    ck_assert(strcmp(ips[0], "10.0.0.77") == 0 || strcmp(ips[1], "10.0.0.77") == 0);
}
END_TEST

START_TEST(what_worked_comes_first)
{
    static const char *const each[] = {"10.0.0.1", "10.0.0.2"};

    ask("redis-1.test", 1);
    wait_answers(1);
    for (unsigned i = 0; i < 2; i++) {
        vd_resolver_prefer(resolver, "redis-1.test", each[i]);
        ask("redis-1.test", 2);
        ck_assert_uint_eq(answers, 2 + i);
        ck_assert_uint_eq(count, 2);
        ck_assert_str_eq(ips[0], each[i]);
    }
    /* Of a new answer too. */
    turn_until(vd_clock_now() + 1100, 10);
    ask("redis-1.test", 3);
    wait_answers(4);
    ck_assert_str_eq(ips[0], "10.0.0.2");
}
END_TEST

START_TEST(leaves_amid_a_question)
{
    is_silent = true;
    ask("redis-1.test", 1);
    ask("redis-2.test", 2);
    turn_until(vd_clock_now() + 50, 1);
    ck_assert_uint_eq(answers, 0); /* finish() frees, and nobody is told */
}
END_TEST

START_TEST(bad_servers)
{
    struct vd_err err;

    ck_assert_ptr_null(vd_resolver_new(loop, "not an address", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "not an address"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolver");
    TCase *tests = tcase_create("resolver");

    tcase_add_checked_fixture(tests, begin, finish);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, literals_at_once);
    tcase_add_test(tests, names_by_the_server);
    tcase_add_test(tests, one_question_for_all_who_wait);
    tcase_add_test(tests, who_is_forgotten_is_not_told);
    tcase_add_test(tests, no_such_name);
    tcase_add_test(tests, stale_rather_than_nothing);
    tcase_add_test(tests, what_worked_comes_first);
    tcase_add_test(tests, leaves_amid_a_question);
    tcase_add_test(tests, bad_servers);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
