/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire/capture.h: pcap and pcapng records out of a byte stream. Sans-I/O, one thread, no allocation.
 *
 * pcap in both byte orders, micro- and nanoseconds; pcapng with section header, interface description
 * (if_tsresol), enhanced and simple packet blocks. Link types: Ethernet 1, raw IP 12, 101, 228, 229, BSD null
 * 0 and loop 108, Linux SLL 113 and SLL2 276. */
#ifndef WIRE_CAPTURE_H
#define WIRE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/datagram.h"
#include "wire/segment.h"

#define WIRE_CAPTURE_INTERFACES_MAX 64
#define WIRE_CAPTURE_RECORD_MAX     (256 * 1024) /* bytes of one record or block; larger ones are refused */
#define WIRE_CAPTURE_MAGIC_SIZE     4

struct wire_capture {
    bool next_generation; /* pcapng */
    bool swapped;         /* little-endian file */
    bool started;
    uint32_t interface_count;
    struct {
        uint16_t link_type;
        uint64_t ticks_per_second;
        int64_t offset_s;     /* if_tsoffset, added to every time stamp */
        uint32_t snap_length; /* 0: none */
    } interfaces[WIRE_CAPTURE_INTERFACES_MAX];
};

/* Whether these first four bytes begin a capture file. */
bool wire_capture_recognise(const uint8_t magic[static WIRE_CAPTURE_MAGIC_SIZE]);
void wire_capture_init(struct wire_capture *capture);

struct wire_capture_record {
    const uint8_t *bytes; /* link-layer frame, in the caller's buffer */
    size_t size;          /* captured bytes */
    uint64_t time_ns;
    uint16_t link_type;
    bool cut; /* the capture holds less than was on the wire */
};

/* Looks at the next element of the file at `bytes`. Returns the bytes to step over (> 0; record->bytes is
 * NULL for an element without a packet), 0 where more bytes are needed (call again with a longer run from the
 * same place), or BASE_E_MALFORMED, BASE_E_UNSUPPORTED. */
ptrdiff_t wire_capture_next(struct wire_capture *capture, const uint8_t *bytes, size_t size,
                            struct wire_capture_record *record);

/* Finds the UDP datagram in a record; errors of wire_datagram_parse(). Offsets count from record->bytes. */
int wire_capture_datagram(const struct wire_capture_record *record, struct wire_datagram *datagram);

/* The same for a TCP segment: -EPROTONOSUPPORT for what is not TCP over IP. */
int wire_capture_segment(const struct wire_capture_record *record, struct wire_segment *segment);

#endif
