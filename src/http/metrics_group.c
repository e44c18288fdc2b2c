/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of groups and their members: see metrics.h. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "alert/signal.h"
#include "http/lookup.h"
#include "http/metrics_room.h"
#include "proto/figures.h"
#include "shell/survey.h"

#define DAY_MS 86400000

const char *vd_metrics_label(struct vd_metrics *metrics, const struct vd_http_world *world,
                             const char *group, const char *kind, const struct vd_addr *addr)
{
    vd_text_clear(&metrics->labels);
    vd_label_add(&metrics->labels, "group", group);
    if (addr != NULL) {
        vd_text_clear(&metrics->name);
        vd_http_name(world, addr, &metrics->name);
        vd_label_add(&metrics->labels, kind, vd_text_cstr(&metrics->name));
    }
    return vd_text_cstr(&metrics->labels);
}

/* Servers ------------------------------------------------------------------------- */

#define AT(member) offsetof(struct vd_figures, member)

/* Whole numbers of INFO, and where they are told. */
static const struct {
    enum vd_family family;
    size_t offset; /* of an int64_t; -1 there: unknown */
} figure_counts[] = {
    {VD_FAMILY_NODE_MEMORY, AT(used_memory)}, {VD_FAMILY_NODE_MEMORY_MAX, AT(max_memory)},
    {VD_FAMILY_NODE_COMMANDS, AT(commands)},  {VD_FAMILY_NODE_OPS, AT(ops)},
    {VD_FAMILY_NODE_HITS, AT(hits)},          {VD_FAMILY_NODE_MISSES, AT(misses)},
    {VD_FAMILY_NODE_EVICTED, AT(evicted)},    {VD_FAMILY_NODE_EXPIRED, AT(expired)},
    {VD_FAMILY_NODE_CLIENTS, AT(clients)},    {VD_FAMILY_NODE_REJECTED, AT(rejected)},
    {VD_FAMILY_NODE_NET_IN, AT(net_in)},      {VD_FAMILY_NODE_NET_OUT, AT(net_out)},
    {VD_FAMILY_NODE_UPTIME, AT(uptime_s)},
};

static void put_figures(struct vd_samples *to, const char *labels, const struct vd_figures *figures)
{
    for (size_t i = 0; i < sizeof(figure_counts) / sizeof(figure_counts[0]); i++) {
        int64_t value;

        memcpy(&value, (const char *)figures + figure_counts[i].offset, sizeof(value));
        if (value >= 0)
            vd_sample_count(to, figure_counts[i].family, labels, value);
    }
    if (figures->cpu_sys_s >= 0 && figures->cpu_user_s >= 0)
        vd_sample_real(to, VD_FAMILY_NODE_CPU, labels, figures->cpu_sys_s + figures->cpu_user_s);
}

/* What rules of alerts can look at as well, and is computed by the same function. */
struct told_signal {
    enum vd_family family;
    enum vd_signal signal;
};

static const struct told_signal node_signals[] = {
    {VD_FAMILY_NODE_MEMORY_RATIO, VD_SIGNAL_NODE_MEMORY_RATIO},
    {VD_FAMILY_NODE_HIT_RATIO, VD_SIGNAL_NODE_HIT_RATIO},
    {VD_FAMILY_NODE_CPU_RATIO, VD_SIGNAL_NODE_CPU_RATIO},
    {VD_FAMILY_NODE_EVICTIONS, VD_SIGNAL_NODE_EVICTIONS},
    {VD_FAMILY_NODE_REJECTIONS, VD_SIGNAL_NODE_REJECTIONS},
    {VD_FAMILY_NODE_NET_IN_RATE, VD_SIGNAL_NODE_NET_IN},
    {VD_FAMILY_NODE_NET_OUT_RATE, VD_SIGNAL_NODE_NET_OUT},
};

static const struct told_signal group_signals[] = {
    {VD_FAMILY_GROUP_SWITCH_AGE, VD_SIGNAL_GROUP_SWITCH_AGE},
    {VD_FAMILY_GROUP_HIT_RATIO, VD_SIGNAL_GROUP_HIT_RATIO},
};

static void put_signals(struct vd_samples *to, const char *labels, const struct vd_sight *sight,
                        const struct told_signal *signals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value = vd_signal_read(signals[i].signal, sight);

        if (!isnan(value))
            vd_sample_real(to, signals[i].family, labels, value);
    }
}

static struct vd_sight sight_of(const struct vd_http_world *world,
                                const struct vd_view_group *group)
{
    return (struct vd_sight){.drive = world->drive,
                             .lag = world->lag,
                             .load = world->load,
                             .links = world->links,
                             .cost_month = NAN,
                             .now = world->now,
                             .group = group};
}

static void put_load(struct vd_samples *to, const char *labels, const struct vd_http_world *world,
                     const struct vd_view_group *group, const struct vd_view_node *node)
{
    struct vd_sight sight = sight_of(world, group);
    struct vd_figures figures;

    vd_figures_of(node->info, &figures);
    put_figures(to, labels, &figures);
    sight.node = node;
    sight.figures = &figures;
    put_signals(to, labels, &sight, node_signals, sizeof(node_signals) / sizeof(node_signals[0]));
}

static void put_node(struct vd_metrics *metrics, const struct vd_http_world *world,
                     const struct vd_view_group *group, const struct vd_view_node *node)
{
    const char *labels = vd_metrics_label(metrics, world, group->name, "node", &node->addr);
    struct vd_samples *to = &metrics->samples;
    int64_t lag_us;
    int64_t lag_bytes;

    vd_sample_count(to, VD_FAMILY_NODE_UP, labels, vd_survey_is_up(node));
    vd_sample_count(to, VD_FAMILY_NODE_PRIMARY, labels, node->is_primary);
    vd_sample_count(to, VD_FAMILY_NODE_S_DOWN, labels, node->s_down);
    if (node->info_ms == VD_NEVER)
        return;
    vd_sample_count(to, VD_FAMILY_NODE_OFFSET, labels, node->offset);
    vd_sample_real(to, VD_FAMILY_NODE_INFO_AGE, labels, (double)node->info_ms / 1000.);
    if (node->keys >= 0)
        vd_sample_count(to, VD_FAMILY_NODE_KEYS, labels, node->keys);
    if (node->info != NULL)
        put_load(to, labels, world, group, node);
    if (node->is_primary)
        return;
    vd_sample_count(to, VD_FAMILY_NODE_LINK_UP, labels, node->link_ok);
    lag_us = vd_lag_us(world->lag, &group->primary, node);
    lag_bytes = vd_survey_lag_bytes(&group->primary, node);
    if (lag_us >= 0)
        vd_sample_real(to, VD_FAMILY_NODE_LAG, labels, (double)lag_us / 1e6);
    if (lag_bytes >= 0)
        vd_sample_count(to, VD_FAMILY_NODE_LAG_BYTES, labels, lag_bytes);
}

/* Groups -------------------------------------------------------------------------- */

static unsigned put_replicas(struct vd_metrics *metrics, const struct vd_http_world *world,
                             const struct vd_view_group *group)
{
    struct vd_view_node replica;
    unsigned serving = 0;

    for (size_t i = 0; vd_view_replica(world->drive->core, world->now, group->name, i, &replica);
         i++) {
        put_node(metrics, world, group, &replica);
        serving += vd_survey_serves(&replica);
    }
    return serving;
}

static void put_peers(struct vd_metrics *metrics, const struct vd_http_world *world,
                      const struct vd_view_group *group)
{
    struct vd_view_peer peer;

    for (size_t i = 0; vd_view_peer(world->drive->core, world->now, group->name, i, &peer); i++) {
        const char *labels = vd_metrics_label(metrics, world, group->name, "peer", &peer.addr);
        int64_t rtt_us = world->links == NULL ? -1 : vd_links_rtt_us(world->links, peer.link);

        vd_sample_count(&metrics->samples, VD_FAMILY_PEER_UP, labels,
                        !peer.s_down && !peer.disconnected);
        if (rtt_us >= 0)
            vd_sample_real(&metrics->samples, VD_FAMILY_PEER_ROUND_TRIP, labels,
                           (double)rtt_us / 1e6);
    }
}

static const struct {
    const char *name;
    size_t offset; /* in struct vd_phases, of an int64_t; -1 there: not reached */
} phases[] = {
    {"silence", offsetof(struct vd_phases, silence_ms)},
    {"agreement", offsetof(struct vd_phases, agreement_ms)},
    {"election", offsetof(struct vd_phases, election_ms)},
    {"selection", offsetof(struct vd_phases, selection_ms)},
    {"promotion", offsetof(struct vd_phases, promotion_ms)},
    {"replicas", offsetof(struct vd_phases, replicas_ms)},
};

static void put_failovers(struct vd_metrics *metrics, const struct vd_http_world *world,
                          const char *group)
{
    const struct vd_history_entry *last;
    size_t count = vd_watch_failovers_since(world->watch, group, world->wall_ms - DAY_MS, &last);

    vd_sample_count(&metrics->samples, VD_FAMILY_GROUP_FAILOVERS_DAY,
                    vd_metrics_label(metrics, world, group, NULL, NULL), (int64_t)count);
    for (size_t i = 0; last != NULL && i < sizeof(phases) / sizeof(phases[0]); i++) {
        int64_t ms;

        memcpy(&ms, (const char *)&last->phases + phases[i].offset, sizeof(ms));
        if (ms < 0)
            continue;
        (void)vd_metrics_label(metrics, world, group, NULL, NULL);
        vd_label_add(&metrics->labels, "phase", phases[i].name);
        vd_sample_real(&metrics->samples, VD_FAMILY_GROUP_FAILOVER_PHASE,
                       vd_text_cstr(&metrics->labels), (double)ms / 1000.);
    }
}

void vd_metrics_put_group(struct vd_metrics *metrics, const struct vd_http_world *world,
                          const struct vd_view_group *group)
{
    struct vd_samples *to = &metrics->samples;
    const struct vd_watch_counts *counts = vd_watch_counts(world->watch, group->name);
    const struct vd_sight sight = sight_of(world, group);
    unsigned serving;
    const char *labels;

    put_node(metrics, world, group, &group->primary);
    serving = put_replicas(metrics, world, group);
    put_peers(metrics, world, group);
    put_failovers(metrics, world, group->name);
    labels = vd_metrics_label(metrics, world, group->name, NULL, NULL);
    vd_sample_count(to, VD_FAMILY_GROUP_QUORUM, labels, group->options->quorum);
    vd_sample_count(to, VD_FAMILY_GROUP_SENTINELS, labels, group->peer_count + 1);
    vd_sample_count(to, VD_FAMILY_GROUP_USABLE, labels, group->usable);
    vd_sample_count(to, VD_FAMILY_GROUP_CAN_ACT, labels, vd_survey_can_act(group));
    vd_sample_count(to, VD_FAMILY_GROUP_O_DOWN, labels, group->primary.o_down);
    vd_sample_count(to, VD_FAMILY_GROUP_FAILING_OVER, labels, group->failover_in_progress);
    vd_sample_count(to, VD_FAMILY_GROUP_PAUSED, labels, group->paused_ms != 0);
    vd_sample_count(to, VD_FAMILY_GROUP_FENCED, labels, group->fenced);
    vd_sample_count(to, VD_FAMILY_GROUP_CONFIG_EPOCH, labels, (int64_t)group->config_epoch);
    vd_sample_count(to, VD_FAMILY_GROUP_FAILOVERS, labels, group->failovers);
    vd_sample_count(to, VD_FAMILY_GROUP_SWITCHES, labels, group->switches);
    vd_sample_count(to, VD_FAMILY_GROUP_REPLICAS, labels, group->replica_count);
    vd_sample_count(to, VD_FAMILY_GROUP_REPLICAS_SERVING, labels, serving);
    vd_sample_count(to, VD_FAMILY_GROUP_ROLE_CHANGES, labels,
                    counts == NULL ? 0 : (int64_t)counts->role_changes);
    vd_sample_count(to, VD_FAMILY_GROUP_REBOOTS, labels,
                    counts == NULL ? 0 : (int64_t)counts->reboots);
    put_signals(to, labels, &sight, group_signals,
                sizeof(group_signals) / sizeof(group_signals[0]));
}
