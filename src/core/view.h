/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * View: what renderers may see. Questions that change nothing (MASTERS,
 * GET-MASTER-ADDR-BY-NAME, INFO, CKQUORUM, /metrics) are answered from here,
 * never by an event. Views are filled by value; texts in them are borrowed
 * from the core and valid until its next step. Names follow the Sentinel
 * fields they feed; ages are milliseconds, VD_NEVER where the thing has not
 * happened.
 */
#ifndef VD_CORE_VIEW_H
#define VD_CORE_VIEW_H

#include "base/delta.h"
#include "core/core.h"

enum vd_health {
    VD_HEALTH_UNKNOWN, /* not heard yet */
    VD_HEALTH_UP,
    VD_HEALTH_SLOW,     /* a PING is unanswered for longer than a period */
    VD_HEALTH_REFUSED,  /* host answers, port does not */
    VD_HEALTH_SILENT,   /* nothing answers */
    VD_HEALTH_AUTH,     /* refuses our credentials */
    VD_HEALTH_LOADING,  /* alive, loads its data */
    VD_HEALTH_BUSY,     /* a script blocks it */
    VD_HEALTH_REBOOTED, /* a primary that came back with a new run id, under suspicion */
    VD_HEALTH_COUNT,
};

/* Wire names in proto/render; order as PROTOCOL has the states. */
enum vd_failover_state {
    VD_FO_NONE,
    VD_FO_WAIT_START,
    VD_FO_SELECT_SLAVE,
    VD_FO_SEND_SLAVEOF_NOONE,
    VD_FO_WAIT_PROMOTION,
    VD_FO_RECONF_SLAVES,
    VD_FO_UPDATE_CONFIG,
    VD_FO_COUNT,
};

enum vd_reconf {
    VD_RECONF_NONE,
    VD_RECONF_SENT,
    VD_RECONF_INPROG,
    VD_RECONF_DONE,
};

/* A data server: the primary of a group or one of its replicas. */
struct vd_view_node {
    struct vd_addr addr;
    vd_link command; /* 0: none is open or being opened; so the next */
    vd_link subscription;
    const char *run_id; /* "" unknown */
    bool is_primary;    /* in our view */
    bool s_down;
    bool o_down; /* primary only */
    bool disconnected;
    bool promoted;
    bool script_kill_sent;
    bool rebooted;
    bool muted; /* holds PUBLISH back, or may: one would block its link, and all behind it */
    enum vd_reconf reconf;
    enum vd_health health;
    unsigned pending;      /* requests without reply on the command link */
    vd_ms ping_pending_ms; /* age of the oldest unanswered PING; 0: none */
    vd_ms last_ok_pong_ms; /* ages */
    vd_ms last_pong_ms;
    vd_ms s_down_ms;
    vd_ms o_down_ms;
    vd_ms info_ms; /* age of the last INFO; VD_NEVER */
    enum vd_role role_reported;
    vd_ms role_reported_ms;
    int64_t link_down_ms; /* of its link to the primary */
    bool link_ok;
    struct vd_addr follows; /* port 0: unknown */
    int64_t priority;
    int64_t offset; /* replica: its offset; primary: master_repl_offset */
    bool announced;
    int64_t keys;                /* -1 unknown */
    const struct vd_delta *info; /* text of the last INFO, NULL never */
    vd_ms down_after_ms;
};

/* Another sentinel, as seen from one group. */
struct vd_view_peer {
    struct vd_addr addr;
    vd_link link; /* 0: none */
    struct vd_id id;
    bool s_down;
    bool disconnected;
    bool primary_down; /* its opinion */
    unsigned pending;
    unsigned groups; /* that share the link */
    vd_ms ping_pending_ms;
    vd_ms last_ok_pong_ms;
    vd_ms last_pong_ms;
    vd_ms s_down_ms;
    vd_ms last_hello_ms;
    struct vd_id voted_for; /* "" none */
    uint64_t voted_epoch;
    vd_ms down_after_ms;
};

struct vd_view_group {
    const char *name;
    const struct vd_options *options;
    uint64_t config_epoch;
    struct vd_view_node primary;
    struct vd_addr
        address; /* what clients are told: host as announced in `host`, see vd_view_address */
    unsigned replica_count; /* all known */
    unsigned peer_count;    /* without oneself */
    unsigned usable;        /* oneself + peers not down */
    bool abstains;          /* no votes about it yet: state was lost */
    bool failover_in_progress;
    bool forced;
    bool coordinated;
    enum vd_failover_state failover_state;
    vd_ms failover_state_ms; /* age */
    uint64_t failover_epoch;
    struct vd_id vote;
    uint64_t vote_epoch;
    vd_ms paused_ms;    /* maintenance: so long yet; 0: not paused */
    bool fenced;        /* its writes are held back, for it is cut off with us */
    unsigned failovers; /* completed since start, led by this process */
    unsigned switches;  /* address changes since start, whoever led */
    vd_ms last_switch_ms;
};

/* A server as a candidate: may it be promoted by order now, and if not, why not? */
struct vd_view_candidate {
    struct vd_addr addr;
    const char *verdict; /* "fit", or what is against it */
    bool is_chosen;      /* a failover now would take it */
    int64_t priority;
    int64_t offset;    /* -1 unknown */
    int64_t lag_bytes; /* behind the best offset known of the group; -1 unknown */
    vd_ms link_down_ms;
};

struct vd_view_core {
    struct vd_id self;
    uint64_t epoch;
    const struct vd_globals *globals;
    size_t group_count;
    unsigned scripts_running;
    unsigned scripts_queued;
    unsigned simulate_failure;
    unsigned stalls; /* times the loop was away too long */
    vd_ms last_stall_ms;
};

struct vd_view_script {
    const char *const *argv;
    bool running;
    vd_job job;
    vd_ms run_ms;   /* running for */
    vd_ms delay_ms; /* until the next run */
    unsigned runs;  /* so far */
};

void vd_view_core(const struct vd_core *core, struct vd_view_core *out);

/* About some group it gives no votes yet: state was lost. O(groups) while that may be. */
bool vd_view_abstains(const struct vd_core *core, vd_ms now);

/* A group by its exact name, or by position (insertion order); false: none. */
bool vd_view_group(const struct vd_core *core, vd_ms now, const char *name,
                   struct vd_view_group *out);
bool vd_view_group_at(const struct vd_core *core, vd_ms now, size_t index,
                      struct vd_view_group *out);

/* The cheap question: where is the primary? NULL: no such group. Valid until the next step. */
const struct vd_addr *vd_view_address(const struct vd_core *core, const char *name);

/* Replicas and peers of a group by position; false past the end or without such a group. */
bool vd_view_replica(const struct vd_core *core, vd_ms now, const char *group, size_t index,
                     struct vd_view_node *out);
bool vd_view_peer(const struct vd_core *core, vd_ms now, const char *group, size_t index,
                  struct vd_view_peer *out);

/* The group's servers, the primary included, by position; see struct vd_view_candidate. */
bool vd_view_candidate(const struct vd_core *core, const char *group, size_t index,
                       struct vd_view_candidate *out);

bool vd_view_script(const struct vd_core *core, vd_ms now, size_t index,
                    struct vd_view_script *out);

/* How an address is shown, published and written: the host with announce-hostnames, else the ip. */
const char *vd_view_shown(const struct vd_core *core, const struct vd_addr *addr);

/* The states' table: wire name, and whether a move is allowed (README's picture is printed from
 * it). */
const char *vd_failover_state_name(enum vd_failover_state state);
bool vd_failover_may_move(enum vd_failover_state from, enum vd_failover_state to);

#endif
