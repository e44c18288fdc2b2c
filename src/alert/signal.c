/* SPDX-License-Identifier: BSD-3-Clause */
/* Signal: see signal.h. */
#include "alert/signal.h"

#include <math.h>

#include "shell/survey.h"

static double known(double number)
{
    return number < 0 ? NAN : number;
}

static double read_self(enum vd_signal signal, const struct vd_sight *sight)
{
    if (signal == VD_SIGNAL_MUTE)
        return sight->drive->mute;
    if (signal == VD_SIGNAL_COST)
        return sight->cost_month;
    return vd_view_abstains(sight->drive->core, sight->now);
}

static void add_look_ups(const struct vd_sight *sight, const struct vd_view_node *node,
                         struct vd_load_rates *sum)
{
    struct vd_load_rates rates;

    if (!vd_load_rates(sight->load, sight->group->name, &node->addr, &rates) || rates.hits < 0 ||
        rates.misses < 0)
        return;
    sum->hits += rates.hits;
    sum->misses += rates.misses;
}

static double read_group_hits(const struct vd_sight *sight)
{
    struct vd_load_rates sum = {0};
    struct vd_view_node replica;

    add_look_ups(sight, &sight->group->primary, &sum);
    for (size_t i = 0;
         vd_view_replica(sight->drive->core, sight->now, sight->group->name, i, &replica); i++)
        add_look_ups(sight, &replica, &sum);
    return known(vd_load_hit_ratio(&sum));
}

static double count_serving(const struct vd_sight *sight)
{
    struct vd_view_node replica;
    unsigned serving = 0;

    for (size_t i = 0;
         vd_view_replica(sight->drive->core, sight->now, sight->group->name, i, &replica); i++)
        serving += vd_survey_serves(&replica);
    return serving;
}

static double read_group(enum vd_signal signal, const struct vd_sight *sight)
{
    const struct vd_view_group *group = sight->group;

    if (signal == VD_SIGNAL_GROUP_CAN_ACT)
        return vd_survey_can_act(group);
    if (signal == VD_SIGNAL_GROUP_USABLE)
        return group->usable;
    if (signal == VD_SIGNAL_GROUP_O_DOWN)
        return group->primary.o_down;
    if (signal == VD_SIGNAL_GROUP_FAILING_OVER)
        return group->failover_in_progress;
    if (signal == VD_SIGNAL_GROUP_SERVING)
        return count_serving(sight);
    if (signal == VD_SIGNAL_GROUP_SWITCH_AGE)
        return group->last_switch_ms == VD_NEVER ? NAN : (double)group->last_switch_ms / 1000.;
    return read_group_hits(sight);
}

static double read_figure(enum vd_signal signal, const struct vd_figures *figures)
{
    if (figures == NULL)
        return NAN;
    if (signal == VD_SIGNAL_NODE_OPS)
        return known((double)figures->ops);
    if (signal == VD_SIGNAL_NODE_CLIENTS)
        return known((double)figures->clients);
    /* Without a limit there is no share of it. */
    if (figures->max_memory <= 0 || figures->used_memory < 0)
        return NAN;
    return (double)figures->used_memory / (double)figures->max_memory;
}

static double read_rate(enum vd_signal signal, const struct vd_sight *sight)
{
    struct vd_load_rates rates;

    (void)vd_load_rates(sight->load, sight->group->name, &sight->node->addr, &rates);
    if (signal == VD_SIGNAL_NODE_CPU_RATIO)
        return known(rates.cpu);
    if (signal == VD_SIGNAL_NODE_EVICTIONS)
        return known(rates.evictions);
    if (signal == VD_SIGNAL_NODE_REJECTIONS)
        return known(rates.rejections);
    if (signal == VD_SIGNAL_NODE_NET_IN)
        return known(rates.net_in);
    if (signal == VD_SIGNAL_NODE_NET_OUT)
        return known(rates.net_out);
    return known(vd_load_hit_ratio(&rates));
}

static double read_node(enum vd_signal signal, const struct vd_sight *sight)
{
    const struct vd_view_node *node = sight->node;
    const struct vd_view_node *primary = &sight->group->primary;

    if (signal == VD_SIGNAL_NODE_UP)
        return vd_survey_is_up(node);
    if (signal == VD_SIGNAL_NODE_S_DOWN)
        return node->s_down;
    if (signal == VD_SIGNAL_NODE_MEMORY_RATIO || signal == VD_SIGNAL_NODE_OPS ||
        signal == VD_SIGNAL_NODE_CLIENTS)
        return read_figure(signal, sight->figures);
    if (signal != VD_SIGNAL_NODE_LINK_UP && signal != VD_SIGNAL_NODE_LAG &&
        signal != VD_SIGNAL_NODE_LAG_BYTES)
        return read_rate(signal, sight);
    if (node->is_primary || node->info_ms == VD_NEVER)
        return NAN;
    if (signal == VD_SIGNAL_NODE_LINK_UP)
        return node->link_ok;
    if (signal == VD_SIGNAL_NODE_LAG)
        return known((double)vd_lag_us(sight->lag, primary, node) / 1e6);
    return known((double)vd_survey_lag_bytes(primary, node));
}

static double read_peer(enum vd_signal signal, const struct vd_sight *sight)
{
    const struct vd_view_peer *peer = sight->peer;

    if (signal == VD_SIGNAL_PEER_UP)
        return !peer->s_down && !peer->disconnected;
    if (sight->links == NULL)
        return NAN;
    return known((double)vd_links_rtt_us(sight->links, peer->link) / 1e6);
}

double vd_signal_read(enum vd_signal signal, const struct vd_sight *sight)
{
    switch (vd_signal_row(signal)->scope) {
    case VD_SCOPE_SELF:
        return read_self(signal, sight);
    case VD_SCOPE_GROUP:
        return read_group(signal, sight);
    case VD_SCOPE_NODE:
        return read_node(signal, sight);
    case VD_SCOPE_PEER:
        return read_peer(signal, sight);
    }
    VD_ASSERT(false);
    return NAN;
}
