/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a vedette.cfg says of alerts and prices; and what rates, use and cost
 * follow from INFOs. Faults name the line and a remedy, and never a secret.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "shell/conf_native.h"
#include "shell/cost.h"
#include "suite.h"

#define SECRET "very-secret"

static struct vd_config config;

static bool read_text(const char *text)
{
    char path[SCRATCH_SIZE];
    bool good;

    scratch_template(path);
    (void)close(mkstemp(path));
    scratch_put(path, text);
    vd_config_init(&config);
    good = vd_conf_native_read(&config, path);
    (void)unlink(path);
    return good;
}

static void tear_down(void)
{
    vd_config_free(&config);
}

#define TO(more) "{ name = \"c\"; kind = \"json\"; url = \"https://x/" SECRET "\"; " more " }"
#define RULE(more) "{ name = \"r\"; metric = \"vedette_node_up\"; " more " }"
#define ALERTS(to, rules) "alerts = {\n to = ( " to " );\n rules = ( " rules " ); };"

/* Alerts ------------------------------------------------------------------------------- */

START_TEST(all_of_it)
{
    const struct vd_alert_config *alerts = &config.alerts;

    ck_assert(read_text("alerts = { standard = true; to = ( " TO(
        "timeout = \"3s\"; token = \"t\";") ", { name = \"p\"; kind = \"pagerduty\"; key = \"k\"; "
                                            "} );\n"
                                            "rules = ( { name = \"memory\"; metric = "
                                            "\"vedette_node_memory_used_ratio\"; above = 0.9;"
                                            " clear = 0.7; for = \"1m\"; clear-for = \"30s\"; "
                                            "severity = \"critical\";"
                                            " group = \"a*\"; to = [\"p\"]; } ); };"));
    ck_assert_uint_eq(alerts->channel_count, 2);
    ck_assert_int_eq(alerts->channels[0].timeout_ms, 3000);
    ck_assert_ptr_nonnull(strstr(alerts->channels[1].url, "pagerduty.com"));
    ck_assert_uint_eq(alerts->rule_count, 5); /* its own in the place of one of the five */
    ck_assert_str_eq(alerts->rules[0].name, "memory");
    ck_assert_double_eq(alerts->rules[0].limit, 0.9);
    ck_assert_double_eq(alerts->rules[0].clear, 0.7);
    ck_assert_int_eq(alerts->rules[0].for_ms, 60000);
    ck_assert_int_eq(alerts->rules[0].clear_ms, 30000);
    ck_assert_int_eq(alerts->rules[0].severity, VD_SEVERITY_CRITICAL);
    ck_assert_str_eq(alerts->rules[0].group, "a*");
    ck_assert_uint_eq(alerts->rules[0].channels, 2);
    ck_assert_uint_eq(alerts->rules[1].channels & 3, 3);
}
END_TEST

START_TEST(the_five_thresholds)
{
    const struct vd_alert_config *alerts = &config.alerts;

    ck_assert(read_text("alerts = { standard = true; };"));
    ck_assert_uint_eq(alerts->rule_count, 5);
    ck_assert_double_eq(alerts->rules[0].limit, 0.5);
    ck_assert_int_eq(alerts->rules[0].for_ms, 300000);
    ck_assert_double_eq(alerts->rules[3].limit, 0.75);
    ck_assert_int_eq(alerts->rules[3].for_ms, 900000);
    ck_assert_double_eq(alerts->rules[4].limit, 0.85);
    ck_assert_uint_eq(config.warning_count, 1); /* nobody is told */
}
END_TEST

static const struct {
    const char *text;
    unsigned line;
    const char *names; /* the reason or the remedy has it */
} mistakes[] = {
    {"alerts = true;", 1, "alerts"},
    {"alerts = { standart = true; };", 1, "did you mean 'standard'"},
    {"alerts = { standard = 1; };", 1, "standard"},
    {"alerts = { to = { }; };", 1, "list"},
    {ALERTS("{ kind = \"json\"; url = \"https://x/\"; }", ""), 2, "name"},
    {ALERTS("{ name = \"a b\"; kind = \"json\"; url = \"https://x/\"; }", ""), 2, "name"},
    {ALERTS("{ name = \"c\"; kind = \"mail\"; }", ""), 2, "kind"},
    {ALERTS("{ name = \"c\"; kind = \"slack\"; }", ""), 2, "url"},
    {ALERTS("{ name = \"c\"; kind = \"slack\"; url = \"ftp://" SECRET "\"; }", ""), 2, "https://"},
    {ALERTS("{ name = \"c\"; kind = \"slack\"; url = 1; }", ""), 2, "url"},
    {ALERTS("{ name = \"c\"; kind = \"pagerduty\"; }", ""), 2, "key"},
    {ALERTS(TO("key = \"k\";"), ""), 2, "key"},
    {ALERTS(TO("url-file = \"/no\";"), ""), 2, "given twice"},
    {ALERTS(TO("token-env = \"NO_SUCH_VARIABLE\";"), ""), 2, "NO_SUCH_VARIABLE"},
    {ALERTS(TO("token = \"" SECRET "\\nX-Evil: 1\";"), ""), 2, "line"},
    {ALERTS(TO("timeout = \"2h\";"), ""), 2, "duration"},
    {ALERTS(TO("timout = \"2s\";"), ""), 2, "did you mean 'timeout'"},
    {ALERTS(TO("") ", " TO(""), ""), 2, "name"},
    {ALERTS(TO(""), "{ name = \"r\"; above = 1; }"), 3, "metric"},
    {ALERTS(TO(""), "{ name = \"r\"; metric = \"vedette_nod_up\"; below = 1; }"), 3,
     "did you mean 'vedette_node_up'"},
    {ALERTS(TO(""), RULE("")), 3, "above or below"},
    {ALERTS(TO(""), RULE("above = 1; below = 1;")), 3, "above or below"},
    {ALERTS(TO(""), RULE("above = \"1\";")), 3, "number"},
    {ALERTS(TO(""), RULE("above = 1; clear = 2;")), 3, "clear"},
    {ALERTS(TO(""), RULE("below = 1; clear = 0.5;")), 3, "clear"},
    {ALERTS(TO(""), RULE("above = 1; for = \"never\";")), 3, "for"},
    {ALERTS(TO(""), RULE("above = 1; for = \"1000d\";")), 3, "for"},
    {ALERTS(TO(""), RULE("above = 1; severity = \"dire\";")), 3, "severity"},
    {ALERTS(TO(""), RULE("above = 1; to = \"d\";")), 3, "alerts.to"},
    {ALERTS(TO(""), RULE("above = 1;") ", " RULE("above = 1;")), 3, "two of this name"},
    {"cost = 5;", 1, "cost"},
    {"cost = {\n vcpu-month = -1.0; };", 2, "negative"},
    {"cost = {\n vcpu-month = 1e10; };", 2, "10^9"},
    {"cost = {\n vcpu-month = \"20\"; };", 2, "number"},
    {"cost = {\n memory-gb-moth = 1; };", 2, "did you mean 'memory-gb-month'"},
    {"cost = { currency = \"doubloons\"; };", 1, "currency"},
};

START_TEST(mistakes_are_told)
{
    struct vd_text text = {0};

    ck_assert(!read_text(mistakes[_i].text));
    ck_assert_uint_ge(config.fault_count, 1);
    ck_assert_uint_eq(config.faults[0].line, mistakes[_i].line);
    vd_fault_print(&config.faults[0], &text);
    ck_assert_msg(strstr(vd_text_cstr(&text), mistakes[_i].names) != NULL, "%s",
                  vd_text_cstr(&text));
    ck_assert_msg(strstr(vd_text_cstr(&text), SECRET) == NULL, "%s", vd_text_cstr(&text));
    vd_text_free(&text);
}
END_TEST

START_TEST(too_many)
{
    struct vd_text text = {0};

    vd_text_puts(&text, "alerts = { to = ( ");
    for (int i = 0; i < 9; i++)
        vd_text_printf(&text, "%s{ name = \"c%d\"; kind = \"json\"; url = \"http://x\"; }",
                       i > 0 ? ", " : "", i);
    vd_text_puts(&text, " ); rules = ( ");
    for (int i = 0; i < 65; i++)
        vd_text_printf(&text, "%s{ name = \"r%d\"; metric = \"vedette_mute\"; above = 0; }",
                       i > 0 ? ", " : "", i);
    vd_text_puts(&text, " ); };");
    ck_assert(!read_text(vd_text_cstr(&text)));
    ck_assert_uint_eq(config.fault_count, 2);
    vd_text_free(&text);
}
END_TEST

START_TEST(the_five_need_room)
{
    struct vd_text text = {0};

    vd_text_puts(&text, "alerts = {\nstandard = true;\nrules = ( ");
    for (int i = 0; i < 60; i++)
        vd_text_printf(&text, "%s{ name = \"r%d\"; metric = \"vedette_mute\"; above = 0; }",
                       i > 0 ? ", " : "", i);
    vd_text_puts(&text, " ); };");
    ck_assert(!read_text(vd_text_cstr(&text)));
    ck_assert_uint_eq(config.fault_count, 1);
    ck_assert_uint_eq(config.faults[0].line, 2);
    vd_text_free(&text);
}
END_TEST

/* Use and cost --------------------------------------------------------------------------- */

static const struct vd_addr node = {.host = "10.0.0.1", .ip = "10.0.0.1", .port = 6379};

static void take(struct vd_load *load, vd_ms at, int rss, double cpu, int out, int hits, int misses)
{
    char info[300];

    (void)snprintf(info, sizeof(info),
                   "used_memory_rss:%d\r\nused_cpu_sys:%.6f\r\nused_cpu_user:0.5\r\n"
                   "total_net_output_bytes:%d\r\nkeyspace_hits:%d\r\nkeyspace_misses:%d\r\n",
                   rss, cpu, out, hits, misses);
    vd_load_take(load, "m", &node, info, at);
}

static struct vd_load *load;
static struct vd_drive drive;
static struct vd_core *core;

static void begin_load(void)
{
    struct vd_globals globals;
    const struct vd_image empty = {.self = {"0123456789012345678901234567890123456789"},
                                   .globals = &globals};

    vd_globals_init(&globals);
    core = vd_core_new(&empty, true);
    vd_globals_free(&globals);
    drive = (struct vd_drive){.core = core};
    load = vd_load_new(ev_default_loop(0), &drive);
}

static void end_load(void)
{
    vd_load_free(load);
    vd_core_free(core);
}

START_TEST(rates_are_of_the_last_minute)
{
    struct vd_load_rates rates;

    take(load, 1000, 1000000, 1, 5000, 0, 0);
    ck_assert(!vd_load_rates(load, "m", &node, &rates));
    ck_assert_double_eq(rates.cpu, -1);
    for (int i = 1; i <= 20; i++)
        take(load, 1000 + i * 10000, 1000000, 1 + i, 5000 + i * 1000, i * 75, i * 25);
    ck_assert(vd_load_rates(load, "m", &node, &rates));
    ck_assert_double_eq_tol(rates.cpu, 0.1, 1e-9);
    ck_assert_double_eq_tol(rates.net_out, 100, 1e-9);
    ck_assert_double_eq_tol(vd_load_hit_ratio(&rates), 0.75, 1e-9);
    ck_assert_double_eq(rates.net_in, -1); /* the INFO was silent */
    for (int i = 21; i <= 28; i++)         /* all that is older than a minute is forgotten */
        take(load, 1000 + i * 10000, 1000000, 21, 25000, 1500, 500);
    ck_assert(vd_load_rates(load, "m", &node, &rates));
    ck_assert_double_eq(rates.cpu, 0);
    ck_assert_double_eq(vd_load_hit_ratio(&rates), -1); /* nothing is looked up */
}
END_TEST

START_TEST(a_restart_counts_from_nothing)
{
    struct vd_load_rates rates;
    struct vd_load_use use;

    take(load, 1000, 1000000, 100, 500000, 0, 0);
    take(load, 11000, 3000000, 2, 10000, 0, 0);
    ck_assert(vd_load_rates(load, "m", &node, &rates));
    ck_assert_double_eq_tol(rates.net_out, 1000, 1e-9);
    ck_assert(vd_load_use(load, "m", &node, &use));
    ck_assert_double_eq_tol(use.egress_bytes, 10000, 1e-9);
    ck_assert_double_eq_tol(use.cpu_s, 2.5, 1e-9);
    take(load, 11000, 9000000, 9, 90000, 0, 0); /* the same INFO again */
    ck_assert(vd_load_use(load, "m", &node, &use));
    ck_assert_double_eq_tol(use.observed_s, 10, 1e-9);
}
END_TEST

START_TEST(a_gap_is_not_use)
{
    struct vd_load_use use;

    take(load, 1000, 1000000, 1, 1000, 0, 0);
    take(load, 1000 + 3600000, 1000000, 2, 2000, 0, 0);
    ck_assert(!vd_load_use(load, "m", &node, &use));
}
END_TEST

START_TEST(the_bill)
{
    const struct vd_cost_config prices = {
        .memory_gb_month = 10, .vcpu_month = 20, .egress_gb = 0.05, .budget = 60};
    struct vd_load_use use;
    struct vd_cost cost;

    for (int i = 0; i <= 360; i++) /* an hour of 2 GB, half a CPU and 100 kB/s */
        take(load, 1000 + i * 10000, 2000000000, i * 5, i * 1000000, 0, 0);
    ck_assert(vd_load_use(load, "m", &node, &use));
    vd_cost_of(&prices, &use, &cost);
    ck_assert_double_eq_tol(cost.memory_month, 20, 1e-6);
    ck_assert_double_eq_tol(cost.cpu_month, 10, 1e-6);
    ck_assert_double_eq_tol(cost.egress_month, 100e3 * 86400 * 30 / 1e9 * 0.05, 1e-6);
    ck_assert_double_eq_tol(cost.month, cost.memory_month + cost.cpu_month + cost.egress_month,
                            1e-9);
}
END_TEST

START_TEST(old_use_fades)
{
    struct vd_load_use use;

    for (int i = 0; i <= 3 * 8640; i++) /* three days of 1 GB, a fourth of 2 GB */
        take(load, 1000 + (vd_ms)i * 10000, 1000000000, 0, 0, 0, 0);
    for (int i = 3 * 8640 + 1; i <= 4 * 8640; i++)
        take(load, 1000 + (vd_ms)i * 10000, 2000000000, 0, 0, 0, 0);
    ck_assert(vd_load_use(load, "m", &node, &use));
    ck_assert_double_le(use.observed_s, 86400);
    ck_assert_double_gt(use.memory_byte_s / use.observed_s, 1.6e9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf_alerts");
    TCase *words = tcase_create("configuration");
    TCase *use = tcase_create("use");

    tcase_add_checked_fixture(words, NULL, tear_down);
    tcase_add_test(words, all_of_it);
    tcase_add_test(words, the_five_thresholds);
    suite_add_rows(words, mistakes_are_told, mistakes);
    tcase_add_test(words, too_many);
    tcase_add_test(words, the_five_need_room);
    suite_add_tcase(suite, words);
    tcase_add_checked_fixture(use, begin_load, end_load);
    tcase_add_test(use, rates_are_of_the_last_minute);
    tcase_add_test(use, a_restart_counts_from_nothing);
    tcase_add_test(use, a_gap_is_not_use);
    tcase_add_test(use, the_bill);
    tcase_add_test(use, old_use_fades);
    suite_add_tcase(suite, use);
    return suite_run(suite);
}
