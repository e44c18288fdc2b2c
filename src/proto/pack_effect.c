/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pack: effects, all that is in them, so that two runs can be compared; see
 * pack.h. Nobody needs to read them back: the core makes them again.
 */
#include "proto/pack.h"

static void pack_connect(const struct vd_effect *effect, const struct vd_veil *veil,
                         struct vd_text *to)
{
    vd_pack_number(effect->connect.link.n, to);
    vd_pack_number(effect->connect.kind, to);
    vd_pack_addr(&effect->connect.addr, to);
    vd_pack_string(effect->connect.user, to);
    vd_pack_secret(effect->connect.pass, veil, to);
    vd_pack_string(effect->connect.client_name, to);
    vd_pack_number(effect->connect.rename_count, to);
    for (size_t i = 0; i < effect->connect.rename_count; i++) {
        vd_pack_string(effect->connect.renames[i].from, to);
        vd_pack_string(effect->connect.renames[i].to, to);
    }
}

static void pack_hello(const struct vd_hello *hello, struct vd_text *to)
{
    vd_pack_number(hello != NULL, to);
    if (hello == NULL)
        return;
    vd_pack_addr(&hello->peer, to);
    vd_pack_string(hello->id.hex, to);
    vd_pack_number(hello->epoch, to);
    vd_pack_string(hello->group, to);
    vd_pack_addr(&hello->primary, to);
    vd_pack_number(hello->config_epoch, to);
}

static void pack_send(const struct vd_effect *effect, struct vd_text *to)
{
    vd_pack_number(effect->send.link.n, to);
    vd_pack_number(effect->send.ticket.n, to);
    vd_pack_number(effect->send.request, to);
    pack_hello(effect->send.hello, to);
    vd_pack_addr(&effect->send.addr, to);
    vd_pack_number(effect->send.epoch, to);
    vd_pack_string(effect->send.candidate, to);
    vd_pack_signed(effect->send.pause_ms, to);
    vd_pack_string(effect->send.group, to);
}

static void pack_reply(const struct vd_effect *effect, struct vd_text *to)
{
    vd_pack_number(effect->reply.client.n, to);
    vd_pack_number(effect->reply.kind, to);
    vd_pack_string(effect->reply.text, to);
    vd_pack_signed(effect->reply.number, to);
    vd_pack_number(effect->reply.down, to);
    vd_pack_string(effect->reply.leader, to);
    vd_pack_number(effect->reply.leader_epoch, to);
}

static void pack_argv(const char *const *argv, struct vd_text *to)
{
    for (; *argv != NULL; argv++)
        vd_pack_string(*argv, to);
    vd_pack_string(NULL, to);
}

static void pack_record(const struct vd_failover_record *record, struct vd_text *to)
{
    vd_pack_string(record->group, to);
    vd_pack_number(record->epoch, to);
    vd_pack_string(record->reason, to);
    vd_pack_string(record->result, to);
    vd_pack_addr(&record->from, to);
    vd_pack_addr(&record->to, to);
    vd_pack_signed(record->silent_at, to);
    vd_pack_signed(record->sdown_at, to);
    vd_pack_signed(record->odown_at, to);
    vd_pack_signed(record->started_at, to);
    vd_pack_signed(record->elected_at, to);
    vd_pack_signed(record->selected_at, to);
    vd_pack_signed(record->promoted_at, to);
    vd_pack_signed(record->ended_at, to);
    vd_pack_signed(record->loss_bytes, to);
}

void vd_pack_effect(const struct vd_effect *effect, const struct vd_veil *veil, struct vd_text *to)
{
    vd_pack_number(effect->type, to);
    vd_pack_number(effect->promise, to);
    switch (effect->type) {
    case VD_EF_RESOLVE:
        vd_pack_string(effect->resolve.host, to);
        return;
    case VD_EF_CONNECT:
        pack_connect(effect, veil, to);
        return;
    case VD_EF_CLOSE:
        vd_pack_number(effect->close.link.n, to);
        return;
    case VD_EF_SEND:
        pack_send(effect, to);
        return;
    case VD_EF_REPLY:
        pack_reply(effect, to);
        return;
    case VD_EF_NOTICE:
        vd_pack_number(effect->notice.level, to);
        vd_pack_string(effect->notice.event, to);
        vd_pack_string(effect->notice.payload, to);
        vd_pack_number(effect->notice.job.n, to);
        return;
    case VD_EF_SPAWN:
        vd_pack_number(effect->spawn.job.n, to);
        pack_argv(effect->spawn.argv, to);
        return;
    case VD_EF_KILL:
        vd_pack_number(effect->kill.job.n, to);
        return;
    case VD_EF_RECORD:
        pack_record(effect->record, to);
        return;
    case VD_EF_CRASH:
        return;
    }
    VD_ASSERT(false);
}
