/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests as words, and what simple replies mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notes.h"
#include "proto/outgoing.h"
#include "suite.h"

#define ID "0123456789abcdef0123456789abcdef01234567"

static enum vd_taken take_one(enum vd_request request, const char *note, struct vd_event *event)
{
    struct vd_effect effect = notes_send(request);
    struct vd_grants grants = {0};
    struct vd_asked asked;

    vd_asked_init(&asked, &effect);
    return vd_answer_take(&asked, notes_value(note), &grants, false, &notes_arena, event);
}

static const char *words_of(const struct vd_effect *effect, const struct vd_grants *grants,
                            const struct vd_dialect *dialect)
{
    struct vd_text out = {0};
    struct vd_asked asked;
    const char *words;

    vd_asked_init(&asked, effect);
    vd_outgoing_put(&asked, effect, grants, dialect, &out);
    words = notes_spell(&out);
    vd_text_free(&out);
    return words;
}

/* Words -------------------------------------------------------------------------- */

static const struct vd_grants all_granted;
static const struct vd_dialect plain;

START_TEST(words_of_simple_requests)
{
    struct vd_effect effect = notes_send(VD_RQ_PING);
    struct vd_hello hello = {.peer = {.host = "127.0.0.1", .port = 26379},
                             .id = {ID},
                             .epoch = 3,
                             .group = "m1",
                             .primary = {.host = "redis-1", .port = 6379},
                             .config_epoch = 2};

    ck_assert_str_eq(words_of(&effect, &all_granted, &plain), "PING\n");
    effect = notes_send(VD_RQ_INFO);
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain), "INFO\n");
    effect = notes_send(VD_RQ_ROLE);
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain), "ROLE\n");
    effect = notes_send(VD_RQ_SCRIPT_KILL);
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain), "SCRIPT KILL\n");
    effect = notes_send(VD_RQ_HELLO);
    effect.send.hello = &hello;
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain),
                     "PUBLISH __sentinel__:hello 127.0.0.1,26379," ID ",3,m1,redis-1,6379,2\n");
    effect = notes_send(VD_RQ_QUESTION);
    effect.send.addr = (struct vd_addr){.host = "redis-1", .ip = "10.0.0.1", .port = 6379};
    effect.send.epoch = UINT64_MAX;
    effect.send.candidate = "*";
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain),
                     "SENTINEL is-master-down-by-addr 10.0.0.1 6379 18446744073709551615 *\n");
}
END_TEST

START_TEST(words_of_turns)
{
    struct vd_effect effect = notes_send(VD_RQ_PROMOTE);
    struct vd_grants grants = {0};

    ck_assert_str_eq(words_of(&effect, &grants, &plain),
                     "MULTI\nREPLICAOF NO ONE\nCONFIG REWRITE\nCLIENT KILL TYPE normal\n"
                     "CLIENT KILL TYPE pubsub\nEXEC\n");
    effect = notes_send(VD_RQ_REPLICATE);
    effect.send.addr = (struct vd_addr){.host = "::1", .port = 6380};
    grants = (struct vd_grants){.no_replicaof = true, .no_rewrite = true};
    ck_assert_str_eq(words_of(&effect, &grants, &plain),
                     "MULTI\nSLAVEOF ::1 6380\nCLIENT KILL TYPE normal\nCLIENT KILL TYPE pubsub\n"
                     "EXEC\n");
    grants = (struct vd_grants){.no_transaction = true, .no_kill = true};
    ck_assert_str_eq(words_of(&effect, &grants, &plain), "REPLICAOF ::1 6380\nCONFIG REWRITE\n");
}
END_TEST

START_TEST(words_that_were_renamed)
{
    char multi[] = "MULTI";
    char slaveof[] = "SLAVEOF";
    char config[] = "CONFIG";
    char secret[] = "x1";
    char other[] = "x2";
    char third[] = "x3";
    const struct vd_rename renames[] = {{multi, secret}, {slaveof, other}, {config, third}};
    const struct vd_dialect dialect = {renames, 3};
    struct vd_effect effect = notes_send(VD_RQ_PROMOTE);

    ck_assert_str_eq(words_of(&effect, &all_granted, &dialect),
                     "x1\nx2 NO ONE\nx3 REWRITE\nCLIENT KILL TYPE normal\n"
                     "CLIENT KILL TYPE pubsub\nEXEC\n");
}
END_TEST

static const struct {
    enum vd_link_kind kind;
    bool resp3;
    const char *user;
    const char *pass;
    const char *words;
} greetings[] = {
    {VD_LINK_COMMAND, false, NULL, NULL, "CLIENT SETNAME n\n"},
    {VD_LINK_COMMAND, false, "u", NULL, "CLIENT SETNAME n\n"}, /* a user alone says nothing */
    {VD_LINK_COMMAND, false, NULL, "p", "AUTH p\nCLIENT SETNAME n\n"},
    {VD_LINK_COMMAND, true, NULL, NULL, "CLIENT SETNAME n\nHELLO 3\n"},
    {VD_LINK_COMMAND, true, "u", "p", "AUTH u p\nCLIENT SETNAME n\nHELLO 3\n"},
    {VD_LINK_PEER, true, "u", "p q", "AUTH u p q\nCLIENT SETNAME n\n"},
    {VD_LINK_SUBSCRIBE, true, NULL, "p",
     "AUTH p\nCLIENT SETNAME n\nSUBSCRIBE __sentinel__:hello\n"},
};

START_TEST(words_of_greetings)
{
    struct vd_text out = {0};
    struct vd_greeting greeting;

    vd_outgoing_greet(greetings[_i].kind, greetings[_i].resp3, greetings[_i].user,
                      greetings[_i].pass, "n", &plain, &out, &greeting);
    ck_assert_str_eq(notes_spell(&out), greetings[_i].words);
    ck_assert(greeting.auth == (greetings[_i].pass != NULL));
    ck_assert(greeting.hello == (strstr(greetings[_i].words, "HELLO") != NULL));
    ck_assert(greeting.subscribe == (greetings[_i].kind == VD_LINK_SUBSCRIBE));
    vd_text_free(&out);
}
END_TEST

/* Simple answers ------------------------------------------------------------------- */

static const struct {
    const char *note;
    enum vd_pong kind;
} pongs[] = {
    {"+PONG", VD_PONG_OK},
    {"+PONGO", VD_PONG_ERROR},
    {"+OK", VD_PONG_ERROR},
    {"$PONG", VD_PONG_ERROR},
    {"-LOADING Redis is loading the dataset in memory", VD_PONG_LOADING},
    {"-LOADINGS", VD_PONG_ERROR},
    {"-MASTERDOWN Link with MASTER is down", VD_PONG_MASTERDOWN},
    {"-BUSY Redis is busy running a script.", VD_PONG_BUSY},
    {"-NOAUTH Authentication required.", VD_PONG_AUTH},
    {"-WRONGPASS invalid username-password pair", VD_PONG_AUTH},
    {"-NOPERM this user has no permissions", VD_PONG_AUTH},
    {"-MISCONF Errors writing to the AOF file", VD_PONG_ERROR},
    {"-ERR unknown command", VD_PONG_ERROR},
    {"*+PONG", VD_PONG_ERROR},
    {"~", VD_PONG_ERROR},
};

START_TEST(pong_kinds)
{
    struct vd_event event;

    ck_assert(take_one(VD_RQ_PING, pongs[_i].note, &event) == VD_TAKEN_DONE);
    ck_assert_int_eq(event.type, VD_EV_PONG);
    ck_assert_int_eq(event.pong.kind, pongs[_i].kind);
    ck_assert_uint_eq(event.pong.link.n, 7);
    ck_assert_uint_eq(event.pong.ticket.n, 9);
    ck_assert_ptr_nonnull(event.pong.text);
}
END_TEST

START_TEST(info_answers)
{
    struct vd_event event;

    ck_assert(take_one(VD_RQ_INFO, "$role:master\r\nrun_id:" ID "\r\n", &event) == VD_TAKEN_DONE);
    ck_assert_int_eq(event.type, VD_EV_INFO);
    ck_assert_ptr_nonnull(event.info.info);
    ck_assert_int_eq(event.info.info->role, VD_ROLE_PRIMARY);
    ck_assert_str_eq(event.info.info->run_id.hex, ID);
    ck_assert_str_eq(event.info.raw, "role:master\r\nrun_id:" ID "\r\n");
    take_one(VD_RQ_INFO, "-NOAUTH", &event);
    ck_assert_ptr_null(event.info.info);
    ck_assert_ptr_null(event.info.raw);
    take_one(VD_RQ_INFO, "$no info at all", &event);
    ck_assert_ptr_null(event.info.info);
    take_one(VD_RQ_INFO, "*$role:master", &event);
    ck_assert_ptr_null(event.info.info);
}
END_TEST

/* What is kept of an INFO says all that was taken from it. */
START_TEST(info_with_a_nul)
{
    static const char text[] = "role:master\r\n\0run_id:" ID "\r\n";
    struct vd_value value = {.type = VD_VALUE_TEXT, .text = text, .len = sizeof(text) - 1};
    struct vd_effect effect = notes_send(VD_RQ_INFO);
    struct vd_grants grants = {0};
    struct vd_asked asked;
    struct vd_event event;

    vd_asked_init(&asked, &effect);
    ck_assert(vd_answer_take(&asked, &value, &grants, false, &notes_arena, &event) ==
              VD_TAKEN_DONE);
    ck_assert_str_eq(event.info.raw, "role:master\r\n");
    ck_assert_int_eq(event.info.info->role, VD_ROLE_PRIMARY);
    ck_assert_str_eq(event.info.info->run_id.hex, "");
}
END_TEST

static const struct {
    const char *note;
    enum vd_role role;
    const char *host;
    int port;
} roles[] = {
    {"*$master|:3129659|*", VD_ROLE_PRIMARY, "", 0},
    {"*$slave|$127.0.0.1|:9000|$connected|:3167038", VD_ROLE_REPLICA, "127.0.0.1", 9000},
    {"*$slave|$redis-1.example|:9000|$connect|:-1", VD_ROLE_REPLICA, "redis-1.example", 9000},
    {"*$slave|$a b|:9000|$connected|:1", VD_ROLE_REPLICA, "", 0},
    {"*$slave|$127.0.0.1|:65536|$connected|:1", VD_ROLE_REPLICA, "", 0},
    {"*$slave|$127.0.0.1|$9000|$connected|:1", VD_ROLE_REPLICA, "", 0},
    {"*$slave|$127.0.0.1", VD_ROLE_UNKNOWN, "", 0},
    {"*$sentinel|*", VD_ROLE_UNKNOWN, "", 0},
    {"*", VD_ROLE_UNKNOWN, "", 0},
    {"*:1", VD_ROLE_UNKNOWN, "", 0},
    {"-NOPERM", VD_ROLE_UNKNOWN, "", 0},
    {"$master", VD_ROLE_UNKNOWN, "", 0},
};

START_TEST(role_answers)
{
    struct vd_event event;

    ck_assert(take_one(VD_RQ_ROLE, roles[_i].note, &event) == VD_TAKEN_DONE);
    ck_assert_int_eq(event.type, VD_EV_ROLE);
    ck_assert_int_eq(event.role.role, roles[_i].role);
    ck_assert_str_eq(event.role.primary.host, roles[_i].host);
    ck_assert_int_eq(event.role.primary.port, roles[_i].port);
}
END_TEST

static const struct {
    const char *note;
    bool ok;
    bool down;
    const char *leader;
    uint64_t epoch;
} opinions[] = {
    {"*:1|$*|:0", true, true, "", 0},
    {"*:0|$" ID "|:12", true, false, ID, 12},
    {"*:2|$?|:1", true, false, "?", 1},
    {"*:1|$" ID "0|:12", false, false, "", 0}, /* too long for an id */
    {"*:1|$*|:-1", false, false, "", 0},
    {"*:1|$*", false, false, "", 0},
    {"*$1|$*|:0", false, false, "", 0},
    {"*:1|~|:0", false, false, "", 0},
    {"-ERR unknown command", false, false, "", 0},
    {"~", false, false, "", 0},
};

START_TEST(opinion_answers)
{
    struct vd_event event;

    ck_assert(take_one(VD_RQ_QUESTION, opinions[_i].note, &event) == VD_TAKEN_DONE);
    ck_assert_int_eq(event.type, VD_EV_ANSWER);
    ck_assert(event.answer.ok == opinions[_i].ok);
    ck_assert(event.answer.down == opinions[_i].down);
    ck_assert_str_eq(event.answer.leader.hex, opinions[_i].leader);
    ck_assert_uint_eq(event.answer.leader_epoch, opinions[_i].epoch);
}
END_TEST

START_TEST(acknowledgements)
{
    struct vd_event event;

    take_one(VD_RQ_HELLO, ":3", &event);
    ck_assert(event.type == VD_EV_ACK && event.ack.ok && event.ack.text == NULL);
    take_one(VD_RQ_HELLO, "-NOPERM no channel", &event);
    ck_assert(event.type == VD_EV_ACK && !event.ack.ok && !event.ack.unsent);
    ck_assert_str_eq(event.ack.text, "NOPERM no channel");
    take_one(VD_RQ_SCRIPT_KILL, "-NOTBUSY No scripts in execution right now.", &event);
    ck_assert(!event.ack.ok);
    take_one(VD_RQ_SCRIPT_KILL, "+OK", &event);
    ck_assert(event.ack.ok);
}
END_TEST

START_TEST(messages)
{
    const char *payload;
    size_t len;

    ck_assert(vd_answer_message(notes_value("*$message|$__sentinel__:hello|$a,b"), &payload, &len));
    ck_assert_str_eq(payload, "a,b");
    ck_assert_uint_eq(len, 3);
    ck_assert(!vd_answer_message(notes_value("*$message|$other|$a,b"), &payload, &len));
    ck_assert(
        !vd_answer_message(notes_value("*$subscribe|$__sentinel__:hello|:1"), &payload, &len));
    ck_assert(!vd_answer_message(notes_value("*$message|$__sentinel__:hello|:1"), &payload, &len));
    ck_assert(!vd_answer_message(notes_value("*$message|$__sentinel__:hello"), &payload, &len));
    ck_assert(!vd_answer_message(notes_value("-ERR"), &payload, &len));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answer");
    TCase *words = notes_case("words");
    TCase *answers = notes_case("answers");

    tcase_add_test(words, words_of_simple_requests);
    tcase_add_test(words, words_of_turns);
    tcase_add_test(words, words_that_were_renamed);
    suite_add_rows(words, words_of_greetings, greetings);
    suite_add_rows(answers, pong_kinds, pongs);
    tcase_add_test(answers, info_answers);
    tcase_add_test(answers, info_with_a_nul);
    suite_add_rows(answers, role_answers, roles);
    suite_add_rows(answers, opinion_answers, opinions);
    tcase_add_test(answers, acknowledgements);
    tcase_add_test(answers, messages);
    suite_add_tcase(suite, words);
    suite_add_tcase(suite, answers);
    return suite_run(suite);
}
