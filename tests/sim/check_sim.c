/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator as a test: SEEDS seeded schedules must pass, and every single
 * decisive fault of a failover of each kind; a seed must mean the same run
 * every time; a failing one must shrink; and the oracle must be able to fail,
 * which worlds that lie to the core or for it show, each caught within a few
 * seeds (tests/mutants breaks the core itself). SEEDS is a minute's worth with
 * the sanitizers on one core, counted in seeds so that no run is cut short. The
 * parts of the world on which verdicts rest (order on a connection, what a
 * disk gives back, who may continue a replication stream) are tested alone.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exhaustive.h"
#include "faults.h"
#include "live.h"
#include "mass.h"
#include "node.h"
#include "oracle.h"
#include "run.h"
#include "sentinel.h"
#include "shrink.h"

#define SEEDS 2800
#define JOBS 2
#define PATIENCE 600 /* s; under valgrind on a busy machine */

/* Schedules ------------------------------------------------------------------ */

static uint64_t seeds_wanted(void)
{
    const char *text = getenv("VD_SIM_SEEDS"); /* fewer under a slow tool, more in a soak */

    return text != NULL ? strtoull(text, NULL, 10) : SEEDS;
}

START_TEST(test_schedules_pass)
{
    struct sim_options options = {0};
    struct sim_tally tally;

    sim_run_many(1, seeds_wanted(), JOBS, 10, &options, stdout, &tally);
    printf("%llu seeds in %.1f s, %.0f virtual seconds per second; agreement %.1f s after the "
           "last fault at worst\n",
           (unsigned long long)tally.seeds, tally.real_s, tally.virtual_s / tally.real_s,
           tally.settled_worst_s);
    ck_assert_msg(tally.failed == 0, "%llu seeds failed, the first is %llu: %s",
                  (unsigned long long)tally.failed, (unsigned long long)tally.first_failed,
                  tally.failure);
    ck_assert_uint_eq(tally.seeds, seeds_wanted());
    /* Something happened at all. */
    ck_assert_uint_gt(tally.stats.switches, tally.seeds / 4);
    ck_assert_uint_gt(tally.stats.acked, 100 * tally.seeds);
}
END_TEST

/* Each decisive message late or lost, each save failing or the last of a life: all of them. */
START_TEST(test_single_faults_pass)
{
    struct sim_exhausted sum;

    sim_exhaust(SIM_EXHAUST_DECISIVE, NULL, JOBS, stdout, &sum);
    ck_assert_msg(sum.failed == 0, "%llu of %llu failed, such as %s",
                  (unsigned long long)sum.failed, (unsigned long long)sum.runs, sum.failure);
    ck_assert_uint_gt(sum.runs, 1000);
}
END_TEST

/* A fifth of many primaries die at once: no vote starves, and nobody pays an fsync for each. */
START_TEST(test_a_mass_failure_is_over_at_once)
{
    struct sim_mass_result result;

    sim_mass_fail(500, 100, 5000, &result);
    ck_assert_uint_eq(result.agreed, 100);
    ck_assert(result.last_ms < 500);
    ck_assert_uint_eq(result.saves_most, 1);
    ck_assert_uint_ge(result.votes, 200);
    ck_assert_uint_le(result.saves, result.votes / 5);
    ck_assert(result.calm_requests < 10);
}
END_TEST

START_TEST(test_same_seed_same_run)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct sim_options options = {0};
        struct sim_result first;
        struct sim_result second;

        sim_run_one(seed, &options, &first);
        sim_run_one(seed, &options, &second);
        ck_assert_msg(first.hash == second.hash, "seed %llu ran in two ways",
                      (unsigned long long)seed);
        ck_assert_uint_eq(first.stats.messages, second.stats.messages);
    }
}
END_TEST

START_TEST(test_other_luck_is_noticed)
{
    struct sim_options options = {.mutant = SIM_MUTANT_UNSEEDED};
    struct sim_result first;
    struct sim_result second;

    sim_run_one(1, &options, &first);
    sim_run_one(1, &options, &second);
    ck_assert_msg(first.hash != second.hash, "luck from outside of the seed went unnoticed");
}
END_TEST

/* The oracle can fail ---------------------------------------------------------- */

static const struct {
    enum sim_mutant mutant;
    const char *mix;
    uint64_t seeds; /* caught within so many */
    const char *words;
} lies[] = {
    {SIM_MUTANT_LYING_DISK, "kill", 2, "says more than it saved"},
    {SIM_MUTANT_FORGETFUL, "crash", 40, "fall"},
    {SIM_MUTANT_EAGER, "disk", 80, "saved"},
    {SIM_MUTANT_DOUBLE_VOTE, "all", 40, "vote"},
    {SIM_MUTANT_FROZEN_CLOCK, "kill", 2, "no successor"},
    {SIM_MUTANT_ROGUE, "calm", 2, "does not lead"},
    {SIM_MUTANT_OTHER_ADDR, "kill", 5, "is primary of"},
    {SIM_MUTANT_STALE_EPOCH, "crash", 40, "fall"},
    {SIM_MUTANT_DEAF, "kill", 2, "no successor"},
};

START_TEST(test_lies_are_caught)
{
    struct sim_options options = {.mutant = lies[_i].mutant, .mix = sim_mix_find(lies[_i].mix)};
    bool caught = false;

    ck_assert_ptr_nonnull(options.mix);
    for (uint64_t seed = 1; seed <= lies[_i].seeds && !caught; seed++) {
        struct sim_tally tally;

        /* In a process of its own: a core to which one lies may well end itself. */
        sim_run_many(seed, 1, 1, 1, &options, NULL, &tally);
        caught = tally.failed != 0 && strstr(tally.failure, lies[_i].words) != NULL;
    }
    ck_assert_msg(caught, "lie %d in mix %s was not caught in %llu seeds", (int)lies[_i].mutant,
                  lies[_i].mix, (unsigned long long)lies[_i].seeds);
}
END_TEST

/* Shrinking ---------------------------------------------------------------------- */

START_TEST(test_kinds_of_failure)
{
    static const char *const alike[][2] = {
        {"at 12.345 ms: s1 voted twice in epoch 7 of m1",
         "at 9.1 ms: s3 voted twice in epoch 12 of m2"},
        {"the process died: core.c:12: x", "the process died: core.c:13: x"},
    };
    char one[64];
    char other[64];

    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
        sim_failure_kind(alike[i][0], one, sizeof(one));
        sim_failure_kind(alike[i][1], other, sizeof(other));
        ck_assert_str_eq(one, other);
    }
    sim_failure_kind("at 1 ms: s1 voted twice", one, sizeof(one));
    sim_failure_kind("at 1 ms: s1 voted", other, sizeof(other));
    ck_assert_str_ne(one, other);
}
END_TEST

/* Where the disk lies, one dead server is enough: all else of the schedule goes. */
START_TEST(test_a_failing_seed_shrinks)
{
    struct sim_options options = {.mutant = SIM_MUTANT_LYING_DISK, .mix = sim_mix_find("cascade")};
    struct sim_shrunk shrunk;
    struct sim_setup setup;
    struct sim_schedule schedule;
    uint64_t seed = 1;
    char before[64];
    char after[64];
    struct sim_result result;

    do {
        sim_setup_draw(&setup, seed++, &options);
        sim_plan(&schedule, &setup);
        sim_run_apart(&setup, &schedule, &result);
        ck_assert_uint_lt(seed, 100);
    } while (!result.failed || schedule.count < 4);
    ck_assert(sim_shrink(&setup, &schedule, 500, &shrunk));
    ck_assert_uint_le(shrunk.schedule.count, 2);
    ck_assert_uint_le(shrunk.setup.groups, setup.groups);
    ck_assert_uint_eq(shrunk.entries_before, schedule.count);
    /* What is left fails as the seed did. */
    sim_run_apart(&shrunk.setup, &shrunk.schedule, &result);
    sim_failure_kind(result.failure, after, sizeof(after));
    sim_failure_kind(shrunk.result.failure, before, sizeof(before));
    ck_assert(result.failed);
    ck_assert_str_eq(before, after);
    /* And what does not fail cannot be shrunk. */
    setup.mutant = SIM_HONEST;
    ck_assert(!sim_shrink(&setup, &schedule, 500, &shrunk));
}
END_TEST

/* The world itself ---------------------------------------------------------------- */

struct ear {
    unsigned accepted;
    unsigned connected;
    unsigned lost;
    enum vd_down_reason reason;
    uint64_t heard[64];
    unsigned heard_count;
};

static void ear_accepted(void *self, struct sim_conn *conn)
{
    (void)conn;
    ((struct ear *)self)->accepted++;
}

static void ear_connected(void *self, struct sim_conn *conn)
{
    (void)conn;
    ((struct ear *)self)->connected++;
}

static void ear_lost(void *self, struct sim_conn *conn, enum vd_down_reason reason)
{
    struct ear *ear = self;

    (void)conn;
    ear->lost++;
    ear->reason = reason;
}

static void ear_heard(void *self, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct ear *ear = self;

    (void)conn;
    if (ear->heard_count < 64)
        ear->heard[ear->heard_count++] = msg->ticket;
}

static const struct sim_host_ops ear_ops = {
    .accepted = ear_accepted,
    .connected = ear_connected,
    .lost = ear_lost,
    .heard = ear_heard,
};

/* Two hosts and a net, nothing else. */
struct bench {
    struct sim sim;
    struct sim_host *a;
    struct sim_host *b;
    struct ear at_a;
    struct ear at_b;
};

static void bench_begin(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    bench->sim.setup.latency = 5 * SIM_MS;
    bench->sim.setup.loss_permille = 100;
    sim_rng_seed(&bench->sim.times, 4711, 3);
    bench->sim.net = sim_net_new(&bench->sim);
    bench->a = sim_host_new(bench->sim.net, "a", 1, 1, 1, &ear_ops, &bench->at_a);
    bench->b = sim_host_new(bench->sim.net, "b", 1, 2, 1, &ear_ops, &bench->at_b);
    sim_host_listen(bench->a);
}

static void bench_end(struct bench *bench)
{
    sim_net_drop_tasks(bench->sim.net);
    sim_net_free(bench->sim.net);
    vd_heap_free(&bench->sim.tasks);
}

static void bench_send(struct bench *bench, struct sim_conn *conn, uint64_t number)
{
    struct sim_msg *msg = sim_msg_new(bench->sim.net, SIM_PING);

    msg->ticket = number;
    sim_send(conn, 0, msg);
}

START_TEST(test_order_on_a_connection)
{
    struct bench bench;
    struct sim_conn *conn;

    bench_begin(&bench);
    sim_host_listen(bench.b);
    conn = sim_connect(bench.sim.net, bench.a, bench.b);
    sim_run(&bench.sim, SIM_S);
    ck_assert_uint_eq(bench.at_a.connected, 1);
    ck_assert_uint_eq(bench.at_b.accepted, 1);
    /* Through loss, a partition and a pause, all arrive, in order. */
    for (uint64_t i = 1; i <= 40; i++) {
        if (i == 10)
            sim_cut(bench.sim.net, bench.a->index, bench.b->index);
        if (i == 20)
            sim_heal(bench.sim.net, bench.a->index, bench.b->index);
        if (i == 25)
            sim_host_pause(bench.b);
        if (i == 30)
            sim_host_resume(bench.sim.net, bench.b);
        bench_send(&bench, conn, i);
        sim_run(&bench.sim, bench.sim.now + 20 * SIM_MS);
    }
    sim_run(&bench.sim, bench.sim.now + 60 * SIM_S);
    ck_assert_uint_eq(bench.at_b.heard_count, 40);
    for (uint64_t i = 1; i <= 40; i++)
        ck_assert_uint_eq(bench.at_b.heard[i - 1], i);
    bench_end(&bench);
}
END_TEST

START_TEST(test_ways_to_lose_a_connection)
{
    struct bench bench;

    bench_begin(&bench);
    /* Nobody listens. */
    (void)sim_connect(bench.sim.net, bench.a, bench.b);
    sim_run(&bench.sim, bench.sim.now + 10 * SIM_S);
    ck_assert_uint_eq(bench.at_a.lost, 1);
    ck_assert_int_eq(bench.at_a.reason, VD_DOWN_REFUSED);
    /* The process dies: FIN. */
    sim_host_listen(bench.b);
    (void)sim_connect(bench.sim.net, bench.a, bench.b);
    sim_run(&bench.sim, bench.sim.now + 10 * SIM_S);
    sim_host_die(bench.sim.net, bench.b);
    sim_run(&bench.sim, bench.sim.now + 10 * SIM_S);
    ck_assert_uint_eq(bench.at_a.lost, 2);
    ck_assert_int_eq(bench.at_a.reason, VD_DOWN_CLOSED);
    bench_end(&bench);
}
END_TEST

START_TEST(test_a_dead_host_says_nothing)
{
    struct bench bench;
    struct sim_conn *conn;

    bench_begin(&bench);
    sim_host_listen(bench.b);
    conn = sim_connect(bench.sim.net, bench.a, bench.b);
    sim_run(&bench.sim, SIM_S);
    sim_host_power(bench.sim.net, bench.b, false);
    bench_send(&bench, conn, 1);
    (void)sim_connect(bench.sim.net, bench.a, bench.b);
    sim_run(&bench.sim, bench.sim.now + 100 * SIM_S);
    ck_assert_uint_eq(bench.at_a.lost, 0);
    ck_assert_uint_eq(bench.at_a.connected, 1);
    /* When it is back it knows nothing of the old connection. */
    sim_host_power(bench.sim.net, bench.b, true);
    sim_run(&bench.sim, bench.sim.now + 100 * SIM_S);
    ck_assert_uint_eq(bench.at_a.lost, 2);
    ck_assert_uint_eq(bench.at_b.heard_count, 0);
    bench_end(&bench);
}
END_TEST

START_TEST(test_disk_gives_back_what_was_saved)
{
    struct vd_globals globals;
    struct vd_options options;
    struct vd_addr replica = {.host = "10.0.0.2", .ip = "10.0.0.2", .port = 6379};
    struct vd_image_group group = {.name = "m1",
                                   .config_epoch = 7,
                                   .vote_epoch = 8,
                                   .vote = {.hex = "abc"},
                                   .options = &options,
                                   .replicas = &replica,
                                   .replica_count = 1};
    const char *removed[] = {"m1"};
    struct vd_image image = {.epoch = 9, .globals = &globals, .groups = &group, .group_count = 1};
    struct sim_saved saved = {0};
    struct sim_saved copy = {0};
    struct vd_arena arena = {0};
    const struct vd_image *back;

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    options.auth_pass = vd_strdup("secret");
    sim_saved_merge(&saved, &image);
    vd_options_free(&options);
    sim_saved_copy(&copy, &saved);
    sim_saved_free(&saved);
    back = sim_saved_image(&copy, &arena);
    ck_assert_uint_eq(back->epoch, 9);
    ck_assert_uint_eq(back->group_count, 1);
    ck_assert_uint_eq(back->groups[0].vote_epoch, 8);
    ck_assert_str_eq(back->groups[0].vote.hex, "abc");
    ck_assert_str_eq(back->groups[0].options->auth_pass, "secret");
    ck_assert_str_eq(back->groups[0].replicas[0].ip, "10.0.0.2");
    image.group_count = 0;
    image.removed = removed;
    image.removed_count = 1;
    sim_saved_merge(&copy, &image);
    ck_assert_ptr_null(sim_saved_find(&copy, "m1"));
    sim_saved_free(&copy);
    vd_arena_free(&arena);
    vd_globals_free(&globals);
}
END_TEST

/* Three servers without sentinels: what replication keeps and what it throws away. */
START_TEST(test_replication_continues_after_a_promotion)
{
    struct sim sim;
    struct sim_node *r[3];

    memset(&sim, 0, sizeof(sim));
    sim.setup = (struct sim_setup){.seed = 5,
                                   .groups = 1,
                                   .nodes = 3,
                                   .latency = SIM_MS,
                                   .repl_timeout_ms = 15000,
                                   .repl_ping_ms = 10000,
                                   .sync_ms = 100,
                                   .load_ms = 50,
                                   .backlog = 1 << 20,
                                   .rewrite = true,
                                   .persistence = SIM_KEEP_NOTHING};
    sim_rng_seed(&sim.times, 5, 3);
    sim.net = sim_net_new(&sim);
    sim.oracle = sim_oracle_new(&sim);
    sim.history = vd_alloc(sizeof(*sim.history));
    sim.node_count = 3;
    for (unsigned i = 0; i < 3; i++)
        r[i] = sim.nodes[i] = sim_node_new(&sim, i, 0, i);
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0)
            sim_node_configure(r[i], r[0]->host);
        sim_node_start(r[i], false);
    }
    sim_run(&sim, 10 * SIM_S);
    for (uint64_t i = 1; i <= 10; i++)
        (void)sim_node_append(r[0], i, NULL);
    sim_run(&sim, 11 * SIM_S);
    ck_assert_ptr_eq(r[1]->at.data, r[0]->at.data);
    ck_assert_int_eq(r[2]->at.offset, r[0]->at.offset);
    /* r1 dies with writes that nobody has; r2 is promoted, r3 continues without losing anything. */
    sim_cut(sim.net, r[0]->host->index, r[1]->host->index);
    sim_cut(sim.net, r[0]->host->index, r[2]->host->index);
    (void)sim_node_append(r[0], 11, NULL);
    sim_run(&sim, 12 * SIM_S);
    sim_node_promote(r[1]);
    sim_node_follow(r[2], r[1]->host);
    (void)sim_node_append(r[1], 12, NULL);
    sim_run(&sim, 14 * SIM_S);
    ck_assert_ptr_eq(r[2]->at.data, r[1]->at.data);
    ck_assert_str_eq(r[2]->at.replid.hex, r[1]->at.replid.hex);
    ck_assert_str_eq(r[1]->at.replid2.hex, r[0]->at.replid.hex);
    ck_assert(r[2]->synced && r[2]->at.data->writes == 11);
    /* The old primary went further than the promotion: it must resync fully, and loses write 11. */
    sim_heal(sim.net, r[0]->host->index, r[1]->host->index);
    sim_heal(sim.net, r[0]->host->index, r[2]->host->index);
    sim_node_follow(r[0], r[1]->host);
    sim_run(&sim, 30 * SIM_S);
    ck_assert_ptr_eq(r[0]->at.data, r[1]->at.data);
    ck_assert_uint_eq(r[0]->at.data->write, 12);
    ck_assert(!sim.failed);
    sim_net_drop_tasks(sim.net);
    for (unsigned i = 0; i < 3; i++)
        sim_node_free(r[i]);
    sim_net_free(sim.net);
    sim_oracle_free(sim.oracle);
    sim_history_free(sim.history);
    vd_heap_free(&sim.tasks);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim");
    TCase *world = tcase_create("world");
    TCase *oracle = tcase_create("oracle");
    TCase *schedules = tcase_create("schedules");
    SRunner *runner;
    int failed;

    tcase_add_test(world, test_order_on_a_connection);
    tcase_add_test(world, test_ways_to_lose_a_connection);
    tcase_add_test(world, test_a_dead_host_says_nothing);
    tcase_add_test(world, test_disk_gives_back_what_was_saved);
    tcase_add_test(world, test_replication_continues_after_a_promotion);
    tcase_add_test(oracle, test_same_seed_same_run);
    tcase_add_test(oracle, test_other_luck_is_noticed);
    tcase_add_loop_test(oracle, test_lies_are_caught, 0, (int)(sizeof(lies) / sizeof(lies[0])));
    tcase_set_timeout(oracle, PATIENCE);
    tcase_add_test(schedules, test_schedules_pass);
    tcase_add_test(schedules, test_single_faults_pass);
    tcase_add_test(schedules, test_a_mass_failure_is_over_at_once);
    tcase_add_test(schedules, test_kinds_of_failure);
    tcase_add_test(schedules, test_a_failing_seed_shrinks);
    tcase_set_timeout(schedules, PATIENCE);
    suite_add_tcase(suite, world);
    suite_add_tcase(suite, oracle);
    suite_add_tcase(suite, schedules);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
