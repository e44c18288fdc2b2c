/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of three vedettes tells: by who was heard, who stands back, and whose
 * id is the lowest; and what words of others are understood. Method: a puppet
 * core whose peers are one with a lower id and one with a higher; no sockets.
 */
#include <check.h>
#include <string.h>

#include "alert/circle.h"
#include "puppet.h"
#include "suite.h"

#define NOW 10000
#define LOWER "0000000100000000000000000000000000000001"
#define OWN "000000015e1f0000000000000000000000000000"
#define HIGHER "0000000200000000000000000000000000000002"

static struct puppet puppet;
static struct vd_drive drive;
static struct vd_circle *circle;
static struct vd_text scratch;
static struct vd_told told;

static void set_up(void)
{
    puppet_init(&puppet, 2, 0, 2);
    puppet_settle(&puppet);
    ck_assert_str_eq(puppet_peer_id(1).hex, LOWER);
    ck_assert_str_eq(puppet_peer_id(2).hex, HIGHER);
    puppet.core->self = (struct vd_id){OWN};
    drive = (struct vd_drive){.core = puppet.core};
    circle = vd_circle_new(NULL, &drive, NOW - VD_CIRCLE_LOST_MS - VD_CIRCLE_HERE_MS);
    vd_circle_meet(circle, "m", NOW);
}

static void tear_down(void)
{
    vd_text_free(&scratch);
    vd_circle_free(circle);
    puppet_free(&puppet);
}

enum word {
    SILENT,
    STANDS_BACK,
    READY,
};

static void hear_here(const char *id, enum word word)
{
    struct vd_text text = {0};

    if (word == SILENT)
        return;
    vd_text_printf(&text, "vedette-alerts,1,%s,here,%d", id, word == READY);
    ck_assert(!vd_circle_hear(circle, vd_text_cstr(&text), NOW, &scratch, &told));
    vd_text_free(&text);
}

static const struct {
    const char *what;
    enum word lower;
    enum word own;
    enum word higher;
    bool leads;
} cases[] = {
    {"nobody else is there", SILENT, READY, SILENT, true},
    {"a lower one is", READY, READY, SILENT, false},
    {"a higher one is", SILENT, READY, READY, true},
    {"the lower one stands back", STANDS_BACK, READY, READY, true},
    {"we stand back for a higher one", SILENT, STANDS_BACK, READY, false},
    {"we and the lower one stand back", STANDS_BACK, STANDS_BACK, READY, false},
    {"all stand back, and another is the lowest", STANDS_BACK, STANDS_BACK, STANDS_BACK, false},
    {"all stand back, and we are the lowest", SILENT, STANDS_BACK, STANDS_BACK, true},
    {"we are alone, and stand back", SILENT, STANDS_BACK, SILENT, true},
};

START_TEST(who_tells)
{
    hear_here(LOWER, cases[_i].lower);
    hear_here(HIGHER, cases[_i].higher);
    if (cases[_i].own == STANDS_BACK)
        vd_circle_stand_back(circle, NOW + 1);
    ck_assert_msg(vd_circle_leads(circle, "m", NOW) == cases[_i].leads, "%s", cases[_i].what);
}
END_TEST

START_TEST(nobody_who_has_just_been_started)
{
    ck_assert(!vd_circle_has_begun(circle, NOW - VD_CIRCLE_HERE_MS - 1));
    ck_assert(vd_circle_has_begun(circle, NOW - VD_CIRCLE_HERE_MS)); /* and says so */
    ck_assert(!vd_circle_leads(circle, "m", NOW - 1));
    ck_assert(vd_circle_leads(circle, "m", NOW));
}
END_TEST

START_TEST(who_no_longer_stands_back_says_so_first)
{
    hear_here(HIGHER, READY);
    vd_circle_stand_back(circle, NOW);
    ck_assert(!vd_circle_leads(circle, "m", NOW + VD_CIRCLE_HERE_MS - 1));
    ck_assert(vd_circle_leads(circle, "m", NOW + VD_CIRCLE_HERE_MS));
}
END_TEST

START_TEST(who_falls_silent_is_not_waited_for)
{
    hear_here(LOWER, READY);
    ck_assert(!vd_circle_leads(circle, "m", NOW + VD_CIRCLE_LOST_MS - 1));
    ck_assert(vd_circle_leads(circle, "m", NOW + VD_CIRCLE_LOST_MS));
}
END_TEST

START_TEST(who_is_out_of_reach_is_not_waited_for)
{
    hear_here(LOWER, READY);
    puppet_link_down(&puppet, &puppet_opinion(&puppet, 1)->peer->wire, VD_DOWN_REFUSED);
    ck_assert(vd_circle_leads(circle, "m", NOW));
}
END_TEST

static const struct {
    const char *text;
    bool ended;
    const char *target; /* NULL: it tells no alert */
} words[] = {
    {"vedette-alerts,1," LOWER ",told,c,firing,5,r,g,t", false, "t"},
    {"vedette-alerts,1," LOWER ",told,c,resolved,5,r,g,t", true, "t"},
    {"vedette-alerts,1," LOWER ",told,c,firing,5,r,g,a,b", false, "a,b"},
    {"vedette-alerts,1," LOWER ",told,c,perhaps,5,r,g,t", false, NULL},
    {"vedette-alerts,1," LOWER ",told,c,firing,soon,r,g,t", false, NULL},
    {"vedette-alerts,1," LOWER ",told,c,firing,5,r,g", false, NULL},
    {"vedette-alerts,1," LOWER ",sung,c,firing,5,r,g,t", false, NULL},
    {"vedette-alerts,1," LOWER, false, NULL},
    {"vedette-alerts,1,", false, NULL},
    {"vedette-alerts,2," LOWER ",told,c,firing,5,r,g,t", false, NULL},
    {"vedette-alerts,1,ffffffffffffffffffffffffffffffffffffffff,told,c,firing,5,r,g,t", false,
     NULL},
    {"", false, NULL},
};

START_TEST(what_is_understood)
{
    bool is_told = vd_circle_hear(circle, words[_i].text, NOW, &scratch, &told);

    ck_assert_msg(is_told == (words[_i].target != NULL), "%s", words[_i].text);
    if (!is_told)
        return;
    ck_assert(told.ended == words[_i].ended);
    ck_assert_str_eq(told.channel, "c");
    ck_assert_str_eq(told.rule, "r");
    ck_assert_str_eq(told.group, "g");
    ck_assert_str_eq(told.target, words[_i].target);
    ck_assert_int_eq(told.since_ms, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("circle");
    TCase *tests = tcase_create("circle");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_rows(tests, who_tells, cases);
    tcase_add_test(tests, nobody_who_has_just_been_started);
    tcase_add_test(tests, who_no_longer_stands_back_says_so_first);
    tcase_add_test(tests, who_falls_silent_is_not_waited_for);
    tcase_add_test(tests, who_is_out_of_reach_is_not_waited_for);
    suite_add_rows(tests, what_is_understood, words);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
