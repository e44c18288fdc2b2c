/* SPDX-License-Identifier: BSD-3-Clause */
/* Handshakes: whose turn it is, how many are under way, and that nothing runs over its budget. */
#include <check.h>

#include "base/mem.h"
#include "shell/clock.h"
#include "shell/handshakes.h"
#include "suite.h"

#define PLACES VD_HANDSHAKES_BEGUN_MAX

struct hand {
    struct vd_handshake shake; /* first */
    unsigned steps;
    int64_t cost_us;
    bool leaves; /* ends with its first step */
};

static struct ev_loop *loop;
static struct vd_handshakes all;
static struct hand *order[16]; /* those who took a step, in order */
static unsigned taken;

static void step(struct vd_handshake *shake)
{
    struct hand *hand = (struct hand *)(void *)shake;
    int64_t end_us = vd_clock_now_us() + hand->cost_us;

    hand->steps++;
    if (taken < sizeof(order) / sizeof(order[0]))
        order[taken++] = hand;
    while (vd_clock_now_us() < end_us) {
    }
    if (hand->leaves)
        vd_handshakes_leave(&all, shake);
}

static void setup(void)
{
    loop = ev_loop_new(0);
    vd_handshakes_init(&all, loop);
    taken = 0;
}

static void teardown(void)
{
    vd_handshakes_stop(&all);
    ev_loop_destroy(loop);
}

static void prepare(struct hand *hand, bool outgoing)
{
    *hand = (struct hand){.shake = {.step = step, .outgoing = outgoing}};
}

/* As many turns as it takes: a busy machine may spend a turn's budget on one step. */
static void run_all(void)
{
    while (ev_is_active(&all.work))
        ev_run(loop, EVRUN_NOWAIT);
}

START_TEST(outgoing_go_first)
{
    struct hand in[2];
    struct hand out;

    prepare(&in[0], false);
    prepare(&in[1], false);
    prepare(&out, true);
    vd_handshakes_want(&all, &in[0].shake);
    vd_handshakes_want(&all, &in[1].shake);
    vd_handshakes_want(&all, &out.shake);
    vd_handshakes_want(&all, &in[0].shake); /* it is in the queue already */
    run_all();
    ck_assert_uint_eq(taken, 3);
    ck_assert_ptr_eq(order[0], &out);
    ck_assert_ptr_eq(order[1], &in[0]);
    ck_assert_ptr_eq(order[2], &in[1]);
}
END_TEST

START_TEST(a_turn_has_a_budget)
{
    struct hand slow[3];

    for (size_t i = 0; i < 3; i++) {
        prepare(&slow[i], false);
        slow[i].cost_us = 2500;
        vd_handshakes_want(&all, &slow[i].shake);
    }
    for (unsigned turn = 1; turn <= 3; turn++) {
        ev_run(loop, EVRUN_NOWAIT);
        ck_assert_uint_eq(taken, turn);
    }
    ck_assert(!ev_is_active(&all.work));
}
END_TEST

START_TEST(who_leaves_is_not_called)
{
    struct hand gone;
    struct hand stays;

    prepare(&gone, false);
    prepare(&stays, false);
    vd_handshakes_want(&all, &gone.shake);
    vd_handshakes_want(&all, &stays.shake);
    vd_handshakes_leave(&all, &gone.shake);
    vd_handshakes_leave(&all, &gone.shake);
    ev_run(loop, EVRUN_NOWAIT);
    ck_assert_uint_eq(gone.steps, 0);
    ck_assert_uint_eq(stays.steps, 1);
    ck_assert_uint_eq(all.begun, 1);
}
END_TEST

/* Beyond the places others wait, in order; outgoing ones need none. */
START_TEST(places_are_limited)
{
    struct hand *hands = vd_calloc(PLACES + 2, sizeof(hands[0]));
    struct hand out;

    for (size_t i = 0; i < PLACES + 2; i++) {
        prepare(&hands[i], false);
        vd_handshakes_want(&all, &hands[i].shake);
    }
    prepare(&out, true);
    vd_handshakes_want(&all, &out.shake);
    run_all();
    ck_assert_uint_eq(out.steps, 1);
    ck_assert_uint_eq(hands[PLACES - 1].steps, 1);
    ck_assert_uint_eq(hands[PLACES].steps, 0);
    vd_handshakes_leave(&all, &hands[PLACES].shake); /* gave up */
    vd_handshakes_leave(&all, &hands[0].shake);
    ev_run(loop, EVRUN_NOWAIT);
    ck_assert_uint_eq(hands[PLACES].steps, 0);
    ck_assert_uint_eq(hands[PLACES + 1].steps, 1);
    ck_assert_uint_eq(all.begun, PLACES);
    vd_free(hands);
}
END_TEST

START_TEST(ends_within_its_step)
{
    struct hand hand;

    prepare(&hand, false);
    hand.leaves = true;
    vd_handshakes_want(&all, &hand.shake);
    ev_run(loop, EVRUN_NOWAIT);
    ck_assert_uint_eq(hand.steps, 1);
    ck_assert_uint_eq(all.begun, 0);
    ck_assert_ptr_null(all.queue);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handshakes");
    TCase *tcase = tcase_create("handshakes");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, outgoing_go_first);
    tcase_add_test(tcase, a_turn_has_a_budget);
    tcase_add_test(tcase, who_leaves_is_not_called);
    tcase_add_test(tcase, places_are_limited);
    tcase_add_test(tcase, ends_within_its_step);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
