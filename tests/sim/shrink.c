/* SPDX-License-Identifier: BSD-3-Clause */
/* Shrink: see shrink.h. */
#include "shrink.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"

#define KIND 256

/* One try ------------------------------------------------------------------------------ */

static struct sim_result *told; /* shared with the child */

static void on_panic(const char *text)
{
    (void)snprintf(told->failure, sizeof(told->failure), "the process died: %s", text);
}

static void run_in_child(const struct sim_setup *setup, const struct sim_schedule *schedule)
{
    struct sim_result result;

    vd_panic_set_hook(on_panic);
    sim_run_world(setup, schedule, NULL, &result);
    *told = result;
    _exit(0);
}

void sim_run_apart(const struct sim_setup *setup, const struct sim_schedule *schedule,
                   struct sim_result *result)
{
    pid_t pid;
    int status;

    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    VD_ASSERT(told != MAP_FAILED);
    told->failed = true; /* until it says otherwise */
    (void)snprintf(told->failure, sizeof(told->failure), "the process died");
    (void)fflush(NULL);
    pid = fork();
    VD_ASSERT(pid >= 0);
    if (pid == 0)
        run_in_child(setup, schedule);
    while (waitpid(pid, &status, 0) < 0)
        ;
    *result = *told;
    (void)munmap(told, sizeof(*told));
}

void sim_failure_kind(const char *failure, char *kind, size_t size)
{
    const char *at = strncmp(failure, "at ", 3) == 0 ? strstr(failure, ": ") : NULL;
    size_t len = 0;

    for (at = at != NULL ? at + 2 : failure; *at != '\0' && len + 1 < size; at++) {
        bool digit = (*at >= '0' && *at <= '9') || *at == '.';

        if (!digit)
            kind[len++] = *at;
        else if (len == 0 || kind[len - 1] != '#')
            kind[len++] = '#';
    }
    kind[len] = '\0';
}

/* The search ----------------------------------------------------------------------------- */

struct search {
    struct sim_shrunk *best;
    char kind[KIND];
    unsigned most;
};

/* Does this one fail in the same way? Then it is the best so far. */
static bool try(struct search *search, const struct sim_setup *setup,
                const struct sim_schedule *schedule)
{
    struct sim_result result;
    struct vd_err err;
    char kind[KIND];

    if (search->best->tries >= search->most || !sim_schedule_fits(schedule, setup, &err))
        return false;
    search->best->tries++;
    sim_run_apart(setup, schedule, &result);
    sim_failure_kind(result.failure, kind, sizeof(kind));
    if (!result.failed || strcmp(kind, search->kind) != 0)
        return false;
    search->best->setup = *setup;
    search->best->schedule = *schedule;
    search->best->result = result;
    return true;
}

/* Without `count` entries from `from` on. */
static bool try_without(struct search *search, unsigned from, unsigned count)
{
    struct sim_schedule less = search->best->schedule;

    for (unsigned i = 0; i < count && from < less.count; i++)
        sim_schedule_remove(&less, from);
    return try(search, &search->best->setup, &less);
}

/* Delta debugging: halves, quarters ... single ones, as long as something can go. */
static bool drop_entries(struct search *search)
{
    bool any = false;

    for (unsigned size = search->best->schedule.count; size > 0; size /= 2) {
        for (unsigned from = 0; from < search->best->schedule.count;) {
            if (try_without(search, from, size))
                any = true;
            else
                from += size;
        }
    }
    return any;
}

static bool try_entry(struct search *search, unsigned index, const struct sim_schedule_entry *entry)
{
    struct sim_schedule changed = search->best->schedule;

    changed.list[index] = *entry;
    return try(search, &search->best->setup, &changed);
}

/* Shorter, and at a rounder time. */
static bool simplify_entries(struct search *search)
{
    static const sim_us rounds[] = {SIM_S, 100 * SIM_MS, 10 * SIM_MS};
    bool any = false;

    for (unsigned i = 0; i < search->best->schedule.count; i++) {
        struct sim_schedule_entry entry = search->best->schedule.list[i];

        if (entry.lasts != SIM_FOR_GOOD) {
            entry.lasts = SIM_FOR_GOOD;
            any |= try_entry(search, i, &entry);
        }
        for (unsigned r = 0; r < sizeof(rounds) / sizeof(rounds[0]); r++) {
            entry = search->best->schedule.list[i];
            entry.at -= entry.at % rounds[r];
            if (entry.at != search->best->schedule.list[i].at && try_entry(search, i, &entry)) {
                any = true;
                break;
            }
        }
    }
    return any;
}

/* Things of the world, one at a time. False: there is no step of this number. */
static bool take_step(struct sim_setup *setup, unsigned step)
{
    switch (step) {
    case 0:
        setup->groups -= setup->groups > 1;
        setup->clients = setup->clients > setup->groups ? setup->groups : setup->clients;
        return true;
    case 1:
        setup->originals -= setup->originals > 0;
        return true;
    case 2:
        setup->sentinels -= setup->sentinels > 1;
        return true;
    case 3:
        setup->nodes -= setup->nodes > 1;
        return true;
    case 4:
        setup->clients = 0;
        return true;
    case 5:
        setup->loss_permille = 0;
        return true;
    case 6:
        setup->latency = setup->latency > SIM_MS ? SIM_MS : setup->latency;
        return true;
    case 7:
        setup->fsync = setup->fsync > 200 ? 200 : setup->fsync;
        return true;
    case 8:
        setup->corpses = false;
        return true;
    case 9:
        setup->faults_end_at -= setup->faults_end_at % SIM_S;
        return true;
    case 10:
        setup->faults_end_at -= (setup->faults_end_at - setup->faults_from) / 3;
        return true;
    case 11:
        setup->down_after_refused_ms = 0;
        return true;
    default:
        return false;
    }
}

/* Did the step change anything? */
static bool differ(const struct sim_setup *a, const struct sim_setup *b)
{
    return a->groups != b->groups || a->originals != b->originals || a->sentinels != b->sentinels ||
           a->nodes != b->nodes || a->clients != b->clients ||
           a->loss_permille != b->loss_permille || a->latency != b->latency ||
           a->fsync != b->fsync || a->corpses != b->corpses ||
           a->faults_end_at != b->faults_end_at ||
           a->down_after_refused_ms != b->down_after_refused_ms;
}

static bool simplify_world(struct search *search)
{
    bool any = false;

    for (unsigned step = 0;; step++) {
        struct sim_setup setup = search->best->setup;

        if (!take_step(&setup, step))
            return any;
        if (setup.quorum > setup.sentinels + setup.originals)
            setup.quorum = setup.sentinels + setup.originals;
        while (differ(&setup, &search->best->setup) &&
               try(search, &setup, &search->best->schedule)) {
            any = true;
            (void)take_step(&setup, step);
        }
    }
}

bool sim_shrink(const struct sim_setup *setup, const struct sim_schedule *schedule, unsigned most,
                struct sim_shrunk *shrunk)
{
    struct search search = {.best = shrunk, .most = most};
    bool any = true;

    *shrunk = (struct sim_shrunk){.entries_before = schedule->count};
    shrunk->setup = *setup;
    shrunk->setup.verbose = false;
    shrunk->schedule = *schedule;
    sim_run_apart(&shrunk->setup, schedule, &shrunk->result);
    if (!shrunk->result.failed)
        return false;
    sim_failure_kind(shrunk->result.failure, search.kind, sizeof(search.kind));
    while (any && shrunk->tries < most) {
        any = drop_entries(&search);
        any |= simplify_world(&search);
        any |= simplify_entries(&search);
    }
    return true;
}
