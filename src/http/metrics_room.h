/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Metrics being gathered, shared by metrics.c (steps, the process),
 * metrics_group.c (groups, servers, peers) and metrics_tell.c (alerts, cost);
 * nobody else includes this.
 */
#ifndef VD_HTTP_METRICS_ROOM_H
#define VD_HTTP_METRICS_ROOM_H

#include "http/family.h"
#include "http/metrics.h"
#include "shell/cost.h"

struct vd_metrics {
    bool open_metrics;
    size_t next; /* group */
    double cost; /* a month, of the services so far */
    struct vd_cost_walk bill;
    struct vd_samples samples;
    struct vd_text labels;
    struct vd_text name;
};

/* Sets the labels group and, with an address, `kind`. */
const char *vd_metrics_label(struct vd_metrics *metrics, const struct vd_http_world *world,
                             const char *group, const char *kind, const struct vd_addr *addr);

void vd_metrics_put_group(struct vd_metrics *metrics, const struct vd_http_world *world,
                          const struct vd_view_group *group);

/* Of the next groups; and at the end of all. */
void vd_metrics_put_costs(struct vd_metrics *metrics, const struct vd_http_world *world);
void vd_metrics_put_total(struct vd_metrics *metrics, const struct vd_http_world *world);
void vd_metrics_put_alerts(struct vd_metrics *metrics, const struct vd_http_world *world);

#endif
