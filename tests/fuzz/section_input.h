/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A fuzzer does not guess a CRC: sections get a right one, so that the code behind the check is reached. */
#ifndef TESTS_FUZZ_SECTION_INPUT_H
#define TESTS_FUZZ_SECTION_INPUT_H

#include <stdlib.h>

#include "ts/psi.h"

/* A copy with table_id, long syntax, section_length and CRC_32 made right; NULL where it is too short. To be
 * freed. */
static inline uint8_t *section_input(const uint8_t *data, size_t size, uint8_t table_id)
{
    uint8_t *section;

    if (size < 12 || size > TS_SECTION_MAX || !(section = malloc(size)))
        return NULL;
    memcpy(section, data, size);
    section[0] = table_id;
    base_store_u16(section + 1, (uint16_t)(0xB000 | (size - 3)));
    base_store_u32(section + size - 4, ts_crc32(section, size - 4));
    return section;
}

#endif
