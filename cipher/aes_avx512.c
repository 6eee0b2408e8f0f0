/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AES algorithms with VAES: four blocks to a 512-bit register. In constant time.
 *
 * Scrambling CBC: 24 packets in step, four to a register, each with its own round keys. Schedules and
 * payloads are transposed into scratch (four lanes' rows of 64 bytes become four blocks of four lanes),
 * turned there, and transposed back. Descrambling CBC: the blocks of one packet beside one another, three
 * registers with one broadcast key. */
#include <immintrin.h>

#include "cipher/aes_groups.h"
#include "cipher/aes_key.h"
#include "cipher/unroll.h"

#define BLOCK CIPHER__AES_BLOCK
#define LAST  CIPHER__AES_ROUNDS
#define IV    CIPHER__AES_IV
#define QUADS 6 /* registers of four lanes in step */
#define LANES (4 * QUADS)
#define KEPT                                                                                                 \
    3          /* rounds whose keys stay in registers: QUADS * (1 + KEPT) leaves 8 of 32 to a transposition  \
                */
#define ROWS 3 /* of 64 bytes: a payload, or a schedule */
#define ROW  64

/* Blocks or round keys of a group: [number][quad], each four lanes wide. */
struct transposed {
    __m512i blocks[4 * ROWS][QUADS];
};

/* A group on its way through the pipeline. */
struct flight {
    struct transposed keys;
    struct transposed data;
    struct cipher__aes_group group;
};

struct scratch {
    struct flight flights[CIPHER__AES_IN_FLIGHT];
    unsigned next; /* the flight to be turned; the other one was */
    struct cipher__aes_groups groups;
};
_Static_assert(CIPHER__AES_IN_FLIGHT == 2, "one is turned, one exchanged");

/* Swaps rows and columns of 4 x 4 blocks. */
CIPHER__INLINE void transpose(__m512i rows[4])
{
    __m512i low01 = _mm512_shuffle_i64x2(rows[0], rows[1], 0x44);
    __m512i high01 = _mm512_shuffle_i64x2(rows[0], rows[1], 0xee);
    __m512i low23 = _mm512_shuffle_i64x2(rows[2], rows[3], 0x44);
    __m512i high23 = _mm512_shuffle_i64x2(rows[2], rows[3], 0xee);

    rows[0] = _mm512_shuffle_i64x2(low01, low23, 0x88);
    rows[1] = _mm512_shuffle_i64x2(low01, low23, 0xdd);
    rows[2] = _mm512_shuffle_i64x2(high01, high23, 0x88);
    rows[3] = _mm512_shuffle_i64x2(high01, high23, 0xdd);
}

/* Of 64-bit words. `blocks` may be negative, or more than a row has. */
CIPHER__INLINE __mmask8 block_mask(int blocks)
{
    return (__mmask8)(blocks <= 0 ? 0 : blocks >= 4 ? 0xff : (1u << (2 * blocks)) - 1);
}

/* Zeros behind the blocks. */
CIPHER__INLINE __m512i load_blocks(const uint8_t *from, int blocks)
{
    if (blocks >= 4)
        return _mm512_loadu_si512(from);
    return _mm512_maskz_loadu_epi64(block_mask(blocks), from);
}

/* Exactly the bytes: a masked store would hold back loads of the packet behind until it is done. */
CIPHER__INLINE void store_blocks(uint8_t *to, __m512i row, int blocks)
{
    if (blocks >= 4) {
        _mm512_storeu_si512(to, row);
    } else if (blocks >= 2) {
        _mm256_storeu_si256((__m256i *)to, _mm512_castsi512_si256(row));
        if (blocks == 3)
            _mm_storeu_si128((__m128i *)(to + 2 * BLOCK), _mm512_extracti64x2_epi64(row, 2));
    } else if (blocks == 1) {
        _mm_storeu_si128((__m128i *)to, _mm512_castsi512_si128(row));
    }
}

CIPHER__INLINE int blocks_from_row(const struct cipher_lane *lane, unsigned row)
{
    return lane->length / BLOCK - 4 * (int)row;
}

/* --- Scrambling: a pipeline of groups. While one is turned, the one before is scattered and the one behind
 * is gathered into its place. The kernel is bound by the first-level cache: a block's eleven round keys are
 * loads, as many as registers leave over are kept. --- */

CIPHER__INLINE void put_row(struct transposed *to, unsigned quad, unsigned row, __m512i rows[4])
{
    transpose(rows);
    CIPHER__UNROLL
    for (unsigned i = 0; i < 4; i++)
        to->blocks[4 * row + i][quad] = rows[i];
}

CIPHER__INLINE void gather_keys(struct flight *flight, const struct cipher__aes_group *group, unsigned quad)
{
    const struct cipher__aes_schedule *keys[4];

    CIPHER__UNROLL
    for (unsigned i = 0; i < 4; i++)
        keys[i] = &cipher__aes_key_of(&group->lanes[4 * quad + i])->encrypt;
    CIPHER__UNROLL
    for (unsigned row = 0; row < ROWS; row++) {
        __m512i rows[4];

        CIPHER__UNROLL
        for (unsigned i = 0; i < 4; i++)
            rows[i] = _mm512_load_si512(keys[i]->keys[4 * row]);
        put_row(&flight->keys, quad, row, rows);
    }
}

CIPHER__INLINE void gather_data(struct flight *flight, const struct cipher__aes_group *group, unsigned quad)
{
    const uint8_t *payloads[4];

    CIPHER__UNROLL
    for (unsigned i = 0; i < 4; i++)
        payloads[i] = group->lanes[4 * quad + i].payload;
    CIPHER__UNROLL
    for (unsigned row = 0; row < ROWS; row++) {
        __m512i rows[4];

        if (!group->mixed) {
            __mmask8 mask = block_mask(group->lanes->length / BLOCK - 4 * (int)row);

            CIPHER__UNROLL
            for (unsigned i = 0; i < 4; i++)
                rows[i] = _mm512_maskz_loadu_epi64(mask, payloads[i] + row * ROW);
        } else {
            CIPHER__UNROLL
            for (unsigned i = 0; i < 4; i++) {
                int blocks = group->lanes[4 * quad + i].length / BLOCK - 4 * (int)row;

                rows[i] = _mm512_maskz_loadu_epi64(block_mask(blocks), payloads[i] + row * ROW);
            }
        }
        put_row(&flight->data, quad, row, rows);
    }
}

CIPHER__INLINE void scatter_data(const struct flight *flight, unsigned quad)
{
    const struct cipher__aes_group *group = &flight->group;
    uint8_t *payloads[4];

    CIPHER__UNROLL
    for (unsigned i = 0; i < 4; i++)
        payloads[i] = group->lanes[4 * quad + i].payload;
    CIPHER__UNROLL
    for (unsigned row = 0; row < ROWS; row++) {
        __m512i rows[4];

        CIPHER__UNROLL
        for (unsigned i = 0; i < 4; i++)
            rows[i] = flight->data.blocks[4 * row + i][quad];
        transpose(rows);
        if (!group->mixed && group->lanes->length >= (row + 1) * ROW) {
            CIPHER__UNROLL
            for (unsigned i = 0; i < 4; i++)
                _mm512_storeu_si512(payloads[i] + row * ROW, rows[i]);
        } else {
            CIPHER__UNROLL
            for (unsigned i = 0; i < 4; i++)
                store_blocks(payloads[i] + row * ROW, rows[i],
                             group->lanes[4 * quad + i].length / BLOCK - 4 * (int)row);
        }
    }
}

/* The step behind a lane's last block made the stream, from a block of zeros. */
static void add_residues(const struct flight *flight, unsigned quad)
{
    for (unsigned i = 0; i < 4; i++) {
        const struct cipher_lane *lane = &flight->group.lanes[4 * quad + i];
        unsigned whole = lane->length / BLOCK;
        const uint8_t *streams = (const uint8_t *)&flight->data.blocks[whole][quad];

        cipher__aes_add_bytes(lane->payload + whole * BLOCK, streams + i * BLOCK, lane->length % BLOCK);
    }
}

/* A quad of the group in `flight` leaves, one of the group behind enters. */
CIPHER__INLINE void exchange_quad(struct flight *flight, const struct cipher__aes_group *behind,
                                  unsigned quad)
{
    unsigned first = 4 * quad;

    if (first < flight->group.count) {
        scatter_data(flight, quad);
        if (flight->group.residues)
            add_residues(flight, quad);
    }
    if (first < behind->count) {
        gather_keys(flight, behind, quad);
        gather_data(flight, behind, quad);
    }
}

/* One block of each lane, CBC in place, and an exchange in the other flight. */
CIPHER__INLINE void scramble_step(struct flight *flight, unsigned step, __m512i chains[QUADS],
                                  __m512i first_keys[KEPT][QUADS], struct flight *other,
                                  const struct cipher__aes_group *behind)
{
    const struct transposed *keys = &flight->keys;
    __m512i *blocks = flight->data.blocks[step];

    CIPHER__UNROLL
    for (unsigned i = 0; i < QUADS; i++)
        chains[i] = _mm512_ternarylogic_epi64(chains[i], blocks[i], keys->blocks[0][i], 0x96);
    CIPHER__UNROLL
    for (unsigned round = 1; round < LAST; round++) {
        CIPHER__UNROLL
        for (unsigned i = 0; i < QUADS; i++)
            chains[i] = _mm512_aesenc_epi128(chains[i], round <= KEPT ? first_keys[round - 1][i]
                                                                      : keys->blocks[round][i]);
    }
    CIPHER__UNROLL
    for (unsigned i = 0; i < QUADS; i++)
        blocks[i] = chains[i] = _mm512_aesenclast_epi128(chains[i], keys->blocks[LAST][i]);
    exchange_quad(other, behind, step);
}

/* Keys that the compiler may not load again where they are used. */
CIPHER__INLINE void keep_keys(__m512i kept[KEPT][QUADS], const struct transposed *keys)
{
    CIPHER__UNROLL
    for (unsigned round = 0; round < KEPT; round++) {
        CIPHER__UNROLL
        for (unsigned i = 0; i < QUADS; i++) {
            kept[round][i] = keys->blocks[round + 1][i];
            __asm__("" : "+v"(kept[round][i]));
        }
    }
}

/* Turns one flight; in the other, the group `behind` takes the place of the one that was turned before. */
static void advance(struct scratch *scratch, const struct cipher__aes_group *behind)
{
    struct flight *flight = &scratch->flights[scratch->next];
    struct flight *other = &scratch->flights[scratch->next ^ 1];
    unsigned steps = flight->group.steps;
    __m512i chains[QUADS], kept[KEPT][QUADS];

    keep_keys(kept, &flight->keys);
    CIPHER__UNROLL
    for (unsigned i = 0; i < QUADS; i++)
        chains[i] = flight->keys.blocks[IV][i];
    for (unsigned step = 0; step < steps; step++)
        scramble_step(flight, step, chains, kept, other, behind);
    for (unsigned quad = steps; quad < QUADS; quad++)
        exchange_quad(other, behind, quad);
    other->group = *behind;
    scratch->next ^= 1;
}

static void scramble_group(void *scratch, const struct cipher__aes_group *group)
{
    advance(scratch, group);
}

static void finish_groups(void *scratch)
{
    static const struct cipher__aes_group none;

    advance(scratch, &none);
    advance(scratch, &none);
}

/* --- Descrambling. --- */

CIPHER__INLINE __m512i broadcast(const uint8_t *block)
{
    return _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)block));
}

/* Up to 4 x `registers` blocks. */
CIPHER__INLINE void descramble_rows(const struct cipher__aes_schedule *keys, const struct cipher_lane *lane,
                                    const unsigned registers)
{
    __m512i before = broadcast(keys->iv), chains[ROWS], blocks[ROWS];

    CIPHER__UNROLL
    for (unsigned i = 0; i < registers; i++) {
        __m512i scrambled = load_blocks(lane->payload + i * ROW, blocks_from_row(lane, i));

        chains[i] = _mm512_alignr_epi64(scrambled, before, 6);
        blocks[i] = _mm512_xor_si512(scrambled, broadcast(keys->keys[0]));
        before = scrambled;
    }
    CIPHER__UNROLL
    for (unsigned round = 1; round < LAST; round++) {
        CIPHER__UNROLL
        for (unsigned i = 0; i < registers; i++)
            blocks[i] = _mm512_aesdec_epi128(blocks[i], broadcast(keys->keys[round]));
    }
    CIPHER__UNROLL
    for (unsigned i = 0; i < registers; i++) {
        blocks[i] =
            _mm512_aesdeclast_epi128(blocks[i], _mm512_xor_si512(chains[i], broadcast(keys->keys[LAST])));
        store_blocks(lane->payload + i * ROW, blocks[i], blocks_from_row(lane, i));
    }
}

static void descramble_blocks(const struct cipher__aes_key *key, const struct cipher_lane *lane)
{
    if (lane->length >= 2 * ROW + BLOCK)
        descramble_rows(&key->decrypt, lane, 3);
    else if (lane->length >= ROW + BLOCK)
        descramble_rows(&key->decrypt, lane, 2);
    else if (lane->length >= BLOCK)
        descramble_rows(&key->decrypt, lane, 1);
}

CIPHER__INLINE __m128i key_of_round(const struct cipher__aes_schedule *keys, unsigned round)
{
    return _mm_load_si128((const __m128i *)keys->keys[round]);
}

/* The encryption of the last scrambled block: to be asked for before that is descrambled. */
CIPHER__INLINE __m128i residue_stream(const struct cipher__aes_schedule *keys, const struct cipher_lane *lane)
{
    unsigned whole = lane->length / BLOCK;
    const uint8_t *before = whole ? lane->payload + (whole - 1) * BLOCK : keys->iv;
    __m128i block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)before), key_of_round(keys, 0));

    CIPHER__UNROLL
    for (unsigned round = 1; round < LAST; round++)
        block = _mm_aesenc_si128(block, key_of_round(keys, round));
    return _mm_aesenclast_si128(block, key_of_round(keys, LAST));
}

static void descramble_with_residue(const struct cipher__aes_key *key, const struct cipher_lane *lane)
{
    unsigned size = lane->length % BLOCK;
    uint8_t stream[BLOCK];

    _mm_storeu_si128((__m128i *)stream, residue_stream(&key->encrypt, lane));
    descramble_blocks(key, lane);
    cipher__aes_add_bytes(lane->payload + lane->length - size, stream, size);
}

static void descramble_lanes(const struct cipher_lane *lanes, unsigned count, bool residues)
{
    for (unsigned i = 0; i < count; i++) {
        const struct cipher__aes_key *key = cipher__aes_key_of(&lanes[i]);

        if (residues && lanes[i].length % BLOCK)
            descramble_with_residue(key, &lanes[i]);
        else
            descramble_blocks(key, &lanes[i]);
    }
}

static void add_stream(uint8_t *bytes, const uint8_t *stream, unsigned length)
{
    unsigned at = 0;

    for (; length - at >= ROW; at += ROW)
        _mm512_storeu_si512(bytes + at,
                            _mm512_xor_si512(_mm512_loadu_si512(bytes + at), _mm512_load_si512(stream + at)));
    for (; length - at >= BLOCK; at += BLOCK) {
        __m128i *block = (__m128i *)(bytes + at);

        _mm_storeu_si128(
            block, _mm_xor_si128(_mm_loadu_si128(block), _mm_load_si128((const __m128i *)(stream + at))));
    }
    cipher__aes_add_bytes(bytes + at, stream + at, length - at);
}

static void add_streams(const struct cipher_lane *lanes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct cipher__aes_key *key = cipher__aes_key_of(&lanes[i]);

        add_stream(lanes[i].payload, key->stream[0], lanes[i].length);
    }
}

static void run(void *memory, enum cipher_algorithm algorithm, enum cipher_direction direction,
                const struct cipher_lane *lanes, unsigned count)
{
    static const struct cipher__aes_kernel kernel = {.size = LANES,
                                                     .scramble = scramble_group,
                                                     .finish = finish_groups,
                                                     .descramble = descramble_lanes,
                                                     .add_streams = add_streams};
    struct scratch *scratch = memory;

    cipher__aes_run(&scratch->groups, &kernel, scratch, algorithm, direction, lanes, count);
}

const struct cipher__tier cipher__aes_avx512 = {
    .name = "avx512",
    .features = CIPHER_CPU_AVX512 | CIPHER_CPU_AVX2,
    .scratch_size = sizeof(struct scratch),
    .key_size = sizeof(struct cipher__aes_key),
    .key_set = cipher__aes_key_set,
    .run = run,
};
