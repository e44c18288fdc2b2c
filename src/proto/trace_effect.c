/* SPDX-License-Identifier: BSD-3-Clause */
/* Trace: effects as lines; see trace.h. */
#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"
#include "proto/trace.h"

typedef unsigned long long ull;

static const char *const request_names[] = {
    [VD_RQ_PING] = "PING",           [VD_RQ_INFO] = "INFO",
    [VD_RQ_ROLE] = "ROLE",           [VD_RQ_HELLO] = "HELLO",
    [VD_RQ_QUESTION] = "QUESTION",   [VD_RQ_PROMOTE] = "PROMOTE",
    [VD_RQ_REPLICATE] = "REPLICATE", [VD_RQ_SCRIPT_KILL] = "SCRIPT_KILL",
    [VD_RQ_PAUSE] = "PAUSE",         [VD_RQ_UNPAUSE] = "UNPAUSE",
    [VD_RQ_HANDOVER] = "HANDOVER",   [VD_RQ_ABORT] = "ABORT",
    [VD_RQ_MAINTAIN] = "MAINTAIN",
};

static const char *const link_kinds[] = {
    [VD_LINK_COMMAND] = "command",
    [VD_LINK_SUBSCRIBE] = "subscribe",
    [VD_LINK_PEER] = "peer",
};

static const char *const notice_levels[] = {
    [VD_NOTICE_DEBUG] = "debug",     [VD_NOTICE_VERBOSE] = "verbose", [VD_NOTICE_NOTICE] = "notice",
    [VD_NOTICE_WARNING] = "warning", [VD_NOTICE_LOG_ONLY] = "logged",
};

static void put_word(const char *text, struct vd_text *to)
{
    vd_text_putc(to, ' ');
    vd_trace_word(text, to);
}

static void put_addr(const struct vd_addr *addr, struct vd_text *to)
{
    struct vd_text text = {0};

    if (addr->port != 0)
        vd_addr_print(addr->host[0] != '\0' ? addr->host : addr->ip, addr->port, &text);
    put_word(addr->port == 0 ? "none" : vd_text_cstr(&text), to);
    vd_text_free(&text);
}

static void put_connect(const struct vd_effect *effect, struct vd_text *to)
{
    vd_text_printf(to, "CONNECT link %llu %s", (ull)effect->connect.link.n,
                   link_kinds[effect->connect.kind]);
    put_addr(&effect->connect.addr, to);
    if (effect->connect.user != NULL) {
        vd_text_puts(to, " user");
        put_word(effect->connect.user, to);
    }
    vd_text_puts(to, effect->connect.pass != NULL ? " pass ******" : "");
    if (effect->connect.client_name != NULL) {
        vd_text_puts(to, " name");
        put_word(effect->connect.client_name, to);
    }
    if (effect->connect.rename_count != 0)
        vd_text_printf(to, " renames %zu", effect->connect.rename_count);
}

static void put_send(const struct vd_effect *effect, struct vd_text *to)
{
    enum vd_request request = effect->send.request;

    vd_text_printf(to, "SEND link %llu ticket %llu %s", (ull)effect->send.link.n,
                   (ull)effect->send.ticket.n, request_names[request]);
    if (request == VD_RQ_HELLO && effect->send.hello != NULL) {
        struct vd_text line = {0};

        vd_hello_print(effect->send.hello, &line);
        put_word(vd_text_cstr(&line), to);
        vd_text_free(&line);
    }
    if (request == VD_RQ_MAINTAIN)
        put_word(effect->send.group, to);
    if (request == VD_RQ_PAUSE || request == VD_RQ_HANDOVER || request == VD_RQ_MAINTAIN)
        vd_text_printf(to, " for %lld ms", (long long)effect->send.pause_ms);
    if (request == VD_RQ_QUESTION || request == VD_RQ_REPLICATE || request == VD_RQ_HANDOVER)
        put_addr(&effect->send.addr, to);
    if (request == VD_RQ_QUESTION) {
        vd_text_printf(to, " epoch %llu candidate", (ull)effect->send.epoch);
        put_word(effect->send.candidate, to);
    }
}

static void put_reply(const struct vd_effect *effect, struct vd_text *to)
{
    vd_text_printf(to, "REPLY client %llu", (ull)effect->reply.client.n);
    switch (effect->reply.kind) {
    case VD_REPLY_OK:
        vd_text_puts(to, " OK");
        return;
    case VD_REPLY_ERROR:
        vd_text_puts(to, " error");
        put_word(effect->reply.text, to);
        return;
    case VD_REPLY_INTEGER:
        vd_text_printf(to, " %lld", (long long)effect->reply.number);
        return;
    case VD_REPLY_VOTE:
        vd_text_puts(to, effect->reply.down ? " down vote for" : " up vote for");
        put_word(effect->reply.leader, to);
        vd_text_printf(to, " epoch %llu", (ull)effect->reply.leader_epoch);
        return;
    }
    VD_ASSERT(false);
}

/* Payloads are made of plain words; a byte that is not printable is shown as in words.h. */
static void put_notice(const struct vd_effect *effect, struct vd_text *to)
{
    const char *payload = effect->notice.payload;

    vd_text_printf(to, "NOTICE %s", notice_levels[effect->notice.level]);
    put_word(effect->notice.event, to);
    vd_text_putc(to, ' ');
    for (size_t i = 0; payload != NULL && payload[i] != '\0'; i++) {
        unsigned char c = (unsigned char)payload[i];

        if (c < ' ' || c >= 0x7f)
            vd_text_printf(to, "\\x%02x", c);
        else
            vd_text_putc(to, (char)c);
    }
}

static void put_instant(const char *label, vd_ms at, struct vd_text *to)
{
    if (at != VD_NEVER)
        vd_text_printf(to, " %s %lld", label, (long long)at);
}

static void put_record(const struct vd_failover_record *record, struct vd_text *to)
{
    vd_text_puts(to, "RECORD");
    put_word(record->group, to);
    vd_text_printf(to, " epoch %llu", (ull)record->epoch);
    put_word(record->reason, to);
    put_word(record->result, to);
    vd_text_puts(to, " from");
    put_addr(&record->from, to);
    vd_text_puts(to, " to");
    put_addr(&record->to, to);
    put_instant("silent", record->silent_at, to);
    put_instant("sdown", record->sdown_at, to);
    put_instant("odown", record->odown_at, to);
    put_instant("started", record->started_at, to);
    put_instant("elected", record->elected_at, to);
    put_instant("selected", record->selected_at, to);
    put_instant("promoted", record->promoted_at, to);
    put_instant("ended", record->ended_at, to);
    vd_text_printf(to, " loss %lld", (long long)record->loss_bytes);
}

void vd_trace_effect(const struct vd_effect *effect, struct vd_text *to)
{
    switch (effect->type) {
    case VD_EF_RESOLVE:
        vd_text_puts(to, "RESOLVE");
        put_word(effect->resolve.host, to);
        return;
    case VD_EF_CONNECT:
        put_connect(effect, to);
        return;
    case VD_EF_CLOSE:
        vd_text_printf(to, "CLOSE link %llu", (ull)effect->close.link.n);
        return;
    case VD_EF_SEND:
        put_send(effect, to);
        return;
    case VD_EF_REPLY:
        put_reply(effect, to);
        return;
    case VD_EF_NOTICE:
        put_notice(effect, to);
        return;
    case VD_EF_SPAWN:
        vd_text_printf(to, "SPAWN job %llu", (ull)effect->spawn.job.n);
        for (size_t i = 0; effect->spawn.argv[i] != NULL; i++)
            put_word(effect->spawn.argv[i], to);
        return;
    case VD_EF_KILL:
        vd_text_printf(to, "KILL job %llu", (ull)effect->kill.job.n);
        return;
    case VD_EF_RECORD:
        put_record(effect->record, to);
        return;
    case VD_EF_CRASH:
        vd_text_puts(to, "CRASH");
        return;
    }
    VD_ASSERT(false);
}
