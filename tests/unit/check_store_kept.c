/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the store keeps without waiting for the disk: alerts that were told, and
 * failovers that others led; and that saves wait for it all the same.
 */
#include <check.h>
#include <ev.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/text.h"
#include "shell/store.h"
#include "shell/store_db.h"
#include "shell/watch.h"
#include "shell/witness.h"
#include "suite.h"

#define ID1 "1111111111111111111111111111111111111111"

static char top[] = "/tmp/vedette-store-XXXXXX";
static char dir[128];
static struct vd_err err;

static void begin(void)
{
    memcpy(top + strlen(top) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(top));
    (void)snprintf(dir, sizeof(dir), "%s/a/state", top);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void finish(void)
{
    (void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct vd_store *must_open(void)
{
    struct vd_store *store = vd_store_open(dir, &err);

    ck_assert_msg(store != NULL, "%s", err.text);
    return store;
}

/* Alerts that were told ---------------------------------------------------------- */

static void add_alert(void *self, const struct vd_store_alert *alert)
{
    vd_text_printf(self, "%s|%s|%s|%s|%lld\n", alert->rule, alert->group, alert->target,
                   alert->channels, (long long)alert->since_ms);
}

static void must_have_alerts(struct vd_store *store, const char *wanted)
{
    struct vd_text text = {0};

    ck_assert_msg(vd_store_alerts(store, add_alert, &text, &err), "%s", err.text);
    ck_assert_str_eq(vd_text_cstr(&text), wanted);
    vd_text_free(&text);
}

START_TEST(told_alerts_outlive_the_process)
{
    struct vd_store *store = must_open();
    const struct vd_store_alert first[] = {{"lag", "m", "10.0.0.1:6379", "chat", 5},
                                           {"mute", "", ID1, "chat,pager", 6}};
    const struct vd_store_alert then[] = {{"lag", "m", "10.0.0.1:6379", "chat,pager", 5},
                                          {"mute", "", ID1, "", 6},
                                          {"unknown", "'; DROP TABLE alert", "", "", 7}};

    must_have_alerts(store, "");
    ck_assert_msg(vd_store_put_alerts(store, first, 2, &err), "%s", err.text);
    vd_store_close(store);
    store = must_open();
    must_have_alerts(store, "lag|m|10.0.0.1:6379|chat|5\nmute||" ID1 "|chat,pager|6\n");
    ck_assert_msg(vd_store_put_alerts(store, then, 3, &err), "%s", err.text);
    must_have_alerts(store, "lag|m|10.0.0.1:6379|chat,pager|5\n");
    vd_store_close(store);
}
END_TEST

/* A vote after them is on disk as ever. */
static int ask_synchronous(void *self, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    *(int *)self = atoi(values[0]);
    return 0;
}

START_TEST(saves_wait_for_the_disk_after_alerts)
{
    struct vd_store *store = must_open();
    const struct vd_store_alert alert = {"lag", "m", "t", "chat", 5};
    sqlite3 *db = ((struct vd_store_db *)store)->db;
    int level = 0;

    ck_assert(vd_store_put_alerts(store, &alert, 1, &err));
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA synchronous", ask_synchronous, &level, NULL), 0);
    ck_assert_int_eq(level, 2); /* FULL */
    vd_store_close(store);
}
END_TEST

/* As one of before the alerts left it. */
START_TEST(a_state_of_before_the_alerts_gets_them)
{
    struct vd_store *store = must_open();
    const struct vd_store_alert alert = {"lag", "m", "t", "chat", 5};

    ck_assert_int_eq(
        sqlite3_exec(((struct vd_store_db *)store)->db, "DROP TABLE alert", NULL, NULL, NULL), 0);
    ck_assert(!vd_store_put_alerts(store, &alert, 1, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "alerts in "));
    vd_store_close(store);
    store = must_open();
    ck_assert(vd_store_put_alerts(store, &alert, 1, &err));
    vd_store_close(store);
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
    struct vd_store *store = must_open();
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
    struct vd_store *store = must_open();
    struct vd_watch *watch = vd_watch_new();
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct vd_witness *witness = vd_witness_new(loop, NULL, NULL, store, watch);
    sqlite3 *db = ((struct vd_store_db *)store)->db;
    size_t kept = 0;
    int level = 0;

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
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA synchronous", ask_synchronous, &level, NULL), 0);
    ck_assert_int_eq(level, 2); /* FULL */
    ev_loop_destroy(loop);
    vd_watch_free(watch);
    vd_store_close(store);
}
END_TEST

/* As a vedette of before the witness left it, with a failover that it led. */
static void leave_old_state(void)
{
    struct vd_store *store = must_open();
    struct vd_history_entry entry = entry_of(VD_HISTORY_LED, 1);

    ck_assert(vd_store_record(store, &entry, 1, &err));
    ck_assert_int_eq(sqlite3_exec(((struct vd_store_db *)store)->db,
                                  "ALTER TABLE history DROP COLUMN source;"
                                  "ALTER TABLE history DROP COLUMN leader; DROP TABLE alert",
                                  NULL, NULL, NULL),
                     0);
    vd_store_close(store);
}

START_TEST(a_history_of_before_the_witness)
{
    struct vd_store *store;

    leave_old_state();
    store = must_open();
    must_have_history(store, "1 led  1\n");
    vd_store_close(store);
}
END_TEST

static bool print_history(char **text)
{
    size_t size = 0;
    FILE *out = open_memstream(text, &size);
    bool good;

    ck_assert_ptr_nonnull(out);
    err.text[0] = '\0';
    good = vd_store_print_history(dir, out, &err);
    ck_assert_int_eq(fclose(out), 0);
    return good;
}

static void alter_state(const char *sql)
{
    char path[192];
    sqlite3 *db;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, VD_STORE_FILE);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

/* vedette --history only reads: the old state stays as it is, for the old vedette to go on with. */
START_TEST(a_history_of_before_the_witness_is_printed)
{
    char *text = NULL;

    leave_old_state();
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(print_history(&text), "%s", err.text);
        ck_assert_msg(strstr(text, "epoch 1 ") != NULL, "%s", text);
        ck_assert_msg(strstr(text, "told by") == NULL && strstr(text, "seen from") == NULL, "%s",
                      text);
        free(text);
    }
    alter_state("ALTER TABLE history ADD COLUMN source INTEGER; ALTER TABLE history ADD COLUMN"
                " leader TEXT"); /* it had none */
}
END_TEST

START_TEST(a_history_of_a_newer_vedette_is_refused)
{
    char *text = NULL;

    vd_store_close(must_open());
    alter_state("PRAGMA user_version = 2; DROP TABLE history");
    ck_assert(!print_history(&text));
    ck_assert_str_eq(text, "");
    ck_assert_msg(strstr(err.text, "a state of version 2, and this vedette knows version 1") !=
                      NULL,
                  "%s", err.text);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_kept");
    TCase *tests = tcase_create("store_kept");

    tcase_add_checked_fixture(tests, begin, finish);
    tcase_add_test(tests, told_alerts_outlive_the_process);
    tcase_add_test(tests, saves_wait_for_the_disk_after_alerts);
    tcase_add_test(tests, a_state_of_before_the_alerts_gets_them);
    tcase_add_test(tests, what_was_told_is_written_over_what_was_seen);
    tcase_add_test(tests, a_crowd_is_kept);
    tcase_add_test(tests, a_history_of_before_the_witness);
    tcase_add_test(tests, a_history_of_before_the_witness_is_printed);
    tcase_add_test(tests, a_history_of_a_newer_vedette_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
