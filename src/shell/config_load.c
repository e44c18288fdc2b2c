/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading a configuration: which format, what on top of what, and the checks
 * that need the whole of it. How a mistake is told is here as well.
 */
#include "shell/config_load.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/conf_classic.h"
#include "proto/server_option.h"
#include "shell/acl_file.h"
#include "shell/conf_file.h"
#include "shell/conf_native.h"
#include "shell/tls_keys.h"

/*
 * Where the process was started, "" if that cannot be told. Asked once: the
 * daemon goes to `dir`, and relative paths must mean the same when the
 * configuration is read anew.
 */
static const char *starting_directory(void)
{
    static char directory[PATH_MAX];
    static bool asked;

    if (!asked && getcwd(directory, sizeof(directory)) == NULL)
        directory[0] = '\0';
    asked = true;
    return directory;
}

/* The world of a classic file ------------------------------------------------------------ */

static bool read_for_classic(void *self, const char *path, struct vd_text *to, struct vd_err *err)
{
    (void)self;
    return strcmp(path, "-") == 0 ? vd_conf_stdin_read(to, err) : vd_conf_file_read(path, to, err);
}

static size_t expand_for_classic(void *self, const char *pattern, struct vd_arena *arena,
                                 const char *const **paths)
{
    glob_t found = {0};
    const char **list = NULL;
    size_t count = 0;

    (void)self;
    if (glob(pattern, 0, NULL, &found) == 0) {
        list = vd_arena_alloc(arena, found.gl_pathc * sizeof(list[0]));
        for (count = 0; count < found.gl_pathc; count++)
            list[count] = vd_arena_strdup(arena, found.gl_pathv[count]);
    }
    globfree(&found);
    *paths = list;
    return count;
}

static bool is_executable_for_classic(void *self, const char *path)
{
    (void)self;
    return vd_conf_is_executable(NULL, path);
}

static bool is_directory_for_classic(void *self, const char *path, struct vd_err *err)
{
    (void)self;
    return vd_conf_is_directory(path, err);
}

static const struct vd_classic_world classic_world = {
    .read = read_for_classic,
    .expand = expand_for_classic,
    .is_directory = is_directory_for_classic,
    .is_executable = is_executable_for_classic,
};

/* Which format --------------------------------------------------------------------------- */

static bool ends_in(const char *path, const char *suffix)
{
    size_t len = strlen(path);
    size_t suffix_len = strlen(suffix);

    return len >= suffix_len && strcmp(path + len - suffix_len, suffix) == 0;
}

/* "name =", "name: " or "@include": no line of a sentinel.conf begins so. */
static bool is_native_line(const char *line)
{
    size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    const char *behind = line + name + strspn(line + name, " \t\r\n");

    return strncmp(line, "@include", 8) == 0 ||
           (name > 0 && (*behind == '=' || (*behind == ':' && strchr(" \t\n", behind[1]) != NULL)));
}

/* The first place of a text that is neither blank nor comment of either format. */
static const char *skip_comments(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n");
        if (*at == '#' || strncmp(at, "//", 2) == 0) {
            at += strcspn(at, "\n");
        } else if (strncmp(at, "/*", 2) == 0 && strstr(at, "*/") != NULL) {
            at = strstr(at, "*/") + 2;
        } else {
            return at;
        }
    }
}

static bool is_native(const char *path)
{
    struct vd_text text = {0};
    bool native;

    if (ends_in(path, ".cfg"))
        return true;
    if (ends_in(path, ".conf"))
        return false;
    /* A file that cannot be read is told of by the reader. */
    native =
        vd_conf_file_read(path, &text, NULL) && is_native_line(skip_comments(vd_text_cstr(&text)));
    vd_text_free(&text);
    return native;
}

/* What only the whole tells --------------------------------------------------------------- */

static const char *origin(const struct vd_config *config)
{
    return config->file == NULL ? "command line" : config->file;
}

/* Files of TLS, as paths that hold wherever the process goes. */
static void settle_tls(struct vd_server_options *server)
{
    size_t count;
    const struct vd_server_row *rows = vd_server_rows(&count);

    for (size_t i = 0; i < count; i++) {
        char **path = (char **)(void *)((char *)server + rows[i].offset);
        char *settled;

        if (rows[i].kind != VD_SERVER_PATH || *path == NULL)
            continue;
        settled = vd_conf_join(server->dir, *path);
        vd_free(*path);
        *path = settled;
    }
}

/* The files are read here too, so that --check and SIGHUP find what is wrong with them. */
static void check_tls(struct vd_config *config)
{
    const struct vd_server_options *server = &config->server;
    struct vd_tls_keys *keys;
    struct vd_text warnings = {0};
    struct vd_err err = {""};
    bool expired;

    if (server->tls.port != 0 && server->tls.port == server->port)
        vd_config_fault(config, origin(config), 0, NULL, "port and tls-port are the same",
                        "give each its own, or port 0 for TLS only");
    if (!vd_tls_is_wanted(&server->tls)) {
        if (server->tls.cert_file != NULL)
            vd_config_warn(config, "%s: tls-cert-file alone encrypts nothing: %s", origin(config),
                           config->classic ? "set tls-port, tls-replication"
                                           : "set tls-port, tls-servers, tls-peers");
        return;
    }
    keys = vd_tls_keys_load(&server->tls, &warnings, &expired, &err);
    if (keys == NULL)
        vd_config_fault(config, origin(config), 0, NULL, err.text, NULL);
    for (const char *at = vd_text_cstr(&warnings); *at != '\0';) {
        size_t len = strcspn(at, "\n");

        vd_config_warn(config, "%.*s", (int)len, at);
        at += len + (at[len] == '\n');
    }
    vd_text_free(&warnings);
    vd_tls_keys_release(keys);
}

static void check_whole(struct vd_config *config)
{
    const struct vd_globals *globals = &config->globals;
    struct vd_err err = {""};

    if (config->group_count > globals->max_groups) {
        vd_err_set(&err, "%zu groups, more than max-groups %u", config->group_count,
                   globals->max_groups);
        vd_config_fault(config, origin(config), 0, NULL, err.text,
                        "set max-groups higher, or monitor fewer");
    }
    if (globals->announce_hostnames && !globals->resolve_hostnames)
        vd_config_warn(config,
                       "%s: announce-hostnames without resolve-hostnames: names that others "
                       "announce cannot be resolved here",
                       origin(config));
    if (config->server.port == 0 && config->server.tls.port == 0 && globals->announce_port == 0)
        vd_config_warn(config, "%s: port is 0: other sentinels cannot reach this one",
                       origin(config));
}

/* What the program whose place is taken would do; its file is the state. */
static void fill_in_guise(struct vd_config *config)
{
    struct vd_server_options *server = &config->server;
    const char *name = config->guise == VD_GUISE_VALKEY ? "valkey" : "redis";

    server->log_to_stdout = true;
    vd_free(server->state_dir);
    server->state_dir = vd_strdup(config->file);
    if (strcmp(server->syslog_ident, "vedette") == 0) {
        vd_free(server->syslog_ident);
        server->syslog_ident = vd_strdup(name);
    }
    if (server->daemonize && server->pidfile == NULL) {
        struct vd_text path = {0};

        vd_text_printf(&path, "/var/run/%s.pid", name);
        server->pidfile = path.bytes;
        server->pidfile_is_default = true;
    }
}

static void check_guise(struct vd_config *config)
{
    if (config->guise == VD_GUISE_OWN)
        return;
    if (config->file == NULL)
        vd_config_fault(config, origin(config), 0, NULL,
                        "a sentinel needs its configuration file, in which it keeps its state",
                        "give the path of a sentinel.conf as first argument; it may be empty");
    else if (!config->classic)
        vd_config_fault(config, origin(config), 0, NULL,
                        "under this name the configuration must be a sentinel.conf",
                        "start the program as vedette");
}

/*
 * Where state is kept unless it is said: for a sentinel.conf beside it, which
 * is where Sentinel would have kept it; otherwise the system's place.
 */
static void fill_in(struct vd_config *config)
{
    struct vd_server_options *server = &config->server;
    char *path;

    /* compat: with TLS between sentinels the others are told the port for it. */
    config->globals.listen_port =
        server->port == 0 || (server->tls.to.peers && server->tls.port != 0) ? server->tls.port
                                                                             : server->port;
    if (config->guise != VD_GUISE_OWN) {
        fill_in_guise(config);
        return;
    }
    if (server->state_dir != NULL) {
        path = vd_conf_join(server->dir, server->state_dir);
        vd_free(server->state_dir);
        server->state_dir = path;
    } else if (config->classic && config->file != NULL) {
        struct vd_text beside = {0};

        vd_text_printf(&beside, "%s.state", config->file);
        server->state_dir = beside.bytes;
    } else {
        server->state_dir = vd_strdup(VD_STATEDIR);
    }
}

/* Telling of mistakes ----------------------------------------------------------------------- */

/* Lines of any length must leave room for what is wrong with them. */
static void put_bounded(struct vd_text *to, const char *text, size_t max)
{
    size_t len = strlen(text);

    vd_text_add(to, text, len > max ? max : len);
    vd_text_puts(to, len > max ? "..." : "");
}

static bool tell(const struct vd_config *config, struct vd_err *err)
{
    const struct vd_fault *first = &config->faults[0];
    struct vd_text text = {0};
    struct vd_text plain = {0};

    /* compat: Sentinel's own block, for those who look for it. */
    if (first->text != NULL) {
        vd_text_printf(&text,
                       "*** FATAL CONFIG FILE ERROR (vedette " VD_VERSION ") ***\n"
                       "Reading the configuration file, at line %u\n>>> '",
                       first->line);
        put_bounded(&text, first->text, 80);
        vd_text_puts(&text, "'\n");
        put_bounded(&text, first->reason, 140);
        vd_text_putc(&text, '\n');
    }
    vd_fault_print(first, &plain);
    vd_text_puts(&text, vd_text_cstr(&plain));
    if (config->fault_count > 1)
        vd_text_printf(&text, " (and %zu more: vedette --check tells all)",
                       config->fault_count - 1);
    vd_err_set(err, "%s", text.bytes);
    vd_text_free(&plain);
    vd_text_free(&text);
    return false;
}

bool vd_config_load(struct vd_config *config, size_t count, const char *const *arguments,
                    struct vd_err *err)
{
    struct vd_arena arena = {0};
    struct vd_classic_input input;
    bool ok = vd_classic_arguments(count, arguments, &arena, &input, err);

    if (!ok)
        vd_config_fault(config, "command line", 0, NULL, err->text,
                        "the file comes first, then options such as '--port 26380'");
    /* compat: Valkey's sentinel leaves a coordinated failover to the server. */
    if (config->guise == VD_GUISE_VALKEY)
        config->globals.default_handover = VD_SWITCHOVER_SERVER;
    /* Every relative path begins here until `dir` says otherwise. */
    config->server.dir = starting_directory()[0] == '\0' ? NULL : vd_strdup(starting_directory());
    if (ok && input.path != NULL)
        config->file = vd_conf_join(config->server.dir, input.path);
    config->classic = ok && (input.path == NULL || !is_native(input.path));
    if (ok && !config->classic) {
        ok = vd_conf_native_read(config, input.path);
        input.path = NULL;
    }
    /* compat: Sentinel looks at the CA of a certificate only; a sentinel.conf must not fail by
     * more. */
    if (config->classic)
        config->server.tls.verify_names = false;
    ok = ok && vd_conf_classic_read(config, &input, &classic_world);
    vd_arena_free(&arena);
    if (ok) {
        settle_tls(&config->server);
        check_whole(config);
        check_tls(config);
    }
    if (ok)
        check_guise(config);
    fill_in(config);
    if (ok) {
        vd_config_make_users(config);
        vd_acl_file_load(config);
    }
    return config->fault_count == 0 || tell(config, err);
}

int vd_config_check(enum vd_guise guise, size_t count, const char *const *arguments, FILE *out,
                    FILE *err)
{
    struct vd_config config;
    struct vd_err reason = {""};
    struct vd_text text = {0};
    bool tls_only;
    bool ok;

    vd_config_init(&config);
    config.guise = guise;
    ok = vd_config_load(&config, count, arguments, &reason);
    tls_only = config.server.port == 0 && config.server.tls.port != 0;
    for (size_t i = 0; i < config.warning_count; i++)
        (void)fprintf(err, "warning: %s\n", config.warnings[i]);
    for (size_t i = 0; i < config.fault_count; i++) {
        vd_text_clear(&text);
        vd_fault_print(&config.faults[i], &text);
        (void)fprintf(err, "%s\n", vd_text_cstr(&text));
    }
    if (ok)
        (void)fprintf(out, "%s: good; %zu group%s, port %u%s, state in %s\n", origin(&config),
                      config.group_count, config.group_count == 1 ? "" : "s",
                      (unsigned)(tls_only ? config.server.tls.port : config.server.port),
                      tls_only ? " (TLS)" : "", config.server.state_dir);
    vd_text_free(&text);
    vd_config_free(&config);
    return ok ? 0 : 1;
}
