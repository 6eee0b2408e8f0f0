/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/continuity.h: continuity counters of PIDs on which the engine sends packets of its own. Private.
 *
 * A PID that the engine never touches keeps its counters. Where it adds packets, those that pass are shifted
 * by as many, so that gaps and duplicates of the input stay what they are. Where it consumed packets (a
 * rewritten table), the first one that passes again continues from the last one sent. */
#ifndef SCRAMBLER_CONTINUITY_H
#define SCRAMBLER_CONTINUITY_H

#include "ts/packet.h"

#define SCRAMBLER__SEEN    0x10u /* in `last`: the low four bits are a counter that went out */
#define SCRAMBLER__OWNED   1u    /* the engine sent or consumed packets here */
#define SCRAMBLER__REALIGN 2u    /* the shift is to be found from the next packet that passes */

struct scrambler_pid_state {
    uint8_t last;
    uint8_t shift;
    uint8_t flags;
    uint8_t table; /* 1 + index of its struct scrambler_table, 0 for none */
};

/* A packet of the input goes out on its PID. */
static inline void scrambler__continuity_pass(struct scrambler_pid_state *state, uint8_t *packet)
{
    if (state->flags) {
        if (state->flags & SCRAMBLER__REALIGN)
            state->shift = (uint8_t)(state->last + ts_payload_flag(packet) - ts_continuity_counter(packet));
        state->flags = SCRAMBLER__OWNED;
        ts_set_continuity_counter(packet, (uint8_t)(ts_continuity_counter(packet) + state->shift));
    }
    state->last = SCRAMBLER__SEEN | ts_continuity_counter(packet);
}

/* A packet of the input is taken out of the stream; the first one sent instead may have its counter. */
static inline void scrambler__continuity_consume(struct scrambler_pid_state *state, const uint8_t *packet)
{
    if (!(state->last & SCRAMBLER__SEEN))
        state->last = SCRAMBLER__SEEN | ((ts_continuity_counter(packet) - 1) & 0x0F);
    state->flags = SCRAMBLER__OWNED | SCRAMBLER__REALIGN;
}

/* A packet made by the engine goes out on `pid`. */
static inline void scrambler__continuity_make(struct scrambler_pid_state *state, uint16_t pid,
                                              uint8_t *packet)
{
    bool first = !(state->last & SCRAMBLER__SEEN);
    uint8_t counter = first ? 0 : (uint8_t)((state->last + ts_payload_flag(packet)) & 0x0F);

    ts_set_pid(packet, pid);
    ts_set_continuity_counter(packet, counter);
    state->shift = (uint8_t)(state->shift + ts_payload_flag(packet));
    state->flags |= (uint8_t)(SCRAMBLER__OWNED | (first ? SCRAMBLER__REALIGN : 0));
    state->last = SCRAMBLER__SEEN | counter;
}

#endif
