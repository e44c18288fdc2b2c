/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inbox copies all that an event points to. Each test lets the originals
 * go before it looks, so that with the sanitizers a forgotten copy is a fault
 * and without them a wrong text.
 */
#include <check.h>
#include <string.h>

#include "shell/clock.h"
#include "shell/inbox.h"
#include "suite.h"

static struct vd_inbox inbox;

static void finish(void)
{
    vd_inbox_free(&inbox);
}

/* A text that is made unreadable when it is let go. */
static char *lend(const char *text)
{
    return vd_strdup(text);
}

static void let_go(char *text)
{
    memset(text, '#', strlen(text));
    vd_free(text);
}

START_TEST(texts_of_links)
{
    char *one = lend("10.0.0.1");
    char *two = lend("10.0.0.2");
    struct vd_event up = {.type = VD_EV_LINK_UP};
    struct vd_event down = {.type = VD_EV_LINK_DOWN};
    struct vd_event pong = {.type = VD_EV_PONG};
    struct vd_event ack = {.type = VD_EV_ACK};
    struct vd_event resolved = {.type = VD_EV_RESOLVED};

    up.up.ip = one;
    up.up.local_ip = two;
    down.down.text = one;
    pong.pong.text = two;
    ack.ack.text = one;
    resolved.resolved.host = one;
    resolved.resolved.ip = two;
    vd_inbox_push(&inbox, &up);
    vd_inbox_push(&inbox, &down);
    vd_inbox_push(&inbox, &pong);
    vd_inbox_push(&inbox, &ack);
    vd_inbox_push(&inbox, &resolved);
    let_go(one);
    let_go(two);
    ck_assert_uint_eq(inbox.count, 5);
    ck_assert_str_eq(inbox.events[0].up.ip, "10.0.0.1");
    ck_assert_str_eq(inbox.events[0].up.local_ip, "10.0.0.2");
    ck_assert_str_eq(inbox.events[1].down.text, "10.0.0.1");
    ck_assert_str_eq(inbox.events[2].pong.text, "10.0.0.2");
    ck_assert_str_eq(inbox.events[3].ack.text, "10.0.0.1");
    ck_assert_str_eq(inbox.events[4].resolved.host, "10.0.0.1");
    ck_assert_str_eq(inbox.events[4].resolved.ip, "10.0.0.2");
}
END_TEST

START_TEST(absent_texts_stay_absent)
{
    struct vd_event ack = {.type = VD_EV_ACK};
    struct vd_event info = {.type = VD_EV_INFO};

    vd_inbox_push(&inbox, &ack);
    vd_inbox_push(&inbox, &info);
    ck_assert_ptr_null(inbox.events[0].ack.text);
    ck_assert_ptr_null(inbox.events[1].info.info);
    ck_assert_ptr_null(inbox.events[1].info.raw);
}
END_TEST

START_TEST(info_with_replicas)
{
    struct vd_info_replica *replicas = vd_calloc(2, sizeof(*replicas));
    struct vd_info *info = vd_alloc(sizeof(*info));
    char *raw = lend("role:master\r\n");
    struct vd_event event = {.type = VD_EV_INFO};
    const struct vd_info *copy;

    replicas[0].addr = (struct vd_addr){.host = "a", .port = 1};
    replicas[1].addr = (struct vd_addr){.host = "b", .port = 2};
    replicas[1].offset = 77;
    info->role = VD_ROLE_PRIMARY;
    info->replicas = replicas;
    info->replica_count = 2;
    event.info.info = info;
    event.info.raw = raw;
    vd_inbox_push(&inbox, &event);
    memset(replicas, '#', 2 * sizeof(*replicas));
    memset(info, '#', sizeof(*info));
    vd_free(replicas);
    vd_free(info);
    let_go(raw);
    copy = inbox.events[0].info.info;
    ck_assert_int_eq(copy->role, VD_ROLE_PRIMARY);
    ck_assert_uint_eq(copy->replica_count, 2);
    ck_assert_str_eq(copy->replicas[1].addr.host, "b");
    ck_assert_int_eq(copy->replicas[1].offset, 77);
    ck_assert_str_eq(inbox.events[0].info.raw, "role:master\r\n");
}
END_TEST

START_TEST(orders_with_settings)
{
    char *name = lend("m1");
    char *error = lend("ERR late");
    char *texts[4] = {lend("CONFIG"), lend("X"), lend("rename-command"), lend("shown")};
    struct vd_setting settings[2] = {{.option = VD_OPT_QUORUM, .number = 2},
                                     {.option = VD_OPT_RENAME_COMMAND,
                                      .text = texts[0],
                                      .text2 = texts[1],
                                      .word = texts[2],
                                      .shown = texts[3]}};
    struct vd_order order = {.type = VD_ORDER_SET,
                             .name = name,
                             .error = error,
                             .settings = settings,
                             .setting_count = 2};
    struct vd_event event = {.type = VD_EV_ORDER};
    const struct vd_order *copy;

    event.order.client.n = 5;
    event.order.order = &order;
    vd_inbox_push(&inbox, &event);
    memset(settings, '#', sizeof(settings));
    memset(&order, '#', sizeof(order));
    let_go(name);
    let_go(error);
    for (size_t i = 0; i < 4; i++)
        let_go(texts[i]);
    copy = inbox.events[0].order.order;
    ck_assert_uint_eq(inbox.events[0].order.client.n, 5);
    ck_assert_str_eq(copy->name, "m1");
    ck_assert_str_eq(copy->error, "ERR late");
    ck_assert_uint_eq(copy->setting_count, 2);
    ck_assert_int_eq(copy->settings[0].number, 2);
    ck_assert_ptr_null(copy->settings[0].text);
    ck_assert_str_eq(copy->settings[1].text, "CONFIG");
    ck_assert_str_eq(copy->settings[1].text2, "X");
    ck_assert_str_eq(copy->settings[1].word, "rename-command");
    ck_assert_str_eq(copy->settings[1].shown, "shown");
}
END_TEST

START_TEST(hellos)
{
    struct vd_hello hello = {.group = "m1", .epoch = 9};
    struct vd_event event = {.type = VD_EV_HELLO};

    event.hello.hello = &hello;
    vd_inbox_push(&inbox, &event);
    memset(&hello, '#', sizeof(hello));
    ck_assert_str_eq(inbox.events[0].hello.hello->group, "m1");
    ck_assert_uint_eq(inbox.events[0].hello.hello->epoch, 9);
}
END_TEST

/* Many events, in order, with the time of their coming and luck of their own; then empty again. */
START_TEST(order_time_and_luck)
{
    struct vd_event event = {.type = VD_EV_SCRIPT_EXIT};
    vd_ms before = vd_clock_now();
    size_t same = 0;

    for (uint64_t i = 0; i < 1000; i++) {
        event.script.job.n = i;
        vd_inbox_push(&inbox, &event);
    }
    ck_assert_uint_eq(inbox.count, 1000);
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_uint_eq(inbox.events[i].script.job.n, i);
        ck_assert_int_ge(inbox.events[i].at, before);
        ck_assert_int_le(inbox.events[i].at, vd_clock_now());
        same += i > 0 && inbox.events[i].dice == inbox.events[i - 1].dice;
    }
    ck_assert_uint_lt(same, 3);
    vd_inbox_clear(&inbox);
    ck_assert_uint_eq(inbox.count, 0);
    vd_inbox_push(&inbox, &event);
    ck_assert_uint_eq(inbox.events[0].script.job.n, 999);
}
END_TEST

START_TEST(ids_are_new)
{
    struct vd_id one = vd_clock_new_id();
    struct vd_id two = vd_clock_new_id();

    ck_assert_uint_eq(strlen(one.hex), VD_ID_LEN);
    ck_assert_uint_eq(strspn(one.hex, "0123456789abcdef"), VD_ID_LEN);
    ck_assert_str_ne(one.hex, two.hex);
}
END_TEST

START_TEST(a_burst_is_given_back)
{
    struct vd_event pong = {.type = VD_EV_PONG, .pong = {.text = "PONG"}};
    const struct vd_event *few;
    unsigned turns = 0;

    for (int i = 0; i < 5000; i++)
        vd_inbox_push(&inbox, &pong);
    ck_assert_uint_eq(inbox.count, 5000);
    vd_inbox_clear(&inbox);
    ck_assert_uint_eq(inbox.count, 0);
    /* Bursts seldom come alone: it is kept for some turns. */
    ck_assert_uint_ge(inbox.room, 5000);
    for (; inbox.room != 0 && turns < 1000; turns++) {
        vd_inbox_push(&inbox, &pong);
        vd_inbox_clear(&inbox);
    }
    ck_assert_uint_ge(turns, 10);
    ck_assert_uint_lt(turns, 1000);
    /* What an ordinary turn takes is kept for the next. */
    for (int i = 0; i < 20; i++)
        vd_inbox_push(&inbox, &pong);
    few = inbox.events;
    vd_inbox_clear(&inbox);
    ck_assert_ptr_eq(inbox.events, few);
    ck_assert_uint_ge(inbox.room, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inbox");
    TCase *tests = tcase_create("inbox");

    tcase_add_checked_fixture(tests, NULL, finish);
    tcase_add_test(tests, texts_of_links);
    tcase_add_test(tests, absent_texts_stay_absent);
    tcase_add_test(tests, info_with_replicas);
    tcase_add_test(tests, orders_with_settings);
    tcase_add_test(tests, hellos);
    tcase_add_test(tests, order_time_and_luck);
    tcase_add_test(tests, a_burst_is_given_back);
    tcase_add_test(tests, ids_are_new);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
