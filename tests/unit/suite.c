/* SPDX-License-Identifier: BSD-3-Clause */
/* Suite: one way to end for all programs of unit tests, see suite.h. */
#include "suite.h"

#include <stdbool.h>
#include <stdlib.h>

static int run(SRunner *runner)
{
    bool good;

    srunner_run_all(runner, CK_ENV);
    good = srunner_ntests_run(runner) > 0 && srunner_ntests_failed(runner) == 0;
    srunner_free(runner);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int suite_run(Suite *suite)
{
    return run(srunner_create(suite));
}

int suite_run_unforked(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_set_fork_status(runner, CK_NOFORK);
    return run(runner);
}
