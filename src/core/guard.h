/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guard: what protects data. A primary that restarted empty must not wipe the
 * replicas that still hold everything, and nobody is turned on the word of an
 * outdated configuration.
 */
#ifndef VD_CORE_GUARD_H
#define VD_CORE_GUARD_H

#include "core/model.h"

/* The node's run id has changed: its process was restarted. `info` is what it says now. */
void vd_guard_on_reboot(struct vd_core *core, struct vd_node *node);

/*
 * Is the restarted primary's data gone, or is it still? Sets empty_restart,
 * which counts as S_DOWN. Returns when to look again.
 */
vd_ms vd_guard_review(struct vd_core *core, struct vd_group *group);

/*
 * A primary that holds newer data than the named one (vd_lineage_holds_newer):
 * then our configuration is the old one. Nobody is made to forget data on it;
 * somebody who knows better, or an operator, has to decide, until the named one
 * holds more. Says so, once.
 */
bool vd_guard_spares(struct vd_core *core, struct vd_node *node);

/* Another cluster's (vd_lineage_is_foreign): nobody turns it. Says so, once. */
bool vd_guard_leaves_alone(struct vd_core *core, struct vd_node *node);

/* What it told of its configuration is recent enough to be what it thinks now. */
bool vd_guard_is_recent(const struct vd_core *core, const struct vd_opinion *opinion);

/* A majority of all known sentinels, oneself included, has told our configuration epoch and
 * primary. */
bool vd_guard_config_is_shared(const struct vd_core *core, const struct vd_group *group);

#endif
