/* SPDX-License-Identifier: BSD-3-Clause */
/* Votes and the tally: one vote per (group, epoch), and when an election is won or lost. */
#include <check.h>

#include "core/election.h"
#include "core/view.h"
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

    puppet_group(&puppet)->config_epoch = 9;
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
    struct vd_view_core view;

    vd_view_core(puppet.core, puppet.now, &view);
    return view.abstains;
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
    puppet_opinion(&puppet, 1)->heard = true;
    ck_assert(!is_said_to_abstain());
    ck_assert_str_eq(puppet_question(&puppet, one.hex, 6, one.hex)->reply.leader, one.hex);
}
END_TEST

START_TEST(ranks_are_a_permutation_that_all_agree_on)
{
    unsigned own = vd_election_rank(puppet.core, puppet_group(&puppet));
    unsigned seen[3] = {0};

    /* Seen from each of the three: swap who "we" are. */
    seen[own]++;
    for (unsigned i = 1; i <= 2; i++) {
        struct vd_opinion *peer = puppet_opinion(&puppet, i);
        struct vd_id self = puppet.core->self;
        unsigned rank;

        puppet.core->self = peer->peer->id;
        peer->peer->id = self;
        rank = vd_election_rank(puppet.core, puppet_group(&puppet));
        peer->peer->id = puppet.core->self;
        puppet.core->self = self;
        ck_assert_uint_le(rank, 2);
        seen[rank]++;
    }
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(seen[i], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("election");
    TCase *tcase = tcase_create("election");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_rows(tcase, count_says, tallies);
    tcase_add_test(tcase, first_come_first_served);
    tcase_add_test(tcase, who_reaches_the_primary_refuses_whom_claims_it_down);
    tcase_add_test(tcase, who_reached_the_primary_a_moment_ago_refuses_too);
    tcase_add_test(tcase, who_bears_no_name_gets_the_vote);
    tcase_add_test(tcase, a_vote_is_for_a_newer_epoch_than_the_configuration);
    tcase_add_test(tcase, the_global_epoch_starves_nobody);
    tcase_add_test(tcase, an_absurd_epoch_is_no_epoch);
    tcase_add_test(tcase, an_unknown_address_gets_no_answer_of_substance);
    tcase_add_test(tcase, who_lost_its_state_abstains);
    tcase_add_test(tcase, ranks_are_a_permutation_that_all_agree_on);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
