/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Node: its commands, in the order of checks that a real server has: who may
 * ask, what is busy or loading, who takes writes, what CLIENT PAUSE holds back.
 */
#include <utlist.h>

#include "node.h"
#include "oracle.h"
#include "tell.h"

/* Replies -------------------------------------------------------------------------- */

static void reply(struct sim_guest *guest, const struct sim_msg *to, struct sim_msg *msg)
{
    msg->ticket = to->ticket;
    msg->asked = to->word;
    sim_send(guest->conn, 1, msg);
}

static void reply_done(struct sim_guest *guest, const struct sim_msg *to, enum sim_error error)
{
    struct sim_msg *msg = sim_msg_new(guest->node->sim->net, SIM_DONE);

    msg->ok = error == SIM_ERR_NONE;
    msg->kind = (int)error;
    reply(guest, to, msg);
}

/* What every command meets first. `loads`: it is allowed while the data is loaded. */
static enum sim_error hindrance(const struct sim_node *node, bool loads)
{
    return node->locked              ? SIM_ERR_NOAUTH
           : node->loading && !loads ? SIM_ERR_LOADING
           : node->busy              ? SIM_ERR_BUSY
                                     : SIM_ERR_NONE;
}

static void do_ping(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_PONG);

    msg->kind = node->locked    ? VD_PONG_AUTH
                : node->busy    ? VD_PONG_BUSY
                : node->loading ? VD_PONG_LOADING
                                : VD_PONG_OK;
    reply(guest, to, msg);
}

static void do_info(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_INFO_TEXT);
    struct vd_text *text = &node->sim->net->words;

    msg->ok = hindrance(node, true) == SIM_ERR_NONE;
    if (msg->ok) {
        vd_text_clear(text);
        sim_node_info(node, text);
        msg->payload = sim_payload_new(text->bytes, text->len);
    }
    reply(guest, to, msg);
}

static void do_role(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_ROLE_IS);

    if (hindrance(node, true) == SIM_ERR_NONE) {
        msg->kind = node->primary != NULL ? VD_ROLE_REPLICA : VD_ROLE_PRIMARY;
        msg->addr = node->primary;
    }
    reply(guest, to, msg);
}

static void do_publish(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    enum sim_error error = hindrance(node, true);

    if (error == SIM_ERR_NONE) {
        (void)sim_node_fan_out(node, to->payload);
        if (node->primary == NULL && node->backlog && !node->loading)
            (void)sim_node_append(node, 0, to->payload);
    }
    reply_done(guest, to, error);
}

/* CLIENT KILL TYPE normal and pubsub: all but the caller. */
static void kill_clients(struct sim_node *node, const struct sim_guest *caller)
{
    struct sim_guest *guest;
    struct sim_guest *next;

    DL_FOREACH_SAFE (node->guests, guest, next) {
        if (guest != caller && guest->kind != SIM_GUEST_REPLICA)
            sim_node_drop_guest(guest);
    }
}

static void do_turn(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    enum sim_error error = hindrance(node, false);

    if (error == SIM_ERR_NONE && node->denies)
        error = SIM_ERR_NOPERM;
    if (error == SIM_ERR_NONE && node->failover != SIM_FAILOVER_NONE)
        error = SIM_ERR_OTHER; /* REPLICAOF not allowed while failing over. */
    sim_oracle_on_turned(node->sim, node, to);
    reply_done(guest, to, error);
    if (error != SIM_ERR_NONE)
        return;
    if (to->word == SIM_PROMOTE)
        sim_node_promote(node);
    else if (to->addr != NULL && to->addr != node->host)
        sim_node_follow(node, to->addr);
    if (node->sim->setup.rewrite)
        node->configured = node->primary;
    kill_clients(node, guest);
    sim_oracle_on_roles(node->sim);
}

/* Writes ------------------------------------------------------------------------------ */

unsigned sim_node_good_replicas(const struct sim_node *node)
{
    const struct sim_guest *guest;
    unsigned good = 0;

    DL_FOREACH (node->guests, guest) {
        good += guest->kind == SIM_GUEST_REPLICA && guest->online &&
                (node->sim->now - guest->acked_at) / SIM_S <= node->sim->setup.min_replicas_lag_s;
    }
    return good;
}

/* The password that is refused is the sentinels' own: clients go on. */
static enum sim_error refuses_write(const struct sim_node *node)
{
    if (node->primary == NULL && node->sim->setup.min_replicas != 0 &&
        sim_node_good_replicas(node) < node->sim->setup.min_replicas)
        return SIM_ERR_NOREPLICAS;
    if (node->primary != NULL)
        return SIM_ERR_READONLY;
    return node->loading ? SIM_ERR_LOADING : node->busy ? SIM_ERR_BUSY : SIM_ERR_NONE;
}

static void do_write(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    struct sim_msg *msg = sim_msg_new(node->sim->net, SIM_DONE);
    enum sim_error error = refuses_write(node);

    msg->ok = error == SIM_ERR_NONE;
    msg->kind = (int)error;
    if (msg->ok) {
        msg->data = sim_node_append(node, to->ticket, NULL);
        guest->wrote_at = node->at.offset;
    }
    reply(guest, to, msg);
}

/* WAIT ---------------------------------------------------------------------------------- */

static unsigned count_acked(const struct sim_node *node, int64_t offset)
{
    const struct sim_guest *guest;
    unsigned count = 0;

    DL_FOREACH (node->guests, guest) {
        count += guest->kind == SIM_GUEST_REPLICA && guest->online && guest->acked >= offset;
    }
    return count;
}

static void end_wait(struct sim_guest *guest)
{
    struct sim_msg *msg = sim_msg_new(guest->node->sim->net, SIM_WAITED);

    sim_cancel(guest->node->sim, &guest->wait);
    guest->waits_for = 0;
    msg->ticket = guest->wait_ticket;
    msg->asked = SIM_WAIT;
    msg->kind = (int)count_acked(guest->node, guest->wrote_at);
    sim_send(guest->conn, 1, msg);
}

static void run_wait_over(struct sim *sim, void *self)
{
    (void)sim;
    end_wait(self);
}

void sim_node_acked(struct sim_node *node)
{
    struct sim_guest *guest;

    DL_FOREACH (node->guests, guest) {
        if (guest->waits_for != 0 && count_acked(node, guest->wrote_at) >= guest->waits_for)
            end_wait(guest);
    }
    sim_node_failover_step(node);
}

/* So many replicas (offset), for so long (epoch, ms). */
static void do_wait(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *to)
{
    const struct sim_guest *replica;

    if (node->primary != NULL) {
        reply_done(guest, to, SIM_ERR_OTHER); /* WAIT cannot be used with replica instances. */
        return;
    }
    guest->wait_ticket = to->ticket;
    guest->waits_for = (unsigned)to->offset;
    if (count_acked(node, guest->wrote_at) >= guest->waits_for) {
        end_wait(guest);
        return;
    }
    guest->wait = (struct sim_task){.run = run_wait_over, .self = guest};
    if (to->epoch != 0)
        sim_after(node->sim, &guest->wait, (sim_us)to->epoch * SIM_MS);
    DL_FOREACH (node->guests, replica) { /* REPLCONF GETACK */
        if (replica->kind == SIM_GUEST_REPLICA && replica->online)
            sim_send(replica->conn, 1, sim_msg_new(node->sim->net, SIM_GETACK));
    }
}

/* CLIENT PAUSE WRITE -------------------------------------------------------------------- */

static bool is_paused(const struct sim_node *node)
{
    return node->paused_until > node->sim->now || node->failover != SIM_FAILOVER_NONE;
}

/* Held back are writes that would be taken, and messages; all else goes on. */
static bool is_held(const struct sim_node *node, const struct sim_msg *msg)
{
    if (!is_paused(node))
        return false;
    return msg->word == SIM_PUBLISH ? hindrance(node, true) == SIM_ERR_NONE
                                    : msg->word == SIM_WRITE && refuses_write(node) == SIM_ERR_NONE;
}

static void hold(struct sim_guest *guest, const struct sim_msg *msg)
{
    struct sim_held *held = vd_alloc(sizeof(*held));

    held->msg = *msg;
    if (msg->payload != NULL)
        msg->payload->refs++;
    LL_APPEND(guest->held, held);
}

void sim_node_drop_held(struct sim_guest *guest)
{
    while (guest->held != NULL) {
        struct sim_held *held = guest->held;

        LL_DELETE(guest->held, held);
        sim_payload_drop(held->msg.payload);
        vd_free(held);
    }
}

static void obey(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg);

static struct sim_guest *next_held(struct sim_node *node)
{
    struct sim_guest *guest;

    DL_FOREACH (node->guests, guest) {
        if (guest->held != NULL && !is_held(node, &guest->held->msg))
            return guest;
    }
    return NULL;
}

void sim_node_release(struct sim_node *node)
{
    struct sim_guest *guest;

    if (node->releasing)
        return;
    node->releasing = true;
    /* A command may end its caller, and others: look anew after each. */
    while ((guest = next_held(node)) != NULL) {
        struct sim_held *held = guest->held;

        LL_DELETE(guest->held, held);
        obey(node, guest, &held->msg);
        sim_payload_drop(held->msg.payload);
        vd_free(held);
    }
    node->releasing = false;
}

static void run_unpause(struct sim *sim, void *self)
{
    (void)sim;
    sim_node_release(self);
}

static void do_pause(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg)
{
    sim_us until = node->sim->now + msg->offset * SIM_MS;
    enum sim_error error = hindrance(node, true);

    if (error == SIM_ERR_NONE && until > node->paused_until) {
        node->paused_until = until;
        node->unpause = (struct sim_task){.run = run_unpause, .self = node};
        sim_cancel(node->sim, &node->unpause);
        sim_at(node->sim, &node->unpause, until);
    }
    reply_done(guest, msg, error);
}

static void do_unpause(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg)
{
    enum sim_error error = hindrance(node, true);

    if (error == SIM_ERR_NONE) {
        node->paused_until = 0;
        sim_cancel(node->sim, &node->unpause);
    }
    reply_done(guest, msg, error);
    sim_node_release(node);
}

/* Which --------------------------------------------------------------------------------- */

static void do_subscribe(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg)
{
    if (node->locked)
        reply_done(guest, msg, SIM_ERR_NOAUTH);
    else
        guest->kind = SIM_GUEST_SUBSCRIBER;
}

static void do_failover(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg)
{
    enum sim_error error = hindrance(node, false);

    if (error == SIM_ERR_NONE && node->denies)
        error = SIM_ERR_NOPERM;
    if (error == SIM_ERR_NONE && !sim_node_failover(node, msg))
        error = SIM_ERR_OTHER;
    reply_done(guest, msg, error);
    sim_node_failover_step(node);
}

static void do_abort(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg)
{
    enum sim_error error = hindrance(node, false);

    if (error == SIM_ERR_NONE && node->denies)
        error = SIM_ERR_NOPERM;
    if (error == SIM_ERR_NONE && node->failover == SIM_FAILOVER_NONE)
        error = SIM_ERR_OTHER;
    reply_done(guest, msg, error);
    /* What was held back goes on now, and may end the caller. */
    if (error == SIM_ERR_NONE)
        sim_node_failover_abort(node);
}

static void obey(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg)
{
    switch ((int)msg->word) {
    case SIM_PING:
        do_ping(node, guest, msg);
        break;
    case SIM_INFO:
        do_info(node, guest, msg);
        break;
    case SIM_ROLE:
        do_role(node, guest, msg);
        break;
    case SIM_PUBLISH:
        do_publish(node, guest, msg);
        break;
    case SIM_SUBSCRIBE:
        do_subscribe(node, guest, msg);
        break;
    case SIM_PROMOTE:
    case SIM_REPLICATE:
        do_turn(node, guest, msg);
        break;
    case SIM_PAUSE:
        do_pause(node, guest, msg);
        break;
    case SIM_UNPAUSE:
        do_unpause(node, guest, msg);
        break;
    case SIM_HANDOVER:
        do_failover(node, guest, msg);
        break;
    case SIM_ABORT:
        do_abort(node, guest, msg);
        break;
    case SIM_SCRIPT_KILL:
        reply_done(guest, msg,
                   node->locked  ? SIM_ERR_NOAUTH
                   : !node->busy ? SIM_ERR_OTHER
                                 : SIM_ERR_NONE);
        node->busy &= node->locked;
        break;
    case SIM_WRITE:
        do_write(node, guest, msg);
        break;
    case SIM_WAIT:
        do_wait(node, guest, msg);
        break;
    default:
        sim_node_guest_heard(node, guest, msg);
        break;
    }
}

void sim_node_hear(struct sim_node *node, struct sim_guest *guest, const struct sim_msg *msg)
{
    if (guest->held != NULL || is_held(node, msg))
        hold(guest, msg);
    else
        obey(node, guest, msg);
}
