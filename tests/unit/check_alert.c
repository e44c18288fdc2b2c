/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Alerts: duration and hysteresis of rules, who is told what and how often,
 * what a vedette learns from others, and the three formats. Method: the book
 * is asked with values and times; nothing is sent.
 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alert/book.h"
#include "alert/message.h"
#include "alert/post.h"
#include "http/family.h"
#include "suite.h"

static struct vd_book *book;
static struct vd_alert *alert;
static const struct vd_alert_rule lag = {
    .name = "lag",
    .signal = VD_SIGNAL_NODE_LAG,
    .limit = 0.5,
    .clear = 0.25,
    .for_ms = 5000,
    .clear_ms = 2000,
    .channels = 3,
    .severity = VD_SEVERITY_WARNING,
};

static void set_up(void)
{
    book = vd_book_new();
    alert = NULL;
}

static void tear_down(void)
{
    vd_book_free(book);
}

static enum vd_alert_change look(double value, vd_ms now)
{
    return vd_book_look(book, &lag, "m", "10.0.0.2:6379", value, now, 1000000 + now, &alert);
}

static const struct vd_alert *only(void)
{
    const struct vd_alert *first = vd_book_next(book, NULL);

    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(vd_book_next(book, first));
    return first;
}

static void ignore(void *self, struct vd_alert *ended)
{
    unsigned *count = self;

    (void)ended;
    ++*count;
}

/* Duration and hysteresis ------------------------------------------------------------ */

START_TEST(fires_after_its_time_only)
{
    ck_assert_int_eq(look(0.5, 0), VD_ALERT_SAME); /* at the limit is not above it */
    ck_assert_ptr_null(vd_book_next(book, NULL));
    ck_assert_int_eq(look(0.6, 1000), VD_ALERT_SAME);
    ck_assert_int_eq(only()->state, VD_ALERT_PENDING);
    ck_assert_int_eq(look(0.6, 5999), VD_ALERT_SAME);
    ck_assert_int_eq(look(0.6, 6000), VD_ALERT_BEGAN);
    ck_assert_int_eq(only()->state, VD_ALERT_FIRING);
    ck_assert_int_eq(only()->since_ms, 1006000);
}
END_TEST

START_TEST(a_gap_begins_anew)
{
    (void)look(0.6, 0);
    (void)look(0.4, 4000); /* between clear and limit: the condition does not hold */
    ck_assert_ptr_null(vd_book_next(book, NULL));
    (void)look(0.6, 5000);
    ck_assert_int_eq(look(0.6, 9999), VD_ALERT_SAME);
    ck_assert_int_eq(look(0.6, 10000), VD_ALERT_BEGAN);
}
END_TEST

START_TEST(ends_below_clear_and_after_its_time)
{
    (void)look(0.6, 0);
    (void)look(0.6, 5000);
    ck_assert_int_eq(look(0.3, 6000), VD_ALERT_SAME); /* below the limit, not below clear */
    ck_assert_int_eq(look(0.3, 60000), VD_ALERT_SAME);
    ck_assert_int_eq(look(0.2, 61000), VD_ALERT_SAME);
    ck_assert_int_eq(look(0.3, 62000), VD_ALERT_SAME); /* begins anew */
    ck_assert_int_eq(look(0.2, 63000), VD_ALERT_SAME);
    ck_assert_int_eq(look(0.2, 64999), VD_ALERT_SAME);
    ck_assert_int_eq(look(0.2, 65000), VD_ALERT_ENDED);
    ck_assert_int_eq(only()->state, VD_ALERT_RESOLVED);
}
END_TEST

START_TEST(unknown_is_not_bad)
{
    (void)look(0.6, 0);
    (void)look(NAN, 1000);
    ck_assert_ptr_null(vd_book_next(book, NULL));
    (void)look(0.6, 2000);
    (void)look(0.6, 7000);
    (void)look(NAN, 8000);
    ck_assert_int_eq(look(NAN, 10000), VD_ALERT_ENDED);
    ck_assert_double_eq(only()->value, 0.6); /* the last that was known */
}
END_TEST

START_TEST(below_is_the_mirror)
{
    struct vd_alert_rule rate = lag;

    rate.below = true;
    rate.limit = 0.75;
    rate.clear = 0.8;
    rate.for_ms = rate.clear_ms = 0;
    ck_assert_int_eq(vd_book_look(book, &rate, "m", "m", 0.75, 0, 0, &alert), VD_ALERT_SAME);
    ck_assert_int_eq(vd_book_look(book, &rate, "m", "m", 0.74, 1, 1, &alert), VD_ALERT_BEGAN);
    ck_assert_int_eq(vd_book_look(book, &rate, "m", "m", 0.79, 2, 2, &alert), VD_ALERT_SAME);
    ck_assert_int_eq(vd_book_look(book, &rate, "m", "m", 0.8, 3, 3, &alert), VD_ALERT_ENDED);
}
END_TEST

START_TEST(what_is_gone_has_ended)
{
    unsigned ended = 0;

    (void)look(0.6, 0);
    (void)look(0.6, 5000);
    vd_book_end_round(book, 5000, ignore, &ended);
    vd_book_end_round(book, 6000, ignore, &ended); /* not looked at in this round */
    ck_assert_uint_eq(ended, 0);
    vd_book_end_round(book, 8000, ignore, &ended);
    ck_assert_uint_eq(ended, 1);
    vd_book_end_round(book, 8000 + 600001, ignore, &ended);
    ck_assert_ptr_null(vd_book_next(book, NULL));
}
END_TEST

/* Telling ---------------------------------------------------------------------------- */

static bool owes(unsigned channel, bool *of_end)
{
    return vd_alert_owes(only(), channel, of_end);
}

START_TEST(each_channel_is_told_once)
{
    bool of_end;

    (void)look(0.6, 0);
    ck_assert(!owes(0, &of_end)); /* pending is nobody's business */
    (void)look(0.6, 5000);
    ck_assert(owes(0, &of_end) && !of_end);
    ck_assert(owes(1, &of_end) && !of_end);
    ck_assert(!owes(2, &of_end)); /* not a channel of this rule */
    vd_alert_note_told(alert, 0, false);
    ck_assert(!owes(0, &of_end));
    (void)look(0.1, 6000);
    (void)look(0.1, 8000);
    ck_assert(owes(0, &of_end) && of_end);
    ck_assert(!owes(1, &of_end)); /* what was never told has no end to be told */
    vd_alert_note_told(alert, 0, true);
    ck_assert(!owes(0, &of_end));
}
END_TEST

START_TEST(what_others_told_is_not_told_again)
{
    bool of_end;

    (void)look(0.6, 0);
    vd_book_heard(book, &lag, "m", "10.0.0.2:6379", 0, false, 77, 4000);
    (void)look(0.6, 5000);
    ck_assert(!owes(0, &of_end));
    ck_assert(owes(1, &of_end));
}
END_TEST

START_TEST(an_end_that_others_owe_is_ours_to_tell)
{
    bool of_end;

    /* They saw it, we never did. */
    vd_book_heard(book, &lag, "m", "10.0.0.2:6379", 0, false, 77, 4000);
    ck_assert_int_eq(only()->state, VD_ALERT_FIRING);
    ck_assert_int_eq(only()->since_ms, 77);
    (void)look(0.1, 5000);
    ck_assert_int_eq(look(0.1, 7000), VD_ALERT_ENDED);
    ck_assert(owes(0, &of_end) && of_end);
    vd_book_heard(book, &lag, "m", "10.0.0.2:6379", 0, true, 77, 8000);
    ck_assert(!owes(0, &of_end));
}
END_TEST

START_TEST(hearsay_that_nobody_repeats_is_forgotten)
{
    unsigned ended = 0;

    vd_book_heard(book, &lag, "m", "10.0.0.2:6379", 0, false, 77, 0);
    (void)look(0.1, 1000);
    (void)look(0.1, 3000);
    vd_book_end_round(book, 59000, ignore, &ended);
    ck_assert_uint_eq(only()->told, 1);
    vd_book_end_round(book, 61000, ignore, &ended);
    ck_assert_uint_eq(only()->told, 0);
}
END_TEST

START_TEST(a_new_process_believes_no_end_at_first)
{
    bool of_end;

    vd_book_doubt(book, 60000);
    vd_book_heard(book, &lag, "m", "10.0.0.2:6379", 0, false, 77, 0);
    (void)look(NAN, 1000);
    (void)look(0.1, 50000);
    ck_assert_int_eq(only()->state, VD_ALERT_FIRING);
    ck_assert(!owes(0, &of_end));
    (void)look(0.1, 60000);
    ck_assert_int_eq(look(0.1, 62000), VD_ALERT_ENDED);
    ck_assert(owes(0, &of_end) && of_end);
}
END_TEST

START_TEST(what_is_seen_to_be_bad_may_end)
{
    vd_book_doubt(book, 60000);
    vd_book_heard(book, &lag, "m", "10.0.0.2:6379", 0, false, 77, 0);
    (void)look(0.6, 1000);
    (void)look(0.1, 2000);
    ck_assert_int_eq(look(0.1, 4000), VD_ALERT_ENDED);
}
END_TEST

START_TEST(who_nobody_speaks_of_is_an_orphan)
{
    bool of_end;

    (void)look(0.6, 0);
    (void)look(0.6, 5000);
    ck_assert(!vd_alert_is_orphan(only(), 100000)); /* told by nobody */
    vd_book_heard(book, &lag, "m", "10.0.0.2:6379", 0, false, 77, 6000);
    ck_assert(!vd_alert_is_orphan(only(), 16000));
    ck_assert(vd_alert_is_orphan(only(), 16001));
    /* Taken over: an end after a long time is told. */
    vd_book_next(book, NULL)->heard_at = VD_NEVER;
    (void)look(0.1, 100000);
    (void)look(0.1, 102000);
    vd_book_end_round(book, 102000, ignore, &(unsigned){0});
    ck_assert(owes(0, &of_end) && of_end);
}
END_TEST

START_TEST(what_the_store_does_not_know_is_kept)
{
    unsigned ended = 0;

    (void)look(0.6, 0);
    (void)look(0.6, 5000);
    ck_assert(!only()->unkept);
    vd_alert_note_told(alert, 0, false);
    ck_assert(only()->unkept);
    vd_book_next(book, NULL)->unkept = false;
    (void)look(0.1, 6000);
    (void)look(0.1, 8000);
    vd_alert_note_told(alert, 0, true);
    ck_assert(only()->unkept);
    vd_book_end_round(book, 10000000, ignore, &ended);
    ck_assert_ptr_nonnull(vd_book_next(book, NULL));
    vd_book_next(book, NULL)->unkept = false;
    vd_book_end_round(book, 10000000, ignore, &ended);
    ck_assert_ptr_null(vd_book_next(book, NULL));
}
END_TEST

/* Limits ----------------------------------------------------------------------------- */

static enum vd_alert_change look_at(unsigned target, double value, vd_ms now)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "10.0.0.2:%u", target);
    return vd_book_look(book, &lag, "m", name, value, now, 1000000 + now, &alert);
}

/* All of them have begun, were told, and `ending` are over, of which the store knows nothing. */
static void fill(unsigned ending)
{
    for (unsigned i = 0; i < VD_BOOK_MAX; i++) {
        (void)look_at(i, 0.6, 0);
        ck_assert_int_eq(look_at(i, 0.6, 5000), VD_ALERT_BEGAN);
        vd_alert_note_told(alert, 0, false);
        if (i >= ending)
            continue;
        (void)look_at(i, 0.1, 6000);
        ck_assert_int_eq(look_at(i, 0.1, 8000), VD_ALERT_ENDED);
        vd_alert_note_told(alert, 0, true);
        ck_assert(alert->unkept);
    }
    ck_assert_uint_eq(vd_book_missed(book), 0);
}

/* A disk that takes nothing keeps what is over in the book, but not what is new out of it. */
START_TEST(what_is_unkept_makes_room)
{
    fill(VD_BOOK_MAX - 1);
    ck_assert_uint_eq(vd_book_count(book, VD_ALERT_RESOLVED), VD_BOOK_MAX - 1);
    (void)look_at(VD_BOOK_MAX, 0.6, 9000);
    ck_assert_int_eq(look_at(VD_BOOK_MAX, 0.6, 14000), VD_ALERT_BEGAN);
    ck_assert_uint_eq(vd_book_missed(book), 0);
    ck_assert_uint_eq(vd_book_count(book, VD_ALERT_RESOLVED), 0);
    ck_assert_uint_eq(vd_book_count(book, VD_ALERT_FIRING), 2);
}
END_TEST

/* What somebody must hear of is never given up for another, and who is left out is counted. */
START_TEST(a_full_book_says_so)
{
    unsigned ended = 0;

    fill(0);
    alert = vd_book_next(book, NULL);
    alert->tellings[0].in_flight = true;
    (void)look_at(0, 0.1, 6000);
    (void)look_at(0, 0.1, 8000);
    vd_alert_note_told(vd_book_next(book, NULL), 0, true); /* over, but a request is under way */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(look_at(VD_BOOK_MAX + i, 0.6, 9000), VD_ALERT_SAME);
        ck_assert_ptr_null(alert);
    }
    vd_book_heard(book, &lag, "m", "10.0.0.3:1", 0, false, 0, 9000);
    ck_assert_uint_eq(vd_book_missed(book), 4);
    ck_assert_uint_eq(vd_book_count(book, VD_ALERT_FIRING), VD_BOOK_MAX - 1);
    vd_book_next(book, NULL)->tellings[0].in_flight = false;
    vd_book_end_round(book, 10000, ignore, &ended);
    ck_assert_uint_eq(vd_book_missed(book), 0);
    (void)look_at(VD_BOOK_MAX, 0.6, 11000); /* another round, another try */
    ck_assert_int_eq(look_at(VD_BOOK_MAX, 0.6, 16000), VD_ALERT_BEGAN);
}
END_TEST

/* Words ------------------------------------------------------------------------------ */

static json_t *body_of(enum vd_channel_kind kind, bool ended)
{
    char key[] = "routing";
    const struct vd_alert_channel channel = {.name = "c", .kind = kind, .key = key};
    const struct vd_message_facts facts = {"me", ended, 5000};
    struct vd_text text = {0};
    json_t *value;

    (void)vd_book_look(book, &lag, "a<b>&c", "\xff\"host:1", 0.81, 0, 0, &alert);
    (void)vd_book_look(book, &lag, "a<b>&c", "\xff\"host:1", 0.81, 5000, 1700000000000, &alert);
    vd_message_body(&channel, alert, &facts, &text);
    value = json_loads(vd_text_cstr(&text), 0, NULL);
    ck_assert_ptr_nonnull(value);
    vd_text_free(&text);
    return value;
}

static const char *string_of(const json_t *value, const char *name)
{
    return json_string_value(json_object_get(value, name));
}

START_TEST(generic_json)
{
    json_t *body = body_of(VD_CHANNEL_JSON, false);

    ck_assert_str_eq(string_of(body, "state"), "firing");
    ck_assert_str_eq(string_of(body, "metric"), "vedette_node_replication_lag_seconds");
    ck_assert_str_eq(string_of(body, "target"), "?\"host:1");
    ck_assert_str_eq(string_of(body, "text"),
                     "replication lag of ?\"host:1 of a<b>&c is 0.81 s (limit: above 0.5 s)");
    json_decref(body);
}
END_TEST

START_TEST(pagerduty)
{
    json_t *body = body_of(VD_CHANNEL_PAGERDUTY, true);
    const json_t *payload = json_object_get(body, "payload");

    ck_assert_str_eq(string_of(body, "event_action"), "resolve");
    ck_assert_str_eq(string_of(body, "routing_key"), "routing");
    ck_assert_str_eq(string_of(body, "dedup_key"), "lag a<b>&c ?\"host:1");
    ck_assert_str_eq(string_of(payload, "timestamp"), "2023-11-14T22:13:20Z");
    ck_assert_str_eq(string_of(payload, "severity"), "warning");
    json_decref(body);
}
END_TEST

START_TEST(slack_has_no_markup_of_strangers)
{
    json_t *body = body_of(VD_CHANNEL_SLACK, false);

    ck_assert_ptr_nonnull(strstr(string_of(body, "text"), "a&lt;b&gt;&amp;c"));
    json_decref(body);
}
END_TEST

START_TEST(what_json_has_no_word_for)
{
    char key[] = "\xff-key";
    const struct vd_alert_channel channel = {.name = "c", .kind = VD_CHANNEL_PAGERDUTY, .key = key};
    const struct vd_message_facts facts = {"me", false, 5000};
    struct vd_text text = {0};
    const json_t *details;
    json_t *body;

    (void)look(INFINITY, 0);
    (void)look(INFINITY, 5000);
    vd_message_body(&channel, alert, &facts, &text);
    body = json_loads(vd_text_cstr(&text), 0, NULL);
    details = json_object_get(json_object_get(body, "payload"), "custom_details");
    ck_assert_str_eq(string_of(body, "routing_key"), "?-key");
    ck_assert(json_is_null(json_object_get(details, "value")));
    json_decref(body);
    vd_text_free(&text);
}
END_TEST

START_TEST(what_libcurl_was_built_with)
{
    ck_assert(vd_post_speaks("http://x/"));
    ck_assert(!vd_post_speaks("no-such-protocol://x/"));
    ck_assert(!vd_post_speaks("htt"));
    ck_assert(!vd_post_speaks(""));
}
END_TEST

START_TEST(every_signal_is_a_metric)
{
    for (int i = 0; i < VD_SIGNAL_COUNT; i++)
        ck_assert_msg(vd_family_is_known(vd_signal_row((enum vd_signal)i)->name), "%s",
                      vd_signal_row((enum vd_signal)i)->name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alert");
    TCase *states = tcase_create("states");
    TCase *telling = tcase_create("telling");
    TCase *words = tcase_create("words");

    tcase_add_checked_fixture(states, set_up, tear_down);
    tcase_add_test(states, fires_after_its_time_only);
    tcase_add_test(states, a_gap_begins_anew);
    tcase_add_test(states, ends_below_clear_and_after_its_time);
    tcase_add_test(states, unknown_is_not_bad);
    tcase_add_test(states, below_is_the_mirror);
    tcase_add_test(states, what_is_gone_has_ended);
    suite_add_tcase(suite, states);
    tcase_add_checked_fixture(telling, set_up, tear_down);
    tcase_add_test(telling, each_channel_is_told_once);
    tcase_add_test(telling, what_others_told_is_not_told_again);
    tcase_add_test(telling, an_end_that_others_owe_is_ours_to_tell);
    tcase_add_test(telling, hearsay_that_nobody_repeats_is_forgotten);
    tcase_add_test(telling, a_new_process_believes_no_end_at_first);
    tcase_add_test(telling, what_is_seen_to_be_bad_may_end);
    tcase_add_test(telling, who_nobody_speaks_of_is_an_orphan);
    tcase_add_test(telling, what_the_store_does_not_know_is_kept);
    tcase_add_test(telling, what_is_unkept_makes_room);
    tcase_add_test(telling, a_full_book_says_so);
    suite_add_tcase(suite, telling);
    tcase_add_checked_fixture(words, set_up, tear_down);
    tcase_add_test(words, generic_json);
    tcase_add_test(words, pagerduty);
    tcase_add_test(words, slack_has_no_markup_of_strangers);
    tcase_add_test(words, what_json_has_no_word_for);
    tcase_add_test(words, what_libcurl_was_built_with);
    tcase_add_test(words, every_signal_is_a_metric);
    suite_add_tcase(suite, words);
    return suite_run(suite);
}
