/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Metrics: /metrics in Prometheus's text format, or OpenMetrics for who takes
 * it. The samples of a family must stand together, and a thousand groups have
 * a hundred thousand samples: they are gathered in steps of a few groups, each
 * family in a text of its own, so that a scrape never holds the loop up.
 */
#ifndef VD_HTTP_METRICS_H
#define VD_HTTP_METRICS_H

#include "http/exchange.h"

#define VD_METRICS_STEP 20 /* groups in a step */

struct vd_metrics;

struct vd_metrics *vd_metrics_new(bool open_metrics);
/* NULL is fine. */
void vd_metrics_free(struct vd_metrics *metrics);

/* The next groups. True: all have been looked at. */
bool vd_metrics_step(struct vd_metrics *metrics, const struct vd_http_world *world);

/* The whole text; once, at the end. */
void vd_metrics_finish(struct vd_metrics *metrics, const struct vd_http_world *world,
                       struct vd_http_reply *reply);

#endif
