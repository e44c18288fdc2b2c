/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drive: nothing leaves before the state it rests on is durable; a failed
 * save makes the sentinel mute, not blind; what never left is answered.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/drive.h"
#include "core/model.h"

struct log {
    char text[8192]; /* what happened, in order: s saved, f failed, p promise, c chatter, r refused
                      */
    size_t len;
    bool disk_fails;
    bool lies; /* says yes without a receipt */
    uint64_t durable_epoch;
    uint64_t durable_vote_epoch;
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
    struct vd_image_group group = {.name = "m"};
    struct vd_image image = {.self = {"5e1f000000000000000000000000000000000000"}};
    struct vd_event start = {.type = VD_EV_START};

    memset(&story, 0, sizeof(story));
    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    group.options = &options;
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

int main(void)
{
    Suite *suite = suite_create("drive");
    TCase *tcase = tcase_create("drive");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, promises_leave_behind_the_save);
    tcase_add_test(tcase, a_turn_saves_once);
    tcase_add_test(tcase, nothing_new_is_not_saved);
    tcase_add_test(tcase, a_full_disk_makes_mute);
    tcase_add_test(tcase, only_a_receipt_opens_promises);
    tcase_add_test(tcase, chatter_goes_on_while_mute);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
