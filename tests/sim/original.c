/* SPDX-License-Identifier: BSD-3-Clause */
/* Original: life, links, what it sends and hears; see original.h. */
#include "original.h"

#include <stdio.h>
#include <string.h>

#include "node.h"
#include "proto/hello.h"
#include "proto/info.h"
#include "sentinel.h"
#include "tell.h"

#define PING_PERIOD SIM_S
#define INFO_PERIOD (10 * SIM_S)
#define PUBLISH_PERIOD (2 * SIM_S)
#define ASK_PERIOD SIM_S
#define RECONNECT_PERIOD (15 * SIM_S)
#define TILT_TRIGGER (2 * SIM_S)
#define TILT_PERIOD (30 * SIM_S)
#define PENDING_MAX 100

static const struct sim_host_ops ops;
static void run_tick(struct sim *sim, void *self);

void sim_original_say(const struct sim_original *o, const char *event, unsigned group,
                      const struct sim_host *about)
{
    char text[64];

    if (about == NULL || about == sim_original_names(o, group))
        (void)snprintf(text, sizeof(text), "master %s%s%s", sim_group_name(group),
                       about != NULL ? " " : "", about != NULL ? about->name : "");
    else
        (void)snprintf(text, sizeof(text), "%s @ %s", about->name, sim_group_name(group));
    SIM_SAY(o->sim, o->host->name, "%s %s", event, text);
    if (o->sim->story != NULL)
        vd_story_notice(o->sim->story, (int)o->host->index, o->sim->now, event, text);
}

/* File ----------------------------------------------------------------------------- */

void sim_original_save(struct sim_original *o)
{
    struct sim_original_file *file = &o->file;

    memset(file, 0, sizeof(*file));
    file->exists = true;
    file->epoch = o->epoch;
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        file->peers[p].at = o->peers[p].at;
        file->peers[p].id = o->peers[p].id;
    }
    for (unsigned g = 0; g < o->sim->setup.groups; g++) {
        const struct sim_original_group *group = &o->groups[g];
        bool told = group->state == SIM_OS_RECONF || group->state == SIM_OS_UPDATE;

        file->groups[g].primary = told ? group->promoted->at : group->primary.at;
        file->groups[g].config_epoch = group->config_epoch;
        file->groups[g].leader_epoch = group->leader_epoch;
        for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
            const struct sim_host *at = group->replicas[i].at;

            file->groups[g].replicas[i] =
                told && at == group->promoted->at ? group->primary.at : at;
        }
        for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++)
            file->groups[g].member[p] = group->opinions[p].member;
    }
}

static void load_group(struct sim_original *o, unsigned g)
{
    const struct sim_original_file *file = &o->file;
    struct sim_original_group *group = &o->groups[g];

    sim_original_watch(o, &group->primary, file->groups[g].primary);
    group->primary.role = VD_ROLE_PRIMARY;
    group->config_epoch = file->groups[g].config_epoch;
    group->leader_epoch = file->groups[g].leader_epoch;
    group->started_at = -1000 * SIM_S;
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        if (file->groups[g].replicas[i] != NULL)
            sim_original_watch(o, &group->replicas[i], file->groups[g].replicas[i]);
    }
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++)
        group->opinions[p].member = file->groups[g].member[p];
}

/* As configured: the groups with their first primaries. */
static void configure(struct sim_original *o)
{
    for (unsigned g = 0; g < o->sim->setup.groups; g++)
        o->file.groups[g].primary = o->sim->nodes[g * o->sim->setup.nodes]->host;
    o->file.exists = true;
}

void sim_original_acquaint(struct sim_original *o)
{
    const struct sim *sim = o->sim;
    unsigned count = 0;

    configure(o);
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        o->file.peers[count].at = sim->sentinels[i]->host;
        o->file.peers[count++].id = sim->sentinels[i]->id;
    }
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        if (i == o->index)
            continue;
        o->file.peers[count].at = sim->originals[i]->host;
        o->file.peers[count++].id = sim->originals[i]->id;
    }
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        for (unsigned i = 1; i < sim->setup.nodes; i++)
            o->file.groups[g].replicas[i - 1] = sim->nodes[g * sim->setup.nodes + i]->host;
        for (unsigned p = 0; p < count; p++)
            o->file.groups[g].member[p] = true;
    }
}

/* Life ------------------------------------------------------------------------------ */

static void run_revive(struct sim *sim, void *self)
{
    struct sim_original *o = self;

    (void)sim;
    if (!o->running)
        sim_original_start(o);
}

struct sim_original *sim_original_new(struct sim *sim, unsigned index)
{
    struct sim_original *o = vd_alloc(sizeof(*o));
    uint64_t state = sim->setup.seed * 131U + index * 6151U;
    uint64_t a = sim_split(&state);
    uint64_t b = sim_split(&state);
    char name[8];

    (void)snprintf(name, sizeof(name), "o%u", index + 1);
    o->sim = sim;
    o->index = index;
    o->host = sim_host_new(sim->net, name, 2, index + 1, 26379, &ops, o);
    o->tick = (struct sim_task){.run = run_tick, .self = o};
    o->revive = (struct sim_task){.run = run_revive, .self = o};
    (void)snprintf(o->id.hex, sizeof(o->id.hex), "%08x%016llx%016llx",
                   (unsigned)(sim_split(&state) & 0xffffffffU), (unsigned long long)a,
                   (unsigned long long)b);
    return o;
}

void sim_original_free(struct sim_original *o)
{
    vd_arena_free(&o->arena);
    vd_free(o);
}

void sim_original_start(struct sim_original *o)
{
    struct sim *sim = o->sim;

    VD_ASSERT(!o->running);
    if (!o->file.exists)
        configure(o);
    memset(o->peers, 0, sizeof(o->peers));
    memset(o->groups, 0, sizeof(o->groups));
    o->epoch = o->file.epoch;
    o->running = true;
    o->ticked_at = sim->now;
    o->tilt_at = -1;
    if (!o->host->powered)
        sim_host_power(sim->net, o->host, true);
    sim_host_listen(o->host);
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        if (o->file.peers[p].at == NULL)
            continue;
        sim_original_watch(o, &o->peers[p], o->file.peers[p].at);
        o->peers[p].is_peer = true;
        o->peers[p].id = o->file.peers[p].id;
    }
    for (unsigned g = 0; g < sim->setup.groups; g++)
        load_group(o, g);
    SIM_TELL(sim, o->host, VD_MARK_LIFE, "starts, epoch %llu", (unsigned long long)o->epoch);
    sim_after(sim, &o->tick, sim_between(&sim->times, 50, 100) * SIM_MS);
}

void sim_original_kill(struct sim_original *o, bool power)
{
    if (!o->running)
        return;
    o->running = false;
    sim_cancel(o->sim, &o->tick);
    if (power)
        sim_host_power(o->sim->net, o->host, false);
    else
        sim_host_die(o->sim->net, o->host);
    SIM_TELL(o->sim, o->host, VD_MARK_LIFE, power ? "loses power" : "is killed");
}

void sim_original_pause(struct sim_original *o)
{
    if (o->running)
        sim_host_pause(o->host);
}

void sim_original_resume(struct sim_original *o)
{
    if (o->running)
        sim_host_resume(o->sim->net, o->host);
}

struct sim_original *sim_original_of(const struct sim *sim, const struct sim_host *host)
{
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        if (sim->originals[i]->host == host)
            return sim->originals[i];
    }
    return NULL;
}

const struct sim_host *sim_original_names(const struct sim_original *o, unsigned group)
{
    const struct sim_original_group *g = &o->groups[group];

    return g->state >= SIM_OS_RECONF ? g->promoted->at : g->primary.at;
}

/* A peer with this id is a member there. */
static bool has_met(const struct sim_original *o, unsigned group, const struct vd_id *id)
{
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        if (o->groups[group].opinions[p].member && strcmp(o->peers[p].id.hex, id->hex) == 0 &&
            o->peers[p].commands != NULL)
            return true;
    }
    return false;
}

static bool has_met_all(const struct sim_original *o, unsigned group)
{
    const struct sim *sim = o->sim;

    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim->sentinels[i]->running && !has_met(o, group, &sim->sentinels[i]->id))
            return false;
    }
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        if (i != o->index && sim->originals[i]->running &&
            !has_met(o, group, &sim->originals[i]->id))
            return false;
    }
    return true;
}

bool sim_original_is_settled(const struct sim_original *o, unsigned group, const char **why)
{
    const struct sim_original_group *g = &o->groups[group];

    *why = g->state != SIM_OS_NONE                ? "a failover is under way"
           : g->primary.s_down || g->o_down       ? "holds the primary for down"
           : !sim_original_is_linked(&g->primary) ? "has no link to the primary"
           : g->primary.role_at < 0               ? "has not heard the primary"
           : o->tilt_at >= 0                      ? "is in TILT"
           : g->primary.role != VD_ROLE_PRIMARY   ? "hears that the primary is none"
           : !has_met_all(o, group)               ? "has no link to all sentinels"
                                                  : NULL;
    return *why == NULL;
}

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

static void run_tick(struct sim *sim, void *self)
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

static const struct sim_host_ops ops = {
    .accepted = on_accepted,
    .connected = on_accepted,
    .lost = on_lost,
    .heard = on_heard,
};
