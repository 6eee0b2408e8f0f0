/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/cursor.h"
#include "wire/network.h"

static uint64_t load_half(const uint8_t *bytes)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

uint64_t wire__sum(const uint8_t *bytes, size_t size, uint64_t sum)
{
    uint64_t lanes[4] = {sum, 0, 0, 0};
    uint16_t last = 0;

    /* 32-bit words in 64-bit lanes: no carry is lost under 16 GiB, and the lanes do not wait for each
     * other. */
    for (; size >= 16; bytes += 16, size -= 16) {
        for (unsigned i = 0; i < 4; i++)
            lanes[i] += load_half(bytes + 4 * i);
    }
    for (; size >= 4; bytes += 4, size -= 4)
        lanes[0] += load_half(bytes);
    for (; size >= 2; bytes += 2, size -= 2) {
        memcpy(&last, bytes, 2);
        lanes[1] += last;
    }
    if (size) {
        last = 0;
        memcpy(&last, bytes, 1);
        lanes[2] += last;
    }
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

uint16_t wire__checksum(uint64_t sum)
{
    uint8_t field[2];
    uint16_t folded;

    for (int i = 0; i < 4; i++)
        sum = (sum & 0xFFFF) + (sum >> 16);
    folded = (uint16_t)~sum;
    memcpy(field, &folded, sizeof(field));
    return base_load_u16(field);
}
