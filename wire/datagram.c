/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/datagram.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "wire/network.h"

#define ETHERTYPE_IPV4   0x0800
#define ETHERTYPE_IPV6   0x86DD
#define ETHERTYPE_VLAN   0x8100
#define ETHERTYPE_QINQ   0x88A8
#define ETHERTYPE_QINQ_1 0x9100 /* what switches used for the outer tag before 802.1ad */

#define VLAN_TAGS_MAX         2
#define EXTENSION_HEADERS_MAX 8
#define RTP_TYPE_MP2T         33
#define TS_PACKET             188
#define TS_SYNC               0x47

/* IPv6 extension headers that may stand before UDP (RFC 8200, section 4). */
enum { NEXT_HOP_BY_HOP = 0, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_DESTINATION = 60 };

/* What stands behind `offset`, for a message of `size` bytes (of which `offset` are known to be there). */
static struct base_reader reader_from(const uint8_t *frame, size_t size, size_t offset)
{
    return base_reader_of(frame + offset, size - offset);
}

/* Bytes of the RTP header at the start of `payload`, 0 where it is not RTP around a transport stream (or
 * its lengths do not fit, which tells the same). *padding: bytes at the end that do not count. */
static size_t rtp_header_size(const uint8_t *payload, size_t size, size_t *padding)
{
    size_t header = WIRE__RTP_SIZE;

    if (size < WIRE__RTP_SIZE || payload[0] >> 6 != 2)
        return 0;
    header += 4 * (size_t)(payload[0] & 0x0F);
    if (payload[0] & 0x10) {
        if (size < header + 4)
            return 0;
        header += 4 + 4 * (size_t)base_load_u16(payload + header + 2);
    }
    *padding = payload[0] & 0x20 ? payload[size - 1] : 0;
    if (size < header + *padding || ((payload[0] & 0x20) && *padding == 0))
        return 0;
    if ((payload[1] & 0x7F) != RTP_TYPE_MP2T && (size == header + *padding || payload[header] != TS_SYNC))
        return 0;
    return header;
}

static int parse_payload(const uint8_t *frame, size_t offset, size_t size, struct wire_datagram *datagram)
{
    size_t padding;
    size_t rtp = rtp_header_size(frame + offset, size, &padding);

    if (rtp) {
        if (offset + rtp > UINT16_MAX)
            return BASE_E_MALFORMED;
        datagram->rtp_offset = (uint16_t)offset;
        datagram->rtp_sequence = base_load_u16(frame + offset + 2);
        datagram->rtp_timestamp = base_load_u32(frame + offset + 4);
        offset += rtp;
        size -= rtp + padding;
    }
    datagram->payload_offset = (uint16_t)offset;
    datagram->payload_size = (uint16_t)size;
    return 0;
}

int wire__parse_udp(const uint8_t *frame, const struct wire__packet *packet, struct wire_datagram *datagram)
{
    size_t offset = packet->payload_offset;
    struct base_reader r = reader_from(frame, packet->end, offset);
    const uint8_t *udp = base_read_bytes(&r, WIRE__UDP_SIZE);
    size_t length;

    memset(datagram, 0, sizeof(*datagram));
    if (!udp || offset > UINT16_MAX - WIRE__UDP_SIZE)
        return BASE_E_MALFORMED;
    length = base_load_u16(udp + 4);
    if (length < WIRE__UDP_SIZE || length > packet->end - offset)
        return BASE_E_MALFORMED;
    datagram->ip_offset = packet->ip_offset;
    datagram->udp_offset = (uint16_t)offset;
    datagram->flow = packet->flow;
    datagram->flow.source_port = base_load_u16(udp);
    datagram->flow.destination_port = base_load_u16(udp + 2);
    return parse_payload(frame, offset + WIRE__UDP_SIZE, length - WIRE__UDP_SIZE, datagram);
}

static int parse_ipv4(const uint8_t *frame, size_t size, size_t offset, uint8_t protocol,
                      struct wire__packet *packet)
{
    struct base_reader r = reader_from(frame, size, offset);
    const uint8_t *ip = base_read_bytes(&r, WIRE__IPV4_SIZE);
    size_t header, total;

    if (!ip)
        return BASE_E_TRUNCATED;
    header = 4 * (size_t)(ip[0] & 0x0F);
    total = base_load_u16(ip + 2);
    if (ip[0] >> 4 != 4 || header < WIRE__IPV4_SIZE || total < header)
        return BASE_E_MALFORMED;
    if (header > size - offset)
        return BASE_E_TRUNCATED;
    /* A zero field is what a sender's own capture shows where its NIC fills it in. */
    if (base_load_u16(ip + 10) && wire__checksum(wire__sum(ip, header, 0)))
        return BASE_E_MALFORMED;
    if (ip[9] != protocol)
        return -EPROTONOSUPPORT;
    if (base_load_u16(ip + 6) & 0x3FFF) /* more fragments, or an offset */
        return -ENOTSUP;
    if (total > size - offset)
        return BASE_E_TRUNCATED;
    packet->ip_offset = (uint16_t)offset;
    packet->payload_offset = offset + header;
    packet->end = offset + total;
    packet->flow.source.version = packet->flow.destination.version = 4;
    memcpy(packet->flow.source.bytes, ip + WIRE__IPV4_SOURCE, 4);
    memcpy(packet->flow.destination.bytes, ip + WIRE__IPV4_DESTINATION, 4);
    return 0;
}

/* Walks the extension headers from *offset to the header of `protocol`. */
static int skip_extensions(const uint8_t *frame, size_t end, uint8_t next, uint8_t protocol, size_t *offset)
{
    struct base_reader r = reader_from(frame, end, *offset);

    for (unsigned i = 0; i < EXTENSION_HEADERS_MAX; i++) {
        const uint8_t *header;

        if (next == protocol) {
            *offset = (size_t)(r.at - frame);
            return 0;
        }
        if (next == NEXT_FRAGMENT)
            return -ENOTSUP;
        if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_DESTINATION)
            return -EPROTONOSUPPORT;
        header = base_read_bytes(&r, 8);
        if (!header || !base_read_bytes(&r, 8 * (size_t)header[1]))
            return BASE_E_MALFORMED;
        /* Segments left: the destination in the IP header is a stop on the way, and not the one of the UDP
         * checksum. */
        if (next == NEXT_ROUTING && header[3])
            return -EPROTONOSUPPORT;
        next = header[0];
    }
    return BASE_E_MALFORMED;
}

static int parse_ipv6(const uint8_t *frame, size_t size, size_t offset, uint8_t protocol,
                      struct wire__packet *packet)
{
    struct base_reader r = reader_from(frame, size, offset);
    const uint8_t *ip = base_read_bytes(&r, WIRE__IPV6_SIZE);
    size_t length;
    int status;

    if (!ip)
        return BASE_E_TRUNCATED;
    if (ip[0] >> 4 != 6)
        return BASE_E_MALFORMED;
    length = base_load_u16(ip + 4);
    if (length > base_reader_left(&r))
        return BASE_E_TRUNCATED;
    packet->payload_offset = offset + WIRE__IPV6_SIZE;
    packet->end = packet->payload_offset + length;
    status = skip_extensions(frame, packet->end, ip[6], protocol, &packet->payload_offset);
    if (status < 0)
        return status;
    packet->ip_offset = (uint16_t)offset;
    packet->flow.source.version = packet->flow.destination.version = 6;
    memcpy(packet->flow.source.bytes, ip + WIRE__IPV6_SOURCE, 16);
    memcpy(packet->flow.destination.bytes, ip + WIRE__IPV6_DESTINATION, 16);
    return 0;
}

int wire__parse_network(const uint8_t *frame, size_t size, size_t offset, uint16_t ethertype,
                        uint8_t protocol, struct wire__packet *packet)
{
    struct base_reader r = reader_from(frame, size, offset);

    memset(packet, 0, sizeof(*packet));
    for (unsigned tags = 0;
         ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ || ethertype == ETHERTYPE_QINQ_1;
         tags++) {
        const uint8_t *tag = base_read_bytes(&r, 4);

        if (!tag)
            return BASE_E_TRUNCATED;
        if (tags == VLAN_TAGS_MAX)
            return -EPROTONOSUPPORT;
        ethertype = base_load_u16(tag + 2);
    }
    offset = (size_t)(r.at - frame);
    if (ethertype == ETHERTYPE_IPV4)
        return parse_ipv4(frame, size, offset, protocol, packet);
    if (ethertype == ETHERTYPE_IPV6)
        return parse_ipv6(frame, size, offset, protocol, packet);
    return -EPROTONOSUPPORT;
}

int wire__parse_ip(const uint8_t *frame, size_t size, size_t offset, uint8_t protocol,
                   struct wire__packet *packet)
{
    if (size <= offset)
        return BASE_E_TRUNCATED;
    return wire__parse_network(frame, size, offset, frame[offset] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4,
                               protocol, packet);
}

int wire__parse_ethernet(const uint8_t *frame, size_t size, uint8_t protocol, struct wire__packet *packet)
{
    if (size < WIRE__ETHERNET_SIZE)
        return BASE_E_TRUNCATED;
    return wire__parse_network(frame, size, WIRE__ETHERNET_SIZE, base_load_u16(frame + 12), protocol, packet);
}

int wire_datagram_parse(const uint8_t *frame, size_t size, struct wire_datagram *datagram)
{
    struct wire__packet packet;
    int status = wire__parse_ethernet(frame, size, WIRE__PROTOCOL_UDP, &packet);

    return status < 0 ? status : wire__parse_udp(frame, &packet, datagram);
}

int wire_datagram_parse_ip(const uint8_t *bytes, size_t size, struct wire_datagram *datagram)
{
    struct wire__packet packet;
    int status = wire__parse_ip(bytes, size, 0, WIRE__PROTOCOL_UDP, &packet);

    return status < 0 ? status : wire__parse_udp(bytes, &packet, datagram);
}

unsigned wire_ts_packets(const uint8_t *payload, size_t size)
{
    size_t count = size / TS_PACKET;

    if (count * TS_PACKET != size)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (payload[i * TS_PACKET] != TS_SYNC)
            return 0;
    }
    return (unsigned)count;
}
