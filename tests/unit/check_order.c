/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Orders: what operators' commands change, when they are refused, and what
 * follows from a changed option; then what is saved of it, and what views tell.
 * Method: a puppet core of three sentinels' one.
 */
#include <check.h>

#include "stage.h"
#include "suite.h"

static void set_up(void)
{
    stage_set();
    vd_core_saved(puppet.core);
}

static void must_refuse(const struct vd_order *order, const char *text)
{
    const struct vd_effect *reply = puppet_order(&puppet, order);

    ck_assert_int_eq(reply->reply.kind, VD_REPLY_ERROR);
    ck_assert_str_eq(reply->reply.text, text);
}

static void must_take(const struct vd_order *order)
{
    ck_assert_int_eq(puppet_order(&puppet, order)->reply.kind, VD_REPLY_OK);
}

static struct vd_order about(enum vd_order_type type, const char *name)
{
    struct vd_order order = {.type = type, .name = name};

    return order;
}

static void set(enum vd_option option, const char *text, const char *text2, int64_t number)
{
    struct vd_setting setting = {.option = option, .text = text, .text2 = text2, .number = number};
    struct vd_order order =
        about(option < VD_OPT_GROUP_COUNT ? VD_ORDER_SET : VD_ORDER_CONFIGURE, "m");

    order.settings = &setting;
    order.setting_count = 1;
    must_take(&order);
}

/* The CONNECT that the last step or passing made for the wire. */
static const struct vd_effect *connect_of(const struct vd_wire *wire)
{
    for (size_t i = puppet.effects.count; i-- > 0;) {
        const struct vd_effect *effect = &puppet.effects.list[i];

        if (effect->type == VD_EF_CONNECT && effect->connect.link.n == wire->link.n)
            return effect;
    }
    return NULL;
}

/* Links ---------------------------------------------------------------------------------- */

START_TEST(new_credentials_make_new_links)
{
    const struct vd_wire *wire = &group->primary->command;
    const struct vd_effect *effect;
    vd_link before = wire->link;

    set(VD_OPT_AUTH_PASS, "secret", NULL, 0);
    effect = connect_of(wire);
    ck_assert_uint_ne(wire->link.n, before.n);
    ck_assert_ptr_nonnull(effect);
    ck_assert_str_eq(effect->connect.pass, "secret");
    ck_assert_ptr_null(effect->connect.user);
    set(VD_OPT_AUTH_USER, "watcher", NULL, 0);
    ck_assert_str_eq(connect_of(wire)->connect.user, "watcher");
    before = wire->link;
    set(VD_OPT_PARALLEL_SYNCS, NULL, NULL, 3); /* that is nothing to a link */
    ck_assert_uint_eq(wire->link.n, before.n);
    ck_assert_uint_eq(group->options.parallel_syncs, 3);
}
END_TEST

START_TEST(new_credentials_of_ours_make_new_links_to_peers)
{
    const struct vd_peer *peer = puppet_opinion(&puppet, 1)->peer;
    vd_link before = peer->wire.link;
    vd_link other = group->primary->command.link;

    set(VD_OPT_SENTINEL_PASS, "ours", NULL, 0);
    ck_assert_uint_ne(peer->wire.link.n, before.n);
    ck_assert_ptr_nonnull(connect_of(&peer->wire));
    ck_assert_str_eq(connect_of(&peer->wire)->connect.pass, "ours");
    ck_assert_uint_eq(group->primary->command.link.n, other.n);
    before = peer->wire.link;
    set(VD_OPT_ANNOUNCE_PORT, NULL, NULL, 1234);
    ck_assert_uint_eq(peer->wire.link.n, before.n);
    ck_assert(vd_core_is_dirty(puppet.core));
}
END_TEST

START_TEST(debug_settings_are_not_saved)
{
    set(VD_OPT_INFO_PERIOD, NULL, NULL, 500);
    ck_assert_int_eq(puppet.core->globals.info_period_ms, 500);
    ck_assert(!vd_core_is_dirty(puppet.core));
}
END_TEST

START_TEST(renamed_commands_go_with_the_link)
{
    const struct vd_wire *wire = &group->primary->command;
    const struct vd_effect *effect;

    set(VD_OPT_RENAME_COMMAND, "config", "hidden", 0);
    set(VD_OPT_RENAME_COMMAND, "slaveof", "follow", 0);
    effect = connect_of(wire);
    ck_assert_ptr_nonnull(effect);
    ck_assert_uint_eq(effect->connect.rename_count, 2);
    ck_assert_str_eq(effect->connect.renames[0].from, "CONFIG");
    ck_assert_str_eq(effect->connect.renames[0].to, "hidden");
    set(VD_OPT_RENAME_COMMAND, "CONFIG", "hidden2", 0); /* in its place */
    effect = connect_of(wire);
    ck_assert_uint_eq(effect->connect.rename_count, 2);
    ck_assert_str_eq(effect->connect.renames[1].to, "hidden2");
    set(VD_OPT_RENAME_COMMAND, "CONFIG", "config", 0); /* taken back */
    ck_assert_uint_eq(connect_of(wire)->connect.rename_count, 1);
    set(VD_OPT_RENAME_COMMAND, "SLAVEOF", "", 0);
    ck_assert_uint_eq(connect_of(wire)->connect.rename_count, 0);
    set(VD_OPT_RENAME_COMMAND, "a", "b", 0);
    set(VD_OPT_RENAME_COMMAND, "c", "d", 0);
    set(VD_OPT_RENAME_COMMAND, NULL, NULL, 0); /* all of them */
    ck_assert_uint_eq(connect_of(wire)->connect.rename_count, 0);
}
END_TEST

START_TEST(a_peer_is_down_by_the_shortest_down_after_of_its_groups)
{
    const struct vd_peer *peer = puppet_opinion(&puppet, 1)->peer;

    set(VD_OPT_DOWN_AFTER, NULL, NULL, 700);
    ck_assert_int_eq(peer->down_after_ms, 700);
}
END_TEST

/* Refused --------------------------------------------------------------------------------- */

START_TEST(no_more_groups_than_max_groups)
{
    struct vd_order order = about(VD_ORDER_MONITOR, "n");

    order.addr = puppet_addr("10.0.5.1", 6379);
    order.quorum = 1;
    puppet.core->globals.max_groups = 1;
    must_refuse(&order, "ERR max-groups reached: raise it in the configuration");
    puppet.core->globals.max_groups = 2;
    must_take(&order);
}
END_TEST

START_TEST(promote_whom)
{
    struct vd_order order = about(VD_ORDER_FAILOVER, "m");

    order.addr = puppet_addr("10.0.0.99", 6379);
    must_refuse(&order, "NOGOODSLAVE No replica with that address is known");
    order.addr = group->primary->addr;
    must_refuse(&order, "NOGOODSLAVE The replica is the primary");
}
END_TEST

/* It would take an epoch that it may have given to somebody else. */
START_TEST(who_has_lost_its_state_leads_nothing)
{
    struct vd_order order = about(VD_ORDER_FAILOVER, "m");

    puppet.core->fresh = true;
    must_refuse(&order, "ERR this sentinel has lost its state and abstains for a few seconds: try "
                        "again, or ask another");
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
}
END_TEST

/* A primary that holds its clients back, or is one no more, is not left like that. */
START_TEST(not_while_a_switchover_is_under_way)
{
    struct vd_order order = about(VD_ORDER_FAILOVER, "m");

    must_take(&order);
    group->failover.handover = VD_HO_PAUSING;
    order = about(VD_ORDER_REMOVE, "m");
    must_refuse(&order, "INPROG Failover already in progress");
    order = about(VD_ORDER_RESET, "*");
    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.number, 0);
    ck_assert_uint_eq(group->node_count, 3);
    group->failover.handover = VD_HO_NEARING; /* nothing has been asked of it yet */
    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.number, 1);
    ck_assert_uint_eq(group->node_count, 1);
    ck_assert_int_eq(group->failover.state, VD_FO_NONE);
    order = about(VD_ORDER_REMOVE, "m");
    must_take(&order);
    ck_assert_ptr_null(vd_group_find(puppet.core, "m"));
}
END_TEST

START_TEST(reset_is_for_those_whose_name_matches)
{
    struct vd_order order = about(VD_ORDER_RESET, "n*");

    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.number, 0);
    ck_assert_uint_eq(group->node_count, 3);
    order.name = "[a-m]";
    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.number, 1);
    ck_assert_uint_eq(group->node_count, 1);
}
END_TEST

/* Saved ------------------------------------------------------------------------------------ */

START_TEST(flush_saves_all)
{
    struct vd_order order = about(VD_ORDER_MONITOR, "n");
    struct vd_order flush = about(VD_ORDER_FLUSH, NULL);
    const struct vd_image *image;
    struct vd_arena arena = {0};

    order.addr = puppet_addr("10.0.5.1", 6379);
    order.quorum = 1;
    must_take(&order);
    vd_core_saved(puppet.core);
    set(VD_OPT_QUORUM, NULL, NULL, 3);
    image = vd_core_image(puppet.core, &arena);
    ck_assert_uint_eq(image->group_count, 1);
    ck_assert_str_eq(image->groups[0].name, "m");
    ck_assert_uint_eq(image->groups[0].options->quorum, 3);
    ck_assert_uint_eq(vd_core_image_all(puppet.core, &arena)->group_count, 2);
    vd_core_saved(puppet.core);
    ck_assert_uint_eq(vd_core_image(puppet.core, &arena)->group_count, 0);
    must_take(&flush);
    ck_assert(vd_core_is_dirty(puppet.core));
    ck_assert_uint_eq(vd_core_image(puppet.core, &arena)->group_count, 2);
    vd_arena_free(&arena);
}
END_TEST

/* Of a file that was edited by hand, or of another program's. */
START_TEST(what_is_restored_is_put_right)
{
    struct vd_image_peer peers[] = {{puppet_peer_id(1), puppet_addr("10.0.1.1", 26379)},
                                    {{PUPPET_SELF}, puppet_addr("10.0.1.9", 26379)},
                                    {puppet_peer_id(1), puppet_addr("10.0.1.2", 26379)}};
    struct vd_addr replicas[] = {puppet_addr("10.0.0.1", 6379), puppet_addr("10.0.0.2", 6379),
                                 puppet_addr("10.0.0.2", 6379)};
    struct vd_image_group groups[] = {{.name = "a", .config_epoch = 7}, {.name = "b"}};
    struct vd_image image = {.self = {PUPPET_SELF}, .epoch = 3, .groups = groups};
    struct vd_globals globals;
    struct vd_options options;
    struct vd_core *core;

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    for (size_t i = 0; i < 2; i++) {
        groups[i].options = &options;
        groups[i].primary = replicas[0];
        groups[i].replicas = replicas;
        groups[i].replica_count = 3;
        groups[i].peers = peers;
        groups[i].peer_count = 3;
    }
    groups[1].vote_epoch = 9;
    image.group_count = 2;
    image.globals = &globals;
    core = vd_core_new(&image, false);
    ck_assert_uint_eq(core->epoch, 9); /* none that is known is above it */
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(core->by_index[i]->node_count, 2);
        ck_assert_uint_eq(core->by_index[i]->opinion_count, 1);
    }
    ck_assert_uint_eq(HASH_COUNT(core->peers), 1);
    ck_assert(vd_core_is_dirty(core));
    vd_core_free(core); /* it has not even started */
    vd_core_free(NULL);
    vd_options_free(&options);
    vd_globals_free(&globals);
}
END_TEST

/* Groups come and go, and are failed over ------------------------------------------------- */

START_TEST(orders_about_unknown_groups_are_refused)
{
    struct vd_order order = {.type = VD_ORDER_FAILOVER, .name = "nobody"};

    ck_assert_str_eq(puppet_order(&puppet, &order)->reply.text,
                     "ERR No such master with that name");
}
END_TEST

START_TEST(failover_on_order_asks_for_votes_and_says_so_when_busy)
{
    struct vd_order order = {.type = VD_ORDER_FAILOVER, .name = "m"};
    const struct vd_effect *reply = puppet_order(&puppet, &order);

    ck_assert_int_eq(reply->reply.kind, VD_REPLY_OK);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_QUESTION), 2);
    ck_assert_str_eq(puppet_order(&puppet, &order)->reply.text,
                     "INPROG Failover already in progress");
}
END_TEST

START_TEST(failover_on_order_needs_a_replica)
{
    struct vd_order order = {.type = VD_ORDER_FAILOVER, .name = "m"};
    struct vd_info info = puppet_replica_info(2, 10);

    info.priority = 0;
    puppet_info(&puppet, puppet_node(&puppet, 2), &info);
    puppet_info(&puppet, puppet_node(&puppet, 3), &info);
    ck_assert_str_eq(puppet_order(&puppet, &order)->reply.text,
                     "NOGOODSLAVE No suitable replica to promote");
}
END_TEST

START_TEST(monitor_and_remove)
{
    struct vd_order order = {.type = VD_ORDER_MONITOR, .name = "n", .quorum = 1};
    struct vd_group *other;

    puppet.core->epoch = 12;
    order.addr = puppet_addr("10.0.5.1", 6379);
    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.kind, VD_REPLY_OK);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+monitor"), 1);
    other = vd_group_find(puppet.core, "n");
    ck_assert_uint_eq(other->vote_epoch, 12); /* it may have voted in it before a REMOVE */
    ck_assert_str_eq(puppet_order(&puppet, &order)->reply.text, "ERR Duplicate master name.");
    order.type = VD_ORDER_REMOVE;
    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.kind, VD_REPLY_OK);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-monitor"), 1);
    ck_assert_ptr_null(vd_group_find(puppet.core, "n"));
    ck_assert_ptr_nonnull(puppet.core->removed);
}
END_TEST

START_TEST(reset_forgets_members_but_not_the_age_of_a_silence)
{
    struct vd_order order = {.type = VD_ORDER_RESET, .name = "*"};
    vd_ms died_at = puppet.now;

    puppet_link_down(&puppet, &group->primary->command, VD_DOWN_CLOSED);
    puppet.now += 500;
    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.number, 1);
    ck_assert_uint_eq(group->opinion_count, 0);
    ck_assert_uint_eq(group->node_count, 1);
    ck_assert_int_eq(group->primary->pulse.silent_since, died_at);
}
END_TEST

/* The switchover was cut off, and all that we knew of it is forgotten. */
START_TEST(who_is_reset_goes_after_its_primary)
{
    struct vd_order order = {.type = VD_ORDER_RESET, .name = "*"};
    struct vd_info info = puppet_replica_info(1, 1000);

    info.primary = puppet_addr("10.0.0.2", 6379);
    puppet_info(&puppet, group->primary, &info);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.1"); /* it has a memory */
    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.number, 1);
    puppet_raise_links(&puppet);
    puppet_info(&puppet, group->primary, &info);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.2");
}
END_TEST

START_TEST(set_applies_what_it_can_and_replies_the_error)
{
    struct vd_setting setting = {
        .option = VD_OPT_QUORUM, .number = 5, .word = "quorum", .shown = "5"};
    struct vd_order order = {.type = VD_ORDER_SET,
                             .name = "m",
                             .settings = &setting,
                             .setting_count = 1,
                             .error = "ERR the second was wrong"};

    ck_assert_str_eq(puppet_order(&puppet, &order)->reply.text, "ERR the second was wrong");
    ck_assert_uint_eq(group->options.quorum, 5);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+set"), 1);
    ck_assert(vd_core_is_dirty(puppet.core));
}
END_TEST

/* Views ------------------------------------------------------------------------------------ */

START_TEST(who_is_not_there_is_not_seen)
{
    struct vd_view_group seen;
    struct vd_view_node node;
    struct vd_view_peer peer;

    ck_assert(vd_view_group(puppet.core, puppet.now, "m", &seen));
    ck_assert_int_eq(seen.paused_ms, 0);
    ck_assert(!vd_view_group(puppet.core, puppet.now, "n", &seen));
    ck_assert(!vd_view_group_at(puppet.core, puppet.now, 1, &seen));
    ck_assert(vd_view_replica(puppet.core, puppet.now, "m", 1, &node));
    ck_assert(!vd_view_replica(puppet.core, puppet.now, "m", 2, &node));
    ck_assert(!vd_view_replica(puppet.core, puppet.now, "n", 0, &node));
    ck_assert(vd_view_peer(puppet.core, puppet.now, "m", 1, &peer));
    ck_assert(!vd_view_peer(puppet.core, puppet.now, "m", 2, &peer));
    ck_assert(!vd_view_peer(puppet.core, puppet.now, "n", 0, &peer));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("order");
    TCase *tcase = tcase_create("order");

    tcase_add_checked_fixture(tcase, set_up, stage_clear);
    tcase_add_test(tcase, new_credentials_make_new_links);
    tcase_add_test(tcase, new_credentials_of_ours_make_new_links_to_peers);
    tcase_add_test(tcase, debug_settings_are_not_saved);
    tcase_add_test(tcase, renamed_commands_go_with_the_link);
    tcase_add_test(tcase, a_peer_is_down_by_the_shortest_down_after_of_its_groups);
    tcase_add_test(tcase, no_more_groups_than_max_groups);
    tcase_add_test(tcase, promote_whom);
    tcase_add_test(tcase, who_has_lost_its_state_leads_nothing);
    tcase_add_test(tcase, not_while_a_switchover_is_under_way);
    tcase_add_test(tcase, reset_is_for_those_whose_name_matches);
    tcase_add_test(tcase, flush_saves_all);
    tcase_add_test(tcase, what_is_restored_is_put_right);
    tcase_add_test(tcase, orders_about_unknown_groups_are_refused);
    tcase_add_test(tcase, failover_on_order_asks_for_votes_and_says_so_when_busy);
    tcase_add_test(tcase, failover_on_order_needs_a_replica);
    tcase_add_test(tcase, monitor_and_remove);
    tcase_add_test(tcase, who_is_reset_goes_after_its_primary);
    tcase_add_test(tcase, reset_forgets_members_but_not_the_age_of_a_silence);
    tcase_add_test(tcase, set_applies_what_it_can_and_replies_the_error);
    tcase_add_test(tcase, who_is_not_there_is_not_seen);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
