/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engines' turn: all streams of a burst fill one batch, which is flushed once; then every datagram leaves
 * with its TS packets in place.
 *
 * Packets that an engine inserted push those behind them on: the datagram keeps its size, and what does not
 * fit any more follows in a datagram made here. So the order of TS packets is the engine's to the byte, and
 * nothing is copied where nothing was inserted. */
#include <assert.h>

#include "pipeline/internal.h"

static uint8_t *ts_packet_of(struct rte_mbuf *mbuf, unsigned index)
{
    return rte_pktmbuf_mtod(mbuf, uint8_t *) + pipeline__frame(mbuf)->datagram.payload_offset +
           index * TS_PACKET_SIZE;
}

static void group_by_stream(struct pipeline__worker *worker, struct rte_mbuf **mbufs, unsigned count)
{
    worker->run_count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct pipeline__frame *frame = pipeline__frame(mbufs[i]);
        struct pipeline__stream *stream = &worker->pipeline->streams[frame->stream];

        frame->next = NULL;
        if (stream->first)
            pipeline__frame(stream->last)->next = mbufs[i];
        else {
            stream->first = mbufs[i];
            stream->ts_packets = 0;
            worker->runs[worker->run_count++].stream = stream;
        }
        stream->last = mbufs[i];
        stream->ts_packets = (uint16_t)(stream->ts_packets + frame->ts_packets);
    }
}

static void run_engine(struct pipeline__worker *worker, struct pipeline__run *run, uint64_t source_time)
{
    struct pipeline__stream *stream = run->stream;
    const struct pipeline__plan *plan = atomic_load_explicit(&stream->plan, memory_order_acquire);
    unsigned count = 0, consumed;

    for (struct rte_mbuf *mbuf = stream->first; mbuf; mbuf = pipeline__frame(mbuf)->next) {
        for (unsigned i = 0; i < pipeline__frame(mbuf)->ts_packets; i++)
            worker->inputs[count++] =
                (struct scrambler_input){.packet = ts_packet_of(mbuf, i), .source_time = source_time};
    }
    consumed = scrambler_engine_process(stream->engine, &plan->plan, worker->inputs, count, &worker->batch,
                                        run->outputs, &run->output_count);
    /* A packet left behind would leave clear. */
    assert(consumed == count);
    (void)consumed;
}

/* The frame's last touch: RTP sequence, addresses, checksums. */
static void finish(struct pipeline__worker *worker, struct pipeline__stream *stream, struct rte_mbuf *mbuf)
{
    struct wire_datagram *datagram = &pipeline__frame(mbuf)->datagram;
    const struct pipeline_stream_config *config = &stream->config;
    uint8_t *bytes = rte_pktmbuf_mtod(mbuf, uint8_t *);
    struct wire_readdress readdress = {.flow = datagram->flow, .ttl = config->ttl};

    if (datagram->rtp_offset)
        wire_rtp_set_sequence(bytes, datagram, (uint16_t)(datagram->rtp_sequence + stream->rtp_shift));
    if (config->readdress) {
        readdress.flow.destination = config->output_address;
        readdress.flow.destination_port = config->output_port_number;
    }
    if (config->has_output_source)
        readdress.flow.source = config->output_source;
    memcpy(readdress.source_mac, stream->source_mac, sizeof(readdress.source_mac));
    if (wire_is_multicast(&readdress.flow.destination))
        wire_multicast_mac(&readdress.flow.destination, readdress.destination_mac);
    else
        memcpy(readdress.destination_mac, config->has_output_mac ? config->output_mac : bytes,
               sizeof(readdress.destination_mac));
    if (wire_datagram_readdress(bytes, mbuf->data_len, datagram, &readdress)) {
        pipeline__count(&worker->counters.drop_malformed, 1);
        rte_pktmbuf_free(mbuf);
        return;
    }
    pipeline__send(worker, config->output_port, mbuf);
}

static void put_in_place(struct rte_mbuf *mbuf, const struct scrambler_output *outputs)
{
    for (unsigned i = 0; i < pipeline__frame(mbuf)->ts_packets; i++) {
        if (outputs[i].packet != ts_packet_of(mbuf, i))
            memcpy(ts_packet_of(mbuf, i), outputs[i].packet, TS_PACKET_SIZE);
    }
}

/* A datagram like `model` with these packets; `mbuf` is empty. */
static void make_datagram(struct rte_mbuf *mbuf, struct rte_mbuf *model, uint8_t (*packets)[TS_PACKET_SIZE],
                          unsigned count)
{
    struct pipeline__frame *frame = pipeline__frame(mbuf);
    size_t payload = count * TS_PACKET_SIZE;
    ptrdiff_t headers = wire_datagram_build(
        rte_pktmbuf_mtod(model, const uint8_t *), &pipeline__frame(model)->datagram, payload,
        rte_pktmbuf_mtod(mbuf, uint8_t *), rte_pktmbuf_tailroom(mbuf), &frame->datagram);

    assert(headers > 0 && (size_t)headers + payload <= rte_pktmbuf_tailroom(mbuf));
    frame->datagram.rtp_sequence = pipeline__frame(model)->datagram.rtp_sequence;
    frame->stream = pipeline__frame(model)->stream;
    frame->ts_packets = (uint8_t)count;
    mbuf->data_len = (uint16_t)(headers + (ptrdiff_t)payload);
    mbuf->pkt_len = mbuf->data_len;
    memcpy(ts_packet_of(mbuf, 0), packets, payload);
}

static void drop_inserted(struct pipeline__worker *worker, struct rte_mbuf *mbuf,
                          const struct scrambler_output *outputs, unsigned count)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++) {
        if (!outputs[i].inserted)
            memmove(ts_packet_of(mbuf, kept++), outputs[i].packet, TS_PACKET_SIZE);
    }
    pipeline__count(&worker->counters.drop_no_memory, count - kept);
}

static void push_on(struct pipeline__worker *worker, struct pipeline__stream *stream, struct rte_mbuf *mbuf,
                    const struct scrambler_output *outputs, unsigned count)
{
    struct rte_mbuf *more[SCRAMBLER_INSERT_MAX / PIPELINE_TS_INSERTED + 1];
    unsigned own = pipeline__frame(mbuf)->ts_packets;
    unsigned frames = (count - own + PIPELINE_TS_INSERTED - 1) / PIPELINE_TS_INSERTED;

    if (rte_pktmbuf_alloc_bulk(worker->pipeline->pool, more, frames)) {
        drop_inserted(worker, mbuf, outputs, count);
        finish(worker, stream, mbuf);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        memcpy(worker->gathered[i], outputs[i].packet, TS_PACKET_SIZE);
    memcpy(ts_packet_of(mbuf, 0), worker->gathered, own * TS_PACKET_SIZE);
    for (unsigned i = 0, from = own; i < frames; i++, from += PIPELINE_TS_INSERTED)
        make_datagram(more[i], mbuf, &worker->gathered[from], RTE_MIN(count - from, PIPELINE_TS_INSERTED));
    finish(worker, stream, mbuf);
    for (unsigned i = 0; i < frames; i++) {
        stream->rtp_shift++;
        finish(worker, stream, more[i]);
    }
    pipeline__count(&worker->counters.inserted_frames, frames);
}

/* Cuts the engine's outputs into what belongs to each datagram: its own packets and those inserted among or
 * before them; what follows the last packet belongs to the last datagram. */
static void emit(struct pipeline__worker *worker, const struct pipeline__run *run)
{
    struct pipeline__stream *stream = run->stream;
    struct rte_mbuf *mbuf = stream->first, *next;
    unsigned from = 0, to = 0, end = 0;

    stream->first = NULL;
    for (; mbuf; mbuf = next, from = to) {
        next = pipeline__frame(mbuf)->next;
        end += pipeline__frame(mbuf)->ts_packets;
        while (to < run->output_count && (run->outputs[to].input < end || !next))
            to++;
        if (to - from == pipeline__frame(mbuf)->ts_packets) {
            put_in_place(mbuf, run->outputs + from);
            finish(worker, stream, mbuf);
        } else {
            push_on(worker, stream, mbuf, run->outputs + from, to - from);
        }
    }
}

void pipeline__turn(struct pipeline__worker *worker, struct rte_mbuf **mbufs, unsigned count)
{
    uint64_t source_time = pipeline__source_time(worker->pipeline, rte_rdtsc());
    struct scrambler_output *outputs = worker->outputs;

    if (!count)
        return;
    group_by_stream(worker, mbufs, count);
    for (unsigned i = 0; i < worker->run_count; i++) {
        worker->runs[i].outputs = outputs;
        outputs += worker->runs[i].stream->ts_packets + SCRAMBLER_INSERT_MAX;
        run_engine(worker, &worker->runs[i], source_time);
    }
    cipher_batch_flush(&worker->batch);
    for (unsigned i = 0; i < worker->run_count; i++)
        emit(worker, &worker->runs[i]);
    pipeline__flush_exits(worker);
}
