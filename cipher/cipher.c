/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cipher/cipher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "cipher/tier.h"

#define STACK_OF_KERNELS 8192 /* bytes; tests/cipher/test_stack.c */

/* Entries of the lists below, where this build has the tier. */
#define ALWAYS(tier) &(tier),
#ifdef CIPHER_HAS_LIBRARIES
#define LIBRARY(tier) &(tier),
#else
#define LIBRARY(tier)
#endif
#ifdef CIPHER_HAS_IPSEC_MB
#define IPSEC_MB(tier) &(tier),
#else
#define IPSEC_MB(tier)
#endif
#ifdef __x86_64__
#define X86(tier) &(tier),
#else
#define X86(tier)
#endif
#ifdef __aarch64__
#define ARM(tier) &(tier),
#else
#define ARM(tier)
#endif

/* Best first, in both directions: Gbit/s (scramble / descramble) of one core of Zen 5 class, 512 full
 * payloads, keys of 300 services, all of a list in one run.
 *
 * DVB-CSA2: avx512 28.9 / 29.7, avx2 7.0 / 6.7, libdvbcsa 0.13 / 0.12 (1.2 with one key), ref 0.05. neon was
 * never timed: it stands where avx2 does. */
#define CSA2_TIERS                                                                                           \
    X86(cipher__csa2_avx512)                                                                                 \
    X86(cipher__csa2_avx2)                                                                                   \
    ARM(cipher__csa2_neon)                                                                                   \
    LIBRARY(cipher__csa2_libdvbcsa)                                                                          \
    ALWAYS(cipher__csa2_ref)

/* DVB-CISSA and AES-128-CBC: avx512 134 / 279; under the mask avx2: avx2 72 / 97, ipsec-mb 49 / 93; openssl
 * 12 / 47, ref 0.08 / 0.04. ATIS-IDSA: avx512 122 / 209; avx2 58 / 87, ipsec-mb 43 / 76; openssl 11 / 32.
 * (With AVX-512 allowed ipsec-mb gives 67 / 197, where avx512 stands before it.) */
#define AES_CBC_TIERS                                                                                        \
    X86(cipher__aes_avx512)                                                                                  \
    X86(cipher__aes_avx2)                                                                                    \
    IPSEC_MB(cipher__aes_ipsec_mb)                                                                           \
    LIBRARY(cipher__aes_openssl)                                                                             \
    ALWAYS(cipher__aes_ref)

/* AES-128-CTR: avx512 400, avx2 318, openssl 15, ref 0.13, alike in both directions. */
#define AES_CTR_TIERS                                                                                        \
    X86(cipher__aes_avx512)                                                                                  \
    X86(cipher__aes_avx2)                                                                                    \
    LIBRARY(cipher__aes_openssl)                                                                             \
    ALWAYS(cipher__aes_ref)

static struct cipher__tier_list lists[CIPHER_ALGORITHMS] = {
    [CIPHER_DVB_CSA2] = {.algorithm = CIPHER_DVB_CSA2, .tiers = {CSA2_TIERS}},
    [CIPHER_DVB_CISSA] = {.algorithm = CIPHER_DVB_CISSA, .tiers = {AES_CBC_TIERS}},
    [CIPHER_ATIS_IDSA] = {.algorithm = CIPHER_ATIS_IDSA, .tiers = {AES_CBC_TIERS}},
    [CIPHER_AES_CBC] = {.algorithm = CIPHER_AES_CBC, .tiers = {AES_CBC_TIERS}},
    [CIPHER_AES_CTR] = {.algorithm = CIPHER_AES_CTR, .tiers = {AES_CTR_TIERS}},
};

struct cipher {
    const struct cipher__tier *tier;
    void *scratch;
    enum cipher_algorithm algorithm;
    struct cipher_mode mode;
};

const char *cipher_tier_at(enum cipher_algorithm algorithm, unsigned n)
{
    const struct cipher__tier_list *list = &lists[algorithm];

    return n < CIPHER__TIERS_MAX && list->tiers[n] ? list->tiers[n]->name : NULL;
}

static bool is_known_name(const char *name)
{
    for (unsigned i = 0; i < CIPHER_ALGORITHMS * CIPHER__TIERS_MAX; i++) {
        const char *known = cipher_tier_at(i / CIPHER__TIERS_MAX, i % CIPHER__TIERS_MAX);
        if (known && !strcmp(known, name))
            return true;
    }
    return false;
}

static void *zeroed_memory(size_t size)
{
    void *memory;

    if (posix_memalign(&memory, CIPHER__ALIGNMENT, size) != 0)
        return NULL;
    memset(memory, 0, size);
    return memory;
}

static int open_scratch(struct cipher *cipher)
{
    const struct cipher__tier *tier = cipher->tier;

    if (!tier->scratch_size)
        return 0;
    cipher->scratch = zeroed_memory(tier->scratch_size);
    if (!cipher->scratch)
        return -ENOMEM;
    return tier->scratch_open ? tier->scratch_open(cipher->scratch) : 0;
}

int cipher__create_untested(struct cipher **out, enum cipher_algorithm algorithm,
                            const struct cipher__tier *tier)
{
    struct cipher *cipher = calloc(1, sizeof(*cipher));
    int status;

    if (!cipher)
        return -ENOMEM;
    cipher->tier = tier;
    cipher->algorithm = algorithm;
    cipher->mode = CIPHER_MODE_DEFAULT;
    status = open_scratch(cipher);
    if (status < 0)
        cipher_destroy(cipher);
    else
        *out = cipher;
    return status;
}

static int choose_tier(enum cipher_algorithm algorithm, const char *name, const struct cipher__tier **tier)
{
    int status = cipher__choose_tier(&lists[algorithm], name, tier);

    return status == -ENOENT && is_known_name(name) ? -ENOTSUP : status;
}

int cipher_create(struct cipher **out, enum cipher_algorithm algorithm, const char *name)
{
    const struct cipher__tier *tier;
    int status = choose_tier(algorithm, name, &tier);

    return status < 0 ? status : cipher__create_untested(out, algorithm, tier);
}

int cipher_self_test(enum cipher_algorithm algorithm, const char *name, int corrupt)
{
    const struct cipher__tier *tier;
    int status = choose_tier(algorithm, name, &tier);

    return status < 0 ? status : cipher__self_test_tier(algorithm, tier, corrupt != 0);
}

void cipher_destroy(struct cipher *cipher)
{
    if (!cipher)
        return;
    if (cipher->scratch && cipher->tier->scratch_close)
        cipher->tier->scratch_close(cipher->scratch);
    if (cipher->scratch)
        base_secure_zero(cipher->scratch, cipher->tier->scratch_size);
    free(cipher->scratch);
    free(cipher);
}

enum cipher_algorithm cipher_algorithm_of(const struct cipher *cipher)
{
    return cipher->algorithm;
}

const char *cipher_tier_name(const struct cipher *cipher)
{
    return cipher->tier->name;
}

int cipher_set_mode(struct cipher *cipher, const struct cipher_mode *mode)
{
    if (!cipher_has_iv(cipher->algorithm))
        return -ENOTSUP;
    if (mode->counter_bits < 1 || mode->counter_bits > 128)
        return -EINVAL;
    cipher->mode = *mode;
    return 0;
}

/* Kernels spill keys and payloads to frames of up to some kilobytes. Costs 100 to 200 cycles a batch. */
static __attribute__((noinline)) void wipe_stack(void)
{
    uint8_t below[STACK_OF_KERNELS];

    base_secure_zero(below, sizeof(below));
}

void cipher_run(struct cipher *cipher, enum cipher_direction direction, const struct cipher_lane *lanes,
                unsigned count)
{
    cipher->tier->run(cipher->scratch, cipher->algorithm, direction, lanes, count);
    wipe_stack();
}

int cipher_key_create(struct cipher_key **out, const struct cipher *cipher)
{
    struct cipher_key *key = zeroed_memory(sizeof(*key) + cipher->tier->key_size);
    int status;

    if (!key)
        return -ENOMEM;
    key->tier = cipher->tier;
    key->algorithm = cipher->algorithm;
    key->mode = cipher->mode;
    status = key->tier->key_open ? key->tier->key_open(key->state, key->algorithm) : 0;
    if (status < 0) {
        cipher_key_destroy(key);
        return status;
    }
    *out = key;
    return 0;
}

int cipher_key_set(struct cipher_key *key, const uint8_t *cw, size_t cw_size)
{
    if (cw_size != cipher_cw_size(key->algorithm))
        return -EINVAL;
    return key->tier->key_set(key->state, key->algorithm, cw, &key->mode);
}

void cipher_key_clear(struct cipher_key *key)
{
    static const uint8_t zeros[16];

    /* What a library prepared from a CW is out of our reach; preparing another one overwrites it. */
    (void)key->tier->key_set(key->state, key->algorithm, zeros, &key->mode);
}

void cipher_key_destroy(struct cipher_key *key)
{
    if (!key)
        return;
    if (key->tier->key_close)
        key->tier->key_close(key->state);
    base_secure_zero(key->state, key->tier->key_size);
    free(key);
}
