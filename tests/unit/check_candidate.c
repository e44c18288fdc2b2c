/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Candidates: why a replica is none, who is better, whose it is, and for whose
 * word one waits. Each table spoils, in one thing, a node that would do.
 */
#include "core/candidate.h"
#include "core/lineage.h"
#include "core/order.h"
#include "spoil.h"
#include "suite.h"

/* Why not ------------------------------------------------------------------------------- */

static void nothing(struct vd_node *node)
{
    (void)node;
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

static void be_foreign_but_synced(struct vd_node *node)
{
    spoil_id(&node->replid, 'f');
    node->synced = node->replid;
}

static void carry_the_lineage_before(struct vd_node *node)
{
    spoil_id(&node->replid, 'f');
    node->synced.hex[0] = '\0';
    node->group->lineage_before = node->replid;
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

static void have_refused(struct vd_node *node)
{
    node->refused_turn_at = puppet.core->now - 5000;
}

static const struct spoiled {
    void (*spoil)(struct vd_node *node);
    const char *text;
} spoiled[] = {
    {nothing, "fit"},
    {spoil_go_down, "is down"},
    {spoil_lose_link, "does not answer"},
    {spoil_stop_answering, "does not answer"},
    {spoil_never, "has priority 0"},
    {spoil_tell_nothing, "has not told its state lately"},
    {tell_nothing_lately, "has not told its state lately"},
    {tell_nothing_since, "has not told its state lately"},
    {spoil_say_primary, "is no replica by its own word"},
    {spoil_load, "is loading its data"},
    {synchronise, "has no complete data: a full resynchronisation is under way or never ended"},
    {synchronise_with_an_empty_one, "fit"},
    {synchronise_empty_with_an_empty_one,
     "has no complete data: a full resynchronisation is under way or never ended"},
    {know_no_offset, "has no complete data: a full resynchronisation is under way or never ended"},
    {begin_to_synchronise,
     "has no complete data: a full resynchronisation is under way or never ended"},
    {spoil_be_foreign, "holds the data of another lineage"},
    {be_foreign_but_synced, "fit"},
    {carry_the_lineage_before, "fit"},
    {spoil_follow_a_stranger_with_data_of_its_own, "holds the data of another lineage"},
    {lose_the_primary, "has no link to the primary, which works"},
    {lose_the_dead_primary, "fit"},
    {spoil_refuse, "refused to be promoted"},
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
    spoil_id(&second->run_id, '0');
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
        spoil_be_foreign(second);
    second->role = row->role;
    second->keys = row->keys;
    second->connected_replicas = row->replicas;
    second->link_up = row->linked;
    second->follows.port = 0;
    if (row->follows != NULL)
        second->follows = puppet_addr(row->follows, 6379);
    ck_assert_int_eq(vd_lineage_is_foreign(puppet.core, second), row->is_foreign);
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
    ck_assert(!vd_lineage_is_foreign(puppet.core, second));
    claimant->lineage = second->replid; /* it carries what that group writes */
    ck_assert(vd_lineage_is_foreign(puppet.core, second));
    claimant->lineage.hex[0] = '\0';
    (void)vd_node_add(puppet.core, claimant, &second->addr);
    ck_assert(vd_lineage_is_foreign(puppet.core, second));
    group->lineage.hex[0] = '\0';
    ck_assert(vd_lineage_is_related(second)); /* nobody can tell */
}
END_TEST

/* Once a member of this group, now the primary of another: who follows it is of the other. */
START_TEST(whom_a_lost_member_leads)
{
    struct vd_addr other = puppet_addr("10.7.7.7", 6379);
    struct vd_options options;

    vd_options_init(&options, &puppet.core->globals);
    (void)vd_group_add(puppet.core, "n", &other, &options);
    vd_options_free(&options);
    (void)vd_node_add(puppet.core, group, &other);
    second->follows = other;
    ck_assert(!vd_lineage_is_foreign(puppet.core, second));
    spoil_be_foreign(second);
    ck_assert(vd_lineage_is_foreign(puppet.core, second));
    second->follows = group->primary->addr; /* ours above it settles it */
    ck_assert(!vd_lineage_is_foreign(puppet.core, second));
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
    ck_assert(vd_candidate_will_return(puppet.core, group));
    third->command.lost_since = since - 251;
    ck_assert(vd_candidate_all_fresh(puppet.core, group, since));
    ck_assert(!vd_candidate_will_return(puppet.core, group));
    third->command.up = true;
    third->s_down_at = since;
    ck_assert(vd_candidate_all_fresh(puppet.core, group, since));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("candidate");
    TCase *tcase = spoil_case("candidate");

    suite_add_rows(tcase, it_is_said_why_one_is_no_candidate, spoiled);
    tcase_add_test(tcase, the_primary_is_none);
    tcase_add_test(tcase, a_known_run_id_before_an_unknown_one);
    tcase_add_test(tcase, what_is_lost_is_measured_by_who_had_most);
    suite_add_rows(tcase, is_it_foreign, foreigns);
    tcase_add_test(tcase, whom_two_groups_claim);
    tcase_add_test(tcase, whom_a_lost_member_leads);
    tcase_add_test(tcase, who_is_waited_for);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
