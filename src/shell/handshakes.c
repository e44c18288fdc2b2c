/* SPDX-License-Identifier: BSD-3-Clause */
/* Handshakes: see handshakes.h. */
#include "shell/handshakes.h"

#include <utlist.h>

#include "shell/clock.h"

#define BUDGET_US 2000

static void on_work(struct ev_loop *loop, ev_idle *work, int events)
{
    struct vd_handshakes *all = work->data;
    int64_t end_us = vd_clock_now_us() + BUDGET_US;

    (void)events;
    while (all->queue != NULL) {
        struct vd_handshake *one = all->queue;

        DL_DELETE(all->queue, one);
        one->queued = false;
        one->step(one);
        if (vd_clock_now_us() >= end_us)
            break;
    }
    if (all->queue == NULL)
        ev_idle_stop(loop, work);
}

void vd_handshakes_init(struct vd_handshakes *all, struct ev_loop *loop)
{
    *all = (struct vd_handshakes){.loop = loop};
    ev_idle_init(&all->work, on_work);
    /* In every turn of the loop, however much else there is to do. */
    ev_set_priority(&all->work, EV_MAXPRI);
    all->work.data = all;
}

void vd_handshakes_stop(struct vd_handshakes *all)
{
    ev_idle_stop(all->loop, &all->work);
}

static void enqueue(struct vd_handshakes *all, struct vd_handshake *one)
{
    one->queued = true;
    if (one->outgoing)
        DL_PREPEND(all->queue, one);
    else
        DL_APPEND(all->queue, one);
    ev_idle_start(all->loop, &all->work);
}

void vd_handshakes_want(struct vd_handshakes *all, struct vd_handshake *one)
{
    if (one->queued || one->waits)
        return;
    if (!one->outgoing && !one->begun) {
        if (all->begun >= VD_HANDSHAKES_BEGUN_MAX) {
            one->waits = true;
            DL_APPEND(all->lobby, one);
            return;
        }
        one->begun = true;
        all->begun++;
    }
    enqueue(all, one);
}

void vd_handshakes_leave(struct vd_handshakes *all, struct vd_handshake *one)
{
    struct vd_handshake *next;

    if (one->queued)
        DL_DELETE(all->queue, one);
    else if (one->waits)
        DL_DELETE(all->lobby, one);
    one->queued = one->waits = false;
    if (!one->begun)
        return;
    one->begun = false;
    all->begun--;
    next = all->lobby;
    if (next == NULL)
        return;
    DL_DELETE(all->lobby, next);
    next->waits = false;
    vd_handshakes_want(all, next);
}
