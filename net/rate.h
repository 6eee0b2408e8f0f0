/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/rate.h: how much of something per second (a token bucket). Not thread-safe; reads no clock. */
#ifndef NET_RATE_H
#define NET_RATE_H

#include <stdint.h>

struct net_rate {
    uint32_t per_second; /* 0: without limit */
    uint32_t burst;      /* at once, after a silence */
    int64_t level;       /* thousandths; below 0: overdrawn */
    uint64_t at_ms;      /* when `level` was right */
};

/* The bucket is full at first. A burst of 0 is a second's worth. */
void net_rate_init(struct net_rate *rate, uint32_t per_second, uint32_t burst, uint64_t now_ms);

/* Takes `count`, whether it is there or not: after 0 go on, else wait so many milliseconds. */
uint64_t net_rate_take(struct net_rate *rate, uint32_t count, uint64_t now_ms);

#endif
