/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Carousels: when their packets come, and in whose place. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "rig.h"

#define ECM_PID 0x1234
#define VIDEO   0x100
#define MS      BASE_TICKS_PER_MS

static struct rig rig;
static struct stream stream;
static struct ts_order order;

static void open_all(void)
{
    rig_open(&rig, false);
    stream_open(&stream);
}

static void close_all(void)
{
    rig_check_conservation(&rig);
    rig_close(&rig);
    stream_close(&stream);
}

TestSuite(playout, .init = open_all, .fini = close_all);

static void make_order(uint64_t start, uint64_t period, uint8_t mark, uint16_t size)
{
    order = (struct ts_order){.kind = TS_ORDER_PLAY,
                              .start = start,
                              .period = period,
                              .pid = ECM_PID,
                              .size = size,
                              .form = TS_ORDER_SECTION};
    memset(order.bytes, mark, size);
    order.bytes[0] = 0x80;
    base_store_u16(order.bytes + 1, (uint16_t)(0x7000 | (size - 3)));
}

static void push_order(void)
{
    cr_assert_eq(ts_order_push(rig.orders, &order), 0);
}

static void play(uint64_t start, uint64_t period, uint8_t mark, uint16_t size)
{
    make_order(start, period, mark, size);
    push_order();
}

static void add_video(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        stream_add(&stream, VIDEO);
}

/* The n-th packet of the ECM PID that came out; its place in the output. */
static int find_ecm(unsigned n)
{
    for (unsigned i = 0; i < rig.count; i++)
        if (ts_pid(rig.out[i]) == ECM_PID && n-- == 0)
            return (int)i;
    return -1;
}

static unsigned count_pid(uint16_t pid)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rig.count; i++)
        count += ts_pid(rig.out[i]) == pid;
    return count;
}

Test(playout, first_ecm_precedes_the_first_scrambled_packet)
{
    unsigned group = rig_add_group(&rig, CIPHER_DVB_CSA2);

    rig_protect(&rig, VIDEO, group);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 0, 0, 1);
    play(0, 100 * MS, 0xAA, 100);
    add_video(10);
    rig_run(&rig, &stream, 4, NULL);
    cr_assert_eq(find_ecm(0), 0);
    cr_assert(rig.inserted[0]);
    cr_assert_eq(rig.input[0], 0);
    cr_assert_eq(ts_scrambling_control(rig.out[1]), TS_EVEN);
    cr_assert_eq(rig_counters(&rig)->ecm, 1);
    cr_assert_eq(rig_counters(&rig)->inserted, 1);
}

Test(playout, new_content_begins_at_its_start_and_not_before)
{
    play(0, 10 * MS, 1, 50);
    play(25 * MS, 10 * MS, 2, 50);
    add_video(60);
    rig_run(&rig, &stream, 0, &(struct random){1});
    /* 0, 10, 20 of the first, inserted a quarter of the period late; 25 at once, then 35, 45, 55 */
    static const unsigned at[] = {0, 13, 23, 25, 38, 48, 58};
    for (unsigned i = 0; i < 7; i++) {
        int place = find_ecm(i);

        cr_assert_geq(place, 0);
        cr_assert_eq(rig.input[place], at[i], "play %u before packet %u", i, rig.input[place]);
        cr_assert_eq(rig.out[place][10], i < 3 ? 1 : 2);
        cr_assert_eq(ts_continuity_counter(rig.out[place]), i);
    }
    cr_assert_eq(find_ecm(7), -1);
}

Test(playout, later_plays_take_the_next_null_packet_within_the_patience)
{
    play(0, 100 * MS, 1, 50);
    for (unsigned i = 0; i < 300; i++) {
        if (i == 105 || i == 221)
            stream_add_null(&stream);
        else
            stream_add(&stream, VIDEO);
    }
    rig_run(&rig, &stream, 11, NULL);
    cr_assert_eq(rig.input[find_ecm(1)], 105);
    cr_assert_not(rig.inserted[find_ecm(1)]);
    cr_assert_eq(rig.input[find_ecm(2)], 220); /* 20 ms: inserted, the null packet comes too late */
    cr_assert(rig.inserted[find_ecm(2)]);
    cr_assert_eq(rig_counters(&rig)->replaced, 1);
    cr_assert_eq(rig_counters(&rig)->inserted, 2);
}

/* Counts whole sections by their size, each checked byte by byte. */
static unsigned whole[TS_SECTION_MAX + 1];

static void count_whole(void *context, const uint8_t *section, size_t size)
{
    (void)context;
    for (size_t i = 4; i < size; i++)
        cr_assert_eq(section[i], section[3], "sections are mixed");
    whole[size]++;
}

static void count_sections(void)
{
    static struct ts_section_assembler assembler;

    ts_section_assembler_reset(&assembler);
    memset(whole, 0, sizeof(whole));
    for (unsigned i = 0; i < rig.count; i++)
        if (ts_pid(rig.out[i]) == ECM_PID)
            ts_section_assembler_feed(&assembler, rig.out[i], count_whole, NULL);
    cr_assert_eq(assembler.lost, 0);
}

Test(playout, sections_of_several_streams_on_one_pid_are_not_mixed)
{
    static const uint16_t sizes[] = {50, 183, 184, 367, 368, 4096};

    for (unsigned i = 0; i < 6; i++) {
        make_order(i * MS, 300 * MS, (uint8_t)(i + 1), sizes[i]);
        order.stream = (uint16_t)i;
        push_order();
    }
    for (unsigned i = 0; i < 3000; i++) {
        if (i % 9)
            stream_add(&stream, VIDEO);
        else
            stream_add_null(&stream);
    }
    rig_run(&rig, &stream, 0, &(struct random){3});
    count_sections();
    for (unsigned i = 0; i < 6; i++)
        cr_assert_eq(whole[sizes[i]], 10, "%u of %u bytes", whole[sizes[i]], sizes[i]);
    for (unsigned i = 1; i < count_pid(ECM_PID); i++)
        cr_assert_eq(ts_continuity_counter(rig.out[find_ecm(i)]), i % 16);
}

Test(playout, a_section_under_way_is_finished_before_the_next_content)
{
    play(0, 40 * MS, 1, 500); /* three packets; the second play, at 40 ms, may wait for 10 ms */
    play(43 * MS, 40 * MS, 2, 500);
    for (unsigned i = 0; i < 60; i++) {
        if (i == 41)
            stream_add_null(&stream);
        else
            stream_add(&stream, VIDEO);
    }
    rig_run(&rig, &stream, 1, NULL);
    count_sections();
    cr_assert_eq(whole[500], 3);
    cr_assert_eq(rig.input[find_ecm(3)], 41);
    cr_assert_eq(rig.input[find_ecm(4)], 43);
    cr_assert_eq(rig.input[find_ecm(5)], 43);
    cr_assert_eq(rig.input[find_ecm(6)], 43);
    cr_assert_eq(rig.out[find_ecm(5)][10], 1);
    cr_assert_eq(rig.out[find_ecm(6)][10], 2);
}

Test(playout, stop_ends_it_at_its_time)
{
    play(0, 10 * MS, 1, 50);
    order.kind = TS_ORDER_STOP;
    order.start = 35 * MS;
    push_order();
    add_video(100);
    rig_run(&rig, &stream, 9, NULL);
    cr_assert_eq(count_pid(ECM_PID), 4);
    cr_assert_eq(rig_counters(&rig)->refused_orders, 0);
}

Test(playout, period_0_plays_once)
{
    play(5 * MS, 0, 1, 50);
    add_video(100);
    rig_run(&rig, &stream, 9, NULL);
    cr_assert_eq(count_pid(ECM_PID), 1);
    cr_assert_eq(rig.input[find_ecm(0)], 5);
}

static void play_once_patiently(uint64_t start, uint64_t patience, uint8_t mark, uint16_t size)
{
    make_order(start, 0, mark, size);
    order.patience = patience;
    push_order();
}

Test(playout, patience_waits_for_null_packets_and_ends)
{
    play_once_patiently(5 * MS, 30 * MS, 1, 50);
    play_once_patiently(50 * MS, 30 * MS, 2, 50);
    for (unsigned i = 0; i < 100; i++)
        i == 20 ? stream_add_null(&stream) : stream_add(&stream, VIDEO);
    rig_run(&rig, &stream, 9, NULL);
    cr_assert_eq(count_pid(ECM_PID), 2);
    cr_assert_eq(rig.input[find_ecm(0)], 20);
    cr_assert_not(rig.inserted[find_ecm(0)]);
    cr_assert_eq(rig.input[find_ecm(1)], 80);
    cr_assert(rig.inserted[find_ecm(1)]);
}

/* Five orders, most due before the one ahead of them has found its null packets. */
Test(playout, what_plays_once_is_played_before_it_is_replaced)
{
    for (uint8_t i = 1; i <= 4; i++)
        play_once_patiently(i * MS, 200 * MS, i, 500);
    for (unsigned i = 0; i < 120; i++)
        i % 9 == 8 ? stream_add_null(&stream) : stream_add(&stream, VIDEO);
    rig_run(&rig, &stream, 0, &(struct random){4});
    count_sections();
    cr_assert_eq(whole[500], 4);
    cr_assert_eq(rig_counters(&rig)->inserted, 0);
    for (unsigned i = 0; i < 12; i++) {
        cr_assert_eq(rig.out[find_ecm(i)][10], 1 + i / 3, "packet %u", i);
        cr_assert_eq(rig.input[find_ecm(i)], 8 + 9 * i);
    }
}

Test(playout, a_stop_waits_for_what_plays_once)
{
    play_once_patiently(0, 50 * MS, 1, 500);
    order.kind = TS_ORDER_STOP;
    order.start = 10 * MS;
    push_order();
    add_video(100);
    rig_run(&rig, &stream, 9, NULL);
    cr_assert_eq(count_pid(ECM_PID), 3);
    cr_assert_eq(rig.input[find_ecm(0)], 50);
}

Test(playout, an_earlier_start_makes_waiting_orders_void)
{
    play(0, 10 * MS, 1, 50);
    play(50 * MS, 10 * MS, 2, 50);
    play(30 * MS, 10 * MS, 3, 50);
    add_video(100);
    rig_run(&rig, &stream, 9, NULL);
    for (unsigned i = 0; i < count_pid(ECM_PID); i++)
        cr_assert_neq(rig.out[find_ecm(i)][10], 2);
    cr_assert_eq(rig.out[find_ecm(3)][10], 3);
}

Test(playout, packets_get_pid_and_counter)
{
    order = (struct ts_order){.kind = TS_ORDER_PLAY,
                              .pid = ECM_PID,
                              .period = 50 * MS,
                              .form = TS_ORDER_PACKETS,
                              .size = 2 * TS_PACKET_SIZE};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *packet = order.bytes + (size_t)i * TS_PACKET_SIZE;

        memset(packet, (int)(0x30 + i), TS_PACKET_SIZE);
        packet[0] = TS_SYNC_BYTE;
        packet[1] = i ? 0x1F : 0x5F;
        packet[3] = 0x17;
    }
    push_order();
    add_video(60);
    rig_run(&rig, &stream, 9, NULL);
    cr_assert_eq(count_pid(ECM_PID), 2);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(ts_continuity_counter(rig.out[i]), i);
        cr_assert_eq(ts_unit_start(rig.out[i]), i == 0);
        cr_assert_arr_eq(rig.out[i] + 4, order.bytes + i * TS_PACKET_SIZE + 4, 184);
    }
}

Test(playout, a_time_leap_is_not_made_up_for)
{
    play(0, 10 * MS, 1, 50);
    add_video(5);
    stream.tick = 1000 * MS;
    add_video(1);
    stream.tick = MS;
    add_video(15);
    rig_run(&rig, &stream, 9, NULL);
    cr_assert_eq(count_pid(ECM_PID), 2 + 1);
    rig_check_conservation(&rig);
}

Test(playout, late_orders_are_counted_and_played)
{
    add_video(10);
    rig_run(&rig, &stream, 0, &(struct random){1});
    play(2 * MS, 100 * MS, 1, 50);
    rig_run(&rig, &(struct stream){.count = 5, .packets = stream.packets + 5, .times = stream.times + 5}, 5,
            NULL);
    cr_assert_eq(rig_counters(&rig)->late_orders, 1);
    cr_assert_eq(rig_counters(&rig)->ecm, 1);
}

Test(playout, orders_that_cannot_be_kept_are_refused)
{
    for (unsigned i = 0; i < 6; i++) /* four may wait */
        play((1 + i) * MS, 10 * MS, 1, 50);
    order.size = 0;
    push_order();
    order.size = 100;
    order.form = TS_ORDER_PACKETS;
    push_order();
    order.form = TS_ORDER_SECTION;
    order.pid = TS_PID_NULL;
    push_order();
    order.pid = ECM_PID;
    order.kind = 9;
    push_order();
    cr_assert_eq(base_ring_push(rig.orders, "?", 1), 0);
    add_video(1);
    rig_run(&rig, &stream, 1, NULL);
    cr_assert_eq(rig_counters(&rig)->refused_orders, 2 + 5);
}

Test(playout, carousels_are_bounded)
{
    for (unsigned i = 0; i < 100; i++) {
        make_order(0, 10 * MS, 1, 50);
        order.pid = (uint16_t)(0x200 + i);
        push_order();
    }
    add_video(2);
    rig_run(&rig, &stream, 1, NULL);
    cr_assert_eq(rig_counters(&rig)->ecm, 72);
    cr_assert_eq(rig_counters(&rig)->refused_orders, 28);
    cr_assert_eq(rig.calls, 2, "live, what is more than SCRAMBLER_INSERT_MAX waits for the next call");
}

static void order_more_than_are_inserted(void)
{
    for (unsigned i = 0; i < 70; i++) {
        make_order(0, 10 * MS, 1, 50);
        order.pid = (uint16_t)(0x200 + i);
        push_order();
    }
    add_video(1);
    rig_run(&rig, &stream, 1, NULL);
}

Test(playout, live_no_packet_waits_for_ecms)
{
    order_more_than_are_inserted();
    cr_assert_eq(rig.calls, 1);
    cr_assert_eq(rig_counters(&rig)->ecm, SCRAMBLER_INSERT_MAX);
}

Test(playout, in_a_file_run_a_packet_waits_for_ecms)
{
    rig_close(&rig);
    rig_open(&rig, true);
    order_more_than_are_inserted();
    cr_assert_eq(rig.calls, 2);
    cr_assert_eq(rig_counters(&rig)->ecm, 70);
}

Test(playout, an_engine_has_as_many_carousels_as_are_asked_for)
{
    struct scrambler_engine *engine;
    unsigned played = 0;

    rig_close(&rig);
    rig_open_with(&rig, &(struct scrambler_engine_config){.carousels = 1000, .stop_at_changes = true});
    for (unsigned i = 0; i < 1001; i++) {
        make_order(i % 7 * MS, 10 * MS, 1, 50);
        order.pid = (uint16_t)(0x200 + i / 4);
        order.stream = (uint16_t)(i % 4);
        push_order();
    }
    add_video(50);
    rig_run(&rig, &stream, 1, NULL);
    cr_assert_eq(rig_counters(&rig)->refused_orders, 1);
    for (unsigned i = 0; i < 250; i++)
        played += count_pid((uint16_t)(0x200 + i)) >= 4 * 4;
    cr_assert_eq(played, 250, "each of them every 10 ms");
    cr_assert_eq(scrambler_engine_create(
                     &engine, &(struct scrambler_engine_config){.carousels = SCRAMBLER_CAROUSELS_MAX + 1}),
                 -EINVAL);
}

Test(playout, carousels_that_are_done_can_be_had_again)
{
    for (unsigned i = 0; i < 500; i++) {
        make_order(i * MS, 0, 1, 50);
        order.pid = (uint16_t)(0x200 + i * 7 % 1000);
        order.stream = (uint16_t)i;
        push_order();
        add_video(1);
        rig_run(&rig, &(struct stream){.count = 1, .packets = stream.packets + i, .times = stream.times + i},
                1, NULL);
    }
    cr_assert_eq(rig_counters(&rig)->refused_orders, 0);
    cr_assert_eq(rig_counters(&rig)->ecm, 500);
}

static void stop(uint64_t start)
{
    make_order(start, 0, 1, 50);
    order.kind = TS_ORDER_STOP;
    order.size = 0;
    push_order();
}

Test(playout, four_plays_may_wait_and_a_stop_after_each)
{
    for (unsigned i = 0; i < 4; i++) {
        play((10 + 20 * i) * MS, 2 * MS, (uint8_t)(i + 1), 50);
        stop((20 + 20 * i) * MS);
    }
    add_video(100);
    rig_run(&rig, &stream, 9, NULL);
    cr_assert_eq(rig_counters(&rig)->refused_orders, 0);
    cr_assert_eq(count_pid(ECM_PID), 4 * 5);
    for (unsigned i = 0; i < 4 * 5; i++)
        cr_assert_eq(rig.out[find_ecm(i)][4 + 1 + 10], i / 5 + 1, "play %u", i);
}

Test(playout, an_order_voids_what_was_to_begin_later)
{
    play(2 * MS, 2 * MS, 1, 50);
    stop(20 * MS);
    play(30 * MS, 2 * MS, 2, 50);
    play(10 * MS, 2 * MS, 3, 50);
    add_video(50);
    rig_run(&rig, &stream, 9, NULL);
    cr_assert_eq(count_pid(ECM_PID), 24);
    for (unsigned i = 0; i < 24; i++)
        cr_assert_eq(rig.out[find_ecm(i)][4 + 1 + 10], i < 4 ? 1 : 3);
}

Test(playout, packets_that_pass_on_a_played_pid_keep_in_step)
{
    uint8_t counter = 0;
    unsigned seen = 0;

    play(7 * MS, 20 * MS, 1, 50);
    for (unsigned i = 0; i < 100; i++)
        stream_add(&stream, i % 5 ? VIDEO : ECM_PID);
    rig_run(&rig, &stream, 3, NULL);
    for (unsigned i = 0; i < rig.count; i++) {
        if (ts_pid(rig.out[i]) != ECM_PID)
            continue;
        cr_assert(seen == 0 || ts_continuity_counter(rig.out[i]) == ((counter + 1) & 15));
        counter = ts_continuity_counter(rig.out[i]);
        seen++;
    }
    cr_assert_eq(seen, 20 + 5);
}
