/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The schedule as data: what is printed is read back as what it was, the run
 * of a schedule that went through text is the same run, and what is written
 * wrong is refused with the word that is wrong.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "run.h"

#define SEEDS 1000

static void print_all(const struct sim_schedule *schedule, struct vd_text *to)
{
    for (unsigned i = 0; i < schedule->count; i++) {
        sim_schedule_print_entry(&schedule->list[i], to);
        vd_text_putc(to, '\n');
    }
}

static void parse_all(struct sim_schedule *schedule, const struct vd_text *from)
{
    char *copy = vd_strdup(vd_text_cstr(from));
    char *save = NULL;
    struct vd_err err;

    schedule->count = 0;
    for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
        ck_assert_msg(sim_schedule_parse_line(schedule, line, &err), "%s: %s", line, err.text);
    vd_free(copy);
}

START_TEST(test_all_that_is_planned_is_read_back)
{
    unsigned met[SIM_DO_COUNT] = {0};
    size_t mixes = 0;

    while (sim_mix_at(mixes) != NULL)
        mixes++;
    ck_assert_uint_gt(mixes, 0);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_options options = {.mix = sim_mix_at(seed % mixes)};
        struct sim_setup setup;
        struct sim_schedule planned;
        struct sim_schedule read;
        struct vd_text text = {0};
        struct vd_text again = {0};
        struct vd_err err;

        sim_setup_draw(&setup, seed, &options);
        sim_plan(&planned, &setup);
        ck_assert_msg(sim_schedule_fits(&planned, &setup, &err), "seed %llu: %s",
                      (unsigned long long)seed, err.text);
        print_all(&planned, &text);
        parse_all(&read, &text);
        ck_assert_uint_eq(read.count, planned.count);
        print_all(&read, &again);
        ck_assert_str_eq(vd_text_cstr(&again), vd_text_cstr(&text));
        for (unsigned i = 0; i < planned.count; i++)
            met[planned.list[i].deed]++;
        vd_text_free(&text);
        vd_text_free(&again);
    }
    for (int deed = 0; deed < SIM_DO_COUNT; deed++)
        ck_assert_msg(met[deed] != 0, "no mix plans: %s", sim_deed_name((enum sim_deed)deed));
}
END_TEST

START_TEST(test_a_schedule_from_text_is_the_same_run)
{
    for (uint64_t seed = 1; seed <= 13; seed++) {
        struct sim_options options = {0};
        struct sim_setup setup;
        struct sim_schedule planned;
        struct sim_schedule read;
        struct sim_result one;
        struct sim_result other;
        struct vd_text text = {0};

        sim_setup_draw(&setup, seed, &options);
        sim_plan(&planned, &setup);
        print_all(&planned, &text);
        parse_all(&read, &text);
        sim_run_one(seed, &options, &one);
        sim_run_world(&setup, &read, NULL, &other);
        ck_assert_msg(one.hash == other.hash, "seed %llu", (unsigned long long)seed);
        vd_text_free(&text);
    }
}
END_TEST

static const struct {
    const char *line;
    const char *complaint;
} wrong[] = {
    {"", "a line begins with 'at' and milliseconds"},
    {"at kill r1", "a line begins with 'at' and milliseconds"},
    {"at 1.0005 kill r1", "a line begins with 'at' and milliseconds"},
    {"at 1 explode r1", "'explode' is nothing that can happen"},
    {"at 1 kill", "kill: '' is no host: s1, o1, r1, c1, 'primary m1' or 'leader m1'"},
    {"at 1 kill r0", "kill: 'r0' is no host: s1, o1, r1, c1, 'primary m1' or 'leader m1'"},
    {"at 1 kill c1", "kill: 'c1' is not the kind of host to which this can happen"},
    {"at 1 freeze r1", "freeze: 'r1' is not the kind of host to which this can happen"},
    {"at 1 kill primary m99", "kill: a group (m1 to m12) is needed, not 'm99'"},
    {"at 1 kill r1 for", "kill: milliseconds are needed behind 'for'"},
    {"at 1 kill r1 for 5 minutes", "kill: nothing is known of 'minutes' here"},
    {"at 1 loss much", "loss: a number is needed, not 'much'"},
    {"at 1 split", "split: the hosts of one side are needed, not ''"},
    {"at 1 disk s1 broken", "disk: 'broken' is nothing that a disk takes"},
    {"at 1 order s1 fly m1", "order: 'fly' is no order"},
    {"at 1 order s1 set m1 color 5", "order: 'color' is no option that can be set here"},
};

START_TEST(test_what_is_wrong_is_named)
{
    struct sim_schedule schedule = {.count = 0};
    struct vd_err err = {""};

    ck_assert(!sim_schedule_parse_line(&schedule, wrong[_i].line, &err));
    ck_assert_str_eq(err.text, wrong[_i].complaint);
    ck_assert_uint_eq(schedule.count, 0);
}
END_TEST

START_TEST(test_hosts_that_are_not_there)
{
    struct sim_setup setup = {.sentinels = 3, .groups = 1, .nodes = 3, .clients = 1};
    struct sim_schedule schedule = {.count = 0};
    struct vd_err err;

    ck_assert(sim_schedule_parse_line(&schedule, "at 1 split s1 r3 c1 for 2.5", &err));
    ck_assert(sim_schedule_fits(&schedule, &setup, &err));
    ck_assert_int_eq(schedule.list[0].lasts, 2500);
    ck_assert(sim_schedule_parse_line(&schedule, "at 1 isolate r4", &err));
    ck_assert(!sim_schedule_fits(&schedule, &setup, &err));
    ck_assert_str_eq(err.text, "the world has no such host or group: at 1 isolate r4");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *words = tcase_create("words");
    SRunner *runner;
    int failed;

    tcase_add_test(words, test_all_that_is_planned_is_read_back);
    tcase_add_test(words, test_a_schedule_from_text_is_the_same_run);
    tcase_add_loop_test(words, test_what_is_wrong_is_named, 0,
                        (int)(sizeof(wrong) / sizeof(wrong[0])));
    tcase_add_test(words, test_hosts_that_are_not_there);
    tcase_set_timeout(words, 300);
    suite_add_tcase(suite, words);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
