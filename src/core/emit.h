/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Emit: the one place where effects are made, and where each gets its class.
 * Chatter may leave at once; promises rest on state that must be durable
 * first. An effect's texts are copied into the arena of the turn.
 */
#ifndef VD_CORE_EMIT_H
#define VD_CORE_EMIT_H

#include "core/model.h"

/* A new effect at the end of the list; valid until the next one is made. */
struct vd_effect *vd_emit(struct vd_core *core, enum vd_effect_type type, bool promise);

/* A request on a link that is up; counts as owed until its answer. Fill in the rest. */
struct vd_effect *vd_emit_send(struct vd_core *core, struct vd_wire *wire, enum vd_request request);

void vd_emit_ok(struct vd_core *core, vd_client client);
void vd_emit_error(struct vd_core *core, vd_client client, const char *text);
void vd_emit_integer(struct vd_core *core, vd_client client, int64_t number);

#endif
