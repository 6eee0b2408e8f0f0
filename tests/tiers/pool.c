/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/tiers/pool.h"

#include <stdbool.h>
#include <string.h>

#include "bench/mix.h"

const char *pool_lengths_name(enum pool_lengths lengths)
{
    static const char *const names[POOL_LENGTHS] = {
#define X(name, text) [POOL_##name] = text,
        POOL_LENGTHS_MAP(X)
#undef X
    };

    return names[lengths];
}

int pool_has_modes(enum cipher_algorithm algorithm)
{
    return algorithm == CIPHER_AES_CBC || algorithm == CIPHER_AES_CTR;
}

struct pool_shape pool_shape_of_round(uint64_t round, unsigned lanes)
{
    static const unsigned keys[] = {POOL_LANES, 300, 1, 10, 2};
    unsigned wanted = keys[round % (sizeof(keys) / sizeof(keys[0]))];

    return (struct pool_shape){
        .lanes = lanes,
        .keys = wanted < lanes ? wanted : lanes,
        .lengths = (enum pool_lengths)((POOL_UNIFORM + round) % POOL_LENGTHS),
        .spread = (enum pool_spread)(round / 3 % POOL_SPREADS),
    };
}

uint64_t pool_seed(uint64_t seed, enum cipher_algorithm algorithm, uint64_t round)
{
    struct bench_random source = {seed + round * CIPHER_ALGORITHMS + algorithm};

    return bench_random_next(&source);
}

static unsigned draw_key(struct bench_random *source, const struct pool_shape *shape, unsigned lane)
{
    if (shape->keys == shape->lanes)
        return lane;
    return shape->spread == POOL_RUNS ? lane * shape->keys / shape->lanes
                                      : bench_random_below(source, shape->keys);
}

/* Counters that overflow soon, at every width, are as frequent as others. */
static struct cipher_mode draw_mode(struct bench_random *source)
{
    struct cipher_mode mode = {.counter_bits = (uint8_t)(1 + bench_random_below(source, 128))};
    unsigned ones = bench_random_below(source, 2) ? bench_random_below(source, sizeof(mode.iv) + 1) : 0;

    bench_random_fill(source, mode.iv, sizeof(mode.iv));
    memset(mode.iv + sizeof(mode.iv) - ones, 0xff, ones);
    if (ones)
        mode.iv[sizeof(mode.iv) - 1] ^= (uint8_t)bench_random_below(source, 16);
    return mode;
}

static void draw_keys(struct pool *pool, struct bench_random *source)
{
    for (unsigned i = 0; i < pool->shape.keys; i++) {
        bench_random_fill(source, pool->cws[i], sizeof(pool->cws[i]));
        pool->modes[i] = pool_has_modes(pool->algorithm) ? draw_mode(source) : CIPHER_MODE_DEFAULT;
    }
    for (unsigned i = 0; i < pool->shape.lanes; i++)
        pool->key_of[i] = (uint16_t)draw_key(source, &pool->shape, i);
}

/* A judge may be asked for either direction: what it makes of one side is what a tier makes of the other. */
static void judge_payloads(struct pool *pool, struct bench_random *source, const struct pool_judge *judge)
{
    enum cipher_direction direction = bench_random_below(source, 2) ? CIPHER_SCRAMBLE : CIPHER_DESCRAMBLE;
    size_t size = pool->shape.lanes * sizeof(pool->payloads[0][0]);

    bench_random_fill(source, pool->payloads[direction][0], size);
    memcpy(pool->payloads[1 - direction], pool->payloads[direction], size);
    judge->turn(judge->context, pool, direction);
}

static struct bench_random begin_pool(struct pool *pool, enum cipher_algorithm algorithm,
                                      struct pool_shape shape, uint64_t seed)
{
    struct bench_random source = {seed};

    pool->algorithm = algorithm;
    pool->shape = shape;
    pool->seed = seed;
    draw_keys(pool, &source);
    return source;
}

void pool_make(struct pool *pool, enum cipher_algorithm algorithm, struct pool_shape shape, uint64_t seed,
               const struct pool_judge *judge)
{
    struct bench_random source = begin_pool(pool, algorithm, shape, seed);
    struct bench_mix mix;

    (void)bench_mix_from_name(&mix, pool_lengths_name(shape.lengths)); /* the table above has known names */
    bench_mix_draw(&mix, &source, pool->lengths, shape.lanes);
    judge_payloads(pool, &source, judge);
}

void pool_make_of_length(struct pool *pool, enum cipher_algorithm algorithm, struct pool_shape shape,
                         unsigned length, uint64_t seed, const struct pool_judge *judge)
{
    struct bench_random source = begin_pool(pool, algorithm, shape, seed);

    for (unsigned i = 0; i < shape.lanes; i++)
        pool->lengths[i] = (uint16_t)length;
    judge_payloads(pool, &source, judge);
}
