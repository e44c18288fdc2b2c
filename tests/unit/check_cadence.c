/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cadence of hellos at the primary: how often a sentinel publishes there, by who
 * else does and whether its peers hear it directly. Method: a puppet core with
 * two peers; the test answers all PINGs, plays what comes by the primary's
 * subscription, and looks when our hellos leave.
 */
#include <check.h>

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

int main(void)
{
    Suite *suite = suite_create("cadence");
    TCase *tcase = tcase_create("cadence");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_rows(tcase, hellos_at_the_primary_are_for_strangers_and_subscriptions, cases);
    tcase_add_test(tcase, news_is_told_at_once);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
