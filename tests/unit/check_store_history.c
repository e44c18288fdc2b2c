/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The history that the store keeps: failovers led here, those that others led,
 * which are kept without waiting for the disk, and states of other versions.
 */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "depot.h"
#include "puppet.h"
#include "shell/clock.h"
#include "shell/watch.h"
#include "shell/witness.h"
#include "suite.h"

static struct vd_err err;

/* History --------------------------------------------------------------------------- */

static struct vd_failover_record make_record(uint64_t epoch)
{
    vd_ms now = vd_clock_now();

    return (struct vd_failover_record){.group = "m1",
                                       .epoch = epoch,
                                       .reason = "odown",
                                       .result = "done",
                                       .from = {.host = "10.0.0.1", .port = 6379},
                                       .to = {.host = "::1", .port = 6380},
                                       .silent_at = now - 1100,
                                       .sdown_at = now - 99,
                                       .odown_at = now - 97,
                                       .started_at = now - 96,
                                       .elected_at = now - 94,
                                       .selected_at = now - 90,
                                       .promoted_at = now - 85,
                                       .ended_at = now - 35,
                                       .loss_bytes = 17};
}

static void must_record(struct vd_store *store, const struct vd_failover_record *records,
                        size_t count, int64_t first_id)
{
    struct vd_history_entry entries[3];

    for (size_t i = 0; i < count; i++)
        vd_history_entry_of(&records[i], &entries[i]);
    ck_assert_msg(vd_store_record(store, entries, count, &err), "%s", err.text);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(entries[i].id, first_id + (int64_t)i);
}

/* False: there is an error instead of a text. */
static bool try_print(char **text)
{
    size_t size = 0;
    FILE *out = open_memstream(text, &size);
    bool good;

    ck_assert_ptr_nonnull(out);
    err.text[0] = '\0';
    good = vd_store_print_history(depot_dir, out, &err);
    ck_assert_int_eq(fclose(out), 0);
    return good;
}

static char *print_history(void)
{
    char *text = NULL;

    ck_assert_msg(try_print(&text), "%s", err.text);
    return text;
}

START_TEST(history_of_a_running_daemon)
{
    struct vd_store *store = depot_open();
    struct vd_failover_record record = make_record(5);
    char *text = print_history();

    ck_assert_str_eq(text, "no failover so far\n");
    free(text);
    must_record(store, &record, 1, 1);
    record.epoch = 6;
    record.result = "-failover-abort-no-good-slave";
    record.to.port = 0;
    record.selected_at = record.promoted_at = record.ended_at = VD_NEVER;
    record.loss_bytes = -1;
    must_record(store, &record, 1, 2);
    text = print_history();
    ck_assert_msg(strstr(text,
                         "m1  epoch 5  odown  10.0.0.1:6379 -> [::1]:6380  done: silence 1001 "
                         "ms, agreement 2 ms, election 3 ms, selection 4 ms, promotion 5 ms, "
                         "total 1015 ms, replicas 50 ms; loss bound 17 bytes\n") != NULL,
                  "%s", text);
    ck_assert_msg(strstr(text, "m1  epoch 6  odown  10.0.0.1:6379 -> none  "
                               "-failover-abort-no-good-slave: silence 1001 ms, agreement 2 ms, "
                               "election 3 ms\n") != NULL,
                  "%s", text);
    free(text);
    vd_store_close(store);
}
END_TEST

static void note_entry(void *self, const struct vd_history_entry *entry)
{
    struct vd_history_entry *last = self;

    ck_assert_int_gt(entry->id, last->id);
    ck_assert_str_eq(entry->group, "m1");
    ck_assert_str_eq(entry->result, "done");
    *last = *entry;
}

START_TEST(history_is_told_oldest_first)
{
    struct vd_store *store = depot_open();
    const struct vd_failover_record records[] = {make_record(1), make_record(2), make_record(3)};
    struct vd_history_entry last = {0};

    ck_assert(vd_store_history(store, note_entry, &last, &err));
    ck_assert_int_eq(last.id, 0);
    must_record(store, records, 3, 1);
    ck_assert(vd_store_history(store, note_entry, &last, &err));
    ck_assert_int_eq(last.id, 3);
    ck_assert_uint_eq(last.epoch, 3);
    ck_assert_int_eq(last.phases.silence_ms, 1001);
    ck_assert_int_eq(last.phases.total_ms, 1015);
    ck_assert_int_eq(last.loss_bytes, 17);
    ck_assert_str_eq(last.to.host, "::1");
    vd_store_close(store);
}
END_TEST

START_TEST(history_keeps_a_thousand)
{
    struct vd_store *store = depot_open();
    char *text;
    size_t lines = 0;

    for (uint64_t i = 1; i <= 1005; i++) {
        struct vd_failover_record record = make_record(i);

        must_record(store, &record, 1, (int64_t)i);
    }
    vd_store_close(store);
    text = print_history();
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, 1000);
    ck_assert_ptr_null(strstr(text, "epoch 5 "));
    ck_assert_ptr_nonnull(strstr(text, "epoch 6 "));
    ck_assert_ptr_nonnull(strstr(text, "epoch 1005 "));
    free(text);
}
END_TEST

START_TEST(history_of_nothing)
{
    ck_assert(!vd_store_print_history(depot_dir, stdout, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "state-dir"));
}
END_TEST

/* Failovers that others led ------------------------------------------------------- */

static struct vd_history_entry entry_of(enum vd_history_source source, uint64_t epoch)
{
    return (struct vd_history_entry){.source = source,
                                     .leader = ID1,
                                     .at_ms = 1700000000000,
                                     .group = "m",
                                     .reason = "odown",
                                     .result = "done",
                                     .epoch = epoch,
                                     .from = {.host = "10.0.0.1", .port = 6379},
                                     .to = {.host = "10.0.0.2", .port = 6379},
                                     .phases = {VD_NEVER, 1, 2, 3, 4, 5, 15, -1},
                                     .loss_bytes = -1};
}

static void add_entry(void *self, const struct vd_history_entry *entry)
{
    vd_text_printf(self, "%lld %s %s %llu\n", (long long)entry->id,
                   vd_history_source_word(entry->source), entry->leader,
                   (unsigned long long)entry->epoch);
}

static void must_have_history(struct vd_store *store, const char *wanted)
{
    struct vd_text text = {0};

    ck_assert_msg(vd_store_history(store, add_entry, &text, &err), "%s", err.text);
    ck_assert_str_eq(vd_text_cstr(&text), wanted);
    vd_text_free(&text);
}

START_TEST(what_was_told_is_written_over_what_was_seen)
{
    struct vd_store *store = depot_open();
    struct vd_history_entry entries[] = {entry_of(VD_HISTORY_SEEN, 1),
                                         entry_of(VD_HISTORY_TOLD, 2)};
    struct vd_history_entry led = entry_of(VD_HISTORY_LED, 3);

    led.leader = NULL;
    ck_assert_msg(vd_store_witness(store, entries, 2, &err), "%s", err.text);
    ck_assert_int_eq(entries[0].id, 1);
    ck_assert_int_eq(entries[1].id, 2);
    ck_assert(vd_store_record(store, &led, 1, &err));
    entries[0].source = VD_HISTORY_TOLD;
    ck_assert(vd_store_witness(store, entries, 1, &err));
    must_have_history(store, "1 told " ID1 " 1\n2 told " ID1 " 2\n3 led  3\n");
    vd_store_close(store);
}
END_TEST

static void count_entry(void *self, const struct vd_history_entry *entry)
{
    ck_assert_int_eq(entry->source, VD_HISTORY_TOLD);
    ++*(size_t *)self;
}

/* More than are written at a time; those that wait at the end, too. */
START_TEST(a_crowd_is_kept)
{
    struct vd_store *store = depot_open();
    struct vd_watch *watch = vd_watch_new();
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct vd_witness *witness = vd_witness_new(loop, NULL, NULL, store, watch);
    size_t kept = 0;

    for (uint64_t epoch = 1; epoch <= 450; epoch++) {
        struct vd_history_entry entry = entry_of(VD_HISTORY_TOLD, epoch);

        ck_assert(vd_watch_witness(watch, &entry));
    }
    vd_witness_free(witness);
    ck_assert(vd_store_history(store, count_entry, &kept, &err));
    ck_assert_uint_eq(kept, 450);
    for (size_t i = 0; i < 450; i++) {
        ck_assert(!watch->failovers[i].unkept);
        ck_assert_int_eq(watch->failovers[i].id, (int64_t)i + 1);
    }
    ck_assert_int_eq(depot_synchronous(store), 2); /* FULL */
    ev_loop_destroy(loop);
    vd_watch_free(watch);
    vd_store_close(store);
}
END_TEST

static void count_sources(void *self, const struct vd_history_entry *entry)
{
    ++((size_t *)self)[entry->source];
}

/* Nor do they drive out of the store what is known at first hand. */
START_TEST(what_is_told_does_not_drive_out_the_rest)
{
    struct vd_store *store = depot_open();
    struct vd_history_entry entries[100];
    size_t counts[VD_HISTORY_SOURCES] = {0};
    uint64_t epoch = 0;

    for (size_t i = 0; i < 20; i++)
        entries[i] = entry_of(i % 2 == 0 ? VD_HISTORY_SEEN : VD_HISTORY_LED, ++epoch);
    ck_assert(vd_store_witness(store, entries, 20, &err));
    for (unsigned round = 0; round < 15; round++) {
        for (size_t i = 0; i < 100; i++)
            entries[i] = entry_of(VD_HISTORY_TOLD, ++epoch);
        ck_assert(vd_store_witness(store, entries, 100, &err));
    }
    ck_assert(vd_store_history(store, count_sources, counts, &err));
    ck_assert_uint_eq(counts[VD_HISTORY_SEEN], 10);
    ck_assert_uint_eq(counts[VD_HISTORY_LED], 10);
    ck_assert_uint_eq(counts[VD_HISTORY_TOLD], VD_HISTORY_TOLD_MAX);
    /* What is known at first hand may use all of the room. */
    for (unsigned round = 0; round < 11; round++) {
        for (size_t i = 0; i < 100; i++)
            entries[i] = entry_of(VD_HISTORY_LED, ++epoch);
        ck_assert(vd_store_record(store, entries, 100, &err));
    }
    memset(counts, 0, sizeof(counts));
    ck_assert(vd_store_history(store, count_sources, counts, &err));
    ck_assert_uint_eq(counts[VD_HISTORY_LED], VD_HISTORY_MAX);
    vd_store_close(store);
}
END_TEST

static struct puppet puppet;

static void hear(struct vd_witness *witness, const char *leader, uint64_t epoch)
{
    struct vd_history_entry entry = entry_of(VD_HISTORY_LED, epoch);
    struct vd_text text = {0};

    vd_witness_print(&entry, leader, entry.at_ms + 1, &text);
    vd_witness_hear(witness, vd_text_cstr(&text), text.len);
    vd_text_free(&text);
}

/* A peer tells of an election that our core has not heard of, or of none: it is invented. */
START_TEST(what_has_not_been_is_not_believed)
{
    struct vd_store *store = depot_open();
    struct vd_watch *watch = vd_watch_new();
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct vd_drive drive = {0};
    struct vd_witness *witness;
    struct vd_id peer;

    puppet_init(&puppet, 2, 2, 2);
    puppet.core->epoch = 5;
    drive.core = puppet.core;
    peer = puppet_peer_id(1);
    witness = vd_witness_new(loop, &drive, NULL, store, watch);
    hear(witness, peer.hex, 6);
    hear(witness, peer.hex, 0);
    hear(witness, peer.hex, UINT64_MAX / 2);
    hear(witness, ID1, 5); /* a stranger */
    ck_assert_uint_eq(watch->failover_count, 0);
    hear(witness, peer.hex, 5);
    hear(witness, peer.hex, 5);
    hear(witness, peer.hex, 1);
    ck_assert_uint_eq(watch->failover_count, 2);
    vd_witness_free(witness);
    ev_loop_destroy(loop);
    vd_watch_free(watch);
    vd_store_close(store);
    puppet_free(&puppet);
}
END_TEST

/* As a vedette of before the witness left it, with a failover that it led. */
static void leave_old_state(void)
{
    struct vd_store *store = depot_open();
    struct vd_history_entry entry = entry_of(VD_HISTORY_LED, 1);

    ck_assert(vd_store_record(store, &entry, 1, &err));
    vd_store_close(store);
    depot_alter("ALTER TABLE history DROP COLUMN source;"
                "ALTER TABLE history DROP COLUMN leader; DROP TABLE alert");
}

START_TEST(a_history_of_before_the_witness)
{
    struct vd_store *store;

    leave_old_state();
    store = depot_open();
    must_have_history(store, "1 led  1\n");
    vd_store_close(store);
}
END_TEST

/* vedette --history only reads: the old state stays as it is, for the old vedette to go on with. */
START_TEST(a_history_of_before_the_witness_is_printed)
{
    leave_old_state();
    for (int i = 0; i < 2; i++) {
        char *text = print_history();

        ck_assert_msg(strstr(text, "epoch 1 ") != NULL, "%s", text);
        ck_assert_msg(strstr(text, "told by") == NULL && strstr(text, "seen from") == NULL, "%s",
                      text);
        free(text);
    }
    depot_alter("ALTER TABLE history ADD COLUMN source INTEGER; ALTER TABLE history ADD COLUMN"
                " leader TEXT"); /* it had none */
}
END_TEST

START_TEST(a_history_of_a_newer_vedette_is_refused)
{
    char *text = NULL;

    vd_store_close(depot_open());
    depot_alter("PRAGMA user_version = 2; DROP TABLE history");
    ck_assert(!try_print(&text));
    ck_assert_str_eq(text, "");
    ck_assert_msg(strstr(err.text, "a state of version 2, and this vedette knows version 1") !=
                      NULL,
                  "%s", err.text);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store history");
    TCase *led = depot_case("led here");
    TCase *others = depot_case("led by others, and by other versions");

    tcase_add_test(led, history_of_a_running_daemon);
    tcase_add_test(led, history_is_told_oldest_first);
    tcase_add_test(led, history_keeps_a_thousand);
    tcase_add_test(led, history_of_nothing);
    tcase_add_test(others, what_was_told_is_written_over_what_was_seen);
    tcase_add_test(others, a_crowd_is_kept);
    tcase_add_test(others, what_is_told_does_not_drive_out_the_rest);
    tcase_add_test(others, what_has_not_been_is_not_believed);
    tcase_add_test(others, a_history_of_before_the_witness);
    tcase_add_test(others, a_history_of_before_the_witness_is_printed);
    tcase_add_test(others, a_history_of_a_newer_vedette_is_refused);
    suite_add_tcase(suite, led);
    suite_add_tcase(suite, others);
    return suite_run(suite);
}
