/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire/network.h: private to wire/: header layouts and what its files share. */
#ifndef WIRE_NETWORK_H
#define WIRE_NETWORK_H

#include "wire/datagram.h"
#include "wire/segment.h"

#define WIRE__MAC_SIZE      6
#define WIRE__ETHERNET_SIZE 14
#define WIRE__IPV4_SIZE     20 /* without options */
#define WIRE__IPV6_SIZE     40
#define WIRE__UDP_SIZE      8
#define WIRE__RTP_SIZE      12 /* without CSRCs and extension */

#define WIRE__IPV4_SOURCE      12
#define WIRE__IPV4_DESTINATION 16
#define WIRE__IPV6_SOURCE      8
#define WIRE__IPV6_DESTINATION 24

#define WIRE__PROTOCOL_TCP 6
#define WIRE__PROTOCOL_UDP 17

/* An IP packet in a frame: offsets in bytes from the frame's start. */
struct wire__packet {
    struct wire_flow flow; /* ports 0 */
    uint16_t ip_offset;
    size_t payload_offset; /* of the transport's header */
    size_t end;            /* of the IP packet */
};

/* Finds an unfragmented packet of `protocol` from the network header at `offset` on, as announced by
 * `ethertype` (VLAN tags included). Errors of wire_datagram_parse(). */
int wire__parse_network(const uint8_t *frame, size_t size, size_t offset, uint16_t ethertype,
                        uint8_t protocol, struct wire__packet *packet);

/* The same from the IP header at `offset` on, IPv4 or IPv6 by its version field. */
int wire__parse_ip(const uint8_t *frame, size_t size, size_t offset, uint8_t protocol,
                   struct wire__packet *packet);

/* From an Ethernet header on. */
int wire__parse_ethernet(const uint8_t *frame, size_t size, uint8_t protocol, struct wire__packet *packet);

/* The transport of a packet that was found. */
int wire__parse_udp(const uint8_t *frame, const struct wire__packet *packet, struct wire_datagram *datagram);
int wire__parse_tcp(const uint8_t *frame, const struct wire__packet *packet, struct wire_segment *segment);

/* Adds bytes to a sum in the machine's own byte order (RFC 1071, section 2 (B)). Only the last piece of a
 * sum may have an odd size. */
uint64_t wire__sum(const uint8_t *bytes, size_t size, uint64_t sum);

/* The checksum field, as a number, that belongs to the sum. */
uint16_t wire__checksum(uint64_t sum);

#endif
