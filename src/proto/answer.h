/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers: what a server replies to a request becomes an event. A request may
 * be several commands (outgoing.h) and so have several replies; they are taken
 * one by one, and what they mean together is said when the last has come.
 * Written for replies from a stranger: a wrong shape is an error, never a fault.
 */
#ifndef VD_PROTO_ANSWER_H
#define VD_PROTO_ANSWER_H

#include "base/arena.h"
#include "core/core.h"
#include "proto/outgoing.h"

enum vd_value_type {
    VD_VALUE_STATUS,
    VD_VALUE_ERROR,
    VD_VALUE_TEXT, /* bulk or verbatim */
    VD_VALUE_INTEGER,
    VD_VALUE_NIL,
    VD_VALUE_ARRAY, /* and maps and sets, flat */
    VD_VALUE_PUSH,  /* RESP3: no reply, or that of SUBSCRIBE; elements as an array's */
};

/* One reply. Texts have a NUL behind their length. */
struct vd_value {
    enum vd_value_type type;
    const char *text;
    size_t len;
    int64_t number;
    struct vd_value **elements; /* none is NULL */
    size_t count;
};

enum vd_taken {
    VD_TAKEN_MORE, /* replies are still to come */
    VD_TAKEN_DONE, /* *event is the answer */
    /* Part of it was refused: send it again (vd_outgoing_put), as *grants now says. */
    VD_TAKEN_AGAIN,
    /* A transaction that cannot be ended: the link is of no use any more. */
    VD_TAKEN_BROKEN,
};

/*
 * The next reply to a request. *event (link and ticket set too) points into
 * the arena and the value. `stale`: a later request of this kind is on its way
 * already, so that this one must not be sent again.
 */
enum vd_taken vd_answer_take(struct vd_asked *asked, const struct vd_value *value,
                             struct vd_grants *grants, bool stale, struct vd_arena *arena,
                             struct vd_event *event);

/* Is it the reply to HELLO 3 of a server that speaks RESP3 from now on? */
bool vd_answer_is_resp3(const struct vd_value *value);

/*
 * A push or, in RESP2, an array: does it tell this ("message", "subscribe",
 * "unsubscribe") of that channel?
 */
bool vd_answer_tells(const struct vd_value *value, const char *what, const char *channel);

/*
 * A message of a subscription: ["message", channel, payload] on the hello
 * channel. False: it is none.
 */
bool vd_answer_message(const struct vd_value *value, const char **payload,
                       size_t *len) VD_MUSTCHECK;

/* Is it the error of a server that refuses who we are: NOAUTH, WRONGPASS, NOPERM? */
bool vd_answer_is_auth(const struct vd_value *value);

#endif
