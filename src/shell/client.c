/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One client's bytes: read, cut into requests, and sent back, within its
 * limits. A client at rest has no buffers: input is read into the house's, and
 * output buffers are lent.
 */
#include "shell/client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shell/clock.h"
#include "shell/log.h"

/* Lent buffers larger than this are given back to the system. */
#define SPARE_MAX ((size_t)64 * 1024)
/* Amid a batch of requests, send when so much is owed. */
#define SEND_EARLY ((size_t)256 * 1024)
#define PEER_READS_MAX 16 /* of one peer in a row */

/* Rates --------------------------------------------------------------------------- */

void vd_rate_add(struct vd_rate *rate, vd_ms now, uint64_t count)
{
    int64_t second = now / 1000;

    if (second != rate->second) {
        rate->last = second == rate->second + 1 ? rate->current : 0;
        rate->current = 0;
        rate->second = second;
    }
    rate->current += count;
}

uint64_t vd_rate_last(const struct vd_rate *rate, vd_ms now)
{
    int64_t second = now / 1000;

    if (second == rate->second)
        return rate->last;
    return second == rate->second + 1 ? rate->current : 0;
}

/* Life ------------------------------------------------------------------------------- */

static void receive(struct vd_conn *conn);
static void send_owed(struct vd_conn *conn);

static void on_readable(void *self)
{
    receive(self);
}

static void on_writable(void *self)
{
    send_owed(self);
}

static void on_opened(void *self)
{
    vd_conn_opened(self);
}

static void on_failed(void *self, enum vd_down_reason reason, const char *why)
{
    (void)reason;
    vd_conn_failed(self, why);
}

static const struct vd_stream_calls stream_calls = {on_readable, on_writable, on_opened, on_failed};

static void on_soft(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_conn *conn = timer->data;

    (void)loop;
    (void)events;
    vd_log(VD_LOG_WARNING,
           "closing a subscriber that reads too slowly: over the soft limit for too long");
    conn->home->stats.output_limit_closed++;
    vd_conn_end(conn);
}

void vd_conn_new(struct vd_clients *home, int fd, const struct sockaddr *peer, socklen_t len,
                 bool tls)
{
    struct vd_conn *conn = vd_alloc(sizeof(*conn));
    vd_ms now = vd_clock_now();

    vd_session_init(&conn->session, (vd_client){++home->last_id}, home->acl);
    conn->subscriber.version = 2;
    conn->home = home;
    if (len <= sizeof(conn->peer))
        memcpy(&conn->peer, peer, len);
    else
        conn->peer.any.sa_family = AF_UNIX;
    conn->created_at = conn->last_at = conn->quiet_at = now;
    ev_timer_init(&conn->soft, on_soft, 0., 0.);
    conn->soft.data = conn;
    HASH_ADD(hh, home->table, session.id.n, sizeof(conn->session.id.n), conn);
    vd_conn_begin_quiet(conn);
    vd_stream_open(&conn->stream, home->loop, fd, &stream_calls, conn);
    if (home->config->server.timeout_ms > 0 && !ev_is_active(&home->idle))
        vd_conn_end_idle(home, now);
    if (tls && (home->tls == NULL || !vd_tls_accept(home->tls, &conn->stream)))
        vd_conn_failed(conn, "there are no keys for TLS here; see what was said of them");
}

static void give_back(struct vd_clients *home, struct vd_text *buffer)
{
    if (buffer->bytes == NULL)
        return;
    if (buffer->room > SPARE_MAX ||
        home->spare_count == sizeof(home->spares) / sizeof(home->spares[0])) {
        vd_text_free(buffer);
        return;
    }
    vd_text_clear(buffer);
    home->spares[home->spare_count++] = *buffer;
    *buffer = (struct vd_text){0};
}

void vd_conn_end(struct vd_conn *conn)
{
    struct vd_clients *home = conn->home;

    if (conn->ended)
        return;
    conn->ended = true;
    vd_stream_close(&conn->stream);
    ev_timer_stop(home->loop, &conn->soft);
    vd_pubsub_leave(home->pubsub, &conn->subscriber);
    HASH_DELETE(hh, home->table, conn);
    vd_conn_end_quiet(conn);
    vd_conn_forget_order(conn);
    vd_conn_forget_awaited(conn);
    conn->next_ended = home->ended;
    home->ended = conn;
}

void vd_conn_bury(struct vd_clients *home)
{
    struct vd_conn *list = home->ended;

    home->ended = NULL;
    while (list != NULL) {
        struct vd_conn *conn = list;

        list = conn->next_ended;
        if (conn->dirty || conn->resumed) {
            conn->next_ended = home->ended;
            home->ended = conn;
            continue;
        }
        if (conn->reader != NULL)
            vd_reader_free(conn->reader);
        vd_free(conn->reader);
        vd_text_free(&conn->in);
        give_back(home, &conn->out);
        vd_session_free(&conn->session);
        vd_free(conn);
    }
}

/* Out -------------------------------------------------------------------------------- */

struct vd_text *vd_conn_out(struct vd_conn *conn)
{
    struct vd_text *behind = vd_conn_behind(conn);

    return behind != NULL ? behind : vd_conn_reply(conn);
}

struct vd_text *vd_conn_reply(struct vd_conn *conn)
{
    struct vd_clients *home = conn->home;

    if (conn->out.bytes == NULL && home->spare_count > 0)
        conn->out = home->spares[--home->spare_count];
    return &conn->out;
}

static void doom(struct vd_conn *conn, const char *why)
{
    if (!conn->doomed)
        vd_log_limited("output limit", VD_LOG_WARNING, "closing a client that reads too slowly: %s",
                       why);
    conn->home->stats.output_limit_closed += !conn->doomed;
    conn->doomed = true;
}

static void check_limits(struct vd_conn *conn)
{
    const struct vd_server_options *server = &conn->home->config->server;
    bool subscriber = conn->subscriber.channels + conn->subscriber.patterns > 0;
    size_t hard = subscriber ? server->output_hard_limit_pubsub : server->output_hard_limit;
    size_t soft = subscriber ? server->output_soft_limit_pubsub : 0;
    const struct vd_text *behind = vd_conn_behind(conn);
    size_t owed = conn->out.len - conn->sent + (behind != NULL ? behind->len : 0);

    if (hard != 0 && owed > hard) {
        doom(conn, "over the output limit");
    } else if (soft != 0 && owed > soft) {
        if (!ev_is_active(&conn->soft)) {
            ev_timer_set(&conn->soft, (double)server->output_soft_pubsub_ms / 1000.0, 0.);
            ev_timer_start(conn->home->loop, &conn->soft);
        }
    } else if (ev_is_active(&conn->soft)) {
        ev_timer_stop(conn->home->loop, &conn->soft);
    }
}

void vd_conn_owe(struct vd_conn *conn)
{
    if (conn->ended)
        return;
    check_limits(conn);
    if (conn->dirty)
        return;
    conn->dirty = true;
    conn->next_dirty = conn->home->dirty;
    conn->home->dirty = conn;
}

static void send_owed(struct vd_conn *conn)
{
    struct vd_clients *home = conn->home;
    ssize_t wrote;

    if (conn->ended)
        return;
    if (conn->doomed) {
        vd_conn_end(conn);
        return;
    }
    if (conn->sent < conn->out.len) {
        wrote = vd_stream_write(&conn->stream, conn->out.bytes + conn->sent,
                                conn->out.len - conn->sent);
        home->stats.writes++;
        if (wrote < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            vd_conn_broken(conn, errno);
            return;
        }
        if (wrote > 0) {
            conn->sent += (size_t)wrote;
            home->stats.bytes_out += (uint64_t)wrote;
            vd_rate_add(&home->bytes_out, home->now, (uint64_t)wrote);
        }
    }
    if (conn->sent < conn->out.len) {
        vd_stream_await_room(&conn->stream, true);
        if (ev_is_active(&conn->soft))
            check_limits(conn);
        return;
    }
    conn->sent = 0;
    vd_text_clear(&conn->out);
    give_back(home, &conn->out);
    vd_stream_await_room(&conn->stream, false);
    ev_timer_stop(home->loop, &conn->soft);
    if (conn->closing && conn->awaited == NULL)
        vd_conn_end(conn);
}

void vd_conn_send_all(struct vd_clients *home)
{
    if (home->dirty != NULL)
        home->now = vd_clock_now();
    while (home->dirty != NULL) {
        struct vd_conn *conn = home->dirty;

        home->dirty = conn->next_dirty;
        conn->dirty = false;
        /* A full socket says when it has room again; until then there is no use in trying. */
        if (conn->doomed || !conn->stream.awaits_room)
            send_owed(conn);
    }
}

/* In ---------------------------------------------------------------------------------- */

/* The reader that is amid this client's request becomes its own, or is not needed any more. */
static void keep_reader(struct vd_conn *conn)
{
    if (conn->reader != NULL || !vd_reader_is_amid(&conn->home->reader))
        return;
    conn->reader = vd_alloc(sizeof(*conn->reader));
    *conn->reader = conn->home->reader;
    vd_reader_init(&conn->home->reader);
}

static void drop_reader(struct vd_conn *conn)
{
    if (conn->reader == NULL)
        return;
    vd_reader_free(conn->reader);
    vd_free(conn->reader);
    conn->reader = NULL;
}

static void refuse_input(struct vd_conn *conn, const char *error)
{
    struct vd_resp resp = {.to = vd_conn_out(conn), .version = conn->session.version};

    vd_log_limited("protocol", VD_LOG_VERBOSE, "closing a client: %s", error);
    vd_resp_error(&resp, "ERR %s", error);
    conn->home->stats.error_replies++;
    conn->closing = true;
    vd_conn_owe(conn);
}

static bool may_go_on(const struct vd_conn *conn)
{
    return !conn->waiting && !conn->closing && !conn->doomed && !conn->ended &&
           !vd_conn_is_held(conn) && vd_conn_awaits(conn) < VD_CLIENT_AWAITS_MAX;
}

/* Run the requests in these bytes; how many were used. */
static size_t run_requests(struct vd_conn *conn, char *bytes, size_t len)
{
    struct vd_clients *home = conn->home;
    size_t used = 0;

    while (used < len && may_go_on(conn)) {
        struct vd_reader *reader = conn->reader != NULL ? conn->reader : &home->reader;
        enum vd_read got =
            vd_reader_next(reader, bytes + used, len - used, !conn->session.authenticated);

        if (got == VD_READ_MORE) {
            keep_reader(conn);
            return used;
        }
        if (got == VD_READ_BROKEN) {
            refuse_input(conn, reader->error);
            if (reader == &home->reader)
                vd_reader_free(reader);
            return len;
        }
        used += reader->used;
        if (reader->count > 0)
            vd_conn_run(conn, reader->words, reader->count);
        drop_reader(conn);
        if (conn->out.len - conn->sent > SEND_EARLY && !conn->stream.awaits_room)
            send_owed(conn);
    }
    return used;
}

/* Input that waits must not grow without end. */
static void check_input(struct vd_conn *conn)
{
    size_t limit = conn->home->config->server.query_limit;

    if (!conn->session.authenticated && limit > VD_READER_STRANGER_INPUT)
        limit = VD_READER_STRANGER_INPUT;
    if (conn->in.len <= limit || conn->ended)
        return;
    vd_log_limited("input limit", VD_LOG_WARNING,
                   "closing a client: more than %zu bytes of a request that does not end", limit);
    conn->home->stats.input_limit_closed++;
    vd_conn_end(conn);
}

/* Run what waits in the client's own buffer. */
static void run_kept(struct vd_conn *conn)
{
    size_t used = run_requests(conn, conn->in.bytes, conn->in.len);

    if (used == conn->in.len || conn->closing) {
        vd_text_free(&conn->in);
        return;
    }
    if (used > 0)
        memmove(conn->in.bytes, conn->in.bytes + used, conn->in.len - used);
    conn->in.len -= used;
}

/* True: there may be more. */
static bool receive_once(struct vd_conn *conn)
{
    struct vd_clients *home = conn->home;
    ssize_t got;

    if (!may_go_on(conn)) {
        /* Its turn has not come; the kernel keeps what it sends, and holds it back. */
        conn->paused = true;
        vd_stream_hold(&conn->stream, true);
        return false;
    }
    got = vd_stream_read(&conn->stream, home->input, sizeof(home->input));
    home->stats.reads++;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (got <= 0) {
        vd_conn_broken(conn, got < 0 ? errno : 0);
        return false;
    }
    if (!conn->spoken && vd_conn_begins_tls(conn, home->input, (size_t)got)) {
        vd_conn_end(conn);
        return false;
    }
    conn->spoken = true;
    home->now = vd_clock_now();
    conn->last_at = home->now;
    vd_conn_touch(conn, home->now);
    home->stats.bytes_in += (uint64_t)got;
    vd_rate_add(&home->bytes_in, home->now, (uint64_t)got);
    if (conn->in.len > 0) {
        vd_text_add(&conn->in, home->input, (size_t)got);
        run_kept(conn);
    } else {
        size_t used = run_requests(conn, home->input, (size_t)got);

        if (used < (size_t)got && !conn->closing)
            vd_text_add(&conn->in, home->input + used, (size_t)got - used);
    }
    check_input(conn);
    return (size_t)got == sizeof(home->input) && !conn->ended;
}

/*
 * One read a client and pass of the loop, so that no one is served at all
 * others' cost; but a peer speaks for a thousand groups, and a PING waits
 * behind all of their hellos.
 */
static void receive(struct vd_conn *conn)
{
    char asker[9];

    for (int i = 0; i < PEER_READS_MAX && receive_once(conn); i++) {
        vd_session_asker(&conn->session, asker);
        if (asker[0] == '\0')
            return;
    }
}

void vd_conn_replied(struct vd_conn *conn)
{
    vd_conn_awaited_came(conn);
    vd_conn_go_on(conn);
}

void vd_conn_go_on(struct vd_conn *conn)
{
    vd_conn_owe(conn);
    if (conn->awaited != NULL)
        return;
    conn->waiting = false;
    vd_conn_resume(conn);
}

void vd_conn_resume(struct vd_conn *conn)
{
    struct vd_clients *home = conn->home;

    if (conn->resumed || conn->ended || (conn->in.len == 0 && !conn->paused))
        return;
    conn->resumed = true;
    conn->next_resumed = home->resumed;
    home->resumed = conn;
    ev_idle_start(home->loop, &home->resume);
}

void vd_conn_resume_all(struct vd_clients *home)
{
    struct vd_conn *list = home->resumed;

    home->now = vd_clock_now();
    home->resumed = NULL;
    ev_idle_stop(home->loop, &home->resume);
    while (list != NULL) {
        struct vd_conn *conn = list;

        list = conn->next_resumed;
        conn->resumed = false;
        if (conn->ended)
            continue;
        if (conn->in.len > 0)
            run_kept(conn);
        if (conn->paused && may_go_on(conn)) {
            conn->paused = false;
            vd_stream_hold(&conn->stream, false);
        }
        check_input(conn);
    }
}
