/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/latency.h"

#define STEP_BITS 6 /* of BENCH_LATENCY_STEPS */

_Static_assert(1 << STEP_BITS == BENCH_LATENCY_STEPS, "the steps are a power of two");

/* Buckets 0 … 127 hold one value each; from there on a power of two takes 64. */
static unsigned bucket_of(uint64_t ns)
{
    unsigned shift;

    if (ns < 2 * BENCH_LATENCY_STEPS)
        return (unsigned)ns;
    shift = 63u - (unsigned)__builtin_clzll(ns) - STEP_BITS;
    return shift * BENCH_LATENCY_STEPS + (unsigned)(ns >> shift);
}

static uint64_t greatest_of(unsigned bucket)
{
    unsigned shift;

    if (bucket < 2 * BENCH_LATENCY_STEPS)
        return bucket;
    shift = bucket / BENCH_LATENCY_STEPS - 1;
    return ((uint64_t)(bucket - shift * BENCH_LATENCY_STEPS + 1) << shift) - 1;
}

void bench_latency_add(struct bench_latency *latency, uint64_t ns)
{
    latency->counts[bucket_of(ns)]++;
    latency->total++;
    if (ns > latency->max_ns)
        latency->max_ns = ns;
}

uint64_t bench_latency_percentile(const struct bench_latency *latency, double share)
{
    double wanted = share * (double)latency->total;
    uint64_t seen = 0, greatest;
    unsigned bucket = 0;

    if (latency->total == 0)
        return 0;
    while ((seen += latency->counts[bucket]) == 0 || (double)seen < wanted)
        bucket++;
    greatest = greatest_of(bucket);
    return greatest < latency->max_ns ? greatest : latency->max_ns;
}
