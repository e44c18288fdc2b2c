/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What options.c (the command line) and options_env.c (all else that says how)
 * share; nobody else includes this.
 */
#ifndef VD_CTL_OPTIONS_ROOM_H
#define VD_CTL_OPTIONS_ROOM_H

#include "ctl/options.h"

/* A copy in place of what was there. */
void vd_ctl_set_text(char **to, const char *text);

/* The first line of the file, which must not be empty. */
bool vd_ctl_read_secret(const char *path, char **to, struct vd_err *err) VD_MUSTCHECK;

/* What the command line has not said: from the environment, the configuration, or by default. */
bool vd_ctl_options_finish(struct vd_ctl_options *options, struct vd_err *err) VD_MUSTCHECK;

#endif
