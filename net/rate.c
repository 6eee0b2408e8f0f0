/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/rate.h"

#define UNITS    1000 /* of one: so per_second units come in each millisecond */
#define DEBT_MAX ((int64_t)1 << 62)

static int64_t full(const struct net_rate *rate)
{
    return (int64_t)rate->burst * UNITS;
}

void net_rate_init(struct net_rate *rate, uint32_t per_second, uint32_t burst, uint64_t now_ms)
{
    *rate = (struct net_rate){.per_second = per_second, .burst = burst ? burst : per_second, .at_ms = now_ms};
    rate->level = full(rate);
}

static void refill(struct net_rate *rate, uint64_t now_ms)
{
    uint64_t passed = now_ms > rate->at_ms ? now_ms - rate->at_ms : 0;
    uint64_t needed = (uint64_t)(full(rate) - rate->level) / rate->per_second;

    rate->level = passed > needed ? full(rate) : rate->level + (int64_t)(passed * rate->per_second);
    rate->at_ms += passed;
}

uint64_t net_rate_take(struct net_rate *rate, uint32_t count, uint64_t now_ms)
{
    if (rate->per_second == 0)
        return 0;
    refill(rate, now_ms);
    rate->level -= (int64_t)count * UNITS;
    if (rate->level < -DEBT_MAX)
        rate->level = -DEBT_MAX;
    return rate->level >= 0 ? 0 : (uint64_t)(-rate->level + rate->per_second - 1) / rate->per_second;
}
