/* SPDX-License-Identifier: BSD-3-Clause */
/* The words in which a leader tells its peers of a failover, and what a watch makes of them. */
#include <check.h>
#include <string.h>

#include "proto/hello.h"
#include "shell/watch.h"
#include "shell/witness.h"
#include "suite.h"

#define ID "1111111111111111111111111111111111111111"
#define NOW_MS 1700000010000

static const struct vd_history_entry sample = {
    .group = "my group's name",
    .at_ms = NOW_MS - 10000,
    .reason = "odown",
    .result = "-failover-abort-no-good-slave",
    .epoch = 7,
    .from = {.host = "redis-1", .ip = "10.0.0.1", .port = 6379},
    .to = {.host = "::1", .ip = "::1", .port = 6380},
    .phases = {VD_NEVER, 1000, 2, 3, 4, 5, 1014, -1},
    .loss_bytes = 17,
};

static char *word_of(const struct vd_history_entry *entry)
{
    struct vd_text text = {0};
    char *word;

    vd_witness_print(entry, ID, NOW_MS, &text);
    word = vd_strdup(vd_text_cstr(&text));
    vd_text_free(&text);
    return word;
}

START_TEST(there_and_back)
{
    char *word = word_of(&sample);
    struct vd_history_entry got;

    ck_assert(vd_hello_is_word(word, strlen(word)));
    ck_assert(vd_witness_parse(word, NOW_MS + 500, &got));
    ck_assert_int_eq(got.source, VD_HISTORY_TOLD);
    ck_assert_str_eq(got.leader, ID);
    ck_assert_str_eq(got.group, sample.group);
    ck_assert_str_eq(got.reason, sample.reason);
    ck_assert_str_eq(got.result, sample.result);
    ck_assert_int_eq(got.at_ms, sample.at_ms + 500); /* by our clock */
    ck_assert_uint_eq(got.epoch, 7);
    ck_assert_str_eq(got.from.host, "redis-1");
    ck_assert_str_eq(got.from.ip, "10.0.0.1");
    ck_assert_str_eq(got.to.ip, "::1");
    ck_assert_uint_eq(got.to.port, 6380);
    ck_assert_int_eq(got.phases.silence_ms, 1000);
    ck_assert_int_eq(got.phases.total_ms, 1014);
    ck_assert_int_eq(got.phases.replicas_ms, -1);
    ck_assert_int_eq(got.loss_bytes, 17);
    vd_free(word);
}
END_TEST

START_TEST(a_sentinel_takes_it_for_no_hello)
{
    char *word = word_of(&sample);
    unsigned commas = 0;

    for (const char *at = word; *at != '\0'; at++)
        commas += *at == ',';
    ck_assert_uint_ne(commas, 7);
    vd_free(word);
}
END_TEST

START_TEST(nobody_was_promoted)
{
    struct vd_history_entry entry = sample;
    struct vd_history_entry got;
    char *word;

    memset(&entry.to, 0, sizeof(entry.to));
    word = word_of(&entry);
    ck_assert(vd_witness_parse(word, NOW_MS, &got));
    ck_assert_uint_eq(got.to.port, 0);
    vd_free(word);
}
END_TEST

#define HEAD "vedette-failover,1," ID ","
#define ADDRS "h,,1,h,,2,"
#define TAIL "1,1,1,1,1,1,1,1,m"

static const char *const nonsense[] = {
    "",
    "vedette-failover,1,",
    "vedette-failover,2," ID ",7,0,odown,done," ADDRS TAIL,
    HEAD "7,0,odown,done," ADDRS "1,1,1,1,1,1,1,1", /* one is missing */
    HEAD "7,0,odown,done," ADDRS TAIL ",more",      /* one too many */
    HEAD "-7,0,odown,done," ADDRS TAIL,             /* an epoch */
    HEAD "7,-1,odown,done," ADDRS TAIL,             /* of the future */
    HEAD "7,86400001,odown,done," ADDRS TAIL,       /* of last year */
    HEAD "7,0,<script>,done," ADDRS TAIL,           /* no plain words */
    HEAD "7,0,,done," ADDRS TAIL,
    HEAD "7,0,odown,done,h,,x,h,,2," TAIL,              /* a port */
    HEAD "7,0,odown,done,h/,,1,h,,2," TAIL,             /* a host */
    HEAD "7,0,odown,done,h,name,1,h,,2," TAIL,          /* an ip that is a name */
    HEAD "7,0,odown,done," ADDRS "-2,1,1,1,1,1,1,1,m",  /* a time */
    HEAD "7,0,odown,done," ADDRS "1,1,1,1,1,1,1,1e9,m", /* a number */
};

START_TEST(nonsense_is_refused)
{
    char *word = vd_strdup(nonsense[_i]);
    struct vd_history_entry got;

    ck_assert(!vd_witness_parse(word, NOW_MS, &got));
    vd_free(word);
}
END_TEST

START_TEST(who_knows_more_is_believed)
{
    struct vd_watch *watch = vd_watch_new();
    struct vd_history_entry entry = sample;
    const struct vd_history_entry *last;

    entry.source = VD_HISTORY_SEEN;
    ck_assert(vd_watch_witness(watch, &entry));
    ck_assert(!vd_watch_witness(watch, &entry));
    watch->failovers[0].id = 5;
    watch->failovers[0].unkept = false;
    entry.source = VD_HISTORY_TOLD;
    entry.leader = ID;
    ck_assert(vd_watch_witness(watch, &entry));
    ck_assert(!vd_watch_witness(watch, &entry));
    ck_assert_uint_eq(watch->failover_count, 1);
    ck_assert_str_eq(watch->failovers[0].leader, ID);
    ck_assert_int_eq(watch->failovers[0].id, 5);
    ck_assert(watch->failovers[0].unkept);
    /* Counted are those that we led. */
    ck_assert_uint_eq(vd_watch_failovers_since(watch, entry.group, 0, &last), 0);
    entry.source = VD_HISTORY_LED;
    entry.epoch = 8;
    vd_watch_failover(watch, &entry);
    entry.source = VD_HISTORY_TOLD;
    ck_assert(!vd_watch_witness(watch, &entry));
    ck_assert_uint_eq(vd_watch_failovers_since(watch, entry.group, 0, &last), 1);
    /* Nor does one of long ago that is told late end the count. */
    entry.epoch = 9;
    entry.at_ms = 1;
    ck_assert(vd_watch_witness(watch, &entry));
    ck_assert_uint_eq(vd_watch_failovers_since(watch, entry.group, sample.at_ms, &last), 1);
    ck_assert_uint_eq(last->epoch, 8);
    ck_assert_uint_eq(vd_watch_failovers_since(watch, entry.group, sample.at_ms + 1, &last), 0);
    vd_watch_free(watch);
}
END_TEST

START_TEST(the_last_thousand_are_remembered)
{
    struct vd_watch *watch = vd_watch_new();
    struct vd_history_entry entry = sample;

    for (uint64_t epoch = 1; epoch <= 4 * VD_HISTORY_MAX; epoch++) {
        uint64_t first = epoch > VD_HISTORY_MAX ? epoch - VD_HISTORY_MAX + 1 : 1;

        entry.epoch = epoch;
        vd_watch_failover(watch, &entry);
        ck_assert_uint_eq(watch->failover_count, epoch - first + 1);
        ck_assert_uint_eq(watch->failovers[0].epoch, first);
        ck_assert_uint_eq(watch->failovers[watch->failover_count - 1].epoch, epoch);
    }
    ck_assert_str_eq(watch->failovers[VD_HISTORY_MAX / 2].group, sample.group);
    vd_watch_free(watch);
}
END_TEST

/* However many a peer invents, what was led here and seen from here stays. */
START_TEST(what_is_told_does_not_drive_out_the_rest)
{
    struct vd_watch *watch = vd_watch_new();
    struct vd_history_entry entry = sample;
    size_t told = 0;

    for (uint64_t epoch = 1; epoch <= 20; epoch++) {
        entry.epoch = epoch;
        entry.source = epoch % 2 == 0 ? VD_HISTORY_LED : VD_HISTORY_SEEN;
        if (entry.source == VD_HISTORY_LED)
            vd_watch_failover(watch, &entry);
        else
            ck_assert(vd_watch_witness(watch, &entry));
    }
    entry.source = VD_HISTORY_TOLD;
    for (uint64_t epoch = 21; epoch <= 20 + 3 * VD_HISTORY_MAX; epoch++) {
        entry.epoch = epoch;
        ck_assert(vd_watch_witness(watch, &entry));
    }
    ck_assert_uint_eq(watch->failover_count, 20 + VD_HISTORY_TOLD_MAX);
    for (size_t i = 0; i < watch->failover_count; i++) {
        told += watch->failovers[i].source == VD_HISTORY_TOLD;
        ck_assert(i == 0 || watch->failovers[i].epoch > watch->failovers[i - 1].epoch);
    }
    ck_assert_uint_eq(told, VD_HISTORY_TOLD_MAX);
    ck_assert_uint_eq(watch->failovers[19].epoch, 20);
    ck_assert_uint_eq(watch->failovers[watch->failover_count - 1].epoch, 20 + 3 * VD_HISTORY_MAX);
    vd_watch_free(watch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("witness");
    TCase *tests = tcase_create("witness");

    tcase_add_test(tests, there_and_back);
    tcase_add_test(tests, a_sentinel_takes_it_for_no_hello);
    tcase_add_test(tests, nobody_was_promoted);
    suite_add_rows(tests, nonsense_is_refused, nonsense);
    tcase_add_test(tests, who_knows_more_is_believed);
    tcase_add_test(tests, the_last_thousand_are_remembered);
    tcase_add_test(tests, what_is_told_does_not_drive_out_the_rest);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
