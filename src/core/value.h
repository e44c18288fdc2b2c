/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values that cross the core's door: time, handles, ids, addresses, what INFO
 * and hello say, options, and what operators order. Plain data; nothing here
 * acts. Pointers inside a value belong to whoever made the value and are only
 * read during the call that it is handed to.
 */
#ifndef VD_CORE_VALUE_H
#define VD_CORE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds of a monotonic clock; an instant or, in names ending in _ms, a duration. */
typedef int64_t vd_ms;
#define VD_NEVER INT64_MIN

/* Handles: numbers, never reused, never pointers. 0 is "none". */
typedef struct {
    uint64_t n;
} vd_link;
typedef struct {
    uint64_t n;
} vd_client;
typedef struct {
    uint64_t n;
} vd_job;
/* A request that was sent on a link; comes back with its answer. */
typedef struct {
    uint64_t n;
} vd_ticket;

#define VD_ID_LEN 40
/*
 * A sentinel's id, a server's run id or replication id; "" while unknown. It is
 * whatever its owner calls itself: up to 40 printable characters without blanks
 * or commas (proto sees to that; of a server's INFO only hex is taken), compared
 * byte by byte. Those that are made here are lower-case hex.
 */
struct vd_id {
    char hex[VD_ID_LEN + 1];
};

#define VD_HOST_SIZE 254
#define VD_IP_SIZE 46
/*
 * Where something listens. `host` is what it was called by (a name or a
 * literal), `ip` the literal it is known to resolve to, "" while unknown.
 * Port 0: not valid.
 */
struct vd_addr {
    char host[VD_HOST_SIZE];
    char ip[VD_IP_SIZE];
    uint16_t port;
};

#define VD_NAME_SIZE 256 /* group names, with their NUL */

enum vd_role {
    VD_ROLE_UNKNOWN,
    VD_ROLE_PRIMARY,
    VD_ROLE_REPLICA,
};

/* One replica as a primary's INFO lists it. */
struct vd_info_replica {
    struct vd_addr addr;
    bool online;    /* state=online */
    int64_t offset; /* bytes acknowledged; -1 when not told */
};

/*
 * What one INFO said, made by proto/info from the text. Numbers are -1 and
 * texts "" where the INFO was silent, unless a default is named.
 */
struct vd_info {
    enum vd_role role;
    struct vd_id run_id;
    struct vd_id replid;        /* master_replid */
    struct vd_id replid2;       /* master_replid2, "" when all zeros */
    int64_t replid2_offset;     /* second_repl_offset */
    int64_t primary_offset;     /* master_repl_offset */
    int64_t replica_offset;     /* slave_repl_offset */
    struct vd_addr primary;     /* master_host, master_port; port 0 when silent */
    bool link_up;               /* master_link_status:up */
    int64_t link_down_ms;       /* master_link_down_since_seconds x 1000; 0 when silent */
    bool sync_in_progress;      /* master_sync_in_progress:1 */
    bool loading;               /* loading:1 or async_loading:1 */
    int64_t priority;           /* slave_priority; 100 when silent */
    bool announced;             /* replica_announced; true when silent */
    int64_t connected_replicas; /* connected_slaves */
    int64_t keys; /* sum over the keyspace; 0 when the section lists none, -1 without section */
    bool failover_supported; /* master_failover_state is told (FAILOVER exists) */
    bool failover_under_way; /* ... and is not no-failover */
    const struct vd_info_replica *replicas;
    size_t replica_count;
};

/* One hello message: PROTOCOL "ip,port,id,epoch,name,ip,port,epoch". */
struct vd_hello {
    struct vd_addr peer;
    struct vd_id id;
    uint64_t epoch;
    char group[VD_NAME_SIZE];
    struct vd_addr primary;
    uint64_t config_epoch;
};

/* Options ------------------------------------------------------------- */

enum vd_reboot_failover {
    VD_REBOOT_EMPTY,  /* a primary that came back without its replicas' data */
    VD_REBOOT_ALWAYS, /* any changed run id */
    VD_REBOOT_NEVER,
};

/* How an ordered failover keeps writes from being lost. */
enum vd_switchover {
    VD_SWITCHOVER_AUTO,   /* of a group: as the process has it */
    VD_SWITCHOVER_PAUSE,  /* clients are held back, and all else is done here: quick */
    VD_SWITCHOVER_SERVER, /* COORDINATED: the server's own FAILOVER, in its time */
};

struct vd_rename {
    char *from; /* upper case */
    char *to;
};

/* Options of one group. The struct owns its texts (vd_options_free). */
struct vd_options {
    unsigned quorum;
    vd_ms down_after_ms;
    vd_ms down_after_refused_ms; /* 0: as down_after_ms */
    vd_ms failover_timeout_ms;
    unsigned parallel_syncs;
    vd_ms reboot_down_after_ms; /* master-reboot-down-after-period; 0: off */
    enum vd_reboot_failover reboot_failover;
    enum vd_switchover handover;
    vd_ms replica_expiry_ms; /* a replica that is gone for so long is forgotten; 0: never */
    bool fence_isolated_primary;
    int64_t candidate_max_lag_bytes; /* a replica further behind the best is outside */
    vd_ms candidate_max_lag_ms; /* ... as is one whose link is down for longer than the best's by
                                   this */
    char *auth_user;            /* NULL: none; so the next three */
    char *auth_pass;
    char *notification_script;
    char *client_reconfig_script;
    struct vd_rename *renames;
    size_t rename_count;
};

/* Options of the whole process that the core acts on. Owns its texts (vd_globals_free). */
struct vd_globals {
    bool resolve_hostnames;
    bool announce_hostnames;
    bool deny_scripts_reconfig;
    char *announce_ip;      /* NULL: the local address of the link */
    uint16_t announce_port; /* 0: listen_port */
    uint16_t listen_port;
    char *sentinel_user; /* to peers; NULL: none */
    char *sentinel_pass;
    vd_ms info_period_ms; /* SENTINEL DEBUG's thirteen, in its order */
    vd_ms ping_period_ms;
    vd_ms ask_period_ms;
    vd_ms publish_period_ms;
    vd_ms default_down_after_ms;
    vd_ms default_failover_timeout_ms;
    vd_ms tilt_trigger_ms; /* a loop that was away this long voids aged evidence */
    vd_ms tilt_period_ms;  /* kept for clients; nothing waits for it */
    vd_ms replica_reconf_timeout_ms;
    vd_ms min_link_reconnect_ms;
    vd_ms election_timeout_ms;
    vd_ms script_max_runtime_ms;
    vd_ms script_retry_delay_ms;
    enum vd_switchover default_handover; /* of groups that do not say */
    vd_ms abstain_ms; /* after a start without saved state: no votes for so long */
    unsigned max_groups;
    unsigned max_peers;
    unsigned max_replicas; /* per group */
};

/* Every option by number; proto/option.c has a row for each. Group options first. */
enum vd_option {
    VD_OPT_QUORUM,
    VD_OPT_DOWN_AFTER,
    VD_OPT_DOWN_AFTER_REFUSED,
    VD_OPT_FAILOVER_TIMEOUT,
    VD_OPT_PARALLEL_SYNCS,
    VD_OPT_REBOOT_DOWN_AFTER,
    VD_OPT_REBOOT_FAILOVER,
    VD_OPT_HANDOVER,
    VD_OPT_REPLICA_EXPIRY,
    VD_OPT_FENCE_ISOLATED_PRIMARY,
    VD_OPT_CANDIDATE_MAX_LAG_BYTES,
    VD_OPT_CANDIDATE_MAX_LAG_MS,
    VD_OPT_AUTH_USER,
    VD_OPT_AUTH_PASS,
    VD_OPT_NOTIFICATION_SCRIPT,
    VD_OPT_CLIENT_RECONFIG_SCRIPT,
    VD_OPT_RENAME_COMMAND,
    VD_OPT_GROUP_COUNT, /* not an option */
    VD_OPT_RESOLVE_HOSTNAMES = VD_OPT_GROUP_COUNT,
    VD_OPT_ANNOUNCE_HOSTNAMES,
    VD_OPT_ANNOUNCE_IP,
    VD_OPT_ANNOUNCE_PORT,
    VD_OPT_SENTINEL_USER,
    VD_OPT_SENTINEL_PASS,
    VD_OPT_DENY_SCRIPTS_RECONFIG,
    VD_OPT_ABSTAIN,
    VD_OPT_MAX_GROUPS,
    VD_OPT_MAX_PEERS,
    VD_OPT_MAX_REPLICAS,
    VD_OPT_DEFAULT_HANDOVER,
    VD_OPT_INFO_PERIOD, /* SENTINEL DEBUG's, in its order, not saved */
    VD_OPT_PING_PERIOD,
    VD_OPT_ASK_PERIOD,
    VD_OPT_PUBLISH_PERIOD,
    VD_OPT_DEFAULT_DOWN_AFTER,
    VD_OPT_DEFAULT_FAILOVER_TIMEOUT,
    VD_OPT_TILT_TRIGGER,
    VD_OPT_TILT_PERIOD,
    VD_OPT_REPLICA_RECONF_TIMEOUT,
    VD_OPT_MIN_LINK_RECONNECT,
    VD_OPT_ELECTION_TIMEOUT,
    VD_OPT_SCRIPT_MAX_RUNTIME,
    VD_OPT_SCRIPT_RETRY_DELAY,
    VD_OPT_COUNT,
};

/* One option given a value, already checked by proto/option. */
struct vd_setting {
    enum vd_option option;
    int64_t number;    /* counts, ms, ports, 0/1, enum vd_reboot_failover */
    const char *text;  /* text options: NULL or "" unsets; rename: the command */
    const char *text2; /* rename: its new name */
    const char *word;  /* the option's name as the operator wrote it, for +set; may be NULL */
    const char *shown; /* the value for +set, secrets already masked; may be NULL */
};

/* Orders: what operators' commands change ------------------------------ */

enum vd_order_type {
    VD_ORDER_FAILOVER,         /* name, flags; addr: whom to promote, port 0: the best */
    VD_ORDER_RESET,            /* name is a glob pattern */
    VD_ORDER_MONITOR,          /* name, addr (resolved), quorum */
    VD_ORDER_REMOVE,           /* name */
    VD_ORDER_SET,              /* name, settings; then `error`, if any, is the reply */
    VD_ORDER_CONFIGURE,        /* CONFIG SET and DEBUG: settings of the process */
    VD_ORDER_FLUSH,            /* FLUSHCONFIG: save, then OK */
    VD_ORDER_SIMULATE_FAILURE, /* flags */
    VD_ORDER_FORGET,           /* name; addr: a replica, or port 0 and id: a sentinel */
    VD_ORDER_PAUSE,            /* name, for_ms, flags */
    VD_ORDER_RESUME,           /* name, flags */
    VD_ORDER_COUNT,            /* not an order */
};

#define VD_FAILOVER_COORDINATED 1U /* of VD_ORDER_FAILOVER: lose no write, or do nothing */

#define VD_PAUSE_TELL_PEERS 1U /* of VD_ORDER_PAUSE and RESUME */

#define VD_CRASH_AFTER_ELECTION 1U
#define VD_CRASH_AFTER_PROMOTION 2U

struct vd_order {
    enum vd_order_type type;
    const char *name;
    struct vd_addr addr;
    unsigned quorum;
    unsigned flags;
    struct vd_id id;
    vd_ms for_ms;
    const struct vd_setting *settings;
    size_t setting_count;
    const char *error; /* reply to give after the settings were applied; NULL: OK */
};

#endif
