/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Show: the JSON pages for those who ask by the sentinel's port (SENTINEL
 * SHOW), whether there is a port for HTTP or not. Who may ask is decided there,
 * by the rights of users.
 */
#include <jansson.h>
#include <string.h>

#include "http/server.h"

struct query {
    const struct vd_word *words; /* names and values by turns */
    size_t count;
};

static const char *read_query(void *self, const char *name)
{
    const struct query *query = self;

    for (size_t i = 0; i + 1 < query->count; i += 2)
        if (strcmp(query->words[i].bytes, name) == 0)
            return query->words[i + 1].bytes;
    return NULL;
}

/* The sentence out of {"error": "..."}. */
static void put_refusal(const struct vd_text *body, struct vd_text *to)
{
    json_t *value = json_loadb(vd_text_cstr(body), body->len, 0, NULL);
    const char *sentence = json_string_value(json_object_get(value, "error"));

    vd_text_puts(to, sentence == NULL ? "the page cannot be shown" : sentence);
    json_decref(value);
}

bool vd_http_show(const struct vd_http_sources *sources, const struct vd_alerts *alerts,
                  const struct vd_cost_config *prices, const char *page,
                  const struct vd_word *query, size_t count, struct vd_text *to)
{
    struct query words = {query, count};
    const struct vd_http_request request = {.path = page, .query = read_query, .self = &words};
    struct vd_http_reply reply = {0};
    struct vd_http_world world;
    struct vd_text path = {0};
    vd_http_page *make;
    bool open;

    vd_text_printf(&path, "/api/v1/%s", page);
    make = vd_http_find_page(vd_text_cstr(&path), &open);
    vd_text_free(&path);
    if (make == NULL) {
        vd_text_printf(to, "there is no page '%.100s'; see vedette(8)", page);
        return false;
    }
    vd_http_look_by(sources, alerts, prices, &world);
    make(&world, &request, &reply);
    if (reply.status == 200)
        vd_text_add(to, reply.body.bytes, reply.body.len);
    else
        put_refusal(&reply.body, to);
    vd_text_free(&reply.body);
    return reply.status == 200;
}
