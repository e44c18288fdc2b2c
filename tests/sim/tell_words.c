/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages in words, for people: what is asked, what is answered, with the
 * names of hosts instead of their addresses and ids.
 */
#include <stdio.h>
#include <string.h>

#include "core/view.h"
#include "node.h"
#include "original.h"
#include "proto/hello.h"
#include "tell.h"

typedef unsigned long long ull;

static const char *host_name(const struct sim_host *host)
{
    return host != NULL ? host->name : "nobody";
}

/* A sentinel's id and host, vedettes first. False: there are no more. */
static bool sentinel_at(const struct sim *sim, unsigned i, const char **id,
                        const struct sim_host **host)
{
    if (i < sim->setup.sentinels) {
        *id = sim->sentinels[i]->id.hex;
        *host = sim->sentinels[i]->host;
        return true;
    }
    i -= sim->setup.sentinels;
    if (i >= sim->setup.originals)
        return false;
    *id = sim->originals[i]->id.hex;
    *host = sim->originals[i]->host;
    return true;
}

/* The sentinel of this id, or the beginning of the id. */
static void put_sentinel(const struct sim *sim, const char *id, struct vd_text *to)
{
    const struct sim_host *host;
    const char *own;

    for (unsigned i = 0; sentinel_at(sim, i, &own, &host); i++) {
        if (strcmp(own, id) == 0) {
            vd_text_puts(to, host->name);
            return;
        }
    }
    vd_text_printf(to, "%.8s", id);
}

static void put_hello(const struct sim *sim, const struct sim_msg *msg, struct vd_text *to)
{
    struct vd_hello hello;
    struct vd_err err;

    if (!vd_hello_parse(msg->payload->text, msg->payload->len, &hello, &err)) {
        vd_text_puts(to, "hello that nobody understands");
        return;
    }
    put_sentinel(sim, hello.id.hex, to);
    vd_text_printf(to, ": %s is %s, configuration %llu", hello.group,
                   host_name(sim_host_find(sim->net, &hello.primary)), (ull)hello.config_epoch);
}

/* Of the server as it is when it answers: its INFO says the same. */
static void put_info(const struct sim *sim, const struct sim_msg *msg, struct vd_text *to)
{
    const struct sim_node *node = sim_node_of(sim, msg->conn->host[msg->from]);

    if (!msg->ok || node == NULL) {
        vd_text_puts(to, "-ERR");
        return;
    }
    if (node->primary != NULL)
        vd_text_printf(to, "replica of %s", node->primary->name);
    else
        vd_text_puts(to, "primary");
    if (msg->word == SIM_INFO_TEXT)
        vd_text_printf(to, " at %lld", (long long)node->at.offset);
    vd_text_puts(to, node->loading ? ", loading" : "");
    if (node->primary != NULL && node->upstream != SIM_UP_STREAMING && !node->loading)
        vd_text_puts(to, ", cut off");
}

static void put_question(const struct sim *sim, const struct sim_msg *msg, struct vd_text *to)
{
    if (strcmp(msg->id.hex, "*") == 0) {
        vd_text_printf(to, "is %s down?", host_name(msg->addr));
        return;
    }
    vd_text_puts(to, "vote for ");
    put_sentinel(sim, msg->id.hex, to);
    vd_text_printf(to, " in epoch %llu?", (ull)msg->epoch);
}

static void put_answer(const struct sim *sim, const struct sim_msg *msg, struct vd_text *to)
{
    if (!msg->ok) {
        vd_text_puts(to, "-ERR");
        return;
    }
    vd_text_puts(to, msg->kind != 0 ? "it is down" : "it is up");
    if (msg->id.hex[0] == '\0' || strcmp(msg->id.hex, "*") == 0)
        return;
    vd_text_puts(to, "; my vote in epoch ");
    vd_text_printf(to, "%llu is for ", (ull)msg->epoch);
    put_sentinel(sim, msg->id.hex, to);
}

static void put_pong(const struct sim_msg *msg, struct vd_text *to)
{
    static const char *const words[] = {
        [VD_PONG_OK] = "PONG",
        [VD_PONG_LOADING] = "-LOADING",
        [VD_PONG_MASTERDOWN] = "-MASTERDOWN",
        [VD_PONG_BUSY] = "-BUSY",
        [VD_PONG_AUTH] = "-NOAUTH",
        [VD_PONG_ERROR] = "-ERR",
    };

    vd_text_puts(to, words[msg->kind]);
}

void sim_msg_words(const struct sim *sim, const struct sim_msg *msg, struct vd_text *to)
{
    static const char *const plain[SIM_WORD_COUNT] = {
        [SIM_SYN] = "connect",
        [SIM_SYN_OK] = "connected",
        [SIM_SYN_REFUSED] = "connection refused",
        [SIM_FIN] = "closes the connection",
        [SIM_RST] = "resets the connection",
        [SIM_PING] = "PING",
        [SIM_INFO] = "INFO",
        [SIM_ROLE] = "ROLE",
        [SIM_SUBSCRIBE] = "SUBSCRIBE",
        [SIM_PROMOTE] = "REPLICAOF NO ONE",
        [SIM_SCRIPT_KILL] = "SCRIPT KILL",
        [SIM_WRITE] = "write",
        [SIM_PSYNC] = "PSYNC",
        [SIM_CONTINUE] = "+CONTINUE",
        [SIM_FULLRESYNC] = "+FULLRESYNC",
        [SIM_SYNC_REFUSED] = "-NOMASTERLINK",
        [SIM_RDB] = "the whole data",
        [SIM_STREAM] = "writes",
        [SIM_ACK] = "REPLCONF ACK",
    };

    switch ((int)msg->word) {
    case SIM_REPLICATE:
        vd_text_printf(to, "REPLICAOF %s", host_name(msg->addr));
        return;
    case SIM_PUBLISH:
    case SIM_MESSAGE:
        put_hello(sim, msg, to);
        return;
    case SIM_QUESTION:
        put_question(sim, msg, to);
        return;
    case SIM_ANSWER:
        put_answer(sim, msg, to);
        return;
    case SIM_PONG:
        put_pong(msg, to);
        return;
    case SIM_INFO_TEXT:
    case SIM_ROLE_IS:
        put_info(sim, msg, to);
        return;
    case SIM_DONE:
        vd_text_puts(to, msg->ok ? "OK" : msg->asked == SIM_WRITE ? "-READONLY" : "-ERR");
        return;
    case SIM_GET_PRIMARY:
        vd_text_printf(to, "where is %s?", sim_group_name(msg->group));
        return;
    case SIM_PRIMARY_IS:
        vd_text_puts(to, host_name(msg->addr));
        return;
    default:
        vd_text_puts(to, plain[msg->word] != NULL ? plain[msg->word] : "?");
        return;
    }
}

/* "10.0.10.2:6379 10.0.10.2 6379" and "10.0.10.2 6379" are r2. How much of the text, or 0. */
static size_t match_host(const struct sim_host *host, const char *text)
{
    char pair[128];
    char plain[64];
    int plain_len = snprintf(plain, sizeof(plain), "%s %u", host->addr.ip, host->addr.port);
    int pair_len = snprintf(pair, sizeof(pair), "%s:%u %s", host->addr.ip, host->addr.port, plain);

    if (strncmp(text, pair, (size_t)pair_len) == 0)
        return (size_t)pair_len;
    if (strncmp(text, plain, (size_t)plain_len) == 0)
        return (size_t)plain_len;
    return 0;
}

/* A sentinel's id, with its address behind it, or alone. */
static size_t match_sentinel(const char *id, const struct sim_host *host, const char *text)
{
    size_t len = strlen(id);
    size_t more;

    if (len == 0 || strncmp(text, id, len) != 0)
        return 0;
    more = text[len] == ' ' ? match_host(host, text + len + 1) : 0;
    return more != 0 ? len + 1 + more : len;
}

static size_t put_name(const struct sim *sim, const char *text, struct vd_text *to)
{
    const struct sim_host *host;
    const char *id;
    size_t len = 0;

    for (unsigned i = 0; len == 0 && sentinel_at(sim, i, &id, &host); i++) {
        len = match_sentinel(id, host, text);
        if (len != 0)
            vd_text_puts(to, host->name);
    }
    for (unsigned i = 0; len == 0 && i < sim->net->host_count; i++) {
        len = match_host(sim->net->hosts[i], text);
        if (len != 0 && text[len] != '\0' && text[len] != ' ')
            len = 0; /* 10.0.1.1 6379 within 10.0.1.1 63790 */
        if (len != 0)
            vd_text_puts(to, sim->net->hosts[i]->name);
    }
    return len;
}

void sim_name_addresses(const struct sim *sim, const char *text, struct vd_text *to)
{
    bool word_begins = true;

    while (*text != '\0') {
        size_t len = word_begins ? put_name(sim, text, to) : 0;

        if (len == 0) {
            vd_text_putc(to, *text);
            word_begins = *text == ' ';
            len = 1;
        } else {
            word_begins = false;
        }
        text += len;
    }
}
