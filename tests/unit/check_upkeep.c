/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What operators do to a group besides failing it over: members forgotten, by
 * order or by age, maintenance, and the fence round a primary that is cut off
 * together with us. Method: a puppet core of three sentinels' one.
 */
#include <check.h>

#include "core/candidate.h"
#include "core/health.h"
#include "stage.h"
#include "suite.h"

static const char *forget_node(unsigned last_byte)
{
    struct vd_order order = {.type = VD_ORDER_FORGET, .name = "m"};

    order.addr = puppet_addr(last_byte == 2   ? "10.0.0.2"
                             : last_byte == 3 ? "10.0.0.3"
                                              : "10.0.0.1",
                             6379);
    return puppet_order(&puppet, &order)->reply.text;
}

/* Lose the links of a node or peer, for good; what is pending stays unanswered. */
static void lose(struct vd_wire *wire)
{
    if (wire->link.n != 0)
        puppet_link_down(&puppet, wire, VD_DOWN_CLOSED);
}

/* Every PING and INFO of those that are linked is answered for so long. */
static void live(vd_ms for_ms)
{
    vd_ms end_at = puppet.now + for_ms;

    while (puppet.now < end_at) {
        struct vd_node *node;
        struct vd_opinion *opinion;

        puppet_pass(&puppet, puppet.now + 50);
        DL_FOREACH (group->nodes, node) {
            struct vd_info info =
                vd_node_is_primary(node) ? puppet_primary_info() : puppet_replica_info(9, 1000);

            info.run_id = node->run_id;
            if (node->command.up && node->pulse.ticket.n != 0)
                puppet_pong(&puppet, &node->command, VD_PONG_OK);
            if (node->command.up && node->info_ticket.n != 0)
                puppet_info(&puppet, node, &info);
        }
        DL_FOREACH (group->opinions, opinion) {
            if (opinion->peer->wire.up && opinion->peer->pulse.ticket.n != 0)
                puppet_pong(&puppet, &opinion->peer->wire, VD_PONG_OK);
        }
    }
}

/* Forget -------------------------------------------------------------------------- */

START_TEST(a_replica_that_is_gone_is_forgotten)
{
    struct vd_info_replica listed = {.addr = puppet_addr("10.0.0.2", 6379)};
    struct vd_info info = puppet_primary_info();

    ck_assert_str_eq(forget_node(2),
                     "ERR The replica is alive: stop it first, or let it follow nobody");
    ck_assert_str_eq(forget_node(1),
                     "ERR The primary is not forgotten: see SENTINEL REMOVE and FAILOVER");
    lose(&puppet_node(&puppet, 2)->command);
    ck_assert_ptr_null(forget_node(2));
    ck_assert_uint_eq(puppet_noticed(&puppet, "-slave"), 1);
    ck_assert_ptr_null(puppet_node(&puppet, 2));
    ck_assert(vd_core_is_dirty(puppet.core));
    ck_assert_str_eq(forget_node(2), "ERR No such replica is known of that master");
    /* An INFO of before still lists it. */
    info.replicas = &listed;
    info.replica_count = 1;
    puppet_info(&puppet, group->primary, &info);
    ck_assert_ptr_null(puppet_node(&puppet, 2));
    live(31000);
    group->primary->command.pending++;
    puppet_info(&puppet, group->primary, &info);
    ck_assert_ptr_nonnull(puppet_node(&puppet, 2)); /* it is back */
}
END_TEST

START_TEST(a_sentinel_that_is_gone_is_forgotten)
{
    struct vd_order order = {.type = VD_ORDER_FORGET, .name = "m", .id = puppet_peer_id(1)};
    struct vd_order nobody = {.type = VD_ORDER_FORGET, .name = "m", .id = puppet_peer_id(9)};

    ck_assert_str_eq(puppet_order(&puppet, &nobody)->reply.text,
                     "ERR No such sentinel is known of that master");
    ck_assert_str_eq(puppet_order(&puppet, &order)->reply.text,
                     "ERR The sentinel is alive: stop it first");
    lose(&puppet_opinion(&puppet, 1)->peer->wire);
    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.kind, VD_REPLY_OK);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-sentinel"), 1);
    ck_assert_uint_eq(group->opinion_count, 1);
    puppet_hello(&puppet, 1, group->primary->addr, 0); /* a hello of before */
    ck_assert_uint_eq(group->opinion_count, 1);
    live(31000);
    puppet_hello(&puppet, 1, group->primary->addr, 0);
    ck_assert_uint_eq(group->opinion_count, 2);
}
END_TEST

START_TEST(a_replica_that_nobody_misses_expires)
{
    group->options.replica_expiry_ms = 5000;
    lose(&puppet_node(&puppet, 2)->command);
    live(5500); /* down-after, and not yet so long */
    ck_assert_ptr_nonnull(puppet_node(&puppet, 2));
    live(12000); /* the primary has had its say: INFO every 10 s */
    ck_assert_ptr_null(puppet_node(&puppet, 2));
    ck_assert_ptr_nonnull(puppet_node(&puppet, 3));
}
END_TEST

START_TEST(not_while_there_is_no_primary_to_say_so)
{
    group->options.replica_expiry_ms = 5000;
    lose(&puppet_node(&puppet, 2)->command);
    lose(&puppet_node(&puppet, 1)->command);
    live(20000);
    ck_assert_ptr_nonnull(puppet_node(&puppet, 2));
}
END_TEST

/* Maintenance ----------------------------------------------------------------------- */

START_TEST(a_paused_group_is_watched_but_not_acted_on)
{
    struct vd_order pause = {
        .type = VD_ORDER_PAUSE, .name = "m", .for_ms = 20000, .flags = VD_PAUSE_TELL_PEERS};
    struct vd_id one = puppet_peer_id(1);

    ck_assert_int_eq(puppet_order(&puppet, &pause)->reply.kind, VD_REPLY_OK);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_MAINTAIN), 2);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+paused"), 1);
    lose(&group->primary->command);
    live(1500);
    ck_assert_int_ne(group->primary->s_down_at, VD_NEVER);
    puppet_answer(&puppet, 1, true, "", 0);
    ck_assert_int_ne(group->primary->o_down_at, VD_NEVER);
    live(2000);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    /* No vote for one that says it is down, either. */
    puppet_question(&puppet, one.hex, 0, NULL);
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 5, one.hex)->reply.leader, "*");
}
END_TEST

START_TEST(it_ends_by_itself_or_by_order)
{
    struct vd_order pause = {.type = VD_ORDER_PAUSE, .name = "m", .for_ms = 3000};
    struct vd_order resume = {.type = VD_ORDER_RESUME, .name = "m", .flags = VD_PAUSE_TELL_PEERS};

    (void)puppet_order(&puppet, &pause);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_MAINTAIN), 0);
    puppet_pass(&puppet, puppet.now + 2999);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-paused"), 0);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-paused"), 1);
    puppet_raise_links(&puppet);
    (void)puppet_order(&puppet, &pause);
    (void)puppet_order(&puppet, &resume);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-paused"), 1);
    (void)puppet_order(&puppet, &resume);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-paused"), 0); /* it was not */
}
END_TEST

/* Hellos ----------------------------------------------------------------------------- */

/* How many a replica is sent in 20 s, while the primary's stream brings it ours, or is cut. */
static unsigned hellos_to(struct vd_node *replica, bool streams)
{
    struct vd_hello own = {.id = puppet.core->self, .group = "m"};
    vd_ms sent_at = replica->hello_sent_at;
    unsigned count = 0;

    for (int i = 0; i < 200; i++) {
        struct vd_event echo = {.type = VD_EV_HELLO};

        live(100);
        count += replica->hello_sent_at != sent_at;
        sent_at = replica->hello_sent_at;
        echo.hello.hello = &own;
        echo.hello.link = replica->subscribe.link;
        if (streams && i % 20 == 0)
            puppet_step(&puppet, &echo);
    }
    return count;
}

/* INFO calls a stream that was cut silently up for a minute. */
START_TEST(a_replica_is_told_less_while_the_stream_tells_it)
{
    struct vd_node *replica = puppet_node(&puppet, 2);

    live(1000);
    ck_assert_uint_le(hellos_to(replica, true), 3);
    ck_assert_uint_ge(hellos_to(replica, false), 7);
}
END_TEST

/* Fence ------------------------------------------------------------------------------ */

static unsigned pauses(void)
{
    return puppet_sent(&puppet, VD_RQ_PAUSE);
}

/* The primary's answer to what it was told last: NULL: OK. */
static void answer_fence(const char *error)
{
    puppet_ack(&puppet, group->primary, group->fence_ticket, error);
}

static void cut_off(void)
{
    group->options.fence_isolated_primary = true;
    lose(&puppet_node(&puppet, 2)->command);
    lose(&puppet_node(&puppet, 3)->command);
    lose(&puppet_opinion(&puppet, 1)->peer->wire);
    lose(&puppet_opinion(&puppet, 2)->peer->wire);
}

START_TEST(a_primary_cut_off_with_us_is_fenced)
{
    bool fenced = false;

    cut_off();
    for (int i = 0; i < 20 && !fenced; i++) {
        live(50);
        fenced = group->fenced != NULL;
    }
    ck_assert(fenced);
    answer_fence(NULL);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+fenced"), 1);
    live(2000);
    ck_assert_int_gt(group->fenced_at, puppet.now - 1100); /* renewed */
    answer_fence(NULL);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+fenced"), 0); /* said once */
}
END_TEST

START_TEST(who_refuses_to_be_fenced_is_not_called_so)
{
    cut_off();
    live(1000);
    answer_fence("NOPERM this user has no permissions to run the 'client|pause' command");
    ck_assert_uint_eq(puppet_noticed(&puppet, "+fenced"), 0);
    ck_assert_uint_eq(puppet_noticed(&puppet, "vedette"), 1);
    live(1100);
    answer_fence("NOPERM this user has no permissions to run the 'client|pause' command");
    ck_assert_uint_eq(puppet_noticed(&puppet, "vedette"), 0);
    live(1100); /* the operator lets it */
    answer_fence(NULL);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+fenced"), 1);
}
END_TEST

/* At once, also by one who says what it said before it all: that was too long ago to count. */
START_TEST(lifted_when_a_majority_says_that_it_is_primary)
{
    if (_i == 1)
        puppet_hello(&puppet, 1, group->primary->addr, 0);
    cut_off();
    live(_i == 1 ? 7000 : 1000);
    ck_assert_ptr_eq(group->fenced, group->primary);
    answer_fence(NULL);
    for (int i = 0; i < 25; i++) {
        puppet_raise_links(&puppet);
        live(50);
    }
    ck_assert_ptr_eq(group->fenced, group->primary); /* linked, but they have not said it */
    puppet_hello(&puppet, 1, group->primary->addr, 0);
    ck_assert_ptr_null(group->fenced);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_UNPAUSE), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-fenced"), 1);
}
END_TEST

START_TEST(not_unless_wanted_nor_with_a_replica)
{
    cut_off();
    group->options.fence_isolated_primary = false;
    live(2000);
    ck_assert_ptr_null(group->fenced);
    group->options.fence_isolated_primary = true;
    puppet_raise_links(&puppet); /* all come back */
    live(200);
    lose(&puppet_opinion(&puppet, 1)->peer->wire);
    lose(&puppet_opinion(&puppet, 2)->peer->wire);
    ck_assert_uint_eq(pauses(), 0);
    live(2000);
    ck_assert_ptr_null(group->fenced);
}
END_TEST

/* Foreign instances ----------------------------------------------------------------------- */

/* An address of ours is another cluster's now: turning the server there would wipe its data. */
START_TEST(a_member_of_another_cluster_is_left_alone)
{
    struct vd_node *node = puppet_node(&puppet, 2);
    struct vd_info info = puppet_replica_info(2, 5000);

    group->config_epoch = 1;
    puppet.core->epoch = 1;
    for (unsigned i = 1; i <= 2; i++) {
        puppet_opinion(&puppet, i)->same_primary = true;
        puppet_opinion(&puppet, i)->config_epoch = 1;
    }
    memset(info.replid.hex, 'f', VD_ID_LEN);
    memset(node->synced.hex, 'a', VD_ID_LEN);
    info.role = _i == 0 ? VD_ROLE_PRIMARY : VD_ROLE_REPLICA;
    info.primary = puppet_addr("10.9.9.9", 6379);
    info.connected_replicas = 1;
    group->options.failover_timeout_ms = 100;
    node->command.pending++;
    puppet_info(&puppet, node, &info);
    for (int i = 0; i < 50; i++) {
        puppet_opinion(&puppet, 1)->hello_at = puppet.now;
        puppet_opinion(&puppet, 2)->hello_at = puppet.now;
        puppet_pass(&puppet, puppet.now + 50);
        ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE), 0);
        if (node->foreign)
            return;
        if (group->primary->pulse.ticket.n != 0)
            puppet_pong(&puppet, &group->primary->command, VD_PONG_OK);
        if (node->pulse.ticket.n != 0)
            puppet_pong(&puppet, &node->command, VD_PONG_OK);
    }
    ck_abort_msg("it was not even looked at");
}
END_TEST

/*
 * It follows the primary of another group that is watched: in step with it, or
 * (_i == 1) not yet, but known there. Not turned, not even in a failover; no
 * candidate; said once; forgotten at an operator's word although it lives.
 */
START_TEST(a_replica_of_another_group_is_left_to_it)
{
    struct vd_node *node = puppet_node(&puppet, 2);
    struct vd_node *third = puppet_node(&puppet, 3);
    struct vd_info info = puppet_replica_info(2, 5000);
    struct vd_addr theirs = puppet_addr("10.9.9.9", 6379);
    struct vd_group *other = vd_group_add(puppet.core, "other", &theirs, &group->options);

    info.primary = theirs;
    info.keys = 0;
    info.link_up = _i == 0;
    if (_i == 0)
        memset(info.replid.hex, 'f', VD_ID_LEN);
    else
        (void)vd_node_add(puppet.core, other, &node->addr);
    for (unsigned i = 0; i < 2; i++) {
        node->command.pending++;
        puppet_info(&puppet, node, &info);
        ck_assert_uint_eq(puppet_noticed(&puppet, "-foreign-instance"), i == 0 ? 1 : 0);
    }
    ck_assert_int_eq(vd_candidate_fit(puppet.core, node), VD_UNFIT_FOREIGN);

    group->failover.state = VD_FO_RECONF_SLAVES;
    group->failover.deadline = puppet.now + 60000;
    node->reconf = VD_RECONF_NONE;
    third->reconf = VD_RECONF_NONE;
    node->command.pending++;
    puppet_info(&puppet, node, &info);
    ck_assert_int_ne(third->turn_sent_at, VD_NEVER);
    ck_assert_int_eq(node->turn_sent_at, VD_NEVER);
    ck_assert_int_eq(node->reconf, VD_RECONF_DONE);

    group->failover.state = VD_FO_NONE;
    ck_assert_ptr_null(forget_node(2));
}
END_TEST

/* Candidates --------------------------------------------------------------------------- */

/* A data set that was synchronised, and then nothing came: the primary died at once. */
START_TEST(offset_0_is_complete_where_the_lineage_is_carried)
{
    struct vd_info info = puppet_replica_info(2, 0);

    info.link_up = false;
    puppet_node(&puppet, 2)->was_linked = false;
    puppet_node(&puppet, 2)->command.pending++;
    puppet_info(&puppet, puppet_node(&puppet, 2), &info);
    lose(&group->primary->command);
    group->primary->s_down_at = puppet.now;
    ck_assert_int_eq(vd_candidate_fit(puppet.core, puppet_node(&puppet, 2)), VD_FIT);
}
END_TEST

START_TEST(who_would_be_promoted_and_why_not_the_others)
{
    struct vd_view_candidate view;

    puppet_node(&puppet, 3)->priority = 0;
    ck_assert(vd_view_candidate(puppet.core, "m", 0, &view));
    ck_assert_str_eq(view.verdict, "is the primary");
    ck_assert(vd_view_candidate(puppet.core, "m", 1, &view));
    ck_assert_str_eq(view.verdict, "fit");
    ck_assert(view.is_chosen);
    ck_assert_int_eq(view.lag_bytes, 0);
    ck_assert(vd_view_candidate(puppet.core, "m", 2, &view));
    ck_assert_str_eq(view.verdict, "has priority 0");
    ck_assert(!view.is_chosen);
    ck_assert(!vd_view_candidate(puppet.core, "m", 3, &view));
    ck_assert(!vd_view_candidate(puppet.core, "nobody", 0, &view));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upkeep");
    TCase *tcase = stage_case("upkeep");

    tcase_add_test(tcase, a_replica_that_is_gone_is_forgotten);
    tcase_add_test(tcase, a_sentinel_that_is_gone_is_forgotten);
    tcase_add_test(tcase, a_replica_that_nobody_misses_expires);
    tcase_add_test(tcase, not_while_there_is_no_primary_to_say_so);
    tcase_add_test(tcase, a_paused_group_is_watched_but_not_acted_on);
    tcase_add_test(tcase, it_ends_by_itself_or_by_order);
    tcase_add_test(tcase, a_replica_is_told_less_while_the_stream_tells_it);
    tcase_add_test(tcase, a_primary_cut_off_with_us_is_fenced);
    tcase_add_test(tcase, who_refuses_to_be_fenced_is_not_called_so);
    tcase_add_loop_test(tcase, lifted_when_a_majority_says_that_it_is_primary, 0, 2);
    tcase_add_test(tcase, not_unless_wanted_nor_with_a_replica);
    tcase_add_loop_test(tcase, a_member_of_another_cluster_is_left_alone, 0, 2);
    tcase_add_loop_test(tcase, a_replica_of_another_group_is_left_to_it, 0, 2);
    tcase_add_test(tcase, offset_0_is_complete_where_the_lineage_is_carried);
    tcase_add_test(tcase, who_would_be_promoted_and_why_not_the_others);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
