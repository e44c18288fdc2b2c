/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Message: an alert in the words of those who are told: a plain JSON object,
 * PagerDuty's Events API v2, Slack's incoming webhook. The same alert has the
 * same key whoever tells it and however often, so that a receiver can tell
 * repetitions apart.
 */
#ifndef VD_ALERT_MESSAGE_H
#define VD_ALERT_MESSAGE_H

#include "alert/book.h"

/* "replication lag of 10.0.0.2:6379 of sessions is 0.81 s (above 0.5 s)" */
void vd_message_words(const struct vd_alert *alert, struct vd_text *to);

struct vd_message_facts {
    const char *self; /* id of this vedette */
    bool ended;       /* tell the end */
    int64_t wall_ms;
};

/* The body of the request. */
void vd_message_body(const struct vd_alert_channel *channel, const struct vd_alert *alert,
                     const struct vd_message_facts *facts, struct vd_text *to);

#endif
