/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Store, the alerts that were told: a row each. What is lost of them is told
 * once more and harms nobody, so nothing waits for the disk: they are written
 * without a sync, and get there with the next save. Only the checkpoint that
 * falls due every thousand pages syncs, whoever wrote the last of them.
 */
#include "shell/store_db.h"

#define ROWS_MAX 20000

static bool put_row(struct vd_store_db *store, const struct vd_store_alert *alert,
                    struct vd_err *err)
{
    if (alert->channels[0] == '\0')
        return vd_sql_run(store->statements[VD_SQL_DROP_ALERT], err, "sss", alert->rule,
                          alert->group, alert->target);
    return vd_sql_run(store->statements[VD_SQL_PUT_ALERT], err, "ssssi", alert->rule, alert->group,
                      alert->target, alert->channels, alert->since_ms);
}

static bool put_rows(struct vd_store_db *store, const struct vd_store_alert *alerts, size_t count,
                     struct vd_err *err)
{
    bool good = vd_sql_run(store->statements[VD_SQL_BEGIN], err, "");

    for (size_t i = 0; good && i < count; i++)
        good = put_row(store, &alerts[i], err);
    return good && vd_sql_run(store->statements[VD_SQL_COMMIT], err, "");
}

bool vd_store_db_put_alerts(struct vd_store *port, const struct vd_store_alert *alerts,
                            size_t count, struct vd_err *err)
{
    struct vd_store_db *store = (struct vd_store_db *)port;
    struct vd_err ignored;
    bool good = vd_store_db_set_lazy(store, true, err) && put_rows(store, alerts, count, err);

    if (sqlite3_get_autocommit(store->db) == 0)
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    /* Whatever came of it: votes wait for the disk. */
    VD_ASSERT(vd_store_db_set_lazy(store, false, &ignored));
    return good || vd_err_wrap(err, "alerts in %s", store->dir.path);
}

bool vd_store_db_alerts(struct vd_store *port,
                        void (*each)(void *self, const struct vd_store_alert *alert), void *self,
                        struct vd_err *err)
{
    struct vd_store_db *store = (struct vd_store_db *)port;
    sqlite3_stmt *rows = vd_sql_prepare(
        store->db, "SELECT rule, monitored, target, channels, since_ms FROM alert", err);
    struct vd_store_alert alert;
    size_t count = 0;

    if (rows == NULL)
        return vd_err_wrap(err, "alerts in %s", store->dir.path);
    while (count++ < ROWS_MAX && vd_sql_next(rows, err)) {
        alert = (struct vd_store_alert){.rule = vd_sql_text(rows, 0),
                                        .group = vd_sql_text(rows, 1),
                                        .target = vd_sql_text(rows, 2),
                                        .channels = vd_sql_text(rows, 3),
                                        .since_ms = vd_sql_int(rows, 4)};
        each(self, &alert);
    }
    (void)sqlite3_finalize(rows);
    return err->text[0] == '\0' || vd_err_wrap(err, "alerts in %s", store->dir.path);
}
