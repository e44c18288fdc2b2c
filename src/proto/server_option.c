/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process's own settings: the table, and how values get into the fields.
 * Reasons are in the words of Redis, which operators know and may grep for.
 */
#include "proto/server_option.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "proto/addr.h"

static const char *const level_choices[] = {"debug",   "verbose", "notice",
                                            "warning", "nothing", NULL};
static const char *const format_choices[] = {"plain", "json", NULL};
static const char *const failure_choices[] = {"mute", "volatile", NULL};
static const char *const supervised_choices[] = {"no", "systemd", "auto", NULL};
static const char *const auth_choices[] = {"no", "yes", "optional", NULL};
static const char *const pubsub_choices[] = {"allchannels", "resetchannels", NULL};
static const char *const facility_choices[] = {"user",   "local0", "local1", "local2", "local3",
                                               "local4", "local5", "local6", "local7", NULL};

#define FIELD(member)                                                                              \
    offsetof(struct vd_server_options, member), sizeof(((struct vd_server_options *)0)->member)
#define ANY 0, 0, NULL

static const struct vd_server_row rows[] = {
    {"port", "port", VD_SERVER_INT, FIELD(port), 0, UINT16_MAX, NULL},
    {"bind", "bind", VD_SERVER_LIST, FIELD(bind), ANY},
    {"unixsocket", "unixsocket", VD_SERVER_TEXT, FIELD(unixsocket), ANY},
    {"unixsocketperm", "unixsocketperm", VD_SERVER_OCTAL, FIELD(unixsocketperm), 0, 0777, NULL},
    {"bind-source-addr", "bind-source-addr", VD_SERVER_IP, FIELD(bind_source_addr), ANY},
    {"tcp-backlog", "tcp-backlog", VD_SERVER_INT, FIELD(tcp_backlog), 0, INT_MAX, NULL},
    {"tcp-keepalive", "tcp-keepalive", VD_SERVER_SECONDS, FIELD(tcp_keepalive_s), 0, INT_MAX, NULL},
    {"timeout", "timeout", VD_SERVER_SECONDS, FIELD(timeout_ms), 0, INT_MAX, NULL},
    {"maxclients", "maxclients", VD_SERVER_INT, FIELD(maxclients), 1, INT_MAX, NULL},
    {"requirepass", "requirepass", VD_SERVER_SECRET, FIELD(requirepass), ANY},
    {"aclfile", "aclfile", VD_SERVER_TEXT, FIELD(aclfile), ANY},
    {"acllog-max-len", "acllog-max-len", VD_SERVER_INT, FIELD(acllog_max_len), 0, INT_MAX, NULL},
    {"acl-pubsub-default", "acl-pubsub-default", VD_SERVER_CHOICE, FIELD(acl_pubsub_closed), 0, 0,
     pubsub_choices},
    {"protected-mode", "protected-mode", VD_SERVER_BOOL, FIELD(protected_mode), ANY},
    {"tls-port", "tls-port", VD_SERVER_INT, FIELD(tls.port), 0, UINT16_MAX, NULL},
    {"tls-replication", NULL, VD_SERVER_BOOL, FIELD(tls.to), ANY},
    {"tls-servers", "tls-servers", VD_SERVER_BOOL, FIELD(tls.to.servers), ANY},
    {"tls-peers", "tls-peers", VD_SERVER_BOOL, FIELD(tls.to.peers), ANY},
    {"tls-verify-names", "tls-verify-names", VD_SERVER_BOOL, FIELD(tls.verify_names), ANY},
    {"tls-cert-file", "tls-cert-file", VD_SERVER_PATH, FIELD(tls.cert_file), ANY},
    {"tls-key-file", "tls-key-file", VD_SERVER_PATH, FIELD(tls.key_file), ANY},
    {"tls-key-file-pass", "tls-key-file-pass", VD_SERVER_SECRET, FIELD(tls.key_file_pass), ANY},
    {"tls-client-cert-file", "tls-client-cert-file", VD_SERVER_PATH, FIELD(tls.client_cert_file),
     ANY},
    {"tls-client-key-file", "tls-client-key-file", VD_SERVER_PATH, FIELD(tls.client_key_file), ANY},
    {"tls-client-key-file-pass", "tls-client-key-file-pass", VD_SERVER_SECRET,
     FIELD(tls.client_key_file_pass), ANY},
    {"tls-dh-params-file", "tls-dh-params-file", VD_SERVER_PATH, FIELD(tls.dh_params_file), ANY},
    {"tls-ca-cert-file", "tls-ca-cert-file", VD_SERVER_PATH, FIELD(tls.ca_cert_file), ANY},
    {"tls-ca-cert-dir", "tls-ca-cert-dir", VD_SERVER_PATH, FIELD(tls.ca_cert_dir), ANY},
    {"tls-auth-clients", "tls-auth-clients", VD_SERVER_CHOICE, FIELD(tls.auth_clients), 0, 0,
     auth_choices},
    {"tls-protocols", "tls-protocols", VD_SERVER_TEXT, FIELD(tls.protocols), ANY},
    {"tls-ciphers", "tls-ciphers", VD_SERVER_TEXT, FIELD(tls.ciphers), ANY},
    {"tls-ciphersuites", "tls-ciphersuites", VD_SERVER_TEXT, FIELD(tls.ciphersuites), ANY},
    {"tls-prefer-server-ciphers", "tls-prefer-server-ciphers", VD_SERVER_BOOL,
     FIELD(tls.prefer_server_ciphers), ANY},
    {"tls-session-caching", "tls-session-caching", VD_SERVER_BOOL, FIELD(tls.session_caching), ANY},
    {"tls-session-cache-size", "tls-session-cache-size", VD_SERVER_INT,
     FIELD(tls.session_cache_size), 0, INT_MAX, NULL},
    {"tls-session-cache-timeout", "tls-session-cache-timeout", VD_SERVER_SECONDS,
     FIELD(tls.session_cache_timeout_s), 0, INT_MAX, NULL},
    {"client-query-buffer-limit", "query-limit", VD_SERVER_BYTES, FIELD(query_limit), 65536,
     INT64_MAX / 2, NULL},
    {"client-output-buffer-limit", NULL, VD_SERVER_LIMITS, 0, 0, ANY},
    {NULL, "output-limit", VD_SERVER_BYTES, FIELD(output_hard_limit), 0, INT64_MAX / 2, NULL},
    {NULL, "pubsub-output-limit", VD_SERVER_BYTES, FIELD(output_hard_limit_pubsub), 0,
     INT64_MAX / 2, NULL},
    {NULL, "pubsub-output-soft-limit", VD_SERVER_BYTES, FIELD(output_soft_limit_pubsub), 0,
     INT64_MAX / 2, NULL},
    {NULL, "pubsub-output-soft-time", VD_SERVER_SECONDS, FIELD(output_soft_pubsub_ms), 0, INT_MAX,
     NULL},
    {"dir", "dir", VD_SERVER_TEXT, FIELD(dir), ANY},
    {"logfile", "logfile", VD_SERVER_TEXT, FIELD(logfile), ANY},
    {"loglevel", "loglevel", VD_SERVER_CHOICE, FIELD(log_level), 0, 0, level_choices},
    {"log-format", "log-format", VD_SERVER_CHOICE, FIELD(log_format), 0, 0, format_choices},
    {"syslog-enabled", "syslog-enabled", VD_SERVER_BOOL, FIELD(syslog_enabled), ANY},
    {"syslog-ident", "syslog-ident", VD_SERVER_TEXT, FIELD(syslog_ident), ANY},
    {"syslog-facility", "syslog-facility", VD_SERVER_TEXT, FIELD(syslog_facility), 0, 0,
     facility_choices},
    {"daemonize", "daemonize", VD_SERVER_BOOL, FIELD(daemonize), ANY},
    {"pidfile", "pidfile", VD_SERVER_TEXT, FIELD(pidfile), ANY},
    {"supervised", "supervised", VD_SERVER_CHOICE, FIELD(supervised_systemd), 0, 0,
     supervised_choices},
    {"redis-version", "redis-version", VD_SERVER_VERSION, FIELD(redis_version), ANY},
    {"state-dir", "state-dir", VD_SERVER_TEXT, FIELD(state_dir), ANY},
    {"on-save-failure", "on-save-failure", VD_SERVER_CHOICE, FIELD(on_save_failure), 0, 0,
     failure_choices},
    {"http-port", "http-port", VD_SERVER_INT, FIELD(http_port), 0, UINT16_MAX, NULL},
    {"http-bind", "http-bind", VD_SERVER_TEXT, FIELD(http_bind), ANY},
    {"http-token", "http-token", VD_SERVER_SECRET, FIELD(http_token), ANY},
};

const struct vd_server_row *vd_server_rows(size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

const struct vd_server_row *vd_server_find(enum vd_option_place place, const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *known = place == VD_IN_NATIVE ? rows[i].native : rows[i].classic;
        size_t j = 0;

        if (known == NULL || strlen(known) != len)
            continue;
        while (j < len) {
            char c = place == VD_IN_NATIVE && name[j] == '_' ? '-' : name[j];

            if (strncasecmp(&c, &known[j], 1) != 0)
                break;
            j++;
        }
        if (j == len)
            return &rows[i];
    }
    return NULL;
}

/* Numbers ------------------------------------------------------------------------- */

static bool check_range(const struct vd_server_row *row, int64_t number, struct vd_err *err)
{
    if (number >= row->min && number <= row->max)
        return true;
    return vd_err_set(err, "argument must be between %lld and %lld inclusive", (long long)row->min,
                      (long long)row->max);
}

static bool set_int(void *field, const struct vd_server_row *row, const struct vd_word *value,
                    struct vd_err *err)
{
    int64_t number;

    if (!vd_parse_int64(value->bytes, value->len, &number))
        return vd_err_set(err, "argument couldn't be parsed into an integer");
    if (!check_range(row, number, err))
        return false;
    if (row->size == sizeof(uint16_t))
        *(uint16_t *)field = (uint16_t)number;
    else
        *(int *)field = (int)number;
    return true;
}

static bool set_octal(void *field, const struct vd_server_row *row, const struct vd_word *value,
                      struct vd_err *err)
{
    int64_t number = 0;

    for (size_t i = 0; i < value->len; i++) {
        if (value->bytes[i] < '0' || value->bytes[i] > '7' || i > 6)
            return vd_err_set(err, "argument couldn't be parsed as an octal number");
        number = number * 8 + (value->bytes[i] - '0');
    }
    if (value->len == 0)
        return vd_err_set(err, "argument couldn't be parsed as an octal number");
    if (number > row->max)
        return vd_err_set(err, "argument must be between 0 and 777 inclusive");
    *(unsigned *)field = (unsigned)number;
    return true;
}

/* Whole seconds in a field of seconds (int) or of milliseconds. */
static bool set_seconds(void *field, const struct vd_server_row *row, enum vd_option_form form,
                        const struct vd_word *value, struct vd_err *err)
{
    int64_t ms;
    int64_t seconds;

    if (form == VD_FORM_UNITS) {
        if (!vd_duration_parse(value->bytes, value->len, &ms))
            return vd_err_set(err, "must be a duration with its unit, such as \"300s\" or \"5m\"");
        seconds = ms / 1000;
        if (row->size == sizeof(int) && ms % 1000 != 0)
            return vd_err_set(err, "must be whole seconds");
    } else {
        if (!vd_parse_int64(value->bytes, value->len, &seconds))
            return vd_err_set(err, "argument couldn't be parsed into an integer");
        ms = seconds;
    }
    if (!check_range(row, seconds, err))
        return false;
    if (row->size == sizeof(int))
        *(int *)field = (int)seconds;
    else
        *(vd_ms *)field = form == VD_FORM_UNITS ? ms : seconds * 1000;
    return true;
}

static bool set_bytes(void *field, const struct vd_server_row *row, const struct vd_word *value,
                      struct vd_err *err)
{
    int64_t number;

    if (!vd_size_parse(value->bytes, value->len, &number))
        return vd_err_set(err, "argument must be a memory value");
    if (!check_range(row, number, err))
        return false;
    *(size_t *)field = (size_t)number;
    return true;
}

/* Words ---------------------------------------------------------------------------- */

/* One, or all of a struct of several. */
static bool set_bool(void *field, const struct vd_server_row *row, enum vd_option_form form,
                     const struct vd_word *value, struct vd_err *err)
{
    bool units = form == VD_FORM_UNITS;
    bool yes = vd_word_is(value, "yes") || (units && vd_word_is(value, "true"));

    if (!yes && !vd_word_is(value, "no") && !(units && vd_word_is(value, "false")))
        return vd_err_set(err, units ? "must be true or false" : "argument must be 'yes' or 'no'");
    for (size_t i = 0; i < row->size / sizeof(bool); i++)
        ((bool *)field)[i] = yes;
    return true;
}

static bool find_choice(const struct vd_server_row *row, const struct vd_word *value, int *out,
                        struct vd_err *err)
{
    struct vd_text list = {0};

    for (*out = 0; row->choices[*out] != NULL; (*out)++) {
        if (vd_word_is(value, row->choices[*out]))
            return true;
    }
    for (size_t i = 0; row->choices[i] != NULL; i++)
        vd_text_printf(&list, "%s%s", i == 0 ? "" : ", ", row->choices[i]);
    vd_err_set(err, "argument(s) must be one of the following: %s", vd_text_cstr(&list));
    vd_text_free(&list);
    return false;
}

static bool set_choice(void *field, const struct vd_server_row *row, const struct vd_word *value,
                       struct vd_err *err)
{
    int choice;

    if (!find_choice(row, value, &choice, err))
        return false;
    if (row->size == sizeof(bool))
        *(bool *)field = choice != 0;
    else
        *(int *)field = choice;
    return true;
}

static bool is_version(const struct vd_word *value)
{
    return value->len == 0 ||
           (value->len <= 20 && strspn(value->bytes, "0123456789.") == value->len &&
            value->bytes[0] != '.' && value->bytes[value->len - 1] != '.');
}

static bool set_text(void *field, const struct vd_server_row *row, const struct vd_word *value,
                     struct vd_err *err)
{
    struct vd_addr addr;
    char **text = field;
    int choice;

    if (memchr(value->bytes, '\0', value->len) != NULL)
        return vd_err_set(err, "argument must not hold a NUL byte");
    if (row->choices != NULL && !find_choice(row, value, &choice, err))
        return false;
    if (row->kind == VD_SERVER_IP && value->len > 0 &&
        (!vd_addr_set(&addr, value->bytes, value->len, 0) || addr.ip[0] == '\0'))
        return vd_err_set(err, "argument must be an IP address");
    if (row->kind == VD_SERVER_VERSION && !is_version(value))
        return vd_err_set(err, "argument must be a version such as 7.2.4");
    vd_free(*text);
    *text = value->len == 0 ? NULL : vd_strdup(value->bytes);
    return true;
}

static bool is_listening_address(const struct vd_word *value)
{
    struct vd_addr addr;
    size_t skip = value->len > 0 && value->bytes[0] == '-' ? 1 : 0;
    const char *host = value->bytes + skip;

    if (memchr(value->bytes, '\0', value->len) != NULL)
        return false;
    return strcmp(host, "*") == 0 || strcmp(host, "::*") == 0 ||
           (vd_addr_set(&addr, host, value->len - skip, 0) && addr.ip[0] != '\0');
}

static bool set_bind(struct vd_server_options *server, const struct vd_word *values, size_t count,
                     struct vd_err *err)
{
    size_t room = 0;

    for (size_t i = 0; i < count; i++) {
        bool localhost = vd_word_is(&values[i], "localhost");

        if (!localhost && !is_listening_address(&values[i]))
            return vd_err_set(err, "'%.60s' is no IP address to bind to", values[i].bytes);
        room += localhost ? 2 : 1;
    }
    for (size_t i = 0; i < server->bind_count; i++)
        vd_free(server->bind[i]);
    vd_free(server->bind);
    server->bind = vd_calloc(room, sizeof(server->bind[0]));
    server->bind_count = 0;
    for (size_t i = 0; i < count; i++) {
        /* The one name whose addresses are known without asking anybody. */
        bool localhost = vd_word_is(&values[i], "localhost");

        server->bind[server->bind_count++] = vd_strdup(localhost ? "127.0.0.1" : values[i].bytes);
        if (localhost)
            server->bind[server->bind_count++] = vd_strdup("-::1");
    }
    return true;
}

/* client-output-buffer-limit: <class> <hard> <soft> <soft seconds>, again and again. */
static bool set_limits(struct vd_server_options *server, const struct vd_word *values, size_t count,
                       struct vd_err *err)
{
    struct vd_server_options changed = *server;

    if (count % 4 != 0)
        return vd_err_set(err, "Wrong number of arguments in buffer limit configuration.");
    for (const struct vd_word *v = values; v < values + count; v += 4) {
        int64_t hard;
        int64_t soft;
        int64_t seconds;
        bool normal = vd_word_is(&v[0], "normal");
        bool pubsub = vd_word_is(&v[0], "pubsub");

        if (!normal && !pubsub && !vd_word_is(&v[0], "slave") && !vd_word_is(&v[0], "replica"))
            return vd_err_set(err, "Invalid client class specified in buffer limit configuration.");
        if (!vd_size_parse(v[1].bytes, v[1].len, &hard) ||
            !vd_size_parse(v[2].bytes, v[2].len, &soft) ||
            !vd_parse_int64(v[3].bytes, v[3].len, &seconds) || seconds < 0 || seconds > INT_MAX)
            return vd_err_set(
                err, "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
        if (pubsub) {
            changed.output_hard_limit_pubsub = (size_t)hard;
            changed.output_soft_limit_pubsub = (size_t)soft;
            changed.output_soft_pubsub_ms = seconds * 1000;
        } else if (normal) {
            /* Normal clients have one limit: the lower is the safer of the two. */
            changed.output_hard_limit =
                (size_t)(soft > 0 && (hard == 0 || soft < hard) ? soft : hard);
        }
    }
    *server = changed;
    return true;
}

bool vd_server_set(struct vd_server_options *server, const struct vd_server_row *row,
                   enum vd_option_form form, const struct vd_word *values, size_t count,
                   struct vd_err *err)
{
    void *field = (char *)server + row->offset;

    if (count == 0 || (count > 1 && row->kind != VD_SERVER_LIST && row->kind != VD_SERVER_LIMITS))
        return vd_err_set(err, "wrong number of arguments");
    switch (row->kind) {
    case VD_SERVER_INT:
        return set_int(field, row, values, err);
    case VD_SERVER_OCTAL:
        return set_octal(field, row, values, err);
    case VD_SERVER_SECONDS:
        return set_seconds(field, row, form, values, err);
    case VD_SERVER_BYTES:
        return set_bytes(field, row, values, err);
    case VD_SERVER_BOOL:
        return set_bool(field, row, form, values, err);
    case VD_SERVER_CHOICE:
        return set_choice(field, row, values, err);
    case VD_SERVER_TEXT:
    case VD_SERVER_PATH:
    case VD_SERVER_IP:
    case VD_SERVER_VERSION:
    case VD_SERVER_SECRET:
        return set_text(field, row, values, err);
    case VD_SERVER_LIST:
        return set_bind(server, values, count, err);
    case VD_SERVER_LIMITS:
        return set_limits(server, values, count, err);
    }
    vd_panic(__FILE__, __LINE__, "unknown kind of server option");
}

/* Commands of this server ------------------------------------------------------------ */

const struct vd_command *vd_server_find_command(const struct vd_server_options *server,
                                                const struct vd_word *name)
{
    for (size_t i = 0; i < server->rename_count; i++) {
        const struct vd_rename *rename = &server->renames[i];

        if (rename->to[0] != '\0' && vd_word_is(name, rename->to))
            return vd_command_find(&(struct vd_word){rename->from, strlen(rename->from)});
    }
    for (size_t i = 0; i < server->rename_count; i++) {
        if (vd_word_is(name, server->renames[i].from))
            return NULL;
    }
    return vd_command_find(name);
}

void vd_server_rename(struct vd_server_options *server, const struct vd_word *from,
                      const struct vd_word *to)
{
    const struct vd_command *command = vd_server_find_command(server, from);

    VD_ASSERT(command != NULL);
    server->renames =
        vd_realloc(server->renames, (server->rename_count + 1) * sizeof(server->renames[0]));
    server->renames[server->rename_count++] =
        (struct vd_rename){.from = vd_strdup(command->name), .to = vd_memdup(to->bytes, to->len)};
}
