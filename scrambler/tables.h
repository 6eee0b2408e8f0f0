/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/tables.h: observes tables, tells control what changed, and rewrites. Private; one thread. */
#ifndef SCRAMBLER_TABLES_H
#define SCRAMBLER_TABLES_H

#include "scrambler/state.h"

/* At the start of a call: lets go of the PIDs that a new plan does not observe any more. */
void scrambler__tables_follow_plan(struct scrambler_engine *engine, const struct scrambler_plan *plan);

/* The table of a PID that the plan observes or rewrites, or that is still to be finished; NULL where there is
 * none (or no place for one). */
struct scrambler_table *scrambler__tables_get(struct scrambler_engine *engine, uint16_t pid,
                                              const struct scrambler_pid *rule, uint64_t now);

/* Reads the packet's sections and tells control what is new. True where something was told. */
bool scrambler__tables_look(struct scrambler_engine *engine, struct scrambler_table *table,
                            const struct scrambler_pid *rule, const uint8_t *packet, uint64_t now);

/* Whether the table's packets are to be consumed now. */
bool scrambler__tables_rewrites(struct scrambler_engine *engine, struct scrambler_table *table,
                                const struct scrambler_pid *rule, bool passes);

/* Queues what is to be sent for the sections that the packet completed, and fills its place. */
void scrambler__tables_rewrite(struct scrambler_engine *engine, struct scrambler_table *table,
                               uint8_t *packet, uint64_t now);

#endif
