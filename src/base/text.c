/* SPDX-License-Identifier: BSD-3-Clause */
/* Text buffer and strict readers, see text.h. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void reserve(struct vd_text *text, size_t more)
{
    size_t need;
    size_t room = text->room == 0 ? 64 : text->room;

    VD_ASSERT(more < SIZE_MAX / 4 - text->len);
    need = text->len + more + 1;
    if (need <= text->room)
        return;
    while (room < need)
        room *= 2;
    text->bytes = vd_realloc(text->bytes, room);
    text->room = room;
}

void vd_text_add(struct vd_text *text, const void *bytes, size_t len)
{
    reserve(text, len);
    if (len != 0)
        memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void vd_text_puts(struct vd_text *text, const char *string)
{
    vd_text_add(text, string, strlen(string));
}

void vd_text_putc(struct vd_text *text, char c)
{
    vd_text_add(text, &c, 1);
}

void vd_text_printf(struct vd_text *text, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    VD_ASSERT(len >= 0);
    reserve(text, (size_t)len);
    va_start(args, format);
    (void)vsnprintf(text->bytes + text->len, (size_t)len + 1, format, args);
    va_end(args);
    text->len += (size_t)len;
}

void vd_text_put_int(struct vd_text *text, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = number < 0 ? 0U - (uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + rest % 10U);
        rest /= 10U;
    } while (rest != 0);
    if (number < 0)
        digits[--at] = '-';
    vd_text_add(text, digits + at, sizeof(digits) - at);
}

void vd_text_cut(struct vd_text *text, size_t len)
{
    VD_ASSERT(len <= text->len);
    text->len = len;
    if (text->bytes != NULL)
        text->bytes[len] = '\0';
}

void vd_text_clear(struct vd_text *text)
{
    text->len = 0;
    if (text->bytes != NULL)
        text->bytes[0] = '\0';
}

void vd_text_free(struct vd_text *text)
{
    vd_free(text->bytes);
    text->bytes = NULL;
    text->len = 0;
    text->room = 0;
}

const char *vd_text_cstr(const struct vd_text *text)
{
    return text->bytes == NULL ? "" : text->bytes;
}

bool vd_copy(char *to, size_t size, const char *from)
{
    size_t len = strlen(from);

    VD_ASSERT(size > 0);
    if (len >= size) {
        to[0] = '\0';
        return false;
    }
    memmove(to, from, len + 1);
    return true;
}

bool vd_parse_uint64(const char *bytes, size_t len, uint64_t *out)
{
    uint64_t value = 0;

    if (len == 0 || len > 20 || (bytes[0] == '0' && len > 1))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)bytes[i] - '0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10U)
            return false;
        value = value * 10U + digit;
    }
    *out = value;
    return true;
}

bool vd_parse_int64(const char *bytes, size_t len, int64_t *out)
{
    bool negative = len > 0 && bytes[0] == '-';
    uint64_t value;

    if (!vd_parse_uint64(bytes + negative, len - negative, &value))
        return false;
    if (negative) {
        if (value == 0 || value > (uint64_t)INT64_MAX + 1U)
            return false;
        *out = (int64_t)(0U - value);
        return true;
    }
    if (value > (uint64_t)INT64_MAX)
        return false;
    *out = (int64_t)value;
    return true;
}

static unsigned char fold(char c, bool ignore_case)
{
    unsigned char u = (unsigned char)c;

    return ignore_case && u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32U) : u;
}

/* One [class] at `*at`; moves `*at` behind it. An unclosed class ends with the pattern. */
static bool class_has(const char *pattern, size_t len, size_t *at, unsigned char c,
                      bool ignore_case)
{
    size_t i = *at + 1;
    bool negated = i < len && pattern[i] == '^';
    bool found = false;

    if (negated)
        i++;
    while (i < len && pattern[i] != ']') {
        unsigned char low;
        unsigned char high;

        if (pattern[i] == '\\' && i + 1 < len)
            i++;
        low = high = fold(pattern[i], ignore_case);
        if (i + 2 < len && pattern[i + 1] == '-') {
            high = fold(pattern[i + 2], ignore_case);
            i += 2;
        }
        if (low > high) {
            unsigned char swap = low;

            low = high;
            high = swap;
        }
        found = found || (c >= low && c <= high);
        i++;
    }
    *at = i < len ? i + 1 : len;
    return found != negated;
}

bool vd_glob(const char *pattern, size_t pattern_len, const char *text, size_t len,
             bool ignore_case)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX; /* pattern place behind the last '*' */
    size_t star_text = 0;   /* text place that '*' was tried up to */

    /* Iterative, with one point of return: linear memory, no hostile recursion. */
    while (t < len || p < pattern_len) {
        if (p < pattern_len && pattern[p] == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (p < pattern_len && t < len) {
            size_t next = p + 1;
            bool ok;

            if (pattern[p] == '?') {
                ok = true;
            } else if (pattern[p] == '[') {
                next = p;
                ok =
                    class_has(pattern, pattern_len, &next, fold(text[t], ignore_case), ignore_case);
            } else {
                if (pattern[p] == '\\' && p + 1 < pattern_len)
                    next = ++p + 1;
                ok = fold(pattern[p], ignore_case) == fold(text[t], ignore_case);
            }
            if (ok) {
                p = next;
                t++;
                continue;
            }
        }
        if (star == SIZE_MAX || star_text >= len)
            return false;
        p = star;
        t = ++star_text;
    }
    return true;
}
