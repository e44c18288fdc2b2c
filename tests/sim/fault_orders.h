/* SPDX-License-Identifier: BSD-3-Clause */
/* What operators do to a sentinel at the wrong moment. */
#ifndef SIM_FAULT_ORDERS_H
#define SIM_FAULT_ORDERS_H

#include "faults.h"

/* As sim_fault_strike and sim_fault_lift. */
bool sim_fault_order(struct sim_fault *fault);
bool sim_fault_order_back(struct sim_fault *fault);

#endif
