/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/plan.h"

static enum scrambler_action action_of(unsigned verdict, unsigned group, unsigned group_count)
{
    switch (verdict) {
    case HEADEND_PASS:
        return SCRAMBLER_PASS;
    case HEADEND_UNREFERENCED:
        return SCRAMBLER_DEFAULT;
    default:
        return group < group_count ? SCRAMBLER_PROTECT : SCRAMBLER_BLACK;
    }
}

/* Tables and stuffing keep the action that scrambler_plan_init() gave them, whatever a broken PMT claims. */
static bool is_never_scrambled(unsigned pid)
{
    return pid < TS_PID_FIRST || pid == TS_PID_NULL;
}

void cmd_plan_from_map(struct scrambler_plan *plan, const struct headend_map *map,
                       const struct scrambler_group *groups, unsigned group_count)
{
    if (group_count > SCRAMBLER_GROUPS_MAX)
        group_count = SCRAMBLER_GROUPS_MAX;
    scrambler_plan_init(plan);
    plan->observations = map->observations;
    plan->unreferenced = map->complete ? SCRAMBLER_PASS : SCRAMBLER_BLACK;
    plan->group_count = (uint16_t)group_count;
    for (unsigned i = 0; i < group_count; i++)
        plan->groups[i] = groups[i];
    for (unsigned pid = 0; pid < TS_PIDS; pid++) {
        struct scrambler_pid *entry = &plan->pids[pid];

        if (!is_never_scrambled(pid)) {
            entry->action = (uint8_t)action_of(map->pids[pid].verdict, map->pids[pid].group, group_count);
            entry->group = map->pids[pid].group;
        }
        entry->observe = map->pids[pid].observe;
        entry->rewrite = map->pids[pid].rewrite;
        entry->guard = map->pids[pid].guard;
    }
}
