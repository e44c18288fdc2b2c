/* SPDX-License-Identifier: BSD-3-Clause */
/* The option table: names, values, their way to text and back. */
#include <check.h>
#include <string.h>

#include "proto/option.h"
#include "suite.h"

static struct vd_word word(const char *text)
{
    return (struct vd_word){text, strlen(text)};
}

/* The table ---------------------------------------------------------------------- */

START_TEST(every_option_has_its_row)
{
    size_t count;
    const struct vd_option_row *rows = vd_option_rows(&count);

    ck_assert_uint_eq(count, VD_OPT_LOG_LEVEL + 1);
    for (size_t i = 0; i < count; i++) {
        const struct vd_option_row *row = &rows[i];
        bool named = false;

        ck_assert_uint_eq(row->option, i);
        ck_assert_ptr_eq(vd_option_row(row->option), row);
        ck_assert_int_le(row->min, row->max);
        ck_assert_int_eq(row->kind == VD_KIND_CHOICE, row->choices != NULL);
        for (int place = 0; place < VD_PLACE_COUNT; place++) {
            const char *name = row->names[place];

            if (name == NULL)
                continue;
            named = true;
            ck_assert_ptr_eq(vd_option_find((enum vd_option_place)place, name, strlen(name)), row);
        }
        ck_assert(named);
    }
}
END_TEST

START_TEST(names_found)
{
    ck_assert_ptr_nonnull(vd_option_find(VD_IN_SET, "Down-After-Milliseconds", 23));
    ck_assert_ptr_null(vd_option_find(VD_IN_SET, "down-after-millisecond", 22));
    ck_assert_ptr_null(vd_option_find(VD_IN_SET, "down_after_milliseconds", 23));
    ck_assert_ptr_null(vd_option_find(VD_IN_SET, "down-after", 10));
    ck_assert_ptr_nonnull(vd_option_find(VD_IN_NATIVE, "down_after", 10));
    ck_assert_ptr_null(vd_option_find(VD_IN_NATIVE, "down-after-milliseconds", 23));
    ck_assert_ptr_null(vd_option_find(VD_IN_CLASSIC, "quorum", 6));
    ck_assert_ptr_nonnull(vd_option_find(VD_IN_SET, "primary-reboot-down-after-period", 32));
    ck_assert_ptr_null(vd_option_find(VD_IN_DEBUG, "", 0));
    ck_assert_ptr_nonnull(vd_option_find(VD_IN_DEBUG, "tilt-period", 11));
    ck_assert_ptr_nonnull(vd_option_find(VD_IN_CONFIG, "LogLevel", 8));
}
END_TEST

/* Values ------------------------------------------------------------------------- */

static const struct {
    enum vd_option option;
    enum vd_option_form form;
    const char *text;
    int64_t number; /* -1: refused */
} values[] = {
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "2", 2},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "0", -1},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "-1", -1},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, " 2", -1},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "2 ", -1},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "1.5", -1},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "", -1},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "2147483647", 2147483647},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "2147483648", -1},
    {VD_OPT_QUORUM, VD_FORM_PLAIN, "99999999999999999999", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_PLAIN, "1", 1},
    {VD_OPT_DOWN_AFTER, VD_FORM_PLAIN, "0", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_PLAIN, "3s", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_PLAIN, "1000000000000000", INT64_C(1000000000000000)},
    {VD_OPT_DOWN_AFTER, VD_FORM_PLAIN, "1000000000000001", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "3s", 3000},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "500ms", 500},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "5M", 300000},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "2h", 7200000},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "3", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "0", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "0s", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "-3s", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "3 s", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "s", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "3x", -1},
    {VD_OPT_DOWN_AFTER, VD_FORM_UNITS, "9223372036854775807d", -1},
    {VD_OPT_DOWN_AFTER_REFUSED, VD_FORM_PLAIN, "300", 300},
    {VD_OPT_DOWN_AFTER_REFUSED, VD_FORM_PLAIN, "300ms", 300},
    {VD_OPT_DOWN_AFTER_REFUSED, VD_FORM_PLAIN, "0", 0},
    {VD_OPT_DOWN_AFTER_REFUSED, VD_FORM_PLAIN, "-1", -1},
    {VD_OPT_REBOOT_DOWN_AFTER, VD_FORM_UNITS, "0", 0},
    {VD_OPT_REBOOT_FAILOVER, VD_FORM_PLAIN, "always", VD_REBOOT_ALWAYS},
    {VD_OPT_REBOOT_FAILOVER, VD_FORM_PLAIN, "NEVER", VD_REBOOT_NEVER},
    {VD_OPT_REBOOT_FAILOVER, VD_FORM_PLAIN, "sometimes", -1},
    {VD_OPT_REBOOT_FAILOVER, VD_FORM_PLAIN, "", -1},
    {VD_OPT_HANDOVER, VD_FORM_PLAIN, "server", VD_SWITCHOVER_SERVER},
    {VD_OPT_HANDOVER, VD_FORM_PLAIN, "Pause", VD_SWITCHOVER_PAUSE},
    {VD_OPT_HANDOVER, VD_FORM_PLAIN, "redis", -1},
    {VD_OPT_CANDIDATE_MAX_LAG_BYTES, VD_FORM_UNITS, "1mb", 1048576},
    {VD_OPT_CANDIDATE_MAX_LAG_BYTES, VD_FORM_UNITS, "1m", 1000000},
    {VD_OPT_CANDIDATE_MAX_LAG_BYTES, VD_FORM_PLAIN, "0", 0},
    {VD_OPT_CANDIDATE_MAX_LAG_BYTES, VD_FORM_PLAIN, "9223372036854775807", INT64_MAX},
    {VD_OPT_CANDIDATE_MAX_LAG_BYTES, VD_FORM_PLAIN, "9999999999gb", -1},
    {VD_OPT_CANDIDATE_MAX_LAG_BYTES, VD_FORM_PLAIN, "1tb", -1},
    {VD_OPT_ANNOUNCE_PORT, VD_FORM_PLAIN, "65535", 65535},
    {VD_OPT_ANNOUNCE_PORT, VD_FORM_PLAIN, "65536", -1},
    {VD_OPT_RESOLVE_HOSTNAMES, VD_FORM_PLAIN, "YES", 1},
    {VD_OPT_RESOLVE_HOSTNAMES, VD_FORM_PLAIN, "no", 0},
    {VD_OPT_RESOLVE_HOSTNAMES, VD_FORM_PLAIN, "true", -1},
    {VD_OPT_RESOLVE_HOSTNAMES, VD_FORM_UNITS, "true", 1},
    {VD_OPT_RESOLVE_HOSTNAMES, VD_FORM_UNITS, "false", 0},
    {VD_OPT_RESOLVE_HOSTNAMES, VD_FORM_UNITS, "1", -1},
    {VD_OPT_LOG_LEVEL, VD_FORM_PLAIN, "Warning", 3},
    {VD_OPT_LOG_LEVEL, VD_FORM_PLAIN, "warn", -1},
};

START_TEST(numbers)
{
    struct vd_setting setting;
    struct vd_err err = {""};
    struct vd_word value = word(values[_i].text);
    bool ok = vd_option_parse(vd_option_row(values[_i].option), values[_i].form, &value, NULL,
                              &setting, &err);

    ck_assert_msg(ok == (values[_i].number >= 0), "%s: %s", values[_i].text, err.text);
    if (ok)
        ck_assert_int_eq(setting.number, values[_i].number);
    else
        ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(texts)
{
    struct vd_setting setting;
    struct vd_word nul = {"a\0b", 3};
    struct vd_word name = word("no such host");

    ck_assert(!vd_option_parse(vd_option_row(VD_OPT_AUTH_PASS), VD_FORM_PLAIN, &nul, NULL, &setting,
                               NULL));
    ck_assert(!vd_option_parse(vd_option_row(VD_OPT_ANNOUNCE_IP), VD_FORM_PLAIN, &name, NULL,
                               &setting, NULL));
    name = word("");
    ck_assert(vd_option_parse(vd_option_row(VD_OPT_ANNOUNCE_IP), VD_FORM_PLAIN, &name, NULL,
                              &setting, NULL));
    name = word("::1");
    ck_assert(vd_option_parse(vd_option_row(VD_OPT_ANNOUNCE_IP), VD_FORM_PLAIN, &name, NULL,
                              &setting, NULL));
    ck_assert_str_eq(setting.text, "::1");
}
END_TEST

/* There and back ------------------------------------------------------------------ */

static const struct {
    enum vd_option option;
    const char *text;
} saved[] = {
    {VD_OPT_QUORUM, "7"},
    {VD_OPT_DOWN_AFTER, "1234"},
    {VD_OPT_DOWN_AFTER_REFUSED, "0"},
    {VD_OPT_FAILOVER_TIMEOUT, "99999"},
    {VD_OPT_PARALLEL_SYNCS, "3"},
    {VD_OPT_REBOOT_DOWN_AFTER, "5000"},
    {VD_OPT_REBOOT_FAILOVER, "never"},
    {VD_OPT_HANDOVER, "server"},
    {VD_OPT_REPLICA_EXPIRY, "3600000"},
    {VD_OPT_FENCE_ISOLATED_PRIMARY, "yes"},
    {VD_OPT_CANDIDATE_MAX_LAG_BYTES, "9223372036854775807"},
    {VD_OPT_CANDIDATE_MAX_LAG_MS, "0"},
    {VD_OPT_AUTH_USER, "sentinel user"},
    {VD_OPT_AUTH_PASS, "p\"a\\s s\n\x01\xff'"},
    {VD_OPT_NOTIFICATION_SCRIPT, "/bin/true"},
    {VD_OPT_CLIENT_RECONFIG_SCRIPT, ""},
    {VD_OPT_RENAME_COMMAND, "CONFIG geheim SLAVEOF \"a b\\\"\""},
    {VD_OPT_RESOLVE_HOSTNAMES, "yes"},
    {VD_OPT_ANNOUNCE_HOSTNAMES, "yes"},
    {VD_OPT_ANNOUNCE_IP, "redis-1"},
    {VD_OPT_ANNOUNCE_PORT, "1"},
    {VD_OPT_SENTINEL_USER, ""},
    {VD_OPT_SENTINEL_PASS, " "},
    {VD_OPT_DENY_SCRIPTS_RECONFIG, "no"},
    {VD_OPT_ABSTAIN, "1"},
    {VD_OPT_MAX_GROUPS, "1"},
    {VD_OPT_MAX_PEERS, "2"},
    {VD_OPT_MAX_REPLICAS, "3"},
    {VD_OPT_DEFAULT_HANDOVER, "server"},
    {VD_OPT_INFO_PERIOD, "11"},
    {VD_OPT_PING_PERIOD, "12"},
    {VD_OPT_ASK_PERIOD, "13"},
    {VD_OPT_PUBLISH_PERIOD, "14"},
    {VD_OPT_DEFAULT_DOWN_AFTER, "15"},
    {VD_OPT_DEFAULT_FAILOVER_TIMEOUT, "16"},
    {VD_OPT_TILT_TRIGGER, "17"},
    {VD_OPT_TILT_PERIOD, "18"},
    {VD_OPT_REPLICA_RECONF_TIMEOUT, "19"},
    {VD_OPT_MIN_LINK_RECONNECT, "20"},
    {VD_OPT_ELECTION_TIMEOUT, "21"},
    {VD_OPT_SCRIPT_MAX_RUNTIME, "22"},
    {VD_OPT_SCRIPT_RETRY_DELAY, "23"},
};

_Static_assert(sizeof(saved) / sizeof(saved[0]) == VD_OPT_COUNT, "every option is tried");

/* All are read into one state and only then printed: an option that wrote another's field shows. */
START_TEST(saved_text_comes_back)
{
    struct vd_globals globals;
    struct vd_globals globals_copy;
    struct vd_options options;
    struct vd_options copy;
    struct vd_text text = {0};
    struct vd_err err = {""};

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    for (size_t i = 0; i < VD_OPT_COUNT; i++) {
        bool ok = saved[i].option < VD_OPT_GROUP_COUNT
                      ? vd_option_read_group(saved[i].option, saved[i].text, &options, &err)
                      : vd_option_read_global(saved[i].option, saved[i].text, &globals, &err);

        ck_assert_msg(ok, "%zu: %s", i, err.text);
    }
    vd_options_copy(&copy, &options);
    vd_options_free(&options);
    vd_globals_copy(&globals_copy, &globals);
    vd_globals_free(&globals);
    for (size_t i = 0; i < VD_OPT_COUNT; i++) {
        ck_assert_uint_eq(saved[i].option, i);
        vd_text_clear(&text);
        if (saved[i].option < VD_OPT_GROUP_COUNT)
            vd_option_print_group(saved[i].option, &copy, &text);
        else
            vd_option_print_global(saved[i].option, &globals_copy, &text);
        ck_assert_str_eq(vd_text_cstr(&text), saved[i].text);
    }
    ck_assert_uint_eq(copy.rename_count, 2);
    ck_assert_str_eq(copy.renames[1].to, "a b\"");
    vd_text_free(&text);
    vd_options_free(&copy);
    vd_globals_free(&globals_copy);
}
END_TEST

START_TEST(defaults)
{
    struct vd_globals globals;
    struct vd_options options;

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    ck_assert_int_eq(options.down_after_ms, 30000);
    ck_assert_int_eq(options.down_after_refused_ms, 0);
    ck_assert_int_eq(options.failover_timeout_ms, 180000);
    ck_assert_uint_eq(options.parallel_syncs, 1);
    ck_assert_int_eq(options.reboot_failover, VD_REBOOT_EMPTY);
    ck_assert_ptr_null(options.auth_pass);
    ck_assert(globals.deny_scripts_reconfig);
    ck_assert(!globals.resolve_hostnames);
    ck_assert_int_eq(globals.min_link_reconnect_ms, 15000);
    ck_assert_uint_eq(globals.max_peers, 64);
    globals.default_down_after_ms = 7;
    vd_options_init(&options, &globals);
    ck_assert_int_eq(options.down_after_ms, 7);
}
END_TEST

START_TEST(bad_saved_text_changes_nothing)
{
    struct vd_globals globals;
    struct vd_options options;

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    ck_assert(vd_option_read_group(VD_OPT_RENAME_COMMAND, "config a", &options, NULL));
    ck_assert(!vd_option_read_group(VD_OPT_RENAME_COMMAND, "config b slaveof", &options, NULL));
    ck_assert(!vd_option_read_group(VD_OPT_RENAME_COMMAND, "config \"b", &options, NULL));
    ck_assert(!vd_option_read_group(VD_OPT_RENAME_COMMAND, "config \"\"", &options, NULL));
    ck_assert(!vd_option_read_group(VD_OPT_QUORUM, "0", &options, NULL));
    ck_assert_uint_eq(options.rename_count, 1);
    ck_assert_str_eq(options.renames[0].from, "CONFIG");
    ck_assert_str_eq(options.renames[0].to, "a");
    ck_assert_uint_eq(options.quorum, 2);
    ck_assert(vd_option_read_group(VD_OPT_RENAME_COMMAND, "", &options, NULL));
    ck_assert_uint_eq(options.rename_count, 0);
    vd_options_free(&options);
}
END_TEST

/* Renames: a later one replaces an earlier, whatever its case; a command's own name takes it back.
 */
START_TEST(renames)
{
    struct vd_globals globals;
    struct vd_options options;
    struct vd_setting setting = {.option = VD_OPT_RENAME_COMMAND, .text = "config", .text2 = "x"};

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    vd_options_apply(&options, &setting);
    setting = (struct vd_setting){.option = VD_OPT_RENAME_COMMAND, .text = "exec", .text2 = "y"};
    vd_options_apply(&options, &setting);
    setting = (struct vd_setting){.option = VD_OPT_RENAME_COMMAND, .text = "CONFIG", .text2 = "z"};
    vd_options_apply(&options, &setting);
    ck_assert_uint_eq(options.rename_count, 2);
    ck_assert_str_eq(options.renames[0].from, "EXEC");
    ck_assert_str_eq(options.renames[1].from, "CONFIG");
    ck_assert_str_eq(options.renames[1].to, "z");
    setting.text2 = "Config";
    vd_options_apply(&options, &setting);
    ck_assert_uint_eq(options.rename_count, 1);
    vd_options_free(&options);
}
END_TEST

/* Did you mean --------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *nearest;
} meant[] = {
    {"down-atfer", "down-after"},
    {"down_after", "down-after"},
    {"downafter", "down-after"},
    {"qourum", "quorum"},
    {"quorun", "quorum"},
    {"QUORUM", "quorum"},
    {"parallel-sync", "parallel-syncs"},
    {"x", NULL},
    {"", NULL},
    {"completely-different", NULL},
};

START_TEST(did_you_mean)
{
    static const char *const names[] = {"down-after", "quorum", "parallel-syncs"};
    const char *found = vd_name_nearest(meant[_i].name, names, 3);

    ck_assert_pstr_eq(found, meant[_i].nearest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("option");
    TCase *tcase = tcase_create("option");

    tcase_add_test(tcase, every_option_has_its_row);
    tcase_add_test(tcase, names_found);
    suite_add_rows(tcase, numbers, values);
    tcase_add_test(tcase, texts);
    tcase_add_test(tcase, saved_text_comes_back);
    tcase_add_test(tcase, defaults);
    tcase_add_test(tcase, bad_saved_text_changes_nothing);
    tcase_add_test(tcase, renames);
    suite_add_rows(tcase, did_you_mean, meant);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
