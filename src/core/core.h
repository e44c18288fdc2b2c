/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The door. A sentinel is a function: (state, event, now) -> (state to save,
 * effects). Events carry everything the core ever learns, time and luck
 * included; effects carry everything it ever wants. The core does no I/O,
 * reads no clock and draws no luck; the same object code runs in the daemon
 * and in the simulator.
 *
 * drive.h is the one order in which the door is used: step every event of a
 * turn, save once, perform. Call these functions directly only from there.
 */
#ifndef VD_CORE_CORE_H
#define VD_CORE_CORE_H

#include "base/arena.h"
#include "core/value.h"

struct vd_core;

/* Events ---------------------------------------------------------------- */

enum vd_event_type {
    VD_EV_START,       /* once, before all others */
    VD_EV_DUE,         /* vd_core_wake_at has come; how well we have listened */
    VD_EV_LINK_UP,     /* CONNECT succeeded */
    VD_EV_LINK_DOWN,   /* CONNECT failed, or the link broke; the handle is dead */
    VD_EV_PONG,        /* answers PING */
    VD_EV_INFO,        /* answers INFO */
    VD_EV_ROLE,        /* answers ROLE */
    VD_EV_ANSWER,      /* answers QUESTION */
    VD_EV_ACK,         /* answers every other request */
    VD_EV_HELLO,       /* a hello, from a subscription or by PUBLISH to us */
    VD_EV_QUESTION,    /* a client asks is-master-down-by-addr; REPLY answers it */
    VD_EV_ORDER,       /* a client's command that changes something; REPLY answers it */
    VD_EV_SCRIPT_EXIT, /* a spawned script ended */
    VD_EV_RESOLVED,    /* answers RESOLVE */
};

enum vd_down_reason {
    VD_DOWN_CLOSED,     /* EOF */
    VD_DOWN_RESET,      /* ECONNRESET, EPIPE, protocol error */
    VD_DOWN_REFUSED,    /* ECONNREFUSED: the host answers, the process is not there */
    VD_DOWN_TIMEOUT,    /* ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, our own connect deadline */
    VD_DOWN_AUTH,       /* subscription refused: NOAUTH, NOPERM, WRONGPASS */
    VD_DOWN_TLS,        /* handshake or certificate */
    VD_DOWN_UNRESOLVED, /* the name has no address */
    VD_DOWN_LIMIT,      /* our own descriptor limit */
};

/* What came back for a PING. */
enum vd_pong {
    VD_PONG_OK,         /* PONG */
    VD_PONG_LOADING,    /* -LOADING: alive */
    VD_PONG_MASTERDOWN, /* -MASTERDOWN: alive */
    VD_PONG_BUSY,       /* -BUSY: a script runs; not an acceptable reply */
    VD_PONG_AUTH,       /* -NOAUTH, -WRONGPASS, -NOPERM: the operator's mistake */
    VD_PONG_ERROR,      /* any other reply; not an acceptable one */
    VD_PONG_NONE,       /* nothing as yet; no event says so */
};

struct vd_event {
    enum vd_event_type type;
    vd_ms at;
    uint32_t dice; /* fresh luck with every event */
    union {
        /*
         * Others are judged by what could have been heard of them, not by
         * time that this process spent elsewhere. All zero: it was all ears.
         */
        struct {
            vd_ms deaf_ms; /* what has arrived since so long ago may not have been heard yet */
            vd_ms from;    /* what was sent in the turn at this instant ... */
            vd_ms left_at; /* ... left only then; 0: at once */
        } due;
        struct {
            vd_link link;
            const char *ip;       /* the literal connected to */
            const char *local_ip; /* our end */
        } up;
        struct {
            vd_link link;
            enum vd_down_reason reason;
            const char *text; /* for the log: "Connection refused" */
        } down;
        struct {
            vd_link link;
            vd_ticket ticket;
            enum vd_pong kind;
            const char *text; /* the reply, for the log */
        } pong;
        struct {
            vd_link link;
            vd_ticket ticket;
            const struct vd_info *info; /* NULL: an error came instead */
            const char *raw;            /* the text, kept for INFO-CACHE; NULL with info NULL */
        } info;
        struct {
            vd_link link;
            vd_ticket ticket;
            enum vd_role role;      /* UNKNOWN: an error came instead */
            struct vd_addr primary; /* whom a replica follows */
        } role;
        struct {
            vd_link link;
            vd_ticket ticket;
            bool ok; /* false: an error came instead */
            bool down;
            struct vd_id leader; /* "" or "*" on the wire: "" */
            uint64_t leader_epoch;
        } answer;
        struct {
            vd_link link;
            vd_ticket ticket;
            bool ok;
            bool unsent;      /* never left the process: a save failed */
            const char *text; /* the error, for the log; NULL when ok */
        } ack;
        struct {
            vd_link link; /* the subscription it came by; 0: PUBLISH by a client */
            const struct vd_hello *hello;
        } hello;
        struct {
            vd_client client;
            struct vd_addr addr;
            uint64_t epoch;
            bool wants_vote;
            struct vd_id candidate; /* with wants_vote; any text of up to 40 bytes */
            char asker[9]; /* first 8 of the asker's id by its connection's name; "" unknown */
        } question;
        struct {
            vd_client client;
            const struct vd_order *order;
        } order;
        struct {
            vd_job job;
            int exit_code; /* 0-255, meaningless with signal != 0 */
            int signal;
            bool failed_to_start;
        } script;
        struct {
            const char *host;
            const char *ip; /* "" : no address, or the name server did not answer */
        } resolved;
    };
};

/* Effects ---------------------------------------------------------------- */

enum vd_effect_type {
    VD_EF_RESOLVE,
    VD_EF_CONNECT,
    VD_EF_CLOSE, /* the handle is dead; nothing more is told about it */
    VD_EF_SEND,
    VD_EF_REPLY,
    VD_EF_NOTICE,
    VD_EF_SPAWN,
    VD_EF_KILL,   /* a script that runs too long; SCRIPT_EXIT follows */
    VD_EF_RECORD, /* a failover ended: for the history and the log */
    VD_EF_CRASH,  /* SIMULATE-FAILURE: exit(99) at once */
};

enum vd_request {
    VD_RQ_PING,        /* -> PONG */
    VD_RQ_INFO,        /* -> INFO */
    VD_RQ_ROLE,        /* -> ROLE */
    VD_RQ_HELLO,       /* PUBLISH hello -> ACK */
    VD_RQ_QUESTION,    /* SENTINEL is-master-down-by-addr -> ANSWER */
    VD_RQ_PROMOTE,     /* the transaction with REPLICAOF NO ONE -> ACK */
    VD_RQ_REPLICATE,   /* the transaction with REPLICAOF host port -> ACK */
    VD_RQ_SCRIPT_KILL, /* -> ACK */
    VD_RQ_PAUSE,       /* CLIENT PAUSE pause_ms WRITE -> ACK */
    VD_RQ_UNPAUSE,     /* CLIENT UNPAUSE -> ACK */
    VD_RQ_HANDOVER,    /* FAILOVER TO host port TIMEOUT pause_ms -> ACK */
    VD_RQ_ABORT,       /* FAILOVER ABORT -> ACK */
    VD_RQ_MAINTAIN,    /* to a peer: SENTINEL PAUSE group pause_ms, or RESUME with 0 -> ACK */
};

enum vd_link_kind {
    VD_LINK_COMMAND,   /* to a data node, requests */
    VD_LINK_SUBSCRIBE, /* to a data node: SUBSCRIBE __sentinel__:hello; HELLO events */
    VD_LINK_PEER,      /* to another sentinel, requests */
};

enum vd_notice_level {
    VD_NOTICE_DEBUG,   /* logged only, never published */
    VD_NOTICE_VERBOSE, /* published, not logged by default */
    VD_NOTICE_NOTICE,
    VD_NOTICE_WARNING,
    VD_NOTICE_LOG_ONLY, /* a warning that is no Sentinel event: logged, never published */
};

enum vd_reply {
    VD_REPLY_OK,
    VD_REPLY_ERROR,   /* text is the whole error, code included, no '-' */
    VD_REPLY_INTEGER, /* RESET */
    VD_REPLY_VOTE,    /* the answer to a QUESTION */
};

/* How a failover went; instants are of the core's clock, VD_NEVER where a phase was not reached. */
struct vd_failover_record {
    const char *group;
    uint64_t epoch;
    const char *reason; /* "odown", "order", "coordinated", "reboot" */
    const char *result; /* "done", "done for timeout", or the abort notice */
    struct vd_addr from;
    struct vd_addr to; /* port 0: none selected */
    vd_ms silent_at;   /* first sign of trouble */
    vd_ms sdown_at;
    vd_ms odown_at;
    vd_ms started_at; /* candidacy */
    vd_ms elected_at;
    vd_ms selected_at;
    vd_ms promoted_at;  /* ROLE says so; +switch-master */
    vd_ms ended_at;     /* replicas turned */
    int64_t loss_bytes; /* bound: best known offset - promoted offset; -1 unknown */
};

struct vd_effect {
    enum vd_effect_type type;
    bool promise; /* sealed: may leave only behind a durable image */
    union {
        struct {
            const char *host;
        } resolve;
        struct {
            vd_link link;
            enum vd_link_kind kind;
            struct vd_addr addr;
            const char *user; /* NULL: none */
            const char *pass;
            const char *client_name; /* CLIENT SETNAME */
            const struct vd_rename *renames;
            size_t rename_count;
        } connect;
        struct {
            vd_link link;
        } close;
        struct {
            vd_link link;
            vd_ticket ticket;
            enum vd_request request;
            const struct vd_hello *hello; /* HELLO; addresses already in announced form (host) */
            struct vd_addr addr;   /* QUESTION: about; REPLICATE, HANDOVER: whom (use host) */
            uint64_t epoch;        /* QUESTION */
            const char *candidate; /* QUESTION: id, or "*" */
            vd_ms pause_ms;        /* PAUSE, HANDOVER, MAINTAIN */
            const char *group;     /* MAINTAIN */
        } send;
        struct {
            vd_client client;
            enum vd_reply kind;
            const char *text;
            int64_t number;
            bool down;          /* VOTE */
            const char *leader; /* VOTE: id or "*" */
            uint64_t leader_epoch;
        } reply;
        struct {
            enum vd_notice_level level;
            const char *event;   /* "+sdown": the channel */
            const char *payload; /* what is published and logged behind the name */
            vd_job job; /* not 0: its process id stands behind the payload, which only the shell
                           knows */
        } notice;
        struct {
            vd_job job;
            const char *const *argv; /* NULL-terminated */
        } spawn;
        struct {
            vd_job job;
        } kill;
        const struct vd_failover_record *record;
    };
};

/* Effects of a turn, in the order in which they were made. Everything they point to is in the
 * arena. */
struct vd_effects {
    struct vd_effect *list;
    size_t count;
    size_t room;
    unsigned calm; /* turns since there were many */
    struct vd_arena arena;
};

/* The image: what must survive a crash ----------------------------------- */

struct vd_image_peer {
    struct vd_id id;
    struct vd_addr addr;
};

struct vd_image_group {
    const char *name;
    bool from_config;       /* false: made by SENTINEL MONITOR */
    struct vd_addr primary; /* the promoted one's, from promotion on */
    uint64_t config_epoch;
    uint64_t vote_epoch;              /* last epoch a vote was given in */
    struct vd_id vote;                /* for whom; "" unknown (taken over from a sentinel.conf) */
    struct vd_id lineage;             /* replication id of the primary's data, "" unknown */
    struct vd_id lineage_before;      /* ... before the last switch or restart */
    const struct vd_options *options; /* all of them */
    uint64_t set_at_runtime;          /* bit per enum vd_option: came by SENTINEL SET/MONITOR */
    const struct vd_addr *replicas;
    size_t replica_count;
    bool replicas_are_hints; /* the configuration's: no server has told of any, as yet */
    const struct vd_image_peer *peers;
    size_t peer_count;
};

struct vd_image {
    struct vd_id self;
    uint64_t epoch; /* current epoch */
    const struct vd_globals *globals;
    uint64_t set_at_runtime; /* bit per (enum vd_option - VD_OPT_GROUP_COUNT) by CONFIG SET */
    const struct vd_image_group
        *groups; /* those that changed since the last save (all, for a restore) */
    size_t group_count;
    const char *const *removed; /* groups removed since the last save */
    size_t removed_count;
};

/* Life ---------------------------------------------------------------------- */

/*
 * A core from configuration and saved state, already merged by the caller
 * into one image that holds every group. `fresh`: there was no saved state,
 * so the first abstain_ms no vote is given. Copies all it keeps.
 */
struct vd_core *vd_core_new(const struct vd_image *image, bool fresh);
void vd_core_free(struct vd_core *core);

/* One event. Appends to `out`, whose arena owns what the effects point to. */
void vd_core_step(struct vd_core *core, const struct vd_event *event, struct vd_effects *out);

/* The next instant at which DUE must be stepped; INT64_MAX: never. */
vd_ms vd_core_wake_at(const struct vd_core *core);

/* Is there anything to save? */
bool vd_core_is_dirty(const struct vd_core *core);

/*
 * What has to be saved, changed groups only; built in `arena`, texts borrowed
 * from the core until its next step.
 */
const struct vd_image *vd_core_image(const struct vd_core *core, struct vd_arena *arena);

/* The image of all groups: for a first save, an export, a test. */
const struct vd_image *vd_core_image_all(const struct vd_core *core, struct vd_arena *arena);

/* The last image is durable. */
void vd_core_saved(struct vd_core *core);

/* Defaults as PROTOCOL has them; the texts are owned by the structs. */
void vd_options_init(struct vd_options *options, const struct vd_globals *globals);
void vd_options_copy(struct vd_options *to, const struct vd_options *from);
void vd_options_free(struct vd_options *options);
/* Apply a setting of a group, or of the process; the option must be of that kind. */
void vd_options_apply(struct vd_options *options, const struct vd_setting *setting);
void vd_globals_init(struct vd_globals *globals);
void vd_globals_copy(struct vd_globals *to, const struct vd_globals *from);
void vd_globals_free(struct vd_globals *globals);
void vd_globals_apply(struct vd_globals *globals, const struct vd_setting *setting);

/* Does any invariant fail? Ends the process (VD_ASSERT) if so. O(size of the state). */
void vd_core_check(const struct vd_core *core);

#endif
