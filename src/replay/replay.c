/* SPDX-License-Identifier: BSD-3-Clause */
/* Replay: see replay.h. */
#include "replay/replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/trace.h"
#include "replay/store_recorded.h"

#define CHUNK ((size_t)64 * 1024) /* a length is believed only as far as bytes come */

struct replay {
    const struct vd_replay_source *source;
    const struct vd_replay_watch *watch;
    struct vd_replay_result *result;
    enum vd_replay_verdict verdict;
    struct vd_recording recording;
    struct vd_drive drive;
    struct vd_digest expected; /* of the turn that is run */
    struct vd_arena arena;     /* of one frame */
    struct vd_text payload;
    vd_ms began_at;
    vd_ms now;
    bool ended;
};

/* The end of it, with the reason; false, to be returned. */
static bool stop(struct replay *replay, enum vd_replay_verdict verdict, const char *format, ...)
    VD_PRINTF(3, 4);
static bool stop(struct replay *replay, enum vd_replay_verdict verdict, const char *format, ...)
{
    va_list args;

    replay->verdict = verdict;
    va_start(args, format);
    (void)vsnprintf(replay->result->text, sizeof(replay->result->text), format, args);
    va_end(args);
    return false;
}

/* The drive ---------------------------------------------------------------------- */

static bool save(void *self, const struct vd_image *image, struct vd_receipt *receipt,
                 struct vd_err *err)
{
    struct replay *replay = self;

    (void)image; /* drive.last has it */
    return vd_recorded_save(replay->expected.saved, receipt, err);
}

static void perform(void *self, const struct vd_effect *effect)
{
    (void)self;
    (void)effect; /* nothing happens: what came of it is recorded */
}

static void refuse(void *self, const struct vd_effect *effect, const char *reason)
{
    (void)self;
    (void)effect;
    (void)reason;
}

static const struct vd_drive_ops ops = {.save = save, .perform = perform, .refuse = refuse};

/* Comparing ---------------------------------------------------------------------- */

static bool differ(struct replay *replay, const char *what, const struct vd_effect *effect)
{
    struct vd_text line = {0};

    if (effect != NULL)
        vd_trace_effect(effect, &line);
    (void)stop(replay, VD_REPLAY_DIFFERS, "turn %llu, %lld ms after the start: %s%s%s",
               (unsigned long long)replay->result->turns,
               (long long)(replay->now - replay->began_at), what,
               effect != NULL ? "; the replay has: " : "", vd_text_cstr(&line));
    vd_text_free(&line);
    return false;
}

static bool compare(struct replay *replay, const struct vd_turn_output *output,
                    const struct vd_digest *got)
{
    const struct vd_digest *expected = &replay->expected;
    size_t both = got->count < expected->count ? got->count : expected->count;
    char what[128];

    for (size_t i = 0; i < both; i++) {
        if (got->effects[i] == expected->effects[i])
            continue;
        (void)snprintf(what, sizeof(what), "effect %zu of %zu differs", i + 1, expected->count);
        return differ(replay, what, &output->effects[i]);
    }
    if (got->count != expected->count) {
        (void)snprintf(what, sizeof(what), "%zu effects instead of the %zu recorded", got->count,
                       expected->count);
        return differ(replay, what, got->count > both ? &output->effects[both] : NULL);
    }
    if (got->to_save != expected->to_save)
        return differ(replay,
                      got->to_save ? "the replay saves, the recording did not"
                                   : "the recording saved, the replay does not",
                      NULL);
    if (got->image != expected->image)
        return differ(replay, "what is saved differs", NULL);
    if (got->outputs != expected->outputs)
        return differ(replay, "the outputs differ", NULL);
    return true;
}

/* Frames ------------------------------------------------------------------------- */

/* A START, first of all and only there; and time never runs back. */
static bool check_input(struct replay *replay, const struct vd_turn_input *input)
{
    if (replay->result->turns > 0 && input->now < replay->now)
        return stop(replay, VD_REPLAY_REFUSED, "time runs backwards");
    for (size_t i = 0; i < input->count; i++) {
        bool first = replay->result->turns == 0 && i == 0;

        if ((input->events[i].type == VD_EV_START) != first)
            return stop(replay, VD_REPLAY_REFUSED, "it does not start once, and first of all");
    }
    if (replay->result->turns == 0 && input->count == 0)
        return stop(replay, VD_REPLAY_REFUSED, "it never starts");
    return true;
}

static bool run_turn(struct replay *replay, const struct vd_turn_input *input, bool whole)
{
    struct vd_drive *drive = &replay->drive;
    struct vd_turn_output output;
    struct vd_digest got;

    if (!check_input(replay, input))
        return false;
    if (replay->result->turns == 0)
        replay->began_at = input->now;
    replay->now = input->now;
    replay->result->turns++;
    replay->result->events += input->count;
    replay->result->lasted_ms = input->now - replay->began_at;
    vd_drive_turn(drive, input->events, input->count, input->now, input->dice);
    output = (struct vd_turn_output){.effects = drive->effects.list,
                                     .count = drive->last.effect_count,
                                     .image = drive->last.image,
                                     .saved = drive->last.saved};
    replay->result->effects += output.count;
    if (replay->watch != NULL)
        replay->watch->turn(replay->watch->self, replay->result->turns, input, &output);
    if (!whole)
        return true;
    vd_recording_digest(&replay->recording, &output, NULL, &replay->arena, &got);
    return compare(replay, &output, &got);
}

static bool take_begin(struct replay *replay)
{
    struct vd_unpacked_image image;
    struct vd_origin origin;
    struct vd_err err;
    bool good = vd_recording_read_begin((const unsigned char *)vd_text_cstr(&replay->payload),
                                        replay->payload.len, &replay->arena, &origin, &image, &err);

    if (good) {
        vd_drive_init(&replay->drive, vd_core_new(&image.image, origin.fresh), &ops, replay);
        (void)snprintf(replay->result->version, sizeof(replay->result->version), "%s",
                       origin.version);
        if (replay->watch != NULL)
            replay->watch->origin(replay->watch->self, &origin, &image.image);
    } else {
        (void)stop(replay, VD_REPLAY_REFUSED, "what it starts from makes no sense: %s", err.text);
    }
    vd_unpacked_image_free(&image);
    return good;
}

static bool take_turn(struct replay *replay, bool whole)
{
    const unsigned char *bytes = (const unsigned char *)vd_text_cstr(&replay->payload);
    size_t len = replay->payload.len;
    struct vd_turn_input input;
    struct vd_err err;

    replay->expected = (struct vd_digest){.saved = true};
    if (whole ? !vd_recording_read_turn(bytes, len, &replay->arena, &input, &replay->expected, &err)
              : !vd_recording_read_cut(bytes, len, &replay->arena, &input, &err))
        return stop(replay, VD_REPLAY_REFUSED, "turn %llu makes no sense: %s",
                    (unsigned long long)replay->result->turns + 1, err.text);
    return run_turn(replay, &input, whole);
}

static bool take_frame(struct replay *replay, enum vd_frame kind)
{
    if ((replay->drive.core == NULL) != (kind == VD_FRAME_BEGIN))
        return stop(replay, VD_REPLAY_REFUSED, "it does not begin once, and first of all");
    switch (kind) {
    case VD_FRAME_BEGIN:
        return take_begin(replay);
    case VD_FRAME_TURN:
        return take_turn(replay, true);
    case VD_FRAME_CUT:
        replay->ended = true;
        replay->result->end = VD_REPLAY_AMID;
        return take_turn(replay, false);
    case VD_FRAME_END:
        replay->ended = true;
        replay->result->end = VD_REPLAY_CLOSED;
        return replay->payload.len == 0 ||
               stop(replay, VD_REPLAY_REFUSED, "its end holds something");
    }
    VD_ASSERT(false);
    return false;
}

/* Bytes -------------------------------------------------------------------------- */

static size_t read_some(struct replay *replay, void *to, size_t len)
{
    return replay->source->read(replay->source->self, to, len);
}

/* False: the bytes end before. */
static bool read_payload(struct replay *replay, size_t len)
{
    static unsigned char chunk[CHUNK];

    vd_text_clear(&replay->payload);
    while (len > 0) {
        size_t want = len < CHUNK ? len : CHUNK;

        if (read_some(replay, chunk, want) != want)
            return false;
        vd_text_add(&replay->payload, chunk, want);
        len -= want;
    }
    return true;
}

/* False: nothing is left, or something is wrong. */
static bool next_frame(struct replay *replay)
{
    unsigned char head[VD_FRAME_HEAD_LEN];
    unsigned char tail[VD_FRAME_TAIL_LEN];
    size_t got = read_some(replay, head, sizeof(head));
    enum vd_frame kind;
    uint32_t len;
    struct vd_err err;

    if (replay->ended)
        return got != 0 && stop(replay, VD_REPLAY_REFUSED, "there is something behind its end");
    replay->result->end = VD_REPLAY_KILLED;
    if (got != sizeof(head))
        return false;
    if (!vd_recording_head(&replay->recording, head, &kind, &len, &err))
        return stop(replay, VD_REPLAY_REFUSED, "behind turn %llu: %s",
                    (unsigned long long)replay->result->turns, err.text);
    if (!read_payload(replay, len) || read_some(replay, tail, sizeof(tail)) != sizeof(tail))
        return false;
    if (!vd_recording_check(&replay->recording, head,
                            (const unsigned char *)vd_text_cstr(&replay->payload), len, tail, &err))
        return stop(replay, VD_REPLAY_REFUSED, "behind turn %llu: %s",
                    (unsigned long long)replay->result->turns, err.text);
    vd_arena_reset(&replay->arena);
    return take_frame(replay, kind);
}

/* Its first line. Frames of another format would be read as something else than they say. */
static bool check_format(struct replay *replay)
{
    char line[VD_RECORDING_MAGIC_LEN + 1] = "";
    size_t got = read_some(replay, line, VD_RECORDING_MAGIC_LEN);
    char *number = line + strlen(VD_RECORDING_FORMAT);

    if (strcmp(line, VD_RECORDING_MAGIC) == 0)
        return true;
    if (got < VD_RECORDING_MAGIC_LEN || number[0] < '1' || number[0] > '9' ||
        strncmp(line, VD_RECORDING_FORMAT, strlen(VD_RECORDING_FORMAT)) != 0)
        return stop(replay, VD_REPLAY_REFUSED, "this is no recording of a vedette");
    number[strspn(number, "0123456789")] = '\0';
    return stop(replay, VD_REPLAY_REFUSED,
                "it is of format %s, and this vedette-replay reads format %s only; use the one"
                " of the vedette that recorded it",
                number, VD_RECORDING_NUMBER);
}

enum vd_replay_verdict vd_replay_run(const struct vd_replay_source *source,
                                     const struct vd_replay_watch *watch,
                                     struct vd_replay_result *result)
{
    struct replay replay = {.source = source, .watch = watch, .result = result};

    memset(result, 0, sizeof(*result));
    result->end = VD_REPLAY_UNKNOWN;
    vd_recording_init(&replay.recording);
    if (check_format(&replay)) {
        while (next_frame(&replay))
            ;
        if (replay.verdict == VD_REPLAY_SAME && replay.drive.core == NULL)
            (void)stop(&replay, VD_REPLAY_REFUSED, "it ends before it begins");
    }
    if (replay.drive.core != NULL)
        vd_drive_free(&replay.drive);
    vd_recording_free(&replay.recording);
    vd_arena_free(&replay.arena);
    vd_text_free(&replay.payload);
    return replay.verdict;
}
