/* SPDX-License-Identifier: BSD-3-Clause */
/* The store: there and back, refusals at opening, and whether what was saved may be trusted. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "depot.h"
#include "shell/state_dir.h"
#include "suite.h"

static struct vd_err err;

/* There and back ------------------------------------------------------------------ */

START_TEST(empty_at_first)
{
    struct vd_store *store = depot_open();
    struct vd_saved saved;
    struct stat status;
    bool found = true;

    ck_assert(vd_store_load(store, &saved, &found, &err));
    ck_assert(!found);
    ck_assert_uint_eq(saved.image.group_count, 0);
    vd_saved_free(&saved);
    vd_store_close(store);
    ck_assert_int_eq(stat(depot_dir, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
}
END_TEST

static void check_first_group(const struct vd_saved *saved)
{
    const struct vd_image_group *group = &saved->image.groups[0];
    const struct vd_options *options = group->options;

    ck_assert_str_eq(group->name, "my:group");
    ck_assert(group->from_config);
    ck_assert_str_eq(group->primary.host, "redis-1");
    ck_assert_str_eq(group->primary.ip, "10.0.0.1");
    ck_assert_int_eq(group->primary.port, 6379);
    ck_assert_uint_eq(group->config_epoch, UINT64_MAX);
    ck_assert_uint_eq(group->vote_epoch, 8);
    ck_assert_str_eq(group->vote.hex, ID2);
    ck_assert_str_eq(group->lineage.hex, ID1);
    ck_assert_str_eq(group->lineage_before.hex, ID2);
    ck_assert_int_eq(options->down_after_ms, 1234);
    ck_assert_uint_ne(options->quorum, 3); /* of the configuration: not saved */
    ck_assert_str_eq(options->auth_pass, "a \"b\"\n'; DROP TABLE monitored; --");
    ck_assert_uint_eq(options->rename_count, 2);
    ck_assert_str_eq(options->renames[0].from, "CONFIG");
    ck_assert_str_eq(options->renames[0].to, "a b");
    ck_assert_uint_eq(group->replica_count, 2);
    ck_assert_str_eq(group->replicas[0].host, "redis-2");
    ck_assert_str_eq(group->replicas[1].ip, "::1");
    ck_assert_uint_eq(group->peer_count, 2);
    ck_assert_str_eq(group->peers[1].id.hex, ID2);
    ck_assert_str_eq(group->peers[1].addr.host, "10.0.0.9");
}

START_TEST(there_and_back)
{
    struct vd_store *store = depot_open();
    struct vd_config *config = depot_make_config();
    struct depot_sample sample;
    struct vd_saved saved;

    depot_make_sample(&sample);
    vd_store_configured(store, config);
    depot_save(store, &sample.image);
    vd_store_close(store);
    depot_load(&saved);
    ck_assert_str_eq(saved.image.self.hex, ID1);
    ck_assert_uint_eq(saved.image.epoch, 42);
    ck_assert_str_eq(saved.image.globals->announce_ip, "10.9.9.9");
    ck_assert_uint_eq(saved.image.set_at_runtime, sample.image.set_at_runtime);
    ck_assert_uint_eq(saved.image.group_count, 2);
    check_first_group(&saved);
    ck_assert_uint_eq(saved.image.groups[0].set_at_runtime, sample.groups[0].set_at_runtime);
    ck_assert_str_eq(saved.groups[0].configured.host, "configured");
    ck_assert_int_eq(saved.groups[0].configured.port, 7000);
    ck_assert_str_eq(saved.groups[0].configured_text[VD_OPT_DOWN_AFTER], "777");
    ck_assert_ptr_null(saved.groups[0].configured_text[VD_OPT_AUTH_PASS]);
    /* Made by an order: all of its options are saved. */
    ck_assert_str_eq(saved.image.groups[1].name, "other");
    ck_assert(!saved.image.groups[1].from_config);
    ck_assert_uint_eq(saved.image.groups[1].options->quorum, 3);
    ck_assert_int_eq(saved.image.groups[1].options->down_after_ms, 1234);
    ck_assert_uint_eq(saved.image.groups[1].set_at_runtime, UINT64_C(1) << VD_OPT_QUORUM);
    ck_assert_int_eq(saved.groups[1].configured.port, 0);
    vd_saved_free(&saved);
    depot_free_config(config);
    depot_free_sample(&sample);
}
END_TEST

START_TEST(groups_not_in_the_image_stay)
{
    struct vd_store *store = depot_open();
    struct depot_sample sample;
    struct vd_saved saved;

    depot_make_sample(&sample);
    depot_save(store, &sample.image);
    sample.groups[0].vote_epoch = 9;
    sample.groups[0].replica_count = 1;
    sample.groups[0].peer_count = 0;
    sample.groups[0].set_at_runtime = 0;
    sample.image.group_count = 1;
    sample.image.epoch = 43;
    sample.image.set_at_runtime = 0;
    depot_save(store, &sample.image);
    vd_store_close(store);
    depot_load(&saved);
    ck_assert_uint_eq(saved.image.epoch, 43);
    ck_assert_uint_eq(saved.image.set_at_runtime, 0);
    ck_assert_uint_eq(saved.image.group_count, 2);
    ck_assert_uint_eq(saved.image.groups[0].vote_epoch, 9);
    ck_assert_uint_eq(saved.image.groups[0].replica_count, 1);
    ck_assert_uint_eq(saved.image.groups[0].peer_count, 0);
    ck_assert_uint_eq(saved.image.groups[0].set_at_runtime, 0);
    ck_assert_str_eq(saved.image.groups[1].name, "other");
    vd_saved_free(&saved);
    depot_free_sample(&sample);
}
END_TEST

START_TEST(removed_groups)
{
    const char *removed[] = {"my:group", "other"};
    struct vd_store *store = depot_open();
    struct vd_config *config = depot_make_config();
    struct depot_sample sample;
    struct vd_saved saved;

    depot_make_sample(&sample);
    vd_store_configured(store, config);
    depot_save(store, &sample.image);
    sample.image.removed = removed;
    sample.image.removed_count = 2;
    sample.image.group_count = 0;
    depot_save(store, &sample.image);
    vd_store_close(store);
    depot_load(&saved);
    ck_assert_uint_eq(saved.image.group_count, 0);
    /* Of the configured one it is remembered that it was removed, and where it was. */
    ck_assert_uint_eq(saved.tombstone_count, 1);
    ck_assert_str_eq(saved.tombstones[0].name, "my:group");
    ck_assert_int_eq(saved.tombstones[0].configured.port, 7000);
    vd_saved_free(&saved);
    /* Monitored again, in the same save as another removal. */
    store = depot_open();
    vd_store_configured(store, config);
    sample.image.group_count = 1;
    depot_save(store, &sample.image);
    vd_store_close(store);
    depot_load(&saved);
    ck_assert_uint_eq(saved.image.group_count, 1);
    ck_assert_uint_eq(saved.tombstone_count, 0);
    vd_saved_free(&saved);
    depot_free_config(config);
    depot_free_sample(&sample);
}
END_TEST

/* Refusals -------------------------------------------------------------------------- */

START_TEST(second_daemon)
{
    struct vd_store *store = depot_open();
    char pid[32];

    (void)snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
    ck_assert_ptr_null(vd_store_open(depot_dir, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "in use by another vedette"));
    ck_assert_ptr_nonnull(strstr(err.text, pid));
    ck_assert_ptr_nonnull(strstr(err.text, depot_dir));
    vd_store_close(store);
    vd_store_close(depot_open());
}
END_TEST

static void overwrite(const char *path, long at, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "r+");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void check_untouched(const char *path, const char *bytes, size_t len)
{
    char now[64] = "";
    FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(now, 1, len, file), len);
    ck_assert_mem_eq(now, bytes, len);
    (void)fclose(file);
}

START_TEST(no_database_at_all)
{
    char *path = depot_path("vedette.db");

    vd_store_close(depot_open());
    overwrite(path, 0, "this is my shopping list", 24);
    ck_assert_ptr_null(vd_store_open(depot_dir, &err));
    ck_assert_msg(strstr(err.text, "damaged") != NULL, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, path));
    check_untouched(path, "this is my shopping list", 24);
    vd_free(path);
}
END_TEST

START_TEST(damaged_pages)
{
    char *path = depot_path("vedette.db");
    char junk[512];
    struct vd_store *store = depot_open();
    struct depot_sample sample;

    depot_make_sample(&sample);
    depot_save(store, &sample.image);
    vd_store_close(store); /* checkpoints */
    memset(junk, 0xEE, sizeof(junk));
    overwrite(path, 2 * 4096, junk, sizeof(junk));
    ck_assert_ptr_null(vd_store_open(depot_dir, &err));
    ck_assert_msg(strstr(err.text, "damaged") != NULL, "%s", err.text);
    depot_free_sample(&sample);
    vd_free(path);
}
END_TEST

START_TEST(newer_version)
{
    vd_store_close(depot_open());
    depot_alter("PRAGMA user_version = 2");
    ck_assert_ptr_null(vd_store_open(depot_dir, &err));
    ck_assert_msg(strstr(err.text, "is of version 2") != NULL, "%s", err.text);
}
END_TEST

START_TEST(somebody_elses_database)
{
    char *path = depot_path("vedette.db");

    vd_store_close(depot_open());
    ck_assert_int_eq(unlink(path), 0);
    depot_alter("CREATE TABLE mine (a)");
    ck_assert_ptr_null(vd_store_open(depot_dir, &err));
    ck_assert_msg(strstr(err.text, "something else") != NULL, "%s", err.text);
    vd_free(path);
}
END_TEST

static const char *const spoils[] = {
    "UPDATE monitored SET port = 0",
    "UPDATE monitored SET vote = 'x' || vote",
    "UPDATE monitored_option SET value = 'never' WHERE name = 'down-after'",
    "UPDATE monitored_option SET name = 'no-such-option' WHERE name = 'down-after'",
    "UPDATE process SET self = ''",
    "UPDATE peer SET self = self || self",
    "UPDATE replica SET port = 65536",
};

START_TEST(rows_without_sense)
{
    struct vd_store *store = depot_open();
    struct vd_saved saved;
    struct depot_sample sample;
    bool found;

    depot_make_sample(&sample);
    depot_save(store, &sample.image);
    vd_store_close(store);
    depot_alter(spoils[_i]);
    store = depot_open();
    ck_assert_msg(!vd_store_load(store, &saved, &found, &err), "%s went unnoticed", spoils[_i]);
    ck_assert_msg(strstr(err.text, "cannot be used") != NULL, "%s", err.text);
    vd_store_close(store);
    depot_free_sample(&sample);
}
END_TEST

START_TEST(not_a_directory)
{
    FILE *file;

    vd_store_close(depot_open());
    (void)snprintf(depot_dir, sizeof(depot_dir), "%s/file", scratch_dir);
    file = fopen(depot_dir, "w");
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    ck_assert_ptr_null(vd_store_open(depot_dir, &err));
    ck_assert_msg(strstr(err.text, "is no directory") != NULL, "%s", err.text);
    (void)snprintf(depot_dir, sizeof(depot_dir), "%s/file/state", scratch_dir);
    ck_assert_ptr_null(vd_store_open(depot_dir, &err));
    ck_assert_msg(strstr(err.text, "cannot make the state directory") != NULL, "%s", err.text);
}
END_TEST

/* Trust ------------------------------------------------------------------------------ */

static bool load_unsound(void)
{
    struct vd_saved saved;
    bool unsound;

    depot_load(&saved);
    unsound = saved.unsound;
    vd_saved_free(&saved);
    return unsound;
}

START_TEST(unsound_until_settled)
{
    struct vd_store *store = depot_open();
    struct depot_sample sample;

    depot_make_sample(&sample);
    vd_store_set_unsound(store, true);
    depot_save(store, &sample.image);
    ck_assert(vd_store_is_unsound(store));
    vd_store_close(store);
    ck_assert(load_unsound());
    store = depot_open();
    vd_store_set_unsound(store, true);
    depot_save(store, &sample.image);
    ck_assert(vd_store_settle(store, false, &err));
    ck_assert(!vd_store_is_unsound(store));
    vd_store_close(store);
    ck_assert(!load_unsound());
    depot_free_sample(&sample);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *back = depot_case("there and back");
    TCase *refusals = depot_case("refusals");
    TCase *trust = depot_case("trust");

    tcase_add_test(back, empty_at_first);
    tcase_add_test(back, there_and_back);
    tcase_add_test(back, groups_not_in_the_image_stay);
    tcase_add_test(back, removed_groups);
    tcase_add_test(refusals, second_daemon);
    tcase_add_test(refusals, no_database_at_all);
    tcase_add_test(refusals, damaged_pages);
    tcase_add_test(refusals, newer_version);
    tcase_add_test(refusals, somebody_elses_database);
    suite_add_rows(refusals, rows_without_sense, spoils);
    tcase_add_test(refusals, not_a_directory);
    tcase_add_test(trust, unsound_until_settled);
    suite_add_tcase(suite, back);
    suite_add_tcase(suite, refusals);
    suite_add_tcase(suite, trust);
    return suite_run(suite);
}
