/* SPDX-License-Identifier: BSD-3-Clause */
/* What each kind of fault does to the world, and how it is taken back. */
#ifndef SIM_FAULT_ACTS_H
#define SIM_FAULT_ACTS_H

#include "faults.h"

/* False: there is nobody to hit. Chooses the target by the fault's own dice. */
bool sim_fault_strike(struct sim_fault *fault);
/* False: it cannot be taken back just now. */
bool sim_fault_lift(struct sim_fault *fault);

/* Some of its kind are never lifted: dead processes, of which a few may stay dead. */
bool sim_fault_leaves_corpse(enum sim_fault_kind kind);

#endif
