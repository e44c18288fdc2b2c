/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recording: frames and digests; see recording.h. FNV-1a finds what went wrong
 * with the bytes, every single change of one for certain; SHA-256 vouches for
 * what a core has said.
 */
#include "proto/recording.h"

#include <string.h>

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)
#define EVENT_LEAST 3 /* bytes */

/* Checks ------------------------------------------------------------------------- */

static uint64_t mix(uint64_t sum, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ at[i]) * FNV_PRIME;
    return sum;
}

static uint32_t fold(uint64_t sum)
{
    return (uint32_t)(sum ^ (sum >> 32));
}

static void put_le(uint64_t number, size_t len, unsigned char *to)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (unsigned char)(number >> (8 * i));
}

static uint64_t get_le(const unsigned char *from, size_t len)
{
    uint64_t number = 0;

    for (size_t i = 0; i < len; i++)
        number |= (uint64_t)from[i] << (8 * i);
    return number;
}

void vd_recording_init(struct vd_recording *recording)
{
    memset(recording, 0, sizeof(*recording));
    recording->chain = mix(FNV_BASIS, VD_RECORDING_MAGIC, VD_RECORDING_MAGIC_LEN);
    memset(recording->outputs, '0', VD_SHA256_HEX);
}

void vd_recording_free(struct vd_recording *recording)
{
    vd_text_free(&recording->payload);
}

/* Digests ------------------------------------------------------------------------ */

static uint64_t first_bits(const char *hex)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < 16; i++)
        bits = bits << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    return bits;
}

/* The checksum of what was packed behind `start`. */
static uint32_t sum_from(const struct vd_text *packed, size_t start)
{
    return fold(mix(FNV_BASIS, packed->bytes + start, packed->len - start));
}

void vd_recording_digest(struct vd_recording *recording, const struct vd_turn_output *output,
                         const struct vd_veil *veil, struct vd_arena *arena, struct vd_digest *out)
{
    struct vd_text *packed = &recording->payload;

    memset(out, 0, sizeof(*out));
    vd_text_clear(packed);
    vd_text_add(packed, recording->outputs, VD_SHA256_HEX);
    out->count = output->count;
    out->effects = vd_arena_alloc(arena, output->count * sizeof(*out->effects));
    for (size_t i = 0; i < output->count; i++) {
        size_t start = packed->len;

        vd_pack_effect(&output->effects[i], veil, packed);
        out->effects[i] = sum_from(packed, start);
    }
    if (output->image != NULL) {
        size_t start = packed->len;

        out->to_save = true;
        out->saved = output->saved;
        vd_pack_image(output->image, veil, packed);
        out->image = sum_from(packed, start);
        vd_pack_number(out->saved, packed);
    }
    if (packed->len != VD_SHA256_HEX)
        vd_sha256_hex(packed->bytes, packed->len, recording->outputs);
    out->outputs = first_bits(recording->outputs);
}

/* Writing ------------------------------------------------------------------------ */

bool vd_recording_frame(struct vd_recording *recording, enum vd_frame kind, struct vd_text *to)
{
    const struct vd_text *payload = &recording->payload;
    unsigned char head[VD_FRAME_HEAD_LEN];
    unsigned char tail[VD_FRAME_TAIL_LEN];

    if (payload->len > VD_FRAME_MAX)
        return false;
    head[0] = (unsigned char)kind;
    put_le(payload->len, 4, head + 1);
    put_le(fold(mix(recording->chain, head, 5)), 4, head + 5);
    recording->chain = mix(recording->chain, head, sizeof(head));
    recording->chain = mix(recording->chain, payload->bytes, payload->len);
    put_le(recording->chain, sizeof(tail), tail);
    vd_text_add(to, head, sizeof(head));
    vd_text_add(to, payload->bytes, payload->len);
    vd_text_add(to, tail, sizeof(tail));
    return true;
}

bool vd_recording_begin(struct vd_recording *recording, const struct vd_origin *origin,
                        const struct vd_image *image, const struct vd_veil *veil,
                        struct vd_text *to)
{
    vd_text_puts(to, VD_RECORDING_MAGIC);
    vd_text_clear(&recording->payload);
    vd_pack_string(origin->version, &recording->payload);
    vd_pack_signed(origin->wall_ms, &recording->payload);
    vd_pack_signed(origin->at, &recording->payload);
    vd_pack_number(origin->fresh, &recording->payload);
    vd_pack_image(image, veil, &recording->payload);
    return vd_recording_frame(recording, VD_FRAME_BEGIN, to);
}

static void pack_input(struct vd_recording *recording, const struct vd_turn_input *input,
                       const struct vd_veil *veil)
{
    vd_text_clear(&recording->payload);
    vd_pack_signed(input->now, &recording->payload);
    vd_pack_number(input->dice, &recording->payload);
    vd_pack_number(input->count, &recording->payload);
    for (size_t i = 0; i < input->count; i++)
        vd_pack_event(&input->events[i], veil, &recording->payload);
}

bool vd_recording_turn(struct vd_recording *recording, const struct vd_turn_input *input,
                       const struct vd_digest *digest, const struct vd_veil *veil,
                       struct vd_text *to)
{
    struct vd_text *payload = &recording->payload;

    pack_input(recording, input, veil);
    vd_pack_number(digest->to_save, payload);
    vd_pack_number(digest->saved, payload);
    vd_pack_number(digest->image, payload);
    vd_pack_number(digest->count, payload);
    for (size_t i = 0; i < digest->count; i++)
        vd_pack_number(digest->effects[i], payload);
    vd_pack_number(digest->outputs, payload);
    return vd_recording_frame(recording, VD_FRAME_TURN, to);
}

bool vd_recording_cut(struct vd_recording *recording, const struct vd_turn_input *input,
                      const struct vd_veil *veil, struct vd_text *to)
{
    pack_input(recording, input, veil);
    return vd_recording_frame(recording, VD_FRAME_CUT, to);
}

void vd_recording_end(struct vd_recording *recording, struct vd_text *to)
{
    vd_text_clear(&recording->payload);
    VD_ASSERT(vd_recording_frame(recording, VD_FRAME_END, to)); /* it is empty */
}

/* Reading ------------------------------------------------------------------------ */

bool vd_recording_head(const struct vd_recording *recording, const unsigned char *head,
                       enum vd_frame *kind, uint32_t *len, struct vd_err *err)
{
    if (get_le(head + 5, 4) != fold(mix(recording->chain, head, 5)))
        return vd_err_set(err, "the head of a frame is damaged");
    if (head[0] != VD_FRAME_BEGIN && head[0] != VD_FRAME_TURN && head[0] != VD_FRAME_CUT &&
        head[0] != VD_FRAME_END)
        return vd_err_set(err, "a frame of a kind unknown here: %u", (unsigned)head[0]);
    *kind = (enum vd_frame)head[0];
    *len = (uint32_t)get_le(head + 1, 4);
    if (*len > VD_FRAME_MAX)
        return vd_err_set(err, "a frame of %lu bytes is too long", (unsigned long)*len);
    return true;
}

bool vd_recording_check(struct vd_recording *recording, const unsigned char *head,
                        const unsigned char *payload, uint32_t len, const unsigned char *tail,
                        struct vd_err *err)
{
    recording->chain = mix(recording->chain, head, VD_FRAME_HEAD_LEN);
    recording->chain = mix(recording->chain, payload, len);
    if (get_le(tail, VD_FRAME_TAIL_LEN) != recording->chain)
        return vd_err_set(err, "a frame is damaged");
    return true;
}

/* Nothing wrong, nothing left. */
static bool finish(const struct vd_unpack *from, struct vd_err *err)
{
    if (from->complaint != NULL)
        return vd_err_set(err, "%s", from->complaint);
    if (from->at != from->end)
        return vd_err_set(err, "%zu bytes more than it should have",
                          (size_t)(from->end - from->at));
    return true;
}

bool vd_recording_read_begin(const unsigned char *payload, size_t len, struct vd_arena *arena,
                             struct vd_origin *origin, struct vd_unpacked_image *image,
                             struct vd_err *err)
{
    struct vd_unpack from = {.at = payload, .end = payload + len, .arena = arena};

    origin->version = vd_unpack_text(&from);
    origin->wall_ms = vd_unpack_signed(&from);
    origin->at = vd_unpack_signed(&from);
    origin->fresh = vd_unpack_bool(&from);
    vd_unpack_image(&from, image);
    return finish(&from, err);
}

static void unpack_input(struct vd_unpack *from, struct vd_turn_input *out)
{
    struct vd_event *events;

    out->now = vd_unpack_signed(from);
    out->dice = (uint32_t)vd_unpack_number(from, UINT32_MAX);
    out->count = vd_unpack_count(from, EVENT_LEAST);
    events = vd_arena_alloc(from->arena, out->count * sizeof(*events));
    for (size_t i = 0; i < out->count && from->complaint == NULL; i++)
        vd_unpack_event(from, &events[i]);
    out->events = events;
}

bool vd_recording_read_turn(const unsigned char *payload, size_t len, struct vd_arena *arena,
                            struct vd_turn_input *input, struct vd_digest *digest,
                            struct vd_err *err)
{
    struct vd_unpack from = {.at = payload, .end = payload + len, .arena = arena};

    unpack_input(&from, input);
    digest->to_save = vd_unpack_bool(&from);
    digest->saved = vd_unpack_bool(&from);
    digest->image = (uint32_t)vd_unpack_number(&from, UINT32_MAX);
    if (!digest->to_save && (digest->saved || digest->image != 0))
        vd_unpack_fail(&from, "a turn has saved what was not to be saved");
    digest->count = vd_unpack_count(&from, 1);
    digest->effects = vd_arena_alloc(arena, digest->count * sizeof(*digest->effects));
    for (size_t i = 0; i < digest->count; i++)
        digest->effects[i] = (uint32_t)vd_unpack_number(&from, UINT32_MAX);
    digest->outputs = vd_unpack_number(&from, UINT64_MAX);
    return finish(&from, err);
}

bool vd_recording_read_cut(const unsigned char *payload, size_t len, struct vd_arena *arena,
                           struct vd_turn_input *input, struct vd_err *err)
{
    struct vd_unpack from = {.at = payload, .end = payload + len, .arena = arena};

    unpack_input(&from, input);
    return finish(&from, err);
}
