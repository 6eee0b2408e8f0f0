/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ts/order.h"

#include <errno.h>

#include "base/error.h"

#define ORDER_HEADER       offsetof(struct ts_order, bytes)
#define OBSERVATION_HEADER offsetof(struct ts_observation, section)

/* Takes the oldest record out; `*announced`, which lies inside `out`, must agree with its size. */
static int pop_record(struct base_ring *ring, void *out, size_t room, size_t header,
                      const uint16_t *announced)
{
    size_t size;
    const void *record = base_ring_peek(ring, &size);
    bool fits;

    if (!record)
        return 0;
    fits = size >= header && size <= room;
    if (fits)
        memcpy(out, record, size);
    base_ring_pop(ring);
    return fits && *announced == size - header ? 1 : BASE_E_MALFORMED;
}

int ts_order_push(struct base_ring *ring, const struct ts_order *order)
{
    if (order->size > TS_ORDER_BYTES_MAX)
        return -EMSGSIZE;
    return base_ring_push(ring, order, ORDER_HEADER + order->size);
}

int ts_order_pop(struct base_ring *ring, struct ts_order *order)
{
    return pop_record(ring, order, ORDER_HEADER + TS_ORDER_BYTES_MAX, ORDER_HEADER, &order->size);
}

int ts_observation_push(struct base_ring *ring, const struct ts_observation *observation)
{
    if (observation->size > TS_SECTION_MAX)
        return -EMSGSIZE;
    return base_ring_push(ring, observation, OBSERVATION_HEADER + observation->size);
}

int ts_observation_pop(struct base_ring *ring, struct ts_observation *observation)
{
    return pop_record(ring, observation, OBSERVATION_HEADER + TS_SECTION_MAX, OBSERVATION_HEADER,
                      &observation->size);
}
