/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/random.h"

#include <limits.h>
#include <openssl/rand.h>

#include "base/error.h"

int crypto_random(void *bytes, size_t size)
{
    if (size > INT_MAX || RAND_bytes(bytes, (int)size) != 1)
        return BASE_E_CRYPTO;
    return 0;
}
