/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/tier.h: what a back end (tier) gives to this room. Private to cipher/.
 *
 * A tier is a constant table; cipher.c owns all memory. Scratch and key state are zeroed, aligned to
 * CIPHER__ALIGNMENT when a tier first sees them, and wiped before they are freed. To add a tier: write its
 * table, name it in the list of its algorithm in cipher.c (best first). */
#ifndef CIPHER_TIER_H
#define CIPHER_TIER_H

#include <stdbool.h>

#include "cipher/cipher.h"

#define CIPHER__ALIGNMENT 64 /* bytes: a cache line, and the widest vector */

struct cipher__tier {
    const char *name;
    size_t scratch_size;     /* bytes per cipher; 0: none */
    size_t key_size;         /* bytes of state per key */
    bool (*available)(void); /* on this CPU; NULL: on every one */

    /* Only where a key's state holds more than its own bytes; close accepts a half-opened state. */
    int (*key_open)(void *state);
    void (*key_close)(void *state);

    /* Prepares everything that use needs; overwrites every trace of the CW before. 0 or BASE_E_CRYPTO. */
    int (*key_set)(void *state, const uint8_t *cw);

    void (*run)(void *scratch, enum cipher_direction direction, const struct cipher_lane *lanes,
                unsigned count);
};

struct cipher_key {
    const struct cipher__tier *tier;
    enum cipher_algorithm algorithm;
    _Alignas(CIPHER__ALIGNMENT) uint8_t state[];
};

/* Keys come from the heap, never from constants: a tier may write to the state of a lane's key. */
static inline void *cipher__key_state(const struct cipher_key *key)
{
    return (void *)(uintptr_t)key->state;
}

extern const struct cipher__tier cipher__csa2_libdvbcsa;
extern const struct cipher__tier cipher__cissa_openssl;
extern const struct cipher__tier cipher__idsa_openssl;

/* Known answers for a tier (self_test.c). 0, BASE_E_SELF_TEST or -ENOMEM. */
int cipher__self_test_tier(enum cipher_algorithm algorithm, const struct cipher__tier *tier, bool corrupt);

/* cipher.c: a cipher without its self-test. */
int cipher__create_untested(struct cipher **cipher, enum cipher_algorithm algorithm,
                            const struct cipher__tier *tier);

#endif
