/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/mac.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/error.h"

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
