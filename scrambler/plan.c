/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/plan.h"

#include <string.h>

void scrambler_plan_init(struct scrambler_plan *plan)
{
    memset(plan, 0, sizeof(*plan));
    plan->unreferenced = SCRAMBLER_BLACK;
    for (unsigned pid = TS_PID_FIRST; pid < TS_PID_NULL; pid++)
        plan->pids[pid].action = SCRAMBLER_DEFAULT;
    plan->pids[TS_PID_PAT].observe = 1;
    plan->pids[TS_PID_PAT].guard = 1;
}
