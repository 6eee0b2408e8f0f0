/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire/segment.h: TCP segments (RFC 9293, 3.1), as captures hold them. Thread-safe: no state.
 *
 * The TCP checksum is not looked at: in a sender's own capture it is not filled in yet. */
#ifndef WIRE_SEGMENT_H
#define WIRE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "wire/datagram.h"

enum wire_segment_flag {
    WIRE_TCP_FIN = 0x01,
    WIRE_TCP_SYN = 0x02,
    WIRE_TCP_RST = 0x04,
    WIRE_TCP_ACK = 0x10,
};

struct wire_segment {
    struct wire_flow flow;
    uint32_t sequence;        /* of the first byte of payload; of SYN where that is set */
    uint32_t acknowledgement; /* means something with WIRE_TCP_ACK alone */
    uint8_t flags;
    size_t payload_offset; /* in the frame */
    size_t payload_size;
};

#endif
