/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transaction that turns a server: what is sent when parts of it are
 * refused, in every way, and what is made of the replies.
 */
#include <string.h>

#include "notes.h"
#include "proto/outgoing.h"
#include "suite.h"

static const struct vd_dialect plain;

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
    ck_assert_str_eq(notes_spell(&out), words);
    vd_text_free(&out);
}

START_TEST(turning)
{
    const struct story *story = &stories[_i];
    struct vd_effect effect = notes_send(VD_RQ_PROMOTE);
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
        taken =
            vd_answer_take(&asked, notes_value(step), &grants, story->stale, &notes_arena, &event);
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
    Suite *suite = suite_create("turn");
    TCase *turns = notes_case("turns");

    suite_add_rows(turns, turning, stories);
    suite_add_tcase(suite, turns);
    return suite_run(suite);
}
