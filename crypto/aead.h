/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crypto/aead.h: AES-GCM (NIST SP 800-38D) for messages, over OpenSSL. Thread-safe: no state but a sealer's.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_GCM_NONCE_SIZE 12
#define CRYPTO_GCM_TAG_SIZE   16

/* key_size 16 or 32 bytes. `out` takes `size` bytes and may be `in`. Never reuse a nonce with a key. */
int crypto_gcm_seal(const uint8_t *key, size_t key_size, const uint8_t nonce[static CRYPTO_GCM_NONCE_SIZE],
                    const void *associated, size_t associated_size, const uint8_t *in, size_t size,
                    uint8_t *out, uint8_t tag[static CRYPTO_GCM_TAG_SIZE]);

/* BASE_E_AUTHENTICATION where the tag does not match: `out` is zeroed then. */
int crypto_gcm_open(const uint8_t *key, size_t key_size, const uint8_t nonce[static CRYPTO_GCM_NONCE_SIZE],
                    const void *associated, size_t associated_size, const uint8_t *in, size_t size,
                    const uint8_t tag[static CRYPTO_GCM_TAG_SIZE], uint8_t *out);

/* For many messages, each with a key of its own: what OpenSSL looks up and allocates it does once. */
struct crypto_gcm_sealer;
int crypto_gcm_sealer_create(struct crypto_gcm_sealer **sealer, size_t key_size);
void crypto_gcm_sealer_destroy(struct crypto_gcm_sealer *sealer); /* wipes; NULL is allowed */

/* As crypto_gcm_seal(), `key` of the size given at creation. */
int crypto_gcm_sealer_seal(struct crypto_gcm_sealer *sealer, const uint8_t *key,
                           const uint8_t nonce[static CRYPTO_GCM_NONCE_SIZE], const void *associated,
                           size_t associated_size, const uint8_t *in, size_t size, uint8_t *out,
                           uint8_t tag[static CRYPTO_GCM_TAG_SIZE]);

#endif
