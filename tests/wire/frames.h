/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames for tests, written without the room under test: plain loops, one checksum byte pair at a time. */
#ifndef TESTS_WIRE_FRAMES_H
#define TESTS_WIRE_FRAMES_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct frame {
    uint8_t bytes[4096];
    size_t size;
    size_t ip, udp; /* offsets */
};

struct frame_options {
    bool no_ethernet;       /* begin with the IP header */
    unsigned tags;          /* VLAN tags, the outer ones of 802.1ad */
    bool six;               /* IPv6 */
    unsigned option_words;  /* IPv4 options, no-operation */
    const uint8_t *headers; /* IPv6 extension headers, the last one naming 17 */
    size_t headers_size;
    uint8_t first_header;
    bool rtp;
    uint8_t rtp_type; /* 0: 33 */
    unsigned csrcs, extension_words, padding;
    uint16_t sequence;
    const char *source, *destination; /* NULL: 192.0.2.1 and 239.1.1.1, 2001:db8::1 and ff15::1 */
    uint16_t port;                    /* of the destination; 0: 1234 */
    const uint8_t *payload;
    size_t payload_size;
    size_t trailer; /* zero bytes behind the IP packet: Ethernet padding */
    bool no_udp_checksum;
};

static inline void put8(struct frame *f, unsigned v)
{
    f->bytes[f->size++] = (uint8_t)v;
}

static inline void put16(struct frame *f, unsigned v)
{
    put8(f, v >> 8 & 0xFF);
    put8(f, v & 0xFF);
}

static inline void put32(struct frame *f, uint32_t v)
{
    put16(f, v >> 16);
    put16(f, v & 0xFFFF);
}

static inline void put_bytes(struct frame *f, const void *bytes, size_t size)
{
    if (size)
        memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

static inline void put_fill(struct frame *f, uint8_t value, size_t size)
{
    memset(f->bytes + f->size, value, size);
    f->size += size;
}

static inline void put_address(struct frame *f, bool six, const char *text)
{
    uint8_t bytes[16];

    inet_pton(six ? AF_INET6 : AF_INET, text, bytes);
    put_bytes(f, bytes, six ? 16 : 4);
}

static inline uint32_t plain_sum(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    return sum;
}

static inline uint16_t plain_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

static inline uint16_t plain_ip_checksum(const struct frame *f)
{
    return plain_fold(plain_sum(f->bytes + f->ip, 4 * (f->bytes[f->ip] & 15u), 0));
}

/* Over pseudo-header, header and payload as they are: 0 where the field is right. */
static inline uint16_t plain_udp_checksum(const struct frame *f)
{
    bool six = f->bytes[f->ip] >> 4 == 6;
    uint32_t length = (uint32_t)(f->bytes[f->udp + 4] << 8 | f->bytes[f->udp + 5]);
    uint32_t sum = plain_sum(f->bytes + f->ip + (six ? 8 : 12), six ? 32 : 8, 17 + length);

    return plain_fold(plain_sum(f->bytes + f->udp, length, sum));
}

static inline void frame_put_ethernet(struct frame *f, const struct frame_options *o)
{
    static const uint8_t macs[12] = {0x01, 0x00, 0x5E, 1, 1, 1, 2, 0, 0, 0, 0, 1};

    put_bytes(f, macs, sizeof(macs));
    for (unsigned i = o->tags; i > 0; i--) {
        put16(f, i > 1 ? 0x88A8 : 0x8100);
        put16(f, 100 + i);
    }
    put16(f, o->six ? 0x86DD : 0x0800);
}

static inline void frame_put_rtp(struct frame *f, const struct frame_options *o)
{
    put8(f, 0x80 | (o->padding ? 0x20 : 0) | (o->extension_words ? 0x10 : 0) | o->csrcs);
    put8(f, o->rtp_type ? o->rtp_type : 33);
    put16(f, o->sequence);
    put32(f, 0x01020304);
    put32(f, 0xCAFEF00D);
    put_fill(f, 0x11, 4 * o->csrcs);
    if (o->extension_words) {
        put16(f, 0xBEDE);
        put16(f, o->extension_words);
        put_fill(f, 0x22, 4 * o->extension_words);
    }
}

static inline size_t frame_udp_length(const struct frame_options *o)
{
    size_t rtp = o->rtp ? 12 + 4 * o->csrcs + (o->extension_words ? 4 + 4 * o->extension_words : 0) : 0;

    return 8 + rtp + o->payload_size + o->padding;
}

static inline void frame_put_ip(struct frame *f, const struct frame_options *o)
{
    f->ip = f->size;
    if (o->six) {
        put32(f, 6u << 28);
        put16(f, (unsigned)(o->headers_size + frame_udp_length(o)));
        put8(f, o->headers_size ? o->first_header : 17);
        put8(f, 64);
    } else {
        put16(f, (4 << 4 | (5 + o->option_words)) << 8);
        put16(f, (unsigned)(20 + 4 * o->option_words + frame_udp_length(o)));
        put32(f, 0x12344000);
        put16(f, 64 << 8 | 17);
        put16(f, 0);
    }
    put_address(f, o->six, o->source ? o->source : o->six ? "2001:db8::1" : "192.0.2.1");
    put_address(f, o->six, o->destination ? o->destination : o->six ? "ff15::1" : "239.1.1.1");
    put_fill(f, 1, 4 * o->option_words);
    put_bytes(f, o->headers, o->headers_size);
}

static inline void frame_fix(struct frame *f, bool no_udp_checksum)
{
    uint8_t *ip = f->bytes + f->ip;
    uint8_t *udp = f->bytes + f->udp;
    uint16_t sum;

    if (*ip >> 4 == 4) {
        ip[10] = ip[11] = 0;
        sum = plain_ip_checksum(f);
        ip[10] = (uint8_t)(sum >> 8);
        ip[11] = (uint8_t)sum;
    }
    udp[6] = udp[7] = 0;
    sum = plain_udp_checksum(f);
    sum = no_udp_checksum ? 0 : sum ? sum : 0xFFFF;
    udp[6] = (uint8_t)(sum >> 8);
    udp[7] = (uint8_t)sum;
}

static inline void frame_make(struct frame *f, const struct frame_options *o)
{
    memset(f, 0, sizeof(*f));
    if (!o->no_ethernet)
        frame_put_ethernet(f, o);
    frame_put_ip(f, o);
    f->udp = f->size;
    put16(f, 5000);
    put16(f, o->port ? o->port : 1234);
    put16(f, (unsigned)frame_udp_length(o));
    put16(f, 0);
    if (o->rtp)
        frame_put_rtp(f, o);
    put_bytes(f, o->payload, o->payload_size);
    if (o->padding) {
        put_fill(f, 0, o->padding - 1);
        put8(f, o->padding);
    }
    frame_fix(f, o->no_udp_checksum);
    put_fill(f, 0, o->trailer);
}

/* TS packets that tell one from another: PID and counter from `number`, then bytes that follow from it. */
static inline void make_ts(uint8_t *packets, size_t count, unsigned number)
{
    for (size_t i = 0; i < count; i++, packets += 188, number++) {
        packets[0] = 0x47;
        packets[1] = (uint8_t)(number >> 8 & 0x1F);
        packets[2] = (uint8_t)number;
        packets[3] = (uint8_t)(0x10 | (number & 15));
        for (unsigned k = 4; k < 188; k++)
            packets[k] = (uint8_t)((number * 2654435761u + k * 40503u) >> 13);
    }
}

#endif
