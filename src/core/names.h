/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names: host names that the wire mentions (in hello and INFO) and that must
 * be compared with addresses. Looked up outside by RESOLVE; what is not known
 * yet is treated as unknown, since whoever said it says it again.
 */
#ifndef VD_CORE_NAMES_H
#define VD_CORE_NAMES_H

#include "core/model.h"

/*
 * Fill in addr->ip from what is known of addr->host, and ask for it if
 * nothing is. False: unknown as yet, or names are not allowed here
 * (resolve-hostnames no).
 */
bool vd_names_complete(struct vd_core *core, struct vd_addr *addr);

void vd_names_on_resolved(struct vd_core *core, const struct vd_event *event);

void vd_names_free(struct vd_core *core);

#endif
