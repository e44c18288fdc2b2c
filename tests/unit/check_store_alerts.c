/* SPDX-License-Identifier: BSD-3-Clause */
/* Alerts that were told: the store keeps them without waiting for the disk, and saves wait for it
 * all the same. */
#include <string.h>

#include <sqlite3.h>

#include "base/text.h"
#include "depot.h"
#include "shell/store_db.h"
#include "suite.h"

static struct vd_err err;

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
    struct vd_store *store = depot_open();
    const struct vd_store_alert first[] = {{"lag", "m", "10.0.0.1:6379", "chat", 5},
                                           {"mute", "", ID1, "chat,pager", 6}};
    const struct vd_store_alert then[] = {{"lag", "m", "10.0.0.1:6379", "chat,pager", 5},
                                          {"mute", "", ID1, "", 6},
                                          {"unknown", "'; DROP TABLE alert", "", "", 7}};

    must_have_alerts(store, "");
    ck_assert_msg(vd_store_put_alerts(store, first, 2, &err), "%s", err.text);
    vd_store_close(store);
    store = depot_open();
    must_have_alerts(store, "lag|m|10.0.0.1:6379|chat|5\nmute||" ID1 "|chat,pager|6\n");
    ck_assert_msg(vd_store_put_alerts(store, then, 3, &err), "%s", err.text);
    must_have_alerts(store, "lag|m|10.0.0.1:6379|chat,pager|5\n");
    vd_store_close(store);
}
END_TEST

/* A vote after them is on disk as ever. */
START_TEST(saves_wait_for_the_disk_after_alerts)
{
    struct vd_store *store = depot_open();
    const struct vd_store_alert alert = {"lag", "m", "t", "chat", 5};

    ck_assert(vd_store_put_alerts(store, &alert, 1, &err));
    ck_assert_int_eq(depot_synchronous(store), 2); /* FULL */
    vd_store_close(store);
}
END_TEST

/* As one of before the alerts left it. */
START_TEST(a_state_of_before_the_alerts_gets_them)
{
    struct vd_store *store = depot_open();
    const struct vd_store_alert alert = {"lag", "m", "t", "chat", 5};

    ck_assert_int_eq(
        sqlite3_exec(((struct vd_store_db *)store)->db, "DROP TABLE alert", NULL, NULL, NULL), 0);
    ck_assert(!vd_store_put_alerts(store, &alert, 1, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "alerts in "));
    vd_store_close(store);
    store = depot_open();
    ck_assert(vd_store_put_alerts(store, &alert, 1, &err));
    vd_store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store alerts");
    TCase *alerts = depot_case("alerts");

    tcase_add_test(alerts, told_alerts_outlive_the_process);
    tcase_add_test(alerts, saves_wait_for_the_disk_after_alerts);
    tcase_add_test(alerts, a_state_of_before_the_alerts_gets_them);
    suite_add_tcase(suite, alerts);
    return suite_run(suite);
}
