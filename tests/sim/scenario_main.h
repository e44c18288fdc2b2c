/* SPDX-License-Identifier: BSD-3-Clause */
/* The program `sim --scenario`: files in, differences out; see sim --scenario --help. */
#ifndef SIM_SCENARIO_MAIN_H
#define SIM_SCENARIO_MAIN_H

#include "base/text.h"

/* Arguments behind "--scenario"; the exit status. */
int sim_scenario_main(int argc, char **argv);

/* A file of this text; false, and stderr says why. */
bool sim_write_whole(const char *path, const struct vd_text *text);

#endif
