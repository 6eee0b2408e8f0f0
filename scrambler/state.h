/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/state.h: what an engine holds. Private to scrambler/; one thread. */
#ifndef SCRAMBLER_STATE_H
#define SCRAMBLER_STATE_H

#include "base/clock.h"
#include "scrambler/continuity.h"
#include "scrambler/engine.h"
#include "scrambler/memory.h"
#include "scrambler/playout.h"
#include "scrambler/rewrite.h"

#define SCRAMBLER__TABLES 80 /* PIDs whose tables are observed or rewritten at the same time */

/* A PID whose sections are put together. */
struct scrambler_table {
    bool used;
    bool rewriting; /* its packets are consumed; goes on after the plan's word until no section is cut */
    bool open;      /* the last packet consumed ended in the middle of a section */
    uint8_t drain;  /* packets that may still be consumed after the plan's word */
    uint16_t pid;
    uint16_t tenure; /* changes whenever the PID begins to be observed */
    uint64_t lost;   /* of the assembler, as far as counted */
    struct ts_section_assembler assembler;
    struct scrambler_queue queue;
};

/* Sections that the packet in hand completed. One packet holds the end of one section and at the most 61
 * whole ones of 3 bytes. */
#define SCRAMBLER__COMPLETED     64
#define SCRAMBLER__COMPLETED_MAX (TS_SECTION_MAX + TS_PACKET_SIZE) /* bytes */

struct scrambler_completed {
    unsigned count;
    size_t filled;
    struct scrambler_completed_section {
        struct ts_section_header header;
        bool good;
        uint16_t size;
        size_t at;
    } sections[SCRAMBLER__COMPLETED];
    uint8_t bytes[SCRAMBLER__COMPLETED_MAX];
};

struct scrambler_engine {
    /* Every packet. */
    uint64_t alarm;          /* source time at which scrambler__play_due() has something to do */
    uint64_t now;            /* of the last packet taken in */
    uint64_t guard_sequence; /* newest change of a guarded table that control was told */
    uint64_t guard_until;    /* a guarded change could not be told: black until it was surely repeated */
    uint16_t visited;        /* group of the plan whose slots were looked at last */
    bool begun;
    bool looked; /* the sections of the packet that comes next were seen already, before stopping */
    struct scrambler_counters counters;
    struct scrambler_pid_state pids[TS_PIDS];

    /* Packets of the engine's own. Outlets 0 to TABLES - 1 are tables' queues, then come the carousels. */
    struct scrambler_heap deadlines; /* of outlets; SCRAMBLER__NEVER: nothing to send */
    struct scrambler_heap
        activations;        /* of carousels; SCRAMBLER__NEVER: nothing to do before the next event */
    uint16_t busy[TS_PIDS]; /* 1 + the outlet in the middle of a section, 0 for none */
    struct scrambler_playout playout;

    /* Tables and orders. */
    const struct scrambler_plan *plan; /* of the call under way, or the last one (then it may be gone) */
    uint64_t plan_observations;
    uint64_t sequence;
    uint16_t tenures;
    bool stop_at_changes;
    bool postpones;
    struct base_ring *orders;
    struct base_ring *observations;
    struct scrambler_memory memory;
    struct scrambler_completed completed;
    struct ts_order order;             /* the one in hand */
    struct ts_observation observation; /* the one in hand */
    struct scrambler_table tables[SCRAMBLER__TABLES];
    struct scrambler_replacements replacements;
    uint8_t inserted[SCRAMBLER_INSERT_MAX][TS_PACKET_SIZE];
};

/* One call of scrambler_engine_process(). */
struct scrambler_run {
    struct scrambler_engine *engine;
    const struct scrambler_plan *plan;
    struct cipher_batch *batch;
    struct scrambler_output *outputs;
    unsigned output_count;
    unsigned inserted;
    bool postponed; /* what was due found no room in this call */
    uint32_t input; /* index of the packet in hand */
};

/* Other threads read counters while the engine's thread writes them. */
static inline void scrambler__count_by(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void scrambler__count(uint64_t *counter)
{
    scrambler__count_by(counter, 1);
}

#endif
