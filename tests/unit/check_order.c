/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Orders: what operators' commands change, when they are refused, and what
 * follows from a changed option; then what is saved of it, and what views tell.
 * Method: a puppet core of three sentinels' one.
 */
#include <check.h>

#include "core/script.h"
#include "stage.h"
#include "suite.h"

static struct vd_group *group;

static void set_up(void)
{
    stage_set();
    group = puppet_group(&puppet);
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

/* Scripts ---------------------------------------------------------------------------------- */

START_TEST(the_script_is_told_of_a_switch_and_views_show_it)
{
    struct vd_view_script view;

    set(VD_OPT_CLIENT_RECONFIG_SCRIPT, "/bin/reconfig", NULL, 0);
    puppet.core->globals.script_retry_delay_ms = 30000;
    ck_assert(!vd_view_script(puppet.core, puppet.now, 0, &view));
    puppet_hello(&puppet, 1, puppet_addr("10.0.0.2", 6379), 5);
    ck_assert_ptr_nonnull(puppet_find(&puppet, VD_EF_SPAWN));
    ck_assert(vd_view_script(puppet.core, puppet.now + 20, 0, &view));
    ck_assert(!vd_view_script(puppet.core, puppet.now, 1, &view));
    ck_assert_str_eq(view.argv[0], "/bin/reconfig");
    ck_assert_str_eq(view.argv[1], "m");
    ck_assert_str_eq(view.argv[2], "observer");
    ck_assert_str_eq(view.argv[4], "10.0.0.1");
    ck_assert_str_eq(view.argv[6], "10.0.0.2");
    ck_assert_ptr_null(view.argv[8]);
    ck_assert(view.running);
    ck_assert_int_eq(view.run_ms, 20);
    ck_assert_int_eq(view.delay_ms, 0);
    /* It fails, and waits for its next run. */
    puppet_step(&puppet, &(struct vd_event){.type = VD_EV_SCRIPT_EXIT,
                                            .script = {.job = view.job, .exit_code = 1}});
    ck_assert(vd_view_script(puppet.core, puppet.now + 1000, 0, &view));
    ck_assert(!view.running);
    ck_assert_int_eq(view.delay_ms, 29000);
    ck_assert_uint_eq(view.runs, 1);
    /* Its number is taken from it, and 0 is nobody's. */
    puppet_step(&puppet, &(struct vd_event){.type = VD_EV_SCRIPT_EXIT});
    ck_assert_uint_eq(puppet.core->scripts_count, 1);
    ck_assert(vd_view_script(puppet.core, puppet.now + 31000, 0, &view));
    ck_assert_int_eq(view.delay_ms, 0);
}
END_TEST

static const struct ended {
    int exit_code;
    int signal;
    bool failed_to_start;
    bool again;
    const char *told; /* of -script-error; NULL: nothing */
} endeds[] = {
    {0, 0, false, false, NULL},
    {1, 0, false, true, NULL},
    {0, 9, false, true, NULL},
    {2, 0, false, false, "/bin/reconfig 0 2"},
    {0, 0, true, false, "/bin/reconfig 99 0"},
};

START_TEST(how_a_script_ends)
{
    const struct ended *row = &endeds[_i];
    struct vd_event event = {.type = VD_EV_SCRIPT_EXIT};
    const struct vd_effect *notice;

    set(VD_OPT_CLIENT_RECONFIG_SCRIPT, "/bin/reconfig", NULL, 0);
    puppet_hello(&puppet, 1, puppet_addr("10.0.0.2", 6379), 5);
    event.script.job.n = 12345; /* nobody's: nothing happens */
    puppet_step(&puppet, &event);
    ck_assert_uint_eq(puppet.core->scripts_running, 1);
    event.script.job = puppet.core->scripts->job;
    event.script.exit_code = row->exit_code;
    event.script.signal = row->signal;
    event.script.failed_to_start = row->failed_to_start;
    puppet_step(&puppet, &event);
    ck_assert_uint_eq(puppet.core->scripts_running, 0);
    ck_assert_uint_eq(puppet.core->scripts_count, row->again ? 1 : 0);
    notice = puppet_find(&puppet, VD_EF_NOTICE);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-script-error"), row->told != NULL ? 1 : 0);
    if (row->told != NULL)
        ck_assert_str_eq(notice->notice.payload, row->told);
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
    tcase_add_test(tcase, the_script_is_told_of_a_switch_and_views_show_it);
    suite_add_rows(tcase, how_a_script_ends, endeds);
    tcase_add_test(tcase, who_is_not_there_is_not_seen);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
