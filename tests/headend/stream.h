/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/headend/stream.h: tables of a small stream, written by hand (ISO/IEC 13818-1, 2.4.4; EN 300 468). */
#ifndef TESTS_HEADEND_STREAM_H
#define TESTS_HEADEND_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define STREAM_SECTION_MAX 1024
#define STREAM_TSID        0x0101

struct stream_program {
    uint16_t number, pmt_pid;
};

struct stream_component {
    uint16_t pid;
    uint8_t stream_type;
};

struct stream_service {
    uint16_t id;
    const char *name;
};

size_t stream_pat(uint8_t *section, uint8_t version, uint8_t number, uint8_t last,
                  const struct stream_program *programs, unsigned count);
/* ca_system_id 0: no CA_descriptor in the programme loop. `padding`: bytes of private descriptors. */
size_t stream_pmt(uint8_t *section, uint16_t program, uint8_t version, uint16_t pcr_pid,
                  uint16_t ca_system_id, uint16_t ca_pid, unsigned padding,
                  const struct stream_component *components, unsigned count);
size_t stream_sdt(uint8_t *section, uint8_t version, uint8_t number, uint8_t last,
                  const struct stream_service *services, unsigned count);
size_t stream_cat(uint8_t *section);

#endif
