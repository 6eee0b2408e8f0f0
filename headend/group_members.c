/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "headend/group_room.h"

static uint8_t parity_of(const struct headend_group *group, uint64_t crypto_period)
{
    return group->config.fixed ? 0 : (uint8_t)(crypto_period & 1);
}

bool headend__members_usable(const struct headend_group_member *members, unsigned count)
{
    if (!count || count > HEADEND_GROUP_MEMBERS_MAX || !members)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!members[i].slots || members[i].after == KEYS_SLOT_KEY)
            return false;
        for (unsigned j = 0; j < i; j++)
            if (members[j].slots == members[i].slots)
                return false;
    }
    return true;
}

static bool is_member(const struct headend__definition *definition, const struct keys_slots *slots)
{
    for (unsigned i = 0; i < definition->member_count; i++)
        if (definition->members[i].slots == slots)
            return true;
    return false;
}

static bool have_room(const struct headend__definition *definition, uint64_t start)
{
    for (unsigned i = 0; i < definition->member_count; i++)
        if (!keys_slots_has_room(definition->members[i].slots, start))
            return false;
    return true;
}

/* Members that the next crypto-period no longer has. */
static void publish_leaving(struct headend_group *group, uint64_t start)
{
    uint64_t crypto_period = headend__group_next(group);

    for (unsigned i = 0; group->coming && i < group->current->member_count; i++) {
        const struct headend_group_member *member = &group->current->members[i];

        if (!is_member(group->coming, member->slots))
            keys_slots_publish(member->slots, member->after, crypto_period, start,
                               parity_of(group, crypto_period), NULL);
    }
}

bool headend__members_publish(struct headend_group *group, uint64_t start, const struct base_secret *cw)
{
    const struct headend__definition *plan = headend__group_plan(group);
    uint64_t crypto_period = headend__group_next(group);

    if (!have_room(group->current, start) || !have_room(plan, start))
        return false;
    for (unsigned i = 0; i < plan->member_count; i++)
        if (keys_slots_publish(plan->members[i].slots, KEYS_SLOT_KEY, crypto_period, start,
                               parity_of(group, crypto_period), cw) < 0)
            return false;
    publish_leaving(group, start);
    return true;
}

bool headend__members_fall_back(struct headend_group *group, enum keys_slot_kind kind, uint64_t start)
{
    const struct headend__definition *current = group->current;
    uint64_t last = headend__group_next(group) - 1;

    if (!have_room(current, start))
        return false;
    for (unsigned i = 0; i < current->member_count; i++)
        if (keys_slots_publish(current->members[i].slots, kind, last, start, parity_of(group, last), NULL) <
            0)
            return false;
    return true;
}

void headend__members_show_clear(struct headend_group *group, const struct headend_group_member *member)
{
    struct keys_slot newest;
    uint64_t start = group->now;

    if (!member->clear_before)
        return;
    if (keys_slots_newest(member->slots, &newest)) {
        if (newest.kind == KEYS_SLOT_CLEAR)
            return;
        start = headend__latest(start, newest.start);
    }
    keys_slots_publish(member->slots, KEYS_SLOT_CLEAR, headend__group_next(group), start, 0, NULL);
}

void headend__members_join(struct headend_group *group, const struct headend__definition *definition)
{
    for (unsigned i = 0; i < definition->member_count; i++) {
        const struct headend_group_member *member = &definition->members[i];

        if (!is_member(group->current, member->slots) &&
            !(group->coming && is_member(group->coming, member->slots)))
            headend__members_show_clear(group, member);
    }
}

void headend__members_pass(struct headend_group *group)
{
    for (unsigned i = 0; i < group->current->member_count; i++)
        keys_slots_current(group->current->members[i].slots, group->now);
}
