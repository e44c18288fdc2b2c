/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vedette-replay: repeats a recording (vedette --record) and says whether
 * everything came out as it did then; see replay/replay.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/trace.h"
#include "replay/replay.h"

#define EXIT_SAME 0
#define EXIT_DIFFERS 1
#define EXIT_REFUSED 2

static const char usage[] =
    "usage: vedette-replay [--print] FILE\n"
    "Repeats what `vedette --record FILE` has recorded, and compares. --print shows every\n"
    "turn: > what the core was given, < what it did. Exit: 0 identical, 1 different, 2 "
    "unreadable.\n"
    "See vedette-replay(1).\n";

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

static int replay(const char *path, bool print)
{
    struct printer printer = {0};
    const struct vd_replay_watch watch = {print_origin, print_turn, &printer};
    struct vd_replay_source source = {.read = read_file};
    struct vd_replay_result result;
    enum vd_replay_verdict verdict;
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        (void)fprintf(stderr, "vedette-replay: %s: %s\n", path, strerror(errno));
        return EXIT_REFUSED;
    }
    source.self = file;
    vd_panic_set_hook(on_panic);
    verdict = vd_replay_run(&source, print ? &watch : NULL, &result);
    vd_text_free(&printer.line);
    if (ferror(file) != 0 && verdict == VD_REPLAY_SAME) {
        verdict = VD_REPLAY_REFUSED;
        (void)snprintf(result.text, sizeof(result.text), "it cannot be read to its end");
    }
    (void)fclose(file);
    return tell(path, verdict, &result);
}

int main(int argc, char **argv)
{
    bool print = argc == 3 && strcmp(argv[1], "--print") == 0;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return EXIT_SAME;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("vedette-replay " VD_VERSION);
        return EXIT_SAME;
    }
    if (argc != (print ? 3 : 2) || argv[argc - 1][0] == '-') {
        (void)fputs(usage, stderr);
        return EXIT_REFUSED;
    }
    return replay(argv[argc - 1], print);
}
