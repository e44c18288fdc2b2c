/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration from files and arguments: decides which format a file has,
 * puts the command line on top, checks what no single line can, and fills in
 * what depends on the rest (state directory, announced port).
 */
#ifndef VD_SHELL_CONFIG_LOAD_H
#define VD_SHELL_CONFIG_LOAD_H

#include <stdio.h>

#include "base/err.h"
#include "proto/config.h"

/*
 * Load from the arguments of the program, its name left out: FILE, `-` and
 * `--name value ...`, as vd_classic_arguments has them. A file is native when
 * its name ends in ".cfg", or else when its first meaningful line is of that
 * format. *config must have been initialised and not been loaded before.
 * Nothing is opened but files to read, and no directory is changed: `dir`
 * comes out absolute, and relative paths begin where the process was when this
 * was first called, so that it can be called again from elsewhere.
 *
 * False when anything is wrong: err->text then is all that is to be printed,
 * the first fault first; for a classic file it begins with the block that
 * Sentinel prints. It has no line feed at its end, and may have some within.
 * config->faults has every fault.
 */
bool vd_config_load(struct vd_config *config, size_t count, const char *const *arguments,
                    struct vd_err *err) VD_MUSTCHECK;

/*
 * `vedette --check ARGUMENTS`: load, then print every warning and every fault
 * to `err`, or one line that says what was read to `out`. The exit status: 0
 * or 1.
 */
int vd_config_check(enum vd_guise guise, size_t count, const char *const *arguments, FILE *out,
                    FILE *err);

#endif
