/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exchange: what a page is asked and what it answers, without a word of
 * sockets or of the library that speaks HTTP (server.c), so that every page
 * can be tested as a function.
 */
#ifndef VD_HTTP_EXCHANGE_H
#define VD_HTTP_EXCHANGE_H

#include "base/text.h"
#include "core/drive.h"
#include "proto/alert_rule.h"
#include "shell/lag.h"
#include "shell/load.h"
#include "shell/watch.h"

struct vd_alerts;

/* What pages may look at; all of it borrowed, none of it changed. */
struct vd_http_world {
    const struct vd_drive *drive;
    const struct vd_watch *watch;
    const struct vd_lag *lag; /* NULL: not measured; so the next */
    const struct vd_load *load;
    const struct vd_alerts *alerts;      /* NULL: there are no rules */
    const struct vd_cost_config *prices; /* NULL: none */
    const struct vd_links *links;        /* NULL: round trips are not known */
    vd_ms now;
    int64_t wall_ms; /* since 1970 */
    size_t clients;  /* connected */
};

struct vd_http_request {
    const char *path;
    bool open_metrics; /* the asker takes application/openmetrics-text */
    /* A parameter of the query, decoded; NULL: not given. */
    const char *(*query)(void *self, const char *name);
    void *self;
};

struct vd_http_reply {
    unsigned status;
    const char *type; /* content type; a literal */
    struct vd_text body;
};

typedef void vd_http_page(const struct vd_http_world *world, const struct vd_http_request *request,
                          struct vd_http_reply *reply);

const char *vd_http_query(const struct vd_http_request *request, const char *name);

/* {"error": "..."} */
void vd_http_refuse(struct vd_http_reply *reply, unsigned status, const char *format, ...)
    VD_PRINTF(3, 4);

/*
 * A whole number of the query between 0 and `most`. False, with the reply
 * made, if it is none; *out is left alone when it was not given.
 */
bool vd_http_query_count(const struct vd_http_request *request, const char *name, int64_t most,
                         int64_t *out, struct vd_http_reply *reply) VD_MUSTCHECK;

#define VD_HTTP_JSON "application/json"

#endif
