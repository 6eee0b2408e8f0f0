/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crypto/mac.h: HMAC-SHA-256 and SHA-256 (FIPS 198-1, FIPS 180-4) over OpenSSL. Thread-safe: no state but
 * that of a crypto_kdf. */
#ifndef CRYPTO_MAC_H
#define CRYPTO_MAC_H

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SHA256_SIZE 32

int crypto_sha256(const void *bytes, size_t size, uint8_t digest[static CRYPTO_SHA256_SIZE]);
int crypto_hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t size,
                       uint8_t tag[static CRYPTO_SHA256_SIZE]);

/* SP 800-108 key derivation in counter mode over HMAC-SHA-256: `size` bytes (at most 255 × 32) from
 * key, label (text) and context. */
int crypto_kdf(const void *key, size_t key_size, const char *label, const void *context, size_t context_size,
               uint8_t *out, size_t size);

/* The same from one key many times: what OpenSSL looks up and allocates it does once. */
struct crypto_kdf;
int crypto_kdf_create(struct crypto_kdf **kdf, const void *key, size_t key_size);
void crypto_kdf_destroy(struct crypto_kdf *kdf); /* wipes; NULL is allowed */

/* As crypto_kdf(), at most CRYPTO_SHA256_SIZE bytes. */
int crypto_kdf_derive(struct crypto_kdf *kdf, const char *label, const void *context, size_t context_size,
                      uint8_t *out, size_t size);

#endif
