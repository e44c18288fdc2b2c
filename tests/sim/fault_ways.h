/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of the ways between hosts: partitions, loss, delay, connections that break. */
#ifndef SIM_FAULT_WAYS_H
#define SIM_FAULT_WAYS_H

#include "faults.h"

/* As sim_fault_strike and sim_fault_lift. */
bool sim_fault_way(struct sim_fault *fault);
void sim_fault_way_back(struct sim_fault *fault);

#endif
