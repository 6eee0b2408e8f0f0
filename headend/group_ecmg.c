/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "headend/cas.h"
#include "headend/group_room.h"

#define REPETITION_DEFAULT (100 * BASE_TICKS_PER_MS) /* ECM_rep_period 0 */
int headend_group_cas_up(struct headend_group *group, const struct simulcrypt_channel_status *status,
                         const char **why)
{
    uint64_t period = headend__cas_period(status, group->config.crypto_period);
    int r = headend__cas_check(status, period, group->config.allow_late_ecm, why);

    group->waiting = false;
    group->up = r >= 0;
    if (r < 0) {
        headend__group_set_why(group, *why);
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
    headend__group_set_why(group, why);
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
    headend__group_set_why(group, why);
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

/* When the next ECM is to begin, relative to its crypto-period. At a start out of black or clear it comes
 * first, whatever the ECMG says. */
static int64_t ecm_delay(const struct headend_group *group)
{
    int64_t delay;

    if (!group->config.has_cas || (!headend__group_on_air(group) && !group->config.lead_in))
        return 0;
    if (headend__group_on_air(group) && !(group->fallen_back && group->config.policy == HEADEND_CLEAR))
        return headend__cas_delay_start(&group->cas, false);
    delay = headend__cas_delay_start(&group->cas, true);
    return delay < 0 ? delay : 0;
}

uint64_t headend__group_ecm_lead(const struct headend_group *group)
{
    int64_t delay = ecm_delay(group);

    return delay < 0 ? (uint64_t)-delay : 0;
}

void headend__group_ask(struct headend_group *group)
{
    struct base_secret cws[SIMULCRYPT_CWS_MAX] = {0};
    struct simulcrypt_cw_provision provision;
    int r;

    if (!group->up || group->waiting)
        return;
    group->asked = headend__group_next(group) - group->priming;
    r = headend__cas_provision(&group->cas, &group->words, group->asked, cws, &provision);
    if (r < 0)
        headend__group_set_why(group, "cannot make a control word");
    if (r >= 0) {
        /* Before the call: the answer may come inside it. */
        group->waiting = true;
        r = group->ops.provision(group->context, &provision);
        if (r < 0)
            group->waiting = false;
    }
    base_secure_zero(cws, sizeof(cws));
}

uint64_t headend__group_ecm_start(const struct headend_group *group, uint64_t start)
{
    uint64_t lead = headend__group_ecm_lead(group);

    if (!headend__group_on_air(group))
        start = group->now;
    else if (lead)
        start = start > lead ? start - lead : 0;
    else
        start += (uint64_t)ecm_delay(group);
    return headend__latest(headend__latest(start, group->now), group->last_order);
}

bool headend__group_push_ecm(struct headend_group *group)
{
    group->ecm.pid = group->config.ecm_pid;
    group->unordered = ts_order_push(group->config.orders, &group->ecm) < 0;
    if (group->unordered)
        return false;
    group->last_order = group->ecm.start;
    group->played[(group->published - 1) % (HEADEND__AHEAD + 1)] = group->ecm;
    return true;
}

/* What plays and what waits begins anew on `pid`; the old PID, which may belong to a component now, ends at
 * once: an order holds from its start on, whatever waits there. */
static int move_ecms(struct headend_group *group, uint16_t pid)
{
    uint64_t first = group->begun ? group->begun - 1 : 0;
    struct ts_order order;
    int r;

    for (uint64_t i = first; i < group->published - group->unordered; i++) {
        order = group->played[i % (HEADEND__AHEAD + 1)];
        order.pid = pid;
        order.start = headend__latest(order.start, group->now);
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
    if (group->config.has_cas && headend__group_on_air(group))
        r = move_ecms(group, ecm_pid);
    if (r >= 0)
        group->config.ecm_pid = ecm_pid;
    return r;
}
