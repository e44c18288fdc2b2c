/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Net: hosts, connections and what travels on them. A connection is TCP as a
 * process sees it: bytes arrive in order or not at all, loss shows as delay,
 * a partition as silence, a dead process as FIN, a dead host as nothing. The
 * kernel of a paused process still completes handshakes and keeps what comes.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "base/text.h"
#include "world.h"

enum sim_word {
    /* transport */
    SIM_SYN,
    SIM_SYN_OK,
    SIM_SYN_REFUSED,
    SIM_FIN,
    SIM_RST,
    /* requests */
    SIM_PING,
    SIM_INFO,
    SIM_ROLE,
    SIM_PUBLISH,
    SIM_SUBSCRIBE,
    SIM_QUESTION,
    SIM_PROMOTE,
    SIM_REPLICATE,
    SIM_SCRIPT_KILL,
    SIM_PAUSE,
    SIM_UNPAUSE,
    SIM_HANDOVER,
    SIM_ABORT,
    SIM_WAIT,
    SIM_GETACK,
    SIM_GET_PRIMARY,
    SIM_WRITE,
    /* replies */
    SIM_PONG,
    SIM_INFO_TEXT,
    SIM_ROLE_IS,
    SIM_DONE,
    SIM_ANSWER,
    SIM_MESSAGE,
    SIM_PRIMARY_IS,
    SIM_WAITED,
    /* replication */
    SIM_PSYNC,
    SIM_CONTINUE,
    SIM_FULLRESYNC,
    SIM_SYNC_REFUSED,
    SIM_RDB,
    SIM_STREAM,
    SIM_ACK,
    SIM_WORD_COUNT,
};

/* Text that several messages share, and what its first reader made of it: all read the same. */
struct sim_payload {
    unsigned refs;
    size_t len;
    struct vd_hello *hello; /* NULL: nobody has read it as one yet; owned */
    char text[];
};

struct sim_payload *sim_payload_new(const char *text, size_t len); /* one reference */
void sim_payload_drop(struct sim_payload *payload);                /* NULL is fine */

struct sim_host;
struct sim_conn;

/* One message. A sender fills in what the word needs; the net owns it after net_send. */
struct sim_msg {
    struct sim_task task;
    struct sim_msg *next;
    struct sim_conn *conn;
    unsigned sequence;
    unsigned char from; /* end of the connection */
    enum sim_word word;
    enum sim_word asked;         /* DONE: the request that is done */
    bool ok;                     /* DONE, ANSWER, INFO_TEXT: no error came instead */
    int kind;                    /* PONG: enum vd_pong; ROLE_IS: enum vd_role; WRITE's reply */
    uint64_t ticket;             /* of a request, given back with its reply */
    uint64_t epoch;              /* QUESTION, ANSWER */
    int64_t offset;              /* replication */
    const struct sim_host *addr; /* whom it is about; NULL nobody */
    struct vd_id id;             /* candidate, leader, replid */
    struct sim_entry *data;      /* replication; WRITE's reply */
    unsigned group;              /* GET_PRIMARY */
    struct sim_payload *payload; /* a reference, dropped with the message */
    size_t told;                 /* its number in the story, from 1; 0: it is not told */
};

struct sim_host_ops {
    /* Somebody connected to us. */
    void (*accepted)(void *self, struct sim_conn *conn);
    /* Our connect succeeded. */
    void (*connected)(void *self, struct sim_conn *conn);
    /* Our connect failed or the connection is gone; it may not be used any more. */
    void (*lost)(void *self, struct sim_conn *conn, enum vd_down_reason reason);
    /* A message, valid during the call. */
    void (*heard)(void *self, struct sim_conn *conn, const struct sim_msg *msg);
};

/* A machine and its address. Processes come and go, some from one machine to another. */
struct sim_host {
    struct sim_net *net;
    unsigned index;
    unsigned group; /* whose server's address it is or was; SIM_GROUPS_MAX: none */
    char name[8];
    uint64_t bit; /* in sets of hosts (schedule.h) */
    struct vd_addr addr;
    const struct sim_host_ops *ops;
    void *self;
    bool listening;         /* a process is there */
    bool powered;           /* or else nothing answers */
    unsigned deaths;        /* of its process, so far */
    unsigned paused;        /* its process stands still, for so many reasons */
    bool lags;              /* it does not read what arrives, for now */
    sim_us busy;            /* what it sends now leaves so much later (it waits for its disk) */
    struct sim_msg *parked; /* arrived while paused, or unread */
    struct sim_msg **parked_tail;
};

struct sim_conn {
    uint64_t id;
    struct sim_host *host[2]; /* who connects, who accepts; [1] NULL: an address where nothing is */
    bool open[2];             /* the process at this end has it */
    bool accepted;            /* the handshake was completed */
    bool black;               /* a middlebox forgot it: nothing arrives */
    void *user[2];            /* for the process at this end */
    sim_us last[2];           /* when what was last sent from this end arrives */
    unsigned sent[2];         /* messages, from this end */
    unsigned arrived[2];      /* ... at the other end, in order */
    unsigned in_flight;
    struct sim_conn *prev;
    struct sim_conn *next;
};

#define SIM_PLACES 64 /* groups of addresses, and addresses in each */

struct sim_net {
    struct sim *sim;
    struct sim_host *hosts[SIM_HOSTS_MAX];
    unsigned host_count;
    struct sim_host *by_addr[SIM_PLACES][SIM_PLACES]; /* 10.0.i.k; they are given once */
    sim_us latency[SIM_HOSTS_MAX][SIM_HOSTS_MAX];
    unsigned cuts[SIM_HOSTS_MAX][SIM_HOSTS_MAX]; /* partitions that lie over this way */
    unsigned loss_permille;                      /* added by faults */
    unsigned echo_permille;                      /* gossip that comes twice */
    sim_us extra;                                /* latency added by faults */
    struct sim_conn *conns;
    struct sim_msg *held; /* stopped by a cut or a dead host, oldest first */
    struct sim_msg **held_tail;
    struct sim_msg *spare;
    uint64_t next_conn;
    struct vd_text words; /* a payload in the making */
};

struct sim_net *sim_net_new(struct sim *sim);
/* The end of the world: nothing is due any more. Before anybody who has a task is freed. */
void sim_net_drop_tasks(struct sim_net *net);
void sim_net_free(struct sim_net *net);

/* A host; `group` and `number` make its address 10.0.group.number. Freed with the net. */
struct sim_host *sim_host_new(struct sim_net *net, const char *name, unsigned group,
                              unsigned number, uint16_t port, const struct sim_host_ops *ops,
                              void *self);
const struct sim_host *sim_host_find(const struct sim_net *net, const struct vd_addr *addr);

/* Connect: ends in connected() or lost(), or never. */
struct sim_conn *sim_connect(struct sim_net *net, struct sim_host *from, const struct sim_host *to);
/* The end of this host; a connection to oneself is not made here. */
static inline unsigned sim_end(const struct sim_conn *conn, const struct sim_host *host)
{
    return conn->host[0] == host ? 0 : 1;
}
/* A message to fill in and send. */
struct sim_msg *sim_msg_new(struct sim_net *net, enum sim_word word);
/* ... or to throw away. */
void sim_msg_discard(struct sim_net *net, struct sim_msg *msg);
/* Send from this end; gone without a trace if the end is closed. */
void sim_send(struct sim_conn *conn, unsigned end, struct sim_msg *msg);
/* The process closes its end: it will hear no more of it. */
void sim_close(struct sim_conn *conn, unsigned end);

/* Processes and hosts. */
void sim_host_listen(struct sim_host *host);
void sim_host_die(struct sim_net *net, struct sim_host *host);                 /* kill -9 */
void sim_host_power(struct sim_net *net, struct sim_host *host, bool powered); /* off: no FIN */
void sim_host_pause(struct sim_host *host);
/* Takes one reason back; when it was the last, what was parked is heard at once. */
void sim_host_resume(struct sim_net *net, struct sim_host *host);
/* It goes on without reading what arrives, until it catches up. */
void sim_host_lag(struct sim_host *host);
void sim_host_catch_up(struct sim_net *net, struct sim_host *host);

/* Faults of the way itself. Cuts are counted: two over one way need two heals. */
void sim_cut(struct sim_net *net, unsigned from, unsigned to);
void sim_heal(struct sim_net *net, unsigned from, unsigned to);
void sim_conn_reset(struct sim_net *net, struct sim_conn *conn);

#endif
