/* SPDX-License-Identifier: BSD-3-Clause */
/* The process's own settings as lines of a classic file; see server_option.h. */
#include <string.h>

#include "proto/server_option.h"

static void put_word(struct vd_text *to, const char *word)
{
    vd_text_putc(to, ' ');
    vd_words_quote(word, strlen(word), to);
}

static void put_number(struct vd_text *to, int64_t number)
{
    vd_text_putc(to, ' ');
    vd_text_put_int(to, number);
}

static void print_limits(const struct vd_server_options *server, struct vd_text *to)
{
    vd_text_printf(to, " normal %zu 0 0 pubsub %zu %zu %lld", server->output_hard_limit,
                   server->output_hard_limit_pubsub, server->output_soft_limit_pubsub,
                   (long long)(server->output_soft_pubsub_ms / 1000));
}

static void print_text(const char *text, struct vd_text *to)
{
    if (text != NULL && text[0] != '\0')
        put_word(to, text);
}

void vd_server_print(const struct vd_server_options *server, const struct vd_server_row *row,
                     struct vd_text *to)
{
    const void *field = (const char *)server + row->offset;

    switch (row->kind) {
    case VD_SERVER_INT:
        put_number(to,
                   row->size == sizeof(uint16_t) ? *(const uint16_t *)field : *(const int *)field);
        return;
    case VD_SERVER_OCTAL:
        if (*(const unsigned *)field != 0)
            vd_text_printf(to, " %o", *(const unsigned *)field);
        return;
    case VD_SERVER_SECONDS:
        put_number(to,
                   row->size == sizeof(int) ? *(const int *)field : *(const vd_ms *)field / 1000);
        return;
    case VD_SERVER_BYTES:
        put_number(to, (int64_t) * (const size_t *)field);
        return;
    case VD_SERVER_BOOL:
        put_word(to, *(const bool *)field ? "yes" : "no");
        return;
    case VD_SERVER_CHOICE:
        put_word(
            to,
            row->choices[row->size == sizeof(bool) ? *(const bool *)field : *(const int *)field]);
        return;
    case VD_SERVER_TEXT:
    case VD_SERVER_PATH:
    case VD_SERVER_IP:
    case VD_SERVER_VERSION:
    case VD_SERVER_SECRET:
        print_text(*(const char *const *)field, to);
        return;
    case VD_SERVER_LIST:
        for (size_t i = 0; i < server->bind_count; i++)
            put_word(to, server->bind[i]);
        return;
    case VD_SERVER_LIMITS:
        print_limits(server, to);
        return;
    }
    vd_panic(__FILE__, __LINE__, "unknown kind of server option");
}
