/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes in on a link: every reply meets the request at the head of the
 * queue and becomes its event; on a subscription, messages become hellos.
 */
#include <stdio.h>
#include <string.h>

#include "proto/hello.h"
#include "shell/connection.h"
#include "shell/log.h"

/* False: the link is gone. */
static bool take_answer(struct vd_connection *link, const struct vd_value *value)
{
    struct vd_expected *expected = link->queue;
    bool turns = vd_asked_turns(expected->asked);
    struct vd_grants grants = {0};
    struct vd_event event;
    enum vd_taken taken;

    if (turns)
        grants = vd_refusals_find(&link->links->refusals, link->ip, link->addr.port);
    taken = vd_answer_take(expected->asked, value, &grants,
                           turns && link->last_turn.n != expected->asked->ticket.n,
                           vd_replies_arena(&link->replies), &event);
    if (turns && taken != VD_TAKEN_MORE)
        vd_refusals_keep(&link->links->refusals, link->ip, link->addr.port, &grants);
    switch (taken) {
    case VD_TAKEN_MORE:
        return true;
    case VD_TAKEN_DONE:
        vd_connection_note_rtt(link, expected);
        vd_inbox_push(link->links->inbox, &event); /* its text may be the request's */
        DL_DELETE(link->queue, expected);
        vd_free(expected);
        return true;
    case VD_TAKEN_AGAIN:
        DL_DELETE(link->queue, expected);
        vd_connection_put(link, expected, NULL);
        return true;
    case VD_TAKEN_BROKEN:
        vd_connection_drop(link, VD_DOWN_RESET, "a transaction that cannot be ended");
        return false;
    }
    VD_ASSERT(false);
    return false;
}

/* False: the link is gone. */
static bool take_subscribed(struct vd_connection *link, const struct vd_value *value)
{
    if (value->type == VD_VALUE_ERROR) {
        bool busy = strncmp(value->text, "LOADING", 7) == 0 || strncmp(value->text, "BUSY", 4) == 0;

        /* Its words are in the scratch memory; drop copies them before that goes. */
        vd_connection_drop(link, busy ? VD_DOWN_RESET : VD_DOWN_AUTH, value->text);
        return false;
    }
    link->subscribed = true;
    vd_connection_say_up(link);
    return true;
}

/* AUTH, CLIENT SETNAME and SUBSCRIBE. False: the link is gone. */
static bool take_greeting(struct vd_connection *link, const struct vd_value *value)
{
    struct vd_expected *expected = link->queue;
    enum vd_expect what = expected->what;
    char where[VD_HOST_SIZE + 8];

    DL_DELETE(link->queue, expected);
    vd_free(expected);
    if (what == VD_EXPECT_SUBSCRIBED)
        return take_subscribed(link, value);
    if (what == VD_EXPECT_BEATS || what == VD_EXPECT_BEAT) {
        vd_connection_take_beat_reply(link, what, value);
        return true;
    }
    if (what == VD_EXPECT_WORD || value->type != VD_VALUE_ERROR)
        return true;
    if (strncmp(value->text, "ERR max number of clients", 25) == 0) {
        vd_connection_drop(link, VD_DOWN_CLOSED, value->text);
        return false;
    }
    if (what == VD_EXPECT_AUTH && link->kind != VD_LINK_SUBSCRIBE) {
        (void)snprintf(where, sizeof(where), "%s:%u", vd_connection_name(link),
                       (unsigned)link->addr.port);
        vd_log_limited(where, VD_LOG_WARNING, "%s does not take our password: %s; check %s", where,
                       value->text,
                       link->kind == VD_LINK_PEER ? "sentinel-pass and sentinel-user"
                                                  : "auth-pass and auth-user of its group");
    }
    return true;
}

/* False: it is no message on a channel that we listen to. */
static bool take_message(struct vd_connection *link, const struct vd_value *value)
{
    struct vd_event event = {.type = VD_EV_HELLO};
    struct vd_hello hello;
    struct vd_err err;
    const char *payload;
    size_t len;

    if (!vd_answer_message(value, &payload, &len))
        return vd_connection_take_beat(link, value);
    if (!vd_hello_parse(payload, len, &hello, &err)) {
        vd_log_limited("hello", VD_LOG_WARNING, "ignored by way of %s:%u: %s",
                       vd_connection_name(link), (unsigned)link->addr.port, err.text);
        return true;
    }
    event.hello.link = link->id;
    event.hello.hello = &hello;
    vd_inbox_push(link->links->inbox, &event);
    return true;
}

/* False: the link is gone. */
static bool take_value(struct vd_connection *link, const struct vd_value *value)
{
    /* Messages come between replies. */
    if (link->subscribed && take_message(link, value))
        return true;
    if (link->queue != NULL)
        return link->queue->what == VD_EXPECT_ANSWER ? take_answer(link, value)
                                                     : take_greeting(link, value);
    if (link->subscribed)
        return true;
    vd_connection_drop(link, VD_DOWN_RESET, "a reply that was not asked for");
    return false;
}

/* False: the link is gone. */
bool vd_connection_take(struct vd_connection *link, const char *bytes, size_t len)
{
    const char *why = NULL;
    const struct vd_value *value;

    if (!vd_replies_feed(&link->replies, bytes, len, &why)) {
        vd_connection_drop(link, VD_DOWN_RESET, why);
        return false;
    }
    while ((value = vd_replies_next(&link->replies, &why)) != NULL) {
        if (!take_value(link, value))
            return false;
    }
    if (why == NULL)
        return true;
    vd_connection_drop(link, VD_DOWN_RESET, why);
    return false;
}
