/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SENTINEL's orders: what changes something. Words are judged here, with
 * Sentinel's errors; what is left goes to the core as an order, and the core
 * may still refuse it.
 */
#include <limits.h>
#include <string.h>

#include "core/view.h"
#include "proto/addr.h"
#include "proto/call.h"
#include "proto/option.h"
#include "proto/render.h"

struct vd_order *vd_call_give_order(struct vd_call *call, enum vd_order_type type)
{
    struct vd_outcome *out = call->out;

    out->type = VD_OUT_EVENT;
    out->order = (struct vd_order){.type = type};
    out->event = (struct vd_event){
        .type = VD_EV_ORDER,
        .order = {.client = call->session->id, .order = &out->order},
    };
    return &out->order;
}

const char *vd_call_find_group(struct vd_call *call)
{
    const struct vd_word *name = &call->words[2];

    if (strlen(name->bytes) == name->len && vd_view_address(call->desk->core, name->bytes) != NULL)
        return name->bytes;
    vd_resp_error(&call->resp, "ERR No such master with that name");
    return NULL;
}

/* Nothing that came by the network may ever end a line where it is kept. */
static bool is_clean(struct vd_call *call, size_t from, const char *sub)
{
    for (size_t i = from; i < call->count; i++) {
        if (vd_word_has_control(&call->words[i])) {
            vd_resp_error(&call->resp,
                          "ERR Invalid argument at index %zu for SENTINEL %s: control characters "
                          "are not allowed",
                          i, sub);
            return false;
        }
    }
    return true;
}

/* TO ip port, at words[at]; false with the error written. */
static bool read_target(struct vd_call *call, size_t at, struct vd_addr *out)
{
    const struct vd_word *words = call->words;
    uint16_t port;

    if (at + 2 < call->count && vd_port_parse(words[at + 2].bytes, words[at + 2].len, &port) &&
        port != 0 && vd_addr_set(out, words[at + 1].bytes, words[at + 1].len, port))
        return true;
    vd_resp_error(&call->resp, "ERR TO needs the ip and the port of a replica");
    return false;
}

/* differs: COORDINATED is Valkey 9's; TO is ours. */
void vd_run_sentinel_failover(struct vd_call *call)
{
    const char *name = vd_call_find_group(call);
    struct vd_addr to = {.port = 0};
    struct vd_order *order;
    unsigned flags = 0;

    if (name == NULL)
        return;
    for (size_t i = 3; i < call->count; i++) {
        if (vd_word_is(&call->words[i], "coordinated")) {
            flags |= VD_FAILOVER_COORDINATED;
        } else if (vd_word_is(&call->words[i], "to")) {
            if (!read_target(call, i, &to))
                return;
            i += 2;
        } else {
            vd_resp_error(&call->resp, "ERR Unknown failover option specified");
            return;
        }
    }
    order = vd_call_give_order(call, VD_ORDER_FAILOVER);
    order->name = name;
    order->flags = flags;
    order->addr = to;
}

void vd_run_sentinel_remove(struct vd_call *call)
{
    const char *name = vd_call_find_group(call);

    if (name != NULL)
        vd_call_give_order(call, VD_ORDER_REMOVE)->name = name;
}

void vd_run_sentinel_reset(struct vd_call *call)
{
    vd_call_give_order(call, VD_ORDER_RESET)->name = call->words[2].bytes;
}

void vd_run_sentinel_flush(struct vd_call *call)
{
    vd_call_give_order(call, VD_ORDER_FLUSH);
}

/* MONITOR ----------------------------------------------------------------------- */

void vd_run_sentinel_monitor(struct vd_call *call)
{
    const struct vd_word *words = call->words;
    struct vd_resp *resp = &call->resp;
    struct vd_view_core view;
    struct vd_addr addr;
    struct vd_order *order;
    int64_t port;
    int64_t quorum;
    bool known_host;

    if (!is_clean(call, 2, "MONITOR"))
        return;
    vd_view_core(call->desk->core, &view);
    known_host = vd_addr_set(&addr, words[3].bytes, words[3].len, 0) &&
                 (view.globals->resolve_hostnames || !vd_addr_is_name(&addr));
    if (!vd_parse_int64(words[5].bytes, words[5].len, &quorum) || quorum > INT_MAX) {
        vd_resp_error(resp, "ERR Invalid quorum");
    } else if (!vd_parse_int64(words[4].bytes, words[4].len, &port)) {
        vd_resp_error(resp, "ERR Invalid port");
    } else if (quorum < 1) {
        vd_resp_error(resp, "ERR Quorum must be 1 or greater.");
    } else if (!known_host) {
        vd_resp_error(resp, "ERR Invalid IP address or hostname specified");
    } else if (port < 0 || port > UINT16_MAX) {
        vd_resp_error(resp, "ERR Invalid port number.");
    } else if (!vd_group_name_valid(words[2].bytes, words[2].len)) {
        /* differs: Sentinel takes it, and then no hello about it can be read. */
        vd_resp_error(resp, "ERR Invalid master name: 1 to 255 characters, no blanks or commas");
    } else if (vd_view_address(call->desk->core, words[2].bytes) != NULL) {
        vd_resp_error(resp, "ERR Duplicate master name.");
    } else {
        order = vd_call_give_order(call, VD_ORDER_MONITOR);
        order->name = words[2].bytes;
        order->addr = addr;
        order->addr.port = (uint16_t)port;
        order->quorum = (unsigned)quorum;
        if (vd_addr_is_name(&addr))
            call->out->type = VD_OUT_RESOLVE;
    }
}

/* SET, CONFIG, DEBUG ------------------------------------------------------------ */

/* What was read before the error, if any, is applied; then the error is the reply. */
static void give_settings(struct vd_call *call, enum vd_order_type type, const char *name,
                          const struct vd_setting *settings, size_t count, const char *error)
{
    struct vd_order *order;

    if (count == 0) {
        if (error != NULL)
            vd_resp_error(&call->resp, "%s", error);
        else
            vd_resp_status(&call->resp, "OK");
        return;
    }
    order = vd_call_give_order(call, type);
    order->name = name;
    order->settings = settings;
    order->setting_count = count;
    order->error = error == NULL ? NULL : vd_arena_strdup(call->arena, error);
}

void vd_run_sentinel_set(struct vd_call *call)
{
    struct vd_setting *settings =
        vd_arena_alloc(call->arena, (call->count / 2) * sizeof(settings[0]));
    const char *name = vd_call_find_group(call);
    struct vd_option_world world;
    struct vd_view_core view;
    struct vd_err err = {""};
    size_t count = 0;
    size_t at = 3;
    bool ok = true;

    if (name == NULL || !is_clean(call, 3, "SET"))
        return;
    vd_view_core(call->desk->core, &view);
    world = (struct vd_option_world){
        .deny_scripts_reconfig = view.globals->deny_scripts_reconfig,
        .is_executable = call->desk->is_executable,
    };
    while (ok && at < call->count) {
        ok = vd_option_set(call->words, call->count, &at, &world, call->arena, &settings[count],
                           &err);
        count += ok;
    }
    give_settings(call, VD_ORDER_SET, name, settings, count, ok ? NULL : err.text);
}

static void config_set(struct vd_call *call)
{
    const struct vd_setting *settings;
    struct vd_setting *core_settings;
    struct vd_err err = {""};
    size_t count;
    size_t kept = 0;

    if (!is_clean(call, 3, "CONFIG"))
        return;
    if (!vd_option_config_set(call->words + 3, call->count - 3, call->arena, &settings, &count,
                              &err)) {
        vd_resp_error(&call->resp, "%s", err.text);
        return;
    }
    /* All of them are good. The log level is the shell's, the others are the core's. */
    core_settings = vd_arena_alloc(call->arena, count * sizeof(core_settings[0]));
    for (size_t i = 0; i < count; i++) {
        if (settings[i].option == VD_OPT_LOG_LEVEL)
            call->out->log_level = (int)settings[i].number;
        else
            core_settings[kept++] = settings[i];
    }
    give_settings(call, VD_ORDER_CONFIGURE, NULL, core_settings, kept, NULL);
}

void vd_run_sentinel_config(struct vd_call *call)
{
    struct vd_view_core view;

    if (vd_word_is(&call->words[2], "get")) {
        vd_view_core(call->desk->core, &view);
        vd_render_config(view.globals, (int)call->desk->log_level(), call->words + 3,
                         call->count - 3, &call->resp);
    } else if (vd_word_is(&call->words[2], "set") && call->count > 4) {
        config_set(call);
    } else {
        vd_resp_error(&call->resp,
                      "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / SET <param> "
                      "<value> [<param> <value> ...] are supported.");
    }
}

void vd_run_sentinel_debug(struct vd_call *call)
{
    struct vd_setting *settings;
    struct vd_view_core view;
    struct vd_err err = {""};
    size_t count = 0;
    size_t at = 2;
    bool ok = true;

    if (call->count == 2) {
        vd_view_core(call->desk->core, &view);
        vd_render_debug(view.globals, &call->resp);
        return;
    }
    settings = vd_arena_alloc(call->arena, (call->count / 2) * sizeof(settings[0]));
    while (ok && at < call->count) {
        ok = vd_option_debug(call->words, call->count, &at, &settings[count], &err);
        count += ok;
    }
    give_settings(call, VD_ORDER_CONFIGURE, NULL, settings, count, ok ? NULL : err.text);
}

/* SIMULATE-FAILURE --------------------------------------------------------------- */

void vd_run_sentinel_simulate(struct vd_call *call)
{
    unsigned flags = 0;

    for (size_t i = 2; i < call->count; i++) {
        const struct vd_word *word = &call->words[i];

        if (vd_word_is(word, "crash-after-election")) {
            flags |= VD_CRASH_AFTER_ELECTION;
        } else if (vd_word_is(word, "crash-after-promotion")) {
            flags |= VD_CRASH_AFTER_PROMOTION;
        } else if (vd_word_is(word, "help")) {
            vd_resp_array(&call->resp, 2);
            vd_resp_bulk_cstr(&call->resp, "crash-after-election");
            vd_resp_bulk_cstr(&call->resp, "crash-after-promotion");
            return;
        } else {
            vd_resp_error(&call->resp, "ERR Unknown failure simulation specified");
            return;
        }
    }
    vd_call_give_order(call, VD_ORDER_SIMULATE_FAILURE)->flags = flags;
}
