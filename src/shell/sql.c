/* SPDX-License-Identifier: BSD-3-Clause */
/* SQL: see sql.h. */
#include "shell/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"

static bool fail(sqlite3 *db, struct vd_err *err)
{
    int error = sqlite3_system_errno(db);

    if (error != 0 &&
        (sqlite3_errcode(db) == SQLITE_IOERR || sqlite3_errcode(db) == SQLITE_CANTOPEN))
        return vd_err_set(err, "%s: %s", sqlite3_errmsg(db), strerror(error));
    return vd_err_set(err, "%s", sqlite3_errmsg(db));
}

bool vd_sql_exec(sqlite3 *db, const char *sql, struct vd_err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, err);
}

sqlite3_stmt *vd_sql_prepare(sqlite3 *db, const char *sql, struct vd_err *err)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) == SQLITE_OK)
        return statement;
    (void)fail(db, err);
    return NULL;
}

static int bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    /* SQLITE_STATIC: everything bound outlives the call that runs the statement. */
    return sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static int bind_addr(sqlite3_stmt *statement, int at, const struct vd_addr *addr)
{
    int status = bind_text(statement, at, addr->host);

    if (status == SQLITE_OK)
        status = bind_text(statement, at + 1, addr->ip);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int(statement, at + 2, addr->port);
    return status;
}

static bool bind_args(sqlite3_stmt *statement, struct vd_err *err, const char *types, va_list args)
{
    int status = SQLITE_OK;
    int at = 1;

    (void)sqlite3_reset(statement);
    for (; *types != '\0' && status == SQLITE_OK; types++) {
        switch (*types) {
        case 's':
            status = bind_text(statement, at++, va_arg(args, const char *));
            break;
        case 'i':
            status = sqlite3_bind_int64(statement, at++, va_arg(args, int64_t));
            break;
        case 'a':
            status = bind_addr(statement, at, va_arg(args, const struct vd_addr *));
            at += 3;
            break;
        default:
            VD_ASSERT(false);
        }
    }
    VD_ASSERT(status != SQLITE_OK || at == sqlite3_bind_parameter_count(statement) + 1);
    return status == SQLITE_OK || fail(sqlite3_db_handle(statement), err);
}

bool vd_sql_bind(sqlite3_stmt *statement, struct vd_err *err, const char *types, ...)
{
    va_list args;
    bool good;

    va_start(args, types);
    good = bind_args(statement, err, types, args);
    va_end(args);
    return good;
}

bool vd_sql_run(sqlite3_stmt *statement, struct vd_err *err, const char *types, ...)
{
    va_list args;
    bool good;
    int status;

    va_start(args, types);
    good = bind_args(statement, err, types, args);
    va_end(args);
    if (!good)
        return false;
    do {
        status = sqlite3_step(statement);
    } while (status == SQLITE_ROW);
    if (status != SQLITE_DONE)
        (void)fail(sqlite3_db_handle(statement), err);
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return status == SQLITE_DONE;
}

bool vd_sql_next(sqlite3_stmt *statement, struct vd_err *err)
{
    int status = sqlite3_step(statement);

    err->text[0] = '\0';
    if (status == SQLITE_ROW)
        return true;
    if (status != SQLITE_DONE)
        (void)fail(sqlite3_db_handle(statement), err);
    (void)sqlite3_reset(statement);
    return false;
}

bool vd_sql_ask(sqlite3 *db, const char *sql, struct vd_text *out, struct vd_err *err)
{
    sqlite3_stmt *statement = vd_sql_prepare(db, sql, err);
    bool good;

    if (statement == NULL)
        return false;
    good = vd_sql_next(statement, err);
    vd_text_clear(out);
    if (good)
        vd_text_puts(out, vd_sql_text(statement, 0));
    (void)sqlite3_finalize(statement);
    return good;
}

const char *vd_sql_text(sqlite3_stmt *statement, int column)
{
    const void *text = sqlite3_column_text(statement, column);

    return text == NULL ? "" : text;
}

int64_t vd_sql_int(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

bool vd_sql_is_null(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

bool vd_sql_addr(sqlite3_stmt *statement, int column, struct vd_addr *out)
{
    int64_t port = vd_sql_int(statement, column + 2);

    memset(out, 0, sizeof(*out));
    if (port < 0 || port > UINT16_MAX)
        return false;
    out->port = (uint16_t)port;
    return vd_copy(out->host, sizeof(out->host), vd_sql_text(statement, column)) &&
           vd_copy(out->ip, sizeof(out->ip), vd_sql_text(statement, column + 1));
}

bool vd_sql_id(sqlite3_stmt *statement, int column, struct vd_id *out)
{
    return vd_copy(out->hex, sizeof(out->hex), vd_sql_text(statement, column));
}

bool vd_sql_is_full(sqlite3 *db)
{
    /* A quota or a limit of file sizes is no SQLITE_FULL to SQLite, but a write that failed. */
    return sqlite3_errcode(db) == SQLITE_FULL || sqlite3_extended_errcode(db) == SQLITE_IOERR_WRITE;
}
