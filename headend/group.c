/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "headend/cas.h"
#include "headend/words.h"
#include "ts/order.h"

/* Crypto-periods published beyond the running one. With the one in its grace period they fill the ring of
 * KEYS_SLOTS. Two, because an ECM with a delay_start of nearly -CP must be in hand a whole period early. */
#define AHEAD 2
_Static_assert(AHEAD + 2 <= KEYS_SLOTS, "the running period, those ahead and one in grace");

#define REPETITION_DEFAULT (100 * BASE_TICKS_PER_MS) /* ECM_rep_period 0 */
#define RETRY              (10 * BASE_TICKS_PER_MS)
#define TIME_MAX           (UINT64_C(1) << 62)

struct headend_group {
    struct headend_group_config config; /* generator and list: in `words` */
    struct headend_group_ops ops;
    void *context;
    struct headend__words words;

    /* The ECMG. One CW_provision is outstanding at most (TS 103 197, 5.4). */
    struct simulcrypt_channel_status cas;
    bool up;
    bool waiting;     /* for the answer about `asked` */
    uint64_t asked;   /* crypto-period */
    unsigned priming; /* CW_provisions to send before the one for the next crypto-period */
    bool in_hand;     /* `ecm` is the next crypto-period's */
    bool unordered;   /* `ecm` is the newest published one's, for which there was no room among the orders */
    struct ts_order ecm;
    struct ts_order played[AHEAD + 1]; /* by crypto-period: what set_ecm_pid() moves */
    uint64_t ecms;
    uint64_t last_order; /* start of the newest order */

    /* The schedule. The next crypto-period is first_crypto_period + published. */
    bool started;
    uint64_t now;
    uint64_t period;             /* ticks */
    uint64_t published;          /* crypto-periods */
    uint64_t begun;              /* of those, by now */
    uint64_t starts[KEYS_SLOTS]; /* of the published ones */
    uint64_t due;                /* planned start of the next */

    /* What is done where it cannot start then. */
    bool late;
    uint64_t missed;  /* `due` when it became late */
    bool given_up;    /* headend_group_give_up() was called for the next crypto-period */
    bool fallen_back; /* black or clear is published */
    bool degraded;
    uint64_t stretched;
    char why[192];
};

static uint64_t latest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t next_crypto_period(const struct headend_group *group)
{
    return group->config.first_crypto_period + group->published;
}

/* Whether the newest slot holds for ever. */
static bool finished(const struct headend_group *group)
{
    if (group->config.fixed)
        return group->published >= 1;
    return group->words.list && group->published >= group->words.list->count;
}

static bool on_air(const struct headend_group *group)
{
    return group->published;
}

/* When the next ECM is to begin, relative to its crypto-period. At a start out of black or clear it comes
 * first, whatever the ECMG says. */
static int64_t ecm_delay(const struct headend_group *group)
{
    int64_t delay;

    if (!group->config.has_cas || (!on_air(group) && !group->config.lead_in))
        return 0;
    if (on_air(group) && !(group->fallen_back && group->config.policy == HEADEND_CLEAR))
        return headend__cas_delay_start(&group->cas, false);
    delay = headend__cas_delay_start(&group->cas, true);
    return delay < 0 ? delay : 0;
}

/* How long before its crypto-period the next ECM begins; 0 where it begins later. */
static uint64_t ecm_lead(const struct headend_group *group)
{
    int64_t delay = ecm_delay(group);

    return delay < 0 ? (uint64_t)-delay : 0;
}

/* From when on the next ECM must be in hand. */
static uint64_t deadline(const struct headend_group *group)
{
    uint64_t lead = ecm_lead(group) + group->config.guard;

    if (!on_air(group))
        return group->due;
    return group->due > lead ? group->due - lead : 0;
}

static void set_why(struct headend_group *group, const char *why)
{
    snprintf(group->why, sizeof(group->why), "%s", why);
}

static void degrade(struct headend_group *group)
{
    if (group->degraded)
        return;
    if (!group->why[0])
        set_why(group, "the ECM of the next crypto-period did not come in time");
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

int headend_group_cas_up(struct headend_group *group, const struct simulcrypt_channel_status *status,
                         const char **why)
{
    uint64_t period = headend__cas_period(status, group->config.crypto_period);
    int r = headend__cas_check(status, period, group->config.allow_late_ecm, why);

    group->waiting = false;
    group->up = r >= 0;
    if (r < 0) {
        set_why(group, *why);
        return r;
    }
    group->cas = *status;
    group->period = period;
    group->priming = headend__cas_priming(status);
    return 0;
}

void headend_group_cas_down(struct headend_group *group, const char *why)
{
    group->up = false;
    group->waiting = false;
    set_why(group, why);
}

void headend_group_provision_failed(struct headend_group *group, uint16_t cp_number, const char *why)
{
    if (!group->waiting || cp_number != (uint16_t)group->asked)
        return;
    group->waiting = false;
    /* Some ECMGs answer a priming provision with "not enough control words": it has done its duty. */
    if (group->priming) {
        group->priming--;
        return;
    }
    group->priming = headend__cas_priming(&group->cas);
    set_why(group, why);
}

void headend_group_ecm(struct headend_group *group, uint16_t cp_number, const uint8_t *datagram, size_t size)
{
    const char *fault;

    if (!group->waiting || cp_number != (uint16_t)group->asked)
        return;
    fault = group->priming ? NULL : headend__cas_datagram_fault(&group->cas, datagram, size);
    if (fault) {
        headend_group_provision_failed(group, cp_number, fault);
        return;
    }
    group->waiting = false;
    group->ecms++;
    if (group->priming) {
        group->priming--;
        return;
    }
    group->ecm = (struct ts_order){
        .kind = size ? TS_ORDER_PLAY : TS_ORDER_STOP,
        .form = group->cas.packets ? TS_ORDER_PACKETS : TS_ORDER_SECTION,
        .period =
            group->cas.ecm_rep_period ? group->cas.ecm_rep_period * BASE_TICKS_PER_MS : REPETITION_DEFAULT,
        .size = (uint16_t)size,
    };
    if (size)
        memcpy(group->ecm.bytes, datagram, size);
    group->in_hand = true;
}

/* Asks for the next ECM, or sends what must come before. */
static void ask(struct headend_group *group)
{
    struct base_secret cws[SIMULCRYPT_CWS_MAX] = {0};
    struct simulcrypt_cw_provision provision;
    int r;

    if (!group->up || group->waiting)
        return;
    group->asked = next_crypto_period(group) - group->priming;
    r = headend__cas_provision(&group->cas, &group->words, group->asked, cws, &provision);
    if (r < 0)
        set_why(group, "cannot make a control word");
    if (r >= 0) {
        /* Before the call: the answer may come inside it. */
        group->waiting = true;
        r = group->ops.provision(group->context, &provision);
        if (r < 0)
            group->waiting = false;
    }
    base_secure_zero(cws, sizeof(cws));
}

/* When the ECM in hand begins, its crypto-period beginning at `start`. */
static uint64_t ecm_start(const struct headend_group *group, uint64_t start)
{
    uint64_t lead = ecm_lead(group);

    if (!on_air(group))
        start = group->now;
    else if (lead)
        start = start > lead ? start - lead : 0;
    else
        start += (uint64_t)ecm_delay(group);
    return latest(latest(start, group->now), group->last_order);
}

static bool push_ecm(struct headend_group *group)
{
    group->ecm.pid = group->config.ecm_pid;
    group->unordered = ts_order_push(group->config.orders, &group->ecm) < 0;
    if (group->unordered)
        return false;
    group->last_order = group->ecm.start;
    group->played[(group->published - 1) % (AHEAD + 1)] = group->ecm;
    return true;
}

/* When the next crypto-period can begin. */
static uint64_t start_of_next(const struct headend_group *group)
{
    uint64_t earliest = group->now + group->config.guard;

    if (!on_air(group))
        return group->now + latest(ecm_lead(group), group->config.guard);
    return latest(group->due, earliest + ecm_lead(group));
}

static void mark_late(struct headend_group *group)
{
    if (group->late || !on_air(group))
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
    uint64_t crypto_period = next_crypto_period(group);
    uint64_t start = start_of_next(group);
    const struct base_secret *cw;

    if (headend__words_get(&group->words, crypto_period, &cw) < 0) {
        set_why(group, "cannot make a control word");
        return false;
    }
    if (keys_slots_publish(group->config.slots, KEYS_SLOT_KEY, crypto_period, start,
                           parity_of(group, crypto_period), cw) < 0)
        return false;
    if (start > group->due)
        mark_late(group);
    if (group->config.has_cas)
        group->ecm.start = ecm_start(group, start);
    group->in_hand = false;
    group->starts[group->published % KEYS_SLOTS] = start;
    group->published++;
    group->due = start + group->period;
    if (group->ops.period)
        group->ops.period(group->context, crypto_period, start, cw);
    recover(group);
    return !group->config.has_cas || push_ecm(group);
}

/* Lets the policy take hold where the next crypto-period should have begun and cannot. */
static void fall_back(struct headend_group *group)
{
    const struct headend_group_config *config = &group->config;
    uint64_t limit = config->waits_for_ecms ? group->due : group->now + config->guard + 1;
    enum keys_slot_kind kind = config->policy == HEADEND_CLEAR ? KEYS_SLOT_CLEAR : KEYS_SLOT_BLACK;
    uint64_t start, last;

    if (!on_air(group) || (config->waits_for_ecms && !group->given_up))
        return;
    if (group->now > deadline(group))
        mark_late(group);
    if (group->late && group->now >= group->missed)
        degrade(group);
    if (!group->late || config->policy == HEADEND_HOLD || group->fallen_back ||
        group->missed + config->policy_delay >= limit)
        return;
    start = latest(group->missed + config->policy_delay, group->now + config->guard);
    last = next_crypto_period(group) - 1;
    if (keys_slots_publish(config->slots, kind, last, start, parity_of(group, last), NULL) < 0)
        return;
    group->fallen_back = true;
    group->due = latest(group->due, start);
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
    group->now = latest(group->now, now);
    count_begun(group);
    /* All packets before `now` are through: the worker of this thread may have had none for this group. */
    if (group->config.waits_for_ecms)
        keys_slots_current(group->config.slots, group->now);
}

/* One crypto-period further, where that is possible now. */
static bool step(struct headend_group *group)
{
    if (group->unordered && !push_ecm(group))
        return false;
    if (finished(group) || group->published - group->begun >= AHEAD)
        return false;
    if (!group->config.has_cas)
        return publish(group);
    while (!group->in_hand && group->up && !group->waiting) {
        unsigned priming = group->priming;

        ask(group);
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
    uint64_t policy = group->missed + group->config.policy_delay;

    if (group->unordered)
        return group->now + RETRY;
    if (finished(group))
        return next;
    if (group->published - group->begun >= AHEAD)
        return group->starts[group->begun % KEYS_SLOTS];
    if (!group->config.has_cas || group->in_hand || (group->up && !group->waiting))
        next = group->now + RETRY;
    if (!on_air(group))
        return next;
    next = earlier_of(next, deadline(group) + 1, group->now);
    next = earlier_of(next, group->late ? group->missed : group->due, group->now);
    if (group->late && group->config.policy != HEADEND_HOLD && !group->fallen_back)
        next = earlier_of(next, policy > group->config.guard ? policy - group->config.guard : 0, group->now);
    return next;
}

uint64_t headend_group_advance(struct headend_group *group, uint64_t now)
{
    do {
        move_time(group, now);
    } while (step(group));
    if (!finished(group) && group->published - group->begun < AHEAD && !group->in_hand)
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
    if (!group->started || finished(group) || group->in_hand)
        return;
    move_time(group, now);
    set_why(group, why);
    mark_late(group);
    group->given_up = true;
    group->due = latest(group->due, group->now + ecm_lead(group) + group->config.guard) + group->period;
    degrade(group);
    fall_back(group);
}

/* What plays and what waits begins anew on `pid`; the old PID, which may belong to a component now, ends at
 * once: an order holds from its start on, whatever waits there. */
static int move_ecms(struct headend_group *group, uint16_t pid)
{
    uint64_t first = group->begun ? group->begun - 1 : 0;
    struct ts_order order;
    int r;

    for (uint64_t i = first; i < group->published - group->unordered; i++) {
        order = group->played[i % (AHEAD + 1)];
        order.pid = pid;
        order.start = latest(order.start, group->now);
        r = ts_order_push(group->config.orders, &order);
        if (r < 0)
            return r;
    }
    order = (struct ts_order){.kind = TS_ORDER_STOP, .pid = group->config.ecm_pid, .start = group->now};
    return ts_order_push(group->config.orders, &order);
}

int headend_group_set_ecm_pid(struct headend_group *group, uint16_t ecm_pid)
{
    int r = 0;

    if (ecm_pid < TS_PID_FIRST || ecm_pid >= TS_PID_NULL)
        return -EINVAL;
    if (ecm_pid == group->config.ecm_pid)
        return 0;
    if (group->config.has_cas && on_air(group))
        r = move_ecms(group, ecm_pid);
    if (r >= 0)
        group->config.ecm_pid = ecm_pid;
    return r;
}

void headend_group_status(const struct headend_group *group, struct headend_group_status *status)
{
    *status = (struct headend_group_status){
        .crypto_periods = group->begun,
        .ecms = group->ecms,
        .stretched = group->stretched,
        .on_air = on_air(group),
        .degraded = group->degraded,
    };
}
