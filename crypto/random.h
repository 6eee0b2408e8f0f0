/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crypto/random.h: random bytes from OpenSSL's generator. Thread-safe. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

/* 0, or BASE_E_CRYPTO: then `bytes` must not be used. */
int crypto_random(void *bytes, size_t size);

#endif
