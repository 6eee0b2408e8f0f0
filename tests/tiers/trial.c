/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/tiers/trial.h"

#define SIZES_PER_POOL 64

int trial_open(struct trial *trial, enum cipher_algorithm algorithm, const char *tier, uint64_t seed,
               struct pool_judge judge)
{
    trial->algorithm = algorithm;
    trial->seed = seed;
    trial->judge = judge;
    return match_open(&trial->match, algorithm, tier);
}

void trial_close(struct trial *trial)
{
    match_close(&trial->match);
}

bool trial_round(struct trial *trial, uint64_t round, unsigned lanes)
{
    pool_make(&trial->pool, trial->algorithm, pool_shape_of_round(round, lanes),
              pool_seed(trial->seed, trial->algorithm, round), &trial->judge);
    return match_play(&trial->match, &trial->pool);
}

bool trial_packets(struct trial *trial, uint64_t packets)
{
    for (uint64_t round = 0; trial->match.packets < packets; round++) {
        uint64_t left = packets - trial->match.packets;

        if (!trial_round(trial, round, left < POOL_LANES ? (unsigned)left : POOL_LANES))
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

bool trial_sizes(struct trial *trial, unsigned last)
{
    unsigned batch_max = CIPHER_BATCH_MAX;

    for (unsigned size = 0; size <= last; size++) {
        unsigned pools = size / SIZES_PER_POOL;

        if (size % SIZES_PER_POOL == 0) {
            pool_make(&trial->pool, trial->algorithm, pool_shape_of_round(pools, POOL_LANES),
                      pool_seed(trial->seed, trial->algorithm, pools), &trial->judge);
            if (!match_take_pool(&trial->match, &trial->pool))
                return false;
        }
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
