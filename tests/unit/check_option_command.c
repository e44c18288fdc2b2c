/* SPDX-License-Identifier: BSD-3-Clause */
/* SENTINEL SET, CONFIG SET and DEBUG: what they take, and Sentinel's words for what they refuse. */
#include <check.h>
#include <string.h>

#include "proto/option.h"
#include "suite.h"

static struct vd_arena arena;

static void teardown(void)
{
    vd_arena_free(&arena);
}

static struct vd_words split(const char *line)
{
    struct vd_words words;

    ck_assert(vd_words_split(line, strlen(line), &arena, &words));
    return words;
}

/* Commands -------------------------------------------------------------------------- */

static bool accept_true(const char *path)
{
    return strcmp(path, "/bin/true") == 0;
}

#define DENIED                                                                                     \
    "ERR Reconfiguration of scripts path is denied for security reasons. Check the "               \
    "deny-scripts-reconfig configuration directive in your Sentinel configuration"
#define UNKNOWN_SET "ERR Unknown option or number of arguments for SENTINEL SET "

static const struct {
    const char *line;
    bool deny;
    const char *reply; /* NULL: accepted */
    const char *shown;
} sets[] = {
    {"down-after-milliseconds 100", true, NULL, "100"},
    {"DOWN-after-milliseconds 100", true, NULL, "100"},
    {"down-after-milliseconds 0", true,
     "ERR Invalid argument '0' for SENTINEL SET 'down-after-milliseconds'", NULL},
    {"Quorum 1.5", true, "ERR Invalid argument '1.5' for SENTINEL SET 'Quorum'", NULL},
    {"parallel-syncs 0", true, "ERR Invalid argument '0' for SENTINEL SET 'parallel-syncs'", NULL},
    {"quorum", true, UNKNOWN_SET "'quorum'", NULL},
    {"nosuch 1", true, UNKNOWN_SET "'nosuch'", NULL},
    {"known-replica 1", true, UNKNOWN_SET "'known-replica'", NULL},
    {"auth-pass geheim", true, NULL, "******"},
    {"auth-pass \"\"", true, NULL, "******"},
    {"auth-user me", true, NULL, "me"},
    {"rename-command CONFIG", true, UNKNOWN_SET "'rename-command'", NULL},
    {"rename-command CONFIG cfg", true, NULL, "CONFIG cfg"},
    {"rename-command CONFIG \"\"", true,
     "ERR Invalid argument '' for SENTINEL SET 'rename-command'", NULL},
    {"rename-command \"\" x", true, "ERR Invalid argument '' for SENTINEL SET 'rename-command'",
     NULL},
    {"notification-script /bin/true", true, DENIED, NULL},
    {"notification-script /bin/true", false, NULL, "/bin/true"},
    {"notification-script \"\"", false, NULL, ""},
    {"notification-script /bin/no", false,
     "ERR Notification script seems non existing or non executable", NULL},
    {"client-reconfig-script /bin/no", false,
     "ERR Client reconfiguration script seems non existing or non executable", NULL},
    {"master-reboot-down-after-period 0", true, NULL, "0"},
    {"primary-reboot-down-after-period 5", true, NULL, "5"},
    {"master-reboot-down-after-period -1", true,
     "ERR Invalid argument '-1' for SENTINEL SET 'master-reboot-down-after-period'", NULL},
    {"down-after-refused 300ms", true, NULL, "300ms"},
    {"reboot-failover maybe", true,
     "ERR Invalid argument 'maybe' for SENTINEL SET 'reboot-failover'", NULL},
    {"quorum \"1\\r\\n+OK\"", true, "ERR Invalid argument '1  +OK' for SENTINEL SET 'quorum'",
     NULL},
};

START_TEST(sentinel_set)
{
    struct vd_option_world world = {sets[_i].deny, accept_true};
    struct vd_words words = split(sets[_i].line);
    struct vd_setting setting;
    struct vd_err err = {""};
    size_t at = 0;
    bool ok = vd_option_set(words.list, words.count, &at, &world, &arena, &setting, &err);

    if (sets[_i].reply != NULL) {
        ck_assert(!ok);
        ck_assert_str_eq(err.text, sets[_i].reply);
        return;
    }
    ck_assert_msg(ok, "%s", err.text);
    ck_assert_uint_eq(at, words.count);
    ck_assert_str_eq(setting.shown, sets[_i].shown);
    ck_assert_str_eq(setting.word, words.list[0].bytes);
}
END_TEST

START_TEST(sentinel_set_many)
{
    struct vd_option_world world = {true, accept_true};
    struct vd_words words = split("quorum 3 rename-command a b down-after-milliseconds 5 quorum");
    struct vd_setting setting;
    size_t at = 0;

    ck_assert(vd_option_set(words.list, words.count, &at, &world, &arena, &setting, NULL));
    ck_assert_uint_eq(at, 2);
    ck_assert(vd_option_set(words.list, words.count, &at, &world, &arena, &setting, NULL));
    ck_assert_uint_eq(at, 5);
    ck_assert_str_eq(setting.text2, "b");
    ck_assert(vd_option_set(words.list, words.count, &at, &world, &arena, &setting, NULL));
    ck_assert_uint_eq(at, 7);
    ck_assert(!vd_option_set(words.list, words.count, &at, &world, &arena, &setting, NULL));
    ck_assert_uint_eq(at, 7);
}
END_TEST

static const struct {
    const char *line;
    const char *reply; /* NULL: accepted */
} config_sets[] = {
    {"resolve-hostnames YES announce-ip 10.0.0.1 LOGLEVEL Debug", NULL},
    {"sentinel-pass \"\" announce-port 0", NULL},
    {"quorum 1", "ERR Invalid argument 'quorum' to SENTINEL CONFIG SET"},
    {"announce-ip a Announce-IP b", "ERR Duplicate argument 'Announce-IP' to SENTINEL CONFIG SET"},
    {"announce-ip", "ERR Missing argument 'announce-ip' value"},
    {"resolve-hostnames yes announce-ip", "ERR Missing argument 'announce-ip' value"},
    {"resolve-hostnames 1", "ERR Invalid value '1' to SENTINEL CONFIG SET 'resolve-hostnames'"},
    {"announce-port 65536", "ERR Invalid value '65536' to SENTINEL CONFIG SET 'announce-port'"},
    {"loglevel loud", "ERR Invalid value 'loud' to SENTINEL CONFIG SET 'loglevel'"},
    {"announce-ip \"a b\"", "ERR Invalid value 'a b' to SENTINEL CONFIG SET 'announce-ip'"},
};

START_TEST(config_set)
{
    struct vd_words words = split(config_sets[_i].line);
    const struct vd_setting *settings = NULL;
    struct vd_err err = {""};
    size_t count = 0;
    bool ok = vd_option_config_set(words.list, words.count, &arena, &settings, &count, &err);

    if (config_sets[_i].reply != NULL) {
        ck_assert(!ok);
        ck_assert_str_eq(err.text, config_sets[_i].reply);
        return;
    }
    ck_assert_msg(ok, "%s", err.text);
    ck_assert_uint_eq(count, words.count / 2);
    ck_assert_int_eq(settings[0].option,
                     vd_option_find(VD_IN_CONFIG, words.list[0].bytes, words.list[0].len)->option);
}
END_TEST

static const struct {
    const char *line;
    const char *reply; /* NULL: accepted */
} debugs[] = {
    {"info-period 100", NULL},
    {"SLAVE-RECONF-TIMEOUT 1", NULL},
    {"info-period 0", "ERR Invalid argument '0' for SENTINEL DEBUG 'info-period'"},
    {"info-period x", "ERR Invalid argument 'x' for SENTINEL DEBUG 'info-period'"},
    {"info-period", "ERR Unknown option or number of arguments for SENTINEL DEBUG 'info-period'"},
    {"quorum 1", "ERR Unknown option or number of arguments for SENTINEL DEBUG 'quorum'"},
};

START_TEST(debug)
{
    struct vd_words words = split(debugs[_i].line);
    struct vd_setting setting;
    struct vd_err err = {""};
    size_t at = 0;
    bool ok = vd_option_debug(words.list, words.count, &at, &setting, &err);

    ck_assert_int_eq(ok, debugs[_i].reply == NULL);
    if (!ok)
        ck_assert_str_eq(err.text, debugs[_i].reply);
    ck_assert_uint_eq(at, ok ? 2 : 0);
}
END_TEST

/* A name of any length fits an error; none of it can break the reply. */
START_TEST(long_words)
{
    struct vd_option_world world = {true, accept_true};
    char name[2000];
    struct vd_word words[2] = {{name, sizeof(name) - 1}, {"1", 1}};
    struct vd_setting setting;
    struct vd_err err = {""};
    size_t at = 0;

    memset(name, '\n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ck_assert(!vd_option_set(words, 2, &at, &world, &arena, &setting, &err));
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert_int_eq(err.text[strlen(err.text) - 1], '\'');
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("option_command");
    TCase *tcase = tcase_create("option_command");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    suite_add_rows(tcase, sentinel_set, sets);
    tcase_add_test(tcase, sentinel_set_many);
    suite_add_rows(tcase, config_set, config_sets);
    suite_add_rows(tcase, debug, debugs);
    tcase_add_test(tcase, long_words);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
