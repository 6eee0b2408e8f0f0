/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/clock.h"

#include <time.h>

#include "base/clock.h"

#define ADDITIONS 40000

uint64_t bench_clock_own_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double bench_clock_cycles_per_ns(void)
{
    uint64_t sum = 0;
    uint64_t step = 1;
    uint64_t start = base_clock_monotonic_ns();

#pragma GCC unroll 20 /* so that the loop's own instructions hide behind the additions */
    for (unsigned i = 0; i < ADDITIONS; i++) {
        sum += step; /* operands that the compiler cannot know, nor a core fold as it may do with constants */
        __asm__ volatile("" : "+r"(sum), "+r"(step));
    }
    return (double)sum / (double)(base_clock_monotonic_ns() - start);
}
