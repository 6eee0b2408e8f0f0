/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ts/pack.h"

#define PAYLOAD_MAX (TS_PACKET_SIZE - 4)

static size_t section_size(const uint8_t *section)
{
    return 3 + (base_load_u16(section + 1) & 0x0FFFu);
}

static bool are_whole(const uint8_t *sections, size_t size)
{
    size_t at = 0;

    while (at + 3 <= size)
        at += section_size(sections + at);
    return at == size;
}

/* One packet from `at` on, where the next section begins at `start` (`size`: none does). Returns the bytes
 * of sections in it. Sections begin only in packets with a pointer_field: without one the bytes behind a
 * section's end stay empty. */
static size_t pack_one(const uint8_t *sections, size_t size, size_t at, size_t start, uint8_t *packet)
{
    bool begins = start < size && start - at < TS_PACK_BYTES_MIN;
    size_t left = begins ? size - at : start - at;
    size_t room = begins ? TS_PACK_BYTES_MIN : PAYLOAD_MAX;
    size_t filled = left < room ? left : room;
    uint8_t *payload = packet + 4;

    if (begins) {
        packet[1] |= 0x40;
        *payload++ = (uint8_t)(start - at);
    }
    memcpy(payload, sections + at, filled);
    memset(payload + filled, 0xFF, (size_t)(packet + TS_PACKET_SIZE - payload) - filled);
    return filled;
}

unsigned ts_pack_sections(const uint8_t *sections, size_t size, uint16_t pid, uint8_t *packets, unsigned room)
{
    unsigned count = 0;
    size_t start = 0; /* of the first section that begins at or behind `at` */

    if (!are_whole(sections, size) || ts_pack_packets_max(size) > room)
        return 0;
    for (size_t at = 0; at < size; count++) {
        uint8_t *packet = packets + (size_t)count * TS_PACKET_SIZE;

        packet[0] = TS_SYNC_BYTE;
        packet[1] = (uint8_t)(pid >> 8 & 0x1F);
        packet[2] = (uint8_t)pid;
        packet[3] = (uint8_t)(0x10 | (count & 0x0F));
        at += pack_one(sections, size, at, start, packet);
        while (start < at)
            start += section_size(sections + start);
    }
    return count;
}
