/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quorum: asking peers, keeping their opinions, O_DOWN. Peers are asked in
 * the turn in which S_DOWN arises and again whenever an answer may have
 * changed; an opinion is about one address and configuration epoch.
 */
#ifndef VD_CORE_QUORUM_H
#define VD_CORE_QUORUM_H

#include "core/model.h"

/* Ask whom it is time to ask, count, take O_DOWN or give it back. Returns when to look again. */
vd_ms vd_quorum_tick(struct vd_core *core, struct vd_group *group);

void vd_quorum_on_answer(struct vd_core *core, const struct vd_event *event);

/* Every peer is asked at once: their answers may have changed, or we want their vote. */
void vd_quorum_want_answers(struct vd_core *core, struct vd_group *group);

/* Oneself and all known peers. */
unsigned vd_quorum_voters(const struct vd_group *group);
/* How many votes elect: a majority, and the quorum at least. */
unsigned vd_quorum_needed(const struct vd_group *group);
/* Oneself and the peers that can answer now. */
unsigned vd_quorum_usable(const struct vd_group *group);

#endif
