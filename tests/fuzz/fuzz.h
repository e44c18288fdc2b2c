/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz: what all harnesses share. Each defines LLVMFuzzerTestOneInput, which
 * libFuzzer calls, or main.c for files, standard input and AFL++. A harness
 * checks what must be true of whatever was read, not only that nothing breaks.
 */
#ifndef VD_TESTS_FUZZ_H
#define VD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Something that must be true, whatever the input. */
#define MUST(cond) VD_ASSERT(cond)

#endif
