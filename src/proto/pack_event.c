/* SPDX-License-Identifier: BSD-3-Clause */
/* Pack: events, both ways; see pack.h. Who adds an event, or a part of one, adds it here. */
#include <string.h>

#include "proto/info.h"
#include "proto/pack.h"

/* Writing ------------------------------------------------------------------------ */

static void pack_asked(vd_link link, vd_ticket ticket, struct vd_text *to)
{
    vd_pack_number(link.n, to);
    vd_pack_number(ticket.n, to);
}

static void pack_hello(const struct vd_hello *hello, struct vd_text *to)
{
    vd_pack_addr(&hello->peer, to);
    vd_pack_string(hello->id.hex, to);
    vd_pack_number(hello->epoch, to);
    vd_pack_string(hello->group, to);
    vd_pack_addr(&hello->primary, to);
    vd_pack_number(hello->config_epoch, to);
}

static void pack_question(const struct vd_event *event, struct vd_text *to)
{
    vd_pack_number(event->question.client.n, to);
    vd_pack_addr(&event->question.addr, to);
    vd_pack_number(event->question.epoch, to);
    vd_pack_number(event->question.wants_vote, to);
    vd_pack_string(event->question.candidate.hex, to);
    vd_pack_string(event->question.asker, to);
}

/* What comes over a link. */
static void pack_link_event(const struct vd_event *event, struct vd_text *to)
{
    switch (event->type) {
    case VD_EV_LINK_UP:
        vd_pack_number(event->up.link.n, to);
        vd_pack_string(event->up.ip, to);
        vd_pack_string(event->up.local_ip, to);
        return;
    case VD_EV_LINK_DOWN:
        vd_pack_number(event->down.link.n, to);
        vd_pack_number(event->down.reason, to);
        vd_pack_string(event->down.text, to);
        return;
    case VD_EV_PONG:
        pack_asked(event->pong.link, event->pong.ticket, to);
        vd_pack_number(event->pong.kind, to);
        vd_pack_string(event->pong.text, to);
        return;
    case VD_EV_INFO:
        VD_ASSERT((event->info.info == NULL) == (event->info.raw == NULL));
        pack_asked(event->info.link, event->info.ticket, to);
        vd_pack_string(event->info.raw, to);
        return;
    case VD_EV_ROLE:
        pack_asked(event->role.link, event->role.ticket, to);
        vd_pack_number(event->role.role, to);
        vd_pack_addr(&event->role.primary, to);
        return;
    case VD_EV_ANSWER:
        pack_asked(event->answer.link, event->answer.ticket, to);
        vd_pack_number(event->answer.ok, to);
        vd_pack_number(event->answer.down, to);
        vd_pack_string(event->answer.leader.hex, to);
        vd_pack_number(event->answer.leader_epoch, to);
        return;
    case VD_EV_ACK:
        pack_asked(event->ack.link, event->ack.ticket, to);
        vd_pack_number(event->ack.ok, to);
        vd_pack_number(event->ack.unsent, to);
        vd_pack_string(event->ack.text, to);
        return;
    case VD_EV_START:
    case VD_EV_DUE:
    case VD_EV_HELLO:
    case VD_EV_QUESTION:
    case VD_EV_ORDER:
    case VD_EV_SCRIPT_EXIT:
    case VD_EV_RESOLVED:
        break;
    }
    VD_ASSERT(false);
}

void vd_pack_event(const struct vd_event *event, const struct vd_veil *veil, struct vd_text *to)
{
    vd_pack_number(event->type, to);
    vd_pack_signed(event->at, to);
    vd_pack_number(event->dice, to);
    switch (event->type) {
    case VD_EV_START:
        return;
    case VD_EV_DUE:
        vd_pack_signed(event->due.deaf_ms, to);
        vd_pack_signed(event->due.from, to);
        vd_pack_signed(event->due.left_at, to);
        return;
    case VD_EV_LINK_UP:
    case VD_EV_LINK_DOWN:
    case VD_EV_PONG:
    case VD_EV_INFO:
    case VD_EV_ROLE:
    case VD_EV_ANSWER:
    case VD_EV_ACK:
        pack_link_event(event, to);
        return;
    case VD_EV_HELLO:
        vd_pack_number(event->hello.link.n, to);
        pack_hello(event->hello.hello, to);
        return;
    case VD_EV_QUESTION:
        pack_question(event, to);
        return;
    case VD_EV_ORDER:
        vd_pack_number(event->order.client.n, to);
        vd_pack_order(event->order.order, veil, to);
        return;
    case VD_EV_SCRIPT_EXIT:
        vd_pack_number(event->script.job.n, to);
        vd_pack_signed(event->script.exit_code, to);
        vd_pack_signed(event->script.signal, to);
        vd_pack_number(event->script.failed_to_start, to);
        return;
    case VD_EV_RESOLVED:
        vd_pack_string(event->resolved.host, to);
        vd_pack_string(event->resolved.ip, to);
        return;
    }
    VD_ASSERT(false);
}

/* Reading ------------------------------------------------------------------------ */

static vd_link unpack_link(struct vd_unpack *from)
{
    return (vd_link){vd_unpack_number(from, UINT64_MAX)};
}

static vd_ticket unpack_ticket(struct vd_unpack *from)
{
    return (vd_ticket){vd_unpack_number(from, UINT64_MAX)};
}

static int unpack_int(struct vd_unpack *from)
{
    int64_t number = vd_unpack_signed(from);

    if (number < INT32_MIN || number > INT32_MAX) {
        vd_unpack_fail(from, "a number is too large");
        return 0;
    }
    return (int)number;
}

static const struct vd_hello *unpack_hello(struct vd_unpack *from)
{
    struct vd_hello *hello = vd_arena_alloc(from->arena, sizeof(*hello));

    vd_unpack_addr(from, &hello->peer);
    vd_unpack_array(from, hello->id.hex, sizeof(hello->id.hex));
    hello->epoch = vd_unpack_number(from, UINT64_MAX);
    vd_unpack_array(from, hello->group, sizeof(hello->group));
    vd_unpack_addr(from, &hello->primary);
    hello->config_epoch = vd_unpack_number(from, UINT64_MAX);
    return hello;
}

static void unpack_question(struct vd_unpack *from, struct vd_event *out)
{
    out->question.client.n = vd_unpack_number(from, UINT64_MAX);
    vd_unpack_addr(from, &out->question.addr);
    out->question.epoch = vd_unpack_number(from, UINT64_MAX);
    out->question.wants_vote = vd_unpack_bool(from);
    vd_unpack_array(from, out->question.candidate.hex, sizeof(out->question.candidate.hex));
    vd_unpack_array(from, out->question.asker, sizeof(out->question.asker));
}

static void unpack_info(struct vd_unpack *from, struct vd_event *out)
{
    struct vd_info *info;

    out->info.link = unpack_link(from);
    out->info.ticket = unpack_ticket(from);
    out->info.raw = vd_unpack_string(from);
    if (out->info.raw == NULL)
        return;
    info = vd_arena_alloc(from->arena, sizeof(*info));
    if (!vd_info_parse(out->info.raw, strlen(out->info.raw), from->arena, info))
        vd_unpack_fail(from, "an INFO says nothing");
    out->info.info = info;
}

static void unpack_link_event(struct vd_unpack *from, struct vd_event *out)
{
    switch (out->type) {
    case VD_EV_LINK_UP:
        out->up.link = unpack_link(from);
        out->up.ip = vd_unpack_text(from);
        out->up.local_ip = vd_unpack_text(from);
        return;
    case VD_EV_LINK_DOWN:
        out->down.link = unpack_link(from);
        out->down.reason = (enum vd_down_reason)vd_unpack_number(from, VD_DOWN_LIMIT);
        out->down.text = vd_unpack_string(from);
        return;
    case VD_EV_PONG:
        out->pong.link = unpack_link(from);
        out->pong.ticket = unpack_ticket(from);
        out->pong.kind = (enum vd_pong)vd_unpack_number(from, VD_PONG_ERROR);
        out->pong.text = vd_unpack_string(from);
        return;
    case VD_EV_INFO:
        unpack_info(from, out);
        return;
    case VD_EV_ROLE:
        out->role.link = unpack_link(from);
        out->role.ticket = unpack_ticket(from);
        out->role.role = (enum vd_role)vd_unpack_number(from, VD_ROLE_REPLICA);
        vd_unpack_addr(from, &out->role.primary);
        return;
    case VD_EV_ANSWER:
        out->answer.link = unpack_link(from);
        out->answer.ticket = unpack_ticket(from);
        out->answer.ok = vd_unpack_bool(from);
        out->answer.down = vd_unpack_bool(from);
        vd_unpack_array(from, out->answer.leader.hex, sizeof(out->answer.leader.hex));
        out->answer.leader_epoch = vd_unpack_number(from, UINT64_MAX);
        return;
    case VD_EV_ACK:
        out->ack.link = unpack_link(from);
        out->ack.ticket = unpack_ticket(from);
        out->ack.ok = vd_unpack_bool(from);
        out->ack.unsent = vd_unpack_bool(from);
        out->ack.text = vd_unpack_string(from);
        return;
    case VD_EV_START:
    case VD_EV_DUE:
    case VD_EV_HELLO:
    case VD_EV_QUESTION:
    case VD_EV_ORDER:
    case VD_EV_SCRIPT_EXIT:
    case VD_EV_RESOLVED:
        break;
    }
    VD_ASSERT(false);
}

void vd_unpack_event(struct vd_unpack *from, struct vd_event *out)
{
    memset(out, 0, sizeof(*out));
    out->type = (enum vd_event_type)vd_unpack_number(from, VD_EV_RESOLVED);
    out->at = vd_unpack_signed(from);
    out->dice = (uint32_t)vd_unpack_number(from, UINT32_MAX);
    switch (out->type) {
    case VD_EV_START:
        return;
    case VD_EV_DUE:
        out->due.deaf_ms = vd_unpack_signed(from);
        out->due.from = vd_unpack_signed(from);
        out->due.left_at = vd_unpack_signed(from);
        return;
    case VD_EV_LINK_UP:
    case VD_EV_LINK_DOWN:
    case VD_EV_PONG:
    case VD_EV_INFO:
    case VD_EV_ROLE:
    case VD_EV_ANSWER:
    case VD_EV_ACK:
        unpack_link_event(from, out);
        return;
    case VD_EV_HELLO:
        out->hello.link = unpack_link(from);
        out->hello.hello = unpack_hello(from);
        return;
    case VD_EV_QUESTION:
        unpack_question(from, out);
        return;
    case VD_EV_ORDER:
        out->order.client.n = vd_unpack_number(from, UINT64_MAX);
        out->order.order = vd_unpack_order(from);
        return;
    case VD_EV_SCRIPT_EXIT:
        out->script.job.n = vd_unpack_number(from, UINT64_MAX);
        out->script.exit_code = unpack_int(from);
        out->script.signal = unpack_int(from);
        out->script.failed_to_start = vd_unpack_bool(from);
        return;
    case VD_EV_RESOLVED:
        out->resolved.host = vd_unpack_text(from);
        out->resolved.ip = vd_unpack_text(from);
        return;
    }
    VD_ASSERT(false);
}
