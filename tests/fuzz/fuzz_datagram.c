/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any frame: what is parsed lies inside it, survives rewriting, and a datagram built from it parses again. */
#include <stdlib.h>
#include <string.h>

#include "wire/datagram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void rewrite(const uint8_t *data, size_t size, const struct wire_datagram *datagram)
{
    struct wire_readdress readdress = {.flow = datagram->flow, .ttl = 1};
    struct wire_datagram again;
    uint8_t *copy = malloc(size);

    memcpy(copy, data, size);
    readdress.flow.destination_port = 9;
    wire_rtp_set_sequence(copy, datagram, 7);
    require(wire_datagram_readdress(copy, size, datagram, &readdress) == 0);
    require(wire_datagram_parse(copy, size, &again) == 0);
    require(memcmp(&again.flow, &readdress.flow, sizeof(again.flow)) == 0);
    require(again.payload_offset == datagram->payload_offset);
    free(copy);
}

static void build(const uint8_t *data, const struct wire_datagram *model)
{
    static uint8_t frame[2 * UINT16_MAX];
    struct wire_datagram built, again;
    ptrdiff_t headers = wire_datagram_build(data, model, 188, frame, sizeof(frame), &built);

    if (headers < 0)
        return;
    memset(frame + headers, 0x47, 188);
    wire_datagram_fix_checksums(frame, &built);
    require(wire_datagram_parse(frame, (size_t)headers + 188, &again) == 0);
    require(again.payload_size == 188 || !model->rtp_offset);
    require(again.udp_offset == model->udp_offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_datagram datagram;

    if (wire_datagram_parse_ip(data, size, &datagram) == 0)
        require((size_t)datagram.payload_offset + datagram.payload_size <= size);
    if (wire_datagram_parse(data, size, &datagram) < 0)
        return 0;
    require((size_t)datagram.payload_offset + datagram.payload_size <= size);
    require(wire_ts_packets(data + datagram.payload_offset, datagram.payload_size) * 188u <= size);
    rewrite(data, size, &datagram);
    build(data, &datagram);
    return 0;
}
