/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links: see links.h. A link is a handle, a dial while it is being opened, and
 * then a socket with the queue of what is expected on it, in order. All that
 * happens becomes an event; who drops a link says so once and forgets it.
 */
#include "shell/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/addr.h"
#include "shell/clock.h"
#include "shell/connection.h"
#include "shell/log.h"

#define READS_MAX 16       /* of one link in a row */
#define KEEP_OUT_SIZE 1024 /* a larger buffer is released when it is empty */

struct vd_connection *vd_connection_find(const struct vd_links *links, vd_link id)
{
    return vd_handles_find(&links->by_id, id.n);
}

const char *vd_connection_name(const struct vd_connection *link)
{
    return link->addr.host[0] != '\0' ? link->addr.host : link->addr.ip;
}

void vd_connection_mark_dirty(struct vd_connection *link)
{
    if (link->is_dirty)
        return;
    link->is_dirty = true;
    DL_APPEND2(link->links->dirty, link, dirty_prev, dirty_next);
}

static void unmark_dirty(struct vd_connection *link)
{
    if (!link->is_dirty)
        return;
    link->is_dirty = false;
    DL_DELETE2(link->links->dirty, link, dirty_prev, dirty_next);
}

static void forget_greeting(struct vd_connection *link)
{
    vd_free(link->user);
    vd_free(link->pass);
    vd_free(link->client_name);
    link->user = NULL;
    link->pass = NULL;
    link->client_name = NULL;
}

static void free_link(struct vd_connection *link)
{
    struct vd_links *links = link->links;
    struct vd_expected *expected;
    struct vd_expected *next;

    if (link->resolving)
        vd_resolver_forget(links->resolver, link->addr.host, links, link->id.n);
    vd_dial_cancel(&link->dial);
    vd_stream_close(&link->stream);
    unmark_dirty(link);
    DL_FOREACH_SAFE (link->queue, expected, next)
        vd_free(expected);
    vd_replies_free(&link->replies);
    forget_greeting(link);
    for (size_t i = 0; i < link->rename_count; i++) {
        vd_free(link->renames[i].from);
        vd_free(link->renames[i].to);
    }
    vd_free(link->renames);
    vd_text_free(&link->out);
    vd_free(link);
}

static void end_link(struct vd_connection *link)
{
    vd_handles_drop(&link->links->by_id, link->id.n);
    free_link(link);
}

/* The link is gone for a reason of its own. */
void vd_connection_drop(struct vd_connection *link, enum vd_down_reason reason, const char *text)
{
    struct vd_event event = {.type = VD_EV_LINK_DOWN};

    event.down.link = link->id;
    event.down.reason = reason;
    event.down.text = text;
    vd_inbox_push(link->links->inbox, &event);
    end_link(link);
}

/* "host:port", also for the log's key, which may cut it. */
#define WHERE_SIZE (VD_HOST_SIZE + 8)

static void print_where(const struct vd_connection *link, char where[WHERE_SIZE])
{
    (void)snprintf(where, WHERE_SIZE, "%s:%u", vd_connection_name(link), (unsigned)link->addr.port);
}

/* What stands between us and a server must reach the log of whoever can help. */
static void tell_tls(const struct vd_connection *link, const char *why)
{
    char where[WHERE_SIZE];

    print_where(link, where);
    vd_log_lasting(where, VD_LOG_WARNING, "no TLS with %s %s: %s",
                   link->kind == VD_LINK_PEER ? "sentinel" : "server", where, why);
}

/* Who hangs up before a word is dead, or waits for TLS: plain text is no answer to either. */
static void tell_silence(const struct vd_connection *link)
{
    char where[WHERE_SIZE];

    if (link->stream.tls != NULL || link->heard)
        return;
    print_where(link, where);
    vd_log_lasting(where, VD_LOG_NOTICE,
                   "%s ends the connection before a word: has it died, or does it want TLS "
                   "(tls-replication, or %s)?",
                   where, link->kind == VD_LINK_PEER ? "tls-peers" : "tls-servers");
}

void vd_connection_break(struct vd_connection *link, int error)
{
    const char *why = vd_stream_why(&link->stream, error);

    if (error == EPROTO)
        tell_tls(link, why);
    if (error == ECONNRESET)
        tell_silence(link);
    vd_connection_drop(link, vd_stream_reason(error), why);
}

void vd_connection_say_up(struct vd_connection *link)
{
    struct vd_event event = {.type = VD_EV_LINK_UP};
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } local;
    socklen_t len = sizeof(local);
    char local_ip[VD_IP_SIZE] = "";

    memset(&local, 0, sizeof(local));
    if (getsockname(link->stream.fd, &local.any, &len) == 0) {
        if (local.any.sa_family == AF_INET)
            (void)inet_ntop(AF_INET, &local.v4.sin_addr, local_ip, sizeof(local_ip));
        if (local.any.sa_family == AF_INET6)
            (void)inet_ntop(AF_INET6, &local.v6.sin6_addr, local_ip, sizeof(local_ip));
    }
    event.up.link = link->id;
    event.up.ip = link->ip;
    event.up.local_ip = local_ip;
    vd_inbox_push(link->links->inbox, &event);
}

void vd_connection_put(struct vd_connection *link, struct vd_expected *expected,
                       const struct vd_effect *send)
{
    struct vd_dialect dialect = {.renames = link->renames, .rename_count = link->rename_count};
    struct vd_grants grants = {0};

    if (vd_asked_turns(expected->asked))
        grants = vd_refusals_find(&link->links->refusals, link->ip, link->addr.port);
    if (expected->asked->request == VD_RQ_PING)
        expected->ping_sent_us = vd_clock_now_us();
    vd_outgoing_put(expected->asked, send, &grants, &dialect, &link->out);
    DL_APPEND(link->queue, expected);
    vd_connection_mark_dirty(link);
}

/* Traffic --------------------------------------------------------------------- */

static void on_readable(void *self)
{
    struct vd_connection *link = self;
    char *input = link->links->input;

    for (int i = 0; i < READS_MAX; i++) {
        ssize_t got = vd_stream_read(&link->stream, input, VD_READ_SIZE);

        if (got < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                vd_connection_break(link, errno);
            return;
        }
        if (got == 0) {
            tell_silence(link);
            vd_connection_drop(link, VD_DOWN_CLOSED, "closed by the other end");
            return;
        }
        link->heard = true;
        if (!vd_connection_take(link, input, (size_t)got) || (size_t)got < VD_READ_SIZE)
            return;
    }
}

static void write_out(struct vd_connection *link)
{
    struct vd_text *out = &link->out;
    ssize_t sent = vd_stream_write(&link->stream, out->bytes, out->len);

    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        vd_connection_break(link, errno);
        return;
    }
    if (sent > 0 && (size_t)sent < out->len)
        memmove(out->bytes, out->bytes + sent, out->len - (size_t)sent);
    if (sent > 0)
        out->len -= (size_t)sent;
    if (out->len != 0) {
        vd_stream_await_room(&link->stream, true);
        return;
    }
    vd_stream_await_room(&link->stream, false);
    vd_text_clear(out);
    if (out->room > KEEP_OUT_SIZE)
        vd_text_free(out);
}

static void on_writable(void *self)
{
    write_out(self);
}

void vd_links_flush(struct vd_links *links)
{
    while (links->dirty != NULL) {
        struct vd_connection *link = links->dirty;

        unmark_dirty(link);
        if (link->out.len != 0 && !link->stream.awaits_room)
            write_out(link);
    }
}

/* Opening ------------------------------------------------------------------------ */

void vd_connection_expect(struct vd_connection *link, enum vd_expect what)
{
    struct vd_expected *expected = vd_alloc(sizeof(*expected));

    expected->what = what;
    DL_APPEND(link->queue, expected);
}

static void greet(struct vd_connection *link)
{
    struct vd_dialect dialect = {.renames = link->renames, .rename_count = link->rename_count};
    struct vd_greeting greeting;

    vd_outgoing_greet(link->kind, link->user, link->pass, link->client_name, &dialect, &link->out,
                      &greeting);
    if (greeting.auth)
        vd_connection_expect(link, VD_EXPECT_AUTH);
    vd_connection_expect(link, VD_EXPECT_NAME);
    if (greeting.subscribe) {
        vd_connection_expect(link, VD_EXPECT_SUBSCRIBED);
        vd_connection_greet_beats(link);
    }
    forget_greeting(link);
    vd_connection_mark_dirty(link);
}

/* It carries bytes. */
static void begin(struct vd_connection *link)
{
    vd_replies_init(&link->replies, &link->links->scratch);
    greet(link);
    /* A subscription is up when it is one. */
    if (link->kind != VD_LINK_SUBSCRIBE)
        vd_connection_say_up(link);
}

static void on_opened(void *self)
{
    begin(self);
}

static void on_failed(void *self, enum vd_down_reason reason, const char *why)
{
    if (why == NULL)
        why = "it closes the connection amid the TLS handshake; is that its TLS port?";
    tell_tls(self, why);
    vd_connection_drop(self, reason, why);
}

static const struct vd_stream_calls stream_calls = {on_readable, on_writable, on_opened, on_failed};

static bool wants_tls(const struct vd_connection *link)
{
    return link->kind == VD_LINK_PEER ? link->links->tls_peers : link->links->tls_servers;
}

static void on_dialled(void *self, int fd, const char *ip, enum vd_down_reason reason,
                       const char *why)
{
    struct vd_connection *link = self;

    if (fd < 0) {
        vd_connection_drop(link, reason, why);
        return;
    }
    vd_stream_open(&link->stream, link->links->loop, fd, &stream_calls, link);
    memcpy(link->ip, ip, sizeof(link->ip));
    if (vd_addr_is_name(&link->addr))
        vd_resolver_prefer(link->links->resolver, link->addr.host, ip);
    if (!wants_tls(link))
        begin(link);
    else if (link->links->tls == NULL ||
             !vd_tls_connect(link->links->tls, &link->stream, vd_connection_name(link)))
        on_failed(link, VD_DOWN_TLS, "there are no keys for it here; see what was said of them");
}

static void on_resolved(void *self, uint64_t token, const char *host, const char (*ips)[VD_IP_SIZE],
                        size_t count, const char *why)
{
    struct vd_links *links = self;
    struct vd_connection *link = vd_connection_find(links, (vd_link){token});
    struct vd_dial_options options = {.source_ip = links->source_ip,
                                      .keepalive_s = links->keepalive_s};

    (void)host;
    if (link == NULL)
        return;
    link->resolving = false;
    options.port = link->addr.port;
    if (count == 0 && link->addr.ip[0] != '\0') {
        /* What it was when it was last known, perhaps before we were started. */
        ips = (const char(*)[VD_IP_SIZE]) & link->addr.ip;
        count = 1;
    }
    if (count == 0) {
        vd_connection_drop(link, VD_DOWN_UNRESOLVED, why);
        return;
    }
    vd_dial_start(&link->dial, links->loop, ips, count, &options, on_dialled, link);
}

static void copy_renames(struct vd_connection *link, const struct vd_rename *renames, size_t count)
{
    if (count == 0)
        return;
    link->renames = vd_calloc(count, sizeof(*renames));
    link->rename_count = count;
    for (size_t i = 0; i < count; i++) {
        link->renames[i].from = vd_strdup(renames[i].from);
        link->renames[i].to = vd_strdup(renames[i].to);
    }
}

/* compat: a sentinel that was not told its peers' password tries its own, alone. */
static void set_credentials(struct vd_connection *link, const struct vd_effect *effect)
{
    const char *pass = effect->connect.pass;

    if (link->kind == VD_LINK_PEER && (pass == NULL || pass[0] == '\0')) {
        link->pass = vd_strdup(link->links->own_pass);
        return;
    }
    link->user = vd_strdup(effect->connect.user);
    link->pass = vd_strdup(pass);
}

static void perform_connect(struct vd_links *links, const struct vd_effect *effect)
{
    struct vd_connection *link = vd_alloc(sizeof(*link));

    VD_ASSERT(vd_connection_find(links, effect->connect.link) == NULL);
    link->links = links;
    link->id = effect->connect.link;
    link->kind = effect->connect.kind;
    link->addr = effect->connect.addr;
    set_credentials(link, effect);
    link->client_name = vd_strdup(effect->connect.client_name);
    copy_renames(link, effect->connect.renames, effect->connect.rename_count);
    link->stream.fd = -1;
    link->rtt_us = -1;
    vd_handles_put(&links->by_id, link->id.n, link);
    link->resolving = true;
    vd_resolver_ask(links->resolver, vd_connection_name(link), on_resolved, links, link->id.n);
}

static void perform_send(struct vd_links *links, const struct vd_effect *effect)
{
    struct vd_connection *link = vd_connection_find(links, effect->send.link);
    struct vd_expected *expected;

    if (link == NULL)
        return; /* its LINK_DOWN is on the way */
    VD_ASSERT(link->stream.fd >= 0);
    expected = vd_alloc(sizeof(*expected) + sizeof(expected->asked[0]));
    expected->what = VD_EXPECT_ANSWER;
    vd_asked_init(expected->asked, effect);
    if (vd_asked_turns(expected->asked))
        link->last_turn = expected->asked->ticket;
    vd_connection_put(link, expected, effect);
}

void vd_links_perform(struct vd_links *links, const struct vd_effect *effect)
{
    struct vd_connection *link;

    if (effect->type == VD_EF_CONNECT) {
        perform_connect(links, effect);
    } else if (effect->type == VD_EF_SEND) {
        perform_send(links, effect);
    } else {
        VD_ASSERT(effect->type == VD_EF_CLOSE);
        link = vd_connection_find(links, effect->close.link);
        if (link == NULL)
            return;
        if (vd_stream_is_shaking(&link->stream))
            tell_tls(link, "it does not end the TLS handshake; is that its TLS port?");
        end_link(link);
    }
}

/* Life --------------------------------------------------------------------------- */

void vd_links_reconfigure(struct vd_links *links, const struct vd_server_options *server)
{
    const char *source = server->bind_source_addr;

    links->keepalive_s = server->tcp_keepalive_s;
    links->tls_servers = server->tls.to.servers;
    links->tls_peers = server->tls.to.peers;
    vd_free(links->own_pass);
    links->own_pass = vd_strdup(server->requirepass);
    if (!vd_copy(links->source_ip, sizeof(links->source_ip), source == NULL ? "" : source))
        links->source_ip[0] = '\0';
}

struct vd_links *vd_links_new(struct ev_loop *loop, struct vd_inbox *inbox,
                              struct vd_resolver *resolver, const struct vd_server_options *server)
{
    struct vd_links *links = vd_alloc(sizeof(*links));

    links->loop = loop;
    links->inbox = inbox;
    links->resolver = resolver;
    vd_links_reconfigure(links, server);
    return links;
}

void vd_links_use_tls(struct vd_links *links, struct vd_tls *tls)
{
    links->tls = tls;
}

size_t vd_links_count(const struct vd_links *links)
{
    return links->by_id.count;
}

void vd_links_free(struct vd_links *links)
{
    struct vd_connection *link;
    size_t at = 0;

    if (links == NULL)
        return;
    while ((link = vd_handles_next(&links->by_id, &at)) != NULL)
        free_link(link);
    vd_handles_free(&links->by_id);
    vd_refusals_free(&links->refusals);
    vd_free(links->own_pass);
    vd_reply_scratch_free(&links->scratch);
    vd_free(links);
}
