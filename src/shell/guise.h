/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guise: whose place the program takes, by the name that it is called by. A
 * link named redis-sentinel is all it takes to be one.
 */
#ifndef VD_SHELL_GUISE_H
#define VD_SHELL_GUISE_H

#include "base/err.h"
#include "proto/config.h"

/*
 * By the last part of the path in argv[0]: "redis-sentinel" or
 * "valkey-sentinel" in it make it one; so do "redis-server" and
 * "valkey-server" with a bare --sentinel among the arguments. False: it was
 * called a server, which it cannot be.
 */
bool vd_guise_find(const char *called, size_t count, const char *const *arguments,
                   enum vd_guise *out, struct vd_err *err) VD_MUSTCHECK;

/* "redis-sentinel"; "vedette" for VD_GUISE_OWN. */
const char *vd_guise_name(enum vd_guise guise);

#endif
