/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

void base_secure_zero(void *memory, size_t size)
{
    explicit_bzero(memory, size);
}

bool base_secure_equal(const void *a, size_t a_size, const void *b, size_t b_size)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t difference = 0;

    if (a_size != b_size)
        return false;
    for (size_t i = 0; i < a_size; i++)
        difference |= (uint8_t)(x[i] ^ y[i]);
    return difference == 0;
}

int base_secret_set(struct base_secret *secret, const void *bytes, size_t size)
{
    if (size > BASE_SECRET_MAX)
        return -EMSGSIZE;
    base_secret_clear(secret);
    memcpy(secret->bytes, bytes, size);
    secret->size = (uint8_t)size;
    return 0;
}

void base_secret_clear(struct base_secret *secret)
{
    base_secure_zero(secret, sizeof(*secret));
}

bool base_secret_equal(const struct base_secret *a, const struct base_secret *b)
{
    return base_secure_equal(a->bytes, a->size, b->bytes, b->size);
}

int base_secret_from_hex(struct base_secret *secret, const char *text)
{
    uint8_t bytes[BASE_SECRET_MAX];
    ptrdiff_t size = base_hex_decode(text, bytes, sizeof(bytes));
    int status = size < 0 ? (int)size : base_secret_set(secret, bytes, (size_t)size);

    base_secure_zero(bytes, sizeof(bytes));
    return status;
}

int base_secret_hex(const struct base_secret *secret, char *text, size_t room)
{
    return base_hex_encode(secret->bytes, secret->size, text, room);
}
