/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Export: configuration and saved state as a sentinel.conf, from which
 * redis-sentinel or valkey-sentinel starts as the same sentinel: the way back.
 */
#ifndef VD_SHELL_EXPORT_H
#define VD_SHELL_EXPORT_H

#include "base/err.h"
#include "proto/config.h"

/*
 * Write what the configuration (loaded with `keeps`) and its state directory
 * say to the new file `path`, or to standard output for "-". A classic file
 * keeps its lines and comments. The file holds passwords and is its owner's.
 * False with the reason and the remedy: a vedette runs on the state, which it
 * may change; the file is there already; the configuration includes others.
 * *unsound: the state may lack votes, and whoever starts from it should wait.
 */
bool vd_export(const struct vd_config *config, const char *path, bool *unsound,
               struct vd_err *err) VD_MUSTCHECK;

#endif
