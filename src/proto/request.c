/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way of every request: found in the table, checked in Redis's order
 * (PROTOCOL 4.3), run. See request.h.
 */
#include "proto/request.h"

#include <string.h>

#include "proto/call.h"
#include "proto/server_option.h"

/* As much of a name, and of all arguments together, as an error shows. */
#define SHOWN_MAX 128

static size_t shown(const struct vd_word *word, size_t most)
{
    size_t len = 0;

    while (len < word->len && len < most && word->bytes[len] != '\0')
        len++;
    return len;
}

static void refuse_unknown(struct vd_call *call)
{
    const struct vd_word *words = call->words;
    struct vd_text args = {0};

    for (size_t i = 1; i < call->count && args.len < SHOWN_MAX; i++) {
        size_t len = shown(&words[i], SHOWN_MAX - args.len);

        vd_text_putc(&args, '\'');
        vd_text_add(&args, words[i].bytes, len);
        vd_text_puts(&args, "' ");
    }
    vd_resp_error(&call->resp, "ERR unknown command '%.*s', with args beginning with: %s",
                  (int)shown(&words[0], SHOWN_MAX), words[0].bytes, vd_text_cstr(&args));
    vd_text_free(&args);
}

static void refuse_unknown_sub(struct vd_call *call)
{
    struct vd_text name = {0};

    for (const char *at = call->parent->name; *at != '\0'; at++)
        vd_text_putc(&name, (char)(*at - 'a' + 'A'));
    vd_resp_error(&call->resp, "ERR unknown subcommand '%.*s'. Try %s HELP.",
                  (int)shown(&call->words[1], SHOWN_MAX), call->words[1].bytes, name.bytes);
    vd_text_free(&name);
}

void vd_call_wrong_arity(struct vd_call *call)
{
    struct vd_text name = {0};

    vd_command_put_name(call->parent, call->command, &name);
    vd_resp_error(&call->resp, "ERR wrong number of arguments for '%s' command", name.bytes);
    vd_text_free(&name);
}

static void refuse_subscribed(struct vd_call *call)
{
    struct vd_text name = {0};

    vd_command_put_name(call->parent, call->command, &name);
    vd_resp_error(&call->resp,
                  "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                  "RESET are allowed in this context",
                  name.bytes);
    vd_text_free(&name);
}

/* The row that has to run; false: there is none, and the error is written. */
static bool find(struct vd_call *call)
{
    const struct vd_command *sub;

    call->command = vd_server_find_command(call->desk->server, &call->words[0]);
    if (call->command == NULL) {
        refuse_unknown(call);
        return false;
    }
    if (call->command->sub_count == 0 || call->count == 1)
        return true;
    sub = vd_command_find_sub(call->command, &call->words[1]);
    call->parent = call->command;
    if (sub == NULL) {
        refuse_unknown_sub(call);
        return false;
    }
    call->command = sub;
    return true;
}

void vd_call_wrong_use(struct vd_call *call)
{
    struct vd_text sub = {0};
    struct vd_text name = {0};

    vd_text_add(&sub, call->words[1].bytes, shown(&call->words[1], SHOWN_MAX));
    for (const char *at = call->parent->name; *at != '\0'; at++)
        vd_text_putc(&name, (char)(*at - 'a' + 'A'));
    vd_resp_error(&call->resp,
                  "ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.",
                  vd_text_cstr(&sub), name.bytes);
    vd_text_free(&sub);
    vd_text_free(&name);
}

static bool refuse_denied(struct vd_call *call, enum vd_acl_verdict verdict,
                          const struct vd_word *channel)
{
    struct vd_denial *denial = &call->out->denial;
    const char *user = vd_acl_name(call->session->user);
    struct vd_text name = {0};

    denial->user = vd_arena_strdup(call->arena, user);
    vd_command_put_name(call->parent, call->command, &name);
    if (verdict == VD_ACL_NO_COMMAND) {
        denial->reason = VD_DENIAL_COMMAND;
        denial->object = vd_arena_strdup(call->arena, name.bytes);
        vd_resp_error(&call->resp, "NOPERM User %s has no permissions to run the '%s' command",
                      user, name.bytes);
    } else {
        denial->reason = VD_DENIAL_CHANNEL;
        denial->object = vd_arena_memdup(call->arena, channel->bytes, channel->len);
        vd_resp_error(&call->resp, "NOPERM No permissions to access a channel");
    }
    vd_text_free(&name);
    return false;
}

/* May it run? Else the error is written. */
static bool check(struct vd_call *call)
{
    const struct vd_session *session = call->session;
    unsigned flags = call->command->flags;
    const struct vd_word *channel;
    enum vd_acl_verdict verdict;

    if (!vd_command_fits(call->command, call->count) || call->command->run == NULL) {
        vd_call_wrong_arity(call);
        return false;
    }
    if (!session->authenticated && (flags & VD_CMD_NO_AUTH) == 0) {
        vd_resp_error(&call->resp, "NOAUTH Authentication required.");
        return false;
    }
    verdict = vd_acl_judge(session->user, call->parent, call->command, call->words, call->count,
                           &channel);
    if (verdict != VD_ACL_YES)
        return refuse_denied(call, verdict, channel);
    if (session->version < 3 && session->channels + session->patterns > 0 &&
        (flags & VD_CMD_SUBSCRIBED) == 0) {
        refuse_subscribed(call);
        return false;
    }
    return true;
}

void vd_request_run(const struct vd_desk *desk, struct vd_session *session,
                    const struct vd_word *words, size_t count, vd_ms now, struct vd_arena *arena,
                    struct vd_text *to, struct vd_outcome *out)
{
    struct vd_call call = {
        .desk = desk,
        .session = session,
        .words = words,
        .count = count,
        .now = now,
        .arena = arena,
        .resp = {.to = to, .version = session->version},
        .out = out,
    };

    VD_ASSERT(count > 0);
    /* The rest is set by those whose type needs it: a look-up should not clear 2 kB. */
    out->type = VD_OUT_REPLIED;
    out->log_level = -1;
    out->denial.reason = VD_DENIAL_NONE;
    out->complaint = NULL;
    if (vd_word_is(&words[0], "post") || vd_word_is(&words[0], "host:")) {
        /* compat: a browser was lured into talking to us; nothing it sends may run. */
        out->type = VD_OUT_CLOSE;
        out->complaint = "a client speaks HTTP; its connection is closed";
        return;
    }
    session->muted = session->reply != VD_REPLY_ON;
    if (session->reply == VD_REPLY_SKIP)
        session->reply = VD_REPLY_ON;
    if (!find(&call))
        return;
    session->last = call.command;
    session->last_parent = call.parent;
    if (check(&call))
        call.command->run(&call);
}

void vd_request_reply(const struct vd_effect *effect, struct vd_resp *resp)
{
    switch (effect->reply.kind) {
    case VD_REPLY_OK:
        vd_resp_status(resp, "OK");
        break;
    case VD_REPLY_ERROR:
        vd_resp_error(resp, "%s", effect->reply.text);
        break;
    case VD_REPLY_INTEGER:
        vd_resp_int(resp, effect->reply.number);
        break;
    case VD_REPLY_VOTE:
        vd_resp_array(resp, 3);
        vd_resp_int(resp, effect->reply.down ? 1 : 0);
        vd_resp_bulk_cstr(resp, effect->reply.leader);
        vd_resp_int(resp, (int64_t)effect->reply.leader_epoch);
        break;
    }
}
