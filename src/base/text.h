/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text: a growing byte buffer, and the small strict readers that everything
 * from outside passes through. Binary safe; always NUL-terminated behind its
 * length.
 */
#ifndef VD_BASE_TEXT_H
#define VD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct vd_text {
    char *bytes; /* NULL while empty */
    size_t len;
    size_t room;
};

/* A zeroed struct vd_text is empty and ready. */

void vd_text_add(struct vd_text *text, const void *bytes, size_t len);
void vd_text_puts(struct vd_text *text, const char *string);
void vd_text_putc(struct vd_text *text, char c);
void vd_text_printf(struct vd_text *text, const char *format, ...) VD_PRINTF(2, 3);
/* Decimal without the cost of printf. */
void vd_text_put_int(struct vd_text *text, int64_t number);
/* Shorten to this length, which must not be more than it has. */
void vd_text_cut(struct vd_text *text, size_t len);
/* Length 0, memory kept. */
void vd_text_clear(struct vd_text *text);
void vd_text_free(struct vd_text *text);
/* The bytes as a C string, "" while empty; valid until the next change. */
const char *vd_text_cstr(const struct vd_text *text);

/*
 * Copy `from` into the array `to` of `size` bytes. False, and "" in `to`, if it
 * does not fit: nothing is ever cut silently.
 */
bool vd_copy(char *to, size_t size, const char *from) VD_MUSTCHECK;

/* A whole decimal 64-bit number without blanks, sign '-' allowed; else false. */
bool vd_parse_int64(const char *bytes, size_t len, int64_t *out) VD_MUSTCHECK;

/* A whole unsigned decimal 64-bit number without blanks or sign; else false. */
bool vd_parse_uint64(const char *bytes, size_t len, uint64_t *out) VD_MUSTCHECK;

/* Glob as Redis has it (* ? [a-z] [^a] \x), over bytes. */
bool vd_glob(const char *pattern, size_t pattern_len, const char *text, size_t len,
             bool ignore_case);

#endif
