/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hello: gossip. Peers are found, their addresses followed, and a newer
 * configuration is adopted from whoever tells it.
 */
#ifndef VD_CORE_HELLO_H
#define VD_CORE_HELLO_H

#include "core/model.h"

void vd_hello_on_hello(struct vd_core *core, const struct vd_event *event);

#endif
