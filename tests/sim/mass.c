/* SPDX-License-Identifier: BSD-3-Clause */
/* Mass: see mass.h. */
#include "mass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CALM_FROM (14 * SIM_S) /* all have met by then, and asked INFO once */
#define CALM_FOR (10 * SIM_S)
#define PATIENCE (60 * SIM_S)
#define BOUND_MS 2000
#define DOWN_AFTER_MS 5000

/* What is waited for. */
struct watch {
    unsigned groups;
    unsigned dead;
    unsigned agreed;
    uint32_t (*named)[SIM_MASS_VEDETTES]; /* by group; the node, counted over all groups */
    sim_us *agreed_at;                    /* by group; -1: not yet */
    bool *struck;
};

static void on_switch(struct sim_mass *mass, unsigned vedette, unsigned group, uint32_t node)
{
    struct watch *watch = mass->user;
    bool same = true;

    VD_ASSERT(group < watch->groups && node / SIM_MASS_NODES == group);
    watch->named[group][vedette] = node;
    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++)
        same &= watch->named[group][i] == node;
    if (watch->agreed_at[group] >= 0)
        watch->agreed--;
    watch->agreed_at[group] = -1;
    if (!same || !watch->struck[group] || mass->nodes[node].dead ||
        mass->nodes[node].role != VD_ROLE_PRIMARY)
        return;
    watch->agreed_at[group] = mass->now;
    watch->agreed++;
}

static bool all_agreed(const struct sim_mass *mass)
{
    const struct watch *watch = mass->user;

    return watch->agreed == watch->dead;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static void sum_up(const struct sim_mass *mass, const struct watch *watch, sim_us died_at,
                   struct sim_mass_result *result)
{
    double *ms = vd_calloc(watch->dead + 1, sizeof(*ms));
    unsigned count = 0;

    for (unsigned g = 0; g < watch->groups; g++) {
        if (watch->agreed_at[g] >= 0)
            ms[count++] = (double)(watch->agreed_at[g] - died_at) / (double)SIM_MS -
                          (double)mass->down_after_ms;
    }
    qsort(ms, count, sizeof(*ms), compare);
    result->agreed = count;
    if (count != 0) {
        result->median_ms = ms[count / 2];
        result->p99_ms = ms[(count - 1) * 99 / 100];
        result->last_ms = ms[count - 1];
    }
    vd_free(ms);
    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++) {
        const struct sim_mass_vedette *v = &mass->vedettes[i];

        result->turns += v->stats.turns;
        result->saves += v->stats.saves;
        result->votes += v->stats.votes;
        if (v->stats.saves_most > result->saves_most)
            result->saves_most = v->stats.saves_most;
        if (v->stats.events_most > result->events_most)
            result->events_most = v->stats.events_most;
        if (v->stats.cpu_s > result->cpu_s)
            result->cpu_s = v->stats.cpu_s;
        if (v->stats.cpu_turn_s > result->longest_turn_s)
            result->longest_turn_s = v->stats.cpu_turn_s;
    }
}

static void sum_up_calm(const struct sim_mass *mass, struct sim_mass_result *result)
{
    double seconds = (double)CALM_FOR / (double)SIM_S * SIM_MASS_VEDETTES;

    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++) {
        result->calm_requests +=
            (double)mass->vedettes[i].stats.requests / seconds / (double)mass->groups;
        result->calm_cpu += mass->vedettes[i].stats.cpu_s / seconds;
    }
}

void sim_mass_fail(unsigned groups, unsigned dead, vd_ms down_after_ms,
                   struct sim_mass_result *result)
{
    struct sim_mass *mass = sim_mass_new(groups, down_after_ms);
    struct watch watch = {.groups = groups, .dead = dead};
    sim_us died_at = CALM_FROM + CALM_FOR;

    VD_ASSERT(dead <= groups);
    *result = (struct sim_mass_result){0};
    watch.named = vd_calloc(groups, sizeof(*watch.named));
    watch.agreed_at = vd_calloc(groups, sizeof(*watch.agreed_at));
    watch.struck = vd_calloc(groups, sizeof(*watch.struck));
    for (unsigned g = 0; g < groups; g++)
        watch.agreed_at[g] = -1;
    mass->on_switch = on_switch;
    mass->user = &watch;
    sim_mass_run(mass, CALM_FROM, NULL);
    sim_mass_reset_stats(mass);
    sim_mass_run(mass, died_at, NULL);
    sum_up_calm(mass, result);
    sim_mass_reset_stats(mass);
    for (unsigned i = 0; i < dead; i++) {
        unsigned group = (unsigned)((uint64_t)i * groups / dead);

        watch.struck[group] = true;
        sim_mass_kill(mass, group * SIM_MASS_NODES);
    }
    sim_mass_run(mass, died_at + down_after_ms * SIM_MS + PATIENCE, all_agreed);
    sum_up(mass, &watch, died_at, result);
    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++)
        vd_core_check(mass->vedettes[i].drive.core);
    sim_mass_free(mass);
    vd_free(watch.named);
    vd_free(watch.agreed_at);
    vd_free(watch.struck);
}

int sim_mass_main(unsigned groups, unsigned dead)
{
    struct sim_mass_result result;
    struct rusage usage;
    struct timespec began;
    struct timespec ended;
    bool good;

    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    sim_mass_fail(groups, dead, DOWN_AFTER_MS, &result);
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    (void)getrusage(RUSAGE_SELF, &usage);
    good = result.agreed == dead && result.last_ms <= BOUND_MS && result.saves_most <= 1;
    printf("%u groups of %d servers, %d vedettes, down-after %d ms; %u primaries die at once\n",
           groups, SIM_MASS_NODES, SIM_MASS_VEDETTES, DOWN_AFTER_MS, dead);
    printf("before: %.1f requests a second of each vedette for each group; %.3f s of the processor "
           "a second for each core\n",
           result.calm_requests, result.calm_cpu);
    printf("agreed: %u of %u; half of them %.0f ms after down-after, 99%% %.0f ms, the last "
           "%.0f ms\n",
           result.agreed, dead, result.median_ms, result.p99_ms, result.last_ms);
    printf("since they died: %llu turns, %llu saves (%llu in one turn at most) for %llu votes; at "
           "most %llu events in a turn, %.1f ms of the processor; %.2f s in all for the busiest "
           "core\n",
           (unsigned long long)result.turns, (unsigned long long)result.saves,
           (unsigned long long)result.saves_most, (unsigned long long)result.votes,
           (unsigned long long)result.events_most, result.longest_turn_s * 1000, result.cpu_s);
    printf("took %.1f s, %.0f MB\n",
           (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
           (double)usage.ru_maxrss / 1024);
    printf("%s\n", good ? "passed" : "FAILED: not all within down-after + 2 s");
    return good ? 0 : 1;
}
