/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stories and their pictures: which states follow from which notices, and that
 * nothing that came from a network can leave the JSON in which it is shown.
 */
#include <check.h>
#include <string.h>

#include "draw/draw.h"
#include "suite.h"

static struct vd_story story;
static int lane;

static void begin(void)
{
    story = (struct vd_story){0};
    lane = vd_story_add_lane(
        &story,
        &(struct vd_story_lane){.kind = VD_LANE_SENTINEL, .name = "s1", .group = VD_STORY_NOBODY});
}

static void end(void)
{
    vd_story_free(&story);
}

static void notice(int64_t at, const char *event, const char *payload)
{
    vd_story_notice(&story, lane, at, event, payload);
}

static void assert_band(size_t place, enum vd_band kind, int64_t from, int64_t to)
{
    ck_assert_uint_lt(place, story.band_count);
    ck_assert_int_eq(story.bands[place].kind, kind);
    ck_assert_int_eq(story.bands[place].from, from);
    ck_assert_int_eq(story.bands[place].to, to);
}

START_TEST(test_a_leader_goes_through_its_states)
{
    notice(10, "+sdown", "master m1 10.0.0.1 6379");
    notice(20, "+odown", "master m1 10.0.0.1 6379 #quorum 2/2");
    notice(20, "+try-failover", "master m1 10.0.0.1 6379");
    notice(30, "+elected-leader", "master m1 10.0.0.1 6379");
    notice(40, "+promoted-slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ m1 10.0.0.1 6379");
    notice(40, "+switch-master", "m1 10.0.0.1 6379 10.0.0.2 6379");
    notice(50, "+failover-end", "master m1 10.0.0.2 6379");
    ck_assert_uint_eq(story.band_count, 5);
    assert_band(0, VD_BAND_SDOWN, 10, 20);
    assert_band(1, VD_BAND_ODOWN, 20, 40);
    assert_band(2, VD_BAND_CANDIDATE, 20, 30);
    assert_band(3, VD_BAND_LEADER, 30, 40);
    assert_band(4, VD_BAND_PROMOTED, 40, 50);
    ck_assert_uint_eq(story.group_count, 1);
    ck_assert_str_eq(story.groups[0], "m1");
    ck_assert_uint_eq(story.mark_count, 7);
    ck_assert_str_eq(story.marks[5].text, "+switch-master m1 10.0.0.1 6379 10.0.0.2 6379");
    ck_assert_int_eq(story.marks[5].group, 0);
}
END_TEST

START_TEST(test_what_comes_back)
{
    notice(10, "+sdown", "master m1 10.0.0.1 6379");
    notice(20, "+odown", "master m1 10.0.0.1 6379 #quorum 2/2");
    notice(25, "+try-failover", "master m1 10.0.0.1 6379");
    notice(30, "-odown", "master m1 10.0.0.1 6379");
    notice(35, "-failover-abort-not-elected", "master m1 10.0.0.1 6379");
    notice(40, "-sdown", "master m1 10.0.0.1 6379");
    ck_assert_uint_eq(story.band_count, 4);
    assert_band(1, VD_BAND_ODOWN, 20, 30);
    assert_band(2, VD_BAND_CANDIDATE, 25, 35);
    assert_band(3, VD_BAND_SDOWN, 30, 40);
}
END_TEST

START_TEST(test_a_replica_that_is_down_is_no_state_of_the_group)
{
    notice(10, "+sdown", "slave 10.0.0.2:6379 10.0.0.2 6379 @ m1 10.0.0.1 6379");
    notice(11, "+sdown", "sentinel abc 10.0.0.2 26379 @ m1 10.0.0.1 6379");
    notice(12, "-sdown", "slave 10.0.0.2:6379 10.0.0.2 6379 @ m1 10.0.0.1 6379");
    notice(13, "+new-epoch", "7");
    notice(14, "+something", NULL);
    ck_assert_uint_eq(story.band_count, 0);
    ck_assert_int_eq(story.marks[0].group, 0);
    ck_assert_int_eq(story.marks[3].group, VD_STORY_NOBODY);
    ck_assert_str_eq(story.marks[4].text, "+something");
}
END_TEST

START_TEST(test_groups_have_states_of_their_own)
{
    notice(10, "+sdown", "master m1 10.0.0.1 6379");
    notice(11, "+sdown", "master m2 10.0.0.3 6379");
    notice(12, "-sdown", "master m1 10.0.0.1 6379");
    assert_band(0, VD_BAND_SDOWN, 10, 12);
    assert_band(1, VD_BAND_SDOWN, 11, VD_STORY_NEVER);
    vd_story_end_lane(&story, lane, 20);
    assert_band(0, VD_BAND_SDOWN, 10, 12);
    assert_band(1, VD_BAND_SDOWN, 11, 20);
}
END_TEST

START_TEST(test_entering_the_same_state_again_changes_nothing)
{
    vd_story_enter(&story, lane, 0, VD_BAND_REPLICA, 10, "replica of r1");
    vd_story_enter(&story, lane, 0, VD_BAND_REPLICA, 20, "replica of r1");
    ck_assert_uint_eq(story.band_count, 1);
    vd_story_enter(&story, lane, 0, VD_BAND_REPLICA, 30, "replica of r2");
    ck_assert_uint_eq(story.band_count, 2);
    assert_band(0, VD_BAND_REPLICA, 10, 30);
    vd_story_leave(&story, lane, 0, VD_BAND_DEAD, 40); /* of the same sort */
    assert_band(1, VD_BAND_REPLICA, 30, 40);
    vd_story_leave(&story, lane, 0, VD_BAND_DEAD, 50);
    assert_band(1, VD_BAND_REPLICA, 30, 40);
}
END_TEST

START_TEST(test_lists_grow)
{
    size_t last = 0;

    for (int i = 0; i < 1000; i++) {
        last = vd_story_tell(
            &story,
            &(struct vd_story_message){.sent_at = i, .heard_at = VD_STORY_NEVER, .label = "PING"});
        ck_assert_uint_eq(last, (size_t)i);
    }
    vd_story_arrived(&story, 500, 77);
    ck_assert_int_eq(story.messages[500].heard_at, 77);
    ck_assert_int_eq(story.messages[501].heard_at, VD_STORY_NEVER);
    ck_assert_int_eq(story.messages[999].sent_at, 999);
}
END_TEST

/* Texts as they come from a network, and as they stand in the page. */
static const struct {
    const char *text;
    const char *shown;
} hostile[] = {
    {"plain", "\"plain\""},
    {"", "\"\""},
    {"</script><script>", "\"\\u003c/script\\u003e\\u003cscript\\u003e\""},
    {"<!--", "\"\\u003c!--\""},
    {"a\"b\\c'&", "\"a\\u0022b\\u005cc\\u0027\\u0026\""},
    {"a\nb\x01\x7f", "\"a\\u000ab\\u0001\\u007f\""},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8e", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8e\""},
    {"\xff\xfe", "\"\\ufffd\\ufffd\""},
    {"\xc0\xaf", "\"\\ufffd\\ufffd\""},                       /* an overlong '/' */
    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            /* half of a surrogate pair */
    {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* above the last */
    {"\xe2\x82", "\"\\ufffd\\ufffd\""},                       /* cut off */
};

START_TEST(test_no_text_ends_the_script)
{
    struct vd_text json = {0};

    story.messages = NULL;
    vd_story_mark(&story, &(struct vd_story_mark){
                              .lane = lane, .kind = VD_MARK_NOTICE, .text = hostile[_i].text});
    vd_draw_json(&story, &json);
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&json), hostile[_i].shown));
    ck_assert_ptr_null(strchr(vd_text_cstr(&json), '<'));
    vd_text_free(&json);
}
END_TEST

START_TEST(test_the_page_stands_alone)
{
    struct vd_text page = {0};
    const char *text;

    vd_story_name(&story, "A <b>title", "What it is about");
    vd_draw_page(&story, &page);
    text = vd_text_cstr(&page);
    ck_assert_ptr_eq(strstr(text, "<!doctype html>"), text);
    ck_assert_ptr_nonnull(strstr(text, "\"title\":\"A \\u003cb\\u003etitle\""));
    ck_assert_ptr_nonnull(strstr(text, "default-src 'none'"));
    ck_assert_ptr_null(strstr(text, "@STORY@"));
    ck_assert_ptr_null(strstr(text, "@CSS@"));
    ck_assert_ptr_null(strstr(text, "@JS@"));
    ck_assert_ptr_null(strstr(text, " src="));
    ck_assert_ptr_nonnull(strstr(text, "</html>"));
    vd_text_free(&page);
}
END_TEST

START_TEST(test_every_row_has_its_places)
{
    struct vd_text json = {0};
    struct vd_story_failover failover = {.lane = lane,
                                         .epoch = UINT64_MAX,
                                         .loss_bytes = -1,
                                         .reason = "odown",
                                         .result = "done",
                                         .from = "r1",
                                         .to = "r2"};

    for (int p = 0; p <= VD_PHASE_COUNT; p++)
        failover.at[p] = p == 3 ? VD_STORY_NEVER : 100 * p;
    vd_story_failover(&story, &failover);
    vd_story_tell(&story, &(struct vd_story_message){.from = 0,
                                                     .to = 0,
                                                     .sent_at = -5,
                                                     .heard_at = VD_STORY_NEVER,
                                                     .talk = VD_TALK_ORDER,
                                                     .group = VD_STORY_NOBODY,
                                                     .label = "REPLICAOF NO ONE"});
    vd_story_enter(&story, lane, 0, VD_BAND_LEADER, 3, "leader");
    vd_draw_json(&story, &json);
    ck_assert_ptr_nonnull(strstr(
        vd_text_cstr(&json), "[0,0,\"18446744073709551615\",[0,100,200,null,400,500,600,700],-1,"
                             "\"odown\",\"done\",\"r1\",\"r2\"]"));
    ck_assert_ptr_nonnull(
        strstr(vd_text_cstr(&json), "[0,0,-5,null,\"order\",-1,0,\"REPLICAOF NO ONE\",\"\"]"));
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&json), "[0,3,null,\"leader\",0,\"leader\"]"));
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&json), "[\"sentinel\",\"s1\",\"\",-1]"));
    vd_text_free(&json);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("draw");
    TCase *tcase = tcase_create("draw");

    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, test_a_leader_goes_through_its_states);
    tcase_add_test(tcase, test_what_comes_back);
    tcase_add_test(tcase, test_a_replica_that_is_down_is_no_state_of_the_group);
    tcase_add_test(tcase, test_groups_have_states_of_their_own);
    tcase_add_test(tcase, test_entering_the_same_state_again_changes_nothing);
    tcase_add_test(tcase, test_lists_grow);
    suite_add_rows(tcase, test_no_text_ends_the_script, hostile);
    tcase_add_test(tcase, test_the_page_stands_alone);
    tcase_add_test(tcase, test_every_row_has_its_places);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
