/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables: what is told, what is guarded, what is rewritten. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define PMT_PID 0x30
#define VIDEO   0x100

static struct rig rig;
static struct stream stream;
static uint8_t section[TS_SECTION_MAX];
static uint8_t replacement[TS_SECTION_MAX];

static struct {
    unsigned count;
    struct ts_observation last;
} told;

static void open_all(void)
{
    rig_open(&rig, false);
    stream_open(&stream);
}

static void open_stopping(void)
{
    rig_open(&rig, true);
    stream_open(&stream);
}

static void close_all(void)
{
    rig_check_conservation(&rig);
    rig_close(&rig);
    stream_close(&stream);
}

TestSuite(tables, .init = open_all, .fini = close_all);
TestSuite(stopping, .init = open_stopping, .fini = close_all);

static void observe(uint16_t pid, bool rewrite, bool guard)
{
    rig.plan->pids[pid].action = SCRAMBLER_PASS;
    rig.plan->pids[pid].observe = 1;
    rig.plan->pids[pid].rewrite = rewrite;
    rig.plan->pids[pid].guard = guard;
}

static void collect(struct rig *from)
{
    while (ts_observation_pop(from->observations, &told.last) > 0)
        told.count++;
}

static void collect_and_know(struct rig *from)
{
    collect(from);
    if (told.count)
        from->plan->observations = told.last.sequence;
}

static void add_pmt(uint8_t version, size_t size)
{
    stream_add_section(&stream, PMT_PID, section, section_make(section, TS_TABLE_PMT, 7, version, 0, size));
}

static void replace(uint8_t version, size_t size, uint8_t new_version, size_t new_size)
{
    struct ts_order order = {
        .kind = TS_ORDER_REPLACE, .pid = PMT_PID, .table_id = TS_TABLE_PMT, .extension = 7};
    uint8_t source[TS_SECTION_MAX];

    section_make(source, TS_TABLE_PMT, 7, version, 0, size);
    order.source_crc = base_load_u32(source + size - 4);
    order.size = (uint16_t)section_make(replacement, TS_TABLE_PMT, 7, new_version, 0, new_size);
    memcpy(order.bytes, replacement, new_size);
    cr_assert_eq(ts_order_push(rig.orders, &order), 0);
}

/* What a receiver finds on the PMT's PID. */
static struct {
    unsigned count;
    unsigned sizes[64];
    uint8_t versions[64];
} got;

static void take_section(void *context, const uint8_t *bytes, size_t size)
{
    struct ts_section_header header;

    (void)context;
    cr_assert_eq(ts_section_parse(bytes, size, &header), 0);
    cr_assert_lt(got.count, 64);
    got.sizes[got.count] = (unsigned)size;
    got.versions[got.count++] = header.version;
}

static void receive(void)
{
    static struct ts_section_assembler assembler;
    int last = -1;

    ts_section_assembler_reset(&assembler);
    got.count = 0;
    for (unsigned i = 0; i < rig.count; i++) {
        if (ts_pid(rig.out[i]) != PMT_PID)
            continue;
        cr_assert(last < 0 || ts_continuity_counter(rig.out[i]) == ((last + 1) & 15), "at %u", i);
        last = ts_continuity_counter(rig.out[i]);
        ts_section_assembler_feed(&assembler, rig.out[i], take_section, NULL);
    }
    cr_assert_eq(assembler.lost, 0);
}

static void add_video(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        stream_add(&stream, VIDEO);
}

Test(tables, each_change_is_told_once)
{
    static const uint8_t versions[] = {1, 1, 1, 2, 2, 1, 1};

    observe(PMT_PID, false, false);
    for (unsigned i = 0; i < sizeof(versions); i++)
        add_pmt(versions[i], 300);
    rig_run(&rig, &stream, 3, NULL);
    collect(&rig);
    cr_assert_eq(told.count, 3);
    cr_assert_eq(told.last.sequence, 3);
    cr_assert_eq(told.last.pid, PMT_PID);
    cr_assert_eq(told.last.source_time, 11 * RIG_TICK);
    cr_assert_eq(told.last.size, 300);
    for (unsigned i = 0; i < stream.count; i++)
        cr_assert_arr_eq(rig.out[i], stream.packets[i], TS_PACKET_SIZE);
    cr_assert_eq(rig_counters(&rig)->passed, 14);
}

Test(tables, a_next_version_sent_ahead_does_not_flap)
{
    observe(PMT_PID, false, false);
    for (unsigned i = 0; i < 10; i++) {
        section_make(section, TS_TABLE_PMT, 7, 2, 0, 100);
        if (i % 2)
            section[5] &= 0xFE;
        section_seal(section, 100);
        stream_add_section(&stream, PMT_PID, section, 100);
    }
    rig_run(&rig, &stream, 3, NULL);
    collect(&rig);
    cr_assert_eq(told.count, 2);
}

Test(tables, a_pid_that_is_observed_anew_is_told_anew)
{
    struct scrambler_plan *first = rig.plan;
    struct scrambler_plan *second = malloc(sizeof(*second));
    struct stream rest;

    observe(PMT_PID, false, false);
    *second = *first;
    second->pids[PMT_PID].observe = 0;
    add_pmt(1, 100);
    add_video(1);
    add_pmt(1, 100);
    rest = (struct stream){.count = 1, .packets = stream.packets, .times = stream.times};
    rig_run(&rig, &rest, 1, NULL);
    rig.plan = second;
    rest.packets++;
    rig_run(&rig, &rest, 1, NULL);
    rig.plan = first;
    rest.packets++;
    rig_run(&rig, &rest, 1, NULL);
    collect(&rig);
    cr_assert_eq(told.count, 2);
    free(second);
}

Test(tables, broken_sections_are_counted_and_not_told)
{
    observe(PMT_PID, false, false);
    section_make(section, TS_TABLE_PMT, 7, 1, 0, 100);
    section[20] ^= 1;
    stream_add_section(&stream, PMT_PID, section, 100);
    add_pmt(1, 300);
    stream.count--; /* the rest of it never comes */
    stream.counters[PMT_PID]++;
    add_pmt(1, 100);
    rig_run(&rig, &stream, 3, NULL);
    collect(&rig);
    cr_assert_eq(told.count, 1);
    cr_assert_eq(rig_counters(&rig)->bad_sections, 2);
}

Test(tables, a_guarded_change_makes_unreferenced_pids_black_until_the_plan_knows)
{
    observe(PMT_PID, false, true);
    rig.plan->pids[0x300].action = SCRAMBLER_PASS;
    add_video(1);
    add_pmt(1, 100);
    add_video(2);
    stream_add(&stream, 0x300);
    rig_run(&rig, &stream, 2, NULL);
    cr_assert_eq(ts_pid(rig.out[0]), VIDEO);
    cr_assert_eq(ts_pid(rig.out[2]), TS_PID_NULL);
    cr_assert_eq(ts_pid(rig.out[3]), TS_PID_NULL);
    cr_assert_eq(ts_pid(rig.out[4]), 0x300);
    collect_and_know(&rig);
    stream.count = 0;
    stream_add(&stream, VIDEO);
    add_pmt(1, 100); /* the same version again: no change */
    stream_add(&stream, VIDEO);
    rig_run(&rig, &stream, 2, NULL);
    cr_assert_eq(ts_pid(rig.out[5]), VIDEO);
    cr_assert_eq(ts_pid(rig.out[7]), VIDEO);
    cr_assert_eq(rig_counters(&rig)->black, 2);
}

Test(tables, a_full_ring_tells_again_and_stays_black)
{
    uint8_t filler[1000] = {0};

    observe(PMT_PID, false, true);
    while (base_ring_push(rig.observations, filler, sizeof(filler)) == 0)
        continue;
    add_pmt(1, 1000);
    add_video(1);
    rig_run(&rig, &stream, 1, NULL);
    cr_assert_geq(rig_counters(&rig)->lost_observations, 1);
    cr_assert_eq(ts_pid(rig.out[rig.count - 1]), TS_PID_NULL);
    rig.plan->observations = 1000; /* of others: this one it cannot know */
    while (ts_observation_pop(rig.observations, &told.last) != 0)
        continue;
    stream.times[stream.count - 1] += RIG_TICK;
    rig_run(&rig, &stream, 1, NULL);
    cr_assert_eq(ts_pid(rig.out[rig.count - 1]), TS_PID_NULL);
    collect(&rig);
    cr_assert_eq(told.count, 1);
    stream.tick = 6 * BASE_TICKS_PER_SECOND;
    add_video(1);
    rig_run(&rig,
            &(struct stream){.count = 1,
                             .packets = stream.packets + stream.count - 1,
                             .times = stream.times + stream.count - 1},
            1, NULL);
    cr_assert_eq(ts_pid(rig.out[rig.count - 1]), VIDEO);
}

Test(tables, untouched_rewrite_is_bit_identical)
{
    observe(PMT_PID, true, false);
    stream.counters[PMT_PID] = 9;
    for (unsigned i = 0; i < 20; i++) {
        stream_add_section(&stream, PMT_PID, section, section_make(section, TS_TABLE_PMT, 7, 1, 0, 100));
        add_video(3);
    }
    rig_run(&rig, &stream, 0, &(struct random){5});
    for (unsigned i = 0; i < stream.count; i++)
        cr_assert_arr_eq(rig.out[i], stream.packets[i], TS_PACKET_SIZE);
    cr_assert_eq(rig_counters(&rig)->repacked, 20);
    cr_assert_eq(rig_counters(&rig)->inserted, 0);
}

Test(tables, a_section_that_grows_takes_null_packets_or_is_inserted)
{
    observe(PMT_PID, true, false);
    replace(1, 100, 9, 300);
    for (unsigned i = 0; i < 10; i++) {
        add_pmt(1, 100);
        for (unsigned j = 0; j < 140; j++) {
            if (i < 5 && j == 10)
                stream_add_null(&stream);
            else
                stream_add(&stream, VIDEO);
        }
    }
    rig_run(&rig, &stream, 0, &(struct random){5});
    receive();
    cr_assert_eq(got.count, 10);
    for (unsigned i = 0; i < 10; i++)
        cr_assert(got.versions[i] == 9 && got.sizes[i] == 300);
    cr_assert_eq(rig_counters(&rig)->replaced, 5);
    cr_assert_eq(rig_counters(&rig)->inserted, 5);
    cr_assert_eq(rig_counters(&rig)->repacked, 10);
}

Test(tables, a_section_that_shrinks_leaves_null_packets)
{
    observe(PMT_PID, true, false);
    replace(1, 500, 9, 100);
    for (unsigned i = 0; i < 10; i++)
        add_pmt(1, 500);
    rig_run(&rig, &stream, 4, NULL);
    receive();
    cr_assert_eq(got.count, 10);
    cr_assert_eq(rig.count, 30);
    cr_assert_eq(rig_counters(&rig)->repacked, 30);
    cr_assert_eq(rig_counters(&rig)->inserted, 0);
    cr_assert_eq(ts_pid(rig.out[0]), TS_PID_NULL);
    cr_assert_eq(ts_pid(rig.out[2]), PMT_PID);
}

Test(tables, a_table_of_several_packets_keeps_to_its_places)
{
    observe(PMT_PID, true, false);
    for (unsigned i = 0; i < 20; i++) {
        add_pmt(1, 500);
        add_video(90);
    }
    rig_run(&rig, &stream, 0, &(struct random){5});
    receive();
    cr_assert_eq(got.count, 19); /* the last one waits for a repetition that does not come */
    cr_assert_eq(rig_counters(&rig)->inserted, 0);
}

Test(tables, other_versions_pass_until_their_order_comes)
{
    observe(PMT_PID, true, false);
    replace(1, 100, 9, 120);
    add_pmt(1, 100);
    add_pmt(2, 100);
    add_pmt(1, 100);
    rig_run(&rig, &stream, 1, NULL);
    receive();
    cr_assert_eq(got.count, 3);
    cr_assert(got.versions[0] == 9 && got.versions[1] == 2 && got.versions[2] == 9);
    struct ts_order keep = {.kind = TS_ORDER_KEEP, .pid = PMT_PID};
    cr_assert_eq(ts_order_push(rig.orders, &keep), 0);
    stream.count = 0;
    add_pmt(1, 100);
    rig_run(&rig, &stream, 1, NULL);
    receive();
    cr_assert_eq(got.versions[3], 1);
}

Test(tables, broken_sections_of_a_rewritten_table_are_dropped)
{
    observe(PMT_PID, true, false);
    section_make(section, TS_TABLE_PMT, 7, 1, 0, 100);
    section[20] ^= 1;
    stream_add_section(&stream, PMT_PID, section, 100);
    add_pmt(1, 100);
    rig_run(&rig, &stream, 4, NULL);
    cr_assert_eq(ts_pid(rig.out[0]), TS_PID_NULL);
    receive();
    cr_assert_eq(got.count, 1);
    cr_assert_eq(rig_counters(&rig)->bad_sections, 1);
    cr_assert_eq(rig_counters(&rig)->repacked, 2);
}

Test(tables, counters_stay_continuous_when_rewriting_begins_and_ends)
{
    struct stream part;

    observe(PMT_PID, false, false);
    replace(1, 300, 9, 400);
    for (unsigned i = 0; i < 15; i++) {
        add_pmt(1, 300);
        add_video(30);
    }
    for (unsigned i = 0; i < 3; i++) {
        part = (struct stream){
            .count = 160, .packets = stream.packets + 160u * i, .times = stream.times + 160u * i};
        rig.plan->pids[PMT_PID].rewrite = i == 1;
        rig.plan->observations++;
        rig_run(&rig, &part, 3, NULL);
    }
    receive();
    cr_assert_eq(got.count, 15);
    for (unsigned i = 0; i < 15; i++)
        cr_assert_eq(got.versions[i], i >= 5 && i < 10 ? 9 : 1, "section %u", i);
    cr_assert_eq(rig_counters(&rig)->inserted, 6);
}

Test(tables, a_section_under_way_is_not_cut_when_rewriting_ends)
{
    observe(PMT_PID, true, false);
    for (unsigned i = 0; i < 6; i++)
        add_pmt(1, 500);
    struct stream part = {.count = 8, .packets = stream.packets, .times = stream.times};
    rig_run(&rig, &part, 3, NULL);
    rig.plan->pids[PMT_PID].rewrite = 0;
    part = (struct stream){.count = 10, .packets = stream.packets + 8, .times = stream.times + 8};
    add_video(30);
    part.count += 30;
    rig_run(&rig, &part, 3, NULL);
    receive();
    cr_assert_eq(got.count, 6);
}

Test(tables, several_sections_in_a_packet_are_sent_one_per_packet)
{
    uint8_t *packet = stream_add(&stream, PMT_PID);
    unsigned at = 5;

    observe(PMT_PID, true, false);
    memset(packet + 4, 0xFF, 184);
    packet[1] |= 0x40;
    packet[4] = 0;
    for (unsigned i = 0; i < 3; i++)
        at += (unsigned)section_make(packet + at, TS_TABLE_PMT, (uint16_t)i, (uint8_t)i, 0, 40);
    for (unsigned i = 0; i < 140; i++)
        stream_add(&stream, VIDEO);
    rig_run(&rig, &stream, 4, NULL);
    receive();
    cr_assert_eq(got.count, 3);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(got.versions[i], i);
    cr_assert_eq(rig_counters(&rig)->inserted, 2);
}

/* In a file run the very first section is already the replaced one, and no packet goes black. */
static void answer(struct rig *from)
{
    unsigned before = told.count;

    collect_and_know(from);
    if (told.count > before) {
        from->plan->pids[PMT_PID].rewrite = 1;
        replace(told.count == 1 ? 1 : 2, 100, (uint8_t)(8 + told.count), 120);
    }
}

Test(stopping, control_acts_before_the_packet_that_completes_a_change)
{
    observe(PMT_PID, false, true);
    rig.control = answer;
    add_video(3);
    for (unsigned i = 0; i < 3; i++)
        add_pmt(1, 100);
    add_video(3);
    add_pmt(2, 100);
    add_video(3);
    rig_run(&rig, &stream, 100, NULL);
    receive();
    cr_assert_eq(got.count, 4);
    cr_assert(got.versions[0] == 9 && got.versions[2] == 9 && got.versions[3] == 10);
    cr_assert_eq(rig_counters(&rig)->black, 0);
    cr_assert_eq(rig.calls, 3);
    cr_assert_eq(rig.count, stream.count);
}

Test(tables, more_pids_than_places_are_counted)
{
    for (uint16_t pid = 0x200; pid < 0x200 + 100; pid++) {
        observe(pid, true, false);
        stream_add_section(&stream, pid, section, section_make(section, TS_TABLE_PMT, 7, 1, 0, 100));
    }
    rig_run(&rig, &stream, 100, NULL);
    collect(&rig);
    cr_assert_eq(told.count, 80);
    cr_assert_eq(rig_counters(&rig)->lost_observations, 20);
    cr_assert_eq(rig_counters(&rig)->passed, 20);
}
