/* SPDX-License-Identifier: BSD-3-Clause */
/* Store, the history of failovers: a row each, the last thousand. */
#include <string.h>
#include <time.h>

#include "proto/addr.h"
#include "shell/clock.h"
#include "shell/phases.h"
#include "shell/store_db.h"

static bool put_row(struct vd_store_db *store, const struct vd_failover_record *record,
                    struct vd_err *err)
{
    struct vd_phases phases;
    int64_t at_ms = vd_clock_wall_ms();

    vd_phases_of(record, &phases);
    if (phases.begun_at != VD_NEVER)
        at_ms -= vd_clock_now() - phases.begun_at;
    return vd_sql_run(store->statements[VD_SQL_PUT_HISTORY], err, "isissaaiiiiiiii", at_ms,
                      record->group, (int64_t)record->epoch, record->reason, record->result,
                      &record->from, &record->to, phases.silence_ms, phases.agreement_ms,
                      phases.election_ms, phases.selection_ms, phases.promotion_ms, phases.total_ms,
                      phases.replicas_ms, record->loss_bytes);
}

bool vd_store_db_record(struct vd_store *port, const struct vd_failover_record *record,
                        struct vd_err *err)
{
    struct vd_store_db *store = (struct vd_store_db *)port;

    if (vd_sql_run(store->statements[VD_SQL_BEGIN], err, "") && put_row(store, record, err) &&
        vd_sql_run(store->statements[VD_SQL_TRIM_HISTORY], err, "") &&
        vd_sql_run(store->statements[VD_SQL_COMMIT], err, ""))
        return true;
    if (sqlite3_get_autocommit(store->db) == 0)
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return vd_err_wrap(err, "history in %s", store->dir.path);
}

static void print_addr(sqlite3_stmt *row, int column, struct vd_text *to)
{
    struct vd_addr addr;

    if (!vd_sql_addr(row, column, &addr) || addr.port == 0)
        vd_text_puts(to, "none");
    else
        vd_addr_print(addr.host[0] != '\0' ? addr.host : addr.ip, addr.port, to);
}

static void print_row(sqlite3_stmt *row, struct vd_text *to)
{
    struct vd_phases phases = {.silence_ms = vd_sql_int(row, 11),
                               .agreement_ms = vd_sql_int(row, 12),
                               .election_ms = vd_sql_int(row, 13),
                               .selection_ms = vd_sql_int(row, 14),
                               .promotion_ms = vd_sql_int(row, 15),
                               .total_ms = vd_sql_int(row, 16),
                               .replicas_ms = vd_sql_int(row, 17)};
    time_t seconds = (time_t)(vd_sql_int(row, 0) / 1000);
    int64_t loss = vd_sql_int(row, 18);
    struct tm parts;
    char when[32] = "";

    if (localtime_r(&seconds, &parts) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &parts);
    vd_text_printf(to, "%s.%03d  %s  epoch %llu  %s  ", when, (int)(vd_sql_int(row, 0) % 1000),
                   vd_sql_text(row, 1), (unsigned long long)vd_sql_int(row, 2),
                   vd_sql_text(row, 3));
    print_addr(row, 5, to);
    vd_text_puts(to, " -> ");
    print_addr(row, 8, to);
    vd_text_printf(to, "  %s: ", vd_sql_text(row, 4));
    vd_phases_print(&phases, to);
    if (loss >= 0)
        vd_text_printf(to, "; loss bound %lld bytes", (long long)loss);
    vd_text_putc(to, '\n');
}

static bool print_rows(sqlite3 *db, FILE *out, struct vd_err *err)
{
    sqlite3_stmt *rows = vd_sql_prepare(
        db,
        "SELECT at_ms, monitored, epoch, reason, result, from_host, from_ip, from_port, to_host,"
        " to_ip, to_port, silence_ms, agreement_ms, election_ms, selection_ms, promotion_ms,"
        " total_ms, replicas_ms, loss_bytes FROM history ORDER BY id",
        err);
    struct vd_text line = {0};
    size_t count = 0;

    if (rows == NULL)
        return false;
    while (vd_sql_next(rows, err)) {
        vd_text_clear(&line);
        print_row(rows, &line);
        (void)fwrite(line.bytes, 1, line.len, out);
        count++;
    }
    (void)sqlite3_finalize(rows);
    vd_text_free(&line);
    if (err->text[0] == '\0' && count == 0)
        (void)fputs("no failover so far\n", out);
    return err->text[0] == '\0';
}

bool vd_store_print_history(const char *state_dir, FILE *out, struct vd_err *err)
{
    char *path = vd_state_dir_join(state_dir, VD_STORE_FILE);
    sqlite3 *db = NULL;
    bool good =
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK;

    if (!good)
        (void)vd_err_set(err, "%s: %s; is this the state-dir of a vedette that was started before?",
                         path, db == NULL ? "out of memory" : sqlite3_errmsg(db));
    (void)sqlite3_busy_timeout(db, 1000);
    if (good && !print_rows(db, out, err))
        good = vd_err_wrap(err, "%s", path);
    (void)sqlite3_close(db);
    vd_free(path);
    return good;
}
