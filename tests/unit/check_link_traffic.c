/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes over links: questions and their answers, orders, messages of the channels, beats. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "outpost.h"
#include "suite.h"

#define HELLO "127.0.0.1,26379,0123456789abcdef0123456789abcdef01234567,1,m1,127.0.0.1,6379,0"

/* Traffic --------------------------------------------------------------------------- */

START_TEST(answers_in_order)
{
    uint64_t first;

    outpost_greet(VD_LINK_PEER);
    first = outpost_perform_send(1, VD_RQ_PING);
    outpost_perform_send(1, VD_RQ_INFO);
    outpost_perform_send(1, VD_RQ_ROLE);
    outpost_expect_heard(PING "*1\r\n$4\r\nINFO\r\n*1\r\n$4\r\nROLE\r\n"); /* one write */
    outpost_say("+PONG\r\n$13\r\nrole:master\r\n\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    outpost_wait_events(3);
    ck_assert_int_eq(outpost.inbox.events[0].type, VD_EV_PONG);
    ck_assert_uint_eq(outpost.inbox.events[0].pong.ticket.n, first);
    ck_assert_int_eq(outpost.inbox.events[0].pong.kind, VD_PONG_OK);
    ck_assert_int_eq(outpost.inbox.events[1].type, VD_EV_INFO);
    ck_assert_uint_eq(outpost.inbox.events[1].info.ticket.n, first + 1);
    ck_assert_int_eq(outpost.inbox.events[1].info.info->role, VD_ROLE_PRIMARY);
    ck_assert_int_eq(outpost.inbox.events[2].role.role, VD_ROLE_PRIMARY);
    ck_assert_uint_eq(outpost.inbox.events[2].role.ticket.n, first + 2);
}
END_TEST

/* However the bytes are cut. */
START_TEST(answers_byte_by_byte)
{
    static const char replies[] = "+PONG\r\n*3\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6380\r\n";

    outpost_greet(VD_LINK_COMMAND);
    outpost_perform_send(1, VD_RQ_PING);
    outpost_perform_send(1, VD_RQ_ROLE);
    outpost_expect_heard(PING "*1\r\n$4\r\nROLE\r\n");
    for (size_t i = 0; i < sizeof(replies) - 1; i++) {
        ck_assert_int_eq(send(outpost.peer, replies + i, 1, MSG_NOSIGNAL), 1);
        ev_run(outpost.loop, EVRUN_NOWAIT);
    }
    outpost_wait_events(2);
    ck_assert_int_eq(outpost.inbox.events[0].pong.kind, VD_PONG_OK);
    ck_assert_int_eq(outpost.inbox.events[1].role.role, VD_ROLE_REPLICA);
    ck_assert_int_eq(outpost.inbox.events[1].role.primary.port, 6380);
}
END_TEST

/* What a server answers to an order whose REPLICAOF or SLAVEOF it does not allow. */
static const char refusal[] = "+OK\r\n-NOPERM no\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
                              "-EXECABORT Transaction discarded because of previous errors.\r\n";

/* SLAVEOF is said where REPLICAOF is refused, at once, and remembered for the next link. */
START_TEST(turns_with_less_rights)
{
    uint64_t ticket;

    outpost_greet(VD_LINK_COMMAND);
    ticket = outpost_perform_send(1, VD_RQ_REPLICATE);
    ck_assert(outpost_turn_until(outpost_hears, 1));
    ck_assert_ptr_nonnull(
        strstr(vd_text_cstr(&outpost.heard), "REPLICAOF\r\n$8\r\n10.0.0.9\r\n$4\r\n6379"));
    vd_text_clear(&outpost.heard);
    outpost_say(refusal);
    ck_assert(outpost_turn_until(outpost_hears, 100));
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&outpost.heard), "SLAVEOF\r\n$8\r\n10.0.0.9\r\n"));
    ck_assert_ptr_null(strstr(vd_text_cstr(&outpost.heard), "REPLICAOF"));
    vd_text_clear(&outpost.heard);
    outpost_expect_quiet(0);
    outpost_say(
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n+OK\r\n:0\r\n:0\r\n");
    outpost_wait_events(1);
    ck_assert_int_eq(outpost.inbox.events[0].type, VD_EV_ACK);
    ck_assert(outpost.inbox.events[0].ack.ok);
    ck_assert_uint_eq(outpost.inbox.events[0].ack.ticket.n, ticket);
    outpost_perform_close(1);
    outpost_hang_up();
    outpost_forget_events();
    outpost_greet(VD_LINK_COMMAND);
    outpost_perform_send(1, VD_RQ_PROMOTE);
    ck_assert(outpost_turn_until(outpost_hears, 100));
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&outpost.heard), "SLAVEOF\r\n$2\r\nNO\r\n"));
    ck_assert_ptr_null(strstr(vd_text_cstr(&outpost.heard), "REPLICAOF"));
}
END_TEST

/* An order that was refused in part must not be sent again behind a later one. */
START_TEST(stale_turns_are_not_repeated)
{
    uint64_t first;

    outpost_greet(VD_LINK_COMMAND);
    first = outpost_perform_send(1, VD_RQ_PROMOTE);
    outpost_perform_send(1, VD_RQ_REPLICATE);
    ck_assert(outpost_turn_until(outpost_hears, 300));
    vd_text_clear(&outpost.heard);
    outpost_say(refusal);
    outpost_wait_events(1);
    ck_assert_uint_eq(outpost.inbox.events[0].ack.ticket.n, first);
    ck_assert(!outpost.inbox.events[0].ack.ok);
    outpost_say(refusal);
    ck_assert(outpost_turn_until(outpost_hears, 100));
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&outpost.heard), "SLAVEOF\r\n$8\r\n10.0.0.9"));
}
END_TEST

START_TEST(large_writes_wait_for_a_slow_reader)
{
    size_t sent = 20000;
    size_t len = sent * strlen(PING);

    outpost_greet(VD_LINK_PEER);
    for (size_t i = 0; i < sent; i++)
        outpost_perform_send(1, VD_RQ_PING);
    vd_links_flush(outpost.links);
    ck_assert(outpost_turn_until(outpost_hears, len));
    ck_assert_uint_eq(outpost.heard.len, len);
    for (size_t i = 0; i < sent; i++)
        ck_assert_mem_eq(outpost.heard.bytes + i * strlen(PING), PING, strlen(PING));
    outpost_perform_close(1);
}
END_TEST

/* Subscriptions ----------------------------------------------------------------------- */

START_TEST(hellos_come_in)
{
    char message[256];

    outpost_greet(VD_LINK_SUBSCRIBE);
    (void)snprintf(message, sizeof(message),
                   "*3\r\n$7\r\nmessage\r\n$18\r\n" CHANNEL "\r\n$%zu\r\n%s\r\n", strlen(HELLO),
                   HELLO);
    /* A malformed one between two good ones is left out. */
    outpost_say(message);
    outpost_say("*3\r\n$7\r\nmessage\r\n$18\r\n" CHANNEL "\r\n$5\r\n1,2,3\r\n");
    outpost_say(message);
    outpost_wait_events(2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(outpost.inbox.events[i].type, VD_EV_HELLO);
        ck_assert_uint_eq(outpost.inbox.events[i].hello.link.n, 1);
        ck_assert_str_eq(outpost.inbox.events[i].hello.hello->group, "m1");
    }
    outpost_expect_quiet(2);
}
END_TEST

static const struct {
    const char *reply;
    enum vd_down_reason reason;
} no_subscriptions[] = {
    {"-NOAUTH Authentication required.\r\n", VD_DOWN_AUTH},
    {"-NOPERM this user has no permissions to access one of the channels\r\n", VD_DOWN_AUTH},
    {"-LOADING Redis is loading the dataset in memory\r\n", VD_DOWN_RESET},
};

START_TEST(subscription_refused)
{
    outpost_perform_connect(1, VD_LINK_SUBSCRIBE, "127.0.0.1", outpost.port);
    outpost_accept();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    outpost_expect_quiet(0); /* it is up when it is subscribed */
    outpost_say("+OK\r\n");
    outpost_say(no_subscriptions[_i].reply);
    outpost_expect_down(1, 1, no_subscriptions[_i].reason);
}
END_TEST

/* Beats ------------------------------------------------------------------------------ */

#define BEATS "__vedette__:beat"
#define BEAT "*3\r\n$7\r\nPUBLISH\r\n$16\r\n" BEATS "\r\n$1\r\nb\r\n"

static void take_beat(void *self, vd_link link, const char *text, size_t len)
{
    ck_assert_uint_eq(link.n, 1);
    vd_text_add(self, text, len);
}

static bool has_beat(size_t beats)
{
    return ((const struct vd_text *)beats)->len > 0;
}

/* By the names that the operator has given the commands. */
START_TEST(beats_go_and_come)
{
    char publish[] = "PUBLISH";
    char subscribe[] = "SUBSCRIBE";
    char p[] = "p";
    char s[] = "s";
    const struct vd_rename renames[] = {{publish, p}, {subscribe, s}};
    struct vd_effect effect =
        outpost_connect_effect(1, VD_LINK_SUBSCRIBE, "127.0.0.1", outpost.port);
    struct vd_text beats = {0};

    effect.connect.renames = renames;
    effect.connect.rename_count = 2;
    vd_links_hear_beats(outpost.links, take_beat, &beats);
    vd_links_perform(outpost.links, &effect);
    outpost_accept();
    outpost_expect_heard(SETNAME "*2\r\n$1\r\ns\r\n$18\r\n" CHANNEL "\r\n"
                                 "*2\r\n$1\r\ns\r\n$16\r\n" BEATS "\r\n");
    outpost_say("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n"
                "*3\r\n$9\r\nsubscribe\r\n$16\r\n" BEATS "\r\n:2\r\n"
                "*3\r\n$7\r\nmessage\r\n$16\r\n" BEATS "\r\n$3\r\nb 1\r\n");
    ck_assert(outpost_turn_until(has_beat, (size_t)&beats));
    ck_assert_str_eq(vd_text_cstr(&beats), "b 1");
    vd_text_free(&beats);
    outpost_perform_close(1);
    outpost_hang_up();
    outpost_forget_events();

    effect.connect.kind = VD_LINK_COMMAND;
    vd_links_perform(outpost.links, &effect);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    vd_links_beat(outpost.links, (vd_link){1}, "b");
    outpost_expect_heard("*3\r\n$1\r\np\r\n$16\r\n" BEATS "\r\n$1\r\nb\r\n");
    outpost_forget_events();
}
END_TEST

static const struct {
    const char *reply;
    bool for_good;
} beat_replies[] = {
    {":0\r\n", false},
    {"-LOADING Redis is loading the dataset in memory\r\n", false},
    {"-NOPERM this user has no permissions to access one of the channels\r\n", true},
    {"-ERR unknown command 'PUBLISH', with args beginning with: 'x'\r\n", true},
};

/* Who cannot take a beat is not sent one a second for ever, each an error in its figures. */
START_TEST(beats_that_are_refused)
{
    outpost_greet(VD_LINK_COMMAND);
    vd_links_beat(outpost.links, (vd_link){1}, "b");
    outpost_perform_send(1, VD_RQ_PING);
    outpost_expect_heard(BEAT PING);
    outpost_say(beat_replies[_i].reply);
    outpost_say("+PONG\r\n");
    ck_assert_int_eq(outpost_wait_events(1)->pong.kind, VD_PONG_OK);
    vd_links_beat(outpost.links, (vd_link){1}, "b");
    outpost_perform_send(1, VD_RQ_PING);
    outpost_expect_heard(beat_replies[_i].for_good ? PING : BEAT PING);
    outpost_forget_events();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link traffic");
    TCase *traffic = outpost_case("traffic");

    tcase_add_test(traffic, answers_in_order);
    tcase_add_test(traffic, answers_byte_by_byte);
    tcase_add_test(traffic, turns_with_less_rights);
    tcase_add_test(traffic, stale_turns_are_not_repeated);
    tcase_add_test(traffic, large_writes_wait_for_a_slow_reader);
    tcase_add_test(traffic, hellos_come_in);
    suite_add_rows(traffic, subscription_refused, no_subscriptions);
    tcase_add_test(traffic, beats_go_and_come);
    suite_add_rows(traffic, beats_that_are_refused, beat_replies);
    suite_add_tcase(suite, traffic);
    return suite_run(suite);
}
