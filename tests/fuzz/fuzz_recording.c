/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recordings. By the first byte: an event, or an image, which has one form of
 * bytes only; a whole file; or payloads in frames with good checks, since no
 * guess would ever pass these: what they hold is refused, or fed to a core.
 */
#include <string.h>

#include "fuzz.h"
#include "proto/trace.h"
#include "replay/replay.h"

static struct vd_arena arena;

static void try_event(const uint8_t *bytes, size_t len)
{
    struct vd_unpack from = {.at = bytes, .end = bytes + len, .arena = &arena};
    struct vd_text packed = {0};
    struct vd_text line = {0};
    struct vd_event event;

    vd_unpack_event(&from, &event);
    if (from.complaint == NULL) {
        vd_pack_event(&event, NULL, &packed);
        MUST(packed.len == (size_t)(from.at - bytes));
        MUST(memcmp(packed.bytes, bytes, packed.len) == 0);
        vd_trace_event(&event, &line);
        for (size_t i = 0; i < line.len; i++)
            MUST(line.bytes[i] >= ' ' && line.bytes[i] < 0x7f);
    }
    vd_text_free(&packed);
    vd_text_free(&line);
}

static void try_image(const uint8_t *bytes, size_t len)
{
    struct vd_unpack from = {.at = bytes, .end = bytes + len, .arena = &arena};
    struct vd_text packed = {0};
    struct vd_unpacked_image image;

    vd_unpack_image(&from, &image);
    if (from.complaint == NULL) {
        vd_pack_image(&image.image, NULL, &packed);
        MUST(packed.len == (size_t)(from.at - bytes));
        MUST(memcmp(packed.bytes, bytes, packed.len) == 0);
    }
    vd_text_free(&packed);
    vd_unpacked_image_free(&image);
}

struct bytes {
    const uint8_t *at;
    size_t left;
};

static size_t read_bytes(void *self, void *to, size_t len)
{
    struct bytes *bytes = self;

    if (len > bytes->left)
        len = bytes->left;
    if (len != 0)
        memcpy(to, bytes->at, len);
    bytes->at += len;
    bytes->left -= len;
    return len;
}

static void try_file(const void *bytes, size_t len)
{
    struct bytes left = {bytes, len};
    const struct vd_replay_source source = {read_bytes, &left};
    struct vd_replay_result result;
    enum vd_replay_verdict verdict = vd_replay_run(&source, NULL, &result);

    MUST((verdict == VD_REPLAY_SAME) == (result.text[0] == '\0'));
}

/* Frames: a kind and two bytes of length before each payload. */
static void try_frames(const uint8_t *bytes, size_t len)
{
    static const char kinds[] = {VD_FRAME_BEGIN, VD_FRAME_TURN, VD_FRAME_CUT, VD_FRAME_END};
    struct vd_recording recording;
    struct vd_text text = {0};

    vd_text_puts(&text, VD_RECORDING_MAGIC);
    vd_recording_init(&recording);
    while (len >= 3) {
        size_t size = (size_t)bytes[1] | (size_t)bytes[2] << 8;

        if (size > len - 3)
            size = len - 3;
        vd_text_clear(&recording.payload);
        vd_text_add(&recording.payload, bytes + 3, size);
        MUST(vd_recording_frame(&recording, (enum vd_frame)kinds[bytes[0] % 4], &text));
        bytes += 3 + size;
        len -= 3 + size;
    }
    try_file(text.bytes, text.len);
    vd_text_free(&text);
    vd_recording_free(&recording);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 1)
        return 0;
    switch (bytes[0] % 4) {
    case 0:
        try_event(bytes + 1, len - 1);
        break;
    case 1:
        try_image(bytes + 1, len - 1);
        break;
    case 2:
        try_file(bytes + 1, len - 1);
        break;
    default:
        try_frames(bytes + 1, len - 1);
        break;
    }
    vd_arena_free(&arena);
    return 0;
}
