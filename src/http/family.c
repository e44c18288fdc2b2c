/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Families: see family.h. The two formats differ in that OpenMetrics names the
 * family of a counter without "_total", tells units, and ends with "# EOF".
 */
#include "http/family.h"

#include <string.h>

#include "http/json.h"

enum family_type {
    GAUGE,
    COUNTER,
    HISTOGRAM,
};

struct family_row {
    const char *name; /* without "_total" */
    enum family_type type;
    const char *unit; /* NULL: none; the name ends with it */
    const char *help;
};

static const struct family_row rows[VD_FAMILY_COUNT] = {
    [VD_FAMILY_BUILD] = {"vedette_build_info", GAUGE, NULL,
                         "Always 1; the version and id as labels"},
    [VD_FAMILY_START_TIME] = {"process_start_time_seconds", GAUGE, "seconds",
                              "When the process was started, since 1970"},
    [VD_FAMILY_CPU] = {"process_cpu_seconds", COUNTER, "seconds", "CPU time of the process"},
    [VD_FAMILY_RESIDENT] = {"process_resident_memory_bytes", GAUGE, "bytes",
                            "Resident memory of the process"},
    [VD_FAMILY_OPEN_FDS] = {"process_open_fds", GAUGE, NULL, "Open descriptors"},
    [VD_FAMILY_MAX_FDS] = {"process_max_fds", GAUGE, NULL, "Limit of open descriptors"},
    [VD_FAMILY_GROUPS] = {"vedette_groups", GAUGE, NULL, "Monitored primaries"},
    [VD_FAMILY_CLIENTS] = {"vedette_clients", GAUGE, NULL, "Connected clients"},
    [VD_FAMILY_EPOCH] = {"vedette_epoch", GAUGE, NULL, "Current epoch"},
    [VD_FAMILY_MUTE] = {"vedette_mute", GAUGE, NULL,
                        "1 while the state cannot be saved, so that no vote is given"},
    [VD_FAMILY_ABSTAINING] = {"vedette_abstaining", GAUGE, NULL,
                              "1 while of some group no vote is given because state was lost"},
    [VD_FAMILY_SAVES_FAILED] = {"vedette_saves_failed", COUNTER, NULL,
                                "Saves of the state that failed"},
    [VD_FAMILY_STALLS] = {"vedette_stalls", COUNTER, NULL,
                          "Times that the process was not run for over two seconds"},
    [VD_FAMILY_SCRIPTS] = {"vedette_scripts_pending", GAUGE, NULL,
                           "Scripts that run or wait to be run"},
    [VD_FAMILY_LATE] = {"vedette_loop_lateness_seconds", HISTOGRAM, "seconds",
                        "How late the loop was for what was due"},
    [VD_FAMILY_TURN] = {"vedette_turn_seconds", HISTOGRAM, "seconds",
                        "How long a turn took, its save included"},
    [VD_FAMILY_SAVE] = {"vedette_save_seconds", HISTOGRAM, "seconds",
                        "How long it took to make the state durable"},
    [VD_FAMILY_LOOKUP] = {"vedette_lookup_seconds", HISTOGRAM, "seconds",
                          "How long name servers took to answer"},
    [VD_FAMILY_ALERT_FIRING] = {"vedette_alert_firing", GAUGE, NULL,
                                "1 if the alert fires, 0 while its condition has not held long "
                                "enough, or has ended of late"},
    [VD_FAMILY_ALERT_DELIVERIES] = {"vedette_alert_deliveries", COUNTER, NULL,
                                    "Tries to tell alerts, by channel and result"},
    [VD_FAMILY_COST] = {"vedette_cost_per_month", GAUGE, NULL,
                        "What all servers and vedettes cost a month, projected, at the prices of "
                        "the configuration"},
    [VD_FAMILY_BUDGET] = {"vedette_budget_per_month", GAUGE, NULL, "What they may cost"},
    [VD_FAMILY_GROUP_QUORUM] = {"vedette_group_quorum", GAUGE, NULL, "Configured quorum"},
    [VD_FAMILY_GROUP_SENTINELS] = {"vedette_group_sentinels", GAUGE, NULL,
                                   "Known sentinels, this one included"},
    [VD_FAMILY_GROUP_USABLE] = {"vedette_group_sentinels_usable", GAUGE, NULL,
                                "Those within reach, this one included"},
    [VD_FAMILY_GROUP_CAN_ACT] = {"vedette_group_can_act", GAUGE, NULL,
                                 "1 if quorum and majority are within reach"},
    [VD_FAMILY_GROUP_O_DOWN] = {"vedette_group_objectively_down", GAUGE, NULL,
                                "1 while the quorum agrees that the primary is down"},
    [VD_FAMILY_GROUP_FAILING_OVER] = {"vedette_group_failover_in_progress", GAUGE, NULL,
                                      "1 while this vedette leads or tries a failover"},
    [VD_FAMILY_GROUP_PAUSED] = {"vedette_group_paused", GAUGE, NULL,
                                "1 while the group is in maintenance: watched, not acted on"},
    [VD_FAMILY_GROUP_FENCED] = {"vedette_group_fenced", GAUGE, NULL,
                                "1 while writes are held back at a primary that is cut off with "
                                "this vedette"},
    [VD_FAMILY_GROUP_CONFIG_EPOCH] = {"vedette_group_config_epoch", GAUGE, NULL,
                                      "Configuration epoch"},
    [VD_FAMILY_GROUP_FAILOVERS] = {"vedette_group_failovers_led", COUNTER, NULL,
                                   "Failovers completed under this vedette's lead"},
    [VD_FAMILY_GROUP_FAILOVERS_DAY] = {"vedette_group_failovers_led_last_day", GAUGE, NULL,
                                       "Failovers of the last 24 hours that this vedette led or "
                                       "tried to"},
    [VD_FAMILY_GROUP_FAILOVER_PHASE] = {"vedette_group_failover_phase_seconds", GAUGE, "seconds",
                                        "How long each phase of the last of them took"},
    [VD_FAMILY_GROUP_SWITCH_AGE] = {"vedette_group_last_switch_age_seconds", GAUGE, "seconds",
                                    "Since the last change of the primary's address"},
    [VD_FAMILY_GROUP_HIT_RATIO] = {"vedette_group_hit_ratio", GAUGE, "ratio",
                                   "Share of look-ups that hit, over the last minute"},
    [VD_FAMILY_GROUP_SWITCHES] = {"vedette_group_switches", COUNTER, NULL,
                                  "Changes of the primary's address, whoever led"},
    [VD_FAMILY_GROUP_REPLICAS] = {"vedette_group_replicas", GAUGE, NULL, "Known replicas"},
    [VD_FAMILY_GROUP_REPLICAS_SERVING] = {"vedette_group_replicas_serving", GAUGE, NULL,
                                          "Replicas that are up and linked to the primary"},
    [VD_FAMILY_GROUP_ROLE_CHANGES] = {"vedette_group_role_changes", COUNTER, NULL,
                                      "Times that a server told another role than before"},
    [VD_FAMILY_GROUP_REBOOTS] = {"vedette_group_reboots", COUNTER, NULL,
                                 "Times that a server came back with another run id"},
    [VD_FAMILY_PEER_UP] = {"vedette_peer_up", GAUGE, NULL, "1 if the sentinel is within reach"},
    [VD_FAMILY_PEER_ROUND_TRIP] = {"vedette_peer_round_trip_seconds", GAUGE, "seconds",
                                   "Smoothed time between a PING to the sentinel and its echo"},
    [VD_FAMILY_NODE_UP] = {"vedette_node_up", GAUGE, NULL, "1 if the server answers"},
    [VD_FAMILY_NODE_PRIMARY] = {"vedette_node_primary", GAUGE, NULL,
                                "1 if the server is the group's primary"},
    [VD_FAMILY_NODE_S_DOWN] = {"vedette_node_subjectively_down", GAUGE, NULL,
                               "1 if this vedette finds the server down"},
    [VD_FAMILY_NODE_LINK_UP] = {"vedette_node_replication_link_up", GAUGE, NULL,
                                "1 if the replica is connected to its primary"},
    [VD_FAMILY_NODE_OFFSET] = {"vedette_node_replication_offset_bytes", GAUGE, "bytes",
                               "Place in the replication stream, by the last INFO"},
    [VD_FAMILY_NODE_LAG] = {"vedette_node_replication_lag_seconds", GAUGE, "seconds",
                            "How far the replica is behind, measured through the stream"},
    [VD_FAMILY_NODE_LAG_BYTES] = {"vedette_node_replication_lag_bytes", GAUGE, "bytes",
                                  "How far the replica is behind, by the last INFO of both"},
    [VD_FAMILY_NODE_INFO_AGE] = {"vedette_node_info_age_seconds", GAUGE, "seconds",
                                 "Age of the last INFO, on which figures of the server rest"},
    [VD_FAMILY_NODE_KEYS] = {"vedette_node_keys", GAUGE, NULL, "Keys in all databases"},
    [VD_FAMILY_NODE_MEMORY] = {"vedette_node_memory_used_bytes", GAUGE, "bytes", "Memory used"},
    [VD_FAMILY_NODE_MEMORY_MAX] = {"vedette_node_memory_max_bytes", GAUGE, "bytes",
                                   "maxmemory; 0: none"},
    [VD_FAMILY_NODE_CPU] = {"vedette_node_cpu_seconds", COUNTER, "seconds",
                            "CPU time of the server"},
    [VD_FAMILY_NODE_COMMANDS] = {"vedette_node_commands", COUNTER, NULL, "Commands processed"},
    [VD_FAMILY_NODE_OPS] = {"vedette_node_ops_per_second", GAUGE, NULL,
                            "Commands a second, by the server's own count"},
    [VD_FAMILY_NODE_HITS] = {"vedette_node_keyspace_hits", COUNTER, NULL, "Look-ups that hit"},
    [VD_FAMILY_NODE_MISSES] = {"vedette_node_keyspace_misses", COUNTER, NULL,
                               "Look-ups that missed"},
    [VD_FAMILY_NODE_EVICTED] = {"vedette_node_evicted_keys", COUNTER, NULL,
                                "Keys evicted for lack of memory"},
    [VD_FAMILY_NODE_EXPIRED] = {"vedette_node_expired_keys", COUNTER, NULL, "Keys that expired"},
    [VD_FAMILY_NODE_CLIENTS] = {"vedette_node_clients", GAUGE, NULL, "Connected clients"},
    [VD_FAMILY_NODE_REJECTED] = {"vedette_node_rejected_connections", COUNTER, NULL,
                                 "Connections rejected because of maxclients"},
    [VD_FAMILY_NODE_NET_IN] = {"vedette_node_network_receive_bytes", COUNTER, "bytes",
                               "Bytes read from the network"},
    [VD_FAMILY_NODE_NET_OUT] = {"vedette_node_network_transmit_bytes", COUNTER, "bytes",
                                "Bytes written to the network"},
    [VD_FAMILY_NODE_UPTIME] = {"vedette_node_uptime_seconds", GAUGE, "seconds",
                               "Age of the server's process"},
    [VD_FAMILY_NODE_MEMORY_RATIO] = {"vedette_node_memory_used_ratio", GAUGE, "ratio",
                                     "Share of maxmemory in use"},
    [VD_FAMILY_NODE_HIT_RATIO] = {"vedette_node_hit_ratio", GAUGE, "ratio",
                                  "Share of look-ups that hit, over the last minute"},
    [VD_FAMILY_NODE_CPU_RATIO] = {"vedette_node_cpu_ratio", GAUGE, "ratio",
                                  "CPUs in use, over the last minute"},
    [VD_FAMILY_NODE_EVICTIONS] = {"vedette_node_evictions_per_second", GAUGE, NULL,
                                  "Keys evicted, over the last minute"},
    [VD_FAMILY_NODE_REJECTIONS] = {"vedette_node_rejections_per_second", GAUGE, NULL,
                                   "Connections rejected, over the last minute"},
    [VD_FAMILY_NODE_NET_IN_RATE] = {"vedette_node_receive_bytes_per_second", GAUGE, NULL,
                                    "Bytes read from the network, over the last minute"},
    [VD_FAMILY_NODE_NET_OUT_RATE] = {"vedette_node_transmit_bytes_per_second", GAUGE, NULL,
                                     "Bytes written to the network, over the last minute"},
    [VD_FAMILY_NODE_COST] = {"vedette_node_cost_per_month", GAUGE, NULL,
                             "What the server costs a month, projected"},
};

void vd_samples_free(struct vd_samples *samples)
{
    for (size_t i = 0; i < VD_FAMILY_COUNT; i++)
        vd_text_free(&samples->texts[i]);
}

/* Samples ------------------------------------------------------------------------- */

/* One label that is no UTF-8 would cost the scraper the whole page. */
void vd_label_add(struct vd_text *labels, const char *name, const char *value)
{
    json_t *mended = vd_json_text(value);

    value = json_string_value(mended);
    if (labels->len > 0)
        vd_text_putc(labels, ',');
    vd_text_puts(labels, name);
    vd_text_puts(labels, "=\"");
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            vd_text_putc(labels, '\\');
        if (*at == '\n')
            vd_text_puts(labels, "\\n");
        else
            vd_text_putc(labels, *at);
    }
    vd_text_putc(labels, '"');
    json_decref(mended);
}

static void begin_sample(struct vd_text *to, const char *name, const char *suffix,
                         const char *labels)
{
    vd_text_puts(to, name);
    vd_text_puts(to, suffix);
    if (labels[0] != '\0') {
        vd_text_putc(to, '{');
        vd_text_puts(to, labels);
        vd_text_putc(to, '}');
    }
    vd_text_putc(to, ' ');
}

static const char *suffix_of(enum vd_family family)
{
    return rows[family].type == COUNTER ? "_total" : "";
}

void vd_sample_count(struct vd_samples *samples, enum vd_family family, const char *labels,
                     int64_t value)
{
    struct vd_text *to = &samples->texts[family];

    begin_sample(to, rows[family].name, suffix_of(family), labels);
    vd_text_put_int(to, value);
    vd_text_putc(to, '\n');
}

void vd_sample_real(struct vd_samples *samples, enum vd_family family, const char *labels,
                    double value)
{
    struct vd_text *to = &samples->texts[family];

    begin_sample(to, rows[family].name, suffix_of(family), labels);
    vd_text_printf(to, "%.15g\n", value);
}

void vd_sample_histogram(struct vd_samples *samples, enum vd_family family,
                         const struct vd_histogram *histogram)
{
    struct vd_text *to = &samples->texts[family];
    const char *name = rows[family].name;
    uint64_t passed = 0;

    VD_ASSERT(rows[family].type == HISTOGRAM);
    for (unsigned i = 0; i < VD_HISTOGRAM_BUCKETS; i++) {
        passed += histogram->counts[i];
        vd_text_printf(to, "%s_bucket{le=\"%.15g\"} %llu\n", name,
                       (double)vd_histogram_bound_us(i) / 1e6, (unsigned long long)passed);
    }
    vd_text_printf(to, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)histogram->count);
    vd_text_printf(to, "%s_sum %.15g\n", name, (double)histogram->sum_us / 1e6);
    vd_text_printf(to, "%s_count %llu\n", name, (unsigned long long)histogram->count);
}

bool vd_family_is_known(const char *name)
{
    for (int i = 0; i < VD_FAMILY_COUNT; i++) {
        size_t len = strlen(rows[i].name);

        if (strncmp(rows[i].name, name, len) == 0 &&
            strcmp(name + len, suffix_of((enum vd_family)i)) == 0)
            return true;
    }
    return false;
}

/* The page -------------------------------------------------------------------------- */

void vd_samples_print(const struct vd_samples *samples, bool open_metrics, struct vd_text *to)
{
    static const char *const types[] = {"gauge", "counter", "histogram"};

    for (enum vd_family family = 0; family < VD_FAMILY_COUNT; family++) {
        const struct family_row *row = &rows[family];
        const char *suffix = open_metrics ? "" : suffix_of(family);

        if (samples->texts[family].len == 0)
            continue;
        vd_text_printf(to, "# HELP %s%s %s\n", row->name, suffix, row->help);
        vd_text_printf(to, "# TYPE %s%s %s\n", row->name, suffix, types[row->type]);
        if (open_metrics && row->unit != NULL)
            vd_text_printf(to, "# UNIT %s %s\n", row->name, row->unit);
        vd_text_add(to, samples->texts[family].bytes, samples->texts[family].len);
    }
    if (open_metrics)
        vd_text_puts(to, "# EOF\n");
}
