/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/mix.h: how often each payload length occurs. Thread-safe: no state but the caller's. */
#ifndef BENCH_MIX_H
#define BENCH_MIX_H

#include "bench/random.h"
#include "cipher/cipher.h"

struct bench_mix {
    char name[24];
    uint32_t counts[CIPHER_PAYLOAD_MAX + 1]; /* packets by payload length */
    uint32_t total;
};

/* "full" (184 bytes), "mix" (a real capture's lengths, built in; mix.c names the source), "short" (1 to 40,
 * all alike), or lengths as "N" or "N-M". -EINVAL for anything else. */
int bench_mix_from_name(struct bench_mix *mix, const char *name);

/* One packet more; at most 2^32 - 1 in all. */
void bench_mix_add(struct bench_mix *mix, unsigned length);

/* Fills `lengths` so that they have the mix's shares as exactly as `count` allows, in random order: loads of
 * the same mix then weigh alike. The mix is not empty. */
void bench_mix_draw(const struct bench_mix *mix, struct bench_random *random, uint16_t *lengths,
                    unsigned count);

double bench_mix_mean(const struct bench_mix *mix); /* bytes */

#endif
