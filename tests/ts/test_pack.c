/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections packed back to back, taken apart again by the assembler. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "ts/pack.h"

#define ROOM 400

static uint8_t sections[ROOM * TS_PACK_BYTES_MIN], taken[ROOM * TS_PACKET_SIZE];
static uint8_t packets[ROOM * TS_PACKET_SIZE];
static size_t size, taken_size;

static void add(size_t section_size)
{
    uint8_t *section = sections + size;

    for (size_t i = 0; i < section_size; i++)
        section[i] = (uint8_t)(size + i * 7);
    section[0] = 0x82;
    base_store_u16(section + 1, (uint16_t)(0x7000 | (section_size - 3)));
    size += section_size;
}

static void take(void *context, const uint8_t *section, size_t section_size)
{
    (void)context;
    memcpy(taken + taken_size, section, section_size);
    taken_size += section_size;
}

static unsigned pack_and_check(void)
{
    static struct ts_section_assembler assembler;
    unsigned count = ts_pack_sections(sections, size, 0x1234, packets, ROOM);

    cr_assert_leq(count, ts_pack_packets_max(size));
    ts_section_assembler_reset(&assembler);
    taken_size = 0;
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(ts_pid(packets + i * TS_PACKET_SIZE), 0x1234);
        ts_section_assembler_feed(&assembler, packets + i * TS_PACKET_SIZE, take, NULL);
    }
    cr_assert_eq(assembler.lost, 0);
    cr_assert_eq(taken_size, size);
    cr_assert_arr_eq(taken, sections, size);
    return count;
}

Test(pack, one_section_of_any_size_comes_back)
{
    for (size_t n = 3; n <= TS_SECTION_MAX; n++) {
        size = 0;
        add(n);
        cr_assert_eq(pack_and_check(), ts_packets_for_section(n));
    }
}

/* The second one begins at, before and behind every edge of a packet. */
Test(pack, two_sections_share_packets)
{
    for (size_t n = 3; n < 800; n++) {
        size = 0;
        add(n);
        add(50);
        pack_and_check();
    }
}

Test(pack, small_ones_fill_their_packets)
{
    for (size = 0; size < 100 * 60;)
        add(60);
    cr_assert_eq(pack_and_check(), (100 * 60 + 182) / 183);
}

Test(pack, random_sections_come_back)
{
    srand(5);
    for (unsigned round = 0; round < 300; round++) {
        size = 0;
        while (size < 20000)
            add(3 + (size_t)(rand() % (round % 3 ? 300 : 4094)));
        pack_and_check();
    }
}

Test(pack, what_is_not_whole_or_does_not_fit_is_refused)
{
    size = 0;
    add(400);
    cr_assert_eq(ts_pack_sections(sections, 399, 1, packets, ROOM), 0);
    cr_assert_eq(ts_pack_sections(sections, 402, 1, packets, ROOM), 0);
    cr_assert_eq(ts_pack_sections(sections, 400, 1, packets, 2), 0);
    cr_assert_eq(ts_pack_sections(sections, 0, 1, packets, 2), 0);
}
