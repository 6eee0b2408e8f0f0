/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/tiers/random.h: random numbers that a seed repeats (splitmix64). */
#ifndef TESTS_TIERS_RANDOM_H
#define TESTS_TIERS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random_source {
    uint64_t state;
};

static inline uint64_t random_next(struct random_source *source)
{
    uint64_t z = source->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to limit - 1. */
static inline unsigned random_below(struct random_source *source, unsigned limit)
{
    return (unsigned)(random_next(source) % limit);
}

static inline void random_fill(struct random_source *source, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(random_next(source) >> 32);
}

#endif
