/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ts/pack.h: sections back to back into packets (ISO/IEC 13818-1, 2.4.4: pointer_field), for streams of many
 * small ones. Thread-safe: no state. */
#ifndef TS_PACK_H
#define TS_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "ts/section.h"

/* Every packet but the last carries at least as many bytes of sections. */
#define TS_PACK_BYTES_MIN (TS_PACKET_SIZE - 5)

/* Packets that sections of `size` bytes in all take at the most. */
static inline unsigned ts_pack_packets_max(size_t size)
{
    return (unsigned)((size + TS_PACK_BYTES_MIN - 1) / TS_PACK_BYTES_MIN);
}

/* `sections` are whole ones, one behind the other. Writes their packets of `pid`, continuity counters from 0,
 * the last one filled up with 0xFF. Returns how many; 0 where a section is cut, or `room` packets are less
 * than ts_pack_packets_max(). */
unsigned ts_pack_sections(const uint8_t *sections, size_t size, uint16_t pid, uint8_t *packets,
                          unsigned room);

#endif
