/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine with everything around it, streams to feed it, and what came out. */
#ifndef TESTS_SCRAMBLER_RIG_H
#define TESTS_SCRAMBLER_RIG_H

#include "base/clock.h"
#include "scrambler/engine.h"
#include "ts/psi.h"

#define RIG_PACKETS_MAX 60000
#define RIG_TICK        BASE_TICKS_PER_MS /* the packets of a stream are this far apart unless told */

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
unsigned random_below(struct random *random, unsigned limit);
void random_fill(struct random *random, uint8_t *bytes, size_t size);

struct stream {
    unsigned count;
    uint64_t tick;
    uint8_t (*packets)[TS_PACKET_SIZE]; /* RIG_PACKETS_MAX */
    uint64_t *times;
    uint8_t counters[TS_PIDS];
};

void stream_open(struct stream *stream);
void stream_close(struct stream *stream);

/* The place of a new packet of this PID: header, continuity counter, time; a payload of the PID's low byte.
 */
uint8_t *stream_add(struct stream *stream, uint16_t pid);
uint8_t *stream_add_null(struct stream *stream);

/* A packet with an adaptation field of `length` bytes behind its length byte. */
uint8_t *stream_add_adaptation(struct stream *stream, uint16_t pid, uint8_t control, uint8_t length);

/* All packets of a section, one after the other. */
void stream_add_section(struct stream *stream, uint16_t pid, const uint8_t *section, size_t size);

/* Anything: PIDs, header bits and adaptation fields at random, mostly sound. */
uint8_t *stream_add_random(struct stream *stream, struct random *random);

/* Seals a long section of `size` bytes with its length and CRC_32. */
void section_seal(uint8_t *section, size_t size);
size_t section_make(uint8_t *section, uint8_t table_id, uint16_t extension, uint8_t version, uint8_t number,
                    size_t size);

struct rig {
    struct scrambler_engine *engine;
    struct scrambler_plan *plan;
    struct cipher_batch *batch;
    struct cipher *ciphers[CIPHER_ALGORITHMS];
    struct base_ring *orders;
    struct base_ring *observations;
    struct keys_slots *slots[4];
    unsigned slot_count;
    void (*control)(struct rig *rig); /* called after every call of the engine, where set */
    unsigned calls;
    unsigned count; /* of outputs */
    uint8_t (*out)[TS_PACKET_SIZE];
    bool *inserted;
    unsigned *input; /* of the whole stream */
};

void rig_open(struct rig *rig, bool stop_at_changes);
void rig_open_with(struct rig *rig, const struct scrambler_engine_config *config); /* rings are the rig's */
void rig_close(struct rig *rig);

/* A group with slots of this algorithm; its index. */
unsigned rig_add_group(struct rig *rig, enum cipher_algorithm algorithm);
/* The control word of a seed. */
struct base_secret rig_word(uint8_t seed, size_t size);
void rig_publish(struct rig *rig, unsigned group, enum keys_slot_kind kind, uint64_t start, uint8_t parity,
                 uint8_t seed);
void rig_protect(struct rig *rig, uint16_t pid, unsigned group);

/* Feeds the stream, in calls of `chunk` packets, or of random sizes where 0. */
void rig_run(struct rig *rig, struct stream *stream, unsigned chunk, struct random *random);

/* in + inserted = out, and each packet of `in` in exactly one class. */
void rig_check_conservation(const struct rig *rig);

const struct scrambler_counters *rig_counters(const struct rig *rig);

#endif
