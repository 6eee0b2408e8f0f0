/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "base/bucket.h"

Test(bucket, without_a_rate_everything_passes)
{
    struct base_bucket bucket = {0};

    for (unsigned i = 0; i < 100; i++)
        cr_assert(base_bucket_take(&bucket, 1 << 30, i));
    cr_assert_eq(base_bucket_wait_ms(&bucket), 0);
}

Test(bucket, begins_full_and_may_be_overdrawn_once)
{
    struct base_bucket bucket;

    base_bucket_init(&bucket, 100, 10, 7); /* 1000 bits */
    cr_assert(base_bucket_take(&bucket, 999, 7));
    cr_assert(base_bucket_take(&bucket, 5001, 7));
    cr_assert_not(base_bucket_take(&bucket, 1, 7));
    cr_assert_eq(base_bucket_wait_ms(&bucket), 51);
    cr_assert_not(base_bucket_is_open(&bucket, 57));
    cr_assert(base_bucket_is_open(&bucket, 58));
}

Test(bucket, a_rate_is_kept_over_time)
{
    struct base_bucket bucket;
    uint64_t passed = 0;

    base_bucket_init(&bucket, 500, 20, 0);
    for (uint64_t now = 0; now < 10000; now += 3)
        while (base_bucket_take(&bucket, 1504, now))
            passed += 1504;
    cr_assert_geq(passed, 500 * 9990);
    cr_assert_leq(passed, 500 * 10020 + 1504);
}

Test(bucket, idle_time_is_worth_its_depth_alone)
{
    struct base_bucket bucket;

    base_bucket_init(&bucket, 1, 1000, 0);
    cr_assert(base_bucket_take(&bucket, 1001, 0));
    cr_assert(base_bucket_is_open(&bucket, UINT64_MAX / 2));
    cr_assert_eq(bucket.bits, 1000);
}
