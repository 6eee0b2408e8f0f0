/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/fuzz/chance.h: what the targets of sessions share: choices drawn from the input's first byte, and the
 * rest fed in any cuts. */
#ifndef TESTS_FUZZ_CHANCE_H
#define TESTS_FUZZ_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

#endif
