/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream.h"

#include <string.h>

#include "base/cursor.h"
#include "ts/section.h"

static size_t seal(uint8_t *section, uint8_t table_id, uint16_t extension, uint8_t version, uint8_t number,
                   uint8_t last, size_t size)
{
    section[0] = table_id;
    base_store_u16(section + 1, (uint16_t)(0xB000 | (size + 4 - 3)));
    base_store_u16(section + 3, extension);
    section[5] = (uint8_t)(0xC1 | version << 1);
    section[6] = number;
    section[7] = last;
    base_store_u32(section + size, ts_crc32(section, size));
    return size + 4;
}

size_t stream_pat(uint8_t *section, uint8_t version, uint8_t number, uint8_t last,
                  const struct stream_program *programs, unsigned count)
{
    size_t at = 8;

    for (unsigned i = 0; i < count; i++, at += 4) {
        base_store_u16(section + at, programs[i].number);
        base_store_u16(section + at + 2, 0xE000 | programs[i].pmt_pid);
    }
    return seal(section, 0x00, STREAM_TSID, version, number, last, at);
}

size_t stream_pmt(uint8_t *section, uint16_t program, uint8_t version, uint16_t pcr_pid,
                  uint16_t ca_system_id, uint16_t ca_pid, unsigned padding,
                  const struct stream_component *components, unsigned count)
{
    size_t at = 12;

    base_store_u16(section + 8, 0xE000 | pcr_pid);
    if (ca_system_id) {
        section[at] = 0x09;
        section[at + 1] = 4;
        base_store_u16(section + at + 2, ca_system_id);
        base_store_u16(section + at + 4, 0xE000 | ca_pid);
        at += 6;
    }
    for (unsigned left = padding; left >= 2;) {
        unsigned length = left - 2 > 255 ? 255 : left - 2;

        section[at] = 0xFE;
        section[at + 1] = (uint8_t)length;
        memset(section + at + 2, 0x55, length);
        at += 2 + length;
        left -= 2 + length;
    }
    base_store_u16(section + 10, (uint16_t)(0xF000 | (at - 12)));
    for (unsigned i = 0; i < count; i++, at += 5) {
        section[at] = components[i].stream_type;
        base_store_u16(section + at + 1, 0xE000 | components[i].pid);
        base_store_u16(section + at + 3, 0xF000);
    }
    return seal(section, 0x02, program, version, 0, 0, at);
}

size_t stream_sdt(uint8_t *section, uint8_t version, uint8_t number, uint8_t last,
                  const struct stream_service *services, unsigned count)
{
    size_t at = 11;

    base_store_u16(section + 8, 0x0001);
    section[10] = 0xFF;
    for (unsigned i = 0; i < count; i++) {
        size_t name = strlen(services[i].name);

        base_store_u16(section + at, services[i].id);
        section[at + 2] = 0xFC;
        base_store_u16(section + at + 3, (uint16_t)(0x8000 | (name + 5)));
        section[at + 5] = 0x48;
        section[at + 6] = (uint8_t)(name + 3);
        section[at + 7] = 0x01;
        section[at + 8] = 0;
        section[at + 9] = (uint8_t)name;
        memcpy(section + at + 10, services[i].name, name);
        at += 10 + name;
    }
    return seal(section, 0x42, STREAM_TSID, version, number, last, at);
}

size_t stream_cat(uint8_t *section)
{
    return seal(section, 0x01, 0xFFFF, 0, 0, 0, 8);
}
