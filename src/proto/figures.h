/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Figures: what INFO of a data server says about its load, for metrics, the
 * dashboard, alerts and cost. Nothing here is used to judge whether a server
 * lives; that is info.h.
 */
#ifndef VD_PROTO_FIGURES_H
#define VD_PROTO_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/delta.h"

#define VD_FIGURES_VERSION_SIZE 32

/* -1 where the INFO was silent. */
struct vd_figures {
    int64_t used_memory; /* bytes */
    int64_t max_memory;  /* bytes; 0: no limit */
    int64_t rss_memory;  /* bytes */
    double cpu_sys_s;    /* seconds of CPU since it was started */
    double cpu_user_s;
    int64_t commands; /* since it was started; so the next eight */
    int64_t hits;
    int64_t misses;
    int64_t evicted;
    int64_t expired;
    int64_t net_in; /* bytes */
    int64_t net_out;
    int64_t connections;
    int64_t rejected;
    int64_t ops; /* a second, by its own count */
    int64_t clients;
    int64_t blocked;
    int64_t replicas;
    int64_t uptime_s;
    char version[VD_FIGURES_VERSION_SIZE]; /* "" unknown; printable without '"' and '\' */
    char kind[VD_FIGURES_VERSION_SIZE];    /* "redis", "valkey" */
};

void vd_figures_read(const char *text, size_t len, struct vd_figures *out);

/* Of an INFO as the core keeps it. */
void vd_figures_of(const struct vd_delta *info, struct vd_figures *out);

#endif
