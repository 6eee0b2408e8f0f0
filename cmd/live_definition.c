/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an EIS's definition means here: units, ECM streams and their numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/live_scg.h"

#define CP_DURATION_UNIT  (100 * BASE_TICKS_PER_MS) /* of recommended_CP_duration */
#define CRYPTO_PERIOD_MIN (500 * BASE_TICKS_PER_MS) /* that an EIS can have */

/* Until an SCG takes it: black, or clear by the operator's will. */
int cmd_live_unit_init(struct cmd_live_stream *stream, unsigned service)
{
    struct cmd_live_unit *unit = &stream->units->units[service];

    unit->slots = stream->services[service].common.slots;
    unit->group = unit->service = service;
    return stream->config->eis.clear_without_scg
               ? keys_slots_publish(unit->slots, KEYS_SLOT_CLEAR, 0, 0, 0, NULL)
               : 0;
}

struct cmd_live_unit *cmd_live_unit_of_service(struct cmd_live_stream *stream, uint16_t service_id)
{
    struct headend_service_status status;

    for (unsigned i = 0; i < stream->service_count; i++) {
        if (!headend_follower_status(stream->follower, i, &status) && status.found &&
            status.service_id == service_id)
            return &stream->units->units[i];
    }
    return NULL;
}

static bool is_of(const struct cmd_live_unit *unit, unsigned service, uint16_t component)
{
    return unit->named && unit->service == service && unit->component == component;
}

static struct cmd_live_unit *find_component(struct cmd_live_units *units, unsigned service,
                                            uint16_t component)
{
    for (unsigned i = HEADEND_SERVICES_MAX; i < CMD_LIVE_UNITS_MAX; i++) {
        if (is_of(&units->units[i], service, component))
            return &units->units[i];
    }
    return NULL;
}

static bool is_unused(const struct cmd_live_unit *unit)
{
    return !unit->named && !unit->owner;
}

unsigned cmd_live_units_free(const struct cmd_live_stream *stream)
{
    unsigned count = 0;

    for (unsigned i = HEADEND_SERVICES_MAX; i < CMD_LIVE_UNITS_MAX; i++)
        count += is_unused(&stream->units->units[i]);
    return count;
}

/* Slots stay with their group of the plan, for a worker may read them at any time. */
static struct cmd_live_unit *make_component(struct cmd_live_stream *stream, unsigned service,
                                            uint16_t component)
{
    const struct keys_grace grace = pipeline_grace(stream->live->pipeline);
    unsigned index = HEADEND_SERVICES_MAX;
    struct cmd_live_unit *unit;

    while (index < CMD_LIVE_UNITS_MAX && !is_unused(&stream->units->units[index]))
        index++;
    if (index == CMD_LIVE_UNITS_MAX)
        return NULL;
    unit = &stream->units->units[index];
    if (!unit->slots && keys_slots_create(&unit->slots, stream->cipher, &grace) < 0)
        return NULL;
    unit->group = index;
    unit->service = service;
    unit->component = component;
    unit->is_component = unit->named = true;
    stream->groups[index].slots = unit->slots;
    return unit;
}

static bool is_listed(const struct simulcrypt_scg *scg, const struct cmd_live_stream *stream,
                      unsigned service)
{
    struct headend_service_status status;

    if (!scg->service_count)
        return true;
    if (headend_follower_status(stream->follower, service, &status))
        return false;
    for (unsigned i = 0; i < scg->service_count; i++) {
        if (scg->services[i] == status.service_id)
            return true;
    }
    return false;
}

int cmd_live_find_component(const struct cmd_live_stream *stream, const struct simulcrypt_scg *scg,
                            uint16_t component, unsigned *service)
{
    bool by_tag = stream->live->config->eis.components_by_tag;

    for (*service = 0; *service < stream->service_count; ++*service) {
        if (is_listed(scg, stream, *service) &&
            headend_follower_has_component(stream->follower, *service, by_tag, component))
            return 0;
    }
    return -ENOENT;
}

struct cmd_live_unit *cmd_live_unit_of_component(struct cmd_live_stream *stream,
                                                 const struct simulcrypt_scg *scg, uint16_t component,
                                                 bool take)
{
    struct cmd_live_unit *unit;
    unsigned service;

    if (cmd_live_find_component(stream, scg, component, &service))
        return NULL;
    unit = find_component(stream->units, service, component);
    return unit || !take ? unit : make_component(stream, service, component);
}

const struct cmd_cas_use *cmd_live_find_use(const struct cmd_live_stream *stream, uint32_t super_cas_id)
{
    const struct cmd_headend_stream *config = stream->config;

    for (unsigned i = 0; i < config->cas_count; i++) {
        if (stream->live->config->cas.cas[config->cas[i].cas].super_cas_id == super_cas_id)
            return &config->cas[i];
    }
    return NULL;
}

static struct cmd_live_term *find_term(struct cmd_live_definition *definition, const struct cmd_cas_use *use,
                                       uint16_t ecm_id)
{
    for (unsigned i = 0; definition && i < definition->term_count; i++) {
        struct cmd_live_ecm *ecm = definition->terms[i].ecm;

        if (ecm->use == use && ecm->ecm_id == ecm_id)
            return &definition->terms[i];
    }
    return NULL;
}

struct cmd_live_ecm *cmd_live_scg_find_ecm(const struct cmd_live_scg *scg, const struct cmd_cas_use *use,
                                           uint16_t ecm_id)
{
    struct cmd_live_definition *const definitions[] = {scg->current, scg->coming, scg->waiting};
    struct cmd_live_term *term = NULL;

    for (unsigned i = 0; !term && i < 3; i++)
        term = find_term(definitions[i], use, ecm_id);
    return term ? term->ecm : NULL;
}

static int take_flow(struct cmd_live_units *units, uint16_t *flow)
{
    for (unsigned i = 0; i < HEADEND_FLOWS_MAX; i++) {
        if (units->flows[i / 8] & 1u << i % 8)
            continue;
        units->flows[i / 8] |= (uint8_t)(1u << i % 8);
        *flow = (uint16_t)i;
        return 0;
    }
    return -1;
}

static struct cmd_live_ecm *make_ecm(struct cmd_live_stream *stream, const struct cmd_cas_use *use,
                                     uint16_t ecm_id)
{
    struct cmd_live_ecm *ecm = calloc(1, sizeof(*ecm));

    if (!ecm || take_flow(stream->units, &ecm->flow) < 0) {
        free(ecm);
        return NULL;
    }
    ecm->use = use;
    ecm->ecm_id = cmd_cas_take_ecm_id(&stream->live->cas.cas[use->cas], ecm_id);
    return ecm;
}

static void release_ecm(struct cmd_live_stream *stream, struct cmd_live_ecm *ecm)
{
    if (--ecm->holders)
        return;
    cmd_cas_give_ecm_id(&stream->live->cas.cas[ecm->use->cas], ecm->ecm_id);
    stream->units->flows[ecm->flow / 8] &= (uint8_t) ~(1u << ecm->flow % 8);
    free(ecm);
}

/* What an ECM_Group leaves out stays as it was. */
static bool take_criteria(struct cmd_live_term *term, const struct cmd_live_term *before,
                          const struct simulcrypt_ecm_group *group)
{
    bool said = group->has_access_criteria;
    const uint8_t *bytes = said ? group->access_criteria : before ? before->access_criteria : NULL;

    term->has_access_criteria = said || (before && before->has_access_criteria);
    term->access_criteria_size = said     ? group->access_criteria_size
                                 : before ? before->access_criteria_size
                                          : 0;
    term->access_criteria = malloc(term->access_criteria_size + 1u);
    if (term->access_criteria && bytes)
        memcpy(term->access_criteria, bytes, term->access_criteria_size);
    return term->access_criteria;
}

static bool add_term(struct cmd_live_stream *stream, const struct cmd_live_scg *before,
                     struct cmd_live_definition *definition, const struct simulcrypt_ecm_group *group)
{
    const struct cmd_cas_use *use = cmd_live_find_use(stream, group->super_cas_id);
    struct cmd_live_term *current = before ? find_term(before->current, use, group->ecm_id) : NULL;
    struct cmd_live_ecm *known = before ? cmd_live_scg_find_ecm(before, use, group->ecm_id) : NULL;
    struct cmd_live_term *term = &definition->terms[definition->term_count];

    term->ecm = known ? known : make_ecm(stream, use, group->ecm_id);
    if (!term->ecm)
        return false;
    term->ecm->holders++;
    definition->term_count++;
    term->changed = group->ac_changed;
    return take_criteria(term, current, group);
}

bool cmd_live_definition_holds(const struct cmd_live_definition *definition, const struct cmd_live_unit *unit)
{
    for (unsigned i = 0; definition && i < definition->unit_count; i++) {
        if (definition->units[i] == unit)
            return true;
    }
    return false;
}

/* Once, however often an EIS names it. */
static bool add_unit(struct cmd_live_definition *definition, struct cmd_live_unit *unit)
{
    if (cmd_live_definition_holds(definition, unit))
        return true;
    if (!unit || definition->unit_count == HEADEND_GROUP_MEMBERS_MAX)
        return false;
    unit->holders++;
    definition->units[definition->unit_count++] = unit;
    return true;
}

static bool add_units(struct cmd_live_stream *stream, struct cmd_live_definition *definition,
                      const struct simulcrypt_scg *scg)
{
    bool added = true;

    for (unsigned i = 0; added && i < scg->component_count; i++)
        added = add_unit(definition, cmd_live_unit_of_component(stream, scg, scg->components[i], true));
    for (unsigned i = 0; added && !scg->component_count && i < scg->service_count; i++)
        added = add_unit(definition, cmd_live_unit_of_service(stream, scg->services[i]));
    return added;
}

static uint64_t crypto_period_of(const struct cmd_live_stream *stream, const struct simulcrypt_scg *scg)
{
    uint64_t recommended = scg->recommended_cp_duration * CP_DURATION_UNIT;

    if (!recommended)
        return stream->config->crypto_period;
    return recommended > CRYPTO_PERIOD_MIN ? recommended : CRYPTO_PERIOD_MIN;
}

struct cmd_live_definition *cmd_live_definition_create(struct cmd_live_stream *stream,
                                                       const struct cmd_live_scg *before,
                                                       const struct simulcrypt_scg *scg,
                                                       int64_t activation_ms)
{
    struct cmd_live_definition *definition = calloc(1, sizeof(*definition));
    bool added;

    if (!definition)
        return NULL;
    definition->removal = simulcrypt_scg_is_removal(scg);
    definition->crypto_period = crypto_period_of(stream, scg);
    definition->activation_ms = activation_ms;
    added = add_units(stream, definition, scg);
    for (unsigned i = 0; added && i < scg->ecm_group_count; i++)
        added = add_term(stream, before, definition, &scg->ecm_groups[i]);
    if (added)
        return definition;
    cmd_live_definition_destroy(stream, definition);
    return NULL;
}

void cmd_live_definition_destroy(struct cmd_live_stream *stream, struct cmd_live_definition *definition)
{
    if (!definition)
        return;
    for (unsigned i = 0; i < definition->term_count; i++) {
        free(definition->terms[i].access_criteria);
        release_ecm(stream, definition->terms[i].ecm);
    }
    for (unsigned i = 0; i < definition->unit_count; i++) {
        struct cmd_live_unit *unit = definition->units[i];

        if (!--unit->holders)
            unit->named = false;
    }
    free(definition);
}
