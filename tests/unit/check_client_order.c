/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies come in the order of requests, whatever each of them waits for: a
 * peer sends all kinds in one stream, cut anywhere, while the core and the name
 * server answer when they like.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "house.h"
#include "suite.h"

#define REQUESTS 60
#define STREAMS 300

static struct house house;
static uint32_t luck;

static uint32_t dice(uint32_t sides)
{
    luck = luck * 1664525U + 1013904223U;
    return (luck >> 8) % sides;
}

static void set_up(void)
{
    house_init(&house);
    house_open(&house);
    house_allow_names(&house);
    house.unknown_host = "known.to.be.nobody";
}

static void tear_down(void)
{
    house_free(&house);
}

/* The stream ------------------------------------------------------------------------- */

/* What the core, as the test plays it, makes of an event tells which it was. */
static void put_question(unsigned n, struct vd_text *in, struct vd_text *out)
{
    vd_text_printf(in, "SENTINEL is-master-down-by-addr 10.0.0.1 %u 3 *\r\n", n + 1);
    vd_text_printf(out, "*3\r\n:0\r\n$1\r\n*\r\n:%u\r\n", n + 1);
}

static void put_order(unsigned n, struct vd_text *in, struct vd_text *out)
{
    vd_text_printf(in, "SENTINEL RESET r%u*\r\n", n);
    vd_text_printf(out, ":%u\r\n", n);
}

static void put_unsaved(struct vd_text *in, struct vd_text *out)
{
    vd_text_puts(in, "SENTINEL FLUSHCONFIG\r\n");
    vd_text_puts(out, "-ERR Failed to save config file. Check server logs.\r\n");
}

static void put_monitor(unsigned n, const char *host, struct vd_text *in, struct vd_text *out)
{
    vd_text_printf(in, "SENTINEL MONITOR m%u %s 6379 2\r\n", n, host);
    if (strcmp(host, "some.body") == 0)
        vd_text_printf(out, "-ERR told of m%u\r\n", n);
    else
        vd_text_puts(out, "-ERR Invalid IP address or hostname specified\r\n");
}

static void put_simple(unsigned n, struct vd_text *in, struct vd_text *out)
{
    switch (n % 5) {
    case 0:
        vd_text_printf(in, "*2\r\n$4\r\nPING\r\n$4\r\n%04u\r\n", n);
        vd_text_printf(out, "$4\r\n%04u\r\n", n);
        return;
    case 1:
        vd_text_puts(in, "CLIENT ID NO\r\n");
        vd_text_puts(out, "-ERR wrong number of arguments for 'client|id' command\r\n");
        return;
    case 2:
        vd_text_puts(in, "UNSUBSCRIBE x\r\n");
        vd_text_puts(out, "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n");
        return;
    case 3:
        vd_text_puts(in, "PUBLISH __sentinel__:hello junk\r\n");
        vd_text_puts(out, ":1\r\n");
        return;
    default:
        vd_text_puts(in, "CLIENT KILL ID 12345\r\n");
        vd_text_puts(out, ":0\r\n");
        return;
    }
}

static void put_request(unsigned n, struct vd_text *in, struct vd_text *out)
{
    switch (dice(8)) {
    case 0:
    case 1:
        put_question(n, in, out);
        return;
    case 2:
        put_order(n, in, out);
        return;
    case 3:
        put_unsaved(in, out);
        return;
    case 4:
        put_monitor(n, "no.body", in, out);
        return;
    case 5:
        put_monitor(n, "some.body", in, out);
        return;
    case 6:
        put_monitor(n, house.unknown_host, in, out);
        return;
    default:
        put_simple(n, in, out);
        return;
    }
}

static void make_stream(struct vd_text *in, struct vd_text *out)
{
    vd_text_puts(in, "CLIENT SETNAME sentinel-0123abcd-cmd\r\n");
    vd_text_puts(out, "+OK\r\n");
    for (unsigned n = 0; n < REQUESTS; n++) {
        size_t before = out->len;

        if (dice(8) > 0) {
            put_request(n, in, out);
            continue;
        }
        vd_text_puts(in, "CLIENT REPLY SKIP\r\n");
        if (dice(2) == 0)
            put_question(n, in, out);
        else
            put_monitor(n, dice(2) == 0 ? "no.body" : house.unknown_host, in, out);
        vd_text_cut(out, before);
    }
    vd_text_puts(in, "QUIT\r\n");
    vd_text_puts(out, "+OK\r\n");
}

/* Who answers -------------------------------------------------------------------------- */

/* The next event, as the core would: in the order in which they came. */
static bool answer_event(size_t *answered)
{
    const struct vd_event *event = &house.inbox.events[*answered];
    struct vd_effect effect = {.type = VD_EF_REPLY, .promise = true};
    char text[64];

    if (*answered == house.inbox.count)
        return false;
    (*answered)++;
    if (event->type == VD_EV_QUESTION) {
        effect.reply.client = event->question.client;
        effect.reply.kind = VD_REPLY_VOTE;
        effect.reply.leader = "*";
        effect.reply.leader_epoch = event->question.addr.port;
        vd_clients_reply(house.clients, &effect);
        return true;
    }
    ck_assert_int_eq(event->type, VD_EV_ORDER);
    effect.reply.client = event->order.client;
    if (event->order.order->type == VD_ORDER_FLUSH) {
        vd_clients_refuse(house.clients, &effect);
        return true;
    }
    if (event->order.order->type == VD_ORDER_RESET) {
        effect.reply.kind = VD_REPLY_INTEGER;
        effect.reply.number = atoi(event->order.order->name + 1);
    } else {
        (void)snprintf(text, sizeof(text), "ERR told of %s", event->order.order->name);
        effect.reply.kind = VD_REPLY_ERROR;
        effect.reply.text = text;
    }
    vd_clients_reply(house.clients, &effect);
    return true;
}

static bool answer_name(void)
{
    bool known = strcmp(house.resolve_host, "some.body") == 0;

    if (house.resolve_host[0] == '\0')
        return false;
    house.resolve_host[0] = '\0';
    vd_clients_resolved(house.clients, house.resolve_client, known ? "10.0.0.7" : NULL);
    return true;
}

/* Something that is asked is answered, if anything is. */
static bool answer_any(size_t *answered)
{
    if (dice(2) == 0)
        return answer_event(answered) || answer_name();
    return answer_name() || answer_event(answered);
}

static void play(uint32_t seed)
{
    struct vd_text in = {0};
    struct vd_text out = {0};
    size_t answered = 0;
    int fd = house_enter(&house);

    luck = seed;
    make_stream(&in, &out);
    for (size_t at = 0; at < in.len;) {
        char piece[512];
        size_t len = 1 + dice(sizeof(piece) - 1);

        if (len > in.len - at)
            len = in.len - at;
        memcpy(piece, in.bytes + at, len);
        piece[len] = '\0';
        house_write(&house, fd, piece);
        at += len;
        for (uint32_t i = dice(4); i > 0 && answer_any(&answered); i--)
            house_run(&house);
    }
    while (answer_any(&answered))
        house_run(&house);
    house_expect(&house, fd, vd_text_cstr(&out));
    ck_assert(house_expect_end(&house, fd));
    (void)close(fd);
    house_clear(&house);
    vd_text_free(&in);
    vd_text_free(&out);
}

START_TEST(any_stream)
{
    for (uint32_t seed = 1; seed <= STREAMS; seed++)
        play(seed);
}
END_TEST

/* The shortest that ever went wrong: the name is told to be nobody's while a vote is being saved.
 */
START_TEST(a_question_and_a_name_of_nobody)
{
    struct vd_effect effect = {
        .type = VD_EF_REPLY,
        .reply = {.client = {1}, .kind = VD_REPLY_VOTE, .leader = "*", .leader_epoch = 1}};
    struct vd_text in = {0};
    struct vd_text out = {0};
    int fd = house_enter(&house);

    house_ask(&house, fd, "CLIENT SETNAME sentinel-0123abcd-cmd", "+OK\r\n");
    put_question(0, &in, &out);
    put_monitor(1, "no.body", &in, &out);
    vd_text_puts(&in, "PING\r\n");
    vd_text_puts(&out, "+PONG\r\n");
    house_write(&house, fd, vd_text_cstr(&in));
    ck_assert(answer_name());
    house_expect_nothing(&house, fd);
    vd_clients_reply(house.clients, &effect);
    house_expect(&house, fd, vd_text_cstr(&out));
    house_expect_nothing(&house, fd);
    (void)close(fd);
    vd_text_free(&in);
    vd_text_free(&out);
}
END_TEST

/* A name that was asked for a moment ago, in vain: one error, once counted. */
START_TEST(a_refusal_at_once_counts_once)
{
    int fd = house_enter(&house);
    struct vd_text got = {0};
    char bytes[8192];
    ssize_t len;

    house_ask(&house, fd, "SENTINEL MONITOR n known.to.be.nobody 6379 2",
              "-ERR Invalid IP address or hostname specified\r\n");
    house_write(&house, fd, "INFO stats\r\n");
    len = read(fd, bytes, sizeof(bytes));
    ck_assert_int_gt(len, 0);
    vd_text_add(&got, bytes, (size_t)len);
    ck_assert_msg(strstr(vd_text_cstr(&got), "total_error_replies:1\r\n") != NULL, "%s",
                  vd_text_cstr(&got));
    vd_text_free(&got);
    (void)close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client order");
    TCase *tcase = tcase_create("client order");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_question_and_a_name_of_nobody);
    tcase_add_test(tcase, a_refusal_at_once_counts_once);
    tcase_add_test(tcase, any_stream);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
