/* SPDX-License-Identifier: BSD-3-Clause */
/* Order: operators' commands that change something. Each is answered by exactly one REPLY. */
#ifndef VD_CORE_ORDER_H
#define VD_CORE_ORDER_H

#include "core/model.h"

void vd_order_on_order(struct vd_core *core, const struct vd_event *event);

#endif
