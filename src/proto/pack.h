/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pack: what crosses the core's door in an exact form of bytes, so that it can
 * be kept and read back byte for byte: events and images both ways, effects
 * one way, for comparing. Every value has one form only, and the way back
 * takes nothing else. Numbers are written as in LEB128; texts with their
 * length, and NULL is not "". An INFO is its text, which is parsed again.
 */
#ifndef VD_PROTO_PACK_H
#define VD_PROTO_PACK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "core/core.h"

/*
 * Writing: what stands for secrets. `hide` gives the text to be written in a
 * secret's place, valid until its next call; the secret is neither NULL nor
 * empty. Without a veil (NULL) secrets are written as they are.
 */
struct vd_veil {
    const char *(*hide)(void *self, const char *secret);
    void *self;
};

void vd_pack_number(uint64_t number, struct vd_text *to);
void vd_pack_signed(int64_t number, struct vd_text *to);
void vd_pack_string(const char *string, struct vd_text *to);

/* An event that may be pushed: an INFO has a text if it has facts. */
void vd_pack_event(const struct vd_event *event, const struct vd_veil *veil, struct vd_text *to);
void vd_pack_effect(const struct vd_effect *effect, const struct vd_veil *veil, struct vd_text *to);
void vd_pack_image(const struct vd_image *image, const struct vd_veil *veil, struct vd_text *to);

/*
 * Reading. After the first complaint every reader gives 0, false or NULL and
 * takes nothing; look once, at the end. Texts and lists live in the arena.
 */
struct vd_unpack {
    const unsigned char *at;
    const unsigned char *end;
    const char *complaint; /* what is wrong with the bytes; NULL: nothing yet */
    struct vd_arena *arena;
};

/* Says what is wrong, unless something was before. */
void vd_unpack_fail(struct vd_unpack *from, const char *complaint);

uint64_t vd_unpack_number(struct vd_unpack *from, uint64_t max);
int64_t vd_unpack_signed(struct vd_unpack *from);
bool vd_unpack_bool(struct vd_unpack *from);
/* Without a NUL among its bytes; may be NULL. */
const char *vd_unpack_string(struct vd_unpack *from);
/* The same, but NULL is wrong; "" is then given. */
const char *vd_unpack_text(struct vd_unpack *from);
/* Into an array of `size` bytes. */
void vd_unpack_array(struct vd_unpack *from, char *to, size_t size);
/* How many elements follow, each of at least `least` bytes. */
size_t vd_unpack_count(struct vd_unpack *from, size_t least);

void vd_unpack_event(struct vd_unpack *from, struct vd_event *out);

/*
 * All groups of an image to start from; `removed` must be empty. The options
 * are not of the arena: they are owned by *out (vd_unpacked_image_free, also
 * after a complaint).
 */
struct vd_unpacked_image {
    struct vd_image image;
    struct vd_globals globals;
    struct vd_options *options; /* one for each group */
    size_t option_count;
};
void vd_unpack_image(struct vd_unpack *from, struct vd_unpacked_image *out);
void vd_unpacked_image_free(struct vd_unpacked_image *image);

/* Parts of events and images; for pack_*.c only. */
void vd_pack_addr(const struct vd_addr *addr, struct vd_text *to);
void vd_pack_secret(const char *secret, const struct vd_veil *veil, struct vd_text *to);
void vd_unpack_addr(struct vd_unpack *from, struct vd_addr *out);
void vd_pack_order(const struct vd_order *order, const struct vd_veil *veil, struct vd_text *to);
const struct vd_order *vd_unpack_order(struct vd_unpack *from);

#endif
