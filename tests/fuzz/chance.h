/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/fuzz/chance.h: what the targets of sessions share: choices drawn from the input's first byte, the
 * rest fed in any cuts, and what is sent judged. */
#ifndef TESTS_FUZZ_CHANCE_H
#define TESTS_FUZZ_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "simulcrypt/message.h"

static uint32_t chance_state;

static inline void require(bool condition)
{
    if (!condition)
        abort();
}

static inline uint32_t draw(uint32_t below)
{
    chance_state = chance_state * 1664525 + 1013904223;
    return (chance_state >> 8) % below;
}

/* In buffers of just their size, so that the sanitizer sees a read beyond them. */
static inline void feed(const uint8_t *data, size_t size, void (*input)(const uint8_t *bytes, size_t size))
{
    while (size) {
        size_t part = draw(2) ? size : 1 + draw((uint32_t)size);
        uint8_t *exact = malloc(part);
        memcpy(exact, data, part);
        input(exact, part);
        free(exact);
        data += part;
        size -= part;
    }
}

/* What a session sends is a message of its interface; its version may be one that the peer named and that is
 * not known: the interface's `version_error`. */
static inline void require_valid(const struct simulcrypt_interface *interface, uint16_t version_error,
                                 enum simulcrypt_sender from, const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    int status = simulcrypt_message_decode(interface, from, bytes, size, &message, &verdict);
    require(!status || verdict.error_status == version_error);
}

#endif
