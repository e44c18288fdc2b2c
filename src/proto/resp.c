/* SPDX-License-Identifier: BSD-3-Clause */
/* RESP out, see resp.h. */
#include "proto/resp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void end_line(struct vd_resp *resp)
{
    vd_text_add(resp->to, "\r\n", 2);
}

/* Longest header: a type, a sign, 19 digits and the line end. */
#define HEADER_SIZE 24

static size_t print_header(char *to, char type, int64_t number)
{
    char digits[HEADER_SIZE];
    size_t at = sizeof(digits);
    uint64_t rest = number < 0 ? 0U - (uint64_t)number : (uint64_t)number;
    size_t len = 0;

    do {
        digits[--at] = (char)('0' + rest % 10U);
        rest /= 10U;
    } while (rest != 0);
    to[len++] = type;
    if (number < 0)
        to[len++] = '-';
    memcpy(to + len, digits + at, sizeof(digits) - at);
    len += sizeof(digits) - at;
    to[len++] = '\r';
    to[len++] = '\n';
    return len;
}

static void put_header(struct vd_resp *resp, char type, int64_t number)
{
    char header[HEADER_SIZE];

    vd_text_add(resp->to, header, print_header(header, type, number));
}

static void insert_header(struct vd_resp *resp, size_t mark, char type, size_t count)
{
    char header[HEADER_SIZE];
    size_t len = print_header(header, type, (int64_t)count);
    struct vd_text *to = resp->to;
    size_t behind;

    VD_ASSERT(mark <= to->len);
    behind = to->len - mark;
    vd_text_add(to, header, len); /* makes room */
    memmove(to->bytes + mark + len, to->bytes + mark, behind);
    memcpy(to->bytes + mark, header, len);
}

void vd_resp_status(struct vd_resp *resp, const char *text)
{
    vd_text_putc(resp->to, '+');
    vd_text_puts(resp->to, text);
    end_line(resp);
}

void vd_resp_error(struct vd_resp *resp, const char *format, ...)
{
    va_list args;
    va_list again;
    int len;
    char *text;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    VD_ASSERT(len >= 0);
    text = vd_alloc((size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    for (int i = 0; i < len; i++) {
        if (text[i] == '\r' || text[i] == '\n')
            text[i] = ' ';
    }
    vd_text_putc(resp->to, '-');
    vd_text_add(resp->to, text, (size_t)len);
    end_line(resp);
    vd_free(text);
}

void vd_resp_int(struct vd_resp *resp, int64_t number)
{
    put_header(resp, ':', number);
}

void vd_resp_double(struct vd_resp *resp, double number)
{
    char text[40];
    int len = snprintf(text, sizeof(text), "%.15g", number);

    VD_ASSERT(len > 0 && (size_t)len < sizeof(text));
    if (resp->version < 3) {
        vd_resp_bulk(resp, text, (size_t)len);
        return;
    }
    vd_text_putc(resp->to, ',');
    vd_text_add(resp->to, text, (size_t)len);
    end_line(resp);
}

void vd_resp_bulk(struct vd_resp *resp, const void *bytes, size_t len)
{
    put_header(resp, '$', (int64_t)len);
    vd_text_add(resp->to, bytes, len);
    end_line(resp);
}

void vd_resp_bulk_cstr(struct vd_resp *resp, const char *text)
{
    vd_resp_bulk(resp, text, strlen(text));
}

void vd_resp_bulk_int(struct vd_resp *resp, int64_t number)
{
    char line[HEADER_SIZE];
    size_t len = print_header(line, ' ', number);

    put_header(resp, '$', (int64_t)len - 3);
    vd_text_add(resp->to, line + 1, len - 1);
}

void vd_resp_verbatim(struct vd_resp *resp, const void *bytes, size_t len)
{
    if (resp->version < 3) {
        vd_resp_bulk(resp, bytes, len);
        return;
    }
    put_header(resp, '=', (int64_t)len + 4);
    vd_text_add(resp->to, "txt:", 4);
    vd_text_add(resp->to, bytes, len);
    end_line(resp);
}

void vd_resp_null(struct vd_resp *resp)
{
    vd_text_puts(resp->to, resp->version < 3 ? "$-1\r\n" : "_\r\n");
}

void vd_resp_null_array(struct vd_resp *resp)
{
    vd_text_puts(resp->to, resp->version < 3 ? "*-1\r\n" : "_\r\n");
}

void vd_resp_array(struct vd_resp *resp, size_t count)
{
    put_header(resp, '*', (int64_t)count);
}

void vd_resp_map(struct vd_resp *resp, size_t pairs)
{
    if (resp->version < 3)
        put_header(resp, '*', (int64_t)pairs * 2);
    else
        put_header(resp, '%', (int64_t)pairs);
}

void vd_resp_set(struct vd_resp *resp, size_t count)
{
    put_header(resp, resp->version < 3 ? '*' : '~', (int64_t)count);
}

void vd_resp_push(struct vd_resp *resp, size_t count)
{
    put_header(resp, resp->version < 3 ? '*' : '>', (int64_t)count);
}

size_t vd_resp_mark(const struct vd_resp *resp)
{
    return resp->to->len;
}

void vd_resp_array_at(struct vd_resp *resp, size_t mark, size_t count)
{
    insert_header(resp, mark, '*', count);
}

void vd_resp_map_at(struct vd_resp *resp, size_t mark, size_t pairs)
{
    if (resp->version < 3)
        insert_header(resp, mark, '*', pairs * 2);
    else
        insert_header(resp, mark, '%', pairs);
}
