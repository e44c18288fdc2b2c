/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is taken where there is no candidate: one that is promoted already, the
 * former primary, one whose resynchronisation never ended, the last resort. Each
 * table spoils, in one thing, a node that would do.
 */
#include "core/candidate.h"
#include "core/stopgap.h"
#include "spoil.h"
#include "suite.h"

/* A search for the one to be taken. */
typedef struct vd_node *find_fn(const struct vd_core *, const struct vd_group *);

/* It finds the second of the nodes, and not any more when it is spoiled. */
static void expect_spoiled(find_fn *find, void (*spoil)(struct vd_node *))
{
    ck_assert_ptr_eq(find(puppet.core, group), second);
    spoil(second);
    ck_assert_ptr_null(find(puppet.core, group));
}

/* Of two that would do it finds the one that has more keys. */
static void expect_the_fullest(find_fn *find)
{
    second->keys = 7;
    third->keys = 8;
    ck_assert_ptr_eq(find(puppet.core, group), third);
    second->keys = 9;
    ck_assert_ptr_eq(find(puppet.core, group), second);
}

static void be_of_another_lineage(struct vd_node *node)
{
    spoil_id(&node->replid, 'f');
}

static void have_no_lineage(struct vd_node *node)
{
    node->replid.hex[0] = '\0';
}

static void tell_long_ago(struct vd_node *node)
{
    node->info_at = puppet.core->now - 2 * puppet.core->globals.info_period_ms - 1;
}

static void be_replica(struct vd_node *node)
{
    node->role = VD_ROLE_REPLICA;
}

/* The group has no primary for failover-timeout, and this was its primary before. */
static void make_former(struct vd_node *node)
{
    node->role = VD_ROLE_PRIMARY;
    node->replid = group->lineage;
    group->primary->s_down_at = puppet.core->now - group->options.failover_timeout_ms;
}

static void (*const spoil_former[])(struct vd_node *) = {
    spoil_go_down,         spoil_lose_link, spoil_load,    spoil_never, spoil_refuse,
    be_of_another_lineage, have_no_lineage, tell_long_ago, be_replica,
};

START_TEST(a_former_primary_is_not_taken_back)
{
    make_former(second);
    expect_spoiled(vd_stopgap_former, spoil_former[_i]);
}
END_TEST

START_TEST(a_former_primary_is_taken_back_late_and_the_one_with_most)
{
    make_former(second);
    make_former(third);
    expect_the_fullest(vd_stopgap_former);
    /* The successor was named only a moment ago: it is given its time. */
    group->switch_count = 1;
    group->switches[0] = puppet.core->now - group->options.failover_timeout_ms + 1;
    ck_assert_ptr_null(vd_stopgap_former(puppet.core, group));
    group->switches[0] -= 1;
    ck_assert_ptr_eq(vd_stopgap_former(puppet.core, group), second);
    group->primary->s_down_at += 1;
    ck_assert_ptr_null(vd_stopgap_former(puppet.core, group));
    group->primary->s_down_at = VD_NEVER;
    ck_assert_ptr_null(vd_stopgap_former(puppet.core, group));
    /* Under the lineage of before it is one, too. */
    make_former(second);
    spoil_id(&second->replid, 'b');
    ck_assert_ptr_eq(vd_stopgap_former(puppet.core, group), third);
    group->lineage_before = second->replid;
    ck_assert_ptr_eq(vd_stopgap_former(puppet.core, group), second);
}
END_TEST

/* The group has no primary for failover-timeout, and a full resynchronisation of this one with it
 * never ended. */
static void make_stranded(struct vd_node *node)
{
    node->link_up = false;
    node->sync_in_progress = false;
    node->offset = 1;
    node->keys = 7;
    group->primary->s_down_at = puppet.core->now - group->options.failover_timeout_ms;
}

static void be_filled(struct vd_node *node)
{
    node->sync_in_progress = true;
}

static void be_emptied(struct vd_node *node)
{
    node->keys = 0;
}

static void be_linked(struct vd_node *node)
{
    node->link_up = true;
}

static void (*const spoil_stranded[])(struct vd_node *) = {
    spoil_go_down,   spoil_lose_link, spoil_load,
    spoil_never,     spoil_refuse,    be_of_another_lineage,
    have_no_lineage, tell_long_ago,   spoil_say_primary,
    be_filled,       be_emptied,      be_linked,
};

START_TEST(a_stranded_replica_is_not_chosen)
{
    make_stranded(second);
    ck_assert_int_eq(vd_candidate_fit(puppet.core, second), VD_UNFIT_SYNCING);
    expect_spoiled(vd_stopgap_stranded, spoil_stranded[_i]);
}
END_TEST

START_TEST(a_stranded_replica_is_chosen_late_and_the_one_with_most)
{
    make_stranded(second);
    make_stranded(third);
    expect_the_fullest(vd_stopgap_stranded);
    group->primary->s_down_at += 1;
    ck_assert_ptr_null(vd_stopgap_stranded(puppet.core, group));
    group->primary->s_down_at = VD_NEVER;
    ck_assert_ptr_null(vd_stopgap_stranded(puppet.core, group));
}
END_TEST

/* All are there, and all say that they are replicas, the named primary as well. */
static void make_last_resort(void)
{
    group->primary->role = VD_ROLE_REPLICA;
    group->primary->follows = second->addr;
    group->primary->keys = 1000;
}

static void know_no_keys(struct vd_node *node)
{
    node->keys = -1;
}

static void follow_another_group_s(struct vd_node *node)
{
    spoil_follow_a_stranger_with_data_of_its_own(node);
    node->keys = 500;
}

static const struct resort {
    void (*spoil)(struct vd_node *node);
    bool waits; /* for all: it may be back, with the data */
} resorts[] = {
    {spoil_lose_link, true}, {spoil_stop_answering, true},
    {tell_long_ago, true},   {spoil_tell_nothing, true},
    {spoil_load, true},      {spoil_say_primary, true},
    {spoil_never, false},    {spoil_refuse, true},
    {know_no_keys, false},   {follow_another_group_s, false},
};

START_TEST(who_is_no_last_resort)
{
    make_last_resort();
    second->keys = 600;
    third->keys = 5;
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), second);
    resorts[_i].spoil(second);
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), resorts[_i].waits ? NULL : third);
}
END_TEST

/* Turned by hand: the named primary follows a replica, and that one a primary with new data. */
START_TEST(who_heads_the_chain_is_primary_in_all_but_name)
{
    make_last_resort();
    group->primary->follows = third->addr;
    third->role = VD_ROLE_REPLICA;
    third->follows = second->addr;
    spoil_say_primary(second);
    spoil_id(&second->replid, 'e');
    ck_assert_ptr_eq(vd_stopgap_half_promoted(puppet.core, group), second);
    third->follows = group->primary->addr; /* a circle, and nobody heads it */
    ck_assert_ptr_null(vd_stopgap_half_promoted(puppet.core, group));
    third->follows = second->addr;
    third->role = VD_ROLE_PRIMARY; /* it says itself that it follows nobody */
    ck_assert_ptr_ne(vd_stopgap_half_promoted(puppet.core, group), second);
}
END_TEST

static void hold_less(struct vd_node *node)
{
    node->offset = 99;
}

static void hold_fewer(struct vd_node *node)
{
    node->keys = 5;
}

static void lead_others(struct vd_node *node)
{
    node->connected_replicas = 1; /* and its data is not the group's, as far as is known */
}

/* ROLE has said so, but its INFO is one of its life as a replica. */
static void be_told_by_role_only(struct vd_node *node)
{
    node->follows = puppet_addr("10.0.0.1", 6379);
}

static void (*const spoils_of_a_successor[])(struct vd_node *) = {
    spoil_lose_link, spoil_go_down, spoil_load,  spoil_never,
    hold_less,       hold_fewer,    lead_others, be_told_by_role_only,
};

/* Restarted by an old file, the named primary follows one that another has long gone on from. */
START_TEST(who_went_on_is_adopted_and_not_who_heads_the_chain)
{
    make_last_resort();
    spoil_say_primary(second);
    spoil_id(&second->replid, 'e');
    spoil_say_primary(third);
    spoil_id(&third->replid, 'f');
    second->offset = 100;
    second->keys = 5;
    third->offset = 200;
    third->keys = 6;
    third->connected_replicas = 0;
    ck_assert_ptr_eq(vd_stopgap_half_promoted(puppet.core, group), second);
    third->replid2 = second->replid;
    ck_assert_ptr_eq(vd_stopgap_half_promoted(puppet.core, group), third);
    spoils_of_a_successor[_i](third);
    ck_assert_ptr_eq(vd_stopgap_half_promoted(puppet.core, group), second);
}
END_TEST

/* Two leaders have turned each other's: a former primary, or one that is away, is not waited for.
 */
START_TEST(in_a_circle_nobody_is_waited_for)
{
    make_last_resort();
    second->keys = 600;
    ck_assert(vd_addr_equal(&second->follows, &group->primary->addr));
    spoil_say_primary(third);
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), second);
    spoil_lose_link(third);
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), second);
    /* But where there is nothing left, whoever is away may have it. */
    second->keys = 0;
    ck_assert_ptr_null(vd_stopgap_last_resort(puppet.core, group));
    second->keys = 600;
    second->follows = third->addr;
    ck_assert_ptr_null(vd_stopgap_last_resort(puppet.core, group));
}
END_TEST

START_TEST(the_last_resort_is_who_holds_most)
{
    make_last_resort();
    second->keys = 5;
    third->keys = 5;
    second->offset = 10;
    third->offset = 11;
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), third);
    second->keys = 6;
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), second);
    second->offset = 12;
    second->keys = 5;
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), second);
    group->primary->role = VD_ROLE_PRIMARY;
    ck_assert_ptr_null(vd_stopgap_last_resort(puppet.core, group));
    /* What it said before it was named is about its life as a replica. */
    group->primary->role = VD_ROLE_REPLICA;
    group->switch_count = 1;
    group->switches[0] = puppet.core->now;
    group->primary->info_at = puppet.core->now - 1;
    ck_assert_ptr_null(vd_stopgap_last_resort(puppet.core, group));
    group->primary->info_at = VD_NEVER;
    ck_assert_ptr_null(vd_stopgap_last_resort(puppet.core, group));
}
END_TEST

/* REPLICAOF NO ONE came to it, from whoever: a new id, and the group's behind it. */
/* Two have nothing, and the named one has what there is; but not if another feeds it. */
START_TEST(the_named_one_may_be_the_last_resort)
{
    make_last_resort();
    second->keys = 0;
    third->keys = 999;
    group->primary->link_up = false;
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), group->primary);
    third->keys = 1001;
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), third);
    third->keys = 999;
    group->primary->link_up = true;
    ck_assert_ptr_eq(vd_stopgap_last_resort(puppet.core, group), third);
}
END_TEST

/* The named primary is gone for good; an empty one leads an empty replica. */
static void make_remaining(void)
{
    struct vd_node *primary = group->primary;

    puppet.core->now += group->options.failover_timeout_ms;
    for (struct vd_node *node = group->nodes; node != NULL; node = node->next) {
        node->pulse.ok_at = puppet.core->now;
        node->info_at = puppet.core->now;
        node->keys = 0;
        spoil_id(&node->replid, 'e');
        node->synced.hex[0] = '\0';
    }
    primary->s_down_at = puppet.core->now - group->options.failover_timeout_ms;
    primary->command.up = false;
    spoil_say_primary(second);
    third->follows = second->addr;
}

static void begin_to_resync(struct vd_node *node)
{
    node->sync_in_progress = true;
}

static void die(struct vd_node *node)
{
    spoil_go_down(node);
    spoil_lose_link(node);
}

static void come_back(struct vd_node *node)
{
    node->command.since = puppet.core->now - 4999;
}

static void lead_a_stranger(struct vd_node *node)
{
    node->keys = 1;
    node->connected_replicas = 2; /* one of them is the third */
}

static void follow_with_a_stranger_s_data(struct vd_node *node)
{
    node->role = VD_ROLE_REPLICA;
    node->keys = 1;
}

/* What is wrong with the first, and is it waited for? Else the other is taken. */
static const struct resort remainders[] = {
    {spoil_lose_link, true},
    {spoil_stop_answering, true},
    {die, true},
    {tell_long_ago, true},
    {spoil_load, true},
    {begin_to_resync, true},
    {spoil_refuse, true},
    {come_back, true},
    {spoil_never, false},
    {know_no_keys, false},
    {be_replica, false},
    {lead_a_stranger, false},
    {follow_with_a_stranger_s_data, false},
};

START_TEST(what_remains_is_no_primary_yet)
{
    make_remaining();
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), second);
    DL_DELETE(group->nodes, second); /* whichever comes first */
    DL_APPEND(group->nodes, second);
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), second);
    remainders[_i].spoil(second);
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), remainders[_i].waits ? NULL : third);
}
END_TEST

START_TEST(what_remains_is_taken_late_and_the_one_with_most)
{
    make_remaining();
    third->keys = 1;
    third->replid = group->lineage; /* of the group's data: more than what was written since */
    second->keys = 100;
    second->connected_replicas = 1;
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), third);
    second->keys = 2;
    second->replid2 = group->lineage;
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), second);
    /* Whoever is away counts when it has been for as long as the primary. */
    die(second);
    tell_long_ago(second);
    ck_assert_ptr_null(vd_stopgap_remaining(puppet.core, group));
    second->s_down_at = group->primary->s_down_at;
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), third);
    group->primary->s_down_at += 1;
    ck_assert_ptr_null(vd_stopgap_remaining(puppet.core, group));
}
END_TEST

/* It came back empty, and clients wrote to it: all that there is, and only members follow it. */
START_TEST(what_was_written_since_remains)
{
    make_remaining();
    second->keys = 100;
    second->connected_replicas = 1;
    third->keys = 99;
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), second);
    second->connected_replicas = 2;
    ck_assert_ptr_null(vd_stopgap_remaining(puppet.core, group));
    second->connected_replicas = 1;
    third->link_up = false;
    ck_assert_ptr_null(vd_stopgap_remaining(puppet.core, group));
}
END_TEST

/* It lives, but follows one that is gone: nobody else holds anything. */
START_TEST(the_named_one_remains)
{
    struct vd_node *named = group->primary;

    make_remaining();
    be_replica(named);
    named->command.up = true;
    named->keys = 40;
    named->replid = group->lineage;
    named->link_up = false;
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), named);
    named->link_up = true; /* somebody feeds it */
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), second);
    named->link_up = false;
    named->role = VD_ROLE_PRIMARY;
    ck_assert_ptr_eq(vd_stopgap_remaining(puppet.core, group), second);
}
END_TEST

static void promote(struct vd_node *node)
{
    node->role = VD_ROLE_PRIMARY;
    spoil_id(&node->replid, 'e');
    node->replid2 = group->lineage;
    node->replid2_offset = 900;
}

static void (*const spoil_promoted[])(struct vd_node *) = {
    spoil_go_down, spoil_lose_link, spoil_load, spoil_never, be_replica,
};

START_TEST(who_is_not_half_promoted)
{
    promote(second);
    expect_spoiled(vd_stopgap_half_promoted, spoil_promoted[_i]);
}
END_TEST

START_TEST(who_is_half_promoted)
{
    promote(second);
    /* Detached by hand long ago, while the other went on. */
    second->replid2_offset = third->offset - group->options.candidate_max_lag_bytes - 1;
    ck_assert_ptr_null(vd_stopgap_half_promoted(puppet.core, group));
    /* Nobody went on: it is the best there is. */
    third->s_down_at = puppet.core->now;
    ck_assert_ptr_eq(vd_stopgap_half_promoted(puppet.core, group), second);
    second->replid2 = group->lineage_before;
    spoil_id(&group->lineage_before, 'b');
    spoil_id(&second->replid2, 'c');
    ck_assert_ptr_null(vd_stopgap_half_promoted(puppet.core, group));
    second->replid2 = group->lineage_before;
    ck_assert_ptr_eq(vd_stopgap_half_promoted(puppet.core, group), second);
    /* Or the named primary itself follows it. */
    second->replid2.hex[0] = '\0';
    ck_assert_ptr_null(vd_stopgap_half_promoted(puppet.core, group));
    group->primary->role = VD_ROLE_REPLICA;
    group->primary->follows = second->addr;
    ck_assert_ptr_eq(vd_stopgap_half_promoted(puppet.core, group), second);
    group->primary->follows = third->addr;
    ck_assert_ptr_null(vd_stopgap_half_promoted(puppet.core, group));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stopgap");
    TCase *tcase = spoil_case("stopgap");

    suite_add_rows(tcase, a_former_primary_is_not_taken_back, spoil_former);
    tcase_add_test(tcase, a_former_primary_is_taken_back_late_and_the_one_with_most);
    suite_add_rows(tcase, a_stranded_replica_is_not_chosen, spoil_stranded);
    tcase_add_test(tcase, a_stranded_replica_is_chosen_late_and_the_one_with_most);
    suite_add_rows(tcase, who_is_no_last_resort, resorts);
    tcase_add_test(tcase, the_last_resort_is_who_holds_most);
    tcase_add_test(tcase, the_named_one_may_be_the_last_resort);
    suite_add_rows(tcase, what_remains_is_no_primary_yet, remainders);
    tcase_add_test(tcase, what_remains_is_taken_late_and_the_one_with_most);
    tcase_add_test(tcase, what_was_written_since_remains);
    tcase_add_test(tcase, the_named_one_remains);
    suite_add_rows(tcase, who_went_on_is_adopted_and_not_who_heads_the_chain,
                   spoils_of_a_successor);
    tcase_add_test(tcase, in_a_circle_nobody_is_waited_for);
    tcase_add_test(tcase, who_heads_the_chain_is_primary_in_all_but_name);
    suite_add_rows(tcase, who_is_not_half_promoted, spoil_promoted);
    tcase_add_test(tcase, who_is_half_promoted);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
