/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SQLite store's inside, shared by store_sqlite.c (opening and saving),
 * store_load.c, store_history.c and store_alerts.c; nobody else includes this. The file is
 * vedette.db in the state directory.
 */
#ifndef VD_SHELL_STORE_DB_H
#define VD_SHELL_STORE_DB_H

#include "shell/sql.h"
#include "shell/state_dir.h"
#include "shell/store_port.h"

#define VD_STORE_FILE "vedette.db"
#define VD_STORE_SCHEMA 1

/* Statements of a save; their SQL is in store_sqlite.c. */
enum vd_store_statement {
    VD_SQL_BEGIN,
    VD_SQL_COMMIT,
    VD_SQL_PUT_PROCESS,
    VD_SQL_SETTLE,
    VD_SQL_DROP_PROCESS_OPTIONS,
    VD_SQL_PUT_PROCESS_OPTION,
    VD_SQL_PUT_GROUP,
    VD_SQL_DROP_GROUP,
    VD_SQL_DROP_OPTIONS,
    VD_SQL_PUT_OPTION,
    VD_SQL_DROP_REPLICAS,
    VD_SQL_PUT_REPLICA,
    VD_SQL_DROP_PEERS,
    VD_SQL_PUT_PEER,
    VD_SQL_PUT_TOMBSTONE,
    VD_SQL_DROP_TOMBSTONE,
    VD_SQL_PUT_HISTORY,
    VD_SQL_TRIM_TOLD,
    VD_SQL_TRIM_HISTORY,
    VD_SQL_PUT_ALERT,
    VD_SQL_DROP_ALERT,
    VD_SQL_COUNT,
};

struct vd_store_db {
    struct vd_store port; /* first */
    struct vd_state_dir dir;
    sqlite3 *db;
    sqlite3_stmt *statements[VD_SQL_COUNT];
    struct vd_text scratch;
};

/*
 * What is written from here on until `lazy` is taken back is on disk with the
 * next save or checkpoint only. Outside of transactions.
 */
bool vd_store_db_set_lazy(struct vd_store_db *store, bool lazy, struct vd_err *err) VD_MUSTCHECK;

/* store_load.c */
bool vd_store_db_load(struct vd_store *port, struct vd_saved *saved, bool *found,
                      struct vd_err *err);

/* store_history.c */
/* *there: does the history tell who led; one of an earlier vedette does not. */
bool vd_store_db_has_sources(sqlite3 *db, bool *there, struct vd_err *err) VD_MUSTCHECK;
bool vd_store_db_record(struct vd_store *port, struct vd_history_entry *entries, size_t count,
                        struct vd_err *err);
bool vd_store_db_witness(struct vd_store *port, struct vd_history_entry *entries, size_t count,
                         struct vd_err *err);
bool vd_store_db_history(struct vd_store *port,
                         void (*each)(void *self, const struct vd_history_entry *entry), void *self,
                         struct vd_err *err);

/* store_alerts.c */
bool vd_store_db_put_alerts(struct vd_store *port, const struct vd_store_alert *alerts,
                            size_t count, struct vd_err *err);
bool vd_store_db_alerts(struct vd_store *port,
                        void (*each)(void *self, const struct vd_store_alert *alert), void *self,
                        struct vd_err *err);

#endif
