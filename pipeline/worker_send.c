/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames leave by the port's queue of this worker, or by a ring to the worker that has the only one. */
#include "pipeline/internal.h"

/* At most what a burst of datagrams and what was inserted into it takes in the usual case. */
#define RING_ROOM (4 * PIPELINE_BURST)

static void transmit(struct pipeline__worker *worker, struct pipeline__exit *way)
{
    struct pipeline__outbox *outbox = &way->outbox;
    unsigned sent = 0, polls = 0;

    while (sent < outbox->count && polls < PIPELINE_TX_RETRIES) {
        uint16_t n =
            rte_eth_tx_burst(way->port, way->queue, outbox->mbufs + sent, (uint16_t)(outbox->count - sent));
        sent += n;
        polls += !n;
    }
    pipeline__count(&worker->counters.tx_frames, sent);
    if (sent < outbox->count) {
        pipeline__count(&worker->counters.drop_tx_full, outbox->count - sent);
        rte_pktmbuf_free_bulk(outbox->mbufs + sent, outbox->count - sent);
    }
}

static void hand_over(struct pipeline__worker *worker, struct pipeline__exit *way)
{
    struct pipeline__outbox *outbox = &way->outbox;
    unsigned taken = rte_ring_sp_enqueue_burst(way->ring, (void **)outbox->mbufs, outbox->count, NULL);

    if (taken < outbox->count) {
        pipeline__count(&worker->counters.drop_tx_full, outbox->count - taken);
        rte_pktmbuf_free_bulk(outbox->mbufs + taken, outbox->count - taken);
    }
}

static void flush(struct pipeline__worker *worker, struct pipeline__exit *way)
{
    if (!way->outbox.count)
        return;
    if (way->ring)
        hand_over(worker, way);
    else
        transmit(worker, way);
    way->outbox.count = 0;
}

void pipeline__send(struct pipeline__worker *worker, unsigned port, struct rte_mbuf *mbuf)
{
    struct pipeline__exit *way = &worker->exits[port];

    pipeline__frame(mbuf)->output_port = (uint8_t)port;
    way->outbox.mbufs[way->outbox.count++] = mbuf;
    if (way->outbox.count == PIPELINE_BURST)
        flush(worker, way);
}

void pipeline__flush_exits(struct pipeline__worker *worker)
{
    for (unsigned i = 0; i < worker->pipeline->port_count; i++)
        flush(worker, &worker->exits[i]);
}

unsigned pipeline__send_handed_over(struct pipeline__worker *worker)
{
    struct rte_mbuf *mbufs[PIPELINE_BURST];
    unsigned total = 0;

    for (unsigned from = 0; from < worker->pipeline->worker_count; from++) {
        unsigned count = 0;

        if (worker->to_send[from])
            count = rte_ring_sc_dequeue_burst(worker->to_send[from], (void **)mbufs, PIPELINE_BURST, NULL);
        for (unsigned i = 0; i < count; i++)
            pipeline__send(worker, pipeline__frame(mbufs[i])->output_port, mbufs[i]);
        total += count;
    }
    pipeline__flush_exits(worker);
    return total;
}

bool pipeline__can_send(const struct pipeline__worker *worker)
{
    for (unsigned i = 0; i < worker->pipeline->port_count; i++) {
        const struct rte_ring *ring = worker->exits[i].ring;

        if (ring && rte_ring_free_count(ring) < RING_ROOM)
            return false;
    }
    return true;
}
