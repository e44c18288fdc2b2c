/* SPDX-License-Identifier: BSD-3-Clause */
/* Outgoing: see outgoing.h. PROTOCOL facts: opening of links, promotion and reconfiguration. */
#include "proto/outgoing.h"

#include <string.h>

#include "proto/hello.h"
#include "proto/resp.h"

#define WORDS_MAX 8

/* A command by its name here; the operator may have called it otherwise. */
static const char *renamed(const struct vd_dialect *dialect, const char *command)
{
    for (size_t i = 0; i < dialect->rename_count; i++) {
        if (strcmp(dialect->renames[i].from, command) == 0)
            return dialect->renames[i].to;
    }
    return command;
}

/* A command of up to WORDS_MAX words, the rest NULL. */
static void put(struct vd_text *to, const struct vd_dialect *dialect,
                const char *const words[WORDS_MAX])
{
    struct vd_resp resp = {.to = to, .version = 2};
    size_t count = 0;

    while (count < WORDS_MAX && words[count] != NULL)
        count++;
    vd_resp_array(&resp, count);
    vd_resp_bulk_cstr(&resp, renamed(dialect, words[0]));
    for (size_t i = 1; i < count; i++)
        vd_resp_bulk_cstr(&resp, words[i]);
}

#define PUT(...) put(to, dialect, (const char *const[WORDS_MAX]){__VA_ARGS__})

static const char *spell(const struct vd_addr *addr)
{
    return addr->host[0] != '\0' ? addr->host : addr->ip;
}

void vd_asked_init(struct vd_asked *asked, const struct vd_effect *send)
{
    VD_ASSERT(send->type == VD_EF_SEND);
    memset(asked, 0, sizeof(*asked));
    asked->link = send->send.link;
    asked->ticket = send->send.ticket;
    asked->request = send->send.request;
    asked->addr = send->send.addr;
}

bool vd_asked_turns(const struct vd_asked *asked)
{
    return asked->request == VD_RQ_PROMOTE || asked->request == VD_RQ_REPLICATE;
}

static unsigned bit(enum vd_turn_part part)
{
    return 1U << part;
}

static unsigned parts_of(const struct vd_grants *grants)
{
    unsigned parts = bit(VD_PART_FOLLOW);

    if (!grants->no_transaction)
        parts |= bit(VD_PART_MULTI) | bit(VD_PART_EXEC);
    if (!grants->no_rewrite)
        parts |= bit(VD_PART_REWRITE);
    if (!grants->no_kill)
        parts |= bit(VD_PART_KILL_NORMAL) | bit(VD_PART_KILL_PUBSUB);
    return parts;
}

/*
 * REPLICAOF is today's word. SLAVEOF is said to who refuses it, and where the
 * operator gave a new name to SLAVEOF alone: that line is meant for us.
 */
static bool says_replicaof(const struct vd_grants *grants, const struct vd_dialect *dialect)
{
    bool slaveof_renamed = strcmp(renamed(dialect, "SLAVEOF"), "SLAVEOF") != 0;
    bool replicaof_renamed = strcmp(renamed(dialect, "REPLICAOF"), "REPLICAOF") != 0;

    return !grants->no_replicaof && (replicaof_renamed || !slaveof_renamed);
}

static void put_turn(struct vd_asked *asked, const struct vd_grants *grants,
                     const struct vd_dialect *dialect, struct vd_text *to)
{
    bool promotes = asked->request == VD_RQ_PROMOTE;
    struct vd_text port = {0};

    asked->parts = parts_of(grants);
    asked->awaited = asked->parts;
    asked->refused = 0;
    asked->queued = 0;
    asked->said_replicaof = says_replicaof(grants, dialect);
    asked->failed = false;
    asked->applied = false;
    asked->error[0] = '\0';
    vd_text_put_int(&port, asked->addr.port);
    if (asked->parts & bit(VD_PART_MULTI))
        PUT("MULTI");
    PUT(asked->said_replicaof ? "REPLICAOF" : "SLAVEOF", promotes ? "NO" : spell(&asked->addr),
        promotes ? "ONE" : vd_text_cstr(&port));
    if (asked->parts & bit(VD_PART_REWRITE))
        PUT("CONFIG", "REWRITE");
    if (asked->parts & bit(VD_PART_KILL_NORMAL))
        PUT("CLIENT", "KILL", "TYPE", "normal");
    if (asked->parts & bit(VD_PART_KILL_PUBSUB))
        PUT("CLIENT", "KILL", "TYPE", "pubsub");
    if (asked->parts & bit(VD_PART_EXEC))
        PUT("EXEC");
    vd_text_free(&port);
}

bool vd_outgoing_differs(const struct vd_asked *asked, const struct vd_grants *grants)
{
    return parts_of(grants) != asked->parts || (asked->said_replicaof && grants->no_replicaof);
}

void vd_outgoing_publish(const char *channel, const char *text, const struct vd_dialect *dialect,
                         struct vd_text *to)
{
    PUT("PUBLISH", channel, text);
}

void vd_outgoing_subscribe(const char *channel, const struct vd_dialect *dialect,
                           struct vd_text *to)
{
    PUT("SUBSCRIBE", channel);
}

void vd_outgoing_unsubscribe(const char *channel, const struct vd_dialect *dialect,
                             struct vd_text *to)
{
    PUT("UNSUBSCRIBE", channel);
}

static void put_hello(const struct vd_hello *hello, const struct vd_dialect *dialect,
                      struct vd_text *to)
{
    struct vd_text line = {0};

    vd_hello_print(hello, &line);
    vd_outgoing_publish(VD_HELLO_CHANNEL, vd_text_cstr(&line), dialect, to);
    vd_text_free(&line);
}

/* The literal where it is known: peers that know no names understand it too. */
static void put_question(const struct vd_effect *send, const struct vd_dialect *dialect,
                         struct vd_text *to)
{
    const struct vd_addr *addr = &send->send.addr;
    struct vd_text port = {0};
    struct vd_text epoch = {0};

    vd_text_put_int(&port, addr->port);
    vd_text_printf(&epoch, "%llu", (unsigned long long)send->send.epoch);
    PUT("SENTINEL", "is-master-down-by-addr", addr->ip[0] != '\0' ? addr->ip : addr->host,
        vd_text_cstr(&port), vd_text_cstr(&epoch), send->send.candidate);
    vd_text_free(&port);
    vd_text_free(&epoch);
}

/* A planned switchover's, and maintenance's: one command each. */
static void put_handover(const struct vd_effect *send, const struct vd_dialect *dialect,
                         struct vd_text *to)
{
    struct vd_text ms = {0};
    struct vd_text port = {0};

    vd_text_put_int(&ms, send->send.pause_ms);
    vd_text_put_int(&port, send->send.addr.port);
    if (send->send.request == VD_RQ_PAUSE)
        PUT("CLIENT", "PAUSE", vd_text_cstr(&ms), "WRITE");
    else if (send->send.request == VD_RQ_UNPAUSE)
        PUT("CLIENT", "UNPAUSE");
    else if (send->send.request == VD_RQ_ABORT)
        PUT("FAILOVER", "ABORT");
    else if (send->send.request == VD_RQ_MAINTAIN && send->send.pause_ms != 0)
        PUT("SENTINEL", "PAUSE", send->send.group, vd_text_cstr(&ms), "LOCAL");
    else if (send->send.request == VD_RQ_MAINTAIN)
        PUT("SENTINEL", "RESUME", send->send.group, "LOCAL");
    else
        PUT("FAILOVER", "TO", spell(&send->send.addr), vd_text_cstr(&port), "TIMEOUT",
            vd_text_cstr(&ms));
    vd_text_free(&ms);
    vd_text_free(&port);
}

void vd_outgoing_put(struct vd_asked *asked, const struct vd_effect *send,
                     const struct vd_grants *grants, const struct vd_dialect *dialect,
                     struct vd_text *to)
{
    VD_ASSERT(send != NULL || vd_asked_turns(asked));
    switch (asked->request) {
    case VD_RQ_PING:
        PUT("PING");
        return;
    case VD_RQ_INFO:
        PUT("INFO");
        return;
    case VD_RQ_ROLE:
        PUT("ROLE");
        return;
    case VD_RQ_HELLO:
        put_hello(send->send.hello, dialect, to);
        return;
    case VD_RQ_QUESTION:
        put_question(send, dialect, to);
        return;
    case VD_RQ_PROMOTE:
    case VD_RQ_REPLICATE:
        put_turn(asked, grants, dialect, to);
        return;
    case VD_RQ_SCRIPT_KILL:
        PUT("SCRIPT", "KILL");
        return;
    case VD_RQ_PAUSE:
    case VD_RQ_UNPAUSE:
    case VD_RQ_HANDOVER:
    case VD_RQ_ABORT:
    case VD_RQ_MAINTAIN:
        put_handover(send, dialect, to);
        return;
    }
    VD_ASSERT(false);
}

void vd_outgoing_greet(enum vd_link_kind kind, bool resp3, const char *user, const char *pass,
                       const char *client_name, const struct vd_dialect *dialect,
                       struct vd_text *to, struct vd_greeting *greeting)
{
    greeting->auth = pass != NULL && pass[0] != '\0';
    greeting->hello = resp3 && kind == VD_LINK_COMMAND;
    greeting->subscribe = kind == VD_LINK_SUBSCRIBE;
    if (greeting->auth && user != NULL && user[0] != '\0')
        PUT("AUTH", user, pass);
    else if (greeting->auth)
        PUT("AUTH", pass);
    PUT("CLIENT", "SETNAME", client_name);
    if (greeting->hello)
        PUT("HELLO", "3");
    if (greeting->subscribe)
        vd_outgoing_subscribe(VD_HELLO_CHANNEL, dialect, to);
}
