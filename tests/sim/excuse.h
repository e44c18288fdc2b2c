/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Excuse: what sentinels cannot bring into order, or must not. A server that
 * nobody can know of, that looks like another cluster's, or that holds what
 * the named primary lacks; a group whose servers have left their addresses,
 * so that none of those who are there could lead it. By what the world is,
 * not by what sentinels think.
 */
#ifndef SIM_EXCUSE_H
#define SIM_EXCUSE_H

#include "node.h"
#include "sentinel.h"

/* Need it not follow `head`, whom all name? Asked within a look (live.h). */
bool sim_excuse_node(const struct sim *sim, const struct sim_node *node,
                     const struct sim_node *head);

/* Operators made it forget all, and all forget it: it knows nobody who lives, and nobody knows it.
 * No server is left where they could meet. */
bool sim_excuse_sentinel(const struct sim *sim, const struct sim_sentinel *s, unsigned group);

/*
 * Servers are not where sentinels look for them, were given to others or
 * forgotten by hand, and of those who are there nobody could lead. Or only
 * originals are left, and nobody whom they would choose.
 */
bool sim_excuse_group(const struct sim *sim, unsigned group);

#endif
