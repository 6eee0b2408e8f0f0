/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AES-128 key expansion with AES instructions: no table, so no timing that depends on the key. */
#include "cipher/aes_key.h"

#include <immintrin.h>
#include <string.h>

#define LAST CIPHER__AES_ROUNDS

static __m128i load_block(const uint8_t *block)
{
    return _mm_loadu_si128((const __m128i *)block);
}

static void store_block(uint8_t *block, __m128i value)
{
    _mm_storeu_si128((__m128i *)block, value);
}

/* FIPS 197, 5.2. AESENCLAST on four equal columns is SubWord() of each: its ShiftRows() changes nothing. */
static __m128i next_round_key(__m128i key, int round_constant)
{
    const __m128i rotated_last_word = _mm_set1_epi32(0x0c0f0e0d);
    __m128i word =
        _mm_aesenclast_si128(_mm_shuffle_epi8(key, rotated_last_word), _mm_set1_epi32(round_constant));

    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, word);
}

static void expand_key(struct cipher__aes_schedule *encrypt, const uint8_t *cw)
{
    static const uint8_t constants[LAST] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36};
    __m128i key = load_block(cw);

    store_block(encrypt->keys[0], key);
    for (int round = 0; round < LAST; round++) {
        key = next_round_key(key, constants[round]);
        store_block(encrypt->keys[round + 1], key);
    }
}

static void invert_schedule(struct cipher__aes_key *key)
{
    const struct cipher__aes_schedule *encrypt = &key->encrypt;
    struct cipher__aes_schedule *decrypt = &key->decrypt;

    memcpy(decrypt->keys[0], encrypt->keys[LAST], CIPHER__AES_BLOCK);
    for (int round = 1; round < LAST; round++)
        store_block(decrypt->keys[round], _mm_aesimc_si128(load_block(encrypt->keys[LAST - round])));
    memcpy(decrypt->keys[LAST], encrypt->keys[0], CIPHER__AES_BLOCK);
    memcpy(decrypt->iv, encrypt->iv, CIPHER__AES_BLOCK);
}

static __m128i encrypt_block(const struct cipher__aes_schedule *encrypt, __m128i block)
{
    block = _mm_xor_si128(block, load_block(encrypt->keys[0]));
    for (int round = 1; round < LAST; round++)
        block = _mm_aesenc_si128(block, load_block(encrypt->keys[round]));
    return _mm_aesenclast_si128(block, load_block(encrypt->keys[LAST]));
}

/* All counters first: a block that is loaded right behind its two stores waits for them. */
static void prepare_stream(struct cipher__aes_key *key, unsigned counter_bits)
{
    for (unsigned i = 0; i < CIPHER__AES_BLOCKS_MAX; i++)
        cipher__aes_counter(key->stream[i], key->encrypt.iv, counter_bits, i);
    for (unsigned i = 0; i < CIPHER__AES_BLOCKS_MAX; i++)
        store_block(key->stream[i], encrypt_block(&key->encrypt, load_block(key->stream[i])));
}

int cipher__aes_key_set(void *state, enum cipher_algorithm algorithm, const uint8_t *cw,
                        const struct cipher_mode *mode)
{
    struct cipher__aes_key *key = state;

    expand_key(&key->encrypt, cw);
    cipher__aes_iv(algorithm, mode, key->encrypt.iv);
    if (algorithm == CIPHER_AES_CTR)
        prepare_stream(key, mode->counter_bits);
    else
        invert_schedule(key);
    return 0;
}
