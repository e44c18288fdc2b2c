/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watch: what the daemon remembers for those who look at it: the last events,
 * the last failovers with their phases, and how long its own work took. Fed by
 * the turn, read by http; decides nothing and never fails.
 */
#ifndef VD_SHELL_WATCH_H
#define VD_SHELL_WATCH_H

#include "base/histogram.h"
#include "core/core.h"
#include "shell/history.h"

#define VD_WATCH_EVENTS 1000

/* One event as it was published, or a warning that was only logged. */
struct vd_watch_event {
    uint64_t id;   /* from 1 on, in order */
    int64_t at_ms; /* wall clock */
    enum vd_notice_level level;
    char *name; /* "+sdown"; owned, so the next two */
    char *payload;
    char *group; /* the group that it is about; "" none */
};

/* What has happened to a group since the process was started. */
struct vd_watch_counts {
    uint64_t role_changes; /* a server told another role than before */
    uint64_t reboots;      /* a server came back with another run id */
};

struct vd_watch_group; /* watch.c's own */

struct vd_watch {
    struct vd_watch_event events[VD_WATCH_EVENTS]; /* a ring, by id */
    uint64_t last_event;                           /* its id; 0: none so far */
    struct vd_history_entry *failovers;            /* oldest first; texts owned */
    size_t failover_count;
    struct vd_history_entry *failover_room; /* they move through it */
    struct vd_watch_group *groups;
    struct vd_histogram late;   /* how late the loop was for what was due */
    struct vd_histogram turn;   /* how long a turn took, its save included */
    struct vd_histogram save;   /* how long a save took */
    struct vd_histogram lookup; /* how long a name server took */
    uint64_t saves_failed;
    int64_t started_at_ms; /* wall clock */
    /* Called with every new event; NULL: nobody. */
    void (*on_event)(void *self, const struct vd_watch_event *event);
    void *self;
};

struct vd_watch *vd_watch_new(void);
void vd_watch_free(struct vd_watch *watch);

/* NULL for a watch is fine in these: nobody looks. */
void vd_watch_event(struct vd_watch *watch, enum vd_notice_level level, const char *name,
                    const char *payload);
/* A failover is over, or was read from the history; copied. */
void vd_watch_failover(struct vd_watch *watch, const struct vd_history_entry *entry);

/*
 * A failover that another led is entered, or what its leader tells takes the
 * place of what was seen; copied. False: that is known already. Others are not
 * believed without end: of what they told there are VD_HISTORY_TOLD_MAX.
 */
bool vd_watch_witness(struct vd_watch *watch, const struct vd_history_entry *entry);

/* A save; a turn. */
void vd_watch_saved(struct vd_watch *watch, bool good, int64_t took_us);
void vd_watch_turn(struct vd_watch *watch, int64_t took_us);
/* A turn begins: what was due at `wake_at` is late by so much, if it is due. */
void vd_watch_late(struct vd_watch *watch, vd_ms wake_at, int64_t now_us);

/* The event of that id; NULL: forgotten, or not yet. */
const struct vd_watch_event *vd_watch_find(const struct vd_watch *watch, uint64_t id);

/* Of the group, led by us, begun after `since_ms` (wall clock); *last is the newest, NULL: there is
 * none. */
size_t vd_watch_failovers_since(const struct vd_watch *watch, const char *group, int64_t since_ms,
                                const struct vd_history_entry **last);

/* NULL: nothing that is counted. */
const struct vd_watch_counts *vd_watch_counts(const struct vd_watch *watch, const char *group);

/* The group that the payload of an event names, by Sentinel's forms; false: none. */
bool vd_watch_group_of(const char *name, const char *payload, struct vd_text *group) VD_MUSTCHECK;

#endif
