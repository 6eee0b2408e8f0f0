/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/aead.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>

#include "base/error.h"
#include "base/secret.h"

static const EVP_CIPHER *gcm_of(size_t key_size)
{
    return key_size == 16 ? EVP_aes_128_gcm() : key_size == 32 ? EVP_aes_256_gcm() : NULL;
}

/* One pass in either direction, up to the point where they differ: the tag. */
static int gcm_pass(EVP_CIPHER_CTX *gcm, int sealing, const uint8_t *key, size_t key_size,
                    const uint8_t *nonce, const void *associated, size_t associated_size, const uint8_t *in,
                    size_t size, uint8_t *out)
{
    int written;

    return gcm && EVP_CipherInit_ex2(gcm, gcm_of(key_size), key, nonce, sealing, NULL) == 1 &&
           (associated_size == 0 ||
            EVP_CipherUpdate(gcm, NULL, &written, associated, (int)associated_size) == 1) &&
           (size == 0 || EVP_CipherUpdate(gcm, out, &written, in, (int)size) == 1);
}

static int sizes_allowed(size_t key_size, size_t associated_size, size_t size)
{
    return gcm_of(key_size) && associated_size <= INT_MAX && size <= INT_MAX;
}

int crypto_gcm_seal(const uint8_t *key, size_t key_size, const uint8_t nonce[static CRYPTO_GCM_NONCE_SIZE],
                    const void *associated, size_t associated_size, const uint8_t *in, size_t size,
                    uint8_t *out, uint8_t tag[static CRYPTO_GCM_TAG_SIZE])
{
    uint8_t rest[16];
    int written;
    EVP_CIPHER_CTX *gcm;
    int ok;

    if (!sizes_allowed(key_size, associated_size, size))
        return -EINVAL;
    gcm = EVP_CIPHER_CTX_new();
    ok = gcm_pass(gcm, 1, key, key_size, nonce, associated, associated_size, in, size, out) &&
         EVP_CipherFinal_ex(gcm, rest, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, CRYPTO_GCM_TAG_SIZE, tag) == 1;
    EVP_CIPHER_CTX_free(gcm);
    return ok ? 0 : BASE_E_CRYPTO;
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
        gcm_pass(gcm, 0, key, key_size, nonce, associated, associated_size, in, size, out) &&
        EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, CRYPTO_GCM_TAG_SIZE, (void *)(uintptr_t)tag) == 1;
    if (passed)
        authentic = EVP_CipherFinal_ex(gcm, rest, &written) == 1;
    EVP_CIPHER_CTX_free(gcm);
    if (!authentic)
        base_secure_zero(out, size);
    return authentic ? 0 : passed ? BASE_E_AUTHENTICATION : BASE_E_CRYPTO;
}
