/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lineage: whose data the group's is, and whose a server holds, by the
 * replication ids that it tells. Those with an id in common have a past in
 * common; offsets of different lineages measure nothing. What follows from it
 * is decided in candidate.h, stopgap.h and guard.h.
 */
#ifndef VD_CORE_LINEAGE_H
#define VD_CORE_LINEAGE_H

#include "core/model.h"

/* Its data is of this lineage, or went on from it: false where the lineage is unknown. */
bool vd_lineage_carries(const struct vd_node *node, const struct vd_id *lineage);

/* ... of the group's, the present one or that before the last switch. */
bool vd_lineage_is_ours(const struct vd_node *node);

/* The same, or it was seen in step with the named primary. True where either lineage is unknown. */
bool vd_lineage_is_related(const struct vd_node *node);

/*
 * A living member of another cluster, at an address that was ours: by its own
 * word it is, or follows, the primary of another group that is watched, or it
 * follows or leads others with data that is none of this group's. To turn it would
 * wipe that data.
 */
bool vd_lineage_is_foreign(const struct vd_core *core, const struct vd_node *node);

/*
 * Both say that they are primaries, and the node left the other's lineage after
 * that one did, and holds more: it was promoted to succeed it.
 */
bool vd_lineage_holds_newer(const struct vd_node *node, const struct vd_node *than);

/* The node has told its INFO, or was made the primary: the group's lineage may be another now. */
void vd_lineage_learn(struct vd_core *core, struct vd_node *node);

#endif
