/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connection: one socket to a server, and the links that it carries, as
 * links.c (the door), connection.c (opening, greeting, sending, ending),
 * connection_input.c (what comes in), pairs.c (which links share a connection)
 * and beats.c use them; nobody else includes this.
 *
 * A connection is a dial while it is being opened, and then a socket with the
 * queue of replies that are expected on it, in order. It carries a command
 * link, or a peer's, or a subscription; or, where its server speaks RESP3, a
 * command link and a subscription both: replies are the one's, pushes the
 * other's. It lives as long as one of them does.
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
    VD_EXPECT_HELLO,
    VD_EXPECT_SUBSCRIBED,
    VD_EXPECT_UNSUBSCRIBED, /* its reply tells nothing */
    VD_EXPECT_BEATS,        /* subscribed to beats, too */
    VD_EXPECT_BEAT,         /* a beat was published */
    VD_EXPECT_WORD,         /* a word was passed to a peer; its reply tells nothing */
    VD_EXPECT_ANSWER,
};

/* A reply that is owed to us. */
struct vd_expected {
    enum vd_expect what;
    vd_link by;           /* SUBSCRIBED: the subscription, which may be gone by then */
    int64_t ping_sent_us; /* of a PING; 0: it is none */
    struct vd_expected *prev;
    struct vd_expected *next;
    struct vd_asked asked[]; /* one, of VD_EXPECT_ANSWER */
};

/* Which protocol the server speaks with us. */
enum vd_speech {
    VD_SPEECH_UNKNOWN, /* not greeted, or the reply to HELLO is still to come */
    VD_SPEECH_RESP2,
    VD_SPEECH_RESP3,
};

struct vd_pair;

/* A link as the core knows it. */
struct vd_strand {
    vd_link id;
    enum vd_link_kind kind;
    bool is_up; /* and said so */
    struct vd_connection *connection;
    struct vd_pair *pair; /* NULL: of a peer; or the server has a link of this kind already */
};

struct vd_connection {
    struct vd_links *links;
    enum vd_link_kind kind;    /* of the link that it was opened for ... */
    uint64_t token;            /* ... and its number, for the resolver */
    struct vd_strand *command; /* or the peer's; NULL: none any more, or never */
    struct vd_strand *subscription;
    struct vd_addr addr;
    char ip[VD_IP_SIZE]; /* connected to */
    char *user;          /* of the greeting; gone when it is said */
    char *pass;
    char *client_name;
    struct vd_rename *renames;
    struct vd_dialect dialect; /* of these */
    bool resolving;
    bool asleep; /* a subscription's that waits for its server's command link to be greeted */
    enum vd_speech speech;
    struct vd_dial *dial;
    struct vd_stream stream; /* open when the dial is done */
    struct vd_replies replies;
    struct vd_expected *queue;
    struct vd_text held;            /* hellos that wait for the subscription to go first ... */
    struct vd_expected *held_queue; /* ... and what will be expected then */
    bool no_beats;                  /* the server refuses them */
    int64_t rtt_us;                 /* smoothed; -1 unknown */
    bool heard;                     /* anything at all has come in */
    vd_ticket last_turn;            /* the latest request that turns the server */
    struct vd_text out;
    bool is_dirty;
    struct vd_connection *dirty_prev;
    struct vd_connection *dirty_next;
    struct vd_connection *prev;
    struct vd_connection *next;
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
    char *own_pass;          /* requirepass, which peers are assumed to share; NULL: none */
    struct vd_handles by_id; /* strands */
    struct vd_connection *connections;
    struct vd_pair *pairs;
    struct vd_connection *dirty;
    struct vd_refusals refusals;
    struct vd_reply_scratch scratch;
    void (*heard_beat)(void *self, vd_link link, const char *text, size_t len); /* NULL: nobody */
    void *beat_self;
    char input[VD_READ_SIZE];
};

/* Connections: connection.c -------------------------------------------------- */

/* As the effect CONNECT describes it; not opened yet, and carries the strand. */
struct vd_connection *vd_connection_new(struct vd_links *links, struct vd_strand *strand,
                                        const struct vd_effect *effect);

/* Begin to open it. */
void vd_connection_open(struct vd_connection *connection);

/* Say nothing. The strands that it carried are somebody else's. */
void vd_connection_free(struct vd_connection *connection);

/* What the server is called in messages. */
const char *vd_connection_name(const struct vd_connection *connection);

/* "host:port", also for the log's key, which may cut it. */
#define VD_WHERE_SIZE (VD_HOST_SIZE + 8)
void vd_connection_print_where(const struct vd_connection *connection, char where[VD_WHERE_SIZE]);

/* Has all been said that it begins with? */
bool vd_connection_is_greeted(const struct vd_connection *connection);

/* It is gone for a reason of its own: each of its links is down. Copies the text, and frees it. */
void vd_connection_drop(struct vd_connection *connection, enum vd_down_reason reason,
                        const char *text);

/* Given up amid the TLS handshake: that must reach the log. */
void vd_connection_tell_no_handshake(const struct vd_connection *connection);

/* What its server is known to refuse; and what it refuses as well from now on. */
struct vd_grants vd_connection_grants(const struct vd_connection *connection);
void vd_connection_keep_grants(const struct vd_connection *connection,
                               const struct vd_grants *grants);
void vd_connection_note_no_hello(const struct vd_connection *connection);

/* Something was put into `out`: it leaves with the next flush. */
void vd_connection_mark_dirty(struct vd_connection *connection);

/* Write what is due. It may be gone then. */
void vd_connection_flush(struct vd_connection *connection);

/* Await a reply that is no answer to a request of the core; valid until it has come. */
struct vd_expected *vd_connection_expect(struct vd_connection *connection, enum vd_expect what);

/* SUBSCRIBE for the strand, which it carries from now on; and the end of that. */
void vd_connection_subscribe(struct vd_connection *connection, struct vd_strand *strand);
void vd_connection_unsubscribe(struct vd_connection *connection);

/*
 * Send a request; `send` NULL: once more. The queue owns `expected`. A hello is
 * held until it is known what the server speaks, so that the subscription goes
 * first: sentinels that start together say theirs at the same time, and who does
 * not listen yet hears nothing for a period.
 */
void vd_connection_put(struct vd_connection *connection, struct vd_expected *expected,
                       const struct vd_effect *send);

/* Send what was held. */
void vd_connection_release(struct vd_connection *connection);

/* Bytes came in. False: the connection is gone. */
bool vd_connection_take(struct vd_connection *connection, const char *bytes, size_t len);

/* Strands: links.c -------------------------------------------------------------- */

/* By its handle; NULL: gone. */
struct vd_strand *vd_strand_find(const struct vd_links *links, vd_link id);

/* The link is of use from now on. */
void vd_strand_say_up(struct vd_strand *strand);

/* It is down: say so, copying the text, and free it. Its connection is left as it is. */
void vd_strand_say_down(struct vd_strand *strand, enum vd_down_reason reason, const char *text);

/* Free it, silently, and its connection if that carries no other. */
void vd_strand_end(struct vd_strand *strand);

/* Pairs: pairs.c ---------------------------------------------------------------- */

/* A new link to a data server is the command link, or the subscription, of its pair. */
void vd_pair_join(struct vd_links *links, struct vd_strand *strand, const struct vd_effect *effect);
void vd_pair_leave(struct vd_links *links, struct vd_strand *strand);

/* What carries a new link. It is seated already where that is a connection that it shares. */
enum vd_seat {
    VD_SEAT_OWN,     /* a connection of its own */
    VD_SEAT_AWAITED, /* one of its own, or the command link's, when that has been greeted */
    VD_SEAT_SHARED,  /* the command link's */
};
enum vd_seat vd_pair_seat(struct vd_strand *strand);

/* What the server speaks is known: seat the subscription, or open the connection that waits. */
void vd_pair_on_greeted(struct vd_connection *connection);

/* The subscription that waits for this connection's greeting; NULL: none. */
struct vd_strand *vd_pair_waiting(const struct vd_connection *connection);

/* The core closes the link, of a subscription perhaps for its silence. */
void vd_pair_on_closed(const struct vd_strand *strand);

/* Beats: beats.c ------------------------------------------------------------------ */

void vd_connection_greet_beats(struct vd_connection *connection);
void vd_connection_take_beat_reply(struct vd_connection *connection, enum vd_expect what,
                                   const struct vd_value *value);
/* False: the message is no beat. */
bool vd_connection_take_beat(struct vd_connection *connection, const struct vd_value *value);
void vd_connection_note_rtt(struct vd_connection *connection, const struct vd_expected *expected);

#endif
