/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/csa2_narrow.h: the stream cipher of DVB-CSA2 for few lanes, byte-sliced: one vector holds nibbles
 * of one group of lanes. Bit-sliced, one group costs as much as eight.
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

#define CSA2_NARROW_GROUPS 2  /* that cost less one by one than bit-sliced */
#define CSA2_NARROW_WINDOW 32 /* clocks between two moves of the registers; seeding takes as many */
#define CSA2_NARROW_ROWS   10 /* that a clock looks back on */

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

/* What one call needs beside the rows. The owner wipes it: it holds keys. */
struct csa2_narrow {
    struct csa2_narrow_row rows[CSA2_NARROW_WINDOW + CSA2_NARROW_ROWS];
    vec state[CSA2_NARROW_STATE];
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
static inline void csa2_narrow__feed(struct csa2_narrow_row *at, const struct csa2_narrow_sums *sums,
                                     const struct csa2_narrow_input *input)
{
    vec shifted = vec_select(CSA2_NARROW_NEW, vec_load(&at[5].q), vec_load(&at[3].q)); /* A10, A4 */
    vec y = vec_select(CSA2_NARROW_Y, sums->first, sums->second);
    vec fed = vec_xor3(y, vec_load(&at[6].b), vec_load(&at[9].b));

    shifted = vec_xor(shifted, input->a);
    fed = vec_xor(fed, input->b);
    csa2_narrow__store_a(at - 1, vec_xor_masked(shifted, sums->first, CSA2_NARROW_NEW));
    vec_store(&at[-1].b, vec_lookup(csa2_narrow_constants[CSA2_NARROW_ROTATION], fed));
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

static inline vec csa2_narrow__box(unsigned number, vec index)
{
    return vec_lookup(csa2_narrow_constants[csa2_narrow_boxes[number - 1]], index);
}

static inline void csa2_narrow__look_up(const struct csa2_narrow_row *at, struct csa2_narrow_sums *sums)
{
    vec index_7 = csa2_narrow__index_7(at);
    vec late;

    sums->q = vec_lookup(csa2_narrow_constants[CSA2_NARROW_Q], index_7);
    sums->second = vec_xor3(csa2_narrow__box(5, csa2_narrow__index_5(at)),
                            csa2_narrow__box(6, csa2_narrow__index_6(at)), csa2_narrow__box(7, index_7));
    late =
        vec_xor3(csa2_narrow__box(2, csa2_narrow__index_2(at)), csa2_narrow__box(4, csa2_narrow__index_4(at)),
                 csa2_narrow__box(3, csa2_narrow__index_3(at)));
    sums->first = vec_xor(late, csa2_narrow__box(1, csa2_narrow__index_1(at)));
}

/* D of the next clock. */
static inline void csa2_narrow__mix(const struct csa2_narrow_row *at, struct csa2_narrow_registers *now)
{
    now->d = vec_affine(vec_xor(csa2_narrow__z(&now->sums), now->e), csa2_narrow_low_to_new[0]);
    CIPHER__UNROLL
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
                                     const vec (*rows)[8], unsigned group)
{
    for (int byte = 0; byte < 8; byte++) {
        const vec in = vec_load(&rows[byte][group]);
        const struct csa2_narrow_input inputs[2] = {
            {vec_affine(in, csa2_narrow_high_to_new[0]), vec_affine(in, csa2_narrow_low_to_b[0])},
            {vec_affine(in, csa2_narrow_low_to_new[0]), vec_affine(in, csa2_narrow_high_to_b[0])},
        };

        for (int clock = 0; clock < 4; clock++)
            csa2_narrow__seed_clock(at--, now, &inputs[clock & 1]);
    }
}

/* Fills A1 to A8 and B1 to B8 with the CW, the others with zeros. */
static inline void csa2_narrow__load_key(struct csa2_narrow_row *at, const vec (*key_rows)[8], unsigned group)
{
    for (int byte = 0; byte < 4; byte++) {
        const vec a = vec_load(&key_rows[byte][group]), b = vec_load(&key_rows[4 + byte][group]);
        const vec old = byte < 2 ? vec_load(&key_rows[byte + 2][group]) : vec_zero();

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

static inline void csa2_narrow__hand_over(struct csa2_narrow *scratch,
                                          const struct csa2_narrow_registers *now)
{
    const vec state[] = {now->sums.first, now->sums.second, now->sums.q, now->e, now->f};

    CIPHER__UNROLL
    for (unsigned i = 0; i < sizeof state / sizeof *state; i++)
        vec_store(&scratch->state[i], state[i]);
}

/* Moves the registers from the bottom of the memory to its top, vector by vector as they are loaded again. */
static inline void csa2_narrow__rewind(struct csa2_narrow_row *rows)
{
    for (unsigned i = 0; i < CSA2_NARROW_ROWS; i++) {
        struct csa2_narrow_row *to = &rows[CSA2_NARROW_WINDOW + i];

        vec_store(&to->p, vec_load(&rows[i].p));
        vec_store(&to->q, vec_load(&rows[i].q));
        vec_store(&to->r, vec_load(&rows[i].r));
        vec_store(&to->b, vec_load(&rows[i].b));
    }
}

static inline void csa2_narrow__run(struct csa2_narrow *scratch, vec (*rows)[8], unsigned group,
                                    unsigned size)
{
    struct csa2_narrow_row *at = scratch->rows;

    for (unsigned position = 8; position < size; position++) {
        if (at == scratch->rows) {
            csa2_narrow__rewind(scratch->rows);
            at += CSA2_NARROW_WINDOW;
        }
        csa2_narrow__byte(at, scratch->state, &rows[position][group]);
        at -= 4;
    }
}

/* As csa2_stream_xor(), for the lanes of one group. */
static inline void csa2_narrow_xor(vec (*rows)[8], const vec (*key_rows)[8], unsigned group, unsigned size,
                                   struct csa2_narrow *scratch)
{
    struct csa2_narrow_row *const top = scratch->rows + CSA2_NARROW_WINDOW;
    const vec zero = vec_zero();
    struct csa2_narrow_registers now = {{zero, zero, zero}, zero, zero, zero};

    csa2_narrow__load_key(top, key_rows, group);
    csa2_narrow__seed(top, &now, (const vec(*)[8])rows, group);
    csa2_narrow__hand_over(scratch, &now);
    csa2_narrow__run(scratch, rows, group, size);
}

#endif
