/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes wrong in a planned switchover: servers refuse, vanish, do not catch
 * up, or may not lead any more, at every step.
 */
#include "core/handover.h"
#include "core/probe.h"
#include "suite.h"
#include "switchover.h"

START_TEST(what_was_under_way_may_still_arrive)
{
    struct vd_node *chosen = switchover_demote(VD_FAILOVER_COORDINATED);

    switchover_ack(primary, primary->turn_ticket, true);
    switchover_tell(primary, VD_ROLE_REPLICA, 1700);
    puppet_pass(&puppet, puppet.now + 2);
    switchover_tell(chosen, VD_ROLE_REPLICA, 1700);
    ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE), 1);
}
END_TEST

START_TEST(one_that_does_not_catch_up)
{
    struct vd_node *chosen = switchover_drain(switchover_ways[_i]);

    switchover_tell(primary, VD_ROLE_PRIMARY, 2000);
    switchover_tell(chosen, VD_ROLE_REPLICA, 1999);
    puppet_pass(&puppet, puppet.now + 600); /* half of down-after */
    if (switchover_ways[_i] != 0) {
        ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-master-timeout"), 1);
        ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 1);
        ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    } else {
        ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE), 1);
        ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    }
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PROMOTE), 0);
}
END_TEST

/* While it catches up, INFO says that it must not lead. */
START_TEST(one_that_may_not_lead_any_more)
{
    struct vd_info info = puppet_replica_info(2, 1999);
    struct vd_node *chosen = switchover_drain(switchover_ways[_i]);

    info.run_id = chosen->run_id;
    info.priority = 0;
    puppet_info(&puppet, chosen, &info);
    puppet_pass(&puppet, puppet.now + 300);
    ck_assert_ptr_ne(group->failover.chosen, chosen);
    ck_assert(!chosen->promoted);
    if (switchover_ways[_i] != 0) {
        ck_assert_int_eq(group->failover.state, VD_FO_NONE);
        ck_assert(!primary->held_back);
    } else {
        ck_assert_ptr_nonnull(group->failover.chosen); /* the other one */
    }
}
END_TEST

START_TEST(nobody_may_lead_any_more)
{
    struct vd_info info = puppet_replica_info(2, 1999);
    struct vd_node *chosen = switchover_drain(0);

    puppet_node(&puppet, chosen == puppet_node(&puppet, 2) ? 3 : 2)->priority = 0;
    info.run_id = chosen->run_id;
    info.sync_in_progress = true;
    puppet_info(&puppet, chosen, &info);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-no-good-slave"), 1);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 1);
    ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE), 0);
}
END_TEST

/* The disk is full just when the former primary would be turned. */
START_TEST(who_was_not_turned_is_not_let_go)
{
    struct vd_event unsent = {.type = VD_EV_ACK};
    struct vd_node *chosen = switchover_drain(0);

    switchover_tell(primary, VD_ROLE_PRIMARY, 2000);
    switchover_tell(chosen, VD_ROLE_REPLICA, 1999);
    puppet_pass(&puppet, puppet.now + 600);
    switchover_ack(chosen, chosen->turn_ticket, true);
    switchover_say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_REPLICATE), 1);
    unsent.ack.link = primary->command.link;
    unsent.ack.ticket = primary->turn_ticket;
    unsent.ack.unsent = true;
    puppet_step(&puppet, &unsent);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 0);
    primary->turn_ticket.n = vd_core_next(puppet.core); /* repair's, a moment later */
    primary->command.pending++;
    switchover_ack(primary, primary->turn_ticket, true);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 1);
}
END_TEST

START_TEST(a_primary_that_will_not_hold_back)
{
    struct vd_node *chosen = switchover_choose(switchover_ways[_i]);

    switchover_ack(primary, group->failover.handover_ticket, false);
    if (switchover_ways[_i] == 0) {
        puppet_pass(&puppet, puppet.now + 1);
        ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
        ck_assert_uint_ne(chosen->turn_ticket.n, 0);
        return;
    }
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_HANDOVER), 1);
    ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE), 0);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    switchover_ack(primary, group->failover.handover_ticket, true);
    switchover_say_role(chosen, VD_ROLE_REPLICA);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    puppet_pass(&puppet, puppet.now + 60);
    switchover_say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_REPLICATE), 1);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 0);
    ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE),
                      1); /* writes its file, sends clients away */
    switchover_ack(primary, primary->turn_ticket, true);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 1);
}
END_TEST

START_TEST(the_servers_own_failover_hangs)
{
    switchover_choose(VD_FAILOVER_COORDINATED);
    switchover_ack(primary, group->failover.handover_ticket, false);
    switchover_ack(primary, group->failover.handover_ticket, true);
    puppet_pass(&puppet, puppet.now + 1);
    for (int i = 0; i < 1200 && group->failover.state != VD_FO_NONE; i++) {
        struct vd_node *chosen = group->failover.chosen;

        if (chosen->role_ticket.n != 0)
            switchover_say_role(chosen, VD_ROLE_REPLICA);
        puppet_pass(&puppet, puppet.now + 10);
        for (unsigned n = 1; n <= 3; n++) {
            struct vd_node *node = puppet_node(&puppet, n);

            if (node->pulse.ticket.n != 0 && group->failover.state != VD_FO_NONE)
                puppet_pong(&puppet, &node->command, VD_PONG_OK);
        }
    }
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_ABORT), 1);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 1);
    ck_assert_ptr_eq(group->primary, primary);
}
END_TEST

START_TEST(a_server_that_refuses_its_own_failover)
{
    switchover_choose(VD_FAILOVER_COORDINATED);
    switchover_ack(primary, group->failover.handover_ticket, false);
    switchover_ack(primary, group->failover.handover_ticket, false);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_ptr_eq(group->primary, primary);
}
END_TEST

/* The reply to the demotion is lost with the link: its next word decides. */
START_TEST(a_demotion_without_reply)
{
    struct vd_node *chosen = switchover_demote(VD_FAILOVER_COORDINATED);

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 30);
    puppet_raise_links(&puppet);
    if (_i == 0) {
        switchover_tell(primary, VD_ROLE_REPLICA, 1500);
        switchover_tell(primary, VD_ROLE_REPLICA, 1500);
        ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE), 1);
    } else {
        switchover_tell(primary, VD_ROLE_PRIMARY, 1600);
        ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-master-timeout"), 1);
        ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE), 0);
    }
}
END_TEST

/* It is back without its data, and the chosen one is being filled from it: neither its silence nor
 * its word lets that one be promoted the old way. */
START_TEST(a_primary_that_was_reborn_instead_of_demoted)
{
    struct vd_info info = puppet_replica_info(2, 1);
    struct vd_node *chosen = switchover_demote(0);

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    info.run_id = chosen->run_id;
    info.sync_in_progress = true;
    info.link_up = false;
    puppet_info(&puppet, chosen, &info);
    ck_assert_int_eq(group->failover.state, VD_FO_SEND_SLAVEOF_NOONE); /* it may have obeyed */
    if (_i == 0) {
        while (group->failover.state == VD_FO_SEND_SLAVEOF_NOONE) {
            puppet_pass(&puppet, puppet.now + 10);
            puppet_pong(&puppet, &chosen->command, VD_PONG_OK);
        }
    } else {
        puppet_pass(&puppet, puppet.now + 30);
        puppet_raise_links(&puppet);
        switchover_tell(primary, VD_ROLE_PRIMARY, 1600);
    }
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE), 0);
}
END_TEST

START_TEST(a_primary_that_refuses_its_demotion)
{
    switchover_demote(VD_FAILOVER_COORDINATED);
    switchover_ack(primary, primary->turn_ticket, false);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PROMOTE), 0); /* it is one */
}
END_TEST

START_TEST(a_chosen_one_that_refuses)
{
    struct vd_node *chosen = switchover_demote(switchover_ways[_i]);

    switchover_ack(primary, primary->turn_ticket, true);
    switchover_tell(primary, VD_ROLE_REPLICA, 1500);
    switchover_ack(chosen, chosen->turn_ticket, false);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-slave-timeout"), 1);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PROMOTE), 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
}
END_TEST

START_TEST(a_chosen_one_that_vanishes)
{
    struct vd_node *chosen = switchover_drain(switchover_ways[_i]);

    puppet_link_down(&puppet, &chosen->command, VD_DOWN_CLOSED);
    if (switchover_ways[_i] != 0) {
        ck_assert_int_eq(group->failover.state, VD_FO_NONE);
        ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 1);
    } else {
        ck_assert_ptr_nonnull(group->failover.chosen);
        ck_assert_ptr_ne(group->failover.chosen, chosen); /* the other one catches up instead */
        ck_assert_int_eq(group->failover.handover, VD_HO_DRAINING);
    }
}
END_TEST

/* The primary is gone while writes are held back: nothing is known to be lost, or not. */
START_TEST(a_primary_whose_link_is_lost_while_it_drains)
{
    struct vd_node *chosen = switchover_drain(switchover_ways[_i]);

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 0); /* there is no link */
    if (switchover_ways[_i] == 0) {
        ck_assert_ptr_eq(group->failover.chosen, chosen); /* the plain form goes the old way */
        ck_assert_uint_ne(chosen->turn_ticket.n, 0);
        return;
    }
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_ptr_eq(group->primary, primary);
    ck_assert(primary->held_back);
    puppet_pass(&puppet, puppet.now + 30);
    puppet_raise_links(&puppet);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert(!primary->held_back); /* it was let go as soon as it could be */
}
END_TEST

/* The same with the chosen one's link, when the primary is a replica already: it is one no more. */
START_TEST(a_chosen_one_whose_link_is_lost_in_the_end)
{
    struct vd_node *chosen = switchover_demote(switchover_ways[_i]);

    switchover_ack(primary, primary->turn_ticket, true);
    ck_assert_int_eq(group->failover.handover, VD_HO_CHECKING);
    puppet_link_down(&puppet, &chosen->command, VD_DOWN_CLOSED);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PROMOTE), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 0);
    ck_assert_ptr_eq(group->primary, primary);
}
END_TEST

START_TEST(somebody_else_leads_meanwhile)
{
    struct vd_id other = puppet_peer_id(2);

    switchover_demote(VD_FAILOVER_COORDINATED);
    switchover_ack(primary, primary->turn_ticket, true);
    primary->s_down_at = puppet.now;
    puppet_question(&puppet, other.hex, group->failover.epoch + 1, other.hex);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PROMOTE), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handover faults");
    TCase *tcase = switchover_case("handover faults");

    tcase_add_test(tcase, what_was_under_way_may_still_arrive);
    suite_add_rows(tcase, one_that_does_not_catch_up, switchover_ways);
    suite_add_rows(tcase, one_that_may_not_lead_any_more, switchover_ways);
    tcase_add_test(tcase, nobody_may_lead_any_more);
    tcase_add_test(tcase, who_was_not_turned_is_not_let_go);
    suite_add_rows(tcase, a_primary_that_will_not_hold_back, switchover_ways);
    tcase_add_test(tcase, the_servers_own_failover_hangs);
    tcase_add_test(tcase, a_server_that_refuses_its_own_failover);
    suite_add_rows(tcase, a_demotion_without_reply, switchover_ways);
    suite_add_rows(tcase, a_primary_that_was_reborn_instead_of_demoted, switchover_ways);
    tcase_add_test(tcase, a_primary_that_refuses_its_demotion);
    suite_add_rows(tcase, a_chosen_one_that_refuses, switchover_ways);
    suite_add_rows(tcase, a_chosen_one_that_vanishes, switchover_ways);
    suite_add_rows(tcase, a_primary_whose_link_is_lost_while_it_drains, switchover_ways);
    suite_add_rows(tcase, a_chosen_one_whose_link_is_lost_in_the_end, switchover_ways);
    tcase_add_test(tcase, somebody_else_leads_meanwhile);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
