/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLIENT: what a connection says of itself is kept in its session here; what
 * concerns other connections is read into a filter and left to the shell.
 */
#include "proto/call.h"

#include <stdlib.h>
#include <string.h>

bool vd_call_is_label(const struct vd_word *word)
{
    for (size_t i = 0; i < word->len; i++) {
        if (word->bytes[i] < '!' || word->bytes[i] > '~')
            return false;
    }
    return true;
}

void vd_call_set_label(char **label, const struct vd_word *word)
{
    vd_free(*label);
    *label = word->len == 0 ? NULL : vd_memdup(word->bytes, word->len);
}

void vd_run_client_id(struct vd_call *call)
{
    vd_resp_int(&call->resp, (int64_t)call->session->id.n);
}

void vd_run_client_getname(struct vd_call *call)
{
    if (call->session->name == NULL)
        vd_resp_null(&call->resp);
    else
        vd_resp_bulk_cstr(&call->resp, call->session->name);
}

void vd_run_client_setname(struct vd_call *call)
{
    if (!vd_call_is_label(&call->words[2])) {
        vd_resp_error(&call->resp, "ERR Client names cannot contain spaces, newlines or special "
                                   "characters.");
        return;
    }
    vd_call_set_label(&call->session->name, &call->words[2]);
    vd_resp_status(&call->resp, "OK");
}

void vd_run_client_setinfo(struct vd_call *call)
{
    const struct vd_word *option = &call->words[2];
    char **label;

    if (vd_word_is(option, "lib-name")) {
        label = &call->session->lib_name;
    } else if (vd_word_is(option, "lib-ver")) {
        label = &call->session->lib_ver;
    } else {
        vd_resp_error(&call->resp, "ERR Unrecognized option '%s'", option->bytes);
        return;
    }
    if (!vd_call_is_label(&call->words[3])) {
        vd_resp_error(&call->resp, "ERR %s cannot contain spaces, newlines or special characters.",
                      label == &call->session->lib_name ? "lib-name" : "lib-ver");
        return;
    }
    vd_call_set_label(label, &call->words[3]);
    vd_resp_status(&call->resp, "OK");
}

/* Filters ----------------------------------------------------------------------- */

static void start_filter(struct vd_call *call)
{
    call->out->filter = (struct vd_client_filter){.type = VD_CLIENT_ANY, .max_age_s = -1};
}

static bool read_type(struct vd_call *call, const struct vd_word *word)
{
    struct vd_client_filter *filter = &call->out->filter;

    if (vd_word_is(word, "normal")) {
        filter->type = VD_CLIENT_NORMAL;
    } else if (vd_word_is(word, "pubsub")) {
        filter->type = VD_CLIENT_PUBSUB;
    } else if (vd_word_is(word, "master") || vd_word_is(word, "primary") ||
               vd_word_is(word, "replica") || vd_word_is(word, "slave")) {
        filter->type = VD_CLIENT_NONE;
    } else {
        vd_resp_error(&call->resp, "ERR Unknown client type '%s'", word->bytes);
        return false;
    }
    return true;
}

void vd_run_client_info(struct vd_call *call)
{
    call->out->type = VD_OUT_CLIENT_INFO;
}

void vd_run_client_list(struct vd_call *call)
{
    const struct vd_word *words = call->words;
    struct vd_client_filter *filter = &call->out->filter;

    start_filter(call);
    if (call->count == 4 && vd_word_is(&words[2], "type")) {
        if (!read_type(call, &words[3]))
            return;
    } else if (call->count > 3 && vd_word_is(&words[2], "id")) {
        filter->ids = words + 3;
        filter->id_count = call->count - 3;
        for (size_t i = 0; i < filter->id_count; i++) {
            int64_t id;

            if (!vd_parse_int64(filter->ids[i].bytes, filter->ids[i].len, &id)) {
                vd_resp_error(&call->resp, "ERR Invalid client ID");
                return;
            }
        }
    } else if (call->count != 2) {
        vd_resp_error(&call->resp, "ERR syntax error");
        return;
    }
    call->out->type = VD_OUT_CLIENT_LIST;
}

/* One option of CLIENT KILL with its value. */
static bool read_kill_option(struct vd_call *call, const struct vd_word *option,
                             const struct vd_word *value)
{
    struct vd_client_filter *filter = &call->out->filter;
    int64_t number;

    if (vd_word_is(option, "id")) {
        if (!vd_parse_int64(value->bytes, value->len, &number) || number < 1) {
            vd_resp_error(&call->resp, "ERR client-id should be greater than 0");
            return false;
        }
        filter->ids = value;
        filter->id_count = 1;
    } else if (vd_word_is(option, "maxage")) {
        if (!vd_parse_int64(value->bytes, value->len, &number) || number < 1) {
            vd_resp_error(&call->resp, "ERR maxage is not an integer or out of range");
            return false;
        }
        filter->max_age_s = number;
    } else if (vd_word_is(option, "type")) {
        return read_type(call, value);
    } else if (vd_word_is(option, "addr")) {
        filter->addr = value;
    } else if (vd_word_is(option, "laddr")) {
        filter->laddr = value;
    } else if (vd_word_is(option, "user")) {
        if (value->len != 7 || memcmp(value->bytes, "default", 7) != 0) {
            vd_resp_error(&call->resp, "ERR No such user '%s'", value->bytes);
            return false;
        }
    } else if (vd_word_is(option, "skipme") && vd_word_is(value, "yes")) {
        filter->skip_me = true;
    } else if (vd_word_is(option, "skipme") && vd_word_is(value, "no")) {
        filter->skip_me = false;
    } else {
        vd_resp_error(&call->resp, "ERR syntax error");
        return false;
    }
    return true;
}

void vd_run_client_kill(struct vd_call *call)
{
    struct vd_client_filter *filter = &call->out->filter;

    start_filter(call);
    if (call->count == 3) {
        filter->addr = &call->words[2];
        filter->one = true;
        call->out->type = VD_OUT_CLIENT_KILL;
        return;
    }
    filter->skip_me = true;
    if (call->count % 2 != 0) {
        vd_resp_error(&call->resp, "ERR syntax error");
        return;
    }
    for (size_t i = 2; i < call->count; i += 2) {
        if (!read_kill_option(call, &call->words[i], &call->words[i + 1]))
            return;
    }
    call->out->type = VD_OUT_CLIENT_KILL;
}
