/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP: health, metrics, JSON, events and the dashboard on a port of their
 * own, by libmicrohttpd inside the daemon's loop. Reads what the daemon shows
 * and changes nothing: what steers goes through the sentinel's port. Bounded in
 * connections, header size, time and rate; a slow reader slows nobody else.
 */
#ifndef VD_HTTP_HTTP_H
#define VD_HTTP_HTTP_H

#include <ev.h>

#include "base/err.h"
#include "core/drive.h"
#include "proto/config.h"
#include "shell/clients.h"
#include "shell/lag.h"
#include "shell/links.h"
#include "shell/load.h"
#include "shell/watch.h"

struct vd_alerts;
struct vd_http;

/* All borrowed; they must outlive it. */
struct vd_http_sources {
    struct ev_loop *loop;
    const struct vd_drive *drive;
    struct vd_watch *watch; /* its on_event becomes ours */
    const struct vd_lag *lag;
    const struct vd_load *load;
    const struct vd_links *links;
    const struct vd_clients *clients;
};

/* Listen on http-port. NULL with the address and the remedy. */
struct vd_http *vd_http_start(const struct vd_http_sources *sources, const struct vd_alerts *alerts,
                              const struct vd_config *config, struct vd_err *err);

/* The configuration was read anew: token, alerts and prices from now on; addresses stay. Prices
 * are borrowed until the next time. */
void vd_http_reconfigure(struct vd_http *http, const struct vd_alerts *alerts,
                         const struct vd_config *config);

/*
 * SENTINEL SHOW: the page /api/v1/<page> as JSON, asked by names and values by
 * turns; the server need not run. False with the refusal as the text.
 */
bool vd_http_show(const struct vd_http_sources *sources, const struct vd_alerts *alerts,
                  const struct vd_cost_config *prices, const char *page,
                  const struct vd_word *query, size_t count, struct vd_text *to);

/* Close all. NULL is fine. */
void vd_http_stop(struct vd_http *http);

#endif
