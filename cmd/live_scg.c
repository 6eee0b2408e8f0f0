/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live_scg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/live_eis.h"
#include "cmd/live_service.h"

#define AHEAD_MS 10000 /* a change is begun so long before its time, and four crypto-periods */

struct cmd_live_scg *cmd_live_scg_find(const struct cmd_live_stream *stream, uint16_t channel_id,
                                       uint16_t scg_id)
{
    struct cmd_live_scg *scg = stream->units ? stream->units->scgs : NULL;

    while (scg && (scg->channel_id != channel_id || scg->scg_id != scg_id || scg->ending))
        scg = scg->next;
    return scg;
}

const struct cmd_live_definition *cmd_live_scg_latest(const struct cmd_live_scg *scg)
{
    if (scg->waiting)
        return scg->waiting;
    return scg->coming ? scg->coming : scg->current;
}

static struct cmd_live_scg *make(struct cmd_live_stream *stream, uint16_t channel_id, uint16_t scg_id)
{
    struct cmd_live_scg *scg = calloc(1, sizeof(*scg));

    if (!scg)
        return NULL;
    scg->stream = stream;
    scg->channel_id = channel_id;
    scg->scg_id = scg_id;
    scg->number = ++stream->live->scgs;
    snprintf(scg->name, sizeof(scg->name), "stream %.63s, SCG %u of EIS channel %u", stream->name, scg_id,
             channel_id);
    scg->next = stream->units->scgs;
    stream->units->scgs = scg;
    return scg;
}

/* Control words. */

/* Its first crypto-period is published: what was to come is in force. To the EIS what waits has replaced it.
 */
static void take_effect(struct cmd_live_scg *scg, uint64_t start)
{
    scg->old = scg->current;
    scg->current = scg->coming;
    scg->coming = scg->waiting;
    scg->waiting = NULL;
    scg->applied = false;
    scg->boundary = start;
    scg->passed = false;
    scg->ending = scg->current->removal && !scg->coming;
    if (!scg->coming)
        cmd_live_eis_activated(scg->stream->live, scg->channel_id, scg->scg_id);
    base_log(BASE_LOG_NOTICE, "%s: %s", scg->name, scg->current->removal ? "ends" : "takes effect");
}

static void period(void *context, uint64_t start, const struct base_secret *cw)
{
    struct cmd_live_scg *scg = (struct cmd_live_scg *)context;

    (void)cw;
    if (!scg->current)
        take_effect(scg, start);
}

static void changed(void *context, uint64_t start)
{
    struct cmd_live_scg *scg = (struct cmd_live_scg *)context;

    if (scg->coming && scg->applied)
        take_effect(scg, start);
}

static const struct headend_scg_ops scg_ops = {.period = period, .changed = changed};

static unsigned describe_members(const struct cmd_live_scg *scg, const struct cmd_live_definition *definition,
                                 struct headend_group_member *members)
{
    bool clear = scg->stream->config->eis.clear_without_scg;

    for (unsigned i = 0; i < definition->unit_count; i++) {
        const struct cmd_live_unit *unit = definition->units[i];
        bool is_clear = clear && !unit->is_component;

        members[i] = (struct headend_group_member){.slots = unit->slots,
                                                   .clear_before = is_clear && unit->owner != scg,
                                                   .after = is_clear ? KEYS_SLOT_CLEAR : KEYS_SLOT_BLACK};
    }
    return definition->unit_count;
}

static unsigned describe_cas(const struct cmd_live_scg *scg, const struct cmd_live_definition *definition,
                             struct headend_scg_cas *cas)
{
    bool is_new = definition == scg->coming;

    for (unsigned i = 0; i < definition->term_count; i++) {
        const struct cmd_live_term *term = &definition->terms[i];
        const struct cmd_live_ecm *ecm = term->ecm;

        cas[i] = (struct headend_scg_cas){
            .flow = ecm->flow,
            .ecmgs = scg->stream->live->cas.cas[ecm->use->cas].ecmgs,
            .ecm_id = ecm->ecm_id,
            .required = ecm->use->required,
            .allow_late_ecm = ecm->use->allow_late_ecm,
            .access_criteria_changed = is_new && term->changed,
            .access_criteria = term->has_access_criteria ? term->access_criteria : NULL,
            .access_criteria_size = term->access_criteria_size,
        };
    }
    return definition->term_count;
}

static int begin(struct cmd_live_scg *scg)
{
    const struct cmd_live_definition *definition = scg->coming;
    struct headend_group_member members[HEADEND_GROUP_MEMBERS_MAX];
    struct headend_scg_cas cas[HEADEND_GROUP_CAS_MAX];
    struct headend_scg_config config = {
        .name = scg->name,
        .group = cmd_live_describe_group(scg->stream, HEADEND_SERVICES_MAX + scg->number),
        .cas_count = describe_cas(scg, definition, cas),
        .cas = cas,
    };

    config.group.member_count = describe_members(scg, definition, members);
    config.group.members = members;
    config.group.crypto_period = definition->crypto_period;
    config.group.guard = cmd_live_guard(definition->crypto_period);
    return headend_scg_create(&scg->scg, &config, &scg_ops, scg);
}

static int change(struct cmd_live_scg *scg, const struct cmd_live_definition *definition, uint64_t not_before)
{
    struct headend_group_member members[HEADEND_GROUP_MEMBERS_MAX];
    struct headend_scg_cas cas[HEADEND_GROUP_CAS_MAX];
    const struct headend_scg_change change = {
        .not_before = not_before,
        .member_count = describe_members(scg, definition, members),
        .members = members,
        .cas_count = describe_cas(scg, definition, cas),
        .cas = cas,
        .crypto_period = definition->crypto_period,
    };

    return headend_scg_change(scg->scg, &change);
}

/* The definition to come. */

/* A definition that has been applied and is not in force: it is as if it had never been asked for. */
static void call_off(struct cmd_live_scg *scg, const struct cmd_live_definition *definition)
{
    if (scg->current) {
        (void)change(scg, scg->current, 0);
    } else {
        headend_scg_destroy(scg->scg);
        scg->scg = NULL;
    }
    for (unsigned i = 0; i < definition->unit_count; i++) {
        struct cmd_live_unit *unit = definition->units[i];

        if (unit->owner == scg && !cmd_live_definition_holds(scg->current, unit) &&
            !cmd_live_definition_holds(scg->old, unit))
            unit->owner = NULL;
    }
    scg->applied = false;
    cmd_live_announce_scgs(scg->stream, definition);
}

/* The group has begun to carry out a change: the next one can only follow it. */
static bool is_committed(const struct cmd_live_scg *scg)
{
    return scg->scg && headend_group_is_committed(headend_scg_group(scg->scg));
}

static void replace(struct cmd_live_scg *scg, struct cmd_live_definition *definition)
{
    struct cmd_live_definition *before = scg->coming;

    scg->coming = definition;
    if (before && scg->applied)
        call_off(scg, before);
    cmd_live_definition_destroy(scg->stream, before);
}

/* What could no longer be replaced can, for its ECMs do not come. */
static void replace_late(struct cmd_live_scg *scg)
{
    struct cmd_live_definition *definition = scg->waiting;

    if (!definition || is_committed(scg))
        return;
    scg->waiting = NULL;
    replace(scg, definition);
}

int cmd_live_scg_define(struct cmd_live_stream *stream, uint16_t channel_id, uint16_t scg_id,
                        struct cmd_live_definition *definition)
{
    struct cmd_live_scg *scg = cmd_live_scg_find(stream, channel_id, scg_id);

    if (!scg)
        scg = make(stream, channel_id, scg_id);
    if (!scg)
        return -ENOMEM;
    cmd_live_definition_destroy(stream, scg->waiting);
    scg->waiting = NULL;
    if (scg->applied && is_committed(scg))
        scg->waiting = definition;
    else
        replace(scg, definition);
    return 0;
}

static bool units_are_free(const struct cmd_live_scg *scg)
{
    for (unsigned i = 0; i < scg->coming->unit_count; i++) {
        const struct cmd_live_scg *owner = scg->coming->units[i]->owner;

        if (owner && owner != scg)
            return false;
    }
    return true;
}

static void own_units(struct cmd_live_scg *scg)
{
    for (unsigned i = 0; i < scg->coming->unit_count; i++)
        scg->coming->units[i]->owner = scg;
}

/* How far away its time is, in ms; 0 or less: it has come. */
static int64_t wait_of(const struct cmd_live_definition *definition)
{
    return definition->activation_ms == HEADEND_EIS_AT_ONCE
               ? 0
               : definition->activation_ms - (int64_t)(base_clock_utc_ns() / 1000000);
}

/* What was before has begun, and all of what was before that is over. */
static bool has_settled(const struct cmd_live_scg *scg)
{
    return !scg->old && !is_committed(scg) && (!scg->current || (scg->passed && !scg->current->removal));
}

/* One that begins waits for its time; one that changes looks for the boundary itself. */
static bool is_due(const struct cmd_live_scg *scg, int64_t wait_ms)
{
    int64_t ahead = scg->scg ? AHEAD_MS + (int64_t)(4 * scg->coming->crypto_period / BASE_TICKS_PER_MS) : 0;

    return wait_ms <= ahead && has_settled(scg) && units_are_free(scg);
}

/* A removal of what has not begun. */
static void forget(struct cmd_live_scg *scg)
{
    cmd_live_definition_destroy(scg->stream, scg->coming);
    scg->coming = NULL;
    scg->ending = true;
    cmd_live_eis_activated(scg->stream->live, scg->channel_id, scg->scg_id);
}

static void apply(struct cmd_live_scg *scg, uint64_t now)
{
    int64_t wait_ms = wait_of(scg->coming);
    int status;

    if (scg->applied || !is_due(scg, wait_ms))
        return;
    if (!scg->scg && scg->coming->removal) {
        forget(scg);
        return;
    }
    status = scg->scg
                 ? change(scg, scg->coming, now + (wait_ms > 0 ? (uint64_t)wait_ms * BASE_TICKS_PER_MS : 0))
                 : begin(scg);
    if (status < 0)
        base_log(BASE_LOG_ERROR, "%s: cannot be carried out: %s", scg->name, base_error_text(status));
    own_units(scg);
    scg->applied = true; /* a failure is not tried again: the EIS sees that it stays pending */
    cmd_live_announce_scgs(scg->stream, scg->coming);
}

/* The boundary, and what follows it. */

static void map_unit(struct cmd_live_scg *scg, struct cmd_live_unit *unit, bool mapped)
{
    if (!unit->is_component || unit->mapped == mapped)
        return;
    unit->mapped = mapped;
    cmd_live_map_components(scg->stream, unit->service);
}

static void pass_boundary(struct cmd_live_scg *scg)
{
    scg->passed = true;
    for (unsigned i = 0; scg->old && i < scg->old->unit_count; i++) {
        struct cmd_live_unit *unit = scg->old->units[i];

        if (cmd_live_definition_holds(scg->current, unit))
            continue;
        map_unit(scg, unit, false);
        if (!cmd_live_definition_holds(scg->coming, unit) || !scg->applied)
            unit->owner = NULL;
    }
    for (unsigned i = 0; i < scg->current->unit_count; i++)
        map_unit(scg, scg->current->units[i], true);
}

/* The last ECMs of what has left are over. */
static void drop_old(struct cmd_live_scg *scg)
{
    struct cmd_live_definition *old = scg->old;

    scg->old = NULL;
    cmd_live_announce_scgs(scg->stream, old);
    cmd_live_definition_destroy(scg->stream, old);
}

static void follow(struct cmd_live_scg *scg, uint64_t now)
{
    if (scg->scg)
        headend_scg_advance(scg->scg, now);
    if (scg->current && !scg->passed && now >= scg->boundary)
        pass_boundary(scg);
    if (scg->old && scg->passed && now >= scg->boundary + headend_scg_echo(scg->scg))
        drop_old(scg);
}

static void destroy(struct cmd_live_scg *scg)
{
    headend_scg_destroy(scg->scg);
    cmd_live_definition_destroy(scg->stream, scg->old);
    cmd_live_definition_destroy(scg->stream, scg->current);
    cmd_live_definition_destroy(scg->stream, scg->coming);
    cmd_live_definition_destroy(scg->stream, scg->waiting);
    free(scg);
}

/* A removal in force, and nothing left of what was before. */
static bool has_gone(const struct cmd_live_scg *scg)
{
    return scg->current && scg->current->removal && !scg->old && scg->passed &&
           headend_group_has_ended(headend_scg_group(scg->scg));
}

/* The EIS wanted it again when it could no longer be kept: it begins anew. */
static void revive(struct cmd_live_scg *scg)
{
    headend_scg_destroy(scg->scg);
    cmd_live_definition_destroy(scg->stream, scg->current);
    scg->scg = NULL;
    scg->current = NULL;
}

static bool is_over(const struct cmd_live_scg *scg)
{
    return scg->ending && (!scg->scg || has_gone(scg));
}

void cmd_live_scgs_advance(struct cmd_live_stream *stream, uint64_t now)
{
    struct cmd_live_scg **link = stream->units ? &stream->units->scgs : NULL;

    while (link && *link) {
        struct cmd_live_scg *scg = *link;

        follow(scg, now);
        replace_late(scg);
        if (scg->coming && has_gone(scg))
            revive(scg);
        if (scg->coming)
            apply(scg, now);
        if (is_over(scg)) {
            *link = scg->next;
            destroy(scg);
        } else {
            link = &scg->next;
        }
    }
}

void cmd_live_scgs_place_ecms(struct cmd_live_stream *stream)
{
    for (struct cmd_live_scg *scg = stream->units->scgs; scg; scg = scg->next) {
        if (scg->scg)
            headend_scg_place_ecms(scg->scg, stream->follower);
    }
}

void cmd_live_scgs_clear(struct cmd_live_stream *stream)
{
    if (!stream->units)
        return;
    while (stream->units->scgs) {
        struct cmd_live_scg *scg = stream->units->scgs;

        stream->units->scgs = scg->next;
        destroy(scg);
    }
    for (unsigned i = HEADEND_SERVICES_MAX; i < CMD_LIVE_UNITS_MAX; i++)
        keys_slots_destroy(stream->units->units[i].slots);
    free(stream->units);
    stream->units = NULL;
}
