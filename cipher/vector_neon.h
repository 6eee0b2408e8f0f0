/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/vector_neon.h: the vectors of the sliced DVB-CSA2 templates, AArch64 Advanced SIMD. The names mean
 * what they mean in vector_avx512.h; included by one kernel file. */
#ifndef CIPHER_VECTOR_NEON_H
#define CIPHER_VECTOR_NEON_H

#include <arm_neon.h>
#include <stdint.h>

#include "cipher/csa2_tables.h"

#define VEC_BYTES 16

typedef uint8x16_t vec;

static inline vec vec_load(const void *from)
{
    return vld1q_u8(from);
}

static inline void vec_store(void *to, vec a)
{
    vst1q_u8(to, a);
}

static inline vec vec_zero(void)
{
    return vdupq_n_u8(0);
}

static inline vec vec_splat(uint8_t byte)
{
    return vdupq_n_u8(byte);
}

static inline vec vec_xor(vec a, vec b)
{
    return veorq_u8(a, b);
}

static inline vec vec_and(vec a, vec b)
{
    return vandq_u8(a, b);
}

static inline vec vec_or(vec a, vec b)
{
    return vorrq_u8(a, b);
}

/* b without the bits of a */
static inline vec vec_andnot(vec a, vec b)
{
    return vbicq_u8(b, a);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return vec_xor(vec_xor(a, b), c);
}

/* Bits of a where the mask's are set, of b elsewhere. */
static inline vec vec_select(vec mask, vec a, vec b)
{
    return vbslq_u8(mask, a, b);
}

/* Shifts by up to 7 bits of units of any size: the caller masks what moves from byte to byte. */
static inline vec vec_shift_left(vec a, int bits)
{
    return vshlq_u8(a, vdupq_n_s8((int8_t)bits));
}

static inline vec vec_shift_right(vec a, int bits)
{
    return vshlq_u8(a, vdupq_n_s8((int8_t)-bits));
}

/* All ones in the bytes where a > b, as signed numbers. */
static inline vec vec_greater(vec a, vec b)
{
    return vcgtq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b));
}

/* 18 of the 32 registers. */
struct vec_sbox {
    uint8x16x4_t quarters[4];        /* the S-box's outputs for inputs 0 to 63, 64 to 127, … */
    vec permuted_low, permuted_high; /* the permuted bits of each low digit, of each high digit */
};

static inline struct vec_sbox vec_sbox_load(void)
{
    /* csa2_round_permutation of 00 to 0f, and of 00 to f0 */
    static const uint8_t low[16] = {0x00, 0x02, 0x80, 0x82, 0x20, 0x22, 0xa0, 0xa2,
                                    0x10, 0x12, 0x90, 0x92, 0x30, 0x32, 0xb0, 0xb2};
    static const uint8_t high[16] = {0x00, 0x04, 0x40, 0x44, 0x01, 0x05, 0x41, 0x45,
                                     0x08, 0x0c, 0x48, 0x4c, 0x09, 0x0d, 0x49, 0x4d};
    struct vec_sbox box = {.permuted_low = vld1q_u8(low), .permuted_high = vld1q_u8(high)};

    for (unsigned i = 0; i < 4; i++)
        for (unsigned n = 0; n < 4; n++)
            box.quarters[i].val[n] = vld1q_u8(csa2_sbox + 64 * i + 16 * n);
    return box;
}

/* TBX leaves a byte as it is where its index is out of the table's 64. */
static inline vec vec_sbox_apply(const struct vec_sbox *box, vec in)
{
    vec out = vqtbl4q_u8(box->quarters[0], in);

    out = vqtbx4q_u8(out, box->quarters[1], vec_xor(in, vec_splat(0x40)));
    out = vqtbx4q_u8(out, box->quarters[2], vec_xor(in, vec_splat(0x80)));
    return vqtbx4q_u8(out, box->quarters[3], vec_xor(in, vec_splat(0xc0)));
}

static inline vec vec_sbox_permute(const struct vec_sbox *box, vec a)
{
    vec low = vqtbl1q_u8(box->permuted_low, vec_and(a, vec_splat(0x0f)));

    return vec_xor(low, vqtbl1q_u8(box->permuted_high, vshrq_n_u8(a, 4)));
}

/* Interleaves the low (high) halves: a0 b0 a1 b1 … */
static inline vec vec_interleave_low(vec a, vec b)
{
    return vzip1q_u8(a, b);
}

static inline vec vec_interleave_high(vec a, vec b)
{
    return vzip2q_u8(a, b);
}

/* 16 bytes from lanes[0] + offset, any alignment. */
static inline vec vec_load_parts(const uint8_t *const *lanes, unsigned offset)
{
    return vld1q_u8(lanes[0] + offset);
}

/* The reverse. */
static inline void vec_store_parts(uint8_t *const *lanes, unsigned offset, vec a)
{
    vst1q_u8(lanes[0] + offset, a);
}

#endif
