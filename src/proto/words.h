/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Words: lines split at blanks, with quotes, as Redis splits lines of its
 * configuration and inline commands; and the way back.
 */
#ifndef VD_PROTO_WORDS_H
#define VD_PROTO_WORDS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/text.h"

/* One word; a NUL stands behind its bytes, and others may stand among them. */
struct vd_word {
    const char *bytes;
    size_t len;
};

struct vd_words {
    struct vd_word *list;
    size_t count;
};

/*
 * Split a line. "..." takes \n \r \t \b \a \\ \" \xHH, any other \c is c; '...'
 * takes \' only. A closing quote must be followed by a blank or the end. A NUL
 * ends the line. False when quotes are not balanced. Words live in the arena.
 */
bool vd_words_split(const char *line, size_t len, struct vd_arena *arena,
                    struct vd_words *out) VD_MUSTCHECK;

/* Append the word so that vd_words_split reads it back: bare when it is plain, else in "...". */
void vd_words_quote(const char *bytes, size_t len, struct vd_text *to);

/* Is the word, whatever its case, this name? */
bool vd_word_is(const struct vd_word *word, const char *name);

/* Are the words the same but for their case? */
bool vd_words_equal(const struct vd_word *a, const struct vd_word *b);

/* Does the word hold a byte that could break a line: <= 0x1F or 0x7F? */
bool vd_word_has_control(const struct vd_word *word);

#endif
