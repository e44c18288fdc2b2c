/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of command_details.h. Names, types and tokens are those of
 * redis-sentinel 7.0; what came later has its release beside it, that of
 * Redis up to 8.0 or else that of Valkey. Says nothing of what a command does.
 */
#include "proto/command_details.h"

#include <stddef.h>
#include <string.h>

#include "proto/command.h"

#define OPTIONAL VD_ARG_OPTIONAL
#define MULTIPLE VD_ARG_MULTIPLE
#define ANY (VD_ARG_OPTIONAL | VD_ARG_MULTIPLE)

#define LIST(...)                                                                                  \
    (const struct vd_argument[])                                                                   \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            .name = NULL                                                                           \
        }                                                                                          \
    }
#define ARG(n, t, f)                                                                               \
    {                                                                                              \
        .name = (n), .type = (t), .flags = (f)                                                     \
    }
#define STRING(n) ARG(n, "string", 0)
#define INTEGER(n) ARG(n, "integer", 0)
/* After a word that tells what it is. */
#define TAGGED(word, n, t, f)                                                                      \
    {                                                                                              \
        .name = (n), .type = (t), .token = (word), .flags = (f)                                    \
    }
#define LATER(release, word, n, t, f)                                                              \
    {                                                                                              \
        .name = (n), .type = (t), .token = (word), .since = (release), .flags = (f)                \
    }
/* The word itself. */
#define WORD(word, n) TAGGED(word, n, "pure-token", 0)
#define SWITCH(word, n) TAGGED(word, n, "pure-token", OPTIONAL)
#define GROUP(word, n, t, release, f, ...)                                                         \
    {                                                                                              \
        .name = (n), .type = (t), .token = (word), .since = (release), .flags = (f),               \
        .inside = LIST(__VA_ARGS__)                                                                \
    }
#define CHANGES(...)                                                                               \
    (const struct vd_command_change[])                                                             \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            .since = NULL                                                                          \
        }                                                                                          \
    }
#define CHANGE(release, text)                                                                      \
    {                                                                                              \
        .since = (release), .what = (text)                                                         \
    }

#define USERNAME STRING("username")
#define MASTER STRING("master-name")
#define PRIMARY STRING("primary-name")
#define PAIRS(n, f, name) GROUP(NULL, n, "block", NULL, f, STRING(name), STRING("value"))
#define QUESTION LIST(STRING("ip"), INTEGER("port"), INTEGER("current-epoch"), STRING("runid"))
#define ON_OFF WORD("ON", "on"), WORD("OFF", "off")

#define TYPE_WORDS                                                                                 \
    WORD("NORMAL", "normal"), WORD("MASTER", "master"), WORD("REPLICA", "replica"),                \
        WORD("PUBSUB", "pubsub")

/* The filters of Valkey 9, the same for KILL and LIST. */
#define TEXT_9(word, n) LATER("9.0.0", word, n, "string", OPTIONAL)
#define NUMBER_9(word, n, f) LATER("9.0.0", word, n, "integer", f)
#define FILTERS_9                                                                                  \
    TEXT_9("NAME", "name"), NUMBER_9("IDLE", "idle", OPTIONAL), TEXT_9("FLAGS", "flags"),          \
        TEXT_9("LIB-NAME", "lib-name"), TEXT_9("LIB-VER", "lib-ver"),                              \
        NUMBER_9("DB", "db", OPTIONAL), TEXT_9("IP", "ip"), TEXT_9("CAPA", "capa"),                \
        GROUP("NOT-TYPE", "not-client-type", "oneof", "9.0.0", OPTIONAL, TYPE_WORDS),              \
        NUMBER_9("NOT-ID", "not-client-id", ANY), TEXT_9("NOT-USER", "not-username"),              \
        TEXT_9("NOT-ADDR", "not-addr"), TEXT_9("NOT-LADDR", "not-laddr"),                          \
        TEXT_9("NOT-NAME", "not-name"), TEXT_9("NOT-FLAGS", "not-flags"),                          \
        TEXT_9("NOT-LIB-NAME", "not-lib-name"), TEXT_9("NOT-LIB-VER", "not-lib-ver"),              \
        NUMBER_9("NOT-DB", "not-db", OPTIONAL), TEXT_9("NOT-IP", "not-ip"),                        \
        TEXT_9("NOT-CAPA", "not-capa")

static const struct vd_argument kill_types[] = {
    WORD("NORMAL", "normal"),
    LATER("3.2.0", "MASTER", "master", "pure-token", 0),
    LATER("8.0.0", "PRIMARY", "primary", "pure-token", 0),
    WORD("SLAVE", "slave"),
    LATER("5.0.0", "REPLICA", "replica", "pure-token", 0),
    WORD("PUBSUB", "pubsub"),
    {.name = NULL},
};

static const struct vd_argument kill_filters[] = {
    LATER("2.8.12", "ID", "client-id", "integer", OPTIONAL),
    {.name = "normal_master_slave_pubsub",
     .type = "oneof",
     .token = "TYPE",
     .since = "2.8.12",
     .flags = OPTIONAL,
     .inside = kill_types},
    TAGGED("USER", "username", "string", OPTIONAL),
    TAGGED("ADDR", "ip:port", "string", OPTIONAL),
    LATER("6.2.0", "LADDR", "ip:port", "string", OPTIONAL),
    TAGGED("SKIPME", "yes/no", "string", OPTIONAL),
    LATER("7.4.0", "MAXAGE", "maxage", "integer", OPTIONAL),
    FILTERS_9,
    {.name = NULL},
};

static const struct vd_argument kill_forms[] = {
    {.name = "ip:port", .type = "string", .deprecated_since = "2.8.12"},
    {.name = "new-format", .type = "oneof", .flags = MULTIPLE, .inside = kill_filters},
    {.name = NULL},
};

static const struct vd_argument list_filters[] = {
    GROUP("TYPE", "normal_master_replica_pubsub", "oneof", "5.0.0", OPTIONAL, TYPE_WORDS),
    GROUP("ID", "id", "block", "6.2.0", OPTIONAL, ARG("client-id", "integer", MULTIPLE)),
    LATER("8.1.0", "USER", "username", "string", OPTIONAL),
    LATER("8.1.0", "ADDR", "addr", "string", OPTIONAL),
    LATER("8.1.0", "LADDR", "laddr", "string", OPTIONAL),
    GROUP("SKIPME", "skipme", "oneof", "8.1.0", OPTIONAL, WORD("YES", "yes"), WORD("NO", "no")),
    LATER("8.1.0", "MAXAGE", "maxage", "integer", OPTIONAL),
    FILTERS_9,
    {.name = NULL},
};

static const struct vd_command_change kill_history[] = {
    CHANGE("2.8.12", "Filters may be given instead of an address."),
    CHANGE("2.8.12", "Has the filter `ID`."),
    CHANGE("3.2.0", "`TYPE` may be `master`."),
    CHANGE("5.0.0", "`TYPE` may be `replica`, which is what `slave` means."),
    CHANGE("6.2.0", "Has the filter `LADDR`."),
    CHANGE("7.4.0", "Has the filter `MAXAGE`."),
    CHANGE("8.0.0", "`TYPE` may be `primary`, which is what `master` means."),
    CHANGE("8.1.0", "`ID` takes several."),
    CHANGE("9.0.0",
           "Has filters by what the client tells of itself, and their opposites, `NOT-...`."),
    {.since = NULL},
};

static const struct vd_command_change list_history[] = {
    CHANGE("2.8.12", "Tells `id`."),
    CHANGE("5.0.0", "Has the filter `TYPE`."),
    CHANGE("6.0.0", "Tells `user`."),
    CHANGE("6.2.0", "Tells `argv-mem`, `tot-mem`, `laddr`, `redir`; has the filter `ID`."),
    CHANGE("7.0.0", "Tells `resp`, `multi-mem`, `rbs`, `rbp`."),
    CHANGE("7.0.3", "Tells `ssub`."),
    CHANGE("7.2.0", "Tells `lib-name`, `lib-ver`."),
    CHANGE("7.4.0", "Tells `watch`."),
    CHANGE("8.0.0", "Tells `io-thread`."),
    CHANGE("8.1.0", "Has the filters `USER`, `ADDR`, `LADDR`, `SKIPME`, `MAXAGE`."),
    CHANGE("9.0.0",
           "Has filters by what the client tells of itself, and their opposites, `NOT-...`."),
    {.since = NULL},
};

static const struct vd_argument tracking[] = {
    GROUP(NULL, "status", "oneof", NULL, 0, ON_OFF),
    TAGGED("REDIRECT", "client-id", "integer", OPTIONAL),
    TAGGED("PREFIX", "prefix", "string", ANY | VD_ARG_MULTIPLE_TOKEN),
    SWITCH("BCAST", "bcast"),
    SWITCH("OPTIN", "optin"),
    SWITCH("OPTOUT", "optout"),
    SWITCH("NOLOOP", "noloop"),
    {.name = NULL},
};

static const struct vd_argument hello[] = {
    GROUP(NULL, "arguments", "block", NULL, OPTIONAL, INTEGER("protover"),
          GROUP("AUTH", "username_password", "block", NULL, OPTIONAL, USERNAME, STRING("password")),
          TAGGED("SETNAME", "clientname", "string", OPTIONAL)),
    {.name = NULL},
};

static const struct vd_argument shutdown[] = {
    GROUP(NULL, "nosave_save", "oneof", NULL, OPTIONAL, WORD("NOSAVE", "nosave"),
          WORD("SAVE", "save")),
    LATER("7.0.0", "NOW", "now", "pure-token", OPTIONAL),
    LATER("7.0.0", "FORCE", "force", "pure-token", OPTIONAL),
    LATER("7.0.0", "ABORT", "abort", "pure-token", OPTIONAL),
    {.name = NULL},
};

static const struct vd_argument failover[] = {
    MASTER,
    LATER("9.0.0", "COORDINATED", "coordinated", "pure-token", OPTIONAL),
    GROUP("TO", "replica", "block", "vedette", OPTIONAL, STRING("ip"), INTEGER("port")),
    {.name = NULL},
};

static const struct vd_argument forget[] = {
    MASTER,
    GROUP(NULL, "whom", "oneof", NULL, 0, STRING("runid"),
          GROUP(NULL, "address", "block", NULL, 0, STRING("ip"), INTEGER("port"))),
    {.name = NULL},
};

static const struct vd_command_details details[] = {
    {.name = "acl|cat", .arguments = LIST(ARG("categoryname", "string", OPTIONAL))},
    {.name = "acl|deluser", .arguments = LIST(ARG("username", "string", MULTIPLE))},
    {.name = "acl|dryrun",
     .arguments = LIST(USERNAME, STRING("command"), ARG("arg", "string", ANY))},
    {.name = "acl|genpass", .arguments = LIST(ARG("bits", "integer", OPTIONAL))},
    {.name = "acl|getuser",
     .arguments = LIST(USERNAME),
     .history = CHANGES(CHANGE("6.2.0", "Tells the patterns of channels."),
                        CHANGE("7.0.0", "Tells selectors; patterns stand as in rules."))},
    {.name = "acl|log",
     .arguments = LIST(GROUP(NULL, "operation", "oneof", NULL, OPTIONAL, INTEGER("count"),
                             WORD("RESET", "reset"))),
     .history = CHANGES(CHANGE("7.2.0", "Tells the id of an entry and its times."))},
    {.name = "acl|setuser",
     .arguments = LIST(USERNAME, ARG("rule", "string", ANY)),
     .history = CHANGES(CHANGE("6.2.0", "Takes patterns of channels."),
                        CHANGE("7.0.0", "Takes selectors and permissions by key."))},
    {.name = "auth",
     .arguments = LIST(LATER("6.0.0", NULL, "username", "string", OPTIONAL), STRING("password")),
     .history = CHANGES(CHANGE("6.0.0", "Takes a user's name as well."))},
    {.name = "client|caching",
     .arguments =
         LIST(GROUP(NULL, "mode", "oneof", NULL, 0, WORD("YES", "yes"), WORD("NO", "no")))},
    {.name = "client|kill",
     .arguments = LIST({.name = "filter", .type = "oneof", .inside = kill_forms}),
     .history = kill_history},
    {.name = "client|list", .arguments = list_filters, .history = list_history},
    {.name = "client|no-evict",
     .arguments = LIST(GROUP(NULL, "enabled", "oneof", NULL, 0, ON_OFF))},
    {.name = "client|pause",
     .arguments = LIST(INTEGER("timeout"), GROUP(NULL, "mode", "oneof", "6.2.0", OPTIONAL,
                                                 WORD("WRITE", "write"), WORD("ALL", "all"))),
     .history = CHANGES(CHANGE("6.2.0", "Takes a mode, of which `WRITE` is new."))},
    {.name = "client|reply",
     .arguments = LIST(GROUP(NULL, "on_off_skip", "oneof", NULL, 0, ON_OFF, WORD("SKIP", "skip")))},
    {.name = "client|setinfo",
     .arguments =
         LIST(GROUP(NULL, "attr", "oneof", NULL, 0, TAGGED("LIB-NAME", "libname", "string", 0),
                    TAGGED("LIB-VER", "libver", "string", 0)))},
    {.name = "client|setname", .arguments = LIST(STRING("connection-name"))},
    {.name = "client|tracking", .arguments = tracking},
    {.name = "client|unblock",
     .arguments =
         LIST(INTEGER("client-id"), GROUP(NULL, "timeout_error", "oneof", NULL, OPTIONAL,
                                          WORD("TIMEOUT", "timeout"), WORD("ERROR", "error")))},
    {.name = "command|docs", .arguments = LIST(ARG("command-name", "string", ANY))},
    {.name = "command|getkeys", .arguments = LIST(STRING("command"), ARG("arg", "string", ANY))},
    {.name = "command|getkeysandflags",
     .arguments = LIST(STRING("command"), ARG("arg", "string", ANY))},
    {.name = "command|info",
     .arguments = LIST(ARG("command-name", "string", ANY)),
     .history = CHANGES(CHANGE("7.0.0", "Without a name it tells of all."))},
    {.name = "command|list",
     .arguments = LIST(GROUP("FILTERBY", "filterby", "oneof", NULL, OPTIONAL,
                             TAGGED("MODULE", "module-name", "string", 0),
                             TAGGED("ACLCAT", "category", "string", 0),
                             TAGGED("PATTERN", "pattern", "pattern", 0)))},
    {.name = "hello",
     .arguments = hello,
     .history = CHANGES(CHANGE("6.2.0", "Without a version it tells of the connection."))},
    {.name = "info",
     .arguments = LIST(ARG("section", "string", ANY)),
     .history = CHANGES(CHANGE("7.0.0", "Takes several sections."))},
    {.name = "ping", .arguments = LIST(ARG("message", "string", OPTIONAL))},
    {.name = "psubscribe",
     .arguments =
         LIST(GROUP(NULL, "pattern", "block", NULL, MULTIPLE, ARG("pattern", "pattern", 0)))},
    {.name = "publish", .arguments = LIST(STRING("channel"), STRING("message"))},
    {.name = "punsubscribe", .arguments = LIST(ARG("pattern", "pattern", ANY))},
    {.name = "sentinel|candidates", .arguments = LIST(MASTER)},
    {.name = "sentinel|ckquorum", .arguments = LIST(MASTER)},
    {.name = "sentinel|config",
     .arguments = LIST(GROUP(NULL, "set_or_get", "oneof", NULL, 0,
                             GROUP("SET", "set_param_value", "block", NULL, MULTIPLE,
                                   STRING("parameter"), STRING("value")),
                             TAGGED("GET", "parameter", "string", MULTIPLE))),
     .history = CHANGES(CHANGE("7.2.0", "Takes several parameters."))},
    {.name = "sentinel|debug", .arguments = LIST(PAIRS("parameter_value", ANY, "parameter"))},
    {.name = "sentinel|failover",
     .arguments = failover,
     .history = CHANGES(CHANGE("9.0.0", "Takes `COORDINATED`."))},
    {.name = "sentinel|forget", .arguments = forget},
    {.name = "sentinel|get-master-addr-by-name", .arguments = LIST(MASTER)},
    {.name = "sentinel|get-primary-addr-by-name", .arguments = LIST(PRIMARY)},
    {.name = "sentinel|info-cache", .arguments = LIST(ARG("nodename", "string", MULTIPLE))},
    {.name = "sentinel|is-master-down-by-addr", .arguments = QUESTION},
    {.name = "sentinel|is-primary-down-by-addr", .arguments = QUESTION},
    {.name = "sentinel|master", .arguments = LIST(MASTER)},
    {.name = "sentinel|monitor",
     .arguments = LIST(STRING("name"), STRING("ip"), INTEGER("port"), INTEGER("quorum"))},
    {.name = "sentinel|pause",
     .arguments = LIST(MASTER, INTEGER("milliseconds"), SWITCH("LOCAL", "local"))},
    {.name = "sentinel|primary", .arguments = LIST(PRIMARY)},
    {.name = "sentinel|remove", .arguments = LIST(MASTER)},
    {.name = "sentinel|replicas", .arguments = LIST(MASTER)},
    {.name = "sentinel|reset", .arguments = LIST(ARG("pattern", "pattern", 0))},
    {.name = "sentinel|resume", .arguments = LIST(MASTER, SWITCH("LOCAL", "local"))},
    {.name = "sentinel|sentinels", .arguments = LIST(MASTER)},
    {.name = "sentinel|set", .arguments = LIST(MASTER, PAIRS("option_value", MULTIPLE, "option"))},
    {.name = "sentinel|show", .arguments = LIST(STRING("page"), PAIRS("name_value", ANY, "name"))},
    /* Its words have no token there either: a client shows their names. */
    {.name = "sentinel|simulate-failure",
     .arguments = LIST(GROUP(NULL, "mode", "oneof", NULL, ANY, WORD(NULL, "crash-after-election"),
                             WORD(NULL, "crash-after-promotion"), WORD(NULL, "help")))},
    {.name = "sentinel|slaves",
     .arguments = LIST(MASTER),
     .deprecated_since = "5.0.0",
     .replaced_by = "`SENTINEL REPLICAS`"},
    {.name = "shutdown",
     .arguments = shutdown,
     .history = CHANGES(CHANGE("7.0.0", "Takes `NOW`, `FORCE` and `ABORT`."))},
    {.name = "subscribe", .arguments = LIST(ARG("channel", "string", MULTIPLE))},
    {.name = "unsubscribe", .arguments = LIST(ARG("channel", "string", ANY))},
    {.name = NULL},
};

const struct vd_command_details *vd_command_details_all(void)
{
    return details;
}

const struct vd_command_details *vd_command_details(const struct vd_command *parent,
                                                    const struct vd_command *command)
{
    const struct vd_command_details *found = NULL;
    struct vd_text name = {0};

    vd_command_put_name(parent, command, &name);
    for (const struct vd_command_details *row = details; row->name != NULL && !found; row++) {
        if (strlen(row->name) == name.len && memcmp(row->name, name.bytes, name.len) == 0)
            found = row;
    }
    vd_text_free(&name);
    return found;
}
