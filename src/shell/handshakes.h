/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshakes: whose turn it is. A step of one costs up to a millisecond, and
 * thousands of clients may come back at once; so steps are taken in turn, for
 * at most 2 ms in each turn of the loop, and links that go out before those
 * that come in: the watch must not suffer from being watched.
 */
#ifndef VD_SHELL_HANDSHAKES_H
#define VD_SHELL_HANDSHAKES_H

#include <stdbool.h>
#include <stddef.h>

#include <ev.h>

/* Incoming ones under way, each with some 15 kB of OpenSSL's; others wait with a socket only. */
#define VD_HANDSHAKES_BEGUN_MAX 4096

/* Part of whoever shakes hands; zeroed, with `step` and `outgoing` filled in. */
struct vd_handshake {
    /* Take one step. May end in vd_handshakes_leave and free it. */
    void (*step)(struct vd_handshake *self);
    bool outgoing;
    bool queued;
    bool begun; /* incoming: holds one of the places for those under way */
    bool waits; /* ... for such a place */
    struct vd_handshake *prev;
    struct vd_handshake *next;
};

struct vd_handshakes {
    struct ev_loop *loop;
    ev_idle work;
    struct vd_handshake *queue;
    struct vd_handshake *lobby; /* incoming, not begun, no place for them yet */
    size_t begun;
};

void vd_handshakes_init(struct vd_handshakes *all, struct ev_loop *loop);
void vd_handshakes_stop(struct vd_handshakes *all);

/* It can take a step: that will be called from the loop. */
void vd_handshakes_want(struct vd_handshakes *all, struct vd_handshake *one);

/* It has ended, well or not; `step` is not called any more. */
void vd_handshakes_leave(struct vd_handshakes *all, struct vd_handshake *one);

#endif
