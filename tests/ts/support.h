/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Builders of sections and packets for the tests of ts/; they share no code with what they test. */
#ifndef TESTS_TS_SUPPORT_H
#define TESTS_TS_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* CRC_32 bit by bit, as figure A.1 of ISO/IEC 13818-1 draws it. */
static inline uint32_t support_crc(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFFFFFF;

    for (size_t i = 0; i < size * 8; i++) {
        uint32_t in = bytes[i / 8] >> (7 - i % 8) & 1;

        crc = crc << 1 ^ ((crc >> 31 ^ in) ? 0x04C11DB7 : 0);
    }
    return crc;
}

/* Completes `size` bytes of a long section with section_length and CRC_32; returns its full size. */
static inline size_t support_seal(uint8_t *section, size_t size)
{
    size_t length = size + 4 - 3;
    uint32_t crc;

    section[1] = (uint8_t)((section[1] & 0xF0) | length >> 8);
    section[2] = (uint8_t)length;
    crc = support_crc(section, size);
    for (int i = 0; i < 4; i++)
        section[size++] = (uint8_t)(crc >> (24 - 8 * i));
    return size;
}

/* Header and body of a long section, sealed. */
static inline size_t support_section(uint8_t *section, uint8_t table_id, uint16_t extension, uint8_t version,
                                     const void *body, size_t body_size)
{
    const uint8_t header[8] = {
        table_id, 0xB0, 0, (uint8_t)(extension >> 8), (uint8_t)extension, (uint8_t)(0xC1 | version << 1)};

    memcpy(section, header, sizeof(header));
    if (body_size)
        memcpy(section + sizeof(header), body, body_size);
    return support_seal(section, sizeof(header) + body_size);
}

/* A packet whose payload is exactly `size` bytes (184 at most): an adaptation field takes the rest. */
static inline void support_packet(uint8_t *packet, uint16_t pid, bool start, uint8_t counter,
                                  const void *payload, size_t size)
{
    size_t field = 184 - size;

    memset(packet, 0xFF, 188);
    packet[0] = 0x47;
    packet[1] = (uint8_t)((start ? 0x40 : 0) | pid >> 8);
    packet[2] = (uint8_t)pid;
    packet[3] = (uint8_t)((field ? 0x20 : 0) | (size ? 0x10 : 0) | (counter & 0x0F));
    if (field)
        packet[4] = (uint8_t)(field - 1);
    if (field > 1)
        packet[5] = 0;
    if (size)
        memcpy(packet + 188 - size, payload, size);
}

/* A packet with a PCR (27 MHz ticks) and no payload. */
static inline void support_pcr_packet(uint8_t *packet, uint16_t pid, uint64_t pcr, bool discontinuity)
{
    uint64_t base = pcr / 300;

    support_packet(packet, pid, false, 0, NULL, 0);
    packet[5] = (uint8_t)(0x10 | (discontinuity ? 0x80 : 0));
    packet[6] = (uint8_t)(base >> 25);
    packet[7] = (uint8_t)(base >> 17);
    packet[8] = (uint8_t)(base >> 9);
    packet[9] = (uint8_t)(base >> 1);
    packet[10] = (uint8_t)((base & 1) << 7 | 0x7E | (pcr % 300) >> 8);
    packet[11] = (uint8_t)(pcr % 300);
}

/* The same numbers in every run: a failure can be repeated. */
static inline uint32_t support_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
