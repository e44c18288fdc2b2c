/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Suite: how a program of unit tests ends, and tables whose every row is a
 * check of its own. It knows nothing of what is tested.
 */
#ifndef VD_TESTS_SUITE_H
#define VD_TESTS_SUITE_H

#include <check.h>

/* The test once for every row of the table; `_i` is the row's number. */
#define suite_add_rows(tcase, test, table)                                                         \
    tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof((table)[0])))

/* Run the suite, as Check's environment variables want it. What main returns: a failure too where
 * no check was run. */
int suite_run(Suite *suite);
/* The same in this process: for thousands of small checks, none of which is meant to crash. */
int suite_run_unforked(Suite *suite);

#endif
