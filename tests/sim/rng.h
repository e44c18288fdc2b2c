/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Luck of the simulated world: a small seeded generator (xoshiro256**), so
 * that a seed means the same run on every machine. Rooms draw from streams of
 * their own, so that one more draw in one room does not change the others.
 */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct sim_rng {
    uint64_t s[4];
    bool exact; /* no luck: always the least */
};

static inline uint64_t sim_split(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* The stream of this number under the seed. */
static inline void sim_rng_seed(struct sim_rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed * 0x2545f4914f6cdd1dU + stream;

    rng->exact = false;
    for (int i = 0; i < 4; i++)
        rng->s[i] = sim_split(&state);
}

static inline uint64_t sim_draw(struct sim_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t five = s[1] * 5;
    uint64_t result = ((five << 7) | (five >> 57)) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* 0 .. n - 1; n is not 0. */
static inline uint64_t sim_below(struct sim_rng *rng, uint64_t n)
{
    return rng->exact ? 0 : sim_draw(rng) % n;
}

/* low .. high, both included. */
static inline int64_t sim_between(struct sim_rng *rng, int64_t low, int64_t high)
{
    return low + (int64_t)sim_below(rng, (uint64_t)(high - low) + 1);
}

static inline bool sim_chance(struct sim_rng *rng, unsigned permille)
{
    return sim_below(rng, 1000) < permille;
}

#endif
