/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Server: libmicrohttpd run from our loop: its epoll descriptor is watched,
 * and a timer is set to when it wants to be run next. It has no thread of its
 * own, so pages may look at the core without a lock.
 */
#include "http/server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "shell/clock.h"
#include "shell/listen.h"
#include "shell/log.h"

struct vd_libmicrohttpd vd_mhd;

#define REQUEST_S 10        /* to send a request, or take an answer, without a pause */
#define HEADER_BYTES 16384U /* of memory a connection, which bounds its headers */
#define PER_ADDRESS 32U     /* connections */
#define RATE 200.           /* requests a second in the long run */
#define BURST 400.
#define PULSE_S 15.

void vd_http_look_by(const struct vd_http_sources *sources, const struct vd_alerts *alerts,
                     const struct vd_cost_config *prices, struct vd_http_world *world)
{
    *world = (struct vd_http_world){.drive = sources->drive,
                                    .watch = sources->watch,
                                    .lag = sources->lag,
                                    .load = sources->load,
                                    .alerts = alerts,
                                    .prices = prices,
                                    .links = sources->links,
                                    .now = vd_clock_now(),
                                    .wall_ms = vd_clock_wall_ms()};
    if (sources->clients != NULL)
        world->clients = vd_clients_count(sources->clients);
}

void vd_http_look(const struct vd_http *http, struct vd_http_world *world)
{
    vd_http_look_by(&http->sources, http->alerts, http->prices, world);
}

/* Exchanges ------------------------------------------------------------------------ */

static struct vd_http_exchange *begin_exchange(struct vd_http *http,
                                               struct MHD_Connection *connection, bool refused)
{
    struct vd_http_exchange *exchange = vd_alloc(sizeof(*exchange));

    exchange->http = http;
    exchange->connection = connection;
    exchange->refused = refused;
    DL_APPEND(http->exchanges, exchange);
    return exchange;
}

static void end_exchange(void *self, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    struct vd_http *http = self;
    struct vd_http_exchange *exchange = *slot;

    (void)connection;
    (void)why;
    if (exchange == NULL)
        return;
    DL_DELETE(http->exchanges, exchange);
    http->streams -= exchange->is_stream;
    vd_metrics_free(exchange->metrics);
    vd_text_free(&exchange->unsent);
    vd_free(exchange);
    *slot = NULL;
}

void vd_http_suspend(struct vd_http_exchange *exchange)
{
    if (exchange->suspended)
        return;
    exchange->suspended = true;
    vd_mhd.suspend_connection(exchange->connection);
}

void vd_http_resume(struct vd_http_exchange *exchange)
{
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    vd_mhd.resume_connection(exchange->connection);
    vd_http_wake(exchange->http);
}

/* A bucket of tokens for all askers together. */
static bool may_ask(struct vd_http *http)
{
    ev_tstamp now = ev_now(http->sources.loop);

    http->allowance += (now - http->allowed_at) * RATE;
    http->allowed_at = now;
    if (http->allowance > BURST)
        http->allowance = BURST;
    if (http->allowance < 1.)
        return false;
    http->allowance -= 1.;
    return true;
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length =
        vd_mhd.lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return (length != NULL && strcmp(length, "0") != 0) ||
           vd_mhd.lookup_connection_value(connection, MHD_HEADER_KIND,
                                          MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

/* Called when the headers are there, again for the answer, and again when resumed. */
static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_len, void **slot)
{
    struct vd_http *http = self;
    struct vd_http_exchange *exchange = *slot;
    struct vd_http_reply reply = {0};

    (void)version;
    (void)body;
    *body_len = 0; /* none of it is wanted */
    if (exchange != NULL && exchange->refused) {
        vd_http_refuse(&reply, 429, "too many requests: ask again in a second");
        return vd_http_send(exchange, &reply);
    }
    if (exchange != NULL)
        return vd_http_route(exchange, url);
    *slot = begin_exchange(http, connection, !may_ask(http));
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        vd_http_refuse(&reply, 405, "only GET and HEAD are answered");
    else if (has_body(connection))
        vd_http_refuse(&reply, 413, "a request must have no body");
    else
        return MHD_YES;
    return vd_http_send(*slot, &reply);
}

/* Running ---------------------------------------------------------------------------- */

/* The next groups of every scrape that is being gathered. */
static void gather(struct vd_http *http)
{
    struct vd_http_world world;
    struct vd_http_exchange *exchange;
    struct vd_http_exchange *next;

    vd_http_look(http, &world);
    DL_FOREACH_SAFE (http->exchanges, exchange, next)
        if (exchange->metrics != NULL && exchange->suspended &&
            vd_metrics_step(exchange->metrics, &world))
            vd_http_resume(exchange);
}

static bool is_gathering(const struct vd_http *http)
{
    const struct vd_http_exchange *exchange;

    DL_FOREACH (http->exchanges, exchange)
        if (exchange->metrics != NULL && exchange->suspended)
            return true;
    return false;
}

void vd_http_wake(struct vd_http *http)
{
    ev_timer_stop(http->sources.loop, &http->run);
    ev_timer_set(&http->run, 0., 0.);
    ev_timer_start(http->sources.loop, &http->run);
}

/* After the library has done something: when does it want to be run again? */
static void arm(struct vd_http *http)
{
    double wait_s = -1.;

    for (size_t i = 0; i < http->door_count; i++) {
        MHD_UNSIGNED_LONG_LONG ms;
        double s;

        if (vd_mhd.get_timeout(http->doors[i].daemon, &ms) != MHD_YES)
            continue;
        s = (double)ms / 1e3;
        if (wait_s < 0. || s < wait_s)
            wait_s = s;
    }
    if (is_gathering(http))
        wait_s = 0.;
    ev_timer_stop(http->sources.loop, &http->run);
    if (wait_s < 0.)
        return;
    ev_timer_set(&http->run, wait_s, 0.);
    ev_timer_start(http->sources.loop, &http->run);
}

static void on_run(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_http *http = timer->data;

    (void)loop;
    (void)events;
    gather(http);
    for (size_t i = 0; i < http->door_count; i++)
        (void)vd_mhd.run(http->doors[i].daemon);
    arm(http);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
    struct vd_http_door *door = io->data;

    (void)loop;
    (void)events;
    (void)vd_mhd.run(door->daemon);
    arm(door->http);
}

static void on_event(void *self, const struct vd_watch_event *event)
{
    struct vd_http *http = self;
    struct vd_http_exchange *exchange;

    (void)event;
    DL_FOREACH (http->exchanges, exchange)
        if (exchange->is_stream)
            vd_http_resume(exchange);
}

static void on_pulse(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_http *http = timer->data;
    struct vd_http_exchange *exchange;

    (void)loop;
    (void)events;
    DL_FOREACH (http->exchanges, exchange) {
        if (!exchange->is_stream)
            continue;
        exchange->idle = true;
        vd_http_resume(exchange);
    }
}

/* Life ------------------------------------------------------------------------------- */

static void say(void *self, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void say(void *self, const char *format, va_list args)
{
    char line[256];

    (void)self;
    (void)vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0';
    vd_log_limited("http", VD_LOG_VERBOSE, "http: %s", line);
}

static bool open_door(struct vd_http *http, int fd, struct vd_err *err)
{
    struct vd_http_door *door = &http->doors[http->door_count];
    const union MHD_DaemonInfo *info;

    door->http = http;
    door->daemon = vd_mhd.start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
        http, MHD_OPTION_EXTERNAL_LOGGER, say, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)VD_HTTP_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)REQUEST_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
        MHD_OPTION_NOTIFY_COMPLETED, end_exchange, http, MHD_OPTION_END);
    if (door->daemon == NULL) {
        (void)close(fd);
        return vd_err_set(err, "http: libmicrohttpd does not start; is the limit of open files "
                               "reached?");
    }
    http->door_count++;
    info = vd_mhd.get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    VD_ASSERT(info != NULL);
    ev_io_init(&door->ready, on_ready, info->epoll_fd, EV_READ);
    door->ready.data = door;
    ev_io_start(http->sources.loop, &door->ready);
    return true;
}

static bool open_doors(struct vd_http *http, const struct vd_server_options *server,
                       struct vd_err *err)
{
    struct vd_server_options options = *server;
    struct vd_listen listen = {0};
    char *bind[] = {server->http_bind};
    bool good = true;

    options.port = server->http_port;
    options.tls.port = 0;
    options.unixsocket = NULL;
    if (server->http_bind != NULL && server->http_bind[0] != '\0') {
        options.bind = bind;
        options.bind_count = 1;
    }
    if (!vd_listen_open(&listen, &options, err))
        return vd_err_wrap(err, "http-port");
    http->doors = vd_calloc(listen.count, sizeof(http->doors[0]));
    for (size_t i = 0; i < listen.count; i++) {
        if (good)
            good = open_door(http, listen.list[i].fd, err); /* which owns it now */
        else
            (void)close(listen.list[i].fd);
    }
    listen.count = 0;
    vd_listen_close(&listen);
    return good;
}

/* Whoever listens has to say the new one; all else is asked for it when its answer is made. */
static void change_token(struct vd_http *http, const char *token)
{
    struct vd_http_exchange *exchange;

    if (strcmp(token, http->token) == 0)
        return;
    vd_free(http->token);
    http->token = vd_strdup(token);
    DL_FOREACH (http->exchanges, exchange) {
        if (!exchange->is_stream)
            continue;
        exchange->revoked = true;
        vd_http_resume(exchange);
    }
}

void vd_http_reconfigure(struct vd_http *http, const struct vd_alerts *alerts,
                         const struct vd_config *config)
{
    const char *token = config->server.http_token;

    http->alerts = alerts;
    http->prices = &config->cost;
    change_token(http, token == NULL ? "" : token);
}

struct vd_http *vd_http_start(const struct vd_http_sources *sources, const struct vd_alerts *alerts,
                              const struct vd_config *config, struct vd_err *err)
{
    static const char *const calls[] = {VD_LIBMICROHTTPD_CALLS(VD_LIBRARY_NAME)};
    struct vd_http *http;

    if (!vd_library_load(VD_LIBMICROHTTPD, calls, &vd_mhd, sizeof(calls) / sizeof(calls[0]), err)) {
        (void)vd_err_wrap(err, "http-port needs libmicrohttpd");
        return NULL;
    }
    http = vd_alloc(sizeof(*http));
    http->sources = *sources;
    http->allowance = BURST;
    http->allowed_at = ev_now(sources->loop);
    http->token = vd_strdup("");
    vd_http_reconfigure(http, alerts, config);
    ev_timer_init(&http->run, on_run, 0., 0.);
    ev_timer_init(&http->pulse, on_pulse, PULSE_S, PULSE_S);
    http->run.data = http;
    http->pulse.data = http;
    if (!open_doors(http, &config->server, err)) {
        vd_http_stop(http);
        return NULL;
    }
    ev_timer_start(sources->loop, &http->pulse);
    sources->watch->on_event = on_event;
    sources->watch->self = http;
    return http;
}

void vd_http_stop(struct vd_http *http)
{
    struct vd_http_exchange *exchange;

    if (http == NULL)
        return;
    http->sources.watch->on_event = NULL;
    ev_timer_stop(http->sources.loop, &http->pulse);
    /* The library does not end while a connection is suspended. */
    DL_FOREACH (http->exchanges, exchange)
        vd_http_resume(exchange);
    ev_timer_stop(http->sources.loop, &http->run);
    for (size_t i = 0; i < http->door_count; i++) {
        ev_io_stop(http->sources.loop, &http->doors[i].ready);
        vd_mhd.stop_daemon(http->doors[i].daemon);
    }
    vd_free(http->doors);
    vd_free(http->token);
    vd_free(http);
}
