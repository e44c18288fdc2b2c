/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Promotion: the oracle's verdict on whom a sentinel makes primary, by what it
 * last heard: a synced and loaded replica, or one of the few exceptions by
 * which data or a group is saved.
 */
#ifndef SIM_PROMOTION_H
#define SIM_PROMOTION_H

#include "node.h"
#include "sentinel.h"

/* Why this sentinel should not promote the node; NULL: it may. `was_ours`: it was the primary
 * before. `rebooted`: the present one came back, and whether with its data is in doubt. */
const char *sim_promotion_objection(const struct sim *sim, const struct sim_sentinel *s,
                                    const struct sim_node *node, bool was_ours, bool rebooted);

#endif
