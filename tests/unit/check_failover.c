/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The failover from S_DOWN to the turned replicas, the choice of the
 * candidate, and the empty restart. Method: a puppet core of three sentinels'
 * one, the test plays two peers and three servers.
 */
#include <check.h>

#include "core/candidate.h"
#include "core/failover.h"
#include "puppet.h"
#include "suite.h"

static struct puppet puppet;

static void set_up(void)
{
    puppet_init(&puppet, 2, 2, 2);
    puppet_settle(&puppet);
}

static void tear_down(void)
{
    puppet_free(&puppet);
}

/* Answer every PING and INFO of replicas and peers, as living ones do. */
static void keep_alive(void)
{
    struct vd_node *node;
    struct vd_opinion *opinion;
    unsigned last_byte = 0;

    DL_FOREACH (puppet_group(&puppet)->nodes, node) {
        struct vd_info info = puppet_replica_info(++last_byte, 1000);

        if (vd_node_is_primary(node))
            continue;
        if (node->pulse.ticket.n != 0)
            puppet_pong(&puppet, &node->command, VD_PONG_OK);
        if (node->info_ticket.n != 0)
            puppet_info(&puppet, node, &info);
    }
    DL_FOREACH (puppet_group(&puppet)->opinions, opinion) {
        if (opinion->peer->pulse.ticket.n != 0)
            puppet_pong(&puppet, &opinion->peer->wire, VD_PONG_OK);
    }
}

/* The primary dies; one peer agrees; our rank's turn comes, and both are asked for their vote. */
static void to_wait_start(void)
{
    struct vd_group *group = puppet_group(&puppet);

    puppet_link_down(&puppet, &group->primary->command, VD_DOWN_CLOSED);
    while (group->primary->s_down_at == VD_NEVER) {
        puppet_pass(&puppet, puppet.now + 10);
        keep_alive();
    }
    puppet_answer(&puppet, 1, true, "", 0);
    ck_assert_int_ne(group->primary->o_down_at, VD_NEVER);
    while (group->failover.state == VD_FO_NONE) {
        puppet_pass(&puppet, puppet.now + 1);
        ck_assert_int_lt(puppet.now, 5000);
    }
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_START);
}

static void to_wait_promotion(void)
{
    struct vd_group *group = puppet_group(&puppet);

    to_wait_start();
    puppet_answer(&puppet, 1, true, PUPPET_SELF, group->failover.epoch);
    keep_alive();
    while (group->failover.state == VD_FO_SELECT_SLAVE) {
        puppet_pass(&puppet, puppet.now + 10);
        keep_alive();
    }
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
}

static void say_role(struct vd_node *node, enum vd_role role)
{
    struct vd_event event = {.type = VD_EV_ROLE};

    event.role.link = node->command.link;
    event.role.ticket = node->role_ticket;
    event.role.role = role;
    event.role.primary = puppet_addr("10.0.0.1", 6379);
    puppet_step(&puppet, &event);
}

static void ack_turn(struct vd_node *node, bool ok)
{
    struct vd_event event = {.type = VD_EV_ACK};

    event.ack.link = node->command.link;
    event.ack.ticket = node->turn_ticket;
    event.ack.ok = ok;
    event.ack.text = ok ? NULL : "NOPERM no";
    puppet_step(&puppet, &event);
}

START_TEST(the_whole_story)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_node *old = group->primary;
    struct vd_node *other;
    struct vd_node *chosen;
    struct vd_info info;

    to_wait_promotion();
    chosen = group->failover.chosen;
    other = chosen == puppet_node(&puppet, 2) ? puppet_node(&puppet, 3) : puppet_node(&puppet, 2);
    ck_assert_ptr_nonnull(chosen);
    ack_turn(chosen, true);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_ROLE), 1);
    ck_assert_ptr_eq(group->primary, old); /* a reply alone proves nothing */
    say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+promoted-slave"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+slave-reconf-sent"), 1);
    ck_assert_uint_ge(puppet_sent(&puppet, VD_RQ_HELLO), 3);
    ck_assert_ptr_eq(group->primary, chosen);
    ck_assert_uint_eq(group->config_epoch, 1);
    ack_turn(other, true);
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
    to_wait_start();
    for (size_t i = 0; i < puppet.effects.count; i++) {
        const struct vd_effect *effect = &puppet.effects.list[i];

        if (effect->type == VD_EF_SEND && effect->send.request == VD_RQ_QUESTION)
            ck_assert(effect->promise);
    }
    ck_assert(vd_core_is_dirty(puppet.core));
}
END_TEST

/* With a quorum of one nobody was asked before: a voter that reaches the primary must know why. */
START_TEST(who_asks_for_a_vote_says_why)
{
    struct vd_group *group = puppet_group(&puppet);
    const struct vd_effect *before = NULL;
    unsigned votes = 0;

    group->options.quorum = 1;
    puppet_link_down(&puppet, &group->primary->command, VD_DOWN_CLOSED);
    while (group->failover.state == VD_FO_NONE) {
        puppet_pass(&puppet, puppet.now + 1);
        if (group->failover.state == VD_FO_NONE)
            keep_alive();
        ck_assert_int_lt(puppet.now, 5000);
    }
    for (size_t i = 0; i < puppet.effects.count; i++) {
        const struct vd_effect *effect = &puppet.effects.list[i];

        if (effect->type != VD_EF_SEND || effect->send.request != VD_RQ_QUESTION)
            continue;
        if (strcmp(effect->send.candidate, PUPPET_SELF) == 0) {
            ck_assert_ptr_nonnull(before);
            ck_assert_str_eq(before->send.candidate, "*");
            ck_assert_uint_eq(before->send.link.n, effect->send.link.n);
            votes++;
        }
        before = effect;
    }
    ck_assert_uint_eq(votes, 2);
}
END_TEST

START_TEST(a_refused_promotion_goes_to_another)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_node *first;

    to_wait_promotion();
    first = group->failover.chosen;
    ack_turn(first, false);
    for (int i = 0; i < 100 && group->failover.state != VD_FO_WAIT_PROMOTION; i++) {
        puppet_pass(&puppet, puppet.now + 10);
        keep_alive();
    }
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    ck_assert_ptr_ne(group->failover.chosen, first);
}
END_TEST

START_TEST(a_lost_election_is_retried_soon_in_a_new_epoch)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_id two = puppet_peer_id(2);
    uint64_t epoch;
    vd_ms lost_at;

    to_wait_start();
    epoch = group->failover.epoch;
    puppet_answer(&puppet, 1, true, two.hex, epoch);
    puppet_answer(&puppet, 2, true, two.hex, epoch);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-not-elected"), 1);
    lost_at = puppet.now;
    while (group->failover.state == VD_FO_NONE) {
        puppet_pass(&puppet, puppet.now + 10);
        keep_alive();
        ck_assert_int_lt(puppet.now, lost_at + 600);
    }
    ck_assert_int_ge(puppet.now, lost_at + 100);
    ck_assert_uint_gt(group->failover.epoch, epoch);
}
END_TEST

START_TEST(who_is_refused_for_long_wears_out_few_epochs)
{
    struct vd_group *group = puppet_group(&puppet);

    to_wait_start();
    group->primary->o_down_at = puppet.now - 60000;
    puppet_answer(&puppet, 1, true, "", 0);
    puppet_answer(&puppet, 2, false, "", 0);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-not-elected"), 1);
    ck_assert_int_ge(group->stand_at, puppet.now + 2000);
    ck_assert_int_lt(group->stand_at, puppet.now + 10000);
}
END_TEST

START_TEST(who_voted_watches_its_leader_and_succeeds_it)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_id one = puppet_peer_id(1);
    struct vd_opinion *leader = puppet_opinion(&puppet, 1);
    vd_ms died_at;

    puppet_link_down(&puppet, &group->primary->command, VD_DOWN_CLOSED);
    while (group->primary->s_down_at == VD_NEVER) {
        puppet_pass(&puppet, puppet.now + 10);
        keep_alive();
    }
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 7, one.hex)->reply.leader, one.hex);
    puppet_answer(&puppet, 1, true, "", 0);
    puppet_answer(&puppet, 2, true, "", 0);
    for (int i = 0; i < 20; i++) {
        puppet_pass(&puppet, puppet.now + 10);
        keep_alive();
        ck_assert_int_eq(group->failover.state, VD_FO_NONE); /* it is given its time */
    }
    puppet_link_down(&puppet, &leader->peer->wire, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 20);
    puppet_link_down(&puppet, &leader->peer->wire, VD_DOWN_REFUSED);
    died_at = puppet.now;
    while (group->failover.state == VD_FO_NONE) {
        puppet_pass(&puppet, puppet.now + 5);
        keep_alive();
        ck_assert_int_lt(puppet.now, died_at + 200);
    }
    ck_assert_uint_gt(group->failover.epoch, 7);
}
END_TEST

/* Two that each hold the other for dead, and yet get its questions, would outbid each other. */
START_TEST(who_asked_for_our_vote_lived_then)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_id one = puppet_peer_id(1);
    vd_ms voted_at;

    puppet_link_down(&puppet, &group->primary->command, VD_DOWN_CLOSED);
    while (group->primary->s_down_at == VD_NEVER) {
        puppet_pass(&puppet, puppet.now + 10);
        keep_alive();
    }
    puppet_opinion(&puppet, 1)->s_down_at = puppet.now;
    puppet_pass(&puppet, puppet.now + 1);
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 7, one.hex)->reply.leader, one.hex);
    voted_at = puppet.now;
    puppet_answer(&puppet, 2, true, "", 0);
    ck_assert_int_ne(group->primary->o_down_at, VD_NEVER);
    while (group->failover.state == VD_FO_NONE) {
        puppet_opinion(&puppet, 1)->s_down_at = voted_at - 1; /* and nothing of it is heard */
        puppet_pass(&puppet, puppet.now + 5);
        ck_assert_int_lt(puppet.now, voted_at + 1500);
    }
    ck_assert_int_ge(puppet.now, voted_at + 500);
}
END_TEST

/* At the address of a replica another cluster's primary answers, with replicas of its own. */
START_TEST(a_leader_leaves_another_cluster_s_primary_alone)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_info info = puppet_primary_info();
    struct vd_node *chosen;
    struct vd_node *other;

    to_wait_promotion();
    chosen = group->failover.chosen;
    other = puppet_node(&puppet, chosen == puppet_node(&puppet, 2) ? 3 : 2);
    memset(info.replid.hex, 'f', VD_ID_LEN);
    puppet_info(&puppet, other, &info);
    ack_turn(chosen, true);
    say_role(chosen, VD_ROLE_PRIMARY);
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
    struct vd_group *group = puppet_group(&puppet);
    struct vd_hello hello = {.id = puppet_peer_id(2), .epoch = 9, .group = "m", .config_epoch = 9};
    struct vd_event gossip = {.type = VD_EV_HELLO};

    to_wait_promotion();
    hello.peer = puppet_addr("10.0.1.2", 26379);
    hello.primary = puppet_addr("10.0.0.3", 6379);
    gossip.hello.hello = &hello;
    puppet_step(&puppet, &gossip);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+config-update-from"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.3");
}
END_TEST

/* Candidates: who is chosen of 10.0.0.2 and 10.0.0.3, and 0 when nobody is. */
struct trial {
    const char *what;
    int64_t priority[2];
    int64_t offset[2];
    int64_t link_down_ms[2];
    bool syncing[2];
    bool foreign[2];
    unsigned chosen;
};

static const struct trial trials[] = {
    {"the higher offset", {100, 100}, {900, 1000}, {0, 0}, {false, false}, {false, false}, 3},
    {"the lower priority", {10, 100}, {900, 1000}, {0, 0}, {false, false}, {false, false}, 2},
    {"the smaller run id on a tie",
     {100, 100},
     {900, 900},
     {0, 0},
     {false, false},
     {false, false},
     2},
    {"never priority 0", {0, 100}, {1000, 10}, {0, 0}, {false, false}, {false, false}, 3},
    {"nobody, if all have priority 0", {0, 0}, {9, 9}, {0, 0}, {false, false}, {false, false}, 0},
    {"not a stale one, whatever its priority",
     {1, 100},
     {1000, 90000000},
     {0, 0},
     {false, false},
     {false, false},
     3},
    {"not one that stopped replicating long ago",
     {1, 100},
     {1000, 1000},
     {60000, 0},
     {false, false},
     {false, false},
     3},
    {"a long outage of both links is no obstacle",
     {1, 100},
     {1000, 1000},
     {900000, 900000},
     {false, false},
     {false, false},
     2},
    {"not one in mid-synchronisation",
     {1, 100},
     {1000, 900},
     {0, 0},
     {true, false},
     {false, false},
     3},
    {"not one whose full resynchronisation did not end",
     {1, 100},
     {1, 900},
     {0, 0},
     {false, false},
     {false, false},
     3},
    {"offset 0 where nothing was written yet",
     {100, 100},
     {0, 0},
     {0, 0},
     {false, false},
     {false, false},
     2},
    {"not another lineage's", {1, 100}, {1000, 900}, {0, 0}, {false, false}, {true, false}, 3},
    {"nobody, if all are foreign", {1, 100}, {1000, 900}, {0, 0}, {false, false}, {true, true}, 0},
};

START_TEST(candidate_is)
{
    const struct trial *trial = &trials[_i];
    struct vd_node *chosen;

    for (unsigned i = 0; i < 2; i++) {
        struct vd_info info = puppet_replica_info(i + 2, trial->offset[i]);

        info.priority = trial->priority[i];
        info.link_down_ms = trial->link_down_ms[i];
        info.sync_in_progress = trial->syncing[i];
        if (trial->foreign[i]) {
            memset(info.replid.hex, 'f', VD_ID_LEN);
            info.link_up = false; /* in step with the primary, it would carry its id */
        }
        puppet_info(&puppet, puppet_node(&puppet, i + 2), &info);
    }
    chosen = vd_candidate_select(puppet.core, puppet_group(&puppet), NULL);
    ck_assert_msg((chosen == NULL) == (trial->chosen == 0), "%s", trial->what);
    if (chosen != NULL)
        ck_assert_msg(chosen == puppet_node(&puppet, trial->chosen), "%s", trial->what);
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
    struct vd_group *group = puppet_group(&puppet);
    struct vd_info info = puppet_primary_info();

    group->options.reboot_failover = reboots[_i].option;
    puppet_link_down(&puppet, &group->primary->command, VD_DOWN_CLOSED);
    keep_alive();
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

static void keep_alive_with_priority(int64_t priority)
{
    for (unsigned last_byte = 2; last_byte <= 3; last_byte++) {
        struct vd_node *node = puppet_node(&puppet, last_byte);
        struct vd_info info = puppet_replica_info(last_byte, 1000);

        info.priority = priority;
        if (node->info_ticket.n != 0)
            puppet_info(&puppet, node, &info);
    }
    keep_alive();
}

START_TEST(without_a_candidate_no_epochs_are_worn_out)
{
    struct vd_group *group = puppet_group(&puppet);
    uint64_t epoch;

    to_wait_start();
    epoch = group->failover.epoch;
    keep_alive_with_priority(0);
    puppet_answer(&puppet, 1, true, PUPPET_SELF, epoch);
    for (int i = 0; i < 300; i++) {
        keep_alive_with_priority(0);
        puppet_pass(&puppet, puppet.now + 10);
        if (puppet_opinion(&puppet, 1)->asked.n != 0)
            puppet_answer(&puppet, 1, true, "", 0);
    }
    ck_assert_int_ne(group->primary->o_down_at, VD_NEVER);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    ck_assert_uint_eq(puppet.core->epoch, epoch);
    /* The operator gives one its priority back: the next INFO is enough. */
    for (int i = 0; i < 150 && group->failover.state == VD_FO_NONE; i++) {
        keep_alive_with_priority(100);
        puppet_pass(&puppet, puppet.now + 10);
        if (puppet_opinion(&puppet, 1)->asked.n != 0 && group->failover.state == VD_FO_NONE)
            puppet_answer(&puppet, 1, true, "", 0);
    }
    ck_assert_uint_gt(puppet.core->epoch, epoch);
}
END_TEST

START_TEST(a_half_made_promotion_is_completed)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_node *half = puppet_node(&puppet, 3);
    struct vd_info info = puppet_replica_info(3, 900); /* behind: it would not be our choice */

    to_wait_start();
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
    struct vd_hello hello = {.id = puppet_peer_id(1), .epoch = 4, .group = "m", .config_epoch = 4};
    struct vd_event gossip = {.type = VD_EV_HELLO};
    struct vd_node *node;

    /* A replica for a minute: longer than down-after and two INFO periods. */
    for (int i = 0; i < 6000; i++) {
        struct vd_info info = puppet_primary_info();

        puppet_pass(&puppet, puppet.now + 10);
        keep_alive();
        node = puppet_group(&puppet)->primary;
        if (node->pulse.ticket.n != 0)
            puppet_pong(&puppet, &node->command, VD_PONG_OK);
        if (node->info_ticket.n != 0)
            puppet_info(&puppet, node, &info);
    }
    hello.peer = puppet_addr("10.0.1.1", 26379);
    hello.primary = puppet_addr("10.0.0.2", 6379);
    gossip.hello.hello = &hello;
    puppet_step(&puppet, &gossip);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sdown"), 0);
    ck_assert_uint_eq(puppet.core->stalls, 0);
    puppet_pass(&puppet, puppet.now + 100);
    ck_assert_int_eq(puppet_group(&puppet)->primary->s_down_at, VD_NEVER);
    ck_assert_uint_eq(puppet.core->stalls, 0);
}
END_TEST

START_TEST(not_even_an_order_acts_in_an_epoch_it_has_lost)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_id other = puppet_peer_id(2);
    struct vd_order order = {.type = VD_ORDER_FAILOVER, .name = "m"};
    struct vd_event event = {.type = VD_EV_ORDER};
    uint64_t epoch;

    event.order.order = &order;
    puppet_step(&puppet, &event);
    epoch = group->failover.epoch;
    puppet_answer(&puppet, 1, false, other.hex, epoch);
    puppet_answer(&puppet, 2, false, other.hex, epoch);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+elected-leader"), 0);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_START);
    ck_assert_uint_gt(group->failover.epoch, epoch);
}
END_TEST

/* Its link was lost for a moment: perhaps its process was, and all that it held. */
START_TEST(nobody_is_chosen_by_what_it_said_on_a_former_link)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_node *first = puppet_node(&puppet, 2);
    struct vd_info info = puppet_replica_info(2, 1000);

    ck_assert_int_eq(vd_candidate_fit(puppet.core, first), VD_FIT);
    puppet_link_down(&puppet, &first->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 100);
    puppet_raise_links(&puppet);
    ck_assert_int_eq(vd_candidate_fit(puppet.core, first), VD_UNFIT_UNKNOWN);
    ck_assert(!vd_candidate_all_fresh(puppet.core, group, 0));
    puppet_info(&puppet, first, &info);
    ck_assert_int_eq(vd_candidate_fit(puppet.core, first), VD_FIT);
}
END_TEST

/* The vote that elects, and behind it in the same turn what the best one is by now. */
START_TEST(the_choice_waits_for_the_rest_of_the_inbox)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_opinion *voter = puppet_opinion(&puppet, 1);
    struct vd_event vote = {.type = VD_EV_ANSWER};
    struct vd_info info;
    struct vd_node *best;

    to_wait_start();
    keep_alive();
    best = vd_candidate_select(puppet.core, group, NULL);
    ck_assert_ptr_nonnull(best);
    info = puppet_replica_info(best == puppet_node(&puppet, 2) ? 2 : 3, 1000);
    info.loading = true;
    vote.at = puppet.now;
    vote.answer.link = voter->peer->wire.link;
    vote.answer.ticket = voter->asked;
    vote.answer.ok = true;
    vote.answer.down = true;
    vote.answer.leader = puppet.core->self;
    vote.answer.leader_epoch = group->failover.epoch;
    vd_core_step(puppet.core, &vote, &puppet.effects);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_START);
    puppet_info(&puppet, best, &info);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    ck_assert_ptr_nonnull(group->failover.chosen);
    ck_assert_ptr_ne(group->failover.chosen, best);
}
END_TEST

/* It was hardly better than none; the primary that holds more is back before anybody was told. */
START_TEST(a_former_primary_is_not_needed_when_its_successor_returns)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_node *named = group->primary;
    struct vd_info info = puppet_primary_info();
    struct vd_node *chosen;

    to_wait_promotion();
    chosen = group->failover.chosen;
    group->failover.taken_back = _i != 0;
    ack_turn(chosen, true);
    puppet_raise_links(&puppet);
    puppet_pong(&puppet, &named->command, VD_PONG_OK);
    ck_assert_int_eq(named->s_down_at, VD_NEVER);
    puppet_info(&puppet, named, &info);
    say_role(chosen, VD_ROLE_PRIMARY);
    ck_assert_int_eq(group->failover.state == VD_FO_NONE, _i != 0);
    ck_assert_ptr_eq(group->primary, _i != 0 ? named : chosen);
}
END_TEST

/* The new primary's word, and behind it that somebody else leads: nobody hears of the first. */
START_TEST(a_promotion_waits_for_the_rest_of_the_inbox)
{
    struct vd_hello hello = {.id = puppet_peer_id(1), .epoch = 9, .group = "m", .config_epoch = 9};
    struct vd_event role = {.type = VD_EV_ROLE};
    struct vd_event gossip = {.type = VD_EV_HELLO};
    struct vd_group *group = puppet_group(&puppet);
    struct vd_node *chosen;
    struct vd_node *other;

    to_wait_promotion();
    chosen = group->failover.chosen;
    other = chosen == puppet_node(&puppet, 2) ? puppet_node(&puppet, 3) : puppet_node(&puppet, 2);
    ack_turn(chosen, true);
    role.at = puppet.now;
    role.role.link = chosen->command.link;
    role.role.ticket = chosen->role_ticket;
    role.role.role = VD_ROLE_PRIMARY;
    vd_core_step(puppet.core, &role, &puppet.effects);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
    hello.peer = puppet_addr("10.0.1.1", 26379);
    hello.primary = other->addr;
    gossip.hello.hello = &hello;
    puppet_step(&puppet, &gossip);
    ck_assert_ptr_eq(group->primary, other);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+promoted-slave"), 0);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE), 0);
}
END_TEST

/* Two switches later its replication id is neither the group's nor the one before. */
START_TEST(what_the_primary_held_stays_the_group_s)
{
    struct vd_hello hello = {.id = puppet_peer_id(1), .epoch = 4, .group = "m", .config_epoch = 4};
    struct vd_event gossip = {.type = VD_EV_HELLO};
    struct vd_group *group = puppet_group(&puppet);
    struct vd_node *former = group->primary;
    struct vd_info info = puppet_replica_info(1, 1000);

    hello.peer = puppet_addr("10.0.1.1", 26379);
    hello.primary = puppet_addr("10.0.0.2", 6379);
    gossip.hello.hello = &hello;
    puppet_step(&puppet, &gossip);
    group->lineage_before = (struct vd_id){"d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"};
    group->lineage = (struct vd_id){"e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0"};
    info.primary = group->primary->addr;
    info.link_up = false;
    puppet_info(&puppet, former, &info);
    ck_assert(vd_candidate_is_related(former));
    memset(info.replid.hex, 'f', VD_ID_LEN);
    puppet_info(&puppet, former, &info);
    ck_assert(!vd_candidate_is_related(former));
}
END_TEST

START_TEST(offsets_of_a_former_lineage_measure_nothing)
{
    struct vd_info diverged = puppet_replica_info(2, 90000000);
    struct vd_info current = puppet_replica_info(3, 1000);

    memset(diverged.replid.hex, 'e', VD_ID_LEN);
    puppet_group(&puppet)->lineage_before = diverged.replid;
    puppet_info(&puppet, puppet_node(&puppet, 2), &diverged);
    puppet_info(&puppet, puppet_node(&puppet, 3), &current);
    ck_assert_ptr_eq(vd_candidate_select(puppet.core, puppet_group(&puppet), NULL),
                     puppet_node(&puppet, 3));
}
END_TEST

START_TEST(a_half_promoted_one_that_refuses_is_not_asked_without_end)
{
    struct vd_group *group = puppet_group(&puppet);
    struct vd_node *half = puppet_node(&puppet, 3);
    struct vd_info info = puppet_replica_info(3, 1000);
    unsigned promotes = 0;

    to_wait_start();
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
            ack_turn(half, false);
        }
        puppet_pass(&puppet, puppet.now + 10);
        promotes += puppet_sent(&puppet, VD_RQ_PROMOTE);
        if (puppet_node(&puppet, 2)->info_ticket.n != 0)
            keep_alive();
    }
    ck_assert_uint_ge(promotes, 1);
    ck_assert_uint_le(promotes, 6);
    ck_assert(!puppet_node(&puppet, 2)->promoted); /* no second one is made */
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
    TCase *tcase = tcase_create("failover");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_whole_story);
    tcase_add_test(tcase, everything_that_leaves_about_it_is_sealed);
    tcase_add_test(tcase, who_asks_for_a_vote_says_why);
    tcase_add_test(tcase, a_refused_promotion_goes_to_another);
    tcase_add_test(tcase, a_lost_election_is_retried_soon_in_a_new_epoch);
    tcase_add_test(tcase, who_is_refused_for_long_wears_out_few_epochs);
    tcase_add_test(tcase, who_voted_watches_its_leader_and_succeeds_it);
    tcase_add_test(tcase, who_asked_for_our_vote_lived_then);
    tcase_add_test(tcase, a_leader_leaves_another_cluster_s_primary_alone);
    tcase_add_test(tcase, a_newer_configuration_ends_ours);
    suite_add_rows(tcase, candidate_is, trials);
    suite_add_rows(tcase, after_a_restart_of_the_primary, reboots);
    tcase_add_test(tcase, without_a_candidate_no_epochs_are_worn_out);
    tcase_add_test(tcase, a_half_made_promotion_is_completed);
    tcase_add_test(tcase, a_healthy_new_primary_is_not_called_down_for_its_past);
    tcase_add_test(tcase, not_even_an_order_acts_in_an_epoch_it_has_lost);
    tcase_add_test(tcase, nobody_is_chosen_by_what_it_said_on_a_former_link);
    tcase_add_test(tcase, the_choice_waits_for_the_rest_of_the_inbox);
    tcase_add_test(tcase, a_promotion_waits_for_the_rest_of_the_inbox);
    tcase_add_loop_test(tcase, a_former_primary_is_not_needed_when_its_successor_returns, 0, 2);
    tcase_add_test(tcase, what_the_primary_held_stays_the_group_s);
    tcase_add_test(tcase, offsets_of_a_former_lineage_measure_nothing);
    tcase_add_test(tcase, a_half_promoted_one_that_refuses_is_not_asked_without_end);
    tcase_add_test(tcase, the_table_of_states_rules);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
