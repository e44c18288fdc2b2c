/* SPDX-License-Identifier: BSD-3-Clause */
/* Pub/sub: who gets which message, in which version, and what is left when somebody goes. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "shell/pubsub.h"
#include "suite.h"

#define COUNT 50

static struct vd_pubsub *pubsub;
static struct vd_subscriber subscribers[COUNT];
static struct vd_text got[COUNT];

static void deliver(void *self, struct vd_subscriber *subscriber, const char *bytes, size_t len)
{
    ck_assert_ptr_eq(self, &got);
    vd_text_add(&got[subscriber - subscribers], bytes, len);
}

static void set_up(void)
{
    pubsub = vd_pubsub_new(deliver, &got);
    memset(subscribers, 0, sizeof(subscribers));
    for (size_t i = 0; i < COUNT; i++)
        subscribers[i].version = 2;
}

static void tear_down(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        vd_pubsub_leave(pubsub, &subscribers[i]);
        vd_text_free(&got[i]);
    }
    ck_assert_uint_eq(vd_pubsub_channel_count(pubsub), 0);
    ck_assert_uint_eq(vd_pubsub_pattern_count(pubsub), 0);
    vd_pubsub_free(pubsub);
}

static bool subscribe(size_t who, enum vd_pubsub_kind kind, const char *name)
{
    struct vd_word word = {.bytes = name, .len = strlen(name)};

    return vd_pubsub_subscribe(pubsub, &subscribers[who], kind, &word);
}

static bool unsubscribe(size_t who, enum vd_pubsub_kind kind, const char *name)
{
    struct vd_word word = {.bytes = name, .len = strlen(name)};

    return vd_pubsub_unsubscribe(pubsub, &subscribers[who], kind, &word);
}

START_TEST(messages)
{
    subscribers[1].version = 3;
    ck_assert(subscribe(0, VD_PUBSUB_CHANNEL, "+sdown"));
    ck_assert(subscribe(1, VD_PUBSUB_CHANNEL, "+sdown"));
    ck_assert(subscribe(1, VD_PUBSUB_PATTERN, "[-+]*"));
    ck_assert(subscribe(2, VD_PUBSUB_PATTERN, "[-+]*"));
    ck_assert(subscribe(2, VD_PUBSUB_PATTERN, "switch-master"));
    ck_assert(subscribe(3, VD_PUBSUB_CHANNEL, "+odown"));
    ck_assert_uint_eq(vd_pubsub_publish(pubsub, "+sdown", "master m"), 4);
    ck_assert_str_eq(vd_text_cstr(&got[0]),
                     "*3\r\n$7\r\nmessage\r\n$6\r\n+sdown\r\n$8\r\nmaster m\r\n");
    ck_assert_str_eq(vd_text_cstr(&got[1]),
                     ">3\r\n$7\r\nmessage\r\n$6\r\n+sdown\r\n$8\r\nmaster m\r\n"
                     ">4\r\n$8\r\npmessage\r\n$5\r\n[-+]*\r\n$6\r\n+sdown\r\n$8\r\nmaster m\r\n");
    ck_assert_str_eq(vd_text_cstr(&got[2]),
                     "*4\r\n$8\r\npmessage\r\n$5\r\n[-+]*\r\n$6\r\n+sdown\r\n$8\r\nmaster m\r\n");
    ck_assert_str_eq(vd_text_cstr(&got[3]), "");
    ck_assert_uint_eq(vd_pubsub_publish(pubsub, "sdown", "x"), 0);
    /* Names are bytes; case counts. */
    ck_assert_uint_eq(vd_pubsub_publish(pubsub, "+SDOWN", "x"), 2);
}
END_TEST

START_TEST(counts)
{
    struct vd_word name;

    ck_assert(subscribe(0, VD_PUBSUB_CHANNEL, "a"));
    ck_assert(!subscribe(0, VD_PUBSUB_CHANNEL, "a"));
    ck_assert(subscribe(0, VD_PUBSUB_CHANNEL, "b"));
    ck_assert(subscribe(0, VD_PUBSUB_PATTERN, "a"));
    ck_assert(subscribe(1, VD_PUBSUB_CHANNEL, "a"));
    ck_assert_uint_eq(subscribers[0].channels, 2);
    ck_assert_uint_eq(subscribers[0].patterns, 1);
    ck_assert_uint_eq(vd_pubsub_channel_count(pubsub), 2);
    ck_assert_uint_eq(vd_pubsub_pattern_count(pubsub), 1);
    ck_assert(vd_pubsub_first(&subscribers[0], VD_PUBSUB_CHANNEL, &name));
    ck_assert_str_eq(name.bytes, "a");
    ck_assert(unsubscribe(0, VD_PUBSUB_CHANNEL, "a"));
    ck_assert(!unsubscribe(0, VD_PUBSUB_CHANNEL, "a"));
    ck_assert(!unsubscribe(0, VD_PUBSUB_CHANNEL, "z"));
    ck_assert(!unsubscribe(1, VD_PUBSUB_PATTERN, "a"));
    ck_assert(vd_pubsub_first(&subscribers[0], VD_PUBSUB_CHANNEL, &name));
    ck_assert_str_eq(name.bytes, "b");
    ck_assert_uint_eq(vd_pubsub_channel_count(pubsub), 2);
    vd_pubsub_leave(pubsub, &subscribers[0]);
    ck_assert(!vd_pubsub_first(&subscribers[0], VD_PUBSUB_CHANNEL, &name));
    ck_assert_uint_eq(subscribers[0].channels + subscribers[0].patterns, 0);
    ck_assert_uint_eq(vd_pubsub_channel_count(pubsub), 1);
    ck_assert_uint_eq(vd_pubsub_pattern_count(pubsub), 0);
}
END_TEST

/* Coming and going in every order leaves each with exactly what it asked for. */
START_TEST(coming_and_going)
{
    for (size_t i = 0; i < COUNT; i++)
        ck_assert(subscribe(i, VD_PUBSUB_CHANNEL, "c"));
    for (size_t i = 0; i < COUNT; i += 3)
        ck_assert(unsubscribe(i, VD_PUBSUB_CHANNEL, "c"));
    for (size_t i = 1; i < COUNT; i += 3)
        vd_pubsub_leave(pubsub, &subscribers[i]);
    for (size_t i = 0; i < COUNT; i += 6)
        ck_assert(subscribe(i, VD_PUBSUB_CHANNEL, "c"));
    (void)vd_pubsub_publish(pubsub, "c", "x");
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_msg((got[i].len > 0) == (i % 3 == 2 || i % 6 == 0), "subscriber %zu", i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pubsub");
    TCase *tcase = tcase_create("pubsub");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, messages);
    tcase_add_test(tcase, counts);
    tcase_add_test(tcase, coming_and_going);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
