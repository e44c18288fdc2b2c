/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pack and trace: every type of event there and back byte for byte, with its
 * line; what is malformed is refused; no secret is in any line or behind a veil.
 */
#include <check.h>
#include <limits.h>
#include <string.h>

#include "proto/pack.h"
#include "proto/trace.h"
#include "suite.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define INFO "role:slave\r\nrun_id:" ID "\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n"

static struct vd_arena arena;
static struct vd_text packed;
static struct vd_text again;
static struct vd_text line;

static void teardown(void)
{
    vd_arena_free(&arena);
    vd_text_free(&packed);
    vd_text_free(&again);
    vd_text_free(&line);
}

#define ADDR                                                                                       \
    {                                                                                              \
        .host = "one.example", .ip = "10.0.0.1", .port = 6379                                      \
    }
static const struct vd_addr addr = ADDR;

static const struct vd_hello hello = {
    .peer = {.host = "10.0.1.1", .ip = "10.0.1.1", .port = 26379},
    .id = {ID},
    .epoch = 7,
    .group = "m",
    .primary = {.host = "10.0.0.1", .ip = "10.0.0.1", .port = 6379},
    .config_epoch = UINT64_MAX,
};

static const struct vd_setting group_settings[] = {
    {.option = VD_OPT_QUORUM, .number = 3, .word = "quorum", .shown = "3"},
    {.option = VD_OPT_AUTH_PASS, .text = "hunter2", .word = "auth-pass", .shown = "******"},
    {.option = VD_OPT_AUTH_PASS, .text = ""},
    {.option = VD_OPT_RENAME_COMMAND, .text = "CONFIG", .text2 = "x y"},
};
static const struct vd_setting own_settings[] = {
    {.option = VD_OPT_SENTINEL_PASS, .text = "hunter2"},
    {.option = VD_OPT_RESOLVE_HOSTNAMES, .number = 1},
};
static const struct vd_order orders[] = {
    {.type = VD_ORDER_FAILOVER, .name = "m"},
    {.type = VD_ORDER_RESET, .name = "*"},
    {.type = VD_ORDER_MONITOR,
     .name = "m2",
     .addr = {.host = "::1", .ip = "::1", .port = 1},
     .quorum = UINT_MAX},
    {.type = VD_ORDER_REMOVE, .name = "m"},
    {.type = VD_ORDER_SET,
     .name = "m",
     .settings = group_settings,
     .setting_count = 4,
     .error = "ERR no\nsuch option"},
    {.type = VD_ORDER_CONFIGURE, .settings = own_settings, .setting_count = 2},
    {.type = VD_ORDER_FLUSH},
    {.type = VD_ORDER_SIMULATE_FAILURE, .flags = VD_CRASH_AFTER_PROMOTION},
};

static const struct {
    struct vd_event event;
    const char *line;
} events[] = {
    {{.type = VD_EV_START, .at = -1, .dice = UINT32_MAX}, "START"},
    {{.type = VD_EV_DUE, .at = INT64_MAX}, "DUE"},
    {{.type = VD_EV_DUE, .at = 9, .due = {120, 5, 8}}, "DUE deaf for 120 ms; of 5 left at 8"},
    {{.type = VD_EV_DUE, .at = INT64_MIN}, "DUE"},
    {{.type = VD_EV_LINK_UP, .up = {{1}, "10.0.0.1", "10.0.0.9"}},
     "LINK_UP link 1 to 10.0.0.1 from 10.0.0.9"},
    {{.type = VD_EV_LINK_DOWN, .down = {{UINT64_MAX}, VD_DOWN_REFUSED, "Connection refused"}},
     "LINK_DOWN link 18446744073709551615 refused \"Connection refused\""},
    {{.type = VD_EV_LINK_DOWN, .down = {{2}, VD_DOWN_LIMIT, NULL}}, "LINK_DOWN link 2 limit"},
    {{.type = VD_EV_PONG, .pong = {{3}, {128}, VD_PONG_OK, "PONG"}},
     "PONG link 3 ticket 128 ok PONG"},
    {{.type = VD_EV_PONG, .pong = {{3}, {9}, VD_PONG_ERROR, "a \"\x01\xff"}},
     "PONG link 3 ticket 9 error \"a \\\"\\x01\\xff\""},
    {{.type = VD_EV_INFO, .info = {{3}, {10}, NULL, NULL}}, "INFO link 3 ticket 10 error"},
    {{.type = VD_EV_ROLE, .role = {{3}, {11}, VD_ROLE_REPLICA, ADDR}},
     "ROLE link 3 ticket 11 replica of one.example:6379 at 10.0.0.1"},
    {{.type = VD_EV_ROLE, .role = {{3}, {12}, VD_ROLE_UNKNOWN, {{0}, {0}, 0}}},
     "ROLE link 3 ticket 12 unknown"},
    {{.type = VD_EV_ANSWER, .answer = {{4}, {13}, true, true, {ID}, 5}},
     "ANSWER link 4 ticket 13 down vote for " ID " epoch 5"},
    {{.type = VD_EV_ANSWER, .answer = {{4}, {14}, false, false, {""}, 0}},
     "ANSWER link 4 ticket 14 error"},
    {{.type = VD_EV_ACK, .ack = {{4}, {15}, true, false, NULL}}, "ACK link 4 ticket 15 ok"},
    {{.type = VD_EV_ACK, .ack = {{4}, {16}, false, true, "not sent"}},
     "ACK link 4 ticket 16 error unsent \"not sent\""},
    {{.type = VD_EV_HELLO, .hello = {{0}, &hello}},
     "HELLO link 0 10.0.1.1,26379," ID ",7,m,10.0.0.1,6379,18446744073709551615"},
    {{.type = VD_EV_QUESTION, .question = {{8}, ADDR, 9, true, {"who"}, "01234567"}},
     "QUESTION client 8 about one.example:6379 at 10.0.0.1 epoch 9 vote for who asked by 01234567"},
    {{.type = VD_EV_QUESTION, .question = {{8}, ADDR, 9, false, {""}, ""}},
     "QUESTION client 8 about one.example:6379 at 10.0.0.1 epoch 9"},
    {{.type = VD_EV_ORDER, .order = {{1}, &orders[0]}}, "ORDER client 1 FAILOVER m"},
    {{.type = VD_EV_ORDER, .order = {{1}, &orders[1]}}, "ORDER client 1 RESET *"},
    {{.type = VD_EV_ORDER, .order = {{1}, &orders[2]}},
     "ORDER client 1 MONITOR m2 addr [::1]:1 quorum 4294967295"},
    {{.type = VD_EV_ORDER, .order = {{1}, &orders[3]}}, "ORDER client 1 REMOVE m"},
    {{.type = VD_EV_ORDER, .order = {{1}, &orders[4]}},
     "ORDER client 1 SET m; quorum 3; auth-pass ******; auth-pass \"\"; "
     "rename-command CONFIG \"x y\"; error \"ERR no\\nsuch option\""},
    {{.type = VD_EV_ORDER, .order = {{0}, &orders[5]}},
     "ORDER client 0 CONFIGURE; sentinel-pass ******; resolve-hostnames 1"},
    {{.type = VD_EV_ORDER, .order = {{1}, &orders[6]}}, "ORDER client 1 FLUSH"},
    {{.type = VD_EV_ORDER, .order = {{1}, &orders[7]}}, "ORDER client 1 SIMULATE_FAILURE flags 2"},
    {{.type = VD_EV_SCRIPT_EXIT, .script = {{2}, 255, 0, false}}, "SCRIPT_EXIT job 2 exit 255"},
    {{.type = VD_EV_SCRIPT_EXIT, .script = {{2}, 0, 9, false}}, "SCRIPT_EXIT job 2 signal 9"},
    {{.type = VD_EV_SCRIPT_EXIT, .script = {{2}, 1, 0, true}}, "SCRIPT_EXIT job 2 failed to start"},
    {{.type = VD_EV_RESOLVED, .resolved = {"one.example", ""}}, "RESOLVED one.example \"\""},
};

#define EVENT_COUNT (sizeof(events) / sizeof(events[0]))

/* Packs the event, reads it back, packs what came back. */
static void expect_round_trip(const struct vd_event *event, struct vd_event *back)
{
    struct vd_unpack from = {.arena = &arena};

    vd_text_clear(&packed);
    vd_text_clear(&again);
    vd_pack_event(event, NULL, &packed);
    from.at = (const unsigned char *)packed.bytes;
    from.end = from.at + packed.len;
    vd_unpack_event(&from, back);
    ck_assert_ptr_null(from.complaint);
    ck_assert_ptr_eq(from.at, from.end);
    vd_pack_event(back, NULL, &again);
    ck_assert_uint_eq(packed.len, again.len);
    ck_assert_mem_eq(packed.bytes, again.bytes, packed.len);
}

START_TEST(every_event_there_and_back)
{
    struct vd_event back;

    expect_round_trip(&events[_i].event, &back);
    ck_assert_int_eq(back.at, events[_i].event.at);
    ck_assert_uint_eq(back.dice, events[_i].event.dice);
    vd_trace_event(&back, &line);
    ck_assert_str_eq(vd_text_cstr(&line), events[_i].line);
}
END_TEST

START_TEST(every_type_is_tried)
{
    unsigned seen = 1U << VD_EV_INFO; /* with facts: below */

    for (size_t i = 0; i < EVENT_COUNT; i++)
        seen |= 1U << events[i].event.type;
    ck_assert_uint_eq(seen, (1U << (VD_EV_RESOLVED + 1)) - 1);
}
END_TEST

START_TEST(an_info_is_its_text)
{
    struct vd_info facts = {.role = VD_ROLE_PRIMARY};
    struct vd_event event = {.type = VD_EV_INFO, .info = {{3}, {10}, &facts, INFO}};
    struct vd_event back;

    expect_round_trip(&event, &back);
    ck_assert_str_eq(back.info.raw, INFO);
    ck_assert_int_eq(back.info.info->role, VD_ROLE_REPLICA);
    ck_assert_str_eq(back.info.info->primary.host, "10.0.0.1");
    vd_trace_event(&back, &line);
    ck_assert_str_eq(vd_text_cstr(&line), "INFO link 3 ticket 10 replica run " ID
                                          " replid \"\" of 10.0.0.1:6379 cut priority 100");
}
END_TEST

/* Every event without its last bytes, and with one more. */
START_TEST(no_other_length)
{
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        struct vd_event back;

        vd_text_clear(&packed);
        vd_pack_event(&events[i].event, NULL, &packed);
        ck_assert_uint_gt(packed.len, 0);
        for (size_t len = 0; len < packed.len; len++) {
            /* In memory of its own, so that a sanitizer sees a look behind the end. */
            char *copy = vd_memdup(packed.bytes, len);
            struct vd_unpack from = {(unsigned char *)copy, (unsigned char *)copy + len, NULL,
                                     &arena};

            vd_unpack_event(&from, &back);
            ck_assert_ptr_nonnull(from.complaint);
            vd_free(copy);
        }
    }
}
END_TEST

/* Whatever one byte is changed to: refused, or another event, and that in its own form. */
START_TEST(any_other_byte)
{
    vd_text_clear(&packed);
    vd_pack_event(&events[_i].event, NULL, &packed);
    for (size_t i = 0; i < packed.len * 256; i++) {
        struct vd_unpack from = {.arena = &arena};
        struct vd_event back;
        unsigned char was = (unsigned char)packed.bytes[i / 256];

        packed.bytes[i / 256] = (char)(i % 256);
        from.at = (unsigned char *)packed.bytes;
        from.end = from.at + packed.len;
        vd_unpack_event(&from, &back);
        vd_text_clear(&again);
        if (from.complaint == NULL) {
            vd_pack_event(&back, NULL, &again);
            ck_assert_uint_eq(again.len, (size_t)(from.at - (unsigned char *)packed.bytes));
            ck_assert_mem_eq(again.bytes, packed.bytes, again.len);
        }
        packed.bytes[i / 256] = (char)was;
        vd_arena_reset(&arena);
    }
}
END_TEST

static const char *refused(const char *bytes, size_t len)
{
    struct vd_unpack from = {(const unsigned char *)bytes, (const unsigned char *)bytes + len, NULL,
                             &arena};
    struct vd_event back;

    vd_unpack_event(&from, &back);
    return from.complaint;
}

START_TEST(malformed)
{
    ck_assert_str_eq(refused("\x0e\0\0", 3), "a number is too large");
    ck_assert_str_eq(refused("\x80\0\0\0", 4), "a number is malformed"); /* 0 in two bytes */
    ck_assert_str_eq(refused("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11),
                     "a number is malformed"); /* 65 bits */
    ck_assert_str_eq(refused("", 0), "it ends too early");
    /* LINK_UP, whose texts must not be NULL, hold NULs, or be longer than what is there. */
    ck_assert_str_eq(refused("\x02\0\0\1\0\1", 6), "a text is missing");
    ck_assert_str_eq(refused("\x02\0\0\1\3a\0\1", 8), "a text holds a NUL");
    ck_assert_str_eq(refused("\x02\0\0\1\3a", 6), "a text is longer than what holds it");
    /* INFO that says nothing */
    ck_assert_str_eq(refused("\x05\0\0\1\1\1", 6), "an INFO says nothing");
    /* ANSWER whose leader is of 41 bytes */
    ck_assert_str_eq(refused("\x07\0\0\1\1\1\0\x2a"
                             "01234567890123456789012345678901234567890\0",
                             50),
                     "a text is too long for its place");
    /* SET without a name; CONFIGURE of an option of groups; quorum 0 */
    ck_assert_str_eq(refused("\x0b\0\0\1\4\0\1\1\0\0\0\0\0", 13), "an order lacks its name");
    ck_assert_str_eq(refused("\x0b\0\0\1\5\0\1\1\0\0\0\1\0\2\0\0\0\0\0", 19),
                     "an order sets what it cannot");
    ck_assert_str_eq(refused("\x0b\0\0\1\4\2m\1\1\0\0\0\1\0\0\0\0\0\0\0", 20),
                     "a setting is out of its range");
    ck_assert_str_eq(refused("\x0b\0\0\1\5\0\1\1\0\0\0\x7f\0\2\0\0\0\0\0", 19),
                     "a list is longer than what holds it");
}
END_TEST

/* Images ------------------------------------------------------------------------- */

static const char *hide(void *self, const char *secret)
{
    *(unsigned *)self += 1;
    ck_assert_str_eq(secret, "hunter2");
    return "veiled";
}

static void pack_house(const struct vd_veil *veil)
{
    struct vd_globals globals;
    struct vd_options options;
    struct vd_image_peer peer = {.id = {ID}, .addr = addr};
    struct vd_image_group group = {.name = "m", .from_config = true, .primary = addr};
    struct vd_image image = {.self = {ID}, .epoch = 3, .set_at_runtime = 1};
    const struct vd_setting rename = {
        .option = VD_OPT_RENAME_COMMAND, .text = "CONFIG", .text2 = "x y"};

    vd_globals_init(&globals);
    globals.sentinel_pass = vd_strdup("hunter2");
    globals.listen_port = 26379;
    vd_options_init(&options, &globals);
    options.auth_pass = vd_strdup("hunter2");
    vd_options_apply(&options, &rename);
    options.down_after_ms = 1234;
    group.options = &options;
    group.vote = image.self;
    group.vote_epoch = 9;
    group.replicas = &addr;
    group.replica_count = 1;
    group.replicas_are_hints = true;
    group.peers = &peer;
    group.peer_count = 1;
    image.globals = &globals;
    image.groups = &group;
    image.group_count = 1;
    vd_text_clear(&packed);
    vd_pack_image(&image, veil, &packed);
    vd_options_free(&options);
    vd_globals_free(&globals);
}

START_TEST(an_image_there_and_back)
{
    struct vd_unpack from = {.arena = &arena};
    struct vd_unpacked_image back;

    pack_house(NULL);
    from.at = (const unsigned char *)packed.bytes;
    from.end = from.at + packed.len;
    vd_unpack_image(&from, &back);
    ck_assert_ptr_null(from.complaint);
    ck_assert_ptr_eq(from.at, from.end);
    ck_assert_str_eq(back.globals.sentinel_pass, "hunter2");
    ck_assert_uint_eq(back.globals.listen_port, 26379);
    ck_assert_str_eq(back.image.groups[0].options->renames[0].to, "x y");
    ck_assert_int_eq(back.image.groups[0].options->down_after_ms, 1234);
    vd_pack_image(&back.image, NULL, &again);
    ck_assert_uint_eq(packed.len, again.len);
    ck_assert_mem_eq(packed.bytes, again.bytes, packed.len);
    vd_unpacked_image_free(&back);
}
END_TEST

START_TEST(half_an_image)
{
    pack_house(NULL);
    for (size_t len = 0; len < packed.len; len++) {
        struct vd_unpack from = {(const unsigned char *)packed.bytes,
                                 (const unsigned char *)packed.bytes + len, NULL, &arena};
        struct vd_unpacked_image back;

        vd_unpack_image(&from, &back);
        ck_assert_ptr_nonnull(from.complaint);
        vd_unpacked_image_free(&back);
        vd_arena_reset(&arena);
    }
}
END_TEST

/* Secrets ------------------------------------------------------------------------ */

START_TEST(behind_a_veil)
{
    unsigned hidden = 0;
    const struct vd_veil veil = {hide, &hidden};
    struct vd_effect effect = {.type = VD_EF_CONNECT};

    pack_house(&veil);
    ck_assert_uint_eq(hidden, 2);
    for (size_t i = 0; i < EVENT_COUNT; i++)
        vd_pack_event(&events[i].event, &veil, &packed);
    ck_assert_uint_eq(hidden, 4);
    effect.connect.pass = "hunter2";
    vd_pack_effect(&effect, &veil, &packed);
    ck_assert_uint_eq(hidden, 5);
    ck_assert_ptr_null(memmem(packed.bytes, packed.len, "hunter2", 7));
    ck_assert_ptr_nonnull(memmem(packed.bytes, packed.len, "veiled", 6));
    vd_trace_effect(&effect, &line);
    ck_assert_ptr_null(strstr(line.bytes, "hunter2"));
    ck_assert_ptr_nonnull(strstr(line.bytes, " pass ******"));
}
END_TEST

/* Effects ------------------------------------------------------------------------ */

START_TEST(lines_of_effects)
{
    const char *const argv[] = {"/bin/a b", "c", NULL};
    const struct vd_failover_record record = {
        .group = "m",
        .epoch = 4,
        .reason = "odown",
        .result = "done",
        .from = addr,
        .silent_at = VD_NEVER,
        .sdown_at = 5,
        .odown_at = VD_NEVER,
        .started_at = VD_NEVER,
        .elected_at = VD_NEVER,
        .selected_at = VD_NEVER,
        .promoted_at = VD_NEVER,
        .ended_at = 9,
        .loss_bytes = -1,
    };
    const struct {
        struct vd_effect effect;
        const char *line;
    } cases[] = {
        {{.type = VD_EF_RESOLVE, .resolve = {"one.example"}}, "RESOLVE one.example"},
        {{.type = VD_EF_CONNECT,
          .connect = {{3}, VD_LINK_PEER, addr, "me", "hunter2", "name", NULL, 0}},
         "CONNECT link 3 peer one.example:6379 user me pass ****** name name"},
        {{.type = VD_EF_CLOSE, .close = {{3}}}, "CLOSE link 3"},
        {{.type = VD_EF_SEND, .send = {.link = {3}, .ticket = {4}, .request = VD_RQ_PROMOTE}},
         "SEND link 3 ticket 4 PROMOTE"},
        {{.type = VD_EF_SEND,
          .send = {.link = {3}, .ticket = {4}, .request = VD_RQ_REPLICATE, .addr = addr}},
         "SEND link 3 ticket 4 REPLICATE one.example:6379"},
        {{.type = VD_EF_SEND,
          .send = {.link = {3},
                   .ticket = {4},
                   .request = VD_RQ_QUESTION,
                   .addr = addr,
                   .epoch = 6,
                   .candidate = "*"}},
         "SEND link 3 ticket 4 QUESTION one.example:6379 epoch 6 candidate *"},
        {{.type = VD_EF_SEND, .send = {.link = {3}, .request = VD_RQ_HELLO, .hello = &hello}},
         "SEND link 3 ticket 0 HELLO 10.0.1.1,26379," ID ",7,m,10.0.0.1,6379,18446744073709551615"},
        {{.type = VD_EF_REPLY, .reply = {.client = {5}, .kind = VD_REPLY_OK}}, "REPLY client 5 OK"},
        {{.type = VD_EF_REPLY, .reply = {.client = {5}, .kind = VD_REPLY_ERROR, .text = "ERR x"}},
         "REPLY client 5 error \"ERR x\""},
        {{.type = VD_EF_REPLY, .reply = {.client = {5}, .kind = VD_REPLY_INTEGER, .number = -2}},
         "REPLY client 5 -2"},
        {{.type = VD_EF_REPLY, .reply = {{5}, VD_REPLY_VOTE, NULL, 0, true, "*", 8}},
         "REPLY client 5 down vote for * epoch 8"},
        {{.type = VD_EF_NOTICE,
          .notice = {.level = VD_NOTICE_WARNING, .event = "+sdown", .payload = "master m\n"}},
         "NOTICE warning +sdown master m\\x0a"},
        {{.type = VD_EF_SPAWN, .spawn = {{6}, argv}}, "SPAWN job 6 \"/bin/a b\" c"},
        {{.type = VD_EF_KILL, .kill = {{6}}}, "KILL job 6"},
        {{.type = VD_EF_RECORD, .record = &record},
         "RECORD m epoch 4 odown done from one.example:6379 to none sdown 5 ended 9 loss -1"},
        {{.type = VD_EF_CRASH}, "CRASH"},
    };
    unsigned seen = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        seen |= 1U << cases[i].effect.type;
        vd_text_clear(&line);
        vd_trace_effect(&cases[i].effect, &line);
        ck_assert_str_eq(vd_text_cstr(&line), cases[i].line);
        vd_text_clear(&packed);
        vd_pack_effect(&cases[i].effect, NULL, &packed);
        ck_assert_uint_ge(packed.len, 2);
    }
    ck_assert_uint_eq(seen, (1U << (VD_EF_CRASH + 1)) - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pack");
    TCase *tcase = tcase_create("pack");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, every_event_there_and_back, 0, (int)EVENT_COUNT);
    tcase_add_test(tcase, every_type_is_tried);
    tcase_add_test(tcase, an_info_is_its_text);
    tcase_add_test(tcase, no_other_length);
    tcase_add_loop_test(tcase, any_other_byte, 0, (int)EVENT_COUNT);
    tcase_add_test(tcase, malformed);
    tcase_add_test(tcase, an_image_there_and_back);
    tcase_add_test(tcase, half_an_image);
    tcase_add_test(tcase, behind_a_veil);
    tcase_add_test(tcase, lines_of_effects);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
