/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names in the place of addresses: hosts that hellos mention and that have to
 * be looked up, a node whose name resolves anew, and the name that we ourselves
 * are announced by. Method: a puppet core that may resolve names; the test is
 * the name server.
 */
#include <check.h>
#include <stdio.h>

#include "core/names.h"
#include "stage.h"
#include "suite.h"

#define NAMES_MAX 4096 /* as in names.c */

static void set_up(void)
{
    stage_set();
    puppet.core->globals.resolve_hostnames = true;
    puppet.core->globals.tilt_trigger_ms = INT64_MAX / 2; /* jumps are the test's */
}

static struct vd_addr named(const char *host, const char *ip, uint16_t port)
{
    struct vd_addr addr = {.port = port};

    ck_assert_int_lt(snprintf(addr.host, sizeof(addr.host), "%s", host), (int)sizeof(addr.host));
    ck_assert_int_lt(snprintf(addr.ip, sizeof(addr.ip), "%s", ip), (int)sizeof(addr.ip));
    return addr;
}

/* Peer 7, or whoever, says where it is and who is primary; no ip where a name stands. */
static void say_hello(unsigned peer, struct vd_addr from, struct vd_addr primary, uint64_t epoch)
{
    struct vd_hello hello = {.id = puppet_peer_id(peer),
                             .group = "m",
                             .peer = from,
                             .primary = primary,
                             .epoch = epoch,
                             .config_epoch = epoch};

    puppet_say_hello(&puppet, &hello);
}

static void say_hello_by_name(const char *host)
{
    say_hello(7, named(host, "", 26379), group->primary->addr, 0);
}

static void resolved(const char *host, const char *ip)
{
    struct vd_event event = {.type = VD_EV_RESOLVED};

    event.resolved.host = host;
    event.resolved.ip = ip;
    puppet_step(&puppet, &event);
}

/* Which name the last step wants looked up; "" none. */
static const char *wanted(void)
{
    const struct vd_effect *effect = puppet_find(&puppet, VD_EF_RESOLVE);

    return effect == NULL ? "" : effect->resolve.host;
}

START_TEST(who_is_known_by_name_only_is_taken_in_when_it_is_resolved)
{
    say_hello_by_name("sentinel-7");
    ck_assert_str_eq(wanted(), "sentinel-7");
    ck_assert_ptr_null(puppet_opinion(&puppet, 7));
    say_hello_by_name("sentinel-7");
    ck_assert_str_eq(wanted(), ""); /* it has been asked for */
    resolved("sentinel-7", "10.0.1.7");
    say_hello_by_name("sentinel-7");
    ck_assert_ptr_nonnull(puppet_opinion(&puppet, 7));
    ck_assert_str_eq(puppet_opinion(&puppet, 7)->peer->addr.ip, "10.0.1.7");
    ck_assert_str_eq(wanted(), "");
}
END_TEST

START_TEST(names_are_no_addresses_unless_allowed)
{
    puppet.core->globals.resolve_hostnames = false;
    say_hello_by_name("sentinel-7");
    ck_assert_str_eq(wanted(), "");
    ck_assert_ptr_null(puppet_opinion(&puppet, 7));
    ck_assert_uint_eq(HASH_COUNT(puppet.core->names), 0);
    /* Nor is a primary that is told by name; who tells it is known all the same. */
    say_hello(1, puppet_addr("10.0.1.1", 26379), named("db-2", "", 6379), 4);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.1");
    ck_assert_uint_eq(puppet.core->epoch, 4);
}
END_TEST

START_TEST(an_answer_is_good_for_ten_seconds_and_the_last_good_one_beyond)
{
    struct vd_addr addr = named("sentinel-7", "", 26379);

    say_hello_by_name("sentinel-7");
    resolved("sentinel-7", "10.0.1.7");
    puppet.now += 10000;
    say_hello_by_name("sentinel-7");
    ck_assert_str_eq(wanted(), "");
    puppet.now += 1;
    say_hello_by_name("sentinel-7");
    ck_assert_str_eq(wanted(), "sentinel-7");
    resolved("sentinel-7", ""); /* the name server is down */
    say_hello_by_name("sentinel-7");
    ck_assert_str_eq(puppet_opinion(&puppet, 7)->peer->addr.ip, "10.0.1.7");
    ck_assert_str_eq(wanted(), ""); /* for another ten seconds */
    puppet.now += 10001;
    say_hello_by_name("sentinel-7");
    resolved("sentinel-7", "10.0.1.77");
    ck_assert(vd_names_complete(puppet.core, &addr));
    ck_assert_str_eq(addr.ip, "10.0.1.77");
    say_hello_by_name("sentinel-7"); /* the link that is up stays where it is */
    ck_assert_str_eq(puppet_opinion(&puppet, 7)->peer->addr.ip, "10.0.1.7");
}
END_TEST

START_TEST(an_answer_that_nobody_wants_or_that_is_none)
{
    resolved("somebody", "10.9.9.9");
    ck_assert_uint_eq(HASH_COUNT(puppet.core->names), 0);
    say_hello_by_name("sentinel-7");
    resolved("sentinel-7", "an address that is longer than any literal of IPv6 could be");
    say_hello_by_name("sentinel-7");
    ck_assert_ptr_null(puppet_opinion(&puppet, 7));
    /* A hello without any address is nobody's. */
    say_hello(8, named("", "", 26379), group->primary->addr, 0);
    ck_assert_ptr_null(puppet_opinion(&puppet, 8));
    ck_assert_str_eq(wanted(), "");
}
END_TEST

/* Who says ever new names fills no memory, and the names that matter come back. */
START_TEST(names_are_bounded)
{
    char host[32];

    say_hello_by_name("first");
    for (unsigned i = 1; i <= NAMES_MAX; i++) {
        ck_assert_int_gt(snprintf(host, sizeof(host), "name-%u", i), 0);
        say_hello_by_name(host);
    }
    ck_assert_uint_eq(HASH_COUNT(puppet.core->names), NAMES_MAX);
    ck_assert_str_eq(wanted(), ""); /* the oldest is still being looked up: no room */
    resolved("first", "10.0.1.7");
    say_hello_by_name("one-more");
    ck_assert_str_eq(wanted(), "one-more");
    ck_assert_uint_eq(HASH_COUNT(puppet.core->names), NAMES_MAX);
    resolved("name-1", "10.0.1.8");
    say_hello_by_name("first");
    ck_assert_str_eq(wanted(), "first"); /* it had made room */
}
END_TEST

START_TEST(a_primary_may_be_told_by_name)
{
    const struct vd_addr from = puppet_addr("10.0.1.1", 26379);

    say_hello(1, from, named("db-2", "", 6379), 4);
    ck_assert_str_eq(wanted(), "db-2");
    ck_assert_uint_eq(group->config_epoch, 0);
    resolved("db-2", "10.0.0.2");
    say_hello(1, from, named("db-2", "", 6379), 4);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_ptr_eq(group->primary, puppet_node(&puppet, 2));
    ck_assert_uint_eq(group->config_epoch, 4);
}
END_TEST

/* Addresses of servers ------------------------------------------------------------------ */

static const struct vd_group *find(const char *host, const char *ip)
{
    struct vd_addr addr = named(host, ip, 6379);

    return vd_group_find_address(puppet.core, &addr);
}

static void come_up(struct vd_wire *wire, const char *ip)
{
    struct vd_event event = {.type = VD_EV_LINK_UP};

    event.up.link = wire->link;
    event.up.ip = ip;
    event.up.local_ip = "10.0.9.9";
    puppet_step(&puppet, &event);
}

static void reconnect(struct vd_node *node, const char *ip)
{
    puppet_link_down(&puppet, &node->command, VD_DOWN_CLOSED);
    while (node->command.link.n == 0)
        puppet_pass(&puppet, puppet.now + 10);
    come_up(&node->command, ip);
}

START_TEST(the_address_follows_the_name)
{
    struct vd_addr addr = named("DB-1.example", "10.0.0.1", 6379);

    vd_group_set_address(puppet.core, group->primary, &addr);
    ck_assert_ptr_eq(find("", "10.0.0.1"), group);
    ck_assert_ptr_eq(find("db-1.EXAMPLE", ""), group);
    vd_core_saved(puppet.core);
    reconnect(group->primary, "10.0.0.9");
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.9");
    ck_assert_str_eq(group->primary->addr.host, "DB-1.example");
    ck_assert_ptr_null(find("", "10.0.0.1"));
    ck_assert_ptr_eq(find("", "10.0.0.9"), group);
    ck_assert_ptr_eq(find("db-1.example", "10.3.3.3"), group); /* by its name, then */
    ck_assert(vd_core_is_dirty(puppet.core));
    /* What cannot be an address changes nothing. */
    reconnect(group->primary, "an address that is longer than any literal of IPv6 could be");
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.9");
}
END_TEST

/* Containers: the address of one that died is given to another. */
START_TEST(an_address_that_is_given_again_is_taken_from_who_had_it)
{
    struct vd_node *former = puppet_node(&puppet, 2);
    struct vd_node *other = puppet_node(&puppet, 3);
    struct vd_addr addr = named("db-2", "10.0.0.2", 6379);

    vd_group_set_address(puppet.core, former, &addr);
    addr = named("db-3", "10.0.0.3", 6379);
    vd_group_set_address(puppet.core, other, &addr);
    reconnect(other, "10.0.0.2");
    ck_assert_str_eq(former->addr.ip, "10.0.0.2"); /* it is linked: it has it, too */
    reconnect(other, "10.0.0.3");
    puppet_link_down(&puppet, &former->command, VD_DOWN_CLOSED);
    reconnect(other, "10.0.0.2");
    ck_assert_str_eq(former->addr.ip, "");
    ck_assert_str_eq(former->addr.host, "db-2");
    addr = puppet_addr("10.0.0.2", 6379);
    ck_assert_ptr_eq(vd_node_find(group, &addr), other);
}
END_TEST

START_TEST(a_peer_s_name_resolves_anew)
{
    struct vd_peer *peer = puppet_opinion(&puppet, 1)->peer;

    puppet_link_down(&puppet, &peer->wire, VD_DOWN_CLOSED);
    while (peer->wire.link.n == 0)
        puppet_pass(&puppet, puppet.now + 10);
    come_up(&peer->wire, "10.0.1.11");
    ck_assert_str_eq(peer->addr.ip, "10.0.1.11");
}
END_TEST

START_TEST(two_groups_may_share_an_address)
{
    struct vd_options options;
    struct vd_group *second;

    vd_options_init(&options, &puppet.core->globals);
    second = vd_group_add(puppet.core, "n", &group->primary->addr, &options);
    vd_options_free(&options);
    ck_assert_ptr_eq(find("", "10.0.0.1"), group);
    vd_group_drop(puppet.core, second);
    ck_assert_ptr_eq(find("", "10.0.0.1"), group); /* the other's entry stays */
}
END_TEST

/* What we are called ---------------------------------------------------------------------- */

static const struct vd_hello *hello_sent(void)
{
    for (size_t i = 0; i < puppet.effects.count; i++) {
        const struct vd_effect *effect = &puppet.effects.list[i];

        if (effect->type == VD_EF_SEND && effect->send.request == VD_RQ_HELLO)
            return effect->send.hello;
    }
    return NULL;
}

/* It makes every hello go at once. */
static void configure(enum vd_option option, const char *text, int64_t number)
{
    struct vd_setting setting = {.option = option, .text = text, .number = number};
    struct vd_order order = {.type = VD_ORDER_CONFIGURE, .settings = &setting, .setting_count = 1};

    (void)puppet_order(&puppet, &order);
}

START_TEST(we_are_announced_as_configured)
{
    const struct vd_hello *hello;
    struct vd_addr addr = named("db-1", "10.0.0.1", 6379);

    vd_group_set_address(puppet.core, group->primary, &addr);
    configure(VD_OPT_ANNOUNCE_IP, "", 0);
    hello = hello_sent();
    ck_assert_ptr_nonnull(hello);
    ck_assert_str_eq(hello->peer.host, "10.0.9.9"); /* our end of the link */
    ck_assert_uint_eq(hello->peer.port, 26379);
    ck_assert_str_eq(hello->primary.host, "10.0.0.1");
    configure(VD_OPT_ANNOUNCE_IP, "sentinel.example", 0);
    configure(VD_OPT_ANNOUNCE_PORT, NULL, 1234);
    configure(VD_OPT_ANNOUNCE_HOSTNAMES, NULL, 1);
    hello = hello_sent();
    ck_assert_ptr_nonnull(hello);
    ck_assert_str_eq(hello->peer.host, "sentinel.example");
    ck_assert_uint_eq(hello->peer.port, 1234);
    ck_assert_str_eq(hello->primary.host, "db-1");
    addr.host[0] = '\0';
    ck_assert_str_eq(vd_addr_shown(puppet.core, &addr), "10.0.0.1"); /* it has no name */
    configure(VD_OPT_ANNOUNCE_IP, "", 0);
    hello = hello_sent();
    ck_assert_ptr_nonnull(hello);
    ck_assert_str_eq(hello->peer.host, "10.0.9.9");
}
END_TEST

/* A hello of who we were before our id was lost, by the name, the address or the link's end. */
static const struct own {
    const char *announced;
    uint16_t port; /* announced */
    struct vd_addr says;
    bool is_peer;
} owns[] = {
    {"", 0, {.host = "10.0.9.9", .ip = "10.0.9.9", .port = 26379}, false},
    {"", 0, {.host = "10.0.9.9", .ip = "10.0.9.9", .port = 26380}, true},
    {"", 0, {.host = "10.0.9.8", .ip = "10.0.9.8", .port = 26379}, true},
    {"", 1234, {.host = "10.0.9.9", .ip = "10.0.9.9", .port = 1234}, false},
    {"", 1234, {.host = "10.0.9.9", .ip = "10.0.9.9", .port = 26379}, true},
    {"172.16.0.1", 0, {.host = "172.16.0.1", .ip = "172.16.0.1", .port = 26379}, false},
    {"me", 0, {.host = "me", .ip = "172.16.0.1", .port = 26379}, false},
    {"me", 0, {.host = "you", .ip = "172.16.0.1", .port = 26379}, true},
};

START_TEST(a_hello_of_a_former_self)
{
    const struct own *own = &owns[_i];

    configure(VD_OPT_ANNOUNCE_IP, own->announced, 0);
    configure(VD_OPT_ANNOUNCE_PORT, NULL, own->port);
    say_hello(7, own->says, group->primary->addr, 0);
    ck_assert_msg((puppet_opinion(&puppet, 7) != NULL) == own->is_peer, "announced \"%s\" %u",
                  own->announced, own->port);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("names");
    TCase *tcase = tcase_create("names");

    tcase_add_checked_fixture(tcase, set_up, stage_clear);
    tcase_add_test(tcase, who_is_known_by_name_only_is_taken_in_when_it_is_resolved);
    tcase_add_test(tcase, names_are_no_addresses_unless_allowed);
    tcase_add_test(tcase, an_answer_is_good_for_ten_seconds_and_the_last_good_one_beyond);
    tcase_add_test(tcase, an_answer_that_nobody_wants_or_that_is_none);
    tcase_add_test(tcase, names_are_bounded);
    tcase_add_test(tcase, a_primary_may_be_told_by_name);
    tcase_add_test(tcase, the_address_follows_the_name);
    tcase_add_test(tcase, an_address_that_is_given_again_is_taken_from_who_had_it);
    tcase_add_test(tcase, a_peer_s_name_resolves_anew);
    tcase_add_test(tcase, two_groups_may_share_an_address);
    tcase_add_test(tcase, we_are_announced_as_configured);
    suite_add_rows(tcase, a_hello_of_a_former_self, owns);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
