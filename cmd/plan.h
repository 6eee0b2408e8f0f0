/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/plan.h: from what headend/ knows about a transport stream to what scrambler/ is to do with it.
 *
 * The two rooms do not know each other; `scramline scramble` and `scramline run` introduce them here.
 * Thread-safe: no state. */
#ifndef CMD_PLAN_H
#define CMD_PLAN_H

#include "headend/follower.h"
#include "scrambler/plan.h"

/* Overwrites `plan`. `groups[n]` is scrambling control group n of the map; at most SCRAMBLER_GROUPS_MAX are
 * taken. A PID whose group is not among them becomes black, never clear. Unreferenced PIDs pass once the map
 * is complete. */
void cmd_plan_from_map(struct scrambler_plan *plan, const struct headend_map *map,
                       const struct scrambler_group *groups, unsigned group_count);

#endif
