/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests as words, and what replies mean; the transaction that turns a server, refused in every
 * way. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "proto/answer.h"
#include "proto/outgoing.h"
#include "suite.h"

#define ID "0123456789abcdef0123456789abcdef01234567"

static struct vd_arena arena;

static void finish(void)
{
    vd_arena_free(&arena);
}

/* A value from a note: +status -error $text :number ~ (nil); *a|b|c is an array of such. */
static struct vd_value *make(const char *note)
{
    struct vd_value *value = vd_arena_alloc(&arena, sizeof(*value));
    const char *rest = note + 1;

    value->text = rest;
    value->len = strlen(rest);
    switch (note[0]) {
    case '+':
        value->type = VD_VALUE_STATUS;
        break;
    case '-':
        value->type = VD_VALUE_ERROR;
        break;
    case '$':
        value->type = VD_VALUE_TEXT;
        break;
    case ':':
        value->type = VD_VALUE_INTEGER;
        value->number = strtoll(rest, NULL, 10);
        break;
    case '~':
        value->type = VD_VALUE_NIL;
        break;
    case '*':
        value->type = VD_VALUE_ARRAY;
        value->elements = vd_arena_alloc(&arena, 16 * sizeof(*value->elements));
        while (*rest != '\0') {
            size_t len = strcspn(rest, "|");

            ck_assert_uint_lt(value->count, 16);
            value->elements[value->count++] = make(vd_arena_memdup(&arena, rest, len));
            rest += len + (rest[len] == '|');
        }
        break;
    default:
        ck_abort_msg("a bad note: %s", note);
    }
    return value;
}

static struct vd_effect send_of(enum vd_request request)
{
    struct vd_effect effect = {.type = VD_EF_SEND};

    effect.send.link.n = 7;
    effect.send.ticket.n = 9;
    effect.send.request = request;
    return effect;
}

static enum vd_taken take_one(enum vd_request request, const char *note, struct vd_event *event)
{
    struct vd_effect effect = send_of(request);
    struct vd_grants grants = {0};
    struct vd_asked asked;

    vd_asked_init(&asked, &effect);
    return vd_answer_take(&asked, make(note), &grants, false, &arena, event);
}

/* RESP arrays as lines of words, for reading. */
static const char *spell(const struct vd_text *from)
{
    struct vd_text to = {0};
    const char *at = vd_text_cstr(from);
    const char *copy;

    while (*at == '*') {
        long words = strtol(at + 1, NULL, 10);

        at = strstr(at, "\r\n") + 2;
        for (long i = 0; i < words; i++) {
            size_t len = strtoul(at + 1, NULL, 10);

            at = strstr(at, "\r\n") + 2;
            if (i > 0)
                vd_text_putc(&to, ' ');
            vd_text_add(&to, at, len);
            at += len + 2;
        }
        vd_text_putc(&to, '\n');
    }
    copy = vd_arena_strdup(&arena, vd_text_cstr(&to));
    vd_text_free(&to);
    return copy;
}

static const char *words_of(const struct vd_effect *effect, const struct vd_grants *grants,
                            const struct vd_dialect *dialect)
{
    struct vd_text out = {0};
    struct vd_asked asked;
    const char *words;

    vd_asked_init(&asked, effect);
    vd_outgoing_put(&asked, effect, grants, dialect, &out);
    words = spell(&out);
    vd_text_free(&out);
    return words;
}

/* Words -------------------------------------------------------------------------- */

static const struct vd_grants all_granted;
static const struct vd_dialect plain;

START_TEST(words_of_simple_requests)
{
    struct vd_effect effect = send_of(VD_RQ_PING);
    struct vd_hello hello = {.peer = {.host = "127.0.0.1", .port = 26379},
                             .id = {ID},
                             .epoch = 3,
                             .group = "m1",
                             .primary = {.host = "redis-1", .port = 6379},
                             .config_epoch = 2};

    ck_assert_str_eq(words_of(&effect, &all_granted, &plain), "PING\n");
    effect = send_of(VD_RQ_INFO);
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain), "INFO\n");
    effect = send_of(VD_RQ_ROLE);
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain), "ROLE\n");
    effect = send_of(VD_RQ_SCRIPT_KILL);
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain), "SCRIPT KILL\n");
    effect = send_of(VD_RQ_HELLO);
    effect.send.hello = &hello;
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain),
                     "PUBLISH __sentinel__:hello 127.0.0.1,26379," ID ",3,m1,redis-1,6379,2\n");
    effect = send_of(VD_RQ_QUESTION);
    effect.send.addr = (struct vd_addr){.host = "redis-1", .ip = "10.0.0.1", .port = 6379};
    effect.send.epoch = UINT64_MAX;
    effect.send.candidate = "*";
    ck_assert_str_eq(words_of(&effect, &all_granted, &plain),
                     "SENTINEL is-master-down-by-addr 10.0.0.1 6379 18446744073709551615 *\n");
}
END_TEST

START_TEST(words_of_turns)
{
    struct vd_effect effect = send_of(VD_RQ_PROMOTE);
    struct vd_grants grants = {0};

    ck_assert_str_eq(words_of(&effect, &grants, &plain),
                     "MULTI\nREPLICAOF NO ONE\nCONFIG REWRITE\nCLIENT KILL TYPE normal\n"
                     "CLIENT KILL TYPE pubsub\nEXEC\n");
    effect = send_of(VD_RQ_REPLICATE);
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
    struct vd_effect effect = send_of(VD_RQ_PROMOTE);

    ck_assert_str_eq(words_of(&effect, &all_granted, &dialect),
                     "x1\nx2 NO ONE\nx3 REWRITE\nCLIENT KILL TYPE normal\n"
                     "CLIENT KILL TYPE pubsub\nEXEC\n");
}
END_TEST

static const struct {
    enum vd_link_kind kind;
    const char *user;
    const char *pass;
    const char *words;
} greetings[] = {
    {VD_LINK_COMMAND, NULL, NULL, "CLIENT SETNAME n\n"},
    {VD_LINK_COMMAND, "u", NULL, "CLIENT SETNAME n\n"}, /* a user alone says nothing */
    {VD_LINK_COMMAND, NULL, "p", "AUTH p\nCLIENT SETNAME n\n"},
    {VD_LINK_PEER, "u", "p q", "AUTH u p q\nCLIENT SETNAME n\n"},
    {VD_LINK_SUBSCRIBE, NULL, "p", "AUTH p\nCLIENT SETNAME n\nSUBSCRIBE __sentinel__:hello\n"},
};

START_TEST(words_of_greetings)
{
    struct vd_text out = {0};
    struct vd_greeting greeting;

    vd_outgoing_greet(greetings[_i].kind, greetings[_i].user, greetings[_i].pass, "n", &plain, &out,
                      &greeting);
    ck_assert_str_eq(spell(&out), greetings[_i].words);
    ck_assert(greeting.auth == (greetings[_i].pass != NULL));
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
    struct vd_effect effect = send_of(VD_RQ_INFO);
    struct vd_grants grants = {0};
    struct vd_asked asked;
    struct vd_event event;

    vd_asked_init(&asked, &effect);
    ck_assert(vd_answer_take(&asked, &value, &grants, false, &arena, &event) == VD_TAKEN_DONE);
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

    ck_assert(vd_answer_message(make("*$message|$__sentinel__:hello|$a,b"), &payload, &len));
    ck_assert_str_eq(payload, "a,b");
    ck_assert_uint_eq(len, 3);
    ck_assert(!vd_answer_message(make("*$message|$other|$a,b"), &payload, &len));
    ck_assert(!vd_answer_message(make("*$subscribe|$__sentinel__:hello|:1"), &payload, &len));
    ck_assert(!vd_answer_message(make("*$message|$__sentinel__:hello|:1"), &payload, &len));
    ck_assert(!vd_answer_message(make("*$message|$__sentinel__:hello"), &payload, &len));
    ck_assert(!vd_answer_message(make("-ERR"), &payload, &len));
}
END_TEST

/* Turning a server ------------------------------------------------------------------ */

#define DENIED "-NOPERM this user has no permissions to run the command"
#define UNKNOWN "-ERR unknown command 'X', with args beginning with: "
#define ABORT "-EXECABORT Transaction discarded because of previous errors."
#define LOADING "-LOADING Redis is loading the dataset in memory"

/* A story: replies in order, "!" where what is sent again must be these words. */
struct story {
    const char *name;
    const char *steps[24];
    bool stale;
    enum vd_taken end;
    bool ok;
    const char *error; /* its beginning */
    struct vd_grants grants;
};

#define Q "+QUEUED"
static const struct story stories[] = {
    {"as it should be",
     {"+OK", Q, Q, Q, Q, "*+OK|+OK|:3|:1"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {0}},
    {"no configuration file: its error is of no interest",
     {"+OK", Q, Q, Q, Q, "*+OK|-ERR The server is running without a config file|:3|:1"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {0}},
    {"already connected to it",
     {"+OK", Q, Q, Q, Q, "*+OK Already connected to specified master|+OK|:3|:1"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {0}},
    {"cluster mode",
     {"+OK", Q, Q, Q, Q, "*-ERR REPLICAOF not allowed in cluster mode.|+OK|:3|:1"},
     false,
     VD_TAKEN_DONE,
     false,
     "ERR REPLICAOF not allowed",
     {0}},
    {"an empty transaction",
     {"+OK", Q, Q, Q, Q, "*"},
     false,
     VD_TAKEN_DONE,
     false,
     "an empty transaction",
     {0}},
    {"a transaction that was watched away",
     {"+OK", Q, Q, Q, Q, "~"},
     false,
     VD_TAKEN_DONE,
     false,
     "unexpected",
     {0}},
    {"Sentinel's documented rights: SLAVEOF alone",
     {"+OK", DENIED, Q, Q, Q, ABORT,
      "!MULTI\nSLAVEOF NO ONE\nCONFIG REWRITE\nCLIENT KILL TYPE normal\nCLIENT KILL TYPE pubsub\n"
      "EXEC\n",
      "+OK", Q, Q, Q, Q, "*+OK|+OK|:3|:1"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {.no_replicaof = true}},
    {"CONFIG was renamed",
     {"+OK", Q, UNKNOWN, Q, Q, ABORT,
      "!MULTI\nREPLICAOF NO ONE\nCLIENT KILL TYPE normal\nCLIENT KILL TYPE pubsub\nEXEC\n", "+OK",
      Q, Q, Q, "*+OK|:3|:1"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {.no_rewrite = true}},
    {"nothing but REPLICAOF in a transaction",
     {"+OK", Q, DENIED, DENIED, DENIED, ABORT, "!MULTI\nREPLICAOF NO ONE\nEXEC\n", "+OK", Q,
      "*+OK"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {.no_rewrite = true, .no_kill = true}},
    {"no MULTI: the rest is done one by one",
     {DENIED, "+OK", "+OK", ":3", ":1", "-ERR EXEC without MULTI"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {.no_transaction = true}},
    {"no MULTI and no REPLICAOF",
     {DENIED, DENIED, "+OK", ":3", ":1", "-ERR EXEC without MULTI",
      "!SLAVEOF NO ONE\nCONFIG REWRITE\nCLIENT KILL TYPE normal\nCLIENT KILL TYPE pubsub\n", "+OK",
      "+OK", ":3", ":1"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {.no_transaction = true, .no_replicaof = true}},
    {"neither REPLICAOF nor SLAVEOF",
     {"+OK", DENIED, Q, Q, Q, ABORT,
      "!MULTI\nSLAVEOF NO ONE\nCONFIG REWRITE\nCLIENT KILL TYPE normal\nCLIENT KILL TYPE pubsub\n"
      "EXEC\n",
      "+OK", DENIED, Q, Q, Q, ABORT},
     false,
     VD_TAKEN_DONE,
     false,
     "NOPERM",
     {.no_replicaof = true}},
    {"loading: nothing is learnt, for it will pass",
     {"+OK", LOADING, LOADING, Q, Q, ABORT},
     false,
     VD_TAKEN_DONE,
     false,
     "LOADING",
     {0}},
    {"aborted, and nobody says why",
     {"+OK", Q, Q, Q, Q, ABORT,
      "!REPLICAOF NO ONE\nCONFIG REWRITE\nCLIENT KILL TYPE normal\nCLIENT KILL TYPE pubsub\n",
      "+OK", "+OK", ":0", ":0"},
     false,
     VD_TAKEN_DONE,
     true,
     NULL,
     {.no_transaction = true}},
    {"EXEC is refused: whatever we say would be queued for ever",
     {"+OK", Q, Q, Q, Q, DENIED},
     false,
     VD_TAKEN_BROKEN,
     false,
     NULL,
     {.no_transaction = true}},
    {"refused in part, but a later order is on its way",
     {"+OK", DENIED, Q, Q, Q, ABORT},
     true,
     VD_TAKEN_DONE,
     false,
     "NOPERM",
     {.no_replicaof = true}},
};

static void check_again(struct vd_asked *asked, const struct vd_grants *grants, const char *words)
{
    struct vd_text out = {0};

    vd_outgoing_put(asked, NULL, grants, &plain, &out);
    ck_assert_str_eq(spell(&out), words);
    vd_text_free(&out);
}

START_TEST(turning)
{
    const struct story *story = &stories[_i];
    struct vd_effect effect = send_of(VD_RQ_PROMOTE);
    struct vd_grants grants = {0};
    struct vd_text out = {0};
    struct vd_asked asked;
    struct vd_event event;
    enum vd_taken taken = VD_TAKEN_MORE;

    vd_asked_init(&asked, &effect);
    vd_outgoing_put(&asked, &effect, &grants, &plain, &out);
    vd_text_free(&out);
    for (size_t i = 0; story->steps[i] != NULL; i++) {
        const char *step = story->steps[i];

        if (step[0] == '!') {
            ck_assert_msg(taken == VD_TAKEN_AGAIN, "%s: not sent again", story->name);
            check_again(&asked, &grants, step + 1);
            taken = VD_TAKEN_MORE;
            continue;
        }
        ck_assert_msg(taken == VD_TAKEN_MORE, "%s: ended before step %zu", story->name, i);
        taken = vd_answer_take(&asked, make(step), &grants, story->stale, &arena, &event);
    }
    ck_assert_msg(taken == story->end, "%s: ended as %d", story->name, (int)taken);
    ck_assert_int_eq(grants.no_replicaof, story->grants.no_replicaof);
    ck_assert_int_eq(grants.no_transaction, story->grants.no_transaction);
    ck_assert_int_eq(grants.no_rewrite, story->grants.no_rewrite);
    ck_assert_int_eq(grants.no_kill, story->grants.no_kill);
    if (taken != VD_TAKEN_DONE)
        return;
    ck_assert_int_eq(event.type, VD_EV_ACK);
    ck_assert_msg(event.ack.ok == story->ok, "%s: %s", story->name,
                  event.ack.ok ? "done" : event.ack.text);
    if (story->error != NULL)
        ck_assert_msg(strncmp(event.ack.text, story->error, strlen(story->error)) == 0, "%s: %s",
                      story->name, event.ack.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answer");
    TCase *words = tcase_create("words");
    TCase *answers = tcase_create("answers");
    TCase *turns = tcase_create("turns");

    tcase_add_checked_fixture(words, NULL, finish);
    tcase_add_checked_fixture(answers, NULL, finish);
    tcase_add_checked_fixture(turns, NULL, finish);
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
    suite_add_rows(turns, turning, stories);
    suite_add_tcase(suite, words);
    suite_add_tcase(suite, answers);
    suite_add_tcase(suite, turns);
    return suite_run(suite);
}
