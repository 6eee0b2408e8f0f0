/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pipeline/internal.h: what the files of this room share.
 *
 * A frame's way, all on run-to-completion workers:
 *
 *   worker_receive.c  poll the ports this worker owns, find each datagram's stream, hand it to the stream's
 * owner worker_turn.c     engines of all streams of the burst, one cipher flush, inserted packets into
 * datagrams worker_send.c     to the output port, or to the worker that owns its only queue
 *
 * Stream s belongs to worker s % workers; a queue that cannot be had once per worker belongs to worker
 * port % workers. What crosses workers crosses a single-producer ring per pair, so order per flow holds. */
#ifndef PIPELINE_INTERNAL_H
#define PIPELINE_INTERNAL_H

#include <stdatomic.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "cipher/batch.h"
#include "pipeline/pipeline.h"
#include "ts/packet.h"

#define PIPELINE_BURST       64   /* frames */
#define PIPELINE_RING_SIZE   1024 /* frames between two workers */
#define PIPELINE_DESCRIPTORS 1024 /* of a device queue, where the device has no other wish */
#define PIPELINE_WORKERS_MAX 32
#define PIPELINE_TS_MAX      (RTE_MBUF_DEFAULT_DATAROOM / TS_PACKET_SIZE) /* TS packets in one buffer */
#define PIPELINE_TS_INSERTED 7u   /* TS packets of a datagram made here: 1316 bytes, below any MTU */
#define PIPELINE_TX_RETRIES  1000 /* polls of a full output queue before its frames are dropped */
#define PIPELINE_OUTPUTS_MAX (PIPELINE_BURST * (PIPELINE_TS_MAX + SCRAMBLER_INSERT_MAX))
#define PIPELINE_TABLE_SIZE  (4 * PIPELINE_STREAMS_MAX) /* a power of two */

enum pipeline__phase {
    PIPELINE_RUN,
    PIPELINE_STOP_RECEIVING,
    PIPELINE_FINISH_TURNING, /* until no worker has frames of another left to turn */
    PIPELINE_FINISH_SENDING,
};

/* Private area of every buffer. */
struct pipeline__frame {
    struct wire_datagram datagram;
    struct rte_mbuf *next; /* of the same stream in this burst */
    uint16_t stream;
    uint8_t output_port; /* index in the configuration */
    uint8_t ts_packets;
};

static inline struct pipeline__frame *pipeline__frame(struct rte_mbuf *mbuf)
{
    return (struct pipeline__frame *)rte_mbuf_to_priv(mbuf);
}

struct pipeline__plan {
    struct scrambler_plan plan;
    struct pipeline__plan *next; /* of those that wait for their grace period */
    uint64_t token;
};

struct pipeline__stream {
    struct pipeline_stream_config config;
    struct scrambler_engine *engine;
    struct base_ring *orders, *observations;
    _Atomic(struct pipeline__plan *) plan;
    unsigned owner; /* worker */
    uint8_t source_mac[6];

    /* The owner's alone: */
    uint16_t rtp_shift;            /* datagrams inserted so far, modulo 2^16 */
    struct rte_mbuf *first, *last; /* datagrams of the current burst */
    uint16_t ts_packets;           /* in them */
} __rte_cache_aligned;

/* One stream's part of a burst. */
struct pipeline__run {
    struct pipeline__stream *stream;
    struct scrambler_output *outputs;
    unsigned output_count;
};

struct pipeline__outbox {
    unsigned count;
    struct rte_mbuf *mbufs[PIPELINE_BURST];
};

/* Where frames for a port go from here: a queue of the port, or the worker that owns the only one. */
struct pipeline__exit {
    struct rte_ring *ring; /* NULL: this worker sends */
    uint16_t port, queue;
    struct pipeline__outbox outbox;
};

struct pipeline__entry {
    uint16_t port, queue; /* DPDK's */
    uint8_t index;        /* of the port in the configuration */
};

struct pipeline__worker {
    struct pipeline *pipeline;
    unsigned index;
    unsigned entry_count;
    struct pipeline__entry entries[PIPELINE_PORTS_MAX];
    struct rte_ring *to_turn[PIPELINE_WORKERS_MAX]; /* consumer end, by producing worker; own: NULL */
    struct rte_ring *to_send[PIPELINE_WORKERS_MAX];
    struct rte_ring *turn_at[PIPELINE_WORKERS_MAX]; /* producer end, by owner; own: NULL */
    struct pipeline__outbox turn_outboxes[PIPELINE_WORKERS_MAX];
    struct pipeline__exit exits[PIPELINE_PORTS_MAX];
    struct cipher *ciphers[CIPHER_ALGORITHMS];

    unsigned run_count;
    struct pipeline__run runs[PIPELINE_BURST];
    struct scrambler_input inputs[PIPELINE_BURST * PIPELINE_TS_MAX];
    struct scrambler_output outputs[PIPELINE_OUTPUTS_MAX];
    uint8_t gathered[PIPELINE_TS_MAX + SCRAMBLER_INSERT_MAX][TS_PACKET_SIZE]; /* of one datagram */
    struct cipher_batch batch;

    /* Written here, read by control: */
    struct pipeline_counters counters __rte_cache_aligned;
    _Atomic uint64_t last_frame_tsc; /* 0: none yet */
    _Atomic int phase;               /* that this worker has reached */
} __rte_cache_aligned;

struct pipeline__table_entry {
    struct wire_address address;
    uint16_t port_number;
    uint8_t port;   /* index in the configuration */
    int16_t stream; /* -1: empty */
};

struct pipeline__port {
    struct pipeline_port_config config;
    uint16_t id;
    bool exists, started;
    uint16_t rx_queues, tx_queues;
    uint8_t mac[6];
    uint64_t missed; /* at stop: statistics end with the port */
};

struct pipeline {
    struct pipeline_config config; /* `streams` is not used after creation */
    bool lossless;                 /* files: wait for a slow worker instead of dropping */
    const char *memory_mode;
    unsigned worker_count, launched;
    unsigned worker_lcores[PIPELINE_WORKERS_MAX];
    unsigned stream_count, port_count;
    struct pipeline__port ports[PIPELINE_PORTS_MAX];
    struct pipeline__stream *streams;
    struct pipeline__table_entry table[PIPELINE_TABLE_SIZE];
    struct rte_mempool *pool;
    struct pipeline__worker *workers[PIPELINE_WORKERS_MAX];
    struct rte_ring *rings[2 * PIPELINE_WORKERS_MAX * PIPELINE_WORKERS_MAX];
    unsigned ring_count;
    struct rte_rcu_qsbr *qsbr;
    struct pipeline__plan *retired; /* control's alone */
    bool has_cipher[CIPHER_ALGORITHMS];
    uint64_t start_tsc, ticks_factor; /* 27 MHz ticks per TSC cycle × 2^64 */
    _Atomic int phase;
    bool eal_started;
};

/* Counters have one writer each; control may read a value that is a little old, never a torn one. */
static inline void pipeline__count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t pipeline__source_time(const struct pipeline *pipeline, uint64_t tsc)
{
    return (uint64_t)(((unsigned __int128)(tsc - pipeline->start_tsc) * pipeline->ticks_factor) >> 64);
}

/* eal.c */
int pipeline__start_eal(struct pipeline *pipeline, char why[static 256]);
unsigned pipeline__buffers_needed(const struct pipeline *pipeline);

/* log.c */
int pipeline__log_start(void);
const char *pipeline__log_reason(void); /* the first line since the start; "" for none */
void pipeline__log_run(void);           /* all is made: what comes now goes to the operator */
void pipeline__log_stop(void);

/* port.c */
int pipeline__create_port(struct pipeline *pipeline, struct pipeline__port *port, char why[static 256]);
int pipeline__start_port(struct pipeline__port *port, char why[static 256]);
void pipeline__stop_port(struct pipeline__port *port);
void pipeline__destroy_port(struct pipeline__port *port);

/* table.c */
int pipeline__table_add(struct pipeline *pipeline, unsigned stream); /* -EEXIST */
int pipeline__table_find(const struct pipeline *pipeline, unsigned port, const struct wire_flow *flow);

/* plan.c */
int pipeline__replace_plan(struct pipeline *pipeline, struct pipeline__stream *stream,
                           const struct scrambler_plan *plan);
void pipeline__free_plans(struct pipeline *pipeline); /* once no worker runs */

/* setup.c */
int pipeline__create_workers(struct pipeline *pipeline, char why[static 256]);
void pipeline__destroy_workers(struct pipeline *pipeline);

/* worker.c, worker_*.c: the packet path. Those that return a number tell how many frames they took in. */
int pipeline__run_worker(void *worker);
unsigned pipeline__receive(struct pipeline__worker *worker);
unsigned pipeline__take_handed_over(struct pipeline__worker *worker);
void pipeline__turn(struct pipeline__worker *worker, struct rte_mbuf **mbufs, unsigned count);
void pipeline__send(struct pipeline__worker *worker, unsigned port, struct rte_mbuf *mbuf);
void pipeline__flush_exits(struct pipeline__worker *worker);
unsigned pipeline__send_handed_over(struct pipeline__worker *worker);

/* Whether a burst's frames have room in the rings to other workers; asked where nothing may be lost. */
bool pipeline__can_send(const struct pipeline__worker *worker);

#endif
