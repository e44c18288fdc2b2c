/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection: one link as links.c (opening, sending, closing) and
 * connection_input.c (what comes in) share it; nobody else includes this. A
 * handle, a dial while it is being opened, and then a socket with the queue of
 * replies that are expected on it, in order.
 */
#ifndef VD_SHELL_CONNECTION_H
#define VD_SHELL_CONNECTION_H

#include <utlist.h>

#include "base/handles.h"
#include "proto/answer.h"
#include "shell/dial.h"
#include "shell/links.h"
#include "shell/refusals.h"
#include "shell/replies.h"
#include "shell/stream.h"
#include "shell/tls.h"

#define VD_READ_SIZE ((size_t)64 * 1024)

enum vd_expect {
    VD_EXPECT_AUTH,
    VD_EXPECT_NAME,
    VD_EXPECT_SUBSCRIBED,
    VD_EXPECT_BEATS, /* subscribed to beats, too */
    VD_EXPECT_BEAT,  /* a beat was published */
    VD_EXPECT_WORD,  /* a word was passed to a peer; its reply tells nothing */
    VD_EXPECT_ANSWER,
};

/* A reply that is owed to us. */
struct vd_expected {
    enum vd_expect what;
    int64_t ping_sent_us; /* of a PING; 0: it is none */
    struct vd_expected *prev;
    struct vd_expected *next;
    struct vd_asked asked[]; /* one, of VD_EXPECT_ANSWER */
};

struct vd_connection {
    struct vd_links *links;
    vd_link id;
    enum vd_link_kind kind;
    struct vd_addr addr;
    char ip[VD_IP_SIZE]; /* connected to */
    char *user;          /* of the greeting; gone when it is said */
    char *pass;
    char *client_name;
    struct vd_rename *renames;
    size_t rename_count;
    bool resolving;
    struct vd_dial *dial;
    struct vd_stream stream; /* open when the dial is done */
    struct vd_replies replies;
    struct vd_expected *queue;
    bool subscribed;
    bool no_beats;       /* the server refuses them */
    int64_t rtt_us;      /* smoothed; -1 unknown */
    bool heard;          /* anything at all has come in */
    vd_ticket last_turn; /* the latest request that turns the server */
    struct vd_text out;
    bool is_dirty;
    struct vd_connection *dirty_prev;
    struct vd_connection *dirty_next;
};

struct vd_links {
    struct ev_loop *loop;
    struct vd_inbox *inbox;
    struct vd_resolver *resolver;
    struct vd_tls *tls; /* NULL: everything is plain */
    bool tls_servers;   /* links to data servers use it */
    bool tls_peers;     /* links to other sentinels do */
    int keepalive_s;
    char source_ip[VD_IP_SIZE];
    char *own_pass; /* requirepass, which peers are assumed to share; NULL: none */
    struct vd_handles by_id;
    struct vd_connection *dirty;
    struct vd_refusals refusals;
    struct vd_reply_scratch scratch;
    void (*heard_beat)(void *self, vd_link link, const char *text, size_t len); /* NULL: nobody */
    void *beat_self;
    char input[VD_READ_SIZE];
};

/* What the server is called in messages. */
const char *vd_connection_name(const struct vd_connection *link);

/* It is gone for a reason of its own: say so, copying the text, and free it. */
void vd_connection_drop(struct vd_connection *link, enum vd_down_reason reason, const char *text);

/* The stream says that it is broken: drop, by the errno. */
void vd_connection_break(struct vd_connection *link, int error);

/* It is of use from now on. */
void vd_connection_say_up(struct vd_connection *link);

/* By its handle; NULL: gone. */
struct vd_connection *vd_connection_find(const struct vd_links *links, vd_link id);

/* Something was put into `out`: it leaves with the next flush. */
void vd_connection_mark_dirty(struct vd_connection *link);

/* Await a reply that is no answer to a request of the core. */
void vd_connection_expect(struct vd_connection *link, enum vd_expect what);

/* Beats; beats.c. */
void vd_connection_greet_beats(struct vd_connection *link);
void vd_connection_take_beat_reply(struct vd_connection *link, enum vd_expect what,
                                   const struct vd_value *value);
/* False: the message is no beat. */
bool vd_connection_take_beat(struct vd_connection *link, const struct vd_value *value);
void vd_connection_note_rtt(struct vd_connection *link, const struct vd_expected *expected);

/* Send a request; `send` NULL: once more. The queue owns `expected`. */
void vd_connection_put(struct vd_connection *link, struct vd_expected *expected,
                       const struct vd_effect *send);

/* Bytes came in. False: the link is gone. */
bool vd_connection_take(struct vd_connection *link, const char *bytes, size_t len);

#endif
