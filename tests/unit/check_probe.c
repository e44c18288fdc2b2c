/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cadence: when PINGs leave, and how often a process wakes for them. Method:
 * one core with many groups of one server each, all of whose requests are
 * answered 2 ms later; time by hand.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "core/link.h"
#include "core/model.h"
#include "suite.h"

#define GROUPS_MOST 1000
#define REPLY_MS 2

static struct vd_core *core;
static struct vd_effects effects;
static vd_ms now;

static struct owed {
    vd_link link;
    vd_ticket ticket;
    vd_ms at;
} owed[GROUPS_MOST];
static size_t owed_count;

static vd_ms pinged[GROUPS_MOST]; /* by group: last */
static unsigned pings;
static unsigned wakings;
static vd_ms shortest;
static vd_ms longest;
static bool is_steady; /* all links are up, and long since */

static void forget(void)
{
    pings = 0;
    wakings = 0;
    shortest = INT64_MAX;
    longest = 0;
}

static void note_ping(const struct vd_effect *effect)
{
    struct vd_wire *wire = vd_handles_find(&core->wires, effect->send.link.n);
    vd_ms *last = &pinged[strtoul(wire->node->group->name + 1, NULL, 10)];

    if (*last != 0) {
        shortest = vd_min_ms(shortest, now - *last);
        longest = vd_max_ms(longest, now - *last);
    }
    *last = now;
    pings++;
    ck_assert_uint_lt(owed_count, GROUPS_MOST);
    owed[owed_count++] = (struct owed){effect->send.link, effect->send.ticket, now + REPLY_MS};
}

static void perform(void)
{
    vd_core_check(core);
    for (size_t i = 0; i < effects.count; i++) {
        if (effects.list[i].type == VD_EF_SEND && effects.list[i].send.request == VD_RQ_PING)
            note_ping(&effects.list[i]);
    }
    effects.count = 0;
    vd_arena_reset(&effects.arena);
}

/* As the drive does: the event, DUE if it is time, and then what both want. */
static void turn(struct vd_event *event)
{
    struct vd_event due = {.type = VD_EV_DUE, .at = now};

    if (event != NULL) {
        event->at = now;
        vd_core_step(core, event, &effects);
    }
    if (vd_core_wake_at(core) <= now)
        vd_core_step(core, &due, &effects);
    perform();
}

static void raise_wire(const struct vd_wire *wire)
{
    struct vd_event up = {.type = VD_EV_LINK_UP};

    if (wire->link.n == 0 || wire->up)
        return;
    up.up.ip = "10.0.0.1";
    up.up.local_ip = "10.0.0.9";
    up.up.link = wire->link;
    turn(&up);
}

/* What is being opened comes up. False: some are not asked for as yet. */
static bool raise_links(void)
{
    bool all = true;

    for (size_t i = 0; i < HASH_COUNT(core->groups); i++) {
        const struct vd_node *node = core->by_index[i]->primary;

        raise_wire(&node->command);
        raise_wire(&node->subscribe);
        all = all && node->command.up && node->subscribe.up;
    }
    return all;
}

static void pass(vd_ms until)
{
    while (now < until) {
        vd_ms wake_at = vd_core_wake_at(core);

        now = vd_min_ms(wake_at, until);
        if (owed_count > 0 && owed[0].at < now)
            now = owed[0].at;
        if (wake_at <= now) {
            wakings++;
            turn(NULL);
        }
        while (owed_count > 0 && owed[0].at <= now) {
            struct vd_event pong = {.type = VD_EV_PONG};

            pong.pong.link = owed[0].link;
            pong.pong.ticket = owed[0].ticket;
            pong.pong.kind = VD_PONG_OK;
            memmove(owed, owed + 1, --owed_count * sizeof(owed[0]));
            pong.at = now;
            vd_core_step(core, &pong, &effects);
            perform();
            /* It is the same as a second ago: there is nothing to do but to wait. */
            ck_assert(!is_steady || vd_core_wake_at(core) > now);
        }
    }
}

static void begin(unsigned count)
{
    struct vd_globals globals;
    struct vd_options options;
    static struct vd_image_group groups[GROUPS_MOST];
    static char names[GROUPS_MOST][16];
    struct vd_image image = {.self = {"5e1f000000000000000000000000000000000000"}};
    struct vd_event start = {.type = VD_EV_START};

    vd_globals_init(&globals);
    globals.listen_port = 26379;
    globals.info_period_ms = 3600000;
    globals.publish_period_ms = 3600000;
    vd_options_init(&options, &globals);
    options.quorum = 1;
    options.down_after_ms = 5000;
    for (unsigned i = 0; i < count; i++) {
        struct vd_addr *addr = &groups[i].primary;

        (void)snprintf(names[i], sizeof(names[i]), "g%u", i);
        (void)snprintf(addr->ip, sizeof(addr->ip), "10.1.%u.%u", i / 250, i % 250 + 1);
        (void)snprintf(addr->host, sizeof(addr->host), "10.1.%u.%u", i / 250, i % 250 + 1);
        addr->port = 6379;
        groups[i].name = names[i];
        groups[i].options = &options;
    }
    image.globals = &globals;
    image.groups = groups;
    image.group_count = count;
    core = vd_core_new(&image, false);
    vd_options_free(&options);
    vd_globals_free(&globals);
    memset(pinged, 0, sizeof(pinged));
    owed_count = 0;
    now = 1000;
    turn(&start);
    is_steady = false;
    while (!raise_links())
        pass(now + 1);
    ck_assert_int_lt(now, 60000);
    pass(now + 5000);
    is_steady = true;
    forget();
}

static void end(void)
{
    vd_core_free(core);
    vd_arena_free(&effects.arena);
    vd_free(effects.list);
    effects = (struct vd_effects){0};
}

static const struct {
    unsigned groups;
    unsigned wakings_most; /* in a second */
} slots[] = {{1, 1}, {25, 25}, {100, 20}, {500, 20}, {1000, 40}};

START_TEST(groups_that_are_due_within_a_slot_share_a_waking)
{
    begin(slots[_i].groups);
    pass(now + 10000);
    /* Each once a second, to the millisecond. */
    ck_assert_int_eq(shortest, 1000);
    ck_assert_int_eq(longest, 1000);
    ck_assert_uint_eq(pings, 10 * slots[_i].groups);
    ck_assert_uint_le(wakings, 10 * slots[_i].wakings_most);
    end();
}
END_TEST

/* The grid moves when there are more groups or fewer: one PING may come early, none late. */
START_TEST(no_ping_is_late_when_the_slot_changes)
{
    struct vd_group *group;

    begin(26);
    group = core->by_index[25];
    effects.count = 0;
    core->out = &effects;
    vd_group_forget(core, group);
    core->out = NULL;
    forget();
    pass(now + 5000);
    ck_assert_uint_ge(pings, 5 * 25);
    ck_assert_int_le(longest, 1000);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe");
    TCase *tcase = tcase_create("probe");

    suite_add_rows(tcase, groups_that_are_due_within_a_slot_share_a_waking, slots);
    tcase_add_test(tcase, no_ping_is_late_when_the_slot_changes);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
