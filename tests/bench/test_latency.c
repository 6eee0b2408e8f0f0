/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "bench/latency.h"

static struct bench_latency latency;

Test(latency, nothing_took_no_time)
{
    cr_assert_eq(bench_latency_percentile(&latency, 0.5), 0);
    cr_assert_eq(bench_latency_percentile(&latency, 1), 0);
}

Test(latency, small_values_are_exact)
{
    for (uint64_t ns = 1; ns <= 100; ns++)
        bench_latency_add(&latency, ns);
    cr_assert_eq(bench_latency_percentile(&latency, 0.5), 50);
    cr_assert_eq(bench_latency_percentile(&latency, 0.99), 99);
    cr_assert_eq(bench_latency_percentile(&latency, 1), 100);
    cr_assert_eq(bench_latency_percentile(&latency, 0), 1);
}

Test(latency, one_in_a_hundred_is_seen)
{
    for (unsigned i = 0; i < 990; i++)
        bench_latency_add(&latency, 1000);
    for (unsigned i = 0; i < 10; i++)
        bench_latency_add(&latency, 5000000);
    cr_assert_leq(bench_latency_percentile(&latency, 0.99), 1016);
    cr_assert_geq(bench_latency_percentile(&latency, 0.99), 1000);
    cr_assert_eq(bench_latency_percentile(&latency, 0.991), 5000000);
    cr_assert_eq(latency.max_ns, 5000000);
}

/* Never less than the truth, and at most a 64th more. */
Test(latency, every_size_keeps_its_precision)
{
    for (uint64_t ns = 1; ns < UINT64_C(1) << 62; ns += ns / 7 + 1) {
        struct bench_latency one = {.total = 0};

        bench_latency_add(&one, ns);
        bench_latency_add(&one, UINT64_MAX);
        cr_assert_geq(bench_latency_percentile(&one, 0.5), ns);
        cr_assert_leq(bench_latency_percentile(&one, 0.5), ns + ns / 64);
        cr_assert_eq(bench_latency_percentile(&one, 1), UINT64_MAX);
    }
}
