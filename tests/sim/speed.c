/* SPDX-License-Identifier: BSD-3-Clause */
/* Speed: see speed.h. */
#include "speed.h"

#include <stdio.h>
#include <time.h>

#include "scenario.h"

#define MINUTES 30

static double measure(unsigned down_after_ms, struct sim_result *result)
{
    struct vd_text script = {0};
    struct sim_scenario scenario;
    struct vd_err err;
    clock_t began;

    vd_text_printf(&script, "down-after %u\nacquainted yes\n", down_after_ms);
    for (unsigned i = 1; i < MINUTES; i++)
        vd_text_printf(&script, "at %u kill primary m1 for 40000\n", i * 60000);
    vd_text_printf(&script, "until %u\n", MINUTES * 60000);
    VD_ASSERT(sim_scenario_read(&scenario, vd_text_cstr(&script), &err));
    vd_text_free(&script);
    began = clock();
    sim_run_world(&scenario.setup, &scenario.schedule, NULL, result);
    sim_scenario_free(&scenario);
    return (double)(clock() - began) / CLOCKS_PER_SEC;
}

void sim_print_speed(void)
{
    static const unsigned down_after_ms[] = {30000, 5000, 1000, 300};

    for (unsigned i = 0; i < sizeof(down_after_ms) / sizeof(down_after_ms[0]); i++) {
        struct sim_result result;
        double cpu_s = measure(down_after_ms[i], &result);

        printf("down-after %5u ms: %6.0f virtual seconds per second, %.2f us a message; %llu "
               "switches%s%s\n",
               down_after_ms[i], (double)result.lasted / 1e6 / cpu_s,
               cpu_s * 1e6 / (double)result.stats.messages,
               (unsigned long long)result.stats.switches, result.failed ? "; FAILED " : "",
               result.failure);
    }
}
