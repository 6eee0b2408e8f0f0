/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire/datagram.h: Ethernet, VLAN, IPv4, IPv6, UDP and RTP headers: parsed and rewritten in place.
 * Thread-safe.
 *
 * IEEE 802.3/802.1Q, RFC 791, 8200, 768, 3550. Sans-I/O, no allocation; every length on the wire is checked
 * against the bytes that are there. Fragments of IP are refused (-ENOTSUP). */
#ifndef WIRE_DATAGRAM_H
#define WIRE_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_address {
    uint8_t bytes[16]; /* IPv4 in the first four */
    uint8_t version;   /* 4 or 6 */
};

struct wire_flow {
    struct wire_address source, destination;
    uint16_t source_port, destination_port;
};

/* Where things are in a frame: offsets in bytes from its start. */
struct wire_datagram {
    struct wire_flow flow;
    uint16_t ip_offset;
    uint16_t udp_offset;
    uint16_t payload_offset; /* of the TS packets: behind the RTP header where there is one */
    uint16_t payload_size;   /* bytes of TS packets */
    uint16_t rtp_offset;     /* 0: no RTP */
    uint16_t rtp_sequence;
    uint32_t rtp_timestamp;
};

/* `frame` begins with the Ethernet header; at most two VLAN tags. 0; -EPROTONOSUPPORT for what is not UDP
 * over IP; -ENOTSUP for a fragment; BASE_E_TRUNCATED where the frame is shorter than its IP packet,
 * BASE_E_MALFORMED for lengths that contradict each other or a wrong IPv4 header checksum (0 passes: not
 * filled in). The UDP checksum is not looked at. *datagram is only good after 0; flows may be compared by
 * memcmp().
 *
 * RTP is recognised by version 2 with payload type 33 (MP2T) or another type whose payload begins with a TS
 * sync byte; its padding, CSRCs and extension are skipped. Where these do not fit, it is not RTP. */
int wire_datagram_parse(const uint8_t *frame, size_t size, struct wire_datagram *datagram);

/* The same from the IP header on. */
int wire_datagram_parse_ip(const uint8_t *packet, size_t size, struct wire_datagram *datagram);

/* How many whole TS packets the payload holds, 0 where it is not n × 188 bytes that begin with sync bytes. */
unsigned wire_ts_packets(const uint8_t *payload, size_t size);

/* New addresses for an output; the frame keeps its size. Checksums are set right (IPv4 header; UDP over
 * pseudo-header and payload: costs a pass over the datagram). */
struct wire_readdress {
    uint8_t source_mac[6];
    uint8_t destination_mac[6];
    struct wire_flow flow; /* of the frame's own IP version, else -EPROTONOSUPPORT */
    uint8_t ttl;           /* 0: as it is */
};
/* -EINVAL where the datagram does not end within `size`. `datagram` keeps the old addresses. */
int wire_datagram_readdress(uint8_t *frame, size_t size, const struct wire_datagram *datagram,
                            const struct wire_readdress *readdress);

/* The same without checksums, for a caller who changes the payload as well and calls
 * wire_datagram_fix_checksums() once at the end. */
int wire_datagram_set_addresses(uint8_t *frame, size_t size, const struct wire_datagram *datagram,
                                const struct wire_readdress *readdress);

/* Sets the UDP checksum after a change of payload (and the IPv4 header checksum), from the addresses that are
 * in the frame. `frame` is the one that `datagram` was parsed from or built into. */
void wire_datagram_fix_checksums(uint8_t *frame, const struct wire_datagram *datagram);

/* Nothing where there is no RTP. Checksums are left to wire_datagram_fix_checksums(). */
void wire_rtp_set_sequence(uint8_t *frame, const struct wire_datagram *datagram, uint16_t sequence);

/* Builds the headers of a datagram like `model` (same VLANs, addresses, IP options, RTP header without CSRC
 * and extension, its sequence number the model's) with `payload_size` bytes behind them. Returns the bytes of
 * headers written, or -ENOSPC where headers and payload exceed `room` or an IP packet.
 * Checksums are left to wire_datagram_fix_checksums(); `datagram` describes the new frame. */
ptrdiff_t wire_datagram_build(const uint8_t *model_frame, const struct wire_datagram *model,
                              size_t payload_size, uint8_t *frame, size_t room,
                              struct wire_datagram *datagram);

/* Multicast MAC address of an IP group (RFC 1112, RFC 2464). */
void wire_multicast_mac(const struct wire_address *group, uint8_t mac[static 6]);
bool wire_is_multicast(const struct wire_address *address);

/* "ADDRESS" and "ADDRESS:PORT" / "[ADDRESS]:PORT". BASE_E_MALFORMED. */
int wire_address_parse(const char *text, struct wire_address *address);
int wire_endpoint_parse(const char *text, struct wire_address *address, uint16_t *port);
void wire_address_format(const struct wire_address *address, char text[static 64]);
void wire_endpoint_format(const struct wire_address *address, uint16_t port, char text[static 64]);
bool wire_address_equal(const struct wire_address *a, const struct wire_address *b);

#endif
