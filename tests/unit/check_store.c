/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store: there and back, refusals at opening, a process killed in the
 * middle of saving, a full disk, the history. Every test has a directory of
 * its own.
 */
#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "proto/config.h"
#include "shell/clock.h"
#include "shell/state_dir.h"
#include "shell/store.h"
#include "suite.h"
#include "victim.h"

#define ID1 "1111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222"

static char top[] = "/tmp/vedette-store-XXXXXX";
static char dir[128];
static struct vd_err err;

static void begin(void)
{
    memcpy(top + strlen(top) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(top));
    (void)snprintf(dir, sizeof(dir), "%s/a/state", top);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void finish(void)
{
    (void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct vd_store *must_open(void)
{
    struct vd_store *store = vd_store_open(dir, &err);

    ck_assert_msg(store != NULL, "%s", err.text);
    return store;
}

static void must_save(struct vd_store *store, const struct vd_image *image)
{
    struct vd_receipt receipt = {false};

    ck_assert_msg(vd_store_save(store, image, &receipt, &err), "%s", err.text);
    ck_assert(receipt.durable);
}

/* Opens, loads and closes. */
static void must_load(struct vd_saved *saved)
{
    struct vd_store *store = must_open();
    bool found;

    ck_assert_msg(vd_store_load(store, saved, &found, &err), "%s", err.text);
    ck_assert(found);
    vd_store_close(store);
}

/* An image with one group that has everything. */
struct sample {
    struct vd_globals globals;
    struct vd_options options;
    struct vd_addr replicas[2];
    struct vd_image_peer peers[2];
    struct vd_image_group groups[2];
    struct vd_image image;
};

static void set_text(struct vd_options *options, enum vd_option option, const char *text,
                     const char *text2)
{
    struct vd_setting setting = {.option = option, .text = text, .text2 = text2};

    vd_options_apply(options, &setting);
}

static void make_sample(struct sample *sample)
{
    struct vd_setting setting = {.option = VD_OPT_ANNOUNCE_IP, .text = "10.9.9.9"};

    memset(sample, 0, sizeof(*sample));
    vd_globals_init(&sample->globals);
    vd_globals_apply(&sample->globals, &setting);
    vd_options_init(&sample->options, &sample->globals);
    sample->options.quorum = 3;
    sample->options.down_after_ms = 1234;
    set_text(&sample->options, VD_OPT_AUTH_PASS, "a \"b\"\n'; DROP TABLE monitored; --", NULL);
    set_text(&sample->options, VD_OPT_RENAME_COMMAND, "CONFIG", "a b");
    set_text(&sample->options, VD_OPT_RENAME_COMMAND, "SLAVEOF", "xyz");
    sample->replicas[0] = (struct vd_addr){.host = "redis-2", .ip = "10.0.0.2", .port = 6379};
    sample->replicas[1] = (struct vd_addr){.host = "::1", .ip = "::1", .port = 6380};
    sample->peers[0] = (struct vd_image_peer){{ID1}, {.host = "10.0.0.8", .port = 26379}};
    sample->peers[1] = (struct vd_image_peer){{ID2}, {.host = "10.0.0.9", .port = 26379}};
    sample->groups[0] = (struct vd_image_group){
        .name = "my:group",
        .from_config = true,
        .primary = {.host = "redis-1", .ip = "10.0.0.1", .port = 6379},
        .config_epoch = UINT64_MAX,
        .vote_epoch = 8,
        .vote = {ID2},
        .lineage = {ID1},
        .lineage_before = {ID2},
        .options = &sample->options,
        .set_at_runtime = (UINT64_C(1) << VD_OPT_DOWN_AFTER) | (UINT64_C(1) << VD_OPT_AUTH_PASS) |
                          (UINT64_C(1) << VD_OPT_RENAME_COMMAND),
        .replicas = sample->replicas,
        .replica_count = 2,
        .peers = sample->peers,
        .peer_count = 2};
    sample->groups[1] =
        (struct vd_image_group){.name = "other",
                                .primary = {.host = "10.0.1.1", .ip = "10.0.1.1", .port = 6379},
                                .options = &sample->options,
                                .set_at_runtime = UINT64_C(1) << VD_OPT_QUORUM};
    sample->image = (struct vd_image){.self = {ID1},
                                      .epoch = 42,
                                      .globals = &sample->globals,
                                      .set_at_runtime =
                                          UINT64_C(1) << (VD_OPT_ANNOUNCE_IP - VD_OPT_GROUP_COUNT),
                                      .groups = sample->groups,
                                      .group_count = 2};
}

static void free_sample(struct sample *sample)
{
    vd_options_free(&sample->options);
    vd_globals_free(&sample->globals);
}

/* A configuration that knows my:group, at another address and with another down-after. */
static struct vd_config *make_config(void)
{
    struct vd_config *config = vd_alloc(sizeof(*config));
    struct vd_config_group *group;

    vd_config_init(config);
    group = vd_config_add(config, "my:group");
    group->addr = (struct vd_addr){.host = "configured", .port = 7000};
    group->options.down_after_ms = 777;
    group->set = UINT64_C(1) << VD_OPT_DOWN_AFTER;
    return config;
}

static void free_config(struct vd_config *config)
{
    vd_config_free(config);
    vd_free(config);
}

/* There and back ------------------------------------------------------------------ */

START_TEST(empty_at_first)
{
    struct vd_store *store = must_open();
    struct vd_saved saved;
    struct stat status;
    bool found = true;

    ck_assert(vd_store_load(store, &saved, &found, &err));
    ck_assert(!found);
    ck_assert_uint_eq(saved.image.group_count, 0);
    vd_saved_free(&saved);
    vd_store_close(store);
    ck_assert_int_eq(stat(dir, &status), 0);
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
    struct vd_store *store = must_open();
    struct vd_config *config = make_config();
    struct sample sample;
    struct vd_saved saved;

    make_sample(&sample);
    vd_store_configured(store, config);
    must_save(store, &sample.image);
    vd_store_close(store);
    must_load(&saved);
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
    free_config(config);
    free_sample(&sample);
}
END_TEST

START_TEST(groups_not_in_the_image_stay)
{
    struct vd_store *store = must_open();
    struct sample sample;
    struct vd_saved saved;

    make_sample(&sample);
    must_save(store, &sample.image);
    sample.groups[0].vote_epoch = 9;
    sample.groups[0].replica_count = 1;
    sample.groups[0].peer_count = 0;
    sample.groups[0].set_at_runtime = 0;
    sample.image.group_count = 1;
    sample.image.epoch = 43;
    sample.image.set_at_runtime = 0;
    must_save(store, &sample.image);
    vd_store_close(store);
    must_load(&saved);
    ck_assert_uint_eq(saved.image.epoch, 43);
    ck_assert_uint_eq(saved.image.set_at_runtime, 0);
    ck_assert_uint_eq(saved.image.group_count, 2);
    ck_assert_uint_eq(saved.image.groups[0].vote_epoch, 9);
    ck_assert_uint_eq(saved.image.groups[0].replica_count, 1);
    ck_assert_uint_eq(saved.image.groups[0].peer_count, 0);
    ck_assert_uint_eq(saved.image.groups[0].set_at_runtime, 0);
    ck_assert_str_eq(saved.image.groups[1].name, "other");
    vd_saved_free(&saved);
    free_sample(&sample);
}
END_TEST

START_TEST(removed_groups)
{
    const char *removed[] = {"my:group", "other"};
    struct vd_store *store = must_open();
    struct vd_config *config = make_config();
    struct sample sample;
    struct vd_saved saved;

    make_sample(&sample);
    vd_store_configured(store, config);
    must_save(store, &sample.image);
    sample.image.removed = removed;
    sample.image.removed_count = 2;
    sample.image.group_count = 0;
    must_save(store, &sample.image);
    vd_store_close(store);
    must_load(&saved);
    ck_assert_uint_eq(saved.image.group_count, 0);
    /* Of the configured one it is remembered that it was removed, and where it was. */
    ck_assert_uint_eq(saved.tombstone_count, 1);
    ck_assert_str_eq(saved.tombstones[0].name, "my:group");
    ck_assert_int_eq(saved.tombstones[0].configured.port, 7000);
    vd_saved_free(&saved);
    /* Monitored again, in the same save as another removal. */
    store = must_open();
    vd_store_configured(store, config);
    sample.image.group_count = 1;
    must_save(store, &sample.image);
    vd_store_close(store);
    must_load(&saved);
    ck_assert_uint_eq(saved.image.group_count, 1);
    ck_assert_uint_eq(saved.tombstone_count, 0);
    vd_saved_free(&saved);
    free_config(config);
    free_sample(&sample);
}
END_TEST

/* Refusals -------------------------------------------------------------------------- */

START_TEST(second_daemon)
{
    struct vd_store *store = must_open();
    char pid[32];

    (void)snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
    ck_assert_ptr_null(vd_store_open(dir, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "in use by another vedette"));
    ck_assert_ptr_nonnull(strstr(err.text, pid));
    ck_assert_ptr_nonnull(strstr(err.text, dir));
    vd_store_close(store);
    vd_store_close(must_open());
}
END_TEST

static char *path_of(const char *name)
{
    return vd_state_dir_join(dir, name);
}

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
    char *path = path_of("vedette.db");

    vd_store_close(must_open());
    overwrite(path, 0, "this is my shopping list", 24);
    ck_assert_ptr_null(vd_store_open(dir, &err));
    ck_assert_msg(strstr(err.text, "damaged") != NULL, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, path));
    check_untouched(path, "this is my shopping list", 24);
    vd_free(path);
}
END_TEST

START_TEST(damaged_pages)
{
    char *path = path_of("vedette.db");
    char junk[512];
    struct vd_store *store = must_open();
    struct sample sample;

    make_sample(&sample);
    must_save(store, &sample.image);
    vd_store_close(store); /* checkpoints */
    memset(junk, 0xEE, sizeof(junk));
    overwrite(path, 2 * 4096, junk, sizeof(junk));
    ck_assert_ptr_null(vd_store_open(dir, &err));
    ck_assert_msg(strstr(err.text, "damaged") != NULL, "%s", err.text);
    free_sample(&sample);
    vd_free(path);
}
END_TEST

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(newer_version)
{
    char *path = path_of("vedette.db");

    vd_store_close(must_open());
    run_sql(path, "PRAGMA user_version = 2");
    ck_assert_ptr_null(vd_store_open(dir, &err));
    ck_assert_msg(strstr(err.text, "is of version 2") != NULL, "%s", err.text);
    vd_free(path);
}
END_TEST

START_TEST(somebody_elses_database)
{
    char *path = path_of("vedette.db");

    vd_store_close(must_open());
    ck_assert_int_eq(unlink(path), 0);
    run_sql(path, "CREATE TABLE mine (a)");
    ck_assert_ptr_null(vd_store_open(dir, &err));
    ck_assert_msg(strstr(err.text, "something else") != NULL, "%s", err.text);
    vd_free(path);
}
END_TEST

START_TEST(rows_without_sense)
{
    static const char *const spoils[] = {
        "UPDATE monitored SET port = 0",
        "UPDATE monitored SET vote = 'x' || vote",
        "UPDATE monitored_option SET value = 'never' WHERE name = 'down-after'",
        "UPDATE monitored_option SET name = 'no-such-option' WHERE name = 'down-after'",
        "UPDATE process SET self = ''",
        "UPDATE peer SET self = self || self",
        "UPDATE replica SET port = 65536",
    };
    char *path = path_of("vedette.db");
    struct vd_store *store = must_open();
    struct vd_saved saved;
    struct sample sample;
    bool found;

    make_sample(&sample);
    must_save(store, &sample.image);
    vd_store_close(store);
    run_sql(path, spoils[_i]);
    store = must_open();
    ck_assert_msg(!vd_store_load(store, &saved, &found, &err), "%s went unnoticed", spoils[_i]);
    ck_assert_msg(strstr(err.text, "cannot be used") != NULL, "%s", err.text);
    vd_store_close(store);
    free_sample(&sample);
    vd_free(path);
}
END_TEST

START_TEST(not_a_directory)
{
    FILE *file;

    vd_store_close(must_open());
    (void)snprintf(dir, sizeof(dir), "%s/file", top);
    file = fopen(dir, "w");
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    ck_assert_ptr_null(vd_store_open(dir, &err));
    ck_assert_msg(strstr(err.text, "is no directory") != NULL, "%s", err.text);
    (void)snprintf(dir, sizeof(dir), "%s/file/state", top);
    ck_assert_ptr_null(vd_store_open(dir, &err));
    ck_assert_msg(strstr(err.text, "cannot make the state directory") != NULL, "%s", err.text);
}
END_TEST

/* Trust ------------------------------------------------------------------------------ */

static bool load_unsound(void)
{
    struct vd_saved saved;
    bool unsound;

    must_load(&saved);
    unsound = saved.unsound;
    vd_saved_free(&saved);
    return unsound;
}

START_TEST(unsound_until_settled)
{
    struct vd_store *store = must_open();
    struct sample sample;

    make_sample(&sample);
    vd_store_set_unsound(store, true);
    must_save(store, &sample.image);
    ck_assert(vd_store_is_unsound(store));
    vd_store_close(store);
    ck_assert(load_unsound());
    store = must_open();
    vd_store_set_unsound(store, true);
    must_save(store, &sample.image);
    ck_assert(vd_store_settle(store, false, &err));
    ck_assert(!vd_store_is_unsound(store));
    vd_store_close(store);
    ck_assert(!load_unsound());
    free_sample(&sample);
}
END_TEST

/* Faults ---------------------------------------------------------------------------- */

/* Saves epochs for ever and tells each through the pipe when its receipt is there. */
static _Noreturn void save_for_ever(int to)
{
    struct vd_store *store = vd_store_open(dir, &err);
    struct sample sample;

    make_sample(&sample);
    for (uint64_t epoch = 1;; epoch++) {
        struct vd_receipt receipt = {false};

        sample.image.epoch = epoch;
        sample.groups[0].vote_epoch = epoch;
        sample.groups[1].vote_epoch = epoch;
        if (store == NULL || !vd_store_save(store, &sample.image, &receipt, &err) ||
            write(to, &epoch, sizeof(epoch)) != (ssize_t)sizeof(epoch))
            _exit(1);
    }
}

/* Killed at any instant: what had a receipt is there, and no save is there by half. */
START_TEST(killed_while_saving)
{
    uint64_t told = victim_kill(save_for_ever, 20 + 7 * (unsigned)_i);
    struct vd_saved saved;

    must_load(&saved);
    ck_assert_uint_ge(saved.image.epoch, told);
    ck_assert_uint_le(saved.image.epoch, told + 1);
    ck_assert_uint_eq(saved.image.groups[0].vote_epoch, saved.image.epoch);
    ck_assert_uint_eq(saved.image.groups[1].vote_epoch, saved.image.epoch);
    ck_assert_uint_eq(saved.image.groups[0].peer_count, 2);
    vd_saved_free(&saved);
}
END_TEST

/* Files may grow no longer, as on a full disk. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static bool try_save(struct vd_store *store, const struct vd_image *image)
{
    struct vd_receipt receipt = {false};
    bool good = vd_store_save(store, image, &receipt, &err);

    ck_assert(good == receipt.durable);
    return good;
}

START_TEST(full_disk)
{
    char *reserve = path_of("vedette.reserve");
    struct vd_store *store = must_open();
    struct sample sample;
    struct vd_saved saved;
    struct stat status;

    make_sample(&sample);
    must_save(store, &sample.image);
    ck_assert_int_eq(stat(reserve, &status), 0);
    ck_assert_int_ge(status.st_size, VD_RESERVE_BYTES);
    /* No file may grow, and yet votes are saved, over and over. */
    limit_files(64 * 1024);
    for (uint64_t epoch = 100; epoch < 300; epoch++) {
        sample.image.epoch = epoch;
        ck_assert_msg(try_save(store, &sample.image), "epoch %d: %s", (int)epoch, err.text);
    }
    /* Nothing can be written at all: the reserve goes, and then saving fails with a reason. */
    limit_files(0);
    sample.image.epoch = 1000;
    ck_assert(!try_save(store, &sample.image));
    ck_assert_ptr_nonnull(strstr(err.text, dir));
    ck_assert_int_ne(access(reserve, F_OK), 0);
    /* Room again: saving goes on, and the reserve is back. */
    limit_files(RLIM_INFINITY);
    sample.image.epoch = 1001;
    ck_assert_msg(try_save(store, &sample.image), "%s", err.text);
    ck_assert_int_eq(access(reserve, F_OK), 0);
    vd_store_close(store);
    must_load(&saved);
    ck_assert_uint_eq(saved.image.epoch, 1001);
    vd_saved_free(&saved);
    free_sample(&sample);
    vd_free(reserve);
}
END_TEST

/*
 * Volatile: a failed save has its receipt, but only on top of a state that says
 * that it may not be trusted; what was missed is saved with the next one.
 */
START_TEST(volatile_saves)
{
    struct vd_store *store = must_open();
    struct vd_config *config = make_config();
    struct sample sample;
    struct vd_saved saved;

    make_sample(&sample);
    config->server.on_save_failure = VD_SAVE_VOLATILE;
    vd_store_configured(store, config);
    limit_files(0);
    vd_store_set_unsound(store, false);
    ck_assert(!try_save(store, &sample.image));
    limit_files(RLIM_INFINITY);
    must_save(store, &sample.image);
    ck_assert(vd_store_is_unsound(store));
    ck_assert(vd_store_settle(store, false, &err)); /* nothing: votes may go missing any time */
    ck_assert(vd_store_is_unsound(store));
    limit_files(0);
    sample.image.epoch = 50;
    sample.image.group_count = 1;
    ck_assert(try_save(store, &sample.image));
    ck_assert(vd_store_wants_all(store));
    ck_assert(!vd_store_settle(store, true, &err));
    limit_files(RLIM_INFINITY);
    /* The whole image, in which `other` is no more. */
    must_save(store, &sample.image);
    ck_assert(!vd_store_wants_all(store));
    ck_assert(vd_store_settle(store, true, &err));
    vd_store_close(store);
    must_load(&saved);
    ck_assert(!saved.unsound);
    ck_assert_uint_eq(saved.image.epoch, 50);
    ck_assert_uint_eq(saved.image.group_count, 1);
    vd_saved_free(&saved);
    free_config(config);
    free_sample(&sample);
}
END_TEST

/* History --------------------------------------------------------------------------- */

static struct vd_failover_record make_record(uint64_t epoch)
{
    vd_ms now = vd_clock_now();

    return (struct vd_failover_record){.group = "m1",
                                       .epoch = epoch,
                                       .reason = "odown",
                                       .result = "done",
                                       .from = {.host = "10.0.0.1", .port = 6379},
                                       .to = {.host = "::1", .port = 6380},
                                       .silent_at = now - 1100,
                                       .sdown_at = now - 99,
                                       .odown_at = now - 97,
                                       .started_at = now - 96,
                                       .elected_at = now - 94,
                                       .selected_at = now - 90,
                                       .promoted_at = now - 85,
                                       .ended_at = now - 35,
                                       .loss_bytes = 17};
}

static void must_record(struct vd_store *store, const struct vd_failover_record *records,
                        size_t count, int64_t first_id)
{
    struct vd_history_entry entries[3];

    for (size_t i = 0; i < count; i++)
        vd_history_entry_of(&records[i], &entries[i]);
    ck_assert_msg(vd_store_record(store, entries, count, &err), "%s", err.text);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(entries[i].id, first_id + (int64_t)i);
}

static char *print_history(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    ck_assert_msg(vd_store_print_history(dir, out, &err), "%s", err.text);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(history_of_a_running_daemon)
{
    struct vd_store *store = must_open();
    struct vd_failover_record record = make_record(5);
    char *text = print_history();

    ck_assert_str_eq(text, "no failover so far\n");
    free(text);
    must_record(store, &record, 1, 1);
    record.epoch = 6;
    record.result = "-failover-abort-no-good-slave";
    record.to.port = 0;
    record.selected_at = record.promoted_at = record.ended_at = VD_NEVER;
    record.loss_bytes = -1;
    must_record(store, &record, 1, 2);
    text = print_history();
    ck_assert_msg(strstr(text,
                         "m1  epoch 5  odown  10.0.0.1:6379 -> [::1]:6380  done: silence 1001 "
                         "ms, agreement 2 ms, election 3 ms, selection 4 ms, promotion 5 ms, "
                         "total 1015 ms, replicas 50 ms; loss bound 17 bytes\n") != NULL,
                  "%s", text);
    ck_assert_msg(strstr(text, "m1  epoch 6  odown  10.0.0.1:6379 -> none  "
                               "-failover-abort-no-good-slave: silence 1001 ms, agreement 2 ms, "
                               "election 3 ms\n") != NULL,
                  "%s", text);
    free(text);
    vd_store_close(store);
}
END_TEST

static void note_entry(void *self, const struct vd_history_entry *entry)
{
    struct vd_history_entry *last = self;

    ck_assert_int_gt(entry->id, last->id);
    ck_assert_str_eq(entry->group, "m1");
    ck_assert_str_eq(entry->result, "done");
    *last = *entry;
}

START_TEST(history_is_told_oldest_first)
{
    struct vd_store *store = must_open();
    const struct vd_failover_record records[] = {make_record(1), make_record(2), make_record(3)};
    struct vd_history_entry last = {0};

    ck_assert(vd_store_history(store, note_entry, &last, &err));
    ck_assert_int_eq(last.id, 0);
    must_record(store, records, 3, 1);
    ck_assert(vd_store_history(store, note_entry, &last, &err));
    ck_assert_int_eq(last.id, 3);
    ck_assert_uint_eq(last.epoch, 3);
    ck_assert_int_eq(last.phases.silence_ms, 1001);
    ck_assert_int_eq(last.phases.total_ms, 1015);
    ck_assert_int_eq(last.loss_bytes, 17);
    ck_assert_str_eq(last.to.host, "::1");
    vd_store_close(store);
}
END_TEST

START_TEST(history_keeps_a_thousand)
{
    struct vd_store *store = must_open();
    char *text;
    size_t lines = 0;

    for (uint64_t i = 1; i <= 1005; i++) {
        struct vd_failover_record record = make_record(i);

        must_record(store, &record, 1, (int64_t)i);
    }
    vd_store_close(store);
    text = print_history();
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, 1000);
    ck_assert_ptr_null(strstr(text, "epoch 5 "));
    ck_assert_ptr_nonnull(strstr(text, "epoch 6 "));
    ck_assert_ptr_nonnull(strstr(text, "epoch 1005 "));
    free(text);
}
END_TEST

START_TEST(history_of_nothing)
{
    ck_assert(!vd_store_print_history(dir, stdout, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "state-dir"));
}
END_TEST

static TCase *make_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, begin, finish);
    tcase_set_timeout(tests, 60);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *back = make_case("there and back");
    TCase *refusals = make_case("refusals");
    TCase *faults = make_case("faults");
    TCase *history = make_case("history");

    tcase_add_test(back, empty_at_first);
    tcase_add_test(back, there_and_back);
    tcase_add_test(back, groups_not_in_the_image_stay);
    tcase_add_test(back, removed_groups);
    tcase_add_test(back, unsound_until_settled);
    tcase_add_test(refusals, second_daemon);
    tcase_add_test(refusals, no_database_at_all);
    tcase_add_test(refusals, damaged_pages);
    tcase_add_test(refusals, newer_version);
    tcase_add_test(refusals, somebody_elses_database);
    tcase_add_loop_test(refusals, rows_without_sense, 0, 7);
    tcase_add_test(refusals, not_a_directory);
    tcase_add_loop_test(faults, killed_while_saving, 0, 8);
    tcase_add_test(faults, full_disk);
    tcase_add_test(faults, volatile_saves);
    tcase_add_test(history, history_of_a_running_daemon);
    tcase_add_test(history, history_is_told_oldest_first);
    tcase_add_test(history, history_keeps_a_thousand);
    tcase_add_test(history, history_of_nothing);
    suite_add_tcase(suite, back);
    suite_add_tcase(suite, refusals);
    suite_add_tcase(suite, faults);
    suite_add_tcase(suite, history);
    return suite_run(suite);
}
