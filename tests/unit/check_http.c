/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages of the HTTP room as functions of a core: what balancers are told, what
 * the JSON says, and that nothing that a stranger calls itself can break a page.
 * Method: a puppet core and a watch, no sockets.
 */
#include <check.h>
#include <jansson.h>
#include <string.h>

#include "http/api.h"
#include "http/family.h"
#include "http/health.h"
#include "http/json.h"
#include "http/metrics.h"
#include "puppet.h"
#include "shell/library.h"
#include "suite.h"

static struct puppet puppet;
static struct vd_drive drive;
static struct vd_watch *watch;
static struct vd_http_reply reply;

/* The query of the next request: names and values by turns. */
static const char *query[8];

static void set_up(void)
{
    puppet_init(&puppet, 2, 2, 2);
    puppet_settle(&puppet);
    drive = (struct vd_drive){.core = puppet.core};
    watch = vd_watch_new();
    memset(query, 0, sizeof(query));
}

static void tear_down(void)
{
    vd_text_free(&reply.body);
    vd_watch_free(watch);
    puppet_free(&puppet);
}

static const char *read_query(void *self, const char *name)
{
    (void)self;
    for (size_t i = 0; i + 1 < 8 && query[i] != NULL; i += 2)
        if (strcmp(query[i], name) == 0)
            return query[i + 1];
    return NULL;
}

/* The page's status; its JSON in *body, which is to be freed. */
static unsigned ask(vd_http_page *page, json_t **body)
{
    const struct vd_http_world world = {.drive = &drive, .watch = watch, .now = puppet.now};
    const struct vd_http_request request = {.query = read_query};
    json_error_t error;

    reply.status = 0;
    page(&world, &request, &reply);
    ck_assert_str_eq(reply.type, "application/json");
    *body = json_loads(vd_text_cstr(&reply.body), 0, &error);
    ck_assert_msg(*body != NULL, "%s: %s", error.text, vd_text_cstr(&reply.body));
    return reply.status;
}

static unsigned status_of(vd_http_page *page)
{
    json_t *body;
    unsigned status = ask(page, &body);

    json_decref(body);
    return status;
}

static void lose_peers(void)
{
    puppet_link_down(&puppet, &puppet_opinion(&puppet, 1)->peer->wire, VD_DOWN_REFUSED);
    puppet_link_down(&puppet, &puppet_opinion(&puppet, 2)->peer->wire, VD_DOWN_REFUSED);
    puppet_pass(&puppet, puppet.now + 1000);
}

/* Health ------------------------------------------------------------------------------- */

START_TEST(libraries_are_loaded_or_missed)
{
    static const char *const names[] = {"json_object", "json_true"};
    static const char *const wrong[] = {"json_object", "json_of_another_version"};
    struct {
        json_t *(*object)(void);
        json_t *(*truth)(void);
    } calls = {NULL, NULL};
    struct vd_err err;

    ck_assert(!vd_library_load("libvedette-has-none.so.1", names, &calls, 2, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "libvedette-has-none.so.1"));
    ck_assert_ptr_nonnull(strstr(err.text, "; install the package that has it"));
    ck_assert_ptr_nonnull(strstr(err.text, "restart"));
    ck_assert(!vd_library_load("libjansson.so.4", wrong, &calls, 2, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "libjansson.so.4 has no json_of_another_version"));
    ck_assert(calls.object == NULL && calls.truth == NULL);
    ck_assert(vd_library_load("libjansson.so.4", names, &calls, 2, &err));
    ck_assert(json_is_true(calls.truth()));
}
END_TEST

START_TEST(health_is_the_loop)
{
    lose_peers();
    drive.mute = true;
    ck_assert_uint_eq(status_of(vd_http_healthz), 200);
}
END_TEST

START_TEST(ready_is_able_to_act)
{
    ck_assert_uint_eq(status_of(vd_http_readyz), 200);
    drive.mute = true;
    ck_assert_uint_eq(status_of(vd_http_readyz), 503);
    drive.mute = false;
    lose_peers();
    ck_assert_uint_eq(status_of(vd_http_readyz), 503);
}
END_TEST

/* Without its state it votes when it has heard a majority, however long ago it was started. */
START_TEST(ready_is_able_to_vote)
{
    puppet.core->fresh = true;
    puppet.core->globals.abstain_ms = 0;
    puppet_opinion(&puppet, 1)->heard = puppet_opinion(&puppet, 2)->heard = false;
    ck_assert_uint_eq(status_of(vd_http_readyz), 503);
    puppet_opinion(&puppet, 1)->heard = true;
    ck_assert_uint_eq(status_of(vd_http_readyz), 200);
}
END_TEST

START_TEST(primary_by_any_of_its_names)
{
    query[0] = "node";
    query[1] = "10.0.0.1:6379";
    ck_assert_uint_eq(status_of(vd_http_primary), 200);
    query[1] = "10.0.0.2:6379";
    ck_assert_uint_eq(status_of(vd_http_primary), 503);
    query[1] = "10.0.0.1:6380";
    ck_assert_uint_eq(status_of(vd_http_primary), 503);
    query[1] = "no address at all";
    ck_assert_uint_eq(status_of(vd_http_primary), 503);
}
END_TEST

START_TEST(no_primary_without_a_majority)
{
    ck_assert_uint_eq(status_of(vd_http_primary), 200);
    ck_assert_uint_eq(status_of(vd_http_replica), 200);
    lose_peers();
    ck_assert_uint_eq(status_of(vd_http_primary), 503);
    ck_assert_uint_eq(status_of(vd_http_replica), 503);
}
END_TEST

START_TEST(a_dead_primary_is_none)
{
    struct vd_node *primary = puppet_node(&puppet, 1);

    puppet_link_down(&puppet, &primary->command, VD_DOWN_REFUSED);
    ck_assert_uint_eq(status_of(vd_http_primary), 503);
}
END_TEST

START_TEST(replica_of_a_known_lag)
{
    json_t *body;

    ck_assert_uint_eq(ask(vd_http_replica, &body), 200);
    ck_assert_uint_eq(json_array_size(body), 2);
    json_decref(body);
    /* Nobody measures here: a lag that is not known is no small one. */
    query[0] = "max_lag_ms";
    query[1] = "1000";
    ck_assert_uint_eq(status_of(vd_http_replica), 503);
    query[1] = "1s";
    ck_assert_uint_eq(status_of(vd_http_replica), 400);
    query[1] = "-1";
    ck_assert_uint_eq(status_of(vd_http_replica), 400);
    query[0] = "node";
    query[1] = "10.0.0.1:6379";
    ck_assert_uint_eq(status_of(vd_http_replica), 503);
    query[1] = "10.0.0.3:6379";
    ck_assert_uint_eq(status_of(vd_http_replica), 200);
}
END_TEST

START_TEST(an_unknown_group_is_not_found)
{
    query[0] = "group";
    query[1] = "nobody's";
    ck_assert_uint_eq(status_of(vd_http_primary), 404);
    ck_assert_uint_eq(status_of(vd_http_nodes), 404);
    query[0] = "name";
    ck_assert_uint_eq(status_of(vd_http_groups), 404);
}
END_TEST

/* JSON --------------------------------------------------------------------------------- */

START_TEST(groups_with_their_members)
{
    json_t *body;
    json_t *group;
    const char *primary;
    int quorum;
    int able;

    ck_assert_uint_eq(ask(vd_http_groups, &body), 200);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "total")), 1);
    group = json_array_get(json_object_get(body, "groups"), 0);
    ck_assert_int_eq(json_unpack(group, "{s:s, s:i, s:b}", "primary", &primary, "quorum", &quorum,
                                 "can_act", &able),
                     0);
    ck_assert_str_eq(primary, "10.0.0.1:6379");
    ck_assert_int_eq(quorum, 2);
    ck_assert_int_eq(able, 1);
    ck_assert_uint_eq(json_array_size(json_object_get(group, "nodes")), 3);
    ck_assert_uint_eq(json_array_size(json_object_get(group, "peers")), 2);
    json_decref(body);
}
END_TEST

START_TEST(lists_come_by_pages)
{
    json_t *body;

    query[0] = "limit";
    query[1] = "2";
    query[2] = "offset";
    query[3] = "1";
    ck_assert_uint_eq(ask(vd_http_nodes, &body), 200);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "total")), 3);
    ck_assert_uint_eq(json_array_size(json_object_get(body, "nodes")), 2);
    json_decref(body);
    query[1] = "1001";
    ck_assert_uint_eq(status_of(vd_http_nodes), 400);
    query[1] = "";
    ck_assert_uint_eq(status_of(vd_http_nodes), 400);
}
END_TEST

START_TEST(events_after_an_id)
{
    json_t *body;
    json_t *event;

    for (int i = 0; i < VD_WATCH_EVENTS + 5; i++)
        vd_watch_event(watch, VD_NOTICE_WARNING, "+sdown", "slave x 10.0.0.2 6379 @ m 10.0.0.1 1");
    vd_watch_event(watch, VD_NOTICE_WARNING, "+switch-master", "m 10.0.0.1 1 10.0.0.2 2");
    vd_watch_event(watch, VD_NOTICE_WARNING, "+new-epoch", "7");
    query[0] = "after";
    query[1] = "1005";
    ck_assert_uint_eq(ask(vd_http_events, &body), 200);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "total")), 2);
    event = json_array_get(json_object_get(body, "events"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(event, "group")), "m");
    event = json_array_get(json_object_get(body, "events"), 1);
    ck_assert(json_is_null(json_object_get(event, "group")));
    json_decref(body);
    /* What is forgotten is not told, and no hole is either. */
    query[1] = "0";
    ck_assert_uint_eq(ask(vd_http_events, &body), 200);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "total")), VD_WATCH_EVENTS);
    json_decref(body);
}
END_TEST

START_TEST(failovers_newest_first)
{
    struct vd_history_entry entry = {.group = "m",
                                     .reason = "odown",
                                     .result = "done",
                                     .from = puppet_addr("10.0.0.1", 6379),
                                     .phases = {.silence_ms = 1000, .total_ms = -1},
                                     .loss_bytes = -1};
    json_t *body;
    json_t *first;

    for (entry.id = 1; entry.id <= VD_HISTORY_MAX + 1; entry.id++)
        vd_watch_failover(watch, &entry);
    ck_assert_uint_eq(ask(vd_http_failovers, &body), 200);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "total")), VD_HISTORY_MAX);
    first = json_array_get(json_object_get(body, "failovers"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(first, "id")), VD_HISTORY_MAX + 1);
    ck_assert(json_is_null(json_object_get(first, "to")));
    ck_assert(json_is_null(json_object_get(first, "total_ms")));
    ck_assert(json_is_null(json_object_get(first, "loss_bytes")));
    json_decref(body);
    query[0] = "group";
    query[1] = "other";
    ck_assert_uint_eq(ask(vd_http_failovers, &body), 200);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "total")), 0);
    json_decref(body);
}
END_TEST

START_TEST(any_bytes_become_text)
{
    static const struct {
        const char *bytes;
        const char *text;
    } cases[] = {
        {"plain", "plain"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xff", "\xef\xbf\xbd"},
        {"a\xc3", "a\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x90\xb4 \x80 end", "\xf0\x9f\x90\xb4 \xef\xbf\xbd end"},
        {"<script>\"&", "<script>\"&"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *value = vd_json_text(cases[i].bytes);

        ck_assert_str_eq(json_string_value(value), cases[i].text);
        json_decref(value);
    }
}
END_TEST

START_TEST(a_refusal_quotes_anything)
{
    query[0] = "group";
    query[1] = "\xff\"\\\n<script>";
    ck_assert_uint_eq(status_of(vd_http_primary), 404);
}
END_TEST

/* Metrics -------------------------------------------------------------------------------- */

static const char *scrape(bool open_metrics)
{
    const struct vd_http_world world = {.drive = &drive, .watch = watch, .now = puppet.now};
    struct vd_metrics *metrics = vd_metrics_new(open_metrics);

    while (!vd_metrics_step(metrics, &world))
        ;
    vd_metrics_finish(metrics, &world, &reply);
    vd_metrics_free(metrics);
    return vd_text_cstr(&reply.body);
}

/* A line of the page, whole. */
static bool has_line(const char *page, const char *line)
{
    const char *at = page;
    size_t len = strlen(line);

    while ((at = strstr(at, line)) != NULL) {
        if ((at == page || at[-1] == '\n') && at[len] == '\n')
            return true;
        at++;
    }
    return false;
}

START_TEST(metrics_of_the_group)
{
    const char *page;

    vd_watch_event(watch, VD_NOTICE_WARNING, "+reboot", "master m 10.0.0.1 6379");
    page = scrape(false);
    ck_assert(has_line(page, "# TYPE vedette_group_reboots_total counter"));
    ck_assert(has_line(page, "vedette_group_reboots_total{group=\"m\"} 1"));
    ck_assert(has_line(page, "vedette_group_can_act{group=\"m\"} 1"));
    ck_assert(has_line(page, "vedette_group_replicas_serving{group=\"m\"} 2"));
    ck_assert(has_line(page, "vedette_node_primary{group=\"m\",node=\"10.0.0.1:6379\"} 1"));
    ck_assert(has_line(page, "vedette_node_primary{group=\"m\",node=\"10.0.0.2:6379\"} 0"));
    ck_assert(has_line(page, "vedette_peer_up{group=\"m\",peer=\"10.0.1.1:26379\"} 1"));
    ck_assert_ptr_null(strstr(page, "# EOF"));
    lose_peers();
    ck_assert(has_line(scrape(false), "vedette_group_can_act{group=\"m\"} 0"));
}
END_TEST

START_TEST(open_metrics_names_families_without_total)
{
    const char *page = scrape(true);

    ck_assert(has_line(page, "# TYPE vedette_group_reboots counter"));
    ck_assert(has_line(page, "vedette_group_reboots_total{group=\"m\"} 0"));
    ck_assert(has_line(page, "# UNIT process_cpu_seconds seconds"));
    ck_assert_str_eq(page + strlen(page) - strlen("# EOF\n"), "# EOF\n");
    ck_assert_ptr_nonnull(strstr(reply.type, "openmetrics"));
}
END_TEST

START_TEST(histograms_are_cumulative)
{
    const char *page;

    vd_histogram_add(&watch->save, 10);
    vd_histogram_add(&watch->save, 150);
    vd_histogram_add(&watch->save, 100000000);
    page = scrape(false);
    ck_assert(has_line(page, "vedette_save_seconds_bucket{le=\"5e-05\"} 1"));
    ck_assert(has_line(page, "vedette_save_seconds_bucket{le=\"0.0001\"} 1"));
    ck_assert(has_line(page, "vedette_save_seconds_bucket{le=\"0.0002\"} 2"));
    ck_assert(has_line(page, "vedette_save_seconds_bucket{le=\"3.2768\"} 2"));
    ck_assert(has_line(page, "vedette_save_seconds_bucket{le=\"+Inf\"} 3"));
    ck_assert(has_line(page, "vedette_save_seconds_count 3"));
}
END_TEST

START_TEST(labels_are_quoted_and_utf8)
{
    struct vd_text labels = {0};

    vd_label_add(&labels, "a", "\"\\\n\xff<");
    vd_label_add(&labels, "b", "gr\xc3\xbc\xc3\x9f");
    ck_assert_str_eq(vd_text_cstr(&labels),
                     "a=\"\\\"\\\\\\n\xef\xbf\xbd<\",b=\"gr\xc3\xbc\xc3\x9f\"");
    vd_text_free(&labels);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("pages");

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, libraries_are_loaded_or_missed);
    tcase_add_test(tests, health_is_the_loop);
    tcase_add_test(tests, ready_is_able_to_act);
    tcase_add_test(tests, ready_is_able_to_vote);
    tcase_add_test(tests, primary_by_any_of_its_names);
    tcase_add_test(tests, no_primary_without_a_majority);
    tcase_add_test(tests, a_dead_primary_is_none);
    tcase_add_test(tests, replica_of_a_known_lag);
    tcase_add_test(tests, an_unknown_group_is_not_found);
    tcase_add_test(tests, groups_with_their_members);
    tcase_add_test(tests, lists_come_by_pages);
    tcase_add_test(tests, events_after_an_id);
    tcase_add_test(tests, failovers_newest_first);
    tcase_add_test(tests, any_bytes_become_text);
    tcase_add_test(tests, a_refusal_quotes_anything);
    tcase_add_test(tests, metrics_of_the_group);
    tcase_add_test(tests, open_metrics_names_families_without_total);
    tcase_add_test(tests, histograms_are_cumulative);
    tcase_add_test(tests, labels_are_quoted_and_utf8);
    return suite_run(suite);
}
