/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC_32 of ISO/IEC 13818-1, Annex A: polynomial 0x04C11DB7, most significant bit first, start value all
 * ones, no final inversion. Four bytes per step, since engines check every section of the tables that they
 * watch. */
#include "ts/section.h"

/* A CRC is linear: the entry of a byte is the exclusive or of the entries of its bits. So eight constants
 * give a table of 256. */
#define BIT(i, b, entry) (((i) >> (b)&1) * (entry))
#define ENTRY(i, e0, e1, e2, e3, e4, e5, e6, e7)                                                             \
    (BIT(i, 0, e0) ^ BIT(i, 1, e1) ^ BIT(i, 2, e2) ^ BIT(i, 3, e3) ^ BIT(i, 4, e4) ^ BIT(i, 5, e5) ^         \
     BIT(i, 6, e6) ^ BIT(i, 7, e7))
#define ENTRIES_4(i, ...)                                                                                    \
    ENTRY(i, __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__),                         \
        ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES_16(i, ...)                                                                                   \
    ENTRIES_4(i, __VA_ARGS__), ENTRIES_4((i) + 4, __VA_ARGS__), ENTRIES_4((i) + 8, __VA_ARGS__),             \
        ENTRIES_4((i) + 12, __VA_ARGS__)
#define ENTRIES_64(i, ...)                                                                                   \
    ENTRIES_16(i, __VA_ARGS__), ENTRIES_16((i) + 16, __VA_ARGS__), ENTRIES_16((i) + 32, __VA_ARGS__),        \
        ENTRIES_16((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                                           \
    {                                                                                                        \
        ENTRIES_64(0u, __VA_ARGS__), ENTRIES_64(64u, __VA_ARGS__), ENTRIES_64(128u, __VA_ARGS__),            \
            ENTRIES_64(192u, __VA_ARGS__)                                                                    \
    }

/* table[k][i]: what byte i leaves in the register after k more zero bytes. */
static const uint32_t table[4][256] = {
    TABLE(0x04C11DB7u, 0x09823B6Eu, 0x130476DCu, 0x2608EDB8u, 0x4C11DB70u, 0x9823B6E0u, 0x34867077u,
          0x690CE0EEu),
    TABLE(0xD219C1DCu, 0xA0F29E0Fu, 0x452421A9u, 0x8A484352u, 0x10519B13u, 0x20A33626u, 0x41466C4Cu,
          0x828CD898u),
    TABLE(0x01D8AC87u, 0x03B1590Eu, 0x0762B21Cu, 0x0EC56438u, 0x1D8AC870u, 0x3B1590E0u, 0x762B21C0u,
          0xEC564380u),
    TABLE(0xDC6D9AB7u, 0xBC1A28D9u, 0x7CF54C05u, 0xF9EA980Au, 0xF7142DA3u, 0xEAE946F1u, 0xD1139055u,
          0xA6E63D1Du),
};

uint32_t ts_crc32(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint32_t crc = 0xFFFFFFFF;

    for (; size >= 4; size -= 4, p += 4) {
        crc ^= base_load_u32(p);
        crc = table[3][crc >> 24] ^ table[2][crc >> 16 & 0xFF] ^ table[1][crc >> 8 & 0xFF] ^
              table[0][crc & 0xFF];
    }
    for (; size; size--, p++)
        crc = crc << 8 ^ table[0][crc >> 24 ^ *p];
    return crc;
}
