/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs: the command link and the subscription of a server on one connection
 * where it speaks RESP3, on two where it does not, whatever the core closes and
 * opens meanwhile. Link 1 is the command link, 2 the subscription.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "outpost.h"
#include "suite.h"

#define UNSUBSCRIBE "*2\r\n$11\r\nUNSUBSCRIBE\r\n$18\r\n" CHANNEL "\r\n"
#define IS_RESP3 "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
#define SUBSCRIBED ">3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n"
#define UNSUBSCRIBED ">3\r\n$11\r\nunsubscribe\r\n$18\r\n" CHANNEL "\r\n:0\r\n"
#define HELLO "127.0.0.1,26379,0123456789abcdef0123456789abcdef01234567,1,m1,127.0.0.1,6379,0"
#define MESSAGE ">3\r\n$7\r\nmessage\r\n$18\r\n" CHANNEL "\r\n$78\r\n" HELLO "\r\n"

static void connect_link(uint64_t id, enum vd_link_kind kind)
{
    outpost_perform_connect(id, kind, "127.0.0.1", outpost.port);
}

static const struct vd_event *event_at(size_t index)
{
    ck_assert_uint_gt(outpost.inbox.count, index);
    return &outpost.inbox.events[index];
}

static void expect_up(size_t count, uint64_t id)
{
    const struct vd_event *event = outpost_wait_events(count);

    ck_assert_int_eq(event->type, VD_EV_LINK_UP);
    ck_assert_uint_eq(event->up.link.n, id);
    ck_assert_str_eq(event->up.ip, "127.0.0.1");
    ck_assert_str_eq(event->up.local_ip, "127.0.0.1");
}

static void check_down(size_t index, uint64_t id, enum vd_down_reason reason)
{
    const struct vd_event *event = event_at(index);

    ck_assert_int_eq(event->type, VD_EV_LINK_DOWN);
    ck_assert_uint_eq(event->down.link.n, id);
    ck_assert_int_eq(event->down.reason, reason);
}

/* The next connection is the one that the test speaks on; returns the one before. */
static int accept_another(void)
{
    int before = outpost.peer;

    outpost.peer = -1;
    outpost_accept();
    return before;
}

/* The command link is greeted, and its server has answered HELLO so. */
static void greet_command(uint64_t id, const char *answer)
{
    connect_link(id, VD_LINK_COMMAND);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    expect_up(1, id);
    outpost_say("+OK\r\n");
    outpost_say(answer);
    outpost_expect_quiet(1);
    outpost_forget_events();
}

/* Both are up, on one connection. */
static void share(void)
{
    greet_command(1, IS_RESP3);
    connect_link(2, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_expect_quiet(0);
    outpost_say(SUBSCRIBED);
    expect_up(1, 2);
    outpost_forget_events();
    ck_assert_uint_eq(vd_links_count(outpost.links), 1);
}

/* Opening ------------------------------------------------------------------------ */

START_TEST(subscription_waits_for_the_greeting)
{
    connect_link(1, VD_LINK_COMMAND);
    connect_link(2, VD_LINK_SUBSCRIBE);
    ck_assert_uint_eq(vd_links_count(outpost.links), 1);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    expect_up(1, 1);
    outpost_perform_send(1, VD_RQ_PING); /* nothing waits for HELLO's reply but it */
    outpost_expect_heard(PING);
    outpost_say("+OK\r\n" IS_RESP3 "+PONG\r\n");
    outpost_wait_events(2);
    ck_assert_int_eq(event_at(1)->pong.kind, VD_PONG_OK);
    outpost_expect_heard(SUBSCRIBE);
    outpost_expect_quiet(2);
    outpost_say(SUBSCRIBED);
    expect_up(3, 2);
    ck_assert_uint_eq(vd_links_count(outpost.links), 1);
}
END_TEST

/* Who says hello before it listens misses those that are said at the same time. */
START_TEST(hello_follows_the_subscription)
{
    struct vd_hello hello = {.group = "m"};
    struct vd_effect effect = {.type = VD_EF_SEND};

    connect_link(1, VD_LINK_COMMAND);
    connect_link(2, VD_LINK_SUBSCRIBE);
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
    ck_assert_int_eq(event_at(outpost.inbox.count - 1)->type, VD_EV_ACK);
    ck_assert(event_at(outpost.inbox.count - 1)->ack.ok);
    ck_assert_uint_eq(event_at(outpost.inbox.count - 1)->ack.ticket.n, 9);
}
END_TEST

/* One LINK_DOWN answers what was held, too. */
START_TEST(hello_dies_with_the_link)
{
    struct vd_hello hello = {.group = "m"};
    struct vd_effect effect = {.type = VD_EF_SEND};

    connect_link(1, VD_LINK_COMMAND);
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

    connect_link(1, VD_LINK_COMMAND);
    connect_link(2, VD_LINK_SUBSCRIBE);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    expect_up(1, 1);
    outpost_say("+OK\r\n");
    outpost_say(refusals[_i].answer);
    command = accept_another();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    outpost_say("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n");
    expect_up(2, 2);
    ck_assert_uint_eq(vd_links_count(outpost.links), 2);
    /* It is not asked again as long as the command link lives. */
    outpost_perform_close(2);
    connect_link(3, VD_LINK_SUBSCRIBE);
    outpost_hang_up();
    outpost_accept();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    (void)close(command);
}
END_TEST

START_TEST(dial_fails_for_both)
{
    outpost_stop_listening();
    connect_link(1, VD_LINK_COMMAND);
    connect_link(2, VD_LINK_SUBSCRIBE);
    outpost_wait_events(2);
    check_down(0, 1, VD_DOWN_REFUSED);
    check_down(1, 2, VD_DOWN_REFUSED);
    ck_assert_uint_eq(vd_links_count(outpost.links), 0);
    outpost_expect_quiet(2);
}
END_TEST

/* Whoever has no command link at all is served as ever. */
START_TEST(subscription_alone)
{
    outpost_greet(VD_LINK_SUBSCRIBE);
    ck_assert_uint_eq(vd_links_count(outpost.links), 1);
}
END_TEST

/* It has been opened before: then it moves to the command link's connection. */
START_TEST(subscription_came_first)
{
    int own;

    outpost_greet(VD_LINK_SUBSCRIBE); /* link 1 here */
    connect_link(2, VD_LINK_COMMAND);
    own = accept_another();
    outpost_expect_heard(SETNAME HELLO3);
    expect_up(1, 2);
    outpost_say("+OK\r\n" IS_RESP3);
    outpost_expect_heard(SUBSCRIBE);
    ck_assert_uint_eq(vd_links_count(outpost.links), 1);
    outpost_say(SUBSCRIBED MESSAGE);
    ck_assert_int_eq(outpost_wait_events(2)->type, VD_EV_HELLO); /* it was up all the time */
    ck_assert_uint_eq(event_at(1)->hello.link.n, 1);
    (void)close(own);
}
END_TEST

START_TEST(other_credentials_do_not_share)
{
    struct vd_effect effect =
        outpost_connect_effect(2, VD_LINK_SUBSCRIBE, "127.0.0.1", outpost.port);
    int command;

    greet_command(1, IS_RESP3);
    effect.connect.user = "u";
    effect.connect.pass = "p";
    vd_links_perform(outpost.links, &effect);
    command = accept_another();
    outpost_expect_heard("*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n" SETNAME SUBSCRIBE);
    (void)close(command);
}
END_TEST

START_TEST(two_groups_of_one_server)
{
    int first;

    share();
    connect_link(3, VD_LINK_COMMAND);
    first = accept_another();
    outpost_expect_heard(SETNAME); /* one of each kind shares */
    expect_up(1, 3);
    (void)close(outpost.peer);
    outpost.peer = -1;
    outpost_wait_events(2);
    connect_link(4, VD_LINK_SUBSCRIBE);
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

/* Traffic ------------------------------------------------------------------------- */

START_TEST(replies_and_messages_find_their_links)
{
    share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_perform_send(1, VD_RQ_PROMOTE);
    outpost_say(MESSAGE "+PONG\r\n+OK\r\n" MESSAGE);
    outpost_say("+QUEUED\r\n+QUEUED\r\n" MESSAGE "+QUEUED\r\n+QUEUED\r\n"
                "*4\r\n+OK\r\n+OK\r\n:0\r\n:0\r\n" MESSAGE);
    outpost_wait_events(6);
    ck_assert_int_eq(event_at(0)->type, VD_EV_HELLO);
    ck_assert_uint_eq(event_at(0)->hello.link.n, 2);
    ck_assert_int_eq(event_at(1)->pong.kind, VD_PONG_OK);
    ck_assert_uint_eq(event_at(1)->pong.link.n, 1);
    ck_assert_int_eq(event_at(3)->type, VD_EV_HELLO);
    ck_assert_int_eq(event_at(4)->type, VD_EV_ACK);
    ck_assert(event_at(4)->ack.ok);
    ck_assert_uint_eq(event_at(5)->hello.link.n, 2);
}
END_TEST

START_TEST(info_is_verbatim_text)
{
    share();
    outpost_perform_send(1, VD_RQ_INFO);
    outpost_say("=17\r\ntxt:role:master\r\n\r\n");
    ck_assert_int_eq(outpost_wait_events(1)->type, VD_EV_INFO);
    ck_assert_ptr_nonnull(event_at(0)->info.info);
    ck_assert_int_eq(event_at(0)->info.info->role, VD_ROLE_PRIMARY);
    ck_assert_str_eq(event_at(0)->info.raw, "role:master\r\n");
}
END_TEST

static const char *const odd_replies[] = {
    "_\r\n",           ",1.5\r\n",          ",inf\r\n",           "#t\r\n",
    "(1234567890\r\n", "=7\r\ntxt:abc\r\n", "%1\r\n+a\r\n:1\r\n", "~1\r\n+PONG\r\n",
    "*-1\r\n",         "$-1\r\n",           "*1\r\n>1\r\n+x\r\n", "%0\r\n",
};

/* Any type may come for any request: an error, or a role or an INFO that tells nothing. */
START_TEST(odd_replies_are_errors)
{
    static const enum vd_request requests[] = {VD_RQ_PING, VD_RQ_INFO, VD_RQ_ROLE, VD_RQ_HANDOVER,
                                               VD_RQ_SCRIPT_KILL};

    share();
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct vd_effect effect = {.type = VD_EF_SEND};

        effect.send.link.n = 1;
        effect.send.ticket.n = i + 1;
        effect.send.request = requests[i];
        vd_links_perform(outpost.links, &effect);
        outpost_say(odd_replies[_i]);
    }
    outpost_wait_events(5);
    ck_assert_int_eq(event_at(0)->pong.kind, VD_PONG_ERROR);
    ck_assert_ptr_null(event_at(1)->info.info);
    ck_assert_int_eq(event_at(2)->role.role, VD_ROLE_UNKNOWN);
    for (size_t i = 3; i < 5; i++)
        ck_assert(!event_at(i)->ack.ok);
}
END_TEST

static const char *const other_pushes[] = {
    ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n",
    ">0\r\n",
    ">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n",
    ">3\r\n$7\r\nmessage\r\n$18\r\n" CHANNEL "\r\n:1\r\n",
    ">3\r\n:1\r\n_\r\n%1\r\n+a\r\n+b\r\n",
    ">3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n",
    UNSUBSCRIBED,
};

/* What a server tells unasked is no reply, whatever it is. */
START_TEST(other_pushes_are_nothing)
{
    share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_say(other_pushes[_i]);
    outpost_say("+PONG\r\n");
    ck_assert_int_eq(outpost_wait_events(1)->pong.kind, VD_PONG_OK);
    outpost_say(other_pushes[_i]);
    outpost_expect_quiet(1);
}
END_TEST

static void take_beat(void *self, vd_link link, const char *text, size_t len)
{
    ck_assert_uint_eq(link.n, 2);
    vd_text_add(self, text, len);
}

static bool has_beat(size_t beats)
{
    return ((const struct vd_text *)beats)->len > 0;
}

#define BEATS "__vedette__:beat"

START_TEST(beats_on_a_shared_connection)
{
    struct vd_text beats = {0};

    share();
    vd_links_hear_beats(outpost.links, take_beat, &beats);
    outpost_expect_heard("*2\r\n$9\r\nSUBSCRIBE\r\n$16\r\n" BEATS "\r\n");
    outpost_say(">3\r\n$9\r\nsubscribe\r\n$16\r\n" BEATS "\r\n:2\r\n");
    vd_links_beat(outpost.links, (vd_link){2}, "b"); /* by the command link alone */
    vd_links_beat(outpost.links, (vd_link){1}, "b");
    outpost_expect_heard("*3\r\n$7\r\nPUBLISH\r\n$16\r\n" BEATS "\r\n$1\r\nb\r\n");
    outpost_say(">3\r\n$7\r\nmessage\r\n$16\r\n" BEATS "\r\n$1\r\nb\r\n:1\r\n");
    ck_assert(outpost_turn_until(has_beat, (size_t)&beats));
    outpost_perform_close(2);
    outpost_expect_heard(UNSUBSCRIBE "*2\r\n$11\r\nUNSUBSCRIBE\r\n$16\r\n" BEATS "\r\n");
    vd_text_free(&beats);
    outpost_expect_quiet(0);
}
END_TEST

/* Ends ----------------------------------------------------------------------------- */

START_TEST(both_are_down_with_the_socket)
{
    share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_hang_up();
    outpost_wait_events(2);
    check_down(0, 1, VD_DOWN_CLOSED);
    check_down(1, 2, VD_DOWN_CLOSED);
    ck_assert_uint_eq(vd_links_count(outpost.links), 0);
    outpost_expect_quiet(2);
}
END_TEST

START_TEST(socket_ends_with_the_last)
{
    share();
    outpost_perform_close(_i == 0 ? 1 : 2);
    ck_assert_uint_eq(vd_links_count(outpost.links), 1);
    outpost_perform_close(_i == 0 ? 2 : 1);
    ck_assert_uint_eq(vd_links_count(outpost.links), 0);
    ck_assert(outpost_turn_until(outpost_hears_end, 0));
    outpost_expect_quiet(0);
}
END_TEST

START_TEST(subscription_refused_alone)
{
    greet_command(1, IS_RESP3);
    connect_link(2, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_say("-NOPERM this user has no permissions to access one of the channels\r\n");
    outpost_wait_events(1);
    check_down(0, 2, VD_DOWN_AUTH);
    outpost_perform_send(1, VD_RQ_PING);
    outpost_expect_heard(PING);
    outpost_say("+PONG\r\n");
    ck_assert_int_eq(outpost_wait_events(2)->pong.kind, VD_PONG_OK);
    /* The core tries again now and then. */
    connect_link(3, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_say(SUBSCRIBED);
    expect_up(3, 3);
}
END_TEST

/* The server is slow: what was asked for before is confirmed first, and is not ours any more. */
START_TEST(subscription_anew_is_confirmed_anew)
{
    greet_command(1, IS_RESP3);
    connect_link(2, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_perform_close(2);
    connect_link(3, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(UNSUBSCRIBE SUBSCRIBE);
    outpost_say(SUBSCRIBED MESSAGE);
    outpost_expect_quiet(0);
    outpost_say(_i == 0 ? UNSUBSCRIBED : "-NOPERM no unsubscribe\r\n");
    outpost_expect_quiet(0);
    outpost_say(SUBSCRIBED MESSAGE);
    outpost_wait_events(2);
    ck_assert_uint_eq(event_at(0)->up.link.n, 3);
    ck_assert_uint_eq(event_at(1)->hello.link.n, 3);
}
END_TEST

/* Silent where the server answers: its way is to blame, and the next one takes another. */
START_TEST(silent_subscription_stays_apart)
{
    int command;

    share();
    outpost_perform_close(2);
    outpost_expect_heard(UNSUBSCRIBE);
    outpost_say(UNSUBSCRIBED);
    connect_link(3, VD_LINK_SUBSCRIBE);
    command = accept_another();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    ck_assert_uint_eq(vd_links_count(outpost.links), 2);
    outpost_hang_up();
    outpost_wait_events(1);
    connect_link(4, VD_LINK_SUBSCRIBE);
    outpost_accept();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    outpost_perform_close(4);
    outpost_hang_up();
    /* Until the command link is another one. */
    (void)close(command);
    outpost_wait_events(2);
    outpost_forget_events();
    share();
}
END_TEST

/* One that the server is too slow for is not to blame. */
START_TEST(silent_server_keeps_its_one_connection)
{
    share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_perform_close(2);
    connect_link(3, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(PING UNSUBSCRIBE SUBSCRIBE);
    outpost_say("+PONG\r\n" UNSUBSCRIBED SUBSCRIBED);
    expect_up(2, 3);
    ck_assert_uint_eq(vd_links_count(outpost.links), 1);
}
END_TEST

/* A command link that hung is raised anew; the subscription follows it as soon as that answers. */
START_TEST(subscription_outlives_the_command_link)
{
    int old;

    share();
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
    connect_link(3, VD_LINK_COMMAND);
    old = accept_another();
    outpost_expect_heard(SETNAME HELLO3);
    expect_up(1, 3);
    ck_assert_uint_eq(vd_links_count(outpost.links), 2);
    outpost_say("+OK\r\n" IS_RESP3);
    outpost_expect_heard(SUBSCRIBE);
    ck_assert_uint_eq(vd_links_count(outpost.links), 1);
    outpost_say(SUBSCRIBED MESSAGE);
    ck_assert_uint_eq(outpost_wait_events(2)->hello.link.n, 2);
    (void)close(old);
    outpost_expect_quiet(2);
}
END_TEST

START_TEST(command_closed_while_the_subscription_waits)
{
    connect_link(1, VD_LINK_COMMAND);
    connect_link(2, VD_LINK_SUBSCRIBE);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    outpost_wait_events(1);
    outpost_perform_close(1);
    ck_assert(outpost_turn_until(outpost_hears_end, 0));
    outpost_hang_up();
    outpost_forget_events();
    greet_command(3, IS_RESP3);
    outpost_expect_heard(SUBSCRIBE);
    outpost_say(SUBSCRIBED);
    expect_up(1, 2);
}
END_TEST

/* Liars ---------------------------------------------------------------------------- */

START_TEST(push_in_resp2)
{
    outpost_greet(_i == 0 ? VD_LINK_COMMAND : _i == 1 ? VD_LINK_PEER : VD_LINK_SUBSCRIBE);
    outpost_say(MESSAGE);
    outpost_expect_down(1, 1, VD_DOWN_RESET);
}
END_TEST

START_TEST(attribute)
{
    share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_say("|1\r\n+a\r\n+b\r\n+PONG\r\n");
    outpost_wait_events(2);
    check_down(0, 1, VD_DOWN_RESET);
    check_down(1, 2, VD_DOWN_RESET);
}
END_TEST

/* The next link is greeted without HELLO. */
static void expect_no_hello(void)
{
    int command;

    outpost_hang_up();
    outpost_forget_events();
    connect_link(3, VD_LINK_COMMAND);
    connect_link(4, VD_LINK_SUBSCRIBE);
    outpost_accept();
    outpost_expect_heard(SETNAME);
    command = accept_another();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    (void)close(command);
    ck_assert_uint_eq(vd_links_count(outpost.links), 2);
}

START_TEST(resp2_behind_hello_3)
{
    greet_command(1, IS_RESP3);
    connect_link(2, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_say("*3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n");
    outpost_wait_events(2);
    check_down(0, 1, VD_DOWN_RESET);
    check_down(1, 2, VD_DOWN_RESET);
    expect_no_hello();
}
END_TEST

START_TEST(hangs_up_at_hello)
{
    connect_link(1, VD_LINK_COMMAND);
    connect_link(2, VD_LINK_SUBSCRIBE);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    outpost_say("+OK\r\n");
    outpost_hang_up();
    outpost_wait_events(3);
    check_down(1, 1, VD_DOWN_CLOSED);
    check_down(2, 2, VD_DOWN_CLOSED);
    expect_no_hello();
}
END_TEST

/* Who dies before it has said a word has not been asked too much. */
START_TEST(dies_before_hello)
{
    connect_link(1, VD_LINK_COMMAND);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    outpost_hang_up();
    outpost_wait_events(2);
    outpost_forget_events();
    greet_command(2, IS_RESP3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link pairs");
    TCase *opening = outpost_case("opening");
    TCase *traffic = outpost_case("traffic");
    TCase *ends = outpost_case("ends");
    TCase *liars = outpost_case("liars");

    tcase_add_test(opening, subscription_waits_for_the_greeting);
    tcase_add_loop_test(opening, hello_follows_the_subscription, 0, 2);
    tcase_add_test(opening, hello_dies_with_the_link);
    suite_add_rows(opening, two_connections_where_hello_is_refused, refusals);
    tcase_add_test(opening, dial_fails_for_both);
    tcase_add_test(opening, subscription_alone);
    tcase_add_test(opening, subscription_came_first);
    tcase_add_test(opening, other_credentials_do_not_share);
    tcase_add_test(opening, two_groups_of_one_server);
    tcase_add_test(traffic, replies_and_messages_find_their_links);
    tcase_add_test(traffic, info_is_verbatim_text);
    suite_add_rows(traffic, odd_replies_are_errors, odd_replies);
    suite_add_rows(traffic, other_pushes_are_nothing, other_pushes);
    tcase_add_test(traffic, beats_on_a_shared_connection);
    tcase_add_test(ends, both_are_down_with_the_socket);
    tcase_add_loop_test(ends, socket_ends_with_the_last, 0, 2);
    tcase_add_test(ends, subscription_refused_alone);
    tcase_add_loop_test(ends, subscription_anew_is_confirmed_anew, 0, 2);
    tcase_add_test(ends, silent_subscription_stays_apart);
    tcase_add_test(ends, silent_server_keeps_its_one_connection);
    tcase_add_test(ends, subscription_outlives_the_command_link);
    tcase_add_test(ends, command_closed_while_the_subscription_waits);
    tcase_add_loop_test(liars, push_in_resp2, 0, 3);
    tcase_add_test(liars, attribute);
    tcase_add_test(liars, resp2_behind_hello_3);
    tcase_add_test(liars, hangs_up_at_hello);
    tcase_add_test(liars, dies_before_hello);
    suite_add_tcase(suite, opening);
    suite_add_tcase(suite, traffic);
    suite_add_tcase(suite, ends);
    suite_add_tcase(suite, liars);
    return suite_run(suite);
}
