/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/group.h"

#include <errno.h>
#include <stdlib.h>

#include "headend/cas.h"
#include "headend/group_room.h"

#define RETRY     (10 * BASE_TICKS_PER_MS)
#define STEPS_MAX 1000 /* of one call, where source time leaps in a file run */
#define TIME_MAX  (UINT64_C(1) << 62)

static bool is_pid(uint16_t pid)
{
    return pid >= TS_PID_FIRST && pid < TS_PID_NULL;
}

bool headend__cas_usable(const struct headend_group_cas *cas, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if ((cas[i].ecm_pid && !is_pid(cas[i].ecm_pid)) ||
            cas[i].access_criteria_size > SIMULCRYPT_ACCESS_CRITERIA_MAX)
            return false;
        for (unsigned j = 0; j < i; j++)
            if (cas[j].id == cas[i].id || (cas[i].ecm_pid && cas[j].ecm_pid == cas[i].ecm_pid))
                return false;
    }
    return true;
}

static bool usable(const struct headend_group_config *config, const struct headend_group_ops *ops)
{
    if (!headend__members_usable(config->members, config->member_count) ||
        config->crypto_period < HEADEND_CRYPTO_PERIOD_MIN || config->crypto_period > TIME_MAX ||
        config->guard > config->crypto_period)
        return false;
    if (config->cas_count > HEADEND_GROUP_CAS_MAX ||
        (config->cas_count && (!config->cas || !config->orders || !ops || !ops->provision)))
        return false;
    if (config->generator.cw_size != 8 && config->generator.cw_size != KEYS_CW_MAX)
        return false;
    return headend__cas_usable(config->cas, config->cas_count) && (!config->list || config->list->count);
}

static void take_config(struct headend_group *group, const struct headend_group_config *config,
                        const struct headend_group_ops *ops, void *context)
{
    group->config = *config;
    group->config.members = NULL;
    group->config.cas = NULL;
    keys_cw_generator_clear(&group->config.generator);
    group->words.generator = config->generator;
    group->words.list = config->list;
    group->words.first = config->first_crypto_period;
    group->words.fixed = config->fixed;
    if (ops)
        group->ops = *ops;
    group->context = context;
}

int headend_group_create(struct headend_group **out, const struct headend_group_config *config,
                         const struct headend_group_ops *ops, void *context)
{
    struct headend_group *group;
    int r;

    if (!usable(config, ops))
        return -EINVAL;
    group = calloc(1, sizeof(*group));
    if (!group)
        return -ENOMEM;
    take_config(group, config, ops, context);
    r = headend__definition_create(&group->current, group, config->member_count, config->members,
                                   config->cas_count, config->cas, config->crypto_period);
    if (r < 0) {
        headend_group_destroy(group);
        return r;
    }
    for (unsigned i = 0; i < config->member_count; i++)
        headend__members_show_clear(group, &config->members[i]);
    *out = group;
    return 0;
}

void headend_group_destroy(struct headend_group *group)
{
    if (!group)
        return;
    for (unsigned i = 0; i < group->cas_count; i++)
        headend__cas_destroy(group->cas[i]);
    headend__definition_destroy(group->current);
    headend__definition_destroy(group->coming);
    headend__definition_destroy(group->change);
    headend__words_clear(&group->words);
    free(group);
}

/* Gives the next crypto-period's slot to the worker, and then its ECMs: where a ring of slots is full ECMs
 * must not go on air alone, while orders find no room only where the worker stands still. */
static bool publish(struct headend_group *group)
{
    const struct headend__definition *plan = headend__group_plan(group);
    uint64_t crypto_period = headend__group_next(group), start = headend__group_start_of_next(group);
    const struct base_secret *cw = NULL;

    if (!headend__ends(plan) && headend__words_get(&group->words, crypto_period, &cw) < 0) {
        headend__group_set_why(group, "cannot make a control word");
        return false;
    }
    if (!headend__members_publish(group, start, cw))
        return false;
    if (start > group->due)
        headend__group_mark_late(group);
    group->starts[group->published % HEADEND__STARTS] = start;
    headend__group_order(group, start);
    group->due = start + headend__group_period(plan);
    group->asking = false;
    group->ended = headend__ends(plan);
    group->published += !group->ended;
    if (group->ops.period && cw)
        group->ops.period(group->context, crypto_period, start, cw);
    headend__group_recover(group);
    headend__group_settle(group, crypto_period, start);
    return true;
}

static void count_begun(struct headend_group *group)
{
    while (group->begun < group->published && group->starts[group->begun % HEADEND__STARTS] <= group->now)
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
    if (group->config.waits_for_ecms && now > headend__group_limit(group))
        now = headend__group_limit(group);
    group->now = headend__latest(group->now, now);
    count_begun(group);
    if (group->config.waits_for_ecms)
        headend__members_pass(group);
}

static bool send_orders(struct headend_group *group)
{
    bool all = true;

    for (unsigned i = 0; i < group->cas_count; i++)
        all &= headend__cas_send(group, group->cas[i]);
    return all;
}

static bool order_late(struct headend_group *group)
{
    bool any = false;

    for (unsigned i = 0; i < group->cas_count; i++) {
        struct headend__group_cas *cas = group->cas[i];

        if (!cas->in_hand || cas->in_hand->crypto_period >= headend__group_next(group) || !cas->ecm_pid ||
            !headend__role_of(group->current, cas))
            continue;
        headend__cas_order_late(group, cas);
        any = true;
    }
    return any;
}

/* The crypto-period that a CAS is to be asked about now, and under what; NULL: none. One that lags behind
 * goes over what is past. */
static const struct headend__role *wanted(const struct headend_group *group,
                                          const struct headend__group_cas *cas, bool full, uint64_t *wanted)
{
    uint64_t running = group->config.first_crypto_period + group->begun - (group->begun > 0);
    uint64_t n = headend__latest(cas->next, running), next = headend__group_next(group);

    while (n < next && headend__cas_is_past(group, cas, n))
        n++;
    *wanted = n;
    if (n > next || (n == next && full))
        return NULL;
    return headend__role_of(n == next ? headend__group_plan(group) : group->current, cas);
}

static void ask_all(struct headend_group *group, bool full)
{
    for (unsigned i = 0; i < group->cas_count; i++) {
        struct headend__group_cas *cas = group->cas[i];
        uint64_t n;
        const struct headend__role *role = wanted(group, cas, full, &n);

        if (!role)
            continue;
        cas->next = n;
        if (cas->in_hand && cas->in_hand->crypto_period != n)
            headend__cas_forget(cas, cas->in_hand->crypto_period);
        headend__group_ask(group, cas, n, role);
    }
}

/* One crypto-period or late ECM further, where that is possible now. */
static bool step(struct headend_group *group)
{
    bool full;
    uint64_t until;

    if (!send_orders(group))
        return false;
    if (order_late(group))
        return true;
    headend__group_ask_newcomers(group);
    full = headend__group_is_full(group) || !headend__group_adopt(group);
    ask_all(group, full);
    if (order_late(group))
        return true;
    return !full && headend__group_is_complete(group) && !headend__group_is_patient(group, &until) &&
           publish(group);
}

static uint64_t earlier_of(uint64_t best, uint64_t candidate, uint64_t now)
{
    return candidate > now && candidate < best ? candidate : best;
}

/* Something was refused that is to be tried again. */
static bool is_to_retry(const struct headend_group *group)
{
    bool full = headend__group_is_full(group);

    for (unsigned i = 0; i < group->cas_count; i++) {
        const struct headend__group_cas *cas = group->cas[i];
        uint64_t n;

        if (cas->unsent_count)
            return true;
        if (cas->up && !cas->waiting && !cas->in_hand &&
            (wanted(group, cas, full, &n) || headend__cas_is_to_be_asked(group, cas)))
            return true;
    }
    return false;
}

/* When what is on air may have to change for want of an ECM. */
static uint64_t next_failure(const struct headend_group *group, uint64_t next)
{
    uint64_t policy = headend__latest(group->missed + group->config.policy_delay, group->config.guard);

    if (!headend__group_on_air(group))
        return next;
    next = earlier_of(next, headend__group_deadline(group) + 1, group->now);
    next = earlier_of(next, group->late ? group->missed : group->due, group->now);
    if (!group->late || group->config.policy == HEADEND_HOLD || group->fallen_back)
        return next;
    return earlier_of(next, headend__latest(policy - group->config.guard, group->now + RETRY), group->now);
}

static uint64_t next_change(const struct headend_group *group)
{
    uint64_t next = is_to_retry(group) ? group->now + RETRY : HEADEND__NEVER;
    uint64_t until;

    if (group->ended)
        return earlier_of(next, headend__group_start_of(group, headend__group_next(group)), group->now);
    if (headend__group_finished(group))
        return next;
    if (headend__group_is_full(group))
        return earlier_of(next, group->starts[group->begun % HEADEND__STARTS], group->now);
    if (headend__group_is_patient(group, &until))
        next = earlier_of(next, until, group->now);
    else if (headend__group_is_complete(group))
        next = group->now + RETRY;
    return next_failure(group, next);
}

uint64_t headend_group_advance(struct headend_group *group, uint64_t now)
{
    move_time(group, now);
    for (unsigned i = 0; i < STEPS_MAX && step(group); i++)
        move_time(group, now);
    headend__group_sweep(group);
    if (!headend__group_is_full(group) && !headend__group_is_complete(group))
        headend__group_fall_back(group);
    return next_change(group);
}

uint64_t headend_group_horizon(const struct headend_group *group)
{
    if (!group->started)
        return 0;
    return headend__group_limit(group);
}

bool headend_group_ready(const struct headend_group *group, uint64_t time)
{
    return (group->started && headend__group_finished(group)) || time < headend_group_horizon(group);
}

static void abandon_optional(struct headend_group *group)
{
    const struct headend__definition *plan = headend__group_plan(group);

    for (unsigned i = 0; i < plan->role_count; i++)
        if (!plan->roles[i].required && !headend__has_in_hand(plan->roles[i].cas, headend__group_next(group)))
            plan->roles[i].cas->abandoned = true;
}

void headend_group_give_up(struct headend_group *group, uint64_t now, const char *why)
{
    if (!group->started || headend__group_is_full(group) || !headend__group_plan(group)->role_count)
        return;
    move_time(group, now);
    if (headend__group_is_full(group) || headend__group_abandon_newcomers(group))
        return;
    abandon_optional(group);
    if (headend__group_is_complete(group))
        return;
    headend__group_set_why(group, why);
    headend__group_mark_late(group);
    group->given_up = true;
    group->due = headend__latest(group->due, group->now + headend__group_lead(group)) +
                 headend__group_period(headend__group_plan(group));
    headend__group_fall_back(group);
}

void headend_group_status(const struct headend_group *group, struct headend_group_status *status)
{
    *status = (struct headend_group_status){
        .crypto_periods = group->begun,
        .ecms = group->ecms,
        .stretched = group->stretched,
        .without = group->without,
        .on_air = headend__group_on_air(group),
        .degraded = group->degraded,
    };
}

int headend_group_cas_status(const struct headend_group *group, uint32_t id,
                             struct headend_group_cas_status *status)
{
    const struct headend__group_cas *cas = headend__group_find(group, id);

    if (!cas)
        return -ENOENT;
    *status = (struct headend_group_cas_status){
        .up = cas->up, .missing = cas->missing, .ecms = cas->ecms, .without = cas->without};
    snprintf(status->why, sizeof(status->why), "%s", cas->why);
    return 0;
}
