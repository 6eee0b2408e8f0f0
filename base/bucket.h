/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/bucket.h: a token bucket: keeps what flows to a rate over a while. Thread-safe: no state of its own.
 *
 * What was not used in `depth_ms` may come at once. One taking may overdraw the bucket, so that the largest
 * passes however low the rate is; nothing passes then until the debt is paid. All zero is a bucket without a
 * limit. */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct base_bucket {
    uint32_t rate;     /* kbit/s, which is bits per ms; 0: no limit */
    uint32_t depth_ms; /* of its rate */
    int64_t bits;      /* that may pass; what is in debt waits */
    uint64_t filled_ms;
};

/* Full, at `now_ms` of any clock that only goes forward. */
void base_bucket_init(struct base_bucket *bucket, uint32_t rate, uint32_t depth_ms, uint64_t now_ms);

/* Whether anything may pass at `now_ms`. */
bool base_bucket_is_open(struct base_bucket *bucket, uint64_t now_ms);

/* `bits` pass, if anything may. */
bool base_bucket_take(struct base_bucket *bucket, int64_t bits, uint64_t now_ms);

/* How long until anything may pass, from the last time given on: ms, rounded up; 0: it may. */
uint64_t base_bucket_wait_ms(const struct base_bucket *bucket);

#endif
