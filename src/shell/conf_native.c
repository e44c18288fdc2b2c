/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vedette.cfg. libconfig reads the text; what a setting is called and may hold
 * is in the tables of proto. Settings of the process come first, wherever they
 * stand, because the groups depend on them. After a mistake reading goes on.
 */
#include "shell/conf_native.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "proto/addr.h"
#include "proto/option.h"
#include "proto/server_option.h"
#include "shell/conf_file.h"
#include "shell/native_read.h"

/* Names ----------------------------------------------------------------------------------- */

static bool refuse_unknown(struct vd_native *n, const config_setting_t *setting)
{
    const char *name = config_setting_name(setting);
    const char *nearest = vd_native_nearest(n->group != NULL, name);
    struct vd_text remedy = {0};
    struct vd_text reason = {0};

    vd_text_printf(&reason, "there is no setting '%s' %s", name,
                   n->group == NULL ? "of the process" : "of a group");
    if (nearest != NULL)
        vd_text_printf(&remedy, "did you mean '%s'?", nearest);
    else
        vd_text_puts(&remedy, "vedette.cfg(5) lists them all");
    vd_native_fault(n, setting, reason.bytes, remedy.bytes);
    vd_text_free(&reason);
    vd_text_free(&remedy);
    return false;
}

/* Values ---------------------------------------------------------------------------------- */

static bool apply_option(struct vd_native *n, const config_setting_t *setting,
                         const struct vd_option_row *row, const struct vd_text *text)
{
    const struct vd_word value = {vd_text_cstr(text), text->len};
    struct vd_setting parsed;
    struct vd_err err = {""};

    if (!vd_option_parse(row, VD_FORM_UNITS, &value, NULL, &parsed, &err))
        return vd_native_fault_about(n, setting, err.text, "correct the value");
    if (row->kind == VD_KIND_SCRIPT && value.len > 0 &&
        !vd_conf_is_executable(n->config->server.dir, value.bytes))
        return vd_native_fault_about(n, setting, "is no executable file",
                                     "give the path of one; a relative path begins at 'dir'");
    if (n->group != NULL) {
        vd_options_apply(&n->group->options, &parsed);
        n->group->set |= UINT64_C(1) << row->option;
    } else {
        vd_globals_apply(&n->config->globals, &parsed);
        n->config->globals_set |= UINT64_C(1) << (row->option - VD_OPT_GROUP_COUNT);
    }
    return true;
}

/* bind: one address or an array of them. */
static bool apply_list(struct vd_native *n, const config_setting_t *setting,
                       const struct vd_server_row *row)
{
    bool is_list = config_setting_is_aggregate(setting) && !config_setting_is_group(setting);
    size_t count = is_list ? (size_t)config_setting_length(setting) : 1;
    struct vd_word *values = vd_calloc(count + 1, sizeof(values[0]));
    struct vd_err err = {""};
    bool ok = count > 0;

    for (size_t i = 0; i < count && ok; i++) {
        const char *text = is_list ? config_setting_get_string_elem(setting, (int)i)
                                   : config_setting_get_string(setting);

        ok = text != NULL;
        if (ok)
            values[i] = (struct vd_word){text, strlen(text)};
    }
    if (!ok)
        vd_native_fault_about(
            n, setting, "must be a list of addresses",
            "write [\"127.0.0.1\", \"::1\"], or \"*\" for all; port = 0 switches TCP off");
    else if (!vd_server_set(&n->config->server, row, VD_FORM_UNITS, values, count, &err))
        ok = vd_native_fault_about(n, setting, err.text, "give IP addresses, or \"*\" for all");
    vd_free(values);
    return ok;
}

static bool apply_server(struct vd_native *n, const config_setting_t *setting,
                         const struct vd_server_row *row, const struct vd_text *text)
{
    const struct vd_word value = {vd_text_cstr(text), text->len};
    struct vd_err err = {""};
    struct vd_text what = {0};

    /* libconfig 1.5 reads a bare 0700 as seven hundred, 1.7 as octal: it must come as text. */
    if (row->kind == VD_SERVER_OCTAL && config_setting_type(setting) != CONFIG_TYPE_STRING)
        return vd_native_fault_about(n, setting, "must be octal digits in quotes",
                                     "write \"0700\"");
    if (vd_server_set(&n->config->server, row, VD_FORM_UNITS, &value, 1, &err))
        return true;
    /* Redis's reasons speak of "argument"; here the setting has a name. */
    if (strncmp(err.text, "argument", 8) == 0)
        vd_text_puts(&what, err.text + (strncmp(err.text + 8, "(s)", 3) == 0 ? 12 : 9));
    else
        vd_text_puts(&what, err.text);
    vd_native_fault_about(n, setting, what.bytes, "correct the value");
    vd_text_free(&what);
    return false;
}

/* `dir` itself begins where relative paths began before it. */
static bool apply_dir(struct vd_native *n, const config_setting_t *setting,
                      const struct vd_text *text)
{
    char **dir = &n->config->server.dir;
    char *settled = vd_conf_join(*dir, vd_text_cstr(text));
    struct vd_err err = {""};

    if (!vd_conf_is_directory(settled, &err)) {
        vd_err_wrap(&err, "is '%.200s'", settled);
        vd_free(settled);
        return vd_native_fault_about(n, setting, err.text,
                                     "make the directory, or correct the path");
    }
    vd_free(*dir);
    *dir = settled;
    return true;
}

/* Commands by their names: rename-command = { CONFIG = "..."; } */
static bool apply_renames(struct vd_native *n, const config_setting_t *setting)
{
    const struct vd_option_row *row = vd_option_row(VD_OPT_RENAME_COMMAND);

    VD_ASSERT(n->group != NULL);
    if (!config_setting_is_group(setting))
        return vd_native_fault_about(n, setting, "must be a group of commands",
                                     "write { CONFIG = \"new-name\"; }");
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *one = config_setting_get_elem(setting, (unsigned)i);
        const char *from = config_setting_name(one);
        const char *to = config_setting_get_string(one);
        struct vd_word words[2];
        struct vd_setting parsed;
        struct vd_err err = {""};

        if (to == NULL || to[0] == '\0') {
            vd_native_fault_about(n, one, "needs a new name", "put it in double quotes");
            continue;
        }
        words[0] = (struct vd_word){from, strlen(from)};
        words[1] = (struct vd_word){to, strlen(to)};
        if (!vd_option_parse(row, VD_FORM_UNITS, &words[0], &words[1], &parsed, &err)) {
            vd_native_fault_about(n, one, err.text, "correct the value");
            continue;
        }
        vd_options_apply(&n->group->options, &parsed);
        n->group->set |= UINT64_C(1) << VD_OPT_RENAME_COMMAND;
    }
    return true;
}

/* `down_after` and `down-after` are one, and so are a secret and the file it comes from. */
static bool is_given_twice(struct vd_native *n, const struct vd_native_name *name)
{
    uint64_t *given = name->option != NULL ? &n->options_given : &n->server_given;
    bool twice = (*given & name->bit) != 0;

    *given |= name->bit;
    return twice;
}

static bool apply_setting(struct vd_native *n, const config_setting_t *setting)
{
    struct vd_native_name name;
    struct vd_text text = {0};
    bool ok;

    if (!vd_native_find(n->group != NULL, config_setting_name(setting), &name))
        return refuse_unknown(n, setting);
    VD_ASSERT(name.option != NULL || name.server != NULL);
    if (is_given_twice(n, &name))
        return vd_native_fault_about(n, setting, "is given twice", "remove one of the two");
    if (name.server != NULL && name.server->kind == VD_SERVER_LIST)
        return apply_list(n, setting, name.server);
    if (name.option != NULL && name.option->kind == VD_KIND_RENAME)
        return apply_renames(n, setting);
    ok = vd_native_scalar(n, setting, name.is_text, &text);
    if (ok && name.by != VD_BY_VALUE)
        ok = vd_native_secret(n, setting, name.by, &text);
    if (ok && name.option != NULL)
        ok = apply_option(n, setting, name.option, &text);
    else if (ok && name.server->offset == offsetof(struct vd_server_options, dir))
        ok = apply_dir(n, setting, &text);
    else if (ok)
        ok = apply_server(n, setting, name.server, &text);
    vd_text_free(&text);
    return ok;
}

/* Groups ----------------------------------------------------------------------------------------
 */

/* primary = "host:port", or host = "..."; port = n; */
static bool read_address(struct vd_native *n, const config_setting_t *setting, struct vd_addr *out)
{
    const config_setting_t *primary = config_setting_get_member(setting, "primary");
    const config_setting_t *host = config_setting_get_member(setting, "host");
    const config_setting_t *port = config_setting_get_member(setting, "port");
    const config_setting_t *said = primary != NULL ? primary : host;
    const char *text = said == NULL ? NULL : config_setting_get_string(said);
    int64_t number = port == NULL ? 6379 : (int64_t)config_setting_get_int64(port);
    struct vd_err err = {""};

    if (said == NULL)
        return vd_native_fault(n, setting, "the group has no address",
                               "add primary = \"host:port\", the server that is the primary now");
    if (primary != NULL && (host != NULL || port != NULL))
        return vd_native_fault(n, primary, "primary is given as well as host or port",
                               "remove one of them");
    if (text == NULL)
        return vd_native_fault_about(n, said, "must be a text", "put it in double quotes");
    if (port != NULL && (number < 1 || number > UINT16_MAX))
        return vd_native_fault(n, port, "port must be from 1 to 65535", "correct the value");
    if (primary != NULL && !vd_addr_parse(out, text, strlen(text), &err))
        return vd_native_fault_about(n, primary, err.text, NULL);
    if (primary == NULL && !vd_addr_set(out, text, strlen(text), (uint16_t)number))
        return vd_native_fault_about(n, host, "is neither an IP address nor a host name",
                                     "write it without port and without brackets");
    if (out->ip[0] == '\0' && !n->config->globals.resolve_hostnames)
        return vd_native_fault_about(n, said, "has a host name, but names are not resolved",
                                     "add resolve-hostnames = true, or give an IP address");
    return true;
}

static bool is_same(const struct vd_addr *a, const struct vd_addr *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0 && strcmp(a->ip, b->ip) == 0;
}

static bool is_listed(const struct vd_config_group *group, const struct vd_addr *addr)
{
    bool found = is_same(&group->addr, addr);

    for (size_t i = 0; i < group->replica_count && !found; i++)
        found = is_same(&group->replicas[i], addr);
    return found;
}

/*
 * replicas = ["host:port", ...]: known before the primary has told of them. It may be the list of
 * all servers, the same everywhere: the primary itself is passed over.
 */
static void read_replicas(struct vd_native *n, const config_setting_t *replicas)
{
    int count = config_setting_is_aggregate(replicas) ? config_setting_length(replicas) : -1;
    struct vd_config_group *group = n->group;

    if (count < 0 || config_setting_is_group(replicas)) {
        vd_native_fault(n, replicas, "replicas must be a list",
                        "write [\"10.0.0.2:6379\", \"[::1]:6379\"]");
        return;
    }
    group->replicas_are_hints = true;
    group->replicas = vd_calloc((size_t)count + 1, sizeof(group->replicas[0]));
    for (int i = 0; i < count; i++) {
        const char *text = config_setting_get_string_elem(replicas, i);
        struct vd_err err = {"is no text"};
        struct vd_addr addr = {0};

        if (text == NULL || !vd_addr_parse(&addr, text, strlen(text), &err))
            vd_native_fault_about(n, replicas, err.text, "write each as \"host:port\"");
        else if (addr.ip[0] == '\0' && !n->config->globals.resolve_hostnames)
            vd_native_fault_about(n, replicas, "has a host name, but names are not resolved",
                                  "add resolve-hostnames = true, or give IP addresses");
        else if (!is_listed(group, &addr))
            group->replicas[group->replica_count++] = addr;
    }
}

/* Settings of a group that are no rows. */
static bool is_read_apart(const char *name)
{
    static const char *const names[] = {"name", "primary", "host", "port", "replicas"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static void read_group(struct vd_native *n, const config_setting_t *setting)
{
    const config_setting_t *name = config_setting_get_member(setting, "name");
    const config_setting_t *replicas = config_setting_get_member(setting, "replicas");
    const char *text = name == NULL ? NULL : config_setting_get_string(name);
    struct vd_text place = {0};
    struct vd_addr addr = {0};

    if (text == NULL) {
        vd_native_fault(n, setting, "the group has no name",
                        "add name = \"...\", as clients ask for it");
        return;
    }
    if (!vd_group_name_valid(text, strlen(text))) {
        vd_native_fault(n, name, "the group's name is not valid",
                        "use at most 255 characters, without blanks and commas");
        return;
    }
    if (vd_config_find(n->config, text) != NULL) {
        vd_native_fault(n, name, "another group has this name",
                        "give each group a name of its own");
        return;
    }
    /* Read on after a bad address: the other settings may be bad as well. */
    (void)read_address(n, setting, &addr);
    n->group = vd_config_add(n->config, text);
    n->group->addr = addr;
    vd_text_printf(&place, "%s:%u", vd_native_file(n, setting),
                   (unsigned)config_setting_source_line(setting));
    n->group->place = place.bytes;
    n->options_given = 0;
    if (replicas != NULL)
        read_replicas(n, replicas);
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *one = config_setting_get_elem(setting, (unsigned)i);

        if (!is_read_apart(config_setting_name(one)))
            apply_setting(n, one);
    }
    n->group = NULL;
}

static void read_groups(struct vd_native *n, const config_setting_t *groups)
{
    if (!config_setting_is_list(groups)) {
        vd_native_fault(n, groups, "groups must be a list", "write groups = ( { ... }, { ... } );");
        return;
    }
    for (int i = 0; i < config_setting_length(groups); i++) {
        const config_setting_t *one = config_setting_get_elem(groups, (unsigned)i);

        if (config_setting_is_group(one))
            read_group(n, one);
        else
            vd_native_fault(n, one, "an entry of groups is no group", "write { name = ...; ... }");
    }
}

/* The whole
 * ----------------------------------------------------------------------------------------- */

static void read_myid(struct vd_native *n, const config_setting_t *setting)
{
    const char *text = config_setting_get_string(setting);

    if (text == NULL || strlen(text) != VD_ID_LEN ||
        strspn(text, "0123456789abcdef") != VD_ID_LEN) {
        vd_native_fault(n, setting, "myid is no id",
                        "give 40 lower-case hex digits in quotes, or none");
        return;
    }
    memcpy(n->config->myid.hex, text, VD_ID_LEN + 1);
}

/* users = ( "NAME RULES", ... ) */
static void read_users(struct vd_native *n, const config_setting_t *users)
{
    if (!config_setting_is_list(users) && !config_setting_is_array(users)) {
        vd_native_fault(n, users, "users must be a list",
                        "write users = ( \"NAME on >password +@all\" );");
        return;
    }
    for (int i = 0; i < config_setting_length(users); i++) {
        const config_setting_t *one = config_setting_get_elem(users, (unsigned)i);
        const char *text = config_setting_get_string(one);
        struct vd_arena arena = {0};
        struct vd_words words;

        if (text == NULL)
            vd_native_fault(n, one, "a user is no text", "put its name and rules in double quotes");
        else if (!vd_words_split(text, strlen(text), &arena, &words) || words.count == 0)
            vd_native_fault(n, one, "a user has no name, or quotes that do not end",
                            "write NAME RULES");
        else
            vd_config_add_user(n->config, vd_native_file(n, one),
                               (unsigned)config_setting_source_line(one), NULL, words.list,
                               words.count);
        vd_arena_free(&arena);
    }
}

static void read_root(struct vd_native *n, const config_setting_t *root)
{
    const config_setting_t *groups = NULL;

    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *one = config_setting_get_elem(root, (unsigned)i);

        if (strcmp(config_setting_name(one), "groups") == 0)
            groups = one;
        else if (strcmp(config_setting_name(one), "users") == 0)
            read_users(n, one);
        else if (strcmp(config_setting_name(one), "myid") == 0)
            read_myid(n, one);
        else if (strcmp(config_setting_name(one), "alerts") == 0)
            vd_native_read_alerts(n, one);
        else if (strcmp(config_setting_name(one), "cost") == 0)
            vd_native_read_cost(n, one);
        else
            apply_setting(n, one);
    }
    if (groups != NULL)
        read_groups(n, groups);
}

bool vd_conf_native_read(struct vd_config *config, const char *path)
{
    struct vd_native n = {.config = config, .path = path};
    size_t faults_before = config->fault_count;
    struct vd_text text = {0};
    char *dir = vd_conf_directory(path);
    config_t parsed;

    config_init(&parsed);
    config_set_include_dir(&parsed, dir);
    /* Read by ourselves: libconfig 1.5 ends the process when it cannot read what it has opened. */
    if (vd_conf_native_text(config, path, dir, &text)) {
        if (config_read_string(&parsed, vd_text_cstr(&text)) == CONFIG_TRUE) {
            read_root(&n, config_root_setting(&parsed));
        } else {
            const char *file = config_error_file(&parsed);

            vd_config_fault(config, file == NULL ? path : file,
                            (unsigned)config_error_line(&parsed), NULL, config_error_text(&parsed),
                            "look at this line and at the end of the one before it: settings are "
                            "name = value; with texts in double quotes");
        }
    }
    config_destroy(&parsed);
    vd_text_free(&text);
    vd_free(dir);
    return config->fault_count == faults_before;
}
