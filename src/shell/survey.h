/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Survey: judgements that those who look at the daemon share (pages, alerts),
 * made from views: has a group a majority, is a server well, how far is a
 * replica behind. The core decides by rules of its own, never by these.
 */
#ifndef VD_SHELL_SURVEY_H
#define VD_SHELL_SURVEY_H

#include "core/view.h"

/* How many of a group's sentinels, this one included, make a majority. */
unsigned vd_survey_majority(const struct vd_view_group *group);

/* Could a failover be agreed on and elected now: quorum and majority are within reach. */
bool vd_survey_can_act(const struct vd_view_group *group);

/* Answers, and what it says can be relied on. */
bool vd_survey_is_up(const struct vd_view_node *node);

/* A replica that is up, and whose link to the primary is. */
bool vd_survey_serves(const struct vd_view_node *node);

/* Bytes of the stream that the replica has yet to get, by the last INFO of both; -1 unknown. */
int64_t vd_survey_lag_bytes(const struct vd_view_node *primary, const struct vd_view_node *replica);

const char *vd_survey_health_word(enum vd_health health);

#endif
