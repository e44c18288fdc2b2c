/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Conduct: the part of the oracle that judges not what may never be said, but
 * how a sentinel behaves: whether it had reasons. By its notices, by what it
 * heard, and by what others thought at that time:
 *
 *   O_DOWN only when as many as the quorum held the primary for down lately
 *   no leader against a primary that a majority has been reaching all along,
 *   unless an operator gave the order or the primary came back empty
 *   the third failover within failover-timeout waits, each further one longer
 *   no more than parallel-syncs replicas are turned at a time
 *   of the replicas that it heard of a moment ago, the best one is promoted
 */
#ifndef SIM_CONDUCT_H
#define SIM_CONDUCT_H

#include "sentinel.h"

struct sim_node;

struct sim_conduct *sim_conduct_new(void);
void sim_conduct_free(struct sim_conduct *conduct);

void sim_conduct_on_start(struct sim *sim, const struct sim_sentinel *s);
/* A PING was answered as it should be. */
void sim_conduct_on_pong(struct sim *sim, const struct sim_sentinel *s,
                         const struct sim_host *from);
/* A notice of this group, told or not; `ordered`: an operator wants a failover of it. */
void sim_conduct_on_notice(struct sim *sim, struct sim_sentinel *s, unsigned group, bool ordered,
                           bool told, const struct vd_effect *effect);
/* PROMOTE leaves. By order, replicas are drained between the choice and this: not judged. */
void sim_conduct_on_promote(struct sim *sim, struct sim_sentinel *s, const struct sim_node *node,
                            bool ordered);

#endif
