/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/csa2_stream.h: the stream cipher of DVB-CSA2, bit-sliced: one vector holds one bit of all lanes.
 *
 * A template. The includer defines `vec`, VEC_BYTES and the operations on it (cipher/vector_<isa>.h) before;
 * a slice has 8 * VEC_BYTES lanes, lane group * VEC_BYTES + j being byte j of the vectors of its group. Of
 * the vector headers it needs, beyond logic: vec_transpose_bits and vec_interleave_low, _high where
 * HAVE_VEC_TERNARY is defined (AVX-512), vec_shift_left and vec_shift_right elsewhere. Constant time in keys
 * and data.
 *
 * Names follow the published analysis (Weinmann and Wirt, "Analysis of the DVB Common Scrambling
 * Algorithm"): shift registers A1..A10 and B1..B10 of nibbles, nibbles X, Y, Z, D, E, F, bits p, q, r. The
 * shift registers do not move clock by clock: a window slides down over memory, to be taken back to the top
 * now and then (or the memory is a ring, csa2_stream_avx512.py). */
#if defined(VEC_BYTES) && !defined(CIPHER_CSA2_STREAM_H)
#define CIPHER_CSA2_STREAM_H

#include "cipher/csa2_gates.h" /* generated */

#ifdef HAVE_VEC_TERNARY
#include "cipher/csa2_stream_avx512.h" /* generated */
#endif

/* Clocks between two moves of the registers: a multiple of 4, and enough to seed without a move. */
#define CSA2_STREAM_WINDOW 32

/* What one call needs beside the rows. The owner wipes it: it holds keys and key stream. */
struct csa2_stream {
    /* [clock][bit]: from the window's beginning A1, A2 … A10, and A10 of the clock before */
    vec a[CSA2_STREAM_WINDOW + 11][4];
    vec b[CSA2_STREAM_WINDOW + 11][4];
    vec planes[8]; /* one byte of key stream, key or seed */
#ifdef HAVE_VEC_TERNARY
    vec state[CSA2_STREAM_STATE]; /* of the generated functions; A and B are then their rings */
#endif
};

/* The short registers: of all 27 the machine's own hold as many as there are. */
struct csa2_stream_registers {
    vec x[4], y[4], z[4], d[4], e[4], f[4];
    vec p, q, r;
};

#define CSA2_A(k, bit) a[(k)-1][bit]
#define CSA2_B(k, bit) b[(k)-1][bit]

static inline vec csa2_stream__xor4(vec w, vec x, vec y, vec z)
{
    return vec_xor(vec_xor3(w, x, y), z);
}

/* The seven boxes: what A gives to X, Y, Z, p and q of the next clock. */
static inline void csa2_stream__substitute(const vec (*a)[4], struct csa2_stream_registers *next)
{
    csa2_box_4(CSA2_A(3, 3), CSA2_A(1, 1), CSA2_A(2, 3), CSA2_A(4, 2), CSA2_A(8, 0), &next->y[1],
               &next->x[3]);
    csa2_box_3(CSA2_A(1, 3), CSA2_A(2, 0), CSA2_A(5, 1), CSA2_A(5, 3), CSA2_A(6, 2), &next->y[0],
               &next->x[2]);
    csa2_box_2(CSA2_A(2, 1), CSA2_A(3, 2), CSA2_A(6, 3), CSA2_A(7, 0), CSA2_A(9, 1), &next->x[1],
               &next->z[3]);
    csa2_box_1(CSA2_A(4, 0), CSA2_A(1, 2), CSA2_A(6, 1), CSA2_A(7, 3), CSA2_A(9, 0), &next->x[0],
               &next->z[2]);
    csa2_box_5(CSA2_A(5, 2), CSA2_A(4, 3), CSA2_A(6, 0), CSA2_A(8, 1), CSA2_A(9, 2), &next->z[0],
               &next->y[2]);
    csa2_box_6(CSA2_A(3, 1), CSA2_A(4, 1), CSA2_A(5, 0), CSA2_A(7, 2), CSA2_A(9, 3), &next->z[1],
               &next->y[3]);
    csa2_box_7(CSA2_A(2, 2), CSA2_A(3, 0), CSA2_A(7, 1), CSA2_A(8, 2), CSA2_A(8, 3), &next->p, &next->q);
}

/* A1 of the next clock. While seeding, `input` and D join. */
static inline void csa2_stream__feed_a(vec (*a)[4], const struct csa2_stream_registers *now, const vec *input)
{
#pragma GCC unroll 8
    for (int bit = 0; bit < 4; bit++) {
        const vec fed = vec_xor(CSA2_A(10, bit), now->x[bit]);
        CSA2_A(0, bit) = input ? vec_xor3(fed, now->d[bit], input[bit]) : fed;
    }
}

/* B1 of the next clock: the sum, rotated by one bit where p is set. */
static inline void csa2_stream__feed_b(vec (*b)[4], const struct csa2_stream_registers *now, const vec *input)
{
    vec fed[4];
#pragma GCC unroll 8
    for (int bit = 0; bit < 4; bit++) {
        fed[bit] = vec_xor3(CSA2_B(7, bit), CSA2_B(10, bit), now->y[bit]);
        if (input)
            fed[bit] = vec_xor(fed[bit], input[bit]);
    }
    CSA2_B(0, 0) = vec_select(now->p, fed[3], fed[0]);
    CSA2_B(0, 1) = vec_select(now->p, fed[0], fed[1]);
    CSA2_B(0, 2) = vec_select(now->p, fed[1], fed[2]);
    CSA2_B(0, 3) = vec_select(now->p, fed[2], fed[3]);
}

/* D of the next clock. */
static inline void csa2_stream__mix(const vec (*b)[4], struct csa2_stream_registers *now)
{
    now->d[3] = vec_xor3(csa2_stream__xor4(CSA2_B(3, 0), CSA2_B(6, 1), CSA2_B(7, 2), CSA2_B(9, 3)), now->e[3],
                         now->z[3]);
    now->d[2] = vec_xor3(csa2_stream__xor4(CSA2_B(6, 0), CSA2_B(8, 1), CSA2_B(3, 3), CSA2_B(4, 2)), now->e[2],
                         now->z[2]);
    now->d[1] = vec_xor3(csa2_stream__xor4(CSA2_B(5, 3), CSA2_B(8, 2), CSA2_B(4, 0), CSA2_B(5, 1)), now->e[1],
                         now->z[1]);
    now->d[0] = vec_xor3(csa2_stream__xor4(CSA2_B(9, 2), CSA2_B(6, 3), CSA2_B(3, 1), CSA2_B(8, 0)), now->e[0],
                         now->z[0]);
}

/* E, F and r of the next clock: F = Z + E + r with carry r where q is set, F = E elsewhere. The next carry is
 * the majority of Z, E and carry: the carry itself, flipped where both others differ from it. */
static inline void csa2_stream__add(struct csa2_stream_registers *now)
{
    vec carry = now->r;
#pragma GCC unroll 8
    for (int bit = 0; bit < 4; bit++) {
        const vec e = now->e[bit], differs = vec_xor(now->z[bit], carry);
        now->e[bit] = now->f[bit];
        now->f[bit] = vec_xor(e, vec_and(now->q, differs));
        carry = vec_xor(carry, vec_and(differs, vec_xor(e, carry)));
    }
    now->r = vec_select(now->q, carry, now->r);
}

/* One clock of everything but the boxes; the window of the next one begins a row lower. */
static inline void csa2_stream__shift(vec (*a)[4], vec (*b)[4], struct csa2_stream_registers *now,
                                      const vec *input_a, const vec *input_b)
{
    csa2_stream__feed_a(a, now, input_a);
    csa2_stream__feed_b(b, now, input_b);
    csa2_stream__mix((const vec(*)[4])b, now);
    csa2_stream__add(now);
}

#ifdef HAVE_VEC_TERNARY

/* One step of a perfect shuffle of eight vectors' bytes: within each 16-byte part, the seven bits of a byte's
 * index (three of the vector, four of the byte) rotate by one. */
static inline void csa2_stream__shuffle(vec v[8])
{
    const vec a = v[0], b = v[1], c = v[2], d = v[3];
    v[0] = vec_interleave_low(a, v[4]);
    v[1] = vec_interleave_high(a, v[4]);
    v[2] = vec_interleave_low(b, v[5]);
    v[3] = vec_interleave_high(b, v[5]);
    v[4] = vec_interleave_low(c, v[6]);
    v[5] = vec_interleave_high(c, v[6]);
    v[6] = vec_interleave_low(d, v[7]);
    v[7] = vec_interleave_high(d, v[7]);
}

/* Bit planes, the highest first, of one byte position's row. Four steps: the generated functions take three
 * on the way back, and seven are none. */
static inline void csa2_stream__slice(vec planes[8], const vec row[8])
{
#pragma GCC unroll 8
    for (int group = 0; group < 8; group++)
        planes[group] = vec_transpose_bits(row[group]);
#pragma GCC unroll 8
    for (int step = 0; step < 4; step++)
        csa2_stream__shuffle(planes);
}

#else

/* Swaps the bits of `high` that stand under `mask` with those of `low` that stand `distance` above it. */
static inline void csa2_stream__swap(vec *high, vec *low, int distance, vec mask)
{
    const vec difference = vec_and(vec_xor(vec_shift_right(*low, distance), *high), mask);
    *high = vec_xor(*high, difference);
    *low = vec_xor(*low, vec_shift_left(difference, distance));
}

/* Transposes the 8 by 8 bits that equal bytes of eight vectors form; its own inverse. Plane 7 - k holds bit
 * k. */
static inline void csa2_stream__transpose(vec v[8])
{
    static const struct {
        int distance;
        uint8_t mask;
    } steps[3] = {{4, 0x0f}, {2, 0x33}, {1, 0x55}};
#pragma GCC unroll 8
    for (int step = 0; step < 3; step++) {
        const int distance = steps[step].distance;
        const vec mask = vec_splat(steps[step].mask);
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            if (!(i & distance))
                csa2_stream__swap(&v[i], &v[i + distance], distance, mask);
        }
    }
}

static inline void csa2_stream__slice(vec planes[8], const vec row[8])
{
#pragma GCC unroll 8
    for (int group = 0; group < 8; group++)
        planes[group] = row[group];
    csa2_stream__transpose(planes);
}

static inline void csa2_stream__xor_planes(vec row[8], const vec planes[8])
{
    vec v[8];
#pragma GCC unroll 8
    for (int plane = 0; plane < 8; plane++)
        v[plane] = planes[plane];
    csa2_stream__transpose(v);
#pragma GCC unroll 8
    for (int group = 0; group < 8; group++)
        row[group] = vec_xor(row[group], v[group]);
}

#endif

/* A nibble of a byte's planes, lowest bit first. */
static inline void csa2_stream__nibble(vec nibble[4], const vec planes[8], int high)
{
#pragma GCC unroll 8
    for (int bit = 0; bit < 4; bit++)
        nibble[bit] = planes[(high ? 3 : 7) - bit];
}

/* Fills A1..A8 and B1..B8 with the CW. */
static inline void csa2_stream__load_key(vec (*a)[4], vec (*b)[4], const vec (*key_rows)[8], vec planes[8])
{
    for (int byte = 0; byte < 8; byte++) {
        vec(*nibbles)[4] = (byte < 4 ? a : b) + 2 * (byte & 3);
        csa2_stream__slice(planes, key_rows[byte]);
        csa2_stream__nibble(nibbles[0], planes, 1);
        csa2_stream__nibble(nibbles[1], planes, 0);
    }
#pragma GCC unroll 8
    for (int bit = 0; bit < 4; bit++)
        CSA2_A(9, bit) = CSA2_A(10, bit) = CSA2_B(9, bit) = CSA2_B(10, bit) = vec_zero();
}

/* The 32 clocks that take the scrambled block 0 in: each byte's nibbles go crosswise into A and B, twice. */
static inline void csa2_stream__seed(struct csa2_stream *scratch, struct csa2_stream_registers *now,
                                     const vec (*rows)[8])
{
    unsigned at = CSA2_STREAM_WINDOW;
    for (int byte = 0; byte < 8; byte++) {
        vec nibbles[2][4];
        csa2_stream__slice(scratch->planes, rows[byte]);
        csa2_stream__nibble(nibbles[0], scratch->planes, 1);
        csa2_stream__nibble(nibbles[1], scratch->planes, 0);
#pragma GCC unroll 8
        for (int clock = 0; clock < 4; clock++, at--) {
            csa2_stream__shift(scratch->a + at, scratch->b + at, now, nibbles[clock & 1],
                               nibbles[~clock & 1]);
            csa2_stream__substitute((const vec(*)[4])(scratch->a + at), now);
        }
    }
}

#ifdef HAVE_VEC_TERNARY

/* What the generated functions keep beside A and B. The sums of B are those of clocks gone by. */
static inline void csa2_stream__hand_over(struct csa2_stream *scratch,
                                          const struct csa2_stream_registers *now)
{
    vec *state = scratch->state;
    for (int bit = 0; bit < 4; bit++) {
        state[CSA2_STREAM_E + bit] = now->e[bit];
        state[CSA2_STREAM_F + bit] = now->f[bit];
    }
    state[CSA2_STREAM_R] = now->r;
    for (int ago = 2; ago > 0; ago--) {
        const vec(*b)[4] = (const vec(*)[4])(scratch->b + ago);
        state[CSA2_STREAM_TRIPLES + 2 - ago] = vec_xor3(CSA2_B(6, 0), CSA2_B(7, 2), CSA2_B(3, 3));
    }
    for (int ago = 3; ago > 0; ago--) {
        const vec(*b)[4] = (const vec(*)[4])(scratch->b + ago);
        state[CSA2_STREAM_PAIRS + 3 - ago] = vec_xor(CSA2_B(3, 1), CSA2_B(5, 1));
    }
}

/* After the seed, A and B stand at the bottom of their memory, where the rings of the generated functions
 * begin. */
static inline void csa2_stream__run(struct csa2_stream *scratch, struct csa2_stream_registers *now,
                                    vec (*rows)[8], unsigned size)
{
    static void (*const bytes[4])(vec(*a)[4], vec(*b)[4], vec * state, vec * row) = {
        csa2_stream__byte_0, csa2_stream__byte_1, csa2_stream__byte_2, csa2_stream__byte_3};
    csa2_stream__hand_over(scratch, now);
    for (unsigned position = 8; position < size; position++)
        bytes[position & 3](scratch->a, scratch->b, scratch->state, rows[position]);
}

#else

/* Moves A and B from the bottom of the memory to its top. */
static inline void csa2_stream__rewind(struct csa2_stream *scratch)
{
#pragma GCC unroll 8
    for (int i = 10; i >= 0; i--) {
#pragma GCC unroll 8
        for (int bit = 0; bit < 4; bit++) {
            scratch->a[CSA2_STREAM_WINDOW + i][bit] = scratch->a[i][bit];
            scratch->b[CSA2_STREAM_WINDOW + i][bit] = scratch->b[i][bit];
        }
    }
}

/* Four clocks: one byte of key stream, two bits a clock, the highest first. Each begins with the boxes of the
 * clock before, so that only E, F and r stay in use from one to the next. */
static inline void csa2_stream__byte(vec (*a)[4], vec (*b)[4], struct csa2_stream_registers *now,
                                     vec planes[8])
{
#pragma GCC unroll 8
    for (int clock = 0; clock < 4; clock++) {
        csa2_stream__substitute((const vec(*)[4])(a + 1 - clock), now);
        csa2_stream__shift(a - clock, b - clock, now, 0, 0);
        planes[2 * clock] = vec_xor(now->d[3], now->d[2]);
        planes[2 * clock + 1] = vec_xor(now->d[1], now->d[0]);
    }
}

static inline void csa2_stream__run(struct csa2_stream *scratch, struct csa2_stream_registers *now,
                                    vec (*rows)[8], unsigned size)
{
    for (unsigned position = 8, at = 0; position < size; position++, at -= 4) {
        if (!at) {
            csa2_stream__rewind(scratch);
            at = CSA2_STREAM_WINDOW;
        }
        csa2_stream__byte(scratch->a + at, scratch->b + at, now, scratch->planes);
        csa2_stream__xor_planes(rows[position], scratch->planes);
    }
}

#endif

/* XORs the key stream into rows[8] to rows[size - 1], `size` being 8 or more. `key_rows` are the eight bytes
 * of the lanes' CWs, rows[0] to rows[7] their scrambled block 0. */
static inline void csa2_stream_xor(vec (*rows)[8], const vec (*key_rows)[8], unsigned size,
                                   struct csa2_stream *scratch)
{
    struct csa2_stream_registers now;
    const vec zero = vec_zero();
#pragma GCC unroll 8
    for (int bit = 0; bit < 4; bit++)
        now.x[bit] = now.y[bit] = now.z[bit] = now.d[bit] = now.e[bit] = now.f[bit] = zero;
    now.p = now.q = now.r = zero;
    csa2_stream__load_key(scratch->a + CSA2_STREAM_WINDOW, scratch->b + CSA2_STREAM_WINDOW, key_rows,
                          scratch->planes);
    csa2_stream__seed(scratch, &now, (const vec(*)[8])rows);
    csa2_stream__run(scratch, &now, rows, size);
}

#endif
