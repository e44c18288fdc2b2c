/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cost: what servers and vedettes cost at the configured prices, projected
 * from what they used while we looked (load.h). Memory is what the system gave
 * (RSS), as platforms bill it. A peer's use is not known here; it is taken to
 * cost as much as this process.
 */
#ifndef VD_SHELL_COST_H
#define VD_SHELL_COST_H

#include "proto/alert_rule.h"
#include "shell/load.h"

#define VD_COST_MONTH_DAYS 30 /* as platforms price a month */

struct vd_cost {
    double observed_s; /* 0: nothing is known yet, and all is 0 */
    double memory_bytes;
    double vcpu;
    double egress_bytes_day;
    double memory_month;
    double cpu_month;
    double egress_month;
    double month; /* the sum of the three */
};

void vd_cost_of(const struct vd_cost_config *prices, const struct vd_load_use *use,
                struct vd_cost *out);

/*
 * Walk all services: each server of each group, this process, each peer (once,
 * however many groups it watches). Group after group, so that a thousand can
 * be done in steps: *next is the next group, 0 at first; at most `groups` of
 * them. True: that was all.
 */
struct vd_cost_service {
    const char *group;          /* NULL: a vedette */
    const struct vd_addr *addr; /* NULL: this process */
    bool is_primary;
    bool estimated;
    struct vd_cost cost;
};

typedef void vd_cost_each(void *self, const struct vd_cost_service *service);

struct vd_cost_walk {
    const struct vd_cost_config *prices;
    const struct vd_load *load;
    const struct vd_drive *drive;
    vd_ms now;
    size_t next;
};

bool vd_cost_step(struct vd_cost_walk *walk, size_t groups, vd_cost_each *each, void *self);

/* The sum of all, a month. */
double vd_cost_total(const struct vd_cost_config *prices, const struct vd_load *load,
                     const struct vd_drive *drive, vd_ms now);

#endif
