/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLIENT: what a connection says of itself is kept in its session here; what
 * concerns other connections is read into a filter and left to the shell.
 */
#include "proto/call.h"

#include <string.h>

#define PAUSE_MAX_MS (INT64_C(366) * 86400 * 1000)

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

void vd_run_client_info(struct vd_call *call)
{
    call->out->type = VD_OUT_CLIENT_INFO;
}

/* What has little to do in a sentinel ----------------------------------------------- */

void vd_run_client_no_evict(struct vd_call *call)
{
    bool on = vd_word_is(&call->words[2], "on");

    if (!on && !vd_word_is(&call->words[2], "off")) {
        vd_resp_error(&call->resp, "ERR syntax error");
        return;
    }
    call->session->no_evict = on;
    vd_resp_status(&call->resp, "OK");
}

void vd_run_client_reply(struct vd_call *call)
{
    const struct vd_word *mode = &call->words[2];
    struct vd_session *session = call->session;

    if (vd_word_is(mode, "on")) {
        session->reply = VD_REPLY_ON;
        session->muted = false;
        vd_resp_status(&call->resp, "OK");
    } else if (vd_word_is(mode, "off")) {
        session->reply = VD_REPLY_OFF;
        session->muted = true;
    } else if (vd_word_is(mode, "skip")) {
        if (!session->muted)
            session->reply = VD_REPLY_SKIP;
        session->muted = true;
    } else {
        vd_resp_error(&call->resp, "ERR syntax error");
    }
}

void vd_run_client_unblock(struct vd_call *call)
{
    int64_t id;

    if (call->count > 4)
        vd_call_wrong_use(call);
    else if (call->count == 4 && !vd_word_is(&call->words[3], "timeout") &&
             !vd_word_is(&call->words[3], "error"))
        vd_resp_error(&call->resp, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    else if (!vd_parse_int64(call->words[2].bytes, call->words[2].len, &id))
        vd_resp_error(&call->resp, "ERR value is not an integer or out of range");
    else
        vd_resp_int(&call->resp, 0); /* nobody is ever blocked */
}

void vd_run_client_pause(struct vd_call *call)
{
    bool all = call->count == 3 || vd_word_is(&call->words[3], "all");
    int64_t ms;

    if (call->count > 4) {
        vd_call_wrong_use(call);
    } else if (!all && !vd_word_is(&call->words[3], "write")) {
        vd_resp_error(&call->resp, "ERR CLIENT PAUSE mode must be WRITE or ALL");
    } else if (!vd_parse_int64(call->words[2].bytes, call->words[2].len, &ms)) {
        vd_resp_error(&call->resp, "ERR timeout is not an integer or out of range");
    } else if (ms < 0) {
        vd_resp_error(&call->resp, "ERR timeout is negative");
    } else if (ms > INT64_MAX - call->desk->wall_ms()) {
        vd_resp_error(&call->resp, "ERR timeout is out of range");
    } else {
        vd_resp_status(&call->resp, "OK");
        /* differs: nothing is written here, so that WRITE holds nobody; Redis's sentinel holds
         * PUBLISH back. */
        if (all && ms > 0) {
            call->out->type = VD_OUT_PAUSE;
            call->out->pause_ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
        }
    }
}

void vd_run_client_unpause(struct vd_call *call)
{
    vd_resp_status(&call->resp, "OK");
    call->out->type = VD_OUT_PAUSE;
    call->out->pause_ms = 0;
}

/* Filters ----------------------------------------------------------------------- */

static bool refuse_syntax(struct vd_call *call)
{
    vd_resp_error(&call->resp, "ERR syntax error");
    return false;
}

static bool read_type(struct vd_call *call, const struct vd_word *word, enum vd_client_type *type)
{
    if (vd_word_is(word, "normal")) {
        *type = VD_CLIENT_NORMAL;
    } else if (vd_word_is(word, "pubsub")) {
        *type = VD_CLIENT_PUBSUB;
    } else if (vd_word_is(word, "master") || vd_word_is(word, "primary") ||
               vd_word_is(word, "replica") || vd_word_is(word, "slave")) {
        *type = VD_CLIENT_NONE;
    } else {
        vd_resp_error(&call->resp, "ERR Unknown client type '%.128s'", word->bytes);
        return false;
    }
    return true;
}

/* Ids from words[*at], as many as there are; moves behind them. At least one is needed. */
static bool read_ids(struct vd_call *call, size_t *at, bool kill, struct vd_client_traits *traits)
{
    const struct vd_word *words = call->words;
    int64_t id = 0;
    size_t end = *at;

    while (end < call->count && vd_parse_int64(words[end].bytes, words[end].len, &id) &&
           (id > 0 || !kill))
        end++;
    if (end == *at) {
        vd_resp_error(&call->resp,
                      kill ? "ERR client-id should be greater than 0" : "ERR Invalid client ID");
        return false;
    }
    traits->ids = words + *at;
    traits->id_count = end - *at;
    *at = end;
    return true;
}

static bool read_user(struct vd_call *call, const struct vd_word *name,
                      struct vd_client_traits *traits)
{
    if (vd_acl_find(call->desk->acl, name->bytes, name->len) == NULL) {
        vd_resp_error(&call->resp, "ERR No such user '%.128s'", name->bytes);
        return false;
    }
    traits->user = name;
    return true;
}

static bool read_capa(struct vd_call *call, bool negated, const struct vd_word *letters,
                      struct vd_client_traits *traits)
{
    if (strspn(letters->bytes, "r") != letters->len) {
        vd_resp_error(&call->resp,
                      negated ? "ERR Unknown capa found in the NOT-CAPA filter: %.128s"
                              : "ERR Unknown capa found in the provided filter: %.128s",
                      letters->bytes);
        return false;
    }
    traits->capa = letters;
    return true;
}

static bool read_seconds(struct vd_call *call, const struct vd_word *option,
                         const struct vd_word *value, int64_t *seconds)
{
    if (vd_parse_int64(value->bytes, value->len, seconds) && *seconds > 0)
        return true;
    vd_resp_error(&call->resp, "ERR %s is not an integer or out of range",
                  vd_word_is(option, "idle") ? "idle" : "maxage");
    return false;
}

/* A trait that is a text. */
static bool read_text(struct vd_call *call, const struct vd_word *name, const struct vd_word *value,
                      struct vd_client_traits *traits)
{
    const struct {
        const char *name;
        const struct vd_word **place;
    } texts[] = {
        {"addr", &traits->addr},         {"laddr", &traits->laddr},     {"ip", &traits->ip},
        {"name", &traits->name},         {"flags", &traits->flags},     {"db", &traits->db},
        {"lib-name", &traits->lib_name}, {"lib-ver", &traits->lib_ver},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!vd_word_is(name, texts[i].name))
            continue;
        *texts[i].place = value;
        return true;
    }
    return refuse_syntax(call);
}

/* One option with its value or values, at words[*at]; moves behind them. */
static bool read_option(struct vd_call *call, size_t *at, bool kill)
{
    struct vd_client_filter *filter = &call->out->filter;
    const struct vd_word *option = &call->words[*at];
    bool negated = option->len > 4 && vd_word_is(&(struct vd_word){option->bytes, 4}, "not-");
    struct vd_client_traits *traits = negated ? &filter->unwanted : &filter->wanted;
    struct vd_word name = {option->bytes + (negated ? 4 : 0), option->len - (negated ? 4 : 0)};
    const struct vd_word *value = &call->words[*at + 1];

    if (*at + 1 >= call->count)
        return refuse_syntax(call);
    if (vd_word_is(&name, "id")) {
        *at += 1;
        return read_ids(call, at, kill, traits);
    }
    *at += 2;
    if (vd_word_is(&name, "type"))
        return read_type(call, value, &traits->type);
    if (vd_word_is(&name, "user"))
        return read_user(call, value, traits);
    if (vd_word_is(&name, "capa"))
        return read_capa(call, negated, value, traits);
    if (vd_word_is(option, "maxage"))
        return read_seconds(call, option, value, &filter->max_age_s);
    if (vd_word_is(option, "idle"))
        return read_seconds(call, option, value, &filter->idle_s);
    if (vd_word_is(option, "skipme")) {
        filter->skip_me = vd_word_is(value, "yes");
        return filter->skip_me || vd_word_is(value, "no") || refuse_syntax(call);
    }
    return read_text(call, &name, value, traits);
}

static void read_filter(struct vd_call *call, bool kill)
{
    struct vd_client_filter *filter = &call->out->filter;
    size_t at = 2;

    *filter = (struct vd_client_filter){.max_age_s = -1, .idle_s = -1, .skip_me = kill};
    if (kill && call->count == 3) {
        filter->wanted.addr = &call->words[2];
        filter->one = true;
        filter->skip_me = false;
        at = call->count;
    }
    while (at < call->count) {
        if (!read_option(call, &at, kill))
            return;
    }
    call->out->type = kill ? VD_OUT_CLIENT_KILL : VD_OUT_CLIENT_LIST;
}

void vd_run_client_list(struct vd_call *call)
{
    read_filter(call, false);
}

void vd_run_client_kill(struct vd_call *call)
{
    read_filter(call, true);
}
