/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "tests/wire/captures.h"
#include "tests/wire/frames.h"
#include "wire/capture.h"

static struct capture_file file;
static struct wire_capture capture;
static struct frame frame;
static uint8_t ts[7 * 188];
static size_t at;

static void start(void)
{
    make_ts(ts, 7, 9);
    frame_make(&frame, &(struct frame_options){.payload = ts, .payload_size = sizeof(ts)});
    wire_capture_init(&capture);
    at = 0;
    file.size = 0;
}

TestSuite(capture, .init = start);

/* The next packet of `file`, over elements without one; false at its end. */
static bool next(struct wire_capture_record *record)
{
    while (at < file.size) {
        ptrdiff_t step = wire_capture_next(&capture, file.bytes + at, file.size - at, record);

        cr_assert_gt(step, 0, "%zd at %zu", step, at);
        at += (size_t)step;
        if (record->bytes)
            return true;
    }
    cr_assert_eq(at, file.size);
    return false;
}

static void expect(uint64_t time_ns, bool cut, size_t size)
{
    struct wire_capture_record record;

    cr_assert(next(&record));
    cr_assert_eq(record.time_ns, time_ns, "%llu", (unsigned long long)record.time_ns);
    cr_assert_eq(record.cut, cut);
    cr_assert_eq(record.size, size);
    cr_assert_arr_eq(record.bytes, frame.bytes, size);
}

Test(capture, recognises_four_pcap_magics_and_pcapng)
{
    static const uint8_t good[][4] = {{0xA1, 0xB2, 0xC3, 0xD4},
                                      {0xD4, 0xC3, 0xB2, 0xA1},
                                      {0xA1, 0xB2, 0x3C, 0x4D},
                                      {0x4D, 0x3C, 0xB2, 0xA1},
                                      {0x0A, 0x0D, 0x0D, 0x0A}};
    static const uint8_t bad[][4] = {{0x47, 0, 0, 0x10}, {0, 0, 0, 0}, {0xA1, 0xB2, 0xCD, 0x34}};

    for (size_t i = 0; i < 5; i++)
        cr_assert(wire_capture_recognise(good[i]));
    for (size_t i = 0; i < 3; i++)
        cr_assert_not(wire_capture_recognise(bad[i]));
}

Test(capture, pcap_in_both_byte_orders_and_resolutions)
{
    struct wire_capture_record record;

    for (unsigned kind = 0; kind < 4; kind++) {
        bool nano = kind & 2;

        start();
        capture_pcap(&file, kind & 1, nano, 1 | 0x14000000 /* FCS bits */);
        capture_pcap_record(&file, 1700000000, 999999, frame.bytes, frame.size, frame.size);
        capture_pcap_record(&file, UINT32_MAX, 1, frame.bytes, 0, frame.size);
        capture_pcap_record(&file, 0, 0, frame.bytes, 60, frame.size);
        expect(UINT64_C(1700000000000000000) + (nano ? 999999u : 999999000u), false, frame.size);
        cr_assert_eq(capture.swapped, kind & 1);
        expect(UINT64_C(4294967295000000000) + (nano ? 1u : 1000u), true, 0);
        expect(0, true, 60);
        cr_assert_not(next(&record));
    }
}

Test(capture, asks_for_more_until_an_element_is_whole)
{
    struct wire_capture_record record;

    for (unsigned ng = 0; ng < 2; ng++) {
        start();
        if (ng) {
            capture_section(&file, true);
            capture_interface(&file, 1, 0, -1, 0);
            capture_enhanced(&file, 0, 7, frame.bytes, frame.size, frame.size);
        } else {
            capture_pcap(&file, true, false, 1);
            capture_pcap_record(&file, 0, 7, frame.bytes, frame.size, frame.size);
        }
        while (at < file.size) {
            ptrdiff_t step = wire_capture_next(&capture, file.bytes + at, file.size - at, &record);

            for (size_t size = 0; size < (size_t)step; size++) {
                struct wire_capture trial;
                uint8_t *copy = malloc(size ? size : 1);

                wire_capture_init(&trial);
                if (at)
                    trial = capture;
                memcpy(copy, file.bytes + at, size);
                cr_assert_eq(wire_capture_next(&trial, copy, size, &record), 0, "%zu of %zd", size, step);
                free(copy);
            }
            at += (size_t)step;
        }
    }
}

Test(capture, pcapng_resolutions_and_offsets)
{
    struct wire_capture_record record;

    for (unsigned little = 0; little < 2; little++) {
        start();
        capture_section(&file, little);
        capture_interface(&file, 1, 0, -1, 0);         /* microseconds by default */
        capture_interface(&file, 1, 0, 9, 0);          /* 10^-9 */
        capture_interface(&file, 1, 0, 0, 0);          /* seconds */
        capture_interface(&file, 1, 0, 0x80 | 10, 0);  /* 1/1024 s */
        capture_interface(&file, 1, 0, 3, 1700000000); /* ms from an offset on */
        capture_interface(&file, 1, 0, 6, -5);
        capture_interface(&file, 1, 0, 19, 0);
        capture_interface(&file, 1, 0, 0x80 | 63, 0);
        capture_enhanced(&file, 0, UINT64_C(1700000000123456), frame.bytes, frame.size, frame.size);
        capture_enhanced(&file, 1, UINT64_C(1700000000123456789), frame.bytes, frame.size, frame.size);
        capture_enhanced(&file, 2, 1700000000, frame.bytes, frame.size, frame.size);
        capture_enhanced(&file, 3, 1024 + 512, frame.bytes, frame.size, frame.size);
        capture_enhanced(&file, 4, 12, frame.bytes, 40, frame.size);
        capture_enhanced(&file, 5, 6000001, frame.bytes, frame.size, frame.size);
        capture_enhanced(&file, 6, UINT64_C(15000000000000000000), frame.bytes, frame.size, frame.size);
        capture_enhanced(&file, 7, UINT64_C(3) << 62, frame.bytes, frame.size, frame.size);
        expect(UINT64_C(1700000000123456000), false, frame.size);
        expect(UINT64_C(1700000000123456789), false, frame.size);
        expect(UINT64_C(1700000000000000000), false, frame.size);
        expect(1500000000, false, frame.size);
        expect(UINT64_C(1700000000012000000), true, 40);
        expect(1000001000, false, frame.size);
        expect(1500000000, false, frame.size);
        expect(1500000000, false, frame.size);
        cr_assert_not(next(&record));
    }
}

Test(capture, simple_packets_are_cut_at_the_snap_length)
{
    capture_section(&file, true);
    capture_interface(&file, 1, 61, -1, 0);
    capture_simple(&file, frame.bytes, 61, frame.size);
    capture_simple(&file, frame.bytes, 50, 50);
    expect(0, true, 61);
    expect(0, false, 50);
}

Test(capture, old_packet_blocks_are_read)
{
    size_t block;

    capture_section(&file, false);
    capture_interface(&file, 1, 0, -1, 0);
    block = capture_begin(&file, 2);
    capture_number(&file, 0, 2);
    capture_number(&file, 3, 2); /* drops */
    capture_number(&file, 0, 4);
    capture_number(&file, 5, 4);
    capture_number(&file, frame.size, 4);
    capture_number(&file, frame.size, 4);
    capture_data(&file, frame.bytes, frame.size);
    capture_end(&file, block);
    expect(5000, false, frame.size);
}

Test(capture, sections_have_their_own_order_and_interfaces)
{
    struct wire_capture_record record;
    size_t block;

    capture_section(&file, true);
    capture_interface(&file, 1, 0, 9, 0);
    capture_enhanced(&file, 0, 5, frame.bytes, frame.size, frame.size);
    block = capture_begin(&file, 0x0BAD); /* unknown: stepped over */
    capture_data(&file, frame.bytes, 101);
    capture_end(&file, block);
    capture_section(&file, false);
    capture_interface(&file, 101, 0, 0, 0);
    capture_enhanced(&file, 0, 5, frame.bytes, frame.size, frame.size);
    expect(5, false, frame.size);
    cr_assert(next(&record));
    cr_assert_eq(record.time_ns, UINT64_C(5000000000));
    cr_assert_eq(record.link_type, 101);
    capture_section(&file, true);
    capture_enhanced(&file, 0, 5, frame.bytes, frame.size, frame.size);
    at += (size_t)wire_capture_next(&capture, file.bytes + at, file.size - at, &record);
    cr_assert_eq(wire_capture_next(&capture, file.bytes + at, file.size - at, &record), BASE_E_MALFORMED,
                 "the interfaces of the section before are gone");
}

static ptrdiff_t last_step(void)
{
    struct wire_capture_record record;
    ptrdiff_t step = 1;

    wire_capture_init(&capture);
    for (at = 0; step > 0 && at<file.size; at += step> 0 ? (size_t)step : 0)
        step = wire_capture_next(&capture, file.bytes + at, file.size - at, &record);
    return step;
}

Test(capture, broken_files_are_refused)
{
    size_t block;

    memcpy(file.bytes, "text", 4);
    file.size = 4;
    cr_assert_eq(last_step(), BASE_E_MALFORMED);

    capture_pcap(&file, true, false, 1);
    file.bytes[4] = 3; /* version */
    cr_assert_eq(last_step(), BASE_E_UNSUPPORTED);

    capture_pcap(&file, true, false, 1);
    capture_number(&file, 0, 8);
    capture_number(&file, WIRE_CAPTURE_RECORD_MAX - 15, 4);
    capture_number(&file, 0, 4);
    cr_assert_eq(last_step(), BASE_E_MALFORMED);

    file.size = 0;
    capture_section(&file, true);
    file.bytes[12] = 2; /* version */
    cr_assert_eq(last_step(), BASE_E_UNSUPPORTED);
    file.bytes[12] = 1;
    file.bytes[8] ^= 1; /* byte-order magic */
    cr_assert_eq(last_step(), BASE_E_MALFORMED);
    file.bytes[8] ^= 1;
    file.bytes[file.size - 4] ^= 4; /* the length behind */
    cr_assert_eq(last_step(), BASE_E_MALFORMED);

    file.size = 0;
    capture_section(&file, true);
    capture_interface(&file, 1, 0, 20, 0); /* 10^20 ticks a second */
    cr_assert_eq(last_step(), BASE_E_UNSUPPORTED);

    file.size = 0;
    capture_section(&file, true);
    capture_interface(&file, 1, 0, -1, 0);
    block = file.size;
    capture_enhanced(&file, 1, 0, frame.bytes, 60, 60); /* no such interface */
    cr_assert_eq(last_step(), BASE_E_MALFORMED);
    file.size = block;
    capture_enhanced(&file, 0, 0, frame.bytes, 60, 60);
    file.bytes[block + 20] = 200; /* more captured than the block holds */
    cr_assert_eq(last_step(), BASE_E_MALFORMED);
}

Test(capture, block_lengths_that_cannot_be)
{
    static const uint32_t lengths[] = {0, 8, 11, 13, 14, 15, WIRE_CAPTURE_RECORD_MAX + 4, 0xFFFFFFFC};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        file.size = 0;
        capture_section(&file, true);
        capture_number(&file, 6, 4);
        capture_number(&file, lengths[i], 4);
        capture_number(&file, 0, 8);
        cr_assert_eq(last_step(), BASE_E_MALFORMED, "%u", lengths[i]);
    }
}

Test(capture, more_interfaces_than_there_is_room_for)
{
    capture_section(&file, true);
    for (unsigned i = 0; i < WIRE_CAPTURE_INTERFACES_MAX; i++)
        capture_interface(&file, 1, 0, -1, 0);
    cr_assert_gt(last_step(), 0);
    capture_interface(&file, 1, 0, -1, 0);
    cr_assert_eq(last_step(), BASE_E_UNSUPPORTED);
}

/* A packet without Ethernet header behind `size` bytes of another link layer. */
static int parse_behind(uint16_t link_type, const uint8_t *header, size_t size, bool six,
                        struct wire_datagram *datagram)
{
    static uint8_t bytes[4096];
    struct wire_capture_record record = {.bytes = bytes, .link_type = link_type};
    int status;

    frame_make(&frame, &(struct frame_options){
                           .no_ethernet = true, .six = six, .payload = ts, .payload_size = sizeof(ts)});
    if (size)
        memcpy(bytes, header, size);
    memcpy(bytes + size, frame.bytes, frame.size);
    for (record.size = 0; record.size < size + frame.size; record.size++)
        cr_assert_eq(wire_capture_datagram(&record, datagram), BASE_E_TRUNCATED, "%zu", record.size);
    status = wire_capture_datagram(&record, datagram);
    if (status == 0)
        cr_assert_arr_eq(bytes + datagram->payload_offset, ts, sizeof(ts));
    return status;
}

Test(capture, link_types)
{
    static const uint8_t null4[4] = {2, 0, 0, 0};
    static const uint8_t null6[4] = {0, 0, 0, 30};
    static const uint8_t sll4[16] = {[14] = 0x08};
    static const uint8_t sll6[16] = {[14] = 0x86, 0xDD};
    static const uint8_t sll_tagged[20] = {[14] = 0x81, 0, 0, 7, 0x08, 0};
    static const uint8_t sll2[20] = {[0] = 0x08};
    static const struct {
        uint16_t link_type;
        const uint8_t *header;
        size_t size;
        bool six;
    } cases[] = {{0, null4, 4, false},   {0, null6, 4, true},   {108, null4, 4, false},
                 {12, NULL, 0, false},   {12, NULL, 0, true},   {101, NULL, 0, false},
                 {101, NULL, 0, true},   {228, NULL, 0, false}, {229, NULL, 0, true},
                 {113, sll4, 16, false}, {113, sll6, 16, true}, {113, sll_tagged, 20, false},
                 {276, sll2, 20, false}};
    struct wire_datagram datagram;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cr_assert_eq(
            parse_behind(cases[i].link_type, cases[i].header, cases[i].size, cases[i].six, &datagram), 0,
            "link type %u", cases[i].link_type);
        cr_assert_eq(datagram.ip_offset, cases[i].size);
        cr_assert_eq(datagram.flow.destination_port, 1234);
    }
}

Test(capture, unknown_link_types_hold_no_datagram)
{
    struct wire_capture_record record = {.bytes = frame.bytes, .size = frame.size, .link_type = 105};
    struct wire_datagram datagram;

    cr_assert_eq(wire_capture_datagram(&record, &datagram), -EPROTONOSUPPORT);
    record.link_type = 1;
    cr_assert_eq(wire_capture_datagram(&record, &datagram), 0);
    cr_assert_eq(datagram.ip_offset, 14);
}
