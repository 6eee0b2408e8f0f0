/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Capture files for tests, written into memory, in either byte order. */
#ifndef TESTS_WIRE_CAPTURES_H
#define TESTS_WIRE_CAPTURES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CAPTURE_FILE_ROOM (8u << 20)

struct capture_file {
    uint8_t bytes[CAPTURE_FILE_ROOM];
    size_t size;
    bool little;
};

static inline void capture_number(struct capture_file *c, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        c->bytes[c->size + i] = (uint8_t)(value >> 8 * (c->little ? i : size - 1 - i));
    c->size += size;
}

static inline void capture_data(struct capture_file *c, const uint8_t *bytes, size_t size)
{
    if (size)
        memcpy(c->bytes + c->size, bytes, size);
    c->size += size;
}

static inline void capture_pcap(struct capture_file *c, bool little, bool nano, uint32_t link)
{
    c->size = 0;
    c->little = little;
    capture_number(c, nano ? 0xA1B23C4D : 0xA1B2C3D4, 4);
    capture_number(c, 2, 2);
    capture_number(c, 4, 2);
    capture_number(c, 0, 8);
    capture_number(c, 262144, 4);
    capture_number(c, link, 4);
}

static inline void capture_pcap_record(struct capture_file *c, uint32_t seconds, uint32_t fraction,
                                       const uint8_t *bytes, size_t size, size_t original)
{
    capture_number(c, seconds, 4);
    capture_number(c, fraction, 4);
    capture_number(c, size, 4);
    capture_number(c, original, 4);
    capture_data(c, bytes, size);
}

/* Type and length; the length is set, and repeated, by capture_end(). */
static inline size_t capture_begin(struct capture_file *c, uint32_t type)
{
    size_t start = c->size;

    capture_number(c, type, 4);
    capture_number(c, 0, 4);
    return start;
}

static inline void capture_end(struct capture_file *c, size_t start)
{
    size_t end;

    while (c->size % 4)
        capture_number(c, 0, 1);
    end = c->size;
    c->size = start + 4;
    capture_number(c, end + 4 - start, 4);
    c->size = end;
    capture_number(c, end + 4 - start, 4);
}

static inline void capture_section(struct capture_file *c, bool little)
{
    size_t start;

    c->little = little;
    start = capture_begin(c, 0x0A0D0D0A);
    capture_number(c, 0x1A2B3C4D, 4);
    capture_number(c, 1, 2);
    capture_number(c, 0, 2);
    capture_number(c, UINT64_MAX, 8);
    capture_end(c, start);
}

/* `resolution` < 0: no if_tsresol; `offset` 0: no if_tsoffset. */
static inline void capture_interface(struct capture_file *c, uint16_t link, uint32_t snap, int resolution,
                                     int64_t offset)
{
    size_t start = capture_begin(c, 1);

    capture_number(c, link, 2);
    capture_number(c, 0, 2);
    capture_number(c, snap, 4);
    capture_number(c, 2, 2); /* if_name, of a size that needs padding */
    capture_number(c, 3, 2);
    capture_data(c, (const uint8_t *)"en0\0", 4);
    if (resolution >= 0) {
        capture_number(c, 9, 2);
        capture_number(c, 1, 2);
        capture_number(c, (uint64_t)resolution, 1);
        capture_data(c, (const uint8_t *)"\0\0\0", 3);
    }
    if (offset) {
        capture_number(c, 14, 2);
        capture_number(c, 8, 2);
        capture_number(c, (uint64_t)offset, 8);
    }
    capture_number(c, 0, 4); /* opt_endofopt */
    capture_end(c, start);
}

static inline void capture_enhanced(struct capture_file *c, uint32_t interface, uint64_t ticks,
                                    const uint8_t *bytes, size_t size, size_t original)
{
    size_t start = capture_begin(c, 6);

    capture_number(c, interface, 4);
    capture_number(c, ticks >> 32, 4);
    capture_number(c, ticks & 0xFFFFFFFF, 4);
    capture_number(c, size, 4);
    capture_number(c, original, 4);
    capture_data(c, bytes, size);
    capture_end(c, start);
}

static inline void capture_simple(struct capture_file *c, const uint8_t *bytes, size_t size, size_t original)
{
    size_t start = capture_begin(c, 3);

    capture_number(c, original, 4);
    capture_data(c, bytes, size);
    capture_end(c, start);
}

#endif
