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

void vd_connection_greet_beats(struct vd_connection *connection)
{
    if (connection->links->heard_beat == NULL)
        return;
    vd_outgoing_subscribe(VD_BEAT_CHANNEL, &connection->dialect, &connection->out);
    vd_connection_expect(connection, VD_EXPECT_BEATS);
}

void vd_links_hear_beats(struct vd_links *links,
                         void (*heard)(void *self, vd_link link, const char *text, size_t len),
                         void *self)
{
    bool is_first = links->heard_beat == NULL && heard != NULL;
    struct vd_strand *strand;
    size_t at = 0;

    links->heard_beat = heard;
    links->beat_self = self;
    if (!is_first)
        return;
    /* Those that have been greeted without. */
    while ((strand = vd_handles_next(&links->by_id, &at)) != NULL) {
        if (strand->kind != VD_LINK_SUBSCRIBE || !vd_connection_is_greeted(strand->connection))
            continue;
        vd_connection_greet_beats(strand->connection);
        vd_connection_mark_dirty(strand->connection);
    }
}

/* Where something can be sent beside the core's requests; NULL: not by this link, or not yet. */
static struct vd_connection *find_open(const struct vd_links *links, vd_link id,
                                       enum vd_link_kind kind)
{
    const struct vd_strand *strand = vd_strand_find(links, id);

    if (strand == NULL || strand->kind != kind || !vd_connection_is_greeted(strand->connection))
        return NULL;
    return strand->connection;
}

void vd_links_beat(struct vd_links *links, vd_link id, const char *text)
{
    struct vd_connection *connection = find_open(links, id, VD_LINK_COMMAND);

    if (connection == NULL || connection->no_beats)
        return;
    vd_outgoing_publish(VD_BEAT_CHANNEL, text, &connection->dialect, &connection->out);
    vd_connection_expect(connection, VD_EXPECT_BEAT);
    vd_connection_mark_dirty(connection);
}

void vd_links_tell(struct vd_links *links, vd_link id, const char *text)
{
    struct vd_connection *connection = find_open(links, id, VD_LINK_PEER);

    if (connection == NULL)
        return;
    vd_outgoing_publish(VD_HELLO_CHANNEL, text, &connection->dialect, &connection->out);
    vd_connection_expect(connection, VD_EXPECT_WORD);
    vd_connection_mark_dirty(connection);
}

/* Not by chance, as LOADING is: it would refuse every other beat as well. */
static bool is_refusal(const struct vd_value *value)
{
    static const char unknown[] = "ERR unknown command";

    return value->type == VD_VALUE_ERROR &&
           (strncmp(value->text, "NOPERM", 6) == 0 ||
            strncmp(value->text, unknown, sizeof(unknown) - 1) == 0);
}

void vd_connection_take_beat_reply(struct vd_connection *connection, enum vd_expect what,
                                   const struct vd_value *value)
{
    char where[VD_HOST_SIZE + 16];

    if (!is_refusal(value))
        return;
    if (what == VD_EXPECT_BEAT)
        connection->no_beats = true;
    (void)snprintf(where, sizeof(where), "%s:%u beats", vd_connection_name(connection),
                   (unsigned)connection->addr.port);
    vd_log_limited(where, VD_LOG_NOTICE,
                   "%s:%u does not let us %s %s, so the lag of its replicas in time is not known: "
                   "%.100s; grant the channel to our user (ACL: &%s), or, if the command has "
                   "another name there, give it by sentinel rename-command",
                   vd_connection_name(connection), (unsigned)connection->addr.port,
                   what == VD_EXPECT_BEAT ? "publish on" : "subscribe to", VD_BEAT_CHANNEL,
                   value->text, VD_BEAT_CHANNEL);
}

bool vd_connection_take_beat(struct vd_connection *connection, const struct vd_value *value)
{
    const struct vd_links *links = connection->links;

    if (links->heard_beat == NULL || !vd_answer_tells(value, "message", VD_BEAT_CHANNEL) ||
        value->elements[2]->type != VD_VALUE_TEXT)
        return false;
    links->heard_beat(links->beat_self, connection->subscription->id, value->elements[2]->text,
                      value->elements[2]->len);
    return true;
}

void vd_connection_note_rtt(struct vd_connection *connection, const struct vd_expected *expected)
{
    int64_t took_us;

    if (expected->ping_sent_us == 0)
        return;
    took_us = vd_clock_now_us() - expected->ping_sent_us;
    if (connection->rtt_us < 0)
        connection->rtt_us = took_us;
    else
        connection->rtt_us += (took_us - connection->rtt_us) / RTT_SHARE;
}

int64_t vd_links_rtt_us(const struct vd_links *links, vd_link id)
{
    const struct vd_strand *strand = vd_strand_find(links, id);

    return strand == NULL ? -1 : strand->connection->rtt_us;
}
