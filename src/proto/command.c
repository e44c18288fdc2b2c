/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command table, see command.h. Rows stand as PROTOCOL section 5 has
 * them. What is not here is an unknown command.
 */
#include "proto/command.h"

#include <string.h>
#include <strings.h>

#include "proto/call.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Sets of flags and categories that many rows share. */
#define CALM (VD_CMD_NOSCRIPT | VD_CMD_LOADING | VD_CMD_STALE)
#define HELP_FLAGS (VD_CMD_LOADING | VD_CMD_STALE)
#define CAT_POWER (VD_CAT_ADMIN | VD_CAT_SLOW | VD_CAT_DANGEROUS)
#define CAT_CALM (VD_CAT_SLOW | VD_CAT_CONNECTION)
#define BY_REPLICAS "O(N) where N is the number of replicas"
#define BY_PEERS "O(N) where N is the number of Sentinels"
#define BY_GROUPS "O(N) where N is the number of masters"
#define BY_CLIENTS "O(N) where N is the number of client connections"
#define BY_COMMANDS "O(N) where N is the total number of commands"
#define BY_NAMES "O(N) where N is the number of names given"
#define BY_USERS "O(N) where N is the number of users"
#define BY_RULES "O(N) where N is the number of rules"
#define NOT_TOLD ""
#define BY_ENTRIES "O(N) where N is the number of entries"

static const char *const tips_info[] = {"nondeterministic_output", "request_policy:all_shards",
                                        "response_policy:special", NULL};
static const char *const tips_ping[] = {"request_policy:all_shards",
                                        "response_policy:all_succeeded", NULL};
static const char *const tips_varies[] = {"nondeterministic_output", NULL};
static const char *const tips_order[] = {"nondeterministic_output_order", NULL};
static const char *const tips_all_nodes[] = {"request_policy:all_nodes",
                                             "response_policy:all_succeeded", NULL};

/* A subcommand. */
#define SUB(n, a, f, c, fn, args, text, version, cost, hints)                                      \
    {                                                                                              \
        .name = (n), .arity = (a), .flags = (f), .categories = (c), .run = (fn), .usage = (args),  \
        .summary = (text), .since = (version), .complexity = (cost), .tips = (hints)               \
    }

/* A command, and one that has subcommands. */
#define ROW(n, a, f, c, fn, args, text, version, cost, hints, family)                              \
    {                                                                                              \
        .name = (n), .arity = (a), .flags = (f), .categories = (c), .run = (fn), .usage = (args),  \
        .summary = (text), .since = (version), .complexity = (cost), .tips = (hints),              \
        .group = (family)                                                                          \
    }
#define TREE(n, a, f, c, fn, text, version, cost, hints, family, list)                             \
    {                                                                                              \
        .name = (n), .arity = (a), .flags = (f), .categories = (c), .run = (fn), .usage = "",      \
        .summary = (text), .since = (version), .complexity = (cost), .tips = (hints),              \
        .group = (family), .subs = (list), .sub_count = COUNT(list)                                \
    }

static const struct vd_command acl_subs[] = {
    SUB("cat", -2, CALM, VD_CAT_SLOW, vd_run_acl_cat, "[<category>]",
        "Return the categories of commands, or the commands of one.", "6.0.0", NULL, NULL),
    SUB("deluser", -3, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_deluser,
        "<username> [<username> ...]", "Delete users and end their connections.", "6.0.0", NULL,
        tips_all_nodes),
    SUB("dryrun", -4, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_dryrun,
        "<username> <command> [<arg> ...]",
        "Say whether a user may run a command, without running it.", "7.0.0", NULL, NULL),
    SUB("genpass", -2, CALM, VD_CAT_SLOW, vd_run_acl_genpass, "[<bits>]",
        "Return a random password, of 256 bits by default.", "6.0.0", NULL, NULL),
    SUB("getuser", 3, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_getuser, "<username>",
        "Return the rights of a user.", "6.0.0", BY_RULES, NULL),
    SUB("help", 2, HELP_FLAGS, VD_CAT_SLOW, vd_run_help, "", "Print this help.", "6.0.0", NULL,
        NULL),
    SUB("list", 2, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_list, "",
        "Return all users as lines of an ACL file.", "6.0.0", BY_USERS, NULL),
    SUB("load", 2, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_load, "",
        "Read the users from the ACL file anew.", "6.0.0", BY_USERS, NULL),
    SUB("log", -2, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_log, "[<count> | RESET]",
        "Return what was denied lately, or forget it.", "6.0.0", BY_ENTRIES, NULL),
    SUB("save", 2, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_save, "",
        "Write the users to the ACL file.", "6.0.0", BY_USERS, tips_all_nodes),
    SUB("setuser", -3, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_setuser,
        "<username> [<rule> ...]", "Make a user, or change its rights.", "6.0.0", BY_RULES,
        tips_all_nodes),
    SUB("users", 2, CALM | VD_CMD_ADMIN, CAT_POWER, vd_run_acl_users, "",
        "Return the names of all users.", "6.0.0", BY_USERS, NULL),
    SUB("whoami", 2, CALM, VD_CAT_SLOW, vd_run_acl_whoami, "",
        "Return the name of the user of the connection.", "6.0.0", NULL, NULL),
};

static const struct vd_command client_subs[] = {
    SUB("caching", 3, CALM, CAT_CALM, vd_run_client_caching, "<YES|NO>",
        "Say whether the next command is tracked; nothing is, in a Sentinel.", "6.0.0", NULL, NULL),
    SUB("getname", 2, CALM, CAT_CALM, vd_run_client_getname, "",
        "Return the name of the connection.", "2.6.9", NULL, NULL),
    SUB("getredir", 2, CALM, CAT_CALM, vd_run_client_getredir, "",
        "Return the client that is told of tracked keys; -1: none.", "6.0.0", NULL, NULL),
    SUB("help", 2, HELP_FLAGS, CAT_CALM, vd_run_help, "", "Print this help.", "5.0.0", NULL, NULL),
    SUB("id", 2, CALM, CAT_CALM, vd_run_client_id, "", "Return the id of the connection.", "5.0.0",
        NULL, NULL),
    SUB("info", 2, CALM, CAT_CALM, vd_run_client_info, "",
        "Return what is known of the connection.", "6.2.0", NULL, tips_varies),
    SUB("kill", -3, CALM | VD_CMD_ADMIN, CAT_POWER | VD_CAT_CONNECTION, vd_run_client_kill,
        "<ip:port> | <option> <value> [<option> <value> ...]",
        "Close connections: by ID, ADDR, LADDR, TYPE, USER, NAME, IP, FLAGS, LIB-NAME, LIB-VER, "
        "DB, CAPA, each also with NOT- before it; MAXAGE, IDLE; SKIPME (yes|no).",
        "2.4.0", BY_CLIENTS, NULL),
    SUB("list", -2, CALM | VD_CMD_ADMIN, CAT_POWER | VD_CAT_CONNECTION, vd_run_client_list,
        "[<option> <value> ...]", "List the connections; options as of KILL.", "2.4.0", BY_CLIENTS,
        tips_varies),
    SUB("no-evict", 3, CALM | VD_CMD_ADMIN, CAT_POWER | VD_CAT_CONNECTION, vd_run_client_no_evict,
        "<ON|OFF>", "Keep the connection from being evicted; none is, in a Sentinel.", "7.0.0",
        NULL, NULL),
    SUB("pause", -3, CALM | VD_CMD_ADMIN, CAT_POWER | VD_CAT_CONNECTION, vd_run_client_pause,
        "<timeout> [WRITE|ALL]", "Answer no client for so many milliseconds.", "3.0.0", NULL, NULL),
    SUB("reply", 3, CALM, CAT_CALM, vd_run_client_reply, "<ON|OFF|SKIP>",
        "Answer this connection or not; SKIP: not the next command.", "3.2.0", NULL, NULL),
    SUB("setinfo", 4, CALM, CAT_CALM, vd_run_client_setinfo, "<LIB-NAME|LIB-VER> <value>",
        "Say which library the client uses.", "7.2.0", NULL, tips_all_nodes),
    SUB("setname", 3, CALM, CAT_CALM, vd_run_client_setname, "<name>", "Name the connection.",
        "2.6.9", NULL, tips_all_nodes),
    SUB("tracking", -3, CALM, CAT_CALM, vd_run_client_tracking,
        "<ON|OFF> [REDIRECT <id>] [PREFIX <prefix> ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
        "Ask to be told of changed keys; a Sentinel has none.", "6.0.0", NULL, NULL),
    SUB("trackinginfo", 2, CALM, CAT_CALM, vd_run_client_trackinginfo, "",
        "Return what the connection asked of tracking.", "6.2.0", NULL, NULL),
    SUB("unblock", -3, CALM | VD_CMD_ADMIN, CAT_POWER | VD_CAT_CONNECTION, vd_run_client_unblock,
        "<id> [TIMEOUT|ERROR]", "End the wait of a blocked client; none is, in a Sentinel.",
        "5.0.0", NULL, NULL),
    SUB("unpause", 2, CALM | VD_CMD_ADMIN, CAT_POWER | VD_CAT_CONNECTION, vd_run_client_unpause, "",
        "End a pause.", "6.2.0", NULL, NULL),
};

static const struct vd_command command_subs[] = {
    SUB("count", 2, HELP_FLAGS, CAT_CALM, vd_run_command_count, "",
        "Return the number of commands.", "2.8.13", NULL, NULL),
    SUB("docs", -2, HELP_FLAGS, CAT_CALM, vd_run_command_docs, "[<name> ...]",
        "Return the documentation of commands.", "7.0.0", BY_NAMES, tips_order),
    SUB("getkeys", -3, HELP_FLAGS, CAT_CALM, vd_run_command_getkeys, "<command> [<arg> ...]",
        "Return the keys of a command; a Sentinel's commands have none.", "2.8.13", NULL, NULL),
    SUB("getkeysandflags", -3, HELP_FLAGS, CAT_CALM, vd_run_command_getkeys,
        "<command> [<arg> ...]", "Return the keys of a command with their flags; there are none.",
        "7.0.0", NULL, NULL),
    SUB("help", 2, HELP_FLAGS, CAT_CALM, vd_run_help, "", "Print this help.", "5.0.0", NULL, NULL),
    SUB("info", -2, HELP_FLAGS, CAT_CALM, vd_run_command_info, "[<name> ...]",
        "Return arity, flags and categories of commands.", "2.8.13", BY_NAMES, tips_order),
    SUB("list", -2, HELP_FLAGS, CAT_CALM, vd_run_command_list,
        "[FILTERBY <MODULE|ACLCAT|PATTERN> <value>]", "Return the names of the commands.", "7.0.0",
        BY_COMMANDS, tips_order),
};

static const struct vd_command sentinel_subs[] = {
    SUB("candidates", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_candidates, "<master-name>",
        "Show which replica a failover would promote now, and why not the others.", "vedette",
        BY_REPLICAS, NULL),
    SUB("ckquorum", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_ckquorum, "<master-name>",
        "Check whether enough Sentinels are there for quorum and majority.", "2.8.4", NOT_TOLD,
        NULL),
    SUB("config", -4, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_config,
        "(GET <pattern> ... | SET <param> <value> [<param> <value> ...])",
        "Show or change parameters of this Sentinel.", "6.2.0", NULL, NULL),
    SUB("debug", -2, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_debug, "[<param> <value> ...]",
        "Show or change time parameters, in milliseconds.", "7.0.0", NULL, NULL),
    SUB("failover", -3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_failover,
        "<master-name> [COORDINATED] [TO <ip> <port>]",
        "Fail a master over now, without asking other Sentinels for agreement. COORDINATED: lose "
        "no write, or do nothing. TO: to this replica.",
        "2.8.4", NOT_TOLD, NULL),
    SUB("flushconfig", 2, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_flush, "",
        "Save the state of this Sentinel on disk.", "2.8.4", NULL, NULL),
    SUB("forget", -4, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_forget,
        "<master-name> (<runid> | <ip> <port>)",
        "Forget a Sentinel or a replica that is gone for good.", "vedette", NULL, NULL),
    SUB("get-master-addr-by-name", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_address,
        "<master-name>", "Return the address of the master with that name.", "2.8.4", NULL, NULL),
    SUB("get-primary-addr-by-name", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_address,
        "<primary-name>", "The same as GET-MASTER-ADDR-BY-NAME.", "7.2.4", NULL, NULL),
    SUB("help", 2, HELP_FLAGS, VD_CAT_SLOW, vd_run_help, "", "Print this help.", "6.2.0", NULL,
        NULL),
    SUB("info-cache", -3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_info_cache,
        "<master-name> [<master-name> ...]", "Return the last INFO of masters and their replicas.",
        "3.2.0", "O(N) where N is the number of instances", NULL),
    SUB("is-master-down-by-addr", 6, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_question,
        "<ip> <port> <current-epoch> <runid>",
        "Ask whether the master at ip:port is down, and for a vote unless runid is *.", "2.8.4",
        NULL, NULL),
    SUB("is-primary-down-by-addr", 6, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_question,
        "<ip> <port> <current-epoch> <runid>", "The same as IS-MASTER-DOWN-BY-ADDR.", "7.2.4", NULL,
        NULL),
    SUB("master", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_group, "<master-name>",
        "Show the state of a master.", "2.8.4", NULL, NULL),
    SUB("masters", 2, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_groups, "",
        "Show all masters and their state.", "2.8.4", BY_GROUPS, NULL),
    SUB("monitor", 6, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_monitor,
        "<name> <ip> <port> <quorum>", "Start to monitor a master.", "2.8.4", NULL, NULL),
    SUB("myid", 2, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_myid, "",
        "Return the id of this Sentinel.", "6.2.0", NULL, NULL),
    SUB("pause", -4, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_pause,
        "<master-name> <milliseconds> [LOCAL]",
        "Maintenance: watch a master for so long, but do not act. Other Sentinels are told, unless "
        "LOCAL.",
        "vedette", BY_PEERS, NULL),
    SUB("pending-scripts", 2, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_scripts, "",
        "Show the scripts that run or wait.", "2.8.4", NOT_TOLD, NULL),
    SUB("primaries", 2, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_groups, "", "The same as MASTERS.",
        "7.2.4", BY_GROUPS, NULL),
    SUB("primary", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_group, "<primary-name>",
        "The same as MASTER.", "7.2.4", NULL, NULL),
    SUB("remove", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_remove, "<master-name>",
        "Stop to monitor a master.", "2.8.4", NULL, NULL),
    SUB("replicas", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_replicas, "<master-name>",
        "Show the replicas of a master and their state.", "5.0.0", BY_REPLICAS, NULL),
    SUB("reset", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_reset, "<pattern>",
        "Forget all that was learned about the masters whose names match.", "2.8.4", BY_GROUPS,
        NULL),
    SUB("resume", -3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_resume, "<master-name> [LOCAL]",
        "End the maintenance of a master.", "vedette", BY_PEERS, NULL),
    SUB("sentinels", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_peers, "<master-name>",
        "Show the other Sentinels of a master and their state.", "2.8.4", BY_PEERS, NULL),
    SUB("set", -5, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_set,
        "<master-name> <option> <value> [<option> <value> ...]", "Change options of a master.",
        "2.8.4", NULL, NULL),
    SUB("show", -3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_show, "<page> [<name> <value> ...]",
        "Return what HTTP has at /api/v1/<page>?<name>=<value>, as JSON.", "vedette",
        "O(N) where N is what the page shows", NULL),
    SUB("simulate-failure", -3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_simulate,
        "[CRASH-AFTER-ELECTION] [CRASH-AFTER-PROMOTION] [HELP]",
        "Crash at a chosen moment of a failover, for tests.", "3.2.0", NOT_TOLD, NULL),
    SUB("slaves", 3, VD_CMD_ADMIN, CAT_POWER, vd_run_sentinel_replicas, "<master-name>",
        "The same as REPLICAS.", "2.8.0", BY_REPLICAS, NULL),
};

#define ENTRY_FLAGS (CALM | VD_CMD_FAST | VD_CMD_NO_AUTH | VD_CMD_ALLOW_BUSY)
#define PUBSUB_FLAGS (VD_CMD_PUBSUB | CALM | VD_CMD_SUBSCRIBED)
#define CAT_ENTRY (VD_CAT_FAST | VD_CAT_CONNECTION)
#define CAT_SUB (VD_CAT_PUBSUB | VD_CAT_SLOW)

static const struct vd_command commands[] = {
    TREE("acl", -2, 0, VD_CAT_SLOW, NULL, "Commands about users and their rights.", "6.0.0",
         "Depends on subcommand.", NULL, "server", acl_subs),
    ROW("auth", -2, ENTRY_FLAGS, CAT_ENTRY, vd_run_auth, "[<user>] <password>",
        "Authenticate the connection.", "1.0.0", NULL, NULL, "connection"),
    TREE("client", -2, 0, VD_CAT_SLOW, NULL, "Commands about connections.", "2.4.0",
         "Depends on subcommand.", NULL, "connection", client_subs),
    TREE("command", -1, HELP_FLAGS, CAT_CALM, vd_run_command, "Describe all commands.", "2.8.13",
         BY_COMMANDS, tips_order, "server", command_subs),
    ROW("hello", -1, ENTRY_FLAGS, CAT_ENTRY, vd_run_hello,
        "[<protover> [AUTH <user> <password>] [SETNAME <name>]]",
        "Greet the server and choose the version of the protocol.", "6.0.0", NULL, NULL,
        "connection"),
    ROW("info", -1, HELP_FLAGS, VD_CAT_SLOW | VD_CAT_DANGEROUS, vd_run_info, "[<section> ...]",
        "Return figures of this Sentinel.", "1.0.0", NULL, tips_info, "server"),
    ROW("ping", -1, VD_CMD_FAST | VD_CMD_SUBSCRIBED, CAT_ENTRY, vd_run_ping, "[<message>]",
        "Answer PONG, or the message.", "1.0.0", NULL, tips_ping, "connection"),
    ROW("psubscribe", -2, PUBSUB_FLAGS | VD_CMD_PATTERNS, CAT_SUB, vd_run_psubscribe,
        "<pattern> [<pattern> ...]", "Subscribe to the channels whose names match.", "2.0.0",
        BY_NAMES, NULL, "pubsub"),
    ROW("publish", 3, VD_CMD_PUBSUB | VD_CMD_LOADING | VD_CMD_STALE | VD_CMD_FAST | VD_CMD_CHANNEL,
        VD_CAT_PUBSUB | VD_CAT_FAST, vd_run_publish, "<channel> <message>",
        "Hand this Sentinel the hello of another one.", "2.0.0", NULL, NULL, "pubsub"),
    ROW("punsubscribe", -1, PUBSUB_FLAGS, CAT_SUB, vd_run_punsubscribe, "[<pattern> ...]",
        "Unsubscribe from patterns, or from all.", "2.0.0", BY_NAMES, NULL, "pubsub"),
    /* differs: unknown to Sentinel; balancers' checks and clients that close politely send it. */
    ROW("quit", -1, ENTRY_FLAGS | VD_CMD_SUBSCRIBED | VD_CMD_HIDDEN, CAT_ENTRY, vd_run_quit, "",
        "Close the connection.", "1.0.0", NULL, NULL, "connection"),
    ROW("role", 1, CALM | VD_CMD_FAST, VD_CAT_ADMIN | VD_CAT_FAST | VD_CAT_DANGEROUS, vd_run_role,
        "", "Return the role, which is sentinel, and the names of all masters.", "2.8.12",
        BY_GROUPS, NULL, "server"),
    TREE("sentinel", -2, VD_CMD_ADMIN, CAT_POWER, NULL, "Sentinel's own commands.", "2.8.4",
         "Depends on subcommand.", NULL, "sentinel", sentinel_subs),
    ROW("shutdown", -1, VD_CMD_ADMIN | CALM | VD_CMD_NO_MULTI | VD_CMD_ALLOW_BUSY, CAT_POWER,
        vd_run_shutdown, "[NOSAVE|SAVE] [NOW] [FORCE] [ABORT]", "End the process.", "1.0.0", NULL,
        NULL, "server"),
    ROW("subscribe", -2, PUBSUB_FLAGS | VD_CMD_CHANNELS, CAT_SUB, vd_run_subscribe,
        "<channel> [<channel> ...]", "Subscribe to channels; every event has one of its name.",
        "2.0.0", BY_NAMES, NULL, "pubsub"),
    ROW("unsubscribe", -1, PUBSUB_FLAGS, CAT_SUB, vd_run_unsubscribe, "[<channel> ...]",
        "Unsubscribe from channels, or from all.", "2.0.0", BY_NAMES, NULL, "pubsub"),
};

const struct vd_command *vd_commands(size_t *count)
{
    *count = COUNT(commands);
    return commands;
}

static const struct vd_command *find_row(const struct vd_command *rows, size_t count,
                                         const struct vd_word *name)
{
    for (size_t i = 0; i < count; i++) {
        /* The first letter tells nearly all apart. */
        if (name->len > 0 && (name->bytes[0] | 0x20) == rows[i].name[0] &&
            strcasecmp(rows[i].name, name->bytes) == 0 && strlen(rows[i].name) == name->len)
            return &rows[i];
    }
    return NULL;
}

const struct vd_command *vd_command_find(const struct vd_word *name)
{
    return find_row(commands, COUNT(commands), name);
}

const struct vd_command *vd_command_find_sub(const struct vd_command *command,
                                             const struct vd_word *name)
{
    return find_row(command->subs, command->sub_count, name);
}

unsigned vd_command_id(const struct vd_command *parent, const struct vd_command *command)
{
    const struct vd_command *top = parent != NULL ? parent : command;
    unsigned id = 0;

    for (const struct vd_command *row = commands; row != top; row++)
        id += 1 + (unsigned)row->sub_count;
    if (parent != NULL)
        id += 1 + (unsigned)(command - parent->subs);
    VD_ASSERT(id < VD_COMMAND_IDS);
    return id;
}

bool vd_command_fits(const struct vd_command *command, size_t words)
{
    if (command->arity >= 0)
        return words == (size_t)command->arity;
    return words >= (size_t)-command->arity;
}

void vd_command_put_name(const struct vd_command *parent, const struct vd_command *command,
                         struct vd_text *to)
{
    if (parent != NULL) {
        vd_text_puts(to, parent->name);
        vd_text_putc(to, '|');
    }
    vd_text_puts(to, command->name);
}
