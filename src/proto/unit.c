/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers with units, and the name that was probably meant. Declared in
 * option.h: they are how options are written and mistyped.
 */
#include <string.h>
#include <strings.h>

#include "proto/option.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit sizes[] = {
    {"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1024},
    {"m", 1000000}, {"mb", 1048576}, {"g", 1000000000}, {"gb", 1073741824},
};

static bool parse_with_unit(const char *text, size_t len, const struct unit *units, size_t count,
                            int64_t *out)
{
    size_t digits = 0;
    int64_t number;

    while (digits < len && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    if (!vd_parse_int64(text, digits, &number))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) != len - digits ||
            strncasecmp(units[i].name, text + digits, len - digits) != 0)
            continue;
        if (number > INT64_MAX / units[i].factor)
            return false;
        *out = number * units[i].factor;
        return true;
    }
    return false;
}

bool vd_duration_parse(const char *text, size_t len, vd_ms *out)
{
    if (len == 1 && text[0] == '0') {
        *out = 0;
        return true;
    }
    return parse_with_unit(text, len, durations, sizeof(durations) / sizeof(durations[0]), out);
}

bool vd_size_parse(const char *text, size_t len, int64_t *out)
{
    return parse_with_unit(text, len, sizes, sizeof(sizes) / sizeof(sizes[0]), out);
}

#define LONGEST_NAME 64

static char fold(char c)
{
    if (c == '_')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/*
 * Edits to make one of the other; two letters that changed places are one edit.
 * Any number above `most` where it is more than that, which is seen before the
 * end: in the difference of lengths, or where two rows are above it already.
 */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len, size_t most)
{
    size_t row[3][LONGEST_NAME + 1];
    size_t least_above = 0;

    if ((a_len > b_len ? a_len - b_len : b_len - a_len) > most)
        return most + 1;
    for (size_t j = 0; j <= b_len; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = row[i % 3];
        const size_t *above = row[(i - 1) % 3];
        const size_t *two_above = row[(i + 1) % 3];
        size_t least_now = i;

        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = fold(a[i - 1]) == fold(b[j - 1]);

            now[j] = least(above[j] + 1, now[j - 1] + 1, above[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]))
                now[j] = least(now[j], now[j], two_above[j - 2] + 1);
            least_now = least(least_now, least_now, now[j]);
        }
        if (least_now > most && least_above > most)
            return most + 1;
        least_above = least_now;
    }
    return row[a_len % 3][b_len];
}

const char *vd_name_nearest(const char *name, const char *const *names, size_t count)
{
    size_t len = strlen(name);
    const char *best = NULL;
    size_t best_distance = len / 3 + 1; /* more edits than a third is another word */

    if (len > LONGEST_NAME)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t known_len = strlen(names[i]);
        size_t distance;

        if (known_len > LONGEST_NAME)
            continue;
        distance = edit_distance(name, len, names[i], known_len, best_distance);
        if (distance < best_distance || (distance == best_distance && best == NULL)) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
