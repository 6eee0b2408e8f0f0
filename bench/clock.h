/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/clock.h: how fast the core runs at this moment. Thread-safe: no state.
 *
 * Times are read from the system's monotonic clock (about 25 ns a reading), which ticks at a rate of its own;
 * core cycles come from the length of a known chain of instructions in the same run. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>

/* Nanoseconds that this thread has had a core (about 200 ns a reading): without the time that others had it.
 */
uint64_t bench_clock_own_ns(void);

/* Core cycles per nanosecond, by a chain of dependent additions (one cycle each) of some 10 µs. An
 * interruption makes it too small: take a high one of several. */
double bench_clock_cycles_per_ns(void);

#endif
