/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AES algorithms with AES-NI, for CPUs without VAES. In constant time.
 *
 * Scrambling CBC: eight packets in step, each with its own round keys, read where they lie. Descrambling CBC:
 * four blocks of one packet beside one another. */
#include <immintrin.h>
#include <string.h>

#include "cipher/aes_groups.h"
#include "cipher/aes_key.h"
#include "cipher/unroll.h"

#define BLOCK CIPHER__AES_BLOCK
#define LAST  CIPHER__AES_ROUNDS
#define LANES 8 /* in flight: AESENC's latency times its throughput */
#define WIDTH 4 /* blocks that are descrambled together */

struct scratch {
    struct cipher__aes_groups groups;
};

static inline __m128i load_block(const uint8_t *block)
{
    return _mm_loadu_si128((const __m128i *)block);
}

static inline void store_block(uint8_t *block, __m128i value)
{
    _mm_storeu_si128((__m128i *)block, value);
}

static inline __m128i key_of_round(const struct cipher__aes_schedule *keys, unsigned round)
{
    return _mm_load_si128((const __m128i *)keys->keys[round]);
}

static inline void add_bytes(uint8_t *bytes, __m128i stream, unsigned size)
{
    uint8_t block[BLOCK];

    store_block(block, stream);
    cipher__aes_add_bytes(bytes, block, size);
}

static inline void encrypt_chains(const struct cipher__aes_schedule *const keys[LANES], __m128i chains[LANES])
{
    CIPHER__UNROLL
    for (unsigned i = 0; i < LANES; i++)
        chains[i] = _mm_xor_si128(chains[i], key_of_round(keys[i], 0));
    CIPHER__UNROLL
    for (unsigned round = 1; round < LAST; round++) {
        CIPHER__UNROLL
        for (unsigned i = 0; i < LANES; i++)
            chains[i] = _mm_aesenc_si128(chains[i], key_of_round(keys[i], round));
    }
    CIPHER__UNROLL
    for (unsigned i = 0; i < LANES; i++)
        chains[i] = _mm_aesenclast_si128(chains[i], key_of_round(keys[i], LAST));
}

/* The steps that every lane has. */
static void scramble_common(const struct cipher__aes_schedule *const keys[LANES], __m128i chains[LANES],
                            uint8_t *const payloads[LANES], unsigned steps)
{
    __m128i blocks[LANES];

    CIPHER__UNROLL
    for (unsigned i = 0; i < LANES; i++)
        blocks[i] = chains[i];
    for (unsigned at = 0; at < steps * BLOCK; at += BLOCK) {
        CIPHER__UNROLL
        for (unsigned i = 0; i < LANES; i++)
            blocks[i] = _mm_xor_si128(blocks[i], load_block(payloads[i] + at));
        encrypt_chains(keys, blocks);
        CIPHER__UNROLL
        for (unsigned i = 0; i < LANES; i++)
            store_block(payloads[i] + at, blocks[i]);
    }
    CIPHER__UNROLL
    for (unsigned i = 0; i < LANES; i++)
        chains[i] = blocks[i];
}

/* A step in which some lanes have a block, some a residue, some nothing any more. */
static void scramble_mixed(const struct cipher__aes_schedule *const keys[LANES], __m128i chains[LANES],
                           const struct cipher__aes_group *group, unsigned step)
{
    unsigned at = step * BLOCK;

    CIPHER__UNROLL
    for (unsigned i = 0; i < LANES; i++) {
        if (at + BLOCK <= group->lanes[i].length)
            chains[i] = _mm_xor_si128(chains[i], load_block(group->lanes[i].payload + at));
    }
    encrypt_chains(keys, chains);
    CIPHER__UNROLL
    for (unsigned i = 0; i < LANES; i++) {
        if (at + BLOCK <= group->lanes[i].length)
            store_block(group->lanes[i].payload + at, chains[i]);
        else if (group->residues && at < group->lanes[i].length)
            add_bytes(group->lanes[i].payload + at, chains[i], group->lanes[i].length - at);
    }
}

static void scramble_group(void *scratch, const struct cipher__aes_group *group)
{
    const struct cipher__aes_schedule *keys[LANES];
    __m128i chains[LANES];
    uint8_t *payloads[LANES];
    unsigned common = group->mixed ? 0 : group->lanes->length / BLOCK;

    (void)scratch;
    CIPHER__UNROLL
    for (unsigned i = 0; i < LANES; i++) {
        keys[i] = &cipher__aes_key_of(&group->lanes[i])->encrypt;
        payloads[i] = group->lanes[i].payload;
        chains[i] = load_block(keys[i]->iv);
    }
    scramble_common(keys, chains, payloads, common);
    for (unsigned step = common; step < group->steps; step++)
        scramble_mixed(keys, chains, group, step);
}

/* `width` blocks; `chain` is what lies before them, still scrambled. */
static inline void descramble_beside(const struct cipher__aes_schedule *keys, uint8_t *payload, __m128i chain,
                                     const unsigned width)
{
    __m128i scrambled[WIDTH], blocks[WIDTH];

    CIPHER__UNROLL
    for (unsigned i = 0; i < width; i++) {
        scrambled[i] = load_block(payload + i * BLOCK);
        blocks[i] = _mm_xor_si128(scrambled[i], key_of_round(keys, 0));
    }
    CIPHER__UNROLL
    for (unsigned round = 1; round < LAST; round++) {
        CIPHER__UNROLL
        for (unsigned i = 0; i < width; i++)
            blocks[i] = _mm_aesdec_si128(blocks[i], key_of_round(keys, round));
    }
    CIPHER__UNROLL
    for (unsigned i = 0; i < width; i++) {
        __m128i before = i ? scrambled[i - 1] : chain;

        blocks[i] = _mm_aesdeclast_si128(blocks[i], key_of_round(keys, LAST));
        store_block(payload + i * BLOCK, _mm_xor_si128(blocks[i], before));
    }
}

/* From the end, so that the block before is still scrambled when it is needed. */
static void descramble_blocks(const struct cipher__aes_schedule *keys, uint8_t *payload, unsigned blocks)
{
    while (blocks) {
        unsigned width = (blocks - 1) % WIDTH + 1;
        uint8_t *part = payload + (blocks -= width) * BLOCK;
        __m128i chain = load_block(blocks ? part - BLOCK : keys->iv);

        if (width == 4)
            descramble_beside(keys, part, chain, 4);
        else if (width == 3)
            descramble_beside(keys, part, chain, 3);
        else if (width == 2)
            descramble_beside(keys, part, chain, 2);
        else
            descramble_beside(keys, part, chain, 1);
    }
}

static void add_residue(const struct cipher__aes_schedule *keys, uint8_t *payload, unsigned whole,
                        unsigned size)
{
    __m128i block = load_block(whole ? payload + whole - BLOCK : keys->iv);

    block = _mm_xor_si128(block, key_of_round(keys, 0));
    for (unsigned round = 1; round < LAST; round++)
        block = _mm_aesenc_si128(block, key_of_round(keys, round));
    add_bytes(payload + whole, _mm_aesenclast_si128(block, key_of_round(keys, LAST)), size);
}

static void descramble_lanes(const struct cipher_lane *lanes, unsigned count, bool residues)
{
    for (unsigned i = 0; i < count; i++) {
        const struct cipher__aes_key *key = cipher__aes_key_of(&lanes[i]);
        unsigned size = lanes[i].length % BLOCK;

        if (residues && size)
            add_residue(&key->encrypt, lanes[i].payload, lanes[i].length - size, size);
        descramble_blocks(&key->decrypt, lanes[i].payload, lanes[i].length / BLOCK);
    }
}

static void add_streams(const struct cipher_lane *lanes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct cipher__aes_key *key = cipher__aes_key_of(&lanes[i]);
        uint8_t *payload = lanes[i].payload;
        unsigned blocks = lanes[i].length / BLOCK;

        for (unsigned block = 0; block < blocks; block++, payload += BLOCK)
            store_block(payload, _mm_xor_si128(load_block(payload), load_block(key->stream[block])));
        if (lanes[i].length % BLOCK)
            cipher__aes_add_bytes(payload, key->stream[blocks], lanes[i].length % BLOCK);
    }
}

static void run(void *memory, enum cipher_algorithm algorithm, enum cipher_direction direction,
                const struct cipher_lane *lanes, unsigned count)
{
    static const struct cipher__aes_kernel kernel = {.size = LANES,
                                                     .scramble = scramble_group,
                                                     .descramble = descramble_lanes,
                                                     .add_streams = add_streams};
    struct scratch *scratch = memory;

    cipher__aes_run(&scratch->groups, &kernel, scratch, algorithm, direction, lanes, count);
}

const struct cipher__tier cipher__aes_avx2 = {
    .name = "avx2",
    .features = CIPHER_CPU_AVX2,
    .scratch_size = sizeof(struct scratch),
    .key_size = sizeof(struct cipher__aes_key),
    .key_set = cipher__aes_key_set,
    .run = run,
};
