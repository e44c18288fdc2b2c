/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vedette.cfg, by libconfig: settings and a list of groups, durations and
 * sizes with units, secrets by value, by file or by environment. Names and
 * values go through the tables of proto/option.h and proto/server_option.h;
 * here is only what the format needs.
 */
#ifndef VD_SHELL_CONF_NATIVE_H
#define VD_SHELL_CONF_NATIVE_H

#include "proto/config.h"

/*
 * Read the file into the configuration, on top of the defaults it holds. All
 * faults, each with file and line, are put into config->faults; true when
 * there is none.
 */
bool vd_conf_native_read(struct vd_config *config, const char *path) VD_MUSTCHECK;

#endif
