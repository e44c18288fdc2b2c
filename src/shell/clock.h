/* SPDX-License-Identifier: BSD-3-Clause */
/* Clock and luck: the only places where the daemon reads the time and draws random numbers. */
#ifndef VD_SHELL_CLOCK_H
#define VD_SHELL_CLOCK_H

#include "core/value.h"

/* Monotonic milliseconds (CLOCK_MONOTONIC). */
vd_ms vd_clock_now(void);

/* The same clock in microseconds, for measuring. */
int64_t vd_clock_now_us(void);

/* Wall clock, milliseconds since 1970, for logs and the history only. */
int64_t vd_clock_wall_ms(void);

/* 32 random bits of the system (getrandom). */
uint32_t vd_clock_dice(void);

/* Random bytes of the system. */
void vd_clock_random(void *to, size_t size);

/* A new random id: 40 hex digits. */
struct vd_id vd_clock_new_id(void);

#endif
