/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/csa2_sliced.h: DVB-CSA2 over slices of 8 × VEC_BYTES lanes, each lane with its own key: the frame
 * that the sliced tiers share. A template; the includer defines before
 *
 * - the vectors, by including a vector_….h;
 * - CSA2_ENCRYPT_CHAINS: groups that the block cipher takes side by side, 8, 4, 2 or 1;
 * - CSA2_DECRYPT_CHAINS: blocks of a group that it takes side by side, 1 to CSA2_CHAINS_MAX;
 * - CSA2_UNROLLED_CHAINS, if a round's code is to be shared by the chains: a pragma that keeps their loop.
 *
 * A slice's payloads and keys are transposed into byte-sliced rows: byte j of rows[p][g] is byte p of lane
 * g × VEC_BYTES + j. The block cipher works on them as they are, the stream cipher on bit planes made from
 * them. Blocks stand at the left; lanes are taken in the order of their number of blocks, most first, so that
 * few groups hold lanes of different lengths. What a row holds beyond its lane's length is never stored. */
#ifndef CIPHER_CSA2_SLICED_H
#define CIPHER_CSA2_SLICED_H

#include <string.h>

#include "cipher/csa2_block.h"
#include "cipher/csa2_key.h"
#include "cipher/csa2_stream.h"
#include "cipher/csa2_transpose.h"
#include "cipher/tier.h"

#ifdef HAVE_VEC_LOOKUP
#include "cipher/csa2_narrow.h"
#endif

#define CSA2_BLOCKS_MAX (CIPHER_PAYLOAD_MAX / CSA2_BLOCK)
/* A turn of the decryption may begin with the last block. */
#define CSA2_ROWS   (CIPHER_PAYLOAD_MAX + (CSA2_CHAINS_MAX - 1) * CSA2_BLOCK)
#define CSA2_PADDED 192 /* bytes: a payload in whole cache lines */

_Static_assert(CSA2_PADDED >= CIPHER_PAYLOAD_MAX && CSA2_KEY_SIZE % CSA2_TILE == 0, "tiles stay inside");
_Static_assert(CIPHER_PAYLOAD_MAX % CSA2_BLOCK == 0, "a full payload has no residue");

/* The tier's scratch memory. */
struct csa2_sliced {
    vec rows[CSA2_ROWS][CSA2_GROUPS];
    struct csa2_key_rows keys;
    struct csa2_stream stream;
#ifdef HAVE_VEC_LOOKUP
    struct csa2_narrow narrow;
#endif
    struct csa2_span span;
    vec counts[CSA2_GROUPS];                 /* blocks of each lane */
    uint8_t padded[CSA2_LANES][CSA2_PADDED]; /* lanes that are not full, and lanes that are missing */
    uint8_t no_key[CSA2_KEY_SIZE];           /* of missing lanes */
    uint8_t *payloads[CSA2_LANES];           /* the lane's own memory or its padded copy */
    const uint8_t *key_lines[CSA2_LANES];
    struct csa2_ahead ahead;          /* the next slice's lanes */
    uint16_t order[CIPHER_BATCH_MAX]; /* of the lanes that are long enough, most blocks first */
};

/* Part of a slice's lanes: `first` in struct csa2_sliced's order. */
struct csa2_slice {
    const struct cipher_lane *lanes;
    unsigned first, count;
    unsigned groups; /* in use */
};

/* Fills the order, by counting; returns how many lanes have a block at all. */
static unsigned csa2_sort_lanes(struct csa2_sliced *sliced, const struct cipher_lane *lanes, unsigned count)
{
    unsigned places[CSA2_BLOCKS_MAX + 1] = {0}; /* by number of blocks: how many, then where the next goes */
    unsigned place = 0;

    for (unsigned i = 0; i < count; i++)
        places[lanes[i].length / CSA2_BLOCK]++;
    for (unsigned blocks = CSA2_BLOCKS_MAX; blocks > 0; blocks--) {
        unsigned lanes_with = places[blocks];
        places[blocks] = place;
        place += lanes_with;
    }
    for (unsigned i = 0; i < count; i++)
        if (lanes[i].length >= CSA2_BLOCK)
            sliced->order[places[lanes[i].length / CSA2_BLOCK]++] = (uint16_t)i;
    return place;
}

static inline const struct cipher_lane *csa2_lane(const struct csa2_sliced *sliced,
                                                  const struct csa2_slice *slice, unsigned i)
{
    return &slice->lanes[sliced->order[slice->first + i]];
}

/* Blocks of the group's longest lane. */
static inline unsigned csa2_group_blocks(const struct csa2_sliced *sliced, unsigned group)
{
    return ((const uint8_t *)&sliced->counts[group])[0];
}

/* Blocks of the group's shortest lane. */
static inline unsigned csa2_group_blocks_least(const struct csa2_sliced *sliced, unsigned group)
{
    return ((const uint8_t *)&sliced->counts[group])[VEC_BYTES - 1];
}

/* Byte positions that lanes of so many blocks may have. */
static inline unsigned csa2_positions(unsigned blocks)
{
    return blocks == CSA2_BLOCKS_MAX ? CIPHER_PAYLOAD_MAX : (blocks + 1) * CSA2_BLOCK - 1;
}

/* Part of a payload. */
static inline void csa2_copy(uint8_t *to, const uint8_t *from, unsigned size)
{
#ifdef HAVE_VEC_COPY
    vec_copy(to, from, size);
#else
    memcpy(to, from, size);
#endif
}

/* Says where each lane's payload and key are. Lanes missing in the last group do as the last lane does, with
 * memory of their own. */
static void csa2_take_lanes(struct csa2_sliced *sliced, const struct csa2_slice *slice)
{
    uint8_t *counts = (uint8_t *)sliced->counts;

    for (unsigned i = 0; i < slice->count; i++) {
        const struct cipher_lane *lane = csa2_lane(sliced, slice, i);

        sliced->payloads[i] = lane->payload;
        sliced->key_lines[i] = cipher__key_state(lane->key);
        counts[i] = (uint8_t)(lane->length / CSA2_BLOCK);
        if (lane->length < CIPHER_PAYLOAD_MAX) {
            sliced->payloads[i] = sliced->padded[i];
            csa2_copy(sliced->padded[i], lane->payload, lane->length);
        }
    }
    for (unsigned i = slice->count; i < slice->groups * VEC_BYTES; i++) {
        sliced->payloads[i] = sliced->padded[i];
        sliced->key_lines[i] = sliced->no_key;
        counts[i] = counts[slice->count - 1];
    }
}

static void csa2_return_lanes(const struct csa2_sliced *sliced, const struct csa2_slice *slice)
{
    for (unsigned i = 0; i < slice->count; i++) {
        const struct cipher_lane *lane = csa2_lane(sliced, slice, i);

        if (lane->length < CIPHER_PAYLOAD_MAX)
            csa2_copy(lane->payload, sliced->padded[i], lane->length);
    }
}

/* Where the bytes from `position` on are loaded or stored, `size` at a time: the last ones of a full payload
 * overlap those before. */
static inline unsigned csa2_offset(unsigned position, unsigned size)
{
    return position < CIPHER_PAYLOAD_MAX - size ? position : CIPHER_PAYLOAD_MAX - size;
}

static void csa2_load_group(struct csa2_sliced *sliced, unsigned group)
{
    const uint8_t *const *lines = sliced->key_lines + group * VEC_BYTES;
    const uint8_t *const *payloads = (const uint8_t *const *)sliced->payloads + group * VEC_BYTES;
    unsigned positions = csa2_positions(csa2_group_blocks(sliced, group));

    for (unsigned i = 0; i < CSA2_KEY_SIZE; i += CSA2_TILE)
        csa2_load_tile(sliced->keys.fold + i, group, lines, i);
    csa2_derive_keys(&sliced->keys, group);
    for (unsigned i = 0; i < positions; i += CSA2_TILE) {
        unsigned offset = csa2_offset(i, CSA2_TILE);
        csa2_load_tile(sliced->rows + offset, group, payloads, offset);
    }
}

static void csa2_store_group(struct csa2_sliced *sliced, unsigned group)
{
    uint8_t *const *payloads = sliced->payloads + group * VEC_BYTES;
    unsigned positions = csa2_positions(csa2_group_blocks(sliced, group));

    for (unsigned i = 0; i < positions; i += CSA2_SPAN) {
        unsigned offset = csa2_offset(i, CSA2_SPAN);
        csa2_store_span(sliced->rows + offset, group, payloads, offset, &sliced->span);
    }
}

/* Loads `count` groups of the slice from `group` on. */
static void csa2_load_groups(struct csa2_sliced *sliced, const struct csa2_slice *slice, unsigned group,
                             unsigned count)
{
    csa2_fetch_until(&sliced->ahead, slice->first + (group + count) * VEC_BYTES);
    for (unsigned i = 0; i < count; i++)
        csa2_load_group(sliced, group + i);
}

/* One function for each number of chains, and for groups with and without lanes of different lengths. */
#define CSA2_ENCRYPT(chains)                                                                                 \
    static void csa2_encrypt_##chains(struct csa2_sliced *sliced, unsigned group)                            \
    {                                                                                                        \
        unsigned most = csa2_group_blocks(sliced, group);                                                    \
                                                                                                             \
        if (csa2_group_blocks_least(sliced, group + chains - 1) == most)                                     \
            csa2_encrypt_groups(sliced->rows, &sliced->keys, sliced->counts, group, chains, most, false,     \
                                &sliced->ahead);                                                             \
        else                                                                                                 \
            csa2_encrypt_groups(sliced->rows, &sliced->keys, sliced->counts, group, chains, most, true,      \
                                &sliced->ahead);                                                             \
    }
CSA2_ENCRYPT(1)
CSA2_ENCRYPT(2)
#if CSA2_ENCRYPT_CHAINS >= 4
CSA2_ENCRYPT(4)
#endif
#if CSA2_ENCRYPT_CHAINS >= 8
CSA2_ENCRYPT(8)
#endif
#undef CSA2_ENCRYPT

/* How many groups the block cipher takes at a time where so many are left. */
static inline unsigned csa2_chains_for(unsigned left)
{
    unsigned chains = CSA2_ENCRYPT_CHAINS;

    while (chains > left)
        chains /= 2;
    return chains;
}

static void csa2_encrypt(struct csa2_sliced *sliced, unsigned group, unsigned chains)
{
    switch (chains) {
#if CSA2_ENCRYPT_CHAINS >= 8
    case 8:
        csa2_encrypt_8(sliced, group);
        break;
#endif
#if CSA2_ENCRYPT_CHAINS >= 4
    case 4:
        csa2_encrypt_4(sliced, group);
        break;
#endif
    case 2:
        csa2_encrypt_2(sliced, group);
        break;
    default:
        csa2_encrypt_1(sliced, group);
    }
}

/* By turns, so that the block cipher hides the fetching of the next groups. */
static void csa2_load_and_encrypt(struct csa2_sliced *sliced, const struct csa2_slice *slice)
{
    for (unsigned group = 0; group < slice->groups;) {
        unsigned chains = csa2_chains_for(slice->groups - group);

        csa2_load_groups(sliced, slice, group, chains);
        csa2_encrypt(sliced, group, chains);
        group += chains;
    }
}

static void csa2_decrypt(struct csa2_sliced *sliced, unsigned groups)
{
    for (unsigned group = 0; group < groups; group++) {
        unsigned most = csa2_group_blocks(sliced, group);

        if (csa2_group_blocks_least(sliced, group) == most)
            csa2_decrypt_group(sliced->rows, &sliced->keys, sliced->counts, group, CSA2_DECRYPT_CHAINS, most,
                               false, &sliced->ahead);
        else
            csa2_decrypt_group(sliced->rows, &sliced->keys, sliced->counts, group, CSA2_DECRYPT_CHAINS, most,
                               true, &sliced->ahead);
    }
}

/* XORs the key stream to all positions before `end` but the first block. */
static void csa2_xor_stream(struct csa2_sliced *sliced, unsigned groups, unsigned end)
{
    const vec(*cw_rows)[CSA2_GROUPS] = (const vec(*)[CSA2_GROUPS])(sliced->keys.fold + CSA2_ROUNDS);

#ifdef HAVE_VEC_LOOKUP
    if (groups <= CSA2_NARROW_GROUPS) {
        for (unsigned group = 0; group < groups; group++)
            csa2_narrow_xor(sliced->rows, cw_rows, group, end, &sliced->narrow);
        return;
    }
#endif
    (void)groups;
    csa2_stream_xor(sliced->rows, cw_rows, end, &sliced->stream);
}

static void csa2_turn_slice(struct csa2_sliced *sliced, enum cipher_direction direction,
                            const struct csa2_slice *slice)
{
    unsigned positions;

    csa2_take_lanes(sliced, slice);
    positions = csa2_positions(csa2_group_blocks(sliced, 0));
    if (direction == CIPHER_SCRAMBLE)
        csa2_load_and_encrypt(sliced, slice);
    else
        csa2_load_groups(sliced, slice, 0, slice->groups);
    csa2_xor_stream(sliced, slice->groups, positions);
    if (direction == CIPHER_DESCRAMBLE)
        csa2_decrypt(sliced, slice->groups);
    for (unsigned group = 0; group < slice->groups; group++)
        csa2_store_group(sliced, group);
    csa2_return_lanes(sliced, slice);
}

/* run of struct cipher__tier, for a scratch that is a struct csa2_sliced. */
static void csa2_sliced_run(void *scratch, enum cipher_algorithm algorithm, enum cipher_direction direction,
                            const struct cipher_lane *lanes, unsigned count)
{
    struct csa2_sliced *sliced = scratch;
    unsigned usable = csa2_sort_lanes(sliced, lanes, count);

    (void)algorithm;
    sliced->ahead = (struct csa2_ahead){lanes, sliced->order, 0, usable};
    for (unsigned first = 0; first < usable; first += CSA2_LANES) {
        struct csa2_slice slice = {lanes, first, usable - first, 0};

        if (slice.count > CSA2_LANES)
            slice.count = CSA2_LANES;
        slice.groups = (slice.count + VEC_BYTES - 1) / VEC_BYTES;
        sliced->ahead.end = usable < first + 2 * CSA2_LANES ? usable : first + 2 * CSA2_LANES;
        csa2_turn_slice(sliced, direction, &slice);
    }
}

#endif
