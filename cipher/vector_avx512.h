/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/vector_avx512.h: the vectors of the sliced DVB-CSA2 templates, AVX-512 (F, BW, VBMI, GFNI). Every
 * vector_….h gives the same names; included by one kernel file each, built with its instruction set. */
#ifndef CIPHER_VECTOR_AVX512_H
#define CIPHER_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#include "cipher/csa2_tables.h"

#define VEC_BYTES 64

typedef __m512i vec;

/* csa2_round_permutation for VGF2P8AFFINEQB: byte 7 - n selects the input bit that becomes bit n. */
#define VEC_PERMUTATION_MATRIX 0x4001108008042002

/* Aligned to VEC_BYTES. */
static inline vec vec_load(const void *from)
{
    return _mm512_load_si512(from);
}

static inline void vec_store(void *to, vec a)
{
    _mm512_store_si512(to, a);
}

static inline vec vec_zero(void)
{
    return _mm512_setzero_si512();
}

static inline vec vec_splat(uint8_t byte)
{
    return _mm512_set1_epi8((char)byte);
}

/* Three-input logic: bit 4a + 2b + c of `lut` is the output for the inputs a, b, c. */
#define HAVE_VEC_TERNARY          1
#define vec_ternary(lut, a, b, c) _mm512_ternarylogic_epi64((a), (b), (c), (lut))

static inline vec vec_xor(vec a, vec b)
{
    return _mm512_xor_si512(a, b);
}

static inline vec vec_and(vec a, vec b)
{
    return _mm512_and_si512(a, b);
}

static inline vec vec_or(vec a, vec b)
{
    return _mm512_or_si512(a, b);
}

/* b without the bits of a */
static inline vec vec_andnot(vec a, vec b)
{
    return _mm512_andnot_si512(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return vec_ternary(0x96, a, b, c);
}

/* Bits of a where the mask's are set, of b elsewhere. */
static inline vec vec_select(vec mask, vec a, vec b)
{
    return vec_ternary(0xca, mask, a, b);
}

/* All ones in the bytes where a > b, as signed numbers. */
static inline vec vec_greater(vec a, vec b)
{
    return _mm512_movm_epi8(_mm512_cmpgt_epi8_mask(a, b));
}

/* The S-box and the round's bit permutation, kept in registers through a kernel's loops. */
struct vec_sbox {
    vec quarters[4]; /* the S-box's outputs for inputs 0 to 63, 64 to 127, … */
    vec permutation; /* as a matrix over GF(2) */
};

static inline struct vec_sbox vec_sbox_load(void)
{
    struct vec_sbox box;

    for (unsigned i = 0; i < 4; i++)
        box.quarters[i] = _mm512_loadu_si512(csa2_sbox + i * VEC_BYTES);
    box.permutation = _mm512_set1_epi64(VEC_PERMUTATION_MATRIX);
    return box;
}

static inline vec vec_sbox_apply(const struct vec_sbox *box, vec in)
{
    vec low = _mm512_permutex2var_epi8(box->quarters[0], in, box->quarters[1]);
    vec high = _mm512_permutex2var_epi8(box->quarters[2], in, box->quarters[3]);

    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(in), low, high);
}

static inline vec vec_sbox_permute(const struct vec_sbox *box, vec a)
{
    return _mm512_gf2p8affine_epi64_epi8(a, box->permutation, 0);
}

/* For csa2_narrow.h: bytes of a table of 64, by the low six bits of `index`. */
#define HAVE_VEC_LOOKUP 1
static inline vec vec_lookup(const uint8_t table[64], vec index)
{
    return _mm512_permutexvar_epi8(index, vec_load(table));
}

/* Each byte times a matrix over GF(2); byte 7 - n of the matrix selects the bits whose sum is bit n. */
static inline vec vec_affine(vec a, uint64_t matrix)
{
    return _mm512_gf2p8affine_epi64_epi8(a, _mm512_set1_epi64((long long)matrix), 0);
}

/* Byte by byte. */
static inline vec vec_add(vec a, vec b)
{
    return _mm512_add_epi8(a, b);
}

/* a, with the bits of b under the mask XORed to it */
static inline vec vec_xor_masked(vec a, vec b, vec mask)
{
    return vec_ternary(0x78, a, b, mask);
}

/* Interleaves the low (high) halves of each 16-byte part: a0 b0 a1 b1 … */
static inline vec vec_interleave_low(vec a, vec b)
{
    return _mm512_unpacklo_epi8(a, b);
}

static inline vec vec_interleave_high(vec a, vec b)
{
    return _mm512_unpackhi_epi8(a, b);
}

/* Transposes the 8 by 8 bits of each 8 bytes about the other diagonal: bit b of byte a becomes bit 7 - a of
 * byte 7 - b. */
#define HAVE_VEC_TRANSPOSE_BITS 1
static inline vec vec_transpose_bits(vec a)
{
    return _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64(0x0102040810204080), a, 0);
}

/* Part n of 16 bytes from lanes[16 × n] + offset, any alignment. Masked broadcasts merge in any vector pipe;
 * insertions would wait for the two that shuffle. */
static inline vec vec_load_parts(const uint8_t *const *lanes, unsigned offset)
{
    vec a = _mm512_castsi128_si512(_mm_loadu_si128((const void *)(lanes[0] + offset)));

    a = _mm512_mask_broadcast_i32x4(a, 0x00f0, _mm_loadu_si128((const void *)(lanes[16] + offset)));
    a = _mm512_mask_broadcast_i32x4(a, 0x0f00, _mm_loadu_si128((const void *)(lanes[32] + offset)));
    return _mm512_mask_broadcast_i32x4(a, 0xf000, _mm_loadu_si128((const void *)(lanes[48] + offset)));
}

/* Copies up to three vectors' bytes, without a branch; touches no byte beyond. */
#define HAVE_VEC_COPY 1
static inline void vec_copy(uint8_t *to, const uint8_t *from, unsigned size)
{
    for (unsigned i = 0; i < 3; i++) {
        const unsigned bytes = size < VEC_BYTES ? size : VEC_BYTES;
        const __mmask64 mask = bytes ? ~0ull >> (VEC_BYTES - bytes) : 0;

        _mm512_mask_storeu_epi8(to + i * VEC_BYTES, mask,
                                _mm512_maskz_loadu_epi8(mask, from + i * VEC_BYTES));
        size -= bytes;
    }
}

/* Any alignment. */
static inline void vec_store_anywhere(void *to, vec a)
{
    _mm512_storeu_si512(to, a);
}

/* Transposes the 4 by 4 parts of 16 bytes. */
#define HAVE_VEC_TRANSPOSE_PARTS 1
static inline void vec_transpose_parts(vec v[4])
{
    vec low01 = _mm512_shuffle_i64x2(v[0], v[1], 0x44), high01 = _mm512_shuffle_i64x2(v[0], v[1], 0xee);
    vec low23 = _mm512_shuffle_i64x2(v[2], v[3], 0x44), high23 = _mm512_shuffle_i64x2(v[2], v[3], 0xee);

    v[0] = _mm512_shuffle_i64x2(low01, low23, 0x88);
    v[1] = _mm512_shuffle_i64x2(low01, low23, 0xdd);
    v[2] = _mm512_shuffle_i64x2(high01, high23, 0x88);
    v[3] = _mm512_shuffle_i64x2(high01, high23, 0xdd);
}

#endif
