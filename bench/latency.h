/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/latency.h: how long many things took: percentiles within 1.6 %, in fixed memory. One thread. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

#define BENCH_LATENCY_STEPS   64 /* between a power of two and the next */
#define BENCH_LATENCY_BUCKETS (60 * BENCH_LATENCY_STEPS)

struct bench_latency { /* all zero: nothing yet */
    uint64_t counts[BENCH_LATENCY_BUCKETS];
    uint64_t total;
    uint64_t max_ns;
};

void bench_latency_add(struct bench_latency *latency, uint64_t ns);

/* What `share` (0 … 1) of all took at most; the greatest of its bucket, never less than the truth. 0 where
 * there was nothing. */
uint64_t bench_latency_percentile(const struct bench_latency *latency, double share);

#endif
