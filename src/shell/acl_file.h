/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACL file of ACL SAVE: written so that it is never half, and read at the start. */
#ifndef VD_SHELL_ACL_FILE_H
#define VD_SHELL_ACL_FILE_H

#include "base/err.h"
#include "base/text.h"
#include "proto/config.h"

/*
 * The text instead of what the file holds: written beside it, synced, renamed.
 * The file keeps its mode; a new one is for its owner only.
 */
bool vd_acl_file_write(const char *path, const struct vd_text *text,
                       struct vd_err *err) VD_MUSTCHECK;

/* The users of config->server.aclfile into config->acl, where one is named. Faults go into *config.
 */
void vd_acl_file_load(struct vd_config *config);

#endif
