/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenSSL's EVP, packet by packet: contexts are kept per key, so that a packet costs the reset of the IV and
 * one update; CBC and CTR are the library's own, ECB turns IDSA's residue. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/error.h"
#include "bench/peer.h"

#define BLOCK 16 /* bytes */

struct peer {
    struct bench_contender contender;
    EVP_CIPHER_CTX *modes[2][BENCH_KEYS_MAX]; /* CBC or CTR, by direction */
    EVP_CIPHER_CTX *ecb[BENCH_KEYS_MAX];      /* IDSA */
    struct bench_lane lanes[BENCH_LOAD_MAX];
    unsigned count;
    enum cipher_direction direction;
};

static const uint8_t *iv_of(enum cipher_algorithm algorithm)
{
    static const uint8_t zeros[BLOCK];

    return algorithm == CIPHER_DVB_CISSA ? (const uint8_t *)"DVBTMCPTAESCISSA" : zeros;
}

static EVP_CIPHER_CTX *new_context(const EVP_CIPHER *cipher, int encrypt)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    if (context && EVP_CipherInit_ex2(context, cipher, NULL, NULL, encrypt, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(context, 0) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

static void free_key(struct peer *peer, unsigned key)
{
    EVP_CIPHER_CTX_free(peer->modes[CIPHER_SCRAMBLE][key]);
    EVP_CIPHER_CTX_free(peer->modes[CIPHER_DESCRAMBLE][key]);
    EVP_CIPHER_CTX_free(peer->ecb[key]);
}

static int add_key(struct bench_contender *contender)
{
    struct peer *peer = (struct peer *)contender;
    const EVP_CIPHER *mode = contender->algorithm == CIPHER_AES_CTR ? EVP_aes_128_ctr() : EVP_aes_128_cbc();
    unsigned key = contender->keys;

    peer->modes[CIPHER_SCRAMBLE][key] = new_context(mode, 1);
    peer->modes[CIPHER_DESCRAMBLE][key] = new_context(mode, 0);
    peer->ecb[key] = new_context(EVP_aes_128_ecb(), 1);
    if (peer->modes[CIPHER_SCRAMBLE][key] && peer->modes[CIPHER_DESCRAMBLE][key] && peer->ecb[key])
        return 0;
    free_key(peer, key);
    return BASE_E_CRYPTO;
}

static int set_key(struct bench_contender *contender, unsigned key, const uint8_t *cw)
{
    struct peer *peer = (struct peer *)contender;
    const uint8_t *iv = iv_of(contender->algorithm);
    bool ok = true;

    for (int direction = 0; direction < 2; direction++)
        ok &= EVP_CipherInit_ex2(peer->modes[direction][key], NULL, cw, iv, -1, NULL) == 1;
    if (contender->algorithm == CIPHER_ATIS_IDSA)
        ok &= EVP_CipherInit_ex2(peer->ecb[key], NULL, cw, NULL, -1, NULL) == 1;
    return ok ? 0 : BASE_E_CRYPTO;
}

static void load(struct bench_contender *contender, enum cipher_direction direction,
                 const struct bench_lane *lanes, unsigned count, unsigned batch)
{
    struct peer *peer = (struct peer *)contender;

    (void)batch; /* packet by packet, whatever it is */
    peer->direction = direction;
    peer->count = 0;
    for (unsigned i = 0; i < count; i++) {
        if (lanes[i].length >= cipher_shortest_payload(contender->algorithm))
            peer->lanes[peer->count++] = lanes[i];
    }
}

/* IDSA's last bytes: XORed with the encryption of the scrambled block before them, `last`. */
static void turn_residue(EVP_CIPHER_CTX *ecb, const uint8_t *last, uint8_t *residue, unsigned size)
{
    uint8_t pad[BLOCK];
    int written;

    EVP_CipherUpdate(ecb, pad, &written, last, BLOCK);
    for (unsigned i = 0; i < size; i++)
        residue[i] ^= pad[i];
}

static void run_lane(const struct peer *peer, const struct bench_lane *lane)
{
    EVP_CIPHER_CTX *context = peer->modes[peer->direction][lane->key];
    enum cipher_algorithm algorithm = peer->contender.algorithm;
    const uint8_t *iv = iv_of(algorithm);
    unsigned residue = algorithm == CIPHER_AES_CTR ? 0 : lane->length % BLOCK;
    unsigned whole = lane->length - residue;
    uint8_t *last = lane->payload + whole - BLOCK;
    bool turns_residue = residue && algorithm == CIPHER_ATIS_IDSA;
    int written;

    if (turns_residue && peer->direction == CIPHER_DESCRAMBLE) /* while the block before it is scrambled */
        turn_residue(peer->ecb[lane->key], whole ? last : iv, lane->payload + whole, residue);
    if (whole) {
        EVP_CipherInit_ex2(context, NULL, NULL, iv, -1, NULL);
        EVP_CipherUpdate(context, lane->payload, &written, lane->payload, (int)whole);
    }
    if (turns_residue && peer->direction == CIPHER_SCRAMBLE)
        turn_residue(peer->ecb[lane->key], whole ? last : iv, lane->payload + whole, residue);
}

static void run(struct bench_contender *contender)
{
    const struct peer *peer = (struct peer *)contender;

    for (unsigned i = 0; i < peer->count; i++)
        run_lane(peer, &peer->lanes[i]);
}

static void close_peer(struct bench_contender *contender)
{
    struct peer *peer = (struct peer *)contender;

    for (unsigned key = 0; key < contender->keys; key++)
        free_key(peer, key);
    free(peer);
}

static const struct bench_contender_operations operations = {
    .add_key = add_key,
    .set_key = set_key,
    .load = load,
    .run = run,
    .close = close_peer,
};

int bench__openssl_open(struct bench_contender **contender, enum cipher_algorithm algorithm)
{
    *contender = bench__contender_create(sizeof(struct peer), &operations, algorithm, "openssl");
    return *contender ? 0 : -ENOMEM;
}
