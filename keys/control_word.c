/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keys/control_word.h"

#include <errno.h>

#include "base/cursor.h"
#include "base/error.h"
#include "crypto/mac.h"
#include "crypto/random.h"

#define CSA_CW_SIZE 8

static uint8_t sum_of_three(const uint8_t *bytes)
{
    return (uint8_t)(bytes[0] + bytes[1] + bytes[2]);
}

void keys_cw_set_checksum(uint8_t *cw, size_t cw_size)
{
    if (cw_size != CSA_CW_SIZE)
        return;
    cw[3] = sum_of_three(cw);
    cw[7] = sum_of_three(cw + 4);
}

bool keys_cw_has_checksum(const uint8_t *cw, size_t cw_size)
{
    return cw_size != CSA_CW_SIZE || (cw[3] == sum_of_three(cw) && cw[7] == sum_of_three(cw + 4));
}

static int derive(const struct keys_cw_generator *generator, uint64_t crypto_period, uint8_t *cw)
{
    uint8_t context[sizeof(uint32_t) + sizeof(uint64_t)];

    base_store_u32(context, generator->group);
    base_store_u64(context + sizeof(uint32_t), crypto_period);
    return crypto_kdf(generator->seed.bytes, generator->seed.size, KEYS_CW_SEED_LABEL, context,
                      sizeof(context), cw, generator->cw_size);
}

int keys_cw_generate(const struct keys_cw_generator *generator, uint64_t crypto_period,
                     struct base_secret *cw)
{
    uint8_t bytes[KEYS_CW_MAX];
    int status;

    if (generator->cw_size != CSA_CW_SIZE && generator->cw_size != KEYS_CW_MAX)
        return -EINVAL;
    if (generator->seed.size)
        status = derive(generator, crypto_period, bytes);
    else
        status = crypto_random(bytes, generator->cw_size);
    if (status == 0) {
        keys_cw_set_checksum(bytes, generator->cw_size);
        status = base_secret_set(cw, bytes, generator->cw_size);
    }
    base_secure_zero(bytes, sizeof(bytes));
    return status;
}

void keys_cw_generator_clear(struct keys_cw_generator *generator)
{
    base_secret_clear(&generator->seed);
}

int keys_cw_from_hex(struct base_secret *cw, const char *text, size_t cw_size, bool raw)
{
    if (base_secret_from_hex(cw, text) < 0 || cw->size != cw_size) {
        base_secret_clear(cw);
        return BASE_E_MALFORMED;
    }
    if (!raw)
        keys_cw_set_checksum(cw->bytes, cw->size);
    return 0;
}
