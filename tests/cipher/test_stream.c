/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bit-sliced stream cipher template (csa2_stream.h) over plain 64-bit words, against libdvbcsa. A
 * payload's residue shows the key stream bare: it is the plain bytes XORed with it, seeded by the scrambled
 * block 0. */
#include <criterion/criterion.h>
#include <dvbcsa/dvbcsa.h>
#include <stdint.h>
#include <stdlib.h>

#define VEC_BYTES 8
typedef uint64_t vec;

static inline vec vec_zero(void)
{
    return 0;
}

static inline vec vec_splat(uint8_t byte)
{
    return byte * UINT64_C(0x0101010101010101);
}

static inline vec vec_and(vec a, vec b)
{
    return a & b;
}

static inline vec vec_or(vec a, vec b)
{
    return a | b;
}

static inline vec vec_xor(vec a, vec b)
{
    return a ^ b;
}

static inline vec vec_andnot(vec a, vec b)
{
    return ~a & b;
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return a ^ b ^ c;
}

static inline vec vec_select(vec mask, vec a, vec b)
{
    return (a & mask) | (b & ~mask);
}

static inline vec vec_shift_left(vec a, int bits)
{
    return a << bits;
}

static inline vec vec_shift_right(vec a, int bits)
{
    return a >> bits;
}

#include "cipher/csa2_stream.h"

#define LANES   (8 * VEC_BYTES)
#define PAYLOAD 184
#define SEED    20041012u

static struct csa2_stream scratch;
static vec rows[PAYLOAD][8], key_rows[8][8];
static uint8_t plain[LANES][PAYLOAD];

/* Every lane gets its own CW and payload, scrambled by libdvbcsa; `size` includes a residue of 7 bytes. */
static void scramble_lanes(unsigned size)
{
    struct dvbcsa_key_s *key = dvbcsa_key_alloc();
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint8_t cw[8], payload[PAYLOAD];
        for (unsigned i = 0; i < sizeof cw; i++)
            ((uint8_t *)key_rows[i])[lane] = cw[i] = (uint8_t)(rand() >> 8);
        for (unsigned i = 0; i < size; i++)
            plain[lane][i] = payload[i] = (uint8_t)(rand() >> 8);
        dvbcsa_key_set(cw, key);
        dvbcsa_encrypt(key, payload, size);
        for (unsigned i = 0; i < size; i++)
            ((uint8_t *)rows[i])[lane] = payload[i];
    }
    dvbcsa_key_free(key);
}

Test(stream, gives_the_residue_back)
{
    srand(SEED);
    for (unsigned size = 15; size < PAYLOAD; size += 8) {
        scramble_lanes(size);
        csa2_stream_xor(rows, (const vec(*)[8])key_rows, size, &scratch);
        for (unsigned lane = 0; lane < LANES; lane++) {
            for (unsigned i = size - 7; i < size; i++)
                cr_expect_eq(((uint8_t *)rows[i])[lane], plain[lane][i], "seed %u, size %u, lane %u, byte %u",
                             SEED, size, lane, i);
        }
    }
}

Test(stream, leaves_the_seed_and_what_is_beyond_the_size)
{
    for (unsigned i = 0; i < PAYLOAD; i++) {
        for (unsigned group = 0; group < 8; group++)
            rows[i][group] = vec_splat((uint8_t)i);
    }
    csa2_stream_xor(rows, (const vec(*)[8])key_rows, 100, &scratch);
    for (unsigned i = 0; i < PAYLOAD; i++) {
        if (i < 8 || i >= 100)
            cr_expect_eq(rows[i][3], vec_splat((uint8_t)i), "row %u", i);
    }
}
