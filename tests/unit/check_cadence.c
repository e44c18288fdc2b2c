/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cadence of hellos and of INFO: how often a sentinel publishes at a server, by
 * who else does and whether its peers hear it directly; and how often replicas
 * are asked, by how many have lost their primaries. Method: a puppet core with
 * two peers; the test answers all PINGs, plays what comes by subscriptions, and
 * looks when our hellos leave.
 */
#include <check.h>
#include <stdio.h>

#include "core/election.h"
#include "puppet.h"
#include "suite.h"

#define STEP_MS 50
#define PERIOD_MS 2000
#define SPARE_MS 10000

static struct puppet puppet;

/* What the world does while time passes. */
struct world {
    bool peer_speaks; /* the second one, on its own link; the first always does */
    bool peer_is_linked;
    bool others_publish; /* at the primary, more often than we would */
};

static void set_up(void)
{
    puppet_init(&puppet, 2, 2, 2);
    puppet_settle(&puppet);
}

static void tear_down(void)
{
    puppet_free(&puppet);
}

static void hear(struct vd_id id, const char *ip, vd_link link)
{
    struct vd_hello hello = {.id = id, .group = "m"};
    struct vd_event event = {.type = VD_EV_HELLO};

    hello.peer = puppet_addr(ip, 26379);
    hello.primary = puppet_addr("10.0.0.1", 6379);
    event.hello.hello = &hello;
    event.hello.link = link;
    puppet_step(&puppet, &event);
}

static void answer_pings(void)
{
    struct vd_node *node;
    struct vd_opinion *opinion;

    DL_FOREACH (puppet_group(&puppet)->nodes, node) {
        if (node->command.up && node->pulse.ticket.n != 0)
            puppet_pong(&puppet, &node->command, VD_PONG_OK);
    }
    DL_FOREACH (puppet_group(&puppet)->opinions, opinion) {
        if (opinion->peer->wire.up && opinion->peer->pulse.ticket.n != 0)
            puppet_pong(&puppet, &opinion->peer->wire, VD_PONG_OK);
    }
}

static void step_world(const struct world *world, vd_ms passed)
{
    struct vd_node *primary = puppet_group(&puppet)->primary;
    struct vd_wire *wire = &puppet_opinion(&puppet, 2)->peer->wire;

    puppet_pass(&puppet, puppet.now + STEP_MS);
    if (world->peer_is_linked)
        puppet_raise_links(&puppet);
    else if (wire->link.n != 0)
        puppet_link_down(&puppet, wire, VD_DOWN_REFUSED);
    answer_pings();
    if (passed % PERIOD_MS == 0) {
        hear(puppet_peer_id(1), "10.0.1.1", (vd_link){0});
        if (world->peer_speaks)
            hear(puppet_peer_id(2), "10.0.1.2", (vd_link){0});
    }
    if (world->others_publish && passed % (PERIOD_MS / 2) == 0)
        hear(puppet_peer_id(1), "10.0.1.1", primary->subscribe.link);
}

/* The longest time between two of our hellos at the primary, in half a minute that begins after
 * `settle`. */
static vd_ms longest_gap(const struct world *world, vd_ms settle)
{
    struct vd_id self = {PUPPET_SELF};
    struct vd_node *primary = puppet_group(&puppet)->primary;
    vd_link link = primary->subscribe.link;
    vd_ms longest = 0;

    for (vd_ms passed = 0; passed < settle + 30000; passed += STEP_MS) {
        vd_ms last = primary->hello_sent_at;

        step_world(world, passed);
        if (primary->hello_sent_at == last)
            continue;
        hear(self, "10.0.1.9", primary->subscribe.link); /* ours comes back */
        if (passed > settle)
            longest = vd_max_ms(longest, primary->hello_sent_at - last);
    }
    /* The subscription was never without a word for so long that it was given up. */
    ck_assert_uint_eq(primary->subscribe.link.n, link.n);
    return longest;
}

static const struct {
    struct world world;
    vd_ms least;
    vd_ms most;
} cases[] = {
    /* All know us, and the subscription lives: a word for strangers now and then. */
    {{.peer_speaks = true, .peer_is_linked = true, .others_publish = true}, SPARE_MS, SPARE_MS},
    /* Nobody else publishes: the subscription must not fall silent. */
    {{.peer_speaks = true, .peer_is_linked = true}, PERIOD_MS, 2 * PERIOD_MS},
    /* One does not hear us directly, or we do not hear it: as Sentinel does. */
    {{.peer_speaks = true, .others_publish = true}, PERIOD_MS, PERIOD_MS},
    {{.peer_is_linked = true, .others_publish = true}, PERIOD_MS, PERIOD_MS},
};

START_TEST(hellos_at_the_primary_are_for_strangers_and_subscriptions)
{
    vd_ms longest = longest_gap(&cases[_i].world, SPARE_MS);

    ck_assert_int_ge(longest, cases[_i].least);
    ck_assert_int_le(longest, cases[_i].most);
}
END_TEST

/* Who has changed something says so at once, whoever else has just spoken. */
START_TEST(news_is_told_at_once)
{
    struct world world = {.peer_speaks = true, .peer_is_linked = true, .others_publish = true};
    struct vd_group *group = puppet_group(&puppet);
    struct vd_hello hello = {.id = puppet_peer_id(1), .group = "m", .epoch = 4, .config_epoch = 4};
    struct vd_event event = {.type = VD_EV_HELLO};

    (void)longest_gap(&world, SPARE_MS);
    hello.peer = puppet_addr("10.0.1.1", 26379);
    hello.primary = puppet_addr("10.0.0.2", 6379);
    event.hello.hello = &hello;
    puppet_step(&puppet, &event);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.2");
    puppet_raise_links(&puppet);
    ck_assert_int_eq(puppet_opinion(&puppet, 2)->hello_sent_at, puppet.now);
    ck_assert_int_eq(puppet_node(&puppet, 3)->hello_sent_at, puppet.now);
}
END_TEST

/* Nobody answers on the links to the primary. */
static void refuse_primary(void)
{
    struct vd_node *primary = puppet_group(&puppet)->primary;

    if (primary->subscribe.link.n != 0)
        puppet_link_down(&puppet, &primary->subscribe, VD_DOWN_REFUSED);
    if (primary->command.link.n != 0)
        puppet_link_down(&puppet, &primary->command, VD_DOWN_REFUSED);
}

static const struct {
    bool others_publish; /* at the replica */
    vd_ms least;
    vd_ms most;
} streamless[] = {{true, SPARE_MS, SPARE_MS}, {false, PERIOD_MS, 2 * PERIOD_MS}};

/* To a replica of a dead primary nothing comes by the stream: it is as with a primary. */
START_TEST(hellos_at_a_replica_without_a_stream_are_for_the_same)
{
    struct vd_id self = {PUPPET_SELF};
    struct vd_node *node = puppet_node(&puppet, 2);
    vd_link link = node->subscribe.link;
    vd_ms longest = 0;

    for (vd_ms passed = 0; passed < SPARE_MS + 30000; passed += STEP_MS) {
        vd_ms last = node->hello_sent_at;

        refuse_primary();
        puppet_pass(&puppet, puppet.now + STEP_MS);
        answer_pings();
        for (unsigned i = 1; passed % PERIOD_MS == 0 && i <= 2; i++)
            hear(puppet_peer_id(i), i == 1 ? "10.0.1.1" : "10.0.1.2", (vd_link){0});
        if (streamless[_i].others_publish && passed % (PERIOD_MS / 2) == 0)
            hear(puppet_peer_id(1), "10.0.1.1", node->subscribe.link);
        if (node->hello_sent_at == last)
            continue;
        hear(self, "10.0.1.9", node->subscribe.link);
        if (passed > SPARE_MS)
            longest = vd_max_ms(longest, node->hello_sent_at - last);
    }
    ck_assert_int_ge(longest, streamless[_i].least);
    ck_assert_int_le(longest, streamless[_i].most);
    ck_assert_uint_eq(node->subscribe.link.n, link.n);
}
END_TEST

/* Other groups, whose only servers refuse. */
static void lose_others(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[24];
        char ip[32];
        struct vd_order order = {.type = VD_ORDER_MONITOR, .name = name, .quorum = 1};

        (void)snprintf(name, sizeof(name), "lost%u", i);
        (void)snprintf(ip, sizeof(ip), "10.9.%u.%u", i / 250, i % 250 + 1);
        order.addr = puppet_addr(ip, 6379);
        ck_assert_int_eq(puppet_order(&puppet, &order)->reply.kind, VD_REPLY_OK);
    }
    while (puppet.core->lost_wires < count) {
        puppet_pass(&puppet, puppet.now + 12);
        answer_pings();
        for (unsigned i = 1; i <= count; i++) {
            struct vd_wire *wire = &puppet.core->by_index[i]->primary->command;

            if (wire->link.n != 0)
                puppet_link_down(&puppet, wire, VD_DOWN_REFUSED);
        }
    }
}

static const struct {
    unsigned lost; /* others */
    vd_ms period;
    bool asked_when_down;
    vd_ms step; /* between candidates */
} crowds[] = {
    {0, 1000, true, 25}, {200, 1000, true, 50}, {399, 1600, false, 100}, {3000, 4000, false, 500}};

/* Thousands that ask thousands once a second have no time left to replace those that died. */
START_TEST(the_more_are_lost_the_less_is_asked_in_a_hurry)
{
    struct vd_node *node = puppet_node(&puppet, 2);
    struct vd_info info = puppet_replica_info(2, 1000);
    vd_ms down_at = VD_NEVER;
    vd_ms last = VD_NEVER;
    vd_ms begun_at;

    puppet.core->globals.info_period_ms = 10000;
    lose_others(crowds[_i].lost);
    info.link_up = false;
    for (begun_at = puppet.now; puppet.now < begun_at + 20000;) {
        struct vd_node *primary = puppet_group(&puppet)->primary;

        refuse_primary();
        puppet_pass(&puppet, puppet.now + 10);
        answer_pings();
        if (down_at == VD_NEVER && primary->s_down_at != VD_NEVER) {
            down_at = primary->s_down_at;
            ck_assert_int_eq(node->info_sent_at == down_at, crowds[_i].asked_when_down);
        }
        if (node->info_ticket.n == 0)
            continue;
        if (puppet.now > begun_at + 10000 && last != VD_NEVER)
            ck_assert_int_eq(node->info_sent_at - last, crowds[_i].period);
        last = node->info_sent_at;
        puppet_info(&puppet, node, &info);
    }
    ck_assert_int_gt(last, begun_at + 15000);
    ck_assert_int_ne(down_at, VD_NEVER);
    ck_assert_int_eq(vd_election_step_ms(puppet.core, puppet_group(&puppet)), crowds[_i].step);

    /* Who stands for election has to know now. */
    puppet_answer(&puppet, 1, true, "*", 0);
    while (puppet_group(&puppet)->failover.state == VD_FO_NONE)
        puppet_pass(&puppet, puppet.now + 1);
    ck_assert_int_eq(node->info_sent_at, puppet.now);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cadence");
    TCase *tcase = tcase_create("cadence");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_rows(tcase, hellos_at_the_primary_are_for_strangers_and_subscriptions, cases);
    tcase_add_test(tcase, news_is_told_at_once);
    suite_add_rows(tcase, hellos_at_a_replica_without_a_stream_are_for_the_same, streamless);
    suite_add_rows(tcase, the_more_are_lost_the_less_is_asked_in_a_hurry, crowds);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
