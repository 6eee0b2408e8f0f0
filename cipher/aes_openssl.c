/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DVB-CISSA and ATIS-IDSA by OpenSSL's EVP, one packet at a time, a key schedule per key only.
 *
 * Resetting a context's IV costs more than decrypting a packet. So contexts run on from packet to packet:
 * CBC's chaining value after a packet is its last scrambled block, known to us; what it adds to the next
 * packet's first block is taken out by XORing that block with (chaining value ^ IV) beside the call. */
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/error.h"
#include "cipher/tier.h"

#define BLOCK 16

struct direction_state {
    EVP_CIPHER_CTX *context;
    uint8_t chain[BLOCK]; /* the context's chaining value */
};

struct key_state {
    struct direction_state cbc[2]; /* by enum cipher_direction */
    EVP_CIPHER_CTX *ecb;           /* for IDSA's residue */
};

/* ETSI TS 103 127, clause 6: "DVBTMCPTAESCISSA". */
static const uint8_t cissa_iv[BLOCK] = {'D', 'V', 'B', 'T', 'M', 'C', 'P', 'T',
                                        'A', 'E', 'S', 'C', 'I', 'S', 'S', 'A'};
static const uint8_t idsa_iv[BLOCK];

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

static int open_cissa(void *memory)
{
    struct key_state *state = memory;
    int status = open_context(&state->cbc[CIPHER_SCRAMBLE].context, EVP_aes_128_cbc(), 1);

    if (status < 0)
        return status;
    return open_context(&state->cbc[CIPHER_DESCRAMBLE].context, EVP_aes_128_cbc(), 0);
}

static int open_idsa(void *memory)
{
    struct key_state *state = memory;
    int status = open_context(&state->ecb, EVP_aes_128_ecb(), 1);

    return status < 0 ? status : open_cissa(state);
}

static void close_contexts(void *memory)
{
    struct key_state *state = memory;

    EVP_CIPHER_CTX_free(state->cbc[CIPHER_SCRAMBLE].context); /* wipes what it holds */
    EVP_CIPHER_CTX_free(state->cbc[CIPHER_DESCRAMBLE].context);
    EVP_CIPHER_CTX_free(state->ecb);
}

static int set_contexts(void *memory, const uint8_t *cw)
{
    struct key_state *state = memory;
    int ok = !state->ecb || EVP_CipherInit_ex2(state->ecb, NULL, cw, NULL, -1, NULL) == 1;

    for (int i = 0; i < 2; i++) {
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

static void turn_blocks(struct key_state *state, enum cipher_direction direction, const uint8_t *iv,
                        uint8_t *payload, int size)
{
    if (!size)
        return;
    if (direction == CIPHER_SCRAMBLE)
        scramble_blocks(&state->cbc[CIPHER_SCRAMBLE], iv, payload, size);
    else
        descramble_blocks(&state->cbc[CIPHER_DESCRAMBLE], iv, payload, size);
}

static void run_cissa(void *scratch, enum cipher_direction direction, const struct cipher_lane *lanes,
                      unsigned count)
{
    (void)scratch;
    for (unsigned i = 0; i < count; i++)
        turn_blocks(cipher__key_state(lanes[i].key), direction, cissa_iv, lanes[i].payload,
                    lanes[i].length / BLOCK * BLOCK);
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

    turn_blocks(state, direction, idsa_iv, payload, size);
    if (length > size)
        turn_residue(state, size ? cbc->chain : idsa_iv, payload + size, length - size);
}

static void run_idsa(void *scratch, enum cipher_direction direction, const struct cipher_lane *lanes,
                     unsigned count)
{
    (void)scratch;
    for (unsigned i = 0; i < count; i++)
        turn_idsa(cipher__key_state(lanes[i].key), direction, lanes[i].payload, lanes[i].length);
}

const struct cipher__tier cipher__cissa_openssl = {
    .name = "openssl",
    .key_size = sizeof(struct key_state),
    .key_open = open_cissa,
    .key_close = close_contexts,
    .key_set = set_contexts,
    .run = run_cissa,
};

const struct cipher__tier cipher__idsa_openssl = {
    .name = "openssl",
    .key_size = sizeof(struct key_state),
    .key_open = open_idsa,
    .key_close = close_contexts,
    .key_set = set_contexts,
    .run = run_idsa,
};
