/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Store, the way back: rows become the saved state. What makes no sense is an
 * error and not a guess: a vedette with half a memory could vote twice.
 */
#include <string.h>

#include "proto/option.h"
#include "shell/store_db.h"

/* Lists grow in plain memory and move to the arena when they are whole. */
struct list {
    char *items;
    size_t count;
    size_t size; /* of one */
};

static void *add_item(struct list *list)
{
    void *item;

    list->items = vd_realloc(list->items, (list->count + 1) * list->size);
    item = list->items + list->count++ * list->size;
    memset(item, 0, list->size);
    return item;
}

static const void *settle(struct list *list, struct vd_arena *arena)
{
    void *copy = vd_arena_alloc(arena, list->count * list->size);

    if (list->count != 0)
        memcpy(copy, list->items, list->count * list->size);
    vd_free(list->items);
    list->items = NULL;
    return copy;
}

static bool nonsense(struct vd_err *err, const char *what, const char *name)
{
    return vd_err_set(err, "%s of %s makes no sense", what, name);
}

static const struct vd_option_row *find_option(const char *name)
{
    return vd_option_find(VD_IN_NATIVE, name, strlen(name));
}

static bool load_process(struct vd_store_db *store, struct vd_saved *saved, bool *found,
                         struct vd_err *err)
{
    sqlite3_stmt *rows = vd_sql_prepare(store->db, "SELECT self, epoch, unsound FROM process", err);
    bool good = true;

    if (rows == NULL)
        return false;
    *found = vd_sql_next(rows, err);
    if (*found) {
        good = vd_sql_id(rows, 0, &saved->image.self) && saved->image.self.hex[0] != '\0';
        saved->image.epoch = (uint64_t)vd_sql_int(rows, 1);
        saved->unsound = vd_sql_int(rows, 2) != 0;
        store->port.unsound_on_disk = saved->unsound;
        if (!good)
            (void)nonsense(err, "the id", "this process");
    } else {
        good = err->text[0] == '\0';
    }
    (void)sqlite3_finalize(rows);
    return good;
}

static bool load_process_options(struct vd_store_db *store, struct vd_saved *saved,
                                 struct vd_err *err)
{
    sqlite3_stmt *rows =
        vd_sql_prepare(store->db, "SELECT name, value, configured FROM process_option", err);
    bool good = rows != NULL;

    while (good && vd_sql_next(rows, err)) {
        const struct vd_option_row *row = find_option(vd_sql_text(rows, 0));
        size_t place;

        if (row == NULL || row->option < VD_OPT_GROUP_COUNT || row->option >= VD_OPT_COUNT) {
            good = nonsense(err, "an option", vd_sql_text(rows, 0));
            break;
        }
        place = (size_t)(row->option - VD_OPT_GROUP_COUNT);
        good = vd_option_read_global(row->option, vd_sql_text(rows, 1), saved->globals, err);
        saved->image.set_at_runtime |= UINT64_C(1) << place;
        if (!vd_sql_is_null(rows, 2))
            saved->configured_global[place] = vd_arena_strdup(&saved->arena, vd_sql_text(rows, 2));
    }
    good = good && err->text[0] == '\0';
    (void)sqlite3_finalize(rows);
    return good;
}

static bool load_options(sqlite3_stmt *rows, struct vd_saved *saved, struct vd_image_group *image,
                         struct vd_saved_group *about, struct vd_options *options,
                         struct vd_err *err)
{
    if (!vd_sql_bind(rows, err, "s", image->name))
        return false;
    while (vd_sql_next(rows, err)) {
        const struct vd_option_row *row = find_option(vd_sql_text(rows, 0));

        if (row == NULL || row->option >= VD_OPT_GROUP_COUNT)
            return nonsense(err, "an option", image->name);
        if (!vd_option_read_group(row->option, vd_sql_text(rows, 1), options, err))
            return vd_err_wrap(err, "%s of %s", vd_sql_text(rows, 0), image->name);
        if (vd_sql_int(rows, 3) == 0)
            continue;
        image->set_at_runtime |= UINT64_C(1) << row->option;
        if (!vd_sql_is_null(rows, 2))
            about->configured_text[row->option] =
                vd_arena_strdup(&saved->arena, vd_sql_text(rows, 2));
    }
    return err->text[0] == '\0';
}

static bool load_replicas(sqlite3_stmt *rows, struct vd_saved *saved, struct vd_image_group *image,
                          struct vd_err *err)
{
    struct list list = {.size = sizeof(struct vd_addr)};
    bool good = vd_sql_bind(rows, err, "s", image->name);

    while (good && vd_sql_next(rows, err)) {
        if (!vd_sql_addr(rows, 0, add_item(&list)))
            good = nonsense(err, "a replica", image->name);
    }
    image->replicas = settle(&list, &saved->arena);
    image->replica_count = list.count;
    return good && err->text[0] == '\0';
}

static bool load_peers(sqlite3_stmt *rows, struct vd_saved *saved, struct vd_image_group *image,
                       struct vd_err *err)
{
    struct list list = {.size = sizeof(struct vd_image_peer)};
    bool good = vd_sql_bind(rows, err, "s", image->name);

    while (good && vd_sql_next(rows, err)) {
        struct vd_image_peer *peer = add_item(&list);

        if (!vd_sql_id(rows, 0, &peer->id) || !vd_sql_addr(rows, 1, &peer->addr))
            good = nonsense(err, "a sentinel", image->name);
    }
    image->peers = settle(&list, &saved->arena);
    image->peer_count = list.count;
    return good && err->text[0] == '\0';
}

/* The statements by which a group's rows are read. */
struct readers {
    sqlite3_stmt *options;
    sqlite3_stmt *replicas;
    sqlite3_stmt *peers;
};

static bool load_group(sqlite3_stmt *row, const struct readers *readers, struct vd_saved *saved,
                       struct vd_image_group *image, struct vd_saved_group *about,
                       struct vd_options *options, struct vd_err *err)
{
    image->name = vd_arena_strdup(&saved->arena, vd_sql_text(row, 0));
    image->from_config = vd_sql_int(row, 1) != 0;
    image->config_epoch = (uint64_t)vd_sql_int(row, 5);
    image->vote_epoch = (uint64_t)vd_sql_int(row, 6);
    image->options = options;
    if (!vd_sql_addr(row, 2, &image->primary) || image->primary.port == 0)
        return nonsense(err, "the address", image->name);
    if (!vd_sql_id(row, 7, &image->vote) || !vd_sql_id(row, 8, &image->lineage) ||
        !vd_sql_id(row, 9, &image->lineage_before))
        return nonsense(err, "the vote", image->name);
    if (!vd_sql_addr(row, 10, &about->configured))
        return nonsense(err, "the configured address", image->name);
    return load_options(readers->options, saved, image, about, options, err) &&
           load_replicas(readers->replicas, saved, image, err) &&
           load_peers(readers->peers, saved, image, err);
}

static size_t count_groups(struct vd_store_db *store, struct vd_err *err)
{
    sqlite3_stmt *rows = vd_sql_prepare(store->db, "SELECT COUNT(*) FROM monitored", err);
    size_t count = 0;

    if (rows != NULL && vd_sql_next(rows, err))
        count = (size_t)vd_sql_int(rows, 0);
    (void)sqlite3_finalize(rows);
    return count;
}

static bool load_each(sqlite3_stmt *rows, const struct readers *readers, struct vd_saved *saved,
                      size_t room, struct vd_err *err)
{
    struct vd_image_group *images = vd_arena_alloc(&saved->arena, (room + 1) * sizeof(*images));
    struct vd_saved_group *about = vd_arena_alloc(&saved->arena, (room + 1) * sizeof(*about));

    saved->options = vd_arena_alloc(&saved->arena, (room + 1) * sizeof(*saved->options));
    saved->image.groups = images;
    saved->groups = about;
    while (saved->image.group_count < room && vd_sql_next(rows, err)) {
        size_t i = saved->image.group_count++;

        vd_options_init(&saved->options[i], saved->globals);
        if (!load_group(rows, readers, saved, &images[i], &about[i], &saved->options[i], err))
            return false;
    }
    return err->text[0] == '\0';
}

static bool load_groups(struct vd_store_db *store, struct vd_saved *saved, struct vd_err *err)
{
    size_t room = count_groups(store, err);
    sqlite3_stmt *rows = vd_sql_prepare(
        store->db,
        "SELECT name, from_config, host, ip, port, config_epoch, vote_epoch, vote,"
        " lineage, lineage_before, configured_host, configured_ip, configured_port FROM monitored"
        " ORDER BY id",
        err);
    struct readers readers = {
        vd_sql_prepare(store->db,
                       "SELECT name, value, configured, at_runtime FROM monitored_option"
                       " WHERE monitored = ?",
                       err),
        vd_sql_prepare(store->db,
                       "SELECT host, ip, port FROM replica WHERE monitored = ? ORDER BY place",
                       err),
        vd_sql_prepare(store->db,
                       "SELECT self, host, ip, port FROM peer WHERE monitored = ? ORDER BY place",
                       err),
    };
    bool good = rows != NULL && readers.options != NULL && readers.replicas != NULL &&
                readers.peers != NULL;

    err->text[0] = good ? '\0' : err->text[0];
    good = good && load_each(rows, &readers, saved, room, err);
    (void)sqlite3_finalize(rows);
    (void)sqlite3_finalize(readers.options);
    (void)sqlite3_finalize(readers.replicas);
    (void)sqlite3_finalize(readers.peers);
    return good;
}

static bool load_tombstones(struct vd_store_db *store, struct vd_saved *saved, struct vd_err *err)
{
    sqlite3_stmt *rows =
        vd_sql_prepare(store->db, "SELECT name, host, ip, port FROM tombstone", err);
    struct list list = {.size = sizeof(struct vd_tombstone)};
    bool good = rows != NULL;

    while (good && vd_sql_next(rows, err)) {
        struct vd_tombstone *stone = add_item(&list);

        stone->name = vd_arena_strdup(&saved->arena, vd_sql_text(rows, 0));
        if (!vd_sql_addr(rows, 1, &stone->configured))
            good = nonsense(err, "the address", stone->name);
    }
    good = good && err->text[0] == '\0';
    (void)sqlite3_finalize(rows);
    saved->tombstones = settle(&list, &saved->arena);
    saved->tombstone_count = list.count;
    return good;
}

bool vd_store_db_load(struct vd_store *port, struct vd_saved *saved, bool *found,
                      struct vd_err *err)
{
    struct vd_store_db *store = (struct vd_store_db *)port;
    bool good;

    saved->globals = vd_arena_alloc(&saved->arena, sizeof(*saved->globals));
    vd_globals_init(saved->globals);
    saved->image.globals = saved->globals;
    good = load_process(store, saved, found, err) && load_process_options(store, saved, err) &&
           load_groups(store, saved, err) && load_tombstones(store, saved, err);
    if (good)
        return true;
    vd_saved_free(saved);
    return vd_err_wrap(err, "the state in %s cannot be used", store->dir.path);
}
