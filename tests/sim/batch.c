/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Batch: many seeds in several processes. Each worker takes the next seed
 * from a counter that all share and writes there which one it is at, so that
 * the parent knows what killed it, notes the failure and sends the next one.
 */
#include <regex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

#define JOBS_MAX 64
#define LINE 110 /* columns that progress takes at most */

struct worker {
    bool running; /* a seed */
    uint64_t seed;
    struct sim_tally sum;
    char last_words[400]; /* of the assertion that failed */
};

struct shared {
    _Atomic uint64_t next;
    _Atomic uint64_t done;
    _Atomic uint64_t virtual_us;
    _Atomic uint64_t failures;
    uint64_t end;
    struct worker workers[JOBS_MAX];
};

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add_stats(struct sim_stats *to, const struct sim_stats *from)
{
    to->events += from->events;
    to->turns += from->turns;
    to->messages += from->messages;
    to->saves += from->saves;
    to->faults += from->faults;
    to->switches += from->switches;
    to->acked += from->acked;
    to->lost += from->lost;
    to->dual_us += from->dual_us;
    to->dual += from->dual;
    to->outage_us += from->outage_us;
    if (from->outage_worst_us > to->outage_worst_us)
        to->outage_worst_us = from->outage_worst_us;
    to->prompt_us = from->prompt_us > to->prompt_us ? from->prompt_us : to->prompt_us;
}

static void add_failure(struct sim_tally *tally, uint64_t seed, const char *failure)
{
    if (tally->failed == 0 || seed < tally->first_failed) {
        tally->first_failed = seed;
        (void)snprintf(tally->failure, sizeof(tally->failure), "%s", failure);
    }
    tally->failed++;
}

static void add_result(struct sim_tally *tally, uint64_t seed, const struct sim_result *result)
{
    double settled_s = (double)result->stats.settled_us / 1e6;

    tally->seeds++;
    tally->virtual_s += (double)result->lasted / 1e6;
    tally->settled_sum_s += settled_s;
    tally->hash += result->hash * (2 * seed + 1);
    if (settled_s > tally->settled_worst_s)
        tally->settled_worst_s = settled_s;
    add_stats(&tally->stats, &result->stats);
    if (result->failed)
        add_failure(tally, seed, result->failure);
}

static void add_tally(struct sim_tally *to, const struct sim_tally *from)
{
    uint64_t failed = to->failed + from->failed;

    if (from->failed != 0)
        add_failure(to, from->first_failed, from->failure);
    to->failed = failed;
    to->seeds += from->seeds;
    to->virtual_s += from->virtual_s;
    to->settled_sum_s += from->settled_sum_s;
    to->hash += from->hash;
    if (from->settled_worst_s > to->settled_worst_s)
        to->settled_worst_s = from->settled_worst_s;
    add_stats(&to->stats, &from->stats);
}

void sim_print_command(FILE *out, uint64_t seed, const struct sim_options *options)
{
    fprintf(out, "sim --seed %llu", (unsigned long long)seed);
    if (options->mix != NULL)
        fprintf(out, " --mix %s", options->mix->name);
    if (options->mutant != SIM_HONEST)
        fprintf(out, " --mutant %d", (int)options->mutant);
    if (options->minutes != 0)
        fprintf(out, " --minutes %g", options->minutes);
    fprintf(out, " --verbose");
}

static void report(FILE *out, uint64_t seed, const struct sim_options *options, const char *failure)
{
    if (out == NULL)
        return;
    if (isatty(fileno(out)) != 0)
        fprintf(out, "\r%*s\r", LINE, ""); /* over the progress */
    fprintf(out, "FAILED ");
    sim_print_command(out, seed, options);
    fprintf(out, "\n       %s\n", failure);
    (void)fflush(out);
}

/* Is this a violation that is looked for? */
static bool counts(const char *failure, const struct sim_options *options)
{
    regex_t regex;
    bool found;

    if (options->until == NULL)
        return true;
    VD_ASSERT(regcomp(&regex, options->until, REG_EXTENDED | REG_NOSUB) == 0);
    found = regexec(&regex, failure, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static void work(struct shared *shared, struct worker *worker, uint64_t failures_max,
                 const struct sim_options *options, FILE *out)
{
    while (atomic_load(&shared->failures) < failures_max) {
        struct sim_result result;
        uint64_t seed = atomic_fetch_add(&shared->next, 1);

        if (seed >= shared->end)
            break;
        worker->seed = seed;
        worker->running = true;
        sim_run_one(seed, options, &result);
        worker->running = false;
        if (result.failed && !counts(result.failure, options))
            result.failed = false;
        add_result(&worker->sum, seed, &result);
        (void)atomic_fetch_add(&shared->done, 1);
        (void)atomic_fetch_add(&shared->virtual_us, (uint64_t)result.lasted);
        if (!result.failed)
            continue;
        (void)atomic_fetch_add(&shared->failures, 1);
        report(out, seed, options, result.failure);
    }
}

static char *last_words;

static void on_panic(const char *text)
{
    (void)snprintf(last_words, 400, "%s", text);
}

static pid_t spawn(struct shared *shared, struct worker *worker, uint64_t failures_max,
                   const struct sim_options *options, FILE *out)
{
    pid_t pid;

    if (out != NULL)
        (void)fflush(out);
    pid = fork();
    VD_ASSERT(pid >= 0);
    if (pid != 0)
        return pid;
    last_words = worker->last_words;
    vd_panic_set_hook(on_panic);
    work(shared, worker, failures_max, options, out);
    if (out != NULL)
        (void)fflush(out);
    exit(0); /* not _exit: what it ran counts for tests/coverage.sh, what it leaked for a sanitizer
              */
}

#define BAR 24

static void progress(FILE *out, const struct shared *shared, uint64_t from, double began)
{
    uint64_t done = atomic_load(&shared->done);
    uint64_t all = shared->end - from;
    double passed = now_s() - began;
    double per_s = (double)done / (passed > 0.1 ? passed : 0.1);
    double virtual_s = (double)atomic_load(&shared->virtual_us) / 1e6;
    unsigned full = (unsigned)(done * BAR / (all != 0 ? all : 1));
    long left = per_s > 0 ? (long)((double)(all - done) / per_s) : 0;
    char bar[BAR + 1];

    for (unsigned i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(out,
            "\r[%s] %llu of %llu seeds, %llu failed, %.0f/s, %.0f virtual s/s, %ld:%02ld left ",
            bar, (unsigned long long)done, (unsigned long long)all,
            (unsigned long long)atomic_load(&shared->failures), per_s,
            virtual_s / (passed > 0.1 ? passed : 0.1), left / 60, left % 60);
    (void)fflush(out);
}

/* A worker that its seed killed. */
static void bury(struct shared *shared, struct worker *worker, int status,
                 const struct sim_options *options, FILE *out)
{
    char why[480];

    (void)snprintf(
        why, sizeof(why), "the process died (%s %d): %s", WIFSIGNALED(status) ? "signal" : "status",
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), worker->last_words);
    worker->last_words[0] = '\0';
    worker->running = false;
    worker->sum.seeds++;
    (void)atomic_fetch_add(&shared->done, 1);
    if (!counts(why, options))
        return;
    add_failure(&worker->sum, worker->seed, why);
    (void)atomic_fetch_add(&shared->failures, 1);
    report(out, worker->seed, options, why);
}

void sim_run_many(uint64_t from, uint64_t count, unsigned jobs, uint64_t failures_max,
                  const struct sim_options *options, FILE *out, struct sim_tally *tally)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool terminal = out != NULL && isatty(fileno(out)) != 0;
    double began = now_s();
    pid_t pids[JOBS_MAX];
    unsigned left;

    VD_ASSERT(shared != MAP_FAILED);
    jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
    atomic_store(&shared->next, from);
    shared->end = from + count;
    for (left = 0; left < jobs; left++)
        pids[left] = spawn(shared, &shared->workers[left], failures_max, options, out);
    while (left > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, terminal ? WNOHANG : 0);

        if (pid == 0) {
            progress(out, shared, from, began);
            (void)usleep(200000);
        }
        for (unsigned i = 0; pid > 0 && i < jobs; i++) {
            if (pids[i] != pid)
                continue;
            left--;
            if (!shared->workers[i].running)
                break;
            bury(shared, &shared->workers[i], status, options, out);
            pids[i] = spawn(shared, &shared->workers[i], failures_max, options, out);
            left++;
            break;
        }
        VD_ASSERT(pid >= 0);
    }
    if (terminal)
        fprintf(out, "\r%*s\r", LINE, "");
    memset(tally, 0, sizeof(*tally));
    for (unsigned i = 0; i < jobs; i++)
        add_tally(tally, &shared->workers[i].sum);
    tally->real_s = now_s() - began;
    (void)munmap(shared, sizeof(*shared));
}
