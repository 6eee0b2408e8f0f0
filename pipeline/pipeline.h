/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pipeline/pipeline.h: DPDK ports, workers and the engines that run on them. The only room that knows DPDK.
 *
 * The control thread builds a pipeline, starts it, hands plans to streams, and stops it; workers poll ports,
 * run to completion, and share nothing: plans reach them as snapshots under rte_rcu_qsbr, control words
 * through keys/slots.h, orders and observations through one ring each per stream. Control functions belong to
 * one thread, the main lcore. */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ring.h"
#include "keys/slots.h"
#include "scrambler/engine.h"
#include "wire/datagram.h"

#define PIPELINE_PORTS_MAX   16
#define PIPELINE_STREAMS_MAX 256

struct pipeline_port_config {
    char name[32];    /* of the configuration */
    char device[256]; /* DPDK device string: "net_af_packet0,iface=veth0", "net_pcap0,rx_pcap=…",
                         "0000:03:00.0" */
    bool promiscuous;
};

struct pipeline_stream_config {
    char name[64];
    unsigned input_port, output_port;  /* indices into ports */
    struct wire_address input_address; /* destination of its datagrams */
    uint16_t input_port_number;
    bool readdress; /* else datagrams leave with the addresses they came with */
    struct wire_address output_address;
    uint16_t output_port_number;
    bool has_output_source;
    struct wire_address output_source;
    uint8_t ttl; /* 0: as it came */
    /* Of the next hop, for unicast outputs; unset: datagrams keep the address they came with. Multicast
     * outputs get the group's own address (RFC 1112, RFC 2464). */
    bool has_output_mac;
    uint8_t output_mac[6];
    unsigned carousels; /* ECM and EMM streams that play at a time; 0: SCRAMBLER_CAROUSELS */
};

struct pipeline_config {
    unsigned workers;    /* 0: as many as lcores beside the main one, at least 1 */
    char cores[64];      /* EAL's -l list; empty: EAL's choice from the affinity mask */
    bool no_huge;        /* forced; else hugepages are tried first (docs/architecture.md) */
    unsigned memory_mib; /* without hugepages; 0: 256 */
    unsigned port_count;
    struct pipeline_port_config ports[PIPELINE_PORTS_MAX];
    unsigned stream_count;
    const struct pipeline_stream_config *streams; /* copied */
    bool stop_at_end;        /* net_pcap inputs: stop when they have been read (no datagram for a second) */
    const char *cipher_tier; /* NULL: the best */
};

/* X(name, help). After pipeline_stop(): rx_frames + inserted_frames = tx_frames + all drop_… but
 * drop_no_memory, which counts TS packets. */
#define PIPELINE_COUNTER_MAP(X)                                                                              \
    X(rx_frames, "frames received")                                                                          \
    X(tx_frames, "frames sent")                                                                              \
    X(inserted_frames, "datagrams made for inserted packets")                                                \
    X(missed_frames, "frames that an input port lost before they were received (its queue was full)")        \
    X(drop_not_linear, "frames dropped: longer than a buffer, or shared")                                    \
    X(drop_not_udp, "frames dropped: not UDP over IP")                                                       \
    X(drop_malformed, "frames dropped: a header is cut or broken")                                           \
    X(drop_fragment, "frames dropped: fragment of an IP datagram")                                           \
    X(drop_no_stream, "frames dropped: no configured stream has this destination")                           \
    X(drop_not_ts, "frames dropped: payload is not whole TS packets")                                        \
    X(drop_worker_busy, "frames dropped: the worker that owns their stream did not keep up")                 \
    X(drop_tx_full, "frames dropped: the output port took no more")                                          \
    X(drop_no_memory, "inserted packets dropped: no buffer left")

struct pipeline_counters {
#define X(name, help) uint64_t name;
    PIPELINE_COUNTER_MAP(X)
#undef X
};

struct pipeline;

/* Starts EAL, creates ports and engines; the calling thread becomes the main lcore. Each stream begins with
 * the plan of scrambler_plan_init(): black but for tables. BASE_E_CONFIGURATION for a configuration that
 * contradicts itself, -ENODEV for a device that cannot be had, errors of EAL. Messages go to base_log();
 * `why` (256 bytes) tells what failed. Once per process. */
int pipeline_create(struct pipeline **pipeline, const struct pipeline_config *config, char why[static 256]);
int pipeline_start(struct pipeline *pipeline);
/* Workers stop receiving, turn and send what they have, and end; counters stay readable. */
void pipeline_stop(struct pipeline *pipeline);
void pipeline_destroy(struct pipeline *pipeline); /* NULL is allowed */

/* Source time of now, 27 MHz ticks since pipeline_start(): the TSC. Any thread. */
uint64_t pipeline_now(const struct pipeline *pipeline);

/* For keys_slots_create() of groups used by a stream. */
struct keys_grace pipeline_grace(struct pipeline *pipeline);

/* Replaces the stream's plan by a copy; the old one is freed after its grace period. -ENOTSUP where a group's
 * algorithm has no cipher of the configured tier. */
int pipeline_set_plan(struct pipeline *pipeline, unsigned stream, const struct scrambler_plan *plan);
struct base_ring *pipeline_orders(struct pipeline *pipeline, unsigned stream);       /* producer end */
struct base_ring *pipeline_observations(struct pipeline *pipeline, unsigned stream); /* consumer end */

void pipeline_counters(const struct pipeline *pipeline, struct pipeline_counters *sum);
void pipeline_stream_counters(const struct pipeline *pipeline, unsigned stream,
                              struct scrambler_counters *counters);
bool pipeline_finished(const struct pipeline *pipeline); /* stop_at_end, and all inputs are at their end */
const char *pipeline_memory_mode(const struct pipeline *pipeline); /* "hugepages in memory", … */

#endif
