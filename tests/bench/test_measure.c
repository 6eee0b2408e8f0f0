/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns of contenders whose cost is known: each lane is waited for. */
#include <criterion/criterion.h>

#include "bench/clock.h"
#include "bench/measure.h"

#define BATCH 32

struct waiter {
    struct bench_contender contender;
    uint64_t ns; /* per lane */
    unsigned loaded, most, least;
};

static void load(struct bench_contender *contender, enum cipher_direction direction,
                 const struct bench_lane *lanes, unsigned count, unsigned batch)
{
    struct waiter *waiter = (struct waiter *)contender;

    (void)direction;
    (void)lanes;
    cr_assert_eq(count % batch, 0);
    waiter->loaded = count;
    waiter->most = count > waiter->most ? count : waiter->most;
    waiter->least = count;
}

static void run(struct bench_contender *contender)
{
    struct waiter *waiter = (struct waiter *)contender;
    uint64_t end = bench_clock_own_ns() + waiter->ns * waiter->loaded;

    while (bench_clock_own_ns() < end)
        ;
}

static const struct bench_contender_operations operations = {.load = load, .run = run};

static struct bench_lanes *new_lanes(void)
{
    static uint8_t memory[BATCH * BENCH_STRIDE];
    struct bench_mix mix;
    struct bench_lanes *lanes;

    cr_assert_eq(bench_mix_from_name(&mix, "full"), 0);
    cr_assert_eq(bench_lanes_create(&lanes, &(struct bench_lanes_plan){.memory = memory,
                                                                       .size = sizeof(memory),
                                                                       .stride = BENCH_STRIDE,
                                                                       .keys = 1,
                                                                       .batch = BATCH,
                                                                       .mix = &mix}),
                 0);
    return lanes;
}

/* The slow one's first turn would take 51 ms: later ones are cut to a batch, and its figure is per lane
 * still. (A machine that stands still for long enough may cut the fast one's too.) */
Test(measure, fast_and_slow_contenders)
{
    struct bench_lanes *lanes = new_lanes();
    struct waiter fast = {.contender = {.operations = &operations}, .ns = 200};
    struct waiter slow = {.contender = {.operations = &operations}, .ns = 50000};
    double cycles_per_ns;

    for (int warm = 0; warm < 2; warm++) {
        struct bench_entry entries[] = {
            {.contender = &fast.contender, .lanes = lanes, .batch = BATCH, .warm = warm},
            {.contender = &slow.contender, .lanes = lanes, .batch = BATCH, .warm = warm},
        };

        cr_assert_eq(bench_measure(entries, 2, 200000000, &cycles_per_ns), 0);
        cr_assert_float_eq(entries[0].best, 200, 40, "%g", entries[0].best);
        cr_assert_float_eq(entries[1].best, 50000, 500, "%g", entries[1].best);
        cr_assert_geq(entries[0].median, entries[0].best);
        cr_assert_gt(entries[0].turns, entries[1].turns);
        cr_assert_gt(fast.most, BATCH);
        cr_assert_eq(slow.least, BATCH);
        cr_assert(cycles_per_ns > 0.3 && cycles_per_ns < 10, "%g", cycles_per_ns);
    }
    bench_lanes_destroy(lanes);
}
