/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ts/packet.h: fields of the transport packet header (ISO/IEC 13818-1, 2.4.3.2 to 2.4.3.5). Thread-safe.
 *
 * Every function takes the first of 188 bytes. Nothing here trusts adaptation_field_length: a packet whose
 * adaptation field runs past its end has no payload. */
#ifndef TS_PACKET_H
#define TS_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cursor.h"

#define TS_PACKET_SIZE 188 /* bytes */
#define TS_SYNC_BYTE   0x47
#define TS_PIDS        8192
#define TS_PID_PAT     0x0000
#define TS_PID_CAT     0x0001
#define TS_PID_SDT     0x0011
#define TS_PID_NULL    0x1FFF
#define TS_PID_FIRST   0x0020 /* below it: tables of ISO 13818-1 and EN 300 468, never scrambled */

/* transport_scrambling_control (EN 300 468 / ETR 289) */
enum ts_scrambling { TS_CLEAR = 0, TS_RESERVED = 1, TS_EVEN = 2, TS_ODD = 3 };

static inline uint16_t ts_pid(const uint8_t *packet)
{
    return (uint16_t)((packet[1] & 0x1F) << 8 | packet[2]);
}

static inline void ts_set_pid(uint8_t *packet, uint16_t pid)
{
    packet[1] = (uint8_t)((packet[1] & 0xE0) | (pid >> 8));
    packet[2] = (uint8_t)pid;
}

static inline bool ts_error_indicator(const uint8_t *packet)
{
    return packet[1] & 0x80;
}

static inline bool ts_unit_start(const uint8_t *packet)
{
    return packet[1] & 0x40;
}

static inline enum ts_scrambling ts_scrambling_control(const uint8_t *packet)
{
    return (enum ts_scrambling)(packet[3] >> 6);
}

static inline void ts_set_scrambling_control(uint8_t *packet, enum ts_scrambling control)
{
    packet[3] = (uint8_t)((packet[3] & 0x3F) | (control << 6));
}

static inline bool ts_has_adaptation_field(const uint8_t *packet)
{
    return packet[3] & 0x20;
}

static inline bool ts_payload_flag(const uint8_t *packet)
{
    return packet[3] & 0x10;
}

static inline uint8_t ts_continuity_counter(const uint8_t *packet)
{
    return packet[3] & 0x0F;
}

static inline void ts_set_continuity_counter(uint8_t *packet, uint8_t counter)
{
    packet[3] = (uint8_t)((packet[3] & 0xF0) | (counter & 0x0F));
}

/* Whether the adaptation field, where there is one, ends inside the packet. A field that leaves no byte for
 * the payload that the header announces is sound too: its payload is empty. */
static inline bool ts_adaptation_sound(const uint8_t *packet)
{
    return !ts_has_adaptation_field(packet) || packet[4] <= TS_PACKET_SIZE - 5;
}

/* Offset of the payload in the packet, TS_PACKET_SIZE where there is none. */
static inline unsigned ts_payload_offset(const uint8_t *packet)
{
    if (!ts_payload_flag(packet) || !ts_adaptation_sound(packet))
        return TS_PACKET_SIZE;
    return ts_has_adaptation_field(packet) ? 5u + packet[4] : 4u;
}

/* program_clock_reference in 27 MHz ticks (33 bits × 300 + 9 bits); false where the packet carries none. */
static inline bool ts_pcr(const uint8_t *packet, uint64_t *pcr)
{
    uint64_t base;

    if (!ts_has_adaptation_field(packet) || !ts_adaptation_sound(packet) || packet[4] < 7 ||
        !(packet[5] & 0x10))
        return false;
    base = (uint64_t)base_load_u32(packet + 6) << 1 | packet[10] >> 7;
    *pcr = base * 300 + (uint64_t)((packet[10] & 1) << 8 | packet[11]);
    return true;
}

/* discontinuity_indicator of the adaptation field */
static inline bool ts_discontinuity(const uint8_t *packet)
{
    return ts_has_adaptation_field(packet) && ts_adaptation_sound(packet) && packet[4] >= 1 &&
           (packet[5] & 0x80);
}

/* A null packet: PID 0x1FFF, continuity counter 0, payload of 0xFF. */
static inline void ts_make_null(uint8_t *packet)
{
    static const uint8_t header[4] = {TS_SYNC_BYTE, 0x1F, 0xFF, 0x10};

    memcpy(packet, header, sizeof(header));
    memset(packet + sizeof(header), 0xFF, TS_PACKET_SIZE - sizeof(header));
}

#endif
