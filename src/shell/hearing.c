/* SPDX-License-Identifier: BSD-3-Clause */
/* Hearing: see hearing.h. */
#include "shell/hearing.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shell/clock.h"
#include "shell/log.h"

/*
 * libev asks epoll for so many at least. Each that it is told of has one
 * callback waiting, or two; half as many leave room for a few that have none.
 */
#define SURELY_ALL 32

static void on_mark(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct vd_hearing *hearing = watcher->data;
    uint64_t count;

    (void)loop;
    (void)events;
    if (read(hearing->mark, &count, sizeof(count)) < 0 || !hearing->marked)
        return;
    hearing->marked = false;
    if (hearing->marked_at > hearing->until)
        hearing->until = hearing->marked_at;
}

static void set_mark(struct vd_hearing *hearing)
{
    const uint64_t one = 1;
    vd_ms now = vd_clock_now();

    if (hearing->marked || hearing->mark < 0)
        return;
    hearing->marked = write(hearing->mark, &one, sizeof(one)) == (ssize_t)sizeof(one);
    hearing->marked_at = now;
}

/* The loop has looked, and calls next whatever is ready. */
static void behind_waiting(struct ev_loop *loop, ev_check *watcher, int events)
{
    struct vd_hearing *hearing = watcher->data;
    bool crowded = ev_pending_count(loop) >= SURELY_ALL;

    (void)events;
    if (!crowded)
        hearing->until = hearing->looking_at;
    else if (hearing->crowded)
        set_mark(hearing); /* most crowds are gone with the next look: no mark for these */
    hearing->crowded = crowded;
}

void vd_hearing_start(struct vd_hearing *hearing, struct ev_loop *loop)
{
    hearing->loop = loop;
    hearing->until = hearing->looking_at = vd_clock_now();
    hearing->marked = hearing->crowded = false;
    ev_check_init(&hearing->behind, behind_waiting);
    ev_set_priority(&hearing->behind, EV_MAXPRI);
    hearing->behind.data = hearing;
    ev_check_start(loop, &hearing->behind);
    hearing->mark = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (hearing->mark < 0) {
        vd_log(VD_LOG_WARNING, "eventfd: %s; under a heavy load nobody is found silent",
               strerror(errno));
        return;
    }
    ev_io_init(&hearing->seen, on_mark, hearing->mark, EV_READ);
    hearing->seen.data = hearing;
    ev_io_start(loop, &hearing->seen);
}

void vd_hearing_stop(struct vd_hearing *hearing)
{
    ev_check_stop(hearing->loop, &hearing->behind);
    if (hearing->mark < 0)
        return;
    ev_io_stop(hearing->loop, &hearing->seen);
    (void)close(hearing->mark);
    hearing->mark = -1;
}

void vd_hearing_look(struct vd_hearing *hearing)
{
    hearing->looking_at = vd_clock_now();
}
