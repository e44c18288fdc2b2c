/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names in vedette.cfg: which row of which table a name stands for. Secrets
 * have three names each: for the value, a file, and an environment variable.
 */
#ifndef VD_SHELL_NATIVE_NAME_H
#define VD_SHELL_NATIVE_NAME_H

#include "proto/option.h"
#include "proto/server_option.h"

enum vd_native_by {
    VD_BY_VALUE,
    VD_BY_FILE, /* the value is the path of a file that holds it */
    VD_BY_ENV,  /* ... the name of an environment variable */
};

struct vd_native_name {
    const struct vd_option_row *option; /* one of these two */
    const struct vd_server_row *server;
    enum vd_native_by by;
    bool is_text; /* its value must be in quotes */
    uint64_t bit; /* of its row, among those of its table */
};

/* A setting of a group, or of the process; false when there is none of this name. */
bool vd_native_find(bool of_group, const char *name, struct vd_native_name *out) VD_MUSTCHECK;

/* The name that was probably meant, or NULL. */
const char *vd_native_nearest(bool of_group, const char *name);

#endif
