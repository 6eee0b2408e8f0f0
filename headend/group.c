/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/group.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "headend/cas.h"
#include "headend/group_room.h"

#define RETRY     (10 * BASE_TICKS_PER_MS)
#define STEPS_MAX 1000 /* crypto-periods of one call, where source time leaps in a file run */
#define TIME_MAX  (UINT64_C(1) << 62)

/* Whether the newest slot holds for ever. */
static bool finished(const struct headend_group *group)
{
    if (group->config.fixed)
        return group->published >= 1;
    return group->words.list && group->published >= group->words.list->count;
}

/* From when on the next ECM must be in hand. */
static uint64_t deadline(const struct headend_group *group)
{
    uint64_t lead = headend__group_ecm_lead(group) + group->config.guard;

    if (!headend__group_on_air(group))
        return group->due;
    return group->due > lead ? group->due - lead : 0;
}

static void degrade(struct headend_group *group)
{
    if (group->degraded)
        return;
    if (!group->why[0])
        headend__group_set_why(group, "the ECM of the next crypto-period did not come in time");
    group->degraded = true;
    if (group->ops.degraded)
        group->ops.degraded(group->context, true, group->why);
}

static void recover(struct headend_group *group)
{
    group->late = group->given_up = group->fallen_back = false;
    group->why[0] = '\0';
    if (!group->degraded)
        return;
    group->degraded = false;
    if (group->ops.degraded)
        group->ops.degraded(group->context, false, "the next crypto-period has its ECM");
}

static bool usable(const struct headend_group_config *config, const struct headend_group_ops *ops)
{
    if (!config->slots || config->crypto_period < HEADEND_CRYPTO_PERIOD_MIN ||
        config->crypto_period > TIME_MAX || config->guard > config->crypto_period)
        return false;
    if (config->has_cas && (!config->orders || !ops || !ops->provision))
        return false;
    if (config->ecm_pid && (config->ecm_pid < TS_PID_FIRST || config->ecm_pid >= TS_PID_NULL))
        return false;
    if (config->generator.cw_size != 8 && config->generator.cw_size != KEYS_CW_MAX)
        return false;
    return !config->list || config->list->count;
}

int headend_group_create(struct headend_group **group, const struct headend_group_config *config,
                         const struct headend_group_ops *ops, void *context)
{
    struct headend_group *g;

    if (!usable(config, ops))
        return -EINVAL;
    g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->config = *config;
    keys_cw_generator_clear(&g->config.generator);
    g->words.generator = config->generator;
    g->words.list = config->list;
    g->words.first = config->first_crypto_period;
    g->words.fixed = config->fixed;
    if (ops)
        g->ops = *ops;
    g->context = context;
    g->period = config->crypto_period;
    *group = g;
    return 0;
}

void headend_group_destroy(struct headend_group *group)
{
    if (!group)
        return;
    headend__words_clear(&group->words);
    free(group);
}

/* When the next crypto-period can begin. */
static uint64_t start_of_next(const struct headend_group *group)
{
    uint64_t earliest = group->now + group->config.guard;

    if (!headend__group_on_air(group))
        return group->now + headend__latest(headend__group_ecm_lead(group), group->config.guard);
    return headend__latest(group->due, earliest + headend__group_ecm_lead(group));
}

static void mark_late(struct headend_group *group)
{
    if (group->late || !headend__group_on_air(group))
        return;
    group->late = true;
    group->missed = group->due;
    group->stretched++;
}

static uint8_t parity_of(const struct headend_group *group, uint64_t crypto_period)
{
    return group->config.fixed ? 0 : (uint8_t)(crypto_period & 1);
}

/* Gives the next crypto-period's slot to the worker, and then its ECM: where the ring of slots is full the
 * ECM must not go on air alone, while orders find no room only where the worker stands still. */
static bool publish(struct headend_group *group)
{
    uint64_t crypto_period = headend__group_next(group);
    uint64_t start = start_of_next(group);
    const struct base_secret *cw;

    if (headend__words_get(&group->words, crypto_period, &cw) < 0) {
        headend__group_set_why(group, "cannot make a control word");
        return false;
    }
    if (keys_slots_publish(group->config.slots, KEYS_SLOT_KEY, crypto_period, start,
                           parity_of(group, crypto_period), cw) < 0)
        return false;
    if (start > group->due)
        mark_late(group);
    if (group->config.has_cas)
        group->ecm.start = headend__group_ecm_start(group, start);
    group->in_hand = false;
    group->starts[group->published % KEYS_SLOTS] = start;
    group->published++;
    group->due = start + group->period;
    if (group->ops.period)
        group->ops.period(group->context, crypto_period, start, cw);
    recover(group);
    return !group->config.has_cas || headend__group_push_ecm(group);
}

/* Lets the policy take hold where the next crypto-period should have begun and cannot. */
static void fall_back(struct headend_group *group)
{
    const struct headend_group_config *config = &group->config;
    uint64_t limit = config->waits_for_ecms ? group->due : group->now + config->guard + 1;
    enum keys_slot_kind kind = config->policy == HEADEND_CLEAR ? KEYS_SLOT_CLEAR : KEYS_SLOT_BLACK;
    uint64_t start, last;

    if (!headend__group_on_air(group) || (config->waits_for_ecms && !group->given_up))
        return;
    if (group->now > deadline(group))
        mark_late(group);
    if (group->late && group->now >= group->missed)
        degrade(group);
    if (!group->late || config->policy == HEADEND_HOLD || group->fallen_back ||
        group->missed + config->policy_delay >= limit)
        return;
    start = headend__latest(group->missed + config->policy_delay, group->now + config->guard);
    last = headend__group_next(group) - 1;
    if (keys_slots_publish(config->slots, kind, last, start, parity_of(group, last), NULL) < 0)
        return;
    group->fallen_back = true;
    group->due = headend__latest(group->due, start);
    degrade(group);
}

static void count_begun(struct headend_group *group)
{
    while (group->begun < group->published && group->starts[group->begun % KEYS_SLOTS] <= group->now)
        group->begun++;
}

/* Source time goes forward, and where it waits for ECMs never past the one that is awaited. */
static void move_time(struct headend_group *group, uint64_t now)
{
    if (now > TIME_MAX)
        now = TIME_MAX;
    if (!group->started) {
        group->started = true;
        group->due = now;
    }
    if (group->config.waits_for_ecms && !finished(group) && now > deadline(group))
        now = deadline(group);
    group->now = headend__latest(group->now, now);
    count_begun(group);
    /* All packets before `now` are through: the worker of this thread may have had none for this group. */
    if (group->config.waits_for_ecms)
        keys_slots_current(group->config.slots, group->now);
}

/* One crypto-period further, where that is possible now. */
static bool step(struct headend_group *group)
{
    if (group->unordered && !headend__group_push_ecm(group))
        return false;
    if (finished(group) || group->published - group->begun >= HEADEND__AHEAD)
        return false;
    if (!group->config.has_cas)
        return publish(group);
    while (!group->in_hand && group->up && !group->waiting) {
        unsigned priming = group->priming;

        headend__group_ask(group);
        if (group->priming >= priming)
            break; /* sent, refused, or failed at once; an answered priming goes on */
    }
    return group->in_hand && group->config.ecm_pid && publish(group);
}

static uint64_t earlier_of(uint64_t best, uint64_t candidate, uint64_t now)
{
    return candidate > now && candidate < best ? candidate : best;
}

static uint64_t next_change(const struct headend_group *group)
{
    uint64_t next = UINT64_MAX;
    uint64_t policy = headend__latest(group->missed + group->config.policy_delay, group->config.guard);

    if (group->unordered)
        return group->now + RETRY;
    if (finished(group))
        return next;
    if (group->published - group->begun >= HEADEND__AHEAD)
        return group->starts[group->begun % KEYS_SLOTS];
    if (!group->config.has_cas || group->in_hand || (group->up && !group->waiting))
        next = group->now + RETRY;
    if (!headend__group_on_air(group))
        return next;
    next = earlier_of(next, deadline(group) + 1, group->now);
    next = earlier_of(next, group->late ? group->missed : group->due, group->now);
    if (group->late && group->config.policy != HEADEND_HOLD && !group->fallen_back)
        next =
            earlier_of(next, headend__latest(policy - group->config.guard, group->now + RETRY), group->now);
    return next;
}

uint64_t headend_group_advance(struct headend_group *group, uint64_t now)
{
    move_time(group, now);
    for (unsigned i = 0; i < STEPS_MAX && step(group); i++)
        move_time(group, now);
    if (!finished(group) && group->published - group->begun < HEADEND__AHEAD && !group->in_hand)
        fall_back(group);
    return next_change(group);
}

uint64_t headend_group_horizon(const struct headend_group *group)
{
    if (!group->started)
        return 0;
    return finished(group) ? UINT64_MAX : deadline(group);
}

bool headend_group_ready(const struct headend_group *group, uint64_t time)
{
    return (group->started && finished(group)) || time < headend_group_horizon(group);
}

void headend_group_give_up(struct headend_group *group, uint64_t now, const char *why)
{
    if (!group->config.has_cas || !group->started || finished(group) || group->in_hand)
        return;
    move_time(group, now);
    headend__group_set_why(group, why);
    mark_late(group);
    group->given_up = true;
    group->due =
        headend__latest(group->due, group->now + headend__group_ecm_lead(group) + group->config.guard) +
        group->period;
    degrade(group);
    fall_back(group);
}

void headend_group_status(const struct headend_group *group, struct headend_group_status *status)
{
    *status = (struct headend_group_status){
        .crypto_periods = group->begun,
        .ecms = group->ecms,
        .stretched = group->stretched,
        .on_air = headend__group_on_air(group),
        .degraded = group->degraded,
    };
}
