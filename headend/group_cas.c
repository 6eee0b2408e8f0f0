/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "headend/cas.h"
#include "headend/group_room.h"

#define CP_DURATION_UNIT (100 * BASE_TICKS_PER_MS)

struct headend__group_cas *headend__group_find(const struct headend_group *group, uint32_t id)
{
    for (unsigned i = 0; i < group->cas_count; i++)
        if (group->cas[i]->id == id)
            return group->cas[i];
    return NULL;
}

const struct headend__role *headend__role_of(const struct headend__definition *definition,
                                             const struct headend__group_cas *cas)
{
    for (unsigned i = 0; definition && i < definition->role_count; i++)
        if (definition->roles[i].cas == cas)
            return &definition->roles[i];
    return NULL;
}

/* The definition whose values count for a CAS: it may be of one that is still to come alone. */
static const struct headend__definition *definition_of(const struct headend_group *group,
                                                       const struct headend__group_cas *cas)
{
    const struct headend__definition *plan = headend__group_plan(group);

    if (headend__role_of(plan, cas))
        return plan;
    return headend__role_of(group->change, cas) ? group->change : group->current;
}

static void set_why(struct headend__group_cas *cas, const char *why)
{
    snprintf(cas->why, sizeof(cas->why), "%s", why);
}

int headend_group_cas_up(struct headend_group *group, uint32_t id,
                         const struct simulcrypt_channel_status *status, const char **why)
{
    struct headend__group_cas *cas = headend__group_find(group, id);
    const struct headend__definition *definition;
    const struct headend__role *role;
    int r;

    *why = "the group has no such CAS";
    if (!cas)
        return -ENOENT;
    definition = definition_of(group, cas);
    role = headend__role_of(definition, cas);
    r = headend__cas_check(status, headend__cas_period(status, definition->crypto_period),
                           role && role->allow_late_ecm, why);
    cas->waiting = cas->has_target = cas->has_told = cas->abandoned = false;
    cas->up = r >= 0;
    if (r < 0) {
        set_why(cas, *why);
        return r;
    }
    cas->status = *status;
    cas->known = true;
    return 0;
}

void headend_group_cas_down(struct headend_group *group, uint32_t id, const char *why)
{
    struct headend__group_cas *cas = headend__group_find(group, id);

    if (!cas)
        return;
    cas->up = cas->waiting = false;
    set_why(cas, why);
}

static bool is_answer(const struct headend__group_cas *cas, uint16_t cp_number)
{
    return cas && cas->waiting && cp_number == (uint16_t)cas->asked;
}

static void fail(struct headend__group_cas *cas, const char *why)
{
    cas->waiting = false;
    /* Some ECMGs answer a priming provision with "not enough control words": it has done its duty. */
    if (cas->priming) {
        cas->priming--;
        return;
    }
    cas->has_target = cas->has_told = false;
    set_why(cas, why);
}

void headend_group_provision_failed(struct headend_group *group, uint32_t id, uint16_t cp_number,
                                    const char *why)
{
    struct headend__group_cas *cas = headend__group_find(group, id);

    if (is_answer(cas, cp_number))
        fail(cas, why);
}

static struct headend__ecm *ecm_create(const struct headend__group_cas *cas, const uint8_t *datagram,
                                       size_t size)
{
    struct headend__ecm *ecm = malloc(sizeof(*ecm) + size);

    if (!ecm)
        return NULL;
    ecm->crypto_period = cas->asked;
    ecm->status = cas->status;
    ecm->start = 0;
    ecm->stop = HEADEND__NEVER;
    ecm->size = (uint16_t)size;
    if (size)
        memcpy(ecm->bytes, datagram, size);
    return ecm;
}

/* The answer about `target`. False for one that cannot be used. */
static bool take(struct headend__group_cas *cas, const uint8_t *datagram, size_t size)
{
    const char *fault = headend__cas_datagram_fault(&cas->status, datagram, size);
    struct headend__ecm *ecm = fault ? NULL : ecm_create(cas, datagram, size);

    if (!ecm) {
        fail(cas, fault ? fault : "no memory for its ECM");
        return false;
    }
    cas->why[0] = '\0';
    free(cas->in_hand);
    cas->in_hand = ecm;
    return true;
}

void headend_group_ecm(struct headend_group *group, uint32_t id, uint16_t cp_number, const uint8_t *datagram,
                       size_t size)
{
    struct headend__group_cas *cas = headend__group_find(group, id);

    if (!is_answer(cas, cp_number))
        return;
    if (cas->priming)
        cas->priming--;
    else if (!cas->stale && !take(cas, datagram, size))
        return;
    cas->waiting = cas->abandoned = false;
    cas->ecms++;
    group->ecms++;
}

void headend__cas_forget(struct headend__group_cas *cas, uint64_t crypto_period)
{
    if (cas->in_hand && cas->in_hand->crypto_period == crypto_period) {
        free(cas->in_hand);
        cas->in_hand = NULL;
    }
    if (cas->waiting && cas->asked == crypto_period && !cas->priming)
        cas->stale = true;
}

/* × 100 ms, where it is not the length that the CAS knows as the nominal one. */
static uint16_t cp_duration(const struct headend_group *group, const struct headend__group_cas *cas,
                            uint64_t crypto_period)
{
    bool planned = crypto_period >= headend__group_next(group);
    uint64_t period = headend__group_period(planned ? headend__group_plan(group) : group->current);

    if (period == headend__cas_period(&cas->status, cas->nominal))
        return 0;
    period /= CP_DURATION_UNIT;
    return period > UINT16_MAX ? UINT16_MAX : (uint16_t)period;
}

/* Sends the CW_provision for `cas->asked`. */
static bool provide(struct headend_group *group, struct headend__group_cas *cas,
                    const struct headend__role *role)
{
    struct base_secret cws[SIMULCRYPT_CWS_MAX] = {0};
    struct simulcrypt_cw_provision provision;
    int r = headend__cas_provision(&cas->status, &group->words, cas->asked, cws, &provision);

    if (r < 0)
        headend__group_set_why(group, "cannot make a control word");
    if (r >= 0) {
        provision.cp_duration = cp_duration(group, cas, cas->asked);
        provision.has_access_criteria = role->criteria;
        provision.access_criteria = role->criteria;
        provision.access_criteria_size = role->criteria_size;
        r = group->ops.provision(group->context, cas->id, &provision);
    }
    base_secure_zero(cws, sizeof(cws));
    return r >= 0;
}

/* How many CW_provisions must come before the one for `crypto_period`: none where the ECMG was asked about
 * the one before, or this one. */
static void aim(struct headend__group_cas *cas, uint64_t crypto_period)
{
    bool in_turn = cas->has_told && (crypto_period == cas->told || crypto_period == cas->told + 1);

    if (cas->has_target && cas->target == crypto_period)
        return;
    cas->priming = in_turn ? 0 : headend__cas_priming(&cas->status);
    cas->target = crypto_period;
    cas->has_target = true;
}

/* What is noted of it is noted before the call: the answer may come inside it. */
static void send_next(struct headend_group *group, struct headend__group_cas *cas,
                      const struct headend__role *role)
{
    bool had_told = cas->has_told;
    uint64_t told = cas->told;

    cas->asked = cas->target - cas->priming;
    cas->asked_at = group->now;
    cas->waiting = true;
    cas->stale = false;
    if (!cas->priming) {
        cas->has_told = true;
        cas->told = cas->target;
    }
    if (cas->target == headend__group_next(group) && headend__role_of(headend__group_plan(group), cas))
        group->asking = true;
    if (provide(group, cas, role))
        return;
    cas->waiting = false;
    cas->has_told = had_told;
    cas->told = told;
}

void headend__group_ask(struct headend_group *group, struct headend__group_cas *cas, uint64_t crypto_period,
                        const struct headend__role *role)
{
    while (cas->up && !cas->waiting && !(cas->in_hand && cas->in_hand->crypto_period == crypto_period)) {
        unsigned priming;

        aim(cas, crypto_period);
        priming = cas->priming;
        send_next(group, cas, role);
        if (cas->priming >= priming)
            break; /* sent, refused, or failed at once; an answered priming goes on */
    }
}

bool headend__group_is_complete(const struct headend_group *group)
{
    const struct headend__definition *plan = headend__group_plan(group);
    unsigned in_hand = 0;

    for (unsigned i = 0; i < plan->role_count; i++) {
        bool has = headend__has_in_hand(plan->roles[i].cas, headend__group_next(group));

        if (plan->roles[i].required && !has)
            return false;
        in_hand += has;
    }
    return in_hand || !plan->role_count;
}

/* The largest lead of the ECMs in hand. */
static uint64_t lead_in_hand(const struct headend_group *group)
{
    const struct headend__definition *plan = headend__group_plan(group);
    uint64_t next = headend__group_next(group), lead = 0;

    for (unsigned i = 0; i < plan->role_count; i++)
        if (headend__has_in_hand(plan->roles[i].cas, next))
            lead = headend__latest(lead, headend__cas_lead(group, plan->roles[i].cas, next));
    return lead;
}

/* Until when a live group waits for an optional CAS that is up. */
static uint64_t patience(const struct headend_group *group, const struct headend__group_cas *cas)
{
    uint64_t ahead = group->config.guard + lead_in_hand(group) + headend__group_leeway(group);

    if (headend__group_on_air(group))
        return group->due > ahead ? group->due - ahead : 0;
    if (!cas->waiting)
        return 0;
    return cas->asked_at + cas->status.max_comp_time * BASE_TICKS_PER_MS + HEADEND__FIRST_PATIENCE;
}

bool headend__group_is_patient(const struct headend_group *group, uint64_t *until)
{
    const struct headend__definition *plan = headend__group_plan(group);
    bool patient = false;

    *until = 0;
    for (unsigned i = 0; i < plan->role_count; i++) {
        const struct headend__group_cas *cas = plan->roles[i].cas;
        uint64_t limit;

        if (plan->roles[i].required || headend__has_in_hand(cas, headend__group_next(group)))
            continue;
        if (group->config.waits_for_ecms && !cas->abandoned)
            return true;
        limit = patience(group, cas);
        if (group->config.waits_for_ecms || !cas->up || !cas->ecm_pid || group->now >= limit)
            continue;
        patient = true;
        *until = headend__latest(*until, limit);
    }
    return patient;
}
