/* SPDX-License-Identifier: BSD-3-Clause */
/* Show: see show.h. */
#include "ctl/show.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Text from outside ------------------------------------------------------------------- */

/* The length of the well-formed UTF-8 character that stands there, and what it is; 0: none. */
static size_t read_utf8(const unsigned char *at, size_t left, unsigned *code)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = at[0] < 0x80   ? 1
                 : at[0] < 0xc2 ? 0
                 : at[0] < 0xe0 ? 2
                 : at[0] < 0xf0 ? 3
                 : at[0] < 0xf5 ? 4
                                : 0;

    if (len == 0 || len > left)
        return 0;
    *code = len == 1 ? at[0] : at[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3f);
    }
    if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return len;
}

/* What a terminal obeys rather than shows. */
static bool is_command(unsigned code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static void put_hex(struct vd_text *to, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        vd_text_printf(to, "\\x%02x", bytes[i]);
}

void vd_ctl_put_safe(struct vd_text *to, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);

    while (left > 0) {
        unsigned code = 0;
        size_t len = read_utf8(at, left, &code);
        size_t taken = len == 0 ? 1 : len;

        if (len == 0 || is_command(code))
            put_hex(to, at, taken);
        else if (code == '\\' && left > 1 && at[1] == 'x')
            vd_text_puts(to, "\\\\");
        else
            vd_text_add(to, at, taken);
        at += taken;
        left -= taken;
    }
}

json_t *vd_ctl_json_text(const char *text, size_t len)
{
    json_t *value = json_stringn(text, len);
    const unsigned char *at = (const unsigned char *)text;
    struct vd_text mended = {0};

    if (value != NULL)
        return value;
    for (size_t i = 0; i < len;) {
        unsigned code;
        size_t taken = read_utf8(at + i, len - i, &code);

        if (taken == 0) {
            put_hex(&mended, at + i, 1);
            taken = 1;
        } else {
            vd_text_add(&mended, at + i, taken);
        }
        i += taken;
    }
    value = json_stringn(vd_text_cstr(&mended), mended.len);
    vd_text_free(&mended);
    VD_ASSERT(value != NULL);
    return value;
}

size_t vd_ctl_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++) {
        if (*text == '\033') {
            while (*text != '\0' && *text != 'm')
                text++;
            if (*text == '\0')
                break;
            continue;
        }
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

/* Quantities --------------------------------------------------------------------------- */

void vd_ctl_put_duration(struct vd_text *to, int64_t ms)
{
    const int64_t s = ms / 1000;

    if (ms < 0)
        vd_text_puts(to, "?");
    else if (ms < 1000)
        vd_text_printf(to, "%lld ms", (long long)ms);
    else if (ms < 60000)
        vd_text_printf(to, "%lld.%lld s", (long long)s, (long long)(ms % 1000 / 100));
    else if (s < 3600)
        vd_text_printf(to, "%lld min", (long long)((s + 30) / 60));
    else if (s < 86400)
        vd_text_printf(to, "%lld h %lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
    else
        vd_text_printf(to, "%lld d %lld h", (long long)(s / 86400), (long long)(s % 86400 / 3600));
}

void vd_ctl_put_bytes(struct vd_text *to, int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024. && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024.;
        unit++;
    }
    vd_text_printf(to, unit > 0 && value < 10. ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void vd_ctl_put_time(struct vd_text *to, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    char when[32] = "?";

    if (localtime_r(&seconds, &parts) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &parts);
    vd_text_printf(to, "%s.%03d", when, (int)(wall_ms % 1000));
}

/* Colours -------------------------------------------------------------------------------- */

static const char *const colours[] = {
    [VD_CTL_PLAIN] = "",        [VD_CTL_GOOD] = "\033[32m", [VD_CTL_BAD] = "\033[1;31m",
    [VD_CTL_WARN] = "\033[33m", [VD_CTL_FAINT] = "\033[2m", [VD_CTL_BOLD] = "\033[1m",
};

static void put_coloured(struct vd_text *to, bool coloured, enum vd_ctl_colour colour,
                         const char *format, va_list args) __attribute__((format(printf, 4, 0)));
static void put_coloured(struct vd_text *to, bool coloured, enum vd_ctl_colour colour,
                         const char *format, va_list args)
{
    bool paint = coloured && colour != VD_CTL_PLAIN;
    char *made = NULL;

    VD_ASSERT(vasprintf(&made, format, args) >= 0);
    if (paint)
        vd_text_puts(to, colours[colour]);
    vd_ctl_put_safe(to, made);
    if (paint)
        vd_text_puts(to, "\033[0m");
    free(made);
}

void vd_ctl_put_coloured(struct vd_text *to, bool coloured, enum vd_ctl_colour colour,
                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_coloured(to, coloured, colour, format, args);
    va_end(args);
}

/* Tables ---------------------------------------------------------------------------------- */

struct vd_ctl_cell {
    char *text; /* NULL: the row ends */
    bool right;
};

void vd_ctl_table_init(struct vd_ctl_table *table, bool coloured, unsigned indent)
{
    *table = (struct vd_ctl_table){.coloured = coloured, .indent = indent};
}

static void add_cell(struct vd_ctl_table *table, const char *text, bool right)
{
    if ((table->count & (table->count - 1)) == 0)
        table->cells = vd_realloc(table->cells, (table->count == 0 ? 1 : 2 * table->count) *
                                                    sizeof(table->cells[0]));
    table->cells[table->count++] =
        (struct vd_ctl_cell){text == NULL ? NULL : vd_strdup(text), right};
}

void vd_ctl_cell(struct vd_ctl_table *table, enum vd_ctl_colour colour, const char *format, ...)
{
    va_list args;

    vd_text_clear(&table->row);
    va_start(args, format);
    put_coloured(&table->row, table->coloured, colour, format, args);
    va_end(args);
    add_cell(table, vd_text_cstr(&table->row), false);
}

void vd_ctl_cell_right(struct vd_ctl_table *table, enum vd_ctl_colour colour, const char *format,
                       ...)
{
    va_list args;

    vd_text_clear(&table->row);
    va_start(args, format);
    put_coloured(&table->row, table->coloured, colour, format, args);
    va_end(args);
    add_cell(table, vd_text_cstr(&table->row), true);
}

void vd_ctl_row_end(struct vd_ctl_table *table)
{
    size_t columns = 0;

    for (size_t i = table->count; i > 0 && table->cells[i - 1].text != NULL; i--)
        columns++;
    if (columns > table->columns)
        table->columns = columns;
    add_cell(table, NULL, false);
}

static void put_blanks(struct vd_text *to, size_t count)
{
    while (count-- > 0)
        vd_text_putc(to, ' ');
}

static size_t *measure(const struct vd_ctl_table *table)
{
    size_t *widths = vd_calloc(table->columns + 1, sizeof(widths[0]));
    size_t column = 0;

    for (size_t i = 0; i < table->count; i++) {
        const char *text = table->cells[i].text;
        size_t width = text == NULL ? 0 : vd_ctl_width(text);

        if (text == NULL) {
            column = 0;
            continue;
        }
        if (width > widths[column])
            widths[column] = width;
        column++;
    }
    return widths;
}

void vd_ctl_table_put(struct vd_ctl_table *table, struct vd_text *to)
{
    size_t *widths = measure(table);
    size_t column = 0;
    size_t owed = table->indent; /* blanks, which never end a line */

    for (size_t i = 0; i < table->count; i++) {
        const struct vd_ctl_cell *cell = &table->cells[i];
        size_t pad;

        if (cell->text == NULL) {
            vd_text_putc(to, '\n');
            column = 0;
            owed = table->indent;
            continue;
        }
        pad = widths[column] - vd_ctl_width(cell->text);
        if (cell->right)
            owed += pad;
        if (cell->text[0] != '\0') {
            put_blanks(to, owed);
            owed = 0;
        }
        vd_text_puts(to, cell->text);
        owed += (cell->right ? 0 : pad) + 2;
        column++;
    }
    vd_free(widths);
    vd_ctl_table_free(table);
}

void vd_ctl_table_free(struct vd_ctl_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        vd_free(table->cells[i].text);
    vd_free(table->cells);
    vd_text_free(&table->row);
    vd_ctl_table_init(table, table->coloured, table->indent);
}
