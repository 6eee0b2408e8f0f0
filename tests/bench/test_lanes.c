/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "bench/lanes.h"

static uint8_t memory[1 << 20];

static struct bench_lanes_plan plan_of(const struct bench_mix *mix, unsigned keys, unsigned batch)
{
    return (struct bench_lanes_plan){.memory = memory,
                                     .size = sizeof(memory),
                                     .start = 3,
                                     .stride = BENCH_STRIDE,
                                     .keys = keys,
                                     .batch = batch,
                                     .mix = mix,
                                     .seed = 5};
}

static struct bench_lanes *create(const struct bench_lanes_plan *plan)
{
    struct bench_lanes *lanes;

    cr_assert_eq(bench_lanes_create(&lanes, plan), 0);
    return lanes;
}

static unsigned distinct_keys(const struct bench_lane *lanes, unsigned count)
{
    static bool seen[BENCH_KEYS_MAX];
    unsigned distinct = 0;

    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < count; i++) {
        distinct += !seen[lanes[i].key];
        seen[lanes[i].key] = true;
    }
    return distinct;
}

static bool are_alike(const struct bench_lane *a, const struct bench_lane *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (a[i].payload != b[i].payload || a[i].length != b[i].length || a[i].key != b[i].key)
            return false;
    }
    return true;
}

Test(lanes, a_seed_repeats_them)
{
    struct bench_mix mix;
    struct bench_lane first[512], second[512];
    struct bench_lanes_plan plan = plan_of(&mix, 300, 512);
    struct bench_lanes *lanes;

    cr_assert_eq(bench_mix_from_name(&mix, "mix"), 0);
    lanes = create(&plan);
    bench_lanes_take(lanes, first, 512);
    bench_lanes_destroy(lanes);
    lanes = create(&plan);
    bench_lanes_take(lanes, second, 512);
    bench_lanes_destroy(lanes);
    cr_assert(are_alike(first, second, 512));
    plan.seed = 6;
    lanes = create(&plan);
    bench_lanes_take(lanes, second, 512);
    bench_lanes_destroy(lanes);
    cr_assert_not(are_alike(first, second, 512));
}

Test(lanes, a_batch_holds_every_key_alike)
{
    struct bench_mix mix;
    struct bench_lane taken[512];

    cr_assert_eq(bench_mix_from_name(&mix, "full"), 0);
    for (unsigned keys = 1; keys <= 512; keys += 73) {
        struct bench_lanes_plan plan = plan_of(&mix, keys, 512);
        struct bench_lanes *lanes = create(&plan);

        for (unsigned batch = 0; batch < 40; batch++) {
            bench_lanes_take(lanes, taken, 512);
            cr_assert_eq(distinct_keys(taken, 512), keys);
        }
        bench_lanes_destroy(lanes);
    }
}

Test(lanes, more_keys_than_lanes)
{
    struct bench_mix mix;
    struct bench_lane taken[512];
    struct bench_lanes_plan plan = plan_of(&mix, 1000, 512);
    struct bench_lanes *lanes;

    cr_assert_eq(bench_mix_from_name(&mix, "full"), 0);
    lanes = create(&plan);
    for (unsigned batch = 0; batch < 40; batch++) {
        bench_lanes_take(lanes, taken, 512);
        cr_assert_gt(distinct_keys(taken, 512), 370);
    }
    bench_lanes_destroy(lanes);
}

Test(lanes, they_walk_through_the_memory_and_begin_again)
{
    struct bench_mix mix;
    struct bench_lane lane;
    struct bench_lanes_plan plan = plan_of(&mix, 3, 7);
    struct bench_lanes *lanes;
    size_t packets;

    cr_assert_eq(bench_mix_from_name(&mix, "0-184"), 0);
    lanes = create(&plan);
    packets = bench_lanes_packets(lanes);
    cr_assert_eq(packets, (sizeof(memory) - 3) / BENCH_STRIDE / 7 * 7);
    for (size_t i = 0; i < 2 * packets; i++) {
        bench_lanes_take(lanes, &lane, 1);
        cr_assert_eq(lane.payload + lane.length, memory + 3 + (i % packets + 1) * BENCH_STRIDE);
    }
    bench_lanes_destroy(lanes);
}

Test(lanes, refused)
{
    struct bench_mix mix, empty = {.total = 0};
    struct bench_lanes *lanes;
    struct bench_lanes_plan plan;

    cr_assert_eq(bench_mix_from_name(&mix, "full"), 0);
    plan = plan_of(&mix, 0, 512);
    cr_assert_eq(bench_lanes_create(&lanes, &plan), -EINVAL);
    plan = plan_of(&mix, 1, CIPHER_BATCH_MAX + 1);
    cr_assert_eq(bench_lanes_create(&lanes, &plan), -EINVAL);
    plan = plan_of(&empty, 1, 512);
    cr_assert_eq(bench_lanes_create(&lanes, &plan), -EINVAL);
    plan = plan_of(&mix, 1, 512);
    plan.size = 100;
    cr_assert_eq(bench_lanes_create(&lanes, &plan), -EINVAL);
}

Test(mix, names)
{
    static const char *const bad[] = {"", "x", "185", "3-2", "1,2", "1-", "-1", "full,mix"};
    struct bench_mix mix;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(bench_mix_from_name(&mix, bad[i]), -EINVAL, "%s", bad[i]);
    cr_assert_eq(bench_mix_from_name(&mix, "short"), 0);
    cr_assert_float_eq(bench_mix_mean(&mix), 20.5, 1e-9);
    cr_assert_eq(bench_mix_from_name(&mix, "8"), 0);
    cr_assert_float_eq(bench_mix_mean(&mix), 8, 1e-9);
    cr_assert_eq(bench_mix_from_name(&mix, "mix"), 0);
    cr_assert_eq(mix.total, 10577);
}

Test(mix, a_draw_has_the_shares_of_its_mix)
{
    struct bench_mix mix;
    struct bench_random random = {1};
    uint16_t lengths[1024];
    double sum;

    cr_assert_eq(bench_mix_from_name(&mix, "mix"), 0);
    for (int draw = 0; draw < 20; draw++) {
        sum = 0;
        bench_mix_draw(&mix, &random, lengths, 1024);
        for (int i = 0; i < 1024; i++)
            sum += lengths[i];
        cr_assert_float_eq(sum / 1024, bench_mix_mean(&mix), 0.1);
    }
}
