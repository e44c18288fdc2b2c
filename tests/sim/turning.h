/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turning: the oracle's verdict on whom a sentinel makes a replica of whom, by
 * what it last heard of both: never one whose data is newer in the lineage
 * that they share, and never one that serves others with data of its own.
 */
#ifndef SIM_TURNING_H
#define SIM_TURNING_H

#include "node.h"
#include "sentinel.h"

/* Why this sentinel should not let the node follow the target (NULL: nobody's address); NULL: it
 * may. */
const char *sim_turning_objection(const struct sim *sim, const struct sim_sentinel *s,
                                  const struct sim_node *node, const struct sim_host *target);

#endif
