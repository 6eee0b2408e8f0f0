/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "tests/ts/support.h"
#include "ts/section.h"

#define PID 0x123

/* What the takers saw: sizes, and all bytes in a row. */
struct seen {
    unsigned count;
    size_t sizes[64];
    size_t total;
    uint8_t bytes[1 << 16];
};

static struct seen seen;
static struct ts_section_assembler assembler;

static void note(void *context, const uint8_t *section, size_t size)
{
    struct seen *s = context;

    s->sizes[s->count++ % 64] = size;
    memcpy(s->bytes + s->total, section, size);
    s->total += size;
}

static void start(void)
{
    memset(&seen, 0, sizeof(seen));
    ts_section_assembler_reset(&assembler);
}

static unsigned feed_packet(const uint8_t *packet)
{
    return ts_section_assembler_feed(&assembler, packet, note, &seen);
}

static unsigned feed(bool unit_start, uint8_t counter, const void *payload, size_t size)
{
    uint8_t packet[188];

    support_packet(packet, PID, unit_start, counter, payload, size);
    return feed_packet(packet);
}

/* A short section of `size` bytes with a recognisable content. */
static const uint8_t *short_section(uint8_t *section, size_t size, uint8_t fill)
{
    memset(section, fill, size);
    section[0] = 0x80;
    section[1] = (uint8_t)(0x70 | (size - 3) >> 8);
    section[2] = (uint8_t)(size - 3);
    return section;
}

/* A section of 300 bytes cut into the payloads of two full packets, pointer_field first. */
static void cut_in_two(uint8_t first[184], uint8_t second[184])
{
    uint8_t section[300];

    short_section(section, sizeof(section), 0x55);
    memset(second, 0xFF, 184);
    first[0] = 0;
    memcpy(first + 1, section, 183);
    memcpy(second, section + 183, 117);
}

Test(crc32, known_answers)
{
    /* From: catalogue of parametrised CRC algorithms, CRC-32/MPEG-2, check value */
    cr_assert_eq(ts_crc32("123456789", 9), 0x0376E6E7);
    cr_assert_eq(ts_crc32("", 0), 0xFFFFFFFF);
}

Test(crc32, agrees_with_the_definition_at_every_size)
{
    uint8_t bytes[600];
    uint32_t seed = 1;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)support_random(&seed);
    for (size_t size = 0; size < 512; size++)
        cr_assert_eq(ts_crc32(bytes + size % 5, size), support_crc(bytes + size % 5, size), "size %zu", size);
}

Test(crc32, whole_section_gives_zero)
{
    uint8_t section[64];
    size_t size = support_section(section, 0x02, 7, 3, "body", 4);

    cr_assert_eq(ts_crc32(section, size), 0);
}

Test(parse, long_section)
{
    uint8_t section[64];
    struct ts_section_header header;
    size_t size = support_section(section, 0x42, 0xBEEF, 21, "body", 4);

    section[6] = 2;
    section[7] = 5;
    support_seal(section, size - 4);
    cr_assert_eq(ts_section_parse(section, size, &header), 0);
    cr_assert_eq(header.size, size);
    cr_assert_eq(header.table_id, 0x42);
    cr_assert_eq(header.extension, 0xBEEF);
    cr_assert(header.long_syntax);
    cr_assert_eq(header.version, 21);
    cr_assert(header.current);
    cr_assert_eq(header.number, 2);
    cr_assert_eq(header.last_number, 5);
}

Test(parse, short_section_has_no_crc)
{
    uint8_t section[16];
    struct ts_section_header header;

    cr_assert_eq(ts_section_parse(short_section(section, 16, 1), 16, &header), 0);
    cr_assert(!header.long_syntax);
    cr_assert(header.current);
    cr_assert_eq(header.extension, 0);
    cr_assert_eq(ts_section_parse(short_section(section, 3, 1), 3, &header), 0);
}

Test(parse, wrong_crc_fills_the_fields)
{
    uint8_t section[64];
    struct ts_section_header header;
    size_t size = support_section(section, 0x02, 7, 3, "body", 4);

    for (size_t bit = 24; bit < size * 8; bit++) { /* behind section_length */
        section[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(ts_section_parse(section, size, &header), BASE_E_CHECKSUM);
        section[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    section[size - 1] ^= 1;
    ts_section_parse(section, size, &header);
    cr_assert_eq(header.extension, 7);
}

Test(parse, refuses_what_is_not_exactly_one_section)
{
    uint8_t section[TS_SECTION_MAX + 8] = {0};
    struct ts_section_header header;
    size_t size = support_section(section, 0x02, 7, 3, "body", 4);

    for (size_t n = 0; n < size; n++)
        cr_assert_eq(ts_section_parse(section, n, &header), BASE_E_TRUNCATED);
    cr_assert_eq(ts_section_parse(section, size + 1, &header), BASE_E_MALFORMED);
    for (size_t n = 3; n < 12; n++) { /* no room for long header and CRC */
        short_section(section, n, 0);
        section[1] |= 0x80;
        cr_assert_eq(ts_section_parse(section, n, &header), BASE_E_MALFORMED);
    }
    short_section(section, TS_SECTION_MAX, 0);
    cr_assert_eq(ts_section_parse(section, TS_SECTION_MAX, &header), 0);
    short_section(section, TS_SECTION_MAX + 1, 0);
    cr_assert_eq(ts_section_parse(section, TS_SECTION_MAX + 1, &header), BASE_E_MALFORMED);
}

Test(assembler, one_section_in_one_packet, .init = start)
{
    uint8_t payload[184] = {0};

    memset(payload, 0xFF, sizeof(payload));
    payload[0] = 0;
    short_section(payload + 1, 20, 9);
    cr_assert_eq(feed(true, 0, payload, 184), 1);
    cr_assert_eq(seen.sizes[0], 20);
    cr_assert_arr_eq(seen.bytes, payload + 1, 20);
}

Test(assembler, section_over_two_packets, .init = start)
{
    uint8_t first[184], second[184], section[300];

    cut_in_two(first, second);
    cr_assert_eq(feed(true, 15, first, 184), 0);
    cr_assert_eq(feed(false, 0, second, 184), 1);
    cr_assert_eq(seen.total, 300);
    cr_assert_arr_eq(seen.bytes, short_section(section, 300, 0x55), 300);
    cr_assert_eq(assembler.lost, 0);
}

Test(assembler, end_and_starts_share_a_packet, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    memmove(second + 1, second, 183);
    second[0] = 117; /* pointer_field */
    short_section(second + 118, 30, 1);
    short_section(second + 148, 3, 2);
    short_section(second + 151, 10, 3);
    memset(second + 161, 0xFF, 23);
    cr_assert_eq(feed(true, 3, first, 184), 0);
    cr_assert_eq(feed(true, 4, second, 184), 4);
    cr_assert_eq(seen.sizes[0], 300);
    cr_assert_eq(seen.sizes[1], 30);
    cr_assert_eq(seen.sizes[2], 3);
    cr_assert_eq(seen.sizes[3], 10);
    cr_assert_eq(assembler.lost, 0);
}

Test(assembler, header_split_over_packets)
{
    for (size_t head = 1; head <= 3; head++) {
        uint8_t section[40];
        uint8_t payload[8] = {0};

        start();
        short_section(section, 40, 6);
        memcpy(payload + 1, section, head);
        cr_assert_eq(feed(true, 0, payload, 1 + head), 0);
        cr_assert_eq(feed(false, 1, section + head, 40 - head), 1, "%zu bytes of the header first", head);
        cr_assert_arr_eq(seen.bytes, section, 40);
    }
}

Test(assembler, largest_section, .init = start)
{
    uint8_t section[TS_SECTION_MAX];
    struct ts_packetizer packetizer = {.pid = PID};
    unsigned count = ts_packets_for_section(TS_SECTION_MAX);
    unsigned completed = 0;

    short_section(section, TS_SECTION_MAX, 0x77);
    for (unsigned i = 0; i < count; i++) {
        uint8_t packet[188];

        ts_packetize(&packetizer, section, TS_SECTION_MAX, i, packet);
        completed += feed_packet(packet);
    }
    cr_assert_eq(completed, 1);
    cr_assert_arr_eq(seen.bytes, section, TS_SECTION_MAX);
}

Test(assembler, overlong_section_is_dropped, .init = start)
{
    uint8_t payload[184];

    memset(payload, 0xAA, sizeof(payload));
    payload[0] = 0;
    payload[1] = 0x80;
    payload[2] = 0x7F;
    payload[3] = 0xFE; /* 4094 + 3 bytes */
    cr_assert_eq(feed(true, 0, payload, 184), 0);
    cr_assert_eq(assembler.lost, 1);
    short_section(payload + 1, 183, 1);
    cr_assert_eq(feed(true, 1, payload, 184), 1);
}

Test(assembler, gap_drops_the_section_under_way, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    feed(true, 0, first, 184);
    cr_assert_eq(feed(false, 2, second, 184), 0);
    cr_assert_eq(assembler.lost, 1);
    cr_assert_eq(feed(true, 3, first, 184), 0);
    cr_assert_eq(feed(false, 4, second, 184), 1);
    cr_assert_eq(assembler.lost, 1);
}

Test(assembler, duplicates_are_passed_over, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    feed(true, 0, first, 184);
    feed(true, 0, first, 184);
    cr_assert_eq(feed(false, 1, second, 184), 1);
    cr_assert_eq(feed(false, 1, second, 184), 0);
    cr_assert_eq(assembler.lost, 0);
    cr_assert_eq(seen.total, 300);
}

Test(assembler, same_counter_with_another_payload_is_a_gap, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    feed(true, 0, first, 184);
    cr_assert_eq(feed(false, 0, second, 184), 0);
    cr_assert_eq(assembler.lost, 1);
}

static void feed_discontinuity(bool unit_start, uint8_t counter, const void *payload, size_t size)
{
    uint8_t packet[188];

    support_packet(packet, PID, unit_start, counter, payload, size);
    packet[5] = 0x80;
    feed_packet(packet);
}

Test(assembler, discontinuity_is_no_duplicate, .init = start)
{
    uint8_t payload[100] = {0};

    memset(payload, 0xFF, sizeof(payload));
    payload[0] = 0;
    short_section(payload + 1, 20, 9);
    feed(true, 5, payload, 100);
    feed_discontinuity(true, 5, payload, 100);
    cr_assert_eq(seen.count, 2);
}

Test(assembler, discontinuity_with_a_jump_drops_and_goes_on, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    feed(true, 0, first, 184);
    feed_discontinuity(false, 9, NULL, 0); /* no payload: announces the next counter alone */
    cr_assert_eq(assembler.lost, 1);
    feed(true, 10, first, 184);
    cr_assert_eq(feed(false, 11, second, 184), 1);
}

Test(assembler, discontinuity_without_a_jump_loses_nothing, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    feed(true, 0, first, 184);
    feed_discontinuity(false, 0, NULL, 0);
    cr_assert_eq(feed(false, 1, second, 184), 1);
    cr_assert_eq(assembler.lost, 0);
}

Test(assembler, packets_without_payload_do_not_count, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    feed(true, 7, first, 184);
    feed(false, 7, NULL, 0);
    feed(false, 7, NULL, 0);
    cr_assert_eq(feed(false, 8, second, 184), 1);
}

static void spoil_second(void (*spoil)(uint8_t *))
{
    uint8_t first[184], second[184], packet[188];

    start();
    cut_in_two(first, second);
    feed(true, 0, first, 184);
    support_packet(packet, PID, false, 1, second, 184);
    spoil(packet);
    cr_assert_eq(feed_packet(packet), 0);
    cr_assert_eq(assembler.lost, 1);
    feed(true, 2, first, 184); /* nothing more is lost */
    cr_assert_eq(feed(false, 3, second, 184), 1);
    cr_assert_eq(assembler.lost, 1);
}

static void set_error(uint8_t *packet)
{
    packet[1] |= 0x80;
}

static void set_scrambled(uint8_t *packet)
{
    ts_set_scrambling_control(packet, TS_ODD);
}

static void break_adaptation(uint8_t *packet)
{
    packet[3] |= 0x20;
    packet[4] = 184;
}

static void point_beyond(uint8_t *packet)
{
    packet[1] |= 0x40;
    packet[4] = 184;
}

Test(assembler, bad_packets_drop_the_section_under_way)
{
    spoil_second(set_error);
    spoil_second(set_scrambled);
    spoil_second(break_adaptation);
    spoil_second(point_beyond);
}

Test(assembler, pointer_to_the_last_byte_is_sound, .init = start)
{
    uint8_t payload[184];
    uint8_t rest[19];
    uint8_t section[20];

    short_section(section, 20, 4);
    memset(payload, 0x33, sizeof(payload));
    payload[0] = 182;
    payload[183] = section[0];
    memcpy(rest, section + 1, 19);
    cr_assert_eq(feed(true, 0, payload, 184), 0);
    cr_assert_eq(feed(false, 1, rest, 19), 1);
    cr_assert_arr_eq(seen.bytes, section, 20);
}

Test(assembler, section_that_does_not_end_before_the_pointer_is_lost, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    feed(true, 0, first, 184);
    cr_assert_eq(feed(true, 1, first, 184), 0); /* pointer_field 0: another one begins */
    cr_assert_eq(assembler.lost, 1);
    cr_assert_eq(feed(false, 2, second, 184), 1);
}

Test(assembler, starts_in_the_middle_of_a_stream, .init = start)
{
    uint8_t first[184], second[184];

    cut_in_two(first, second);
    cr_assert_eq(feed(false, 4, second, 184), 0);
    cr_assert_eq(assembler.lost, 0);
}

/* Sections of random sizes back to back, cut into packets of random payload sizes. */
Test(assembler, any_sections_in_any_packets, .init = start)
{
    static uint8_t stream[1 << 16], starts[1 << 16];
    uint32_t seed = 77;
    size_t total = 0, count = 0, at = 0;
    uint8_t counter = 0;

    while (total < 40000) {
        size_t size = 3 + support_random(&seed) % (support_random(&seed) % 4 ? 60 : 4093);

        starts[total] = 1;
        short_section(stream + total, size, (uint8_t)support_random(&seed));
        total += size;
        count++;
    }
    while (at < total) {
        size_t room = 2 + support_random(&seed) % 183, pointer = 0;
        uint8_t payload[184];

        while (pointer < room - 1 && at + pointer < total && !starts[at + pointer])
            pointer++;
        if (pointer < room - 1 && at + pointer < total) {
            size_t n = total - at < room - 1 ? total - at : room - 1;

            payload[0] = (uint8_t)pointer;
            memcpy(payload + 1, stream + at, n);
            feed(true, counter++, payload, n + 1);
            at += n;
        } else {
            size_t n = pointer;

            feed(false, counter++, stream + at, n);
            at += n;
        }
    }
    cr_assert_eq(seen.count, count);
    cr_assert_eq(seen.total, total);
    cr_assert_arr_eq(seen.bytes, stream, total);
    cr_assert_eq(assembler.lost, 0);
}

Test(packetizer, packet_counts_at_the_edges)
{
    cr_assert_eq(ts_packets_for_section(1), 1);
    cr_assert_eq(ts_packets_for_section(183), 1);
    cr_assert_eq(ts_packets_for_section(184), 2);
    cr_assert_eq(ts_packets_for_section(367), 2);
    cr_assert_eq(ts_packets_for_section(368), 3);
    cr_assert_eq(ts_packets_for_section(TS_SECTION_MAX), 23);
}

/* Every size: the bytes of the packets in a row are pointer_field, section, stuffing. */
Test(packetizer, every_size_is_byte_exact)
{
    static uint8_t section[TS_SECTION_MAX], expected[24 * 184];
    struct ts_packetizer packetizer = {.pid = 0x1ABC, .counter = 14};
    uint8_t counter = 14;
    uint32_t seed = 5;

    for (size_t i = 0; i < sizeof(section); i++)
        section[i] = (uint8_t)support_random(&seed);
    for (size_t size = 1; size <= TS_SECTION_MAX; size++) {
        unsigned count = ts_packets_for_section(size);

        memset(expected, 0xFF, sizeof(expected));
        expected[0] = 0;
        memcpy(expected + 1, section, size);
        cr_assert_geq(count * 184, size + 1);
        cr_assert_lt((count - 1) * 184, size + 1);
        for (unsigned i = 0; i < count; i++) {
            const uint8_t header[4] = {0x47, i ? 0x1A : 0x5A, 0xBC, (uint8_t)(0x10 | counter)};
            uint8_t packet[188];

            ts_packetize(&packetizer, section, size, i, packet);
            cr_assert_arr_eq(packet, header, 4, "size %zu, packet %u", size, i);
            cr_assert_arr_eq(packet + 4, expected + i * 184, 184, "size %zu, packet %u", size, i);
            counter = (counter + 1) & 0x0F;
        }
    }
    cr_assert_eq(packetizer.counter, counter);
}

struct demux_seen {
    struct ts_section_demux *demux;
    unsigned count;
    uint16_t pids[16];
    uint16_t remove, add;
};

static void note_pid(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    struct demux_seen *s = context;

    cr_assert_eq(section[0], 0x80);
    cr_assert_geq(size, 3);
    s->pids[s->count++ % 16] = pid;
    if (s->remove)
        ts_demux_remove(s->demux, s->remove);
    if (s->add)
        cr_assert_eq(ts_demux_add(s->demux, s->add), 0);
}

/* A packet with three whole sections. */
static void three_sections(uint8_t *packet, uint16_t pid, uint8_t counter)
{
    uint8_t payload[184];

    memset(payload, 0xFF, sizeof(payload));
    payload[0] = 0;
    for (int i = 0; i < 3; i++)
        short_section(payload + 1 + 20 * i, 20, 1);
    support_packet(packet, pid, true, counter, payload, sizeof(payload));
}

Test(demux, keeps_pids_apart)
{
    struct demux_seen s = {0};
    uint8_t packet[188];

    cr_assert_eq(ts_demux_create(&s.demux, note_pid, &s), 0);
    cr_assert_eq(ts_demux_add(s.demux, 0), 0);
    cr_assert_eq(ts_demux_add(s.demux, 0), 0);
    cr_assert_eq(ts_demux_add(s.demux, 8190), 0);
    cr_assert_eq(ts_demux_add(s.demux, TS_PIDS), -EINVAL);
    cr_assert(ts_demux_has(s.demux, 8190));
    cr_assert(!ts_demux_has(s.demux, 1));
    cr_assert(!ts_demux_has(s.demux, TS_PIDS));
    three_sections(packet, 8190, 0);
    cr_assert_eq(ts_demux_feed(s.demux, packet), 3);
    cr_assert_eq(s.pids[0], 8190);
    three_sections(packet, 1, 0);
    cr_assert_eq(ts_demux_feed(s.demux, packet), 0);
    ts_demux_remove(s.demux, 8190);
    ts_demux_remove(s.demux, 8190);
    ts_demux_remove(s.demux, TS_PIDS);
    three_sections(packet, 8190, 1);
    cr_assert_eq(ts_demux_feed(s.demux, packet), 0);
    ts_demux_destroy(s.demux);
    ts_demux_destroy(NULL);
}

Test(demux, removal_inside_the_callback_ends_the_packet)
{
    struct demux_seen s = {.remove = 5};
    uint8_t packet[188];

    ts_demux_create(&s.demux, note_pid, &s);
    ts_demux_add(s.demux, 5);
    three_sections(packet, 5, 0);
    cr_assert_eq(ts_demux_feed(s.demux, packet), 1);
    cr_assert_eq(s.count, 1);
    cr_assert(!ts_demux_has(s.demux, 5));
    s.add = 5; /* removed and added anew: starts with the next packet */
    ts_demux_add(s.demux, 5);
    cr_assert_eq(ts_demux_feed(s.demux, packet), 1);
    cr_assert(ts_demux_has(s.demux, 5));
    s.remove = s.add = 0;
    three_sections(packet, 5, 1);
    cr_assert_eq(ts_demux_feed(s.demux, packet), 3);
    ts_demux_destroy(s.demux);
}

Test(demux, callback_may_add_and_remove_others)
{
    struct demux_seen s = {.remove = 6, .add = 7};
    uint8_t packet[188];

    ts_demux_create(&s.demux, note_pid, &s);
    ts_demux_add(s.demux, 5);
    ts_demux_add(s.demux, 6);
    three_sections(packet, 5, 0);
    cr_assert_eq(ts_demux_feed(s.demux, packet), 3);
    cr_assert(!ts_demux_has(s.demux, 6));
    cr_assert(ts_demux_has(s.demux, 7));
    ts_demux_destroy(s.demux);
}
