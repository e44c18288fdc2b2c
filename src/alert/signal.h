/* SPDX-License-Identifier: BSD-3-Clause */
/* Signal: the value of what a rule looks at, at one target. */
#ifndef VD_ALERT_SIGNAL_H
#define VD_ALERT_SIGNAL_H

#include "core/view.h"
#include "proto/alert_rule.h"
#include "proto/figures.h"
#include "shell/lag.h"
#include "shell/links.h"
#include "shell/load.h"

/* What there is to be seen at a target; what does not belong to its scope is NULL. */
struct vd_sight {
    const struct vd_drive *drive;
    const struct vd_lag *lag;
    const struct vd_load *load;
    const struct vd_links *links;
    double cost_month; /* NaN: not known */
    vd_ms now;
    const struct vd_view_group *group;
    const struct vd_view_node *node;
    const struct vd_figures *figures; /* of the node's INFO; NULL: there is none */
    const struct vd_view_peer *peer;
};

/* NaN: not known. */
double vd_signal_read(enum vd_signal signal, const struct vd_sight *sight);

#endif
