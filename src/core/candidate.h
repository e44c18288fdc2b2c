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

/* The highest offset among those who could be chosen; false, and -1: nobody could. */
bool vd_candidate_best_offset(const struct vd_core *core, const struct vd_group *group,
                              int64_t *offset);

/* Every replica that could be chosen has told its state since `since`. */
bool vd_candidate_all_fresh(const struct vd_core *core, const struct vd_group *group, vd_ms since);

/* One was cut off a moment ago, as all are from one that somebody promotes: worth waiting for. */
bool vd_candidate_will_return(const struct vd_core *core, const struct vd_group *group);

#endif
