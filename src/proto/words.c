/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Splitting and quoting of words. One pass over the line into one buffer of
 * the arena: unquoting never makes a line longer.
 */
#include <string.h>

#include "proto/words.h"

struct splitter {
    const char *at;
    const char *end;
    char *out; /* where the next byte of a word goes */
};

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* What stands behind a backslash in double quotes; moves behind it. */
static char take_escape(struct splitter *s)
{
    char c = *s->at++;

    switch (c) {
    case 'x':
        if (s->end - s->at >= 2 && hex_value(s->at[0]) >= 0 && hex_value(s->at[1]) >= 0) {
            int byte = hex_value(s->at[0]) * 16 + hex_value(s->at[1]);

            s->at += 2;
            return (char)byte;
        }
        return c;
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

/* The inside of quotes and the closing one. */
static bool take_quoted(struct splitter *s, char quote)
{
    while (s->at < s->end) {
        char c = *s->at++;

        if (c == quote)
            return s->at == s->end || is_blank(*s->at);
        if (c == '\\' && s->at < s->end) {
            if (quote == '"')
                c = take_escape(s);
            else if (*s->at == '\'')
                c = *s->at++;
        }
        *s->out++ = c;
    }
    return false;
}

static bool take_word(struct splitter *s)
{
    while (s->at < s->end && !is_blank(*s->at)) {
        char c = *s->at++;

        if (c == '"' || c == '\'') {
            if (!take_quoted(s, c))
                return false;
            return true;
        }
        *s->out++ = c;
    }
    return true;
}

bool vd_words_split(const char *line, size_t len, struct vd_arena *arena, struct vd_words *out)
{
    const char *nul = memchr(line, '\0', len);
    struct splitter s = {.at = line, .end = line + len};
    size_t most = len / 2 + 1;

    /* compat: to Sentinel a NUL is the end of the line. */
    if (nul != NULL)
        s.end = nul;
    /* Each word needs a NUL, for which the blank or the quotes round it have left room. */
    s.out = vd_arena_alloc(arena, len + 1);
    out->list = vd_arena_alloc(arena, most * sizeof(out->list[0]));
    out->count = 0;
    for (;;) {
        struct vd_word *word = &out->list[out->count];

        while (s.at < s.end && is_blank(*s.at))
            s.at++;
        if (s.at == s.end)
            return true;
        word->bytes = s.out;
        if (!take_word(&s))
            return false;
        word->len = (size_t)(s.out - word->bytes);
        *s.out++ = '\0';
        out->count++;
    }
}

static bool is_plain(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] <= ' ' || bytes[i] >= 0x7f || strchr("\"'\\#", bytes[i]) != NULL)
            return false;
    }
    return len > 0;
}

void vd_words_quote(const char *bytes, size_t len, struct vd_text *to)
{
    if (is_plain(bytes, len)) {
        vd_text_add(to, bytes, len);
        return;
    }
    vd_text_putc(to, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c == '"' || c == '\\')
            vd_text_printf(to, "\\%c", c);
        else if (c == '\n')
            vd_text_puts(to, "\\n");
        else if (c == '\r')
            vd_text_puts(to, "\\r");
        else if (c == '\t')
            vd_text_puts(to, "\\t");
        else if (c < ' ' || c >= 0x7f)
            vd_text_printf(to, "\\x%02x", c);
        else
            vd_text_putc(to, (char)c);
    }
    vd_text_putc(to, '"');
}

bool vd_words_equal(const struct vd_word *a, const struct vd_word *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++) {
        if (fold(a->bytes[i]) != fold(b->bytes[i]))
            return false;
    }
    return true;
}

bool vd_word_is(const struct vd_word *word, const char *name)
{
    const struct vd_word other = {name, strlen(name)};

    return vd_words_equal(word, &other);
}

bool vd_word_has_control(const struct vd_word *word)
{
    for (size_t i = 0; i < word->len; i++) {
        unsigned char c = (unsigned char)word->bytes[i];

        if (c <= 0x1f || c == 0x7f)
            return true;
    }
    return false;
}
