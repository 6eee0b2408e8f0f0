/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder: whatever comes is decoded or refused; what is accepted can be walked, and encoded again to the
 * same bytes where it holds nothing unknown. */
#include <stdlib.h>
#include <string.h>

#include "simulcrypt/ecmg_scs_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static size_t walk(const struct simulcrypt_message *message)
{
    size_t bytes = 0;
    for (size_t i = 0; i < message->definition->rule_count; i++) {
        uint16_t tag = message->definition->rules[i].tag;
        struct simulcrypt_field field = simulcrypt_message_first(message, tag);
        unsigned n = 0;
        for (; field.value; n++) {
            bytes += (size_t)4 + field.size;
            field = simulcrypt_message_next(message, tag, field);
        }
        require(n >= simulcrypt_message_count(message, tag));
    }
    return bytes;
}

static void encode_again(const struct simulcrypt_message *message, const uint8_t *data, size_t size)
{
    static uint8_t again[SIMULCRYPT_HEADER_SIZE + UINT16_MAX];
    struct simulcrypt_encoder encoder;
    struct base_reader r = message->body;
    simulcrypt_encode_begin(&encoder, &simulcrypt_ecmg_scs, message->version, message->type, again, size);
    while (base_reader_left(&r)) {
        uint16_t tag = base_read_u16(&r);
        uint16_t length = base_read_u16(&r);
        simulcrypt_encode_bytes(&encoder, tag, base_read_bytes(&r, length), length);
    }
    ptrdiff_t made = simulcrypt_encode_end(&encoder);
    /* Version 1 may receive an ECM_id, and may not send one. */
    require(message->version == 1 || made == (ptrdiff_t)size);
    require(made < 0 || !memcmp(again, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict = {.error_status = 0};
    enum simulcrypt_sender from = size & 1 ? SIMULCRYPT_FROM_CLIENT : SIMULCRYPT_FROM_SERVER;
    int status = simulcrypt_message_decode(&simulcrypt_ecmg_scs, from, data, size, &message, &verdict);
    size_t bytes = walk(&message);
    if (status)
        require(verdict.error_status != 0);
    else if (SIMULCRYPT_HEADER_SIZE + bytes == size)
        encode_again(&message, data, size);
    return 0;
}
