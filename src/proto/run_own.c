/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SENTINEL's subcommands that are vedette's own: CANDIDATES, FORGET, PAUSE,
 * RESUME, SHOW. Sentinels of other makes do not know them.
 */
#include <string.h>

#include "core/view.h"
#include "proto/addr.h"
#include "proto/call.h"

#define PAUSE_MOST_MS (INT64_C(30) * 24 * 3600 * 1000)

static void put_pair(struct vd_resp *resp, const char *name, const char *value)
{
    vd_resp_bulk_cstr(resp, name);
    vd_resp_bulk_cstr(resp, value);
}

static void put_number(struct vd_resp *resp, const char *name, int64_t value)
{
    vd_resp_bulk_cstr(resp, name);
    vd_resp_bulk_int(resp, value);
}

void vd_run_sentinel_candidates(struct vd_call *call)
{
    const char *name = vd_call_find_group(call);
    const struct vd_core *core = call->desk->core;
    struct vd_resp *resp = &call->resp;
    struct vd_view_candidate candidate;
    size_t count = 0;

    if (name == NULL)
        return;
    while (vd_view_candidate(core, name, count, &candidate))
        count++;
    vd_resp_array(resp, count);
    for (size_t i = 0; vd_view_candidate(core, name, i, &candidate); i++) {
        vd_resp_map(resp, 8);
        put_pair(resp, "ip", vd_view_shown(core, &candidate.addr));
        put_number(resp, "port", candidate.addr.port);
        put_pair(resp, "chosen", candidate.is_chosen ? "yes" : "no");
        put_pair(resp, "verdict", candidate.verdict);
        put_number(resp, "priority", candidate.priority);
        put_number(resp, "offset", candidate.offset);
        put_number(resp, "lag-bytes", candidate.lag_bytes);
        put_number(resp, "link-down-time", candidate.link_down_ms);
    }
}

void vd_run_sentinel_forget(struct vd_call *call)
{
    const char *name = vd_call_find_group(call);
    const struct vd_word *whom = &call->words[3];
    struct vd_addr addr = {.port = 0};
    struct vd_order *order;
    uint16_t port;

    if (name == NULL)
        return;
    if (call->count == 5) {
        const struct vd_word *number = &call->words[4];

        if (!vd_port_parse(number->bytes, number->len, &port) || port == 0 ||
            !vd_addr_set(&addr, whom->bytes, whom->len, port)) {
            vd_resp_error(&call->resp, "ERR Invalid IP address or port of a replica");
            return;
        }
    } else if (call->count != 4 || whom->len == 0 || whom->len > VD_ID_LEN ||
               !vd_call_is_label(whom)) {
        vd_resp_error(&call->resp,
                      "ERR FORGET needs a sentinel's runid, or a replica's ip and port");
        return;
    }
    order = vd_call_give_order(call, VD_ORDER_FORGET);
    order->name = name;
    order->addr = addr;
    if (addr.port == 0)
        memcpy(order->id.hex, whom->bytes, whom->len);
}

/* LOCAL, or nothing, as the last word; false with the error written. */
static bool read_local(struct vd_call *call, size_t at, unsigned *flags)
{
    *flags = VD_PAUSE_TELL_PEERS;
    if (call->count == at)
        return true;
    *flags = 0;
    if (call->count == at + 1 && vd_word_is(&call->words[at], "local"))
        return true;
    vd_resp_error(&call->resp, "ERR syntax error");
    return false;
}

void vd_run_sentinel_pause(struct vd_call *call)
{
    const char *name = vd_call_find_group(call);
    const struct vd_word *time = &call->words[3];
    struct vd_order *order;
    unsigned flags;
    int64_t ms;

    if (name == NULL || !read_local(call, 4, &flags))
        return;
    if (!vd_parse_int64(time->bytes, time->len, &ms) || ms < 1 || ms > PAUSE_MOST_MS) {
        vd_resp_error(&call->resp, "ERR The time must be 1 to %lld milliseconds",
                      (long long)PAUSE_MOST_MS);
        return;
    }
    order = vd_call_give_order(call, VD_ORDER_PAUSE);
    order->name = name;
    order->for_ms = ms;
    order->flags = flags;
}

void vd_run_sentinel_resume(struct vd_call *call)
{
    const char *name = vd_call_find_group(call);
    struct vd_order *order;
    unsigned flags;

    if (name == NULL || !read_local(call, 3, &flags))
        return;
    order = vd_call_give_order(call, VD_ORDER_RESUME);
    order->name = name;
    order->flags = flags;
}

void vd_run_sentinel_show(struct vd_call *call)
{
    const struct vd_desk *desk = call->desk;
    const struct vd_word *page = &call->words[2];
    struct vd_text text = {0};

    for (size_t i = 2; i < call->count; i++) {
        if (strlen(call->words[i].bytes) != call->words[i].len) {
            vd_resp_error(&call->resp, "ERR A page, a name or a value has a NUL in it");
            return;
        }
    }
    if (call->count % 2 == 0) {
        vd_call_wrong_arity(call);
        return;
    }
    if (desk->show == NULL)
        vd_resp_error(&call->resp, "ERR Nothing is shown here");
    else if (desk->show(desk->self, page->bytes, call->words + 3, call->count - 3, &text))
        vd_resp_bulk(&call->resp, vd_text_cstr(&text), text.len);
    else
        vd_resp_error(&call->resp, "ERR %s", vd_text_cstr(&text));
    vd_text_free(&text);
}
