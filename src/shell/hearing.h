/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hearing: until when has all that arrived been read? Whoever is silent is
 * judged by that: an answer that lies unread is no silence. One look of the
 * loop at its sockets tells, unless more of them were ready than it had room
 * for. What is left over comes first in the next look (epoll(7) keeps those
 * that are ready in the order in which they became so), and thus a mark, a
 * descriptor that is made ready, is seen behind all that was ready before it.
 * So a load that never ends hides nobody's silence.
 */
#ifndef VD_SHELL_HEARING_H
#define VD_SHELL_HEARING_H

#include <ev.h>

#include "core/value.h"

struct vd_hearing {
    vd_ms until; /* all that had arrived by then is read when the loop calls its ev_prepare again */
    struct ev_loop *loop; /* the rest is its own */
    ev_check behind;
    ev_io seen;
    int mark;        /* an eventfd; negative: there is none, and in a crowd nothing is sure */
    bool marked;     /* it is ready, since ... */
    vd_ms marked_at; /* ... but not seen yet */
    bool crowded;    /* the last look may have left some over */
    vd_ms looking_at;
};

/* From now on; borrowed by the loop until vd_hearing_stop. */
void vd_hearing_start(struct vd_hearing *hearing, struct ev_loop *loop);
void vd_hearing_stop(struct vd_hearing *hearing);

/* The loop is about to look: call it last before it does. */
void vd_hearing_look(struct vd_hearing *hearing);

#endif
