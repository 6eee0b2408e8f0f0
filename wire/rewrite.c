/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "wire/datagram.h"
#include "wire/network.h"

#define UDP_CHECKSUM  6
#define IPV4_CHECKSUM 10

static size_t udp_length(const uint8_t *frame, const struct wire_datagram *datagram)
{
    return base_load_u16(frame + datagram->udp_offset + 4);
}

static void fix_ipv4_header(uint8_t *ip)
{
    base_store_u16(ip + IPV4_CHECKSUM, 0);
    base_store_u16(ip + IPV4_CHECKSUM, wire__checksum(wire__sum(ip, 4 * (size_t)(ip[0] & 0x0F), 0)));
}

/* Both addresses stand side by side in either IP version. */
static uint64_t sum_addresses(const uint8_t *ip, uint8_t version)
{
    return version == 4 ? wire__sum(ip + WIRE__IPV4_SOURCE, 8, 0) : wire__sum(ip + WIRE__IPV6_SOURCE, 32, 0);
}

void wire_datagram_fix_checksums(uint8_t *frame, const struct wire_datagram *datagram)
{
    uint8_t version = datagram->flow.destination.version;
    uint8_t *ip = frame + datagram->ip_offset;
    uint8_t *udp = frame + datagram->udp_offset;
    size_t length = udp_length(frame, datagram);
    uint8_t pseudo[4] = {0, WIRE__PROTOCOL_UDP};
    uint16_t checksum;

    if (version == 4)
        fix_ipv4_header(ip);
    base_store_u16(pseudo + 2, (uint16_t)length);
    base_store_u16(udp + UDP_CHECKSUM, 0);
    checksum = wire__checksum(wire__sum(udp, length, wire__sum(pseudo, 4, sum_addresses(ip, version))));
    base_store_u16(udp + UDP_CHECKSUM, checksum ? checksum : 0xFFFF); /* 0 would say "no checksum" */
}

static void store_addresses(uint8_t *ip, const struct wire_flow *flow)
{
    bool four = flow->source.version == 4;
    size_t size = four ? 4 : 16;

    memcpy(ip + (four ? WIRE__IPV4_SOURCE : WIRE__IPV6_SOURCE), flow->source.bytes, size);
    memcpy(ip + (four ? WIRE__IPV4_DESTINATION : WIRE__IPV6_DESTINATION), flow->destination.bytes, size);
}

int wire_datagram_set_addresses(uint8_t *frame, size_t size, const struct wire_datagram *datagram,
                                const struct wire_readdress *readdress)
{
    uint8_t version = datagram->flow.destination.version;
    uint8_t *ip = frame + datagram->ip_offset;
    uint8_t *udp = frame + datagram->udp_offset;

    if (readdress->flow.source.version != version || readdress->flow.destination.version != version)
        return -EPROTONOSUPPORT;
    if (datagram->udp_offset + (size_t)WIRE__UDP_SIZE > size ||
        datagram->udp_offset + udp_length(frame, datagram) > size)
        return -EINVAL;
    if (datagram->ip_offset >= WIRE__ETHERNET_SIZE) {
        memcpy(frame, readdress->destination_mac, WIRE__MAC_SIZE);
        memcpy(frame + WIRE__MAC_SIZE, readdress->source_mac, WIRE__MAC_SIZE);
    }
    store_addresses(ip, &readdress->flow);
    if (readdress->ttl)
        ip[version == 4 ? 8 : 7] = readdress->ttl;
    base_store_u16(udp, readdress->flow.source_port);
    base_store_u16(udp + 2, readdress->flow.destination_port);
    return 0;
}

int wire_datagram_readdress(uint8_t *frame, size_t size, const struct wire_datagram *datagram,
                            const struct wire_readdress *readdress)
{
    int status = wire_datagram_set_addresses(frame, size, datagram, readdress);

    if (status == 0)
        wire_datagram_fix_checksums(frame, datagram);
    return status;
}

void wire_rtp_set_sequence(uint8_t *frame, const struct wire_datagram *datagram, uint16_t sequence)
{
    if (datagram->rtp_offset)
        base_store_u16(frame + datagram->rtp_offset + 2, sequence);
}

/* Lengths of IP and UDP for `udp` bytes of UDP header and payload behind `network` bytes of IP headers. */
static void store_lengths(uint8_t *frame, const struct wire_datagram *datagram, size_t network, size_t udp)
{
    uint8_t *ip = frame + datagram->ip_offset;

    if (datagram->flow.destination.version == 4)
        base_store_u16(ip + 2, (uint16_t)(network + udp));
    else
        base_store_u16(ip + 4, (uint16_t)(network - WIRE__IPV6_SIZE + udp));
    base_store_u16(frame + datagram->udp_offset + 4, (uint16_t)udp);
}

/* The model's RTP header without marker, padding, extension and CSRCs. */
static void copy_rtp(uint8_t *rtp, const uint8_t *model)
{
    memcpy(rtp, model, WIRE__RTP_SIZE);
    rtp[0] = 2 << 6;
    rtp[1] &= 0x7F;
}

ptrdiff_t wire_datagram_build(const uint8_t *model_frame, const struct wire_datagram *model,
                              size_t payload_size, uint8_t *frame, size_t room,
                              struct wire_datagram *datagram)
{
    size_t network = (size_t)(model->udp_offset - model->ip_offset);
    size_t rtp = model->rtp_offset ? WIRE__RTP_SIZE : 0;
    size_t headers = model->udp_offset + (size_t)WIRE__UDP_SIZE + rtp;
    size_t udp = WIRE__UDP_SIZE + rtp + payload_size;

    if (payload_size > UINT16_MAX || headers > UINT16_MAX || headers + payload_size > room ||
        network + udp > UINT16_MAX)
        return -ENOSPC;
    memcpy(frame, model_frame, model->udp_offset + (size_t)WIRE__UDP_SIZE);
    *datagram = *model;
    datagram->payload_offset = (uint16_t)headers;
    datagram->payload_size = (uint16_t)payload_size;
    if (rtp) {
        datagram->rtp_offset = (uint16_t)(headers - rtp);
        copy_rtp(frame + datagram->rtp_offset, model_frame + model->rtp_offset);
    }
    store_lengths(frame, datagram, network, udp);
    return (ptrdiff_t)headers;
}
