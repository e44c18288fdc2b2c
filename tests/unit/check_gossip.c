/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What others say and what is done about it: hellos, INFO, repairs. Method: a
 * puppet core whose two peers and two replicas the test plays.
 */
#include <check.h>

#include "stage.h"
#include "suite.h"

static void say_hello(struct vd_id id, const char *ip, uint64_t epoch, const char *primary,
                      uint64_t config_epoch)
{
    struct vd_hello hello = {.id = id, .epoch = epoch, .group = "m", .config_epoch = config_epoch};

    hello.peer = puppet_addr(ip, 26379);
    hello.primary = puppet_addr(primary, 6379);
    puppet_say_hello(&puppet, &hello);
}

static void share_configuration(void)
{
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, group->primary->addr.ip, group->config_epoch);
}

START_TEST(a_new_peer_is_found_and_linked)
{
    say_hello(puppet_peer_id(7), "10.0.1.7", 3, "10.0.0.1", 0);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sentinel"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+new-epoch"), 1);
    ck_assert_ptr_nonnull(puppet_find(&puppet, VD_EF_CONNECT));
    ck_assert_uint_eq(group->opinion_count, 3);
    ck_assert(vd_core_is_dirty(puppet.core));
}
END_TEST

START_TEST(a_moved_peer_is_followed)
{
    say_hello(puppet_peer_id(1), "10.0.1.99", 0, "10.0.0.1", 0);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sentinel-address-switch"), 1);
    ck_assert_ptr_nonnull(puppet_find(&puppet, VD_EF_CLOSE));
    ck_assert_str_eq(puppet_opinion(&puppet, 1)->peer->addr.ip, "10.0.1.99");
    ck_assert_uint_eq(group->opinion_count, 2);
}
END_TEST

START_TEST(another_id_at_an_address_takes_its_place)
{
    say_hello(puppet_peer_id(8), "10.0.1.1", 0, "10.0.0.1", 0);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sentinel-invalid-addr"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sentinel"), 1);
    ck_assert_ptr_null(puppet_opinion(&puppet, 1));
    ck_assert_uint_eq(group->opinion_count, 2);
}
END_TEST

/* A process that came back under another id is heard of in one group after the other. */
START_TEST(one_process_has_one_vote)
{
    say_hello(puppet_peer_id(1), "10.0.1.2", 0, "10.0.0.1", 0);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sentinel-invalid-addr"), 1);
    ck_assert_ptr_null(puppet_opinion(&puppet, 2));
    ck_assert_str_eq(puppet_opinion(&puppet, 1)->peer->addr.ip, "10.0.1.2");
    ck_assert_uint_eq(group->opinion_count, 1);
    ck_assert_uint_eq(HASH_COUNT(puppet.core->peers), 1);
}
END_TEST

START_TEST(what_is_not_for_us_changes_nothing)
{
    struct vd_id self = {PUPPET_SELF};

    vd_core_saved(puppet.core);
    say_hello(self, "10.0.1.1", 99, "10.0.0.2", 99);
    say_hello(puppet_peer_id(1), "10.0.1.1", UINT64_MAX, "10.0.0.2", UINT64_MAX);
    ck_assert(!vd_core_is_dirty(puppet.core));
    ck_assert_uint_eq(group->config_epoch, 0);
}
END_TEST

/* It was under way when we lost our state and our id; the group's first link brings it. */
START_TEST(a_former_self_is_no_peer)
{
    struct vd_wire *wire = &group->primary->subscribe;
    struct vd_hello hello = {.id = puppet_peer_id(7), .group = "m"};
    struct vd_event event = {.type = VD_EV_HELLO};
    struct vd_node *node;

    puppet.core->globals.listen_port = 26379;
    DL_FOREACH (group->nodes, node) {
        node->command.local_ip[0] = '\0';
    }
    hello.peer = puppet_addr(wire->local_ip, 26379);
    hello.primary = group->primary->addr;
    event.hello.link = wire->link;
    event.hello.hello = &hello;
    puppet_step(&puppet, &event);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sentinel"), 0);
    hello.peer = puppet_addr("10.0.1.7", 26379);
    puppet_step(&puppet, &event);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+sentinel"), 1);
}
END_TEST

START_TEST(peers_are_limited)
{
    puppet.core->globals.max_peers = 2;
    say_hello(puppet_peer_id(9), "10.0.1.9", 0, "10.0.0.1", 0);
    ck_assert_ptr_null(puppet_opinion(&puppet, 9));
    ck_assert_uint_eq(puppet_noticed(&puppet, "vedette"), 1);
}
END_TEST

START_TEST(a_newer_configuration_is_adopted_and_told_on)
{
    say_hello(puppet_peer_id(1), "10.0.1.1", 4, "10.0.0.3", 4);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+config-update-from"), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 1);
    ck_assert_uint_ge(puppet_sent(&puppet, VD_RQ_HELLO), 3);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.3");
    ck_assert_ptr_nonnull(puppet_node(&puppet, 1)); /* the former one is a replica now */
    say_hello(puppet_peer_id(2), "10.0.1.2", 4, "10.0.0.1", 3);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+switch-master"), 0); /* older: no */
}
END_TEST

/* Two orders without a majority made two primaries in one epoch; ours is 10.0.0.2. */
static const struct dispute {
    const char *told;
    uint64_t epoch;
    const char *named; /* in the end */
} disputes[] = {
    {"10.0.0.1", 4, "10.0.0.1"}, /* the smaller address wins */
    {"10.0.0.3", 4, "10.0.0.2"}, /* ... whoever says so */
    {"10.0.0.0", 4, "10.0.0.2"}, /* nobody that we know: no dispute, a changed address */
    {"10.0.0.1", 3, "10.0.0.2"}, /* an older one is not looked at */
    {"10.0.0.3", 5, "10.0.0.3"}, /* a newer one wins anyhow */
};

START_TEST(two_primaries_in_one_epoch)
{
    say_hello(puppet_peer_id(1), "10.0.1.1", 4, "10.0.0.2", 4);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.2");
    say_hello(puppet_peer_id(2), "10.0.1.2", 5, disputes[_i].told, disputes[_i].epoch);
    ck_assert_str_eq(group->primary->addr.ip, disputes[_i].named);
    /* And for good: the loser's word brings nothing back. */
    say_hello(puppet_peer_id(1), "10.0.1.1", 5, "10.0.0.2", 4);
    ck_assert_str_eq(group->primary->addr.ip, disputes[_i].named);
    ck_assert_uint_eq(group->config_epoch, disputes[_i].epoch > 4 ? disputes[_i].epoch : 4);
}
END_TEST

/* Epoch 0 is nobody's decision: what the configuration files say is not disputed. */
START_TEST(nothing_is_disputed_in_epoch_0)
{
    say_hello(puppet_peer_id(1), "10.0.1.1", 4, "10.0.0.2", 4);
    group->config_epoch = 0;
    say_hello(puppet_peer_id(2), "10.0.1.2", 4, "10.0.0.1", 0);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.2");
}
END_TEST

/* A former leader's epoch, and a member that we were made to forget: ours says that it follows it.
 */
START_TEST(who_ours_follows_is_no_stranger)
{
    struct vd_info turned = puppet_replica_info(2, 1000);

    say_hello(puppet_peer_id(1), "10.0.1.1", 4, "10.0.0.2", 4);
    turned.primary = puppet_addr("10.0.0.0", 6379);
    puppet_info(&puppet, group->primary, &turned);
    say_hello(puppet_peer_id(2), "10.0.1.2", 4, "10.0.0.00", 4);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.2");
    say_hello(puppet_peer_id(2), "10.0.1.2", 4, "10.0.0.0", 4);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.0");
}
END_TEST

/* Unless the one we name follows the other by its own word, and that is a primary by its own. */
START_TEST(in_epoch_0_all_go_where_the_primary_has_gone)
{
    struct vd_info turned = puppet_replica_info(1, 1000);
    struct vd_info made = puppet_primary_info();

    turned.primary = puppet_addr("10.0.0.2", 6379);
    puppet_info(&puppet, group->primary, &turned);
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, "10.0.0.2", 0);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.1"); /* that follows us, as far as we know */
    puppet_info(&puppet, puppet_node(&puppet, 2), &made);
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, "10.0.0.3", 0);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.1");
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, "10.0.0.2", 0);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.2");
    ck_assert_uint_eq(group->config_epoch, 0);
    /* And not back, by what it said before it was named. */
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, "10.0.0.1", 0);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.2");
    /* Now that follows the former one, which has not said that it is a primary: the smaller wins.
     */
    turned = puppet_replica_info(2, 1000);
    puppet.now += 1;
    puppet_info(&puppet, group->primary, &turned);
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, "10.0.0.3", 0);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.2");
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, "10.0.0.1", 0);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.1");
}
END_TEST

/* Ours was handed over, and died before we looked again. */
START_TEST(in_epoch_0_all_leave_a_dead_primary_for_a_living_one)
{
    struct vd_info made = puppet_primary_info();

    made.run_id = puppet_node(&puppet, 2)->run_id;
    puppet_info(&puppet, puppet_node(&puppet, 2), &made);
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, "10.0.0.2", 0);
    ck_assert_str_eq(group->primary->addr.ip, "10.0.0.1"); /* it is well, for all we know */
    group->primary->s_down_at = puppet.now;
    if (_i == 1)
        puppet_node(&puppet, 2)->s_down_at = puppet.now;
    if (_i == 2)
        puppet_node(&puppet, 2)->role = VD_ROLE_REPLICA;
    if (_i == 3) { /* another cluster's, perhaps */
        memset(made.replid.hex, 'e', VD_ID_LEN);
        puppet_node(&puppet, 2)->synced.hex[0] = '\0';
        puppet_node(&puppet, 2)->replid = made.replid;
    }
    say_hello(puppet_peer_id(1), "10.0.1.1", 0, "10.0.0.2", 0);
    ck_assert_str_eq(group->primary->addr.ip, _i == 0 ? "10.0.0.2" : "10.0.0.1");
}
END_TEST

START_TEST(replicas_are_learned_from_info)
{
    struct vd_info info = puppet_primary_info();
    struct vd_info_replica replicas[2] = {{.addr = puppet_addr("10.0.0.2", 6379)},
                                          {.addr = puppet_addr("10.0.0.4", 6379)}};

    info.replicas = replicas;
    info.replica_count = 2;
    puppet_info(&puppet, puppet_node(&puppet, 1), &info);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+slave"), 1);
    ck_assert_ptr_nonnull(puppet_node(&puppet, 4));
    puppet_info(&puppet, puppet_node(&puppet, 1), &info);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+slave"), 0);
}
END_TEST

START_TEST(a_former_primary_is_demoted_on_a_shared_configuration)
{
    struct vd_info info = puppet_primary_info();

    /* A failover elsewhere made 10.0.0.2 primary; 10.0.0.1 still says that it is one. */
    say_hello(puppet_peer_id(1), "10.0.1.1", 4, "10.0.0.2", 4);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE),
                      0); /* the new one has not said so yet */
    memset(info.run_id.hex, '2', VD_ID_LEN);
    puppet_info(&puppet, puppet_node(&puppet, 2), &info);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE), 1);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+convert-to-slave"), 1);
}
END_TEST

START_TEST(nobody_is_demoted_on_our_word_alone)
{
    struct vd_node *node = puppet_node(&puppet, 2);
    struct vd_info info = puppet_primary_info();

    /* No peer has told its configuration since we started: ours may be old. */
    memset(info.run_id.hex, '7', VD_ID_LEN);
    puppet_info(&puppet, node, &info);
    puppet_pass(&puppet, puppet.now + 300);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE), 0);
    share_configuration();
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE), 1);
}
END_TEST

START_TEST(newer_data_is_not_thrown_away_on_an_old_configuration)
{
    struct vd_info old = puppet_primary_info();
    struct vd_info newer = puppet_primary_info();

    /* All have old state: ours names 10.0.0.1, but 10.0.0.2 was promoted out of its lineage since.
     */
    share_configuration();
    memset(newer.run_id.hex, '7', VD_ID_LEN);
    newer.replid2 = old.replid;
    memset(newer.replid.hex, 'd', VD_ID_LEN);
    newer.primary_offset = 900000;
    newer.keys = 9000;
    puppet_info(&puppet, puppet_node(&puppet, 2), &newer);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE), 0);
    ck_assert_uint_eq(puppet_noticed(&puppet, "vedette"), 1);
    puppet_pass(&puppet, puppet.now + 900);
    ck_assert_uint_eq(puppet_sent(&puppet, VD_RQ_REPLICATE), 0);
}
END_TEST

/* Servers answer PING for so long, and nothing else. */
static void answer_pings(vd_ms for_ms)
{
    vd_ms end_at = puppet.now + for_ms;

    while (puppet.now < end_at) {
        struct vd_node *node;

        puppet_pass(&puppet, puppet.now + 50);
        DL_FOREACH (group->nodes, node) {
            if (node->command.up && node->pulse.ticket.n != 0)
                puppet_pong(&puppet, &node->command, VD_PONG_OK);
        }
    }
}

/* Whom it follows is a member since a moment: what it said before, it said of a stranger's data. */
START_TEST(a_replica_tells_anew_before_it_is_turned_from_a_new_member)
{
    struct vd_info info = puppet_replica_info(2, 1000);
    struct vd_node *node = puppet_node(&puppet, 2);

    share_configuration();
    info.primary = puppet_addr("10.0.9.9", 6379);
    puppet_info(&puppet, node, &info);
    answer_pings(500);
    (void)vd_node_add(puppet.core, group, &info.primary);
    answer_pings(1050);
    ck_assert_uint_eq(node->turn_ticket.n, 0);
    ck_assert_uint_ne(node->info_ticket.n, 0); /* long before its next one */
    puppet_info(&puppet, node, &info);
    ck_assert_uint_eq(puppet_noticed(&puppet, "+fix-slave-config"), 1);
    ck_assert_uint_ne(node->turn_ticket.n, 0);
}
END_TEST

START_TEST(a_stateless_sentinel_follows_its_configured_primary)
{
    struct puppet fresh;
    struct vd_info info = puppet_replica_info(9, 10);

    puppet_init(&fresh, 2, 0, 0);
    puppet_raise_links(&fresh);
    info.primary = puppet_addr("10.0.0.5", 6379);
    puppet_info(&fresh, puppet_group(&fresh)->primary, &info);
    ck_assert_str_eq(puppet_group(&fresh)->primary->addr.ip, "10.0.0.5");
    ck_assert_uint_eq(puppet_noticed(&fresh, "+switch-master"), 1);
    puppet_free(&fresh);
}
END_TEST

/* Two that follow each other: whoever looks must come to the same end, wherever it looks first. */
START_TEST(a_stateless_sentinel_does_not_go_in_circles)
{
    struct puppet fresh;
    struct vd_info info = puppet_replica_info(1, 10);
    struct vd_node *configured;
    struct vd_node *other;

    puppet_init(&fresh, 2, 0, 0);
    configured = puppet_group(&fresh)->primary;
    puppet_raise_links(&fresh);
    info.primary = puppet_addr("10.0.0.5", 6379);
    puppet_info(&fresh, configured, &info);
    other = puppet_group(&fresh)->primary;
    ck_assert_ptr_ne(other, configured);
    puppet_raise_links(&fresh);
    info = puppet_replica_info(5, 10);
    info.primary = configured->addr;
    puppet_info(&fresh, other, &info);
    ck_assert_ptr_eq(puppet_group(&fresh)->primary, configured);
    info = puppet_replica_info(1, 10);
    info.primary = other->addr;
    puppet_info(&fresh, configured, &info);
    ck_assert_ptr_eq(puppet_group(&fresh)->primary, configured);
    puppet_free(&fresh);
}
END_TEST

/* A set that starts all at once: vedettes talk of a primary whose name has no address as yet. */
START_TEST(a_hello_about_our_primary_needs_no_address)
{
    static const char *const told[] = {"redis-2", "redis-1"};
    const struct vd_addr unresolved = {.host = "redis-1", .port = 6379};

    puppet.core->globals.resolve_hostnames = true;
    vd_group_set_address(puppet.core, group->primary, &unresolved);
    for (size_t i = 0; i < 2; i++) {
        struct vd_hello hello = {.id = puppet_peer_id(1), .group = "m"};

        hello.peer = puppet_addr("10.0.1.1", 26379);
        hello.primary = (struct vd_addr){.port = 6379};
        memcpy(hello.primary.host, told[i], strlen(told[i]));
        puppet_say_hello(&puppet, &hello);
        ck_assert_int_eq(puppet_opinion(&puppet, 1)->heard, i == 1);
    }
}
END_TEST

/* Replicas that the configuration names are no memory: it still follows, and not in circles. */
START_TEST(hints_are_not_taken_for_memory)
{
    struct puppet fresh;
    struct vd_info info = puppet_replica_info(1, 10);
    struct vd_node *configured;
    struct vd_node *other;

    puppet_init(&fresh, 2, 2, 0);
    configured = puppet_group(&fresh)->primary;
    other = puppet_node(&fresh, 2);
    puppet_raise_links(&fresh);
    info.primary = other->addr;
    puppet_info(&fresh, configured, &info);
    ck_assert_ptr_eq(puppet_group(&fresh)->primary, configured); /* it remembers two replicas */
    puppet_free(&fresh);

    puppet_init(&fresh, 2, 2, 0);
    configured = puppet_group(&fresh)->primary;
    other = puppet_node(&fresh, 2);
    other->hinted = true;
    puppet_node(&fresh, 3)->hinted = true;
    puppet_raise_links(&fresh);
    puppet_info(&fresh, configured, &info);
    ck_assert_ptr_eq(puppet_group(&fresh)->primary, other);
    info = puppet_replica_info(2, 10);
    info.primary = configured->addr;
    puppet_info(&fresh, other, &info);
    ck_assert_ptr_eq(puppet_group(&fresh)->primary, configured);
    ck_assert(!puppet_group(&fresh)->primary->follow_pending);
    puppet_free(&fresh);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gossip");
    TCase *tcase = stage_case("gossip");

    tcase_add_test(tcase, a_new_peer_is_found_and_linked);
    tcase_add_test(tcase, a_moved_peer_is_followed);
    tcase_add_test(tcase, another_id_at_an_address_takes_its_place);
    tcase_add_test(tcase, one_process_has_one_vote);
    tcase_add_test(tcase, what_is_not_for_us_changes_nothing);
    tcase_add_test(tcase, a_former_self_is_no_peer);
    tcase_add_test(tcase, peers_are_limited);
    tcase_add_test(tcase, a_newer_configuration_is_adopted_and_told_on);
    suite_add_rows(tcase, two_primaries_in_one_epoch, disputes);
    tcase_add_test(tcase, who_ours_follows_is_no_stranger);
    tcase_add_test(tcase, nothing_is_disputed_in_epoch_0);
    tcase_add_test(tcase, in_epoch_0_all_go_where_the_primary_has_gone);
    tcase_add_loop_test(tcase, in_epoch_0_all_leave_a_dead_primary_for_a_living_one, 0, 4);
    tcase_add_test(tcase, replicas_are_learned_from_info);
    tcase_add_test(tcase, a_former_primary_is_demoted_on_a_shared_configuration);
    tcase_add_test(tcase, nobody_is_demoted_on_our_word_alone);
    tcase_add_test(tcase, newer_data_is_not_thrown_away_on_an_old_configuration);
    tcase_add_test(tcase, a_replica_tells_anew_before_it_is_turned_from_a_new_member);
    tcase_add_test(tcase, a_stateless_sentinel_follows_its_configured_primary);
    tcase_add_test(tcase, a_stateless_sentinel_does_not_go_in_circles);
    tcase_add_test(tcase, a_hello_about_our_primary_needs_no_address);
    tcase_add_test(tcase, hints_are_not_taken_for_memory);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
