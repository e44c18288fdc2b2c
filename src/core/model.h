/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Model: what is remembered. A group is a monitored name; a node is a data
 * server in it; a peer is another sentinel process, known once and shared by
 * all groups; what a peer thinks of a group is an opinion, kept in the group.
 * This room creates, finds and forgets; it decides nothing. Internal to core:
 * renderers see view.h instead.
 */
#ifndef VD_CORE_MODEL_H
#define VD_CORE_MODEL_H

/* uthash checks our own allocations, which never fail. */
#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#define uthash_fatal(message) vd_panic(__FILE__, __LINE__, message)

#include <uthash.h>
#include <utlist.h>

#include "base/delta.h"
#include "base/handles.h"
#include "base/heap.h"
#include "core/core.h"
#include "core/view.h"

struct vd_group;
struct vd_node;
struct vd_peer;

/* In the row of those who are to be dialled; see places.h. */
enum vd_place {
    VD_PLACE_NONE,
    VD_PLACE_WAITING,
    VD_PLACE_CALLED, /* it may be dialled */
};

/* One connection, up or to be raised again. The handle changes with every try. */
struct vd_wire {
    vd_link link; /* 0: none is open or being opened */
    enum vd_link_kind kind;
    bool up;
    vd_ms since;      /* of the try, or of being up */
    vd_ms retry_at;   /* while link is 0 */
    vd_ms lost_since; /* first failure since it was last up; VD_NEVER while well */
    vd_ms heard_at;   /* last sign of life on it */
    unsigned pending; /* requests without reply */
    unsigned dropped; /* times it was dropped for silence since the last reply */
    enum vd_place place;
    struct vd_wire *place_prev; /* core->places, while it waits */
    struct vd_wire *place_next;
    bool is_lost;              /* was lost, or dialled in vain, and is not up again */
    char local_ip[VD_IP_SIZE]; /* our end, "" unknown: what we announce */
    struct vd_node *node;      /* one of these two owns it */
    struct vd_peer *peer;
};

/* When something periodic is next, as it follows from when it last was; period 0: not known. */
struct vd_grid {
    vd_ms last;
    vd_ms period;
    vd_ms next;
};

/* PING and its echo. */
struct vd_pulse {
    vd_ticket ticket;    /* of the PING without reply; 0: none */
    vd_ms sent_at;       /* last PING */
    struct vd_grid grid; /* ... and the next */
    vd_ms ok_at;         /* last acceptable reply */
    vd_ms reply_at;      /* last reply of any kind */
    vd_ms silent_since;  /* first PING without acceptable reply, or the death of the link; VD_NEVER:
                            well */
    vd_ms refused_since; /* its port refuses; VD_NEVER: it does not */
    vd_ms rtt_ms;        /* of the last good PING */
    enum vd_pong kind;   /* last reply */
};

struct vd_node {
    struct vd_node *prev;
    struct vd_node *next;
    struct vd_group *group;
    struct vd_addr addr;
    struct vd_addr *alias; /* the same process by another address; NULL: none known */
    struct vd_wire command;
    struct vd_wire subscribe;
    struct vd_pulse pulse;
    vd_ms created_at;
    vd_ms s_down_at; /* VD_NEVER: not down */
    vd_ms o_down_at; /* primary only */
    vd_ms hello_sent_at;
    struct vd_grid hello_grid;
    bool hello_wanted; /* at once, whatever the cadence says */
    bool script_kill_sent;
    /* INFO */
    vd_ticket info_ticket; /* without reply; 0: none */
    vd_ms info_sent_at;
    struct vd_grid info_grid;
    vd_ms info_at;
    bool info_wanted;
    struct vd_delta *info; /* its text; NULL: none as yet */
    struct vd_id run_id;
    enum vd_role role;
    bool follow_pending; /* configured as primary, says it is a replica: whose is being looked up */
    vd_ms role_at;       /* when the role last changed */
    struct vd_id replid;
    struct vd_id replid2;
    int64_t replid2_offset; /* where it left the lineage of replid2 */
    int64_t offset;         /* -1 unknown */
    struct vd_addr follows; /* port 0: nobody known */
    vd_ms follows_at;
    bool link_up;
    int64_t link_down_ms;
    struct vd_id
        synced;      /* its replication id when last seen linked to the named primary, or as it */
    bool hinted;     /* the configuration says that it may be a replica, and nobody else so far */
    bool was_linked; /* its link to a primary was up since its process started */
    bool sync_in_progress;
    bool loading;
    int64_t priority;
    bool announced;
    int64_t connected_replicas;
    int64_t keys;        /* -1 unknown */
    vd_ms listed_at;     /* a replica: when a primary's INFO last had it; VD_NEVER */
    bool can_hand_over;  /* its server knows FAILOVER and CLIENT PAUSE WRITE (Redis 6.2) */
    bool hands_over;     /* a FAILOVER of its own is under way */
    uint64_t info_heard; /* ticket of the last INFO that was answered */
    /* what we do with it */
    vd_ms reboot_at;    /* run id changed, master-reboot-down-after-period runs; VD_NEVER */
    bool reboot_review; /* run id changed: is its data gone? not decided yet */
    vd_ms reboot_review_at;
    bool empty_restart; /* it is: counts as down until a replica took over */
    bool promoted;
    bool spared;       /* left a primary, for it holds newer data; said once */
    bool rogue_sudden; /* it became a primary before our eyes: someone may be promoting it */
    enum vd_reconf reconf;
    vd_ms reconf_at;
    vd_ticket turn_ticket; /* PROMOTE or REPLICATE without reply; 0: none */
    vd_ms turn_sent_at;    /* last of them */
    bool held_back;        /* its clients are, until that turn is answered */
    bool foreign;          /* another cluster's, as it seems; said once */
    bool turn_obeyed;      /* it was answered with OK */
    vd_ms refused_turn_at; /* it refused PROMOTE; VD_NEVER */
    vd_ticket role_ticket; /* ROLE without reply */
    vd_ms role_sent_at;
};

struct vd_opinion {
    struct vd_opinion *prev; /* group->opinions */
    struct vd_opinion *next;
    struct vd_opinion *peer_prev; /* peer->opinions */
    struct vd_opinion *peer_next;
    struct vd_group *group;
    struct vd_peer *peer;
    vd_ms s_down_at;
    /* about the primary's present address and configuration epoch; dies with them */
    bool primary_down;
    vd_ms answered_at;
    vd_ticket asked;   /* QUESTION without reply; 0: none */
    UT_hash_handle hh; /* core->asked, by that ticket, while it is not 0 */
    vd_ms asked_at;
    bool ask_wanted;  /* its answer may have changed */
    vd_ms claimed_at; /* it asked us whether the primary is down: it thinks so */
    struct vd_id voted_for;
    uint64_t voted_epoch;
    /* gossip */
    bool heard; /* since this process started; counted in core->unheard until then */
    vd_ms hello_at;
    vd_ms hello_sent_at;
    struct vd_grid hello_grid;
    bool hello_wanted;
    uint64_t config_epoch; /* as last heard */
    bool same_primary;     /* ... with the address that we have */
};

struct vd_peer {
    struct vd_id id;
    struct vd_addr addr;
    struct vd_wire wire;
    struct vd_pulse pulse;
    struct vd_opinion *opinions;
    unsigned opinion_count;
    vd_ms down_after_ms; /* the smallest of its groups' */
    uint64_t phase;
    struct vd_heap_entry due;
    UT_hash_handle hh; /* core->peers, by id */
};

/* How far a planned switchover is; see handover.h. */
enum vd_handover {
    VD_HO_NONE,     /* not begun, or not wanted */
    VD_HO_NEARING,  /* the chosen one is far behind: writes go on until it is near */
    VD_HO_PAUSING,  /* the primary is told to hold writes back */
    VD_HO_DRAINING, /* it does; the chosen one receives the rest */
    VD_HO_DEMOTING, /* the primary is told to follow the chosen one */
    VD_HO_CHECKING, /* it does: is there anything that the chosen one has not? */
    VD_HO_DEMOTED,  /* nothing: promote */
    VD_HO_SERVER,   /* the primary does it by itself */
};

/* Does a primary that is to be fenced hold its clients' writes back? See fence.h. */
enum vd_fence {
    VD_FENCE_ASKED,
    VD_FENCE_HOLDS,
    VD_FENCE_REFUSED,
};

/* What an operator had us forget: late gossip must not bring it back. */
struct vd_forgotten {
    struct vd_id id;     /* a sentinel, or "" */
    struct vd_addr addr; /* a replica */
    vd_ms until;         /* VD_NEVER: the place is free */
};
#define VD_FORGOTTEN_KEPT 8

/* A failover led by this process. */
struct vd_failover {
    enum vd_failover_state state;
    vd_ms entered_at;
    uint64_t epoch;
    bool forced;           /* by an operator's order, and without votes if need be */
    bool coordinated;      /* by an operator's order, and without losing a write or not at all */
    struct vd_addr wanted; /* whom the operator wants promoted; port 0: the best */
    unsigned rounds;       /* elections held in it */
    const char *reason;
    struct vd_node *chosen;
    bool taken_back; /* ... though the primary that is gone holds more */
    vd_ms deadline;  /* of the present state */
    enum vd_handover handover;
    vd_ms handover_until;      /* the present step of it is given up then */
    vd_ticket handover_ticket; /* what it waits for; 0: nothing */
    uint64_t handover_mark;    /* only an INFO that was asked after this handle counts */
    /* for the record */
    struct vd_addr from;
    vd_ms silent_at;
    vd_ms sdown_at;
    vd_ms odown_at;
    vd_ms started_at;
    vd_ms elected_at;
    vd_ms selected_at;
    vd_ms promoted_at;
    int64_t loss_bytes;
};

#define VD_SWITCHES_KEPT 8

struct vd_group {
    char *name;
    size_t index_hint;
    struct vd_options options;
    uint64_t set_at_runtime;
    bool from_config;
    uint64_t phase;        /* of its periodic work */
    struct vd_node *nodes; /* insertion order */
    unsigned node_count;
    struct vd_node *primary;
    struct vd_opinion *opinions;
    unsigned opinion_count;
    uint64_t config_epoch;
    uint64_t vote_epoch;
    struct vd_id vote;
    struct vd_id lineage;        /* replication id of the data that clients wrote */
    struct vd_id lineage_before; /* ... before the last switch: replicas may still carry it */
    bool asking;                 /* peers are being asked about an S_DOWN */
    struct vd_failover failover;
    vd_ms stand_at;         /* own candidacy not before; VD_NEVER: not planned */
    unsigned fruitless;     /* attempts without a good replica, in a row */
    struct vd_id following; /* whom we voted for, "" nobody: it is given time */
    uint64_t following_epoch;
    vd_ms following_since;
    vd_ms switches[VD_SWITCHES_KEPT]; /* last address changes, newest first */
    unsigned switch_count;
    unsigned failover_count;
    vd_ms paused_until;             /* maintenance: watched, not acted on; VD_NEVER: it is not */
    struct vd_forgotten *forgotten; /* VD_FORGOTTEN_KEPT of them; NULL: there never were any */
    struct vd_node *fenced;         /* the primary that we keep from taking writes; NULL none */
    vd_ms fenced_at;                /* told last; VD_NEVER */
    vd_ticket fence_ticket;         /* of that */
    enum vd_fence fence;            /* what it says to it */
    vd_ms isolated_since;
    bool learned; /* an epoch was heard or made since this process started */
    bool dirty;
    struct vd_group *dirty_next;
    bool touched; /* to be settled at the end of the step */
    struct vd_group *touched_next;
    struct vd_heap_entry due;
    struct vd_group *address_next; /* same primary address */
    UT_hash_handle hh;             /* core->groups, by name */
};

/* A known primary address -> groups. One entry for the host, one for the ip where they differ. */
struct vd_address_entry {
    char *key; /* "host:port", lower case */
    struct vd_group **groups;
    size_t count;
    UT_hash_handle hh;
};

struct vd_name_entry {
    char *host; /* lower case */
    char ip[VD_IP_SIZE];
    bool asked; /* RESOLVE without answer */
    vd_ms at;   /* of the answer */
    UT_hash_handle hh;
};

struct vd_script {
    struct vd_script *prev;
    struct vd_script *next;
    vd_job job; /* not 0 while running */
    char **argv;
    vd_ms start_at; /* when waiting: not before */
    vd_ms started_at;
    unsigned runs;
    bool killed;
};

struct vd_removed {
    struct vd_removed *next;
    char *name;
};

#define VD_INFO_MODELS 4

/* A turn that took long: what was sent in it left at the end only. */
struct vd_slow_turn {
    vd_ms from;
    vd_ms left_at;
};
#define VD_SLOW_TURNS_KEPT 32

/* The row of those who are to be dialled; see places.h. */
struct vd_places {
    struct vd_wire *first;
    vd_ms filled_at;
    unsigned room; /* so many more may be dialled */
};

struct vd_core {
    struct vd_id self;
    uint64_t epoch;
    struct vd_globals globals;
    uint64_t set_at_runtime;
    struct vd_group *groups;
    struct vd_group **by_index; /* kept in insertion order */
    size_t by_index_room;
    struct vd_peer *peers;
    struct vd_handles wires; /* those whose link is not 0, by it */
    struct vd_opinion *asked;
    size_t unheard; /* opinions of those who have said nothing in their group so far */
    struct vd_address_entry *addresses;
    struct vd_name_entry *names;
    struct vd_script *scripts;
    unsigned scripts_running;
    unsigned scripts_count;
    vd_ms scripts_due;
    struct vd_heap group_due;
    struct vd_heap peer_due;
    struct vd_group *touched;
    struct vd_group *dirty_groups; /* changed since the last save */
    uint64_t next_handle;          /* links, tickets, jobs */
    unsigned simulate_failure;
    bool fresh; /* no saved state: abstains for a while */
    bool dirty;
    struct vd_removed *removed;
    struct vd_text info_models[VD_INFO_MODELS]; /* what INFOs are kept as differences from */
    vd_ms started_at;
    vd_ms awake_since; /* evidence from before is void */
    unsigned stalls;
    vd_ms last_stall_ms;
    struct vd_slow_turn slow[VD_SLOW_TURNS_KEPT]; /* a ring: the last of them */
    unsigned slow_count;                          /* all that there were */
    struct vd_places places;
    unsigned lost_wires; /* that are dialled again and again */
    /* of the step under way */
    vd_ms now;
    bool time_counts;  /* the turn has been heard: what did not come by heard_until is late */
    vd_ms heard_until; /* all that had arrived by then has been heard */
    uint32_t dice;
    struct vd_effects *out;
};

/* Time -------------------------------------------------------------------- */

/* now - at, or `never` if it has not happened. */
static inline vd_ms vd_elapsed(vd_ms now, vd_ms at, vd_ms never)
{
    return at == VD_NEVER ? never : now - at;
}

static inline vd_ms vd_min_ms(vd_ms a, vd_ms b)
{
    return a < b ? a : b;
}

static inline vd_ms vd_max_ms(vd_ms a, vd_ms b)
{
    return a > b ? a : b;
}

/*
 * What should have come by `at` did not: it would have been heard.
 * differs: nobody is judged by what may lie unread in a socket.
 */
static inline bool vd_core_is_overdue(const struct vd_core *core, vd_ms at)
{
    return core->time_counts && at <= core->heard_until;
}

/* When to look whether it is: at that instant, or as soon as all until then has been heard. */
static inline vd_ms vd_core_look_at(const struct vd_core *core, vd_ms at)
{
    return at > core->now || !core->time_counts ? at : core->now + 1;
}

/* When that which was sent, or dialled, at `at` has really left. */
vd_ms vd_core_left_at(const struct vd_core *core, vd_ms at);

/* FNV-1a over a text, continued from `hash`; 0 starts. */
uint64_t vd_hash_text(uint64_t hash, const char *text);

/* Ids and addresses --------------------------------------------------------- */

static inline bool vd_id_equal(const struct vd_id *a, const struct vd_id *b)
{
    return strcmp(a->hex, b->hex) == 0;
}

static inline bool vd_id_known(const struct vd_id *id)
{
    return id->hex[0] != '\0';
}

/* Same port, and same ip or same host name (ignoring case). */
bool vd_addr_equal(const struct vd_addr *a, const struct vd_addr *b);

/* How it is shown, published and sent in REPLICAOF: host with announce-hostnames, else ip. */
const char *vd_addr_shown(const struct vd_core *core, const struct vd_addr *addr);

/* Groups ---------------------------------------------------------------------- */

struct vd_group *vd_group_find(const struct vd_core *core, const char *name);
/* By the primary's address; the first in insertion order. */
struct vd_group *vd_group_find_address(const struct vd_core *core, const struct vd_addr *addr);
/* A new group with its primary; options are copied. The name must be new. */
struct vd_group *vd_group_add(struct vd_core *core, const char *name, const struct vd_addr *primary,
                              const struct vd_options *options);
/* Forget it and all in it. Links must have been closed. */
void vd_group_drop(struct vd_core *core, struct vd_group *group);
/* Let `node` be the primary: keeps the address index. */
void vd_group_set_primary(struct vd_core *core, struct vd_group *group, struct vd_node *node);
/* The primary's address has changed in place (its name resolves anew): index it again. */
void vd_group_set_address(struct vd_core *core, struct vd_node *node, const struct vd_addr *addr);
/* To be settled at the end of this step. */
void vd_group_touch(struct vd_core *core, struct vd_group *group);
/* To be settled in a DUE step, at this instant if nothing has it settled before. */
void vd_group_settle_by(struct vd_core *core, struct vd_group *group, vd_ms at);
/* Something that must survive has changed. */
void vd_group_dirty(struct vd_core *core, struct vd_group *group);

/* Nodes ------------------------------------------------------------------------ */

struct vd_node *vd_node_find(const struct vd_group *group, const struct vd_addr *addr);
struct vd_node *vd_node_add(struct vd_core *core, struct vd_group *group,
                            const struct vd_addr *addr);
void vd_node_drop(struct vd_core *core, struct vd_node *node);
/* The clock begins: what was restored counts from here. */
void vd_node_start(struct vd_node *node, vd_ms now);
void vd_peer_start(struct vd_core *core, struct vd_peer *peer);
static inline bool vd_node_is_primary(const struct vd_node *node)
{
    return node->group->primary == node;
}
/* Its INFO is of the present link: what it said on the one before may be of a former life. */
static inline bool vd_node_has_told(const struct vd_node *node)
{
    return node->command.up && node->info_at != VD_NEVER && node->info_at >= node->command.since;
}
/* One of the two links is missing. */
static inline bool vd_node_is_disconnected(const struct vd_node *node)
{
    return !node->command.up || !node->subscribe.up;
}

/* Peers and opinions -------------------------------------------------------------- */

struct vd_peer *vd_peer_find(const struct vd_core *core, const struct vd_id *id);
struct vd_peer *vd_peer_add(struct vd_core *core, const struct vd_id *id,
                            const struct vd_addr *addr);
void vd_peer_drop(struct vd_core *core, struct vd_peer *peer);
struct vd_opinion *vd_opinion_find(const struct vd_group *group, const struct vd_id *id);
struct vd_opinion *vd_opinion_add(struct vd_core *core, struct vd_group *group,
                                  struct vd_peer *peer);
/* Forget what the peer thinks of the group; the peer goes with its last opinion. Its link must be
 * closed by the caller then. */
void vd_opinion_drop(struct vd_core *core, struct vd_opinion *opinion);
/* The question under way gets this ticket; 0: there is none any more. */
void vd_opinion_set_asked(struct vd_core *core, struct vd_opinion *opinion, vd_ticket ticket);
/* Forget what peers said about the former primary. */
void vd_opinions_reset(struct vd_core *core, struct vd_group *group);
/* The down-after of this group of the peer was set: what is the smallest of all its groups'? */
void vd_peer_refresh(struct vd_peer *peer, const struct vd_group *group);

/* Handles ------------------------------------------------------------------------- */

static inline uint64_t vd_core_next(struct vd_core *core)
{
    return ++core->next_handle;
}

#endif
