/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vedette of a mass world: what its core wants becomes messages, what comes
 * back becomes events, and a turn takes its time: so much for every event and
 * effect, and for the one save.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "mass_parts.h"

#define FSYNC (1 * SIM_MS)
#define WORK 5 /* us of the processor for an event or an effect, system calls included */

/* Effects ---------------------------------------------------------------------------------- */

static void connect_link(struct sim_mass_vedette *v, const struct vd_effect *effect)
{
    struct sim_mass_link *link = vd_alloc(sizeof(*link));
    struct sim_mass_item item = {.type = ITEM_CONNECT, .vedette = (uint8_t)v->index};

    link->handle = effect->connect.link.n;
    link->kind = effect->connect.kind;
    link->target = sim_mass_index_of(effect->connect.addr.ip);
    HASH_ADD(hh, v->links, handle, sizeof(link->handle), link);
    item.link = link->handle;
    item.kind = (uint8_t)link->kind;
    item.target = link->target;
    sim_mass_say(v, &item);
}

static void forget_link(struct sim_mass_vedette *v, uint64_t handle)
{
    struct sim_mass_link *link;

    HASH_FIND(hh, v->links, &handle, sizeof(handle), link);
    if (link == NULL)
        return;
    if (link->kind != VD_LINK_PEER &&
        v->mass->nodes[link->target].links[v->index][link->kind] == handle)
        v->mass->nodes[link->target].links[v->index][link->kind] = 0;
    HASH_DEL(v->links, link);
    vd_free(link);
}

/* What is printed is the host; who parses it finds a literal there. */
static void read_literal(struct vd_addr *addr)
{
    VD_ASSERT(vd_copy(addr->ip, sizeof(addr->ip), addr->host));
}

static void request(struct sim_mass_vedette *v, const struct vd_effect *effect)
{
    struct sim_mass_item item = {.type = ITEM_REQUEST,
                                 .vedette = (uint8_t)v->index,
                                 .request = (uint8_t)effect->send.request,
                                 .link = effect->send.link.n,
                                 .ticket = effect->send.ticket.n};
    struct sim_mass_link *link;

    HASH_FIND(hh, v->links, &item.link, sizeof(item.link), link);
    if (link == NULL)
        return; /* it broke in this very turn; LINK_DOWN is the answer */
    item.kind = (uint8_t)link->kind;
    item.target = link->target;
    v->stats.requests++;
    if (effect->send.request == VD_RQ_HELLO) {
        item.load = sim_mass_new_load();
        item.load->hello = *effect->send.hello;
        read_literal(&item.load->hello.peer);
        read_literal(&item.load->hello.primary);
    } else if (effect->send.request == VD_RQ_QUESTION || effect->send.request == VD_RQ_REPLICATE) {
        item.load = sim_mass_new_load();
        item.load->addr = effect->send.addr;
        item.load->epoch = effect->send.epoch;
        if (effect->send.candidate != NULL)
            VD_ASSERT(
                vd_copy(item.load->id.hex, sizeof(item.load->id.hex), effect->send.candidate));
        (void)snprintf(item.load->asker, sizeof(item.load->asker), "%.8s",
                       sim_mass_id_of_vedette(v->index).hex);
    }
    sim_mass_say(v, &item);
}

static void reply(struct sim_mass_vedette *v, const struct vd_effect *effect)
{
    struct sim_mass_call *call = &v->mass->calls[effect->reply.client.n % SIM_MASS_CALLS];
    struct sim_mass_item item = {.type = ITEM_REPLY,
                                 .vedette = call->vedette,
                                 .request = VD_RQ_QUESTION,
                                 .link = call->link,
                                 .ticket = call->ticket};

    VD_ASSERT(call->pending && effect->reply.kind == VD_REPLY_VOTE);
    call->pending = false;
    item.load = sim_mass_new_load();
    item.load->down = effect->reply.down;
    item.load->epoch = effect->reply.leader_epoch;
    if (effect->reply.leader[0] != '*')
        VD_ASSERT(vd_copy(item.load->id.hex, sizeof(item.load->id.hex), effect->reply.leader));
    sim_mass_say(v, &item);
}

static void notice(struct sim_mass_vedette *v, const struct vd_effect *effect)
{
    unsigned group;
    char ip[46];

    v->stats.votes += strcmp(effect->notice.event, "+vote-for-leader") == 0;
    if (strcmp(effect->notice.event, "+switch-master") != 0)
        return;
    VD_ASSERT(sscanf(effect->notice.payload, "m%u %*s %*s %45s", &group, ip) == 2);
    v->mass->on_switch(v->mass, v->index, group, sim_mass_index_of(ip));
}

static bool do_save(void *self, const struct vd_image *image, struct vd_receipt *receipt,
                    struct vd_err *err)
{
    struct sim_mass_vedette *v = self;

    (void)image;
    (void)err;
    v->saved++;
    receipt->durable = true;
    return true;
}

static void do_perform(void *self, const struct vd_effect *effect)
{
    struct sim_mass_vedette *v = self;

    v->effects++;
    if (effect->type == VD_EF_CONNECT)
        connect_link(v, effect);
    else if (effect->type == VD_EF_CLOSE)
        forget_link(v, effect->close.link.n);
    else if (effect->type == VD_EF_SEND)
        request(v, effect);
    else if (effect->type == VD_EF_REPLY)
        reply(v, effect);
    else if (effect->type == VD_EF_NOTICE)
        notice(v, effect);
}

static void do_refuse(void *self, const struct vd_effect *effect, const char *reason)
{
    (void)self;
    (void)effect;
    (void)reason;
    VD_ASSERT(false); /* no save fails */
}

static const struct vd_drive_ops drive_ops = {
    .save = do_save,
    .perform = do_perform,
    .refuse = do_refuse,
};

/* Turns ---------------------------------------------------------------------------------- */

static void event_of_reply(const struct sim_mass_item *item, struct vd_event *event)
{
    const struct sim_mass_load *load = item->load;
    vd_link link = {item->link};
    vd_ticket ticket = {item->ticket};

    switch ((int)item->request) {
    case VD_RQ_PING:
        event->type = VD_EV_PONG;
        event->pong.link = link;
        event->pong.ticket = ticket;
        event->pong.kind = VD_PONG_OK;
        event->pong.text = "PONG";
        return;
    case VD_RQ_INFO:
        event->type = VD_EV_INFO;
        event->info.link = link;
        event->info.ticket = ticket;
        event->info.info = &load->info;
        event->info.raw = "";
        return;
    case VD_RQ_ROLE:
        event->type = VD_EV_ROLE;
        event->role.link = link;
        event->role.ticket = ticket;
        event->role.role = load->info.role;
        event->role.primary = load->info.primary;
        return;
    case VD_RQ_QUESTION:
        event->type = VD_EV_ANSWER;
        event->answer.link = link;
        event->answer.ticket = ticket;
        event->answer.ok = true;
        event->answer.down = load->down;
        event->answer.leader = load->id;
        event->answer.leader_epoch = load->epoch;
        return;
    default:
        event->type = VD_EV_ACK;
        event->ack.link = link;
        event->ack.ticket = ticket;
        event->ack.ok = true;
    }
}

/* False: about a link that was closed meanwhile. */
static bool event_of(struct sim_mass_vedette *v, const struct sim_mass_item *item,
                     struct vd_event *event)
{
    const struct sim_mass_load *load = item->load;
    struct sim_mass_link *link;

    *event = (struct vd_event){.at = v->mass->now / SIM_MS, .dice = v->index * 100};
    if (item->type == ITEM_QUESTION) {
        event->type = VD_EV_QUESTION;
        event->question.client.n = load->call;
        event->question.addr = load->addr;
        event->question.epoch = load->epoch;
        event->question.wants_vote = strcmp(load->id.hex, "*") != 0;
        event->question.candidate = load->id;
        memcpy(event->question.asker, load->asker, sizeof(load->asker));
        return true;
    }
    if (item->link != 0) {
        HASH_FIND(hh, v->links, &item->link, sizeof(item->link), link);
        if (link == NULL)
            return false;
    }
    if (item->type == ITEM_REPLY) {
        event_of_reply(item, event);
    } else if (item->type == ITEM_HELLO) {
        event->type = VD_EV_HELLO;
        event->hello.link.n = item->link;
        event->hello.hello = &load->hello;
    } else if (item->type == ITEM_UP) {
        event->type = VD_EV_LINK_UP;
        event->up.link.n = item->link;
        event->up.ip = vd_arena_strdup(&v->arena, item->kind == VD_LINK_PEER
                                                      ? sim_mass_addr_of_vedette(item->target).ip
                                                      : sim_mass_addr_of_node(item->target).ip);
        event->up.local_ip = vd_arena_strdup(&v->arena, sim_mass_addr_of_vedette(v->index).ip);
    } else {
        event->type = VD_EV_LINK_DOWN;
        event->down.link.n = item->link;
        event->down.reason = item->type == ITEM_REFUSED ? VD_DOWN_REFUSED : VD_DOWN_CLOSED;
        event->down.text = "gone";
        forget_link(v, item->link);
    }
    return true;
}

static double cpu_now(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

void sim_mass_turn(struct sim_mass_vedette *v)
{
    struct sim_mass *mass = v->mass;
    size_t room = v->inbox.count + 1;
    struct vd_event *events = vd_calloc(room, sizeof(*events));
    struct sim_mass_load **loads = vd_calloc(room, sizeof(struct sim_mass_load *));
    size_t load_count = 0;
    size_t count = 0;
    double began = cpu_now();
    double cpu_s;

    if (!v->started)
        events[count++] = (struct vd_event){.type = VD_EV_START, .at = mass->now / SIM_MS};
    v->started = true;
    while (v->inbox.count > 0) {
        struct sim_mass_item item = sim_mass_take(&v->inbox);

        count += event_of(v, &item, &events[count]);
        loads[load_count++] = item.load;
    }
    v->effects = 0;
    v->saved = 0;
    v->busy_until = mass->now;
    vd_drive_turn(&v->drive, events, count, mass->now / SIM_MS, v->index * 100);
    v->busy_until += (sim_us)(count + v->effects) * WORK + (v->saved != 0 ? FSYNC : 0);
    if (v->out.count > 0)
        v->flush_at = v->busy_until;
    cpu_s = cpu_now() - began;
    v->stats.turns++;
    v->stats.saves += v->saved;
    v->stats.saves_most = v->saved > v->stats.saves_most ? v->saved : v->stats.saves_most;
    v->stats.events_most = count > v->stats.events_most ? count : v->stats.events_most;
    v->stats.cpu_s += cpu_s;
    v->stats.cpu_turn_s = cpu_s > v->stats.cpu_turn_s ? cpu_s : v->stats.cpu_turn_s;
    while (load_count > 0)
        sim_mass_drop(loads[--load_count]);
    vd_free(loads);
    vd_free(events);
    vd_arena_reset(&v->arena);
}

sim_us sim_mass_turn_at(const struct sim_mass_vedette *v)
{
    vd_ms wake_at = vd_drive_wake_at(&v->drive);
    sim_us at = wake_at > INT64_MAX / SIM_MS ? INT64_MAX : wake_at * SIM_MS;

    if (v->inbox.count > 0 || !v->started)
        at = v->mass->now;
    return at > v->busy_until ? at : v->busy_until;
}

void sim_mass_open(struct sim_mass_vedette *v, struct vd_core *core)
{
    vd_drive_init(&v->drive, core, &drive_ops, v);
}

void sim_mass_close(struct sim_mass_vedette *v)
{
    while (v->links != NULL)
        forget_link(v, v->links->handle);
    vd_drive_free(&v->drive);
    vd_arena_free(&v->arena);
}
