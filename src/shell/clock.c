/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clock and luck: see clock.h. Random bits are fetched a few hundred at a
 * time, so that an event does not cost a system call.
 */
#include "shell/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"

static int64_t read_clock_ns(clockid_t clock)
{
    struct timespec time;

    VD_ASSERT(clock_gettime(clock, &time) == 0);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

vd_ms vd_clock_now(void)
{
    return read_clock_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t vd_clock_now_us(void)
{
    return read_clock_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t vd_clock_wall_ms(void)
{
    return read_clock_ns(CLOCK_REALTIME) / 1000000;
}

void vd_clock_random(void *to, size_t size)
{
    unsigned char *at = to;

    while (size != 0) {
        ssize_t got = getrandom(at, size, 0);

        if (got < 0) {
            VD_ASSERT(errno == EINTR);
            continue;
        }
        at += got;
        size -= (size_t)got;
    }
}

uint32_t vd_clock_dice(void)
{
    static uint32_t pool[64];
    static size_t left;

    if (left == 0) {
        vd_clock_random(pool, sizeof(pool));
        left = sizeof(pool) / sizeof(pool[0]);
    }
    return pool[--left];
}

struct vd_id vd_clock_new_id(void)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[VD_ID_LEN / 2];
    struct vd_id id;

    vd_clock_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        id.hex[2 * i] = digits[bytes[i] >> 4];
        id.hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    id.hex[VD_ID_LEN] = '\0';
    return id;
}
