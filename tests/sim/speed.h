/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Speed: how much virtual time a second of the processor is, for three
 * vedettes, three servers and a client that writes ten times a second, while
 * the primary dies once a minute. Processor time, since the machine may be
 * busy with other things; it depends on how often they ask each other.
 */
#ifndef SIM_SPEED_H
#define SIM_SPEED_H

void sim_print_speed(void);

#endif
