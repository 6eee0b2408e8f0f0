/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/csa2_key.h: what the sliced DVB-CSA2 tiers prepare from a CW: one cache line that serves both
 * directions. Private to cipher/. Any thread; about 170 ns a CW.
 *
 * The block cipher's round, with block bytes R1..R8, is a recurrence. With x(t) for R1 and y(t) for R8 before
 * round t, k(t) its key, s = S(k ^ y), p the permuted s:
 *
 *     y(t+1) = x(t) ^ s(t)        x(t+6) = y(t-1) ^ p(t) ^ x(t+2) ^ x(t+3) ^ x(t+4)
 *
 * It is linear but for S, so the keys can travel along with the state: let z(t) = y(t) ^ k(t) and let x carry
 * a whitening a(t), zero for t under 6. Then
 *
 *     z(t+1) = x(t) ^ s(t) ^ f(t+1)        x(t+6) = z(t-1) ^ p(t) ^ x(t+2) ^ x(t+3) ^ x(t+4)
 *     f(t) = k(t) ^ a(t-1)                 a(t+6) = k(t-1) ^ a(t+2) ^ a(t+3) ^ a(t+4)
 *
 * where k(-1) and k(56) are zero: a round needs one folded key f and three XORs of three. Read backwards the
 * same equations decrypt, with the same f. What is left to XOR at the ends of a block, csa2_block.h derives
 * from the line: the last layer of the key schedule is the CW. */
#ifndef CIPHER_CSA2_KEY_H
#define CIPHER_CSA2_KEY_H

#include "cipher/csa2_tables.h"
#include "cipher/tier.h"

struct csa2_key {
    uint8_t folded[CSA2_ROUNDS]; /* f(1) to f(55), then f(0) */
    uint8_t cw[CSA2_BLOCK];
};
#define CSA2_KEY_SIZE 64
_Static_assert(sizeof(struct csa2_key) == CSA2_KEY_SIZE, "a key is one cache line");

#define CSA2_LAST_LAYER (CSA2_LAYERS - 1) /* round keys 48 to 55 are the CW's bytes XORed with this */

/* key_set of struct cipher__tier, for a state that is a struct csa2_key. */
int cipher__csa2_key_set(void *state, enum cipher_algorithm algorithm, const uint8_t *cw,
                         const struct cipher_mode *mode);

#endif
