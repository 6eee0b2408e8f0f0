/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdint.h>

#include "net/rate.h"

static struct net_rate rate;

Test(rate, a_burst_passes_and_what_is_over_it_waits_for_its_time)
{
    net_rate_init(&rate, 10, 5, 1000);
    for (unsigned i = 0; i < 5; i++)
        cr_expect_eq(net_rate_take(&rate, 1, 1000), 0);
    cr_expect_eq(net_rate_take(&rate, 1, 1000), 100);
    cr_expect_eq(net_rate_take(&rate, 2, 1000), 300);
    cr_expect_eq(net_rate_take(&rate, 0, 1299), 1);
    cr_expect_eq(net_rate_take(&rate, 0, 1300), 0);
    cr_expect_eq(net_rate_take(&rate, 1, 1300), 100);
}

Test(rate, over_time_no_more_passes_than_per_second)
{
    unsigned passed = 0;

    net_rate_init(&rate, 7, 1, 0);
    for (uint64_t now = 0; now < 10000; now++) {
        if (net_rate_take(&rate, 0, now) == 0 && ++passed)
            net_rate_take(&rate, 1, now);
    }
    cr_expect_geq(passed, 70);
    cr_expect_leq(passed, 72);
}

Test(rate, a_silence_saves_up_a_burst_and_no_more)
{
    net_rate_init(&rate, 1000, 3, 0);
    net_rate_take(&rate, 3, 0);
    cr_expect_eq(net_rate_take(&rate, 3, 3600000), 0);
    cr_expect_eq(net_rate_take(&rate, 1, 3600000), 1);
}

Test(rate, without_a_burst_it_is_a_second_s_worth)
{
    net_rate_init(&rate, 20, 0, 0);
    cr_expect_eq(net_rate_take(&rate, 20, 0), 0);
    cr_expect_eq(net_rate_take(&rate, 1, 0), 50);
}

Test(rate, zero_is_no_limit)
{
    net_rate_init(&rate, 0, 0, 0);
    for (unsigned i = 0; i < 1000; i++)
        cr_expect_eq(net_rate_take(&rate, UINT32_MAX, 0), 0);
}

Test(rate, debts_and_clocks_that_go_back_do_no_harm)
{
    uint64_t wait = 0;

    net_rate_init(&rate, 1, 1, 1000);
    for (unsigned i = 0; i < 3000000; i++)
        wait = net_rate_take(&rate, UINT32_MAX, 1000);
    cr_expect_gt(wait, 0);
    cr_expect_leq(wait, UINT64_C(1) << 62);
    cr_expect_eq(net_rate_take(&rate, 0, 500), wait);
    cr_expect_eq(net_rate_take(&rate, 0, UINT64_MAX), 0);
    net_rate_init(&rate, UINT32_MAX, UINT32_MAX, 0);
    cr_expect_eq(net_rate_take(&rate, UINT32_MAX, UINT64_MAX), 0);
}
