/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Feed and engine together: all that came is in the stream, whole and in order, and no order was refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "headend/mux_feed.h"
#include "tests/scrambler/rig.h"

#define PID     0x500
#define VIDEO   0x100
#define SECONDS 8
#define SIZE    90 /* bytes of a section */
#define MS      BASE_TICKS_PER_MS

static struct rig engine;
static struct stream stream;
static struct headend__mux_feed feed;
static struct ts_order scratch;
static struct ts_section_assembler assembler;
static unsigned given, taken;
static uint32_t bandwidth;
static uint64_t now;

static bool give(void)
{
    uint8_t section[SIZE] = {0x82, 0x70, SIZE - 3};

    base_store_u32(section + 3, given++);
    return headend__mux_feed_add(&feed, SIMULCRYPT_SECTIONS, section, SIZE);
}

/* The control thread's turn, after every 5 ms of the stream; EMMs come up to one second before its end. */
static void control(struct rig *rig)
{
    now = rig->calls * 5 * MS;
    while (now < (SECONDS - 1) * 1000 * MS && (uint64_t)given * SIZE * 8 < bandwidth * (now / MS))
        cr_assert(give());
    headend__mux_feed_advance(&feed, now, &scratch);
}

static void take_section(void *context, const uint8_t *section, size_t size)
{
    (void)context;
    cr_assert_eq(size, SIZE);
    cr_assert_eq(base_load_u32(section + 3), taken++);
}

/* Every `null_every`th packet is a null packet; 0: none. */
static void run(uint32_t kbits, unsigned null_every)
{
    bandwidth = kbits;
    rig_open(&engine, false);
    stream_open(&stream);
    stream.tick = MS / 4;
    for (unsigned i = 0; i < SECONDS * 4000; i++) {
        if (null_every && i % null_every == 0)
            stream_add_null(&stream);
        else
            stream_add(&stream, VIDEO);
    }
    headend__mux_feed_init(&feed, engine.orders, 0, PID, bandwidth);
    engine.control = control;
    rig_run(&engine, &stream, 20, NULL);
    for (unsigned i = 0; i < engine.count; i++)
        if (ts_pid(engine.out[i]) == PID)
            ts_section_assembler_feed(&assembler, engine.out[i], take_section, NULL);
    rig_check_conservation(&engine);
    cr_assert_eq(assembler.lost, 0);
    cr_assert_eq(taken, given);
    cr_assert_gt(given, (SECONDS - 2) * kbits * 125 / SIZE);
    cr_assert_eq(rig_counters(&engine)->refused_orders, 0);
    cr_assert_eq(rig_counters(&engine)->late_orders, 0);
}

static void end(void)
{
    headend__mux_feed_clear(&feed);
    rig_close(&engine);
    stream_close(&stream);
}

Test(mux_engine, null_packets_carry_it_all)
{
    run(300, 5);
    cr_assert_eq(rig_counters(&engine)->inserted, 0);
    end();
}

Test(mux_engine, without_null_packets_it_is_inserted)
{
    run(300, 0);
    cr_assert_eq(rig_counters(&engine)->replaced, 0);
    end();
}

Test(mux_engine, with_too_few_it_is_both)
{
    run(400, 30);
    cr_assert_gt(rig_counters(&engine)->inserted, 100);
    cr_assert_gt(rig_counters(&engine)->replaced, 100);
    end();
}

Test(mux_engine, the_greatest_bandwidth_passes)
{
    run(2000, 3);
    end();
}
