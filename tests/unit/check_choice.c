/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The choice: who of two replicas is promoted, by what they told and when. Method:
 * a puppet core whose replicas say what each row wants. check_candidate.c has the
 * reasons why one is no candidate at all.
 */
#include "core/candidate.h"
#include "core/lineage.h"
#include "stage.h"
#include "suite.h"

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
    chosen = vd_candidate_select(puppet.core, group, NULL);
    ck_assert_msg((chosen == NULL) == (trial->chosen == 0), "%s", trial->what);
    if (chosen != NULL)
        ck_assert_msg(chosen == puppet_node(&puppet, trial->chosen), "%s", trial->what);
}
END_TEST

/* Its link was lost for a moment: perhaps its process was, and all that it held. */
START_TEST(nobody_is_chosen_by_what_it_said_on_a_former_link)
{
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
    struct vd_opinion *voter = puppet_opinion(&puppet, 1);
    struct vd_event vote = {.type = VD_EV_ANSWER};
    struct vd_info info;
    struct vd_node *best;

    stage_to_wait_start();
    stage_keep_alive();
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

/* Two switches later its replication id is neither the group's nor the one before. */
START_TEST(what_the_primary_held_stays_the_group_s)
{
    struct vd_node *former = group->primary;
    struct vd_info info = puppet_replica_info(1, 1000);

    puppet_hello(&puppet, 1, puppet_addr("10.0.0.2", 6379), 4);
    group->lineage_before = (struct vd_id){"d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"};
    group->lineage = (struct vd_id){"e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0"};
    info.primary = group->primary->addr;
    info.link_up = false;
    puppet_info(&puppet, former, &info);
    ck_assert(vd_lineage_is_related(former));
    memset(info.replid.hex, 'f', VD_ID_LEN);
    puppet_info(&puppet, former, &info);
    ck_assert(!vd_lineage_is_related(former));
}
END_TEST

START_TEST(offsets_of_a_former_lineage_measure_nothing)
{
    struct vd_info diverged = puppet_replica_info(2, 90000000);
    struct vd_info current = puppet_replica_info(3, 1000);

    memset(diverged.replid.hex, 'e', VD_ID_LEN);
    group->lineage_before = diverged.replid;
    puppet_info(&puppet, puppet_node(&puppet, 2), &diverged);
    puppet_info(&puppet, puppet_node(&puppet, 3), &current);
    ck_assert_ptr_eq(vd_candidate_select(puppet.core, group, NULL), puppet_node(&puppet, 3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("choice");
    TCase *tcase = stage_case("choice");

    suite_add_rows(tcase, candidate_is, trials);
    tcase_add_test(tcase, nobody_is_chosen_by_what_it_said_on_a_former_link);
    tcase_add_test(tcase, the_choice_waits_for_the_rest_of_the_inbox);
    tcase_add_test(tcase, what_the_primary_held_stays_the_group_s);
    tcase_add_test(tcase, offsets_of_a_former_lineage_measure_nothing);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
