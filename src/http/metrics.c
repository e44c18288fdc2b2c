/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics: see metrics.h. */
#include "http/metrics.h"

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/family.h"
#include "http/survey.h"
#include "proto/figures.h"

struct vd_metrics {
    bool open_metrics;
    size_t next; /* group */
    struct vd_samples samples;
    struct vd_text labels;
    struct vd_text name;
};

struct vd_metrics *vd_metrics_new(bool open_metrics)
{
    struct vd_metrics *metrics = vd_alloc(sizeof(*metrics));

    metrics->open_metrics = open_metrics;
    return metrics;
}

void vd_metrics_free(struct vd_metrics *metrics)
{
    if (metrics == NULL)
        return;
    vd_samples_free(&metrics->samples);
    vd_text_free(&metrics->labels);
    vd_text_free(&metrics->name);
    vd_free(metrics);
}

/* Sets the labels group and, with an address, `kind`. */
static const char *label(struct vd_metrics *metrics, const struct vd_http_world *world,
                         const char *group, const char *kind, const struct vd_addr *addr)
{
    vd_text_clear(&metrics->labels);
    vd_label_add(&metrics->labels, "group", group);
    if (addr != NULL) {
        vd_text_clear(&metrics->name);
        vd_survey_name(world, addr, &metrics->name);
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

static void put_figures(struct vd_samples *to, const char *labels, const char *info)
{
    struct vd_figures figures;

    vd_figures_read(info, strlen(info), &figures);
    for (size_t i = 0; i < sizeof(figure_counts) / sizeof(figure_counts[0]); i++) {
        int64_t value;

        memcpy(&value, (const char *)&figures + figure_counts[i].offset, sizeof(value));
        if (value >= 0)
            vd_sample_count(to, figure_counts[i].family, labels, value);
    }
    if (figures.cpu_sys_s >= 0 && figures.cpu_user_s >= 0)
        vd_sample_real(to, VD_FAMILY_NODE_CPU, labels, figures.cpu_sys_s + figures.cpu_user_s);
}

static void put_node(struct vd_metrics *metrics, const struct vd_http_world *world,
                     const struct vd_view_group *group, const struct vd_view_node *node)
{
    const char *labels = label(metrics, world, group->name, "node", &node->addr);
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
    if (node->info_text != NULL)
        put_figures(to, labels, node->info_text);
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
        const char *labels = label(metrics, world, group->name, "peer", &peer.addr);
        int64_t rtt_us = world->links == NULL ? -1 : vd_links_rtt_us(world->links, peer.link);

        vd_sample_count(&metrics->samples, VD_FAMILY_PEER_UP, labels,
                        !peer.s_down && !peer.disconnected);
        if (rtt_us >= 0)
            vd_sample_real(&metrics->samples, VD_FAMILY_PEER_ROUND_TRIP, labels,
                           (double)rtt_us / 1e6);
    }
}

static void put_group(struct vd_metrics *metrics, const struct vd_http_world *world,
                      const struct vd_view_group *group)
{
    struct vd_samples *to = &metrics->samples;
    const struct vd_watch_counts *counts = vd_watch_counts(world->watch, group->name);
    unsigned serving;
    const char *labels;

    put_node(metrics, world, group, &group->primary);
    serving = put_replicas(metrics, world, group);
    put_peers(metrics, world, group);
    labels = label(metrics, world, group->name, NULL, NULL);
    vd_sample_count(to, VD_FAMILY_GROUP_QUORUM, labels, group->options->quorum);
    vd_sample_count(to, VD_FAMILY_GROUP_SENTINELS, labels, group->peer_count + 1);
    vd_sample_count(to, VD_FAMILY_GROUP_USABLE, labels, group->usable);
    vd_sample_count(to, VD_FAMILY_GROUP_CAN_ACT, labels, vd_survey_can_act(group));
    vd_sample_count(to, VD_FAMILY_GROUP_O_DOWN, labels, group->primary.o_down);
    vd_sample_count(to, VD_FAMILY_GROUP_FAILING_OVER, labels, group->failover_in_progress);
    vd_sample_count(to, VD_FAMILY_GROUP_CONFIG_EPOCH, labels, (int64_t)group->config_epoch);
    vd_sample_count(to, VD_FAMILY_GROUP_FAILOVERS, labels, group->failovers);
    vd_sample_count(to, VD_FAMILY_GROUP_SWITCHES, labels, group->switches);
    vd_sample_count(to, VD_FAMILY_GROUP_REPLICAS, labels, group->replica_count);
    vd_sample_count(to, VD_FAMILY_GROUP_REPLICAS_SERVING, labels, serving);
    vd_sample_count(to, VD_FAMILY_GROUP_ROLE_CHANGES, labels,
                    counts == NULL ? 0 : (int64_t)counts->role_changes);
    vd_sample_count(to, VD_FAMILY_GROUP_REBOOTS, labels,
                    counts == NULL ? 0 : (int64_t)counts->reboots);
}

bool vd_metrics_step(struct vd_metrics *metrics, const struct vd_http_world *world)
{
    struct vd_view_group group;

    for (unsigned i = 0; i < VD_METRICS_STEP; i++) {
        if (!vd_view_group_at(world->drive->core, world->now, metrics->next, &group))
            return true;
        metrics->next++;
        put_group(metrics, world, &group);
    }
    return false;
}

/* The process ---------------------------------------------------------------------- */

/* Bytes: the second number of /proc/self/statm, in pages; -1 where there is none. */
static int64_t read_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";
    const char *second;
    int64_t pages;
    bool good;

    if (file == NULL)
        return -1;
    good = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    second = strchr(line, ' ');
    if (!good || second == NULL || !vd_parse_int64(second + 1, strcspn(second + 1, " "), &pages))
        return -1;
    return pages * sysconf(_SC_PAGESIZE);
}

static int64_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t count = -3; /* ".", "..", and the one that reads */

    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count;
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void put_process(struct vd_samples *to, const struct vd_http_world *world)
{
    int64_t resident = read_resident();
    int64_t fds = count_fds();
    struct rusage usage;
    struct rlimit limit;

    vd_sample_real(to, VD_FAMILY_START_TIME, "", (double)world->watch->started_at_ms / 1000.);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        vd_sample_real(to, VD_FAMILY_CPU, "",
                       seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime));
    if (resident >= 0)
        vd_sample_count(to, VD_FAMILY_RESIDENT, "", resident);
    if (fds >= 0)
        vd_sample_count(to, VD_FAMILY_OPEN_FDS, "", fds);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        vd_sample_count(to, VD_FAMILY_MAX_FDS, "", (int64_t)limit.rlim_cur);
}

static void put_self(struct vd_metrics *metrics, const struct vd_http_world *world)
{
    const struct vd_watch *watch = world->watch;
    struct vd_samples *to = &metrics->samples;
    struct vd_view_core view;

    vd_view_core(world->drive->core, world->now, &view);
    vd_text_clear(&metrics->labels);
    vd_label_add(&metrics->labels, "version", VD_VERSION);
    vd_label_add(&metrics->labels, "id", view.self.hex);
    vd_sample_count(to, VD_FAMILY_BUILD, vd_text_cstr(&metrics->labels), 1);
    put_process(to, world);
    vd_sample_count(to, VD_FAMILY_GROUPS, "", (int64_t)view.group_count);
    vd_sample_count(to, VD_FAMILY_CLIENTS, "", (int64_t)world->clients);
    vd_sample_count(to, VD_FAMILY_EPOCH, "", (int64_t)view.epoch);
    vd_sample_count(to, VD_FAMILY_MUTE, "", world->drive->mute);
    vd_sample_count(to, VD_FAMILY_ABSTAINING, "", view.abstains);
    vd_sample_count(to, VD_FAMILY_SAVES_FAILED, "", (int64_t)watch->saves_failed);
    vd_sample_count(to, VD_FAMILY_STALLS, "", view.stalls);
    vd_sample_count(to, VD_FAMILY_SCRIPTS, "", view.scripts_running + view.scripts_queued);
    vd_sample_histogram(to, VD_FAMILY_LATE, &watch->late);
    vd_sample_histogram(to, VD_FAMILY_TURN, &watch->turn);
    vd_sample_histogram(to, VD_FAMILY_SAVE, &watch->save);
    vd_sample_histogram(to, VD_FAMILY_LOOKUP, &watch->lookup);
}

void vd_metrics_finish(struct vd_metrics *metrics, const struct vd_http_world *world,
                       struct vd_http_reply *reply)
{
    put_self(metrics, world);
    reply->status = 200;
    reply->type = metrics->open_metrics
                      ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                      : "text/plain; version=0.0.4; charset=utf-8";
    vd_text_clear(&reply->body);
    vd_samples_print(&metrics->samples, metrics->open_metrics, &reply->body);
}
