/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "headend/group_room.h"

void headend__definition_destroy(struct headend__definition *definition)
{
    if (!definition)
        return;
    for (unsigned i = 0; i < definition->role_count; i++)
        free(definition->roles[i].criteria);
    free(definition->members);
    free(definition);
}

/* The CAS of this id, a new one where there is none yet. */
static struct headend__group_cas *have_cas(struct headend_group *group,
                                           const struct headend_group_cas *config, uint64_t crypto_period)
{
    struct headend__group_cas *cas = headend__group_find(group, config->id);

    if (cas || group->cas_count == HEADEND__MACHINES)
        return cas;
    cas = calloc(1, sizeof(*cas));
    if (!cas)
        return NULL;
    cas->id = config->id;
    cas->ecm_pid = config->ecm_pid;
    cas->nominal = crypto_period;
    cas->next = cas->since = headend__group_next(group);
    group->cas[group->cas_count++] = cas;
    return cas;
}

static int add_role(struct headend__definition *definition, struct headend_group *group,
                    const struct headend_group_cas *config)
{
    struct headend__role *role = &definition->roles[definition->role_count];

    role->cas = have_cas(group, config, definition->crypto_period);
    if (!role->cas)
        return -ENOMEM;
    role->required = config->required;
    role->allow_late_ecm = config->allow_late_ecm;
    role->criteria_changed = config->access_criteria_changed;
    definition->role_count++;
    if (!config->access_criteria)
        return 0;
    role->criteria = malloc(config->access_criteria_size + 1u); /* empty ones are sent too */
    if (!role->criteria)
        return -ENOMEM;
    role->criteria_size = config->access_criteria_size;
    if (role->criteria_size)
        memcpy(role->criteria, config->access_criteria, role->criteria_size);
    return 0;
}

static int add_members(struct headend__definition *definition, unsigned count,
                       const struct headend_group_member *members)
{
    if (!count)
        return 0;
    definition->members = malloc(count * sizeof(*members));
    if (!definition->members)
        return -ENOMEM;
    memcpy(definition->members, members, count * sizeof(*members));
    definition->member_count = count;
    return 0;
}

int headend__definition_create(struct headend__definition **out, struct headend_group *group,
                               unsigned member_count, const struct headend_group_member *members,
                               unsigned cas_count, const struct headend_group_cas *cas,
                               uint64_t crypto_period)
{
    struct headend__definition *definition = calloc(1, sizeof(*definition));
    int r;

    if (!definition)
        return -ENOMEM;
    definition->crypto_period = crypto_period;
    r = add_members(definition, member_count, members);
    for (unsigned i = 0; r >= 0 && i < cas_count; i++)
        r = add_role(definition, group, &cas[i]);
    if (r < 0)
        headend__definition_destroy(definition);
    else
        *out = definition;
    return r;
}

static bool is_used(const struct headend_group *group, const struct headend__group_cas *cas)
{
    return headend__role_of(group->current, cas) || headend__role_of(group->coming, cas) ||
           headend__role_of(group->change, cas) || cas->unsent_count;
}

void headend__group_sweep(struct headend_group *group)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < group->cas_count; i++) {
        if (is_used(group, group->cas[i]))
            group->cas[kept++] = group->cas[i];
        else
            headend__cas_destroy(group->cas[i]);
    }
    group->cas_count = kept;
}

static bool same_criteria(const struct headend__role *a, const struct headend__role *b)
{
    return !a->criteria == !b->criteria && a->criteria_size == b->criteria_size &&
           (!a->criteria || !memcmp(a->criteria, b->criteria, a->criteria_size));
}

/* What was asked about the next crypto-period under `from` is of no use where `to` has other criteria. */
static void forget_answers(struct headend_group *group, const struct headend__definition *from,
                           const struct headend__definition *to)
{
    for (unsigned i = 0; i < to->role_count; i++) {
        const struct headend__role *before = headend__role_of(from, to->roles[i].cas);

        if (before && !same_criteria(before, &to->roles[i]))
            headend__cas_forget(to->roles[i].cas, headend__group_next(group));
    }
}

/* The next crypto-period is behind its time: what was asked about it may be asked anew. */
static bool may_redo(const struct headend_group *group)
{
    return !headend__group_on_air(group) || group->late;
}

/* Whether the next crypto-period is the first one of a CAS under other access criteria. */
static void set_changed(struct headend__group_cas *cas, uint64_t next, bool changed)
{
    if (changed) {
        cas->has_changed = true;
        cas->changed = next;
        cas->next = next; /* it is not asked about the running one any more: that has the old ones */
    } else if (cas->has_changed && cas->changed == next) {
        cas->has_changed = false;
    }
}

/* The adopted change gives way to another. */
static void drop_coming(struct headend_group *group)
{
    forget_answers(group, group->coming, group->current);
    for (unsigned i = 0; i < group->coming->role_count; i++)
        set_changed(group->coming->roles[i].cas, headend__group_next(group), false);
    headend__definition_destroy(group->coming);
    group->coming = NULL;
}

static void drop_change(struct headend_group *group)
{
    headend__definition_destroy(group->change);
    group->change = NULL;
    headend__group_put_off(group, false);
}

/* The first crypto-period that a change which comes now may have. Where source time waits for ECMs how far
 * asking has come depends on ECMGs, how far it may have come does not. */
static uint64_t earliest(const struct headend_group *group)
{
    if (may_redo(group))
        return headend__group_next(group);
    if (group->config.waits_for_ecms && !headend__group_finished(group))
        return group->config.first_crypto_period + group->begun + HEADEND__AHEAD;
    return headend__group_next(group) + (group->asking || group->coming);
}

static bool is_usable(const struct headend_group *group, const struct headend_group_change *change)
{
    if (!group->current->role_count || group->ended)
        return false;
    if (!change->member_count && !change->cas_count)
        return true;
    if (!change->cas_count || change->cas_count > HEADEND_GROUP_CAS_MAX || !change->cas ||
        change->crypto_period < HEADEND_CRYPTO_PERIOD_MIN || change->crypto_period > HEADEND__NEVER / 4 ||
        change->crypto_period < group->config.guard)
        return false;
    return headend__members_usable(change->members, change->member_count) &&
           headend__cas_usable(change->cas, change->cas_count);
}

/* `definition` is the group's now. */
static void await(struct headend_group *group, struct headend__definition *definition, uint64_t not_before)
{
    /* Where the running crypto-period was to be for ever the next one is not late. */
    if (headend__group_finished(group))
        group->due = headend__latest(group->due, group->now + group->config.guard);
    if (group->coming && may_redo(group))
        drop_coming(group);
    drop_change(group);
    group->earliest = earliest(group);
    group->not_before = not_before;
    group->change = definition;
    headend__members_join(group, definition);
}

int headend_group_change(struct headend_group *group, const struct headend_group_change *change)
{
    struct headend__definition *definition = NULL;
    int r;

    if (!is_usable(group, change))
        return -EINVAL;
    r = headend__definition_create(&definition, group, change->member_count, change->members,
                                   change->cas_count, change->cas, change->crypto_period);
    if (r >= 0)
        await(group, definition, change->not_before);
    headend__group_sweep(group);
    return r;
}

bool headend_group_is_changing(const struct headend_group *group)
{
    return group->change || group->coming;
}

bool headend_group_is_committed(const struct headend_group *group)
{
    return group->coming && !may_redo(group);
}

bool headend_group_has_ended(const struct headend_group *group)
{
    return group->ended && group->now >= headend__group_start_of(group, headend__group_next(group));
}

/* The crypto-period that the change can have, as things are now. */
static uint64_t candidate(const struct headend_group *group)
{
    uint64_t next = headend__group_next(group), first = next, start;
    uint64_t period = headend__group_period(headend__group_plan(group));

    if (!may_redo(group))
        first = headend__latest(first + (group->asking || group->coming), group->earliest);
    start = headend__group_start_of_next(group) + (first - next) * period;
    return start >= group->not_before ? first : first + (group->not_before - start + period - 1) / period;
}

static bool is_newcomer(const struct headend_group *group, const struct headend__group_cas *cas)
{
    return !headend__role_of(group->current, cas) && !headend__role_of(group->coming, cas);
}

/* Its first crypto-period is near enough to be asked about. */
static bool is_near(const struct headend_group *group, uint64_t wanted)
{
    return wanted <= headend__group_next(group) + 1;
}

void headend__group_ask_newcomers(struct headend_group *group)
{
    uint64_t wanted;

    if (!group->change)
        return;
    wanted = candidate(group);
    for (unsigned i = 0; i < group->change->role_count; i++) {
        const struct headend__role *role = &group->change->roles[i];

        if (!is_newcomer(group, role->cas))
            continue;
        role->cas->next = role->cas->since = wanted;
        if (role->cas->in_hand && role->cas->in_hand->crypto_period != wanted)
            headend__cas_forget(role->cas, role->cas->in_hand->crypto_period);
        if (is_near(group, wanted))
            headend__group_ask(group, role->cas, wanted, role);
    }
}

bool headend__cas_is_to_be_asked(const struct headend_group *group, const struct headend__group_cas *cas)
{
    return headend__role_of(group->change, cas) && is_newcomer(group, cas) &&
           is_near(group, candidate(group));
}

/* The required CAS that must have the next crypto-period's ECM in hand first, and has not. */
static struct headend__group_cas *lacking(const struct headend_group *group)
{
    for (unsigned i = 0; i < group->change->role_count; i++) {
        const struct headend__role *role = &group->change->roles[i];

        if (role->required && is_newcomer(group, role->cas) &&
            !headend__has_in_hand(role->cas, headend__group_next(group)))
            return role->cas;
    }
    return NULL;
}

static void adopt(struct headend_group *group)
{
    uint64_t next = headend__group_next(group);

    forget_answers(group, headend__group_plan(group), group->change);
    for (unsigned i = 0; i < group->change->role_count; i++) {
        const struct headend__role *role = &group->change->roles[i];
        const struct headend__role *before = headend__role_of(group->current, role->cas);

        set_changed(role->cas, next, before && (role->criteria_changed || !same_criteria(before, role)));
    }
    headend__definition_destroy(group->coming);
    group->coming = group->change;
    group->change = NULL;
    headend__group_put_off(group, false);
}

/* The required CAS whose first ECM the change waits for now. */
static struct headend__group_cas *awaited(const struct headend_group *group)
{
    return group->change && candidate(group) == headend__group_next(group) ? lacking(group) : NULL;
}

bool headend__group_adopt(struct headend_group *group)
{
    struct headend__group_cas *cas = awaited(group);

    if (cas && group->config.waits_for_ecms && !cas->abandoned && !group->late)
        return false;
    if (cas)
        headend__group_put_off(group, true);
    else if (group->change && candidate(group) == headend__group_next(group))
        adopt(group);
    return true;
}

bool headend__group_abandon_newcomers(struct headend_group *group)
{
    struct headend__group_cas *cas;
    bool any = false;

    while ((cas = awaited(group)) && !cas->abandoned)
        cas->abandoned = any = true;
    return any;
}

void headend__group_settle(struct headend_group *group, uint64_t crypto_period, uint64_t start)
{
    if (!group->coming)
        return;
    headend__definition_destroy(group->current);
    group->current = group->coming;
    group->coming = NULL;
    if (group->ops.changed)
        group->ops.changed(group->context, crypto_period, start);
}
