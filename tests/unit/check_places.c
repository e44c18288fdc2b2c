/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places: in which order, and how fast, thousands of links are dialled, and
 * what is thought meanwhile of those that wait. Method: a puppet core, a row of
 * links that stand for others, time by hand.
 */
#include <check.h>

#include "core/places.h"
#include "stage.h"
#include "suite.h"

#define PACE_DIALS 64
#define PACE_MS 12
#define LATE_DIALS_MAX 256
#define ROW 2000

static struct vd_wire row[ROW];

/* How many of the row may be dialled, which are the first ones of it. */
static size_t count_called(void)
{
    size_t count = 0;

    while (count < ROW && row[count].place == VD_PLACE_CALLED)
        count++;
    for (size_t i = count; i < ROW; i++)
        ck_assert_int_ne(row[i].place, VD_PLACE_CALLED);
    return count;
}

static void pass(vd_ms ms)
{
    puppet.core->now += ms;
    vd_places_call(puppet.core);
}

/* All of the row want to be dialled at this instant; returns how many may at once. */
static size_t stand_in_row(void)
{
    size_t at_once = 0;

    for (size_t i = 0; i < ROW; i++) {
        row[i] = (struct vd_wire){.node = puppet_node(&puppet, 1)};
        if (vd_place_take(puppet.core, &row[i]))
            at_once++;
    }
    return at_once;
}

static void stand_and_forget_the_first(void)
{
    puppet.core->now += 10000;
    ck_assert_uint_eq(stand_in_row(), PACE_DIALS);
    for (size_t i = 0; i < PACE_DIALS; i++)
        row[i].place = VD_PLACE_CALLED; /* they were told at once */
}

START_TEST(few_at_once_the_rest_in_order)
{
    stand_and_forget_the_first();
    for (size_t calls = 1; calls <= 3; calls++) {
        ck_assert_int_eq(vd_places_due(puppet.core), puppet.core->now + PACE_MS);
        pass(PACE_MS - 1);
        ck_assert_uint_eq(count_called(), calls * PACE_DIALS);
        pass(1);
        ck_assert_uint_eq(count_called(), (calls + 1) * PACE_DIALS);
        pass(0);
        ck_assert_uint_eq(count_called(), (calls + 1) * PACE_DIALS);
    }
}
END_TEST

/* Else the later the loop is, the slower it would dial. */
START_TEST(who_comes_late_calls_more_but_not_all)
{
    stand_and_forget_the_first();
    pass(2 * PACE_MS);
    ck_assert_uint_eq(count_called(), 3 * PACE_DIALS);
    pass(1000);
    ck_assert_uint_eq(count_called(), 3 * PACE_DIALS + LATE_DIALS_MAX);
}
END_TEST

START_TEST(time_in_which_nobody_waited_leaves_nothing_over)
{
    stand_and_forget_the_first();
    for (size_t i = 0; i < ROW; i++)
        vd_place_leave(puppet.core, &row[i]);
    ck_assert_int_eq(vd_places_due(puppet.core), INT64_MAX);
    stand_and_forget_the_first();
}
END_TEST

START_TEST(who_leaves_the_row_gives_its_place_to_the_next)
{
    stand_and_forget_the_first();
    for (size_t i = PACE_DIALS; i < ROW; i += 2)
        vd_place_leave(puppet.core, &row[i]);
    pass(PACE_MS);
    for (size_t i = PACE_DIALS; i < ROW; i++)
        ck_assert_int_eq(row[i].place == VD_PLACE_CALLED, i < 3 * PACE_DIALS && i % 2 == 1);
    ck_assert(vd_place_take(puppet.core, &row[PACE_DIALS + 1])); /* it was called */
    ck_assert(!vd_place_take(puppet.core, &row[ROW - 1]));       /* it waits */
    ck_assert(!vd_place_take(puppet.core, &row[PACE_DIALS]));    /* it begins anew, as the last */
}
END_TEST

/* One that has not been dialled so far, or has just been reached, was not asked yet. */
START_TEST(who_was_not_asked_is_not_silent)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    struct vd_info_replica listed = {.addr = puppet_addr("10.0.0.9", 6379), .online = true};
    struct vd_info info = puppet_primary_info();
    struct vd_event due = {.type = VD_EV_DUE};
    vd_ms begun_at = puppet.now;
    struct vd_node *node;

    info.replicas = &listed;
    info.replica_count = 1;
    stand_in_row();
    puppet_info(&puppet, primary, &info);
    node = puppet_node(&puppet, 9);
    ck_assert_ptr_nonnull(node);
    for (int i = 0; i < 3; i++) {
        puppet.core->places.filled_at = puppet.now + 1000; /* slowly: nobody is called */
        puppet_pass(&puppet, puppet.now + 900);
        if (primary->pulse.ticket.n != 0)
            puppet_pong(&puppet, &primary->command, VD_PONG_OK);
    }
    ck_assert_int_eq(node->s_down_at, VD_NEVER);
    ck_assert_uint_eq(node->command.link.n, 0);
    while (node->command.link.n == 0)
        puppet_pass(&puppet, puppet.now + 1);
    ck_assert_int_eq(node->s_down_at, VD_NEVER);
    ck_assert_int_gt(puppet.now, begun_at + 2700);
    ck_assert_int_eq(node->pulse.silent_since, puppet.now); /* it counts from the call */

    /* One that was lost, and is being dialled again when its time is over, gets a moment. */
    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    puppet_pass(&puppet, puppet.now + 20);
    puppet.now = primary->pulse.silent_since + 1000;
    primary->command.since = puppet.now - 50;
    puppet_step(&puppet, &due);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    puppet_pass(&puppet, puppet.now + 50);
    ck_assert_int_eq(primary->s_down_at, puppet.now);
}
END_TEST

/* When thousands die, each waits in the row to be dialled again, and again. */
START_TEST(who_was_dialled_in_vain_is_judged_while_it_waits)
{
    struct vd_node *primary = puppet_node(&puppet, 1);
    vd_ms silent_since;

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    silent_since = primary->pulse.silent_since;
    puppet_pass(&puppet, puppet.now + 30);
    ck_assert_uint_ne(primary->command.link.n, 0);
    puppet_link_down(&puppet, &primary->command, VD_DOWN_REFUSED);
    stand_in_row();
    puppet.core->places.filled_at = puppet.now + 2000;
    puppet_pass(&puppet, silent_since + 999);
    ck_assert_int_eq(primary->command.place, VD_PLACE_WAITING);
    ck_assert_int_eq(primary->s_down_at, VD_NEVER);
    puppet_pass(&puppet, silent_since + 1000);
    ck_assert_int_eq(primary->command.place, VD_PLACE_WAITING);
    ck_assert_int_eq(primary->s_down_at, silent_since + 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("places");
    TCase *tcase = stage_case("places");

    tcase_add_test(tcase, few_at_once_the_rest_in_order);
    tcase_add_test(tcase, who_comes_late_calls_more_but_not_all);
    tcase_add_test(tcase, time_in_which_nobody_waited_leaves_nothing_over);
    tcase_add_test(tcase, who_leaves_the_row_gives_its_place_to_the_next);
    tcase_add_test(tcase, who_was_not_asked_is_not_silent);
    tcase_add_test(tcase, who_was_dialled_in_vain_is_judged_while_it_waits);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
