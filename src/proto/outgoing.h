/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outgoing: the core's requests in the words that servers know, with commands
 * that the operator renamed. Sentinel's words (SLAVEOF,
 * is-master-down-by-addr) appear here because the wire demands them.
 */
#ifndef VD_PROTO_OUTGOING_H
#define VD_PROTO_OUTGOING_H

#include "base/text.h"
#include "core/core.h"

/* What a server turned out to refuse; remembered by its address. Zero: nothing is known. */
struct vd_grants {
    bool no_replicaof;   /* say SLAVEOF */
    bool no_transaction; /* no MULTI or EXEC: one by one */
    bool no_rewrite;     /* CONFIG REWRITE */
    bool no_kill;        /* CLIENT KILL */
    bool no_hello;       /* HELLO 3: hangs up at it, or does not do as it says */
};

/* The words of the link that is written to. */
struct vd_dialect {
    const struct vd_rename *renames;
    size_t rename_count;
};

/* Commands of a request that turns a server, in the order in which they are sent. */
enum vd_turn_part {
    VD_PART_MULTI,
    VD_PART_FOLLOW, /* REPLICAOF or SLAVEOF */
    VD_PART_REWRITE,
    VD_PART_KILL_NORMAL,
    VD_PART_KILL_PUBSUB,
    VD_PART_EXEC,
    VD_PART_COUNT,
};

#define VD_TURN_ERROR_SIZE 128

/* A request that is on its way. Filled by vd_asked_init; the rest is answer's and outgoing's own.
 */
struct vd_asked {
    vd_link link;
    vd_ticket ticket;
    enum vd_request request;
    struct vd_addr addr; /* REPLICATE: whom to follow, for a second try */
    /* Of a request that turns a server, bits per enum vd_turn_part: */
    unsigned parts;                 /* sent */
    unsigned awaited;               /* sent and not replied to yet */
    unsigned refused;               /* refused for good: unknown, renamed or not granted */
    unsigned queued;                /* taken into the transaction */
    bool said_replicaof;            /* or SLAVEOF */
    bool failed;                    /* the server cannot do it now; `error` says why */
    bool applied;                   /* it did it, outside a transaction */
    char error[VD_TURN_ERROR_SIZE]; /* the first one */
};

void vd_asked_init(struct vd_asked *asked, const struct vd_effect *send);

/* Is it one that turns a server (PROMOTE, REPLICATE)? */
bool vd_asked_turns(const struct vd_asked *asked);

/*
 * Append the request's commands to `to`. `send` is the effect, or NULL when a
 * request that turns a server is sent again. Sets what vd_answer_take expects.
 */
void vd_outgoing_put(struct vd_asked *asked, const struct vd_effect *send,
                     const struct vd_grants *grants, const struct vd_dialect *dialect,
                     struct vd_text *to);

/* Would the request that was sent be put otherwise, as *grants says now? */
bool vd_outgoing_differs(const struct vd_asked *asked, const struct vd_grants *grants);

/*
 * What a new link begins with: AUTH when there is a password, CLIENT SETNAME,
 * HELLO 3 on a command link that is to speak RESP3 (`resp3`), and SUBSCRIBE on
 * a subscription. Replies come in this order, of what was sent. HELLO comes
 * behind what it could carry (AUTH, SETNAME), so that who refuses it has been
 * greeted all the same.
 */
struct vd_greeting {
    bool auth;
    bool hello;
    bool subscribe;
};
void vd_outgoing_greet(enum vd_link_kind kind, bool resp3, const char *user, const char *pass,
                       const char *client_name, const struct vd_dialect *dialect,
                       struct vd_text *to, struct vd_greeting *greeting);

/* Append PUBLISH, SUBSCRIBE or UNSUBSCRIBE for a channel of our own. */
void vd_outgoing_publish(const char *channel, const char *text, const struct vd_dialect *dialect,
                         struct vd_text *to);
void vd_outgoing_subscribe(const char *channel, const struct vd_dialect *dialect,
                           struct vd_text *to);
void vd_outgoing_unsubscribe(const char *channel, const struct vd_dialect *dialect,
                             struct vd_text *to);

#endif
