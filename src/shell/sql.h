/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SQL: what the store needs of SQLite: prepared statements with their values
 * given in one call, and errors as sentences.
 */
#ifndef VD_SHELL_SQL_H
#define VD_SHELL_SQL_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/text.h"
#include "core/value.h"

/* Run statements without values. False with SQLite's words. */
bool vd_sql_exec(sqlite3 *db, const char *sql, struct vd_err *err) VD_MUSTCHECK;

/* A statement to be used many times; NULL with SQLite's words. */
sqlite3_stmt *vd_sql_prepare(sqlite3 *db, const char *sql, struct vd_err *err);

/*
 * Bind values from the first parameter on and run to the end. `types` has a
 * letter for each: s const char * (NULL is NULL), i int64_t, a const struct
 * vd_addr * (host, ip, port: three values).
 */
bool vd_sql_run(sqlite3_stmt *statement, struct vd_err *err, const char *types, ...) VD_MUSTCHECK;

/* The same, but leaves the first row to be read: vd_sql_next for more. */
bool vd_sql_bind(sqlite3_stmt *statement, struct vd_err *err, const char *types, ...) VD_MUSTCHECK;

/* The next row. False at the end, or with err->text set ("" at the end). */
bool vd_sql_next(sqlite3_stmt *statement, struct vd_err *err) VD_MUSTCHECK;

/* The first column of the first row, as text; false at an error, or when there is no row ("" then).
 */
bool vd_sql_ask(sqlite3 *db, const char *sql, struct vd_text *out, struct vd_err *err) VD_MUSTCHECK;

/* Columns of the row. Texts are never NULL and valid until the next row. */
const char *vd_sql_text(sqlite3_stmt *statement, int column);
int64_t vd_sql_int(sqlite3_stmt *statement, int column);
bool vd_sql_is_null(sqlite3_stmt *statement, int column);
/* Three columns; false: no address. */
bool vd_sql_addr(sqlite3_stmt *statement, int column, struct vd_addr *out) VD_MUSTCHECK;
bool vd_sql_id(sqlite3_stmt *statement, int column, struct vd_id *out) VD_MUSTCHECK;

/* Did the last call fail because there is no room on the disk, or may it be so? */
bool vd_sql_is_full(sqlite3 *db);

#endif
