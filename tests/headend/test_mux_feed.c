/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What leaves for a PID, and when; time is driven by hand. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "headend/mux_feed.h"
#include "ts/section.h"

#define MS  BASE_TICKS_PER_MS
#define PID 0x500

static struct headend__mux_feed feed;
static struct base_ring *ring;
static struct ts_order order, scratch;
static struct ts_section_assembler assembler;
static uint64_t now;
static unsigned orders, packets, sections, next_number;
static size_t bytes;
static uint8_t counter;

static void open_all(void)
{
    cr_assert_eq(base_ring_create(&ring, 1 << 18), 0);
    now = 1000000 * MS;
    ts_section_assembler_reset(&assembler);
}

static void close_all(void)
{
    headend__mux_feed_clear(&feed);
    base_ring_destroy(ring);
}

TestSuite(mux_feed, .init = open_all, .fini = close_all);

static void begin(uint32_t bandwidth)
{
    headend__mux_feed_init(&feed, ring, 0, PID, bandwidth);
    headend__mux_feed_advance(&feed, now, &scratch);
}

static bool add(unsigned number, size_t size)
{
    uint8_t section[TS_SECTION_MAX];

    memset(section, (int)number, size);
    section[0] = 0x82;
    base_store_u16(section + 1, (uint16_t)(0x7000 | (size - 3)));
    base_store_u32(section + 3, number);
    return headend__mux_feed_add(&feed, SIMULCRYPT_SECTIONS, section, size);
}

static void take_section(void *context, const uint8_t *section, size_t size)
{
    (void)context;
    cr_assert_eq(base_load_u32(section + 3), next_number++);
    sections++;
    bytes += size;
}

static void take_orders(void)
{
    while (ts_order_pop(ring, &order) > 0) {
        orders++;
        cr_assert_gt(order.start, now);
        for (unsigned at = 0; at < order.size; at += TS_PACKET_SIZE, packets++) {
            ts_set_continuity_counter(order.bytes + at, counter++ & 15);
            ts_section_assembler_feed(&assembler, order.bytes + at, take_section, NULL);
        }
    }
    cr_assert_eq(assembler.lost, 0);
}

static void run(unsigned ms)
{
    for (unsigned i = 0; i < ms; i += 5) {
        now += 5 * MS;
        headend__mux_feed_advance(&feed, now, &scratch);
        take_orders();
    }
}

Test(mux_feed, what_came_waits_for_company_and_shares_packets)
{
    begin(100);
    cr_assert(add(0, 60));
    run(45);
    cr_assert_eq(orders, 0);
    cr_assert(add(1, 60));
    cr_assert(add(2, 60));
    run(10);
    cr_assert_eq(orders, 1);
    cr_assert_eq(packets, 1);
    cr_assert_eq(sections, 3);
    cr_assert_eq(order.pid, PID);
    cr_assert_eq(feed.queued, 0);
}

Test(mux_feed, a_full_order_does_not_wait)
{
    begin(2000);
    for (unsigned i = 0; i < 50; i++)
        cr_assert(add(i, 100));
    run(5);
    cr_assert_eq(orders, 1);
    cr_assert_eq(packets, 24);
    run(100);
    cr_assert_eq(sections, 50);
}

Test(mux_feed, the_largest_section_fits_an_order)
{
    begin(100);
    cr_assert(add(0, TS_SECTION_MAX));
    cr_assert(add(1, TS_SECTION_MAX));
    run(1500);
    cr_assert_eq(sections, 2);
    cr_assert_eq(packets, 2 * 23);
}

/* Nothing is lost at exactly the bandwidth, in bursts of a second, and it leaves evenly. */
static void keep_pace(uint32_t bandwidth, size_t size)
{
    unsigned number = 0;

    begin(bandwidth);
    for (unsigned second = 0; second < 10; second++) {
        size_t before = bytes;

        for (size_t sum = 0; sum + size <= bandwidth * 125; sum += size)
            cr_assert(add(number++, size), "%u kbit/s", bandwidth);
        run(1000);
        cr_assert_leq(8 * (bytes - before), bandwidth * 1250, "%u kbit/s", bandwidth);
    }
    run(500);
    cr_assert_eq(sections, number, "%u kbit/s", bandwidth);
    cr_assert_leq(packets * TS_PACKET_SIZE, bytes * 5 / 4, "%u packets for %zu bytes", packets, bytes);
}

Test(mux_feed, a_low_bandwidth_is_kept)
{
    keep_pace(100, 90);
}

Test(mux_feed, a_high_bandwidth_is_kept)
{
    keep_pace(2000, 160);
}

Test(mux_feed, the_queue_is_bounded)
{
    unsigned taken = 0;

    begin(100);
    while (add(taken, 1000))
        cr_assert_lt(taken++, 1000);
    cr_assert_gt(taken, 100);
    cr_assert_leq(feed.queued, feed.queued_max);
    run(20000);
    cr_assert_eq(sections, taken, "what was taken comes");
    cr_assert(add(taken, 1000));
}

/* The worker has no packets: it is not sent more than it can keep, and nothing is lost meanwhile. */
Test(mux_feed, a_worker_that_stands_still_is_waited_for)
{
    begin(500);
    for (unsigned i = 0; i < 60; i++)
        cr_assert(add(i, 1000));
    for (unsigned i = 0; i < 400; i++)
        headend__mux_feed_advance(&feed, now += 5 * MS, &scratch);
    for (orders = 0; ts_order_pop(ring, &order) > 0; orders++)
        for (unsigned at = 0; at < order.size; at += TS_PACKET_SIZE) {
            ts_set_continuity_counter(order.bytes + at, counter++ & 15);
            ts_section_assembler_feed(&assembler, order.bytes + at, take_section, NULL);
        }
    cr_assert_eq(orders, HEADEND__MUX_ORDERS);
    run(30);
    cr_assert_eq(orders, HEADEND__MUX_ORDERS, "those it has are not played yet");
    run(3000);
    cr_assert_eq(sections, 60);
}

Test(mux_feed, a_full_ring_is_waited_for)
{
    uint8_t record[60000] = {0};

    begin(500);
    while (base_ring_push(ring, record, sizeof(record)) == 0)
        ;
    while (base_ring_push(ring, record, 64) == 0)
        ;
    cr_assert(add(0, 500));
    for (unsigned i = 0; i < 50; i++)
        headend__mux_feed_advance(&feed, now += 5 * MS, &scratch);
    cr_assert_eq(feed.queued, 500);
    while (base_ring_peek(ring, &(size_t){0}))
        base_ring_pop(ring);
    run(100);
    cr_assert_eq(sections, 1);
}

Test(mux_feed, packets_leave_as_they_came)
{
    uint8_t datagram[30 * TS_PACKET_SIZE];
    unsigned count = 0;

    for (unsigned i = 0; i < 30; i++) {
        memset(datagram + i * TS_PACKET_SIZE, (int)i, TS_PACKET_SIZE);
        memcpy(datagram + i * TS_PACKET_SIZE, (uint8_t[]){0x47, 0x1F, 0xFF, 0x17}, 4);
    }
    begin(2000);
    cr_assert(headend__mux_feed_add(&feed, SIMULCRYPT_PACKETS, datagram, sizeof(datagram)));
    for (unsigned i = 0; i < 40; i++) {
        headend__mux_feed_advance(&feed, now += 5 * MS, &scratch);
        while (ts_order_pop(ring, &order) > 0)
            for (unsigned at = 0; at < order.size; at += TS_PACKET_SIZE, count++)
                cr_assert_arr_eq(order.bytes + at, datagram + count * TS_PACKET_SIZE, TS_PACKET_SIZE);
    }
    cr_assert_eq(count, 30);
}
