/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "headend/cas.h"
#include "headend/group_room.h"

/* What an ECM holds, as far as its ECMG said: the CWs up to lead_CW crypto-periods ahead. */
static bool covers(const struct headend__ecm *ecm, uint64_t crypto_period)
{
    return ecm && ecm->size && ecm->crypto_period + ecm->status.lead_cw >= crypto_period;
}

/* Its first ECMs: nothing of it is on air. */
static bool is_joining(const struct headend__group_cas *cas, uint64_t crypto_period)
{
    return !cas->newest && cas->since == crypto_period;
}

static int64_t not_after(int64_t delay)
{
    return delay < 0 ? delay : 0;
}

/* A CW is never on air before its ECM, but by the operator's will: where the ECM before it does not hold it
 * (of another ECMG, or where AC_delay_start is other than delay_start) the delay is a little negative,
 * whatever the ECMG says. */
static int64_t in_time(const struct headend_group *group, const struct headend__group_cas *cas,
                       uint64_t crypto_period, int64_t delay)
{
    const struct headend__role *role = headend__role_of(headend__group_plan(group), cas);

    if (delay < 0 || !cas->newest || covers(cas->newest, crypto_period) || (role && role->allow_late_ecm))
        return delay;
    return -(int64_t)headend__group_leeway(group);
}

/* When the ECM for `crypto_period` is to begin, relative to that. At a start out of black or clear it comes
 * first, whatever the ECMG says. */
static int64_t start_delay(const struct headend_group *group, const struct headend__group_cas *cas,
                           uint64_t crypto_period)
{
    const struct simulcrypt_channel_status *status =
        cas->in_hand && cas->in_hand->crypto_period == crypto_period ? &cas->in_hand->status : &cas->status;
    bool from_clear = group->fallen_back && group->config.policy == HEADEND_CLEAR;

    if (crypto_period == group->config.first_crypto_period && !group->config.lead_in)
        return 0;
    if (crypto_period == group->config.first_crypto_period || is_joining(cas, crypto_period) || from_clear)
        return not_after(headend__cas_delay_start(status, HEADEND__TRANSITION));
    if (cas->has_changed && cas->changed == crypto_period)
        return in_time(group, cas, crypto_period, headend__cas_delay_start(status, HEADEND__CRITERIA));
    return in_time(group, cas, crypto_period, headend__cas_delay_start(status, HEADEND__ORDINARY));
}

uint64_t headend__cas_lead(const struct headend_group *group, const struct headend__group_cas *cas,
                           uint64_t crypto_period)
{
    int64_t delay = start_delay(group, cas, crypto_period);

    return delay < 0 ? (uint64_t)-delay : 0;
}

static uint64_t shift(uint64_t time, int64_t by)
{
    if (by < 0)
        return time > (uint64_t)-by ? time - (uint64_t)-by : 0;
    return time + (uint64_t)by;
}

bool headend__cas_is_past(const struct headend_group *group, const struct headend__group_cas *cas,
                          uint64_t crypto_period)
{
    uint64_t next = crypto_period + 1;

    if (next > headend__group_next(group) || (next == headend__group_next(group) && !group->ended))
        return false;
    return group->now + headend__cas_lead(group, cas, next) >= headend__group_start_of(group, next);
}

/* When the ECM in hand begins, its crypto-period beginning at `start`. One that follows a gap, or comes first
 * and late, plays as soon as it can. */
static uint64_t ecm_start(const struct headend_group *group, const struct headend__group_cas *cas,
                          uint64_t start)
{
    uint64_t crypto_period = cas->in_hand->crypto_period;
    bool follows = cas->newest && cas->newest->crypto_period + 1 == crypto_period;

    if (crypto_period == group->config.first_crypto_period || (!follows && !is_joining(cas, crypto_period)))
        start = group->now;
    else
        start = shift(start, start_delay(group, cas, crypto_period));
    start = headend__latest(start, group->now);
    return cas->newest ? headend__latest(start, cas->newest->start) : start;
}

static void push(struct headend__group_cas *cas, const struct headend__ecm *ecm, uint64_t start)
{
    cas->unsent[cas->unsent_count++] = (struct headend__unsent){.ecm = ecm, .start = start};
}

/* When an ECM ends, where the crypto-period after its own begins at `end`. */
static uint64_t ecm_stop(const struct headend_group *group, const struct headend__group_cas *cas,
                         const struct headend__ecm *ecm, uint64_t end)
{
    enum headend__moment moment = HEADEND__ORDINARY;
    uint64_t stop;

    if (group->ended || headend__ends(headend__group_plan(group)))
        moment = HEADEND__TRANSITION;
    else if (cas->has_changed && cas->changed == ecm->crypto_period + 1)
        moment = HEADEND__CRITERIA;
    stop = shift(end, headend__cas_delay_stop(&ecm->status, moment));
    return stop > ecm->start ? stop : end; /* values that would end it before it begins are passed over */
}

uint64_t headend__cas_stop_lead(const struct headend_group *group, const struct headend__group_cas *cas)
{
    uint64_t stop;

    if (!cas->newest || cas->newest->crypto_period + 1 != headend__group_next(group))
        return 0;
    stop = ecm_stop(group, cas, cas->newest, group->due);
    return stop < group->due ? group->due - stop : 0;
}

/* Ends the newest ECM, whose crypto-period ends at `end`, unless another has taken over until then. */
static void end_newest(const struct headend_group *group, struct headend__group_cas *cas, uint64_t end,
                       uint64_t followed_at)
{
    struct headend__ecm *ecm = cas->newest;
    uint64_t stop;

    if (!ecm || ecm->stop != HEADEND__NEVER)
        return;
    stop = headend__latest(ecm_stop(group, cas, ecm, end), group->now);
    if (stop >= followed_at || stop <= ecm->start)
        return;
    ecm->stop = stop;
    push(cas, NULL, stop);
}

/* What is in hand becomes the newest ECM. */
static void play(struct headend__group_cas *cas, uint64_t start)
{
    struct headend__ecm *ecm = cas->in_hand;
    struct headend__ecm **place = &cas->ordered[ecm->crypto_period % HEADEND__ORDERED];

    if (*place == cas->newest)
        cas->newest = NULL;
    free(*place);
    *place = ecm;
    ecm->start = start;
    cas->newest = ecm;
    cas->in_hand = NULL;
    cas->next = ecm->crypto_period + 1;
    push(cas, ecm, start);
}

static void set_missing(struct headend_group *group, struct headend__group_cas *cas, bool missing)
{
    const char *why = cas->why[0] ? cas->why : "its ECM did not come in time";

    if (missing == cas->missing)
        return;
    cas->missing = missing;
    if (group->ops.cas_missing)
        group->ops.cas_missing(group->context, cas->id, missing, missing ? why : "it has an ECM again");
}

static void leave_behind(struct headend_group *group, struct headend__group_cas *cas, uint64_t start)
{
    end_newest(group, cas, start, HEADEND__NEVER);
    cas->without++;
    group->without++;
    set_missing(group, cas, true);
}

static void order(struct headend_group *group, struct headend__group_cas *cas, uint64_t start)
{
    uint64_t begin;

    if (!headend__has_in_hand(cas, headend__group_next(group))) {
        leave_behind(group, cas, start);
        return;
    }
    begin = ecm_start(group, cas, start);
    end_newest(group, cas, start, begin);
    play(cas, begin);
    set_missing(group, cas, false);
}

void headend__group_order(struct headend_group *group, uint64_t start)
{
    const struct headend__definition *plan = headend__group_plan(group);

    for (unsigned i = 0; i < group->cas_count; i++) {
        struct headend__group_cas *cas = group->cas[i];

        if (headend__role_of(plan, cas))
            order(group, cas, start);
        else if (headend__role_of(group->current, cas))
            end_newest(group, cas, start, HEADEND__NEVER);
    }
}

void headend__cas_order_late(struct headend_group *group, struct headend__group_cas *cas)
{
    uint64_t crypto_period = cas->in_hand->crypto_period;
    bool is_last = crypto_period + 1 == headend__group_next(group);

    if (headend__cas_is_past(group, cas, crypto_period)) {
        headend__cas_forget(cas, crypto_period);
        return;
    }
    play(cas, ecm_start(group, cas, headend__group_start_of(group, crypto_period)));
    if (is_last)
        set_missing(group, cas, false);
    if (!is_last || group->ended || !headend__role_of(group->current, cas))
        end_newest(group, cas, headend__group_start_of(group, crypto_period + 1), HEADEND__NEVER);
}

static int send_one(const struct headend_group *group, const struct headend__ecm *ecm, uint16_t pid,
                    uint64_t start)
{
    struct ts_order order;

    memset(&order, 0, offsetof(struct ts_order, bytes));
    order.kind = ecm && ecm->size ? TS_ORDER_PLAY : TS_ORDER_STOP;
    order.pid = pid;
    order.stream = group->config.order_stream;
    order.start = start;
    if (ecm && ecm->size) {
        order.form = ecm->status.packets ? TS_ORDER_PACKETS : TS_ORDER_SECTION;
        order.period = headend__cas_repetition(&ecm->status);
        order.size = ecm->size;
        memcpy(order.bytes, ecm->bytes, ecm->size);
    }
    return ts_order_push(group->config.orders, &order);
}

bool headend__cas_send(struct headend_group *group, struct headend__group_cas *cas)
{
    unsigned sent = 0;

    while (sent < cas->unsent_count &&
           send_one(group, cas->unsent[sent].ecm, cas->ecm_pid, cas->unsent[sent].start) >= 0)
        sent++;
    cas->unsent_count -= sent;
    memmove(cas->unsent, cas->unsent + sent, cas->unsent_count * sizeof(cas->unsent[0]));
    return !cas->unsent_count;
}

/* An ECM that plays, or is to play, begins anew on `pid`, and ends there as it was to. */
static int move_ecm(const struct headend_group *group, const struct headend__group_cas *cas,
                    const struct headend__ecm *ecm, uint16_t pid)
{
    const struct headend__ecm *follower = cas->ordered[(ecm->crypto_period + 1) % HEADEND__ORDERED];
    int r;

    if (follower && follower->crypto_period != ecm->crypto_period + 1)
        follower = NULL;
    if (ecm->stop <= group->now || (follower && follower->start <= group->now))
        return 0;
    r = send_one(group, ecm, pid, headend__latest(ecm->start, group->now));
    if (r >= 0 && ecm->stop != HEADEND__NEVER && !(follower && follower->start <= ecm->stop))
        r = send_one(group, NULL, pid, ecm->stop);
    return r;
}

/* What plays and what waits moves; the old PID, which may belong to a component now, ends at once: an order
 * holds from its start on, whatever waits there. */
static int move_ecms(const struct headend_group *group, const struct headend__group_cas *cas, uint16_t pid)
{
    uint64_t last = cas->newest->crypto_period;
    int r = 0;

    for (uint64_t n = last + 1 - HEADEND__ORDERED; r >= 0 && n != last + 1; n++) {
        const struct headend__ecm *ecm = cas->ordered[n % HEADEND__ORDERED];

        if (ecm && ecm->crypto_period == n)
            r = move_ecm(group, cas, ecm, pid);
    }
    return r < 0 ? r : send_one(group, NULL, cas->ecm_pid, group->now);
}

static bool is_taken(const struct headend_group *group, uint16_t pid)
{
    for (unsigned i = 0; i < group->cas_count; i++)
        if (group->cas[i]->ecm_pid == pid)
            return true;
    return false;
}

int headend_group_set_ecm_pid(struct headend_group *group, uint32_t id, uint16_t ecm_pid)
{
    struct headend__group_cas *cas = headend__group_find(group, id);
    int r = 0;

    if (ecm_pid < TS_PID_FIRST || ecm_pid >= TS_PID_NULL)
        return -EINVAL;
    if (!cas)
        return -ENOENT;
    if (ecm_pid == cas->ecm_pid)
        return 0;
    if (is_taken(group, ecm_pid))
        return -EBUSY;
    if (cas->newest)
        r = move_ecms(group, cas, ecm_pid);
    if (r >= 0)
        cas->ecm_pid = ecm_pid;
    return r;
}

void headend__cas_destroy(struct headend__group_cas *cas)
{
    if (!cas)
        return;
    free(cas->in_hand);
    for (unsigned i = 0; i < HEADEND__ORDERED; i++)
        free(cas->ordered[i]);
    free(cas);
}
