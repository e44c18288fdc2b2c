/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules can look at, and what a set of rules takes and refuses. Each
 * table is walked by one test.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "proto/alert_rule.h"
#include "suite.h"

static struct vd_alert_config alerts;

static void tear_down(void)
{
    vd_alert_config_free(&alerts);
    ck_assert(!vd_alert_config_is_on(&alerts));
    ck_assert_ptr_null(alerts.rules);
}

/* Words ------------------------------------------------------------------------------ */

START_TEST(every_signal_is_found_by_its_name)
{
    const struct vd_signal_row *row = vd_signal_row((enum vd_signal)_i);
    enum vd_signal found;

    ck_assert(vd_signal_find(row->name, &found));
    ck_assert_int_eq((int)found, _i); /* so no name is there twice */
    ck_assert_str_eq(vd_signal_nearest(row->name), row->name);
    ck_assert_ptr_nonnull(row->unit);
    ck_assert_uint_gt(strlen(row->phrase), 0);
    /* A majority is sentinels', and no server's business. */
    ck_assert(!row->about_majority || row->scope != VD_SCOPE_NODE);
}
END_TEST

static const struct {
    const char *name;
    const char *nearest; /* NULL: none is meant */
} misspelt[] = {
    {"", NULL},
    {"vedette_nod_up", "vedette_node_up"},
    {"vedette_node_replication_lag_second", "vedette_node_replication_lag_seconds"},
    {"vedette_peer_roundtrip_seconds", "vedette_peer_round_trip_seconds"},
    {"redis_up_and_running_for_days_and_days", NULL},
};

START_TEST(what_is_no_signal)
{
    const char *nearest = vd_signal_nearest(misspelt[_i].name);
    enum vd_signal found;

    ck_assert(!vd_signal_find(misspelt[_i].name, &found));
    if (misspelt[_i].nearest == NULL)
        ck_assert_ptr_null(nearest);
    else
        ck_assert_str_eq(nearest, misspelt[_i].nearest);
}
END_TEST

START_TEST(words_of_kinds)
{
    static const char *const severities[VD_SEVERITY_COUNT] = {"info", "warning", "critical"};
    static const char *const kinds[VD_CHANNEL_KINDS] = {"json", "pagerduty", "slack"};

    for (int i = 0; i < VD_SEVERITY_COUNT; i++)
        ck_assert_str_eq(vd_severity_word((enum vd_severity)i), severities[i]);
    for (int i = 0; i < VD_CHANNEL_KINDS; i++)
        ck_assert_str_eq(vd_channel_kind_word((enum vd_channel_kind)i), kinds[i]);
}
END_TEST

static const struct {
    const char *name;
    bool valid;
} names[] = {
    {"a", true},
    {"Replication-lag_2", true},
    {"01234567890123456789012345678901", true},
    {"012345678901234567890123456789012", false},
    {"", false},
    {"two words", false},
    {"a,b", false}, /* words between vedettes are cut at commas */
    {"a\"b", false},
    {"gr\xc3\xbc\xc3\x9f", false},
    {"line\n", false},
};

START_TEST(valid_names)
{
    ck_assert_msg(vd_alert_name_valid(names[_i].name) == names[_i].valid, "'%s'", names[_i].name);
}
END_TEST

/* Rules ------------------------------------------------------------------------------- */

static bool add(const char *name, const char *group)
{
    struct vd_alert_rule rule = {.signal = VD_SIGNAL_MUTE, .group = vd_strdup(group)};
    bool added;

    ck_assert(vd_copy(rule.name, sizeof(rule.name), name));
    added = vd_alert_config_add(&alerts, &rule);
    ck_assert(added || rule.group == NULL); /* freed, and not to be freed again */
    return added;
}

static void add_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[VD_ALERT_NAME_SIZE];

        (void)snprintf(name, sizeof(name), "own-%u", i);
        ck_assert(add(name, "g*"));
    }
}

START_TEST(a_name_is_given_once)
{
    ck_assert(!vd_alert_config_is_on(&alerts));
    ck_assert(add("a", "g*"));
    ck_assert(vd_alert_config_is_on(&alerts));
    ck_assert(!add("a", "h*"));
    ck_assert(add("b", NULL));
    ck_assert_uint_eq(alerts.rule_count, 2);
    ck_assert_str_eq(alerts.rules[0].group, "g*");
}
END_TEST

START_TEST(there_is_a_limit)
{
    add_many(VD_ALERT_RULES);
    ck_assert(!add("one-more", "g*"));
    ck_assert_uint_eq(alerts.rule_count, VD_ALERT_RULES);
}
END_TEST

static const struct {
    const char *own; /* a rule of the operator's, beside `many` others; NULL: none */
    unsigned many;
    bool fits;
    size_t count;
} rooms[] = {
    {NULL, 0, true, 5},
    {"memory", 0, true, 5},
    {"another", 0, true, 6},
    {NULL, VD_ALERT_RULES - 5, true, VD_ALERT_RULES},
    {"memory", VD_ALERT_RULES - 5, true, VD_ALERT_RULES},
    {"another", VD_ALERT_RULES - 5, false, VD_ALERT_RULES},
    {NULL, VD_ALERT_RULES, false, VD_ALERT_RULES},
};

START_TEST(room_for_the_standard)
{
    add_many(rooms[_i].many);
    if (rooms[_i].own != NULL)
        ck_assert(add(rooms[_i].own, NULL));
    ck_assert(vd_alert_config_add_standard(&alerts) == rooms[_i].fits);
    ck_assert_uint_eq(alerts.rule_count, rooms[_i].count);
}
END_TEST

START_TEST(the_standard_is_sound)
{
    ck_assert(vd_alert_config_add_standard(&alerts));
    for (size_t i = 0; i < alerts.rule_count; i++) {
        const struct vd_alert_rule *rule = &alerts.rules[i];

        ck_assert(vd_alert_name_valid(rule->name));
        /* An alert ends on the good side of its limit, or at it. */
        ck_assert(rule->below ? rule->clear >= rule->limit : rule->clear <= rule->limit);
        ck_assert_uint_eq(rule->channels, ~0U);
        ck_assert_int_le(rule->for_ms, VD_ALERT_DURATION_MAX);
    }
    ck_assert(vd_alert_config_add_standard(&alerts)); /* all there: nothing to be added */
    ck_assert_uint_eq(alerts.rule_count, 5);
}
END_TEST

START_TEST(all_texts_are_freed)
{
    struct vd_alert_channel *channel = &alerts.channels[alerts.channel_count++];

    channel->url = vd_strdup("https://x/");
    channel->key = vd_strdup("k");
    channel->token = vd_strdup("t");
    channel->ca_file = vd_strdup("/ca");
    ck_assert(add("a", "g*"));
}
END_TEST

static const struct {
    struct vd_cost_config cost;
    bool on;
} prices[] = {
    {{.currency = "$", .budget = 60}, false}, /* a budget is no price */
    {{.memory_gb_month = 10}, true},
    {{.vcpu_month = 20}, true},
    {{.egress_gb = 0.05}, true},
};

START_TEST(prices_switch_cost_on)
{
    ck_assert(vd_cost_config_is_on(&prices[_i].cost) == prices[_i].on);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alert_rule");
    TCase *words = tcase_create("words");
    TCase *rules = tcase_create("rules");

    tcase_add_loop_test(words, every_signal_is_found_by_its_name, 0, VD_SIGNAL_COUNT);
    suite_add_rows(words, what_is_no_signal, misspelt);
    tcase_add_test(words, words_of_kinds);
    suite_add_rows(words, valid_names, names);
    suite_add_tcase(suite, words);
    tcase_add_checked_fixture(rules, NULL, tear_down);
    tcase_add_test(rules, a_name_is_given_once);
    tcase_add_test(rules, there_is_a_limit);
    suite_add_rows(rules, room_for_the_standard, rooms);
    tcase_add_test(rules, the_standard_is_sound);
    tcase_add_test(rules, all_texts_are_freed);
    suite_add_rows(rules, prices_switch_cost_on, prices);
    suite_add_tcase(suite, rules);
    return suite_run(suite);
}
