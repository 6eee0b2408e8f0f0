/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random streams, plans and orders: nothing is lost, and how the input is cut into calls does not matter. */
#include <criterion/criterion.h>
#include <string.h>

#include "rig.h"

static void push_random_order(struct rig *rig, struct random *random)
{
    static const uint16_t pids[] = {0x1FFE, 0x20, 1, 0x55, 0x56, 0x0};
    struct ts_order order = {.kind = (uint8_t)random_below(random, 4),
                             .pid = pids[random_below(random, 6)],
                             .stream = (uint16_t)random_below(random, 3),
                             .start = (uint64_t)random_below(random, 3000) * RIG_TICK,
                             .period = (uint64_t)random_below(random, 100) * RIG_TICK,
                             .patience = (uint64_t)random_below(random, 100) * RIG_TICK,
                             .size = (uint16_t)(1 + random_below(random, 900))};

    if (random_below(random, 4) == 0)
        order.period = 0;
    random_fill(random, order.bytes, order.size);
    if (random_below(random, 3) == 0) {
        order.form = TS_ORDER_PACKETS;
        order.size = (uint16_t)((1 + random_below(random, 3)) * TS_PACKET_SIZE);
        for (unsigned i = 0; i < 3; i++)
            order.bytes[i * TS_PACKET_SIZE] = TS_SYNC_BYTE;
    }
    cr_assert_eq(ts_order_push(rig->orders, &order), 0);
}

static void make_plan(struct rig *rig, struct random *random)
{
    for (unsigned i = 0; i < 3; i++) {
        uint64_t start = 0;

        rig_add_group(rig, (enum cipher_algorithm)i);
        for (uint8_t n = 0; n < 4; n++) {
            start += random_below(random, 800) * RIG_TICK;
            rig_publish(rig, i, (enum keys_slot_kind)random_below(random, 3), start, n & 1, n + 1);
        }
    }
    rig->plan->unreferenced = (uint8_t)random_below(random, 2);
    for (unsigned pid = 0; pid < TS_PIDS; pid++) {
        rig->plan->pids[pid].action = (uint8_t)random_below(random, 4);
        rig->plan->pids[pid].group = (uint8_t)random_below(random, 4);
        rig->plan->pids[pid].observe = random_below(random, 4) == 0;
        rig->plan->pids[pid].rewrite = random_below(random, 4) == 0;
        rig->plan->pids[pid].guard = random_below(random, 4) == 0;
    }
}

static void make_stream(struct stream *stream, struct random *random)
{
    uint8_t section[1024];

    for (unsigned i = 0; i < 4000; i++) {
        if (random_below(random, 10) == 0)
            stream_add_section(stream, (uint16_t)random_below(random, 3), section,
                               section_make(section, (uint8_t)random_below(random, 3), 1,
                                            (uint8_t)random_below(random, 2), 0,
                                            20 + random_below(random, 700)));
        else
            stream_add_random(stream, random);
    }
}

static void run(struct rig *rig, uint64_t seed, uint64_t cuts)
{
    struct random random = {seed};
    struct stream stream;
    unsigned orders = random_below(&random, 25);

    rig_open(rig, false);
    stream_open(&stream);
    make_plan(rig, &random);
    make_stream(&stream, &random);
    for (unsigned i = 0; i < orders; i++)
        push_random_order(rig, &random);
    rig_run(rig, &stream, cuts == 1 ? 1 : 0, &(struct random){cuts});
    rig_check_conservation(rig);
    stream_close(&stream);
}

Test(random, conservation_and_independence_of_cuts, .timeout = 100)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct rig one;
        struct rig other;

        run(&one, seed, 1);
        run(&other, seed, seed + 100);
        cr_assert_eq(one.count, other.count, "seed %lu", seed);
        for (unsigned i = 0; i < one.count; i++) {
            cr_assert_arr_eq(one.out[i], other.out[i], TS_PACKET_SIZE, "seed %lu packet %u", seed, i);
            cr_assert_eq(one.inserted[i], other.inserted[i]);
            cr_assert_eq(one.input[i], other.input[i]);
        }
        cr_assert_eq(memcmp(rig_counters(&one), rig_counters(&other), sizeof(*rig_counters(&one))), 0);
        rig_close(&one);
        rig_close(&other);
    }
}

Test(random, what_passes_is_bit_identical_and_in_order)
{
    struct random random = {77};
    struct stream stream;
    struct rig rig;

    rig_open(&rig, false);
    stream_open(&stream);
    for (unsigned pid = 0; pid < TS_PIDS; pid++)
        rig.plan->pids[pid] = (struct scrambler_pid){.action = SCRAMBLER_PASS, .observe = pid < 2};
    make_stream(&stream, &random);
    rig_run(&rig, &stream, 0, &random);
    cr_assert_eq(rig.count, stream.count);
    cr_assert_arr_eq(rig.out, stream.packets, (size_t)stream.count * TS_PACKET_SIZE);
    rig_close(&rig);
    stream_close(&stream);
}
