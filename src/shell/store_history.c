/* SPDX-License-Identifier: BSD-3-Clause */
/* Store, the history of failovers: a row each, the last thousand. */
#include <string.h>
#include <time.h>

#include "proto/addr.h"
#include "shell/clock.h"
#include "shell/history.h"
#include "shell/store_db.h"

void vd_history_entry_of(const struct vd_failover_record *record, struct vd_history_entry *out)
{
    *out = (struct vd_history_entry){.at_ms = vd_clock_wall_ms(),
                                     .group = record->group,
                                     .reason = record->reason,
                                     .result = record->result,
                                     .epoch = record->epoch,
                                     .from = record->from,
                                     .to = record->to,
                                     .loss_bytes = record->loss_bytes};
    vd_phases_of(record, &out->phases);
    if (out->phases.begun_at != VD_NEVER)
        out->at_ms -= vd_clock_now() - out->phases.begun_at;
}

const char *vd_history_source_word(enum vd_history_source source)
{
    static const char *const words[VD_HISTORY_SOURCES] = {"led", "told", "seen"};

    return words[source];
}

/* Writing ------------------------------------------------------------------------------ */

static bool put_row(struct vd_store_db *store, struct vd_history_entry *entry, struct vd_err *err)
{
    const struct vd_phases *phases = &entry->phases;

    if (!vd_sql_run(store->statements[VD_SQL_PUT_HISTORY], err, "iisissaaiiiiiiiiis", entry->id,
                    entry->at_ms, entry->group, (int64_t)entry->epoch, entry->reason, entry->result,
                    &entry->from, &entry->to, phases->silence_ms, phases->agreement_ms,
                    phases->election_ms, phases->selection_ms, phases->promotion_ms,
                    phases->total_ms, phases->replicas_ms, entry->loss_bytes,
                    (int64_t)entry->source, entry->leader == NULL ? "" : entry->leader))
        return false;
    entry->id = sqlite3_last_insert_rowid(store->db);
    return true;
}

_Static_assert(VD_HISTORY_TOLD == 1, "VD_SQL_TRIM_TOLD has the number");

static bool put_rows(struct vd_store_db *store, struct vd_history_entry *entries, size_t count,
                     struct vd_err *err)
{
    bool good = vd_sql_run(store->statements[VD_SQL_BEGIN], err, "");

    for (size_t i = 0; good && i < count; i++)
        good = put_row(store, &entries[i], err);
    if (good &&
        vd_sql_run(store->statements[VD_SQL_TRIM_TOLD], err, "i", (int64_t)VD_HISTORY_TOLD_MAX) &&
        vd_sql_run(store->statements[VD_SQL_TRIM_HISTORY], err, "i", (int64_t)VD_HISTORY_MAX) &&
        vd_sql_run(store->statements[VD_SQL_COMMIT], err, ""))
        return true;
    for (size_t i = 0; i < count; i++)
        entries[i].id = 0;
    if (sqlite3_get_autocommit(store->db) == 0)
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return vd_err_wrap(err, "history in %s", store->dir.path);
}

bool vd_store_db_record(struct vd_store *port, struct vd_history_entry *entries, size_t count,
                        struct vd_err *err)
{
    return put_rows((struct vd_store_db *)port, entries, count, err);
}

bool vd_store_db_witness(struct vd_store *port, struct vd_history_entry *entries, size_t count,
                         struct vd_err *err)
{
    struct vd_store_db *store = (struct vd_store_db *)port;
    struct vd_err ignored;
    bool good = vd_store_db_set_lazy(store, true, err) && put_rows(store, entries, count, err);

    VD_ASSERT(vd_store_db_set_lazy(store, false, &ignored));
    return good;
}

/* Reading ------------------------------------------------------------------------------ */

#define ROWS(source, leader)                                                                       \
    "SELECT id, at_ms, monitored, epoch, reason, result, from_host, from_ip, from_port, to_host,"  \
    " to_ip, to_port, silence_ms, agreement_ms, election_ms, selection_ms, promotion_ms,"          \
    " total_ms, replicas_ms, loss_bytes, " source ", " leader " FROM history ORDER BY id"

bool vd_store_db_has_sources(sqlite3 *db, bool *there, struct vd_err *err)
{
    struct vd_text answer = {0};
    bool good =
        vd_sql_ask(db, "SELECT COUNT(*) FROM pragma_table_info('history') WHERE name = 'leader'",
                   &answer, err);

    *there = good && strcmp(vd_text_cstr(&answer), "0") != 0;
    vd_text_free(&answer);
    return good;
}

/* Texts are valid until the next row. */
static void read_row(sqlite3_stmt *row, struct vd_history_entry *out)
{
    int64_t source = vd_sql_int(row, 20);

    *out = (struct vd_history_entry){.source = source > 0 && source < VD_HISTORY_SOURCES
                                                   ? (enum vd_history_source)source
                                                   : VD_HISTORY_LED,
                                     .leader = vd_sql_text(row, 21),
                                     .id = vd_sql_int(row, 0),
                                     .at_ms = vd_sql_int(row, 1),
                                     .group = vd_sql_text(row, 2),
                                     .epoch = (uint64_t)vd_sql_int(row, 3),
                                     .reason = vd_sql_text(row, 4),
                                     .result = vd_sql_text(row, 5),
                                     .loss_bytes = vd_sql_int(row, 19)};
    out->phases = (struct vd_phases){.begun_at = VD_NEVER,
                                     .silence_ms = vd_sql_int(row, 12),
                                     .agreement_ms = vd_sql_int(row, 13),
                                     .election_ms = vd_sql_int(row, 14),
                                     .selection_ms = vd_sql_int(row, 15),
                                     .promotion_ms = vd_sql_int(row, 16),
                                     .total_ms = vd_sql_int(row, 17),
                                     .replicas_ms = vd_sql_int(row, 18)};
    if (!vd_sql_addr(row, 6, &out->from))
        memset(&out->from, 0, sizeof(out->from));
    if (!vd_sql_addr(row, 9, &out->to))
        memset(&out->to, 0, sizeof(out->to));
}

static bool each_row(sqlite3 *db, void (*each)(void *self, const struct vd_history_entry *entry),
                     void *self, struct vd_err *err)
{
    struct vd_history_entry entry;
    sqlite3_stmt *rows;
    bool has_sources;

    if (!vd_store_db_has_sources(db, &has_sources, err))
        return false;
    /* Who only reads must do with what a vedette of before has left: all of that it led itself. */
    rows = vd_sql_prepare(db, has_sources ? ROWS("source", "leader") : ROWS("0", "''"), err);
    if (rows == NULL)
        return false;
    while (vd_sql_next(rows, err)) {
        read_row(rows, &entry);
        each(self, &entry);
    }
    (void)sqlite3_finalize(rows);
    return err->text[0] == '\0';
}

bool vd_store_db_history(struct vd_store *port,
                         void (*each)(void *self, const struct vd_history_entry *entry), void *self,
                         struct vd_err *err)
{
    struct vd_store_db *store = (struct vd_store_db *)port;

    return each_row(store->db, each, self, err) ||
           vd_err_wrap(err, "history in %s", store->dir.path);
}

/* Printing ------------------------------------------------------------------------------- */

static void print_addr(const struct vd_addr *addr, struct vd_text *to)
{
    if (addr->port == 0)
        vd_text_puts(to, "none");
    else
        vd_addr_print(addr->host[0] != '\0' ? addr->host : addr->ip, addr->port, to);
}

static void print_entry(const struct vd_history_entry *entry, struct vd_text *to)
{
    time_t seconds = (time_t)(entry->at_ms / 1000);
    struct tm parts;
    char when[32] = "";

    if (localtime_r(&seconds, &parts) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &parts);
    vd_text_printf(to, "%s.%03d  %s  epoch %llu  %s  ", when, (int)(entry->at_ms % 1000),
                   entry->group, (unsigned long long)entry->epoch, entry->reason);
    print_addr(&entry->from, to);
    vd_text_puts(to, " -> ");
    print_addr(&entry->to, to);
    vd_text_printf(to, "  %s: ", entry->result);
    vd_phases_print(&entry->phases, to);
    if (entry->loss_bytes >= 0)
        vd_text_printf(to, "; loss bound %lld bytes", (long long)entry->loss_bytes);
    if (entry->source == VD_HISTORY_TOLD)
        vd_text_printf(to, "; told by %s, who led", entry->leader);
    if (entry->source == VD_HISTORY_SEEN)
        vd_text_puts(to, "; seen from here");
    vd_text_putc(to, '\n');
}

struct printing {
    FILE *out;
    struct vd_text line;
    size_t count;
};

static void print_one(void *self, const struct vd_history_entry *entry)
{
    struct printing *printing = self;

    vd_text_clear(&printing->line);
    print_entry(entry, &printing->line);
    (void)fwrite(printing->line.bytes, 1, printing->line.len, printing->out);
    printing->count++;
}

static bool check_version(sqlite3 *db, struct vd_err *err)
{
    struct vd_text version = {0};
    bool good = vd_sql_ask(db, "PRAGMA user_version", &version, err);
    int64_t number = -1;

    if (good && (!vd_parse_int64(vd_text_cstr(&version), version.len, &number) ||
                 number != VD_STORE_SCHEMA))
        good = vd_err_set(err, "a state of version %s, and this vedette knows version %d",
                          vd_text_cstr(&version), VD_STORE_SCHEMA);
    vd_text_free(&version);
    return good;
}

static bool print_rows(sqlite3 *db, FILE *out, struct vd_err *err)
{
    struct printing printing = {.out = out};
    bool good = check_version(db, err) && each_row(db, print_one, &printing, err);

    vd_text_free(&printing.line);
    if (good && printing.count == 0)
        (void)fputs("no failover so far\n", out);
    return good;
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
