/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "simulcrypt/framer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/secret.h"

static size_t message_size(const uint8_t *header)
{
    return SIMULCRYPT_HEADER_SIZE + (size_t)base_load_u16(header + 3);
}

void simulcrypt_framer_init(struct simulcrypt_framer *framer, size_t limit)
{
    *framer = (struct simulcrypt_framer){.limit = limit};
}

static void release(struct simulcrypt_framer *framer)
{
    if (framer->held)
        base_secure_zero(framer->held, framer->have);
    free(framer->held);
    framer->held = NULL;
    framer->have = 0;
    framer->whole = false;
}

void simulcrypt_framer_clear(struct simulcrypt_framer *framer)
{
    release(framer);
    framer->skip = 0;
}

/* Moves input into `buffer`, which has `*have` bytes, up to `want`. True once it has them. */
static bool gather(struct base_reader *input, uint8_t *buffer, size_t *have, size_t want)
{
    size_t left = base_reader_left(input);
    size_t part = want - *have < left ? want - *have : left;
    if (part)
        memcpy(buffer + *have, base_read_bytes(input, part), part);
    *have += part;
    return *have == want;
}

static void skip_rest(struct simulcrypt_framer *framer, struct base_reader *input)
{
    size_t left = base_reader_left(input);
    size_t part = framer->skip < left ? framer->skip : left;
    base_read_bytes(input, part);
    framer->skip -= part;
}

static bool take_in_place(const struct simulcrypt_framer *framer, struct base_reader *input,
                          const uint8_t **message, size_t *size)
{
    if (framer->have || base_reader_left(input) < SIMULCRYPT_HEADER_SIZE)
        return false;
    *size = message_size(input->at);
    if (*size > framer->limit || *size > base_reader_left(input))
        return false;
    *message = base_read_bytes(input, *size);
    return true;
}

/* The header is complete: makes room for the whole message. */
static int hold(struct simulcrypt_framer *framer)
{
    size_t size = message_size(framer->header);
    if (size > framer->limit) {
        framer->skip = size - SIMULCRYPT_HEADER_SIZE;
        framer->have = 0;
        return -EMSGSIZE;
    }
    framer->held = malloc(size);
    if (!framer->held)
        return -ENOMEM;
    memcpy(framer->held, framer->header, SIMULCRYPT_HEADER_SIZE);
    return 0;
}

int simulcrypt_framer_next(struct simulcrypt_framer *framer, struct base_reader *input,
                           const uint8_t **message, size_t *size)
{
    if (framer->whole)
        release(framer);
    skip_rest(framer, input);
    if (take_in_place(framer, input, message, size))
        return 1;
    if (!framer->held) {
        if (!gather(input, framer->header, &framer->have, SIMULCRYPT_HEADER_SIZE))
            return 0;
        int status = hold(framer);
        *message = framer->header;
        *size = SIMULCRYPT_HEADER_SIZE;
        if (status)
            return status;
    }
    *message = framer->held;
    *size = message_size(framer->header);
    framer->whole = gather(input, framer->held, &framer->have, *size);
    return framer->whole;
}
