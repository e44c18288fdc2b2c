/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stage: the puppet that most tests of the core play with, and the scenes that
 * several of them begin with. Group "m" with two replicas and two peers, all
 * well. There is one, since Check's fixtures take no argument.
 */
#ifndef VD_TESTS_STAGE_H
#define VD_TESTS_STAGE_H

#include <check.h>

#include "puppet.h"

extern struct puppet puppet;
extern struct vd_group *group; /* its only one */

/* A case whose tests each have a stage of their own; or the fixture, for those who add to it. */
TCase *stage_case(const char *name);
void stage_set(void);
void stage_clear(void);

/* Answer every PING and INFO of replicas and peers, as living ones do. */
void stage_keep_alive(void);
/* The primary's link is lost, and it is silent until it is down; the others live. */
void stage_lose_primary(void);
/* It dies; one peer agrees; our rank's turn comes, and both are asked for their vote. */
void stage_to_wait_start(void);
/* We are elected, and have told the chosen one to be primary. */
void stage_to_wait_promotion(void);
/* The node says what it is, and a replica that it follows 10.0.0.1; it takes its turning, or not.
 */
void stage_say_role(const struct vd_node *node, enum vd_role role);
void stage_ack_turn(const struct vd_node *node, bool ok);

#endif
