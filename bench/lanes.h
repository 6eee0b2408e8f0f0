/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lanes.h: loads for ciphers: packets of many services as they lie in memory, walked through in order.
 *
 * A lane names its key by number, so that tiers and libraries can turn the same load, each with its own key
 * objects. The same plan gives the same lanes. One thread at a time. */
#ifndef BENCH_LANES_H
#define BENCH_LANES_H

#include "bench/mix.h"

#define BENCH_STRIDE   188   /* bytes from packet to packet in a file or datagram */
#define BENCH_KEYS_MAX 60000 /* fits a lane */
#define BENCH_CW_SIZE  16    /* bytes; an algorithm takes the first cipher_cw_size() of them */

struct bench_lane {
    uint8_t *payload; /* ends where its packet ends */
    uint16_t length;
    uint16_t key; /* 0 to keys - 1 */
};

struct bench_lanes_plan {
    uint8_t *memory; /* borrowed; the packets lie in it from `start` on */
    size_t size;     /* bytes: at least start + batch × stride */
    size_t start;    /* any alignment */
    size_t stride;   /* CIPHER_PAYLOAD_MAX or more */
    unsigned keys;
    unsigned batch;
    const struct bench_mix *mix; /* borrowed until creation is over */
    uint64_t seed;
};

struct bench_lanes;

/* -EINVAL for a plan out of bounds, -ENOMEM. */
int bench_lanes_create(struct bench_lanes **lanes, const struct bench_lanes_plan *plan);
void bench_lanes_destroy(struct bench_lanes *lanes); /* NULL is allowed */

/* The next `count` lanes, a multiple of the plan's batch. Each batch holds each key as often as any other
 * (the first of them, where there are more keys than lanes, in changing order), in random order. Whole
 * batches are walked through and then begin again. */
void bench_lanes_take(struct bench_lanes *lanes, struct bench_lane *taken, unsigned count);

/* BENCH_CW_SIZE random bytes for each key. */
const uint8_t (*bench_lanes_cws(const struct bench_lanes *lanes))[BENCH_CW_SIZE];

size_t bench_lanes_packets(const struct bench_lanes *lanes); /* that are walked through */
double bench_lanes_mean_length(const struct bench_lanes *lanes);

#endif
