/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/tiers/pool.h"

#include <stdbool.h>
#include <string.h>

#include "tests/tiers/random.h"

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
    struct random_source source = {seed + round * CIPHER_ALGORITHMS + algorithm};

    return random_next(&source);
}

static unsigned draw_length(struct random_source *source, enum pool_lengths lengths)
{
    bool is_full = lengths == POOL_FULL || (lengths == POOL_REAL && random_below(source, 12));

    if (is_full)
        return CIPHER_PAYLOAD_MAX;
    return random_below(source, lengths == POOL_SHORT ? 41 : CIPHER_PAYLOAD_MAX + 1);
}

static unsigned draw_key(struct random_source *source, const struct pool_shape *shape, unsigned lane)
{
    if (shape->keys == shape->lanes)
        return lane;
    return shape->spread == POOL_RUNS ? lane * shape->keys / shape->lanes : random_below(source, shape->keys);
}

/* Counters that overflow soon, at every width, are as frequent as others. */
static struct cipher_mode draw_mode(struct random_source *source)
{
    struct cipher_mode mode = {.counter_bits = (uint8_t)(1 + random_below(source, 128))};
    unsigned ones = random_below(source, 2) ? random_below(source, sizeof(mode.iv) + 1) : 0;

    random_fill(source, mode.iv, sizeof(mode.iv));
    memset(mode.iv + sizeof(mode.iv) - ones, 0xff, ones);
    if (ones)
        mode.iv[sizeof(mode.iv) - 1] ^= (uint8_t)random_below(source, 16);
    return mode;
}

static void draw_keys(struct pool *pool, struct random_source *source)
{
    for (unsigned i = 0; i < pool->shape.keys; i++) {
        random_fill(source, pool->cws[i], sizeof(pool->cws[i]));
        pool->modes[i] = pool_has_modes(pool->algorithm) ? draw_mode(source) : CIPHER_MODE_DEFAULT;
    }
    for (unsigned i = 0; i < pool->shape.lanes; i++)
        pool->key_of[i] = (uint16_t)draw_key(source, &pool->shape, i);
}

/* A judge may be asked for either direction: what it makes of one side is what a tier makes of the other. */
static void judge_payloads(struct pool *pool, struct random_source *source, const struct pool_judge *judge)
{
    enum cipher_direction direction = random_below(source, 2) ? CIPHER_SCRAMBLE : CIPHER_DESCRAMBLE;
    size_t size = pool->shape.lanes * sizeof(pool->payloads[0][0]);

    random_fill(source, pool->payloads[direction][0], size);
    memcpy(pool->payloads[1 - direction], pool->payloads[direction], size);
    judge->turn(judge->context, pool, direction);
}

static struct random_source begin_pool(struct pool *pool, enum cipher_algorithm algorithm,
                                       struct pool_shape shape, uint64_t seed)
{
    struct random_source source = {seed};

    pool->algorithm = algorithm;
    pool->shape = shape;
    pool->seed = seed;
    draw_keys(pool, &source);
    return source;
}

void pool_make(struct pool *pool, enum cipher_algorithm algorithm, struct pool_shape shape, uint64_t seed,
               const struct pool_judge *judge)
{
    struct random_source source = begin_pool(pool, algorithm, shape, seed);

    for (unsigned i = 0; i < shape.lanes; i++)
        pool->lengths[i] = (uint16_t)draw_length(&source, shape.lengths);
    judge_payloads(pool, &source, judge);
}

void pool_make_of_length(struct pool *pool, enum cipher_algorithm algorithm, struct pool_shape shape,
                         unsigned length, uint64_t seed, const struct pool_judge *judge)
{
    struct random_source source = begin_pool(pool, algorithm, shape, seed);

    for (unsigned i = 0; i < shape.lanes; i++)
        pool->lengths[i] = (uint16_t)length;
    judge_payloads(pool, &source, judge);
}
