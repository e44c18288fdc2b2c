/* SPDX-License-Identifier: BSD-3-Clause */
/* Depot: a store in a directory of the test's own, see depot.h. */
#include "depot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shell/state_dir.h"
#include "shell/store_db.h"

char depot_dir[128];

static void begin(void)
{
    scratch_make();
    (void)snprintf(depot_dir, sizeof(depot_dir), "%s/a/state", scratch_dir);
}

TCase *depot_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, begin, scratch_remove);
    tcase_set_timeout(tests, 60);
    return tests;
}

char *depot_path(const char *name)
{
    return vd_state_dir_join(depot_dir, name);
}

struct vd_store *depot_open(void)
{
    struct vd_err err;
    struct vd_store *store = vd_store_open(depot_dir, &err);

    ck_assert_msg(store != NULL, "%s", err.text);
    return store;
}

bool depot_try_save(struct vd_store *store, const struct vd_image *image, struct vd_err *err)
{
    struct vd_receipt receipt = {false};
    bool good = vd_store_save(store, image, &receipt, err);

    ck_assert(good == receipt.durable);
    return good;
}

void depot_save(struct vd_store *store, const struct vd_image *image)
{
    struct vd_err err;

    ck_assert_msg(depot_try_save(store, image, &err), "%s", err.text);
}

void depot_load(struct vd_saved *saved)
{
    struct vd_store *store = depot_open();
    struct vd_err err;
    bool found;

    ck_assert_msg(vd_store_load(store, saved, &found, &err), "%s", err.text);
    ck_assert(found);
    vd_store_close(store);
}

void depot_alter(const char *sql)
{
    char *path = depot_path(VD_STORE_FILE);
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    vd_free(path);
}

static int note_number(void *self, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    *(int *)self = atoi(values[0]);
    return 0;
}

int depot_synchronous(const struct vd_store *store)
{
    sqlite3 *db = ((const struct vd_store_db *)store)->db;
    int level = -1;

    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA synchronous", note_number, &level, NULL), SQLITE_OK);
    return level;
}

/* What is saved ------------------------------------------------------------------- */

static void set_text(struct vd_options *options, enum vd_option option, const char *text,
                     const char *text2)
{
    struct vd_setting setting = {.option = option, .text = text, .text2 = text2};

    vd_options_apply(options, &setting);
}

void depot_make_sample(struct depot_sample *sample)
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

void depot_free_sample(struct depot_sample *sample)
{
    vd_options_free(&sample->options);
    vd_globals_free(&sample->globals);
}

struct vd_config *depot_make_config(void)
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

void depot_free_config(struct vd_config *config)
{
    vd_config_free(config);
    vd_free(config);
}
