/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stream: /events, server-sent events as they happen (text/event-stream). Each
 * carries its id, so that a browser that was cut off goes on where it was, as
 * long as the event is still remembered.
 */
#include <string.h>

#include <jansson.h>
#include <stdlib.h>

#include "http/json.h"
#include "http/server.h"

#define BLOCK 4096

static void put_event(struct vd_text *to, const struct vd_watch_event *event)
{
    json_t *value = vd_json_event(event);
    char *text = json_dumps(value, JSON_COMPACT);

    VD_ASSERT(text != NULL);
    vd_text_printf(to, "id: %llu\ndata: %s\n\n", (unsigned long long)event->id, text);
    free(text);
    json_decref(value);
}

/* Events that are due, until there is a block full. */
static void fill(struct vd_http_exchange *exchange)
{
    const struct vd_watch *watch = exchange->http->sources.watch;

    while (exchange->next_event <= watch->last_event && exchange->unsent.len < BLOCK) {
        const struct vd_watch_event *event = vd_watch_find(watch, exchange->next_event++);

        if (event != NULL)
            put_event(&exchange->unsent, event);
    }
    if (exchange->idle && exchange->unsent.len == 0)
        vd_text_puts(&exchange->unsent, ": still here\n\n");
    exchange->idle = false;
}

static ssize_t read_stream(void *self, uint64_t place, char *to, size_t room)
{
    struct vd_http_exchange *exchange = self;
    struct vd_text *unsent = &exchange->unsent;
    size_t len;

    (void)place;
    if (exchange->revoked)
        return MHD_CONTENT_READER_END_OF_STREAM;
    fill(exchange);
    if (unsent->len == 0) {
        vd_http_suspend(exchange);
        return 0;
    }
    len = unsent->len < room ? unsent->len : room;
    memcpy(to, unsent->bytes, len);
    memmove(unsent->bytes, unsent->bytes + len, unsent->len - len);
    unsent->len -= len;
    return (ssize_t)len;
}

enum MHD_Result vd_http_stream(struct vd_http_exchange *exchange, const char *after)
{
    struct vd_http *http = exchange->http;
    const struct vd_watch *watch = http->sources.watch;
    struct vd_http_reply reply = {0};
    struct MHD_Response *response;
    enum MHD_Result result;
    uint64_t last = watch->last_event;
    uint64_t wanted;

    if (http->streams >= VD_HTTP_STREAMS) {
        vd_http_refuse(&reply, 503, "there are %u listeners to events already", http->streams);
        return vd_http_send(exchange, &reply);
    }
    /* An id that is yet to come is from before this process was started: all is news then. */
    if (after != NULL && vd_parse_uint64(after, strlen(after), &wanted))
        last = wanted <= last ? wanted : 0;
    if (watch->last_event - last > VD_WATCH_EVENTS)
        last = watch->last_event - VD_WATCH_EVENTS;
    exchange->next_event = last + 1;
    exchange->is_stream = true;
    http->streams++;
    vd_text_puts(&exchange->unsent, "retry: 1000\n\n");
    response =
        vd_mhd.create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, exchange, NULL);
    VD_ASSERT(response != NULL);
    vd_http_add_headers(response, "text/event-stream");
    result = vd_mhd.queue_response(exchange->connection, MHD_HTTP_OK, response);
    vd_mhd.destroy_response(response);
    return result;
}
