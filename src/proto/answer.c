/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers: see answer.h. A request that turns a server is one transaction
 * where the server lets us. What it refuses for good is remembered and left
 * out of the next try, down to the bare REPLICAOF: a right that an operator
 * forgot must not stand in the way of a failover.
 */
#include "proto/answer.h"

#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"
#include "proto/info.h"

/* Is the error of this code, its first word? */
static bool has_code(const struct vd_value *value, const char *code)
{
    size_t len = strlen(code);

    return value->type == VD_VALUE_ERROR && value->len >= len &&
           memcmp(value->text, code, len) == 0 && (value->len == len || value->text[len] == ' ');
}

static bool begins(const struct vd_value *value, const char *text)
{
    size_t len = strlen(text);

    return value->len >= len && memcmp(value->text, text, len) == 0;
}

static bool is_status(const struct vd_value *value, const char *text)
{
    return value->type == VD_VALUE_STATUS && value->len == strlen(text) &&
           memcmp(value->text, text, value->len) == 0;
}

bool vd_answer_is_auth(const struct vd_value *value)
{
    return has_code(value, "NOAUTH") || has_code(value, "WRONGPASS") || has_code(value, "NOPERM");
}

/* Would it refuse the same command again, whatever happens to its data? */
static bool is_for_good(const struct vd_value *value)
{
    return has_code(value, "NOPERM") ||
           (value->type == VD_VALUE_ERROR &&
            (begins(value, "ERR unknown command") || begins(value, "ERR unknown subcommand") ||
             begins(value, "ERR Unknown subcommand")));
}

/* An error's text for the log; other shapes are named. */
static const char *complaint(const struct vd_value *value)
{
    return value->type == VD_VALUE_ERROR ? value->text : "unexpected kind of reply";
}

static enum vd_pong pong_kind(const struct vd_value *value)
{
    if (is_status(value, "PONG"))
        return VD_PONG_OK;
    if (has_code(value, "LOADING"))
        return VD_PONG_LOADING;
    if (has_code(value, "MASTERDOWN"))
        return VD_PONG_MASTERDOWN;
    if (has_code(value, "BUSY"))
        return VD_PONG_BUSY;
    return vd_answer_is_auth(value) ? VD_PONG_AUTH : VD_PONG_ERROR;
}

static void take_pong(const struct vd_asked *asked, const struct vd_value *value,
                      struct vd_event *event)
{
    bool has_text = value->type == VD_VALUE_STATUS || value->type == VD_VALUE_ERROR;

    event->type = VD_EV_PONG;
    event->pong.link = asked->link;
    event->pong.ticket = asked->ticket;
    event->pong.kind = pong_kind(value);
    event->pong.text = has_text ? value->text : complaint(value);
}

static void take_info(const struct vd_asked *asked, const struct vd_value *value,
                      struct vd_arena *arena, struct vd_event *event)
{
    struct vd_info *info;

    event->type = VD_EV_INFO;
    event->info.link = asked->link;
    event->info.ticket = asked->ticket;
    if (value->type != VD_VALUE_TEXT)
        return;
    info = vd_arena_alloc(arena, sizeof(*info));
    /* Of a text with a NUL only what stands before it is kept, so only that counts. */
    if (!vd_info_parse(value->text, strlen(value->text), arena, info))
        return;
    event->info.info = info;
    event->info.raw = value->text;
}

static bool is_word(const struct vd_value *value, const char *word)
{
    return (value->type == VD_VALUE_TEXT || value->type == VD_VALUE_STATUS) &&
           value->len == strlen(word) && memcmp(value->text, word, value->len) == 0;
}

/* ["master", ...] or ["slave", host, port, ...] */
static void take_role(const struct vd_asked *asked, const struct vd_value *value,
                      struct vd_event *event)
{
    const struct vd_value *host;
    const struct vd_value *port;

    event->type = VD_EV_ROLE;
    event->role.link = asked->link;
    event->role.ticket = asked->ticket;
    event->role.role = VD_ROLE_UNKNOWN;
    if (value->type != VD_VALUE_ARRAY || value->count == 0)
        return;
    if (is_word(value->elements[0], "master"))
        event->role.role = VD_ROLE_PRIMARY;
    if (!is_word(value->elements[0], "slave") || value->count < 3)
        return;
    event->role.role = VD_ROLE_REPLICA;
    host = value->elements[1];
    port = value->elements[2];
    if (host->type != VD_VALUE_TEXT || port->type != VD_VALUE_INTEGER || port->number < 1 ||
        port->number > UINT16_MAX)
        return;
    /* A host that is no host leaves the address empty: it follows nobody we could name. */
    if (!vd_addr_set(&event->role.primary, host->text, host->len, (uint16_t)port->number))
        memset(&event->role.primary, 0, sizeof(event->role.primary));
}

/* [down, leader or "*", leader's epoch] */
static void take_opinion(const struct vd_asked *asked, const struct vd_value *value,
                         struct vd_event *event)
{
    const struct vd_value *leader;

    event->type = VD_EV_ANSWER;
    event->answer.link = asked->link;
    event->answer.ticket = asked->ticket;
    event->answer.ok = false;
    if (value->type != VD_VALUE_ARRAY || value->count != 3)
        return;
    leader = value->elements[1];
    if (value->elements[0]->type != VD_VALUE_INTEGER || leader->type != VD_VALUE_TEXT ||
        value->elements[2]->type != VD_VALUE_INTEGER || value->elements[2]->number < 0 ||
        leader->len > VD_ID_LEN)
        return;
    event->answer.ok = true;
    event->answer.down = value->elements[0]->number == 1;
    event->answer.leader_epoch = (uint64_t)value->elements[2]->number;
    if (!is_word(leader, "*"))
        memcpy(event->answer.leader.hex, leader->text, leader->len);
}

static void set_ack(const struct vd_asked *asked, bool ok, const char *text, struct vd_event *event)
{
    event->type = VD_EV_ACK;
    event->ack.link = asked->link;
    event->ack.ticket = asked->ticket;
    event->ack.ok = ok;
    event->ack.unsent = false;
    event->ack.text = ok ? NULL : text;
}

/* Turning a server ------------------------------------------------------------ */

static unsigned bit(enum vd_turn_part part)
{
    return 1U << part;
}

static enum vd_turn_part next_part(const struct vd_asked *asked)
{
    unsigned part = 0;

    VD_ASSERT(asked->awaited != 0);
    while ((asked->awaited & (1U << part)) == 0)
        part++;
    return (enum vd_turn_part)part;
}

static void keep_error(struct vd_asked *asked, const char *text)
{
    size_t len = strlen(text);

    if (asked->error[0] != '\0')
        return;
    if (len > sizeof(asked->error) - 1)
        len = sizeof(asked->error) - 1;
    memcpy(asked->error, text, len);
    asked->error[len] = '\0';
}

/* A reply to one of the commands, before or without EXEC. */
static void note_part(struct vd_asked *asked, enum vd_turn_part part, const struct vd_value *value)
{
    if (value->type != VD_VALUE_ERROR) {
        if (is_status(value, "QUEUED"))
            asked->queued |= bit(part);
        else if (part == VD_PART_FOLLOW && value->type == VD_VALUE_STATUS)
            asked->applied = true;
        return;
    }
    if (is_for_good(value)) {
        asked->refused |= bit(part);
        if (part == VD_PART_FOLLOW)
            keep_error(asked, value->text);
    } else if (part == VD_PART_FOLLOW || part == VD_PART_MULTI ||
               (asked->parts & bit(VD_PART_MULTI)) != 0) {
        /* Loading, busy, and the like: it would spoil the transaction again. */
        asked->failed = true;
        keep_error(asked, value->text);
    }
}

/* What was refused is left out from now on. */
static void learn(const struct vd_asked *asked, struct vd_grants *grants)
{
    if (asked->refused & (bit(VD_PART_MULTI) | bit(VD_PART_EXEC)))
        grants->no_transaction = true;
    if (asked->refused & bit(VD_PART_REWRITE))
        grants->no_rewrite = true;
    if (asked->refused & (bit(VD_PART_KILL_NORMAL) | bit(VD_PART_KILL_PUBSUB)))
        grants->no_kill = true;
    if ((asked->refused & bit(VD_PART_FOLLOW)) && asked->said_replicaof)
        grants->no_replicaof = true;
}

/* The transaction was done: its first element is REPLICAOF's. CONFIG REWRITE may well have failed.
 */
static enum vd_taken take_done(struct vd_asked *asked, const struct vd_value *value,
                               struct vd_event *event)
{
    const struct vd_value *follow = value->count > 0 ? value->elements[0] : NULL;

    if (follow != NULL && follow->type == VD_VALUE_STATUS) {
        set_ack(asked, true, NULL, event);
        return VD_TAKEN_DONE;
    }
    keep_error(asked, follow != NULL ? complaint(follow) : "an empty transaction");
    set_ack(asked, false, asked->error, event);
    return VD_TAKEN_DONE;
}

/* All replies are here, and it was not done in a transaction. */
static enum vd_taken conclude(struct vd_asked *asked, struct vd_grants *grants, bool stale,
                              struct vd_event *event)
{
    /* SLAVEOF is the last word: who refuses it cannot be turned. */
    bool hopeless = (asked->refused & bit(VD_PART_FOLLOW)) && !asked->said_replicaof;

    learn(asked, grants);
    if (asked->applied) {
        set_ack(asked, true, NULL, event);
        return VD_TAKEN_DONE;
    }
    if (!asked->failed && !hopeless && !stale && vd_outgoing_differs(asked, grants))
        return VD_TAKEN_AGAIN;
    if (stale)
        keep_error(asked, "refused in part, and a later order is on its way");
    keep_error(asked, "refused");
    set_ack(asked, false, asked->error, event);
    return VD_TAKEN_DONE;
}

static enum vd_taken take_exec(struct vd_asked *asked, const struct vd_value *value,
                               struct vd_grants *grants, bool stale, struct vd_event *event)
{
    bool opened = (asked->refused & bit(VD_PART_MULTI)) == 0 && !asked->applied;

    if (value->type == VD_VALUE_ARRAY && (asked->queued & bit(VD_PART_FOLLOW)))
        return take_done(asked, value, event);
    if (opened && !has_code(value, "EXECABORT") && is_for_good(value)) {
        /* It took MULTI and will not end it: all that we say now would be queued for ever. */
        grants->no_transaction = true;
        return VD_TAKEN_BROKEN;
    }
    if (opened && !has_code(value, "EXECABORT")) {
        keep_error(asked, complaint(value));
        set_ack(asked, false, asked->error, event);
        return VD_TAKEN_DONE;
    }
    if (opened && asked->refused == 0 && !asked->failed)
        asked->refused |= bit(VD_PART_EXEC); /* for no reason told: do without */
    return conclude(asked, grants, stale, event);
}

static enum vd_taken take_turn(struct vd_asked *asked, const struct vd_value *value,
                               struct vd_grants *grants, bool stale, struct vd_event *event)
{
    enum vd_turn_part part = next_part(asked);

    asked->awaited &= ~bit(part);
    if (part == VD_PART_EXEC)
        return take_exec(asked, value, grants, stale, event);
    note_part(asked, part, value);
    if (asked->awaited != 0)
        return VD_TAKEN_MORE;
    if (asked->queued & bit(VD_PART_FOLLOW)) {
        /* A transaction is open that is none of ours. */
        return VD_TAKEN_BROKEN;
    }
    return conclude(asked, grants, stale, event);
}

enum vd_taken vd_answer_take(struct vd_asked *asked, const struct vd_value *value,
                             struct vd_grants *grants, bool stale, struct vd_arena *arena,
                             struct vd_event *event)
{
    memset(event, 0, sizeof(*event));
    switch (asked->request) {
    case VD_RQ_PING:
        take_pong(asked, value, event);
        return VD_TAKEN_DONE;
    case VD_RQ_INFO:
        take_info(asked, value, arena, event);
        return VD_TAKEN_DONE;
    case VD_RQ_ROLE:
        take_role(asked, value, event);
        return VD_TAKEN_DONE;
    case VD_RQ_QUESTION:
        take_opinion(asked, value, event);
        return VD_TAKEN_DONE;
    case VD_RQ_HELLO:
        set_ack(asked, value->type == VD_VALUE_INTEGER, complaint(value), event);
        return VD_TAKEN_DONE;
    case VD_RQ_SCRIPT_KILL:
    case VD_RQ_PAUSE:
    case VD_RQ_UNPAUSE:
    case VD_RQ_HANDOVER:
    case VD_RQ_ABORT:
    case VD_RQ_MAINTAIN:
        set_ack(asked, value->type == VD_VALUE_STATUS, complaint(value), event);
        return VD_TAKEN_DONE;
    case VD_RQ_PROMOTE:
    case VD_RQ_REPLICATE:
        return take_turn(asked, value, grants, stale, event);
    }
    VD_ASSERT(false);
    return VD_TAKEN_DONE;
}

/* {"server": ..., "proto": 3, ...}; who takes HELLO for something else has not said so. */
bool vd_answer_is_resp3(const struct vd_value *value)
{
    if (value->type != VD_VALUE_ARRAY)
        return false;
    for (size_t i = 0; i + 1 < value->count; i += 2) {
        if (is_word(value->elements[i], "proto"))
            return value->elements[i + 1]->type == VD_VALUE_INTEGER &&
                   value->elements[i + 1]->number == 3;
    }
    return false;
}

bool vd_answer_tells(const struct vd_value *value, const char *what, const char *channel)
{
    return (value->type == VD_VALUE_ARRAY || value->type == VD_VALUE_PUSH) && value->count == 3 &&
           is_word(value->elements[0], what) && is_word(value->elements[1], channel);
}

bool vd_answer_message(const struct vd_value *value, const char **payload, size_t *len)
{
    if (!vd_answer_tells(value, "message", VD_HELLO_CHANNEL) ||
        value->elements[2]->type != VD_VALUE_TEXT)
        return false;
    *payload = value->elements[2]->text;
    *len = value->elements[2]->len;
    return true;
}
