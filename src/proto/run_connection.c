/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that are about the connection or the process, and not SENTINEL or CLIENT. */
#include <string.h>

#include "proto/call.h"
#include "proto/hello.h"
#include "proto/render.h"
#include "proto/render_info.h"

/* Who it is ------------------------------------------------------------------- */

bool vd_call_authenticate(struct vd_call *call, const struct vd_word *name,
                          const struct vd_word *pass, const char *object)
{
    const struct vd_acl *acl = call->desk->acl;
    struct vd_acl_user *user = vd_acl_find(acl, name->bytes, name->len);
    /* A password is compared whoever asks, so that time does not tell users from strangers. */
    bool known = vd_acl_lets_in(user != NULL ? user : vd_acl_default(acl), pass);

    if (user != NULL && known) {
        vd_session_become(call->session, user);
        return true;
    }
    vd_resp_error(&call->resp, "WRONGPASS invalid username-password pair or user is disabled.");
    call->out->denial = (struct vd_denial){
        .reason = VD_DENIAL_AUTH,
        .object = object,
        .user = vd_arena_memdup(call->arena, name->bytes, name->len),
    };
    return false;
}

void vd_run_auth(struct vd_call *call)
{
    static const struct vd_word nobody = {.bytes = "default", .len = 7};
    const struct vd_word *words = call->words;

    if (call->count > 3) {
        vd_resp_error(&call->resp, "ERR syntax error");
        return;
    }
    if (call->count == 2 && vd_acl_is_open(vd_acl_default(call->desk->acl))) {
        vd_resp_error(&call->resp,
                      "ERR AUTH <password> called without any password configured for the default "
                      "user. Are you sure your configuration is correct?");
        return;
    }
    if (vd_call_authenticate(call, call->count == 2 ? &nobody : &words[1], &words[call->count - 1],
                             "AUTH"))
        vd_resp_status(&call->resp, "OK");
}

struct hello_options {
    int64_t version; /* 0: not given */
    const struct vd_word *user;
    const struct vd_word *pass;
    const struct vd_word *name;
};

static bool read_hello(struct vd_call *call, struct hello_options *options)
{
    const struct vd_word *words = call->words;
    size_t at = 2;

    if (call->count < 2)
        return true;
    if (!vd_parse_int64(words[1].bytes, words[1].len, &options->version)) {
        vd_resp_error(&call->resp, "ERR Protocol version is not an integer or out of range");
        return false;
    }
    if (options->version < 2 || options->version > 3) {
        vd_resp_error(&call->resp, "NOPROTO unsupported protocol version");
        return false;
    }
    while (at < call->count) {
        size_t more = call->count - at - 1;

        if (vd_word_is(&words[at], "auth") && more >= 2) {
            options->user = &words[at + 1];
            options->pass = &words[at + 2];
            at += 3;
        } else if (vd_word_is(&words[at], "setname") && more >= 1) {
            options->name = &words[at + 1];
            at += 2;
        } else {
            vd_resp_error(&call->resp, "ERR Syntax error in HELLO option '%s'", words[at].bytes);
            return false;
        }
    }
    return true;
}

void vd_run_hello(struct vd_call *call)
{
    struct hello_options options = {0};
    struct vd_session *session = call->session;
    struct vd_resp *resp = &call->resp;

    if (!read_hello(call, &options))
        return;
    if (options.name != NULL && !vd_call_is_label(options.name)) {
        vd_resp_error(resp, "ERR Client names cannot contain spaces, newlines or special "
                            "characters.");
        return;
    }
    if (options.user != NULL && !vd_call_authenticate(call, options.user, options.pass, "HELLO"))
        return;
    if (!session->authenticated) {
        vd_resp_error(resp,
                      "NOAUTH HELLO must be called with the client already authenticated, "
                      "otherwise the HELLO <proto> AUTH <user> <pass> option can be used to "
                      "authenticate the client and select the RESP protocol version at the same "
                      "time");
        return;
    }
    if (options.name != NULL)
        vd_call_set_label(&session->name, options.name);
    if (options.version != 0)
        session->version = (unsigned)options.version;
    resp->version = session->version;
    vd_resp_map(resp, 6);
    vd_resp_bulk_cstr(resp, "server");
    vd_resp_bulk_cstr(resp, call->desk->is_valkey ? "valkey" : "redis");
    vd_resp_bulk_cstr(resp, "version");
    vd_resp_bulk_cstr(resp, call->desk->is_valkey ? VD_VALKEY_VERSION
                                                  : vd_redis_version(call->desk->server));
    vd_resp_bulk_cstr(resp, "proto");
    vd_resp_int(resp, (int64_t)session->version);
    vd_resp_bulk_cstr(resp, "id");
    vd_resp_int(resp, (int64_t)session->id.n);
    vd_resp_bulk_cstr(resp, "mode");
    vd_resp_bulk_cstr(resp, "sentinel");
    vd_resp_bulk_cstr(resp, "modules");
    vd_resp_array(resp, 0);
}

/* What it asks ---------------------------------------------------------------- */

void vd_run_ping(struct vd_call *call)
{
    const struct vd_session *session = call->session;
    const struct vd_word *message = call->count == 2 ? &call->words[1] : NULL;
    struct vd_resp *resp = &call->resp;

    if (call->count > 2) {
        vd_call_wrong_arity(call);
    } else if (session->version < 3 && session->channels + session->patterns > 0) {
        vd_resp_array(resp, 2);
        vd_resp_bulk_cstr(resp, "pong");
        vd_resp_bulk(resp, message == NULL ? "" : message->bytes,
                     message == NULL ? 0 : message->len);
    } else if (message == NULL) {
        vd_resp_status(resp, "PONG");
    } else {
        vd_resp_bulk(resp, message->bytes, message->len);
    }
}

void vd_run_info(struct vd_call *call)
{
    struct vd_server_facts facts = {0};
    struct vd_text text = {0};

    call->desk->facts(call->desk->self, &facts);
    vd_render_info(call->desk->core, call->now, &facts, call->words + 1, call->count - 1, &text);
    vd_resp_bulk(&call->resp, text.bytes, text.len);
    vd_text_free(&text);
}

void vd_run_role(struct vd_call *call)
{
    vd_render_role(call->desk->core, call->now, &call->resp);
}

void vd_run_publish(struct vd_call *call)
{
    const struct vd_word *channel = &call->words[1];
    const struct vd_word *message = &call->words[2];
    struct vd_outcome *out = call->out;
    struct vd_err err = {""};

    if (channel->len != strlen(VD_HELLO_CHANNEL) ||
        memcmp(channel->bytes, VD_HELLO_CHANNEL, channel->len) != 0) {
        vd_resp_error(&call->resp, "ERR Only HELLO messages are accepted by Sentinel instances.");
        return;
    }
    /* compat: one receiver, whatever the message was. */
    vd_resp_int(&call->resp, 1);
    if (vd_hello_is_word(message->bytes, message->len)) {
        out->type = VD_OUT_WORD;
        out->words = message;
        out->count = 1;
        return;
    }
    if (!vd_hello_parse(message->bytes, message->len, &out->hello, &err)) {
        out->complaint = vd_arena_printf(call->arena, "a hello was ignored: %s", err.text);
        return;
    }
    out->event = (struct vd_event){.type = VD_EV_HELLO, .hello = {.hello = &out->hello}};
    out->type = VD_OUT_TOLD;
}

/* What the shell does ---------------------------------------------------------- */

static void leave_to_shell(struct vd_call *call, enum vd_outcome_type type)
{
    call->out->type = type;
    call->out->words = call->words + 1;
    call->out->count = call->count - 1;
}

void vd_run_subscribe(struct vd_call *call)
{
    leave_to_shell(call, VD_OUT_SUBSCRIBE);
}

void vd_run_unsubscribe(struct vd_call *call)
{
    leave_to_shell(call, VD_OUT_UNSUBSCRIBE);
}

void vd_run_psubscribe(struct vd_call *call)
{
    leave_to_shell(call, VD_OUT_PSUBSCRIBE);
}

void vd_run_punsubscribe(struct vd_call *call)
{
    leave_to_shell(call, VD_OUT_PUNSUBSCRIBE);
}

void vd_run_quit(struct vd_call *call)
{
    vd_resp_status(&call->resp, "OK");
    call->out->type = VD_OUT_CLOSE;
}

void vd_run_shutdown(struct vd_call *call)
{
    bool save = false;
    bool nosave = false;
    bool abort = false;

    for (size_t i = 1; i < call->count; i++) {
        const struct vd_word *word = &call->words[i];

        if (vd_word_is(word, "save")) {
            save = true;
        } else if (vd_word_is(word, "nosave")) {
            nosave = true;
        } else if (vd_word_is(word, "abort")) {
            abort = true;
        } else if (!vd_word_is(word, "now") && !vd_word_is(word, "force")) {
            vd_resp_error(&call->resp, "ERR syntax error");
            return;
        }
    }
    if ((save && nosave) || (abort && call->count > 2))
        vd_resp_error(&call->resp, "ERR syntax error");
    else if (abort)
        vd_resp_error(&call->resp, "ERR No shutdown in progress.");
    else
        call->out->type = VD_OUT_SHUTDOWN;
}
