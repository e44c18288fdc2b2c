/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server's inside, shared by server.c (sockets, time, limits), route.c
 * (which page, and may it be seen) and stream.c (events as they happen);
 * nobody else includes this.
 */
#ifndef VD_HTTP_SERVER_H
#define VD_HTTP_SERVER_H

#include "http/exchange.h"
#include "http/http.h"
#include "http/libmicrohttpd.h"
#include "http/metrics.h"

#define VD_HTTP_CONNECTIONS 64
#define VD_HTTP_STREAMS 16

/* One request from its first byte to the last of its answer. */
struct vd_http_exchange {
    struct vd_http *http;
    struct MHD_Connection *connection;
    struct vd_metrics *metrics; /* being gathered; else NULL */
    bool refused;               /* one of too many */
    bool is_stream;
    bool suspended;
    uint64_t next_event; /* of a stream: to be sent next */
    bool idle;           /* of a stream: owes a sign of life */
    bool revoked;        /* of a stream: the token by which it was opened is none any more */
    struct vd_text unsent;
    struct vd_http_exchange *prev; /* http->exchanges */
    struct vd_http_exchange *next;
};

/* One of the addresses that are listened on. */
struct vd_http_door {
    struct vd_http *http;
    struct MHD_Daemon *daemon;
    ev_io ready;
};

struct vd_http {
    struct vd_http_sources sources;
    struct vd_http_door *doors;
    size_t door_count;
    ev_timer run;   /* when the library wants to be run next */
    ev_timer pulse; /* signs of life on streams */
    const struct vd_alerts *alerts;
    const struct vd_cost_config *prices;
    char *token;      /* "": none is wanted */
    double allowance; /* requests that may still come at once */
    ev_tstamp allowed_at;
    struct vd_http_exchange *exchanges; /* all that have begun and not ended */
    unsigned streams;
};

void vd_http_look(const struct vd_http *http, struct vd_http_world *world);
void vd_http_look_by(const struct vd_http_sources *sources, const struct vd_alerts *alerts,
                     const struct vd_cost_config *prices, struct vd_http_world *world);

/* The page of that path; NULL: there is none. *open: whoever asks may see it. */
vd_http_page *vd_http_find_page(const char *path, bool *open);

/* Find and make the answer. False: the connection is to be closed. */
enum MHD_Result vd_http_route(struct vd_http_exchange *exchange, const char *path);

/* Queue the reply, whose body is taken over. */
enum MHD_Result vd_http_send(struct vd_http_exchange *exchange, struct vd_http_reply *reply);

/* Headers that every answer has. */
void vd_http_add_headers(struct MHD_Response *response, const char *type);

enum MHD_Result vd_http_stream(struct vd_http_exchange *exchange, const char *after);

/* Wait, or go on. */
void vd_http_suspend(struct vd_http_exchange *exchange);
void vd_http_resume(struct vd_http_exchange *exchange);

/* Run the library before the loop waits again. */
void vd_http_wake(struct vd_http *http);

#endif
