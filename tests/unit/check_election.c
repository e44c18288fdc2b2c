/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Votes and the tally: one vote per (group, epoch), when an election is won or
 * lost, who stands and when again. Method: a puppet core, the test plays its peers.
 */
#include <check.h>

#include "core/election.h"
#include "core/view.h"
#include "stage.h"
#include "suite.h"

/* Ballots as text: '+' for us, '-' for another, 'o' old epoch for us, '?' may come, '.' never will.
 */
static const struct {
    const char *ballots;
    unsigned needed;
    enum vd_tally tally;
} tallies[] = {
    {"+", 1, VD_TALLY_WON},         {"+??", 2, VD_TALLY_PENDING}, {"++?", 2, VD_TALLY_WON},
    {"+-?", 2, VD_TALLY_PENDING},   {"+--", 2, VD_TALLY_LOST},    {"+..", 2, VD_TALLY_LOST},
    {"+o.", 2, VD_TALLY_LOST},      {"+o?", 2, VD_TALLY_PENDING}, {"++-??", 3, VD_TALLY_PENDING},
    {"++--?", 3, VD_TALLY_PENDING}, {"++--.", 3, VD_TALLY_LOST},  {"++--+", 3, VD_TALLY_WON},
    {"+++??", 4, VD_TALLY_PENDING}, {"-++", 3, VD_TALLY_LOST},    {"", 1, VD_TALLY_LOST},
};

START_TEST(count_says)
{
    struct vd_ballot ballots[8];
    struct vd_id self = {PUPPET_SELF};
    size_t count = strlen(tallies[_i].ballots);

    memset(ballots, 0, sizeof(ballots));
    for (size_t i = 0; i < count; i++) {
        char c = tallies[_i].ballots[i];

        ballots[i].may_come = c == '?';
        ballots[i].epoch = c == 'o' ? 4 : 5;
        if (c == '+' || c == 'o')
            ballots[i].vote = self;
        else if (c == '-')
            ballots[i].vote = puppet_peer_id(1);
    }
    ck_assert_int_eq(vd_election_count(ballots, count, &self, 5, tallies[_i].needed),
                     tallies[_i].tally);
}
END_TEST

/* An asker that never claimed the primary down acts on an order: it may have the vote. */
START_TEST(first_come_first_served)
{
    struct vd_id one = puppet_peer_id(1);
    struct vd_id two = puppet_peer_id(2);
    const struct vd_effect *reply = puppet_question(&puppet, one.hex, 5, one.hex);

    ck_assert_str_eq(reply->reply.leader, one.hex);
    ck_assert_uint_eq(reply->reply.leader_epoch, 5);
    ck_assert(reply->promise);
    ck_assert(vd_core_is_dirty(puppet.core));
    ck_assert_uint_eq(puppet_noticed(&puppet, "+new-epoch"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+vote-for-leader"), 1);
    reply = puppet_question(&puppet, two.hex, 5, two.hex);
    ck_assert_str_eq(reply->reply.leader, one.hex);
    reply = puppet_question(&puppet, two.hex, 4, two.hex);
    ck_assert_str_eq(reply->reply.leader, one.hex);
    ck_assert_uint_eq(reply->reply.leader_epoch, 5);
    reply = puppet_question(&puppet, two.hex, 6, two.hex);
    ck_assert_str_eq(reply->reply.leader, two.hex);
}
END_TEST

START_TEST(who_reaches_the_primary_refuses_whom_claims_it_down)
{
    struct vd_id one = puppet_peer_id(1);
    const struct vd_effect *reply = puppet_question(&puppet, one.hex, 0, NULL);

    ck_assert(!reply->reply.down);
    reply = puppet_question(&puppet, one.hex, 5, one.hex);
    ck_assert_str_eq(reply->reply.leader, "*");
    /* A sentinel that we do not know: the same. */
    reply = puppet_question(&puppet, "abcdef12", 6, one.hex);
    ck_assert_str_eq(reply->reply.leader, "*");
}
END_TEST

/* A reset is no death: who died refuses the next connection. */
START_TEST(who_reached_the_primary_a_moment_ago_refuses_too)
{
    struct vd_id one = puppet_peer_id(1);
    struct vd_node *primary = puppet_node(&puppet, 1);

    puppet_settle(&puppet);
    puppet_link_down(&puppet, &primary->command, VD_DOWN_RESET);
    puppet_pass(&puppet, puppet.now + 50);
    ck_assert_str_eq(puppet_question(&puppet, "abcdef12", 5, one.hex)->reply.leader, "*");
    puppet_link_down(&puppet, &primary->command, VD_DOWN_REFUSED);
    ck_assert_str_eq(puppet_question(&puppet, "abcdef12", 6, one.hex)->reply.leader, one.hex);
}
END_TEST

/* A person with redis-cli, or the original's own tests. */
START_TEST(who_bears_no_name_gets_the_vote)
{
    struct vd_id one = puppet_peer_id(1);

    puppet_settle(&puppet);
    ck_assert_str_eq(puppet_question(&puppet, "", 50, one.hex)->reply.leader, one.hex);
}
END_TEST

START_TEST(a_vote_is_for_a_newer_epoch_than_the_configuration)
{
    struct vd_id one = puppet_peer_id(1);
    const struct vd_effect *reply;

    group->config_epoch = 9;
    puppet.core->epoch = 9;
    reply = puppet_question(&puppet, one.hex, 9, one.hex);
    ck_assert_str_eq(reply->reply.leader, "*");
}
END_TEST

START_TEST(the_global_epoch_starves_nobody)
{
    struct vd_id one = puppet_peer_id(1);

    puppet.core->epoch = 400; /* other groups had their elections */
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 7, one.hex)->reply.leader, one.hex);
}
END_TEST

START_TEST(an_absurd_epoch_is_no_epoch)
{
    struct vd_id one = puppet_peer_id(1);

    ck_assert_str_eq(puppet_question(&puppet, one.hex, UINT64_MAX, one.hex)->reply.leader, "*");
    ck_assert_uint_eq(puppet.core->epoch, 0);
    ck_assert_str_eq(
        puppet_question(&puppet, one.hex, VD_EPOCH_LEAP_MAX + 1, one.hex)->reply.leader, "*");
    ck_assert_str_eq(puppet_question(&puppet, one.hex, VD_EPOCH_LEAP_MAX, one.hex)->reply.leader,
                     one.hex);
}
END_TEST

START_TEST(an_unknown_address_gets_no_answer_of_substance)
{
    struct vd_event event = {.type = VD_EV_QUESTION};
    const struct vd_effect *reply;

    event.question.addr = puppet_addr("10.9.9.9", 1);
    event.question.wants_vote = true;
    event.question.epoch = 50;
    event.question.candidate = puppet_peer_id(1);
    puppet_step(&puppet, &event);
    reply = puppet_find(&puppet, VD_EF_REPLY);
    ck_assert(!reply->reply.down);
    ck_assert_str_eq(reply->reply.leader, "*");
    ck_assert_uint_eq(reply->reply.leader_epoch, 0);
    ck_assert_uint_eq(puppet.core->epoch, 0);
}
END_TEST

static bool is_said_to_abstain(void)
{
    return vd_view_abstains(puppet.core, puppet.now);
}

START_TEST(who_lost_its_state_abstains)
{
    struct vd_id one = puppet_peer_id(1);

    ck_assert(!is_said_to_abstain());
    puppet.core->fresh = true;
    ck_assert(is_said_to_abstain());
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 5, one.hex)->reply.leader, "*");
    puppet.now = 1000 + puppet.core->globals.abstain_ms;
    puppet.core->awake_since = puppet.now;
    /* The time is over, but of the two it knows of it has heard none. */
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 5, one.hex)->reply.leader, "*");
    ck_assert(is_said_to_abstain());
    puppet_hello(&puppet, 1, puppet_addr("10.0.0.1", 6379), 0);
    ck_assert(!is_said_to_abstain());
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 6, one.hex)->reply.leader, one.hex);
}
END_TEST

START_TEST(ranks_are_a_permutation_that_all_agree_on)
{
    unsigned own = vd_election_rank(puppet.core, group);
    unsigned seen[3] = {0};

    /* Seen from each of the three: swap who "we" are. */
    seen[own]++;
    for (unsigned i = 1; i <= 2; i++) {
        struct vd_opinion *peer = puppet_opinion(&puppet, i);
        struct vd_id self = puppet.core->self;
        unsigned rank;

        puppet.core->self = peer->peer->id;
        peer->peer->id = self;
        rank = vd_election_rank(puppet.core, group);
        peer->peer->id = puppet.core->self;
        puppet.core->self = self;
        ck_assert_uint_le(rank, 2);
        seen[rank]++;
    }
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(seen[i], 1);
}
END_TEST

/* Standing for election ------------------------------------------------------------------ */

/* With a quorum of one nobody was asked before: a voter that reaches the primary must know why. */
START_TEST(who_asks_for_a_vote_says_why)
{
    const struct vd_effect *before = NULL;
    unsigned votes = 0;

    group->options.quorum = 1;
    puppet_link_down(&puppet, &group->primary->command, VD_DOWN_CLOSED);
    while (group->failover.state == VD_FO_NONE) {
        puppet_pass(&puppet, puppet.now + 1);
        if (group->failover.state == VD_FO_NONE)
            stage_keep_alive();
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

START_TEST(a_lost_election_is_retried_soon_in_a_new_epoch)
{
    struct vd_id two = puppet_peer_id(2);
    uint64_t epoch;
    vd_ms lost_at;

    stage_to_wait_start();
    epoch = group->failover.epoch;
    puppet_answer(&puppet, 1, true, two.hex, epoch);
    puppet_answer(&puppet, 2, true, two.hex, epoch);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-failover-abort-not-elected"), 1);
    lost_at = puppet.now;
    while (group->failover.state == VD_FO_NONE) {
        puppet_pass(&puppet, puppet.now + 10);
        stage_keep_alive();
        ck_assert_int_lt(puppet.now, lost_at + 600);
    }
    ck_assert_int_ge(puppet.now, lost_at + 100);
    ck_assert_uint_gt(group->failover.epoch, epoch);
}
END_TEST

START_TEST(who_is_refused_for_long_wears_out_few_epochs)
{
    stage_to_wait_start();
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
    struct vd_id one = puppet_peer_id(1);
    struct vd_opinion *leader = puppet_opinion(&puppet, 1);
    vd_ms died_at;

    stage_lose_primary();
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 7, one.hex)->reply.leader, one.hex);
    puppet_answer(&puppet, 1, true, "", 0);
    puppet_answer(&puppet, 2, true, "", 0);
    for (int i = 0; i < 20; i++) {
        puppet_pass(&puppet, puppet.now + 10);
        stage_keep_alive();
        ck_assert_int_eq(group->failover.state, VD_FO_NONE); /* it is given its time */
    }
    puppet_link_down(&puppet, &leader->peer->wire, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 20);
    puppet_link_down(&puppet, &leader->peer->wire, VD_DOWN_REFUSED);
    died_at = puppet.now;
    while (group->failover.state == VD_FO_NONE) {
        puppet_pass(&puppet, puppet.now + 5);
        stage_keep_alive();
        ck_assert_int_lt(puppet.now, died_at + 200);
    }
    ck_assert_uint_gt(group->failover.epoch, 7);
}
END_TEST

/* Two that each hold the other for dead, and yet get its questions, would outbid each other. */
START_TEST(who_asked_for_our_vote_lived_then)
{
    struct vd_id one = puppet_peer_id(1);
    vd_ms voted_at;

    stage_lose_primary();
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

static void keep_alive_with_priority(int64_t priority)
{
    for (unsigned last_byte = 2; last_byte <= 3; last_byte++) {
        struct vd_node *node = puppet_node(&puppet, last_byte);
        struct vd_info info = puppet_replica_info(last_byte, 1000);

        info.priority = priority;
        if (node->info_ticket.n != 0)
            puppet_info(&puppet, node, &info);
    }
    stage_keep_alive();
}

START_TEST(without_a_candidate_no_epochs_are_worn_out)
{
    uint64_t epoch;

    stage_to_wait_start();
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

START_TEST(not_even_an_order_acts_in_an_epoch_it_has_lost)
{
    struct vd_id other = puppet_peer_id(2);
    struct vd_order order = {.type = VD_ORDER_FAILOVER, .name = "m"};
    uint64_t epoch;

    (void)puppet_order(&puppet, &order);
    epoch = group->failover.epoch;
    puppet_answer(&puppet, 1, false, other.hex, epoch);
    puppet_answer(&puppet, 2, false, other.hex, epoch);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+elected-leader"), 0);
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_START);
    ck_assert_uint_gt(group->failover.epoch, epoch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("election");
    TCase *votes = stage_case("votes");
    TCase *standing = stage_case("standing");

    suite_add_rows(votes, count_says, tallies);
    tcase_add_test(votes, first_come_first_served);
    tcase_add_test(votes, who_reaches_the_primary_refuses_whom_claims_it_down);
    tcase_add_test(votes, who_reached_the_primary_a_moment_ago_refuses_too);
    tcase_add_test(votes, who_bears_no_name_gets_the_vote);
    tcase_add_test(votes, a_vote_is_for_a_newer_epoch_than_the_configuration);
    tcase_add_test(votes, the_global_epoch_starves_nobody);
    tcase_add_test(votes, an_absurd_epoch_is_no_epoch);
    tcase_add_test(votes, an_unknown_address_gets_no_answer_of_substance);
    tcase_add_test(votes, who_lost_its_state_abstains);
    tcase_add_test(votes, ranks_are_a_permutation_that_all_agree_on);
    tcase_add_test(standing, who_asks_for_a_vote_says_why);
    tcase_add_test(standing, a_lost_election_is_retried_soon_in_a_new_epoch);
    tcase_add_test(standing, who_is_refused_for_long_wears_out_few_epochs);
    tcase_add_test(standing, who_voted_watches_its_leader_and_succeeds_it);
    tcase_add_test(standing, who_asked_for_our_vote_lived_then);
    tcase_add_test(standing, without_a_candidate_no_epochs_are_worn_out);
    tcase_add_test(standing, not_even_an_order_acts_in_an_epoch_it_has_lost);
    suite_add_tcase(suite, votes);
    suite_add_tcase(suite, standing);
    return suite_run(suite);
}
