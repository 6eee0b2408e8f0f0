/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/mux_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ts/pack.h"

#define HOLD     (50 * BASE_TICKS_PER_MS) /* that a unit waits for company */
#define LEAD     (10 * BASE_TICKS_PER_MS) /* an order comes so long before its start */
#define PATIENCE (30 * BASE_TICKS_PER_MS) /* of an order, for null packets */
#define MARGIN   (20 * BASE_TICKS_PER_MS) /* the worker's source time may lag so far behind */
#define BURST_MS 100                      /* of the pace may leave at once */
/* A little over the bandwidth: else what once came at a burst would delay all that follows for ever. */
#define PACE(bandwidth) ((bandwidth) + (bandwidth) / 8 + 1)
/* Bytes that wait: two seconds of the bandwidth, and the largest messages of two EMMGs. */
#define QUEUED_MAX(bandwidth) ((size_t)(bandwidth)*2 * 125 + 2 * (size_t)UINT16_MAX)

#define SECTIONS_MAX (TS_ORDER_BYTES_MAX / TS_PACKET_SIZE * TS_PACK_BYTES_MIN) /* bytes in one order */

struct headend__mux_unit {
    STAILQ_ENTRY(headend__mux_unit) link;
    uint64_t came; /* source time */
    uint16_t size;
    bool is_packet;
    uint8_t bytes[];
};

void headend__mux_feed_init(struct headend__mux_feed *feed, struct base_ring *orders, unsigned stream,
                            uint16_t pid, uint32_t bandwidth)
{
    *feed = (struct headend__mux_feed){
        .orders = orders, .stream = stream, .pid = pid, .queued_max = QUEUED_MAX(bandwidth)};
    base_bucket_init(&feed->pace, PACE(bandwidth), BURST_MS, 0);
    STAILQ_INIT(&feed->units);
}

static void drop_first(struct headend__mux_feed *feed)
{
    struct headend__mux_unit *unit = STAILQ_FIRST(&feed->units);

    STAILQ_REMOVE_HEAD(&feed->units, link);
    feed->queued -= unit->size;
    free(unit);
}

void headend__mux_feed_clear(struct headend__mux_feed *feed)
{
    while (feed->queued)
        drop_first(feed);
}

static struct headend__mux_unit *make_unit(uint64_t now, bool is_packet, const uint8_t *bytes, size_t size)
{
    struct headend__mux_unit *unit = malloc(sizeof(*unit) + size);

    if (!unit)
        return NULL;
    unit->came = now;
    unit->size = (uint16_t)size;
    unit->is_packet = is_packet;
    memcpy(unit->bytes, bytes, size);
    return unit;
}

bool headend__mux_feed_add(struct headend__mux_feed *feed, enum simulcrypt_format format,
                           const uint8_t *datagram, size_t size)
{
    size_t step = format == SIMULCRYPT_PACKETS ? TS_PACKET_SIZE : size;
    STAILQ_HEAD(, headend__mux_unit) made = STAILQ_HEAD_INITIALIZER(made);
    struct headend__mux_unit *unit;

    if (size > feed->queued_max - feed->queued)
        return false;
    for (size_t at = 0; at < size; at += step) {
        unit = make_unit(feed->now, format == SIMULCRYPT_PACKETS, datagram + at, step);
        if (!unit)
            goto no_memory;
        STAILQ_INSERT_TAIL(&made, unit, link);
    }
    STAILQ_CONCAT(&feed->units, &made);
    feed->queued += size;
    return true;

no_memory:
    while ((unit = STAILQ_FIRST(&made))) {
        STAILQ_REMOVE_HEAD(&made, link);
        free(unit);
    }
    return false;
}

/* Forgets the orders that are played: the worker took them, and its source time is past their patience. */
static void settle(struct headend__mux_feed *feed)
{
    bool drained = base_ring_is_drained(feed->orders);
    unsigned kept = 0;

    for (unsigned i = 0; i < feed->order_count; i++) {
        struct headend__mux_order *order = &feed->under_way[i];
        uint64_t since;

        if (drained && !order->taken)
            order->taken = feed->now;
        since = order->taken > order->start ? order->taken : order->start;
        if (!order->taken || feed->now < since + PATIENCE + MARGIN)
            feed->under_way[kept++] = *order;
    }
    feed->order_count = kept;
}

/* How many of the first units, alike and within the pace, fill one order; their bytes in *size. */
static unsigned gather(struct headend__mux_feed *feed, size_t *size)
{
    const struct headend__mux_unit *first = STAILQ_FIRST(&feed->units), *unit;
    size_t room = first->is_packet ? TS_ORDER_BYTES_MAX : SECTIONS_MAX;
    struct base_bucket pace = feed->pace;
    unsigned count = 0;

    *size = 0;
    STAILQ_FOREACH(unit, &feed->units, link)
    {
        if (unit->is_packet != first->is_packet || *size + unit->size > room ||
            !base_bucket_take(&pace, 8 * unit->size, feed->now / BASE_TICKS_PER_MS))
            break;
        *size += unit->size;
        count++;
    }
    return count;
}

/* An order that is not full waits for company: that of the units, and of the pace. */
static bool is_due(const struct headend__mux_feed *feed, size_t size)
{
    bool held = STAILQ_FIRST(&feed->units)->came + HOLD <= feed->now;

    return size + TS_PACK_BYTES_MIN > SECTIONS_MAX || (held && feed->last_start + HOLD <= feed->now + LEAD);
}

static void fill_order(const struct headend__mux_feed *feed, unsigned count, struct ts_order *order)
{
    const struct headend__mux_unit *unit = STAILQ_FIRST(&feed->units);
    bool packets = unit->is_packet;
    uint8_t sections[SECTIONS_MAX];
    uint8_t *to = packets ? order->bytes : sections;

    for (unsigned i = 0; i < count; i++, unit = STAILQ_NEXT(unit, link)) {
        memcpy(to, unit->bytes, unit->size);
        to += unit->size;
    }
    order->size = packets ? (uint16_t)(to - order->bytes)
                          : (uint16_t)(TS_PACKET_SIZE *
                                       ts_pack_sections(sections, (size_t)(to - sections), feed->pid,
                                                        order->bytes, TS_ORDER_BYTES_MAX / TS_PACKET_SIZE));
}

static bool send_order(struct headend__mux_feed *feed, unsigned count, struct ts_order *order)
{
    uint64_t start = feed->now + LEAD > feed->last_start ? feed->now + LEAD : feed->last_start + 1;

    *order = (struct ts_order){.kind = TS_ORDER_PLAY,
                               .form = TS_ORDER_PACKETS,
                               .start = start,
                               .patience = PATIENCE,
                               .pid = feed->pid};
    fill_order(feed, count, order);
    if (ts_order_push(feed->orders, order) < 0)
        return false;
    feed->last_start = start;
    feed->under_way[feed->order_count++] = (struct headend__mux_order){.start = start};
    feed->packets += order->size / TS_PACKET_SIZE;
    return true;
}

void headend__mux_feed_advance(struct headend__mux_feed *feed, uint64_t now, struct ts_order *scratch)
{
    feed->now = now;
    settle(feed);
    while (feed->queued && feed->order_count < HEADEND__MUX_ORDERS) {
        size_t size;
        unsigned count = gather(feed, &size);

        if (!count || !is_due(feed, size) || !send_order(feed, count, scratch))
            return;
        base_bucket_take(&feed->pace, 8 * (int64_t)size, now / BASE_TICKS_PER_MS);
        while (count--)
            drop_first(feed);
    }
}
