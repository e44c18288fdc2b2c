/* SPDX-License-Identifier: BSD-3-Clause */
/* Names in vedette.cfg, see native_name.h. */
#include "shell/native_name.h"

#include <string.h>

/* Names that are no rows: for look-alikes only. */
static const char *const of_process_too[] = {"groups",
                                             "users",
                                             "myid",
                                             "alerts",
                                             "cost",
                                             "requirepass-file",
                                             "requirepass-env",
                                             "sentinel-pass-file",
                                             "sentinel-pass-env"};
static const char *const of_group_too[] = {"name",     "primary",        "host",         "port",
                                           "replicas", "auth-pass-file", "auth-pass-env"};

static bool has_suffix(const char *name, size_t len, const char *suffix)
{
    size_t suffix_len = strlen(suffix);

    if (len <= suffix_len)
        return false;
    for (size_t i = 0; i < suffix_len; i++) {
        char c = name[len - suffix_len + i];

        if ((c == '_' ? '-' : c) != suffix[i])
            return false;
    }
    return true;
}

static bool is_of(bool of_group, const struct vd_option_row *row)
{
    return row->names[VD_IN_NATIVE] != NULL && (row->option < VD_OPT_GROUP_COUNT) == of_group;
}

static bool find_row(bool of_group, const char *name, size_t len, struct vd_native_name *out)
{
    const struct vd_option_row *row = vd_option_find(VD_IN_NATIVE, name, len);
    size_t count;

    *out = (struct vd_native_name){.by = VD_BY_VALUE};
    if (row != NULL && is_of(of_group, row)) {
        out->option = row;
        out->bit = UINT64_C(1) << row->option;
        out->is_text = row->kind == VD_KIND_TEXT || row->kind == VD_KIND_HOST ||
                       row->kind == VD_KIND_SECRET || row->kind == VD_KIND_SCRIPT ||
                       row->kind == VD_KIND_CHOICE;
        return true;
    }
    out->server = of_group ? NULL : vd_server_find(VD_IN_NATIVE, name, len);
    if (out->server == NULL)
        return false;
    out->bit = UINT64_C(1) << (out->server - vd_server_rows(&count));
    VD_ASSERT(count <= 64);
    out->is_text = out->server->kind == VD_SERVER_TEXT || out->server->kind == VD_SERVER_PATH ||
                   out->server->kind == VD_SERVER_IP || out->server->kind == VD_SERVER_VERSION ||
                   out->server->kind == VD_SERVER_SECRET || out->server->kind == VD_SERVER_CHOICE;
    return true;
}

static bool is_secret(const struct vd_native_name *name)
{
    return name->option != NULL ? name->option->kind == VD_KIND_SECRET
                                : name->server->kind == VD_SERVER_SECRET;
}

bool vd_native_find(bool of_group, const char *name, struct vd_native_name *out)
{
    size_t len = strlen(name);
    bool by_file = has_suffix(name, len, "-file");

    if (find_row(of_group, name, len, out))
        return true;
    if (!by_file && !has_suffix(name, len, "-env"))
        return false;
    if (!find_row(of_group, name, len - (by_file ? 5 : 4), out))
        return false;
    out->by = by_file ? VD_BY_FILE : VD_BY_ENV;
    return is_secret(out);
}

const char *vd_native_nearest(bool of_group, const char *name)
{
    const char *const *own = of_group ? of_group_too : of_process_too;
    size_t own_count = of_group ? sizeof(of_group_too) / sizeof(of_group_too[0])
                                : sizeof(of_process_too) / sizeof(of_process_too[0]);
    size_t option_count;
    size_t server_count;
    const struct vd_option_row *options = vd_option_rows(&option_count);
    const struct vd_server_row *servers = vd_server_rows(&server_count);
    const char **names = vd_calloc(own_count + option_count + server_count, sizeof(names[0]));
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; i < own_count; i++)
        names[count++] = own[i];
    for (size_t i = 0; i < option_count; i++) {
        if (is_of(of_group, &options[i]))
            names[count++] = options[i].names[VD_IN_NATIVE];
    }
    for (size_t i = 0; !of_group && i < server_count; i++) {
        if (servers[i].native != NULL)
            names[count++] = servers[i].native;
    }
    nearest = vd_name_nearest(name, names, count);
    vd_free(names);
    return nearest;
}
