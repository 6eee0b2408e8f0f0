/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/cas.h"
#include "headend/group_room.h"

#define LEEWAY_MAX (100 * BASE_TICKS_PER_MS)

bool headend__group_finished(const struct headend_group *group)
{
    if (group->ended)
        return true;
    if (group->change || group->coming)
        return false;
    if (group->config.fixed)
        return group->published >= 1;
    return group->words.list && group->published >= group->words.list->count;
}

/* How long before the next crypto-period its ECMs must begin: those of required CASs; where there are none,
 * of the one that needs least. */
static uint64_t lead_needed(const struct headend_group *group)
{
    const struct headend__definition *plan = headend__group_plan(group);
    uint64_t next = headend__group_next(group), required = 0, least = HEADEND__NEVER;
    bool any_required = false;

    for (unsigned i = 0; i < plan->role_count; i++) {
        const struct headend__group_cas *cas = plan->roles[i].cas;
        uint64_t lead = headend__cas_lead(group, cas, next);

        any_required |= plan->roles[i].required;
        if (plan->roles[i].required)
            required = headend__latest(required, lead);
        else if (headend__has_in_hand(cas, next) && lead < least)
            least = lead;
    }
    return any_required || least == HEADEND__NEVER ? required : least;
}

/* The largest of all: in a file run every order is in time. */
static uint64_t lead_largest(const struct headend_group *group)
{
    uint64_t next = headend__group_next(group), lead = 0;

    for (unsigned i = 0; i < group->cas_count; i++) {
        const struct headend__group_cas *cas = group->cas[i];

        lead = headend__latest(lead, headend__cas_lead(group, cas, headend__latest(next, cas->since)));
        lead = headend__latest(lead, headend__cas_stop_lead(group, cas));
    }
    return lead;
}

/* What the first crypto-period waits for with its ECMs on air. */
static uint64_t lead_in(const struct headend_group *group)
{
    const struct headend__definition *plan = headend__group_plan(group);
    uint64_t lead = 0;

    for (unsigned i = 0; i < plan->role_count; i++)
        lead =
            headend__latest(lead, headend__cas_lead(group, plan->roles[i].cas, headend__group_next(group)));
    return lead;
}

uint64_t headend__group_lead(const struct headend_group *group)
{
    return group->config.guard + (group->config.waits_for_ecms ? lead_largest(group) : lead_needed(group));
}

uint64_t headend__group_deadline(const struct headend_group *group)
{
    uint64_t lead = headend__group_lead(group);

    if (!headend__group_on_air(group))
        return group->due;
    return group->due > lead ? group->due - lead : 0;
}

uint64_t headend__group_start_of_next(const struct headend_group *group)
{
    if (!headend__group_on_air(group))
        return group->now + headend__latest(lead_in(group), group->config.guard);
    return headend__latest(group->due, group->now + group->config.guard + lead_needed(group));
}

uint64_t headend__group_start_of(const struct headend_group *group, uint64_t crypto_period)
{
    return group->starts[(crypto_period - group->config.first_crypto_period) % HEADEND__STARTS];
}

uint64_t headend__group_period(const struct headend__definition *definition)
{
    uint64_t period = definition->crypto_period;

    for (unsigned i = 0; i < definition->role_count; i++)
        if (definition->roles[i].cas->known)
            period = headend__cas_period(&definition->roles[i].cas->status, period);
    return period;
}

/* No crypto-period can be published now: the last one is, or as many as may be. */
bool headend__group_is_full(const struct headend_group *group)
{
    return headend__group_finished(group) || group->published - group->begun >= HEADEND__AHEAD;
}

/* Where as many crypto-periods as may be are published the next one must wait for
 * one of them, however early its ECMs should begin. */
uint64_t headend__group_limit(const struct headend_group *group)
{
    uint64_t deadline = headend__group_deadline(group);

    if (headend__group_finished(group))
        return HEADEND__NEVER;
    return headend__group_is_full(group)
               ? headend__latest(deadline, group->starts[group->begun % HEADEND__STARTS])
               : deadline;
}

uint64_t headend__group_leeway(const struct headend_group *group)
{
    uint64_t tenth = headend__group_period(headend__group_plan(group)) / 10;

    return tenth < LEEWAY_MAX ? tenth : LEEWAY_MAX;
}
