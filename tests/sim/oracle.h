/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Oracle: watches all that is said, saved and done in the world and knows
 * what may not be. It sees only what the outside could see: saved images,
 * messages, notices; the one peek into a core is through view.h. What it
 * finds ends the run (sim_fail).
 *
 *   one vote per (sentinel, group, epoch), across crashes, as heard or saved
 *   at most one elected leader per (group, epoch), by votes that were given
 *   epochs never fall, and nothing is said that is above the disk
 *   equal configuration epoch, equal primary address
 *   PROMOTE by an elected leader or by order, and never to a node that by
 *   its last INFO is no synced, loaded replica
 *
 * What Sentinel's protocol cannot promise is not asked for: two elections by
 * voters who do not know each other, and orders, which may skip the election.
 * Such epochs are called loose.
 */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "sentinel.h"

struct sim_node;

struct sim_oracle *sim_oracle_new(struct sim *sim);
void sim_oracle_free(struct sim_oracle *oracle);

void sim_oracle_on_start(struct sim *sim, struct sim_sentinel *s, bool fresh);
void sim_oracle_on_wipe(struct sim *sim, const struct sim_sentinel *s);
void sim_oracle_on_order(struct sim *sim, const struct sim_sentinel *s,
                         const struct vd_order *order);
/* An image reached the platter (or, with a forgetful disk, is said to have). */
void sim_oracle_on_durable(struct sim *sim, const struct sim_sentinel *s,
                           const struct vd_image *image);
void sim_oracle_on_notice(struct sim *sim, struct sim_sentinel *s, const struct vd_effect *effect);
/* A notice that may not be told, since the save failed; what it is about happened all the same. */
void sim_oracle_on_untold(struct sim *sim, struct sim_sentinel *s, const struct vd_effect *effect);
void sim_oracle_on_record(struct sim *sim, struct sim_sentinel *s,
                          const struct vd_failover_record *record);

/* What a sentinel says, in the moment in which it leaves. */
void sim_oracle_on_hello(struct sim *sim, const struct sim_sentinel *s,
                         const struct vd_hello *hello);
void sim_oracle_on_question(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                            uint64_t epoch, const struct vd_id *candidate);
void sim_oracle_on_answer(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                          uint64_t epoch, const struct vd_id *leader);
void sim_oracle_on_turn(struct sim *sim, struct sim_sentinel *s, const struct sim_host *to,
                        const struct sim_msg *msg);

/* What originals do counts where others reckon with it: their votes, whom they elect, what they
 * tell. `unsound`: not by votes of that epoch, but by an order, or by votes of a later one. */
void sim_oracle_on_foreign_vote(struct sim *sim, const struct vd_id *voter, unsigned group,
                                uint64_t epoch, const struct vd_id *vote);
void sim_oracle_on_foreign_leader(struct sim *sim, const struct sim_host *host, unsigned group,
                                  uint64_t epoch, bool unsound);
void sim_oracle_on_foreign_config(struct sim *sim, const struct sim_host *host, unsigned group,
                                  uint64_t epoch, const struct sim_host *primary);

/* PROMOTE or REPLICATE arrived at a node. */
void sim_oracle_on_turned(struct sim *sim, const struct sim_node *node, const struct sim_msg *msg);
/* Do two servers of the group take writes now? */
bool sim_oracle_is_dual(const struct sim *sim, unsigned group);
/* Has an election of the group been split, so that nobody could win it? */
bool sim_oracle_was_split(const struct sim *sim, unsigned group);
/* Some node's role or life changed. */
void sim_oracle_on_roles(struct sim *sim);
/* A turn of this sentinel is over. */
void sim_oracle_after_turn(struct sim *sim, struct sim_sentinel *s);

#endif
