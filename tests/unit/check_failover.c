/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The failover from S_DOWN to the turned replicas, and the empty restart. Method:
 * a puppet core of three sentinels' one, the test plays two peers and three servers.
 */
#include "core/failover.h"
#include "stage.h"
#include "suite.h"

START_TEST(the_whole_story)
{
    struct vd_node *old = group->primary;
    struct vd_node *other;
    struct vd_node *chosen;
    struct vd_info info;

    stage_to_wait_promotion();
    chosen = group->failover.chosen;
    other = chosen == puppet_node(&puppet, 2) ? puppet_node(&puppet, 3) : puppet_node(&puppet, 2);
    ck_assert_ptr_nonnull(chosen);
    stage_ack_turn(chosen, true);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_ROLE), 1);
    ck_assert_ptr_eq(group->primary, old); /* a reply alone proves nothing */
    stage_say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+promoted-slave"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+slave-reconf-sent"), 1);
    ck_assert_uint_ge(puppet_sent(&puppet, VD_RQ_HELLO), 3);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(group->config_epoch, 1);
    stage_ack_turn(other, true);
    info = puppet_replica_info(3, 1000);
    info.primary = chosen->addr;
    puppet_info(&puppet, other, &info);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+slave-reconf-done"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+failover-end"), 1);
    ck_assert_int_eq(other->reconf, VD_RECONF_NONE);
    ck_assert_int_eq(old->reconf, VD_RECONF_NONE);
    ck_assert_ptr_nonnull(puppet_find(&puppet, VD_EF_RECORD));
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
}
END_TEST

START_TEST(everything_that_leaves_about_it_is_sealed)
{
    unsigned questions = 0;

    stage_to_wait_start();
    for (size_t i = 0; i < puppet.effects.count; i++) {
        const struct vd_effect *effect = &puppet.effects.list[i];

        if (effect->type != VD_EF_SEND || effect->send.request != VD_RQ_QUESTION)
            continue;
        ck_assert(effect->promise);
        questions++;
    }
    ck_assert_uint_ge(questions, 2);
    ck_assert(vd_core_is_dirty(puppet.core));
}
END_TEST

START_TEST(a_refused_promotion_goes_to_another)
{
    struct vd_node *first;

    stage_to_wait_promotion();
    first = group->failover.chosen;
    stage_ack_turn(first, false);
    for (int i = 0; i < 100 && group->failover.state != VD_FO_WAIT_PROMOTION; i++) {
        puppet_pass(&puppet, puppet.now + 10);
        stage_keep_alive();
    }
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    ck_assert_ptr_ne(group->failover.chosen, first);
}
END_TEST

/* At the address of a replica another cluster's primary answers, with replicas of its own. */
START_TEST(a_leader_leaves_another_cluster_s_primary_alone)
{
    struct vd_info info = puppet_primary_info();
    struct vd_node *chosen;
    struct vd_node *other;

    stage_to_wait_promotion();
    chosen = group->failover.chosen;
    other = puppet_node(&puppet, chosen == puppet_node(&puppet, 2) ? 3 : 2);
    memset(info.replid.hex, 'f', VD_ID_LEN);
    puppet_info(&puppet, other, &info);
    stage_ack_turn(chosen, true);
    stage_say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_int_eq(other->turn_sent_at, VD_NEVER);
    ck_assert(other->foreign);
    for (int i = 0; i < 100; i++) {
        puppet_pass(&puppet, puppet.now + 20);
        ck_assert_uint_eq(other->turn_ticket.n, 0);
    }
}
END_TEST

START_TEST(a_newer_configuration_ends_ours)
{
    stage_to_wait_promotion();
    puppet_hello(&puppet, 2, puppet_addr("10.0.0.3", 6379), 9);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+config-update-from"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.3");
}
END_TEST

/* The primary is back within down-after with a new run id. How it looks, and whether it is trusted.
 */
static const struct {
    const char *what;
    enum vd_reboot_failover option;
    int64_t keys;
    bool same_lineage;
    bool down;
} reboots[] = {
    {"empty", VD_REBOOT_EMPTY, 0, false, true},
    {"a few keys were written since", VD_REBOOT_EMPTY, 20, false, true},
    {"reloaded from an append-only file", VD_REBOOT_EMPTY, 500, false, false},
    {"reloaded with its lineage", VD_REBOOT_EMPTY, 500, true, false},
    {"reloaded, but the operator wants none back", VD_REBOOT_ALWAYS, 500, true, true},
    {"empty, and the operator wants it so", VD_REBOOT_NEVER, 0, false, false},
};

START_TEST(after_a_restart_of_the_primary)
{
    struct vd_info info = puppet_primary_info();

    group->options.reboot_failover = reboots[_i].option;
    puppet_link_down(&puppet, &group->primary->command, VD_DOWN_CLOSED);
    stage_keep_alive();
    puppet_pass(&puppet, puppet.now + 300);
    puppet_raise_links(&puppet);
    puppet_pong(&puppet, &group->primary->command, VD_PONG_OK);
    memset(info.run_id.hex, '9', VD_ID_LEN);
    info.keys = reboots[_i].keys;
    if (!reboots[_i].same_lineage)
        memset(info.replid.hex, 'b', VD_ID_LEN);
    puppet_info(&puppet, group->primary, &info);
    ck_assert_msg((group->primary->s_down_at != VD_NEVER) == reboots[_i].down, "%s",
                  reboots[_i].what);
}
END_TEST

/* Named by a peer before we ever met it, and of a branch that knows nothing of what the primary
 * before it held: whose lineage the group has as yet does not tell that it was restarted. */
START_TEST(a_new_primary_that_was_never_met_was_not_restarted)
{
    struct vd_info info = puppet_primary_info();

    puppet_hello(&puppet, 2, puppet_addr("10.0.0.9", 6379), 1);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.9");
    puppet_raise_links(&puppet);
    puppet_pong(&puppet, &group->primary->command, VD_PONG_OK);
    memset(info.run_id.hex, '9', VD_ID_LEN);
    memset(info.replid.hex, 'b', VD_ID_LEN);
    info.keys = 0;
    puppet_info(&puppet, group->primary, &info);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+reboot"), 0);
    ck_assert(!group->primary->reboot_review && !group->primary->empty_restart);
    /* It has told its own now, and comes back without it under an id that nobody knew. */
    ck_assert(vd_id_equal(&group->lineage, &info.replid));
    group->primary->run_id.hex[0] = '\0';
    memset(info.replid.hex, 'c', VD_ID_LEN);
    puppet_info(&puppet, group->primary, &info);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+reboot"), 1);
}
END_TEST

START_TEST(a_half_made_promotion_is_completed)
{
    struct vd_node *half = puppet_node(&puppet, 3);
    struct vd_info info = puppet_replica_info(3, 900); /* behind: it would not be our choice */

    stage_to_wait_start();
    info.role = VD_ROLE_PRIMARY;
    info.replid2 = info.replid;
    memset(info.replid.hex, 'c', VD_ID_LEN);
    info.primary_offset = 900;
    puppet_info(&puppet, half, &info);
    puppet_answer(&puppet, 1, true, PUPPET_SELF, group->failover.epoch);
    for (int i = 0; i < 100 && group->failover.chosen == NULL; i++) {
        puppet_pass(&puppet, puppet.now + 10);
        if (half->info_ticket.n != 0)
            puppet_info(&puppet, half, &info);
    }
    ck_assert_ptr_eq(group->failover.chosen, half);
}
END_TEST

START_TEST(a_healthy_new_primary_is_not_called_down_for_its_past)
{
    struct vd_node *node;

    /* A replica for a minute: longer than down-after and two INFO periods. */
    for (int i = 0; i < 6000; i++) {
        struct vd_info info = puppet_primary_info();

        puppet_pass(&puppet, puppet.now + 10);
        stage_keep_alive();
        node = group->primary;
        if (node->pulse.ticket.n != 0)
            puppet_pong(&puppet, &node->command, VD_PONG_OK);
        if (node->info_ticket.n != 0)
            puppet_info(&puppet, node, &info);
    }
    puppet_hello(&puppet, 1, puppet_addr("10.0.0.2", 6379), 4);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sdown"), 0);
    ck_assert_uint_eq(puppet.core->stalls, 0);
    puppet_pass(&puppet, puppet.now + 100);
    ck_assert_int_eq(group->primary->s_down_at, VD_NEVER);
    ck_assert_uint_eq(puppet.core->stalls, 0);
}
END_TEST

/* It was hardly better than none; the primary that holds more is back before anybody was told. */
START_TEST(a_former_primary_is_not_needed_when_its_successor_returns)
{
    struct vd_node *named = group->primary;
    struct vd_info info = puppet_primary_info();
    struct vd_node *chosen;

    stage_to_wait_promotion();
    chosen = group->failover.chosen;
    group->failover.taken_back = _i != 0;
    stage_ack_turn(chosen, true);
    puppet_raise_links(&puppet);
    puppet_pong(&puppet, &named->command, VD_PONG_OK);
    ck_assert_int_eq(named->s_down_at, VD_NEVER);
    puppet_info(&puppet, named, &info);
    stage_say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_int_eq(group->failover.state == VD_FO_NONE, _i != 0);
    ck_assert_ptr_eq(group->primary, _i != 0 ? named : chosen);
}
END_TEST

/*
 * One that was a primary already is made the group's; the named one, which is
 * back in that moment, has gone on from its data, or else from nobody's.
 */
START_TEST(a_leader_does_not_turn_who_holds_newer_data)
{
    struct vd_node *named = group->primary;
    struct vd_info info = puppet_primary_info();
    struct vd_info newer = puppet_primary_info();
    struct vd_node *chosen;

    stage_to_wait_promotion();
    chosen = group->failover.chosen;
    stage_ack_turn(chosen, true);
    puppet_raise_links(&puppet);
    memset(newer.replid.hex, 'd', VD_ID_LEN);
    if (_i != 0)
        newer.replid2 = info.replid;
    newer.primary_offset = 900000;
    newer.keys = 9000;
    puppet_info(&puppet, named, &newer);
    info.run_id = chosen->run_id;
    puppet_info(&puppet, chosen, &info);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+convert-to-slave"), _i != 0 ? 0 : 1);
    ck_assert_int_eq(named->turn_ticket.n != 0, _i == 0);
    ck_assert_int_eq(named->spared, _i != 0);
}
END_TEST

/* The new primary's word, and behind it that somebody else leads: nobody hears of the first. */
START_TEST(a_promotion_waits_for_the_rest_of_the_inbox)
{
    struct vd_event role = {.type = VD_EV_ROLE};
    struct vd_node *chosen;
    struct vd_node *other;

    stage_to_wait_promotion();
    chosen = group->failover.chosen;
    other = chosen == puppet_node(&puppet, 2) ? puppet_node(&puppet, 3) : puppet_node(&puppet, 2);
    stage_ack_turn(chosen, true);
    role.at = puppet.now;
    role.role.link = chosen->command.link;
    role.role.ticket = chosen->role_ticket;
    role.role.role = VD_ROLE_PRIMARY;
    vd_core_step(puppet.core, &role, &puppet.effects);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    puppet_hello(&puppet, 1, other->addr, 9);
    ck_assert_ptr_eq(group->primary, other);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+promoted-slave"), 0);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE), 0);
}
END_TEST

/* The third failover within failover-timeout waits, whatever has failed in the meantime. */
START_TEST(a_failed_order_does_not_hurry_the_third_failover)
{
    vd_ms odown_at;

    group->switch_count = 2;
    group->switches[0] = puppet.now - 10;
    group->switches[1] = puppet.now - 20;
    stage_lose_primary();
    puppet_answer(&puppet, 1, true, "", 0);
    odown_at = group->primary->o_down_at;
    ck_assert_int_ne(odown_at, VD_NEVER);
    ck_assert_int_ge(group->stand_at, odown_at + 1000);
    group->stand_at = puppet.now + 500; /* as one leaves it that found no good replica */
    while (puppet.now + 10 < odown_at + 1000) {
        puppet_pass(&puppet, puppet.now + 10);
        stage_keep_alive();
        if (puppet_opinion(&puppet, 1)->asked.n != 0)
            puppet_answer(&puppet, 1, true, "", 0);
        ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    }
    puppet_pass(&puppet, odown_at + 1000);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_START);
}
END_TEST

START_TEST(a_half_promoted_one_that_refuses_is_not_asked_without_end)
{
    struct vd_node *half = puppet_node(&puppet, 3);
    struct vd_info info = puppet_replica_info(3, 1000);
    unsigned promotes = 0;

    stage_to_wait_start();
    info.role = VD_ROLE_PRIMARY;
    info.replid2 = info.replid;
    info.replid2_offset = 1000;
    memset(info.replid.hex, 'c', VD_ID_LEN);
    puppet_info(&puppet, half, &info);
    puppet_answer(&puppet, 1, true, PUPPET_SELF, group->failover.epoch);
    for (int i = 0; i < 300; i++) {
        if (half->info_ticket.n != 0)
            puppet_info(&puppet, half, &info);
        if (half->turn_ticket.n != 0) {
            promotes++;
            stage_ack_turn(half, false);
        }
        puppet_pass(&puppet, puppet.now + 10);
        promotes += puppet_sent(&puppet, VD_RQ_PROMOTE);
        if (puppet_node(&puppet, 2)->info_ticket.n != 0)
            stage_keep_alive();
    }
    ck_assert_uint_ge(promotes, 1);
    ck_assert_uint_le(promotes, 6);
    ck_assert(!puppet_node(&puppet, 2)->promoted); /* no second one is made */
}
END_TEST

/* The named primary and one without data follow each other, and both tell so; the others live. */
static void tell_of_a_circle(enum vd_role named_is)
{
    struct vd_node *primary = group->primary;

    for (unsigned i = 1; i <= 3; i++) {
        struct vd_node *node = puppet_node(&puppet, i);
        struct vd_info info = puppet_replica_info(i, 1);

        info.link_up = false;
        info.keys = 0;
        if (node == primary) {
            info.role = named_is;
            info.primary = puppet_addr("10.0.0.2", 6379);
            info.keys = 40;
        }
        if (node->pulse.ticket.n != 0)
            puppet_pong(&puppet, &node->command, VD_PONG_OK);
        if (node->info_ticket.n != 0)
            puppet_info(&puppet, node, &info);
    }
    for (unsigned i = 1; i <= 2; i++) {
        struct vd_opinion *opinion = puppet_opinion(&puppet, i);

        if (opinion->peer->pulse.ticket.n != 0)
            puppet_pong(&puppet, &opinion->peer->wire, VD_PONG_OK);
        if (opinion->asked.n != 0)
            puppet_answer(&puppet, i, true, PUPPET_SELF, group->failover.epoch);
    }
}

START_TEST(a_named_primary_that_nobody_can_succeed_is_made_one_again)
{
    struct vd_node *named = group->primary;
    unsigned promotes = 0;

    while (named->turn_ticket.n == 0) {
        puppet_pass(&puppet, puppet.now + 10);
        tell_of_a_circle(VD_ROLE_REPLICA);
        ck_assert_int_lt(puppet.now, 60000);
    }
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_ptr_eq(group->primary, named);
    /* It refuses, and is not asked without end. */
    for (int i = 0; i < 1000; i++) {
        if (named->turn_ticket.n != 0) {
            promotes++;
            stage_ack_turn(named, false);
        }
        puppet_pass(&puppet, puppet.now + 10);
        tell_of_a_circle(VD_ROLE_REPLICA);
    }
    ck_assert_uint_ge(promotes, 2);
    ck_assert_uint_le(promotes, 3);
    while (named->turn_ticket.n == 0) {
        puppet_pass(&puppet, puppet.now + 10);
        tell_of_a_circle(VD_ROLE_REPLICA);
    }
    stage_ack_turn(named, true);
    ck_assert_int_ne(named->s_down_at, VD_NEVER);
    tell_of_a_circle(VD_ROLE_PRIMARY);
    ck_assert_int_eq(named->s_down_at, VD_NEVER);
    ck_assert_uint_eq(group->config_epoch, 0); /* nobody names another */
    ck_assert_uint_eq(group->switch_count, 0);
}
END_TEST

START_TEST(the_table_of_states_rules)
{
    ck_assert(vd_failover_may_move(VD_FO_NONE, VD_FO_WAIT_START));
    ck_assert(!vd_failover_may_move(VD_FO_NONE, VD_FO_WAIT_PROMOTION));
    ck_assert(!vd_failover_may_move(VD_FO_RECONF_SLAVES, VD_FO_WAIT_START));
    ck_assert_str_eq(vd_failover_state_name(VD_FO_SEND_SLAVEOF_NOONE), "send_slaveof_noone");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failover");
    TCase *tcase = stage_case("failover");

    tcase_add_test(tcase, the_whole_story);
    tcase_add_test(tcase, everything_that_leaves_about_it_is_sealed);
    tcase_add_test(tcase, a_refused_promotion_goes_to_another);
    tcase_add_test(tcase, a_leader_leaves_another_cluster_s_primary_alone);
    tcase_add_test(tcase, a_newer_configuration_ends_ours);
    suite_add_rows(tcase, after_a_restart_of_the_primary, reboots);
    tcase_add_test(tcase, a_new_primary_that_was_never_met_was_not_restarted);
    tcase_add_test(tcase, a_half_made_promotion_is_completed);
    tcase_add_test(tcase, a_healthy_new_primary_is_not_called_down_for_its_past);
    tcase_add_test(tcase, a_promotion_waits_for_the_rest_of_the_inbox);
    tcase_add_loop_test(tcase, a_former_primary_is_not_needed_when_its_successor_returns, 0, 2);
    tcase_add_loop_test(tcase, a_leader_does_not_turn_who_holds_newer_data, 0, 2);
    tcase_add_test(tcase, a_failed_order_does_not_hurry_the_third_failover);
    tcase_add_test(tcase, a_half_promoted_one_that_refuses_is_not_asked_without_end);
    tcase_add_test(tcase, a_named_primary_that_nobody_can_succeed_is_made_one_again);
    tcase_add_test(tcase, the_table_of_states_rules);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
