/* SPDX-License-Identifier: BSD-3-Clause */
/* Alert rules: see alert_rule.h. */
#include "proto/alert_rule.h"

#include <string.h>

#include "base/mem.h"
#include "proto/option.h"

/* Signals -------------------------------------------------------------------------- */

static const struct vd_signal_row rows[VD_SIGNAL_COUNT] = {
    [VD_SIGNAL_MUTE] = {"vedette_mute", VD_SCOPE_SELF, "",
                        "cannot save its state and gives no votes", true, true},
    [VD_SIGNAL_ABSTAINING] = {"vedette_abstaining", VD_SCOPE_SELF, "",
                              "was started without its state and gives no votes yet", true, true},
    [VD_SIGNAL_COST] = {"vedette_cost_per_month", VD_SCOPE_SELF, "a month", "projected cost", false,
                        false},
    [VD_SIGNAL_GROUP_CAN_ACT] = {"vedette_group_can_act", VD_SCOPE_GROUP, "",
                                 "no failover is possible: quorum or majority is out of reach",
                                 true, true},
    [VD_SIGNAL_GROUP_USABLE] = {"vedette_group_sentinels_usable", VD_SCOPE_GROUP, "",
                                "sentinels within reach", false, true},
    [VD_SIGNAL_GROUP_O_DOWN] = {"vedette_group_objectively_down", VD_SCOPE_GROUP, "",
                                "the primary is down, and the quorum agrees", true, false},
    [VD_SIGNAL_GROUP_FAILING_OVER] = {"vedette_group_failover_in_progress", VD_SCOPE_GROUP, "",
                                      "a failover is under way", true, false},
    [VD_SIGNAL_GROUP_SERVING] = {"vedette_group_replicas_serving", VD_SCOPE_GROUP, "",
                                 "replicas that serve", false, false},
    [VD_SIGNAL_GROUP_SWITCH_AGE] = {"vedette_group_last_switch_age_seconds", VD_SCOPE_GROUP, "s",
                                    "there is a new primary", true, false},
    [VD_SIGNAL_GROUP_HIT_RATIO] = {"vedette_group_hit_ratio", VD_SCOPE_GROUP, "", "hit rate", false,
                                   false},
    [VD_SIGNAL_NODE_UP] = {"vedette_node_up", VD_SCOPE_NODE, "", "does not answer as it should",
                           true, false},
    [VD_SIGNAL_NODE_S_DOWN] = {"vedette_node_subjectively_down", VD_SCOPE_NODE, "", "is down", true,
                               false},
    [VD_SIGNAL_NODE_LINK_UP] = {"vedette_node_replication_link_up", VD_SCOPE_NODE, "",
                                "is not connected to its primary", true, false},
    [VD_SIGNAL_NODE_LAG] = {"vedette_node_replication_lag_seconds", VD_SCOPE_NODE, "s",
                            "replication lag", false, false},
    [VD_SIGNAL_NODE_LAG_BYTES] = {"vedette_node_replication_lag_bytes", VD_SCOPE_NODE, "bytes",
                                  "replication lag", false, false},
    [VD_SIGNAL_NODE_MEMORY_RATIO] = {"vedette_node_memory_used_ratio", VD_SCOPE_NODE, "",
                                     "share of memory in use", false, false},
    [VD_SIGNAL_NODE_HIT_RATIO] = {"vedette_node_hit_ratio", VD_SCOPE_NODE, "", "hit rate", false,
                                  false},
    [VD_SIGNAL_NODE_CPU_RATIO] = {"vedette_node_cpu_ratio", VD_SCOPE_NODE, "CPUs", "CPU in use",
                                  false, false},
    [VD_SIGNAL_NODE_OPS] = {"vedette_node_ops_per_second", VD_SCOPE_NODE, "/s", "commands", false,
                            false},
    [VD_SIGNAL_NODE_CLIENTS] = {"vedette_node_clients", VD_SCOPE_NODE, "", "clients", false, false},
    [VD_SIGNAL_NODE_EVICTIONS] = {"vedette_node_evictions_per_second", VD_SCOPE_NODE, "/s",
                                  "evictions", false, false},
    [VD_SIGNAL_NODE_REJECTIONS] = {"vedette_node_rejections_per_second", VD_SCOPE_NODE, "/s",
                                   "rejected connections", false, false},
    [VD_SIGNAL_NODE_NET_IN] = {"vedette_node_receive_bytes_per_second", VD_SCOPE_NODE, "bytes/s",
                               "bytes received", false, false},
    [VD_SIGNAL_NODE_NET_OUT] = {"vedette_node_transmit_bytes_per_second", VD_SCOPE_NODE, "bytes/s",
                                "bytes sent", false, false},
    [VD_SIGNAL_PEER_UP] = {"vedette_peer_up", VD_SCOPE_PEER, "", "the sentinel is out of reach",
                           true, true},
    [VD_SIGNAL_PEER_ROUND_TRIP] = {"vedette_peer_round_trip_seconds", VD_SCOPE_PEER, "s",
                                   "round trip", false, false},
};

const struct vd_signal_row *vd_signal_row(enum vd_signal signal)
{
    return &rows[signal];
}

bool vd_signal_find(const char *name, enum vd_signal *out)
{
    for (int i = 0; i < VD_SIGNAL_COUNT; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        *out = (enum vd_signal)i;
        return true;
    }
    return false;
}

const char *vd_signal_nearest(const char *name)
{
    const char *names[VD_SIGNAL_COUNT];

    for (int i = 0; i < VD_SIGNAL_COUNT; i++)
        names[i] = rows[i].name;
    return vd_name_nearest(name, names, VD_SIGNAL_COUNT);
}

/* Words ---------------------------------------------------------------------------- */

const char *vd_severity_word(enum vd_severity severity)
{
    static const char *const words[VD_SEVERITY_COUNT] = {"info", "warning", "critical"};

    return words[severity];
}

const char *vd_channel_kind_word(enum vd_channel_kind kind)
{
    static const char *const words[VD_CHANNEL_KINDS] = {"json", "pagerduty", "slack"};

    return words[kind];
}

bool vd_alert_name_valid(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len < VD_ALERT_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

/* Rules ---------------------------------------------------------------------------- */

bool vd_alert_config_is_on(const struct vd_alert_config *alerts)
{
    return alerts->rule_count > 0;
}

static bool has_rule(const struct vd_alert_config *alerts, const char *name)
{
    for (size_t i = 0; i < alerts->rule_count; i++)
        if (strcmp(alerts->rules[i].name, name) == 0)
            return true;
    return false;
}

bool vd_alert_config_add(struct vd_alert_config *alerts, struct vd_alert_rule *rule)
{
    if (alerts->rule_count == VD_ALERT_RULES || has_rule(alerts, rule->name)) {
        vd_free(rule->group);
        rule->group = NULL;
        return false;
    }
    alerts->rules = vd_realloc(alerts->rules, (alerts->rule_count + 1) * sizeof(alerts->rules[0]));
    alerts->rules[alerts->rule_count++] = *rule;
    return true;
}

bool vd_alert_config_add_standard(struct vd_alert_config *alerts)
{
    static const struct vd_alert_rule standard[] = {
        {.name = "replication-lag",
         .signal = VD_SIGNAL_NODE_LAG,
         .limit = 0.5,
         .clear = 0.25,
         .for_ms = 300000,
         .clear_ms = 30000,
         .severity = VD_SEVERITY_WARNING},
        {.name = "quorum-lost",
         .signal = VD_SIGNAL_GROUP_CAN_ACT,
         .below = true,
         .limit = 1,
         .clear = 1,
         .for_ms = 15000,
         .clear_ms = 5000,
         .severity = VD_SEVERITY_CRITICAL},
        {.name = "failover",
         .signal = VD_SIGNAL_GROUP_SWITCH_AGE,
         .below = true,
         .limit = 300,
         .clear = 300,
         .severity = VD_SEVERITY_INFO},
        {.name = "hit-rate",
         .signal = VD_SIGNAL_GROUP_HIT_RATIO,
         .below = true,
         .limit = 0.75,
         .clear = 0.78,
         .for_ms = 900000,
         .clear_ms = 60000,
         .severity = VD_SEVERITY_WARNING},
        {.name = "memory",
         .signal = VD_SIGNAL_NODE_MEMORY_RATIO,
         .limit = 0.85,
         .clear = 0.8,
         .for_ms = 60000,
         .clear_ms = 60000,
         .severity = VD_SEVERITY_WARNING},
    };

    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
        struct vd_alert_rule rule = standard[i];

        rule.channels = ~0U;
        if (!has_rule(alerts, rule.name) && !vd_alert_config_add(alerts, &rule))
            return false;
    }
    return true;
}

static void free_channel(struct vd_alert_channel *channel)
{
    vd_free(channel->url);
    vd_free(channel->key);
    vd_free(channel->token);
    vd_free(channel->ca_file);
}

void vd_alert_config_free(struct vd_alert_config *alerts)
{
    for (size_t i = 0; i < alerts->channel_count; i++)
        free_channel(&alerts->channels[i]);
    for (size_t i = 0; i < alerts->rule_count; i++)
        vd_free(alerts->rules[i].group);
    vd_free(alerts->rules);
    *alerts = (struct vd_alert_config){.channel_count = 0};
}

bool vd_cost_config_is_on(const struct vd_cost_config *cost)
{
    return cost->memory_gb_month > 0 || cost->vcpu_month > 0 || cost->egress_gb > 0;
}
