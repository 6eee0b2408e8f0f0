/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/segment.h"

#include "base/cursor.h"
#include "base/error.h"
#include "wire/network.h"

#define TCP_SIZE 20 /* without options */

int wire__parse_tcp(const uint8_t *frame, const struct wire__packet *packet, struct wire_segment *segment)
{
    struct base_reader r =
        base_reader_of(frame + packet->payload_offset, packet->end - packet->payload_offset);
    const uint8_t *tcp = base_read_bytes(&r, TCP_SIZE);
    size_t header;

    if (!tcp)
        return BASE_E_MALFORMED;
    header = 4 * (size_t)(tcp[12] >> 4);
    if (header < TCP_SIZE || header > packet->end - packet->payload_offset)
        return BASE_E_MALFORMED;
    *segment = (struct wire_segment){
        .flow = packet->flow,
        .sequence = base_load_u32(tcp + 4),
        .acknowledgement = base_load_u32(tcp + 8),
        .flags = tcp[13],
        .payload_offset = packet->payload_offset + header,
        .payload_size = packet->end - packet->payload_offset - header,
    };
    segment->flow.source_port = base_load_u16(tcp);
    segment->flow.destination_port = base_load_u16(tcp + 2);
    return 0;
}
