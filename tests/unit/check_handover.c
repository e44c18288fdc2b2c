/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The planned switchover, FAILOVER by order, plain and COORDINATED: its way, to
 * whom, and when it is refused.
 */
#include "core/handover.h"
#include "core/probe.h"
#include "suite.h"
#include "switchover.h"

START_TEST(the_whole_way)
{
    struct vd_node *chosen = switchover_demote(switchover_ways[_i]);

    ck_assert_ptr_eq(group->primary, primary);
    switchover_ack(primary, primary->turn_ticket, true);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 1);
    ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE),
                      0); /* its reply alone proves nothing */
    switchover_tell(primary, VD_ROLE_REPLICA, 1500);
    ck_assert_uint_eq(switchover_sent_to(chosen, VD_RQ_PROMOTE), 1);
    switchover_ack(chosen, chosen->turn_ticket, true);
    switchover_say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+convert-to-slave"), 1);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_REPLICATE), 0); /* it follows already */
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_HELLO), 1);
    ck_assert_int_eq(group->failover.handover, VD_HO_NONE);
}
END_TEST

START_TEST(a_held_back_primary_is_not_told_hellos)
{
    struct vd_event due = {.type = VD_EV_DUE};

    switchover_demote(0);
    vd_probe_want_hello(puppet.core, group);
    puppet_step(&puppet, &due);
    ck_assert_int_eq(group->failover.handover, VD_HO_DEMOTING);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_HELLO), 0);
    ck_assert_uint_ge(switchover_sent_to(group->failover.chosen, VD_RQ_HELLO), 1);
}
END_TEST

START_TEST(a_primary_that_holds_more_is_made_one_again)
{
    switchover_demote(switchover_ways[_i]);
    switchover_ack(primary, primary->turn_ticket, true);
    switchover_tell(primary, VD_ROLE_REPLICA,
                    1501); /* the pause had ended, and a write came between */
    ck_assert_int_eq(group->failover.handover, VD_HO_CHECKING);
    puppet_pass(&puppet, puppet.now + 400);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-master-timeout"), 1);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PROMOTE), 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_ptr_eq(group->primary, primary);
    switchover_ack(primary, primary->turn_ticket, true);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE), 1);
}
END_TEST

START_TEST(coordinated_needs_votes)
{
    ck_assert_int_eq(switchover_order(VD_FAILOVER_COORDINATED, 0)->reply.kind, VD_REPLY_OK);
    puppet_pass(&puppet, puppet.now + 9000); /* Sentinel's election timeout is 10 s */
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_START);
    puppet_pass(&puppet, puppet.now + 1600);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-not-elected"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+elected-leader"), 0);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert(!group->failover.coordinated);
}
END_TEST

START_TEST(refused_orders)
{
    const struct vd_effect *reply;

    primary->can_hand_over = false; /* Redis 6.0: its INFO tells nothing about FAILOVER */
    reply = switchover_order(VD_FAILOVER_COORDINATED, 0);
    ck_assert_int_eq(reply->reply.kind, VD_REPLY_ERROR);
    ck_assert_str_eq(reply->reply.text, "NOGOODPRIMARY Primary does not support FAILOVER command");
    primary->can_hand_over = true;
    puppet_node(&puppet, 3)->priority = 0;
    reply = switchover_order(0, 3);
    ck_assert_int_eq(reply->reply.kind, VD_REPLY_ERROR);
    ck_assert_str_eq(reply->reply.text, "NOGOODSLAVE The replica has priority 0");
    ck_assert_int_eq(switchover_order(0, 2)->reply.kind, VD_REPLY_OK);
    reply = switchover_order(VD_FAILOVER_COORDINATED, 0);
    ck_assert_str_eq(reply->reply.text, "INPROG Failover already in progress");
}
END_TEST

START_TEST(to_whom_the_operator_wants)
{
    puppet_node(&puppet, 2)->priority = 1;
    ck_assert_int_eq(switchover_order(0, 3)->reply.kind, VD_REPLY_OK);
    switchover_elect();
    switchover_tell(primary, VD_ROLE_PRIMARY, 1000);
    switchover_tell(puppet_node(&puppet, 2), VD_ROLE_REPLICA, 1000);
    switchover_tell(puppet_node(&puppet, 3), VD_ROLE_REPLICA, 900);
    ck_assert_ptr_eq(group->failover.chosen, puppet_node(&puppet, 3));
}
END_TEST

/* Writes go on until a replica that is far behind has come near. */
START_TEST(one_that_is_far_behind)
{
    int64_t far = 50 * 1024 * 1024;

    ck_assert_int_eq(switchover_order(VD_FAILOVER_COORDINATED, 2)->reply.kind, VD_REPLY_OK);
    switchover_elect();
    switchover_tell(primary, VD_ROLE_PRIMARY, far);
    switchover_tell(puppet_node(&puppet, 3), VD_ROLE_REPLICA, 1000);
    switchover_tell(puppet_node(&puppet, 2), VD_ROLE_REPLICA, 1000);
    ck_assert_int_eq(group->failover.handover, VD_HO_NEARING);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PAUSE), 0);
    switchover_tell(primary, VD_ROLE_PRIMARY, far + 1000);
    switchover_tell(puppet_node(&puppet, 2), VD_ROLE_REPLICA, far - 1000);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PAUSE), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handover");
    TCase *tcase = switchover_case("handover");

    suite_add_rows(tcase, the_whole_way, switchover_ways);
    tcase_add_test(tcase, a_held_back_primary_is_not_told_hellos);
    suite_add_rows(tcase, a_primary_that_holds_more_is_made_one_again, switchover_ways);
    tcase_add_test(tcase, coordinated_needs_votes);
    tcase_add_test(tcase, refused_orders);
    tcase_add_test(tcase, to_whom_the_operator_wants);
    tcase_add_test(tcase, one_that_is_far_behind);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
