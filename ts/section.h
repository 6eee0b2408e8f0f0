/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ts/section.h: sections (ISO/IEC 13818-1, 2.4.4) out of packets and into packets, and their CRC.
 *
 * Objects belong to one thread. Nothing here allocates but ts_demux_create()/_add(). */
#ifndef TS_SECTION_H
#define TS_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ts/packet.h"

#define TS_SECTION_MAX 4096 /* bytes: 3 + section_length, private sections (PSI: 1024) */

/* CRC_32 of Annex A: over a whole section with its CRC the result is 0. */
uint32_t ts_crc32(const void *bytes, size_t size);

struct ts_section_header {
    uint16_t size;      /* 3 + section_length */
    uint16_t extension; /* table_id_extension; 0 for a short section */
    uint8_t table_id;
    bool long_syntax; /* section_syntax_indicator */
    uint8_t version;
    bool current; /* current_next_indicator; true for a short section */
    uint8_t number;
    uint8_t last_number;
};

/* Reads the header of what must be exactly one section. 0; BASE_E_TRUNCATED; BASE_E_MALFORMED (too long,
 * bytes behind it, or too short for its syntax); BASE_E_CHECKSUM for a long section whose CRC is wrong
 * (fields are filled). */
int ts_section_parse(const uint8_t *section, size_t size, struct ts_section_header *header);

/* Puts the sections of one PID together. Packets with a transport error or a broken adaptation field,
 * scrambled ones, and gaps in the continuity counter (announced by discontinuity_indicator or not) drop the
 * section under way. Duplicates (same counter, same payload, no discontinuity_indicator) are passed over; the
 * same counter with another payload is a gap. All zero is the state after a reset. */
struct ts_section_assembler {
    uint8_t buffer[TS_SECTION_MAX];
    uint16_t filled;
    bool collecting;
    bool counter_known;
    uint8_t counter;
    uint8_t last[TS_PACKET_SIZE]; /* the packet before, to know a duplicate from a gap of 16 */
    uint64_t lost;                /* sections dropped under way: gaps, errors, overlong */
};

void ts_section_assembler_reset(struct ts_section_assembler *assembler);

/* Gives every section that `packet` completes to `take`, in order, CRC unchecked. The section is valid during
 * the call. Returns how many. */
typedef void ts_section_taker(void *context, const uint8_t *section, size_t size);
unsigned ts_section_assembler_feed(struct ts_section_assembler *assembler, const uint8_t *packet,
                                   ts_section_taker *take, void *context);

/* Assemblers for a changing set of PIDs. Inside the callback PIDs may be added and removed, the one under way
 * too; the demultiplexer may not be fed or destroyed there. */
struct ts_section_demux;
typedef void ts_demux_taker(void *context, uint16_t pid, const uint8_t *section, size_t size);

int ts_demux_create(struct ts_section_demux **demux, ts_demux_taker *take, void *context);
void ts_demux_destroy(struct ts_section_demux *demux); /* NULL is allowed */
int ts_demux_add(struct ts_section_demux *demux,
                 uint16_t pid); /* 0 also where it is there; -ENOMEM, -EINVAL */
void ts_demux_remove(struct ts_section_demux *demux, uint16_t pid); /* what it was collecting is dropped */
bool ts_demux_has(const struct ts_section_demux *demux, uint16_t pid);
unsigned ts_demux_feed(struct ts_section_demux *demux, const uint8_t *packet); /* sections completed */

/* Sections to packets of one PID; owns the continuity counter of the PID. Each section begins a packet (PUSI,
 * pointer_field 0) and its last packet is filled with 0xFF. */
struct ts_packetizer {
    uint16_t pid;
    uint8_t counter; /* continuity_counter of the next packet */
};

/* Packets that a section of `size` bytes takes. */
static inline unsigned ts_packets_for_section(size_t size)
{
    return (unsigned)((size + 1 + TS_PACKET_SIZE - 5) / (TS_PACKET_SIZE - 4));
}

/* Writes packet `index` (from 0) of the section to `packet` (188 bytes) and counts the continuity counter on.
 */
void ts_packetize(struct ts_packetizer *packetizer, const uint8_t *section, size_t size, unsigned index,
                  uint8_t *packet);

#endif
