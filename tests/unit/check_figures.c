/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of INFO: those of a real server, none of a silent one, and nothing from nonsense. */
#include <check.h>
#include <string.h>

#include "base/histogram.h"
#include "proto/figures.h"
#include "suite.h"

static struct vd_figures read_text(const char *text)
{
    struct vd_figures figures;

    vd_figures_read(text, strlen(text), &figures);
    return figures;
}

START_TEST(of_a_server)
{
    struct vd_figures figures =
        read_text("# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:61\r\n"
                  "# Memory\r\nused_memory:1048576\r\nmaxmemory:536870912\r\n"
                  "used_memory_human:1.00M\r\n# Stats\r\nkeyspace_hits:75\r\nkeyspace_misses:25\r\n"
                  "# CPU\r\nused_cpu_sys:1.250000\r\nused_cpu_user:0.027634\r\n");

    ck_assert_str_eq(figures.version, "7.0.15");
    ck_assert_str_eq(figures.kind, "redis");
    ck_assert_int_eq(figures.uptime_s, 61);
    ck_assert_int_eq(figures.used_memory, 1048576);
    ck_assert_int_eq(figures.max_memory, 536870912);
    ck_assert_int_eq(figures.hits, 75);
    ck_assert_double_eq_tol(figures.cpu_sys_s, 1.25, 1e-9);
    ck_assert_double_eq_tol(figures.cpu_user_s, 0.027634, 1e-9);
    ck_assert_int_eq(figures.net_in, -1);
}
END_TEST

START_TEST(of_valkey)
{
    struct vd_figures figures =
        read_text("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n");

    ck_assert_str_eq(figures.version, "9.1.2");
    ck_assert_str_eq(figures.kind, "valkey");
}
END_TEST

START_TEST(of_nobody)
{
    struct vd_figures figures = read_text("");

    ck_assert_int_eq(figures.used_memory, -1);
    ck_assert_double_lt(figures.cpu_sys_s, 0);
    ck_assert_str_eq(figures.version, "");
    ck_assert_str_eq(figures.kind, "");
}
END_TEST

START_TEST(nonsense_is_no_figure)
{
    struct vd_figures figures = read_text(
        "used_memory:-5\nmaxmemory:99999999999999999999\nkeyspace_hits:12x\nkeyspace_misses:\n"
        "used_cpu_sys:1e9\nused_cpu_user:1.2.3\nredis_version:<b>\"\nconnected_clients\n:7\n"
        "instantaneous_ops_per_sec:3");

    ck_assert_int_eq(figures.used_memory, -1);
    ck_assert_int_eq(figures.max_memory, -1);
    ck_assert_int_eq(figures.hits, -1);
    ck_assert_int_eq(figures.misses, -1);
    ck_assert_double_lt(figures.cpu_sys_s, 0);
    ck_assert_double_lt(figures.cpu_user_s, 0);
    ck_assert_str_eq(figures.version, "");
    ck_assert_int_eq(figures.clients, -1);
    ck_assert_int_eq(figures.ops, 3); /* the last line needs no end */
}
END_TEST

START_TEST(quantiles_of_a_histogram)
{
    struct vd_histogram histogram = {0};

    ck_assert_int_eq(vd_histogram_quantile_us(&histogram, 0.99), 0);
    for (int i = 0; i < 99; i++)
        vd_histogram_add(&histogram, 80);
    vd_histogram_add(&histogram, 10000000);
    vd_histogram_add(&histogram, -1);
    ck_assert_int_eq(vd_histogram_quantile_us(&histogram, 0.5), 100);
    ck_assert_int_eq(vd_histogram_quantile_us(&histogram, 1.), 10000000);
    ck_assert_uint_eq(histogram.counts[0], 1);
    ck_assert_uint_eq(histogram.counts[VD_HISTOGRAM_BUCKETS], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("figures");
    TCase *tests = tcase_create("figures");

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, of_a_server);
    tcase_add_test(tests, of_valkey);
    tcase_add_test(tests, of_nobody);
    tcase_add_test(tests, nonsense_is_no_figure);
    tcase_add_test(tests, quantiles_of_a_histogram);
    return suite_run(suite);
}
