/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients over a socket: the order of replies, what waits for the core, pub/sub, and how they end.
 */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "house.h"
#include "suite.h"

static struct house house;

static void set_up(void)
{
    house_init(&house);
    house_open(&house);
}

static void tear_down(void)
{
    house_free(&house);
}

START_TEST(requests)
{
    int fd = house_enter(&house);
    int other = house_enter(&house);

    house_ask(&house, fd, "PING", "+PONG\r\n");
    house_ask(&house, fd, "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nPING\r\n$2\r\nhi",
              "+PONG\r\n$2\r\nhi\r\n");
    house_ask(&house, other, "client id", ":2\r\n");
    /* In pieces. */
    for (const char *at = "*2\r\n$4\r\nPING\r\n$3\r\nabc\r\n"; *at != '\0'; at++)
        house_write(&house, fd, (const char[]){*at, '\0'});
    house_expect(&house, fd, "$3\r\nabc\r\n");
    house_expect_nothing(&house, other);
    (void)close(fd);
    house_run(&house);
    ck_assert_uint_eq(vd_clients_count(house.clients), 1);
    (void)close(other);
}
END_TEST

/* Replies before the bad bytes are sent; what stands behind them is not looked at. */
START_TEST(protocol_error)
{
    int fd = house_enter(&house);

    house_write(&house, fd, "PING\r\n*1\r\n$x\r\nPING\r\n");
    house_expect(&house, fd, "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n");
    ck_assert(house_expect_end(&house, fd));
    (void)close(fd);
    fd = house_enter(&house);
    house_write(&house, fd, "PING\r\nPOST / HTTP/1.1\r\nPING\r\n");
    house_expect(&house, fd, "+PONG\r\n");
    ck_assert(house_expect_end(&house, fd));
    ck_assert_uint_eq(vd_clients_count(house.clients), 0);
    (void)close(fd);
}
END_TEST

/* What comes behind an order waits for its reply, and nobody else does. */
START_TEST(order_of_replies)
{
    int fd = house_enter(&house);
    int other = house_enter(&house);
    const struct vd_event *event;

    house_write(&house, fd,
                "PING\r\nSENTINEL FLUSHCONFIG\r\nPING 1\r\nSENTINEL RESET x*\r\nPING 2\r\nPI");
    house_expect(&house, fd, "+PONG\r\n");
    house_expect_nothing(&house, fd);
    event = house_event(&house, VD_EV_ORDER);
    ck_assert_int_eq(event->order.order->type, VD_ORDER_FLUSH);
    ck_assert_uint_eq(event->order.client.n, 1);
    house_ask(&house, other, "PING", "+PONG\r\n");
    house_write(&house, fd, "NG 3\r\n");
    house_expect_nothing(&house, fd);

    house_clear(&house);
    house_reply_ok(&house, (vd_client){1});
    house_expect(&house, fd, "+OK\r\n$1\r\n1\r\n");
    house_expect_nothing(&house, fd);
    event = house_event(&house, VD_EV_ORDER);
    ck_assert_int_eq(event->order.order->type, VD_ORDER_RESET);
    ck_assert_str_eq(event->order.order->name, "x*");
    /* The same reply twice, or for somebody who does not wait, changes nothing. */
    house_reply_ok(&house, (vd_client){2});
    house_reply_ok(&house, (vd_client){99});
    house_expect_nothing(&house, other);
    house_reply_ok(&house, (vd_client){1});
    house_reply_ok(&house, (vd_client){1});
    house_expect(&house, fd, "+OK\r\n$1\r\n2\r\n$1\r\n3\r\n");
    house_expect_nothing(&house, fd);
    (void)close(fd);
    (void)close(other);
}
END_TEST

START_TEST(refused)
{
    struct vd_effect effect = {.type = VD_EF_REPLY, .reply = {.client = {1}}};
    int fd = house_enter(&house);

    house_write(&house, fd, "SENTINEL FLUSHCONFIG\r\nPING\r\n");
    vd_clients_refuse(house.clients, &effect);
    house_expect(&house, fd, "-ERR Failed to save config file. Check server logs.\r\n+PONG\r\n");
    (void)close(fd);
}
END_TEST

/* The client goes while the core thinks. */
START_TEST(gone_while_waiting)
{
    int fd = house_enter(&house);

    house_write(&house, fd, "SENTINEL FLUSHCONFIG\r\nPING\r\n");
    (void)house_event(&house, VD_EV_ORDER);
    (void)close(fd);
    house_run(&house);
    house_reply_ok(&house, (vd_client){1});
    house_run(&house);
    ck_assert_uint_eq(vd_clients_count(house.clients), 0);
    house_reply_ok(&house, (vd_client){1});
}
END_TEST

START_TEST(votes)
{
    struct vd_effect effect = {
        .type = VD_EF_REPLY,
        .reply = {.client = {1}, .kind = VD_REPLY_VOTE, .leader = PUPPET_SELF, .leader_epoch = 3}};
    int fd = house_enter(&house);
    const struct vd_event *event;

    house_write(&house, fd,
                "CLIENT SETNAME sentinel-0123abcd-cmd\r\n"
                "SENTINEL is-master-down-by-addr 10.0.0.1 6379 3 " PUPPET_SELF "\r\n");
    event = house_event(&house, VD_EV_QUESTION);
    ck_assert_str_eq(event->question.asker, "0123abcd");
    ck_assert(event->question.wants_vote);
    vd_clients_reply(house.clients, &effect);
    house_expect(&house, fd, "+OK\r\n*3\r\n:0\r\n$40\r\n" PUPPET_SELF "\r\n:3\r\n");
    (void)close(fd);
}
END_TEST

static void put_question(struct vd_text *to, int port)
{
    vd_text_printf(to, "SENTINEL is-master-down-by-addr 10.0.0.1 %d 3 *\r\n", port);
}

/* A peer's questions are one turn's; what stands between them and behind keeps its place. */
START_TEST(questions_of_a_peer_come_at_once)
{
    struct vd_effect effect = {.type = VD_EF_REPLY,
                               .reply = {.client = {1}, .kind = VD_REPLY_VOTE, .leader = "*"}};
    int fd = house_enter(&house);
    struct vd_text text = {0};

    vd_text_puts(&text, "CLIENT SETNAME sentinel-0123abcd-cmd\r\n");
    put_question(&text, 1);
    vd_text_puts(&text, "PING a\r\n");
    put_question(&text, 2);
    put_question(&text, 3);
    vd_text_puts(&text, "PING b\r\nPING c\r\nSENTINEL FLUSHCONFIG\r\nPING d\r\nQUIT\r\n");
    house_write(&house, fd, vd_text_cstr(&text));
    vd_text_free(&text);
    house_expect(&house, fd, "+OK\r\n");
    house_expect_nothing(&house, fd);
    ck_assert_uint_eq(house.inbox.count, 4); /* the order, too; and nothing behind it was run */
    for (uint16_t i = 0; i < 3; i++) {
        ck_assert_int_eq(house.inbox.events[i].type, VD_EV_QUESTION);
        ck_assert_uint_eq(house.inbox.events[i].question.addr.port, i + 1);
    }
    house_clear(&house);
    effect.reply.leader_epoch = 1;
    vd_clients_reply(house.clients, &effect);
    house_expect(&house, fd, "*3\r\n:0\r\n$1\r\n*\r\n:1\r\n$1\r\na\r\n");
    effect.reply.leader_epoch = 2;
    vd_clients_reply(house.clients, &effect);
    house_expect(&house, fd, "*3\r\n:0\r\n$1\r\n*\r\n:2\r\n");
    house_expect_nothing(&house, fd);
    effect.reply.leader_epoch = 3;
    vd_clients_reply(house.clients, &effect);
    house_expect(&house, fd, "*3\r\n:0\r\n$1\r\n*\r\n:3\r\n$1\r\nb\r\n$1\r\nc\r\n");
    house_expect_nothing(&house, fd);
    house_reply_ok(&house, (vd_client){1});
    house_expect(&house, fd, "+OK\r\n$1\r\nd\r\n+OK\r\n");
    ck_assert(house_expect_end(&house, fd));
    (void)close(fd);
}
END_TEST

/* Anybody else is answered one after the other. */
START_TEST(questions_of_a_stranger_wait)
{
    int fd = house_enter(&house);
    struct vd_text text = {0};

    put_question(&text, 1);
    put_question(&text, 2);
    house_write(&house, fd, vd_text_cstr(&text));
    vd_text_free(&text);
    ck_assert_uint_eq(house.inbox.count, 1);
    (void)close(fd);
}
END_TEST

/* What CLIENT REPLY says of one request is not said of those that wait for an answer. */
START_TEST(questions_of_a_peer_that_wants_few_replies)
{
    struct vd_effect effect = {.type = VD_EF_REPLY,
                               .reply = {.client = {1}, .kind = VD_REPLY_VOTE, .leader = "*"}};
    int fd = house_enter(&house);
    struct vd_text text = {0};

    vd_text_puts(&text, "CLIENT SETNAME sentinel-0123abcd-cmd\r\nCLIENT REPLY SKIP\r\n");
    put_question(&text, 1);
    vd_text_puts(&text, "PING a\r\n");
    put_question(&text, 2);
    vd_text_puts(&text, "CLIENT REPLY OFF\r\n");
    put_question(&text, 3);
    house_write(&house, fd, vd_text_cstr(&text));
    vd_text_free(&text);
    house_expect(&house, fd, "+OK\r\n");
    vd_clients_reply(house.clients, &effect);
    house_expect(&house, fd, "$1\r\na\r\n");
    vd_clients_reply(house.clients, &effect);
    house_expect(&house, fd, "*3\r\n:0\r\n$1\r\n*\r\n:0\r\n");
    vd_clients_refuse(house.clients, &effect);
    house_expect_nothing(&house, fd);
    house_write(&house, fd, "CLIENT REPLY ON\r\n");
    house_expect(&house, fd, "+OK\r\n");
    (void)close(fd);
}
END_TEST

START_TEST(hello)
{
    int fd = house_enter(&house);

    house_ask(&house, fd,
              "PUBLISH __sentinel__:hello 10.0.1.9,26380," PUPPET_SELF ",4,m,10.0.0.1,6379,2",
              ":1\r\n");
    ck_assert_str_eq(house_event(&house, VD_EV_HELLO)->hello.hello->group, "m");
    house_clear(&house);
    house_ask(&house, fd, "PUBLISH __sentinel__:hello junk", ":1\r\n");
    ck_assert_uint_eq(house.inbox.count, 0);
    (void)close(fd);
}
END_TEST

START_TEST(monitor_by_name)
{
    int fd = house_enter(&house);
    const struct vd_order *order;

    house_allow_names(&house);
    house_write(&house, fd, "SENTINEL MONITOR n host.example 6380 2\r\nPING\r\n");
    house_expect_nothing(&house, fd);
    ck_assert_str_eq(house.resolve_host, "host.example");
    ck_assert_uint_eq(house.inbox.count, 0);
    house_reply_ok(&house, (vd_client){1}); /* not yet */
    house_expect_nothing(&house, fd);
    vd_clients_resolved(house.clients, house.resolve_client, "10.0.0.7");
    order = house_event(&house, VD_EV_ORDER)->order.order;
    ck_assert_int_eq(order->type, VD_ORDER_MONITOR);
    ck_assert_str_eq(order->name, "n");
    ck_assert_str_eq(order->addr.host, "host.example");
    ck_assert_str_eq(order->addr.ip, "10.0.0.7");
    ck_assert_uint_eq(order->addr.port, 6380);
    ck_assert_uint_eq(order->quorum, 2);
    house_reply_ok(&house, (vd_client){1});
    house_expect(&house, fd, "+OK\r\n+PONG\r\n");

    house_clear(&house);
    house_write(&house, fd, "SENTINEL MONITOR o other.example 6380 2\r\nPING\r\n");
    vd_clients_resolved(house.clients, house.resolve_client, "");
    house_expect(&house, fd, "-ERR Invalid IP address or hostname specified\r\n+PONG\r\n");
    ck_assert_uint_eq(house.inbox.count, 0);

    /* Who wants no replies gets none, however late. */
    house_write(&house, fd,
                "CLIENT REPLY SKIP\r\nSENTINEL MONITOR o other.example 6380 2\r\nPING\r\n");
    vd_clients_resolved(house.clients, house.resolve_client, "");
    house_expect(&house, fd, "+PONG\r\n");

    house_write(&house, fd, "SENTINEL MONITOR o other.example 6380 2\r\n");
    house_ask(&house, house_enter(&house), "CLIENT KILL ID 1", ":1\r\n");
    vd_clients_resolved(house.clients, house.resolve_client, "10.0.0.8");
    ck_assert_uint_eq(house.inbox.count, 0);
    (void)close(fd);
}
END_TEST

START_TEST(subscriptions)
{
    int two = house_enter(&house);
    int three = house_enter(&house);

    house_ask(&house, two, "SUBSCRIBE +sdown +odown",
              "*3\r\n$9\r\nsubscribe\r\n$6\r\n+sdown\r\n:1\r\n"
              "*3\r\n$9\r\nsubscribe\r\n$6\r\n+odown\r\n:2\r\n");
    house_write(&house, three, "HELLO 3\r\n");
    house_run(&house);
    house_write(&house, three, "PSUBSCRIBE +*\r\nSUBSCRIBE +sdown\r\nROLE\r\n");
    vd_clients_publish(house.clients, "+sdown", "x");
    house_expect(&house, two, "*3\r\n$7\r\nmessage\r\n$6\r\n+sdown\r\n$1\r\nx\r\n");
    house_expect(&house, three,
                 "%6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\n"
                 "proto\r\n:3\r\n$2\r\nid\r\n:2\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n$7\r\nmodules"
                 "\r\n*0\r\n>3\r\n$10\r\npsubscribe\r\n$2\r\n+*\r\n:1\r\n"
                 ">3\r\n$9\r\nsubscribe\r\n$6\r\n+sdown\r\n:2\r\n*2\r\n$8\r\nsentinel\r\n*1\r\n"
                 "$1\r\nm\r\n>3\r\n$7\r\nmessage\r\n$6\r\n+sdown\r\n$1\r\nx\r\n"
                 ">4\r\n$8\r\npmessage\r\n$2\r\n+*\r\n$6\r\n+sdown\r\n$1\r\nx\r\n");
    house_ask(&house, two, "UNSUBSCRIBE",
              "*3\r\n$11\r\nunsubscribe\r\n$6\r\n+sdown\r\n:1\r\n"
              "*3\r\n$11\r\nunsubscribe\r\n$6\r\n+odown\r\n:0\r\n");
    house_ask(&house, two, "PUNSUBSCRIBE", "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n");
    vd_clients_publish(house.clients, "+sdown", "x");
    house_expect_nothing(&house, two);
    (void)close(three);
    house_run(&house);
    vd_clients_publish(house.clients, "+sdown", "x");
    (void)close(two);
}
END_TEST

START_TEST(kills)
{
    int fd = house_enter(&house);
    int other = house_enter(&house);
    int third = house_enter(&house);

    house_ask(&house, third, "SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    house_ask(&house, fd, "CLIENT KILL ID 2 SKIPME no", ":1\r\n");
    ck_assert(house_expect_end(&house, other));
    house_ask(&house, fd, "CLIENT KILL 1.2.3.4:5", "-ERR No such client\r\n");
    house_ask(&house, fd, "CLIENT KILL TYPE pubsub", ":1\r\n");
    ck_assert(house_expect_end(&house, third));
    house_write(&house, fd, "CLIENT KILL SKIPME no\r\nPING\r\n");
    house_expect(&house, fd, ":1\r\n");
    ck_assert(house_expect_end(&house, fd));
    ck_assert_uint_eq(vd_clients_count(house.clients), 0);
    (void)close(fd);
    (void)close(other);
    (void)close(third);
}
END_TEST

START_TEST(farewells)
{
    int fd = house_enter(&house);
    int other = house_enter(&house);

    house_write(&house, fd, "QUIT\r\nPING\r\n");
    house_expect(&house, fd, "+OK\r\n");
    ck_assert(house_expect_end(&house, fd));
    house_write(&house, other, "SHUTDOWN\r\n");
    ck_assert_uint_eq(house.shutdowns, 1);
    (void)close(fd);
    (void)close(other);
}
END_TEST

/* The last replies leave before the sockets are closed. */
START_TEST(stop)
{
    int fd = house_enter(&house);
    int waiting = house_enter(&house);

    house_write(&house, waiting, "SENTINEL FLUSHCONFIG\r\nPING\r\n");
    house_reply_ok(&house, (vd_client){2});
    vd_clients_publish(house.clients, "c", "nobody listens");
    vd_clients_stop(house.clients);
    ck_assert_uint_eq(vd_clients_count(house.clients), 0);
    house_expect(&house, waiting, "+OK\r\n");
    ck_assert(house_expect_end(&house, waiting));
    ck_assert(house_expect_end(&house, fd));
    (void)close(fd);
    (void)close(waiting);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clients");
    TCase *tcase = tcase_create("clients");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, requests);
    tcase_add_test(tcase, protocol_error);
    tcase_add_test(tcase, order_of_replies);
    tcase_add_test(tcase, refused);
    tcase_add_test(tcase, gone_while_waiting);
    tcase_add_test(tcase, votes);
    tcase_add_test(tcase, questions_of_a_peer_come_at_once);
    tcase_add_test(tcase, questions_of_a_peer_that_wants_few_replies);
    tcase_add_test(tcase, questions_of_a_stranger_wait);
    tcase_add_test(tcase, hello);
    tcase_add_test(tcase, monitor_by_name);
    tcase_add_test(tcase, subscriptions);
    tcase_add_test(tcase, kills);
    tcase_add_test(tcase, farewells);
    tcase_add_test(tcase, stop);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
