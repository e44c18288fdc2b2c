/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * History: one failover as it is kept: that this vedette led or tried to lead,
 * that its leader has told us of, or that was seen from here.
 */
#ifndef VD_SHELL_HISTORY_H
#define VD_SHELL_HISTORY_H

#include "shell/phases.h"

#define VD_HISTORY_MAX 1000
/* Of those, what others told: it never takes the place of all that is known at first hand. */
#define VD_HISTORY_TOLD_MAX 800

enum vd_history_source {
    VD_HISTORY_LED,
    VD_HISTORY_TOLD, /* by its leader */
    VD_HISTORY_SEEN, /* nobody has told of it; of its phases what was seen from here */
    VD_HISTORY_SOURCES,
};

/* "led", "told", "seen" */
const char *vd_history_source_word(enum vd_history_source source);

struct vd_history_entry {
    enum vd_history_source source;
    bool unkept;        /* it is not in the store as it is here; see witness.h */
    const char *leader; /* its id; of one that we led, and where it is not known: "" or NULL */
    int64_t id;         /* of its row; 0: it is in no store */
    int64_t at_ms;      /* wall clock: when it began */
    const char *group;
    const char *reason;
    const char *result;
    uint64_t epoch;
    struct vd_addr from;
    struct vd_addr to; /* port 0: none */
    struct vd_phases phases;
    int64_t loss_bytes; /* -1 unknown */
};

/* As an entry without an id; texts are the record's. */
void vd_history_entry_of(const struct vd_failover_record *record, struct vd_history_entry *out);

#endif
