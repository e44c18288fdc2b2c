/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who calls a sentinel: peers, clients, operators. Replies keep the order of
 * their requests: while a question waits for the core, what comes behind it
 * on the same connection waits too. Every event that wants a REPLY gets
 * exactly one.
 */
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "base/text.h"
#include "node.h"
#include "oracle.h"
#include "original.h"
#include "sentinel.h"

/* An event that wants a reply is stepped in the next turn, and its reply performed there. */
#define REPLY_WITHIN (10 * SIM_S)

static void free_caller(struct sim_sentinel *s, struct sim_caller *caller)
{
    while (caller->queue != NULL) {
        struct sim_waiting *waiting = caller->queue;

        LL_DELETE(caller->queue, waiting);
        sim_payload_drop(waiting->payload);
        vd_free(waiting);
    }
    DL_DELETE(s->callers, caller);
    vd_free(caller);
}

static const struct vd_id *id_of(const struct sim *sim, const struct sim_host *host)
{
    const struct sim_sentinel *s = sim_sentinel_of(sim, host);
    const struct sim_original *o = sim_original_of(sim, host);

    return s != NULL ? &s->id : o != NULL ? &o->id : NULL;
}

static struct sim_caller *new_caller(struct sim_sentinel *s, struct sim_conn *conn)
{
    struct sim_caller *caller = vd_alloc(sizeof(*caller));

    caller->handle.n = ++s->next_caller;
    caller->conn = conn;
    caller->asker[0] = '\0';
    if (conn != NULL && id_of(s->sim, conn->host[0]) != NULL) /* its CLIENT SETNAME */
        (void)snprintf(caller->asker, sizeof(caller->asker), "%.8s",
                       id_of(s->sim, conn->host[0])->hex);
    DL_APPEND(s->callers, caller);
    return caller;
}

void sim_callers_forget(struct sim_sentinel *s)
{
    while (s->callers != NULL)
        free_caller(s, s->callers);
}

void sim_callers_accepted(struct sim_sentinel *s, struct sim_conn *conn)
{
    conn->user[1] = new_caller(s, conn);
}

void sim_callers_lost(struct sim_sentinel *s, struct sim_conn *conn)
{
    struct sim_caller *caller = conn->user[1];

    conn->user[1] = NULL;
    if (caller == NULL)
        return;
    caller->conn = NULL;
    if (!caller->asking)
        free_caller(s, caller);
}

vd_client sim_callers_operator(struct sim_sentinel *s)
{
    struct sim_caller *caller = new_caller(s, NULL);

    caller->asking = true;
    caller->asked_at = s->sim->now;
    return caller->handle;
}

/* Requests ------------------------------------------------------------------------- */

static void ask(struct sim_sentinel *s, struct sim_caller *caller, const struct sim_waiting *what)
{
    struct vd_event event = {.type = VD_EV_QUESTION};

    event.question.client = caller->handle;
    if (what->addr != NULL)
        event.question.addr = what->addr->addr;
    event.question.epoch = what->epoch;
    memcpy(event.question.asker, caller->asker, sizeof(event.question.asker));
    event.question.wants_vote = strcmp(what->id.hex, "*") != 0;
    if (event.question.wants_vote)
        event.question.candidate = what->id;
    caller->asking = true;
    caller->asked_at = s->sim->now;
    caller->ticket = what->ticket;
    caller->epoch = what->epoch;
    caller->candidate = what->id;
    caller->group = what->addr != NULL ? sim_sentinel_group(s, what->addr) : SIM_GROUPS_MAX;
    sim_sentinel_push(s, &event);
}

static void hear_hello(struct sim_sentinel *s, struct sim_payload *payload)
{
    struct vd_event event = {.type = VD_EV_HELLO};

    event.hello.hello = sim_sentinel_read_hello(s, payload);
    if (event.hello.hello != NULL)
        sim_sentinel_push(s, &event);
}

static void answer(struct sim_sentinel *s, struct sim_caller *caller,
                   const struct sim_waiting *what)
{
    enum sim_word word = what->word == SIM_PING          ? SIM_PONG
                         : what->word == SIM_GET_PRIMARY ? SIM_PRIMARY_IS
                                                         : SIM_DONE;
    struct sim_msg *msg;

    if (what->word == SIM_QUESTION) {
        ask(s, caller, what);
        return;
    }
    if (what->word == SIM_PUBLISH)
        hear_hello(s, what->payload);
    msg = sim_msg_new(s->sim->net, word);
    msg->ticket = what->ticket;
    msg->asked = what->word;
    msg->kind = VD_PONG_OK;
    if (word == SIM_PRIMARY_IS)
        msg->addr = sim_sentinel_names(s, (unsigned)what->epoch);
    sim_send(caller->conn, 1, msg);
}

void sim_callers_heard(struct sim_sentinel *s, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct sim_caller *caller = conn->user[1];
    struct sim_waiting what = {
        .word = msg->word,
        .ticket = msg->ticket,
        .epoch = msg->word == SIM_GET_PRIMARY ? msg->group : msg->epoch,
        .id = msg->id,
        .addr = msg->addr,
        .payload = msg->payload,
    };
    struct sim_waiting *waiting;

    if (caller == NULL)
        return;
    if (!caller->asking) {
        answer(s, caller, &what);
        return;
    }
    waiting = vd_alloc(sizeof(*waiting));
    *waiting = what;
    if (waiting->payload != NULL)
        waiting->payload->refs++;
    LL_APPEND(caller->queue, waiting);
}

/* Replies --------------------------------------------------------------------------- */

static void send_answer(struct sim_sentinel *s, const struct sim_caller *caller,
                        const struct vd_effect *effect, bool refused)
{
    struct sim_msg *msg = sim_msg_new(s->sim->net, SIM_ANSWER);
    const char *leader = effect->reply.leader;

    msg->ticket = caller->ticket;
    msg->ok = !refused && effect->reply.kind == VD_REPLY_VOTE;
    if (msg->ok) {
        msg->kind = effect->reply.down;
        msg->epoch = effect->reply.leader_epoch;
        if (leader == NULL || strcmp(leader, "*") == 0)
            leader = "";
        VD_ASSERT(vd_copy(msg->id.hex, sizeof(msg->id.hex), leader));
        if (s->sim->setup.mutant == SIM_MUTANT_DOUBLE_VOTE &&
            strcmp(caller->candidate.hex, "*") != 0) {
            msg->id = caller->candidate;
            msg->epoch = caller->epoch;
        }
        sim_oracle_on_answer(s->sim, s, caller->group, msg->epoch, &msg->id);
    }
    sim_send(caller->conn, 1, msg);
}

void sim_callers_reply(struct sim_sentinel *s, const struct vd_effect *effect, bool refused)
{
    struct sim_caller *caller;

    DL_FOREACH (s->callers, caller) {
        if (caller->handle.n == effect->reply.client.n)
            break;
    }
    if (caller == NULL || !caller->asking) {
        sim_fail(s->sim, "%s: replies to client %llu, who has asked nothing", s->host->name,
                 (unsigned long long)effect->reply.client.n);
        return;
    }
    caller->asking = false;
    SIM_SAY(s->sim, s->host->name, "replies to %llu: %s", (unsigned long long)caller->handle.n,
            refused                               ? "cannot save"
            : effect->reply.kind == VD_REPLY_VOTE ? effect->reply.leader
            : effect->reply.text != NULL          ? effect->reply.text
                                                  : "OK");
    if (caller->conn != NULL)
        send_answer(s, caller, effect, refused);
    else
        free_caller(s, caller);
}

void sim_callers_after_turn(struct sim_sentinel *s)
{
    struct sim_caller *caller;
    sim_us now = s->sim->now;

    DL_FOREACH (s->callers, caller) {
        if (caller->asking && now - caller->asked_at > REPLY_WITHIN && s->host->paused == 0 &&
            !s->dead)
            sim_fail(s->sim, "%s: no reply to client %llu", s->host->name,
                     (unsigned long long)caller->handle.n);
        while (caller->queue != NULL && !caller->asking && caller->conn != NULL) {
            struct sim_waiting *what = caller->queue;

            LL_DELETE(caller->queue, what);
            answer(s, caller, what);
            sim_payload_drop(what->payload);
            vd_free(what);
        }
    }
}

/* Operators --------------------------------------------------------------------------- */

static void copy_settings(struct sim_sentinel *s, struct vd_order *order)
{
    struct vd_setting *settings =
        vd_arena_alloc(&s->arena, (order->setting_count + 1) * sizeof(*settings));

    for (size_t i = 0; i < order->setting_count; i++) {
        settings[i] = order->settings[i];
        settings[i].text = vd_arena_strdup(&s->arena, settings[i].text);
        settings[i].text2 = vd_arena_strdup(&s->arena, settings[i].text2);
        settings[i].word = vd_arena_strdup(&s->arena, settings[i].word);
        settings[i].shown = vd_arena_strdup(&s->arena, settings[i].shown);
    }
    order->settings = settings;
}

void sim_sentinel_order(struct sim_sentinel *s, const struct vd_order *order)
{
    struct vd_event event = {.type = VD_EV_ORDER};
    struct vd_order *copy = vd_arena_alloc(&s->arena, sizeof(*copy));

    *copy = *order;
    copy->name = vd_arena_strdup(&s->arena, order->name);
    copy->error = vd_arena_strdup(&s->arena, order->error);
    copy_settings(s, copy);
    event.order.client = sim_callers_operator(s);
    event.order.order = copy;
    sim_oracle_on_order(s->sim, s, order);
    sim_sentinel_push(s, &event);
}
