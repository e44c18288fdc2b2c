/* SPDX-License-Identifier: BSD-3-Clause */
/* Emit: effects and their class, see emit.h. */
#include "core/emit.h"

struct vd_effect *vd_emit(struct vd_core *core, enum vd_effect_type type, bool promise)
{
    struct vd_effects *out = core->out;
    struct vd_effect *effect;

    VD_ASSERT(out != NULL);
    if (out->count == out->room) {
        out->room = out->room == 0 ? 32 : out->room * 2;
        out->list = vd_realloc(out->list, out->room * sizeof(struct vd_effect));
    }
    effect = &out->list[out->count++];
    memset(effect, 0, sizeof(*effect));
    effect->type = type;
    effect->promise = promise;
    return effect;
}

/*
 * What a request says about us. A hello tells epochs, a question may ask for
 * the vote of a new epoch, and turning a server is the act of an elected
 * leader: all of that must be on disk first.
 */
static bool is_promise(enum vd_request request)
{
    switch (request) {
    case VD_RQ_PING:
    case VD_RQ_INFO:
    case VD_RQ_ROLE:
    case VD_RQ_SCRIPT_KILL:
    case VD_RQ_UNPAUSE: /* never does harm, and must go even when nothing else may */
        return false;
    case VD_RQ_HELLO:
    case VD_RQ_QUESTION:
    case VD_RQ_PROMOTE:
    case VD_RQ_REPLICATE:
    case VD_RQ_PAUSE:
    case VD_RQ_HANDOVER:
    case VD_RQ_ABORT:
    case VD_RQ_MAINTAIN:
        return true;
    }
    VD_ASSERT(false);
    return true;
}

struct vd_effect *vd_emit_send(struct vd_core *core, struct vd_wire *wire, enum vd_request request)
{
    struct vd_effect *effect;

    VD_ASSERT(wire->up);
    effect = vd_emit(core, VD_EF_SEND, is_promise(request));
    effect->send.link = wire->link;
    effect->send.ticket.n = vd_core_next(core);
    effect->send.request = request;
    wire->pending++;
    return effect;
}

void vd_emit_ok(struct vd_core *core, vd_client client)
{
    struct vd_effect *effect = vd_emit(core, VD_EF_REPLY, true);

    effect->reply.client = client;
    effect->reply.kind = VD_REPLY_OK;
}

void vd_emit_error(struct vd_core *core, vd_client client, const char *text)
{
    struct vd_effect *effect = vd_emit(core, VD_EF_REPLY, true);

    effect->reply.client = client;
    effect->reply.kind = VD_REPLY_ERROR;
    effect->reply.text = vd_arena_strdup(&core->out->arena, text);
}

void vd_emit_integer(struct vd_core *core, vd_client client, int64_t number)
{
    struct vd_effect *effect = vd_emit(core, VD_EF_REPLY, true);

    effect->reply.client = client;
    effect->reply.kind = VD_REPLY_INTEGER;
    effect->reply.number = number;
}
