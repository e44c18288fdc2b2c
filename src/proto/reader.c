/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reader of requests, see reader.h. Places are kept as offsets, because the
 * input may lie elsewhere the next time; they become pointers when the request
 * is whole.
 */
#include "proto/reader.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct vd_reader_span {
    size_t at;
    size_t len;
};

void vd_reader_init(struct vd_reader *reader)
{
    *reader = (struct vd_reader){.left = -1, .bulk = -1};
}

void vd_reader_free(struct vd_reader *reader)
{
    vd_free(reader->words);
    vd_free(reader->spans);
    vd_arena_free(&reader->arena);
    vd_reader_init(reader);
}

bool vd_reader_is_amid(const struct vd_reader *reader)
{
    return reader->left >= 0 || reader->scanned > 0;
}

static enum vd_read fail(struct vd_reader *reader, const char *what)
{
    (void)snprintf(reader->error, sizeof(reader->error), "Protocol error: %s", what);
    return VD_READ_BROKEN;
}

/* The request is whole and takes `used` bytes; be ready for the next one. */
static enum vd_read finish(struct vd_reader *reader, size_t used)
{
    reader->used = used;
    reader->at = 0;
    reader->scanned = 0;
    reader->left = -1;
    reader->bulk = -1;
    return VD_READ_REQUEST;
}

static void reserve(struct vd_reader *reader)
{
    if (reader->count < reader->room)
        return;
    VD_ASSERT(reader->room < SIZE_MAX / 4 / sizeof(reader->spans[0]));
    reader->room = reader->room == 0 ? 8 : reader->room * 2;
    reader->spans = vd_realloc(reader->spans, reader->room * sizeof(reader->spans[0]));
    reader->words = vd_realloc(reader->words, reader->room * sizeof(reader->words[0]));
}

/* Where is the next `end` at or behind `at`? false: not here yet; it is not searched there again.
 */
static bool find_end(struct vd_reader *reader, const char *bytes, size_t len, char end,
                     size_t *where)
{
    size_t from = reader->scanned > reader->at ? reader->scanned : reader->at;
    const char *found = len > from ? memchr(bytes + from, end, len - from) : NULL;

    if (found == NULL) {
        reader->scanned = len;
        return false;
    }
    *where = (size_t)(found - bytes);
    return true;
}

static enum vd_read read_inline(struct vd_reader *reader, const char *bytes, size_t len)
{
    struct vd_words words;
    size_t end;
    size_t line;

    if (!find_end(reader, bytes, len, '\n', &end)) {
        if (len > VD_READER_INLINE_MAX)
            return fail(reader, "too big inline request");
        return VD_READ_MORE;
    }
    line = end;
    if (line > 0 && bytes[line - 1] == '\r')
        line--;
    vd_arena_reset(&reader->arena);
    if (!vd_words_split(bytes, line, &reader->arena, &words))
        return fail(reader, "unbalanced quotes in request");
    reader->count = 0;
    for (size_t i = 0; i < words.count; i++) {
        reserve(reader);
        reader->words[reader->count++] = words.list[i];
    }
    return finish(reader, end + 1);
}

/*
 * The number behind the first byte of a line that ends in CR and one byte
 * more, which nobody looks at. `at` moves behind the line; `*ok` tells whether
 * it was a number. compat: a line is judged only when all of it is there.
 */
static enum vd_read read_number(struct vd_reader *reader, const char *bytes, size_t len,
                                const char *too_big, char *first, int64_t *number, bool *ok)
{
    size_t end;

    if (!find_end(reader, bytes, len, '\r', &end)) {
        if (len - reader->at > VD_READER_INLINE_MAX)
            return fail(reader, too_big);
        return VD_READ_MORE;
    }
    if (len - end < 2) {
        reader->scanned = end;
        return VD_READ_MORE;
    }
    *first = bytes[reader->at];
    *ok = end > reader->at && vd_parse_int64(bytes + reader->at + 1, end - reader->at - 1, number);
    reader->at = end + 2;
    return VD_READ_REQUEST;
}

static enum vd_read read_count(struct vd_reader *reader, const char *bytes, size_t len,
                               bool stranger)
{
    int64_t count = 0;
    char first;
    bool ok;
    enum vd_read got =
        read_number(reader, bytes, len, "too big mbulk count string", &first, &count, &ok);

    if (got != VD_READ_REQUEST)
        return got;
    if (!ok || count > INT_MAX)
        return fail(reader, "invalid multibulk length");
    if (stranger && count > VD_READER_STRANGER_WORDS)
        return fail(reader, "unauthenticated multibulk length");
    reader->left = count > 0 ? count : 0;
    reader->count = 0;
    return VD_READ_REQUEST;
}

static enum vd_read read_bulk_length(struct vd_reader *reader, const char *bytes, size_t len,
                                     bool stranger)
{
    int64_t length = 0;
    char first = '\0';
    bool ok;
    enum vd_read got =
        read_number(reader, bytes, len, "too big bulk count string", &first, &length, &ok);

    if (got != VD_READ_REQUEST)
        return got;
    if (first != '$') {
        char what[] = "expected '$', got '?'";

        if (first != '\0')
            what[sizeof(what) - 3] = first;
        return fail(reader, what);
    }
    if (!ok || length < 0 || length > VD_READER_BULK_MAX)
        return fail(reader, "invalid bulk length");
    if (stranger && length > VD_READER_STRANGER_BULK)
        return fail(reader, "unauthenticated bulk length");
    reader->bulk = length;
    return VD_READ_REQUEST;
}

static enum vd_read read_word(struct vd_reader *reader, const char *bytes, size_t len,
                              bool stranger)
{
    if (reader->bulk < 0) {
        enum vd_read got = read_bulk_length(reader, bytes, len, stranger);

        if (got != VD_READ_REQUEST)
            return got;
    }
    if (len - reader->at < (size_t)reader->bulk + 2)
        return VD_READ_MORE;
    reserve(reader);
    reader->spans[reader->count++] =
        (struct vd_reader_span){.at = reader->at, .len = (size_t)reader->bulk};
    reader->at += (size_t)reader->bulk + 2;
    reader->bulk = -1;
    reader->left--;
    return VD_READ_REQUEST;
}

enum vd_read vd_reader_next(struct vd_reader *reader, char *bytes, size_t len, bool stranger)
{
    if (reader->left < 0) {
        enum vd_read got;

        if (len == 0)
            return VD_READ_MORE;
        if (bytes[0] != '*')
            return read_inline(reader, bytes, len);
        got = read_count(reader, bytes, len, stranger);
        if (got != VD_READ_REQUEST)
            return got;
    }
    while (reader->left > 0) {
        enum vd_read got = read_word(reader, bytes, len, stranger);

        if (got != VD_READ_REQUEST)
            return got;
    }
    for (size_t i = 0; i < reader->count; i++) {
        const struct vd_reader_span *span = &reader->spans[i];

        /* The line end behind a word was read and is not needed any more. */
        bytes[span->at + span->len] = '\0';
        reader->words[i] = (struct vd_word){.bytes = bytes + span->at, .len = span->len};
    }
    return finish(reader, reader->at);
}
