/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drive: nothing leaves before the state it rests on is durable; a failed
 * save makes the sentinel mute, not blind; what never left is answered.
 */
#include <check.h>
#include <string.h>

#include "base/text.h"
#include "core/drive.h"
#include "core/emit.h"
#include "core/model.h"
#include "suite.h"

struct log {
    char text[8192]; /* what happened, in order: s saved, f failed, p promise, c chatter, r refused
                      */
    size_t len;
    bool disk_fails;
    bool lies; /* says yes without a receipt */
    uint64_t durable_epoch;
    uint64_t durable_vote_epoch;
    unsigned switches; /* told */
    char told[64];     /* of the last */
};

static struct vd_drive drive;
static struct log story;
static vd_ms now;

static void note(char c)
{
    ck_assert_uint_lt(story.len + 1, sizeof(story.text));
    story.text[story.len++] = c;
    story.text[story.len] = '\0';
}

static bool save(void *self, const struct vd_image *image, struct vd_receipt *receipt,
                 struct vd_err *err)
{
    (void)self;
    if (story.disk_fails) {
        note('f');
        return vd_err_set(err, "No space left on device");
    }
    note('s');
    story.durable_epoch = image->epoch;
    for (size_t i = 0; i < image->group_count; i++)
        story.durable_vote_epoch = image->groups[i].vote_epoch;
    receipt->durable = !story.lies;
    return true;
}

static void perform(void *self, const struct vd_effect *effect)
{
    (void)self;
    note(effect->promise ? 'p' : 'c');
    if (effect->type == VD_EF_REPLY && effect->reply.kind == VD_REPLY_VOTE)
        ck_assert_uint_le(effect->reply.leader_epoch, story.durable_vote_epoch);
    if (effect->type == VD_EF_SEND && effect->send.request == VD_RQ_HELLO)
        ck_assert_uint_le(effect->send.hello->epoch, story.durable_epoch);
    if (effect->type == VD_EF_NOTICE && strcmp(effect->notice.event, "+switch-master") == 0) {
        story.switches++;
        ck_assert(vd_copy(story.told, sizeof(story.told), effect->notice.payload));
    }
}

static void refuse(void *self, const struct vd_effect *effect, const char *reason)
{
    (void)self;
    ck_assert(effect->promise);
    ck_assert_uint_gt(strlen(reason) + story.lies, 0);
    note('r');
}

static const struct vd_drive_ops ops = {save, perform, refuse};

static void set_up(void)
{
    struct vd_globals globals;
    struct vd_options options;
    struct vd_addr replica = {.host = "10.0.0.2", .ip = "10.0.0.2", .port = 6379};
    struct vd_image_peer peer = {.addr = {.host = "10.0.1.1", .ip = "10.0.1.1", .port = 26379}};
    struct vd_image_group group = {.name = "m", .replica_count = 1, .peer_count = 1};
    struct vd_image image = {.self = {"5e1f000000000000000000000000000000000000"}};
    struct vd_event start = {.type = VD_EV_START};

    memset(&story, 0, sizeof(story));
    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    memset(peer.id.hex, 'b', VD_ID_LEN);
    options.down_after_ms = 1000;
    options.client_reconfig_script = vd_strdup("/bin/reconfig");
    group.options = &options;
    group.replicas = &replica;
    group.peers = &peer;
    group.primary = (struct vd_addr){.host = "10.0.0.1", .ip = "10.0.0.1", .port = 6379};
    image.globals = &globals;
    image.groups = &group;
    image.group_count = 1;
    vd_drive_init(&drive, vd_core_new(&image, false), &ops, NULL);
    vd_options_free(&options);
    vd_globals_free(&globals);
    now = 1000;
    vd_drive_turn(&drive, &start, 1, now, 0);
}

static void tear_down(void)
{
    vd_drive_free(&drive);
}

static struct vd_event ask_vote(uint64_t epoch)
{
    struct vd_event event = {.type = VD_EV_QUESTION};

    event.question.client.n = 1;
    event.question.addr = drive.core->by_index[0]->primary->addr;
    event.question.wants_vote = true;
    event.question.epoch = epoch;
    memset(event.question.candidate.hex, 'a', VD_ID_LEN);
    return event;
}

static void turn(struct vd_event *events, size_t count)
{
    story.len = 0;
    story.text[0] = '\0';
    vd_drive_turn(&drive, events, count, ++now, 0);
}

START_TEST(promises_leave_behind_the_save)
{
    struct vd_event vote = ask_vote(1);
    const char *saved;

    turn(&vote, 1);
    saved = strchr(story.text, 's');
    ck_assert_ptr_nonnull(saved);
    ck_assert_ptr_nonnull(strchr(story.text, 'p'));
    ck_assert(saved < strchr(story.text, 'p'));
}
END_TEST

START_TEST(a_turn_saves_once)
{
    struct vd_event votes[400];
    size_t saves = 0;

    for (size_t i = 0; i < 400; i++)
        votes[i] = ask_vote(i + 1);
    turn(votes, 400);
    for (size_t i = 0; i < story.len; i++)
        saves += story.text[i] == 's';
    ck_assert_uint_eq(saves, 1);
}
END_TEST

START_TEST(nothing_new_is_not_saved)
{
    struct vd_event vote = ask_vote(1);

    turn(&vote, 1);
    turn(&vote, 1); /* the same answer again */
    ck_assert_ptr_null(strchr(story.text, 's'));
    ck_assert_ptr_nonnull(strchr(story.text, 'p'));
}
END_TEST

START_TEST(a_full_disk_makes_mute)
{
    struct vd_event vote = ask_vote(1);

    story.disk_fails = true;
    turn(&vote, 1);
    ck_assert(drive.mute);
    ck_assert_ptr_null(strchr(story.text, 'p'));
    ck_assert_ptr_nonnull(strchr(story.text, 'r'));
    ck_assert_int_le(vd_drive_wake_at(&drive), now + VD_DRIVE_RETRY_MS);
    /* Asked again at once: still no answer, and the disk is left alone for a while. */
    turn(&vote, 1);
    ck_assert_ptr_null(strchr(story.text, 'p'));
    ck_assert_ptr_null(strchr(story.text, 'f'));
    now += VD_DRIVE_RETRY_MS;
    turn(&vote, 1);
    ck_assert_ptr_null(strchr(story.text, 'p'));
    ck_assert_ptr_nonnull(strchr(story.text, 'f'));
    /* Room again: the same vote, now that it is on disk. */
    story.disk_fails = false;
    now += VD_DRIVE_RETRY_MS;
    turn(&vote, 1);
    ck_assert(!drive.mute);
    ck_assert_ptr_nonnull(strchr(story.text, 'p'));
    ck_assert_uint_eq(story.durable_vote_epoch, 1);
}
END_TEST

START_TEST(only_a_receipt_opens_promises)
{
    struct vd_event vote = ask_vote(1);

    story.lies = true;
    turn(&vote, 1);
    ck_assert(drive.mute);
    ck_assert_ptr_null(strchr(story.text, 'p'));
}
END_TEST

START_TEST(chatter_goes_on_while_mute)
{
    struct vd_node *primary = drive.core->by_index[0]->primary;
    struct vd_event events[2] = {ask_vote(1), {.type = VD_EV_LINK_UP}};

    story.disk_fails = true;
    events[1].up.link = primary->command.link;
    events[1].up.ip = "10.0.0.1";
    events[1].up.local_ip = "10.0.9.9";
    turn(events, 2);
    ck_assert_ptr_nonnull(strchr(story.text, 'c')); /* PING, INFO */
    ck_assert_uint_gt(drive.unsent_count, 0);       /* the hello */
    ck_assert_int_le(vd_drive_wake_at(&drive), now);
    turn(NULL, 0);
    ck_assert_uint_eq(primary->command.pending,
                      2); /* its answer was given: PING and INFO are owed */
}
END_TEST

/* Switches --------------------------------------------------------------------------- */

/* The peer has made another node primary. */
static void hear_of_switch(uint64_t epoch, const char *ip)
{
    struct vd_hello hello = {.group = "m", .epoch = epoch, .config_epoch = epoch};
    struct vd_event event = {.type = VD_EV_HELLO};

    memset(hello.id.hex, 'b', VD_ID_LEN);
    hello.peer = (struct vd_addr){.host = "10.0.1.1", .ip = "10.0.1.1", .port = 26379};
    hello.primary.port = 6379;
    ck_assert(vd_copy(hello.primary.host, sizeof(hello.primary.host), ip));
    ck_assert(vd_copy(hello.primary.ip, sizeof(hello.primary.ip), ip));
    event.hello.hello = &hello;
    turn(&event, 1);
}

START_TEST(a_switch_that_could_not_be_told_is_told_when_it_can)
{
    story.disk_fails = true;
    hear_of_switch(1, "10.0.0.2");
    ck_assert_uint_eq(story.switches, 0);
    ck_assert_str_eq(drive.core->by_index[0]->primary->addr.ip, "10.0.0.2");
    story.disk_fails = false;
    now += VD_DRIVE_RETRY_MS;
    turn(NULL, 0);
    ck_assert_uint_eq(story.switches, 1);
    ck_assert_str_eq(story.told, "m 10.0.0.1 6379 10.0.0.2 6379");
    turn(NULL, 0);
    ck_assert_uint_eq(story.switches, 1); /* once */
}
END_TEST

START_TEST(what_is_kept_to_be_told_is_bounded)
{
    story.disk_fails = true;
    for (uint64_t epoch = 1; epoch < 2 * VD_DRIVE_UNSAID_MAX; epoch++)
        hear_of_switch(epoch, epoch % 2 == 1 ? "10.0.0.2" : "10.0.0.1");
    ck_assert_uint_eq(drive.unsaid_count, VD_DRIVE_UNSAID_MAX);
    story.disk_fails = false;
    now += VD_DRIVE_RETRY_MS;
    turn(NULL, 0);
    ck_assert_uint_eq(story.switches, VD_DRIVE_UNSAID_MAX);
}
END_TEST

START_TEST(a_script_that_could_not_start_runs_later)
{
    const struct vd_script *script;

    story.disk_fails = true;
    hear_of_switch(1, "10.0.0.2");
    script = drive.core->scripts;
    ck_assert_ptr_nonnull(script);
    ck_assert_uint_ne(script->job.n, 0);
    ck_assert_str_eq(script->argv[2], "observer");
    turn(NULL, 0);
    ck_assert_uint_eq(script->job.n, 0);
    ck_assert_int_gt(script->start_at, now);
    ck_assert_uint_eq(drive.core->scripts_running, 0);
}
END_TEST

START_TEST(a_question_that_could_not_be_asked_is_asked_again)
{
    struct vd_event up = {.type = VD_EV_LINK_UP};
    struct vd_opinion *opinion = drive.core->by_index[0]->opinions;

    for (int i = 0; i < 9; i++) {
        now += 100;
        turn(NULL, 0);
    }
    up.up.link = opinion->peer->wire.link;
    up.up.ip = "10.0.1.1";
    turn(&up, 1);
    story.disk_fails = true;
    hear_of_switch(1, "10.0.0.1"); /* something to be saved: the disk is found full */
    now += 100;
    turn(NULL, 0); /* the primary never answered */
    ck_assert_int_ne(drive.core->by_index[0]->primary->s_down_at, VD_NEVER);
    ck_assert_uint_ne(opinion->asked.n, 0);
    ck_assert_ptr_nonnull(strchr(story.text, 'r'));
    turn(NULL, 0);
    ck_assert_uint_eq(opinion->asked.n, 0); /* nobody waits for an answer that cannot come */
    ck_assert_int_le(vd_drive_wake_at(&drive), now + drive.core->globals.ask_period_ms);
}
END_TEST

/* What answer_unsent may rely on: every request is either chatter, or has an answer there. */
START_TEST(every_promise_that_stays_is_answered)
{
    struct vd_node *primary = drive.core->by_index[0]->primary;
    struct vd_event up = {.type = VD_EV_LINK_UP};
    unsigned promises = 0;

    up.up.link = primary->command.link;
    up.up.ip = "10.0.0.1";
    turn(&up, 1);
    for (int request = VD_RQ_PING; request <= VD_RQ_MAINTAIN; request++) {
        unsigned pending = primary->command.pending;
        const struct vd_effect *effect;

        drive.core->out = &drive.effects;
        effect = vd_emit_send(drive.core, &primary->command, (enum vd_request)request);
        drive.effects.count = 0;
        if (!effect->promise)
            continue;
        promises++;
        drive.unsent = vd_realloc(drive.unsent, sizeof(*drive.unsent));
        drive.unsent[0] = *effect;
        drive.unsent_count = 1;
        drive.unsent_room = 1;
        ck_assert_uint_eq(primary->command.pending, pending + 1);
        turn(NULL, 0);
        if (request != VD_RQ_QUESTION) /* that is a peer's */
            ck_assert_uint_eq(primary->command.pending, pending);
    }
    ck_assert_uint_ge(promises, 3); /* a question, a promotion, an order to follow */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drive");
    TCase *tcase = tcase_create("drive");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, promises_leave_behind_the_save);
    tcase_add_test(tcase, a_turn_saves_once);
    tcase_add_test(tcase, nothing_new_is_not_saved);
    tcase_add_test(tcase, a_full_disk_makes_mute);
    tcase_add_test(tcase, only_a_receipt_opens_promises);
    tcase_add_test(tcase, chatter_goes_on_while_mute);
    tcase_add_test(tcase, a_switch_that_could_not_be_told_is_told_when_it_can);
    tcase_add_test(tcase, what_is_kept_to_be_told_is_bounded);
    tcase_add_test(tcase, a_script_that_could_not_start_runs_later);
    tcase_add_test(tcase, a_question_that_could_not_be_asked_is_asked_again);
    tcase_add_test(tcase, every_promise_that_stays_is_answered);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
