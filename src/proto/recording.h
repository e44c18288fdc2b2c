/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recording: a run of a core as bytes: what it started from, what every turn
 * was given, and digests of what came out. Since events are all that a core
 * ever learns, a recording is enough to repeat the run, and the digests tell
 * whether the repetition is the same.
 *
 * The bytes are a line that names the format, then frames: a head (kind,
 * length, check), a payload in the form of pack.h, and the check of all bytes
 * so far. A changed byte anywhere is found; so is an end that is missing, but
 * that is no mistake: it is how the recording of a killed process ends.
 */
#ifndef VD_PROTO_RECORDING_H
#define VD_PROTO_RECORDING_H

#include "proto/pack.h"
#include "proto/sha256.h"

/* The number grows with every change of what is in a frame. 2: how well a turn has listened. */
#define VD_RECORDING_FORMAT "vedette recording "
#define VD_RECORDING_NUMBER "2"
#define VD_RECORDING_MAGIC VD_RECORDING_FORMAT VD_RECORDING_NUMBER "\n"
#define VD_RECORDING_MAGIC_LEN (sizeof(VD_RECORDING_MAGIC) - 1)
#define VD_FRAME_HEAD_LEN 9U
#define VD_FRAME_TAIL_LEN 8U
#define VD_FRAME_MAX ((uint32_t)256 * 1024 * 1024) /* of a payload, bytes */

enum vd_frame {
    VD_FRAME_BEGIN = 'B', /* the first: what the core started from */
    VD_FRAME_TURN = 'T',
    VD_FRAME_CUT = 'C', /* a turn in which the process ended: what it was given; the last */
    VD_FRAME_END = 'E', /* the recording was closed; the last */
};

/* Where a run began. */
struct vd_origin {
    const char *version; /* of the program that recorded */
    int64_t wall_ms;     /* wall clock, ms since 1970, at `at` */
    vd_ms at;            /* the core's clock */
    bool fresh;          /* as vd_core_new has it */
};

/* What vd_drive_turn was given. */
struct vd_turn_input {
    vd_ms now;
    uint32_t dice;
    const struct vd_event *events;
    size_t count;
};

/* What it made of that. */
struct vd_turn_output {
    const struct vd_effect *effects;
    size_t count;
    const struct vd_image *image; /* what was to be saved; NULL: nothing */
    bool saved;
};

/* The same, short enough to be kept for every turn. */
struct vd_digest {
    bool to_save;
    bool saved;
    uint32_t image;    /* checksum; 0 without one */
    uint32_t *effects; /* a checksum each; in the arena */
    size_t count;
    uint64_t outputs; /* the beginning of the SHA-256 of all outputs of the run so far */
};

/* The state of writing one, or of reading one. A zeroed struct is not ready: init. */
struct vd_recording {
    uint64_t chain;
    char outputs[VD_SHA256_HEX + 1];
    struct vd_text payload; /* scratch */
};

void vd_recording_init(struct vd_recording *recording);
void vd_recording_free(struct vd_recording *recording);

/* The digest of the turn that follows those digested before. */
void vd_recording_digest(struct vd_recording *recording, const struct vd_turn_output *output,
                         const struct vd_veil *veil, struct vd_arena *arena, struct vd_digest *out);

/*
 * Writing: each appends one frame; begin appends the line of the format before
 * it. False, and the recording is at its end, when it would be too long.
 */
bool vd_recording_begin(struct vd_recording *recording, const struct vd_origin *origin,
                        const struct vd_image *image, const struct vd_veil *veil,
                        struct vd_text *to) VD_MUSTCHECK;
bool vd_recording_turn(struct vd_recording *recording, const struct vd_turn_input *input,
                       const struct vd_digest *digest, const struct vd_veil *veil,
                       struct vd_text *to) VD_MUSTCHECK;
bool vd_recording_cut(struct vd_recording *recording, const struct vd_turn_input *input,
                      const struct vd_veil *veil, struct vd_text *to) VD_MUSTCHECK;
void vd_recording_end(struct vd_recording *recording, struct vd_text *to);

/* What the four above end with: recording->payload as a frame; for tests that forge some. */
bool vd_recording_frame(struct vd_recording *recording, enum vd_frame kind,
                        struct vd_text *to) VD_MUSTCHECK;

/*
 * Reading: a head of VD_FRAME_HEAD_LEN bytes, then a payload of *len and a
 * tail of VD_FRAME_TAIL_LEN. False with the reason when a byte of it is wrong.
 */
bool vd_recording_head(const struct vd_recording *recording, const unsigned char *head,
                       enum vd_frame *kind, uint32_t *len, struct vd_err *err) VD_MUSTCHECK;
bool vd_recording_check(struct vd_recording *recording, const unsigned char *head,
                        const unsigned char *payload, uint32_t len, const unsigned char *tail,
                        struct vd_err *err) VD_MUSTCHECK;

/* Payloads. What they hold lives in the arena; *image is to be freed, whatever comes back. */
bool vd_recording_read_begin(const unsigned char *payload, size_t len, struct vd_arena *arena,
                             struct vd_origin *origin, struct vd_unpacked_image *image,
                             struct vd_err *err) VD_MUSTCHECK;
bool vd_recording_read_turn(const unsigned char *payload, size_t len, struct vd_arena *arena,
                            struct vd_turn_input *input, struct vd_digest *digest,
                            struct vd_err *err) VD_MUSTCHECK;
bool vd_recording_read_cut(const unsigned char *payload, size_t len, struct vd_arena *arena,
                           struct vd_turn_input *input, struct vd_err *err) VD_MUSTCHECK;

#endif
