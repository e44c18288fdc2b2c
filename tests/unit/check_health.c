/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * S_DOWN and O_DOWN: exact deadlines, what counts as life, and whose word
 * counts. Method: a puppet core, time by hand.
 */
#include <check.h>

#include "core/link.h"
#include "stage.h"
#include "suite.h"

/* Until it has been sent a PING that it has not answered; when that left. */
static vd_ms wait_for_ping(const struct vd_pulse *pulse)
{
    while (pulse->ticket.n == 0)
        puppet_pass(&puppet, puppet.now + 1);
    return pulse->sent_at;
}

/* DUE at that instant, of a loop that may not have read what came in the last deaf_ms. */
static void look_at(vd_ms at, vd_ms deaf_ms)
{
    struct vd_event due = {.type = VD_EV_DUE, .due = {.deaf_ms = deaf_ms}};

    puppet.now = at;
    puppet_step(&puppet, &due);
}

START_TEST(links_are_asked_for_at_once)
{
    struct puppet fresh;
    unsigned connects = 0;

    puppet_init(&fresh, 2, 2, 2);
    for (size_t i = 0; i < fresh.effects.count; i++)
        connects += fresh.effects.list[i].type == VD_EF_CONNECT;
    ck_assert_uint_eq(connects, 3 * 2 + 2);
    ck_assert_uint_eq(puppet_noticed(&fresh, "+monitor"), 1);
    puppet_free(&fresh);
}
END_TEST

START_TEST(unanswered_ping_is_down_at_the_exact_millisecond)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms sent_at;

    /* down-after 1000: PING every 200 ms. Let it be sent and not answered. */
    sent_at = wait_for_ping(&primary->pulse);
    puppet_pass(&puppet, sent_at + 999);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    puppet_pass(&puppet, sent_at + 1000);
    ck_assert_int_eq(primary->s_down_at, sent_at + 1000);
}
END_TEST

START_TEST(a_dead_socket_starts_the_clock)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms died_at = puppet.now;

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    ck_assert_int_eq(primary->pulse.silent_since, died_at);
    puppet_pass(&puppet, died_at + 999);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    puppet_pass(&puppet, died_at + 1000);
    ck_assert_int_eq(primary->s_down_at, died_at + 1000);
}
END_TEST

START_TEST(a_lost_link_is_raised_soon_unless_pings_are_made_rare)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms raised_at;

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 20);
    ck_assert_uint_ne(primary->command.link.n, 0);
    puppet.core->globals.ping_period_ms = 10000;
    raised_at = primary->command.since;
    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, raised_at + 9999);
    ck_assert_uint_eq(primary->command.link.n, 0);
    puppet_pass(&puppet, raised_at + 10000);
    ck_assert_uint_ne(primary->command.link.n, 0);
}
END_TEST

static void set_option(enum vd_option option, int64_t number)
{
    struct vd_setting setting = {.option = option, .number = number};
    struct vd_order order = {.type =
                                 option < VD_OPT_GROUP_COUNT ? VD_ORDER_SET : VD_ORDER_CONFIGURE,
                             .name = "m",
                             .settings = &setting,
                             .setting_count = 1};

    (void)puppet_order(&puppet, &order);
}

static const struct {
    enum vd_down_reason reason;
    unsigned least; /* tries in the tenth second of a primary that is not down yet */
    unsigned most;
} awaited[] = {
    {VD_DOWN_REFUSED, 8, 11}, {VD_DOWN_RESET, 8, 11}, {VD_DOWN_UNRESOLVED, 8, 11},
    {VD_DOWN_LIMIT, 1, 3},    {VD_DOWN_TLS, 1, 3},
};

/* Its process may be back any moment, and empty; one that does not let us in is there. */
START_TEST(a_primary_whose_process_is_away_is_awaited)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms lost_at = puppet.now;
    unsigned tries = 0;

    set_option(VD_OPT_DOWN_AFTER, 30000);
    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    while (puppet.now < lost_at + 10000) {
        puppet_pass(&puppet, puppet.now + 2);
        if (primary->command.link.n == 0)
            continue;
        tries += puppet.now >= lost_at + 9000;
        puppet_link_down(&puppet, &primary->command, awaited[_i].reason);
    }
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    ck_assert_uint_ge(tries, awaited[_i].least);
    ck_assert_uint_le(tries, awaited[_i].most);
}
END_TEST

START_TEST(refused_is_faster_where_told)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms died_at = puppet.now;
    vd_ms refused_at;

    group->options.down_after_refused_ms = 300;
    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    while (primary->command.link.n == 0)
        puppet_pass(&puppet, puppet.now + 1);
    ck_assert_int_le(puppet.now, died_at + 20);
    refused_at = puppet.now;
    puppet_link_down(&puppet, &primary->command, VD_DOWN_REFUSED);
    for (vd_ms at = refused_at + 1; at < refused_at + 300; at++) {
        puppet_pass(&puppet, at);
        ck_assert_int_eq(primary->s_down_at, VD_NEVER);
        if (primary->command.link.n != 0)
            puppet_link_down(&puppet, &primary->command, VD_DOWN_REFUSED);
    }
    puppet_pass(&puppet, refused_at + 300);
    ck_assert_int_eq(primary->s_down_at, refused_at + 300);
}
END_TEST

/* A container that dies refuses for a moment; then its address is gone. */
START_TEST(refused_stays_dead_when_its_host_goes)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms refused_at;

    group->options.down_after_refused_ms = 300;
    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    while (primary->command.link.n == 0)
        puppet_pass(&puppet, puppet.now + 1);
    refused_at = puppet.now;
    puppet_link_down(&puppet, &primary->command, VD_DOWN_REFUSED);
    for (vd_ms at = refused_at + 1; at <= refused_at + 600; at++) {
        puppet_pass(&puppet, at);
        ck_assert_int_eq(primary->s_down_at, at < refused_at + 300 ? VD_NEVER : refused_at + 300);
        if (primary->command.link.n != 0)
            puppet_link_down(&puppet, &primary->command,
                             at % 2 == 0 ? VD_DOWN_TIMEOUT : VD_DOWN_UNRESOLVED);
    }
    while (primary->command.link.n == 0)
        puppet_pass(&puppet, puppet.now + 1);
    puppet_raise_links(&puppet);
    ck_assert_int_eq(primary->pulse.refused_since, VD_NEVER);
}
END_TEST

/* What counts as a sign of life of a data node. */
static const struct {
    enum vd_pong kind;
    bool alive;
} pongs[] = {
    {VD_PONG_OK, true},   {VD_PONG_LOADING, true}, {VD_PONG_MASTERDOWN, true},
    {VD_PONG_AUTH, true}, {VD_PONG_BUSY, false},   {VD_PONG_ERROR, false},
};

START_TEST(what_counts_as_life)
{
    struct vd_node *primary = puppet_node(&puppet, 1);

    (void)wait_for_ping(&primary->pulse);
    puppet_pong(&puppet, &primary->command, pongs[_i].kind);
    ck_assert_int_eq(primary->pulse.silent_since == VD_NEVER, pongs[_i].alive);
}
END_TEST

START_TEST(a_peer_that_refuses_our_password_is_of_no_use)
{
    struct vd_opinion *peer = puppet_opinion(&puppet, 1);

    (void)wait_for_ping(&peer->peer->pulse);
    puppet_pong(&puppet, &peer->peer->wire, VD_PONG_AUTH);
    ck_assert_int_ne(peer->peer->pulse.silent_since, VD_NEVER);
}
END_TEST

START_TEST(sleeping_ourselves_accuses_nobody)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    struct vd_event due = {.type = VD_EV_DUE};

    (void)wait_for_ping(&primary->pulse);
    puppet.now += 60000; /* a paused machine */
    puppet_step(&puppet, &due);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    ck_assert_uint_eq(puppet.core->stalls, 1);
    /* ... and only for that long: from now on silence counts. */
    puppet_pass(&puppet, puppet.now + 1000);
    ck_assert_int_ne(primary->s_down_at, VD_NEVER);
}
END_TEST

/* The loop was busy: what came in meanwhile lies in the sockets until it has looked again. */
START_TEST(what_may_lie_unread_accuses_nobody)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    struct vd_opinion *opinion = puppet_opinion(&puppet, 1);
    uint64_t link = primary->command.link.n;
    vd_ms sent_at;

    sent_at = wait_for_ping(&primary->pulse);
    sent_at = vd_max_ms(sent_at, wait_for_ping(&opinion->peer->pulse));
    look_at(sent_at + 1500, 1400);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    ck_assert_int_eq(opinion->s_down_at, VD_NEVER);
    ck_assert_uint_eq(primary->command.link.n, link); /* nor is its link given up */
    /* It is looked at again as soon as the loop has: one that answered is well, */
    ck_assert_int_eq(vd_core_wake_at(puppet.core), puppet.now + 1);
    puppet_pong(&puppet, &opinion->peer->wire, VD_PONG_OK);
    look_at(puppet.now + 1, 0);
    ck_assert_int_eq(opinion->s_down_at, VD_NEVER);
    /* ... and one that did not is down. */
    ck_assert_int_eq(primary->s_down_at, puppet.now);
}
END_TEST

START_TEST(who_was_heard_until_the_deadline_is_judged_by_it)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms sent_at;

    sent_at = wait_for_ping(&primary->pulse);
    look_at(sent_at + 1300, 301);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    look_at(sent_at + 1301, 301);
    ck_assert_int_eq(primary->s_down_at, puppet.now);
}
END_TEST

/* A turn that waits for a disk, say, sends what it has to say at its end. */
START_TEST(a_ping_that_left_late_is_answered_late)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    struct vd_event due = {.type = VD_EV_DUE};
    vd_ms sent_at;

    sent_at = wait_for_ping(&primary->pulse);
    due.due.from = sent_at;
    due.due.left_at = sent_at + 700;
    puppet.now = sent_at + 700;
    puppet_step(&puppet, &due);
    puppet_pass(&puppet, sent_at + 1699);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    puppet_pass(&puppet, sent_at + 1700);
    ck_assert_int_eq(primary->s_down_at, sent_at + 1700);
}
END_TEST

/* No answer to a connect: that too has to be waited for with open ears. */
START_TEST(a_connection_that_may_be_up_is_not_given_up)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    uint64_t link;

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 20);
    link = primary->command.link.n;
    ck_assert_uint_ne(link, 0);
    look_at(puppet.now + 600, 590);
    ck_assert_uint_eq(primary->command.link.n, link);
    look_at(puppet.now + 1, 0);
    ck_assert_uint_ne(primary->command.link.n, link);
}
END_TEST

/* What is down costs less than what is up: its subscription is not dialled beside. */
START_TEST(a_lost_server_is_dialled_once_at_a_time)
{
    struct vd_node *primary = puppet_node(&puppet, 1);

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_link_down(&puppet, &primary->subscribe, VD_DOWN_CLOSED);
    for (int i = 0; i < 10; i++) {
        if (primary->subscribe.link.n != 0)
            puppet_link_down(&puppet, &primary->subscribe, VD_DOWN_REFUSED);
        if (primary->command.link.n != 0)
            puppet_link_down(&puppet, &primary->command, VD_DOWN_REFUSED);
        puppet_pass(&puppet, puppet.now + 50);
        ck_assert_uint_ne(primary->command.link.n, 0);
    }
    ck_assert_uint_eq(primary->subscribe.link.n, 0);
    ck_assert_uint_eq(puppet.core->lost_wires, 1);
    puppet_raise_links(&puppet);
    ck_assert(primary->command.up);
    ck_assert_uint_eq(puppet.core->lost_wires, 0);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_uint_ne(primary->subscribe.link.n, 0);
}
END_TEST

/* Whoever hangs while a hundred other requests are under way has had no PING since: it gets one. */
START_TEST(a_ping_is_not_held_back_by_what_else_is_owed)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms begun_at;

    (void)wait_for_ping(&primary->pulse);
    puppet_pong(&puppet, &primary->command, VD_PONG_OK);
    begun_at = puppet.now;
    for (int i = 0; i < 200; i++)
        set_option(VD_OPT_ANNOUNCE_PORT, 26379); /* told to all at once */
    ck_assert_uint_ge(primary->command.pending, 100);
    ck_assert_uint_le(primary->command.pending, 102);
    ck_assert_uint_eq(primary->pulse.ticket.n, 0);
    puppet_pass(&puppet, begun_at + 1200); /* a period, and down-after */
    ck_assert_int_ne(primary->s_down_at, VD_NEVER);
}
END_TEST

START_TEST(a_shorter_ping_period_counts_for_peers_at_once)
{
    struct vd_peer *peer = puppet_opinion(&puppet, 1)->peer;
    vd_ms set_at;

    set_option(VD_OPT_DOWN_AFTER, 1000000);
    set_option(VD_OPT_PING_PERIOD, 100000);
    (void)wait_for_ping(&peer->pulse);
    puppet_pong(&puppet, &peer->wire, VD_PONG_OK);
    set_at = puppet.now;
    set_option(VD_OPT_PING_PERIOD, 1000);
    puppet_pass(&puppet, set_at + 1000);
    ck_assert_uint_ne(peer->pulse.ticket.n, 0);
}
END_TEST

/* Nobody is primary: a switchover was cut off in its middle. Nobody waits for two INFO periods. */
START_TEST(a_primary_that_follows_its_own_replica_is_down_soon)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    struct vd_info info = puppet_replica_info(1, 1000);
    vd_ms said_at = puppet.now;

    info.run_id = puppet_primary_info().run_id;
    info.primary = puppet_addr("10.0.0.2", 6379);
    puppet_info(&puppet, primary, &info);
    ck_assert_int_eq(primary->role, VD_ROLE_REPLICA);
    for (int i = 0; i < 11 && primary->s_down_at == VD_NEVER; i++) {
        puppet_pass(&puppet, puppet.now + 100);
        if (primary->pulse.ticket.n != 0)
            puppet_pong(&puppet, &primary->command, VD_PONG_OK);
    }
    ck_assert_int_eq(primary->s_down_at, said_at + 1000);
}
END_TEST

START_TEST(peers_are_asked_in_the_turn_of_s_down)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms died_at = puppet.now;

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, died_at + 999);
    puppet_pass(&puppet, died_at + 1000);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sdown"), 1);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_QUESTION), 2);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+odown"), 0);
    puppet_answer(&puppet, 1, true, "", 0);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+odown"), 1);
}
END_TEST

START_TEST(what_peers_said_in_an_outage_counts_for_nothing_in_the_next)
{
    struct vd_node *primary = puppet_node(&puppet, 1);

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 1000);
    puppet_answer(&puppet, 1, true, "", 0);
    ck_assert_int_ne(primary->o_down_at, VD_NEVER);
    puppet_raise_links(&puppet);
    puppet_pong(&puppet, &primary->command, VD_PONG_OK);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 1000);
    ck_assert_int_ne(primary->s_down_at, VD_NEVER);
    ck_assert_int_eq(primary->o_down_at, VD_NEVER);
}
END_TEST

START_TEST(a_late_answer_about_a_former_primary_counts_for_nothing)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    struct vd_opinion *peer = puppet_opinion(&puppet, 1);
    struct vd_event answer = {.type = VD_EV_ANSWER};

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 1000);
    answer.answer.link = peer->peer->wire.link;
    answer.answer.ticket = peer->asked;
    answer.answer.ok = true;
    answer.answer.down = true;
    puppet_hello(&puppet, 2, puppet_addr("10.0.0.2", 6379), 5);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    puppet_step(&puppet, &answer); /* "your primary is down": said about the one before */
    ck_assert(!peer->primary_down);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health");
    TCase *tcase = stage_case("health");

    tcase_add_test(tcase, links_are_asked_for_at_once);
    tcase_add_test(tcase, unanswered_ping_is_down_at_the_exact_millisecond);
    tcase_add_test(tcase, a_dead_socket_starts_the_clock);
    tcase_add_test(tcase, a_lost_link_is_raised_soon_unless_pings_are_made_rare);
    suite_add_rows(tcase, a_primary_whose_process_is_away_is_awaited, awaited);
    tcase_add_test(tcase, refused_is_faster_where_told);
    tcase_add_test(tcase, refused_stays_dead_when_its_host_goes);
    suite_add_rows(tcase, what_counts_as_life, pongs);
    tcase_add_test(tcase, a_peer_that_refuses_our_password_is_of_no_use);
    tcase_add_test(tcase, sleeping_ourselves_accuses_nobody);
    tcase_add_test(tcase, what_may_lie_unread_accuses_nobody);
    tcase_add_test(tcase, who_was_heard_until_the_deadline_is_judged_by_it);
    tcase_add_test(tcase, a_ping_that_left_late_is_answered_late);
    tcase_add_test(tcase, a_connection_that_may_be_up_is_not_given_up);
    tcase_add_test(tcase, a_lost_server_is_dialled_once_at_a_time);
    tcase_add_test(tcase, a_ping_is_not_held_back_by_what_else_is_owed);
    tcase_add_test(tcase, a_shorter_ping_period_counts_for_peers_at_once);
    tcase_add_test(tcase, a_primary_that_follows_its_own_replica_is_down_soon);
    tcase_add_test(tcase, peers_are_asked_in_the_turn_of_s_down);
    tcase_add_test(tcase, what_peers_said_in_an_outage_counts_for_nothing_in_the_next);
    tcase_add_test(tcase, a_late_answer_about_a_former_primary_counts_for_nothing);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
