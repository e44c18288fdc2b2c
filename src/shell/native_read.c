/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a vedette.cfg: see native_read.h. */
#include "shell/native_read.h"

#include <stdlib.h>
#include <string.h>

#include "shell/conf_file.h"

const char *vd_native_file(const struct vd_native *n, const config_setting_t *setting)
{
    const char *file = config_setting_source_file(setting);

    return file == NULL ? n->path : file;
}

bool vd_native_fault(struct vd_native *n, const config_setting_t *setting, const char *reason,
                     const char *remedy)
{
    return vd_config_fault(n->config, vd_native_file(n, setting),
                           (unsigned)config_setting_source_line(setting), NULL, reason, remedy);
}

bool vd_native_fault_about(struct vd_native *n, const config_setting_t *setting, const char *what,
                           const char *remedy)
{
    struct vd_text reason = {0};

    vd_text_printf(&reason, "%s %s", config_setting_name(setting), what);
    vd_native_fault(n, setting, reason.bytes, remedy);
    vd_text_free(&reason);
    return false;
}

bool vd_native_scalar(struct vd_native *n, const config_setting_t *setting, bool wants_text,
                      struct vd_text *to)
{
    int type = config_setting_type(setting);

    vd_text_clear(to);
    if (type == CONFIG_TYPE_STRING)
        vd_text_puts(to, config_setting_get_string(setting));
    else if (wants_text)
        return vd_native_fault_about(n, setting, "must be a text", "put it in double quotes");
    else if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
        vd_text_put_int(to, config_setting_get_int64(setting));
    else if (type == CONFIG_TYPE_BOOL)
        vd_text_puts(to, config_setting_get_bool(setting) ? "true" : "false");
    else
        return vd_native_fault_about(n, setting, "must be one whole number, text, or true or false",
                                     "vedette.cfg(5) shows how it is written");
    return true;
}

bool vd_native_secret(struct vd_native *n, const config_setting_t *setting, enum vd_native_by by,
                      struct vd_text *value)
{
    struct vd_err err = {""};
    const char *from;

    if (by == VD_BY_ENV) {
        from = getenv(vd_text_cstr(value));
        if (from == NULL || from[0] == '\0') {
            vd_err_set(&err, "names the environment variable '%.100s', which is not set",
                       vd_text_cstr(value));
            return vd_native_fault_about(n, setting, err.text,
                                         "set it where the process is started");
        }
        vd_text_clear(value);
        vd_text_puts(value, from);
        return true;
    }
    if (vd_conf_secret_read(n->config, vd_native_file(n, setting),
                            (unsigned)config_setting_source_line(setting), value, &err))
        return true;
    return vd_native_fault_about(n, setting, err.text,
                                 "give a readable file that holds nothing else");
}
