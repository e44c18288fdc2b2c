/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Health: the diagnosis of one instance, and S_DOWN. The down clock starts at
 * the first PING without an acceptable reply or at the death of the socket,
 * and ends at an exact deadline; nothing scans.
 */
#ifndef VD_CORE_HEALTH_H
#define VD_CORE_HEALTH_H

#include "core/model.h"

/* PONG: on a node's or a peer's link. */
void vd_health_on_pong(struct vd_core *core, const struct vd_event *event);

/* The link of this pulse was lost, or could not be raised. */
void vd_pulse_on_lost(const struct vd_core *core, struct vd_pulse *pulse,
                      enum vd_down_reason reason);

/* Since when there was no sign of life, not counting time that we slept through. VD_NEVER: well. */
vd_ms vd_pulse_silent_since(const struct vd_core *core, const struct vd_pulse *pulse);

/*
 * From when on this silence counts towards down-after: not before it tells
 * anything (vd_wire_tells_from) at its end. VD_NEVER: well.
 */
vd_ms vd_pulse_counts_from(const struct vd_core *core, const struct vd_wire *wire,
                           const struct vd_pulse *pulse, vd_ms after_ms);

/* Take S_DOWN or give it back; returns the instant at which that can change by itself. */
vd_ms vd_health_node(struct vd_core *core, struct vd_node *node);
vd_ms vd_health_opinion(struct vd_core *core, struct vd_opinion *opinion);

/* In one word, for people. */
enum vd_health vd_health_of(const struct vd_core *core, const struct vd_node *node);

/* We reach it: its last acceptable reply is fresh. */
bool vd_health_reaches(const struct vd_core *core, const struct vd_node *node);

/* Or did until its link was lost a moment ago: a reset is no death, which would refuse the next. */
bool vd_health_reached(const struct vd_core *core, const struct vd_node *node);

/* Its link was lost a moment ago, and nothing has refused the next so far: it may well be back. */
bool vd_health_just_lost(const struct vd_core *core, const struct vd_node *node);

/* Not down, and linked: it can answer now. */
bool vd_opinion_is_usable(const struct vd_opinion *opinion);

/* Whatever the settings, nobody is asked more often. */
#define VD_PING_LEAST_MS 100

/* min(ping-period, down-after / 5), never under that. */
vd_ms vd_ping_period(const struct vd_core *core, vd_ms down_after_ms);

#endif
