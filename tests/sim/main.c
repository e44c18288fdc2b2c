/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim: runs seeded schedules of faults against simulated sentinels (the real
 * core), servers and clients. Exit status 1 when a seed failed.
 */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "draw/draw.h"
#include "exhaustive.h"
#include "mass.h"
#include "run.h"
#include "scenario.h"
#include "scenario_main.h"
#include "shrink.h"
#include "speed.h"

#define SHRINK_TRIES 3000
#define MASS_MOST 1000000

struct arguments {
    struct sim_options options;
    uint64_t seed;
    uint64_t seeds;
    unsigned jobs;
    uint64_t failures_max;
    bool twice;
    bool each; /* mix */
    bool shrink;
    bool exhaustive;
    bool pairs;
    bool speed;
    const char *corner;
    const char *story;
    unsigned mass; /* groups; 0: not asked for */
    unsigned dead;
    const char *draw;
};

static void usage(FILE *out)
{
    fputs(
        "usage: sim [OPTION...]\n"
        "       sim --scenario [OPTION...] FILE...     (see sim --scenario --help)\n\n"
        "Runs seeded schedules of faults against simulated sentinels (the real core), servers and\n"
        "clients, and looks whether anything that must never happen did. tests/sim/README.md\n"
        "tells how to read a seed that failed.\n\n"
        "one seed:\n"
        "  --seed N      which (1)\n"
        "  --verbose     its transcript\n"
        "  --shrink      it fails: the smallest world that fails in the same way, as a scenario\n"
        "  --draw FILE   a picture of it, for a browser\n"
        "  --twice       run it twice and compare\n"
        "many:\n"
        "  --seeds N     so many, from --seed on; on a terminal with a bar\n"
        "  --jobs N      in so many processes (1)\n"
        "  --mix NAME    the family of faults (by the seed); 'each': so many seeds of each\n"
        "  --minutes M   so much virtual time with faults (by the seed)\n"
        "  --failures N  stop after so many failing seeds (10)\n"
        "  --until REGEX stop at the first violation that says this, and let others pass\n"
        "all single faults of a failover:\n"
        "  --exhaustive  messages lost or late, saves failing, deaths at every boundary\n"
        "  --pairs       ... two at a time, of those by which something is decided\n"
        "  --story NAME  ... of this failover only: kill, hang, empty, order\n"
        "  --corner NAME one of them, by the name under which it failed\n"
        "thousands of groups:\n"
        "  --mass N      so many groups (a world of its own: no luck, no oracle)\n"
        "  --dead N      ... whose primaries die at once (a fifth of them)\n"
        "how fast:\n"
        "  --speed       virtual seconds per second of the processor, three vedettes and servers\n"
        "the oracle itself:\n"
        "  --mutant N    a world that lies, for which it must fail\n\n"
        "Failing seeds are printed with the command that repeats them. The line 'transcripts' is "
        "a\n"
        "digest of all that happened: equal seeds of equal cores have an equal one. Exit status: "
        "0\n"
        "passed, 1 something failed, 2 a mistake on the command line.\n\nmixes:\n",
        out);
    for (size_t i = 0; sim_mix_at(i) != NULL; i++)
        fprintf(out, "  %-10s %s\n", sim_mix_at(i)->name, sim_mix_at(i)->about);
}

static uint64_t number(const char *option, const char *text)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = text != NULL ? strtoull(text, &end, 10) : 0;
    if (text == NULL || errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "sim: %s needs a number, see sim --help\n", option);
        exit(2);
    }
    return value;
}

static unsigned size(const char *option, const char *text)
{
    uint64_t value = number(option, text);

    if (value < 1 || value > MASS_MOST) {
        fprintf(stderr, "sim: %s is from 1 to %d\n", option, MASS_MOST);
        exit(2);
    }
    return (unsigned)value;
}

static const struct sim_mix *mix(const char *name)
{
    const struct sim_mix *found = name != NULL ? sim_mix_find(name) : NULL;

    if (found == NULL) {
        fprintf(stderr, "sim: no mix is called '%s', see sim --help\n", name != NULL ? name : "");
        exit(2);
    }
    return found;
}

static const char *story(const char *name)
{
    if (name == NULL || !sim_exhaust_knows(name)) {
        fprintf(stderr, "sim: no story is called '%s', see sim --help\n", name != NULL ? name : "");
        exit(2);
    }
    return name;
}

static const char *regex(const char *text)
{
    regex_t compiled;

    if (text == NULL || regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "sim: --until needs a regular expression\n");
        exit(2);
    }
    regfree(&compiled);
    return text;
}

/* Reads the option at argv[i]; returns how many words it took. */
static int take(struct arguments *a, char **argv, int i)
{
    const char *option = argv[i];
    const char *value = argv[i + 1];

    if (strcmp(option, "--verbose") == 0) {
        a->options.verbose = true;
        return 1;
    }
    if (strcmp(option, "--shrink") == 0) {
        a->shrink = true;
        return 1;
    }
    if (strcmp(option, "--exhaustive") == 0) {
        a->exhaustive = true;
        return 1;
    }
    if (strcmp(option, "--speed") == 0) {
        a->speed = true;
        return 1;
    }
    if (strcmp(option, "--pairs") == 0) {
        a->pairs = true;
        return 1;
    }
    if (strcmp(option, "--twice") == 0) {
        a->twice = true;
        return 1;
    }
    if (strcmp(option, "--seed") == 0)
        a->seed = number(option, value);
    else if (strcmp(option, "--seeds") == 0)
        a->seeds = number(option, value);
    else if (strcmp(option, "--jobs") == 0)
        a->jobs = (unsigned)number(option, value);
    else if (strcmp(option, "--failures") == 0)
        a->failures_max = number(option, value);
    else if (strcmp(option, "--mutant") == 0)
        a->options.mutant = (enum sim_mutant)(number(option, value) % SIM_MUTANT_COUNT);
    else if (strcmp(option, "--minutes") == 0)
        a->options.minutes = (double)number(option, value);
    else if (strcmp(option, "--mass") == 0)
        a->mass = size(option, value);
    else if (strcmp(option, "--dead") == 0)
        a->dead = size(option, value);
    else if (strcmp(option, "--corner") == 0)
        a->corner = value != NULL ? value : "";
    else if (strcmp(option, "--story") == 0)
        a->story = story(value);
    else if (strcmp(option, "--draw") == 0)
        a->draw = value != NULL ? value : "";
    else if (strcmp(option, "--until") == 0)
        a->options.until = regex(value);
    else if (strcmp(option, "--mix") == 0 && value != NULL && strcmp(value, "each") == 0)
        a->each = true;
    else if (strcmp(option, "--mix") == 0)
        a->options.mix = mix(value);
    else
        return 0;
    return 2;
}

static void print_stats(const struct sim_stats *stats)
{
    printf("%llu faults, %llu switches, %llu turns, %llu messages, %llu saves; %llu writes "
           "acknowledged, %llu lost; two primaries for %.3f s, %llu writes acknowledged meanwhile; "
           "clients without a primary for %.3f s, %.3f s at a time at worst\n",
           (unsigned long long)stats->faults, (unsigned long long)stats->switches,
           (unsigned long long)stats->turns, (unsigned long long)stats->messages,
           (unsigned long long)stats->saves, (unsigned long long)stats->acked,
           (unsigned long long)stats->lost, (double)stats->dual_us / 1e6,
           (unsigned long long)stats->dual, (double)stats->outage_us / 1e6,
           (double)stats->outage_worst_us / 1e6);
}

static void on_panic(const char *text)
{
    printf("%s\n", text);
    (void)fflush(stdout);
}

static void name_story(struct vd_story *story, uint64_t seed, const struct sim_result *result)
{
    char title[64];

    (void)snprintf(title, sizeof(title), "Seed %llu", (unsigned long long)seed);
    vd_story_name(story, title, result->failed ? result->failure : "The run passed.");
}

/* The picture into a file, and the story is gone. */
static bool write_picture(const char *path, struct vd_story *story)
{
    struct vd_text page = {0};
    bool good;

    vd_draw_page(story, &page);
    vd_story_free(story);
    good = sim_write_whole(path, &page);
    vd_text_free(&page);
    return good;
}

static int run_single(const struct arguments *a)
{
    struct sim_options options = a->options;
    struct sim_result result;
    struct sim_result again;
    struct vd_story story = {0};

    options.story = a->draw != NULL ? &story : NULL;
    sim_run_one(a->seed, &options, &result);
    printf("seed %llu: %s, %.3f s, settled %.3f s after the last fault, hash %016llx\n",
           (unsigned long long)a->seed, result.failed ? result.failure : "passed",
           (double)result.lasted / 1e6, (double)result.stats.settled_us / 1e6,
           (unsigned long long)result.hash);
    print_stats(&result.stats);
    if (a->draw != NULL) {
        name_story(&story, a->seed, &result);
        if (!write_picture(a->draw, &story))
            return 2;
    }
    if (!a->twice)
        return result.failed;
    sim_run_one(a->seed, &a->options, &again);
    if (again.hash != result.hash) {
        printf("the second run was another one: hash %016llx\n", (unsigned long long)again.hash);
        return 1;
    }
    return result.failed;
}

/* As a scenario, see tests/scenario/README.md. */
static void print_shrunk(const struct sim_shrunk *shrunk, const struct arguments *a)
{
    struct vd_text text = {0};

    printf("# Seed %llu, shrunk from %u faults to %u in %u tries\n# It fails: %s\n",
           (unsigned long long)a->seed, shrunk->entries_before, shrunk->schedule.count,
           shrunk->tries, shrunk->result.failure);
    sim_scenario_print(&shrunk->setup, &shrunk->schedule, &text);
    printf("%s", vd_text_cstr(&text));
    vd_text_free(&text);
}

static int run_shrink(const struct arguments *a)
{
    struct sim_setup setup;
    struct sim_schedule schedule;
    struct sim_shrunk shrunk;

    sim_setup_draw(&setup, a->seed, &a->options);
    sim_plan(&schedule, &setup);
    if (!sim_shrink(&setup, &schedule, SHRINK_TRIES, &shrunk)) {
        fprintf(stderr, "sim: seed %llu does not fail: there is nothing to shrink\n",
                (unsigned long long)a->seed);
        return 2;
    }
    print_shrunk(&shrunk, a);
    return 0;
}

static int run_batch(const struct arguments *a)
{
    struct sim_tally tally;
    uint64_t needed;

    if (a->options.mix != NULL)
        printf("%s: ", a->options.mix->name);
    (void)fflush(stdout);
    sim_run_many(a->seed, a->seeds, a->jobs, a->failures_max, &a->options, stdout, &tally);
    printf("%llu seeds, %llu failed; %.1f s, %.0f seeds per second, %.0f virtual seconds per "
           "second; settled after %.1f s on average, %.1f s at worst\n",
           (unsigned long long)tally.seeds, (unsigned long long)tally.failed, tally.real_s,
           (double)tally.seeds / tally.real_s, tally.virtual_s / tally.real_s,
           tally.settled_sum_s / (double)(tally.seeds != 0 ? tally.seeds : 1),
           tally.settled_worst_s);
    if (tally.stats.prompt_us != 0)
        printf("slowest failover of the mixes with a bound: %.1f ms\n",
               (double)tally.stats.prompt_us / 1000.0);
    print_stats(&tally.stats);
    printf("transcripts %016llx\n", (unsigned long long)tally.hash);
    needed = tally.first_failed - a->seed + 1;
    if (a->options.until != NULL && tally.failed != 0)
        printf("caught after %llu seeds: %s\n", (unsigned long long)needed, tally.failure);
    return tally.failed != 0;
}

static int run_exhaustive(const struct arguments *a)
{
    struct sim_exhausted sum;

    sim_exhaust(a->pairs ? SIM_EXHAUST_PAIRS : SIM_EXHAUST_SINGLES, a->story, a->jobs, stdout,
                &sum);
    printf("%llu runs with %s, %llu failed\n", (unsigned long long)sum.runs,
           a->pairs ? "two faults" : "one fault", (unsigned long long)sum.failed);
    return sum.failed != 0;
}

static int run_mass(const struct arguments *a)
{
    unsigned dead = a->dead != 0 ? a->dead : (a->mass + 4) / 5;

    if (dead > a->mass) {
        fprintf(stderr, "sim: --dead is no more than --mass\n");
        return 2;
    }
    return sim_mass_main(a->mass, dead);
}

static int run_each(const struct arguments *a)
{
    struct arguments one = *a;
    int status = 0;

    for (size_t i = 0; sim_mix_at(i) != NULL; i++) {
        one.options.mix = sim_mix_at(i);
        status |= run_batch(&one);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct arguments a = {.seed = 1, .seeds = 1, .jobs = 1, .failures_max = 10};

    vd_panic_set_hook(on_panic);
    if (argc > 1 && strcmp(argv[1], "--scenario") == 0)
        return sim_scenario_main(argc - 2, argv + 2);

    for (int i = 1; i < argc;) {
        int taken = strcmp(argv[i], "--help") == 0 ? 0 : take(&a, argv, i);

        if (taken == 0) {
            bool help = strcmp(argv[i], "--help") == 0;

            if (!help)
                fprintf(stderr, "sim: unknown option '%s'\n", argv[i]);
            usage(help ? stdout : stderr);
            return help ? 0 : 2;
        }
        i += taken;
    }
    if (a.options.until != NULL)
        a.failures_max = 1;
    if (a.speed) {
        sim_print_speed();
        return 0;
    }
    if (a.mass != 0)
        return run_mass(&a);
    if (a.corner != NULL)
        return sim_exhaust_one(a.corner, a.options.verbose);
    if (a.exhaustive)
        return run_exhaustive(&a);
    if (a.shrink)
        return run_shrink(&a);
    if (a.each)
        return run_each(&a);
    return a.seeds == 1 && a.options.until == NULL ? run_single(&a) : run_batch(&a);
}
