/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration against saved state: who wins, for every kind of line and every kind of change. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/addr.h"
#include "shell/log.h"
#include "shell/restore.h"
#include "shell/store.h"
#include "suite.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define ID2 "1123456789abcdef0123456789abcdef01234567"
#define BIT(option) (UINT64_C(1) << (option))
#define GLOBAL_BIT(option) (UINT64_C(1) << ((option)-VD_OPT_GROUP_COUNT))

/* The log of the room under test, line by line. */
static char logged[4096];

void vd_log(enum vd_log_level level, const char *format, ...)
{
    size_t used = strlen(logged);
    va_list args;

    (void)level;
    va_start(args, format);
    (void)vsnprintf(logged + used, sizeof(logged) - used, format, args);
    va_end(args);
}

/* One group configured and saved; each test changes what it is about ------------------------- */

static struct vd_config config;
static struct vd_config_group *line;
static struct vd_saved saved;
static struct vd_image_group group; /* as saved */
static struct vd_saved_group about;
static struct vd_options options; /* as saved */
static struct vd_globals globals; /* as saved */
static struct vd_addr replicas[2];
static struct vd_image_peer peer;
static struct vd_tombstone tombstone;
static struct vd_arena arena;

static struct vd_addr addr(const char *host, uint16_t port)
{
    struct vd_addr made;

    ck_assert(vd_addr_set(&made, host, strlen(host), port));
    return made;
}

static void setup(void)
{
    logged[0] = '\0';
    vd_config_init(&config);
    line = vd_config_add(&config, "m");
    line->addr = addr("10.0.0.1", 6379);
    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    replicas[0] = addr("10.0.0.1", 6379);
    replicas[1] = addr("10.0.0.3", 6379);
    peer = (struct vd_image_peer){.id = {ID2}, .addr = addr("10.0.0.7", 26379)};
    group = (struct vd_image_group){
        .name = "m",
        .from_config = true,
        .primary = addr("10.0.0.2", 6379), /* there was a failover */
        .config_epoch = 7,
        .vote_epoch = 9,
        .vote = {ID2},
        .lineage = {ID},
        .options = &options,
        .replicas = replicas,
        .replica_count = 2,
        .peers = &peer,
        .peer_count = 1,
    };
    about = (struct vd_saved_group){.configured = line->addr};
    saved = (struct vd_saved){
        .image =
            {.self = {ID}, .epoch = 11, .globals = &globals, .groups = &group, .group_count = 1},
        .groups = &about,
    };
}

static void teardown(void)
{
    vd_config_free(&config);
    vd_options_free(&options);
    vd_globals_free(&globals);
    vd_arena_free(&arena);
}

static const struct vd_image *merge(void)
{
    bool fresh;
    const struct vd_image *image = vd_restore_merge(&config, &saved, &arena, &fresh);

    ck_assert(!fresh);
    return image;
}

static void set_saved(enum vd_option option, int64_t number, const char *text)
{
    struct vd_setting setting = {.option = option, .number = number, .text = text};

    vd_options_apply(&options, &setting);
    group.set_at_runtime |= BIT(option);
}

static void set_line(enum vd_option option, int64_t number, const char *text)
{
    struct vd_setting setting = {.option = option, .number = number, .text = text};

    vd_options_apply(&line->options, &setting);
    line->set |= BIT(option);
}

/* No state --------------------------------------------------------------------------------- */

START_TEST(nothing_saved)
{
    bool fresh = false;
    const struct vd_image *image = vd_restore_merge(&config, NULL, &arena, &fresh);

    ck_assert(fresh);
    ck_assert_str_eq(image->self.hex, "");
    ck_assert_uint_eq(image->group_count, 1);
    ck_assert(image->groups[0].from_config);
    ck_assert_str_eq(image->groups[0].primary.host, "10.0.0.1");
    ck_assert_uint_eq(image->groups[0].set_at_runtime, 0);
    ck_assert_int_eq(image->groups[0].options->down_after_ms, 30000);
    ck_assert_int_eq(image->globals->info_period_ms, 10000);
    ck_assert_str_eq(logged, "");
}
END_TEST

/* Restarted before any primary had told of itself: who is saved was only named to us. */
START_TEST(hints_stay_hints_until_a_primary_has_spoken)
{
    line->replicas_are_hints = true;
    group.primary = line->addr;
    group.config_epoch = 0;
    group.lineage = (struct vd_id){""};
    ck_assert(merge()->groups[0].replicas_are_hints);
    ck_assert_uint_eq(merge()->groups[0].replica_count, 2);
    group.lineage = (struct vd_id){ID};
    ck_assert(!merge()->groups[0].replicas_are_hints);
    group.lineage = (struct vd_id){""};
    group.config_epoch = 1;
    ck_assert(!merge()->groups[0].replicas_are_hints);
    group.config_epoch = 0;
    line->replicas_are_hints = false;
    ck_assert(!merge()->groups[0].replicas_are_hints);
}
END_TEST

START_TEST(a_sentinel_conf_is_taken_over)
{
    bool fresh;
    const struct vd_image *image;

    config.myid = (struct vd_id){ID2};
    config.current_epoch = 3;
    line->config_epoch = 5;
    line->leader_epoch = 4;
    line->replicas = vd_calloc(1, sizeof(line->replicas[0]));
    line->replicas[0] = addr("10.0.0.5", 6379);
    line->replica_count = 1;
    image = vd_restore_merge(&config, NULL, &arena, &fresh);
    ck_assert(fresh);
    ck_assert_str_eq(image->self.hex, ID2);
    ck_assert_uint_eq(image->epoch, 5);
    ck_assert_uint_eq(image->groups[0].config_epoch, 5);
    ck_assert_uint_eq(image->groups[0].vote_epoch, 4);
    ck_assert_str_eq(image->groups[0].vote.hex, "");
    ck_assert_uint_eq(image->groups[0].replica_count, 1);
}
END_TEST

START_TEST(what_a_file_brings_along_counts_once)
{
    const struct vd_image *image;

    config.myid = (struct vd_id){ID2};
    config.current_epoch = 3;
    line->config_epoch = 5;
    line->leader_epoch = 4;
    image = merge();
    ck_assert_str_eq(image->self.hex, ID);
    ck_assert_ptr_nonnull(strstr(logged, ID2));
    ck_assert_uint_eq(image->epoch, 11);
    ck_assert_uint_eq(image->groups[0].config_epoch, 7);
    ck_assert_uint_eq(image->groups[0].vote_epoch, 9);
    ck_assert_uint_eq(image->groups[0].replica_count, 2);
}
END_TEST

/* Address ------------------------------------------------------------------------------------- */

START_TEST(the_saved_primary_wins)
{
    const struct vd_image *image = merge();

    ck_assert_str_eq(image->self.hex, ID);
    ck_assert_uint_eq(image->epoch, 11);
    ck_assert_uint_eq(image->group_count, 1);
    ck_assert_str_eq(image->groups[0].primary.host, "10.0.0.2");
    ck_assert_uint_eq(image->groups[0].config_epoch, 7);
    ck_assert_uint_eq(image->groups[0].vote_epoch, 9);
    ck_assert_str_eq(image->groups[0].vote.hex, ID2);
    ck_assert_str_eq(image->groups[0].lineage.hex, ID);
    ck_assert_uint_eq(image->groups[0].peer_count, 1);
    ck_assert_str_eq(logged, "");
}
END_TEST

static const struct {
    const char *host;
    uint16_t port;
} moved[] = {{"10.0.0.9", 6379}, {"10.0.0.1", 6380}};

START_TEST(a_changed_address_wins)
{
    const struct vd_image *image;

    line->addr = addr(moved[_i].host, moved[_i].port);
    image = merge();
    ck_assert_str_eq(image->groups[0].primary.host, moved[_i].host);
    ck_assert_int_eq(image->groups[0].primary.port, moved[_i].port);
    ck_assert_uint_eq(image->groups[0].replica_count, 0);
    ck_assert_str_eq(image->groups[0].lineage.hex, "");
    /* Neither votes nor epochs nor peers are forgotten. */
    ck_assert_uint_eq(image->groups[0].vote_epoch, 9);
    ck_assert_str_eq(image->groups[0].vote.hex, ID2);
    ck_assert_uint_eq(image->groups[0].config_epoch, 7);
    ck_assert_uint_eq(image->groups[0].peer_count, 1);
    ck_assert_ptr_nonnull(strstr(logged, "configured address has changed"));
}
END_TEST

/* Options -------------------------------------------------------------------------------------- */

/* configured then and now (NULL: not named), and whether the runtime value still stands. */
static const struct {
    const char *then;
    const char *now;
    bool stands;
} lines[] = {
    {NULL, NULL, true},
    {"5000", "5000", true},
    {"5000", "6000", false},
    {NULL, "5000", false},
    {"5000", NULL, false},
    /* the same as the default, but now it is written down */
    {NULL, "30000", false},
};

START_TEST(a_number_set_at_runtime)
{
    const struct vd_image *image;

    set_saved(VD_OPT_DOWN_AFTER, 777, NULL);
    about.configured_text[VD_OPT_DOWN_AFTER] = lines[_i].then;
    if (lines[_i].now != NULL)
        set_line(VD_OPT_DOWN_AFTER, atoi(lines[_i].now), NULL);
    image = merge();
    ck_assert_int_eq(image->groups[0].options->down_after_ms,
                     lines[_i].stands ? 777 : line->options.down_after_ms);
    ck_assert_uint_eq(image->groups[0].set_at_runtime,
                      lines[_i].stands ? BIT(VD_OPT_DOWN_AFTER) : 0);
    ck_assert_int_eq(strstr(logged, "configured down-after has changed") != NULL,
                     !lines[_i].stands);
}
END_TEST

START_TEST(a_text_set_at_runtime)
{
    const struct vd_image *image;

    set_saved(VD_OPT_AUTH_PASS, 0, "new");
    set_saved(VD_OPT_AUTH_USER, 0, NULL); /* unset at runtime */
    set_line(VD_OPT_AUTH_PASS, 0, "old");
    set_line(VD_OPT_AUTH_USER, 0, "me");
    about.configured_text[VD_OPT_AUTH_PASS] = "old";
    about.configured_text[VD_OPT_AUTH_USER] = "me";
    image = merge();
    ck_assert_str_eq(image->groups[0].options->auth_pass, "new");
    ck_assert_ptr_null(image->groups[0].options->auth_user);
    about.configured_text[VD_OPT_AUTH_PASS] = "older";
    image = merge();
    ck_assert_str_eq(image->groups[0].options->auth_pass, "old");
    ck_assert_ptr_null(strstr(logged, "old")); /* never a secret */
}
END_TEST

START_TEST(renames_set_at_runtime)
{
    const struct vd_image *image;
    struct vd_setting setting = {.option = VD_OPT_RENAME_COMMAND, .text = "CONFIG", .text2 = "a"};

    vd_options_apply(&options, &setting);
    group.set_at_runtime = BIT(VD_OPT_RENAME_COMMAND);
    image = merge();
    ck_assert_uint_eq(image->groups[0].options->rename_count, 1);
    setting.text2 = "b";
    vd_options_apply(&line->options, &setting);
    line->set = BIT(VD_OPT_RENAME_COMMAND);
    image = merge();
    ck_assert_str_eq(image->groups[0].options->renames[0].to, "b");
    about.configured_text[VD_OPT_RENAME_COMMAND] = "CONFIG b";
    image = merge();
    ck_assert_str_eq(image->groups[0].options->renames[0].to, "a");
}
END_TEST

START_TEST(what_was_not_set_at_runtime_follows_the_configuration)
{
    const struct vd_image *image;

    options.failover_timeout_ms = 1; /* saved, but not by SENTINEL SET */
    set_line(VD_OPT_QUORUM, 5, NULL);
    set_saved(VD_OPT_DOWN_AFTER, 777, NULL);
    image = merge();
    ck_assert_int_eq(image->groups[0].options->failover_timeout_ms, 180000);
    ck_assert_uint_eq(image->groups[0].options->quorum, 5);
    ck_assert_int_eq(image->groups[0].options->down_after_ms, 777);
}
END_TEST

START_TEST(options_of_the_process)
{
    const struct vd_image *image;

    globals.announce_ip = vd_strdup("10.0.0.77");
    globals.announce_port = 7;
    globals.info_period_ms = 1; /* not set at runtime */
    saved.image.set_at_runtime = GLOBAL_BIT(VD_OPT_ANNOUNCE_IP) | GLOBAL_BIT(VD_OPT_ANNOUNCE_PORT);
    saved.configured_global[VD_OPT_ANNOUNCE_PORT - VD_OPT_GROUP_COUNT] = "5";
    config.globals.announce_port = 5;
    config.globals_set = GLOBAL_BIT(VD_OPT_ANNOUNCE_PORT);
    image = merge();
    ck_assert_str_eq(image->globals->announce_ip, "10.0.0.77");
    ck_assert_int_eq(image->globals->announce_port, 7);
    ck_assert_int_eq(image->globals->info_period_ms, 10000);
    ck_assert_uint_eq(image->set_at_runtime, saved.image.set_at_runtime);
    config.globals.announce_port = 6;
    image = merge();
    ck_assert_int_eq(image->globals->announce_port, 6);
    ck_assert_uint_eq(image->set_at_runtime, GLOBAL_BIT(VD_OPT_ANNOUNCE_IP));
    ck_assert_ptr_nonnull(strstr(logged, "announce-port"));
}
END_TEST

/* Groups that come and go -------------------------------------------------------------------------
 */

START_TEST(a_group_gone_from_the_configuration)
{
    const struct vd_image *image;

    vd_config_free(&config);
    vd_config_init(&config);
    image = merge();
    ck_assert_uint_eq(image->group_count, 0);
    ck_assert_uint_eq(image->removed_count, 1);
    ck_assert_str_eq(image->removed[0], "m");
    ck_assert_ptr_nonnull(strstr(logged, "m: no longer in the configuration"));
}
END_TEST

START_TEST(a_new_group)
{
    const struct vd_image *image;

    vd_config_add(&config, "n")->addr = addr("10.0.1.1", 6379);
    vd_config_find(&config, "n")->config_epoch = 99;
    image = merge();
    ck_assert_uint_eq(image->group_count, 2);
    ck_assert_str_eq(image->groups[1].name, "n");
    ck_assert_str_eq(image->groups[1].primary.host, "10.0.1.1");
    ck_assert_uint_eq(image->epoch, 99);
}
END_TEST

START_TEST(a_group_of_monitor)
{
    const struct vd_image *image;

    group.name = "r";
    group.from_config = false;
    about.configured.port = 0;
    set_saved(VD_OPT_DOWN_AFTER, 777, NULL);
    image = merge();
    ck_assert_uint_eq(image->group_count, 2);
    ck_assert_str_eq(image->groups[0].name, "m");
    ck_assert_str_eq(image->groups[1].name, "r");
    ck_assert(!image->groups[1].from_config);
    ck_assert_int_eq(image->groups[1].options->down_after_ms, 777);
    ck_assert_str_eq(image->groups[1].primary.host, "10.0.0.2");
    ck_assert_uint_eq(image->removed_count, 0);
}
END_TEST

/* By where the line points: a server of the group, or elsewhere. */
static const struct {
    const char *host;
    const char *primary;
    size_t replica_count;
} adopted[] = {
    {"10.0.0.2", "10.0.0.2", 2},
    {"10.0.0.3", "10.0.0.2", 2},
    {"10.0.0.9", "10.0.0.9", 0},
};

START_TEST(a_group_of_monitor_gets_its_line)
{
    const struct vd_image *image;

    group.from_config = false;
    about.configured.port = 0;
    set_saved(VD_OPT_DOWN_AFTER, 777, NULL);
    line->addr = addr(adopted[_i].host, 6379);
    image = merge();
    ck_assert_uint_eq(image->group_count, 1);
    ck_assert(image->groups[0].from_config);
    ck_assert_str_eq(image->groups[0].primary.host, adopted[_i].primary);
    ck_assert_uint_eq(image->groups[0].replica_count, adopted[_i].replica_count);
    ck_assert_int_eq(image->groups[0].options->down_after_ms, 30000);
    ck_assert_uint_eq(image->groups[0].set_at_runtime, 0);
    ck_assert_uint_eq(image->groups[0].vote_epoch, 9);
}
END_TEST

static void bury(void)
{
    tombstone = (struct vd_tombstone){"m", addr("10.0.0.1", 6379)};
    saved.tombstones = &tombstone;
    saved.tombstone_count = 1;
    saved.image.group_count = 0;
}

START_TEST(a_removed_group_stays_away)
{
    const struct vd_image *image;

    bury();
    image = merge();
    ck_assert_uint_eq(image->group_count, 0);
    ck_assert_uint_eq(image->removed_count, 0);
    ck_assert_ptr_nonnull(strstr(logged, "m: removed at runtime"));
}
END_TEST

START_TEST(a_removed_group_comes_back_with_a_new_address)
{
    const struct vd_image *image;

    bury();
    line->addr = addr("10.0.0.9", 6379);
    image = merge();
    ck_assert_uint_eq(image->group_count, 1);
    ck_assert_str_eq(image->groups[0].primary.host, "10.0.0.9");
}
END_TEST

START_TEST(a_removed_group_monitored_anew)
{
    const struct vd_image *image;

    bury();
    saved.image.group_count = 1;
    group.from_config = false;
    about.configured.port = 0;
    image = merge();
    ck_assert_uint_eq(image->group_count, 1);
    ck_assert(!image->groups[0].from_config);
    ck_assert_str_eq(image->groups[0].primary.host, "10.0.0.2");
}
END_TEST

/* A line added while the daemon ran comes in by MONITOR, but is the configuration's all the same.
 */
START_TEST(a_line_added_at_runtime)
{
    const struct vd_image *image;

    group.from_config = false;
    set_saved(VD_OPT_DOWN_AFTER, 777, NULL);
    image = merge();
    ck_assert_uint_eq(image->group_count, 1);
    ck_assert(image->groups[0].from_config);
    ck_assert_str_eq(image->groups[0].primary.host, "10.0.0.2");
    ck_assert_int_eq(image->groups[0].options->down_after_ms, 777);
    vd_config_free(&config);
    vd_config_init(&config);
    image = merge();
    ck_assert_uint_eq(image->group_count, 0);
    ck_assert_uint_eq(image->removed_count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("restore");
    TCase *tcase = tcase_create("restore");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, nothing_saved);
    tcase_add_test(tcase, a_sentinel_conf_is_taken_over);
    tcase_add_test(tcase, hints_stay_hints_until_a_primary_has_spoken);
    tcase_add_test(tcase, what_a_file_brings_along_counts_once);
    tcase_add_test(tcase, the_saved_primary_wins);
    suite_add_rows(tcase, a_changed_address_wins, moved);
    suite_add_rows(tcase, a_number_set_at_runtime, lines);
    tcase_add_test(tcase, a_text_set_at_runtime);
    tcase_add_test(tcase, renames_set_at_runtime);
    tcase_add_test(tcase, what_was_not_set_at_runtime_follows_the_configuration);
    tcase_add_test(tcase, options_of_the_process);
    tcase_add_test(tcase, a_group_gone_from_the_configuration);
    tcase_add_test(tcase, a_new_group);
    tcase_add_test(tcase, a_group_of_monitor);
    suite_add_rows(tcase, a_group_of_monitor_gets_its_line, adopted);
    tcase_add_test(tcase, a_line_added_at_runtime);
    tcase_add_test(tcase, a_removed_group_stays_away);
    tcase_add_test(tcase, a_removed_group_comes_back_with_a_new_address);
    tcase_add_test(tcase, a_removed_group_monitored_anew);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
