/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/latency.h"

/* Durations below STEPS have a step each; above, every doubling is cut into STEPS. */
static unsigned step_of(uint64_t nanoseconds)
{
    unsigned doubling =
        nanoseconds < CMD_LATENCY_STEPS ? 0 : 63u - (unsigned)__builtin_clzll(nanoseconds) - 3u;
    uint64_t within = doubling ? (nanoseconds >> (doubling - 1)) - CMD_LATENCY_STEPS : nanoseconds;

    return doubling * CMD_LATENCY_STEPS + (unsigned)within;
}

/* The longest duration of a step. */
static uint64_t end_of(unsigned step)
{
    unsigned doubling = step / CMD_LATENCY_STEPS;
    uint64_t within = step % CMD_LATENCY_STEPS;

    return doubling ? ((within + CMD_LATENCY_STEPS + 1) << (doubling - 1)) - 1 : within;
}

void cmd_latency_add(struct cmd_latency *latency, uint64_t nanoseconds)
{
    latency->count++;
    latency->counts[step_of(nanoseconds)]++;
    if (nanoseconds > latency->longest)
        latency->longest = nanoseconds;
}

uint64_t cmd_latency_quantile(const struct cmd_latency *latency, double share)
{
    double exact = share * (double)latency->count;
    uint64_t wanted = (uint64_t)exact + ((double)(uint64_t)exact < exact);
    uint64_t seen = 0;

    for (unsigned step = 0; step < 64 * CMD_LATENCY_STEPS; step++) {
        seen += latency->counts[step];
        if (seen && seen >= wanted)
            return end_of(step) < latency->longest ? end_of(step) : latency->longest;
    }
    return latency->longest;
}
