/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pub/sub: who subscribed to which channels and patterns. Publishing costs as
 * much as there are receivers (and patterns); each message is encoded once per
 * version of the protocol. Knows no sockets: messages are handed to a function.
 */
#ifndef VD_SHELL_PUBSUB_H
#define VD_SHELL_PUBSUB_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/words.h"

struct vd_pubsub;
struct vd_subscription;

/* Embedded in its owner. A zeroed one, with `version`, is subscribed to nothing. */
struct vd_subscriber {
    unsigned version; /* RESP 2 or 3 */
    unsigned channels;
    unsigned patterns;
    struct vd_subscription *held[2]; /* by channel, by pattern; private */
};

/* Append the bytes, a whole message, to what the subscriber is owed. */
typedef void vd_pubsub_deliver(void *self, struct vd_subscriber *subscriber, const char *bytes,
                               size_t len);

struct vd_pubsub *vd_pubsub_new(vd_pubsub_deliver *deliver, void *self);
/* Nobody may be subscribed any more. */
void vd_pubsub_free(struct vd_pubsub *pubsub);

enum vd_pubsub_kind {
    VD_PUBSUB_CHANNEL,
    VD_PUBSUB_PATTERN,
};

/* False: was subscribed already. */
bool vd_pubsub_subscribe(struct vd_pubsub *pubsub, struct vd_subscriber *subscriber,
                         enum vd_pubsub_kind kind, const struct vd_word *name);
/* False: was not subscribed. */
bool vd_pubsub_unsubscribe(struct vd_pubsub *pubsub, struct vd_subscriber *subscriber,
                           enum vd_pubsub_kind kind, const struct vd_word *name);
/* One of those it is subscribed to, the oldest first; false: none. Valid until unsubscribed. */
bool vd_pubsub_first(const struct vd_subscriber *subscriber, enum vd_pubsub_kind kind,
                     struct vd_word *name);
/* Does `may` hold for every subscription it has? */
bool vd_pubsub_all(const struct vd_subscriber *subscriber,
                   bool (*may)(void *self, const struct vd_word *name, bool pattern), void *self);
/* The owner goes away. */
void vd_pubsub_leave(struct vd_pubsub *pubsub, struct vd_subscriber *subscriber);

/* Returns how many messages were delivered. */
size_t vd_pubsub_publish(struct vd_pubsub *pubsub, const char *channel, const char *payload);

size_t vd_pubsub_channel_count(const struct vd_pubsub *pubsub);
size_t vd_pubsub_pattern_count(const struct vd_pubsub *pubsub);

#endif
