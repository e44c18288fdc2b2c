/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Check: what check.c (sentinels, and the answer) and check_node.c (servers)
 * share; nobody else includes this.
 */
#ifndef VD_CTL_CHECK_H
#define VD_CTL_CHECK_H

#include "ctl/ctl.h"

/* From good to bad. */
enum vd_ctl_verdict {
    VD_CTL_FINE,
    VD_CTL_WARNED,   /* a failover would succeed all the same */
    VD_CTL_DOUBTFUL, /* could not be looked at */
    VD_CTL_FAILED,
};

void vd_ctl_find(json_t *findings, const char *what, enum vd_ctl_verdict verdict,
                 const char *format, ...) VD_PRINTF(4, 5);

/* Is a clock, so far ahead of ours but for the error, in order? Negative error: unknown. */
void vd_ctl_check_clock(const char *name, int64_t clock_us, int64_t error_us, json_t *findings);

/*
 * Each server of the group, asked by ourselves as the sentinels would: is it
 * there, what may their user do, does min-replicas-to-write leave a new primary
 * writable, version, clock. Nothing is changed.
 */
void vd_ctl_check_nodes(struct vd_ctl *ctl, const json_t *group, json_t *findings);

#endif
