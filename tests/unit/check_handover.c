/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The planned switchover: FAILOVER by order, plain and COORDINATED. Method: a
 * puppet core of three sentinels' one; the test plays the servers, which hold
 * writes back, catch up, refuse or vanish at every step.
 */
#include <check.h>

#include "core/handover.h"
#include "core/probe.h"
#include "stage.h"
#include "suite.h"

static struct vd_group *group;
static struct vd_node *primary;

static void set_up(void)
{
    stage_set();
    group = puppet_group(&puppet);
    primary = group->primary;
    primary->can_hand_over = true;
    puppet_pass(&puppet, puppet.now + 1);
}

static const struct vd_effect *order(unsigned flags, unsigned wanted)
{
    struct vd_order words = {.type = VD_ORDER_FAILOVER, .name = "m", .flags = flags};

    if (wanted != 0)
        words.addr = puppet_node(&puppet, wanted)->addr;
    return puppet_order(&puppet, &words);
}

/* What a node says to an INFO that it was asked. */
static void tell(struct vd_node *node, enum vd_role role, int64_t offset)
{
    struct vd_info info =
        role == VD_ROLE_PRIMARY ? puppet_primary_info() : puppet_replica_info(2, offset);

    if (node == primary)
        info.run_id = puppet_primary_info().run_id;
    else
        info.run_id = node->run_id;
    info.failover_supported = true;
    info.primary_offset = offset;
    if (node == primary && role == VD_ROLE_REPLICA)
        info.primary = group->failover.chosen->addr;
    ck_assert_uint_ne(node->info_ticket.n, 0);
    puppet_info(&puppet, node, &info);
}

static void ack(struct vd_node *node, vd_ticket ticket, bool ok)
{
    puppet_ack(&puppet, node, ticket, ok ? NULL : "NOPERM no");
}

/* How often this was sent on the node's link in the last step. */
static unsigned sent_to(const struct vd_node *node, enum vd_request request)
{
    unsigned count = 0;

    for (size_t i = 0; i < puppet.effects.count; i++) {
        const struct vd_effect *effect = &puppet.effects.list[i];

        count += effect->type == VD_EF_SEND && effect->send.request == request &&
                 effect->send.link.n == node->command.link.n;
    }
    return count;
}

static void elect(void)
{
    puppet_answer(&puppet, 1, false, PUPPET_SELF, group->failover.epoch);
}

/* Elected; both replicas tell where they are, and one is chosen. */
static void choose(unsigned flags)
{
    ck_assert_int_eq(order(flags, 0)->reply.kind, VD_REPLY_OK);
    elect();
    ck_assert_int_eq(group->failover.state, VD_FO_SELECT_SLAVE);
    tell(primary, VD_ROLE_PRIMARY, 1000);
    tell(puppet_node(&puppet, 2), VD_ROLE_REPLICA, 1000);
    tell(puppet_node(&puppet, 3), VD_ROLE_REPLICA, 1000);
    ck_assert_ptr_nonnull(group->failover.chosen);
}

static void drain(unsigned flags)
{
    choose(flags);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PAUSE), 1);
    ack(primary, group->failover.handover_ticket, true);
    ck_assert_int_eq(group->failover.handover, VD_HO_DRAINING);
}

static void demote(unsigned flags)
{
    drain(flags);
    tell(primary, VD_ROLE_PRIMARY, 1500);
    tell(group->failover.chosen, VD_ROLE_REPLICA, 1500);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_REPLICATE), 1);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 0); /* its clients are sent away first */
    ck_assert_int_eq(group->failover.handover, VD_HO_DEMOTING);
}

static void say_role(struct vd_node *node, enum vd_role role)
{
    puppet_role(&puppet, node, role, primary->addr);
}

static const unsigned both[] = {0, VD_FAILOVER_COORDINATED};

START_TEST(the_whole_way)
{
    struct vd_node *chosen;

    demote(both[_i]);
    chosen = group->failover.chosen;
    ck_assert_ptr_eq(group->primary, primary);
    ack(primary, primary->turn_ticket, true);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 1);
    ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 0); /* its reply alone proves nothing */
    tell(primary, VD_ROLE_REPLICA, 1500);
    ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 1);
    ack(chosen, chosen->turn_ticket, true);
    say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+convert-to-slave"), 1);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_REPLICATE), 0); /* it follows already */
    ck_assert_uint_eq(sent_to(primary, VD_RQ_HELLO), 1);
    ck_assert_int_eq(group->failover.handover, VD_HO_NONE);
}
END_TEST

START_TEST(a_held_back_primary_is_not_told_hellos)
{
    struct vd_event due = {.type = VD_EV_DUE};

    demote(0);
    vd_probe_want_hello(puppet.core, group);
    puppet_step(&puppet, &due);
    ck_assert_int_eq(group->failover.handover, VD_HO_DEMOTING);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_HELLO), 0);
    ck_assert_uint_ge(sent_to(group->failover.chosen, VD_RQ_HELLO), 1);
}
END_TEST

START_TEST(a_primary_that_holds_more_is_made_one_again)
{
    demote(both[_i]);
    ack(primary, primary->turn_ticket, true);
    tell(primary, VD_ROLE_REPLICA, 1501); /* the pause had ended, and a write came between */
    ck_assert_int_eq(group->failover.handover, VD_HO_CHECKING);
    puppet_pass(&puppet, puppet.now + 400);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-master-timeout"), 1);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PROMOTE), 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_ptr_eq(group->primary, primary);
    ack(primary, primary->turn_ticket, true);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 1);
}
END_TEST

START_TEST(what_was_under_way_may_still_arrive)
{
    struct vd_node *chosen;

    demote(VD_FAILOVER_COORDINATED);
    chosen = group->failover.chosen;
    ack(primary, primary->turn_ticket, true);
    tell(primary, VD_ROLE_REPLICA, 1700);
    puppet_pass(&puppet, puppet.now + 2);
    tell(chosen, VD_ROLE_REPLICA, 1700);
    ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 1);
}
END_TEST

START_TEST(one_that_does_not_catch_up)
{
    struct vd_node *chosen;

    drain(both[_i]);
    chosen = group->failover.chosen;
    tell(primary, VD_ROLE_PRIMARY, 2000);
    tell(chosen, VD_ROLE_REPLICA, 1999);
    puppet_pass(&puppet, puppet.now + 600); /* half of down-after */
    if (both[_i] != 0) {
        ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-master-timeout"), 1);
        ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 1);
        ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    } else {
        ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 1);
        ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    }
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PROMOTE), 0);
}
END_TEST

/* While it catches up, INFO says that it must not lead. */
START_TEST(one_that_may_not_lead_any_more)
{
    struct vd_info info = puppet_replica_info(2, 1999);
    struct vd_node *chosen;

    drain(both[_i]);
    chosen = group->failover.chosen;
    info.run_id = chosen->run_id;
    info.priority = 0;
    puppet_info(&puppet, chosen, &info);
    puppet_pass(&puppet, puppet.now + 300);
    ck_assert_ptr_ne(group->failover.chosen, chosen);
    ck_assert(!chosen->promoted);
    if (both[_i] != 0) {
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
    struct vd_node *chosen;

    drain(0);
    chosen = group->failover.chosen;
    puppet_node(&puppet, chosen == puppet_node(&puppet, 2) ? 3 : 2)->priority = 0;
    info.run_id = chosen->run_id;
    info.sync_in_progress = true;
    puppet_info(&puppet, chosen, &info);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-no-good-slave"), 1);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 1);
    ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 0);
}
END_TEST

/* The disk is full just when the former primary would be turned. */
START_TEST(who_was_not_turned_is_not_let_go)
{
    struct vd_event unsent = {.type = VD_EV_ACK};
    struct vd_node *chosen;

    drain(0);
    chosen = group->failover.chosen;
    tell(primary, VD_ROLE_PRIMARY, 2000);
    tell(chosen, VD_ROLE_REPLICA, 1999);
    puppet_pass(&puppet, puppet.now + 600);
    ack(chosen, chosen->turn_ticket, true);
    say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_REPLICATE), 1);
    unsent.ack.link = primary->command.link;
    unsent.ack.ticket = primary->turn_ticket;
    unsent.ack.unsent = true;
    puppet_step(&puppet, &unsent);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 0);
    primary->turn_ticket.n = vd_core_next(puppet.core); /* repair's, a moment later */
    primary->command.pending++;
    ack(primary, primary->turn_ticket, true);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 1);
}
END_TEST

START_TEST(a_primary_that_will_not_hold_back)
{
    struct vd_node *chosen;

    choose(both[_i]);
    chosen = group->failover.chosen;
    ack(primary, group->failover.handover_ticket, false);
    if (both[_i] == 0) {
        puppet_pass(&puppet, puppet.now + 1);
        ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
        ck_assert_uint_ne(chosen->turn_ticket.n, 0);
        return;
    }
    ck_assert_uint_eq(sent_to(primary, VD_RQ_HANDOVER), 1);
    ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 0);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    ack(primary, group->failover.handover_ticket, true);
    say_role(chosen, VD_ROLE_REPLICA);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    puppet_pass(&puppet, puppet.now + 60);
    say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_REPLICATE), 1);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 0);
    ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 1); /* writes its file, sends clients away */
    ack(primary, primary->turn_ticket, true);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 1);
}
END_TEST

START_TEST(the_servers_own_failover_hangs)
{
    choose(VD_FAILOVER_COORDINATED);
    ack(primary, group->failover.handover_ticket, false);
    ack(primary, group->failover.handover_ticket, true);
    puppet_pass(&puppet, puppet.now + 1);
    for (int i = 0; i < 1200 && group->failover.state != VD_FO_NONE; i++) {
        struct vd_node *chosen = group->failover.chosen;

        if (chosen->role_ticket.n != 0)
            say_role(chosen, VD_ROLE_REPLICA);
        puppet_pass(&puppet, puppet.now + 10);
        for (unsigned n = 1; n <= 3; n++) {
            struct vd_node *node = puppet_node(&puppet, n);

            if (node->pulse.ticket.n != 0 && group->failover.state != VD_FO_NONE)
                puppet_pong(&puppet, &node->command, VD_PONG_OK);
        }
    }
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_ABORT), 1);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 1);
    ck_assert_ptr_eq(group->primary, primary);
}
END_TEST

START_TEST(a_server_that_refuses_its_own_failover)
{
    choose(VD_FAILOVER_COORDINATED);
    ack(primary, group->failover.handover_ticket, false);
    ack(primary, group->failover.handover_ticket, false);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_ptr_eq(group->primary, primary);
}
END_TEST

/* The reply to the demotion is lost with the link: its next word decides. */
START_TEST(a_demotion_without_reply)
{
    struct vd_node *chosen;

    demote(VD_FAILOVER_COORDINATED);
    chosen = group->failover.chosen;
    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 30);
    puppet_raise_links(&puppet);
    if (_i == 0) {
        tell(primary, VD_ROLE_REPLICA, 1500);
        tell(primary, VD_ROLE_REPLICA, 1500);
        ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 1);
    } else {
        tell(primary, VD_ROLE_PRIMARY, 1600);
        ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-master-timeout"), 1);
        ck_assert_uint_eq(sent_to(chosen, VD_RQ_PROMOTE), 0);
    }
}
END_TEST

START_TEST(a_primary_that_refuses_its_demotion)
{
    demote(VD_FAILOVER_COORDINATED);
    ack(primary, primary->turn_ticket, false);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PROMOTE), 0); /* it is one */
}
END_TEST

START_TEST(a_chosen_one_that_refuses)
{
    struct vd_node *chosen;

    demote(both[_i]);
    chosen = group->failover.chosen;
    ack(primary, primary->turn_ticket, true);
    tell(primary, VD_ROLE_REPLICA, 1500);
    ack(chosen, chosen->turn_ticket, false);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-slave-timeout"), 1);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PROMOTE), 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
}
END_TEST

START_TEST(a_chosen_one_that_vanishes)
{
    struct vd_node *chosen;

    drain(both[_i]);
    chosen = group->failover.chosen;
    puppet_link_down(&puppet, &chosen->command, VD_DOWN_CLOSED);
    if (both[_i] != 0) {
        ck_assert_int_eq(group->failover.state, VD_FO_NONE);
        ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 1);
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
    struct vd_node *chosen;

    drain(both[_i]);
    chosen = group->failover.chosen;
    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_UNPAUSE), 0); /* there is no link */
    if (both[_i] == 0) {
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
    struct vd_node *chosen;

    demote(both[_i]);
    chosen = group->failover.chosen;
    ack(primary, primary->turn_ticket, true);
    ck_assert_int_eq(group->failover.handover, VD_HO_CHECKING);
    puppet_link_down(&puppet, &chosen->command, VD_DOWN_CLOSED);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PROMOTE), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 0);
    ck_assert_ptr_eq(group->primary, primary);
}
END_TEST

START_TEST(somebody_else_leads_meanwhile)
{
    struct vd_id other = puppet_peer_id(2);

    demote(VD_FAILOVER_COORDINATED);
    ack(primary, primary->turn_ticket, true);
    primary->s_down_at = puppet.now;
    puppet_question(&puppet, other.hex, group->failover.epoch + 1, other.hex);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PROMOTE), 0);
}
END_TEST

START_TEST(coordinated_needs_votes)
{
    ck_assert_int_eq(order(VD_FAILOVER_COORDINATED, 0)->reply.kind, VD_REPLY_OK);
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
    reply = order(VD_FAILOVER_COORDINATED, 0);
    ck_assert_int_eq(reply->reply.kind, VD_REPLY_ERROR);
    ck_assert_str_eq(reply->reply.text, "NOGOODPRIMARY Primary does not support FAILOVER command");
    primary->can_hand_over = true;
    puppet_node(&puppet, 3)->priority = 0;
    reply = order(0, 3);
    ck_assert_int_eq(reply->reply.kind, VD_REPLY_ERROR);
    ck_assert_str_eq(reply->reply.text, "NOGOODSLAVE The replica has priority 0");
    ck_assert_int_eq(order(0, 2)->reply.kind, VD_REPLY_OK);
    reply = order(VD_FAILOVER_COORDINATED, 0);
    ck_assert_str_eq(reply->reply.text, "INPROG Failover already in progress");
}
END_TEST

START_TEST(to_whom_the_operator_wants)
{
    puppet_node(&puppet, 2)->priority = 1;
    ck_assert_int_eq(order(0, 3)->reply.kind, VD_REPLY_OK);
    elect();
    tell(primary, VD_ROLE_PRIMARY, 1000);
    tell(puppet_node(&puppet, 2), VD_ROLE_REPLICA, 1000);
    tell(puppet_node(&puppet, 3), VD_ROLE_REPLICA, 900);
    ck_assert_ptr_eq(group->failover.chosen, puppet_node(&puppet, 3));
}
END_TEST

/* Writes go on until a replica that is far behind has come near. */
START_TEST(one_that_is_far_behind)
{
    int64_t far = 50 * 1024 * 1024;

    ck_assert_int_eq(order(VD_FAILOVER_COORDINATED, 2)->reply.kind, VD_REPLY_OK);
    elect();
    tell(primary, VD_ROLE_PRIMARY, far);
    tell(puppet_node(&puppet, 3), VD_ROLE_REPLICA, 1000);
    tell(puppet_node(&puppet, 2), VD_ROLE_REPLICA, 1000);
    ck_assert_int_eq(group->failover.handover, VD_HO_NEARING);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PAUSE), 0);
    tell(primary, VD_ROLE_PRIMARY, far + 1000);
    tell(puppet_node(&puppet, 2), VD_ROLE_REPLICA, far - 1000);
    ck_assert_uint_eq(sent_to(primary, VD_RQ_PAUSE), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handover");
    TCase *tcase = tcase_create("handover");

    tcase_add_checked_fixture(tcase, set_up, stage_clear);
    tcase_add_loop_test(tcase, the_whole_way, 0, 2);
    tcase_add_test(tcase, a_held_back_primary_is_not_told_hellos);
    tcase_add_loop_test(tcase, a_primary_that_holds_more_is_made_one_again, 0, 2);
    tcase_add_test(tcase, what_was_under_way_may_still_arrive);
    tcase_add_loop_test(tcase, one_that_does_not_catch_up, 0, 2);
    tcase_add_loop_test(tcase, one_that_may_not_lead_any_more, 0, 2);
    tcase_add_test(tcase, nobody_may_lead_any_more);
    tcase_add_test(tcase, who_was_not_turned_is_not_let_go);
    tcase_add_loop_test(tcase, a_primary_that_will_not_hold_back, 0, 2);
    tcase_add_test(tcase, the_servers_own_failover_hangs);
    tcase_add_test(tcase, a_server_that_refuses_its_own_failover);
    tcase_add_loop_test(tcase, a_demotion_without_reply, 0, 2);
    tcase_add_test(tcase, a_primary_that_refuses_its_demotion);
    tcase_add_loop_test(tcase, a_chosen_one_that_refuses, 0, 2);
    tcase_add_loop_test(tcase, a_chosen_one_that_vanishes, 0, 2);
    tcase_add_loop_test(tcase, a_primary_whose_link_is_lost_while_it_drains, 0, 2);
    tcase_add_loop_test(tcase, a_chosen_one_whose_link_is_lost_in_the_end, 0, 2);
    tcase_add_test(tcase, somebody_else_leads_meanwhile);
    tcase_add_test(tcase, coordinated_needs_votes);
    tcase_add_test(tcase, refused_orders);
    tcase_add_test(tcase, to_whom_the_operator_wants);
    tcase_add_test(tcase, one_that_is_far_behind);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
