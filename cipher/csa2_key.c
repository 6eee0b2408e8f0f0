/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cipher/csa2_key.h"

#include <pthread.h>
#include <string.h>

#include "base/secret.h"

#define WHITENINGS (CSA2_ROUNDS + 6) /* a(0) to a(61) */

/* The layer before, bits numbered from the lowest: as a 64-bit number read big-endian, so that table bit n is
 * bit 63 - n. No branch and no address depends on the key. */
static uint64_t layer_before(uint64_t layer)
{
    uint64_t before = 0;

    for (unsigned i = 0; i < CSA2_KEY_BITS; i++)
        before |= (layer >> (CSA2_KEY_BITS - 1 - i) & 1) << (CSA2_KEY_BITS - 1 - csa2_key_permutation[i]);
    return before;
}

static void schedule_rounds(uint8_t keys[CSA2_ROUNDS], const uint8_t cw[CSA2_BLOCK])
{
    uint64_t layer = 0;

    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        layer = layer << 8 | cw[i];
    for (unsigned n = CSA2_LAYERS; n-- > 0; layer = layer_before(layer))
        for (unsigned i = 0; i < CSA2_BLOCK; i++)
            keys[n * CSA2_BLOCK + i] = (uint8_t)(layer >> (56 - 8 * i) ^ n);
}

static void fold_rounds(struct csa2_key *key, const uint8_t keys[CSA2_ROUNDS])
{
    uint8_t a[WHITENINGS] = {0};

    a[6] = 0;
    for (unsigned t = 1; t < CSA2_ROUNDS; t++)
        a[t + 6] = keys[t - 1] ^ a[t + 2] ^ a[t + 3] ^ a[t + 4];
    for (unsigned t = 1; t < CSA2_ROUNDS; t++)
        key->folded[t - 1] = keys[t] ^ a[t - 1];
    key->folded[CSA2_ROUNDS - 1] = keys[0];
    base_secure_zero(a, sizeof(a));
}

static void prepare(struct csa2_key *key, const uint8_t cw[CSA2_BLOCK])
{
    uint8_t keys[CSA2_ROUNDS];

    schedule_rounds(keys, cw);
    fold_rounds(key, keys);
    memcpy(key->cw, cw, CSA2_BLOCK);
    base_secure_zero(keys, sizeof(keys));
}

/* All of the above only moves bits and XORs them: a prepared key is an affine function of the CW's bits. So
 * it is the key of a CW of zeros, XORed with what each set bit changes. */
union line {
    struct csa2_key key;
    uint64_t words[CSA2_KEY_SIZE / sizeof(uint64_t)];
};
#define WORDS (CSA2_KEY_SIZE / sizeof(uint64_t))

static union line of_zeros;
static union line changes[CSA2_KEY_BITS];

static void fill_changes(void)
{
    uint8_t cw[CSA2_BLOCK] = {0};

    prepare(&of_zeros.key, cw);
    for (unsigned bit = 0; bit < CSA2_KEY_BITS; bit++) {
        cw[bit / 8] = (uint8_t)(1u << bit % 8);
        prepare(&changes[bit].key, cw);
        cw[bit / 8] = 0;
        for (unsigned i = 0; i < WORDS; i++)
            changes[bit].words[i] ^= of_zeros.words[i];
    }
}

int cipher__csa2_key_set(void *state, enum cipher_algorithm algorithm, const uint8_t *cw,
                         const struct cipher_mode *mode)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    union line *line = state;

    (void)algorithm;
    (void)mode;
    pthread_once(&once, fill_changes);
    *line = of_zeros;
    for (unsigned bit = 0; bit < CSA2_KEY_BITS; bit++) {
        uint64_t mask = -(uint64_t)(cw[bit / 8] >> bit % 8 & 1);

        for (unsigned i = 0; i < WORDS; i++)
            line->words[i] ^= changes[bit].words[i] & mask;
    }
    return 0;
}
