/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/aead.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/secret.h"

static const EVP_CIPHER *gcm_of(size_t key_size)
{
    return key_size == 16 ? EVP_aes_128_gcm() : key_size == 32 ? EVP_aes_256_gcm() : NULL;
}

/* One pass in either direction, up to the point where they differ: the tag. */
static int gcm_pass(EVP_CIPHER_CTX *gcm, int sealing, const EVP_CIPHER *cipher, const uint8_t *key,
                    const uint8_t *nonce, const void *associated, size_t associated_size, const uint8_t *in,
                    size_t size, uint8_t *out)
{
    int written;

    return gcm && EVP_CipherInit_ex2(gcm, cipher, key, nonce, sealing, NULL) == 1 &&
           (associated_size == 0 ||
            EVP_CipherUpdate(gcm, NULL, &written, associated, (int)associated_size) == 1) &&
           (size == 0 || EVP_CipherUpdate(gcm, out, &written, in, (int)size) == 1);
}

static int gcm_end_seal(EVP_CIPHER_CTX *gcm, uint8_t tag[static CRYPTO_GCM_TAG_SIZE])
{
    uint8_t rest[16];
    int written;

    return EVP_CipherFinal_ex(gcm, rest, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, CRYPTO_GCM_TAG_SIZE, tag) == 1;
}

static int sizes_allowed(size_t key_size, size_t associated_size, size_t size)
{
    return gcm_of(key_size) && associated_size <= INT_MAX && size <= INT_MAX;
}

int crypto_gcm_open(const uint8_t *key, size_t key_size, const uint8_t nonce[static CRYPTO_GCM_NONCE_SIZE],
                    const void *associated, size_t associated_size, const uint8_t *in, size_t size,
                    const uint8_t tag[static CRYPTO_GCM_TAG_SIZE], uint8_t *out)
{
    uint8_t rest[16];
    int written;
    EVP_CIPHER_CTX *gcm;
    int passed;
    int authentic = 0;

    if (!sizes_allowed(key_size, associated_size, size))
        return -EINVAL;
    gcm = EVP_CIPHER_CTX_new();
    passed =
        gcm_pass(gcm, 0, gcm_of(key_size), key, nonce, associated, associated_size, in, size, out) &&
        EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, CRYPTO_GCM_TAG_SIZE, (void *)(uintptr_t)tag) == 1;
    if (passed)
        authentic = EVP_CipherFinal_ex(gcm, rest, &written) == 1;
    EVP_CIPHER_CTX_free(gcm);
    if (!authentic)
        base_secure_zero(out, size);
    return authentic ? 0 : passed ? BASE_E_AUTHENTICATION : BASE_E_CRYPTO;
}

struct crypto_gcm_sealer {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *gcm;
    size_t key_size;
};

static int set_up(struct crypto_gcm_sealer *sealer)
{
    sealer->cipher = EVP_CIPHER_fetch(NULL, sealer->key_size == 16 ? "AES-128-GCM" : "AES-256-GCM", NULL);
    sealer->gcm = EVP_CIPHER_CTX_new();
    if (!sealer->gcm)
        return -ENOMEM;
    return sealer->cipher && EVP_CipherInit_ex2(sealer->gcm, sealer->cipher, NULL, NULL, 1, NULL) == 1
               ? 0
               : BASE_E_CRYPTO;
}

int crypto_gcm_sealer_create(struct crypto_gcm_sealer **sealer, size_t key_size)
{
    struct crypto_gcm_sealer *made;
    int status;

    if (!gcm_of(key_size))
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->key_size = key_size;
    status = set_up(made);
    if (status < 0) {
        crypto_gcm_sealer_destroy(made);
        return status;
    }
    *sealer = made;
    return 0;
}

void crypto_gcm_sealer_destroy(struct crypto_gcm_sealer *sealer)
{
    if (!sealer)
        return;
    EVP_CIPHER_CTX_free(sealer->gcm);
    EVP_CIPHER_free(sealer->cipher);
    free(sealer);
}

int crypto_gcm_sealer_seal(struct crypto_gcm_sealer *sealer, const uint8_t *key,
                           const uint8_t nonce[static CRYPTO_GCM_NONCE_SIZE], const void *associated,
                           size_t associated_size, const uint8_t *in, size_t size, uint8_t *out,
                           uint8_t tag[static CRYPTO_GCM_TAG_SIZE])
{
    if (!sizes_allowed(sealer->key_size, associated_size, size))
        return -EINVAL;
    return gcm_pass(sealer->gcm, 1, NULL, key, nonce, associated, associated_size, in, size, out) &&
                   gcm_end_seal(sealer->gcm, tag)
               ? 0
               : BASE_E_CRYPTO;
}

int crypto_gcm_seal(const uint8_t *key, size_t key_size, const uint8_t nonce[static CRYPTO_GCM_NONCE_SIZE],
                    const void *associated, size_t associated_size, const uint8_t *in, size_t size,
                    uint8_t *out, uint8_t tag[static CRYPTO_GCM_TAG_SIZE])
{
    struct crypto_gcm_sealer *sealer;
    int status = crypto_gcm_sealer_create(&sealer, key_size);

    if (status < 0)
        return status;
    status = crypto_gcm_sealer_seal(sealer, key, nonce, associated, associated_size, in, size, out, tag);
    crypto_gcm_sealer_destroy(sealer);
    return status;
}
