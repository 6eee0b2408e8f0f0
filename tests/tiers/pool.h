/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/tiers/pool.h: random lanes of an algorithm with their keys, clear and scrambled as a judge has it.
 *
 * One judged pool serves every tier, both directions and any number of batches that are cut out of it. A pool
 * follows from its seed alone. */
#ifndef TESTS_TIERS_POOL_H
#define TESTS_TIERS_POOL_H

#include "cipher/cipher.h"

#define POOL_LANES CIPHER_BATCH_MAX

/* How long payloads are. X(name, the mix's name, bench/mix.h) */
#define POOL_LENGTHS_MAP(X)                                                                                  \
    X(FULL, "full")                                                                                          \
    X(REAL, "mix")                                                                                           \
    X(SHORT, "0-40")                                                                                         \
    X(UNIFORM, "0-184")

enum pool_lengths {
#define X(name, text) POOL_##name,
    POOL_LENGTHS_MAP(X)
#undef X
        POOL_LENGTHS
};

/* How keys are spread over lanes. */
enum pool_spread { POOL_MIXED, POOL_RUNS, POOL_SPREADS };

struct pool_shape {
    unsigned lanes; /* 1 to POOL_LANES */
    unsigned keys;  /* distinct ones; as many as lanes: a key per lane, in order */
    enum pool_lengths lengths;
    enum pool_spread spread;
};

struct pool {
    enum cipher_algorithm algorithm;
    uint64_t seed;
    struct pool_shape shape;
    uint8_t cws[POOL_LANES][16];
    struct cipher_mode modes[POOL_LANES]; /* by key, like cws */
    uint16_t key_of[POOL_LANES];
    uint16_t lengths[POOL_LANES];
    /* What a lane has before (by direction: clear, scrambled) and the judge makes of it. */
    uint8_t payloads[2][POOL_LANES][CIPHER_PAYLOAD_MAX];
};

/* Says what the lanes become: turns all of payloads[1 - direction], which begin as those of `direction`. */
struct pool_judge {
    void (*turn)(void *context, struct pool *pool, enum cipher_direction direction);
    void *context;
};

/* The shapes that a long run goes through, one after the other. */
struct pool_shape pool_shape_of_round(uint64_t round, unsigned lanes);

const char *pool_lengths_name(enum pool_lengths lengths);
int pool_has_modes(enum cipher_algorithm algorithm); /* whether cipher_set_mode() takes any */

/* The seed of a run's n-th round. */
uint64_t pool_seed(uint64_t seed, enum cipher_algorithm algorithm, uint64_t round);

void pool_make(struct pool *pool, enum cipher_algorithm algorithm, struct pool_shape shape, uint64_t seed,
               const struct pool_judge *judge);

/* The same with payloads of one length. */
void pool_make_of_length(struct pool *pool, enum cipher_algorithm algorithm, struct pool_shape shape,
                         unsigned length, uint64_t seed, const struct pool_judge *judge);

#endif
