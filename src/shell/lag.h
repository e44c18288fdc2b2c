/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lag: how far each replica is behind its primary in time, measured rather
 * than guessed from byte counts. Once a second a beat that carries our clock is
 * published on the primary; it runs through the replication stream, and the
 * replica's subscription brings it back. What it took is the lag (one round
 * trip of ours included). A replica that is silent while beats are sent is as
 * far behind as the oldest of them.
 */
#ifndef VD_SHELL_LAG_H
#define VD_SHELL_LAG_H

#include <ev.h>

#include "core/drive.h"
#include "core/view.h"
#include "shell/links.h"

#define VD_LAG_SAMPLES 60
#define VD_LAG_SAMPLE_S 5 /* between two of them */

struct vd_lag;

/* Begins to beat. All that is given is borrowed and must outlive it. */
struct vd_lag *vd_lag_new(struct ev_loop *loop, struct vd_links *links,
                          const struct vd_drive *drive);
/* NULL is fine. */
void vd_lag_free(struct vd_lag *lag);

/*
 * Microseconds behind, as seen at present; -1: unknown (no beat of ours has
 * come back by its present subscription, or beats are refused). NULL for the
 * lag is fine: unknown.
 */
int64_t vd_lag_us(const struct vd_lag *lag, const struct vd_view_node *primary,
                  const struct vd_view_node *replica);

/*
 * The last samples in milliseconds, oldest first, -1 where it was unknown;
 * returns how many.
 */
size_t vd_lag_samples(const struct vd_lag *lag, const struct vd_view_node *replica,
                      int32_t out[VD_LAG_SAMPLES]);

#endif
