/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/vector_avx2.h: the vectors of the sliced DVB-CSA2 templates, AVX2. The names mean what they mean in
 * vector_avx512.h; included by one kernel file, built with its instruction set. */
#ifndef CIPHER_VECTOR_AVX2_H
#define CIPHER_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#include "cipher/csa2_tables.h"

#define VEC_BYTES 32

typedef __m256i vec;

/* Aligned to VEC_BYTES. */
static inline vec vec_load(const void *from)
{
    return _mm256_load_si256(from);
}

static inline void vec_store(void *to, vec a)
{
    _mm256_store_si256(to, a);
}

static inline vec vec_zero(void)
{
    return _mm256_setzero_si256();
}

static inline vec vec_splat(uint8_t byte)
{
    return _mm256_set1_epi8((char)byte);
}

static inline vec vec_xor(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

static inline vec vec_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

static inline vec vec_or(vec a, vec b)
{
    return _mm256_or_si256(a, b);
}

/* b without the bits of a */
static inline vec vec_andnot(vec a, vec b)
{
    return _mm256_andnot_si256(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return vec_xor(vec_xor(a, b), c);
}

/* Bits of a where the mask's are set, of b elsewhere. */
static inline vec vec_select(vec mask, vec a, vec b)
{
    return vec_or(vec_and(mask, a), vec_andnot(mask, b));
}

/* Shifts by up to 7 bits of units of any size: the caller masks what moves from byte to byte. */
static inline vec vec_shift_left(vec a, int bits)
{
    return _mm256_slli_epi16(a, bits);
}

static inline vec vec_shift_right(vec a, int bits)
{
    return _mm256_srli_epi16(a, bits);
}

/* All ones in the bytes where a > b, as signed numbers. */
static inline vec vec_greater(vec a, vec b)
{
    return _mm256_cmpgt_epi8(a, b);
}

/* The S-box is 16 tables of 16 bytes for VPSHUFB, one per high digit of the input: too many for the
 * registers, so that each use loads them. */
struct vec_sbox {
    const uint8_t *rows;
    vec permuted_low, permuted_high; /* the permuted bits of each low digit, of each high digit */
    vec digit;                       /* mask of a low digit */
};

static inline vec vec__both_halves(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table));
}

static inline struct vec_sbox vec_sbox_load(void)
{
    /* csa2_round_permutation of 00 to 0f, and of 00 to f0 */
    static const uint8_t low[16] = {0x00, 0x02, 0x80, 0x82, 0x20, 0x22, 0xa0, 0xa2,
                                    0x10, 0x12, 0x90, 0x92, 0x30, 0x32, 0xb0, 0xb2};
    static const uint8_t high[16] = {0x00, 0x04, 0x40, 0x44, 0x01, 0x05, 0x41, 0x45,
                                     0x08, 0x0c, 0x48, 0x4c, 0x09, 0x0d, 0x49, 0x4d};

    return (struct vec_sbox){csa2_sbox, vec__both_halves(low), vec__both_halves(high), vec_splat(0x0f)};
}

/* b in the bytes where the highest bit of `sign` is set, a elsewhere. An asm statement, as gcc 12 makes of
 * the intrinsic a comparison and a blend wherever a sign is used twice (6 % of the block cipher). */
static inline vec vec__blend(vec a, vec b, vec sign)
{
    vec blended;

    __asm__("vpblendvb %3, %2, %1, %0" : "=x"(blended) : "x"(a), "x"(b), "x"(sign));
    return blended;
}

/* The S-box's rows n and n + 8: VPSHUFB gives zero where bit 7 of its index is set, so that bit 7 chooses
 * between a look-up with `in` and one with bit 7 of it flipped. */
static inline vec vec__sbox_rows(const struct vec_sbox *box, unsigned n, vec in, vec flipped)
{
    vec below = _mm256_shuffle_epi8(vec__both_halves(box->rows + 16 * n), in);
    vec above = _mm256_shuffle_epi8(vec__both_halves(box->rows + 16 * (n + 8)), flipped);

    return vec_xor(below, above);
}

/* 35 operations without the loads: 16 shuffles, 8 XORs, 7 blends by bits 4 to 6, and what they need. The
 * shifts carry bits from byte to byte, but never into bit 7. */
static inline vec vec_sbox_apply(const struct vec_sbox *box, vec in)
{
    vec flipped = vec_xor(in, vec_splat(0x80));
    vec bit_4 = _mm256_slli_epi16(in, 3), bit_5 = _mm256_slli_epi16(in, 2), bit_6 = _mm256_add_epi8(in, in);
    vec halves[2];

    for (unsigned i = 0; i < 2; i++) {
        vec r0 = vec__sbox_rows(box, 4 * i, in, flipped), r1 = vec__sbox_rows(box, 4 * i + 1, in, flipped);
        vec r2 = vec__sbox_rows(box, 4 * i + 2, in, flipped),
            r3 = vec__sbox_rows(box, 4 * i + 3, in, flipped);

        halves[i] = vec__blend(vec__blend(r0, r1, bit_4), vec__blend(r2, r3, bit_4), bit_5);
    }
    return vec__blend(halves[0], halves[1], bit_6);
}

static inline vec vec_sbox_permute(const struct vec_sbox *box, vec a)
{
    vec low = vec_and(a, box->digit), high = vec_and(_mm256_srli_epi16(a, 4), box->digit);

    return vec_xor(_mm256_shuffle_epi8(box->permuted_low, low),
                   _mm256_shuffle_epi8(box->permuted_high, high));
}

/* Interleaves the low (high) halves of each 16-byte part: a0 b0 a1 b1 … */
static inline vec vec_interleave_low(vec a, vec b)
{
    return _mm256_unpacklo_epi8(a, b);
}

static inline vec vec_interleave_high(vec a, vec b)
{
    return _mm256_unpackhi_epi8(a, b);
}

/* Part n of 16 bytes from lanes[16 × n] + offset, any alignment. */
static inline vec vec_load_parts(const uint8_t *const *lanes, unsigned offset)
{
    __m128i low = _mm_loadu_si128((const void *)(lanes[0] + offset));
    __m128i high = _mm_loadu_si128((const void *)(lanes[16] + offset));

    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* The reverse. */
static inline void vec_store_parts(uint8_t *const *lanes, unsigned offset, vec a)
{
    _mm_storeu_si128((void *)(lanes[0] + offset), _mm256_castsi256_si128(a));
    _mm_storeu_si128((void *)(lanes[16] + offset), _mm256_extracti128_si256(a, 1));
}

#endif
