/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs: the command link and the subscription of a server on one connection
 * where it speaks RESP3, on two where it does not, whatever the core closes and
 * opens meanwhile.
 */
#include <string.h>
#include <unistd.h>

#include "couple.h"
#include "suite.h"

/* Opening ------------------------------------------------------------------------ */

START_TEST(subscription_waits_for_the_greeting)
{
    couple_connect_both();
    ck_assert_uint_eq(outpost_connections(), 1);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    couple_expect_up(1, 1);
    outpost_perform_send(1, VD_RQ_PING); /* nothing waits for HELLO's reply but it */
    outpost_expect_heard(PING);
    outpost_say("+OK\r\n" IS_RESP3 "+PONG\r\n");
    outpost_wait_events(2);
    ck_assert_int_eq(couple_event(1)->pong.kind, VD_PONG_OK);
    outpost_expect_heard(SUBSCRIBE);
    outpost_expect_quiet(2);
    outpost_say(SUBSCRIBED);
    couple_expect_up(3, 2);
    ck_assert_uint_eq(outpost_connections(), 1);
}
END_TEST

/* Who says hello before it listens misses those that are said at the same time. */
START_TEST(hello_follows_the_subscription)
{
    struct vd_hello hello = {.group = "m"};
    struct vd_effect effect = {.type = VD_EF_SEND};

    couple_connect_both();
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    effect.send.link.n = 1;
    effect.send.ticket.n = 9;
    effect.send.request = VD_RQ_HELLO;
    effect.send.hello = &hello;
    vd_links_perform(outpost.links, &effect);
    outpost_perform_send(1, VD_RQ_PING);
    outpost_expect_heard(PING);
    outpost_forget_events();
    outpost_say("+OK\r\n");
    outpost_say(_i == 0 ? IS_RESP3 : "-ERR unknown command `HELLO`\r\n");
    outpost_say("+PONG\r\n");
    outpost_wait_events(1);
    ck_assert(outpost_turn_until(outpost_hears, strlen(SUBSCRIBE)));
    if (_i == 0)
        ck_assert_int_eq(strncmp(vd_text_cstr(&outpost.heard), SUBSCRIBE, strlen(SUBSCRIBE)), 0);
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&outpost.heard), "PUBLISH\r\n$18\r\n" CHANNEL));
    outpost_say(_i == 0 ? SUBSCRIBED MESSAGE ":1\r\n" : ":1\r\n");
    outpost_wait_events(_i == 0 ? 4 : 2);
    ck_assert_int_eq(couple_event(outpost.inbox.count - 1)->type, VD_EV_ACK);
    ck_assert(couple_event(outpost.inbox.count - 1)->ack.ok);
    ck_assert_uint_eq(couple_event(outpost.inbox.count - 1)->ack.ticket.n, 9);
}
END_TEST

/* One LINK_DOWN answers what was held, too. */
START_TEST(hello_dies_with_the_link)
{
    struct vd_hello hello = {.group = "m"};
    struct vd_effect effect = {.type = VD_EF_SEND};

    couple_connect(1, VD_LINK_COMMAND);
    outpost_accept();
    outpost_wait_events(1);
    effect.send.link.n = 1;
    effect.send.request = VD_RQ_HELLO;
    effect.send.hello = &hello;
    vd_links_perform(outpost.links, &effect);
    outpost_hang_up();
    outpost_wait_events(2);
    outpost_expect_quiet(2);
}
END_TEST

static const struct {
    const char *answer;
} refusals[] = {
    {"-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n"},
    {"-NOPERM this user has no permissions to run the 'hello' command\r\n"},
    {"-NOAUTH HELLO must be called with the client already authenticated\r\n"},
    {"-NOPROTO unsupported protocol version\r\n"},
    {"%1\r\n$5\r\nproto\r\n:2\r\n"},
    {"*1\r\n$5\r\nproto\r\n"},
    {"*0\r\n"},
    {"+OK\r\n"},
    {"$-1\r\n"},
    {"*2\r\n$5\r\nproto\r\n$1\r\n3\r\n"},
};

START_TEST(two_connections_where_hello_is_refused)
{
    int command;

    couple_connect_both();
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    couple_expect_up(1, 1);
    outpost_say("+OK\r\n");
    outpost_say(refusals[_i].answer);
    command = couple_accept_another();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    outpost_say("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n");
    couple_expect_up(2, 2);
    ck_assert_uint_eq(outpost_connections(), 2);
    /* It is not asked again as long as the command link lives. */
    outpost_perform_close(2);
    couple_connect(3, VD_LINK_SUBSCRIBE);
    outpost_hang_up();
    outpost_accept();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    (void)close(command);
}
END_TEST

START_TEST(dial_fails_for_both)
{
    outpost_stop_listening();
    couple_connect_both();
    outpost_wait_events(2);
    couple_check_both_down(0, VD_DOWN_REFUSED);
    outpost_expect_quiet(2);
}
END_TEST

/* Whoever has no command link at all is served as ever. */
START_TEST(subscription_alone)
{
    outpost_greet(VD_LINK_SUBSCRIBE);
    ck_assert_uint_eq(outpost_connections(), 1);
}
END_TEST

/* It has been opened before: then it moves to the command link's connection. */
START_TEST(subscription_came_first)
{
    int own;

    outpost_greet(VD_LINK_SUBSCRIBE); /* link 1 here */
    couple_connect(2, VD_LINK_COMMAND);
    own = couple_accept_another();
    outpost_expect_heard(SETNAME HELLO3);
    couple_expect_up(1, 2);
    outpost_say("+OK\r\n" IS_RESP3);
    outpost_expect_heard(SUBSCRIBE);
    ck_assert_uint_eq(outpost_connections(), 1);
    outpost_say(SUBSCRIBED MESSAGE);
    ck_assert_int_eq(outpost_wait_events(2)->type, VD_EV_HELLO); /* it was up all the time */
    ck_assert_uint_eq(couple_event(1)->hello.link.n, 1);
    (void)close(own);
}
END_TEST

START_TEST(other_credentials_do_not_share)
{
    struct vd_effect effect =
        outpost_connect_effect(2, VD_LINK_SUBSCRIBE, "127.0.0.1", outpost.port);
    int command;

    couple_greet(1, IS_RESP3);
    effect.connect.user = "u";
    effect.connect.pass = "p";
    vd_links_perform(outpost.links, &effect);
    command = couple_accept_another();
    outpost_expect_heard("*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n" SETNAME SUBSCRIBE);
    (void)close(command);
}
END_TEST

START_TEST(credentials_are_no_one_text)
{
    struct vd_effect effect = outpost_connect_effect(1, VD_LINK_COMMAND, "127.0.0.1", outpost.port);

    effect.connect.user = "u";
    effect.connect.pass = "p\nq";
    vd_links_perform(outpost.links, &effect);
    effect.connect.link.n = 2;
    effect.connect.kind = VD_LINK_SUBSCRIBE;
    effect.connect.user = "u\np";
    effect.connect.pass = "q";
    vd_links_perform(outpost.links, &effect);
    ck_assert_uint_eq(outpost_connections(), 2); /* the second does not wait for the first */
}
END_TEST

START_TEST(two_groups_of_one_server)
{
    int first;

    couple_share();
    couple_connect(3, VD_LINK_COMMAND);
    first = couple_accept_another();
    outpost_expect_heard(SETNAME); /* one of each kind shares */
    couple_expect_up(1, 3);
    (void)close(outpost.peer);
    outpost.peer = -1;
    outpost_wait_events(2);
    couple_connect(4, VD_LINK_SUBSCRIBE);
    outpost_accept();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    outpost_hang_up();
    outpost.peer = first;
    /* When the first group is gone, the second has what it needs. */
    outpost_perform_close(1);
    outpost_perform_close(2);
    ck_assert(outpost_turn_until(outpost_hears_end, 0));
}
END_TEST

/* Ends ----------------------------------------------------------------------------- */

START_TEST(both_are_down_with_the_socket)
{
    couple_share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_hang_up();
    outpost_wait_events(2);
    couple_check_both_down(0, VD_DOWN_CLOSED);
    outpost_expect_quiet(2);
}
END_TEST

START_TEST(socket_ends_with_the_last)
{
    couple_share();
    outpost_perform_close(_i == 0 ? 1 : 2);
    ck_assert_uint_eq(outpost_connections(), 1);
    outpost_perform_close(_i == 0 ? 2 : 1);
    ck_assert_uint_eq(outpost_connections(), 0);
    ck_assert(outpost_turn_until(outpost_hears_end, 0));
    outpost_expect_quiet(0);
}
END_TEST

START_TEST(subscription_refused_alone)
{
    couple_greet(1, IS_RESP3);
    couple_connect(2, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_say("-NOPERM this user has no permissions to access one of the channels\r\n");
    outpost_wait_events(1);
    couple_check_down(0, 2, VD_DOWN_AUTH);
    outpost_perform_send(1, VD_RQ_PING);
    outpost_expect_heard(PING);
    outpost_say("+PONG\r\n");
    ck_assert_int_eq(outpost_wait_events(2)->pong.kind, VD_PONG_OK);
    /* The core tries again now and then. */
    couple_connect(3, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_say(SUBSCRIBED);
    couple_expect_up(3, 3);
}
END_TEST

/* The server is slow: what was asked for before is confirmed first, and is not ours any more. */
START_TEST(subscription_anew_is_confirmed_anew)
{
    couple_greet(1, IS_RESP3);
    couple_connect(2, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_perform_close(2);
    couple_connect(3, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(UNSUBSCRIBE SUBSCRIBE);
    outpost_say(SUBSCRIBED MESSAGE);
    outpost_expect_quiet(0);
    outpost_say(_i == 0 ? UNSUBSCRIBED : "-NOPERM no unsubscribe\r\n");
    outpost_expect_quiet(0);
    outpost_say(SUBSCRIBED MESSAGE);
    outpost_wait_events(2);
    ck_assert_uint_eq(couple_event(0)->up.link.n, 3);
    ck_assert_uint_eq(couple_event(1)->hello.link.n, 3);
}
END_TEST

/* Silent where the server answers: its way is to blame, and the next one takes another. */
START_TEST(silent_subscription_stays_apart)
{
    int command;

    couple_share();
    outpost_perform_close(2);
    outpost_expect_heard(UNSUBSCRIBE);
    outpost_say(UNSUBSCRIBED);
    couple_connect(3, VD_LINK_SUBSCRIBE);
    command = couple_accept_another();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    ck_assert_uint_eq(outpost_connections(), 2);
    outpost_hang_up();
    outpost_wait_events(1);
    couple_connect(4, VD_LINK_SUBSCRIBE);
    outpost_accept();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    outpost_perform_close(4);
    outpost_hang_up();
    /* Until the command link is another one. */
    (void)close(command);
    outpost_wait_events(2);
    outpost_forget_events();
    couple_share();
}
END_TEST

/* One that the server is too slow for is not to blame. */
START_TEST(silent_server_keeps_its_one_connection)
{
    couple_share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_perform_close(2);
    couple_connect(3, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(PING UNSUBSCRIBE SUBSCRIBE);
    outpost_say("+PONG\r\n" UNSUBSCRIBED SUBSCRIBED);
    couple_expect_up(2, 3);
    ck_assert_uint_eq(outpost_connections(), 1);
}
END_TEST

/* A command link that hung is raised anew; the subscription follows it as soon as that answers. */
START_TEST(subscription_outlives_the_command_link)
{
    int old;

    couple_share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_perform_send(1, VD_RQ_PROMOTE);
    ck_assert(outpost_turn_until(outpost_hears, 100));
    vd_text_clear(&outpost.heard);
    outpost_perform_close(1);
    outpost_say("+PONG\r\n" MESSAGE);
    ck_assert_uint_eq(outpost_wait_events(1)->hello.link.n, 2);
    /* Nor is what was refused in part said again for nobody. */
    outpost_say("+OK\r\n-NOPERM no\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n-EXECABORT no\r\n" MESSAGE);
    ck_assert_uint_eq(outpost_wait_events(2)->hello.link.n, 2);
    outpost_forget_events();
    couple_connect(3, VD_LINK_COMMAND);
    old = couple_accept_another();
    outpost_expect_heard(SETNAME HELLO3);
    couple_expect_up(1, 3);
    ck_assert_uint_eq(outpost_connections(), 2);
    outpost_say("+OK\r\n" IS_RESP3);
    outpost_expect_heard(SUBSCRIBE);
    ck_assert_uint_eq(outpost_connections(), 1);
    outpost_say(SUBSCRIBED MESSAGE);
    ck_assert_uint_eq(outpost_wait_events(2)->hello.link.n, 2);
    (void)close(old);
    outpost_expect_quiet(2);
}
END_TEST

START_TEST(command_closed_while_the_subscription_waits)
{
    couple_connect_both();
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    outpost_wait_events(1);
    outpost_perform_close(1);
    ck_assert(outpost_turn_until(outpost_hears_end, 0));
    outpost_hang_up();
    outpost_forget_events();
    couple_greet(3, IS_RESP3);
    outpost_expect_heard(SUBSCRIBE);
    outpost_say(SUBSCRIBED);
    couple_expect_up(1, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link pairs");
    TCase *opening = outpost_case("opening");
    TCase *ends = outpost_case("ends");

    tcase_add_test(opening, subscription_waits_for_the_greeting);
    tcase_add_loop_test(opening, hello_follows_the_subscription, 0, 2);
    tcase_add_test(opening, hello_dies_with_the_link);
    suite_add_rows(opening, two_connections_where_hello_is_refused, refusals);
    tcase_add_test(opening, dial_fails_for_both);
    tcase_add_test(opening, subscription_alone);
    tcase_add_test(opening, subscription_came_first);
    tcase_add_test(opening, other_credentials_do_not_share);
    tcase_add_test(opening, credentials_are_no_one_text);
    tcase_add_test(opening, two_groups_of_one_server);
    tcase_add_test(ends, both_are_down_with_the_socket);
    tcase_add_loop_test(ends, socket_ends_with_the_last, 0, 2);
    tcase_add_test(ends, subscription_refused_alone);
    tcase_add_loop_test(ends, subscription_anew_is_confirmed_anew, 0, 2);
    tcase_add_test(ends, silent_subscription_stays_apart);
    tcase_add_test(ends, silent_server_keeps_its_one_connection);
    tcase_add_test(ends, subscription_outlives_the_command_link);
    tcase_add_test(ends, command_closed_while_the_subscription_waits);
    suite_add_tcase(suite, opening);
    suite_add_tcase(suite, ends);
    return suite_run(suite);
}
