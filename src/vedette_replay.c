/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vedette-replay: repeats recordings (vedette --record), says whether
 * everything came out as it did then, and draws what happened; see
 * replay/replay.h and replay/merge.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "draw/draw.h"
#include "proto/trace.h"
#include "replay/merge.h"
#include "replay/replay.h"

#define EXIT_SAME 0
#define EXIT_DIFFERS 1
#define EXIT_REFUSED 2

#define FILES_MAX 32

static const char usage[] =
    "usage: vedette-replay [--print] FILE...\n"
    "       vedette-replay --draw PAGE [--from S] [--to S] FILE...\n"
    "Repeats what `vedette --record FILE` has recorded, and compares.\n"
    "  --print      show every turn: > what the core was given, < what it did\n"
    "  --draw PAGE  write a picture of what happened, for a browser; recordings of several\n"
    "               vedettes make one picture\n"
    "  --from S, --to S  only what happened between these seconds after the first began\n"
    "Exit: 0 identical, 1 different, 2 unreadable. See vedette-replay(1).\n";

struct arguments {
    bool print;
    const char *draw;
    double from_s;
    double to_s; /* negative: the end */
    char **files;
    int count;
};

static size_t read_file(void *self, void *to, size_t len)
{
    return fread(to, 1, len, self);
}

/* Printing ----------------------------------------------------------------------- */

struct printer {
    struct vd_text line;
    vd_ms began_at;
};

static void print_origin(void *self, const struct vd_origin *origin, const struct vd_image *image)
{
    struct printer *printer = self;
    time_t seconds = (time_t)(origin->wall_ms / 1000);
    struct tm tm;
    char date[64] = "?";

    printer->began_at = origin->at;
    if (gmtime_r(&seconds, &tm) != NULL)
        (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    vd_text_clear(&printer->line);
    vd_trace_word(origin->version, &printer->line);
    vd_text_puts(&printer->line, ", id ");
    vd_trace_word(image->self.hex, &printer->line);
    (void)printf("%s.%03d UTC: vedette %s, epoch %llu, groups: %zu%s\n", date,
                 (int)(origin->wall_ms % 1000), vd_text_cstr(&printer->line),
                 (unsigned long long)image->epoch, image->group_count,
                 origin->fresh ? ", without saved state" : "");
}

static void print_turn(void *self, uint64_t number, const struct vd_turn_input *input,
                       const struct vd_turn_output *output)
{
    struct printer *printer = self;

    (void)printf("%10lld ms  turn %llu%s\n", (long long)(input->now - printer->began_at),
                 (unsigned long long)number,
                 output->image == NULL ? "" : (output->saved ? ", saved" : ", NOT SAVED"));
    for (size_t i = 0; i < input->count; i++) {
        vd_text_clear(&printer->line);
        vd_trace_event(&input->events[i], &printer->line);
        (void)printf("               > %s\n", vd_text_cstr(&printer->line));
    }
    for (size_t i = 0; i < output->count; i++) {
        bool refused = output->effects[i].promise && output->image != NULL && !output->saved;

        vd_text_clear(&printer->line);
        vd_trace_effect(&output->effects[i], &printer->line);
        (void)printf("               %s %s\n", refused ? "(" : "<", vd_text_cstr(&printer->line));
    }
}

/* Telling ------------------------------------------------------------------------ */

static void on_panic(const char *text)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "vedette-replay: the core fails in this turn: assertion at %s\n", text);
}

static const char *tell_end(enum vd_replay_end end)
{
    switch (end) {
    case VD_REPLAY_CLOSED:
        return "";
    case VD_REPLAY_AMID:
        return "; its process ended by itself in the last turn, which cannot be compared";
    case VD_REPLAY_KILLED:
        return "; its end was not written: it was killed, or still runs";
    case VD_REPLAY_UNKNOWN:
        break;
    }
    return "";
}

static int tell(const char *path, enum vd_replay_verdict verdict,
                const struct vd_replay_result *result)
{
    switch (verdict) {
    case VD_REPLAY_SAME:
        (void)printf("%s: identical: %llu turns, %llu events, %llu effects in %lld.%03d s%s\n",
                     path, (unsigned long long)result->turns, (unsigned long long)result->events,
                     (unsigned long long)result->effects, (long long)(result->lasted_ms / 1000),
                     (int)(result->lasted_ms % 1000), tell_end(result->end));
        return EXIT_SAME;
    case VD_REPLAY_DIFFERS:
        (void)printf("%s: different: %s\n", path, result->text);
        if (strcmp(result->version, VD_VERSION) != 0)
            (void)printf("It was recorded by vedette %s, and this is " VD_VERSION
                         ", which may act in another way.\n",
                         result->version);
        return EXIT_DIFFERS;
    case VD_REPLAY_REFUSED:
        (void)fprintf(stderr, "vedette-replay: %s: %s\n", path, result->text);
        return EXIT_REFUSED;
    }
    return EXIT_REFUSED;
}

/* One recording, told to `watch` while it is repeated. */
static int replay(const char *path, const struct vd_replay_watch *watch)
{
    struct vd_replay_source source = {.read = read_file};
    struct vd_replay_result result;
    enum vd_replay_verdict verdict;
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        (void)fprintf(stderr, "vedette-replay: %s: %s\n", path, strerror(errno));
        return EXIT_REFUSED;
    }
    source.self = file;
    verdict = vd_replay_run(&source, watch, &result);
    if (ferror(file) != 0 && verdict == VD_REPLAY_SAME) {
        verdict = VD_REPLAY_REFUSED;
        (void)snprintf(result.text, sizeof(result.text), "it cannot be read to its end");
    }
    (void)fclose(file);
    return tell(path, verdict, &result);
}

static int replay_all(const struct arguments *arguments)
{
    struct printer printer = {0};
    const struct vd_replay_watch watch = {print_origin, print_turn, &printer};
    int worst = EXIT_SAME;

    for (int i = 0; i < arguments->count; i++) {
        int status = replay(arguments->files[i], arguments->print ? &watch : NULL);

        worst = status > worst ? status : worst;
    }
    vd_text_free(&printer.line);
    return worst;
}

/* Drawing ------------------------------------------------------------------------ */

static bool write_page(const char *path, const struct vd_story *story)
{
    struct vd_text page = {0};
    FILE *file = fopen(path, "w");
    bool good = file != NULL;

    if (good) {
        vd_draw_page(story, &page);
        good = fwrite(page.bytes, 1, page.len, file) == page.len;
        good = fclose(file) == 0 && good;
        vd_text_free(&page);
    }
    if (!good)
        (void)fprintf(stderr, "vedette-replay: %s: %s\n", path, strerror(errno));
    return good;
}

/* Of which time, of whom. */
static void name_story(const struct vd_tape *tapes, int count, struct vd_story *story)
{
    struct vd_text about = {0};
    char date[64] = "?";
    const struct vd_tape *first = &tapes[0];
    time_t seconds;
    struct tm tm;

    for (int i = 1; i < count; i++)
        first = tapes[i].wall_ms < first->wall_ms ? &tapes[i] : first;
    seconds = (time_t)(first->wall_ms / 1000);
    if (gmtime_r(&seconds, &tm) != NULL)
        (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    vd_text_printf(&about,
                   "Drawn from %d recording%s; time 0 is %s.%03d UTC. What a process without a "
                   "recording did is drawn between the instants that bound it (dashed); PINGs that "
                   "were answered are left out.",
                   count, count == 1 ? "" : "s", date, (int)(first->wall_ms % 1000));
    vd_story_name(story, "What the vedettes saw", vd_text_cstr(&about));
    vd_text_free(&about);
}

static int draw_all(const struct arguments *arguments)
{
    struct vd_tape tapes[FILES_MAX];
    struct vd_story story = {0};
    int worst = EXIT_SAME;
    int read = 0;

    while (read < arguments->count && worst != EXIT_REFUSED) {
        struct vd_tape *tape = &tapes[read];
        struct vd_replay_watch watch;
        int status;

        vd_tape_init(tape, arguments->files[read++]);
        watch = vd_tape_watch(tape);
        status = replay(tape->file, &watch);
        vd_tape_end(tape);
        worst = status > worst ? status : worst;
    }
    if (worst != EXIT_REFUSED) {
        vd_merge_tapes(tapes, (size_t)read, (int64_t)(arguments->from_s * 1e6),
                       arguments->to_s < 0 ? INT64_MAX : (int64_t)(arguments->to_s * 1e6), &story);
        name_story(tapes, read, &story);
        if (!write_page(arguments->draw, &story))
            worst = EXIT_REFUSED;
    }
    vd_story_free(&story);
    while (read > 0)
        vd_tape_free(&tapes[--read]);
    return worst;
}

/* Arguments ---------------------------------------------------------------------- */

static bool read_seconds(const char *option, const char *text, double *out)
{
    char *end;

    *out = strtod(text, &end);
    if (end != text && *end == '\0' && *out >= 0 && *out < 1e12)
        return true;
    (void)fprintf(stderr, "vedette-replay: --%s needs a number of seconds, not '%s'\n", option,
                  text);
    return false;
}

/* -1: go on; else the exit status. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"print", no_argument, NULL, 'p'},
        {"draw", required_argument, NULL, 'd'},
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            arguments->print = true;
            break;
        case 'd':
            arguments->draw = optarg;
            break;
        case 'f':
            if (!read_seconds("from", optarg, &arguments->from_s))
                return EXIT_REFUSED;
            break;
        case 't':
            if (!read_seconds("to", optarg, &arguments->to_s))
                return EXIT_REFUSED;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return EXIT_SAME;
        case 'v':
            (void)puts("vedette-replay " VD_VERSION);
            return EXIT_SAME;
        default:
            (void)fputs(usage, stderr);
            return EXIT_REFUSED;
        }
    }
    arguments->files = argv + optind;
    arguments->count = argc - optind;
    if (arguments->count > FILES_MAX) {
        (void)fprintf(stderr, "vedette-replay: more than %d recordings\n", FILES_MAX);
        return EXIT_REFUSED;
    }
    if (arguments->count == 0 || (arguments->draw != NULL && arguments->print)) {
        (void)fputs(usage, stderr);
        return EXIT_REFUSED;
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.to_s = -1};
    int status = read_arguments(argc, argv, &arguments);

    if (status >= 0)
        return status;
    vd_panic_set_hook(on_panic);
    return arguments.draw != NULL ? draw_all(&arguments) : replay_all(&arguments);
}
