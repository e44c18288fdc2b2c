/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Book: the states of alerts. A condition that holds is pending, then firing
 * when it has held long enough, then resolved when it has ended long enough;
 * what cannot be measured is no longer bad. Who is told, and by whom, is kept
 * here as well, and decided elsewhere. No clock and no I/O of its own.
 */
#ifndef VD_ALERT_BOOK_H
#define VD_ALERT_BOOK_H

#include "base/text.h"
#include "proto/alert_rule.h"

#define VD_BOOK_MAX 20000U /* alerts at a time; 600 bytes each */

enum vd_alert_state {
    VD_ALERT_PENDING,
    VD_ALERT_FIRING,
    VD_ALERT_RESOLVED,
};

const char *vd_alert_state_word(enum vd_alert_state state);

/* The way to one channel. */
struct vd_alert_telling {
    bool in_flight;
    bool of_end; /* what is in flight tells the end */
    unsigned attempts;
    vd_ms next_at; /* not before */
};

struct vd_alert {
    char *key;                 /* "rule group target"; the same at all vedettes */
    struct vd_alert_rule rule; /* a copy, without its group */
    char *group;               /* "": none */
    char *target;              /* "host:port" of a node or peer, a group, an id */
    enum vd_alert_state state;
    double value;      /* last known */
    int64_t since_ms;  /* wall clock: fires since */
    vd_ms bad_at;      /* the condition holds since */
    vd_ms good_at;     /* it has ended since; VD_NEVER: it has not */
    vd_ms resolved_at; /* VD_NEVER */
    uint64_t round;    /* last looked at */
    vd_ms doubt_until; /* until then only what is bad is believed; VD_NEVER: it has been seen */
    bool unkept;       /* what was told is not in the store as it is here */
    unsigned told;     /* bit per channel: told that it fires, and not yet that it ended */
    vd_ms heard_at;    /* that others told it, last; VD_NEVER: we did, or nobody */
    struct vd_alert_telling tellings[VD_ALERT_CHANNELS];
};

struct vd_book; /* opaque */

struct vd_book *vd_book_new(void);
void vd_book_free(struct vd_book *book);

/*
 * The process has just begun and knows little: what was told before, by us or
 * by others, has not ended because nothing bad is seen until then.
 */
void vd_book_doubt(struct vd_book *book, vd_ms until);

/* What a look has changed. */
enum vd_alert_change {
    VD_ALERT_SAME,
    VD_ALERT_BEGAN,
    VD_ALERT_ENDED,
};

/*
 * The value at present; NaN: not known. *out is the alert, NULL: there is
 * none. Texts are copied.
 */
enum vd_alert_change vd_book_look(struct vd_book *book, const struct vd_alert_rule *rule,
                                  const char *group, const char *target, double value, vd_ms now,
                                  int64_t wall_ms, struct vd_alert **out);

/*
 * All targets have been looked at: what was not among them is gone, and is
 * no longer bad. `changed` is called with each alert that has ended by that.
 */
void vd_book_end_round(struct vd_book *book, vd_ms now,
                       void (*changed)(void *self, struct vd_alert *alert), void *self);

/* How many had no room in this round, since there are VD_BOOK_MAX that somebody must hear of. */
size_t vd_book_missed(const struct vd_book *book);

/*
 * Another vedette has told a channel that the alert fires, or that it ended.
 * An alert that we do not see is entered as firing: that it is not bad here is
 * found by the next look.
 */
void vd_book_heard(struct vd_book *book, const struct vd_alert_rule *rule, const char *group,
                   const char *target, unsigned channel, bool ended, int64_t since_ms, vd_ms now);

/* Nobody repeats any more what others told; we have taken that over. */
bool vd_alert_is_orphan(const struct vd_alert *alert, vd_ms now);

/* One after another, in the order in which they came; NULL begins, and ends. */
struct vd_alert *vd_book_next(const struct vd_book *book, const struct vd_alert *after);

/* By its key; NULL: none. */
struct vd_alert *vd_book_find(const struct vd_book *book, const char *key);

/* Is the channel owed a word about it, and which? */
bool vd_alert_owes(const struct vd_alert *alert, unsigned channel, bool *of_end);

/* The channel was told. */
void vd_alert_note_told(struct vd_alert *alert, unsigned channel, bool of_end);

size_t vd_book_count(const struct vd_book *book, enum vd_alert_state state);

#endif
