/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Phases: how long each part of a failover took, for the log and the history.
 * -1: was not reached.
 */
#ifndef VD_SHELL_PHASES_H
#define VD_SHELL_PHASES_H

#include "base/text.h"
#include "core/core.h"

struct vd_phases {
    vd_ms begun_at;       /* first sign of trouble, or the order */
    int64_t silence_ms;   /* until subjectively down */
    int64_t agreement_ms; /* until the quorum agreed */
    int64_t election_ms;  /* until elected */
    int64_t selection_ms; /* until the candidate was chosen */
    int64_t promotion_ms; /* until it said that it is the primary */
    int64_t total_ms;     /* from the beginning until then */
    int64_t replicas_ms;  /* until the others were turned */
};

void vd_phases_of(const struct vd_failover_record *record, struct vd_phases *out);

/* "silence 1001 ms, agreement 2 ms, ..., total 1011 ms, replicas 5 ms", those that were reached. */
void vd_phases_print(const struct vd_phases *phases, struct vd_text *to);

#endif
