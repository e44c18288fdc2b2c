/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounds: the part of the oracle for what may not grow and not run away, and
 * for the shape of what operators and scripts read: requests a second and
 * without an answer, attempts at an election, scripts, members of a group;
 * and every published event well formed.
 */
#ifndef SIM_BOUNDS_H
#define SIM_BOUNDS_H

#include "sentinel.h"

void sim_bounds_on_send(struct sim *sim, struct sim_sentinel *s, struct sim_link *link,
                        enum vd_request request);
void sim_bounds_on_notice(struct sim *sim, struct sim_sentinel *s, const struct vd_effect *effect);
void sim_bounds_on_spawn(struct sim *sim, const struct sim_sentinel *s);
/* Looks at what it knows; not cheap. */
void sim_bounds_look(struct sim *sim, const struct sim_sentinel *s);

#endif
