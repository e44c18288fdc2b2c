/* SPDX-License-Identifier: BSD-3-Clause */
/* Exhaustive: see exhaustive.h. */
#include "exhaustive.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "corners.h"
#include "scenario.h"
#include "shrink.h"

#define JOBS_MAX 64
#define CORNERS_MAX 20000
#define WORLD "down-after 500\nsync 100\n"
#define STRIKES_AT (5000 * SIM_MS)
#define COUNTED_FOR (1500 * SIM_MS) /* by then the new primary is followed by all */

static const struct {
    const char *name;
    const char *script;
} stories[] = {
    {"kill", WORLD "at 5000 kill r1 for 4000\nsettle 9000\n"},
    {"hang", WORLD "at 5000 pause r1 for 4000\nsettle 9000\n"},
    {"empty", WORLD "at 5000 empty r1 for 100\nsettle 7000\n"},
    {"order", WORLD "at 5000 order s1 failover m1\nsettle 7000\n"},
};
#define STORY_COUNT (sizeof(stories) / sizeof(stories[0]))

/* A world, and what there is to go wrong in it. */
struct plan {
    const char *story;
    struct sim_scenario scenario;
    struct sim_corner list[CORNERS_MAX];
    unsigned count;
};

struct shared {
    _Atomic uint64_t runs;
    _Atomic uint64_t failed;
    char failure[512];
};

static struct sim_corners corners_of(enum sim_exhaust what)
{
    return (struct sim_corners){.from = STRIKES_AT,
                                .until = STRIKES_AT + COUNTED_FOR,
                                .of_substance = what != SIM_EXHAUST_SINGLES};
}

static void add(struct plan *plan, enum sim_corner_kind kind, unsigned who, unsigned number)
{
    VD_ASSERT(plan->count < CORNERS_MAX);
    plan->list[plan->count++] = (struct sim_corner){kind, who, number};
}

/* One run without a fault says how many there are. */
static void make_plan(struct plan *plan, size_t story, enum sim_exhaust what)
{
    struct sim_corners corners = corners_of(what);
    struct sim_result result;
    struct vd_err err;

    memset(plan, 0, sizeof(*plan));
    plan->story = stories[story].name;
    VD_ASSERT(sim_scenario_read(&plan->scenario, stories[story].script, &err));
    plan->scenario.setup.corners = &corners;
    sim_run_world(&plan->scenario.setup, &plan->scenario.schedule, NULL, &result);
    VD_ASSERT(!result.failed);
    /* In pairs, what only delays is left out: there would be too many. */
    for (unsigned n = 0; n < corners.messages; n++) {
        for (int kind = what == SIM_EXHAUST_PAIRS ? SIM_CORNER_RESET : SIM_CORNER_LATE;
             kind <= SIM_CORNER_BLACK; kind++)
            add(plan, (enum sim_corner_kind)kind, 0, n);
    }
    for (unsigned s = 0; s < plan->scenario.setup.sentinels; s++) {
        for (unsigned n = 0; n < corners.saves[s]; n++) {
            add(plan, SIM_CORNER_BEFORE, s, n);
            add(plan, SIM_CORNER_AFTER, s, n);
            add(plan, SIM_CORNER_FAILS, s, n);
            if (what != SIM_EXHAUST_PAIRS)
                add(plan, SIM_CORNER_TORN, s, n);
        }
        for (unsigned n = 0; what == SIM_EXHAUST_SINGLES && n < corners.effects[s]; n++)
            add(plan, SIM_CORNER_EFFECT, s, n);
    }
}

static void print_name(const struct plan *plan, const struct sim_corners *corners,
                       struct vd_text *to)
{
    vd_text_printf(to, "%s/", plan->story);
    for (unsigned i = 0; i < SIM_CORNERS_AT_ONCE; i++) {
        if (corners->list[i].kind == SIM_CORNER_NONE)
            break;
        vd_text_puts(to, i != 0 ? "+" : "");
        sim_corner_print(&corners->list[i], to);
    }
}

static void run(const struct plan *plan, enum sim_exhaust what, const struct sim_corner *one,
                const struct sim_corner *other, struct shared *shared, FILE *out)
{
    struct sim_corners corners = corners_of(what);
    struct sim_setup setup = plan->scenario.setup;
    struct sim_result result;
    struct vd_text name = {0};

    corners.list[0] = *one;
    if (other != NULL)
        corners.list[1] = *other;
    setup.corners = &corners;
    sim_run_apart(&setup, &plan->scenario.schedule, &result);
    (void)atomic_fetch_add(&shared->runs, 1);
    if (!result.failed)
        return;
    print_name(plan, &corners, &name);
    (void)snprintf(shared->failure, sizeof(shared->failure), "sim --corner %s: %.300s",
                   vd_text_cstr(&name), result.failure);
    if (out != NULL)
        fprintf(out, "FAILED sim --corner %s --verbose\n       %s\n", vd_text_cstr(&name),
                result.failure);
    vd_text_free(&name);
    (void)atomic_fetch_add(&shared->failed, 1);
}

/* Each job takes every jobs-th corner, with all that come behind it if pairs are wanted. */
static void work(const struct plan *plan, enum sim_exhaust what, unsigned job, unsigned jobs,
                 struct shared *shared, FILE *out)
{
    for (unsigned i = job; i < plan->count; i += jobs) {
        if (what != SIM_EXHAUST_PAIRS)
            run(plan, what, &plan->list[i], NULL, shared, out);
        for (unsigned k = i + 1; what == SIM_EXHAUST_PAIRS && k < plan->count; k++)
            run(plan, what, &plan->list[i], &plan->list[k], shared, out);
    }
    if (out != NULL)
        (void)fflush(out);
}

static void exhaust_story(size_t story, enum sim_exhaust what, unsigned jobs, struct shared *shared,
                          FILE *out)
{
    struct plan *plan = vd_alloc(sizeof(*plan));
    uint64_t before = atomic_load(&shared->runs);
    uint64_t failed = atomic_load(&shared->failed);

    make_plan(plan, story, what);
    (void)fflush(NULL);
    for (unsigned job = 0; job < jobs; job++) {
        pid_t pid = fork();

        VD_ASSERT(pid >= 0);
        if (pid != 0)
            continue;
        work(plan, what, job, jobs, shared, out);
        _exit(0);
    }
    for (unsigned job = 0; job < jobs; job++)
        (void)wait(NULL);
    if (out != NULL) {
        fprintf(out, "%s: %u faults, %llu runs, %llu failed\n", plan->story, plan->count,
                (unsigned long long)(atomic_load(&shared->runs) - before),
                (unsigned long long)(atomic_load(&shared->failed) - failed));
        (void)fflush(out);
    }
    sim_scenario_free(&plan->scenario);
    vd_free(plan);
}

bool sim_exhaust_knows(const char *story)
{
    for (size_t i = 0; i < STORY_COUNT; i++) {
        if (strcmp(stories[i].name, story) == 0)
            return true;
    }
    return false;
}

void sim_exhaust(enum sim_exhaust what, const char *story, unsigned jobs, FILE *out,
                 struct sim_exhausted *sum)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    VD_ASSERT(shared != MAP_FAILED);
    jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
    for (size_t i = 0; i < STORY_COUNT; i++) {
        if (story == NULL || strcmp(stories[i].name, story) == 0)
            exhaust_story(i, what, jobs, shared, out);
    }
    sum->runs = atomic_load(&shared->runs);
    sum->failed = atomic_load(&shared->failed);
    memcpy(sum->failure, shared->failure, sizeof(sum->failure));
    (void)munmap(shared, sizeof(*shared));
}

static bool parse_name(const char *name, size_t *story, struct sim_corners *corners)
{
    const char *slash = strchr(name, '/');
    const char *plus = slash != NULL ? strchr(slash, '+') : NULL;

    for (*story = 0; slash != NULL && *story < STORY_COUNT; (*story)++) {
        if (strlen(stories[*story].name) == (size_t)(slash - name) &&
            strncmp(stories[*story].name, name, (size_t)(slash - name)) == 0)
            break;
    }
    if (slash == NULL || *story == STORY_COUNT)
        return false;
    *corners = corners_of(plus != NULL ? SIM_EXHAUST_PAIRS : SIM_EXHAUST_SINGLES);
    return sim_corner_parse(slash + 1, &corners->list[0]) &&
           (plus == NULL || sim_corner_parse(plus + 1, &corners->list[1]));
}

int sim_exhaust_one(const char *name, bool verbose)
{
    struct sim_corners corners;
    struct sim_scenario scenario;
    struct sim_result result;
    struct vd_err err;
    size_t story;

    if (!parse_name(name, &story, &corners)) {
        fprintf(stderr,
                "sim: '%s' is no corner: it is STORY/FAULT or STORY/FAULT+FAULT, as "
                "--exhaustive prints them\n",
                name);
        return 2;
    }
    VD_ASSERT(sim_scenario_read(&scenario, stories[story].script, &err));
    scenario.setup.corners = &corners;
    scenario.setup.verbose = verbose;
    sim_run_apart(&scenario.setup, &scenario.schedule, &result);
    printf("%s: %s\n", name, result.failed ? result.failure : "passed");
    sim_scenario_free(&scenario);
    return result.failed;
}
