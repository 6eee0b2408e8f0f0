/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/wire/frames.h"
#include "wire/datagram.h"

#define PAYLOAD ((size_t)7 * 188)

static uint8_t ts[PAYLOAD];
static struct frame frame, before;

static void make_payload(void)
{
    make_ts(ts, 7, 5);
}

TestSuite(rewrite, .init = make_payload);

static struct wire_datagram made(const struct frame_options *options)
{
    struct wire_datagram datagram;

    frame_make(&frame, options);
    before = frame;
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
    return datagram;
}

static void assert_checksums_right(const struct frame *f)
{
    if (f->bytes[f->ip] >> 4 == 4)
        cr_assert_eq(plain_ip_checksum(f), 0);
    cr_assert_eq(plain_udp_checksum(f), 0);
    cr_assert(f->bytes[f->udp + 6] || f->bytes[f->udp + 7], "zero would say that there is none");
}

static struct wire_readdress to(const char *source, const char *destination, uint8_t ttl)
{
    struct wire_readdress readdress = {.source_mac = {2, 9, 8, 7, 6, 5}, .ttl = ttl};

    cr_assert_eq(wire_endpoint_parse(source, &readdress.flow.source, &readdress.flow.source_port), 0);
    cr_assert_eq(
        wire_endpoint_parse(destination, &readdress.flow.destination, &readdress.flow.destination_port), 0);
    wire_multicast_mac(&readdress.flow.destination, readdress.destination_mac);
    return readdress;
}

Test(rewrite, readdress_changes_addresses_and_nothing_else)
{
    struct frame_options options = {.tags = 1,
                                    .option_words = 1,
                                    .rtp = true,
                                    .payload = ts,
                                    .payload_size = PAYLOAD,
                                    .no_udp_checksum = true};
    struct wire_datagram datagram = made(&options);
    struct wire_readdress readdress = to("198.51.100.7:7000", "232.9.8.7:9000", 9);
    struct wire_datagram again;

    cr_assert_eq(wire_datagram_readdress(frame.bytes, frame.size, &datagram, &readdress), 0);
    assert_checksums_right(&frame);
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &again), 0);
    cr_assert_eq(memcmp(&again.flow, &readdress.flow, sizeof(again.flow)), 0);
    options.source = "198.51.100.7";
    options.destination = "232.9.8.7";
    options.port = 9000;
    options.no_udp_checksum = false;
    frame_make(&before, &options);
    memcpy(before.bytes, (uint8_t[]){0x01, 0x00, 0x5E, 9, 8, 7, 2, 9, 8, 7, 6, 5}, 12);
    before.bytes[before.ip + 8] = 9;
    before.bytes[before.udp] = 7000 >> 8;
    before.bytes[before.udp + 1] = 7000 & 0xFF;
    frame_fix(&before, false);
    cr_assert_arr_eq(frame.bytes, before.bytes, frame.size);
}

Test(rewrite, readdress_ipv6)
{
    struct wire_datagram datagram =
        made(&(struct frame_options){.six = true, .payload = ts, .payload_size = PAYLOAD});
    struct wire_readdress readdress = to("[2001:db8::99]:7000", "[ff3e::77]:9000", 3);

    cr_assert_eq(wire_datagram_readdress(frame.bytes, frame.size, &datagram, &readdress), 0);
    assert_checksums_right(&frame);
    cr_assert_eq(frame.bytes[frame.ip + 7], 3);
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
    cr_assert_eq(memcmp(&datagram.flow, &readdress.flow, sizeof(datagram.flow)), 0);
}

Test(rewrite, ttl_zero_keeps_the_frames_own)
{
    struct wire_datagram datagram = made(&(struct frame_options){.payload = ts, .payload_size = PAYLOAD});
    struct wire_readdress readdress = to("198.51.100.7:7000", "232.9.8.7:9000", 0);

    cr_assert_eq(wire_datagram_readdress(frame.bytes, frame.size, &datagram, &readdress), 0);
    cr_assert_eq(frame.bytes[frame.ip + 8], 64);
}

Test(rewrite, readdress_refuses_the_other_ip_version_and_foreign_sizes)
{
    struct wire_datagram datagram = made(&(struct frame_options){.payload = ts, .payload_size = PAYLOAD});
    struct wire_readdress four = to("198.51.100.7:7000", "232.9.8.7:9000", 0);
    struct wire_readdress six = to("[2001:db8::99]:7000", "[ff3e::77]:9000", 0);
    struct wire_readdress mixed = six;

    mixed.flow.source = four.flow.source;
    cr_assert_eq(wire_datagram_readdress(frame.bytes, frame.size, &datagram, &six), -EPROTONOSUPPORT);
    cr_assert_eq(wire_datagram_readdress(frame.bytes, frame.size, &datagram, &mixed), -EPROTONOSUPPORT);
    cr_assert_eq(wire_datagram_readdress(frame.bytes, frame.size - 1, &datagram, &four), -EINVAL);
    cr_assert_eq(wire_datagram_readdress(frame.bytes, 30, &datagram, &four), -EINVAL);
    cr_assert_arr_eq(frame.bytes, before.bytes, frame.size);
}

Test(rewrite, a_packet_without_ethernet_keeps_its_first_bytes)
{
    struct wire_readdress readdress = to("198.51.100.7:7000", "232.9.8.7:9000", 0);
    struct wire_datagram datagram;

    frame_make(&frame, &(struct frame_options){.no_ethernet = true, .payload = ts, .payload_size = PAYLOAD});
    cr_assert_eq(wire_datagram_parse_ip(frame.bytes, frame.size, &datagram), 0);
    cr_assert_eq(wire_datagram_readdress(frame.bytes, frame.size, &datagram, &readdress), 0);
    cr_assert_eq(frame.bytes[0], 0x45);
    assert_checksums_right(&frame);
}

/* Every payload size up to a packet's, odd ones too, with contents that carry often. */
Test(rewrite, checksums_at_every_size)
{
    static uint8_t payload[PAYLOAD];

    memset(payload, 0xFF, sizeof(payload));
    for (size_t size = 0; size <= sizeof(payload); size += size < 100 ? 1 : 17) {
        for (unsigned six = 0; six < 2; six++) {
            struct wire_datagram datagram =
                made(&(struct frame_options){.six = six, .payload = payload, .payload_size = size});

            frame.bytes[frame.udp + 6] = 0xAB;
            wire_datagram_fix_checksums(frame.bytes, &datagram);
            cr_assert_arr_eq(frame.bytes, before.bytes, frame.size, "size %zu", size);
        }
        payload[size % sizeof(payload)] ^= (uint8_t)(size * 37);
    }
}

Test(rewrite, a_sum_of_zero_is_sent_as_ffff)
{
    for (unsigned six = 0; six < 2; six++) {
        uint8_t payload[4] = {0};
        struct wire_datagram datagram;
        uint16_t checksum;

        frame_make(&frame, &(struct frame_options){.six = six, .payload = payload, .payload_size = 4});
        /* The checksum itself in the payload makes the sum complete. */
        checksum = (uint16_t)(frame.bytes[frame.udp + 6] << 8 | frame.bytes[frame.udp + 7]);
        frame.bytes[frame.udp + 8] = (uint8_t)(checksum >> 8);
        frame.bytes[frame.udp + 9] = (uint8_t)checksum;
        cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
        wire_datagram_fix_checksums(frame.bytes, &datagram);
        cr_assert_eq(frame.bytes[frame.udp + 6], 0xFF);
        cr_assert_eq(frame.bytes[frame.udp + 7], 0xFF);
        assert_checksums_right(&frame);
    }
}

Test(rewrite, addresses_then_payload_then_checksums_in_one_pass)
{
    struct wire_datagram datagram =
        made(&(struct frame_options){.rtp = true, .payload = ts, .payload_size = PAYLOAD});
    struct wire_readdress readdress = to("198.51.100.7:7000", "232.9.8.7:9000", 9);

    cr_assert_eq(wire_datagram_set_addresses(frame.bytes, frame.size, &datagram, &readdress), 0);
    cr_assert_neq(plain_udp_checksum(&frame), 0);
    memset(frame.bytes + datagram.payload_offset + 4, 0x5A, 184);
    wire_rtp_set_sequence(frame.bytes, &datagram, 0x1234);
    wire_datagram_fix_checksums(frame.bytes, &datagram);
    assert_checksums_right(&frame);
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
    cr_assert_eq(datagram.rtp_sequence, 0x1234);
}

Test(rewrite, sequence_of_a_datagram_without_rtp_changes_nothing)
{
    struct wire_datagram datagram = made(&(struct frame_options){.payload = ts, .payload_size = PAYLOAD});

    wire_rtp_set_sequence(frame.bytes, &datagram, 0x1234);
    cr_assert_arr_eq(frame.bytes, before.bytes, frame.size);
}

/* A built frame must be what a sender would have made with the same options and the smaller payload. */
static void build_and_compare(struct frame_options options, size_t packets)
{
    struct wire_datagram model = made(&options);
    static struct frame built;
    struct wire_datagram datagram, again;
    ptrdiff_t headers;

    memset(&built, 0xEE, sizeof(built));
    headers =
        wire_datagram_build(frame.bytes, &model, packets * 188, built.bytes, sizeof(built.bytes), &datagram);
    options.csrcs = options.extension_words = options.padding = 0;
    options.payload_size = packets * 188;
    frame_make(&before, &options);
    cr_assert_eq(headers, (ptrdiff_t)(before.size - packets * 188));
    cr_assert_eq(headers, datagram.payload_offset);
    memcpy(built.bytes + headers, ts, packets * 188);
    wire_datagram_fix_checksums(built.bytes, &datagram);
    cr_assert_arr_eq(built.bytes, before.bytes, before.size);
    cr_assert_eq(built.bytes[before.size], 0xEE);
    cr_assert_eq(wire_datagram_parse(built.bytes, before.size, &again), 0);
    cr_assert_eq(memcmp(&again, &datagram, sizeof(again)), 0);
}

Test(rewrite, builds_datagrams_like_the_model)
{
    static const uint8_t hop_by_hop[8] = {17, 0, 5, 2, 0, 0, 1, 0};

    for (size_t packets = 0; packets <= 7; packets++) {
        for (unsigned tags = 0; tags <= 2; tags++) {
            struct frame_options options = {.tags = tags, .payload = ts, .payload_size = PAYLOAD};

            build_and_compare(options, packets);
            options.rtp = true;
            options.sequence = 77;
            build_and_compare(options, packets);
            options.csrcs = 2;
            options.extension_words = 3;
            options.padding = 4;
            options.option_words = 1;
            build_and_compare(options, packets);
            options.option_words = 0;
            options.six = true;
            build_and_compare(options, packets);
            options.headers = hop_by_hop;
            options.headers_size = 8;
            build_and_compare(options, packets);
        }
    }
}

Test(rewrite, a_built_rtp_header_has_no_marker)
{
    struct wire_datagram model = made(
        &(struct frame_options){.rtp = true, .rtp_type = 33 | 0x80, .payload = ts, .payload_size = PAYLOAD});
    struct wire_datagram datagram;
    static uint8_t built[2048];

    cr_assert_gt(wire_datagram_build(frame.bytes, &model, 188, built, sizeof(built), &datagram), 0);
    cr_assert_eq(built[datagram.rtp_offset + 1], 33);
}

Test(rewrite, build_refuses_too_little_room_and_too_much_payload)
{
    struct wire_datagram model = made(&(struct frame_options){.payload = ts, .payload_size = PAYLOAD});
    static uint8_t built[70000];
    struct wire_datagram datagram;
    ptrdiff_t headers;

    headers = wire_datagram_build(frame.bytes, &model, 188, built, sizeof(built), &datagram);
    cr_assert_eq(headers, 42);
    cr_assert_eq(wire_datagram_build(frame.bytes, &model, 188, built, 42 + 188, &datagram), 42);
    cr_assert_eq(wire_datagram_build(frame.bytes, &model, 188, built, 42 + 187, &datagram), -ENOSPC);
    cr_assert_eq(wire_datagram_build(frame.bytes, &model, 65507, built, sizeof(built), &datagram), 42);
    cr_assert_eq(wire_datagram_build(frame.bytes, &model, 65508, built, sizeof(built), &datagram), -ENOSPC);
    cr_assert_eq(wire_datagram_build(frame.bytes, &model, SIZE_MAX, built, sizeof(built), &datagram),
                 -ENOSPC);
}
