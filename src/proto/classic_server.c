/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directives of the server in a sentinel.conf. Those that act go through the
 * table of server_option.h. Those that mean nothing to a sentinel are accepted
 * whatever their value; those that would mean something that vedette cannot do
 * are accepted with a warning.
 */
#include <string.h>
#include <strings.h>

#include "proto/classic.h"
#include "proto/server_option.h"

/* Known to Redis or Valkey, of no meaning to a sentinel. '*' stands for any ending. */
static const char *const inert[] = {
    "active-defrag-*", "activedefrag", "activerehashing", "active-expire-effort", "aof-*",
    "append*", "auto-aof-rewrite-*", "busy-reply-threshold", "lua-time-limit", "cluster-*",
    "databases", "dbfilename", "disable-thp", "hash-max-*", "hide-user-data-from-log",
    "hll-sparse-max-bytes", "io-threads*", "jemalloc-bg-thread", "key-load-delay", "latency-*",
    "lazyfree-*", "lfu-*", "list-*", "loading-process-events-interval-bytes",
    "lua-enable-deprecated-api", "masterauth", "masteruser", "primaryauth", "primaryuser",
    "max-new-connections-per-cycle", "max-new-tls-connections-per-cycle", "maxmemory*",
    "min-replicas-*", "min-slaves-*", "no-appendfsync-on-rewrite", "notify-keyspace-events",
    "propagation-error-behavior", "rdb*", "repl-*", "replica-*", "slave-*", "replicaof", "slaveof",
    "req-res-logfile", "sanitize-dump-payload", "save", "set-max-*", "shutdown-*", "slowlog-*",
    "stop-writes-on-bgsave-error", "stream-*", "use-exit-on-panic", "watchdog-period", "zset-max-*",
    "availability-zone", "commandlog-*", "debug-context", "dual-channel-replication-enabled",
    "enable-debug-assert", "extended-redis-compatibility", "hash-seed", "import-mode",
    "min-io-threads-*", "min-string-size-*", "prefetch-batch-max-size", "rdma-*",
    /* of the process and of access, but without effect here */
    "log-timestamp-format", "crash-log-enabled", "crash-memcheck-enabled", "set-proc-title",
    "proc-title-template", "always-show-logo", "oom-score-adj-values", "locale-collate",
    "ignore-warnings", "hz", "dynamic-hz", "enable-protected-configs", "enable-debug-command",
    "enable-module-command", "proto-max-bulk-len", "tracking-table-max-keys", "tls-cluster"};

/* Known, and missed by whoever set it to anything but `harmless`. '*' as above. */
static const struct {
    const char *name;
    const char *harmless;
    const char *lack;
} lacking[] = {
    {"tls-auth-clients-user", "off", "clients are not logged in by their certificates"},
    {"tls-auto-reload-interval", "0", "certificates are read anew on SIGHUP"},
    {"tls-*", "", "it has no meaning here"},
    {"oom-score-adj", "no", "set it where the process is started"},
    {"unixsocketgroup", "", "the socket gets the group of the process"},
    {"socket-mark-id", "0", "outgoing connections are not marked"},
    {"mptcp", "no", "connections are plain TCP"},
    {"repl-mptcp", "no", "connections are plain TCP"},
    {"client-default-resp", "2", "clients begin with RESP2 and switch by HELLO 3"},
    {"loadmodule", NULL, "modules cannot be loaded"},
};

static bool matches(const char *pattern, const struct vd_word *name)
{
    return vd_glob(pattern, strlen(pattern), name->bytes, name->len, true);
}

static bool is_inert(const struct vd_word *name)
{
    for (size_t i = 0; i < sizeof(inert) / sizeof(inert[0]); i++) {
        if (matches(inert[i], name))
            return true;
    }
    return false;
}

/* One of those; it will be told, unless Redis wrote it there by itself. */
static bool take_inert(struct vd_classic *classic, const struct vd_word *name)
{
    if (!is_inert(name))
        return false;
    if (vd_word_is(name, "latency-tracking-info-percentiles"))
        return true;
    vd_text_puts(&classic->idle, classic->idle.len > 0 ? ", " : "");
    vd_text_add(&classic->idle, name->bytes, name->len);
    return true;
}

/* Warned of; false when it is none of these. */
static bool take_lacking(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const struct vd_word *name = &line->words.list[0];

    for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
        const char *harmless = lacking[i].harmless;

        if (!matches(lacking[i].name, name))
            continue;
        if (harmless == NULL || !vd_word_is(&line->words.list[1], harmless))
            vd_config_warn(classic->config, "%s:%u: %s is ignored: %s", line->file, line->number,
                           name->bytes, lacking[i].lack);
        return true;
    }
    return false;
}

/* user, rename-command ---------------------------------------------------------------- */

static bool take_user(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const struct vd_words *words = &line->words;

    if (words->count < 2)
        return vd_classic_fault(classic, line, "Bad directive or wrong number of arguments",
                                "write: user NAME RULES, with the rules of ACL SETUSER");
    vd_classic_add_user(classic, line);
    return true;
}

/* rename-command: of this server's own. */
static bool take_rename(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const struct vd_word *words = line->words.list;

    if (line->words.count != 3)
        return vd_classic_fault(classic, line, "Bad directive or wrong number of arguments",
                                "write: rename-command COMMAND NEW-NAME");
    if (vd_server_find_command(&classic->config->server, &words[1]) == NULL)
        return vd_classic_fault(classic, line, "No such command in rename-command",
                                "remove the line; for commands of the monitored servers there is "
                                "'sentinel rename-command'");
    if (words[2].len > 0 && vd_server_find_command(&classic->config->server, &words[2]) != NULL)
        return vd_classic_fault(classic, line, "Target command name already exists",
                                "choose another new name");
    vd_server_rename(&classic->config->server, &words[1], &words[2]);
    return true;
}

/* Directives ---------------------------------------------------------------------------- */

/* Words of a directive that stand for another, or for what vedette has not. */
static const struct {
    const char *directive;
    const char *word;
    const char *instead;
    const char *lack; /* NULL: none */
} substitutes[] = {
    {"log-format", "legacy", "plain", NULL},
    {"log-format", "logfmt", "plain", "this format is not written"},
    {"supervised", "upstart", "no", "upstart is not told"},
};

/* The value to take for the one of the line. */
static struct vd_word substitute(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const struct vd_word *w = line->words.list;

    for (size_t i = 0; i < sizeof(substitutes) / sizeof(substitutes[0]); i++) {
        const char *instead = substitutes[i].instead;

        if (!vd_word_is(&w[0], substitutes[i].directive) || !vd_word_is(&w[1], substitutes[i].word))
            continue;
        if (substitutes[i].lack != NULL)
            vd_config_warn(classic->config, "%s:%u: %s %s is taken as %s: %s", line->file,
                           line->number, w[0].bytes, w[1].bytes, instead, substitutes[i].lack);
        return (struct vd_word){instead, strlen(instead)};
    }
    return w[1];
}

/* A relative `dir` begins where the one before it has led to. */
static void take_dir(struct vd_classic *classic, const struct vd_classic_line *line)
{
    char **dir = &classic->config->server.dir;
    const char *path = vd_classic_path(classic, line->words.list[1].bytes);
    char *copy;
    struct vd_err err = {""};

    if (!classic->world->is_directory(classic->world->self, path, &err)) {
        vd_classic_fault(classic, line, err.text, "make the directory, or correct the path");
        return;
    }
    copy = vd_strdup(path);
    vd_free(*dir);
    *dir = copy;
}

static bool refuse_unknown(struct vd_classic *classic, const struct vd_classic_line *line)
{
    size_t row_count;
    const struct vd_server_row *rows = vd_server_rows(&row_count);
    size_t inert_count = sizeof(inert) / sizeof(inert[0]);
    const char **names =
        vd_arena_alloc(&classic->arena, (row_count + inert_count + 1) * sizeof(names[0]));
    size_t count = 0;
    const char *nearest;

    names[count++] = "sentinel";
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].classic != NULL)
            names[count++] = rows[i].classic;
    }
    for (size_t i = 0; i < inert_count; i++) {
        if (strchr(inert[i], '*') == NULL)
            names[count++] = inert[i];
    }
    nearest = vd_name_nearest(line->words.list[0].bytes, names, count);
    return vd_classic_fault(classic, line, "Bad directive or wrong number of arguments",
                            nearest == NULL
                                ? "remove the line: there is no such directive"
                                : vd_arena_printf(&classic->arena, "did you mean '%s'?", nearest));
}

static const char *find_remedy(const struct vd_server_row *row)
{
    switch (row->kind) {
    case VD_SERVER_INT:
    case VD_SERVER_SECONDS:
        return "give one whole number in that range";
    case VD_SERVER_OCTAL:
        return "give an octal number such as 700";
    case VD_SERVER_BYTES:
        return "give a size such as 1mb";
    case VD_SERVER_BOOL:
        return "write yes or no";
    case VD_SERVER_CHOICE:
        return "write one of these words";
    case VD_SERVER_TEXT:
    case VD_SERVER_PATH:
    case VD_SERVER_SECRET:
        return "give one value, in quotes if it has blanks";
    case VD_SERVER_VERSION:
        return "write numbers and dots, such as 7.0.15";
    case VD_SERVER_IP:
    case VD_SERVER_LIST:
        return "give addresses such as 127.0.0.1 or ::1, '*' for all; port 0 switches TCP off";
    case VD_SERVER_LIMITS:
        return "write class, hard limit, soft limit and seconds, such as 'pubsub 32mb 8mb 60'";
    }
    return NULL;
}

void vd_classic_directive(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const struct vd_word *name = &line->words.list[0];
    const struct vd_server_row *row = vd_server_find(VD_IN_CLASSIC, name->bytes, name->len);
    struct vd_err err = {""};

    if (vd_word_is(name, "user")) {
        (void)take_user(classic, line);
        return;
    }
    if (vd_word_is(name, "rename-command")) {
        (void)take_rename(classic, line);
        return;
    }
    if (row == NULL && line->words.count < 2 && (is_inert(name))) {
        vd_classic_fault(classic, line, "wrong number of arguments", "give it a value");
        return;
    }
    if (row == NULL) {
        if (line->words.count < 2 || !(take_lacking(classic, line) || take_inert(classic, name)))
            refuse_unknown(classic, line);
        return;
    }
    if (vd_word_is(name, "dir") && line->words.count == 2) {
        take_dir(classic, line);
        return;
    }
    if (line->words.count == 2)
        line->words.list[1] = substitute(classic, line);
    if (!vd_server_set(&classic->config->server, row, VD_FORM_PLAIN, line->words.list + 1,
                       line->words.count - 1, &err))
        vd_classic_fault(classic, line, err.text, find_remedy(row));
}
