/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Beats, echoes and words on links: what is sent beside the core's requests, to
 * measure and to agree on who tells alerts. Replies to it are taken here and
 * never reach the core.
 */
#include <stdio.h>
#include <string.h>

#include "proto/hello.h"
#include "proto/outgoing.h"
#include "shell/clock.h"
#include "shell/connection.h"
#include "shell/log.h"

#define RTT_SHARE 8 /* of the newest in the smoothed one: 1/8, as TCP does */

static struct vd_dialect dialect_of(const struct vd_connection *link)
{
    return (struct vd_dialect){.renames = link->renames, .rename_count = link->rename_count};
}

void vd_connection_greet_beats(struct vd_connection *link)
{
    const struct vd_dialect dialect = dialect_of(link);

    if (link->links->heard_beat == NULL)
        return;
    vd_outgoing_subscribe(VD_BEAT_CHANNEL, &dialect, &link->out);
    vd_connection_expect(link, VD_EXPECT_BEATS);
}

void vd_links_hear_beats(struct vd_links *links,
                         void (*heard)(void *self, vd_link link, const char *text, size_t len),
                         void *self)
{
    bool is_first = links->heard_beat == NULL && heard != NULL;
    struct vd_connection *link;
    size_t at = 0;

    links->heard_beat = heard;
    links->beat_self = self;
    if (!is_first)
        return;
    /* Those that have been greeted without. */
    while ((link = vd_handles_next(&links->by_id, &at)) != NULL) {
        if (link->kind != VD_LINK_SUBSCRIBE || link->stream.fd < 0 || link->client_name != NULL ||
            vd_stream_is_shaking(&link->stream))
            continue;
        vd_connection_greet_beats(link);
        vd_connection_mark_dirty(link);
    }
}

void vd_links_beat(struct vd_links *links, vd_link id, const char *text)
{
    struct vd_connection *link = vd_connection_find(links, id);
    struct vd_dialect dialect;

    if (link == NULL || link->stream.fd < 0 || vd_stream_is_shaking(&link->stream) ||
        link->kind != VD_LINK_COMMAND || link->no_beats)
        return;
    dialect = dialect_of(link);
    vd_outgoing_publish(VD_BEAT_CHANNEL, text, &dialect, &link->out);
    vd_connection_expect(link, VD_EXPECT_BEAT);
    vd_connection_mark_dirty(link);
}

void vd_links_tell(struct vd_links *links, vd_link id, const char *text)
{
    struct vd_connection *link = vd_connection_find(links, id);
    struct vd_dialect dialect;

    if (link == NULL || link->stream.fd < 0 || vd_stream_is_shaking(&link->stream) ||
        link->kind != VD_LINK_PEER)
        return;
    dialect = dialect_of(link);
    vd_outgoing_publish(VD_HELLO_CHANNEL, text, &dialect, &link->out);
    vd_connection_expect(link, VD_EXPECT_WORD);
    vd_connection_mark_dirty(link);
}

/* Not by chance, as LOADING is: it would refuse every other beat as well. */
static bool is_refusal(const struct vd_value *value)
{
    static const char unknown[] = "ERR unknown command";

    return value->type == VD_VALUE_ERROR &&
           (strncmp(value->text, "NOPERM", 6) == 0 ||
            strncmp(value->text, unknown, sizeof(unknown) - 1) == 0);
}

void vd_connection_take_beat_reply(struct vd_connection *link, enum vd_expect what,
                                   const struct vd_value *value)
{
    char where[VD_HOST_SIZE + 16];

    if (!is_refusal(value))
        return;
    link->no_beats = true;
    (void)snprintf(where, sizeof(where), "%s:%u beats", vd_connection_name(link),
                   (unsigned)link->addr.port);
    vd_log_limited(where, VD_LOG_NOTICE,
                   "%s:%u does not let us %s %s, so the lag of its replicas in time is not known: "
                   "%.100s; grant the channel to our user (ACL: &%s), or, if the command has "
                   "another name there, give it by sentinel rename-command",
                   vd_connection_name(link), (unsigned)link->addr.port,
                   what == VD_EXPECT_BEAT ? "publish on" : "subscribe to", VD_BEAT_CHANNEL,
                   value->text, VD_BEAT_CHANNEL);
}

static bool is_text(const struct vd_value *value, const char *text)
{
    return value->type == VD_VALUE_TEXT && strcmp(value->text, text) == 0;
}

bool vd_connection_take_beat(struct vd_connection *link, const struct vd_value *value)
{
    const struct vd_links *links = link->links;

    if (links->heard_beat == NULL || value->type != VD_VALUE_ARRAY || value->count != 3 ||
        !is_text(value->elements[0], "message") || !is_text(value->elements[1], VD_BEAT_CHANNEL) ||
        value->elements[2]->type != VD_VALUE_TEXT)
        return false;
    links->heard_beat(links->beat_self, link->id, value->elements[2]->text,
                      value->elements[2]->len);
    return true;
}

void vd_connection_note_rtt(struct vd_connection *link, const struct vd_expected *expected)
{
    int64_t took_us;

    if (expected->ping_sent_us == 0)
        return;
    took_us = vd_clock_now_us() - expected->ping_sent_us;
    if (link->rtt_us < 0)
        link->rtt_us = took_us;
    else
        link->rtt_us += (took_us - link->rtt_us) / RTT_SHARE;
}

int64_t vd_links_rtt_us(const struct vd_links *links, vd_link id)
{
    const struct vd_connection *link = vd_connection_find(links, id);

    return link == NULL ? -1 : link->rtt_us;
}
