/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Candidates: why a replica is none, and who is taken when there is none: one
 * that is promoted already, the former primary, the last resort. Each table
 * spoils, in one thing, a node that would do. Method: the state of a settled
 * puppet core is set by hand, and the pure functions of candidate.h judge it.
 */
#include <check.h>

#include "core/candidate.h"
#include "core/order.h"
#include "stage.h"
#include "suite.h"

static struct vd_group *group;
static struct vd_node *second; /* 10.0.0.2 */
static struct vd_node *third;

static void set_up(void)
{
    stage_set();
    group = puppet_group(&puppet);
    second = puppet_node(&puppet, 2);
    third = puppet_node(&puppet, 3);
    puppet.core->now = 100000; /* room for things that happened long ago */
    for (struct vd_node *node = group->nodes; node != NULL; node = node->next) {
        node->pulse.ok_at = puppet.core->now;
        node->info_at = puppet.core->now;
    }
}

static void fill_id(struct vd_id *id, char c)
{
    memset(id->hex, c, VD_ID_LEN);
}

/* Why not ------------------------------------------------------------------------------- */

static void nothing(struct vd_node *node)
{
    (void)node;
}

static void go_down(struct vd_node *node)
{
    node->s_down_at = puppet.core->now;
}

static void lose_link(struct vd_node *node)
{
    node->command.up = false;
}

static void stop_answering(struct vd_node *node)
{
    node->pulse.ok_at = puppet.core->now - 5001;
}

static void never(struct vd_node *node)
{
    node->priority = 0;
}

static void tell_nothing(struct vd_node *node)
{
    node->info_at = VD_NEVER;
}

static void tell_nothing_lately(struct vd_node *node)
{
    node->info_at = puppet.core->now - 3 * puppet.core->globals.info_period_ms - 1;
}

/* The primary is down: what was told before does not count for as long. */
static void tell_nothing_since(struct vd_node *node)
{
    node->group->primary->s_down_at = puppet.core->now;
    node->info_at = puppet.core->now - 5001;
}

static void say_primary(struct vd_node *node)
{
    node->role = VD_ROLE_PRIMARY;
}

static void load(struct vd_node *node)
{
    node->loading = true;
}

static void synchronise(struct vd_node *node)
{
    node->sync_in_progress = true;
}

static void synchronise_with_an_empty_one(struct vd_node *node)
{
    node->group->primary->empty_restart = true;
    node->sync_in_progress = true; /* but it holds what the primary has lost, until that comes */
}

static void synchronise_empty_with_an_empty_one(struct vd_node *node)
{
    synchronise_with_an_empty_one(node);
    node->keys = 0;
}

static void know_no_offset(struct vd_node *node)
{
    node->offset = -1;
}

static void begin_to_synchronise(struct vd_node *node)
{
    node->offset = 1;
}

static void be_foreign(struct vd_node *node)
{
    fill_id(&node->replid, 'f');
    node->synced.hex[0] = '\0';
}

static void be_foreign_but_synced(struct vd_node *node)
{
    fill_id(&node->replid, 'f');
    node->synced = node->replid;
}

static void carry_the_lineage_before(struct vd_node *node)
{
    fill_id(&node->replid, 'f');
    node->synced.hex[0] = '\0';
    node->group->lineage_before = node->replid;
}

static void follow_a_stranger_with_data_of_its_own(struct vd_node *node)
{
    be_foreign(node);
    node->follows = puppet_addr("10.8.8.8", 6379);
}

static void lose_the_primary(struct vd_node *node)
{
    node->link_up = false;
}

/* With a primary that is dead, that is how it should be. */
static void lose_the_dead_primary(struct vd_node *node)
{
    node->group->primary->s_down_at = puppet.core->now;
    node->link_up = false;
}

static void refuse(struct vd_node *node)
{
    node->refused_turn_at = puppet.core->now - 4999;
}

static void have_refused(struct vd_node *node)
{
    node->refused_turn_at = puppet.core->now - 5000;
}

static const struct spoiled {
    void (*spoil)(struct vd_node *node);
    const char *text;
} spoiled[] = {
    {nothing, "fit"},
    {go_down, "is down"},
    {lose_link, "does not answer"},
    {stop_answering, "does not answer"},
    {never, "has priority 0"},
    {tell_nothing, "has not told its state lately"},
    {tell_nothing_lately, "has not told its state lately"},
    {tell_nothing_since, "has not told its state lately"},
    {say_primary, "is no replica by its own word"},
    {load, "is loading its data"},
    {synchronise, "has no complete data: a full resynchronisation is under way or never ended"},
    {synchronise_with_an_empty_one, "fit"},
    {synchronise_empty_with_an_empty_one,
     "has no complete data: a full resynchronisation is under way or never ended"},
    {know_no_offset, "has no complete data: a full resynchronisation is under way or never ended"},
    {begin_to_synchronise,
     "has no complete data: a full resynchronisation is under way or never ended"},
    {be_foreign, "holds the data of another lineage"},
    {be_foreign_but_synced, "fit"},
    {carry_the_lineage_before, "fit"},
    {follow_a_stranger_with_data_of_its_own, "holds the data of another lineage"},
    {lose_the_primary, "has no link to the primary, which works"},
    {lose_the_dead_primary, "fit"},
    {refuse, "refused to be promoted"},
    {have_refused, "fit"},
};

START_TEST(it_is_said_why_one_is_no_candidate)
{
    const struct spoiled *row = &spoiled[_i];
    struct vd_order order = {.type = VD_ORDER_FAILOVER, .name = "m", .addr = second->addr};
    struct vd_event event = {.type = VD_EV_ORDER};
    const struct vd_effect *reply;

    row->spoil(second);
    ck_assert_str_eq(vd_unfit_text(vd_candidate_fit(puppet.core, second)), row->text);
    if (strcmp(row->text, "fit") == 0)
        return;
    ck_assert_ptr_eq(vd_candidate_select(puppet.core, group, NULL), third);
    /* Who asks for it by name is told the same. */
    puppet.effects.count = 0;
    puppet.core->out = &puppet.effects;
    event.order.order = &order;
    vd_order_on_order(puppet.core, &event);
    reply = puppet_find(&puppet, VD_EF_REPLY);
    ck_assert_ptr_nonnull(reply);
    ck_assert_int_eq(reply->reply.kind, VD_REPLY_ERROR);
    ck_assert_ptr_nonnull(strstr(reply->reply.text, row->text));
}
END_TEST

START_TEST(the_primary_is_none)
{
    ck_assert_str_eq(vd_unfit_text(vd_candidate_fit(puppet.core, group->primary)),
                     "is the primary");
}
END_TEST

/* Who is better --------------------------------------------------------------------------- */

START_TEST(a_known_run_id_before_an_unknown_one)
{
    int64_t loss_bytes = -2;

    second->run_id.hex[0] = '\0'; /* it would be the smaller text */
    ck_assert_ptr_eq(vd_candidate_select(puppet.core, group, &loss_bytes), third);
    ck_assert_int_eq(loss_bytes, 0);
    fill_id(&second->run_id, '0');
    ck_assert_ptr_eq(vd_candidate_select(puppet.core, group, NULL), second);
}
END_TEST

START_TEST(what_is_lost_is_measured_by_who_had_most)
{
    int64_t loss_bytes;

    group->primary->offset = 1500; /* it was written to, before it died */
    (void)vd_candidate_select(puppet.core, group, &loss_bytes);
    ck_assert_int_eq(loss_bytes, 500);
    group->primary->offset = -1;
    third->offset = 1200;
    second->priority = 1;
    ck_assert_ptr_eq(vd_candidate_select(puppet.core, group, &loss_bytes), second);
    ck_assert_int_eq(loss_bytes, 200);
    second->s_down_at = puppet.core->now;
    third->s_down_at = puppet.core->now;
    ck_assert_ptr_null(vd_candidate_select(puppet.core, group, &loss_bytes));
    ck_assert_int_eq(loss_bytes, -1);
}
END_TEST

/* Without a candidate --------------------------------------------------------------------- */

static void be_of_another_lineage(struct vd_node *node)
{
    fill_id(&node->replid, 'f');
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
    go_down,         lose_link,     load,       never, refuse, be_of_another_lineage,
    have_no_lineage, tell_long_ago, be_replica,
};

START_TEST(a_former_primary_is_not_taken_back)
{
    make_former(second);
    ck_assert_ptr_eq(vd_candidate_former(puppet.core, group), second);
    spoil_former[_i](second);
    ck_assert_ptr_null(vd_candidate_former(puppet.core, group));
}
END_TEST

START_TEST(a_former_primary_is_taken_back_late_and_the_one_with_most)
{
    make_former(second);
    make_former(third);
    second->keys = 7;
    third->keys = 8;
    ck_assert_ptr_eq(vd_candidate_former(puppet.core, group), third);
    second->keys = 9;
    ck_assert_ptr_eq(vd_candidate_former(puppet.core, group), second);
    /* The successor was named only a moment ago: it is given its time. */
    group->switch_count = 1;
    group->switches[0] = puppet.core->now - group->options.failover_timeout_ms + 1;
    ck_assert_ptr_null(vd_candidate_former(puppet.core, group));
    group->switches[0] -= 1;
    ck_assert_ptr_eq(vd_candidate_former(puppet.core, group), second);
    group->primary->s_down_at += 1;
    ck_assert_ptr_null(vd_candidate_former(puppet.core, group));
    group->primary->s_down_at = VD_NEVER;
    ck_assert_ptr_null(vd_candidate_former(puppet.core, group));
    /* Under the lineage of before it is one, too. */
    make_former(second);
    fill_id(&second->replid, 'b');
    ck_assert_ptr_eq(vd_candidate_former(puppet.core, group), third);
    group->lineage_before = second->replid;
    ck_assert_ptr_eq(vd_candidate_former(puppet.core, group), second);
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
    follow_a_stranger_with_data_of_its_own(node);
    node->keys = 500;
}

static const struct resort {
    void (*spoil)(struct vd_node *node);
    bool waits; /* for all: it may be back, with the data */
} resorts[] = {
    {lose_link, true},     {stop_answering, true},
    {tell_long_ago, true}, {tell_nothing, true},
    {load, true},          {say_primary, true},
    {never, false},        {refuse, true},
    {know_no_keys, false}, {follow_another_group_s, false},
};

START_TEST(who_is_no_last_resort)
{
    make_last_resort();
    second->keys = 600;
    third->keys = 5;
    ck_assert_ptr_eq(vd_candidate_last_resort(puppet.core, group), second);
    resorts[_i].spoil(second);
    ck_assert_ptr_eq(vd_candidate_last_resort(puppet.core, group),
                     resorts[_i].waits ? NULL : third);
}
END_TEST

/* Turned by hand: the named primary follows a replica, and that one a primary with new data. */
START_TEST(who_heads_the_chain_is_primary_in_all_but_name)
{
    make_last_resort();
    group->primary->follows = third->addr;
    third->role = VD_ROLE_REPLICA;
    third->follows = second->addr;
    say_primary(second);
    fill_id(&second->replid, 'e');
    ck_assert_ptr_eq(vd_candidate_half_promoted(puppet.core, group), second);
    third->follows = group->primary->addr; /* a circle, and nobody heads it */
    ck_assert_ptr_null(vd_candidate_half_promoted(puppet.core, group));
    third->follows = second->addr;
    third->role = VD_ROLE_PRIMARY; /* it says itself that it follows nobody */
    ck_assert_ptr_ne(vd_candidate_half_promoted(puppet.core, group), second);
}
END_TEST

/* Two leaders have turned each other's: a former primary, or one that is away, is not waited for.
 */
START_TEST(in_a_circle_nobody_is_waited_for)
{
    make_last_resort();
    second->keys = 600;
    ck_assert(vd_addr_equal(&second->follows, &group->primary->addr));
    say_primary(third);
    ck_assert_ptr_eq(vd_candidate_last_resort(puppet.core, group), second);
    lose_link(third);
    ck_assert_ptr_eq(vd_candidate_last_resort(puppet.core, group), second);
    /* But where there is nothing left, whoever is away may have it. */
    second->keys = 0;
    ck_assert_ptr_null(vd_candidate_last_resort(puppet.core, group));
    second->keys = 600;
    second->follows = third->addr;
    ck_assert_ptr_null(vd_candidate_last_resort(puppet.core, group));
}
END_TEST

START_TEST(the_last_resort_is_who_holds_most)
{
    make_last_resort();
    second->keys = 5;
    third->keys = 5;
    second->offset = 10;
    third->offset = 11;
    ck_assert_ptr_eq(vd_candidate_last_resort(puppet.core, group), third);
    second->keys = 6;
    ck_assert_ptr_eq(vd_candidate_last_resort(puppet.core, group), second);
    second->offset = 12;
    second->keys = 5;
    ck_assert_ptr_eq(vd_candidate_last_resort(puppet.core, group), second);
    group->primary->role = VD_ROLE_PRIMARY;
    ck_assert_ptr_null(vd_candidate_last_resort(puppet.core, group));
    /* What it said before it was named is about its life as a replica. */
    group->primary->role = VD_ROLE_REPLICA;
    group->switch_count = 1;
    group->switches[0] = puppet.core->now;
    group->primary->info_at = puppet.core->now - 1;
    ck_assert_ptr_null(vd_candidate_last_resort(puppet.core, group));
    group->primary->info_at = VD_NEVER;
    ck_assert_ptr_null(vd_candidate_last_resort(puppet.core, group));
}
END_TEST

/* REPLICAOF NO ONE came to it, from whoever: a new id, and the group's behind it. */
static void promote(struct vd_node *node)
{
    node->role = VD_ROLE_PRIMARY;
    fill_id(&node->replid, 'e');
    node->replid2 = group->lineage;
    node->replid2_offset = 900;
}

static void (*const spoil_promoted[])(struct vd_node *) = {
    go_down, lose_link, load, never, be_replica,
};

START_TEST(who_is_not_half_promoted)
{
    promote(second);
    ck_assert_ptr_eq(vd_candidate_half_promoted(puppet.core, group), second);
    spoil_promoted[_i](second);
    ck_assert_ptr_null(vd_candidate_half_promoted(puppet.core, group));
}
END_TEST

START_TEST(who_is_half_promoted)
{
    promote(second);
    /* Detached by hand long ago, while the other went on. */
    second->replid2_offset = third->offset - group->options.candidate_max_lag_bytes - 1;
    ck_assert_ptr_null(vd_candidate_half_promoted(puppet.core, group));
    /* Nobody went on: it is the best there is. */
    third->s_down_at = puppet.core->now;
    ck_assert_ptr_eq(vd_candidate_half_promoted(puppet.core, group), second);
    second->replid2 = group->lineage_before;
    fill_id(&group->lineage_before, 'b');
    fill_id(&second->replid2, 'c');
    ck_assert_ptr_null(vd_candidate_half_promoted(puppet.core, group));
    second->replid2 = group->lineage_before;
    ck_assert_ptr_eq(vd_candidate_half_promoted(puppet.core, group), second);
    /* Or the named primary itself follows it. */
    second->replid2.hex[0] = '\0';
    ck_assert_ptr_null(vd_candidate_half_promoted(puppet.core, group));
    group->primary->role = VD_ROLE_REPLICA;
    group->primary->follows = second->addr;
    ck_assert_ptr_eq(vd_candidate_half_promoted(puppet.core, group), second);
    group->primary->follows = third->addr;
    ck_assert_ptr_null(vd_candidate_half_promoted(puppet.core, group));
}
END_TEST

/* Whose ---------------------------------------------------------------------------------- */

static const struct foreign {
    enum vd_role role;
    bool related;
    int64_t keys;
    int64_t replicas;
    const char *follows; /* NULL: nobody */
    bool linked;
    bool is_foreign;
} foreigns[] = {
    {VD_ROLE_PRIMARY, false, 5, 1, NULL, false, true},
    {VD_ROLE_PRIMARY, false, 5, 0, NULL, false, false}, /* nobody counts on it */
    {VD_ROLE_PRIMARY, false, 0, 1, NULL, false, false}, /* it holds nothing */
    {VD_ROLE_PRIMARY, true, 5, 1, NULL, false, false},
    {VD_ROLE_REPLICA, false, 5, 0, "10.8.8.8", true, true},
    {VD_ROLE_REPLICA, false, 5, 0, "10.8.8.8", false, false},
    {VD_ROLE_REPLICA, false, 0, 0, "10.8.8.8", true, false},
    {VD_ROLE_REPLICA, true, 5, 0, "10.8.8.8", true, false},
    {VD_ROLE_REPLICA, false, 5, 0, "10.0.0.3", true, false}, /* of the group */
    {VD_ROLE_REPLICA, false, 5, 0, NULL, true, false},
    {VD_ROLE_UNKNOWN, false, 5, 1, "10.8.8.8", true, false},
    {VD_ROLE_REPLICA, false, 0, 0, "10.7.7.7", true, true}, /* another group's, empty too */
    {VD_ROLE_REPLICA, true, 0, 0, "10.7.7.7", true, false},
    {VD_ROLE_REPLICA, false, 0, 0, "10.7.7.7", false, false},
    {VD_ROLE_REPLICA, false, 5, 0, "10.7.7.7", false, true},
};

START_TEST(is_it_foreign)
{
    const struct foreign *row = &foreigns[_i];
    struct vd_addr other = puppet_addr("10.7.7.7", 6379);
    struct vd_options options;

    vd_options_init(&options, &puppet.core->globals);
    (void)vd_group_add(puppet.core, "n", &other, &options);
    vd_options_free(&options);
    if (!row->related)
        be_foreign(second);
    second->role = row->role;
    second->keys = row->keys;
    second->connected_replicas = row->replicas;
    second->link_up = row->linked;
    second->follows.port = 0;
    if (row->follows != NULL)
        second->follows = puppet_addr(row->follows, 6379);
    ck_assert_int_eq(vd_candidate_is_foreign(puppet.core, second), row->is_foreign);
}
END_TEST

/* Two groups that claim one server would turn it to and fro; and one of whom nothing is known. */
START_TEST(whom_two_groups_claim)
{
    struct vd_addr other = puppet_addr("10.7.7.7", 6379);
    struct vd_options options;
    struct vd_group *claimant;

    vd_options_init(&options, &puppet.core->globals);
    claimant = vd_group_add(puppet.core, "n", &other, &options);
    vd_options_free(&options);
    second->follows = other;
    ck_assert(!vd_candidate_is_foreign(puppet.core, second));
    claimant->lineage = second->replid; /* it carries what that group writes */
    ck_assert(vd_candidate_is_foreign(puppet.core, second));
    claimant->lineage.hex[0] = '\0';
    (void)vd_node_add(puppet.core, claimant, &second->addr);
    ck_assert(vd_candidate_is_foreign(puppet.core, second));
    group->lineage.hex[0] = '\0';
    ck_assert(vd_candidate_is_related(second)); /* nobody can tell */
}
END_TEST

/* Fresh ------------------------------------------------------------------------------------ */

START_TEST(who_is_waited_for)
{
    vd_ms since = puppet.core->now;

    ck_assert(vd_candidate_all_fresh(puppet.core, group, since));
    third->info_at = since - 1;
    ck_assert(!vd_candidate_all_fresh(puppet.core, group, since));
    third->info_at = VD_NEVER;
    ck_assert(!vd_candidate_all_fresh(puppet.core, group, since));
    third->command.up = false; /* just lost: a promotion cuts links, and it will be back */
    third->command.lost_since = since - 250;
    ck_assert(!vd_candidate_all_fresh(puppet.core, group, since));
    third->command.lost_since = since - 251;
    ck_assert(vd_candidate_all_fresh(puppet.core, group, since));
    third->command.up = true;
    third->s_down_at = since;
    ck_assert(vd_candidate_all_fresh(puppet.core, group, since));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("candidate");
    TCase *tcase = tcase_create("candidate");

    tcase_add_checked_fixture(tcase, set_up, stage_clear);
    suite_add_rows(tcase, it_is_said_why_one_is_no_candidate, spoiled);
    tcase_add_test(tcase, the_primary_is_none);
    tcase_add_test(tcase, a_known_run_id_before_an_unknown_one);
    tcase_add_test(tcase, what_is_lost_is_measured_by_who_had_most);
    suite_add_rows(tcase, a_former_primary_is_not_taken_back, spoil_former);
    tcase_add_test(tcase, a_former_primary_is_taken_back_late_and_the_one_with_most);
    suite_add_rows(tcase, who_is_no_last_resort, resorts);
    tcase_add_test(tcase, the_last_resort_is_who_holds_most);
    tcase_add_test(tcase, in_a_circle_nobody_is_waited_for);
    tcase_add_test(tcase, who_heads_the_chain_is_primary_in_all_but_name);
    suite_add_rows(tcase, who_is_not_half_promoted, spoil_promoted);
    tcase_add_test(tcase, who_is_half_promoted);
    suite_add_rows(tcase, is_it_foreign, foreigns);
    tcase_add_test(tcase, whom_two_groups_claim);
    tcase_add_test(tcase, who_is_waited_for);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
