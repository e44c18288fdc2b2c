/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a request causes beside its reply: an event for the core, a
 * subscription, a look at the other connections. Runs inside of a client's
 * input, so that it may doom or end others, and close its own.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "shell/client.h"
#include "shell/log.h"

/* MONITOR with a name for a host: kept until the name is resolved. */
struct vd_client_order {
    char *name;
    struct vd_addr addr;
    unsigned quorum;
};

static struct vd_resp reply_to(struct vd_conn *conn)
{
    return (struct vd_resp){.to = vd_conn_out(conn), .version = conn->session.version};
}

/* Orders ----------------------------------------------------------------------- */

void vd_conn_forget_order(struct vd_conn *conn)
{
    if (conn->order != NULL)
        vd_free(conn->order->name);
    vd_free(conn->order);
    conn->order = NULL;
}

static void keep_order(struct vd_conn *conn, const struct vd_order *order)
{
    conn->order = vd_alloc(sizeof(*conn->order));
    conn->order->name = vd_strdup(order->name);
    conn->order->addr = order->addr;
    conn->order->quorum = order->quorum;
}

/* Its host has no address. What its client asked before may be unanswered yet, and comes first. */
static void refuse_order(struct vd_conn *conn)
{
    struct vd_resp resp;

    vd_conn_await_no_more(conn);
    resp = reply_to(conn);
    if (!conn->session.muted)
        vd_resp_error(&resp, "ERR Invalid IP address or hostname specified");
    conn->home->stats.error_replies++;
    vd_conn_go_on(conn);
}

void vd_conn_resolved(struct vd_conn *conn, const char *ip)
{
    const struct vd_client_order *kept = conn->order;
    struct vd_order order;
    struct vd_event event;

    if (kept == NULL)
        return;
    order = (struct vd_order){
        .type = VD_ORDER_MONITOR, .name = kept->name, .addr = kept->addr, .quorum = kept->quorum};
    if (ip == NULL || !vd_copy(order.addr.ip, sizeof(order.addr.ip), ip) || ip[0] == '\0') {
        refuse_order(conn);
    } else {
        event = (struct vd_event){.type = VD_EV_ORDER,
                                  .order = {.client = conn->session.id, .order = &order}};
        vd_inbox_push(conn->home->inbox, &event);
    }
    vd_conn_forget_order(conn);
}

/* Subscriptions ------------------------------------------------------------------ */

struct verb {
    const char *word;
    enum vd_pubsub_kind kind;
    bool subscribes;
};

static struct verb verb_of(enum vd_outcome_type type)
{
    if (type == VD_OUT_SUBSCRIBE)
        return (struct verb){"subscribe", VD_PUBSUB_CHANNEL, true};
    if (type == VD_OUT_PSUBSCRIBE)
        return (struct verb){"psubscribe", VD_PUBSUB_PATTERN, true};
    if (type == VD_OUT_UNSUBSCRIBE)
        return (struct verb){"unsubscribe", VD_PUBSUB_CHANNEL, false};
    return (struct verb){"punsubscribe", VD_PUBSUB_PATTERN, false};
}

/* One message for each name; `name` NULL: there was none to unsubscribe from. */
static void confirm(struct vd_conn *conn, const char *verb, const struct vd_word *name)
{
    const struct vd_subscriber *subscriber = &conn->subscriber;
    struct vd_resp resp = reply_to(conn);

    vd_resp_push(&resp, 3);
    vd_resp_bulk_cstr(&resp, verb);
    if (name != NULL)
        vd_resp_bulk(&resp, name->bytes, name->len);
    else
        vd_resp_null(&resp);
    vd_resp_int(&resp, (int64_t)subscriber->channels + subscriber->patterns);
}

static void unsubscribe_all(struct vd_conn *conn, const struct verb *verb)
{
    struct vd_word name;
    bool any = false;

    while (vd_pubsub_first(&conn->subscriber, verb->kind, &name)) {
        char *kept = vd_memdup(name.bytes, name.len); /* the name goes with the subscription */

        name.bytes = kept;
        (void)vd_pubsub_unsubscribe(conn->home->pubsub, &conn->subscriber, verb->kind, &name);
        confirm(conn, verb->word, &name);
        vd_free(kept);
        any = true;
    }
    if (!any)
        confirm(conn, verb->word, NULL);
}

static void subscribe(struct vd_conn *conn, const struct vd_outcome *out)
{
    struct verb verb = verb_of(out->type);

    conn->subscriber.version = conn->session.version;
    if (out->count == 0)
        unsubscribe_all(conn, &verb);
    for (size_t i = 0; i < out->count; i++) {
        if (verb.subscribes)
            (void)vd_pubsub_subscribe(conn->home->pubsub, &conn->subscriber, verb.kind,
                                      &out->words[i]);
        else
            (void)vd_pubsub_unsubscribe(conn->home->pubsub, &conn->subscriber, verb.kind,
                                        &out->words[i]);
        confirm(conn, verb.word, &out->words[i]);
    }
    conn->session.channels = conn->subscriber.channels;
    conn->session.patterns = conn->subscriber.patterns;
}

/* Other connections ---------------------------------------------------------------- */

void vd_client_address(const struct sockaddr *addr, const char *path,
                       char out[VD_CLIENT_ADDRESS_SIZE])
{
    const struct sockaddr_in *v4 = (const void *)addr;
    const struct sockaddr_in6 *v6 = (const void *)addr;
    char ip[INET6_ADDRSTRLEN];

    if (addr->sa_family == AF_INET && inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip)) != NULL)
        (void)snprintf(out, VD_CLIENT_ADDRESS_SIZE, "%s:%u", ip, (unsigned)ntohs(v4->sin_port));
    else if (addr->sa_family == AF_INET6 &&
             inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip)) != NULL)
        (void)snprintf(out, VD_CLIENT_ADDRESS_SIZE, "[%s]:%u", ip, (unsigned)ntohs(v6->sin6_port));
    else
        (void)snprintf(out, VD_CLIENT_ADDRESS_SIZE, "%s:0", path == NULL ? "" : path);
}

struct described {
    struct vd_client_facts facts;
    char addr[VD_CLIENT_ADDRESS_SIZE];
    char laddr[VD_CLIENT_ADDRESS_SIZE];
};

static void describe(struct vd_conn *conn, struct described *out)
{
    const char *path = conn->home->config->server.unixsocket;
    struct sockaddr_storage local = {0};
    socklen_t len = sizeof(local);
    vd_ms now = conn->home->now;

    (void)getsockname(conn->stream.fd, (struct sockaddr *)&local, &len);
    vd_client_address(&conn->peer.any, path, out->addr);
    vd_client_address((const struct sockaddr *)&local, path, out->laddr);
    out->facts = (struct vd_client_facts){
        .session = &conn->session,
        .addr = out->addr,
        .laddr = out->laddr,
        .fd = conn->stream.fd,
        .age_s = (now - conn->created_at) / 1000,
        .idle_s = (now - conn->last_at) / 1000,
        .input = conn->in.len,
        .input_free = conn->in.room - conn->in.len,
        .output = conn->out.len - conn->sent,
        .watches_write = conn->stream.awaits_room,
    };
}

void vd_conn_describe(struct vd_conn *conn, struct vd_text *to)
{
    struct described described;

    describe(conn, &described);
    vd_client_line(&described.facts, to);
}

static void list(struct vd_conn *conn, const struct vd_client_filter *filter)
{
    struct vd_resp resp = reply_to(conn);
    struct vd_text text = {0};

    for (struct vd_conn *other = conn->home->table; other != NULL; other = other->hh.next) {
        struct described described;

        if (filter == NULL && other != conn)
            continue;
        describe(other, &described);
        if (filter == NULL || vd_client_filter_takes(filter, &described.facts, other == conn))
            vd_client_line(&described.facts, &text);
    }
    vd_resp_verbatim(&resp, text.bytes, text.len);
    vd_text_free(&text);
}

static void kill_some(struct vd_conn *conn, const struct vd_client_filter *filter)
{
    struct vd_resp resp = reply_to(conn);
    struct vd_conn *other;
    struct vd_conn *next;
    int64_t killed = 0;

    HASH_ITER (hh, conn->home->table, other, next) {
        struct described described;

        describe(other, &described);
        if (!vd_client_filter_takes(filter, &described.facts, other == conn))
            continue;
        killed++;
        if (other == conn)
            conn->closing = true; /* behind the reply */
        else
            vd_conn_end(other);
    }
    if (!filter->one)
        vd_resp_int(&resp, killed);
    else if (killed > 0)
        vd_resp_status(&resp, "OK");
    else
        vd_resp_error(&resp, "ERR No such client");
}

/* Requests ------------------------------------------------------------------------- */

static void act(struct vd_conn *conn, const struct vd_outcome *out)
{
    struct vd_clients *home = conn->home;

    switch (out->type) {
    case VD_OUT_REPLIED:
        break;
    case VD_OUT_EVENT:
        vd_conn_await(conn);
        /* What an order changes is seen by the next request; a peer's question changes nothing. */
        conn->waiting = out->event.type != VD_EV_QUESTION || out->event.question.asker[0] == '\0';
        vd_inbox_push(home->inbox, &out->event);
        break;
    case VD_OUT_TOLD:
        vd_inbox_push(home->inbox, &out->event);
        break;
    case VD_OUT_WORD:
        if (home->hooks.word != NULL)
            home->hooks.word(home->hooks.self, out->words[0].bytes, out->words[0].len);
        break;
    case VD_OUT_RESOLVE:
        vd_conn_await(conn);
        conn->waiting = true;
        keep_order(conn, &out->order);
        home->hooks.resolve(home->hooks.self, conn->session.id, conn->order->addr.host);
        break;
    case VD_OUT_SUBSCRIBE:
    case VD_OUT_UNSUBSCRIBE:
    case VD_OUT_PSUBSCRIBE:
    case VD_OUT_PUNSUBSCRIBE:
        subscribe(conn, out);
        break;
    case VD_OUT_CLIENT_LIST:
        list(conn, &out->filter);
        break;
    case VD_OUT_CLIENT_INFO:
        list(conn, NULL);
        break;
    case VD_OUT_CLIENT_KILL:
        kill_some(conn, &out->filter);
        break;
    case VD_OUT_PAUSE:
        vd_conn_pause_all(home, out->pause_ms);
        break;
    case VD_OUT_USERS:
        vd_conn_check_users(home);
        break;
    case VD_OUT_CLOSE:
        conn->closing = true;
        break;
    case VD_OUT_SHUTDOWN:
        conn->closing = true;
        home->hooks.shutdown(home->hooks.self);
        break;
    }
}

/* What comes of it are messages, not a reply, which CLIENT REPLY lets through. */
static bool is_push(enum vd_outcome_type type)
{
    return type == VD_OUT_SUBSCRIBE || type == VD_OUT_UNSUBSCRIBE || type == VD_OUT_PSUBSCRIBE ||
           type == VD_OUT_PUNSUBSCRIBE;
}

void vd_conn_run(struct vd_conn *conn, const struct vd_word *words, size_t count)
{
    struct vd_clients *home = conn->home;
    struct vd_outcome *out = &home->outcome;
    struct vd_text *to = vd_conn_out(conn);
    size_t before = to->len;

    vd_arena_reset(&home->arena);
    vd_request_run(&home->desk, &conn->session, words, count, home->now, &home->arena, to, out);
    home->stats.commands++;
    vd_rate_add(&home->ops, home->now, 1);
    if (out->log_level >= 0)
        vd_log_set_level((enum vd_log_level)out->log_level);
    if (out->complaint != NULL)
        vd_log_limited("request", VD_LOG_WARNING, "%s", out->complaint);
    if (out->denial.reason != VD_DENIAL_NONE)
        vd_conn_log_denial(conn, &out->denial);
    act(conn, out);
    conn->subscriber.version = conn->session.version;
    if (out->type == VD_OUT_RESOLVE)
        return; /* if it is answered already, that was done in full */
    if (conn->session.muted && !is_push(out->type))
        vd_text_cut(to, before);
    if (to->len > before && to->bytes[before] == '-')
        home->stats.error_replies++;
    if (to->len > before || conn->closing)
        vd_conn_owe(conn);
}
