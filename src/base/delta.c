/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delta: see delta.h. It is a list of moves: leave out so many bytes of the
 * model, take over so many, put these in. Lines are matched by their keys;
 * within a pair of lines what they begin and end with is taken over.
 */
#include "base/delta.h"

#include <string.h>

#define LOOK_AHEAD 24   /* lines of the model that a text may lack in a row, */
#define LOOK_BYTES 4096 /* ... and bytes: the model's lines may be of any length */
#define COUNT_MAX 10    /* bytes of a count */

struct vd_delta {
    const struct vd_text *model;
    size_t len;
    unsigned char bytes[];
};

struct line {
    const char *at;
    size_t len; /* with its end */
};

/* The move that is being made: `left_out` and `taken` are of the model, `added` of the text. */
struct writer {
    struct vd_text out;
    size_t left_out;
    size_t taken;
    const char *added;
    size_t added_len;
};

static void put_count(struct vd_text *out, size_t count)
{
    char bytes[COUNT_MAX];
    size_t len = 0;

    for (; count >= 0x80; count >>= 7)
        bytes[len++] = (char)(0x80 | (count & 0x7f));
    bytes[len++] = (char)count;
    vd_text_add(out, bytes, len);
}

static size_t take_count(const unsigned char **at)
{
    size_t count = 0;
    unsigned shift = 0;

    for (; (**at & 0x80) != 0; (*at)++, shift += 7)
        count |= (size_t)(**at & 0x7f) << shift;
    return count | (size_t)(*(*at)++) << shift;
}

static void end_move(struct writer *writer)
{
    if (writer->taken == 0 && writer->added_len == 0)
        return; /* what is left out waits for what follows */
    put_count(&writer->out, writer->left_out);
    put_count(&writer->out, writer->taken);
    put_count(&writer->out, writer->added_len);
    vd_text_add(&writer->out, writer->added, writer->added_len);
    writer->left_out = writer->taken = writer->added_len = 0;
}

static void leave_out(struct writer *writer, size_t len)
{
    if (len == 0)
        return;
    end_move(writer);
    writer->left_out += len;
}

static void take(struct writer *writer, size_t len)
{
    if (len == 0)
        return;
    if (writer->added_len != 0)
        end_move(writer);
    writer->taken += len;
}

/* Never with anything between: the text is walked from its beginning to its end. */
static void add(struct writer *writer, const char *bytes, size_t len)
{
    if (writer->added_len == 0)
        writer->added = bytes;
    writer->added_len += len;
}

static struct line line_at(const char *at, const char *end)
{
    const char *newline = at == end ? NULL : memchr(at, '\n', (size_t)(end - at));

    return (struct line){at, (size_t)((newline == NULL ? end : newline + 1) - at)};
}

/* Eight at a time: most of it is alike. */
static size_t common_start(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t most = a_len < b_len ? a_len : b_len;
    size_t len = 0;

    while (most - len >= sizeof(uint64_t) && memcmp(a + len, b + len, sizeof(uint64_t)) == 0)
        len += sizeof(uint64_t);
    while (len < most && a[len] == b[len])
        len++;
    return len;
}

static size_t common_end(const struct line *a, const struct line *b, size_t start)
{
    size_t most = (a->len < b->len ? a->len : b->len) - start;
    size_t len = 0;

    while (len < most && a->at[a->len - 1 - len] == b->at[b->len - 1 - len])
        len++;
    return len;
}

/* The model's next line of the same key, or the very same line; else one of length 0. */
static struct line find_alike(const char *model, const char *end, const struct line *line)
{
    const char *colon = memchr(line->at, ':', line->len);
    size_t key = colon == NULL ? line->len : (size_t)(colon + 1 - line->at);

    if ((size_t)(end - model) > LOOK_BYTES)
        end = model + LOOK_BYTES;
    for (int i = 0; i < LOOK_AHEAD && model != end; i++) {
        struct line other = line_at(model, end);

        if (other.len >= key && memcmp(other.at, line->at, key) == 0)
            return other;
        model += other.len;
    }
    return (struct line){model, 0};
}

/* How far whole lines are the same. */
static size_t common_lines(const char *text, size_t len, const char *model, size_t model_len)
{
    size_t same = common_start(text, len, model, model_len);

    while (same > 0 && text[same - 1] != '\n')
        same--;
    return same;
}

/* One line of the text, which begins other than the model does there. Returns where the model goes
 * on. */
static const char *write_line(struct writer *writer, const struct line *line, const char *model,
                              const char *model_end)
{
    struct line other = find_alike(model, model_end, line);
    size_t start = common_start(line->at, line->len, other.at, other.len);
    size_t same_end = common_end(line, &other, start);

    if (other.len == 0) {
        add(writer, line->at, line->len);
        return model;
    }
    leave_out(writer, (size_t)(other.at - model));
    take(writer, start);
    if (line->len > start + same_end)
        add(writer, line->at + start, line->len - start - same_end);
    leave_out(writer, other.len - start - same_end);
    take(writer, same_end);
    return other.at + other.len;
}

struct vd_delta *vd_delta_new(const struct vd_text *model, const char *text, size_t len)
{
    const char *at = vd_text_cstr(model);
    const char *model_end = at + model->len;
    const char *end = text + len;
    struct writer writer = {0};
    struct vd_delta *delta;

    while (text != end) {
        size_t same = common_lines(text, (size_t)(end - text), at, (size_t)(model_end - at));
        struct line line = line_at(text + same, end);

        take(&writer, same);
        at += same;
        if (line.len != 0)
            at = write_line(&writer, &line, at, model_end);
        text += same + line.len;
    }
    end_move(&writer);
    delta = vd_alloc(sizeof(*delta) + writer.out.len);
    delta->model = model;
    delta->len = writer.out.len;
    if (writer.out.len != 0)
        memcpy(delta->bytes, writer.out.bytes, writer.out.len);
    vd_text_free(&writer.out);
    return delta;
}

void vd_delta_read(const struct vd_delta *delta, struct vd_text *to)
{
    const char *model = vd_text_cstr(delta->model);
    const unsigned char *at = delta->bytes;
    const unsigned char *end = at + delta->len;

    while (at != end) {
        size_t left_out = take_count(&at);
        size_t taken = take_count(&at);
        size_t added = take_count(&at);

        model += left_out;
        vd_text_add(to, model, taken);
        model += taken;
        vd_text_add(to, at, added);
        at += added;
    }
}

size_t vd_delta_size(const struct vd_delta *delta)
{
    return sizeof(*delta) + delta->len;
}
