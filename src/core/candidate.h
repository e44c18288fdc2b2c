/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Candidate: which replica is promoted, and why not the others. Priority
 * decides, then offset, then run id, as in Sentinel, but only among replicas
 * that hold nearly all that the best of them holds.
 */
#ifndef VD_CORE_CANDIDATE_H
#define VD_CORE_CANDIDATE_H

#include "core/model.h"

enum vd_unfit {
    VD_FIT,
    VD_UNFIT_PRIMARY,      /* it is the primary */
    VD_UNFIT_DOWN,         /* S_DOWN */
    VD_UNFIT_DISCONNECTED, /* no link, or no reply for too long */
    VD_UNFIT_NEVER,        /* priority 0 */
    VD_UNFIT_UNKNOWN,      /* no INFO, or an old one */
    VD_UNFIT_NOT_REPLICA,  /* a primary by its own word */
    VD_UNFIT_LOADING,
    VD_UNFIT_SYNCING,  /* in the middle of a full resynchronisation, or never through one */
    VD_UNFIT_FOREIGN,  /* another lineage's data */
    VD_UNFIT_UNLINKED, /* it does not follow a primary that works */
    VD_UNFIT_REFUSED,  /* it refused to be promoted */
};

/* Can it be promoted at all? */
enum vd_unfit vd_candidate_fit(const struct vd_core *core, const struct vd_node *node);

/* It refused to be promoted a moment ago. */
bool vd_candidate_has_refused(const struct vd_core *core, const struct vd_node *node);

/* The same in words, for logs and people. */
const char *vd_unfit_text(enum vd_unfit unfit);

/*
 * The best candidate or NULL. loss_bytes (may be NULL): how far it is behind
 * the best offset known of the group, -1 when nothing is known.
 */
struct vd_node *vd_candidate_select(const struct vd_core *core, const struct vd_group *group,
                                    int64_t *loss_bytes);

/* Every replica that could be chosen has told its state since `since`. */
bool vd_candidate_all_fresh(const struct vd_core *core, const struct vd_group *group, vd_ms since);

/*
 * Both say that they are primaries, and the node left the other's lineage after
 * that one did, and holds more: it was promoted to succeed it.
 */
bool vd_candidate_holds_newer(const struct vd_node *node, const struct vd_node *than);

/*
 * A replica that is a primary already, with data of the group's lineage: a
 * promotion that somebody began and did not finish. Or one that the named
 * primary follows. Or rather one that lives and went on where that stopped: to
 * adopt the other would cost what was written since. NULL: none.
 */
struct vd_node *vd_candidate_half_promoted(const struct vd_core *core,
                                           const struct vd_group *group);

/*
 * A former primary that is one still by its own word, and holds what it held
 * then. NULL before the named one has been down for failover-timeout, since
 * that holds more: a primary that died shortly after the switch may return.
 */
struct vd_node *vd_candidate_former(const struct vd_core *core, const struct vd_group *group);

/*
 * A replica whose full resynchronisation began and will not end, since the one
 * that it was from is gone: it still holds what it held before, and where it
 * stood it has forgotten. Most keys win. NULL as above before failover-timeout.
 * differs: Sentinel takes such a one at once, as if it were in step.
 */
struct vd_node *vd_candidate_stranded(const struct vd_core *core, const struct vd_group *group);

/*
 * When the named primary and all the others live, all say that they are
 * replicas, and none is fit: whoever holds most. NULL while anybody is away,
 * since it may hold more (but not where the named primary and one with data
 * follow each other), and while one that holds more refuses for a moment (a
 * script runs in it).
 */
struct vd_node *vd_candidate_last_resort(const struct vd_core *core, const struct vd_group *group);

/* Its data is of this lineage, or went on from it: false where the lineage is unknown. */
bool vd_candidate_carries(const struct vd_node *node, const struct vd_id *lineage);

/* Is the node's data of the group's lineage? True where the lineage is unknown. */
bool vd_candidate_is_related(const struct vd_node *node);

/*
 * A living member of another cluster, at an address that was ours: by its own
 * word it is, or follows, the primary of another group that is watched, or it
 * follows or leads others with data that is none of this group's. To turn it would
 * wipe that data.
 */
bool vd_candidate_is_foreign(const struct vd_core *core, const struct vd_node *node);

#endif
