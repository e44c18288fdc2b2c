/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shipped conf/vedette.cfg: it passes --check, names every setting there
 * is and none other, and the values it shows as defaults are the defaults. The
 * manual names them all as well.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/option.h"
#include "proto/server_option.h"
#include "scratch.h"
#include "shell/conf_file.h"
#include "shell/conf_native.h"
#include "shell/config_load.h"
#include "suite.h"

static struct vd_text shipped;
static char *shipped_path;
static struct vd_text manual;

static void setup(void)
{
    const char *top = getenv("srcdir");
    char *manual_path = vd_conf_join(top == NULL ? "." : top, "man/vedette.cfg.5");
    struct vd_err err = {""};

    shipped_path = vd_conf_join(top == NULL ? "." : top, "conf/vedette.cfg");
    ck_assert_msg(vd_conf_file_read(shipped_path, &shipped, &err), "%s: %s", shipped_path,
                  err.text);
    ck_assert_msg(vd_conf_file_read(manual_path, &manual, &err), "%s: %s", manual_path, err.text);
    vd_free(manual_path);
}

static void teardown(void)
{
    vd_text_free(&shipped);
    vd_text_free(&manual);
    vd_free(shipped_path);
}

/* The "name = value;" of a setting, from behind its '#'; NULL: it is not there. */
static char *find_setting(const char *name)
{
    size_t len = strlen(name);

    for (const char *at = vd_text_cstr(&shipped); *at != '\0';
         at += strcspn(at, "\n"), at += *at == '\n') {
        const char *word = at + strspn(at, " #");

        if (strncmp(word, name, len) == 0 && strncmp(word + len, " = ", 3) == 0)
            return vd_memdup(word, strcspn(word, "\n"));
    }
    return NULL;
}

/* Is the setting's name the head of an item in the manual: ".It Cm name" or ", Cm name"? */
static bool is_in_manual(const char *name)
{
    size_t len = strlen(name);

    for (const char *at = vd_text_cstr(&manual); (at = strstr(at, "Cm ")) != NULL; at++) {
        if (strncmp(at + 3, name, len) == 0 && strchr(" \n", at[3 + len]) != NULL)
            return true;
    }
    return false;
}

static FILE *open_scratch(char path[SCRATCH_SIZE])
{
    FILE *file;

    scratch_template(path);
    file = fdopen(mkstemp(path), "w");
    ck_assert_ptr_nonnull(file);
    return file;
}

/* The configuration of one line alone, inside of a group or not. */
static void load_alone(struct vd_config *config, const char *line, bool of_group)
{
    char path[SCRATCH_SIZE];
    FILE *file = open_scratch(path);
    bool ok;

    ck_assert_int_gt(
        fprintf(file, of_group ? "groups=({name=\"m\";host=\"::1\";%s});" : "%s", line), 0);
    ck_assert_int_eq(fclose(file), 0);
    vd_config_init(config);
    ok = vd_conf_native_read(config, path);
    (void)unlink(path);
    if (!ok)
        ck_abort_msg("%s: %s", line, config->faults[0].reason);
}

START_TEST(passes_the_check)
{
    const char *const arguments[] = {shipped_path};
    struct vd_config config;
    struct vd_err err = {""};

    vd_config_init(&config);
    ck_assert_msg(vd_config_load(&config, 1, arguments, &err), "%s", err.text);
    ck_assert_uint_eq(config.warning_count, 0);
    ck_assert_uint_eq(config.group_count, 1);
    ck_assert_str_eq(config.groups[0].name, "mymaster");
    ck_assert_uint_eq(config.groups[0].options.quorum, 2);
    vd_config_free(&config);
}
END_TEST

static bool has_default(enum vd_option_kind kind)
{
    return kind == VD_KIND_COUNT || kind == VD_KIND_DURATION || kind == VD_KIND_SIZE ||
           kind == VD_KIND_BOOL || kind == VD_KIND_CHOICE;
}

static void check_option_default(const struct vd_option_row *row, const char *line)
{
    bool of_group = row->option < VD_OPT_GROUP_COUNT;
    struct vd_config config;
    struct vd_globals globals;
    struct vd_options options;
    struct vd_text said = {0};
    struct vd_text meant = {0};

    load_alone(&config, line, of_group);
    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    if (of_group) {
        ck_assert_uint_eq(config.groups[0].set, UINT64_C(1) << row->option);
        vd_option_print_group(row->option, &config.groups[0].options, &said);
        vd_option_print_group(row->option, &options, &meant);
    } else {
        ck_assert_uint_eq(config.globals_set, UINT64_C(1) << (row->option - VD_OPT_GROUP_COUNT));
        vd_option_print_global(row->option, &config.globals, &said);
        vd_option_print_global(row->option, &globals, &meant);
    }
    ck_assert_msg(strcmp(said.bytes, meant.bytes) == 0, "'%s', but the default is %s", line,
                  meant.bytes);
    vd_text_free(&said);
    vd_text_free(&meant);
    vd_config_free(&config);
}

START_TEST(every_option)
{
    size_t count;
    const struct vd_option_row *rows = vd_option_rows(&count);

    for (size_t i = 0; i < count; i++) {
        const char *name = rows[i].names[VD_IN_NATIVE];
        char *line = name == NULL ? NULL : find_setting(name);

        if (name == NULL)
            continue;
        ck_assert_msg(line != NULL, "%s is not in the file", name);
        ck_assert_msg(is_in_manual(name), "%s is not in the manual", name);
        if (has_default(rows[i].kind))
            check_option_default(&rows[i], line);
        vd_free(line);
    }
}
END_TEST

static void check_server_default(const struct vd_server_row *row, const char *line)
{
    struct vd_config config;
    struct vd_config defaults;

    load_alone(&config, line, false);
    vd_config_init(&defaults);
    ck_assert_msg(memcmp((char *)&config.server + row->offset,
                         (char *)&defaults.server + row->offset, row->size) == 0,
                  "'%s' is not the default", line);
    vd_config_free(&config);
    vd_config_free(&defaults);
}

START_TEST(every_server_setting)
{
    size_t count;
    const struct vd_server_row *rows = vd_server_rows(&count);

    for (size_t i = 0; i < count; i++) {
        const char *name = rows[i].native;
        char *line = name == NULL ? NULL : find_setting(name);

        if (name == NULL)
            continue;
        ck_assert_msg(line != NULL, "%s is not in the file", name);
        ck_assert_msg(is_in_manual(name), "%s is not in the manual", name);
        if (rows[i].kind != VD_SERVER_TEXT && rows[i].kind != VD_SERVER_PATH &&
            rows[i].kind != VD_SERVER_IP && rows[i].kind != VD_SERVER_SECRET &&
            rows[i].kind != VD_SERVER_LIST)
            check_server_default(&rows[i], line);
        vd_free(line);
    }
}
END_TEST

/* With every '#' before a setting taken away, the file says nothing that is unknown. */
START_TEST(no_other_setting)
{
    char path[SCRATCH_SIZE];
    FILE *file = open_scratch(path);
    struct vd_config config;

    for (const char *at = vd_text_cstr(&shipped); *at != '\0';
         at += strcspn(at, "\n"), at += *at == '\n') {
        const char *word = at + strspn(at, " ");
        /* "#name = ..."; of sections also the lines within, "#  ...", and "#};". Prose is "# ...".
         */
        bool setting = word[0] == '#' && ((word[1] >= 'a' && word[1] <= 'z') || word[1] == '}' ||
                                          strncmp(word, "#  ", 3) == 0);

        ck_assert_int_ge(
            fprintf(file, "%.*s\n", (int)strcspn(word + setting, "\n"), word + setting), 0);
    }
    ck_assert_int_eq(fclose(file), 0);
    vd_config_init(&config);
    (void)!vd_conf_native_read(&config, path);
    (void)unlink(path);
    ck_assert_uint_gt(config.fault_count, 0); /* examples that are not there, secrets given twice */
    for (size_t i = 0; i < config.fault_count; i++)
        ck_assert_msg(strstr(config.faults[i].reason, "there is no setting") == NULL &&
                          strstr(config.faults[i].reason, "syntax") == NULL,
                      "%s", config.faults[i].reason);
    vd_config_free(&config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vedette_cfg");
    TCase *tcase = tcase_create("vedette_cfg");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, passes_the_check);
    tcase_add_test(tcase, every_option);
    tcase_add_test(tcase, every_server_setting);
    tcase_add_test(tcase, no_other_setting);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
