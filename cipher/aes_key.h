/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/aes_key.h: the key state that the tiers with AES instructions share. Private to cipher/.
 *
 * Round keys lie as FIPS 197 counts them, ready for transposing: each schedule with the IV behind it is three
 * cache lines. */
#ifndef CIPHER_AES_KEY_H
#define CIPHER_AES_KEY_H

#include "cipher/aes_mode.h"
#include "cipher/tier.h"

#define CIPHER__AES_ROUNDS 10
#define CIPHER__AES_IV     (CIPHER__AES_ROUNDS + 1) /* the IV's place behind a schedule's round keys */

struct cipher__aes_schedule {
    _Alignas(64) uint8_t keys[CIPHER__AES_ROUNDS + 1][CIPHER__AES_BLOCK];
    uint8_t iv[CIPHER__AES_BLOCK];
};
_Static_assert(sizeof(struct cipher__aes_schedule) == 192, "transposed as three rows of 64 bytes");

struct cipher__aes_key {
    struct cipher__aes_schedule encrypt;
    union {
        struct cipher__aes_schedule decrypt; /* of the equivalent inverse cipher: FIPS 197, 5.3.5 */
        /* AES-128-CTR: every packet starts with the same counter, so the key stream of one is that of all. */
        uint8_t stream[CIPHER__AES_BLOCKS_MAX][CIPHER__AES_BLOCK];
    };
};

static inline const struct cipher__aes_key *cipher__aes_key_of(const struct cipher_lane *lane)
{
    return cipher__key_state(lane->key);
}

/* A tier's key_set. Needs the instructions of CIPHER_CPU_AVX2; 30 to 60 ns. Always 0. */
int cipher__aes_key_set(void *state, enum cipher_algorithm algorithm, const uint8_t *cw,
                        const struct cipher_mode *mode);

#endif
