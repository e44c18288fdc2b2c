/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes in on a connection: every reply meets the request at the head of
 * the queue and becomes its event; the subscription's messages become hellos.
 */
#include <string.h>

#include "proto/hello.h"
#include "shell/connection.h"
#include "shell/log.h"

/* False: the connection is gone. */
static bool take_answer(struct vd_connection *connection, const struct vd_value *value)
{
    struct vd_expected *expected = connection->queue;
    bool turns = vd_asked_turns(expected->asked);
    struct vd_grants grants = {0};
    struct vd_event event;
    enum vd_taken taken;

    if (turns)
        grants = vd_connection_grants(connection);
    taken = vd_answer_take(expected->asked, value, &grants,
                           turns && connection->last_turn.n != expected->asked->ticket.n,
                           vd_replies_arena(&connection->replies), &event);
    if (turns && taken != VD_TAKEN_MORE)
        vd_connection_keep_grants(connection, &grants);
    switch (taken) {
    case VD_TAKEN_MORE:
        return true;
    case VD_TAKEN_DONE:
        vd_connection_note_rtt(connection, expected);
        if (connection->command != NULL)
            vd_inbox_push(connection->links->inbox, &event); /* its text may be the request's */
        DL_DELETE(connection->queue, expected);
        vd_free(expected);
        return true;
    case VD_TAKEN_AGAIN:
        DL_DELETE(connection->queue, expected);
        if (connection->command != NULL)
            vd_connection_put(connection, expected, NULL);
        else
            vd_free(expected);
        return true;
    case VD_TAKEN_BROKEN:
        vd_connection_drop(connection, VD_DOWN_RESET, "a transaction that cannot be ended");
        return false;
    }
    VD_ASSERT(false);
    return false;
}

/* It said that it speaks RESP3, and does not. False: the connection is gone. */
static bool take_lie(struct vd_connection *connection)
{
    vd_connection_note_no_hello(connection);
    vd_connection_drop(connection, VD_DOWN_RESET, "HELLO 3 was taken, and RESP2 is spoken");
    return false;
}

/* False: the connection is gone. */
static bool take_subscribed(struct vd_connection *connection, vd_link by,
                            const struct vd_value *value)
{
    struct vd_strand *strand = connection->subscription;

    if (value->type != VD_VALUE_ERROR && value->type != VD_VALUE_PUSH &&
        connection->speech == VD_SPEECH_RESP3)
        return take_lie(connection);
    if (strand == NULL || strand->id.n != by.n)
        return true; /* closed meanwhile */
    if (value->type == VD_VALUE_ERROR) {
        bool busy = strncmp(value->text, "LOADING", 7) == 0 || strncmp(value->text, "BUSY", 4) == 0;
        enum vd_down_reason reason = busy ? VD_DOWN_RESET : VD_DOWN_AUTH;

        if (connection->command == NULL) {
            /* Its words are in the scratch memory; drop copies them before that goes. */
            vd_connection_drop(connection, reason, value->text);
            return false;
        }
        connection->subscription = NULL;
        vd_strand_say_down(strand, reason, value->text);
        return true;
    }
    if (!strand->is_up)
        vd_strand_say_up(strand);
    return true;
}

static void take_hello(struct vd_connection *connection, const struct vd_value *value)
{
    connection->speech = vd_answer_is_resp3(value) ? VD_SPEECH_RESP3 : VD_SPEECH_RESP2;
    vd_pair_on_greeted(connection);
    vd_connection_release(connection);
}

static void tell_auth(const struct vd_connection *connection, const struct vd_value *value)
{
    char where[VD_WHERE_SIZE];

    vd_connection_print_where(connection, where);
    vd_log_limited(where, VD_LOG_WARNING, "%s does not take our password: %s; check %s", where,
                   value->text,
                   connection->kind == VD_LINK_PEER ? "sentinel-pass and sentinel-user"
                                                    : "auth-pass and auth-user of its group");
}

/* What is no answer to the core's requests. False: the connection is gone. */
static bool take_own(struct vd_connection *connection, const struct vd_value *value)
{
    struct vd_expected *expected = connection->queue;
    enum vd_expect what = expected->what;
    vd_link by = expected->by;

    DL_DELETE(connection->queue, expected);
    vd_free(expected);
    if (value->type == VD_VALUE_ERROR &&
        strncmp(value->text, "ERR max number of clients", 25) == 0) {
        vd_connection_drop(connection, VD_DOWN_CLOSED, value->text);
        return false;
    }
    switch (what) {
    case VD_EXPECT_HELLO:
        take_hello(connection, value);
        return true;
    case VD_EXPECT_SUBSCRIBED:
        return take_subscribed(connection, by, value);
    case VD_EXPECT_BEATS:
    case VD_EXPECT_BEAT:
        vd_connection_take_beat_reply(connection, what, value);
        return true;
    case VD_EXPECT_AUTH:
        if (value->type == VD_VALUE_ERROR && connection->kind != VD_LINK_SUBSCRIBE)
            tell_auth(connection, value);
        return true;
    case VD_EXPECT_NAME:
    case VD_EXPECT_UNSUBSCRIBED:
    case VD_EXPECT_WORD:
        return true;
    case VD_EXPECT_ANSWER:
        break;
    }
    VD_ASSERT(false);
    return true;
}

/* False: it is no message on a channel that we listen to. */
static bool take_message(struct vd_connection *connection, const struct vd_value *value)
{
    struct vd_event event = {.type = VD_EV_HELLO};
    struct vd_hello hello;
    struct vd_err err;
    const char *payload;
    size_t len;

    if (!vd_answer_message(value, &payload, &len))
        return vd_connection_take_beat(connection, value);
    if (!vd_hello_parse(payload, len, &hello, &err)) {
        vd_log_limited("hello", VD_LOG_WARNING, "ignored by way of %s:%u: %s",
                       vd_connection_name(connection), (unsigned)connection->addr.port, err.text);
        return true;
    }
    event.hello.link = connection->subscription->id;
    event.hello.hello = &hello;
    vd_inbox_push(connection->links->inbox, &event);
    return true;
}

static bool is_subscribed(const struct vd_connection *connection)
{
    return connection->subscription != NULL && connection->subscription->is_up;
}

static bool take_reply(struct vd_connection *connection, const struct vd_value *value)
{
    return connection->queue->what == VD_EXPECT_ANSWER ? take_answer(connection, value)
                                                       : take_own(connection, value);
}

/* Does the push confirm what the head of the queue asked for, rather than bring a message? */
static bool is_confirmation(const struct vd_connection *connection, const struct vd_value *value)
{
    enum vd_expect what = connection->queue != NULL ? connection->queue->what : VD_EXPECT_ANSWER;

    if (what == VD_EXPECT_SUBSCRIBED)
        return vd_answer_tells(value, "subscribe", VD_HELLO_CHANNEL);
    if (what == VD_EXPECT_BEATS)
        return vd_answer_tells(value, "subscribe", VD_BEAT_CHANNEL);
    return what == VD_EXPECT_UNSUBSCRIBED &&
           (vd_answer_tells(value, "unsubscribe", VD_HELLO_CHANNEL) ||
            vd_answer_tells(value, "unsubscribe", VD_BEAT_CHANNEL));
}

/* False: the connection is gone. */
static bool take_push(struct vd_connection *connection, const struct vd_value *value)
{
    if (connection->speech != VD_SPEECH_RESP3) {
        vd_connection_drop(connection, VD_DOWN_RESET, "a push where RESP2 is spoken");
        return false;
    }
    if (is_confirmation(connection, value))
        return take_reply(connection, value);
    /* Whatever else servers tell unasked is for others. */
    if (is_subscribed(connection))
        (void)take_message(connection, value);
    return true;
}

/* False: the connection is gone. */
static bool take_value(struct vd_connection *connection, const struct vd_value *value)
{
    bool only_subscribed = connection->speech == VD_SPEECH_RESP2 && is_subscribed(connection);

    if (value->type == VD_VALUE_PUSH)
        return take_push(connection, value);
    /* In RESP2, messages come between replies, and look like them. */
    if (only_subscribed && take_message(connection, value))
        return true;
    if (connection->queue != NULL)
        return take_reply(connection, value);
    if (only_subscribed)
        return true;
    vd_connection_drop(connection, VD_DOWN_RESET, "a reply that was not asked for");
    return false;
}

/* False: the connection is gone. */
bool vd_connection_take(struct vd_connection *connection, const char *bytes, size_t len)
{
    const char *why = NULL;
    const struct vd_value *value;

    if (!vd_replies_feed(&connection->replies, bytes, len, &why)) {
        vd_connection_drop(connection, VD_DOWN_RESET, why);
        return false;
    }
    while ((value = vd_replies_next(&connection->replies, &why)) != NULL) {
        if (!take_value(connection, value))
            return false;
    }
    if (why == NULL)
        return true;
    vd_connection_drop(connection, VD_DOWN_RESET, why);
    return false;
}
