/* SPDX-License-Identifier: BSD-3-Clause */
/* Net: see net.h. */
#include "net.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "base/text.h"
#include "corners.h"
#include "schedule.h"
#include "tell.h"

#define RTO (200 * SIM_MS) /* the first retransmission */
#define RTO_DOUBLINGS 5

static void deliver(struct sim *sim, void *self);

/* Payloads and messages ------------------------------------------------------ */

struct sim_payload *sim_payload_new(const char *text, size_t len)
{
    struct sim_payload *payload = vd_alloc(sizeof(*payload) + len + 1);

    payload->refs = 1;
    payload->len = len;
    memcpy(payload->text, text, len);
    return payload;
}

void sim_payload_drop(struct sim_payload *payload)
{
    if (payload == NULL || --payload->refs != 0)
        return;
    vd_free(payload->hello);
    vd_free(payload);
}

struct sim_msg *sim_msg_new(struct sim_net *net, enum sim_word word)
{
    struct sim_msg *msg = net->spare;

    if (msg == NULL)
        msg = vd_alloc(sizeof(*msg));
    else
        net->spare = msg->next;
    memset(msg, 0, sizeof(*msg));
    msg->word = word;
    msg->ok = true;
    msg->task.run = deliver;
    msg->task.self = msg;
    return msg;
}

static void free_conn_if_done(struct sim_net *net, struct sim_conn *conn)
{
    if (conn->in_flight != 0 || conn->open[0] || conn->open[1])
        return;
    DL_DELETE(net->conns, conn);
    vd_free(conn);
}

static void spare_msg(struct sim_net *net, struct sim_msg *msg)
{
    sim_payload_drop(msg->payload);
    msg->payload = NULL;
    msg->next = net->spare;
    net->spare = msg;
}

void sim_msg_discard(struct sim_net *net, struct sim_msg *msg)
{
    spare_msg(net, msg);
}

static void drop_msg(struct sim_net *net, struct sim_msg *msg)
{
    struct sim_conn *conn = msg->conn;

    spare_msg(net, msg);
    conn->in_flight--;
    free_conn_if_done(net, conn);
}

/* Life ------------------------------------------------------------------------- */

struct sim_net *sim_net_new(struct sim *sim)
{
    struct sim_net *net = vd_alloc(sizeof(*net));

    net->sim = sim;
    net->held_tail = &net->held;
    return net;
}

static void free_msgs(struct sim_msg *msg)
{
    while (msg != NULL) {
        struct sim_msg *next = msg->next;

        sim_payload_drop(msg->payload);
        vd_free(msg);
        msg = next;
    }
}

void sim_net_drop_tasks(struct sim_net *net)
{
    struct sim *sim = net->sim;
    struct vd_heap_entry *top;

    /* What is still under way is in the heap of tasks, among others' tasks. */
    while ((top = vd_heap_top(&sim->tasks)) != NULL) {
        struct sim_task *task = (struct sim_task *)(void *)top;

        vd_heap_drop(&sim->tasks, top);
        if (task->run == deliver)
            spare_msg(net, task->self);
    }
}

void sim_net_free(struct sim_net *net)
{
    struct sim_conn *conn;
    struct sim_conn *next;

    for (unsigned i = 0; i < net->host_count; i++) {
        free_msgs(net->hosts[i]->parked);
        vd_free(net->hosts[i]);
    }
    free_msgs(net->held);
    free_msgs(net->spare);
    DL_FOREACH_SAFE (net->conns, conn, next) {
        vd_free(conn);
    }
    vd_text_free(&net->words);
    vd_free(net);
}

/* Sending ------------------------------------------------------------------------ */

static sim_us draw_delay(struct sim_net *net, const struct sim_host *from,
                         const struct sim_host *to)
{
    struct sim *sim = net->sim;
    sim_us base = net->extra + net->latency[from->index][to->index];
    sim_us delay = base + (sim_us)sim_below(&sim->times, (uint64_t)base / 4 + 2);
    unsigned loss = net->loss_permille + sim->setup.loss_permille;

    for (int i = 0; loss != 0 && i < RTO_DOUBLINGS && sim_chance(&sim->times, loss); i++)
        delay += RTO << i;
    return delay;
}

/* Put it on its way; in order behind what was sent before. */
static void post(struct sim_net *net, struct sim_msg *msg, sim_us delay)
{
    struct sim_conn *conn = msg->conn;
    sim_us when = net->sim->now + delay;

    if (when <= conn->last[msg->from])
        when = conn->last[msg->from] + 1;
    conn->last[msg->from] = when;
    sim_at(net->sim, &msg->task, when);
}

static void transmit(struct sim_net *net, struct sim_conn *conn, unsigned end, struct sim_msg *msg)
{
    struct sim_host *from = conn->host[end];
    struct sim_host *to = conn->host[1 - end];
    enum sim_corner_kind corner;

    msg->conn = conn;
    msg->from = (unsigned char)end;
    conn->in_flight++;
    net->sim->stats.messages++;
    if (to == NULL || !from->powered) {
        drop_msg(net, msg);
        return;
    }
    corner = sim_corner_of_message(net->sim, msg);
    if (corner == SIM_CORNER_RESET && conn->accepted) {
        drop_msg(net, msg);
        sim_conn_reset(net, conn);
        return;
    }
    conn->black |= corner == SIM_CORNER_BLACK;
    msg->sequence = conn->sent[end]++;
    sim_tell_sent(net->sim, msg);
    post(net, msg, from->busy + draw_delay(net, from, to) + (corner == SIM_CORNER_LATE ? RTO : 0));
}

static void transmit_word(struct sim_net *net, struct sim_conn *conn, unsigned end,
                          enum sim_word word)
{
    transmit(net, conn, end, sim_msg_new(net, word));
}

/* Gossip comes by many ways, and may come again when it is old. */
static void echo(struct sim_net *net, struct sim_conn *conn, unsigned end,
                 const struct sim_msg *msg)
{
    struct sim_msg *again;

    if (!sim_chance(&net->sim->times, net->echo_permille))
        return;
    again = sim_msg_new(net, SIM_MESSAGE);
    again->payload = msg->payload;
    again->payload->refs++;
    conn->last[end] += sim_between(&net->sim->times, 0, 2000) * SIM_MS;
    transmit(net, conn, end, again);
}

void sim_send(struct sim_conn *conn, unsigned end, struct sim_msg *msg)
{
    struct sim_net *net = conn->host[end]->net;

    if (!conn->open[end]) {
        spare_msg(net, msg);
        return;
    }
    transmit(net, conn, end, msg);
    if (net->echo_permille != 0 && msg->word == SIM_MESSAGE)
        echo(net, conn, end, msg);
}

struct sim_conn *sim_connect(struct sim_net *net, struct sim_host *from, const struct sim_host *to)
{
    struct sim_conn *conn = vd_alloc(sizeof(*conn));

    conn->id = ++net->next_conn;
    conn->host[0] = from;
    conn->host[1] = to != NULL ? net->hosts[to->index] : NULL;
    conn->open[0] = true;
    DL_APPEND(net->conns, conn);
    if (to != NULL)
        transmit_word(net, conn, 0, SIM_SYN);
    return conn;
}

void sim_close(struct sim_conn *conn, unsigned end)
{
    struct sim_net *net = conn->host[end]->net;

    if (!conn->open[end])
        return;
    conn->open[end] = false;
    conn->user[end] = NULL;
    if (conn->accepted)
        transmit_word(net, conn, end, SIM_FIN);
    else
        free_conn_if_done(net, conn);
}

/* Arrival ------------------------------------------------------------------------ */

static void append(struct sim_msg ***tail, struct sim_msg *msg)
{
    msg->next = NULL;
    **tail = msg;
    *tail = &msg->next;
}

static void lose(struct sim_conn *conn, unsigned end, enum vd_down_reason reason)
{
    struct sim_host *host = conn->host[end];

    conn->open[end] = false;
    host->ops->lost(host->self, conn, reason);
    conn->user[end] = NULL;
}

/* The process' half of an arrival. */
static void hand_over(struct sim_net *net, struct sim_msg *msg)
{
    struct sim_conn *conn = msg->conn;
    unsigned end = 1U - msg->from;
    struct sim_host *host = conn->host[end];

    if (!conn->open[end]) {
        drop_msg(net, msg);
        return;
    }
    sim_tell_heard(net->sim, msg);
    switch ((int)msg->word) {
    case SIM_SYN:
        host->ops->accepted(host->self, conn);
        break;
    case SIM_SYN_OK:
        host->ops->connected(host->self, conn);
        break;
    case SIM_SYN_REFUSED:
        lose(conn, end, VD_DOWN_REFUSED);
        break;
    case SIM_FIN:
        lose(conn, end, VD_DOWN_CLOSED);
        break;
    case SIM_RST:
        lose(conn, end, VD_DOWN_RESET);
        break;
    default:
        host->ops->heard(host->self, conn, msg);
        break;
    }
    drop_msg(net, msg);
}

/* The kernel's half. True: the process is to hear of it. */
static bool kernel_takes(struct sim_net *net, struct sim_msg *msg)
{
    struct sim_conn *conn = msg->conn;
    unsigned end = 1U - msg->from;
    struct sim_host *host = conn->host[end];

    if (msg->word == SIM_SYN) {
        if (!conn->open[0])
            return false; /* given up before a retransmission came through */
        if (!host->listening) {
            sim_tell_heard(net->sim, msg);
            transmit_word(net, conn, 1, SIM_SYN_REFUSED);
            return false;
        }
        conn->open[1] = true;
        conn->accepted = true;
        transmit_word(net, conn, 1, SIM_SYN_OK);
        return true;
    }
    if (conn->open[end])
        return true;
    if (msg->word != SIM_FIN && msg->word != SIM_RST && msg->word != SIM_SYN_REFUSED &&
        conn->open[msg->from])
        transmit_word(net, conn, end, SIM_RST);
    return false;
}

static void deliver(struct sim *sim, void *self)
{
    struct sim_msg *msg = self;
    struct sim_net *net = sim->net;
    struct sim_conn *conn = msg->conn;
    struct sim_host *from = conn->host[msg->from];
    struct sim_host *to = conn->host[1 - msg->from];

    if (conn->black) {
        drop_msg(net, msg);
        return;
    }
    if (net->cuts[from->index][to->index] != 0 || !to->powered) {
        append(&net->held_tail, msg);
        return;
    }
    if (msg->sequence != conn->arrived[msg->from]) {
        post(net, msg, 0); /* what was sent before it has been held back: behind that */
        return;
    }
    conn->arrived[msg->from]++;
    sim_note(sim, (uint64_t)sim->now ^ (conn->id << 32) ^ ((uint64_t)msg->word << 24) ^
                      ((uint64_t)msg->from << 23) ^ msg->ticket);
    if (!kernel_takes(net, msg)) {
        drop_msg(net, msg);
        return;
    }
    if (to->paused != 0 || to->lags) {
        append(&to->parked_tail, msg);
        return;
    }
    hand_over(net, msg);
}

/* Hosts ---------------------------------------------------------------------------- */

void sim_host_listen(struct sim_host *host)
{
    host->listening = true;
}

static void drop_parked(struct sim_net *net, struct sim_host *host)
{
    struct sim_msg *msg = host->parked;

    host->parked = NULL;
    host->parked_tail = &host->parked;
    while (msg != NULL) {
        struct sim_msg *next = msg->next;

        drop_msg(net, msg);
        msg = next;
    }
}

void sim_host_die(struct sim_net *net, struct sim_host *host)
{
    struct sim_conn *conn;
    struct sim_conn *next;

    host->listening = false;
    host->deaths++;
    host->paused = 0;
    host->lags = false;
    host->busy = 0;
    DL_FOREACH_SAFE (net->conns, conn, next) {
        for (unsigned end = 0; end < 2; end++) {
            if (conn->host[end] != host || !conn->open[end])
                continue;
            /* May free the connection; it has no other end at this host. */
            conn->in_flight++;
            sim_close(conn, end);
            conn->in_flight--;
            free_conn_if_done(net, conn);
            break;
        }
    }
    drop_parked(net, host);
}

/* What was stopped goes on its way again, where nothing stops it any more. */
static void release_held(struct sim_net *net)
{
    struct sim_msg *msg = net->held;

    net->held = NULL;
    net->held_tail = &net->held;
    while (msg != NULL) {
        struct sim_msg *next = msg->next;
        struct sim_host *from = msg->conn->host[msg->from];
        struct sim_host *to = msg->conn->host[1 - msg->from];

        if (net->cuts[from->index][to->index] != 0 || !to->powered)
            append(&net->held_tail, msg);
        else /* at the next retransmission, which has been doubled for a while */
            post(net, msg, (sim_us)sim_below(&net->sim->times, (uint64_t)(2 * SIM_S)));
        msg = next;
    }
}

void sim_host_power(struct sim_net *net, struct sim_host *host, bool powered)
{
    host->powered = powered;
    if (!powered)
        sim_host_die(net, host);
    else
        release_held(net);
}

void sim_host_pause(struct sim_host *host)
{
    host->paused++;
}

static void read_parked(struct sim_net *net, struct sim_host *host)
{
    struct sim_msg *msg = host->parked;

    host->parked = NULL;
    host->parked_tail = &host->parked;
    while (msg != NULL) {
        struct sim_msg *next = msg->next;

        if (host->paused != 0) /* something it heard made it stand still again */
            append(&host->parked_tail, msg);
        else
            hand_over(net, msg);
        msg = next;
    }
}

void sim_host_resume(struct sim_net *net, struct sim_host *host)
{
    /* It may have died and been started again meanwhile: then there is nothing to resume. */
    if (host->paused == 0 || --host->paused != 0)
        return;
    read_parked(net, host); /* one that lags, too: it wakes up with this */
}

void sim_host_lag(struct sim_host *host)
{
    host->lags = true;
}

void sim_host_catch_up(struct sim_net *net, struct sim_host *host)
{
    host->lags = false;
    if (host->paused == 0)
        read_parked(net, host);
}

/* Faults ----------------------------------------------------------------------------- */

void sim_cut(struct sim_net *net, unsigned from, unsigned to)
{
    net->cuts[from][to]++;
}

void sim_heal(struct sim_net *net, unsigned from, unsigned to)
{
    VD_ASSERT(net->cuts[from][to] > 0);
    net->cuts[from][to]--;
    if (net->cuts[from][to] == 0)
        release_held(net);
}

void sim_conn_reset(struct sim_net *net, struct sim_conn *conn)
{
    if (!conn->accepted)
        return;
    for (unsigned end = 0; end < 2; end++)
        transmit_word(net, conn, end, SIM_RST);
}
