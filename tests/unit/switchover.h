/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Switchover: the scenes of a planned failover, for unit tests of core/handover.
 * The test plays the servers of the stage's group, which can hold writes back.
 */
#ifndef VD_TESTS_SWITCHOVER_H
#define VD_TESTS_SWITCHOVER_H

#include "stage.h"

/* Of the puppet on the stage, anew for every test of such a case. */
extern struct vd_node *primary;

/* Flags of the two ways: plain, and COORDINATED. */
extern const unsigned switchover_ways[2];

TCase *switchover_case(const char *name);

/* FAILOVER by order, to 10.0.0.<wanted>, 0: to whom we like; the reply. */
const struct vd_effect *switchover_order(unsigned flags, unsigned wanted);
/* Scenes, each with those before it: elected; one is chosen, who is returned; writes are held back;
 * the primary is told to follow. */
void switchover_elect(void);
struct vd_node *switchover_choose(unsigned flags);
struct vd_node *switchover_drain(unsigned flags);
struct vd_node *switchover_demote(unsigned flags);

/* What a node says to an INFO, an order or a ROLE that it was asked. */
void switchover_tell(struct vd_node *node, enum vd_role role, int64_t offset);
void switchover_ack(struct vd_node *node, vd_ticket ticket, bool ok);
void switchover_say_role(struct vd_node *node, enum vd_role role);
/* How often this was sent on the node's link in the last step. */
unsigned switchover_sent_to(const struct vd_node *node, enum vd_request request);

#endif
