/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AES algorithms by OpenSSL's EVP, one packet at a time, a key schedule per key only.
 *
 * Resetting a context's IV costs more than decrypting a packet. So contexts run on from packet to packet:
 * CBC's chaining value after a packet is its last scrambled block, known to us; what it adds to the next
 * packet's first block is taken out by XORing that block with (chaining value ^ IV) beside the call. */
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/error.h"
#include "cipher/aes_mode.h"
#include "cipher/tier.h"

#define BLOCK CIPHER__AES_BLOCK

struct direction_state {
    EVP_CIPHER_CTX *context;
    uint8_t chain[BLOCK]; /* the context's chaining value */
};

struct key_state {
    struct direction_state cbc[2]; /* by enum cipher_direction; not for AES_CTR */
    EVP_CIPHER_CTX *ecb;           /* for IDSA's residue, and AES_CTR */
    uint8_t iv[BLOCK];
    uint8_t counter_bits;
};

static int open_context(EVP_CIPHER_CTX **context, const EVP_CIPHER *cipher, int encrypt)
{
    *context = EVP_CIPHER_CTX_new();
    if (!*context)
        return -ENOMEM;
    if (EVP_CipherInit_ex2(*context, cipher, NULL, NULL, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(*context, 0) != 1)
        return BASE_E_CRYPTO;
    return 0;
}

static int open_contexts(void *memory, enum cipher_algorithm algorithm)
{
    struct key_state *state = memory;
    int status = 0;

    if (algorithm == CIPHER_ATIS_IDSA || algorithm == CIPHER_AES_CTR)
        status = open_context(&state->ecb, EVP_aes_128_ecb(), 1);
    if (status < 0 || algorithm == CIPHER_AES_CTR)
        return status;
    status = open_context(&state->cbc[CIPHER_SCRAMBLE].context, EVP_aes_128_cbc(), 1);
    if (status < 0)
        return status;
    return open_context(&state->cbc[CIPHER_DESCRAMBLE].context, EVP_aes_128_cbc(), 0);
}

static void close_contexts(void *memory)
{
    struct key_state *state = memory;

    EVP_CIPHER_CTX_free(state->cbc[CIPHER_SCRAMBLE].context); /* wipes what it holds */
    EVP_CIPHER_CTX_free(state->cbc[CIPHER_DESCRAMBLE].context);
    EVP_CIPHER_CTX_free(state->ecb);
}

static int set_contexts(void *memory, enum cipher_algorithm algorithm, const uint8_t *cw,
                        const struct cipher_mode *mode)
{
    struct key_state *state = memory;
    int ok = !state->ecb || EVP_CipherInit_ex2(state->ecb, NULL, cw, NULL, -1, NULL) == 1;

    cipher__aes_iv(algorithm, mode, state->iv);
    state->counter_bits = mode->counter_bits;
    for (int i = 0; i < 2 && state->cbc[i].context; i++) {
        memset(state->cbc[i].chain, 0, BLOCK);
        ok &= EVP_CipherInit_ex2(state->cbc[i].context, NULL, cw, state->cbc[i].chain, -1, NULL) == 1;
    }
    return ok ? 0 : BASE_E_CRYPTO;
}

/* to ^= a ^ b */
static void xor_blocks(uint8_t *to, const uint8_t *a, const uint8_t *b)
{
    for (int i = 0; i < BLOCK; i++)
        to[i] = (uint8_t)(to[i] ^ a[i] ^ b[i]);
}

/* EVP_CipherUpdate() cannot fail on whole blocks through a context that key_set() prepared. */
static void scramble_blocks(struct direction_state *state, const uint8_t *iv, uint8_t *payload, int size)
{
    int written;

    xor_blocks(payload, state->chain, iv);
    EVP_CipherUpdate(state->context, payload, &written, payload, size);
    memcpy(state->chain, payload + size - BLOCK, BLOCK);
}

static void descramble_blocks(struct direction_state *state, const uint8_t *iv, uint8_t *payload, int size)
{
    uint8_t last[BLOCK];
    int written;

    memcpy(last, payload + size - BLOCK, BLOCK);
    EVP_CipherUpdate(state->context, payload, &written, payload, size);
    xor_blocks(payload, state->chain, iv);
    memcpy(state->chain, last, BLOCK);
}

static void turn_blocks(struct key_state *state, enum cipher_direction direction, uint8_t *payload, int size)
{
    if (!size)
        return;
    if (direction == CIPHER_SCRAMBLE)
        scramble_blocks(&state->cbc[CIPHER_SCRAMBLE], state->iv, payload, size);
    else
        descramble_blocks(&state->cbc[CIPHER_DESCRAMBLE], state->iv, payload, size);
}

static void turn_cbc(struct key_state *state, enum cipher_direction direction, uint8_t *payload, int length)
{
    turn_blocks(state, direction, payload, length / BLOCK * BLOCK);
}

/* The residue is XORed with the encryption of the scrambled block before it, in both directions. */
static void turn_residue(struct key_state *state, const uint8_t *previous, uint8_t *residue, int size)
{
    uint8_t stream[BLOCK];
    int written;

    EVP_CipherUpdate(state->ecb, stream, &written, previous, BLOCK);
    for (int i = 0; i < size; i++)
        residue[i] ^= stream[i];
}

static void turn_idsa(struct key_state *state, enum cipher_direction direction, uint8_t *payload, int length)
{
    int size = length / BLOCK * BLOCK;
    const struct direction_state *cbc = &state->cbc[direction];

    turn_blocks(state, direction, payload, size);
    if (length > size)
        turn_residue(state, size ? cbc->chain : state->iv, payload + size, length - size);
}

static void turn_ctr(struct key_state *state, enum cipher_direction direction, uint8_t *payload, int length)
{
    uint8_t stream[CIPHER__AES_BLOCKS_MAX * BLOCK] = {0};
    int size = 0, written;

    (void)direction;
    for (unsigned number = 0; size < length; size += BLOCK, number++)
        cipher__aes_counter(stream + size, state->iv, state->counter_bits, number);
    EVP_CipherUpdate(state->ecb, stream, &written, stream, size);
    for (int i = 0; i < length; i++)
        payload[i] ^= stream[i];
}

static void run(void *scratch, enum cipher_algorithm algorithm, enum cipher_direction direction,
                const struct cipher_lane *lanes, unsigned count)
{
    static void (*const turn[CIPHER_ALGORITHMS])(struct key_state *, enum cipher_direction, uint8_t *,
                                                 int) = {
        [CIPHER_DVB_CISSA] = turn_cbc,
        [CIPHER_ATIS_IDSA] = turn_idsa,
        [CIPHER_AES_CBC] = turn_cbc,
        [CIPHER_AES_CTR] = turn_ctr,
    };

    (void)scratch;
    for (unsigned i = 0; i < count; i++)
        turn[algorithm](cipher__key_state(lanes[i].key), direction, lanes[i].payload, lanes[i].length);
}

const struct cipher__tier cipher__aes_openssl = {
    .name = "openssl",
    .features = CIPHER_CPU_LIBRARIES,
    .key_size = sizeof(struct key_state),
    .key_open = open_contexts,
    .key_close = close_contexts,
    .key_set = set_contexts,
    .run = run,
};
