/* SPDX-License-Identifier: BSD-3-Clause */
/* RESP3 on links: what comes in on a shared connection, of honest servers and of others. */
#include <string.h>
#include <unistd.h>

#include "couple.h"
#include "suite.h"

/* Traffic ------------------------------------------------------------------------- */

START_TEST(replies_and_messages_find_their_links)
{
    couple_share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_perform_send(1, VD_RQ_PROMOTE);
    outpost_say(MESSAGE "+PONG\r\n+OK\r\n" MESSAGE);
    outpost_say("+QUEUED\r\n+QUEUED\r\n" MESSAGE "+QUEUED\r\n+QUEUED\r\n"
                "*4\r\n+OK\r\n+OK\r\n:0\r\n:0\r\n" MESSAGE);
    outpost_wait_events(6);
    ck_assert_int_eq(couple_event(0)->type, VD_EV_HELLO);
    ck_assert_uint_eq(couple_event(0)->hello.link.n, 2);
    ck_assert_int_eq(couple_event(1)->pong.kind, VD_PONG_OK);
    ck_assert_uint_eq(couple_event(1)->pong.link.n, 1);
    ck_assert_int_eq(couple_event(3)->type, VD_EV_HELLO);
    ck_assert_int_eq(couple_event(4)->type, VD_EV_ACK);
    ck_assert(couple_event(4)->ack.ok);
    ck_assert_uint_eq(couple_event(5)->hello.link.n, 2);
}
END_TEST

START_TEST(info_is_verbatim_text)
{
    couple_share();
    outpost_perform_send(1, VD_RQ_INFO);
    outpost_say("=17\r\ntxt:role:master\r\n\r\n");
    ck_assert_int_eq(outpost_wait_events(1)->type, VD_EV_INFO);
    ck_assert_ptr_nonnull(couple_event(0)->info.info);
    ck_assert_int_eq(couple_event(0)->info.info->role, VD_ROLE_PRIMARY);
    ck_assert_str_eq(couple_event(0)->info.raw, "role:master\r\n");
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

    couple_share();
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct vd_effect effect = {.type = VD_EF_SEND};

        effect.send.link.n = 1;
        effect.send.ticket.n = i + 1;
        effect.send.request = requests[i];
        vd_links_perform(outpost.links, &effect);
        outpost_say(odd_replies[_i]);
    }
    outpost_wait_events(5);
    ck_assert_int_eq(couple_event(0)->pong.kind, VD_PONG_ERROR);
    ck_assert_ptr_null(couple_event(1)->info.info);
    ck_assert_int_eq(couple_event(2)->role.role, VD_ROLE_UNKNOWN);
    for (size_t i = 3; i < 5; i++)
        ck_assert(!couple_event(i)->ack.ok);
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
    couple_share();
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

    couple_share();
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
    couple_share();
    outpost_perform_send(1, VD_RQ_PING);
    outpost_say("|1\r\n+a\r\n+b\r\n+PONG\r\n");
    outpost_wait_events(2);
    couple_check_both_down(0, VD_DOWN_RESET);
}
END_TEST

/* The next link is greeted without HELLO. */
static void expect_no_hello(void)
{
    int command;

    outpost_hang_up();
    outpost_forget_events();
    couple_connect(3, VD_LINK_COMMAND);
    couple_connect(4, VD_LINK_SUBSCRIBE);
    outpost_accept();
    outpost_expect_heard(SETNAME);
    command = couple_accept_another();
    outpost_expect_heard(SETNAME SUBSCRIBE);
    (void)close(command);
    ck_assert_uint_eq(outpost_connections(), 2);
}

START_TEST(resp2_behind_hello_3)
{
    couple_greet(1, IS_RESP3);
    couple_connect(2, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_say("*3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n");
    outpost_wait_events(2);
    couple_check_both_down(0, VD_DOWN_RESET);
    expect_no_hello();
}
END_TEST

START_TEST(hangs_up_at_hello)
{
    couple_connect_both();
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    outpost_say("+OK\r\n");
    outpost_hang_up();
    outpost_wait_events(3);
    couple_check_both_down(1, VD_DOWN_CLOSED);
    expect_no_hello();
}
END_TEST

/* Who dies before it has said a word has not been asked too much. */
START_TEST(dies_before_hello)
{
    couple_connect(1, VD_LINK_COMMAND);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    outpost_hang_up();
    outpost_wait_events(2);
    outpost_forget_events();
    couple_greet(2, IS_RESP3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link resp3");
    TCase *traffic = outpost_case("traffic");
    TCase *liars = outpost_case("liars");

    tcase_add_test(traffic, replies_and_messages_find_their_links);
    tcase_add_test(traffic, info_is_verbatim_text);
    suite_add_rows(traffic, odd_replies_are_errors, odd_replies);
    suite_add_rows(traffic, other_pushes_are_nothing, other_pushes);
    tcase_add_test(traffic, beats_on_a_shared_connection);
    tcase_add_loop_test(liars, push_in_resp2, 0, 3);
    tcase_add_test(liars, attribute);
    tcase_add_test(liars, resp2_behind_hello_3);
    tcase_add_test(liars, hangs_up_at_hello);
    tcase_add_test(liars, dies_before_hello);
    suite_add_tcase(suite, traffic);
    suite_add_tcase(suite, liars);
    return suite_run(suite);
}
