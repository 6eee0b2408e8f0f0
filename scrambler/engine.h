/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/engine.h: protects one transport stream: chooses packets, sets parity, builds lanes, inserts
 * tables.
 *
 * The engine reads no clock: the caller gives each packet its source time (27 MHz ticks, never decreasing).
 * File and live paths that feed the same packets, times, plans and orders get the same bytes. One thread per
 * engine; no allocation, lock, system call or logging after creation.
 *
 * Orders (ts/order.h) come by one ring, observations leave by another. Packets that orders ask for take the
 * place of null packets where one comes in time, and are inserted otherwise: an order's first play at once
 * (an ECM must precede the change it is for) or after the order's patience (EMMs), later plays after a
 * quarter of the period, at most 20 ms. Packets of a rewritten table take the places of their PID and of null
 * packets, and are inserted after 100 ms. To play on a PID that the input carries too is possible, but may
 * come between the packets of its sections: rewrite such a table instead.
 */
#ifndef SCRAMBLER_ENGINE_H
#define SCRAMBLER_ENGINE_H

#include "base/ring.h"
#include "cipher/batch.h"
#include "scrambler/plan.h"
#include "ts/order.h"

/* X(name, help): one writer per engine, any reader. in + inserted = out; every packet of `in` is in exactly
 * one of passed, scrambled, unscrambled, already_scrambled, black, replaced, repacked. */
#define SCRAMBLER_COUNTER_MAP(X)                                                                             \
    X(in, "packets taken in")                                                                                \
    X(out, "packets given out")                                                                              \
    X(inserted, "packets added to the stream (no null packet came in time)")                                 \
    X(replaced, "null packets that gave their place to an ECM or table")                                     \
    X(repacked, "packets of rewritten tables")                                                               \
    X(passed, "packets that left unchanged")                                                                 \
    X(scrambled, "packets scrambled (or marked, where the payload is too short for the cipher)")             \
    X(unscrambled, "packets of protected components left clear by policy")                                   \
    X(already_scrambled, "packets of protected components that came in scrambled: passed on")                \
    X(black, "packets turned into null packets: no control word, or not known yet whether protected")        \
    X(no_payload, "of those passed: protected components' packets without a payload")                        \
    X(bad_adaptation, "of those passed: protected components' packets whose adaptation field is broken")     \
    X(transport_error, "packets with the transport error indicator, treated like others")                    \
    X(bad_sections, "sections dropped: CRC wrong, gap, or overlong")                                         \
    X(ecm, "ECM and table packets played out by orders")                                                     \
    X(late_orders, "orders whose start had passed when they arrived")                                        \
    X(refused_orders, "orders not kept: malformed, or all places taken")                                     \
    X(crowded_sections, "sections of rewritten tables dropped: they came faster than they could be sent")    \
    X(lost_observations, "table changes that control was too slow to take; told again at the next "          \
                         "repetition")

struct scrambler_counters {
#define X(name, help) uint64_t name;
    SCRAMBLER_COUNTER_MAP(X)
#undef X
};

struct scrambler_engine;

#define SCRAMBLER_CAROUSELS     72 /* by default: 64 services' ECMs of one CAS, the CAT, EMMs */
#define SCRAMBLER_CAROUSELS_MAX 4096

struct scrambler_engine_config {
    struct base_ring *orders;       /* consumer end; NULL: none ever come */
    struct base_ring *observations; /* producer end; NULL: nobody wants them */
    /* scrambler_engine_process() returns right before a packet that completes a changed table: the change has
     * been told, the packet has not been taken. So a file run lets control act first, and the very first
     * table is already the replaced one. Offer the same packet again next. Live engines go on. */
    bool stop_at_changes;
    /* (pid, stream)s that orders may play at the same time, about 23 KiB each; 0: SCRAMBLER_CAROUSELS. */
    unsigned carousels;
};

/* -ENOMEM; -EINVAL over SCRAMBLER_CAROUSELS_MAX. */
int scrambler_engine_create(struct scrambler_engine **engine, const struct scrambler_engine_config *config);
void scrambler_engine_destroy(struct scrambler_engine *engine); /* NULL is allowed */

struct scrambler_input {
    uint8_t *packet;      /* 188 bytes, turned in place; stays where it is until the batch is flushed */
    uint64_t source_time; /* 27 MHz ticks */
};

struct scrambler_output {
    uint8_t *packet; /* an input's, or one in the engine that is valid until the next call */
    uint32_t input;  /* index of the input in this place; for inserted packets: of the one that follows (==
                        consumed  inputs at the end) */
    bool inserted;
};

#define SCRAMBLER_INSERT_MAX 64 /* packets inserted per call at the most; the rest waits for the next */

/* Carries out all orders that have arrived, then takes up to `count` packets; returns how many were consumed:
 * all, but with stop_at_changes also those before a change, and before a packet where SCRAMBLER_INSERT_MAX is
 * reached. 0 is possible then; offer the rest again. `outputs` has room for at least count +
 * SCRAMBLER_INSERT_MAX. Payloads are scrambled when `batch` (CIPHER_SCRAMBLE) is flushed: flush before the
 * outputs are read and before slots or plan may go. */
unsigned scrambler_engine_process(struct scrambler_engine *engine, const struct scrambler_plan *plan,
                                  const struct scrambler_input *inputs, unsigned count,
                                  struct cipher_batch *batch, struct scrambler_output *outputs,
                                  unsigned *output_count);

/* Valid as long as the engine; may be read by other threads (values may be a little old). */
const struct scrambler_counters *scrambler_engine_counters(const struct scrambler_engine *engine);

#endif
