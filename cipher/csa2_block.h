/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/csa2_block.h: DVB-CSA2's block cipher and its reverse chaining over byte-sliced rows. A template:
 * include a vector_….h before.
 *
 * A chain is one vector of lanes on its way through the rounds. A round depends on the round before, for some
 * ten cycles, so several chains run side by side: scrambling takes them from different groups (a lane's
 * blocks depend on each other), descrambling from successive blocks of one group.
 *
 * The state and the folded keys: csa2_key.h. x(t) is kept in a ring of eight, z(t) in a ring of two, so that
 * eight unrolled rounds bring every name back to its place. */
#ifndef CIPHER_CSA2_BLOCK_H
#define CIPHER_CSA2_BLOCK_H

#include <stdbool.h>

#include "cipher/csa2_ahead.h"
#include "cipher/csa2_tables.h"
#include "cipher/csa2_transpose.h"

#define CSA2_UNROLL     8 /* rounds; the length of the longest ring */
#define CSA2_CHAINS_MAX 8
#ifndef CSA2_UNROLLED_CHAINS
#define CSA2_UNROLLED_CHAINS CIPHER__UNROLL
#endif

_Static_assert(CSA2_ROUNDS % CSA2_UNROLL == 0, "the rings stand at their start after the last round");

/* Byte-sliced keys of a slice. */
struct csa2_key_rows {
    vec fold[CSA2_ROUNDS + CSA2_BLOCK][CSA2_GROUPS]; /* f(t + 1) at t; then the CW */
    vec first[CSA2_GROUPS];                          /* f(0) */
    vec last[CSA2_GROUPS];                           /* k(55) */
    vec whitening[6][CSA2_GROUPS];                   /* a(56) to a(61) */
};

struct csa2_state {
    vec x[CSA2_UNROLL];
    vec z[2];
};

/* The rows that csa2_key leaves out, for one group. The CW gives k(48) to k(55), so that f(49) to f(55) give
 * a(48) to a(54), and from there the recurrence goes on; f(0) makes room for f(56) = a(55). */
CIPHER__INLINE void csa2_derive_keys(struct csa2_key_rows *keys, unsigned group)
{
    vec k[CSA2_BLOCK], a[CSA2_BLOCK + 6];

    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        k[i] = vec_xor(vec_load(&keys->fold[CSA2_ROUNDS + i][group]), vec_splat(CSA2_LAYERS - 1));
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_BLOCK - 1; i++)
        a[i] = vec_xor(vec_load(&keys->fold[CSA2_ROUNDS - CSA2_BLOCK + i][group]), k[i + 1]);
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_BLOCK - 1; i++)
        a[i + 7] = vec_xor(vec_xor3(a[i + 3], a[i + 4], a[i + 5]), k[i]);

    vec_store(&keys->first[group], vec_load(&keys->fold[CSA2_ROUNDS - 1][group]));
    vec_store(&keys->fold[CSA2_ROUNDS - 1][group], a[7]);
    vec_store(&keys->last[group], k[7]);
    CIPHER__UNROLL
    for (unsigned i = 0; i < 6; i++)
        vec_store(&keys->whitening[i][group], a[i + 8]);
}

/* x(t) to x(t + 5) from a block's first six bytes. */
CIPHER__INLINE void csa2_enter(vec x[6], const vec block[6])
{
    vec x01 = vec_xor(block[0], block[1]), x12 = vec_xor3(block[1], block[2], block[0]);

    x[0] = block[0];
    x[1] = block[1];
    x[2] = vec_xor(block[2], block[0]);
    x[3] = vec_xor(block[3], x01);
    x[4] = vec_xor3(block[4], x01, x[2]);
    x[5] = vec_xor3(block[5], x12, x[3]);
}

/* The reverse. */
CIPHER__INLINE void csa2_leave(vec block[6], const vec x[6])
{
    vec x01 = vec_xor(x[0], x[1]), x12 = vec_xor(x[1], x[2]);

    block[0] = x[0];
    block[1] = x[1];
    block[2] = vec_xor(x[2], x[0]);
    block[3] = vec_xor(x[3], x01);
    block[4] = vec_xor3(x[4], x01, x[2]);
    block[5] = vec_xor3(x[5], x12, x[3]);
}

/* Between x with the folded keys in it and x itself, after round 55. */
CIPHER__INLINE void csa2_whiten(vec to[6], const vec x[6], const struct csa2_key_rows *keys, unsigned group)
{
    CIPHER__UNROLL
    for (unsigned i = 0; i < 6; i++)
        to[i] = vec_xor(x[i], vec_load(&keys->whitening[i][group]));
}

/* The state before round 0, and back. */
CIPHER__INLINE void csa2_enter_front(struct csa2_state *state, const vec block[CSA2_BLOCK],
                                     const struct csa2_key_rows *keys, unsigned group)
{
    csa2_enter(state->x, block);
    state->z[1] = block[6];
    state->z[0] = vec_xor(block[7], vec_load(&keys->first[group]));
}

CIPHER__INLINE void csa2_leave_front(vec block[CSA2_BLOCK], const struct csa2_state *state,
                                     const struct csa2_key_rows *keys, unsigned group)
{
    csa2_leave(block, state->x);
    block[6] = state->z[1];
    block[7] = vec_xor(state->z[0], vec_load(&keys->first[group]));
}

/* The state after round 55, and back. */
CIPHER__INLINE void csa2_enter_back(struct csa2_state *state, const vec block[CSA2_BLOCK],
                                    const struct csa2_key_rows *keys, unsigned group)
{
    vec x[6];

    csa2_enter(x, block);
    csa2_whiten(state->x, x, keys, group);
    state->z[1] = vec_xor(block[6], vec_load(&keys->last[group]));
    state->z[0] = block[7];
}

CIPHER__INLINE void csa2_leave_back(vec block[CSA2_BLOCK], const struct csa2_state *state,
                                    const struct csa2_key_rows *keys, unsigned group)
{
    vec x[6];

    csa2_whiten(x, state->x, keys, group);
    csa2_leave(block, x);
    block[6] = vec_xor(state->z[1], vec_load(&keys->last[group]));
    block[7] = state->z[0];
}

CIPHER__INLINE void csa2_encrypt_round(struct csa2_state *state, const struct vec_sbox *box, unsigned t,
                                       const vec *fold)
{
    vec *x = state->x, *z = state->z;
    vec s = vec_sbox_apply(box, z[t % 2]);
    vec sum = vec_xor3(x[(t + 2) % CSA2_UNROLL], x[(t + 3) % CSA2_UNROLL], x[(t + 4) % CSA2_UNROLL]);
    vec before = z[(t + 1) % 2];

    z[(t + 1) % 2] = vec_xor3(x[t % CSA2_UNROLL], vec_load(fold), s);
    x[(t + 6) % CSA2_UNROLL] = vec_xor3(before, sum, vec_sbox_permute(box, s));
}

CIPHER__INLINE void csa2_decrypt_round(struct csa2_state *state, const struct vec_sbox *box, unsigned t,
                                       const vec *fold)
{
    vec *x = state->x, *z = state->z;
    vec s = vec_sbox_apply(box, z[t % 2]);
    vec sum = vec_xor3(x[(t + 2) % CSA2_UNROLL], x[(t + 3) % CSA2_UNROLL], x[(t + 4) % CSA2_UNROLL]);
    vec after = z[(t + 1) % 2];

    z[(t + 1) % 2] = vec_xor3(x[(t + 6) % CSA2_UNROLL], sum, vec_sbox_permute(box, s));
    x[t % CSA2_UNROLL] = vec_xor3(after, vec_load(fold), s);
}

/* All rounds of one block of each chain, the chain's group being `group` + its number. */
CIPHER__INLINE void csa2_encrypt_rounds(struct csa2_state *states, unsigned chains,
                                        const struct csa2_key_rows *keys, unsigned group)
{
    const struct vec_sbox box = vec_sbox_load();

    for (unsigned t = 0; t < CSA2_ROUNDS; t += CSA2_UNROLL) {
        CIPHER__UNROLL
        for (unsigned u = 0; u < CSA2_UNROLL; u++) {
            CSA2_UNROLLED_CHAINS
            for (unsigned c = 0; c < chains; c++)
                csa2_encrypt_round(&states[c], &box, u, &keys->fold[t + u][group + c]);
        }
    }
}

/* All rounds of one block of each chain, all of the same group. */
CIPHER__INLINE void csa2_decrypt_rounds(struct csa2_state *states, unsigned chains,
                                        const struct csa2_key_rows *keys, unsigned group)
{
    const struct vec_sbox box = vec_sbox_load();

    for (unsigned t = CSA2_ROUNDS; t > 0; t -= CSA2_UNROLL) {
        CIPHER__UNROLL
        for (unsigned i = 0; i < CSA2_UNROLL; i++) {
            const unsigned u = CSA2_UNROLL - 1 - i;
            CSA2_UNROLLED_CHAINS
            for (unsigned c = 0; c < chains; c++)
                csa2_decrypt_round(&states[c], &box, u, &keys->fold[t - CSA2_UNROLL + u][group]);
        }
    }
}

CIPHER__INLINE void csa2_load_block(vec block[CSA2_BLOCK], const vec (*rows)[CSA2_GROUPS], unsigned group)
{
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        block[i] = vec_load(&rows[i][group]);
}

CIPHER__INLINE void csa2_store_block(vec (*rows)[CSA2_GROUPS], unsigned group, const vec block[CSA2_BLOCK])
{
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        vec_store(&rows[i][group], block[i]);
}

/* As csa2_store_block(), for the lanes of the mask alone. */
CIPHER__INLINE void csa2_store_some(vec (*rows)[CSA2_GROUPS], unsigned group, const vec block[CSA2_BLOCK],
                                    vec mask)
{
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        vec_store(&rows[i][group], vec_select(mask, block[i], vec_load(&rows[i][group])));
}

CIPHER__INLINE void csa2_mask_block(vec block[CSA2_BLOCK], vec mask)
{
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        block[i] = vec_and(block[i], mask);
}

/* Which lanes of a group have the block. */
CIPHER__INLINE vec csa2_has_block(const vec counts[CSA2_GROUPS], unsigned group, unsigned block)
{
    return vec_greater(vec_load(&counts[group]), vec_splat((uint8_t)block));
}

/* XORs the scrambled block `next` to a block, where the lane has it: to plain text before encryption and
 * after decryption. */
CIPHER__INLINE void csa2_chain_block(vec block[CSA2_BLOCK], const vec (*rows)[CSA2_GROUPS],
                                     const vec counts[CSA2_GROUPS], unsigned group, unsigned next, bool mixed)
{
    vec after[CSA2_BLOCK];

    csa2_load_block(after, rows + next * CSA2_BLOCK, group);
    if (mixed)
        csa2_mask_block(after, csa2_has_block(counts, group, next));
    CIPHER__UNROLL
    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        block[i] = vec_xor(block[i], after[i]);
}

/* Stores a block for the lanes that have it. */
CIPHER__INLINE void csa2_keep_block(vec (*rows)[CSA2_GROUPS], const vec counts[CSA2_GROUPS], unsigned group,
                                    unsigned number, const vec block[CSA2_BLOCK], bool mixed)
{
    vec(*row)[CSA2_GROUPS] = rows + number * CSA2_BLOCK;

    if (mixed)
        csa2_store_some(row, group, block, csa2_has_block(counts, group, number));
    else
        csa2_store_block(row, group, block);
}

/* Reverse chaining over `chains` groups from `group` on, from the last of `blocks` blocks to the first.
 *
 * `counts` is the number of blocks of each lane. `mixed` says that some lanes have fewer than `blocks`: the
 * rows of a block that a lane does not have stay as they are, and the lane's chain starts at its own last. */
CIPHER__INLINE void csa2_encrypt_groups(vec (*rows)[CSA2_GROUPS], const struct csa2_key_rows *keys,
                                        const vec counts[CSA2_GROUPS], unsigned group, unsigned chains,
                                        unsigned blocks, bool mixed, struct csa2_ahead *ahead)
{
    struct csa2_state states[CSA2_CHAINS_MAX];

    for (unsigned b = blocks; b-- > 0;) {
        CIPHER__UNROLL
        for (unsigned c = 0; c < chains; c++) {
            vec block[CSA2_BLOCK];

            csa2_load_block(block, rows + b * CSA2_BLOCK, group + c);
            if (b + 1 < blocks)
                csa2_chain_block(block, rows, counts, group + c, b + 1, mixed);
            csa2_enter_front(&states[c], block, keys, group + c);
        }
        csa2_fetch_ahead(ahead);
        csa2_encrypt_rounds(states, chains, keys, group);
        CIPHER__UNROLL
        for (unsigned c = 0; c < chains; c++) {
            vec block[CSA2_BLOCK];

            csa2_leave_back(block, &states[c], keys, group + c);
            csa2_keep_block(rows, counts, group + c, b, block, mixed);
        }
    }
}

/* Undoes the chaining of one group, `chains` blocks at a time; parameters as above. The last turn may read
 * rows after the last block, up to CSA2_CHAINS_MAX - 1 blocks; what becomes of them is not kept. */
CIPHER__INLINE void csa2_decrypt_group(vec (*rows)[CSA2_GROUPS], const struct csa2_key_rows *keys,
                                       const vec counts[CSA2_GROUPS], unsigned group, unsigned chains,
                                       unsigned blocks, bool mixed, struct csa2_ahead *ahead)
{
    struct csa2_state states[CSA2_CHAINS_MAX];

    for (unsigned b = 0; b < blocks; b += chains) {
        CIPHER__UNROLL
        for (unsigned c = 0; c < chains; c++) {
            vec block[CSA2_BLOCK];

            csa2_load_block(block, rows + (b + c) * CSA2_BLOCK, group);
            csa2_enter_back(&states[c], block, keys, group);
        }
        csa2_fetch_ahead(ahead);
        csa2_decrypt_rounds(states, chains, keys, group);
        CIPHER__UNROLL
        for (unsigned c = 0; c < chains; c++) {
            vec block[CSA2_BLOCK];

            if (b + c >= blocks)
                break;
            csa2_leave_front(block, &states[c], keys, group);
            if (b + c + 1 < blocks)
                csa2_chain_block(block, rows, counts, group, b + c + 1, mixed);
            csa2_keep_block(rows, counts, group, b + c, block, mixed);
        }
    }
}

#endif
