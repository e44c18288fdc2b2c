/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a vedette.cfg, shared by conf_native.c (settings, groups) and
 * conf_alerts.c (alerts, prices): faults with file and line, scalars as text,
 * secrets from where they are. Nobody else includes this.
 */
#ifndef VD_SHELL_NATIVE_READ_H
#define VD_SHELL_NATIVE_READ_H

#include <libconfig.h>

#include "proto/config.h"
#include "shell/native_name.h"

struct vd_native {
    struct vd_config *config;
    const char *path;
    struct vd_config_group *group; /* the group being read; NULL: settings of the process */
    uint64_t options_given;        /* bit per enum vd_option; of the group or the process */
    uint64_t server_given;         /* bit per row of server_option */
};

const char *vd_native_file(const struct vd_native *n, const config_setting_t *setting);

/* Both false, to be returned. */
bool vd_native_fault(struct vd_native *n, const config_setting_t *setting, const char *reason,
                     const char *remedy);
/* "<name> <what>" */
bool vd_native_fault_about(struct vd_native *n, const config_setting_t *setting, const char *what,
                           const char *remedy);

/* A scalar as the text that the tables read; texts must have been written in quotes. */
bool vd_native_scalar(struct vd_native *n, const config_setting_t *setting, bool wants_text,
                      struct vd_text *to) VD_MUSTCHECK;

/* The secret itself, from where the text in *value says. */
bool vd_native_secret(struct vd_native *n, const config_setting_t *setting, enum vd_native_by by,
                      struct vd_text *value) VD_MUSTCHECK;

/* alerts = { ... }; cost = { ... }; faults go into the configuration. */
void vd_native_read_alerts(struct vd_native *n, const config_setting_t *setting);
void vd_native_read_cost(struct vd_native *n, const config_setting_t *setting);

#endif
