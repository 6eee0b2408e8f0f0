/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/mac.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "base/secret.h"

int crypto_sha256(const void *bytes, size_t size, uint8_t digest[static CRYPTO_SHA256_SIZE])
{
    return EVP_Q_digest(NULL, "SHA256", NULL, bytes, size, digest, NULL) == 1 ? 0 : BASE_E_CRYPTO;
}

int crypto_hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t size,
                       uint8_t tag[static CRYPTO_SHA256_SIZE])
{
    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_size, bytes, size, tag, CRYPTO_SHA256_SIZE,
                     NULL)
               ? 0
               : BASE_E_CRYPTO;
}

int crypto_kdf(const void *key, size_t key_size, const char *label, const void *context, size_t context_size,
               uint8_t *out, size_t size)
{
    char mode[] = "counter", mac[] = "HMAC", digest[] = "SHA256"; /* not const in OpenSSL's signatures */
    /* OpenSSL's KBKDF writes [i]32 || label || 0x00 || context || [L]32, the form of SP 800-108, 4.1. */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)label, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)context, context_size),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf;
    EVP_KDF_CTX *derivation;
    int ok;

    if (size > 255 * CRYPTO_SHA256_SIZE)
        return -EINVAL;
    kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    derivation = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    ok = derivation && EVP_KDF_derive(derivation, out, size, params) == 1;
    EVP_KDF_CTX_free(derivation);
    EVP_KDF_free(kdf);
    return ok ? 0 : BASE_E_CRYPTO;
}

struct crypto_kdf {
    EVP_MAC *mac;
    EVP_MAC_CTX *hmac; /* holds the key */
};

static int set_key(struct crypto_kdf *kdf, const void *key, size_t key_size)
{
    char digest[] = "SHA256"; /* not const in OpenSSL's signature */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    kdf->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    kdf->hmac = kdf->mac ? EVP_MAC_CTX_new(kdf->mac) : NULL;
    return kdf->hmac && EVP_MAC_init(kdf->hmac, key, key_size, params) == 1;
}

int crypto_kdf_create(struct crypto_kdf **kdf, const void *key, size_t key_size)
{
    struct crypto_kdf *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    if (!set_key(made, key, key_size)) {
        crypto_kdf_destroy(made);
        return BASE_E_CRYPTO;
    }
    *kdf = made;
    return 0;
}

void crypto_kdf_destroy(struct crypto_kdf *kdf)
{
    if (!kdf)
        return;
    EVP_MAC_CTX_free(kdf->hmac);
    EVP_MAC_free(kdf->mac);
    free(kdf);
}

/* SP 800-108r1, 4.1, with one block: HMAC([1]32 || label || 0x00 || context || [L]32), L in bits. Without a
 * key given, EVP_MAC_init() begins anew with the last one. */
int crypto_kdf_derive(struct crypto_kdf *kdf, const char *label, const void *context, size_t context_size,
                      uint8_t *out, size_t size)
{
    uint8_t first[4], length[4], block[CRYPTO_SHA256_SIZE];
    size_t written;
    int ok;

    if (size > sizeof(block))
        return -EINVAL;
    base_store_u32(first, 1);
    base_store_u32(length, (uint32_t)(8 * size));
    ok = EVP_MAC_init(kdf->hmac, NULL, 0, NULL) == 1 &&
         EVP_MAC_update(kdf->hmac, first, sizeof(first)) == 1 &&
         EVP_MAC_update(kdf->hmac, (const uint8_t *)label, strlen(label) + 1) == 1 &&
         EVP_MAC_update(kdf->hmac, context, context_size) == 1 &&
         EVP_MAC_update(kdf->hmac, length, sizeof(length)) == 1 &&
         EVP_MAC_final(kdf->hmac, block, &written, sizeof(block)) == 1;
    if (ok)
        memcpy(out, block, size);
    base_secure_zero(block, sizeof(block));
    return ok ? 0 : BASE_E_CRYPTO;
}
