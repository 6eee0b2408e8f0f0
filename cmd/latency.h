/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/latency.h: quantiles of any number of durations in fixed memory, to about 6 %. One thread. All zero:
 * none yet. */
#ifndef CMD_LATENCY_H
#define CMD_LATENCY_H

#include <stdint.h>

#define CMD_LATENCY_STEPS 16 /* per doubling */

struct cmd_latency {
    uint64_t count;
    uint64_t longest; /* nanoseconds */
    uint64_t counts[64 * CMD_LATENCY_STEPS];
};

void cmd_latency_add(struct cmd_latency *latency, uint64_t nanoseconds);

/* The duration that `share` (0 … 1) of all do not exceed, rounded up to a step, never over the longest; 0
 * where there is none. */
uint64_t cmd_latency_quantile(const struct cmd_latency *latency, double share);

#endif
