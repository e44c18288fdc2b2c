/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Figures: see figures.h. The text may come from anybody: a line that makes
 * no sense is as good as none.
 */
#include "proto/figures.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

enum figure_kind {
    FIGURE_COUNT,   /* int64_t, not negative */
    FIGURE_SECONDS, /* double, not negative */
    FIGURE_WORD,
};

struct figure {
    const char *name;
    enum figure_kind kind;
    size_t offset;
};

#define AT(member) offsetof(struct vd_figures, member)

static const struct figure figures[] = {
    {"used_memory", FIGURE_COUNT, AT(used_memory)},
    {"maxmemory", FIGURE_COUNT, AT(max_memory)},
    {"used_memory_rss", FIGURE_COUNT, AT(rss_memory)},
    {"used_cpu_sys", FIGURE_SECONDS, AT(cpu_sys_s)},
    {"used_cpu_user", FIGURE_SECONDS, AT(cpu_user_s)},
    {"total_commands_processed", FIGURE_COUNT, AT(commands)},
    {"keyspace_hits", FIGURE_COUNT, AT(hits)},
    {"keyspace_misses", FIGURE_COUNT, AT(misses)},
    {"evicted_keys", FIGURE_COUNT, AT(evicted)},
    {"expired_keys", FIGURE_COUNT, AT(expired)},
    {"total_net_input_bytes", FIGURE_COUNT, AT(net_in)},
    {"total_net_output_bytes", FIGURE_COUNT, AT(net_out)},
    {"total_connections_received", FIGURE_COUNT, AT(connections)},
    {"rejected_connections", FIGURE_COUNT, AT(rejected)},
    {"instantaneous_ops_per_sec", FIGURE_COUNT, AT(ops)},
    {"connected_clients", FIGURE_COUNT, AT(clients)},
    {"blocked_clients", FIGURE_COUNT, AT(blocked)},
    {"connected_slaves", FIGURE_COUNT, AT(replicas)},
    {"uptime_in_seconds", FIGURE_COUNT, AT(uptime_s)},
    {"redis_version", FIGURE_WORD, AT(version)},
    {"valkey_version", FIGURE_WORD, AT(version)},
    {"server_name", FIGURE_WORD, AT(kind)},
};

/* A number of seconds as INFO prints it: digits, and more of them behind a point. */
static bool read_seconds(const char *text, size_t len, double *out)
{
    const char *point = memchr(text, '.', len);
    size_t whole_len = point == NULL ? len : (size_t)(point - text);
    uint64_t whole;
    double number;
    double scale = 1.;

    if (!vd_parse_uint64(text, whole_len, &whole))
        return false;
    number = (double)whole;
    for (size_t i = whole_len + 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        scale /= 10.;
        number += scale * (text[i] - '0');
    }
    *out = number;
    return true;
}

static void read_word(const char *text, size_t len, char *to)
{
    if (len == 0 || len >= VD_FIGURES_VERSION_SIZE)
        return;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return;
    memcpy(to, text, len);
    to[len] = '\0';
}

static void take(struct vd_figures *out, const struct figure *figure, const char *text, size_t len)
{
    void *field = (char *)out + figure->offset;
    int64_t number;

    switch (figure->kind) {
    case FIGURE_COUNT:
        if (vd_parse_int64(text, len, &number) && number >= 0)
            *(int64_t *)field = number;
        return;
    case FIGURE_SECONDS:
        (void)read_seconds(text, len, field);
        return;
    case FIGURE_WORD:
        read_word(text, len, field);
        return;
    }
}

static void read_line(struct vd_figures *out, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon == NULL ? 0 : (size_t)(colon - line);

    if (colon == NULL)
        return;
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        const struct figure *figure = &figures[i];

        if (strlen(figure->name) != name_len || memcmp(figure->name, line, name_len) != 0)
            continue;
        take(out, figure, colon + 1, len - name_len - 1);
        return;
    }
}

void vd_figures_read(const char *text, size_t len, struct vd_figures *out)
{
    const char *end = text + len;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (figures[i].kind == FIGURE_COUNT)
            *(int64_t *)(void *)((char *)out + figures[i].offset) = -1;
        if (figures[i].kind == FIGURE_SECONDS)
            *(double *)(void *)((char *)out + figures[i].offset) = -1.;
    }
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = stop == NULL ? (size_t)(end - text) : (size_t)(stop - text);

        if (line_len > 0 && text[line_len - 1] == '\r')
            read_line(out, text, line_len - 1);
        else
            read_line(out, text, line_len);
        text = stop == NULL ? end : stop + 1;
    }
    if (out->kind[0] == '\0' && out->version[0] != '\0')
        memcpy(out->kind, "redis", sizeof("redis"));
}

void vd_figures_of(const struct vd_delta *info, struct vd_figures *out)
{
    struct vd_text text = {0};

    vd_delta_read(info, &text);
    vd_figures_read(vd_text_cstr(&text), text.len, out);
    vd_text_free(&text);
}
