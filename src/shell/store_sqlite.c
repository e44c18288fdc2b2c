/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Store in SQLite: see store.h. A save is one transaction in WAL mode with
 * synchronous=FULL: the frames of all that changed are appended and synced
 * once. Everything is bound, nothing is put into SQL text.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "proto/option.h"
#include "shell/log.h"
#include "shell/store_db.h"

#define BUSY_MS 250 /* a reader of the history may hold us up for so long */

static const char schema[] =
    "CREATE TABLE process (id INTEGER PRIMARY KEY CHECK (id = 1), self TEXT NOT NULL,"
    " epoch INTEGER NOT NULL, unsound INTEGER NOT NULL);"
    "CREATE TABLE process_option (name TEXT PRIMARY KEY, value TEXT NOT NULL, configured TEXT)"
    " WITHOUT ROWID;"
    "CREATE TABLE monitored (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " from_config INTEGER NOT NULL, host TEXT NOT NULL, ip TEXT NOT NULL, port INTEGER NOT NULL,"
    " config_epoch INTEGER NOT NULL, vote_epoch INTEGER NOT NULL, vote TEXT NOT NULL,"
    " lineage TEXT NOT NULL, lineage_before TEXT NOT NULL, configured_host TEXT NOT NULL, "
    "configured_ip TEXT NOT NULL,"
    " configured_port INTEGER NOT NULL);"
    "CREATE TABLE monitored_option (monitored TEXT NOT NULL, name TEXT NOT NULL,"
    " value TEXT NOT NULL, configured TEXT, at_runtime INTEGER NOT NULL,"
    " PRIMARY KEY (monitored, name)) WITHOUT ROWID;"
    "CREATE TABLE replica (monitored TEXT NOT NULL, place INTEGER NOT NULL, host TEXT NOT NULL,"
    " ip TEXT NOT NULL, port INTEGER NOT NULL, PRIMARY KEY (monitored, place)) WITHOUT ROWID;"
    "CREATE TABLE peer (monitored TEXT NOT NULL, place INTEGER NOT NULL, self TEXT NOT NULL,"
    " host TEXT NOT NULL, ip TEXT NOT NULL, port INTEGER NOT NULL,"
    " PRIMARY KEY (monitored, place)) WITHOUT ROWID;"
    "CREATE TABLE tombstone (name TEXT PRIMARY KEY, host TEXT NOT NULL, ip TEXT NOT NULL,"
    " port INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE history (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " monitored TEXT NOT NULL, epoch INTEGER NOT NULL, reason TEXT NOT NULL,"
    " result TEXT NOT NULL, from_host TEXT NOT NULL, from_ip TEXT NOT NULL,"
    " from_port INTEGER NOT NULL, to_host TEXT NOT NULL, to_ip TEXT NOT NULL,"
    " to_port INTEGER NOT NULL, silence_ms INTEGER NOT NULL, agreement_ms INTEGER NOT NULL,"
    " election_ms INTEGER NOT NULL, selection_ms INTEGER NOT NULL,"
    " promotion_ms INTEGER NOT NULL, total_ms INTEGER NOT NULL, replicas_ms INTEGER NOT NULL,"
    " loss_bytes INTEGER NOT NULL);"
    "PRAGMA user_version = 1;";

/*
 * What came later, without another version: a vedette of before knows nothing
 * of it and takes the state all the same.
 */
static const char additions[] =
    "CREATE TABLE IF NOT EXISTS alert (rule TEXT NOT NULL, monitored TEXT NOT NULL,"
    " target TEXT NOT NULL, channels TEXT NOT NULL, since_ms INTEGER NOT NULL,"
    " PRIMARY KEY (rule, monitored, target)) WITHOUT ROWID;";

static const char columns[] =
    "BEGIN IMMEDIATE; ALTER TABLE history ADD COLUMN source INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE history ADD COLUMN leader TEXT NOT NULL DEFAULT ''; COMMIT";

static const char *const statements[VD_SQL_COUNT] = {
    [VD_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [VD_SQL_COMMIT] = "COMMIT",
    [VD_SQL_PUT_PROCESS] = "INSERT OR REPLACE INTO process VALUES (1, ?, ?, ?)",
    [VD_SQL_SETTLE] = "UPDATE process SET unsound = 0",
    [VD_SQL_DROP_PROCESS_OPTIONS] = "DELETE FROM process_option",
    [VD_SQL_PUT_PROCESS_OPTION] = "INSERT INTO process_option VALUES (?, ?, ?)",
    [VD_SQL_PUT_GROUP] =
        "INSERT INTO monitored (name, from_config, host, ip, port, config_epoch, vote_epoch, vote,"
        " lineage, lineage_before, configured_host, configured_ip, configured_port)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
        " from_config = excluded.from_config, host = excluded.host, ip = excluded.ip,"
        " port = excluded.port, config_epoch = excluded.config_epoch,"
        " vote_epoch = excluded.vote_epoch, vote = excluded.vote, lineage = excluded.lineage,"
        " lineage_before = excluded.lineage_before,"
        " configured_host = excluded.configured_host, configured_ip = excluded.configured_ip,"
        " configured_port = excluded.configured_port",
    [VD_SQL_DROP_GROUP] = "DELETE FROM monitored WHERE name = ?",
    [VD_SQL_DROP_OPTIONS] = "DELETE FROM monitored_option WHERE monitored = ?",
    [VD_SQL_PUT_OPTION] = "INSERT INTO monitored_option VALUES (?, ?, ?, ?, ?)",
    [VD_SQL_DROP_REPLICAS] = "DELETE FROM replica WHERE monitored = ?",
    [VD_SQL_PUT_REPLICA] = "INSERT INTO replica VALUES (?, ?, ?, ?, ?)",
    [VD_SQL_DROP_PEERS] = "DELETE FROM peer WHERE monitored = ?",
    [VD_SQL_PUT_PEER] = "INSERT INTO peer VALUES (?, ?, ?, ?, ?, ?)",
    [VD_SQL_PUT_TOMBSTONE] = "INSERT OR REPLACE INTO tombstone VALUES (?, ?, ?, ?)",
    [VD_SQL_DROP_TOMBSTONE] = "DELETE FROM tombstone WHERE name = ?",
    [VD_SQL_PUT_HISTORY] =
        "INSERT OR REPLACE INTO history (id, at_ms, monitored, epoch, reason, result, from_host,"
        " from_ip, from_port, to_host, to_ip, to_port, silence_ms, agreement_ms, election_ms,"
        " selection_ms, promotion_ms, total_ms, replicas_ms, loss_bytes, source, leader)"
        " VALUES (NULLIF(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [VD_SQL_TRIM_TOLD] = "DELETE FROM history WHERE id <= (SELECT id FROM history WHERE source = 1"
                         " ORDER BY id DESC LIMIT 1 OFFSET ?) AND source = 1",
    [VD_SQL_TRIM_HISTORY] = "DELETE FROM history WHERE id <= (SELECT id FROM history"
                            " ORDER BY id DESC LIMIT 1 OFFSET ?)",
    [VD_SQL_PUT_ALERT] = "INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?)",
    [VD_SQL_DROP_ALERT] = "DELETE FROM alert WHERE rule = ? AND monitored = ? AND target = ?",
};

bool vd_store_db_set_lazy(struct vd_store_db *store, bool lazy, struct vd_err *err)
{
    return vd_sql_exec(store->db,
                       lazy ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", err);
}

/* Opening ------------------------------------------------------------------------ */

static bool corrupt(const char *path, struct vd_err *err)
{
    struct vd_err why = *err;

    return vd_err_set(err,
                      "the state in %s is damaged: %.200s; nothing was changed. Put back a copy, "
                      "or move the file away: vedette then starts without state and abstains from "
                      "votes for a while",
                      path, why.text);
}

/* An older or empty state gets the schema; one that cannot be understood is left alone. */
static bool check_schema(struct vd_store_db *store, const char *path, struct vd_err *err)
{
    struct vd_text *answer = &store->scratch;

    if (!vd_sql_ask(store->db, "PRAGMA quick_check(1)", answer, err))
        return corrupt(path, err);
    if (strcmp(vd_text_cstr(answer), "ok") != 0) {
        (void)vd_err_set(err, "%s", vd_text_cstr(answer));
        return corrupt(path, err);
    }
    if (!vd_sql_ask(store->db, "PRAGMA user_version", answer, err))
        return corrupt(path, err);
    if (strcmp(vd_text_cstr(answer), "1") == 0)
        return true;
    if (strcmp(vd_text_cstr(answer), "0") != 0)
        return vd_err_set(err,
                          "the state in %s is of version %s, and this vedette knows version %d; "
                          "start the newer vedette, or move the file away",
                          path, vd_text_cstr(answer), VD_STORE_SCHEMA);
    if (!vd_sql_ask(store->db, "SELECT COUNT(*) FROM sqlite_master", answer, err))
        return corrupt(path, err);
    if (strcmp(vd_text_cstr(answer), "0") != 0)
        return vd_err_set(err, "%s is a database of something else; change state-dir", path);
    if (vd_sql_exec(store->db, "BEGIN IMMEDIATE", err) && vd_sql_exec(store->db, schema, err) &&
        vd_sql_exec(store->db, "COMMIT", err))
        return true;
    return vd_err_wrap(err, "cannot write the state in %s", path);
}

static bool add_columns(struct vd_store_db *store, struct vd_err *err)
{
    bool there;

    return vd_store_db_has_sources(store->db, &there, err) &&
           (there || vd_sql_exec(store->db, columns, err));
}

/* The state holds passwords that were set at runtime: the file is ours alone wherever it lies. */
static bool make_file(const char *path, struct vd_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return vd_err_set(err, "cannot write the state in %s: %s; make it writable for this user",
                          path, strerror(errno));
    (void)close(fd);
    return true;
}

static bool open_database(struct vd_store_db *store, const char *path, struct vd_err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

    if (!make_file(path, err))
        return false;
    /* Pages as they are needed, not 20 for each cache at once; of effect before the first use. */
    (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK)
        return vd_err_set(err, "cannot open the state in %s: %s: %s; make it readable and writable",
                          path, store->db == NULL ? "out of memory" : sqlite3_errmsg(store->db),
                          store->db == NULL ? "" : strerror(sqlite3_system_errno(store->db)));
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    if (sqlite3_db_readonly(store->db, "main") == 1)
        return vd_err_set(err, "cannot write the state in %s; make it writable for this user",
                          path);
    if (!check_schema(store, path, err))
        return false;
    if (!vd_sql_exec(store->db, additions, err) || !add_columns(store, err))
        return vd_err_wrap(err, "cannot write the state in %s", path);
    if (!vd_sql_ask(store->db, "PRAGMA journal_mode = WAL", &store->scratch, err) ||
        !vd_store_db_set_lazy(store, false, err))
        return vd_err_wrap(err, "cannot write the state in %s", path);
    if (strcmp(vd_text_cstr(&store->scratch), "wal") != 0)
        return vd_err_set(err,
                          "%s is on a file system without shared memory maps; choose a local "
                          "one for state-dir",
                          path);
    for (int i = 0; i < VD_SQL_COUNT; i++) {
        store->statements[i] = vd_sql_prepare(store->db, statements[i], err);
        if (store->statements[i] == NULL)
            return corrupt(path, err);
    }
    vd_state_dir_sync(&store->dir);
    return true;
}

static void close_store(struct vd_store *port)
{
    struct vd_store_db *store = (struct vd_store_db *)port;

    for (int i = 0; i < VD_SQL_COUNT; i++)
        (void)sqlite3_finalize(store->statements[i]);
    (void)sqlite3_close(store->db);
    vd_state_dir_close(&store->dir);
    vd_text_free(&store->scratch);
    vd_free(store);
}

/* Saving ------------------------------------------------------------------------- */

static const char *option_name(enum vd_option option)
{
    return vd_option_row(option)->names[VD_IN_NATIVE];
}

/* The value in the configuration; NULL: it is not named there. */
static const char *configured_text(const struct vd_config_group *group, enum vd_option option,
                                   struct vd_text *to)
{
    if (group == NULL || (group->set & (UINT64_C(1) << option)) == 0)
        return NULL;
    vd_option_print_group(option, &group->options, to);
    return vd_text_cstr(to);
}

static bool save_options(struct vd_store_db *store, const struct vd_image_group *group,
                         const struct vd_config_group *configured, struct vd_err *err)
{
    struct vd_text was = {0};
    struct vd_text *now = &store->scratch;
    bool good = vd_sql_run(store->statements[VD_SQL_DROP_OPTIONS], err, "s", group->name);

    for (int i = 0; good && i < VD_OPT_GROUP_COUNT; i++) {
        enum vd_option option = (enum vd_option)i;
        bool at_runtime = (group->set_at_runtime & (UINT64_C(1) << i)) != 0;

        if (!at_runtime && group->from_config)
            continue;
        vd_text_clear(now);
        vd_text_clear(&was);
        vd_option_print_group(option, group->options, now);
        good = vd_sql_run(store->statements[VD_SQL_PUT_OPTION], err, "ssssi", group->name,
                          option_name(option), vd_text_cstr(now),
                          configured_text(configured, option, &was), (int64_t)at_runtime);
    }
    vd_text_free(&was);
    return good;
}

static bool save_members(struct vd_store_db *store, const struct vd_image_group *group,
                         struct vd_err *err)
{
    bool good = vd_sql_run(store->statements[VD_SQL_DROP_REPLICAS], err, "s", group->name) &&
                vd_sql_run(store->statements[VD_SQL_DROP_PEERS], err, "s", group->name);

    for (size_t i = 0; good && i < group->replica_count; i++)
        good = vd_sql_run(store->statements[VD_SQL_PUT_REPLICA], err, "sia", group->name,
                          (int64_t)i, &group->replicas[i]);
    for (size_t i = 0; good && i < group->peer_count; i++)
        good = vd_sql_run(store->statements[VD_SQL_PUT_PEER], err, "sisa", group->name, (int64_t)i,
                          group->peers[i].id.hex, &group->peers[i].addr);
    return good;
}

static bool save_group(struct vd_store_db *store, const struct vd_image_group *group,
                       struct vd_err *err)
{
    static const struct vd_addr nowhere;
    const struct vd_config_group *configured =
        store->port.config == NULL ? NULL : vd_config_find(store->port.config, group->name);

    return vd_sql_run(store->statements[VD_SQL_PUT_GROUP], err, "siaiisssa", group->name,
                      (int64_t)group->from_config, &group->primary, (int64_t)group->config_epoch,
                      (int64_t)group->vote_epoch, group->vote.hex, group->lineage.hex,
                      group->lineage_before.hex,
                      configured == NULL ? &nowhere : &configured->addr) &&
           vd_sql_run(store->statements[VD_SQL_DROP_TOMBSTONE], err, "s", group->name) &&
           save_options(store, group, configured, err) && save_members(store, group, err);
}

static bool drop_group(struct vd_store_db *store, const char *name, struct vd_err *err)
{
    const struct vd_config_group *configured =
        store->port.config == NULL ? NULL : vd_config_find(store->port.config, name);
    enum vd_store_statement what =
        configured == NULL ? VD_SQL_DROP_TOMBSTONE : VD_SQL_PUT_TOMBSTONE;

    if (!vd_sql_run(store->statements[VD_SQL_DROP_GROUP], err, "s", name) ||
        !vd_sql_run(store->statements[VD_SQL_DROP_OPTIONS], err, "s", name) ||
        !vd_sql_run(store->statements[VD_SQL_DROP_REPLICAS], err, "s", name) ||
        !vd_sql_run(store->statements[VD_SQL_DROP_PEERS], err, "s", name))
        return false;
    if (configured == NULL)
        return vd_sql_run(store->statements[what], err, "s", name);
    return vd_sql_run(store->statements[what], err, "sa", name, &configured->addr);
}

static bool save_process(struct vd_store_db *store, const struct vd_image *image,
                         struct vd_err *err)
{
    const struct vd_config *config = store->port.config;
    struct vd_text was = {0};
    struct vd_text *now = &store->scratch;
    bool good = vd_sql_run(store->statements[VD_SQL_PUT_PROCESS], err, "sii", image->self.hex,
                           (int64_t)image->epoch, (int64_t)store->port.unsound) &&
                vd_sql_run(store->statements[VD_SQL_DROP_PROCESS_OPTIONS], err, "");

    /* SENTINEL DEBUG's periods, the last of them, are not kept. */
    for (int i = VD_OPT_GROUP_COUNT; good && i < VD_OPT_INFO_PERIOD; i++) {
        enum vd_option option = (enum vd_option)i;
        uint64_t bit = UINT64_C(1) << (i - VD_OPT_GROUP_COUNT);
        bool named = config != NULL && (config->globals_set & bit) != 0;

        if ((image->set_at_runtime & bit) == 0)
            continue;
        vd_text_clear(now);
        vd_text_clear(&was);
        vd_option_print_global(option, image->globals, now);
        if (named)
            vd_option_print_global(option, &config->globals, &was);
        good =
            vd_sql_run(store->statements[VD_SQL_PUT_PROCESS_OPTION], err, "sss",
                       option_name(option), vd_text_cstr(now), named ? vd_text_cstr(&was) : NULL);
    }
    vd_text_free(&was);
    return good;
}

/* Before the image of all, when it is not known any more what differs. Tombstones stay. */
static const char clearing[] = "DELETE FROM monitored; DELETE FROM monitored_option;"
                               "DELETE FROM replica; DELETE FROM peer";

static bool save_all(struct vd_store_db *store, const struct vd_image *image, struct vd_err *err)
{
    bool good = vd_sql_run(store->statements[VD_SQL_BEGIN], err, "") &&
                (!store->port.behind || vd_sql_exec(store->db, clearing, err)) &&
                save_process(store, image, err);

    for (size_t i = 0; good && i < image->removed_count; i++)
        good = drop_group(store, image->removed[i], err);
    for (size_t i = 0; good && i < image->group_count; i++)
        good = save_group(store, &image->groups[i], err);
    return good && vd_sql_run(store->statements[VD_SQL_COMMIT], err, "");
}

/* What is half done is undone; the reason must be known before. */
static void roll_back(struct vd_store_db *store)
{
    if (sqlite3_get_autocommit(store->db) == 0)
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/*
 * Room for one more try. First the log of writes begins anew, so that the next
 * save overwrites old frames instead of appending to them: mostly that is all
 * it takes. Then the reserve is given up.
 */
static bool make_room(struct vd_store_db *store, int tries)
{
    if (tries > 0 && !vd_state_dir_release(&store->dir))
        return false;
    (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    return true;
}

static bool save(struct vd_store *port, const struct vd_image *image, struct vd_err *err)
{
    struct vd_store_db *store = (struct vd_store_db *)port;

    for (int tries = 0;; tries++) {
        bool full;

        if (save_all(store, image, err)) {
            vd_state_dir_refill(&store->dir);
            return true;
        }
        full = vd_sql_is_full(store->db);
        roll_back(store);
        if (!full || !make_room(store, tries))
            return vd_err_wrap(err, "state in %s", store->dir.path);
    }
}

static bool settle(struct vd_store *port, struct vd_err *err)
{
    struct vd_store_db *store = (struct vd_store_db *)port;

    return vd_sql_run(store->statements[VD_SQL_SETTLE], err, "") ||
           vd_err_wrap(err, "state in %s", store->dir.path);
}

static const struct vd_store_ops ops = {
    .save = save,
    .settle = settle,
    .load = vd_store_db_load,
    .record = vd_store_db_record,
    .witness = vd_store_db_witness,
    .history = vd_store_db_history,
    .put_alerts = vd_store_db_put_alerts,
    .alerts = vd_store_db_alerts,
    .close = close_store,
};

struct vd_store *vd_store_open(const char *state_dir, struct vd_err *err)
{
    struct vd_store_db *store = vd_alloc(sizeof(*store));
    char *path;
    bool good;

    store->port.ops = &ops;
    if (!vd_state_dir_open(&store->dir, state_dir, err)) {
        vd_free(store);
        return NULL;
    }
    path = vd_state_dir_join(state_dir, VD_STORE_FILE);
    good = open_database(store, path, err);
    vd_free(path);
    if (good)
        return &store->port;
    vd_store_close(&store->port);
    return NULL;
}

bool vd_store_exists(const char *state_dir)
{
    char *path = vd_state_dir_join(state_dir, VD_STORE_FILE);
    bool there = access(path, F_OK) == 0;

    vd_free(path);
    return there;
}
