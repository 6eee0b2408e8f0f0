/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/clock.h"

#include <time.h>

#include "base/clock.h"

#define ADDITIONS 40000
#define PER_LOOP  20 /* so many that the loop's own instructions hide behind them */

/* One addition whose operands the compiler cannot know, and which a core cannot fold into the next one as it
 * may do with constants. */
#define ADD(sum, step)                                                                                       \
    do {                                                                                                     \
        (sum) += (step);                                                                                     \
        __asm__ volatile("" : "+r"(sum), "+r"(step));                                                        \
    } while (0)
#define ADD_5(sum, step)                                                                                     \
    do {                                                                                                     \
        ADD(sum, step);                                                                                      \
        ADD(sum, step);                                                                                      \
        ADD(sum, step);                                                                                      \
        ADD(sum, step);                                                                                      \
        ADD(sum, step);                                                                                      \
    } while (0)

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

    for (unsigned i = 0; i < ADDITIONS / PER_LOOP; i++) {
        ADD_5(sum, step);
        ADD_5(sum, step);
        ADD_5(sum, step);
        ADD_5(sum, step);
    }
    return (double)sum / (double)(base_clock_monotonic_ns() - start);
}
