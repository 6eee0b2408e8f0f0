/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/bucket.h"

#define ELAPSED_MAX 3600000 /* ms: an hour fills any bucket but one whose debt nothing can have made */

void base_bucket_init(struct base_bucket *bucket, uint32_t rate, uint32_t depth_ms, uint64_t now_ms)
{
    *bucket = (struct base_bucket){
        .rate = rate, .depth_ms = depth_ms, .bits = (int64_t)rate * depth_ms, .filled_ms = now_ms};
}

static void fill(struct base_bucket *bucket, uint64_t now_ms)
{
    int64_t full = (int64_t)bucket->rate * bucket->depth_ms;
    uint64_t elapsed = now_ms - bucket->filled_ms;

    bucket->bits += (int64_t)(elapsed < ELAPSED_MAX ? elapsed : ELAPSED_MAX) * bucket->rate;
    bucket->bits = bucket->bits < full ? bucket->bits : full;
    bucket->filled_ms = now_ms;
}

bool base_bucket_is_open(struct base_bucket *bucket, uint64_t now_ms)
{
    fill(bucket, now_ms);
    return !bucket->rate || bucket->bits > 0;
}

bool base_bucket_take(struct base_bucket *bucket, int64_t bits, uint64_t now_ms)
{
    if (!base_bucket_is_open(bucket, now_ms))
        return false;
    if (bucket->rate)
        bucket->bits -= bits;
    return true;
}

uint64_t base_bucket_wait_ms(const struct base_bucket *bucket)
{
    return bucket->bits > 0 || !bucket->rate ? 0 : (uint64_t)(-bucket->bits) / bucket->rate + 1;
}
