/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Alert rules: what vedette.cfg says of alerts and of prices, as values, and
 * the table of what a rule can look at. Metrics have the names that /metrics
 * gives them.
 */
#ifndef VD_PROTO_ALERT_RULE_H
#define VD_PROTO_ALERT_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/value.h"

enum vd_signal {
    VD_SIGNAL_MUTE,
    VD_SIGNAL_ABSTAINING,
    VD_SIGNAL_COST,
    VD_SIGNAL_GROUP_CAN_ACT,
    VD_SIGNAL_GROUP_USABLE,
    VD_SIGNAL_GROUP_O_DOWN,
    VD_SIGNAL_GROUP_FAILING_OVER,
    VD_SIGNAL_GROUP_SERVING,
    VD_SIGNAL_GROUP_SWITCH_AGE,
    VD_SIGNAL_GROUP_HIT_RATIO,
    VD_SIGNAL_NODE_UP,
    VD_SIGNAL_NODE_S_DOWN,
    VD_SIGNAL_NODE_LINK_UP,
    VD_SIGNAL_NODE_LAG,
    VD_SIGNAL_NODE_LAG_BYTES,
    VD_SIGNAL_NODE_MEMORY_RATIO,
    VD_SIGNAL_NODE_HIT_RATIO,
    VD_SIGNAL_NODE_CPU_RATIO,
    VD_SIGNAL_NODE_OPS,
    VD_SIGNAL_NODE_CLIENTS,
    VD_SIGNAL_NODE_EVICTIONS,
    VD_SIGNAL_NODE_REJECTIONS,
    VD_SIGNAL_NODE_NET_IN,
    VD_SIGNAL_NODE_NET_OUT,
    VD_SIGNAL_PEER_UP,
    VD_SIGNAL_PEER_ROUND_TRIP,
    VD_SIGNAL_COUNT,
};

/* What a signal has a value for. */
enum vd_signal_scope {
    VD_SCOPE_SELF,
    VD_SCOPE_GROUP,
    VD_SCOPE_NODE,
    VD_SCOPE_PEER,
};

struct vd_signal_row {
    const char *name;
    enum vd_signal_scope scope;
    const char *unit;    /* as people read it, "s"; "" none */
    const char *phrase;  /* what it is; of a flag: what is wrong */
    bool is_flag;        /* its number tells people nothing */
    bool about_majority; /* may be told by one who has none */
};

const struct vd_signal_row *vd_signal_row(enum vd_signal signal);

/* False: there is no such metric. */
bool vd_signal_find(const char *name, enum vd_signal *out) VD_MUSTCHECK;

/* The name that was probably meant, or NULL. */
const char *vd_signal_nearest(const char *name);

enum vd_severity {
    VD_SEVERITY_INFO,
    VD_SEVERITY_WARNING,
    VD_SEVERITY_CRITICAL,
    VD_SEVERITY_COUNT,
};

const char *vd_severity_word(enum vd_severity severity);

#define VD_ALERT_NAME_SIZE 33
#define VD_ALERT_CHANNELS 8 /* and as many bits in a set of them */
#define VD_ALERT_RULES 64
#define VD_ALERT_DURATION_MAX ((vd_ms)30 * 24 * 3600 * 1000)

/* Texts are owned. */
struct vd_alert_rule {
    char name[VD_ALERT_NAME_SIZE];
    enum vd_signal signal;
    bool below;        /* it is bad below the limit; else above it */
    double limit;      /* beyond it the condition holds */
    double clear;      /* it has ended when the value is back across this one */
    vd_ms for_ms;      /* how long it must hold before anything is told */
    vd_ms clear_ms;    /* how long it must have ended before that is told */
    char *group;       /* glob; NULL: all groups */
    unsigned channels; /* bit per channel that is told */
    enum vd_severity severity;
};

enum vd_channel_kind {
    VD_CHANNEL_JSON,
    VD_CHANNEL_PAGERDUTY,
    VD_CHANNEL_SLACK,
    VD_CHANNEL_KINDS,
};

const char *vd_channel_kind_word(enum vd_channel_kind kind);

/* Where alerts go. Texts are owned; url, key and token are secrets. */
struct vd_alert_channel {
    char name[VD_ALERT_NAME_SIZE];
    enum vd_channel_kind kind;
    char *url;
    char *key;     /* PagerDuty's routing key */
    char *token;   /* NULL: none; a Bearer token */
    char *ca_file; /* NULL: the system's CAs */
    vd_ms timeout_ms;
};

struct vd_alert_config {
    struct vd_alert_channel channels[VD_ALERT_CHANNELS];
    size_t channel_count;
    struct vd_alert_rule *rules;
    size_t rule_count;
};

void vd_alert_config_free(struct vd_alert_config *alerts);

/* Are there any rules to be watched? */
bool vd_alert_config_is_on(const struct vd_alert_config *alerts);

/* Append a rule, which is taken over. False: there are too many, or one of that name; the rule's
 * texts are freed then. */
bool vd_alert_config_add(struct vd_alert_config *alerts, struct vd_alert_rule *rule) VD_MUSTCHECK;

/* The five that everybody needs, told on all channels; rules of the same name that there are
 * already stand in their place. False: there is no room for all of them. */
bool vd_alert_config_add_standard(struct vd_alert_config *alerts) VD_MUSTCHECK;

/* Words of 1 to 32 letters, digits, '-' and '_': for rules and channels. */
bool vd_alert_name_valid(const char *name);

/* Prices. All 0: nobody counts. */
struct vd_cost_config {
    char currency[8];
    double memory_gb_month;
    double vcpu_month;
    double egress_gb;
    double budget; /* a month; 0: none */
};

bool vd_cost_config_is_on(const struct vd_cost_config *cost);

#endif
