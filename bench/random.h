/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/random.h: numbers that a seed repeats, for loads and tests; nothing secret comes from here.
 * Thread-safe: no state but the caller's. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bench_random {
    uint64_t state; /* the seed at first */
};

static inline uint64_t bench_random_next(struct bench_random *random)
{
    uint64_t value = random->state += UINT64_C(0x9e3779b97f4a7c15);

    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* 0 to limit - 1; `limit` is 1 to 2^32. */
static inline unsigned bench_random_below(struct bench_random *random, uint64_t limit)
{
    return (unsigned)((bench_random_next(random) >> 32) * limit >> 32);
}

static inline void bench_random_fill(struct bench_random *random, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t value = bench_random_next(random);

        memcpy(bytes + at, &value, size - at < sizeof(value) ? size - at : sizeof(value));
    }
}

#endif
