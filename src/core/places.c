/* SPDX-License-Identifier: BSD-3-Clause */
/* Places: see places.h. */
#include "core/places.h"

#define PACE_DIALS 64      /* so many ... */
#define PACE_MS 12         /* ... in so long */
#define LATE_DIALS_MAX 256 /* ... and in a turn that comes late */

static void refill(struct vd_core *core)
{
    struct vd_places *places = &core->places;
    vd_ms gone = core->now - places->filled_at;

    if (gone < PACE_MS)
        return;
    /* Time in which nobody waited leaves nothing over. */
    places->room = PACE_DIALS;
    if (places->first != NULL)
        places->room = (unsigned)vd_min_ms(gone / PACE_MS * PACE_DIALS, LATE_DIALS_MAX);
    places->filled_at = core->now;
}

bool vd_place_take(struct vd_core *core, struct vd_wire *wire)
{
    struct vd_places *places = &core->places;

    if (wire->place == VD_PLACE_CALLED)
        return true;
    if (wire->place == VD_PLACE_WAITING)
        return false;
    refill(core);
    if (places->first == NULL && places->room > 0) {
        places->room--;
        return true;
    }
    wire->place = VD_PLACE_WAITING;
    DL_APPEND2(places->first, wire, place_prev, place_next);
    return false;
}

void vd_place_leave(struct vd_core *core, struct vd_wire *wire)
{
    if (wire->place == VD_PLACE_WAITING)
        DL_DELETE2(core->places.first, wire, place_prev, place_next);
    wire->place = VD_PLACE_NONE;
}

void vd_places_call(struct vd_core *core)
{
    struct vd_places *places = &core->places;

    if (places->first == NULL)
        return;
    refill(core);
    while (places->first != NULL && places->room > 0) {
        struct vd_wire *wire = places->first;

        vd_place_leave(core, wire);
        wire->place = VD_PLACE_CALLED;
        places->room--;
        if (wire->node != NULL)
            vd_group_touch(core, wire->node->group);
        else
            vd_heap_set(&core->peer_due, &wire->peer->due, core->now);
    }
}

vd_ms vd_places_due(const struct vd_core *core)
{
    return core->places.first == NULL ? INT64_MAX : core->places.filled_at + PACE_MS;
}
