/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection: see connection.h. One socket from the dial to its end: how it is
 * opened and greeted, what leaves on it, and what breaks it. What its end means
 * to the links that it carries is told here, once for each.
 */
#include "shell/connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"
#include "shell/clock.h"
#include "shell/log.h"

#define READS_MAX 16       /* of one connection in a row */
#define KEEP_OUT_SIZE 1024 /* a larger buffer is released when it is empty */

const char *vd_connection_name(const struct vd_connection *connection)
{
    return connection->addr.host[0] != '\0' ? connection->addr.host : connection->addr.ip;
}

void vd_connection_mark_dirty(struct vd_connection *connection)
{
    if (connection->is_dirty)
        return;
    connection->is_dirty = true;
    DL_APPEND2(connection->links->dirty, connection, dirty_prev, dirty_next);
}

static void unmark_dirty(struct vd_connection *connection)
{
    if (!connection->is_dirty)
        return;
    connection->is_dirty = false;
    DL_DELETE2(connection->links->dirty, connection, dirty_prev, dirty_next);
}

static void forget_greeting(struct vd_connection *connection)
{
    vd_free(connection->user);
    vd_free(connection->pass);
    vd_free(connection->client_name);
    connection->user = NULL;
    connection->pass = NULL;
    connection->client_name = NULL;
}

void vd_connection_free(struct vd_connection *connection)
{
    struct vd_links *links = connection->links;
    struct vd_expected *expected;
    struct vd_expected *next;

    if (connection->resolving)
        vd_resolver_forget(links->resolver, connection->addr.host, links, connection->token);
    vd_dial_cancel(&connection->dial);
    vd_stream_close(&connection->stream);
    unmark_dirty(connection);
    DL_CONCAT(connection->queue, connection->held_queue);
    DL_FOREACH_SAFE (connection->queue, expected, next)
        vd_free(expected);
    vd_text_free(&connection->held);
    vd_replies_free(&connection->replies);
    forget_greeting(connection);
    for (size_t i = 0; i < connection->dialect.rename_count; i++) {
        vd_free(connection->renames[i].from);
        vd_free(connection->renames[i].to);
    }
    vd_free(connection->renames);
    vd_text_free(&connection->out);
    DL_DELETE(links->connections, connection);
    vd_free(connection);
}

void vd_connection_drop(struct vd_connection *connection, enum vd_down_reason reason,
                        const char *text)
{
    struct vd_strand *waiting = vd_pair_waiting(connection);

    if (connection->command != NULL)
        vd_strand_say_down(connection->command, reason, text);
    if (connection->subscription != NULL)
        vd_strand_say_down(connection->subscription, reason, text);
    if (waiting != NULL) {
        /* There is nothing to wait for any more, and its own attempt would tell the same. */
        struct vd_connection *asleep = waiting->connection;

        vd_strand_say_down(waiting, reason, text);
        vd_connection_free(asleep);
    }
    vd_connection_free(connection);
}

void vd_connection_print_where(const struct vd_connection *connection, char where[VD_WHERE_SIZE])
{
    (void)snprintf(where, VD_WHERE_SIZE, "%s:%u", vd_connection_name(connection),
                   (unsigned)connection->addr.port);
}

/* What stands between us and a server must reach the log of whoever can help. */
static void tell_tls(const struct vd_connection *connection, const char *why)
{
    char where[VD_WHERE_SIZE];

    vd_connection_print_where(connection, where);
    vd_log_lasting(where, VD_LOG_WARNING, "no TLS with %s %s: %s",
                   connection->kind == VD_LINK_PEER ? "sentinel" : "server", where, why);
}

/* Who hangs up before a word is dead, or waits for TLS: plain text is no answer to either. */
static void tell_silence(const struct vd_connection *connection)
{
    char where[VD_WHERE_SIZE];

    if (connection->stream.tls != NULL || connection->heard)
        return;
    vd_connection_print_where(connection, where);
    vd_log_lasting(where, VD_LOG_NOTICE,
                   "%s ends the connection before a word: has it died, or does it want TLS "
                   "(tls-replication, or %s)?",
                   where, connection->kind == VD_LINK_PEER ? "tls-peers" : "tls-servers");
}

void vd_connection_tell_no_handshake(const struct vd_connection *connection)
{
    tell_tls(connection, "it does not end the TLS handshake; is that its TLS port?");
}

struct vd_grants vd_connection_grants(const struct vd_connection *connection)
{
    return vd_refusals_find(&connection->links->refusals, connection->ip, connection->addr.port);
}

void vd_connection_keep_grants(const struct vd_connection *connection,
                               const struct vd_grants *grants)
{
    vd_refusals_keep(&connection->links->refusals, connection->ip, connection->addr.port, grants);
}

void vd_connection_note_no_hello(const struct vd_connection *connection)
{
    struct vd_grants grants = vd_connection_grants(connection);

    grants.no_hello = true;
    vd_connection_keep_grants(connection, &grants);
}

/* Who answered all that came before HELLO, and hangs up at it, is not asked again. */
static void note_hello(const struct vd_connection *connection)
{
    if (connection->queue != NULL && connection->queue->what == VD_EXPECT_HELLO)
        vd_connection_note_no_hello(connection);
}

/* The stream says that it is broken. */
static void break_off(struct vd_connection *connection, int error)
{
    const char *why = vd_stream_why(&connection->stream, error);

    note_hello(connection);
    if (error == EPROTO)
        tell_tls(connection, why);
    if (error == ECONNRESET)
        tell_silence(connection);
    vd_connection_drop(connection, vd_stream_reason(error), why);
}

void vd_connection_put(struct vd_connection *connection, struct vd_expected *expected,
                       const struct vd_effect *send)
{
    struct vd_grants grants = {0};

    if (vd_asked_turns(expected->asked))
        grants = vd_connection_grants(connection);
    if (expected->asked->request == VD_RQ_PING)
        expected->ping_sent_us = vd_clock_now_us();
    if (connection->speech == VD_SPEECH_UNKNOWN && expected->asked->request == VD_RQ_HELLO) {
        vd_outgoing_put(expected->asked, send, &grants, &connection->dialect, &connection->held);
        DL_APPEND(connection->held_queue, expected);
        return;
    }
    vd_outgoing_put(expected->asked, send, &grants, &connection->dialect, &connection->out);
    DL_APPEND(connection->queue, expected);
    vd_connection_mark_dirty(connection);
}

void vd_connection_release(struct vd_connection *connection)
{
    if (connection->held_queue == NULL)
        return;
    vd_text_add(&connection->out, connection->held.bytes, connection->held.len);
    vd_text_free(&connection->held);
    DL_CONCAT(connection->queue, connection->held_queue);
    connection->held_queue = NULL;
    vd_connection_mark_dirty(connection);
}

/* Traffic --------------------------------------------------------------------- */

static void on_readable(void *self)
{
    struct vd_connection *connection = self;
    char *input = connection->links->input;

    for (int i = 0; i < READS_MAX; i++) {
        ssize_t got = vd_stream_read(&connection->stream, input, VD_READ_SIZE);

        if (got < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                break_off(connection, errno);
            return;
        }
        if (got == 0) {
            note_hello(connection);
            tell_silence(connection);
            vd_connection_drop(connection, VD_DOWN_CLOSED, "closed by the other end");
            return;
        }
        connection->heard = true;
        if (!vd_connection_take(connection, input, (size_t)got) || (size_t)got < VD_READ_SIZE)
            return;
    }
}

static void write_out(struct vd_connection *connection)
{
    struct vd_text *out = &connection->out;
    ssize_t sent = vd_stream_write(&connection->stream, out->bytes, out->len);

    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        break_off(connection, errno);
        return;
    }
    if (sent > 0 && (size_t)sent < out->len)
        memmove(out->bytes, out->bytes + sent, out->len - (size_t)sent);
    if (sent > 0)
        out->len -= (size_t)sent;
    if (out->len != 0) {
        vd_stream_await_room(&connection->stream, true);
        return;
    }
    vd_stream_await_room(&connection->stream, false);
    vd_text_clear(out);
    if (out->room > KEEP_OUT_SIZE)
        vd_text_free(out);
}

static void on_writable(void *self)
{
    write_out(self);
}

void vd_connection_flush(struct vd_connection *connection)
{
    unmark_dirty(connection);
    if (connection->out.len != 0 && !connection->stream.awaits_room)
        write_out(connection);
}

struct vd_expected *vd_connection_expect(struct vd_connection *connection, enum vd_expect what)
{
    struct vd_expected *expected = vd_alloc(sizeof(*expected));

    expected->what = what;
    DL_APPEND(connection->queue, expected);
    return expected;
}

void vd_connection_subscribe(struct vd_connection *connection, struct vd_strand *strand)
{
    VD_ASSERT(connection->speech == VD_SPEECH_RESP3);
    VD_ASSERT(connection->subscription == NULL);
    connection->subscription = strand;
    strand->connection = connection;
    vd_outgoing_subscribe(VD_HELLO_CHANNEL, &connection->dialect, &connection->out);
    vd_connection_expect(connection, VD_EXPECT_SUBSCRIBED)->by = strand->id;
    vd_connection_greet_beats(connection);
    vd_connection_mark_dirty(connection);
}

void vd_connection_unsubscribe(struct vd_connection *connection)
{
    connection->subscription = NULL;
    vd_outgoing_unsubscribe(VD_HELLO_CHANNEL, &connection->dialect, &connection->out);
    vd_connection_expect(connection, VD_EXPECT_UNSUBSCRIBED);
    if (connection->links->heard_beat != NULL) {
        vd_outgoing_unsubscribe(VD_BEAT_CHANNEL, &connection->dialect, &connection->out);
        vd_connection_expect(connection, VD_EXPECT_UNSUBSCRIBED);
    }
    vd_connection_mark_dirty(connection);
}

/* Opening ------------------------------------------------------------------------ */

bool vd_connection_is_greeted(const struct vd_connection *connection)
{
    return connection->stream.fd >= 0 && connection->client_name == NULL &&
           !vd_stream_is_shaking(&connection->stream);
}

/* Both links by one connection: where both are wanted, and the server is not known to be unable. */
static bool asks_resp3(const struct vd_connection *connection)
{
    return connection->kind == VD_LINK_COMMAND && connection->command->pair != NULL &&
           !vd_connection_grants(connection).no_hello;
}

static void greet(struct vd_connection *connection)
{
    struct vd_greeting greeting;

    vd_outgoing_greet(connection->kind, asks_resp3(connection), connection->user, connection->pass,
                      connection->client_name, &connection->dialect, &connection->out, &greeting);
    forget_greeting(connection);
    vd_connection_mark_dirty(connection);
    if (greeting.auth)
        vd_connection_expect(connection, VD_EXPECT_AUTH);
    vd_connection_expect(connection, VD_EXPECT_NAME);
    if (greeting.hello) {
        vd_connection_expect(connection, VD_EXPECT_HELLO);
        return;
    }
    connection->speech = VD_SPEECH_RESP2;
    if (greeting.subscribe) {
        vd_connection_expect(connection, VD_EXPECT_SUBSCRIBED)->by = connection->subscription->id;
        vd_connection_greet_beats(connection);
    }
}

/* It carries bytes. */
static void begin(struct vd_connection *connection)
{
    vd_replies_init(&connection->replies, &connection->links->scratch);
    greet(connection);
    /* A subscription is up when it is one. */
    if (connection->command == NULL)
        return;
    vd_strand_say_up(connection->command);
    if (connection->speech != VD_SPEECH_UNKNOWN)
        vd_pair_on_greeted(connection);
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

static bool wants_tls(const struct vd_connection *connection)
{
    return connection->kind == VD_LINK_PEER ? connection->links->tls_peers
                                            : connection->links->tls_servers;
}

static void on_dialled(void *self, int fd, const char *ip, enum vd_down_reason reason,
                       const char *why)
{
    struct vd_connection *connection = self;

    if (fd < 0) {
        vd_connection_drop(connection, reason, why);
        return;
    }
    vd_stream_open(&connection->stream, connection->links->loop, fd, &stream_calls, connection);
    memcpy(connection->ip, ip, sizeof(connection->ip));
    if (vd_addr_is_name(&connection->addr))
        vd_resolver_prefer(connection->links->resolver, connection->addr.host, ip);
    if (!wants_tls(connection))
        begin(connection);
    else if (connection->links->tls == NULL ||
             !vd_tls_connect(connection->links->tls, &connection->stream,
                             vd_connection_name(connection)))
        on_failed(connection, VD_DOWN_TLS,
                  "there are no keys for it here; see what was said of them");
}

static void on_resolved(void *self, uint64_t token, const char *host, const char (*ips)[VD_IP_SIZE],
                        size_t count, const char *why)
{
    struct vd_links *links = self;
    struct vd_strand *strand = vd_strand_find(links, (vd_link){token});
    struct vd_connection *connection = strand == NULL ? NULL : strand->connection;
    struct vd_dial_options options = {.source_ip = links->source_ip,
                                      .keepalive_s = links->keepalive_s};

    (void)host;
    if (connection == NULL)
        return;
    connection->resolving = false;
    options.port = connection->addr.port;
    if (count == 0 && connection->addr.ip[0] != '\0') {
        /* What it was when it was last known, perhaps before we were started. */
        ips = (const char(*)[VD_IP_SIZE]) & connection->addr.ip;
        count = 1;
    }
    if (count == 0) {
        vd_connection_drop(connection, VD_DOWN_UNRESOLVED, why);
        return;
    }
    vd_dial_start(&connection->dial, links->loop, ips, count, &options, on_dialled, connection);
}

static void copy_renames(struct vd_connection *connection, const struct vd_rename *renames,
                         size_t count)
{
    if (count == 0)
        return;
    connection->renames = vd_calloc(count, sizeof(*renames));
    connection->dialect =
        (struct vd_dialect){.renames = connection->renames, .rename_count = count};
    for (size_t i = 0; i < count; i++) {
        connection->renames[i].from = vd_strdup(renames[i].from);
        connection->renames[i].to = vd_strdup(renames[i].to);
    }
}

/* compat: a sentinel that was not told its peers' password tries its own, alone. */
static void set_credentials(struct vd_connection *connection, const struct vd_effect *effect)
{
    const char *pass = effect->connect.pass;

    if (connection->kind == VD_LINK_PEER && (pass == NULL || pass[0] == '\0')) {
        connection->pass = vd_strdup(connection->links->own_pass);
        return;
    }
    connection->user = vd_strdup(effect->connect.user);
    connection->pass = vd_strdup(pass);
}

struct vd_connection *vd_connection_new(struct vd_links *links, struct vd_strand *strand,
                                        const struct vd_effect *effect)
{
    struct vd_connection *connection = vd_alloc(sizeof(*connection));

    connection->links = links;
    connection->kind = strand->kind;
    connection->token = strand->id.n;
    connection->addr = effect->connect.addr;
    set_credentials(connection, effect);
    connection->client_name = vd_strdup(effect->connect.client_name);
    copy_renames(connection, effect->connect.renames, effect->connect.rename_count);
    connection->stream.fd = -1;
    connection->rtt_us = -1;
    DL_APPEND(links->connections, connection);
    if (strand->kind == VD_LINK_SUBSCRIBE)
        connection->subscription = strand;
    else
        connection->command = strand;
    strand->connection = connection;
    return connection;
}

void vd_connection_open(struct vd_connection *connection)
{
    connection->asleep = false;
    connection->resolving = true;
    vd_resolver_ask(connection->links->resolver, vd_connection_name(connection), on_resolved,
                    connection->links, connection->token);
}
