/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spoil: a node of the stage that would do as a candidate, spoiled in one thing,
 * for unit tests of core/candidate: the state of a settled core is set by hand,
 * and its pure functions judge it.
 */
#ifndef VD_TESTS_SPOIL_H
#define VD_TESTS_SPOIL_H

#include "stage.h"

/* Of the puppet on the stage, anew for every test of such a case. */
extern struct vd_node *second; /* 10.0.0.2 */
extern struct vd_node *third;

/* A case whose tests have room in the past for things that happened long ago. */
TCase *spoil_case(const char *name);

/* The id is this character throughout. */
void spoil_id(struct vd_id *id, char c);

void spoil_go_down(struct vd_node *node);
void spoil_lose_link(struct vd_node *node);
void spoil_stop_answering(struct vd_node *node);
void spoil_never(struct vd_node *node);
void spoil_tell_nothing(struct vd_node *node);
void spoil_load(struct vd_node *node);
void spoil_say_primary(struct vd_node *node);
void spoil_be_foreign(struct vd_node *node);
void spoil_follow_a_stranger_with_data_of_its_own(struct vd_node *node);
void spoil_refuse(struct vd_node *node);

#endif
