/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/group_room.h"

#define LATE      "the ECM of the next crypto-period did not come in time"
#define RECOVERED "the next crypto-period has its ECM"
#define PUT_OFF   "a change waits for the first ECM of a CAS that is to join"

/* What keeps the next crypto-period, or a change, from being. */
static const char *why_of(const struct headend_group *group, const struct headend__definition *definition)
{
    for (unsigned i = 0; i < definition->role_count; i++) {
        const struct headend__group_cas *cas = definition->roles[i].cas;

        if (definition->roles[i].required && !headend__has_in_hand(cas, headend__group_next(group)) &&
            cas->why[0])
            return cas->why;
    }
    return NULL;
}

static const char *reason(const struct headend_group *group)
{
    const char *why = NULL;

    if (group->failing && group->why[0])
        return group->why;
    if (group->failing)
        why = why_of(group, headend__group_plan(group));
    else if (group->change)
        why = why_of(group, group->change);
    return why ? why : group->failing ? LATE : PUT_OFF;
}

static void tell(struct headend_group *group)
{
    bool degraded = group->failing || group->put_off;

    if (degraded == group->degraded)
        return;
    group->degraded = degraded;
    if (group->ops.degraded)
        group->ops.degraded(group->context, degraded, degraded ? reason(group) : RECOVERED);
}

void headend__group_put_off(struct headend_group *group, bool put_off)
{
    group->put_off = put_off;
    tell(group);
}

void headend__group_mark_late(struct headend_group *group)
{
    if (group->late || !headend__group_on_air(group))
        return;
    group->late = true;
    group->missed = group->due;
    group->stretched++;
}

void headend__group_recover(struct headend_group *group)
{
    group->late = group->given_up = group->fallen_back = group->failing = false;
    group->why[0] = '\0';
    tell(group);
}

static void fail(struct headend_group *group)
{
    group->failing = true;
    tell(group);
}

static bool is_due(const struct headend_group *group)
{
    const struct headend_group_config *config = &group->config;
    uint64_t limit = config->waits_for_ecms ? group->due : group->now + config->guard + 1;

    return group->late && config->policy != HEADEND_HOLD && !group->fallen_back &&
           group->missed + config->policy_delay < limit;
}

void headend__group_fall_back(struct headend_group *group)
{
    enum keys_slot_kind kind = group->config.policy == HEADEND_CLEAR ? KEYS_SLOT_CLEAR : KEYS_SLOT_BLACK;
    uint64_t start;

    if (group->given_up)
        fail(group);
    if (!headend__group_on_air(group) || (group->config.waits_for_ecms && !group->given_up))
        return;
    if (group->now > headend__group_deadline(group))
        headend__group_mark_late(group);
    if (group->late && group->now >= group->missed)
        fail(group);
    if (!is_due(group))
        return;
    start = headend__latest(group->missed + group->config.policy_delay, group->now + group->config.guard);
    if (!headend__members_fall_back(group, kind, start))
        return;
    group->fallen_back = true;
    group->due = headend__latest(group->due, start);
    fail(group);
}
