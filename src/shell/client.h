/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One client and the house it belongs to: what clients.c (effects, figures),
 * client_entry.c (sockets, who may come in), client.c (bytes in and out),
 * client_awaited.c (replies of the core), client_idle.c (time-outs),
 * client_run.c (what a request causes) and client_users.c (what users may)
 * share. For these only; everybody else uses clients.h.
 *
 * A client that has to go is only doomed where it stands; it is ended from the
 * loop's own callbacks, so that nobody up the stack is left with a dangling
 * pointer, and freed before the loop waits.
 */
#ifndef VD_SHELL_CLIENT_H
#define VD_SHELL_CLIENT_H

#include <netinet/in.h>
#include <sys/socket.h>

/* uthash's memory is ours, which never fails. */
#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#define uthash_fatal(message) vd_panic(__FILE__, __LINE__, message)
#include <uthash.h>

#include "proto/reader.h"
#include "proto/render_info.h"
#include "proto/request.h"
#include "shell/clients.h"
#include "shell/listen.h"
#include "shell/pubsub.h"
#include "shell/stream.h"
#include "shell/tls.h"

/* Most that is read of a client at once. */
#define VD_CLIENT_READ_SIZE ((size_t)64 * 1024)

/* What the core owes it, and what waits behind; client_awaited.c. */
struct vd_awaited;
/* At most so many at a time of one client. */
#define VD_CLIENT_AWAITS_MAX 10000

/* A MONITOR order whose host is being resolved. */
struct vd_client_order;

struct vd_conn {
    struct vd_session session;
    struct vd_subscriber subscriber;
    struct vd_clients *home;
    struct vd_stream stream;
    ev_timer soft;            /* active only while over the soft limit */
    struct vd_text in;        /* input that could not be used yet */
    struct vd_reader *reader; /* amid a request; else NULL and the house's is used */
    struct vd_text out;       /* what it is owed; has memory only while it is */
    size_t sent;              /* of that */
    struct vd_client_order *order;
    struct vd_awaited *awaited; /* replies of the core; NULL: none */
    bool spoken;                /* it has said something */
    bool waiting;               /* for a REPLY that its next request must not overtake */
    bool paused;                /* not read from, since it waits */
    bool closing;               /* after all was sent */
    bool doomed;                /* ended as soon as nobody uses it */
    bool ended;
    bool dirty;   /* in the list of those who are owed something */
    bool resumed; /* in the list of those who may go on */
    vd_ms created_at;
    vd_ms last_at;  /* of its last input */
    vd_ms quiet_at; /* the idle time-out counts from here */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer;
    struct vd_conn *quieter[2]; /* before and behind in the order of quiet_at */
    struct vd_conn *next_dirty;
    struct vd_conn *next_resumed;
    struct vd_conn *next_ended;
    UT_hash_handle hh; /* by session.id.n */
};

/* Events of the current and the last whole second. */
struct vd_rate {
    int64_t second;
    uint64_t current;
    uint64_t last;
};

struct vd_clients {
    struct ev_loop *loop;
    struct vd_inbox *inbox;
    const struct vd_drive *drive;
    const struct vd_config *config;
    struct vd_clients_hooks hooks;
    struct vd_desk desk;
    struct vd_tls *tls; /* NULL: none */
    struct vd_acl *acl;
    struct vd_text declared; /* the users of the configuration, as text */
    vd_ms paused_until;      /* nobody but sentinels is answered until then; VD_NEVER: no pause */
    ev_timer pause;
    struct vd_listen listen;
    ev_io *acceptors;
    ev_timer retry_accept; /* after we ran out of descriptors */
    ev_timer idle;         /* to the first time-out */
    ev_prepare early; /* sends what is ready before the turn, which may have to wait for a disk */
    ev_prepare late;  /* sends what the turn brought */
    ev_idle resume;   /* active while somebody may go on */
    struct vd_pubsub *pubsub;
    struct vd_conn *table;       /* by id, oldest first */
    struct vd_conn *quietest[2]; /* ends of the order of quiet_at */
    struct vd_conn *dirty;
    struct vd_conn *resumed;
    struct vd_conn *ended;
    uint64_t last_id;
    struct vd_reader reader; /* of whoever is at a request's beginning */
    struct vd_arena arena;   /* of one request */
    struct vd_outcome outcome;
    struct vd_text spares[16]; /* output buffers that nobody uses now */
    size_t spare_count;
    struct vd_id run_id;
    vd_ms started_at;
    vd_ms now;                    /* of the last look at the clock */
    struct vd_server_facts stats; /* its counters only */
    struct vd_rate ops;
    struct vd_rate bytes_in;
    struct vd_rate bytes_out;
    char input[VD_CLIENT_READ_SIZE];
};

/* client.c -------------------------------------------------------------------- */

/* Takes the descriptor over. With `tls` the client is of no use before the handshake is over. */
void vd_conn_new(struct vd_clients *home, int fd, const struct sockaddr *peer, socklen_t len,
                 bool tls);
/* Close it. It is freed by vd_conn_bury, when no list has it any more. */
void vd_conn_end(struct vd_conn *conn);
void vd_conn_bury(struct vd_clients *home);

/*
 * The buffer for what it is owed, with memory; call vd_conn_owe when something
 * was written. It stands behind all replies that are awaited from the core.
 */
struct vd_text *vd_conn_out(struct vd_conn *conn);
/* The same for the first of those that are awaited; then vd_conn_awaited_came. */
struct vd_text *vd_conn_reply(struct vd_conn *conn);
/* Something more is owed: it will be sent, or the client ends if it is too much. */
void vd_conn_owe(struct vd_conn *conn);

/* Send to all who are owed something. */
void vd_conn_send_all(struct vd_clients *home);

/* The reply that was awaited first has been written: it is owed, and the client goes on. */
void vd_conn_replied(struct vd_conn *conn);
/* Something was written that its next request waited for; it goes on, unless more is awaited. */
void vd_conn_go_on(struct vd_conn *conn);

/* What it sent meanwhile is run, from the loop. */
void vd_conn_resume(struct vd_conn *conn);
void vd_conn_resume_all(struct vd_clients *home);

void vd_rate_add(struct vd_rate *rate, vd_ms now, uint64_t count);
uint64_t vd_rate_last(const struct vd_rate *rate, vd_ms now);

/* client_awaited.c ------------------------------------------------------------ */

/* The core answers the request that was just run. */
void vd_conn_await(struct vd_conn *conn);
/* How many are awaited. */
size_t vd_conn_awaits(const struct vd_conn *conn);
/* The first of those was asked by one who wants no reply (CLIENT REPLY); there must be one. */
bool vd_conn_awaits_muted(const struct vd_conn *conn);
/* The first was written to vd_conn_reply: what waited behind it moves up. */
void vd_conn_awaited_came(struct vd_conn *conn);
/* The last, behind which nothing was run, does not come from the core: write it to vd_conn_out. */
void vd_conn_await_no_more(struct vd_conn *conn);
/* Where that waits; NULL: nothing is awaited. */
struct vd_text *vd_conn_behind(struct vd_conn *conn);
void vd_conn_forget_awaited(struct vd_conn *conn);

/* client_idle.c --------------------------------------------------------------- */

/* Put it behind all others in the order of quiet_at, and take it out of that. */
void vd_conn_begin_quiet(struct vd_conn *conn);
void vd_conn_end_quiet(struct vd_conn *conn);
/* It has said something: its time-out counts from now. */
void vd_conn_touch(struct vd_conn *conn, vd_ms now);

/* End those who were quiet for too long, and set the timer to the next one. */
void vd_conn_end_idle(struct vd_clients *home, vd_ms now);

/* client_entry.c -------------------------------------------------------------- */

/* The TLS handshake is over; or there will be none, and `why` (NULL: it went away) is told. */
void vd_conn_opened(struct vd_conn *conn);
void vd_conn_failed(struct vd_conn *conn, const char *why);
/* Reading or writing has failed: end it, and tell what is wrong with its TLS. */
void vd_conn_broken(struct vd_conn *conn, int error);
/* Is this the first input of somebody who takes the plain port for the TLS port? It is told. */
bool vd_conn_begins_tls(const struct vd_conn *conn, const char *bytes, size_t len);

void vd_clients_unlisten(struct vd_clients *clients);

/* client_run.c ---------------------------------------------------------------- */

/* "ip:port", "[ip6]:port", or the path of a Unix socket with port 0. */
#define VD_CLIENT_ADDRESS_SIZE 128
void vd_client_address(const struct sockaddr *addr, const char *path,
                       char out[VD_CLIENT_ADDRESS_SIZE]);

/* Run one request; home->now is now. */
void vd_conn_run(struct vd_conn *conn, const struct vd_word *words, size_t count);

/* Append its line of CLIENT LIST. */
void vd_conn_describe(struct vd_conn *conn, struct vd_text *to);

/* The name of a MONITOR order's host has this address; "" or NULL: none. */
void vd_conn_resolved(struct vd_conn *conn, const char *ip);
void vd_conn_forget_order(struct vd_conn *conn);

/* client_users.c -------------------------------------------------------------- */

/* Users changed: who is deleted, or listens to what it may not, has to go. */
void vd_conn_check_users(struct vd_clients *home);

/* The configuration was read: its users come into force, unless it declared the same before. */
void vd_conn_adopt_users(struct vd_clients *home, const struct vd_acl *declared);

void vd_conn_log_denial(struct vd_conn *conn, const struct vd_denial *denial);

/* Is its turn to be put off, since a client said CLIENT PAUSE? */
bool vd_conn_is_held(const struct vd_conn *conn);

/* CLIENT PAUSE; 0: CLIENT UNPAUSE. A pause is never made shorter by another. */
void vd_conn_pause_all(struct vd_clients *home, vd_ms duration_ms);

#endif
