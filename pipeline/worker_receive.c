/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Polls ports, finds the stream of each datagram, and brings it to the stream's owner. */
#include <errno.h>

#include <rte_prefetch.h>

#include "pipeline/internal.h"

static uint64_t *drop_counter(struct pipeline_counters *counters, int parse_error)
{
    if (parse_error == -EPROTONOSUPPORT)
        return &counters->drop_not_udp;
    return parse_error == -ENOTSUP ? &counters->drop_fragment : &counters->drop_malformed;
}

/* Fills the frame's private area; NULL where it belongs to a stream, else the counter of the drop. */
static uint64_t *classify(struct pipeline__worker *worker, unsigned port, struct rte_mbuf *mbuf)
{
    struct pipeline__frame *frame = pipeline__frame(mbuf);
    const uint8_t *bytes = rte_pktmbuf_mtod(mbuf, const uint8_t *);
    unsigned ts_packets;
    int rc, stream;

    if (mbuf->nb_segs != 1 || !RTE_MBUF_DIRECT(mbuf) || rte_mbuf_refcnt_read(mbuf) != 1)
        return &worker->counters.drop_not_linear;
    rc = wire_datagram_parse(bytes, mbuf->data_len, &frame->datagram);
    if (rc)
        return drop_counter(&worker->counters, rc);
    stream = pipeline__table_find(worker->pipeline, port, &frame->datagram.flow);
    if (stream < 0)
        return &worker->counters.drop_no_stream;
    ts_packets = wire_ts_packets(bytes + frame->datagram.payload_offset, frame->datagram.payload_size);
    if (!ts_packets || ts_packets > PIPELINE_TS_MAX)
        return &worker->counters.drop_not_ts;
    frame->stream = (uint16_t)stream;
    frame->ts_packets = (uint8_t)ts_packets;
    return NULL;
}

static void hand_over(struct pipeline__worker *worker, unsigned owner)
{
    struct pipeline__outbox *outbox = &worker->turn_outboxes[owner];
    unsigned taken =
        rte_ring_sp_enqueue_burst(worker->turn_at[owner], (void **)outbox->mbufs, outbox->count, NULL);

    if (taken < outbox->count) {
        pipeline__count(&worker->counters.drop_worker_busy, outbox->count - taken);
        rte_pktmbuf_free_bulk(outbox->mbufs + taken, outbox->count - taken);
    }
    outbox->count = 0;
}

static void dispatch(struct pipeline__worker *worker, unsigned port, struct rte_mbuf **mbufs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct pipeline__outbox *outbox;
        uint64_t *drop;

        if (i + 1 < count)
            rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + 1], void *));
        drop = classify(worker, port, mbufs[i]);
        if (drop) {
            pipeline__count(drop, 1);
            rte_pktmbuf_free(mbufs[i]);
            continue;
        }
        outbox = &worker->turn_outboxes[worker->pipeline->streams[pipeline__frame(mbufs[i])->stream].owner];
        outbox->mbufs[outbox->count++] = mbufs[i];
    }
    for (unsigned owner = 0; owner < worker->pipeline->worker_count; owner++) {
        if (owner != worker->index && worker->turn_outboxes[owner].count)
            hand_over(worker, owner);
    }
    pipeline__turn(worker, worker->turn_outboxes[worker->index].mbufs,
                   worker->turn_outboxes[worker->index].count);
    worker->turn_outboxes[worker->index].count = 0;
}

static bool can_receive(const struct pipeline__worker *worker)
{
    if (!worker->pipeline->lossless)
        return true;
    for (unsigned owner = 0; owner < worker->pipeline->worker_count; owner++) {
        if (owner != worker->index && rte_ring_free_count(worker->turn_at[owner]) < PIPELINE_BURST)
            return false;
    }
    return pipeline__can_send(worker);
}

unsigned pipeline__receive(struct pipeline__worker *worker)
{
    struct rte_mbuf *mbufs[PIPELINE_BURST];
    unsigned total = 0;

    for (unsigned i = 0; i < worker->entry_count && can_receive(worker); i++) {
        const struct pipeline__entry *entry = &worker->entries[i];
        unsigned count = rte_eth_rx_burst(entry->port, entry->queue, mbufs, PIPELINE_BURST);

        if (!count)
            continue;
        pipeline__count(&worker->counters.rx_frames, count);
        dispatch(worker, entry->index, mbufs, count);
        total += count;
    }
    return total;
}

unsigned pipeline__take_handed_over(struct pipeline__worker *worker)
{
    struct rte_mbuf *mbufs[PIPELINE_BURST];
    unsigned total = 0;

    for (unsigned from = 0; from < worker->pipeline->worker_count; from++) {
        unsigned count;

        if (!worker->to_turn[from])
            continue;
        /* Not 0: what waits here is still to be turned. */
        if (worker->pipeline->lossless && !pipeline__can_send(worker))
            return total + 1;
        count = rte_ring_sc_dequeue_burst(worker->to_turn[from], (void **)mbufs, PIPELINE_BURST, NULL);
        pipeline__turn(worker, mbufs, count);
        total += count;
    }
    return total;
}
