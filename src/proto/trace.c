/* SPDX-License-Identifier: BSD-3-Clause */
/* Trace: events as lines; see trace.h. Effects are in trace_effect.c. */
#include "proto/trace.h"

#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"
#include "proto/option.h"
#include "proto/words.h"

typedef unsigned long long ull;

static const char *const event_names[] = {
    [VD_EV_START] = "START",
    [VD_EV_DUE] = "DUE",
    [VD_EV_LINK_UP] = "LINK_UP",
    [VD_EV_LINK_DOWN] = "LINK_DOWN",
    [VD_EV_PONG] = "PONG",
    [VD_EV_INFO] = "INFO",
    [VD_EV_ROLE] = "ROLE",
    [VD_EV_ANSWER] = "ANSWER",
    [VD_EV_ACK] = "ACK",
    [VD_EV_HELLO] = "HELLO",
    [VD_EV_QUESTION] = "QUESTION",
    [VD_EV_ORDER] = "ORDER",
    [VD_EV_SCRIPT_EXIT] = "SCRIPT_EXIT",
    [VD_EV_RESOLVED] = "RESOLVED",
};

static const char *const down_reasons[] = {
    [VD_DOWN_CLOSED] = "closed",         [VD_DOWN_RESET] = "reset", [VD_DOWN_REFUSED] = "refused",
    [VD_DOWN_TIMEOUT] = "timeout",       [VD_DOWN_AUTH] = "auth",   [VD_DOWN_TLS] = "tls",
    [VD_DOWN_UNRESOLVED] = "unresolved", [VD_DOWN_LIMIT] = "limit",
};

static const char *const pong_kinds[] = {
    [VD_PONG_OK] = "ok",     [VD_PONG_LOADING] = "loading", [VD_PONG_MASTERDOWN] = "masterdown",
    [VD_PONG_BUSY] = "busy", [VD_PONG_AUTH] = "auth",       [VD_PONG_ERROR] = "error",
};

static const char *const role_names[] = {
    [VD_ROLE_UNKNOWN] = "unknown",
    [VD_ROLE_PRIMARY] = "primary",
    [VD_ROLE_REPLICA] = "replica",
};

static const char *const order_names[] = {
    [VD_ORDER_FAILOVER] = "FAILOVER", [VD_ORDER_RESET] = "RESET",
    [VD_ORDER_MONITOR] = "MONITOR",   [VD_ORDER_REMOVE] = "REMOVE",
    [VD_ORDER_SET] = "SET",           [VD_ORDER_CONFIGURE] = "CONFIGURE",
    [VD_ORDER_FLUSH] = "FLUSH",       [VD_ORDER_SIMULATE_FAILURE] = "SIMULATE_FAILURE",
    [VD_ORDER_FORGET] = "FORGET",     [VD_ORDER_PAUSE] = "PAUSE",
    [VD_ORDER_RESUME] = "RESUME",
};

void vd_trace_word(const char *text, struct vd_text *to)
{
    if (text == NULL)
        vd_text_putc(to, '-');
    else
        vd_words_quote(text, strlen(text), to);
}

static void put_label(const char *label, const char *text, struct vd_text *to)
{
    vd_text_printf(to, " %s ", label);
    vd_trace_word(text, to);
}

/* A text that may be missing. */
static void put_text(const char *text, struct vd_text *to)
{
    if (text == NULL)
        return;
    vd_text_putc(to, ' ');
    vd_trace_word(text, to);
}

static void put_addr(const char *label, const struct vd_addr *addr, struct vd_text *to)
{
    struct vd_text text = {0};

    if (addr->port == 0 && addr->host[0] == '\0' && addr->ip[0] == '\0')
        return;
    vd_addr_print(addr->host[0] != '\0' ? addr->host : addr->ip, addr->port, &text);
    put_label(label, vd_text_cstr(&text), to);
    if (addr->ip[0] != '\0' && strcmp(addr->host, addr->ip) != 0)
        put_label("at", addr->ip, to);
    vd_text_free(&text);
}

static void put_asked(vd_link link, vd_ticket ticket, struct vd_text *to)
{
    vd_text_printf(to, " link %llu ticket %llu", (ull)link.n, (ull)ticket.n);
}

static void put_number(const char *label, int64_t number, struct vd_text *to)
{
    if (number != -1)
        vd_text_printf(to, " %s %lld", label, (long long)number);
}

static void put_info(const struct vd_info *info, struct vd_text *to)
{
    if (info == NULL) {
        vd_text_puts(to, " error");
        return;
    }
    vd_text_printf(to, " %s", role_names[info->role]);
    put_label("run", info->run_id.hex, to);
    put_label("replid", info->replid.hex, to);
    put_addr("of", &info->primary, to);
    if (info->role == VD_ROLE_REPLICA)
        vd_text_puts(to, info->link_up ? " linked" : " cut");
    put_number("offset",
               info->role == VD_ROLE_REPLICA ? info->replica_offset : info->primary_offset, to);
    put_number("priority", info->priority, to);
    put_number("keys", info->keys, to);
    vd_text_puts(to, info->loading ? " loading" : "");
    vd_text_puts(to, info->sync_in_progress ? " syncing" : "");
    for (size_t i = 0; i < info->replica_count; i++) {
        put_addr("replica", &info->replicas[i].addr, to);
        put_number("offset", info->replicas[i].offset, to);
        vd_text_puts(to, info->replicas[i].online ? "" : " offline");
    }
}

static const char *setting_name(const struct vd_setting *setting)
{
    const struct vd_option_row *row = vd_option_row(setting->option);

    for (int place = 0; place < VD_PLACE_COUNT; place++) {
        if (row->names[place] != NULL)
            return row->names[place];
    }
    return "?";
}

static void put_setting(const struct vd_setting *setting, struct vd_text *to)
{
    enum vd_option_kind kind = vd_option_row(setting->option)->kind;

    vd_text_printf(to, "; %s", setting_name(setting));
    if (kind == VD_KIND_SECRET && setting->text != NULL && setting->text[0] != '\0') {
        vd_text_puts(to, " ******");
    } else if (kind == VD_KIND_TEXT || kind == VD_KIND_HOST || kind == VD_KIND_SECRET ||
               kind == VD_KIND_SCRIPT || kind == VD_KIND_RENAME) {
        put_text(setting->text, to);
        put_text(setting->text2, to);
    } else {
        vd_text_printf(to, " %lld", (long long)setting->number);
    }
}

static void put_order(const struct vd_order *order, struct vd_text *to)
{
    vd_text_printf(to, " %s", order_names[order->type]);
    put_text(order->name, to);
    put_addr("addr", &order->addr, to);
    if (order->type == VD_ORDER_MONITOR)
        vd_text_printf(to, " quorum %u", order->quorum);
    if (order->id.hex[0] != '\0')
        put_text(order->id.hex, to);
    if (order->type == VD_ORDER_PAUSE)
        vd_text_printf(to, " for %lld ms", (long long)order->for_ms);
    if (order->type == VD_ORDER_FAILOVER && (order->flags & VD_FAILOVER_COORDINATED) != 0)
        vd_text_puts(to, " coordinated");
    if (order->type == VD_ORDER_SIMULATE_FAILURE)
        vd_text_printf(to, " flags %u", order->flags);
    for (size_t i = 0; i < order->setting_count; i++)
        put_setting(&order->settings[i], to);
    vd_text_puts(to, order->error != NULL ? "; error" : "");
    put_text(order->error, to);
}

static void put_hello(const struct vd_hello *hello, struct vd_text *to)
{
    struct vd_text line = {0};

    vd_hello_print(hello, &line);
    put_text(vd_text_cstr(&line), to);
    vd_text_free(&line);
}

static void put_question(const struct vd_event *event, struct vd_text *to)
{
    vd_text_printf(to, " client %llu", (ull)event->question.client.n);
    put_addr("about", &event->question.addr, to);
    vd_text_printf(to, " epoch %llu", (ull)event->question.epoch);
    if (event->question.wants_vote)
        put_label("vote for", event->question.candidate.hex, to);
    if (event->question.asker[0] != '\0')
        put_label("asked by", event->question.asker, to);
}

static void put_answer(const struct vd_event *event, struct vd_text *to)
{
    put_asked(event->answer.link, event->answer.ticket, to);
    if (!event->answer.ok) {
        vd_text_puts(to, " error");
        return;
    }
    vd_text_puts(to, event->answer.down ? " down" : " up");
    if (event->answer.leader.hex[0] == '\0')
        return;
    put_label("vote for", event->answer.leader.hex, to);
    vd_text_printf(to, " epoch %llu", (ull)event->answer.leader_epoch);
}

static void put_ack(const struct vd_event *event, struct vd_text *to)
{
    put_asked(event->ack.link, event->ack.ticket, to);
    vd_text_puts(to, event->ack.ok ? " ok" : " error");
    vd_text_puts(to, event->ack.unsent ? " unsent" : "");
    put_text(event->ack.text, to);
}

static void put_script(const struct vd_event *event, struct vd_text *to)
{
    vd_text_printf(to, " job %llu", (ull)event->script.job.n);
    if (event->script.failed_to_start)
        vd_text_puts(to, " failed to start");
    else if (event->script.signal != 0)
        vd_text_printf(to, " signal %d", event->script.signal);
    else
        vd_text_printf(to, " exit %d", event->script.exit_code);
}

static void put_down(const struct vd_event *event, struct vd_text *to)
{
    vd_text_printf(to, " link %llu %s", (ull)event->down.link.n, down_reasons[event->down.reason]);
    put_text(event->down.text, to);
}

static void put_due(const struct vd_event *event, struct vd_text *to)
{
    if (event->due.deaf_ms != 0)
        vd_text_printf(to, " deaf for %lld ms", (long long)event->due.deaf_ms);
    if (event->due.left_at != 0)
        vd_text_printf(to, "; of %lld left at %lld", (long long)event->due.from,
                       (long long)event->due.left_at);
}

void vd_trace_event(const struct vd_event *event, struct vd_text *to)
{
    vd_text_puts(to, event_names[event->type]);
    switch (event->type) {
    case VD_EV_START:
        return;
    case VD_EV_DUE:
        put_due(event, to);
        return;
    case VD_EV_LINK_UP:
        vd_text_printf(to, " link %llu", (ull)event->up.link.n);
        put_label("to", event->up.ip, to);
        put_label("from", event->up.local_ip, to);
        return;
    case VD_EV_LINK_DOWN:
        put_down(event, to);
        return;
    case VD_EV_PONG:
        put_asked(event->pong.link, event->pong.ticket, to);
        vd_text_printf(to, " %s", pong_kinds[event->pong.kind]);
        put_text(event->pong.text, to);
        return;
    case VD_EV_INFO:
        put_asked(event->info.link, event->info.ticket, to);
        put_info(event->info.info, to);
        return;
    case VD_EV_ROLE:
        put_asked(event->role.link, event->role.ticket, to);
        vd_text_printf(to, " %s", role_names[event->role.role]);
        put_addr("of", &event->role.primary, to);
        return;
    case VD_EV_ANSWER:
        put_answer(event, to);
        return;
    case VD_EV_ACK:
        put_ack(event, to);
        return;
    case VD_EV_HELLO:
        vd_text_printf(to, " link %llu", (ull)event->hello.link.n);
        put_hello(event->hello.hello, to);
        return;
    case VD_EV_QUESTION:
        put_question(event, to);
        return;
    case VD_EV_ORDER:
        vd_text_printf(to, " client %llu", (ull)event->order.client.n);
        put_order(event->order.order, to);
        return;
    case VD_EV_SCRIPT_EXIT:
        put_script(event, to);
        return;
    case VD_EV_RESOLVED:
        put_text(event->resolved.host, to);
        put_text(event->resolved.ip, to);
        return;
    }
    VD_ASSERT(false);
}
