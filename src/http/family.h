/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Families of metrics: one row each says its name, type and meaning, and how a
 * sample is written in both text formats.
 */
#ifndef VD_HTTP_FAMILY_H
#define VD_HTTP_FAMILY_H

#include "base/histogram.h"
#include "base/text.h"

enum vd_family {
    /* the process */
    VD_FAMILY_BUILD,
    VD_FAMILY_START_TIME,
    VD_FAMILY_CPU,
    VD_FAMILY_RESIDENT,
    VD_FAMILY_OPEN_FDS,
    VD_FAMILY_MAX_FDS,
    VD_FAMILY_GROUPS,
    VD_FAMILY_CLIENTS,
    VD_FAMILY_EPOCH,
    VD_FAMILY_MUTE,
    VD_FAMILY_ABSTAINING,
    VD_FAMILY_SAVES_FAILED,
    VD_FAMILY_STALLS,
    VD_FAMILY_SCRIPTS,
    VD_FAMILY_LATE,
    VD_FAMILY_TURN,
    VD_FAMILY_SAVE,
    VD_FAMILY_LOOKUP,
    VD_FAMILY_ALERT_FIRING,
    VD_FAMILY_ALERT_DELIVERIES,
    VD_FAMILY_COST,
    VD_FAMILY_BUDGET,
    /* groups */
    VD_FAMILY_GROUP_QUORUM,
    VD_FAMILY_GROUP_SENTINELS,
    VD_FAMILY_GROUP_USABLE,
    VD_FAMILY_GROUP_CAN_ACT,
    VD_FAMILY_GROUP_O_DOWN,
    VD_FAMILY_GROUP_FAILING_OVER,
    VD_FAMILY_GROUP_PAUSED,
    VD_FAMILY_GROUP_FENCED,
    VD_FAMILY_GROUP_CONFIG_EPOCH,
    VD_FAMILY_GROUP_FAILOVERS,
    VD_FAMILY_GROUP_FAILOVERS_DAY,
    VD_FAMILY_GROUP_FAILOVER_PHASE,
    VD_FAMILY_GROUP_SWITCHES,
    VD_FAMILY_GROUP_SWITCH_AGE,
    VD_FAMILY_GROUP_HIT_RATIO,
    VD_FAMILY_GROUP_REPLICAS,
    VD_FAMILY_GROUP_REPLICAS_SERVING,
    VD_FAMILY_GROUP_ROLE_CHANGES,
    VD_FAMILY_GROUP_REBOOTS,
    /* peers */
    VD_FAMILY_PEER_UP,
    VD_FAMILY_PEER_ROUND_TRIP,
    /* servers */
    VD_FAMILY_NODE_UP,
    VD_FAMILY_NODE_PRIMARY,
    VD_FAMILY_NODE_S_DOWN,
    VD_FAMILY_NODE_LINK_UP,
    VD_FAMILY_NODE_OFFSET,
    VD_FAMILY_NODE_LAG,
    VD_FAMILY_NODE_LAG_BYTES,
    VD_FAMILY_NODE_INFO_AGE,
    VD_FAMILY_NODE_KEYS,
    VD_FAMILY_NODE_MEMORY,
    VD_FAMILY_NODE_MEMORY_MAX,
    VD_FAMILY_NODE_CPU,
    VD_FAMILY_NODE_COMMANDS,
    VD_FAMILY_NODE_OPS,
    VD_FAMILY_NODE_HITS,
    VD_FAMILY_NODE_MISSES,
    VD_FAMILY_NODE_EVICTED,
    VD_FAMILY_NODE_EXPIRED,
    VD_FAMILY_NODE_CLIENTS,
    VD_FAMILY_NODE_REJECTED,
    VD_FAMILY_NODE_NET_IN,
    VD_FAMILY_NODE_NET_OUT,
    VD_FAMILY_NODE_UPTIME,
    VD_FAMILY_NODE_MEMORY_RATIO,
    VD_FAMILY_NODE_HIT_RATIO,
    VD_FAMILY_NODE_CPU_RATIO,
    VD_FAMILY_NODE_EVICTIONS,
    VD_FAMILY_NODE_REJECTIONS,
    VD_FAMILY_NODE_NET_IN_RATE,
    VD_FAMILY_NODE_NET_OUT_RATE,
    VD_FAMILY_NODE_COST,
    VD_FAMILY_COUNT,
};

/* A family's samples so far; `labels` are "name=\"value\",..." as vd_label_add makes them, or "".
 */
struct vd_samples {
    struct vd_text texts[VD_FAMILY_COUNT];
};

void vd_samples_free(struct vd_samples *samples);

/* Append name="value", its value escaped, with a comma before it if it is not the first. */
void vd_label_add(struct vd_text *labels, const char *name, const char *value);

void vd_sample_count(struct vd_samples *samples, enum vd_family family, const char *labels,
                     int64_t value);
void vd_sample_real(struct vd_samples *samples, enum vd_family family, const char *labels,
                    double value);
/* In seconds. */
void vd_sample_histogram(struct vd_samples *samples, enum vd_family family,
                         const struct vd_histogram *histogram);

/* Does a family have this name? With its "_total", if it is a counter. */
bool vd_family_is_known(const char *name);

/* All families that have samples, in order. */
void vd_samples_print(const struct vd_samples *samples, bool open_metrics, struct vd_text *to);

#endif
