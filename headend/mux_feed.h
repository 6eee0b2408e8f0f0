/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/mux_feed.h: what EMMGs delivered for one PID, on its way into the transport stream at an even pace.
 * Private to headend/. One thread.
 *
 * Sections leave packed back to back, packets as they came; the worker sets PID and continuity counters. What
 * came waits a little (50 ms) for company, so that packets are full. The worker keeps but a few orders of a
 * PID (ts/order.h): the next are sent when those were taken and surely played. */
#ifndef HEADEND_MUX_FEED_H
#define HEADEND_MUX_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/bucket.h"
#include "base/ring.h"
#include "simulcrypt/message.h"
#include "ts/order.h"

#define HEADEND__MUX_ORDERS 4 /* under way at once */

struct headend__mux_unit;

struct headend__mux_feed {
    struct base_ring *orders; /* borrowed */
    unsigned stream;          /* index of the transport stream */
    uint16_t pid;
    struct base_bucket pace;
    STAILQ_HEAD(, headend__mux_unit) units; /* one section or packet each */
    size_t queued, queued_max;              /* bytes */
    uint64_t now;                           /* source time */
    uint64_t last_start;                    /* of an order */
    unsigned order_count;
    struct headend__mux_order {
        uint64_t start;
        uint64_t taken; /* when the worker surely had it; 0: not yet */
    } under_way[HEADEND__MUX_ORDERS];
    uint64_t packets; /* ordered */
};

/* `bandwidth`: kbit/s that may come for this PID. */
void headend__mux_feed_init(struct headend__mux_feed *feed, struct base_ring *orders, unsigned stream,
                            uint16_t pid, uint32_t bandwidth);
void headend__mux_feed_clear(struct headend__mux_feed *feed);

/* A sound datagram. False where there is no room for it (or no memory): it is dropped as a whole. */
bool headend__mux_feed_add(struct headend__mux_feed *feed, enum simulcrypt_format format,
                           const uint8_t *datagram, size_t size);

/* Source time has reached `now`: orders what is due. `scratch` is for the call. */
void headend__mux_feed_advance(struct headend__mux_feed *feed, uint64_t now, struct ts_order *scratch);

#endif
