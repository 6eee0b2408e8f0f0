/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/tiers/trial.h"

#define SIZES_PER_POOL 64

int trial_open(struct trial *trial, enum cipher_algorithm algorithm, const char *tier, struct field *field,
               uint64_t seed, struct pool_judge judge)
{
    trial->algorithm = algorithm;
    trial->seed = seed;
    trial->judge = judge;
    return match_open(&trial->match, algorithm, tier, field);
}

void trial_close(struct trial *trial)
{
    match_close(&trial->match);
}

unsigned trial_make_round(struct pool *pool, enum cipher_algorithm algorithm, uint64_t seed, uint64_t round,
                          uint64_t packets, const struct pool_judge *judge)
{
    unsigned lanes = packets < POOL_LANES ? (unsigned)packets : POOL_LANES;

    pool_make(pool, algorithm, pool_shape_of_round(round, lanes), pool_seed(seed, algorithm, round), judge);
    return lanes;
}

bool trial_packets(struct trial *trial, uint64_t packets)
{
    for (uint64_t round = 0; packets > 0; round++) {
        packets -=
            trial_make_round(&trial->pool, trial->algorithm, trial->seed, round, packets, &trial->judge);
        if (!match_play(&trial->match, &trial->pool))
            return false;
    }
    return true;
}

static bool turn_both_ways(struct trial *trial, struct match_batch batch)
{
    batch.direction = CIPHER_SCRAMBLE;
    if (!match_turn(&trial->match, batch))
        return false;
    batch.direction = CIPHER_DESCRAMBLE;
    return match_turn(&trial->match, batch);
}

static bool turn_in_layouts(struct trial *trial)
{
    for (int i = 0; i < FIELD_LAYOUTS; i++) {
        struct match_batch batch = {.layout = (enum field_layout)i, .count = trial->pool.shape.lanes};

        if (!turn_both_ways(trial, batch))
            return false;
        batch.count = 1;
        if (!turn_both_ways(trial, batch))
            return false;
    }
    return true;
}

bool trial_lengths(struct trial *trial)
{
    static const struct pool_shape shapes[] = {
        {.lanes = FIELD_ALIGNMENTS, .keys = 1},
        {.lanes = FIELD_ALIGNMENTS + 1, .keys = FIELD_ALIGNMENTS + 1},
    };

    for (unsigned length = 0; length <= CIPHER_PAYLOAD_MAX; length++) {
        pool_make_of_length(&trial->pool, trial->algorithm, shapes[length % 2], length,
                            pool_seed(trial->seed, trial->algorithm, length), &trial->judge);
        if (!match_take_pool(&trial->match, &trial->pool) || !turn_in_layouts(trial))
            return false;
    }
    return true;
}

static bool turn_size(struct trial *trial, unsigned size)
{
    struct match_batch batch = {
        .layout = (enum field_layout)(size % FIELD_LAYOUTS), .first = size * 7, .count = size};

    return turn_both_ways(trial, batch);
}

static bool take_pool_of_sizes(struct trial *trial, unsigned round, bool only_short)
{
    struct pool_shape shape = pool_shape_of_round(round, POOL_LANES);

    if (only_short)
        shape.lengths = POOL_SHORT;
    pool_make(&trial->pool, trial->algorithm, shape, pool_seed(trial->seed, trial->algorithm, round),
              &trial->judge);
    return match_take_pool(&trial->match, &trial->pool);
}

bool trial_sizes(struct trial *trial, unsigned last, bool only_short)
{
    unsigned batch_max = CIPHER_BATCH_MAX;

    for (unsigned size = 0; size <= last; size++) {
        if (size % SIZES_PER_POOL == 0 && !take_pool_of_sizes(trial, size / SIZES_PER_POOL, only_short))
            return false;
        if (!turn_size(trial, size))
            return false;
    }
    return turn_size(trial, batch_max - 1) && turn_size(trial, batch_max);
}

bool trial_new_words(struct trial *trial)
{
    static const unsigned sizes[] = {1, 16, 64, 300, 512, 1030};
    unsigned count = sizeof(sizes) / sizeof(sizes[0]);

    for (unsigned i = 0; i < 4 * count; i++) {
        struct pool_shape shape = {.lanes = sizes[i % count], .keys = sizes[i % count], .lengths = POOL_REAL};
        struct match_batch batch = {.layout = FIELD_PACKETS, .count = shape.lanes};

        pool_make(&trial->pool, trial->algorithm, shape, pool_seed(trial->seed, trial->algorithm, i),
                  &trial->judge);
        if (!match_take_pool(&trial->match, &trial->pool) || !turn_both_ways(trial, batch))
            return false;
    }
    return true;
}
