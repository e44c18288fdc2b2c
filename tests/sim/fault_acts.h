/* SPDX-License-Identifier: BSD-3-Clause */
/* What each kind of fault does to the world, and how it is taken back. */
#ifndef SIM_FAULT_ACTS_H
#define SIM_FAULT_ACTS_H

#include "faults.h"

/* False: there is nobody to hit, or nothing to take back. */
bool sim_fault_strike(struct sim_fault *fault);
/* False: it cannot be taken back just now. */
bool sim_fault_lift(struct sim_fault *fault);

/* Whom `who` means now; NULL: nobody. */
struct sim_host *sim_fault_target(const struct sim *sim, const struct sim_who *who);

#endif
