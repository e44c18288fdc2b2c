/* SPDX-License-Identifier: BSD-3-Clause */
/* Original: its timer and links, what it sends and hears; see original.h. */
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "original.h"
#include "proto/hello.h"
#include "proto/info.h"
#include "sentinel.h"

#define PING_PERIOD SIM_S
#define INFO_PERIOD (10 * SIM_S)
#define PUBLISH_PERIOD (2 * SIM_S)
#define ASK_PERIOD SIM_S
#define RECONNECT_PERIOD (15 * SIM_S)
#define TILT_TRIGGER (2 * SIM_S)
#define TILT_PERIOD (30 * SIM_S)
#define PENDING_MAX 100

/* Links ------------------------------------------------------------------------------- */

void sim_original_unlink(struct sim_watched *w)
{
    struct sim_conn *commands = w->commands;
    struct sim_conn *messages = w->messages;

    w->commands = NULL;
    w->messages = NULL;
    w->pending = 0;
    if (commands != NULL)
        sim_close(commands, 0);
    if (messages != NULL)
        sim_close(messages, 0);
}

void sim_original_watch(struct sim_original *o, struct sim_watched *w, const struct sim_host *at)
{
    sim_us now = o->sim->now;

    sim_original_unlink(w);
    *w = (struct sim_watched){
        .at = at,
        .tried_at = -SIM_S,
        .ping_since = now,
        .pinged_at = -SIM_S,
        .good_at = now,
        .answer_at = now,
        .published_at = now - (sim_us)sim_below(&o->sim->times, (uint64_t)PUBLISH_PERIOD),
        .info_at = -1,
        .s_down_at = -1,
        .role = VD_ROLE_REPLICA,
        .role_at = now,
        .follows_at = now,
        .priority = 100,
    };
}

bool sim_original_is_linked(const struct sim_watched *w)
{
    return w->commands != NULL && (w->is_peer || w->messages != NULL);
}

static void send_word(struct sim_original *o, struct sim_watched *w, struct sim_msg *msg)
{
    if (w->commands == NULL) {
        sim_msg_discard(o->sim->net, msg);
        return;
    }
    w->pending++;
    sim_send(w->commands, 0, msg);
}

static void ping(struct sim_original *o, struct sim_watched *w)
{
    w->pinged_at = o->sim->now;
    if (w->ping_since < 0)
        w->ping_since = w->pinged_at;
    send_word(o, w, sim_msg_new(o->sim->net, SIM_PING));
}

static void reconnect(struct sim_original *o, struct sim_watched *w)
{
    struct sim *sim = o->sim;

    if (sim_original_is_linked(w) || sim->now - w->tried_at < PING_PERIOD)
        return;
    w->tried_at = sim->now;
    if (w->commands == NULL) {
        w->pending = 0;
        w->commands = sim_connect(sim->net, o->host, w->at);
        w->commands->user[0] = w;
        ping(o, w);
    }
    if (!w->is_peer && w->messages == NULL) {
        w->messages = sim_connect(sim->net, o->host, w->at);
        w->messages->user[0] = w;
        w->messages_at = sim->now;
        sim_send(w->messages, 0, sim_msg_new(sim->net, SIM_SUBSCRIBE));
    }
}

/* A link that seems alive and answers nothing is made anew. */
static void drop_stale(struct sim_original *o, struct sim_watched *w, sim_us down_after)
{
    sim_us now = o->sim->now;
    struct sim_conn *conn = w->commands;

    if (conn != NULL && now - w->tried_at > RECONNECT_PERIOD && w->ping_since >= 0 &&
        now - w->ping_since > down_after / 2 && now - w->answer_at > down_after / 2) {
        w->commands = NULL;
        w->pending = 0;
        sim_close(conn, 0);
    }
    conn = w->messages;
    if (conn != NULL && now - w->tried_at > RECONNECT_PERIOD &&
        now - w->messages_at > 3 * PUBLISH_PERIOD) {
        w->messages = NULL;
        sim_close(conn, 0);
    }
}

/* What is sent ----------------------------------------------------------------------------- */

static struct sim_payload *hello_of(struct sim_original *o, unsigned g)
{
    struct vd_hello hello = {
        .peer = o->host->addr,
        .id = o->id,
        .epoch = o->epoch,
        .primary = sim_original_names(o, g)->addr,
        .config_epoch = o->groups[g].config_epoch,
    };
    struct vd_text text = {0};
    struct sim_payload *payload;

    VD_ASSERT(vd_copy(hello.group, sizeof(hello.group), sim_group_name(g)));
    vd_hello_print(&hello, &text);
    payload = sim_payload_new(text.bytes, text.len);
    vd_text_free(&text);
    return payload;
}

/* INFO, PING and hello, when their periods are over. A peer is told of all groups. */
static void speak(struct sim_original *o, struct sim_watched *w, unsigned g, bool hurry)
{
    struct sim *sim = o->sim;
    sim_us now = sim->now;
    sim_us period = sim->setup.down_after_ms * SIM_MS;
    struct sim_msg *msg;

    if (!sim_original_is_linked(w) || w->pending >= PENDING_MAX)
        return;
    if (period > PING_PERIOD)
        period = PING_PERIOD;
    if (!w->is_peer && (w->info_at < 0 || now - w->info_at > (hurry ? SIM_S : INFO_PERIOD)))
        send_word(o, w, sim_msg_new(sim->net, SIM_INFO));
    if (now - w->answer_at > period && now - w->pinged_at > period / 2)
        ping(o, w);
    if (now - w->published_at <= PUBLISH_PERIOD)
        return;
    for (unsigned k = 0; k < sim->setup.groups; k++) {
        if (!w->is_peer && k != g)
            continue;
        msg = sim_msg_new(sim->net, SIM_PUBLISH);
        msg->payload = hello_of(o, k);
        send_word(o, w, msg);
    }
}

void sim_original_turn(struct sim_original *o, struct sim_watched *w, const struct sim_host *to)
{
    struct sim_msg *msg = sim_msg_new(o->sim->net, to == NULL ? SIM_PROMOTE : SIM_REPLICATE);

    SIM_SAY(o->sim, o->host->name, "tells %s to %s %s", w->at->name,
            to == NULL ? "be primary" : "follow", to == NULL ? "" : to->name);
    msg->addr = to;
    send_word(o, w, msg);
}

void sim_original_ask(struct sim_original *o, unsigned g, bool at_once)
{
    struct sim *sim = o->sim;
    struct sim_original_group *group = &o->groups[g];

    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        struct sim_original_opinion *opinion = &group->opinions[p];
        struct sim_msg *msg;

        if (!opinion->member || o->peers[p].at == NULL)
            continue;
        if (sim->now - opinion->told_at > 5 * ASK_PERIOD) {
            opinion->down = false;
            opinion->leader.hex[0] = '\0';
        }
        if (!group->primary.s_down || o->peers[p].commands == NULL ||
            o->peers[p].pending >= PENDING_MAX ||
            (!at_once && sim->now - opinion->told_at < ASK_PERIOD))
            continue;
        msg = sim_msg_new(sim->net, SIM_QUESTION);
        msg->ticket = g + 1;
        msg->addr = group->primary.at;
        msg->epoch = o->epoch;
        (void)snprintf(msg->id.hex, sizeof(msg->id.hex), "%s",
                       group->state != SIM_OS_NONE ? o->id.hex : "*");
        send_word(o, &o->peers[p], msg);
    }
}

/* Tick --------------------------------------------------------------------------------------- */

static void look_after(struct sim_original *o, struct sim_watched *w, unsigned g, bool hurry)
{
    if (w->at == NULL)
        return;
    reconnect(o, w);
    speak(o, w, g, hurry);
    drop_stale(o, w, o->sim->setup.down_after_ms * SIM_MS);
}

void sim_original_tick(struct sim *sim, void *self)
{
    struct sim_original *o = self;

    sim_after(sim, &o->tick, sim_between(&sim->times, 53, 100) * SIM_MS);
    if (o->host->paused != 0)
        return;
    if (sim->now - o->ticked_at > TILT_TRIGGER)
        o->tilt_at = sim->now;
    o->ticked_at = sim->now;
    if (o->tilt_at >= 0 && sim->now - o->tilt_at > TILT_PERIOD)
        o->tilt_at = -1;
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++)
        look_after(o, &o->peers[p], 0, false);
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        struct sim_original_group *group = &o->groups[g];
        bool hurry = group->o_down || group->state != SIM_OS_NONE;

        look_after(o, &group->primary, g, false);
        for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++)
            look_after(o, &group->replicas[i], g, hurry || group->replicas[i].link_down_ms != 0);
        sim_original_check(o, g);
    }
}

/* What is heard ---------------------------------------------------------------------------------
 */

static unsigned group_of(const struct sim_original *o, const struct sim_watched *w)
{
    for (unsigned g = 0; g < o->sim->setup.groups; g++) {
        if (w == &o->groups[g].primary ||
            (w >= o->groups[g].replicas && w < o->groups[g].replicas + SIM_ORIGINAL_REPLICAS))
            return g;
    }
    return SIM_GROUPS_MAX;
}

static void take_info(struct sim_original *o, struct sim_watched *w, const struct sim_msg *msg)
{
    struct vd_info *info = vd_arena_alloc(&o->arena, sizeof(*info));

    if (msg->ok && vd_info_parse(msg->payload->text, msg->payload->len, &o->arena, info)) {
        w->info_at = o->sim->now;
        sim_original_informed(o, group_of(o, w), w, info);
    }
    vd_arena_reset(&o->arena);
}

static void take_answer(struct sim_original *o, const struct sim_watched *w,
                        const struct sim_msg *msg)
{
    struct sim_original_opinion *opinion;

    if (!msg->ok || msg->ticket == 0 || msg->ticket > o->sim->setup.groups)
        return;
    opinion = &o->groups[msg->ticket - 1].opinions[w - o->peers];
    opinion->told_at = o->sim->now;
    opinion->down = msg->kind != 0;
    if (msg->id.hex[0] != '\0') {
        opinion->leader = msg->id;
        opinion->leader_epoch = msg->epoch;
    }
}

static void take_hello(struct sim_original *o, const struct sim_payload *payload)
{
    struct vd_hello hello;
    struct vd_err err;

    if (!vd_hello_parse(payload->text, payload->len, &hello, &err))
        sim_fail(o->sim, "hello was not understood: %s", err.text);
    else if (strcmp(hello.id.hex, o->id.hex) != 0)
        sim_original_hello(o, &hello);
}

static void take_reply(struct sim_original *o, struct sim_watched *w, const struct sim_msg *msg)
{
    if (w->pending > 0)
        w->pending--;
    switch ((int)msg->word) {
    case SIM_PONG:
        w->answer_at = o->sim->now;
        if (msg->kind == VD_PONG_OK || msg->kind == VD_PONG_LOADING ||
            msg->kind == VD_PONG_MASTERDOWN) {
            w->good_at = o->sim->now;
            w->ping_since = -1;
        }
        break;
    case SIM_INFO_TEXT:
        take_info(o, w, msg);
        break;
    case SIM_ANSWER:
        take_answer(o, w, msg);
        break;
    case SIM_DONE:
        if (msg->ok && msg->asked == SIM_PUBLISH)
            w->published_at = o->sim->now;
        break;
    default:
        break;
    }
}

/* SENTINEL is-master-down-by-addr. */
static void answer(struct sim_original *o, struct sim_conn *conn, const struct sim_msg *question)
{
    struct sim *sim = o->sim;
    struct sim_msg *msg = sim_msg_new(sim->net, SIM_ANSWER);

    msg->ticket = question->ticket;
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        struct sim_original_group *group = &o->groups[g];

        if (group->primary.at != question->addr || question->addr == NULL)
            continue;
        msg->kind = group->primary.s_down && o->tilt_at < 0;
        if (strcmp(question->id.hex, "*") == 0)
            continue;
        sim_original_vote(o, g, question->epoch, &question->id);
        msg->id = group->leader;
        msg->epoch = group->leader_epoch;
    }
    sim_send(conn, 1, msg);
}

static void serve(struct sim_original *o, struct sim_conn *conn, const struct sim_msg *asked)
{
    enum sim_word word = asked->word == SIM_PING          ? SIM_PONG
                         : asked->word == SIM_GET_PRIMARY ? SIM_PRIMARY_IS
                                                          : SIM_DONE;
    struct sim_msg *msg;

    if (asked->word == SIM_QUESTION) {
        answer(o, conn, asked);
        return;
    }
    if (asked->word == SIM_PUBLISH)
        take_hello(o, asked->payload);
    msg = sim_msg_new(o->sim->net, word);
    msg->ticket = asked->ticket;
    msg->asked = asked->word;
    msg->kind = VD_PONG_OK;
    if (word == SIM_PRIMARY_IS)
        msg->addr = sim_original_names(o, asked->group);
    sim_send(conn, 1, msg);
}

static void on_accepted(void *self, struct sim_conn *conn)
{
    (void)self;
    (void)conn;
}

static void on_lost(void *self, struct sim_conn *conn, enum vd_down_reason reason)
{
    struct sim_watched *w = conn->user[0];
    const struct sim_original *o = self;

    (void)reason;
    if (sim_end(conn, o->host) != 0 || w == NULL)
        return;
    if (w->commands == conn) {
        w->commands = NULL;
        w->pending = 0;
    } else if (w->messages == conn) {
        w->messages = NULL;
    }
}

static void on_heard(void *self, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct sim_original *o = self;
    struct sim_watched *w = conn->user[0];

    if (sim_end(conn, o->host) == 1) {
        serve(o, conn, msg);
        return;
    }
    if (w == NULL)
        return;
    if (conn == w->messages) {
        w->messages_at = o->sim->now;
        if (msg->word == SIM_MESSAGE)
            take_hello(o, msg->payload);
    } else if (conn == w->commands) {
        take_reply(o, w, msg);
    }
}

const struct sim_host_ops sim_original_ops = {
    .accepted = on_accepted,
    .connected = on_accepted,
    .lost = on_lost,
    .heard = on_heard,
};
