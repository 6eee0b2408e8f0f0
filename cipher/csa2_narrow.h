/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/csa2_narrow.h: the stream cipher of DVB-CSA2 for a single group of lanes, byte-sliced: one vector
 * holds nibbles of VEC_BYTES lanes. Bit-sliced, it would cost as much as for all eight groups.
 *
 * A template: include a vector_….h with HAVE_VEC_LOOKUP before. Names and clocks are those of csa2_stream.h;
 * constant time in keys and data likewise.
 *
 * An S-box is a look-up in a register of 64 bytes. What costs is to bring its five input bits together, hence
 * the arrangements of csa2_narrow.py. The boxes' outputs come as two sums, in which the bits of X, Y, Z and p
 * stand where they are needed. A1 of a clock depends on the boxes two clocks before, so those of two clocks
 * are looked up side by side. */
#ifndef CIPHER_CSA2_NARROW_H
#define CIPHER_CSA2_NARROW_H

/* Row k - 1 of the window belongs to A(k) and B(k). */
struct csa2_narrow_row {
    vec p, q, r; /* A(k) and A(k + 4) in three arrangements */
    vec b;
};

#include "cipher/csa2_narrow_boxes.h" /* generated */

#define CSA2_NARROW_WINDOW 32 /* clocks between two moves of the registers; seeding takes as many */
#define CSA2_NARROW_ROWS   10 /* that a clock looks back on */

/* What one call needs beside the rows. The owner wipes it: it holds keys. */
struct csa2_narrow {
    struct csa2_narrow_row rows[CSA2_NARROW_WINDOW + CSA2_NARROW_ROWS];
};

/* What the boxes gave for the clock to come. */
struct csa2_narrow_sums {
    vec first, second; /* see csa2_narrow.py */
    vec q;             /* all ones where q is set */
};

struct csa2_narrow_registers {
    struct csa2_narrow_sums sums;
    vec e;
    vec f; /* with r as bit 4 */
    vec d; /* while seeding, where p has its new nibble */
};

/* What a clock of the seed takes in, for A and B. */
struct csa2_narrow_input {
    vec a, b;
};

static inline vec csa2_narrow__z(const struct csa2_narrow_sums *sums)
{
    return vec_select(CSA2_NARROW_Z, sums->first, sums->second);
}

static inline void csa2_narrow__store_a(struct csa2_narrow_row *row, vec p)
{
    vec_store(&row->p, p);
    vec_store(&row->q, vec_affine(p, csa2_narrow_to_q[0]));
    vec_store(&row->r, vec_affine(p, csa2_narrow_to_r[0]));
}

/* A1 and B1 of the next clock, into the row before the window. */
CSA2_TEMPLATE void csa2_narrow__feed(struct csa2_narrow_row *at, const struct csa2_narrow_sums *sums,
                                     const struct csa2_narrow_input *input)
{
    vec shifted = vec_select(CSA2_NARROW_NEW, vec_load(&at[5].q), vec_load(&at[3].q)); /* A10, A4 */
    vec y = vec_select(CSA2_NARROW_Y, sums->first, sums->second);
    vec fed = vec_xor3(y, vec_load(&at[6].b), vec_load(&at[9].b));

    if (input) {
        shifted = vec_xor(shifted, input->a);
        fed = vec_xor(fed, input->b);
    }
    csa2_narrow__store_a(at - 1, vec_xor_masked(shifted, sums->first, CSA2_NARROW_NEW));
    vec_store(&at[-1].b, vec_lookup(csa2_narrow_tables.rotation, fed));
}

/* E, F and r of the next clock: F = Z + E + r with carry r where q is set, F = E elsewhere. */
static inline void csa2_narrow__add(struct csa2_narrow_registers *now)
{
    const vec carry = vec_splat(0x10);
    vec r = vec_affine(now->f, 0x1000000000000000); /* bit 4 as bit 0 */
    vec sum = vec_add(vec_add(csa2_narrow__z(&now->sums), now->e), r);
    vec kept = vec_select(carry, now->f, now->e);

    now->e = vec_and(now->f, vec_splat(0x0f));
    now->f = vec_select(now->sums.q, sum, kept);
}

static inline void csa2_narrow__look_up(const struct csa2_narrow_row *at, struct csa2_narrow_sums *sums)
{
    vec index_7 = csa2_narrow__index_7(at);
    vec late;

    sums->q = vec_lookup(csa2_narrow_tables.q, index_7);
    sums->second = vec_xor3(vec_lookup(csa2_narrow_tables.box_5, csa2_narrow__index_5(at)),
                            vec_lookup(csa2_narrow_tables.box_6, csa2_narrow__index_6(at)),
                            vec_lookup(csa2_narrow_tables.box_7, index_7));
    late = vec_xor3(vec_lookup(csa2_narrow_tables.box_2, csa2_narrow__index_2(at)),
                    vec_lookup(csa2_narrow_tables.box_4, csa2_narrow__index_4(at)),
                    vec_lookup(csa2_narrow_tables.box_3, csa2_narrow__index_3(at)));
    sums->first = vec_xor(late, vec_lookup(csa2_narrow_tables.box_1, csa2_narrow__index_1(at)));
}

/* Two clocks without input. Their sums of E and Z are what they add to D. */
CSA2_TEMPLATE void csa2_narrow__clock_twice(struct csa2_narrow_row *at, struct csa2_narrow_registers *now,
                                            vec sums[2])
{
    struct csa2_narrow_sums next, after;

    csa2_narrow__feed(at, &now->sums, 0);
    csa2_narrow__look_up(at, &next);
    csa2_narrow__look_up(at - 1, &after);
    sums[0] = vec_xor(csa2_narrow__z(&now->sums), now->e);
    csa2_narrow__add(now);
    now->sums = next;
    csa2_narrow__feed(at - 1, &now->sums, 0);
    sums[1] = vec_xor(csa2_narrow__z(&now->sums), now->e);
    csa2_narrow__add(now);
    now->sums = after;
}

/* Four clocks: one byte of key stream. */
static inline vec csa2_narrow__byte(struct csa2_narrow_row *at, struct csa2_narrow_registers *now)
{
    vec sums[4];
    vec byte = vec_zero();

    csa2_narrow__clock_twice(at, now, sums);
    csa2_narrow__clock_twice(at - 2, now, sums + 2);
    CSA2_UNROLLED
    for (int row = 0; row < 10; row += 2)
        byte = vec_xor3(byte, vec_affine(vec_load(&at[row - 1].b), csa2_narrow_key_stream[row]),
                        vec_affine(vec_load(&at[row].b), csa2_narrow_key_stream[row + 1]));
    CSA2_UNROLLED
    for (int clock = 0; clock < 4; clock += 2)
        byte = vec_xor3(byte, vec_affine(sums[clock], csa2_narrow_key_stream_sum[clock]),
                        vec_affine(sums[clock + 1], csa2_narrow_key_stream_sum[clock + 1]));
    return byte;
}

/* D of the next clock. */
static inline void csa2_narrow__mix(const struct csa2_narrow_row *at, struct csa2_narrow_registers *now)
{
    now->d = vec_affine(vec_xor(csa2_narrow__z(&now->sums), now->e), csa2_narrow_low_to_new[0]);
    CSA2_UNROLLED
    for (int i = 0; i < 7; i++)
        now->d = vec_xor(now->d, vec_affine(vec_load(&at[i + 2].b), csa2_narrow_mix[i]));
}

static inline void csa2_narrow__seed_clock(struct csa2_narrow_row *at, struct csa2_narrow_registers *now,
                                           const struct csa2_narrow_input *input)
{
    const struct csa2_narrow_input with_d = {vec_xor(input->a, now->d), input->b};

    csa2_narrow__feed(at, &now->sums, &with_d);
    csa2_narrow__mix(at, now);
    csa2_narrow__add(now);
    csa2_narrow__look_up(at, &now->sums);
}

/* The 32 clocks that take the scrambled block 0 in: each byte's nibbles go crosswise into A and B, twice. */
static inline void csa2_narrow__seed(struct csa2_narrow_row *at, struct csa2_narrow_registers *now,
                                     const vec (*rows)[8])
{
    for (int byte = 0; byte < 8; byte++) {
        const vec in = vec_load(&rows[byte][0]);
        const struct csa2_narrow_input inputs[2] = {
            {vec_affine(in, csa2_narrow_high_to_new[0]), vec_affine(in, csa2_narrow_low_to_b[0])},
            {vec_affine(in, csa2_narrow_low_to_new[0]), vec_affine(in, csa2_narrow_high_to_b[0])},
        };

        for (int clock = 0; clock < 4; clock++)
            csa2_narrow__seed_clock(at--, now, &inputs[clock & 1]);
    }
}

/* Fills A1 to A8 and B1 to B8 with the CW, the others with zeros. */
static inline void csa2_narrow__load_key(struct csa2_narrow_row *at, const vec (*key_rows)[8])
{
    for (int byte = 0; byte < 4; byte++) {
        const vec a = vec_load(&key_rows[byte][0]), b = vec_load(&key_rows[4 + byte][0]);
        const vec old = byte < 2 ? vec_load(&key_rows[byte + 2][0]) : vec_zero();

        csa2_narrow__store_a(&at[2 * byte], vec_xor(vec_affine(a, csa2_narrow_high_to_new[0]),
                                                    vec_affine(old, csa2_narrow_high_to_old[0])));
        csa2_narrow__store_a(&at[2 * byte + 1], vec_xor(vec_affine(a, csa2_narrow_low_to_new[0]),
                                                        vec_affine(old, csa2_narrow_low_to_old[0])));
        vec_store(&at[2 * byte].b, vec_affine(b, csa2_narrow_high_to_b[0]));
        vec_store(&at[2 * byte + 1].b, vec_affine(b, csa2_narrow_low_to_b[0]));
    }
    vec_store(&at[8].b, vec_zero());
    vec_store(&at[9].b, vec_zero());
}

static inline void csa2_narrow__run(struct csa2_narrow *scratch, struct csa2_narrow_registers *now,
                                    vec (*rows)[8], unsigned size)
{
    struct csa2_narrow_row *const top = scratch->rows + CSA2_NARROW_WINDOW;
    struct csa2_narrow_row *at = scratch->rows;

    for (unsigned position = 8; position < size; position++) {
        if (at == scratch->rows) {
            for (int i = CSA2_NARROW_ROWS - 1; i >= 0; i--)
                top[i] = at[i];
            at = top;
        }
        vec_store(&rows[position][0], vec_xor(vec_load(&rows[position][0]), csa2_narrow__byte(at, now)));
        at -= 4;
    }
}

/* As csa2_stream_xor(), for the lanes of group 0 alone. */
static inline void csa2_narrow_xor(vec (*rows)[8], const vec (*key_rows)[8], unsigned size,
                                   struct csa2_narrow *scratch)
{
    struct csa2_narrow_row *const top = scratch->rows + CSA2_NARROW_WINDOW;
    const vec zero = vec_zero();
    struct csa2_narrow_registers now = {{zero, zero, zero}, zero, zero, zero};

    csa2_narrow__load_key(top, key_rows);
    csa2_narrow__seed(top, &now, (const vec(*)[8])rows);
    csa2_narrow__run(scratch, &now, rows, size);
}

#endif
