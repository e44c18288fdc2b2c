/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sentinel: a process around a real core, driven through core/drive.h as the
 * daemon drives it. It has a clock of its own, a disk, outgoing links and
 * callers, and may be killed at the boundary of any effect.
 */
#ifndef SIM_SENTINEL_H
#define SIM_SENTINEL_H

#include "base/arena.h"
#include "disk.h"
#include "net.h"

enum sim_link_state {
    SIM_LINK_OPENING,
    SIM_LINK_UP,
    SIM_LINK_DOWN, /* LINK_DOWN waits in the inbox, or was stepped in this turn */
};

/* So many since then. */
struct sim_rate {
    sim_us since;
    unsigned count;
};

/* A connection that the core asked for. */
struct sim_link {
    struct sim_rate sends;
    unsigned pending; /* requests without an answer */
    vd_link handle;
    enum vd_link_kind kind;
    enum sim_link_state state;
    sim_us up_at; /* since when, if it is */
    struct sim_conn *conn;
    const struct sim_host *to;
    struct sim_link *prev;
    struct sim_link *next;
};

/* A request that waits for the one before it. */
struct sim_waiting {
    enum sim_word word;
    uint64_t ticket;
    uint64_t epoch;
    struct vd_id id;
    const struct sim_host *addr;
    struct sim_payload *payload;
    struct sim_waiting *next;
};

/* Who is connected to us. */
struct sim_caller {
    vd_client handle;
    struct sim_conn *conn; /* NULL: an operator at the console */
    char asker[9];         /* a sentinel: the first eight of its id */
    bool asking;           /* an event of its waits for REPLY */
    sim_us asked_at;
    uint64_t ticket;        /* of the request that is being answered */
    uint64_t epoch;         /* ... a question: about this epoch, */
    struct vd_id candidate; /* for this candidate */
    unsigned group;
    struct sim_waiting *queue;
    struct sim_caller *prev;
    struct sim_caller *next;
};

/* Where the process is to die. */
enum sim_doom {
    SIM_DOOM_NONE,
    SIM_DOOM_BEFORE_SAVE,
    SIM_DOOM_AFTER_SAVE,
    SIM_DOOM_AT_EFFECT,
};

/* What a sentinel last heard of a node, by INFO: the oracle judges promotions by it. */
struct sim_heard {
    bool known;
    const struct sim_host *where; /* it was then */
    enum vd_role role;
    bool loading;
    bool syncing;
    bool link_up;
    bool was_linked;        /* ... since its process started */
    uint64_t followers;     /* bit per host */
    bool was_promoted;      /* its second replication id tells of a former life as a replica */
    int64_t offset;         /* as a replica */
    int64_t primary_offset; /* as a primary */
    int64_t priority;
    int64_t keys;
    int64_t link_down_ms;
    sim_us at;
    struct vd_id replid;
    struct vd_id replid2;
    const struct sim_host *follows; /* NULL: nobody, or somebody unknown */
    struct vd_id run_id;
};

/* When a clock of this kind shows something. */
struct sim_instant {
    vd_ms shown;
    sim_us offset;
    int64_t drift;
    sim_us at;
};

#define SIM_LINK_SLOTS 128 /* a power of two */

struct sim_sentinel {
    struct sim *sim;
    unsigned index;
    struct sim_host *host;
    bool running;
    struct vd_id id;
    unsigned lives; /* ids had: a lost state may mean a new one */
    struct vd_drive drive;
    struct sim_disk disk;
    /* clock */
    sim_us clock_offset;
    int64_t drift_ppm;
    bool clock_stopped;
    sim_us stopped_at;
    struct sim_instant wake;
    unsigned frozen;     /* pauses in which the clock stands still, too */
    sim_us frozen_shown; /* what it stands at */
    sim_us thawed_at;    /* when the last of them ended; -1: none has */
    /* inbox */
    struct vd_event *events;
    size_t event_count;
    size_t event_room;
    struct vd_arena arena;
    struct sim_payload **texts; /* what those events point into, held until the turn is over */
    size_t text_count;
    size_t text_room;
    struct sim_task turn;
    bool in_turn;
    bool turn_missed;        /* it was due while the process was paused */
    struct sim_task unblock; /* the end of a slow save */
    /* late ears, late mouth */
    sim_us lag; /* reads once in so long; 0: at once */
    sim_us read_at;
    struct sim_task read;
    sim_us drag;     /* a turn takes up to so long before anything leaves */
    vd_ms slow_from; /* the last slow turn, not told yet; 0: none */
    vd_ms slow_until;
    struct sim_link *links;
    unsigned link_count;
    unsigned links_down;                             /* of them, SIM_LINK_DOWN */
    struct sim_link *link_by_handle[SIM_LINK_SLOTS]; /* the last one met of each slot */
    struct sim_caller *callers;
    uint64_t next_caller;
    uint64_t last_link; /* highest handle seen: they are never reused */
    unsigned scripts;   /* that run */
    struct sim_script *running_scripts;
    struct sim_rate attempts; /* at an election */
    struct sim_heard heard[SIM_NODES_MAX];
    /* crash at a boundary */
    enum sim_doom doom;
    unsigned doom_after;
    bool dead; /* died within the turn that is under way */
    sim_us revive_after;
    struct sim_task revive;
};

struct sim_sentinel *sim_sentinel_new(struct sim *sim, unsigned index);
void sim_sentinel_free(struct sim_sentinel *s);

/* Before its first start: its disk is that of one who has met all servers and sentinels. */
void sim_sentinel_acquaint(struct sim_sentinel *s);
/* Start from what the disk has; without anything, from the configuration. */
void sim_sentinel_start(struct sim_sentinel *s);
void sim_sentinel_kill(struct sim_sentinel *s, bool power);
/* The disk is lost with the process; `new_id`: the configuration names none. */
void sim_sentinel_wipe(struct sim_sentinel *s, bool new_id);
void sim_sentinel_pause(struct sim_sentinel *s);
void sim_sentinel_resume(struct sim_sentinel *s);
/* The same, but its machine stands still with it, and so does its clock. */
void sim_sentinel_freeze(struct sim_sentinel *s);
void sim_sentinel_thaw(struct sim_sentinel *s);
/* It reads what has arrived once in so long, and its deadlines come all the same; 0: at once. */
void sim_sentinel_lag(struct sim_sentinel *s, sim_us lag);
/* From now on its clock is so much too fast. */
void sim_sentinel_drift(struct sim_sentinel *s, int64_t ppm);
/* Die at the boundary, and come back `revive_after` later. */
void sim_sentinel_doom(struct sim_sentinel *s, enum sim_doom doom, unsigned after,
                       sim_us revive_after);

/* An operator's order. All that it points to is copied. */
void sim_sentinel_order(struct sim_sentinel *s, const struct vd_order *order);

vd_ms sim_sentinel_clock(const struct sim_sentinel *s);

/* What its core has saved and performed; `self` is the sentinel. */
extern const struct vd_drive_ops sim_sentinel_drive_ops;
/* As the daemon: once the time is over in which lost votes could matter, the state is sound. */
void sim_sentinel_settle(struct sim_sentinel *s);
struct sim_sentinel *sim_sentinel_of(const struct sim *sim, const struct sim_host *host);
static inline bool sim_sentinel_is_awake(const struct sim_sentinel *s)
{
    return s->running && s->host->paused == 0;
}
/* Whom it names as primary of the group; NULL: nobody known. */
const struct sim_host *sim_sentinel_names(const struct sim_sentinel *s, unsigned group);
/* The group whose primary it takes this address for, or else the one that had it. */
unsigned sim_sentinel_group(const struct sim_sentinel *s, const struct sim_host *host);
/* Is this server on its list (on its disk, if it is not running)? */
bool sim_sentinel_knows(const struct sim_sentinel *s, unsigned group, const struct sim_host *node);

/* Between the files of this room ------------------------------------------------ */

/* What it starts from without state; `acquainted`: and what it would have learnt by itself. */
void sim_sentinel_configure(const struct sim_sentinel *s, struct sim_saved *saved, bool acquainted);

/* The text is needed until the next turn is over. */
void sim_sentinel_hold(struct sim_sentinel *s, struct sim_payload *payload);
/* The hello, good for the next turn; NULL, and the run has failed, if it is none. */
const struct vd_hello *sim_sentinel_read_hello(struct sim_sentinel *s, struct sim_payload *payload);

/* An event for the next turn; `at` and `dice` are set here. */
void sim_sentinel_push(struct sim_sentinel *s, struct vd_event *event);

void sim_links_connect(struct sim_sentinel *s, const struct vd_effect *effect);
void sim_links_close(struct sim_sentinel *s, const struct vd_effect *effect);
void sim_links_send(struct sim_sentinel *s, const struct vd_effect *effect);
void sim_links_after_turn(struct sim_sentinel *s);
void sim_links_forget(struct sim_sentinel *s);
void sim_links_connected(struct sim_sentinel *s, struct sim_conn *conn);
void sim_links_lost(struct sim_sentinel *s, struct sim_conn *conn, enum vd_down_reason reason);
void sim_links_heard(struct sim_sentinel *s, struct sim_conn *conn, const struct sim_msg *msg);

void sim_scripts_spawn(struct sim_sentinel *s, const struct vd_effect *effect);
void sim_scripts_kill(struct sim_sentinel *s, const struct vd_effect *effect);
void sim_scripts_forget(struct sim_sentinel *s);

void sim_callers_accepted(struct sim_sentinel *s, struct sim_conn *conn);
void sim_callers_lost(struct sim_sentinel *s, struct sim_conn *conn);
void sim_callers_heard(struct sim_sentinel *s, struct sim_conn *conn, const struct sim_msg *msg);
void sim_callers_reply(struct sim_sentinel *s, const struct vd_effect *effect, bool refused);
/* What waited behind a reply goes on; nobody may be left without one. */
void sim_callers_after_turn(struct sim_sentinel *s);
void sim_callers_forget(struct sim_sentinel *s);
/* An operator at the console; his order's REPLY goes nowhere. */
vd_client sim_callers_operator(struct sim_sentinel *s);

#endif
