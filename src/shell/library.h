/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Library: a shared library that only some configurations need, loaded when it
 * is: libcurl for alerts, libmicrohttpd for http-port. With all that those two
 * load in turn they are two fifths of an idle vedette's memory. Their headers
 * are compiled against as usual; a table of calls takes the linker's place.
 */
#ifndef VD_SHELL_LIBRARY_H
#define VD_SHELL_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

/*
 * Made from a list of names: VD_LIBRARY_CALL gives a field of a table,
 * VD_LIBRARY_NAME the name that fills it.
 */
#define VD_LIBRARY_CALL(prefix, name) __typeof__(prefix##name) *name;
#define VD_LIBRARY_NAME(prefix, name) #prefix #name,

/*
 * Fill `table`, which has room for `count` pointers to functions and nothing
 * else, in the order of their names. Once loaded it stays. False with the
 * reason, and the table empty: `file` is not there, or of another version; so
 * may be what it needs, if that is loaded already as it was before an upgrade.
 */
bool vd_library_load(const char *file, const char *const *names, void *table, size_t count,
                     struct vd_err *err) VD_MUSTCHECK;

#endif
