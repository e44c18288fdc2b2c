/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pub/sub, see pubsub.h. A topic (channel or pattern) has an array of its
 * subscriptions, each subscription knows its place there, and each subscriber
 * has a table of its own: to subscribe, to unsubscribe and to leave cost the
 * same however many others there are.
 */
#include "shell/pubsub.h"

#include <string.h>

/* uthash's memory is ours, which never fails. */
#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#define uthash_fatal(message) vd_panic(__FILE__, __LINE__, message)
#include <uthash.h>

#include "base/mem.h"
#include "proto/resp.h"

struct topic {
    UT_hash_handle hh;
    enum vd_pubsub_kind kind;
    struct vd_subscription **members;
    size_t count;
    size_t room;
    size_t len;
    char name[]; /* len bytes and a NUL */
};

struct vd_subscription {
    struct vd_subscriber *who;
    struct topic *topic;
    size_t place;      /* in the topic's members */
    UT_hash_handle hh; /* in the subscriber's table, by topic */
};

struct vd_pubsub {
    struct topic *topics[2]; /* by kind */
    vd_pubsub_deliver *deliver;
    void *self;
    struct vd_text encoded[2]; /* the message in RESP 2 and 3; empty: not encoded yet */
};

struct vd_pubsub *vd_pubsub_new(vd_pubsub_deliver *deliver, void *self)
{
    struct vd_pubsub *pubsub = vd_alloc(sizeof(*pubsub));

    pubsub->deliver = deliver;
    pubsub->self = self;
    return pubsub;
}

void vd_pubsub_free(struct vd_pubsub *pubsub)
{
    VD_ASSERT(pubsub->topics[VD_PUBSUB_CHANNEL] == NULL);
    VD_ASSERT(pubsub->topics[VD_PUBSUB_PATTERN] == NULL);
    vd_text_free(&pubsub->encoded[0]);
    vd_text_free(&pubsub->encoded[1]);
    vd_free(pubsub);
}

static unsigned *count_of(struct vd_subscriber *subscriber, enum vd_pubsub_kind kind)
{
    return kind == VD_PUBSUB_CHANNEL ? &subscriber->channels : &subscriber->patterns;
}

static struct topic *find_topic(struct vd_pubsub *pubsub, enum vd_pubsub_kind kind,
                                const struct vd_word *name)
{
    struct topic *topic;

    HASH_FIND(hh, pubsub->topics[kind], name->bytes, name->len, topic);
    return topic;
}

static struct topic *get_topic(struct vd_pubsub *pubsub, enum vd_pubsub_kind kind,
                               const struct vd_word *name)
{
    struct topic *topic = find_topic(pubsub, kind, name);

    if (topic != NULL)
        return topic;
    topic = vd_alloc(sizeof(*topic) + name->len + 1);
    topic->kind = kind;
    topic->len = name->len;
    memcpy(topic->name, name->bytes, name->len);
    HASH_ADD_KEYPTR(hh, pubsub->topics[kind], topic->name, topic->len, topic);
    return topic;
}

static struct vd_subscription *find_held(const struct vd_subscriber *subscriber,
                                         const struct topic *topic)
{
    struct vd_subscription *held;

    HASH_FIND_PTR(subscriber->held[topic->kind], &topic, held);
    return held;
}

static void join(struct topic *topic, struct vd_subscription *subscription)
{
    if (topic->count == topic->room) {
        topic->room = topic->room == 0 ? 4 : topic->room * 2;
        topic->members = vd_realloc(topic->members, topic->room * sizeof(topic->members[0]));
    }
    subscription->place = topic->count;
    topic->members[topic->count++] = subscription;
}

bool vd_pubsub_subscribe(struct vd_pubsub *pubsub, struct vd_subscriber *subscriber,
                         enum vd_pubsub_kind kind, const struct vd_word *name)
{
    struct topic *topic = get_topic(pubsub, kind, name);
    struct vd_subscription *subscription = find_held(subscriber, topic);

    if (subscription != NULL)
        return false;
    subscription = vd_alloc(sizeof(*subscription));
    subscription->who = subscriber;
    subscription->topic = topic;
    join(topic, subscription);
    HASH_ADD_PTR(subscriber->held[kind], topic, subscription);
    ++*count_of(subscriber, kind);
    return true;
}

static void drop(struct vd_pubsub *pubsub, struct vd_subscription *subscription)
{
    struct vd_subscriber *subscriber = subscription->who;
    struct topic *topic = subscription->topic;
    struct vd_subscription *last = topic->members[--topic->count];

    topic->members[subscription->place] = last;
    last->place = subscription->place;
    if (topic->count == 0) {
        HASH_DELETE(hh, pubsub->topics[topic->kind], topic);
        vd_free(topic->members);
    }
    HASH_DELETE(hh, subscriber->held[topic->kind], subscription);
    --*count_of(subscriber, topic->kind);
    if (topic->count == 0)
        vd_free(topic);
    vd_free(subscription);
}

bool vd_pubsub_unsubscribe(struct vd_pubsub *pubsub, struct vd_subscriber *subscriber,
                           enum vd_pubsub_kind kind, const struct vd_word *name)
{
    struct topic *topic = find_topic(pubsub, kind, name);
    struct vd_subscription *held = topic == NULL ? NULL : find_held(subscriber, topic);

    if (held == NULL)
        return false;
    drop(pubsub, held);
    return true;
}

bool vd_pubsub_first(const struct vd_subscriber *subscriber, enum vd_pubsub_kind kind,
                     struct vd_word *name)
{
    /* The table keeps the order in which its entries were added. */
    const struct vd_subscription *first = subscriber->held[kind];

    if (first == NULL)
        return false;
    *name = (struct vd_word){.bytes = first->topic->name, .len = first->topic->len};
    return true;
}

bool vd_pubsub_all(const struct vd_subscriber *subscriber,
                   bool (*may)(void *self, const struct vd_word *name, bool pattern), void *self)
{
    for (int kind = VD_PUBSUB_CHANNEL; kind <= VD_PUBSUB_PATTERN; kind++) {
        for (const struct vd_subscription *held = subscriber->held[kind]; held != NULL;
             held = held->hh.next) {
            struct vd_word name = {.bytes = held->topic->name, .len = held->topic->len};

            if (!may(self, &name, kind == VD_PUBSUB_PATTERN))
                return false;
        }
    }
    return true;
}

void vd_pubsub_leave(struct vd_pubsub *pubsub, struct vd_subscriber *subscriber)
{
    for (int kind = VD_PUBSUB_CHANNEL; kind <= VD_PUBSUB_PATTERN; kind++) {
        while (subscriber->held[kind] != NULL)
            drop(pubsub, subscriber->held[kind]);
    }
}

static const struct vd_text *encode(struct vd_pubsub *pubsub, unsigned version,
                                    const struct topic *topic, const char *channel,
                                    const char *payload)
{
    struct vd_text *text = &pubsub->encoded[version < 3 ? 0 : 1];
    struct vd_resp resp = {.to = text, .version = version};

    if (text->len > 0)
        return text;
    if (topic->kind == VD_PUBSUB_CHANNEL) {
        vd_resp_push(&resp, 3);
        vd_resp_bulk_cstr(&resp, "message");
    } else {
        vd_resp_push(&resp, 4);
        vd_resp_bulk_cstr(&resp, "pmessage");
        vd_resp_bulk(&resp, topic->name, topic->len);
    }
    vd_resp_bulk_cstr(&resp, channel);
    vd_resp_bulk_cstr(&resp, payload);
    return text;
}

static size_t deliver(struct vd_pubsub *pubsub, const struct topic *topic, const char *channel,
                      const char *payload)
{
    vd_text_clear(&pubsub->encoded[0]);
    vd_text_clear(&pubsub->encoded[1]);
    for (size_t i = 0; i < topic->count; i++) {
        struct vd_subscriber *who = topic->members[i]->who;
        const struct vd_text *message = encode(pubsub, who->version, topic, channel, payload);

        pubsub->deliver(pubsub->self, who, message->bytes, message->len);
    }
    return topic->count;
}

size_t vd_pubsub_publish(struct vd_pubsub *pubsub, const char *channel, const char *payload)
{
    struct vd_word name = {.bytes = channel, .len = strlen(channel)};
    const struct topic *topic = find_topic(pubsub, VD_PUBSUB_CHANNEL, &name);
    size_t delivered = 0;

    if (topic != NULL)
        delivered += deliver(pubsub, topic, channel, payload);
    for (topic = pubsub->topics[VD_PUBSUB_PATTERN]; topic != NULL; topic = topic->hh.next) {
        if (vd_glob(topic->name, topic->len, name.bytes, name.len, false))
            delivered += deliver(pubsub, topic, channel, payload);
    }
    return delivered;
}

size_t vd_pubsub_channel_count(const struct vd_pubsub *pubsub)
{
    return HASH_COUNT(pubsub->topics[VD_PUBSUB_CHANNEL]);
}

size_t vd_pubsub_pattern_count(const struct vd_pubsub *pubsub)
{
    return HASH_COUNT(pubsub->topics[VD_PUBSUB_PATTERN]);
}
