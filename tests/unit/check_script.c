/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts: when they are run, how many at once, how often again, and what views
 * tell of them. Method: a puppet core, the test is who runs them.
 */
#include "core/script.h"
#include "stage.h"
#include "suite.h"

static unsigned spawned(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < puppet.effects.count; i++)
        count += puppet.effects.list[i].type == VD_EF_SPAWN;
    return count;
}

static void queue(unsigned count)
{
    const char *argv[] = {"/bin/true", "an event", NULL};

    for (unsigned i = 0; i < count; i++)
        vd_script_queue(puppet.core, argv);
    puppet_pass(&puppet, puppet.now + 1);
}

static void exits(vd_job job, int code)
{
    struct vd_event event = {.type = VD_EV_SCRIPT_EXIT};

    event.script.job = job;
    event.script.exit_code = code;
    puppet_step(&puppet, &event);
}

START_TEST(scripts_run_sixteen_at_a_time)
{
    queue(40);
    ck_assert_uint_eq(spawned(), VD_SCRIPT_RUNNING_MAX);
    exits(puppet.core->scripts->job, 0);
    ck_assert_uint_eq(spawned(), 1);
    ck_assert_uint_eq(puppet.core->scripts_running, VD_SCRIPT_RUNNING_MAX);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
    queue(1000);
    ck_assert_uint_eq(puppet.core->scripts_count, VD_SCRIPT_QUEUE_MAX);
}
END_TEST

START_TEST(exit_one_is_run_again_ten_times_with_growing_delay)
{
    vd_ms delay_ms = 30000;

    queue(1);
    for (int run = 1; run < VD_SCRIPT_RUNS_MAX; run++) {
        vd_ms ended_at = puppet.now;

        ck_assert_uint_eq(spawned(), 1);
        exits(puppet.core->scripts->job, 1);
        ck_assert_int_eq(puppet.core->scripts->start_at, ended_at + delay_ms);
        puppet.core->globals.tilt_trigger_ms = INT64_MAX / 2; /* the jump is the test's */
        puppet.now = ended_at + delay_ms;
        puppet_step(&puppet, &(struct vd_event){.type = VD_EV_DUE});
        delay_ms *= 2;
    }
    exits(puppet.core->scripts->job, 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-script-error"), 1);
    ck_assert_ptr_null(puppet.core->scripts);
}
END_TEST

START_TEST(another_exit_code_is_an_error_at_once)
{
    queue(1);
    exits(puppet.core->scripts->job, 2);
    ck_assert_uint_eq(puppet_noticed(&puppet, "-script-error"), 1);
    ck_assert_ptr_null(puppet.core->scripts);
}
END_TEST

START_TEST(one_that_runs_too_long_is_killed)
{
    queue(1);
    puppet.core->globals.tilt_trigger_ms = INT64_MAX / 2;
    puppet.now += puppet.core->globals.script_max_runtime_ms;
    puppet_step(&puppet, &(struct vd_event){.type = VD_EV_DUE});
    ck_assert_ptr_nonnull(puppet_find(&puppet, VD_EF_KILL));
    ck_assert_uint_eq(puppet_noticed(&puppet, "-script-timeout"), 1);
}
END_TEST

/* By SENTINEL SET client-reconfig-script. */
static void name_script(void)
{
    struct vd_setting setting = {.option = VD_OPT_CLIENT_RECONFIG_SCRIPT, .text = "/bin/reconfig"};
    struct vd_order order = {
        .type = VD_ORDER_SET, .name = "m", .settings = &setting, .setting_count = 1};

    ck_assert_int_eq(puppet_order(&puppet, &order)->reply.kind, VD_REPLY_OK);
}

START_TEST(the_script_is_told_of_a_switch_and_views_show_it)
{
    struct vd_view_script view;

    name_script();
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

    name_script();
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

int main(void)
{
    Suite *suite = suite_create("script");
    TCase *tcase = stage_case("script");

    tcase_add_test(tcase, scripts_run_sixteen_at_a_time);
    tcase_add_test(tcase, the_queue_is_bounded);
    tcase_add_test(tcase, exit_one_is_run_again_ten_times_with_growing_delay);
    tcase_add_test(tcase, another_exit_code_is_an_error_at_once);
    tcase_add_test(tcase, one_that_runs_too_long_is_killed);
    tcase_add_test(tcase, the_script_is_told_of_a_switch_and_views_show_it);
    suite_add_rows(tcase, how_a_script_ends, endeds);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
