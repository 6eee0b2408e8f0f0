/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/tiers/match.h"

#include <stdio.h>
#include <string.h>

#define FULL_BATCH_IN 16 /* one random batch in so many is as large as can be */
#define BATCH_LIMIT   1031

int match_open(struct match *match, enum cipher_algorithm algorithm, const char *tier, struct field *field)
{
    memset(match, 0, sizeof(*match));
    match->field = field;
    return cipher_create(&match->cipher, algorithm, tier);
}

void match_close(struct match *match)
{
    for (unsigned i = 0; i < POOL_LANES; i++)
        cipher_key_destroy(match->keys[i]);
    cipher_destroy(match->cipher);
    memset(match, 0, sizeof(*match));
}

static int make_key(struct match *match, const struct pool *pool, unsigned key)
{
    cipher_key_destroy(match->keys[key]);
    match->keys[key] = NULL;
    if (pool_has_modes(pool->algorithm) && cipher_set_mode(match->cipher, &pool->modes[key]) < 0)
        return -1;
    return cipher_key_create(&match->keys[key], match->cipher);
}

bool match_take_pool(struct match *match, const struct pool *pool)
{
    struct bench_random random = {pool->seed};

    match->pool = pool;
    for (unsigned i = 0; i < pool->shape.keys; i++) {
        bool is_new = !match->keys[i] || pool_has_modes(pool->algorithm) || !bench_random_below(&random, 16);

        if ((is_new && make_key(match, pool, i) < 0) ||
            cipher_key_set(match->keys[i], pool->cws[i], cipher_cw_size(pool->algorithm)) < 0) {
            snprintf(match->failure, sizeof(match->failure), "tier %s cannot make its key %u",
                     cipher_tier_name(match->cipher), i);
            return false;
        }
    }
    return true;
}

/* The pool's lane that is the batch's n-th. */
static unsigned pool_lane(const struct match *match, const struct match_batch *batch, unsigned n)
{
    return (batch->first + n) % match->pool->shape.lanes;
}

static bool fail(struct match *match, const struct match_batch *batch, unsigned n, const char *what)
{
    const struct pool *pool = match->pool;
    unsigned lane = pool_lane(match, batch, n);

    snprintf(match->failure, sizeof(match->failure),
             "seed 0x%016llx: tier %s, %s, %s: lane %u of a batch of %u, %u bytes, key %u of %u (lengths %s, "
             "%s): %s",
             (unsigned long long)pool->seed, cipher_tier_name(match->cipher),
             cipher_algorithm_name(pool->algorithm),
             batch->direction == CIPHER_SCRAMBLE ? "scramble" : "descramble", n, batch->count,
             pool->lengths[lane], pool->key_of[lane], pool->shape.keys,
             pool_lengths_name(pool->shape.lengths), field_layout_name(batch->layout), what);
    return false;
}

static bool fail_byte(struct match *match, const struct match_batch *batch, unsigned n, const uint8_t *found,
                      const uint8_t *expected)
{
    unsigned byte = 0;
    char what[80];

    while (found[byte] == expected[byte])
        byte++;
    snprintf(what, sizeof(what), "at alignment %u, byte %u is %02x instead of %02x",
             (unsigned)((uintptr_t)found % FIELD_ALIGNMENTS), byte, found[byte], expected[byte]);
    return fail(match, batch, n, what);
}

static bool check_lanes(struct match *match, const struct match_batch *batch, const struct cipher_lane *lanes)
{
    const struct pool *pool = match->pool;
    int damaged = field_find_damage(match->field);

    for (unsigned i = 0; i < batch->count; i++) {
        unsigned lane = pool_lane(match, batch, i);
        const uint8_t *expected = pool->payloads[1 - batch->direction][lane];

        if (memcmp(lanes[i].payload, expected, lanes[i].length) != 0)
            return fail_byte(match, batch, i, lanes[i].payload, expected);
    }
    if (damaged >= 0)
        return fail(match, batch, (unsigned)damaged, "bytes beside the payload have changed");
    return true;
}

bool match_turn(struct match *match, struct match_batch batch)
{
    const struct pool *pool = match->pool;
    struct bench_random random = {pool->seed ^ batch.first};
    struct cipher_lane *lanes;

    for (unsigned i = 0; i < batch.count; i++)
        match->lengths[i] = pool->lengths[pool_lane(match, &batch, i)];
    lanes = field_lay(match->field, batch.layout, match->lengths, batch.count, &random);
    for (unsigned i = 0; i < batch.count; i++) {
        unsigned lane = pool_lane(match, &batch, i);

        memcpy(lanes[i].payload, pool->payloads[batch.direction][lane], match->lengths[i]);
        lanes[i].key = match->keys[pool->key_of[lane]];
    }
    memcpy(match->unchanged, lanes, batch.count * sizeof(lanes[0]));
    cipher_run(match->cipher, batch.direction, lanes, batch.count);
    if (memcmp(match->unchanged, lanes, batch.count * sizeof(lanes[0])) != 0)
        return fail(match, &batch, 0, "the array of lanes has changed");
    return check_lanes(match, &batch, lanes);
}

/* Sizes around multiples of 64 lanes, where sliced code changes its path, small ones, any, and full ones. */
static unsigned draw_size(struct bench_random *random)
{
    switch (bench_random_below(random, 4)) {
    case 0:
        return 64 * bench_random_below(random, BATCH_LIMIT / 64) + bench_random_below(random, 3);
    case 1:
        return bench_random_below(random, 24);
    case 2:
        return bench_random_below(random, FULL_BATCH_IN) ? bench_random_below(random, BATCH_LIMIT)
                                                         : CIPHER_BATCH_MAX;
    default:
        return bench_random_below(random, BATCH_LIMIT);
    }
}

bool match_play(struct match *match, const struct pool *pool)
{
    struct bench_random random = {~pool->seed};
    unsigned lanes = pool->shape.lanes;

    if (!match_take_pool(match, pool))
        return false;
    for (unsigned first = 0; first < lanes;) {
        unsigned size = draw_size(&random);
        struct match_batch batch = {.first = first, .count = size < lanes - first ? size : lanes - first};

        for (int direction = 0; direction < 2; direction++) {
            batch.direction = (enum cipher_direction)direction;
            batch.layout = (enum field_layout)bench_random_below(&random, FIELD_LAYOUTS);
            if (!match_turn(match, batch))
                return false;
        }
        first += batch.count;
    }
    return true;
}

static void turn_as_judge(void *context, struct pool *pool, enum cipher_direction direction)
{
    struct match *match = context;
    struct cipher_lane *lanes = match->unchanged;

    if (!match_take_pool(match, pool))
        return; /* what follows differs */
    for (unsigned i = 0; i < pool->shape.lanes; i++)
        lanes[i] = (struct cipher_lane){.payload = pool->payloads[1 - direction][i],
                                        .key = match->keys[pool->key_of[i]],
                                        .length = pool->lengths[i]};
    cipher_run(match->cipher, direction, lanes, pool->shape.lanes);
}

struct pool_judge match_as_judge(struct match *match)
{
    return (struct pool_judge){turn_as_judge, match};
}
