/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stopgap: who is taken where the election's winner finds no candidate in the
 * usual sense: one that is promoted already, and, when nobody is fit, whoever
 * holds most of what is left. Each is looked for in the order of this header,
 * the first one before the candidates, the others after them; NULL: none.
 * The named primary itself may be the one: no switch, it is made one again.
 */
#ifndef VD_CORE_STOPGAP_H
#define VD_CORE_STOPGAP_H

#include "core/model.h"

/*
 * A replica that is a primary already, with data of the group's lineage: a
 * promotion that somebody began and did not finish. Or one that the named
 * primary follows. Or rather one that lives and went on where that stopped: to
 * adopt the other would cost what was written since.
 */
struct vd_node *vd_stopgap_half_promoted(const struct vd_core *core, const struct vd_group *group);

/*
 * A former primary that is one still by its own word, and holds what it held
 * then. NULL before the named one has been down for failover-timeout, since
 * that holds more: a primary that died shortly after the switch may return.
 */
struct vd_node *vd_stopgap_former(const struct vd_core *core, const struct vd_group *group);

/*
 * A replica whose full resynchronisation began and will not end, since the one
 * that it was from is gone: it still holds what it held before, and where it
 * stood it has forgotten. Most keys win. NULL as above before failover-timeout.
 * differs: Sentinel takes such a one at once, as if it were in step.
 */
struct vd_node *vd_stopgap_stranded(const struct vd_core *core, const struct vd_group *group);

/*
 * When the named primary and all the others live, all say that they are
 * replicas, and none is fit: whoever holds most, the named one included, which
 * then is told to be primary again. NULL while anybody is away, since it may
 * hold more (but not where the named primary and one with data follow each
 * other), and while one that holds more refuses for a moment (a script runs in
 * it).
 */
struct vd_node *vd_stopgap_last_resort(const struct vd_core *core, const struct vd_group *group);

/*
 * The same when the named primary, and whoever else is away, has been of no use
 * for failover-timeout: of those that are there, the one with the most keys of
 * the group's data, if anybody has such. If not, one that came back empty, with
 * what was written there since: a primary, or a replica that has nothing.
 * differs: Sentinel promotes an empty one at once, and the named one never.
 */
struct vd_node *vd_stopgap_remaining(const struct vd_core *core, const struct vd_group *group);

#endif
