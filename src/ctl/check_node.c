/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Servers as the check sees them. Rights are tried inside of a MULTI that is
 * discarded: a server judges a command by the user's rights when it is queued,
 * so that all can be asked and nothing is done.
 */
#include <string.h>

#include "ctl/check.h"
#include "proto/addr.h"

#define WORDS_MAX 4

struct node {
    const char *name; /* "host:port" */
    struct vd_ctl_link *link;
    json_t *info;
    bool is_primary;
};

/* What a sentinel says to a server. Should one be carried out against all reason, it does no harm.
 */
static const struct right {
    const char *words[WORDS_MAX];
    const char *name;  /* as an ACL has it */
    bool is_essential; /* without it no failover ends well; else something is lost */
} rights[] = {
    {{"PING"}, "+ping", true},
    {{"INFO", "replication"}, "+info", true},
    {{"REPLICAOF", "127.0.0.1", "x"}, "+replicaof", true},
    {{"CONFIG", "REWRITE"}, "+config|rewrite", true},
    {{"CLIENT", "KILL", "ID", "0"}, "+client|kill", true},
    {{"CLIENT", "SETNAME", "vedettectl"}, "+client|setname", false},
    {{"SUBSCRIBE", "__sentinel__:hello"}, "+subscribe &__sentinel__:hello", true},
    {{"PUBLISH", "__sentinel__:hello", "x"}, "+publish &__sentinel__:hello", true},
    {{"ROLE"}, "+role", false},
    {{"SCRIPT", "KILL"}, "+script|kill", false},
    {{"CLIENT", "PAUSE", "0", "WRITE"}, "+client|pause", false},
    {{"PUBLISH", "__vedette__:beat", "x"}, "&__vedette__:beat", false},
};

/* The error reply of a question, or NULL: it was answered, or the link is lost (*lost). */
static char *refusal(struct node *node, const char *const *words, bool *lost)
{
    struct vd_err err;
    size_t count = 0;
    redisReply *reply;
    char *text = NULL;

    while (count < WORDS_MAX && words[count] != NULL)
        count++;
    reply = vd_ctl_link_ask(node->link, count, words, &err);
    *lost = reply == NULL;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        text = vd_strdup(reply->str);
    freeReplyObject(reply);
    return text;
}

static bool is_permission(const char *error)
{
    return error != NULL && strncmp(error, "NOPERM", 6) == 0;
}

/* SLAVEOF does as well as REPLICAOF. */
static bool may_say_slaveof(struct node *node, bool *lost)
{
    static const char *const words[WORDS_MAX] = {"SLAVEOF", "127.0.0.1", "x"};
    char *error = refusal(node, words, lost);
    bool may = !*lost && !is_permission(error);

    vd_free(error);
    return may;
}

/* Inside of a MULTI: those that are refused. */
static bool try_rights(struct node *node, struct vd_text *essential, struct vd_text *other)
{
    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
        bool lost;
        char *error = refusal(node, rights[i].words, &lost);
        bool refused = is_permission(error);

        vd_free(error);
        if (refused && strcmp(rights[i].words[0], "REPLICAOF") == 0)
            refused = !may_say_slaveof(node, &lost);
        if (lost)
            return false;
        if (!refused)
            continue;
        vd_text_puts(rights[i].is_essential ? essential : other, " ");
        vd_text_puts(rights[i].is_essential ? essential : other, rights[i].name);
    }
    return true;
}

static void check_rights(struct node *node, json_t *findings)
{
    static const char *const multi[WORDS_MAX] = {"MULTI"};
    static const char *const exec[WORDS_MAX] = {"EXEC"};
    static const char *const discard[WORDS_MAX] = {"DISCARD"};
    struct vd_text essential = {0};
    struct vd_text other = {0};
    bool lost = false;
    /* An empty one, to see whether it may be said. */
    char *begins = refusal(node, multi, &lost);
    char *ends = lost || begins != NULL ? NULL : refusal(node, exec, &lost);

    if (begins != NULL || is_permission(ends))
        vd_ctl_find(findings, "rights", VD_CTL_FAILED, "%s: our user there lacks +multi +exec: %s",
                    node->name, begins != NULL ? begins : ends);
    vd_free(ends);
    ends = NULL;
    if (begins == NULL && !lost) {
        begins = refusal(node, multi, &lost);
        if (begins == NULL && !lost && try_rights(node, &essential, &other))
            ends = refusal(node, discard, &lost);
        if (essential.len > 0)
            vd_ctl_find(findings, "rights", VD_CTL_FAILED, "%s: our user there lacks%s", node->name,
                        vd_text_cstr(&essential));
        if (other.len > 0)
            vd_ctl_find(findings, "rights", VD_CTL_WARNED,
                        "%s: our user there lacks%s, which vedette can do without", node->name,
                        vd_text_cstr(&other));
        if (essential.len + other.len == 0 && !lost)
            vd_ctl_find(findings, "rights", VD_CTL_FINE, "%s: all that a vedette says is allowed",
                        node->name);
    }
    if (lost)
        vd_ctl_find(findings, "rights", VD_CTL_DOUBTFUL, "%s: it has closed the connection",
                    node->name);
    vd_free(begins);
    vd_free(ends);
    vd_text_free(&essential);
    vd_text_free(&other);
}

/* min-replicas-to-write: after a failover there is one replica less -------------------------------
 */

static json_t *ask(struct node *node, size_t count, const char *const *words)
{
    struct vd_err err;
    redisReply *reply = vd_ctl_link_ask(node->link, count, words, &err);
    json_t *value =
        reply == NULL || reply->type == REDIS_REPLY_ERROR ? NULL : vd_ctl_json_of(reply);

    freeReplyObject(reply);
    return value;
}

/* `replicas`: of the present primary, those that are up. */
static void check_min_replicas(struct node *node, size_t replicas, json_t *findings)
{
    static const char *const words[] = {"CONFIG", "GET", "min-replicas-to-write"};
    json_t *reply = ask(node, 3, words);
    json_t *fields = vd_ctl_fields(reply);
    int64_t wanted = vd_ctl_number_of(fields, "min-replicas-to-write", -1);

    if (wanted < 0 && vd_ctl_text_of(node->info, "min_slaves_good_slaves")[0] != '\0')
        vd_ctl_find(
            findings, "min-replicas", VD_CTL_WARNED,
            "%s: min-replicas-to-write is set, but our user may not see to what (+config|get)",
            node->name);
    else if (wanted < 0)
        vd_ctl_find(findings, "min-replicas", VD_CTL_FINE, "%s: min-replicas-to-write is 0",
                    node->name);
    else if (wanted >= (int64_t)replicas && wanted > 0)
        vd_ctl_find(findings, "min-replicas", VD_CTL_FAILED,
                    "%s: min-replicas-to-write is %lld, but a new primary would have %zu replicas: "
                    "it would refuse writes",
                    node->name, (long long)wanted, replicas == 0 ? 0 : replicas - 1);
    else
        vd_ctl_find(findings, "min-replicas", VD_CTL_FINE, "%s: min-replicas-to-write is %lld",
                    node->name, (long long)wanted);
    json_decref(fields);
    json_decref(reply);
}

/* Version and clock
 * ---------------------------------------------------------------------------------- */

static void check_time(struct node *node, json_t *findings)
{
    static const char *const words[] = {"TIME"};
    int64_t sent_us = vd_ctl_wall_us();
    json_t *reply = ask(node, 1, words);
    int64_t half_us = (vd_ctl_wall_us() - sent_us) / 2;
    const char *seconds = json_string_value(json_array_get(reply, 0));
    const char *micros = json_string_value(json_array_get(reply, 1));
    int64_t there_us = vd_ctl_number_of(node->info, "server_time_usec", 0);
    int64_t s;
    int64_t us;

    if (seconds != NULL && micros != NULL && vd_parse_int64(seconds, strlen(seconds), &s) &&
        vd_parse_int64(micros, strlen(micros), &us) && s >= 0 && s < INT64_MAX / 2000000 &&
        us >= 0 && us < 1000000)
        there_us = s * 1000000 + us;
    vd_ctl_check_clock(node->name, there_us > 0 ? there_us - sent_us - half_us : 0,
                       there_us > 0 ? half_us : -1, findings);
    json_decref(reply);
}

static const char *version_of(const json_t *info)
{
    const char *valkey = vd_ctl_text_of(info, "valkey_version");

    return valkey[0] != '\0' ? valkey : vd_ctl_text_of(info, "redis_version");
}

/* One after the other
 * ----------------------------------------------------------------------------------- */

/* How a vedette speaks to the group's servers: by its configuration, else by the environment. */
static struct vd_ctl_access access_of(const struct vd_ctl *ctl, const char *group,
                                      const struct vd_tls_keys *keys)
{
    const struct vd_ctl_options *options = &ctl->options;
    const struct vd_config_group *own =
        options->config == NULL ? NULL : vd_config_find(options->config, group);
    struct vd_ctl_access access = {
        .user = options->node_user, .pass = options->node_pass, .timeout_ms = options->timeout_ms};

    if (access.pass == NULL && own != NULL) {
        access.user = own->options.auth_user;
        access.pass = own->options.auth_pass;
    }
    access.keys = keys;
    return access;
}

/* TLS to the servers, if the vedette's configuration wants that. False with the reason. */
static bool load_keys(const struct vd_ctl *ctl, struct vd_tls_keys **keys, struct vd_err *err)
{
    const struct vd_ctl_options *options = &ctl->options;
    struct vd_tls_options tls;
    bool expired;

    *keys = NULL;
    if (options->config == NULL || !options->config->server.tls.to.servers)
        return true;
    tls = options->config->server.tls;
    tls.port = 0; /* nobody comes in here */
    vd_ctl_options_put_tls(options, &tls);
    *keys = vd_tls_keys_load(&tls, NULL, &expired, err);
    return *keys != NULL;
}

/* Replicas that are there; whether they have a link is not asked, for that may be lost with the
 * primary. */
static size_t count_replicas(const json_t *nodes)
{
    size_t count = 0;

    for (size_t i = 1; i < json_array_size(nodes); i++)
        count += strcmp(vd_ctl_text_of(json_array_get(nodes, i), "state"), "up") == 0;
    return count;
}

static bool read_node(struct node *node, json_t *findings)
{
    static const char *const words[] = {"INFO"};
    struct vd_err err = {""};
    redisReply *reply = vd_ctl_link_ask(node->link, 1, words, &err);
    bool good = reply != NULL && reply->type == REDIS_REPLY_STRING;

    if (good) {
        node->info = vd_ctl_info_fields(reply->str);
        vd_ctl_find(findings, "servers", VD_CTL_FINE, "%s: %s", node->name,
                    node->is_primary ? "primary" : "replica");
    } else {
        vd_ctl_find(findings, "servers", VD_CTL_DOUBTFUL, "%s: %.200s%s", node->name,
                    reply != NULL ? reply->str : err.text,
                    reply != NULL && strncmp(reply->str, "NOAUTH", 6) == 0
                        ? " Give -c with the vedette's configuration, or set VEDETTE_NODE_USER and "
                          "VEDETTE_NODE_PASSWORD"
                        : "");
    }
    freeReplyObject(reply);
    return good;
}

static void check_node(const struct vd_ctl_access *access, struct node *node, size_t replicas,
                       json_t *findings)
{
    struct vd_err err = {""};
    struct vd_addr addr;
    bool refused;

    if (!vd_addr_parse(&addr, node->name, strlen(node->name), &err)) {
        vd_ctl_find(findings, "servers", VD_CTL_DOUBTFUL, "%s: %s", node->name, err.text);
        return;
    }
    node->link = vd_ctl_link_open(access, addr.host, addr.port, &refused, &err);
    if (node->link == NULL) {
        vd_ctl_find(findings, "servers", refused ? VD_CTL_FAILED : VD_CTL_DOUBTFUL, "%s", err.text);
        return;
    }
    if (read_node(node, findings)) {
        check_min_replicas(node, replicas, findings);
        check_time(node, findings);
        check_rights(node, findings);
    }
    vd_ctl_link_close(node->link);
    node->link = NULL;
}

void vd_ctl_check_nodes(struct vd_ctl *ctl, const json_t *group, json_t *findings)
{
    const json_t *nodes = json_object_get(group, "nodes");
    size_t count = json_array_size(nodes);
    size_t replicas = count_replicas(nodes);
    struct vd_ctl_access access;
    struct vd_tls_keys *keys;
    struct vd_err err;
    char *first = NULL;
    const char *first_name = "";
    bool same = true;

    if (!load_keys(ctl, &keys, &err)) {
        vd_ctl_find(findings, "servers", VD_CTL_DOUBTFUL, "%s", err.text);
        return;
    }
    access = access_of(ctl, vd_ctl_text_of(group, "name"), keys);
    for (size_t i = 0; i < count; i++) {
        struct node node = {.name = vd_ctl_text_of(json_array_get(nodes, i), "node"),
                            .is_primary = i == 0};
        const char *version;

        check_node(&access, &node, replicas, findings);
        version = version_of(node.info);
        if (first != NULL && version[0] != '\0' && strcmp(first, version) != 0) {
            same = false;
            vd_ctl_find(findings, "versions", VD_CTL_WARNED,
                        "%s is of version %s, %s of %s: a replica that is older cannot follow one "
                        "that is newer",
                        node.name, version, first_name, first);
        }
        if (first == NULL && version[0] != '\0') {
            first = vd_strdup(version);
            first_name = node.name;
        }
        json_decref(node.info);
    }
    if (same && first != NULL)
        vd_ctl_find(findings, "versions", VD_CTL_FINE, "all servers who were reached are %s",
                    first);
    vd_free(first);
    vd_tls_keys_release(keys);
}
