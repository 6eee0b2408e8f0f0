/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/outlet.h: sends packets of the engine's own: in places that are free, else inserted. Private.
 *
 * An outlet is a queue of a rewritten table or a carousel. Of all that have something to send the one with
 * the earliest deadline comes first, but never in the middle of another's section on the same PID. */
#ifndef SCRAMBLER_OUTLET_H
#define SCRAMBLER_OUTLET_H

#include "scrambler/state.h"

static inline unsigned scrambler__outlet_of_table(const struct scrambler_engine *engine,
                                                  const struct scrambler_table *table)
{
    return (unsigned)(table - engine->tables);
}

static inline unsigned scrambler__outlet_of_carousel(unsigned carousel)
{
    return SCRAMBLER__TABLES + carousel;
}

/* Takes over what the outlet's owner now has to send. */
void scrambler__outlet_refresh(struct scrambler_engine *engine, unsigned outlet);

/* Finds out when something is to be done. */
void scrambler__set_alarm(struct scrambler_engine *engine);

/* Begins plays that are due, and inserts before the packet in hand what can wait no longer. False where the
 * call's room for insertions is used up: the packet must wait for the next call. */
bool scrambler__play_due(struct scrambler_run *run, uint64_t now);

/* Fills a place that is free anyhow. False where nothing wants it. */
bool scrambler__fill_place(struct scrambler_engine *engine, uint8_t *packet, uint64_t now);

/* Fills a place with the oldest packet of this outlet, or of the one that must finish first on its PID. */
void scrambler__fill_place_from(struct scrambler_engine *engine, unsigned outlet, uint8_t *packet);

#endif
