/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "tests/wire/frames.h"
#include "wire/datagram.h"

#define PAYLOAD ((size_t)7 * 188)

static uint8_t ts[PAYLOAD];

static void make_payload(void)
{
    make_ts(ts, 7, 100);
}

TestSuite(datagram, .init = make_payload);

static struct wire_datagram parsed(const struct frame_options *options, struct frame *frame)
{
    struct wire_datagram datagram;

    frame_make(frame, options);
    cr_assert_eq(wire_datagram_parse(frame->bytes, frame->size, &datagram), 0);
    cr_assert_eq(datagram.ip_offset, frame->ip);
    cr_assert_eq(datagram.udp_offset, frame->udp);
    cr_assert_eq(datagram.payload_size, options->payload_size);
    cr_assert_arr_eq(frame->bytes + datagram.payload_offset, options->payload, options->payload_size);
    return datagram;
}

Test(datagram, finds_flow_and_packets_behind_any_tags_and_options)
{
    static struct frame frame;

    for (unsigned tags = 0; tags <= 2; tags++) {
        for (unsigned words = 0; words <= 10; words++) {
            struct frame_options options = {
                .tags = tags, .option_words = words, .payload = ts, .payload_size = PAYLOAD};
            struct wire_datagram datagram = parsed(&options, &frame);
            char text[64];

            cr_assert_eq(datagram.payload_offset, 14 + 4 * tags + 20 + 4 * words + 8);
            cr_assert_eq(datagram.rtp_offset, 0);
            cr_assert_eq(wire_ts_packets(frame.bytes + datagram.payload_offset, datagram.payload_size), 7);
            wire_endpoint_format(&datagram.flow.source, datagram.flow.source_port, text);
            cr_assert_str_eq(text, "192.0.2.1:5000");
            wire_endpoint_format(&datagram.flow.destination, datagram.flow.destination_port, text);
            cr_assert_str_eq(text, "239.1.1.1:1234");
        }
    }
}

Test(datagram, three_tags_are_not_looked_through)
{
    static struct frame frame;
    struct wire_datagram datagram;

    frame_make(&frame, &(struct frame_options){.tags = 3, .payload = ts, .payload_size = PAYLOAD});
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), -EPROTONOSUPPORT);
}

Test(datagram, older_outer_tag_is_known)
{
    static struct frame frame;
    struct wire_datagram datagram;

    frame_make(&frame, &(struct frame_options){.tags = 2, .payload = ts, .payload_size = PAYLOAD});
    frame.bytes[12] = 0x91;
    frame.bytes[13] = 0x00;
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
}

Test(datagram, same_flow_means_same_bytes)
{
    static struct frame frame;
    struct frame_options options = {.payload = ts, .payload_size = PAYLOAD};
    struct wire_datagram first, second;

    memset(&second, 0xAA, sizeof(second));
    frame_make(&frame, &options);
    first = parsed(&options, &frame);
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &second), 0);
    cr_assert_eq(memcmp(&first.flow, &second.flow, sizeof(first.flow)), 0);
}

/* Hop-by-hop of 8 bytes, routing of 24 with no segment left, destination of 16. */
static const uint8_t extensions[48] = {[0] = 43, 0, 5, 2, 0, 0, 1, 0, [8] = 60, 2, 0, 0, [32] = 17, 1, 1, 12};

Test(datagram, ipv6_with_and_without_extension_headers)
{
    static struct frame frame;
    struct frame_options options = {.six = true, .payload = ts, .payload_size = PAYLOAD};
    struct wire_datagram datagram = parsed(&options, &frame);

    cr_assert_eq(datagram.payload_offset, 14 + 40 + 8);
    cr_assert_eq(datagram.flow.destination.version, 6);
    options.headers = extensions;
    options.headers_size = sizeof(extensions);
    options.first_header = 0;
    datagram = parsed(&options, &frame);
    cr_assert_eq(datagram.payload_offset, 14 + 40 + 48 + 8);
    frame.bytes[14 + 40 + 8 + 3] = 1; /* segments left */
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), -EPROTONOSUPPORT);
    frame.bytes[14 + 40 + 8 + 3] = 0;
    frame.bytes[14 + 40 + 33] = 250; /* a header longer than the packet */
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), BASE_E_MALFORMED);
    frame.bytes[14 + 40 + 32] = 6; /* TCP: but the header is still broken */
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), BASE_E_MALFORMED);
    frame.bytes[14 + 40 + 33] = 1;
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), -EPROTONOSUPPORT);
}

Test(datagram, endless_chain_of_extension_headers_is_refused)
{
    static struct frame frame;
    uint8_t chain[8 * 40] = {0};
    struct wire_datagram datagram;

    for (unsigned i = 0; i < 40; i++)
        chain[8 * i] = i < 39 ? 60 : 17;
    frame_make(&frame, &(struct frame_options){.six = true,
                                               .payload = ts,
                                               .payload_size = PAYLOAD,
                                               .headers = chain,
                                               .headers_size = sizeof(chain),
                                               .first_header = 60});
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), BASE_E_MALFORMED);
}

Test(datagram, fragments_are_refused)
{
    static const uint8_t fragment[8] = {17, 0, 0, 1, 0, 0, 0, 9};
    static struct frame frame;
    struct wire_datagram datagram;

    frame_make(&frame, &(struct frame_options){.six = true,
                                               .payload = ts,
                                               .payload_size = PAYLOAD,
                                               .headers = fragment,
                                               .headers_size = 8,
                                               .first_header = 44});
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), -ENOTSUP);
    for (unsigned bits = 1; bits < 0x10000; bits <<= 1) {
        bool refused = bits & 0x3FFF;

        frame_make(&frame, &(struct frame_options){.payload = ts, .payload_size = PAYLOAD});
        frame.bytes[frame.ip + 6] = (uint8_t)(bits >> 8);
        frame.bytes[frame.ip + 7] = (uint8_t)bits;
        frame_fix(&frame, false);
        cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), refused ? -ENOTSUP : 0);
    }
}

Test(datagram, what_is_not_udp_over_ip)
{
    static struct frame frame;
    struct wire_datagram datagram;

    frame_make(&frame, &(struct frame_options){.payload = ts, .payload_size = PAYLOAD});
    frame.bytes[frame.ip + 9] = 6;
    frame_fix(&frame, false);
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), -EPROTONOSUPPORT);
    frame.bytes[12] = 8;
    frame.bytes[13] = 6; /* ARP */
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), -EPROTONOSUPPORT);
    frame.bytes[12] = 2; /* an IEEE 802.3 length */
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), -EPROTONOSUPPORT);
    frame_make(&frame, &(struct frame_options){.six = true, .payload = ts, .payload_size = PAYLOAD});
    frame.bytes[frame.ip + 6] = 59; /* no next header */
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), -EPROTONOSUPPORT);
}

Test(datagram, ipv4_header_checksum_is_verified_unless_not_filled_in)
{
    static struct frame frame;
    struct wire_datagram datagram;

    frame_make(&frame, &(struct frame_options){.option_words = 3, .payload = ts, .payload_size = PAYLOAD});
    for (unsigned bit = 0; bit < 8 * 32; bit++) {
        frame.bytes[frame.ip + bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_lt(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0, "bit %u", bit);
        frame.bytes[frame.ip + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    frame.bytes[frame.ip + 10] = frame.bytes[frame.ip + 11] = 0;
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
}

Test(datagram, udp_checksum_zero_and_wrong_ones_pass)
{
    static struct frame frame;
    struct frame_options options = {.payload = ts, .payload_size = PAYLOAD, .no_udp_checksum = true};
    struct wire_datagram datagram = parsed(&options, &frame);

    frame.bytes[frame.udp + 6] = 1; /* as a sender with checksum offload shows itself */
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
}

Test(datagram, ethernet_padding_is_not_payload)
{
    static struct frame frame;
    struct frame_options options = {.payload = ts, .payload_size = 10, .trailer = 8};
    struct wire_datagram datagram = parsed(&options, &frame);

    cr_assert_eq(frame.size, 60);
    cr_assert_eq(wire_ts_packets(frame.bytes + datagram.payload_offset, datagram.payload_size), 0);
}

Test(datagram, bytes_between_udp_and_the_end_of_ip_are_not_payload)
{
    static struct frame frame;
    struct wire_datagram datagram;

    frame_make(&frame, &(struct frame_options){.payload = ts, .payload_size = PAYLOAD});
    frame.bytes[frame.udp + 4] = 0;
    frame.bytes[frame.udp + 5] = 8 + 188;
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
    cr_assert_eq(datagram.payload_size, 188);
}

static int with_udp_length(struct frame *frame, size_t length)
{
    struct wire_datagram datagram;

    frame->bytes[frame->udp + 4] = (uint8_t)(length >> 8);
    frame->bytes[frame->udp + 5] = (uint8_t)length;
    return wire_datagram_parse(frame->bytes, frame->size, &datagram);
}

Test(datagram, udp_length_must_fit)
{
    static struct frame frame;

    for (unsigned six = 0; six < 2; six++) {
        frame_make(&frame,
                   &(struct frame_options){.six = six, .payload = ts, .payload_size = PAYLOAD, .trailer = 4});
        cr_assert_eq(with_udp_length(&frame, 0), BASE_E_MALFORMED);
        cr_assert_eq(with_udp_length(&frame, 7), BASE_E_MALFORMED);
        cr_assert_eq(with_udp_length(&frame, 8), 0);
        cr_assert_eq(with_udp_length(&frame, 8 + PAYLOAD), 0);
        cr_assert_eq(with_udp_length(&frame, 9 + PAYLOAD), BASE_E_MALFORMED);
        cr_assert_eq(with_udp_length(&frame, 0xFFFF), BASE_E_MALFORMED);
    }
}

Test(datagram, ipv4_lengths_must_fit)
{
    static struct frame frame;
    struct wire_datagram datagram;
    size_t room;

    frame_make(&frame, &(struct frame_options){.payload = ts, .payload_size = PAYLOAD});
    room = frame.size - frame.ip;
    for (size_t total = 0; total <= 0xFFFF; total++) {
        int status;

        frame.bytes[frame.ip + 2] = (uint8_t)(total >> 8);
        frame.bytes[frame.ip + 3] = (uint8_t)total;
        frame_fix(&frame, false);
        status = wire_datagram_parse(frame.bytes, frame.size, &datagram);
        cr_assert_eq(status,
                     total > room   ? BASE_E_TRUNCATED
                     : total < room ? BASE_E_MALFORMED
                                    : 0,
                     "%zu", total);
    }
    frame_make(&frame, &(struct frame_options){.payload = ts, .payload_size = PAYLOAD});
    for (unsigned words = 0; words < 5; words++) {
        frame.bytes[frame.ip] = (uint8_t)(0x40 | words);
        cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), BASE_E_MALFORMED);
    }
    frame.bytes[frame.ip] = 0x55;
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), BASE_E_MALFORMED);
}

/* Each prefix stands in memory of exactly its size, so that AddressSanitizer sees a read beyond it. */
static void cut_everywhere(const struct frame *frame)
{
    struct wire_datagram datagram;

    for (size_t size = 0; size < frame->size; size++) {
        uint8_t *copy = malloc(size ? size : 1);

        memcpy(copy, frame->bytes, size);
        cr_assert_eq(wire_datagram_parse(copy, size, &datagram), BASE_E_TRUNCATED, "%zu", size);
        free(copy);
    }
}

Test(datagram, a_cut_frame_is_truncated_wherever_it_is_cut)
{
    static struct frame frame;

    frame_make(&frame, &(struct frame_options){
                           .tags = 2, .option_words = 2, .rtp = true, .payload = ts, .payload_size = 188});
    cut_everywhere(&frame);
    frame_make(&frame, &(struct frame_options){.six = true,
                                               .headers = extensions,
                                               .first_header = 0,
                                               .headers_size = sizeof(extensions),
                                               .payload = ts,
                                               .payload_size = 188});
    cut_everywhere(&frame);
}

Test(datagram, rtp_with_csrcs_extension_and_padding)
{
    static struct frame frame;

    for (unsigned csrcs = 0; csrcs < 16; csrcs += 5) {
        for (unsigned words = 0; words < 3; words++) {
            for (unsigned padding = 0; padding < 256; padding += 51) {
                struct frame_options options = {.rtp = true,
                                                .csrcs = csrcs,
                                                .extension_words = words,
                                                .padding = padding,
                                                .sequence = 0xFEDC,
                                                .payload = ts,
                                                .payload_size = PAYLOAD};
                struct wire_datagram datagram = parsed(&options, &frame);

                cr_assert_eq(datagram.rtp_offset, frame.udp + 8);
                cr_assert_eq(datagram.rtp_sequence, 0xFEDC);
                cr_assert_eq(datagram.rtp_timestamp, 0x01020304);
            }
        }
    }
}

Test(datagram, rtp_is_told_by_type_33_or_by_a_sync_byte)
{
    static const uint8_t other[188] = {0x48};
    static struct frame frame;
    struct frame_options options = {.rtp = true, .rtp_type = 96, .payload = ts, .payload_size = PAYLOAD};
    struct wire_datagram datagram = parsed(&options, &frame);

    cr_assert_neq(datagram.rtp_offset, 0);
    options.payload = other;
    options.payload_size = sizeof(other);
    options.rtp_type = 33 | 0x80; /* with the marker bit */
    datagram = parsed(&options, &frame);
    cr_assert_neq(datagram.rtp_offset, 0);
    options.rtp_type = 96;
    frame_make(&frame, &options);
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
    cr_assert_eq(datagram.rtp_offset, 0);
    cr_assert_eq(datagram.payload_size, 12 + 188);
    frame.bytes[frame.udp + 8] = 0x40; /* version 1 */
    frame.bytes[frame.udp + 9] = 33;
    cr_assert_eq(wire_datagram_parse(frame.bytes, frame.size, &datagram), 0);
    cr_assert_eq(datagram.rtp_offset, 0);
}

static bool is_rtp(const struct frame *frame)
{
    struct wire_datagram datagram;

    cr_assert_eq(wire_datagram_parse(frame->bytes, frame->size, &datagram), 0);
    if (!datagram.rtp_offset)
        cr_assert_eq(datagram.payload_size, frame->size - frame->udp - 8);
    return datagram.rtp_offset;
}

Test(datagram, rtp_whose_lengths_do_not_fit_is_no_rtp)
{
    static struct frame frame;
    struct frame_options options = {.rtp = true, .payload = ts, .payload_size = 8, .padding = 1};

    frame_make(&frame, &options);
    cr_assert(is_rtp(&frame));
    frame.bytes[frame.size - 1] = 9; /* padding takes the whole payload */
    cr_assert(is_rtp(&frame));
    frame.bytes[frame.size - 1] = 10;
    cr_assert_not(is_rtp(&frame));
    frame.bytes[frame.size - 1] = 0;
    cr_assert_not(is_rtp(&frame));
    frame.bytes[frame.size - 1] = 1;
    frame.bytes[frame.udp + 8] |= 3; /* CSRCs beyond the end */
    cr_assert_not(is_rtp(&frame));

    options.padding = 0;
    options.extension_words = 1;
    frame_make(&frame, &options);
    cr_assert(is_rtp(&frame));
    frame.bytes[frame.udp + 8 + 12 + 3] = 3; /* an extension to the very end */
    cr_assert(is_rtp(&frame));
    frame.bytes[frame.udp + 8 + 12 + 3] = 4;
    cr_assert_not(is_rtp(&frame));
    frame.bytes[frame.udp + 8 + 12 + 2] = 0xFF;
    cr_assert_not(is_rtp(&frame));
}

Test(datagram, rtp_shorter_than_its_header_is_no_rtp)
{
    static const uint8_t start[12] = {0x80, 33};
    static struct frame frame;

    for (size_t size = 0; size <= 12; size++) {
        frame_make(&frame, &(struct frame_options){.payload = start, .payload_size = size});
        cr_assert_eq(is_rtp(&frame), size == 12, "%zu", size);
    }
}

Test(datagram, from_the_ip_header_on)
{
    static struct frame frame;
    struct wire_datagram datagram;

    for (unsigned six = 0; six < 2; six++) {
        frame_make(&frame,
                   &(struct frame_options){
                       .no_ethernet = true, .six = six, .rtp = true, .payload = ts, .payload_size = PAYLOAD});
        cr_assert_eq(wire_datagram_parse_ip(frame.bytes, frame.size, &datagram), 0);
        cr_assert_eq(datagram.ip_offset, 0);
        cr_assert_eq(datagram.payload_offset, (six ? 40 : 20) + 8 + 12);
    }
    cr_assert_eq(wire_datagram_parse_ip(frame.bytes, 0, &datagram), BASE_E_TRUNCATED);
    frame.bytes[0] = 0x70;
    cr_assert_eq(wire_datagram_parse_ip(frame.bytes, frame.size, &datagram), BASE_E_MALFORMED);
}

/* 348 packets are what one UDP datagram can hold. */
Test(datagram, largest_datagram)
{
    static uint8_t bytes[14 + 20 + 65515];
    static struct frame head;
    struct wire_datagram datagram;
    size_t udp = 8 + 348 * 188;

    frame_make(&head, &(struct frame_options){.payload_size = 0});
    memcpy(bytes, head.bytes, head.size);
    for (unsigned i = 0; i < 348; i++)
        bytes[head.size + i * 188u] = 0x47;
    bytes[16] = (uint8_t)((20 + udp) >> 8);
    bytes[17] = (uint8_t)(20 + udp);
    bytes[24] = bytes[25] = 0;
    bytes[38] = (uint8_t)(udp >> 8);
    bytes[39] = (uint8_t)udp;
    cr_assert_eq(wire_datagram_parse(bytes, sizeof(bytes), &datagram), 0);
    cr_assert_eq(wire_ts_packets(bytes + datagram.payload_offset, datagram.payload_size), 348);
}

Test(datagram, ts_packets_are_whole_and_begin_with_sync)
{
    cr_assert_eq(wire_ts_packets(ts, 0), 0);
    for (unsigned i = 1; i <= 7; i++) {
        cr_assert_eq(wire_ts_packets(ts, i * 188u), i);
        cr_assert_eq(wire_ts_packets(ts, i * 188u - 1), 0);
        cr_assert_eq(wire_ts_packets(ts, i * 188u - 187), 0);
    }
    for (unsigned i = 0; i < 7; i++) {
        ts[i * 188] ^= 1;
        cr_assert_eq(wire_ts_packets(ts, PAYLOAD), 0);
        ts[i * 188] ^= 1;
    }
}
