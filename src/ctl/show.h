/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Show: text for people: aligned columns, colour on a terminal, times in words
 * that are read at a glance, and nothing from the network that a terminal would
 * obey.
 */
#ifndef VD_CTL_SHOW_H
#define VD_CTL_SHOW_H

#include <jansson.h>

#include "base/text.h"

/*
 * Append text from outside so that it is only ever read: control characters,
 * bytes that are no UTF-8 and marks that turn the direction of writing become
 * \xNN, and so does a backslash before what would look like one.
 */
void vd_ctl_put_safe(struct vd_text *to, const char *text);

/* A string for JSON of text from outside; bytes that are no UTF-8 become \xNN. Never NULL. */
json_t *vd_ctl_json_text(const char *text, size_t len);

/* How many columns of a terminal the text takes, escape sequences for colour aside. */
size_t vd_ctl_width(const char *text);

enum vd_ctl_colour {
    VD_CTL_PLAIN,
    VD_CTL_GOOD,
    VD_CTL_BAD,
    VD_CTL_WARN,
    VD_CTL_FAINT,
    VD_CTL_BOLD,
};

/* "820 ms", "4.2 s", "12 min", "3 h 10 min", "2 d 4 h". */
void vd_ctl_put_duration(struct vd_text *to, int64_t ms);
/* "512 B", "1.5 kB", "20 MB": powers of 1024. */
void vd_ctl_put_bytes(struct vd_text *to, int64_t bytes);
/* Wall clock milliseconds as local time, "2026-11-23 04:10:07.123". */
void vd_ctl_put_time(struct vd_text *to, int64_t wall_ms);

/* A table: cells row by row, printed with columns as wide as their widest cell. */
struct vd_ctl_table {
    struct vd_ctl_cell *cells;
    size_t count;
    size_t columns; /* the most that any row has */
    bool coloured;
    unsigned indent;
    struct vd_text row; /* being made */
};

void vd_ctl_table_init(struct vd_ctl_table *table, bool coloured, unsigned indent);
/* A cell of the present row; text is made safe. */
void vd_ctl_cell(struct vd_ctl_table *table, enum vd_ctl_colour colour, const char *format, ...)
    VD_PRINTF(3, 4);
/* The same to the right. */
void vd_ctl_cell_right(struct vd_ctl_table *table, enum vd_ctl_colour colour, const char *format,
                       ...) VD_PRINTF(3, 4);
void vd_ctl_row_end(struct vd_ctl_table *table);
/* Append it, and forget its rows. */
void vd_ctl_table_put(struct vd_ctl_table *table, struct vd_text *to);
void vd_ctl_table_free(struct vd_ctl_table *table);

/* Append text in a colour, if there are colours. The text is made safe. */
void vd_ctl_put_coloured(struct vd_text *to, bool coloured, enum vd_ctl_colour colour,
                         const char *format, ...) VD_PRINTF(4, 5);

#endif
