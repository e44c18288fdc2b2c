/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inbox: events on their way to the core. Callbacks of libraries translate
 * what happened into an event, push it here and keep nothing; the turn takes
 * the whole inbox at once. Because callbacks only push, a library that calls
 * back in the middle of an action can never re-enter the core.
 */
#ifndef VD_SHELL_INBOX_H
#define VD_SHELL_INBOX_H

#include "core/core.h"

struct vd_inbox {
    struct vd_event *events;
    size_t count;
    size_t room;
    unsigned calm;         /* turns since there were many events */
    struct vd_arena arena; /* what the events point to */
};

/*
 * Append a deep copy of the event: all that it points to (INFO texts and
 * lists, hello, order and its settings, strings) is copied into the inbox's
 * arena. `at` and `dice` are set here.
 */
void vd_inbox_push(struct vd_inbox *inbox, const struct vd_event *event);

/* After the turn: forget the events and what they pointed to. */
void vd_inbox_clear(struct vd_inbox *inbox);
void vd_inbox_free(struct vd_inbox *inbox);

#endif
