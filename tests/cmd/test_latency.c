/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "cmd/latency.h"

static struct cmd_latency latency;

TestSuite(latency, .timeout = 20);

Test(latency, none_is_nothing)
{
    cr_assert_eq(cmd_latency_quantile(&latency, 0.5), 0);
}

Test(latency, one_is_every_quantile)
{
    cmd_latency_add(&latency, 123456789);
    cr_assert_eq(cmd_latency_quantile(&latency, 0.01), 123456789);
    cr_assert_eq(cmd_latency_quantile(&latency, 0.99), 123456789);
}

Test(latency, quantiles_are_never_below_and_at_most_a_step_above)
{
    for (uint64_t i = 1; i <= 100000; i++)
        cmd_latency_add(&latency, i * 1000);
    for (unsigned percent = 1; percent <= 100; percent++) {
        uint64_t exact = percent * UINT64_C(1000000);
        uint64_t found = cmd_latency_quantile(&latency, percent / 100.0);

        cr_assert(found >= exact && found <= exact + exact / CMD_LATENCY_STEPS + 1000, "p%u: %llu", percent,
                  (unsigned long long)found);
    }
    cr_assert_eq(latency.longest, 100000000);
}

Test(latency, any_duration_has_a_place)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        cmd_latency_add(&latency, UINT64_C(1) << bit);
        cmd_latency_add(&latency, (UINT64_C(1) << bit) - 1);
    }
    cmd_latency_add(&latency, UINT64_MAX);
    cr_assert_eq(latency.count, 129);
    cr_assert_eq(cmd_latency_quantile(&latency, 1), UINT64_MAX);
    cr_assert_eq(cmd_latency_quantile(&latency, 0), 0);
}
