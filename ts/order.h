/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ts/order.h: what control asks a worker to put into a transport stream; records of a base_ring.
 *
 * Control (headend/) writes them, the engine (scrambler/) carries them out and owns continuity counters. Both
 * ends are of one program: the layout is the compiler's. Thread-safe: no state. */
#ifndef TS_ORDER_H
#define TS_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/ring.h"
#include "ts/section.h"

enum ts_order_kind {
    /* From `start` on play `bytes` on `pid` every `period` ticks, at once at `start`; replaces what an
     * earlier order with the same (pid, stream) plays, at `start` and not before. What is to be played once
     * is played before it is replaced. Orders of one (pid, stream) come with growing start times; one that
     * begins earlier, or at the same time, makes void those that wait and begin later. Up to four may wait,
     * and a TS_ORDER_STOP after each. */
    TS_ORDER_PLAY,
    /* From `start` on play nothing for (pid, stream). */
    TS_ORDER_STOP,
    /* Wherever the input has the section (pid, table_id, extension, number) whose CRC_32 is `source_crc`,
     * send `bytes` in its place; other versions of it pass as they are until their own order comes. At once.
     */
    TS_ORDER_REPLACE,
    /* Forget replacements of `pid`; `pid` passes unchanged again. At once. */
    TS_ORDER_KEEP,
};

enum ts_order_form {
    TS_ORDER_SECTION, /* one section: the worker packetizes it */
    TS_ORDER_PACKETS, /* n × 188 bytes: the worker rewrites PID and continuity counter of each */
};

#define TS_ORDER_BYTES_MAX (24 * TS_PACKET_SIZE)

struct ts_order {
    uint64_t start;  /* source time, 27 MHz ticks */
    uint64_t period; /* 27 MHz ticks; 0: once */
    /* 27 MHz ticks from `start` on that the first play may wait for null packets; then it is inserted. */
    uint64_t patience;
    uint32_t source_crc;
    uint16_t pid;
    uint16_t stream; /* tells several carousels of one PID apart */
    uint16_t extension;
    uint16_t size; /* bytes used */
    uint8_t table_id;
    uint8_t number;
    uint8_t kind; /* enum ts_order_kind */
    uint8_t form; /* enum ts_order_form */
    uint8_t bytes[TS_ORDER_BYTES_MAX];
};

/* Pushes the header and the used bytes alone. Errors of base_ring_push(); -EMSGSIZE for size over the
 * maximum. */
int ts_order_push(struct base_ring *ring, const struct ts_order *order);

/* The oldest order copied to `order`, of `bytes` only the used ones; 0 where there is none, 1 where there was
 * one. A record that is no order is taken out and gives BASE_E_MALFORMED. */
int ts_order_pop(struct base_ring *ring, struct ts_order *order);

/* What a worker tells control: a section of an observed PID that differs from the last one with the same
 * (pid, table_id, extension, number). */
struct ts_observation {
    uint64_t source_time;
    uint64_t sequence; /* counts from 1 per engine */
    uint16_t pid;
    uint16_t size;
    uint8_t section[TS_SECTION_MAX];
};

/* As with orders: -EMSGSIZE for a size over the maximum, BASE_E_MALFORMED for a record that is none. */
int ts_observation_push(struct base_ring *ring, const struct ts_observation *observation);
int ts_observation_pop(struct base_ring *ring, struct ts_observation *observation);

#endif
