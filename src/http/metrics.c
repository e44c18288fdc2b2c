/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics: see metrics.h. */
#include "http/metrics.h"

#include <dirent.h>
#include <sys/resource.h>

#include "http/metrics_room.h"

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

bool vd_metrics_step(struct vd_metrics *metrics, const struct vd_http_world *world)
{
    struct vd_view_group group;

    vd_metrics_put_costs(metrics, world);
    for (unsigned i = 0; i < VD_METRICS_STEP; i++) {
        if (!vd_view_group_at(world->drive->core, world->now, metrics->next, &group))
            return true;
        metrics->next++;
        vd_metrics_put_group(metrics, world, &group);
    }
    return false;
}

/* The process ---------------------------------------------------------------------- */

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
    int64_t resident = vd_load_resident();
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

    vd_view_core(world->drive->core, &view);
    vd_text_clear(&metrics->labels);
    vd_label_add(&metrics->labels, "version", VD_VERSION);
    vd_label_add(&metrics->labels, "id", view.self.hex);
    vd_sample_count(to, VD_FAMILY_BUILD, vd_text_cstr(&metrics->labels), 1);
    put_process(to, world);
    vd_sample_count(to, VD_FAMILY_GROUPS, "", (int64_t)view.group_count);
    vd_sample_count(to, VD_FAMILY_CLIENTS, "", (int64_t)world->clients);
    vd_sample_count(to, VD_FAMILY_EPOCH, "", (int64_t)view.epoch);
    vd_sample_count(to, VD_FAMILY_MUTE, "", world->drive->mute);
    vd_sample_count(to, VD_FAMILY_ABSTAINING, "", vd_view_abstains(world->drive->core, world->now));
    vd_sample_count(to, VD_FAMILY_SAVES_FAILED, "", (int64_t)watch->saves_failed);
    vd_sample_count(to, VD_FAMILY_STALLS, "", view.stalls);
    vd_sample_count(to, VD_FAMILY_SCRIPTS, "", view.scripts_running + view.scripts_queued);
    vd_sample_histogram(to, VD_FAMILY_LATE, &watch->late);
    vd_sample_histogram(to, VD_FAMILY_TURN, &watch->turn);
    vd_sample_histogram(to, VD_FAMILY_SAVE, &watch->save);
    vd_sample_histogram(to, VD_FAMILY_LOOKUP, &watch->lookup);
    vd_metrics_put_alerts(metrics, world);
    vd_metrics_put_total(metrics, world);
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
