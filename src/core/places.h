/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places: thousands of links at once are dialled in an order, and few in one
 * turn: each costs some 50 us to dial and as much again when it is up, and
 * others wait meanwhile for an answer. They stand in a row, and are called at a
 * pace, by who comes late for the time in which nobody was. Who waits costs
 * nothing: its group is not looked at again until it is called.
 */
#ifndef VD_CORE_PLACES_H
#define VD_CORE_PLACES_H

#include "core/model.h"

/* May this link be dialled? If not, it stands in the row, and will be touched when it may. */
bool vd_place_take(struct vd_core *core, struct vd_wire *wire);

/* It is dialled now, or not wanted any more. */
void vd_place_leave(struct vd_core *core, struct vd_wire *wire);

/* Call those whose turn it is, and touch them. */
void vd_places_call(struct vd_core *core);

/* When somebody is to be called; INT64_MAX: nobody waits. */
vd_ms vd_places_due(const struct vd_core *core);

#endif
