/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Liar: what servers, peers and operators say who cannot be trusted. Every byte
 * of the input is one choice; when they are used up, the first of all choices
 * is made for ever. Some of what is said is true, so that there is a story.
 */
#ifndef VD_TESTS_LIAR_H
#define VD_TESTS_LIAR_H

#include "base/arena.h"
#include "core/value.h"

#define LIAR_SELF "5e1f000000000000000000000000000000000000"

void liar_begin(const uint8_t *bytes, size_t len);
bool liar_is_done(void);

/* A number below `count`. */
unsigned liar_take(unsigned count);

const char *liar_host(void); /* a literal, a name, or "" */
const char *liar_id(void);   /* LIAR_SELF, a peer's, a lineage, "*" */
uint64_t liar_epoch(void);
struct vd_addr liar_addr(void);
const char *liar_group(void); /* "m", "n", "x" or "*" */

/* The text of an INFO, and the line of a hello. */
const char *liar_info(struct vd_arena *arena);
const char *liar_hello(struct vd_arena *arena);

#endif
