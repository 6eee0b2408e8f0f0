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
#include "cipher/cpu.h"

#define CIPHER__ALIGNMENT 64 /* bytes: a cache line, and the widest vector */

struct cipher__tier {
    const char *name;
    unsigned features;   /* CIPHER_CPU_… that it needs, all of them (cpu.h); 0: none */
    size_t scratch_size; /* bytes per cipher; 0: none */
    size_t key_size;     /* bytes of state per key */

    /* Only where scratch or a key's state holds more than its own bytes; close accepts a half-opened one. 0,
     * -ENOMEM, BASE_E_CRYPTO. */
    int (*scratch_open)(void *scratch);
    void (*scratch_close)(void *scratch);
    int (*key_open)(void *state, enum cipher_algorithm algorithm);
    void (*key_close)(void *state);

    /* Prepares everything that use needs; overwrites every trace of the CW before. 0 or BASE_E_CRYPTO. */
    int (*key_set)(void *state, enum cipher_algorithm algorithm, const uint8_t *cw,
                   const struct cipher_mode *mode);

    /* All lanes' keys were made for this tier and algorithm. */
    void (*run)(void *scratch, enum cipher_algorithm algorithm, enum cipher_direction direction,
                const struct cipher_lane *lanes, unsigned count);
};

struct cipher_key {
    const struct cipher__tier *tier;
    enum cipher_algorithm algorithm;
    struct cipher_mode mode;
    _Alignas(CIPHER__ALIGNMENT) uint8_t state[];
};

/* Keys come from the heap, never from constants: a tier may write to the state of a lane's key. */
static inline void *cipher__key_state(const struct cipher_key *key)
{
    return (void *)(uintptr_t)key->state;
}

/* One table serves every algorithm of its family. */
extern const struct cipher__tier cipher__csa2_ref;
extern const struct cipher__tier cipher__csa2_libdvbcsa;
extern const struct cipher__tier cipher__csa2_avx512; /* built for x86-64 */
extern const struct cipher__tier cipher__csa2_avx2;   /* built for x86-64 */
extern const struct cipher__tier cipher__csa2_neon;   /* built for AArch64 */
extern const struct cipher__tier cipher__aes_ref;
extern const struct cipher__tier cipher__aes_openssl;
extern const struct cipher__tier cipher__aes_ipsec_mb; /* where the library is */
extern const struct cipher__tier cipher__aes_avx2;     /* amd64, like the next */
extern const struct cipher__tier cipher__aes_avx512;

#define CIPHER__TIERS_MAX 8

enum cipher__verdict { CIPHER__UNTESTED, CIPHER__SOUND, CIPHER__UNSOUND };

/* The tiers of an algorithm, best first, and what their self-tests said in this process (choose.c alone). */
struct cipher__tier_list {
    enum cipher_algorithm algorithm;
    const struct cipher__tier *tiers[CIPHER__TIERS_MAX];
    enum cipher__verdict verdicts[CIPHER__TIERS_MAX];
    bool told[CIPHER__TIERS_MAX]; /* in the log, that it is used */
};

/* The named tier, or the best one that this CPU has and that passes its self-test; one that fails is disabled
 * with an error in the log. Any thread. -ENOENT for no such name in this list, -ENOTSUP for what the CPU
 * lacks, BASE_E_SELF_TEST, -ENOMEM (choose.c). */
int cipher__choose_tier(struct cipher__tier_list *list, const char *name, const struct cipher__tier **tier);

/* Known answers for a tier (self_test.c). 0, BASE_E_SELF_TEST or -ENOMEM. */
int cipher__self_test_tier(enum cipher_algorithm algorithm, const struct cipher__tier *tier, bool corrupt);

/* cipher.c: a cipher without its self-test. */
int cipher__create_untested(struct cipher **cipher, enum cipher_algorithm algorithm,
                            const struct cipher__tier *tier);

#endif
