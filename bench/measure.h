/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/measure.h: how long contenders take for loads, in turns. One thread.
 *
 * Everything that is to be compared takes turns in one run, so that a core that slows down or is shared slows
 * all alike. A turn is some milliseconds or less. What the best tenth of the turns reach is what the core can
 * do, the median what it did. (The very best turn met a lucky moment: ratios of two such vary twice as
 * much from run to run.) */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench/contender.h"

struct bench_entry {
    struct bench_contender *contender; /* borrowed, as is `lanes`; its keys are set */
    struct bench_lanes *lanes;         /* may be shared: each turn takes the next ones */
    enum cipher_direction direction;
    unsigned batch;
    bool warm; /* a turn begins with payloads in the cache; else only with the contender's own state there */

    /* Results, nanoseconds per packet: the best tenth takes `best` or less. */
    double best, median;
    unsigned turns; /* that were timed */
};

/* Measures for `budget_ns`, longer where that does not give each entry a few turns. *cycles_per_ns is the
 * core's clock in the meantime. -ENOMEM. */
int bench_measure(struct bench_entry *entries, unsigned count, uint64_t budget_ns, double *cycles_per_ns);

/* Nanoseconds to prepare one key, the best of a few runs over `count` keys. BASE_E_CRYPTO, -ENOMEM. */
int bench_measure_keys(struct bench_contender *contender, const uint8_t (*cws)[BENCH_CW_SIZE], unsigned count,
                       double *nanoseconds);

#endif
