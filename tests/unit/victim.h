/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Victim: a process that saves for ever and is killed at any instant, for unit
 * tests of stores.
 */
#ifndef VD_TESTS_VICTIM_H
#define VD_TESTS_VICTIM_H

#include <stdint.h>

/* Run `save` in a child, which writes each number (a uint64_t) to the descriptor once it is saved,
 * and never ends by itself. When `count` have come it is killed; the last number that it told. */
uint64_t victim_kill(void (*save)(int to), unsigned count);

#endif
