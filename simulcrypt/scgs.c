/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 10: what becomes of SCG_provisions. */
#include "simulcrypt/scgs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "simulcrypt/eis_scs_table.h"
#include "simulcrypt/link.h"
#include "simulcrypt/streams.h"

struct definition {
    struct simulcrypt_scg scg; /* points into criteria[] */
    uint8_t criteria[];
};

struct group {
    struct simulcrypt__stream head; /* SCG_id */
    struct definition *current, *pending;
};

#define MARKS (65536 / 8)

struct simulcrypt_scgs {
    struct simulcrypt_scs_abilities abilities;
    struct simulcrypt_scgs_ops ops;
    void *context;
    struct simulcrypt__streams groups;
    uint8_t services[MARKS], components[MARKS]; /* one bit per id: what is_taken() looks for */
};

static struct group *find_group(const struct simulcrypt_scgs *scgs, uint16_t scg_id)
{
    return (struct group *)simulcrypt__streams_find(&scgs->groups, scg_id);
}

static const struct simulcrypt_scg *latest(const struct group *group)
{
    return group->pending ? &group->pending->scg : &group->current->scg;
}

static struct definition *copy_definition(const struct simulcrypt_scg *scg)
{
    size_t size = 0;
    for (unsigned i = 0; i < scg->ecm_group_count; i++)
        size += scg->ecm_groups[i].access_criteria_size;
    struct definition *copy = malloc(sizeof(*copy) + size);
    if (!copy)
        return NULL;
    copy->scg = *scg;
    uint8_t *at = copy->criteria;
    for (unsigned i = 0; i < scg->ecm_group_count; i++) {
        struct simulcrypt_ecm_group *group = &copy->scg.ecm_groups[i];
        if (!group->access_criteria_size)
            continue;
        memcpy(at, group->access_criteria, group->access_criteria_size);
        group->access_criteria = at;
        at += group->access_criteria_size;
    }
    return copy;
}

static struct group *make_group(struct simulcrypt_scgs *scgs, uint16_t scg_id)
{
    struct group *group = calloc(1, sizeof(*group));
    if (!group)
        return NULL;
    group->head.id = scg_id;
    if (!simulcrypt__streams_insert(&scgs->groups, &group->head))
        return group;
    free(group);
    return NULL;
}

static void mark(uint8_t marks[static MARKS], const uint16_t *ids, size_t count, bool marked)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t bit = (uint8_t)(1u << ids[i] % 8);
        marks[ids[i] / 8] = marked ? marks[ids[i] / 8] | bit : marks[ids[i] / 8] & (uint8_t)~bit;
    }
}

static bool has_marked(const uint8_t marks[static MARKS], const uint16_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (marks[ids[i] / 8] & 1u << ids[i] % 8)
            return true;
    return false;
}

static void mark_content(struct simulcrypt_scgs *scgs, const struct simulcrypt_scg *scg, bool marked)
{
    mark(scgs->services, scg->services, scg->service_count, marked);
    mark(scgs->components, scg->components, scg->component_count, marked);
}

/* `b` is marked. Components belong to the services that stand beside them, where an EIS names any. Whether a
 * service and one of its components may be in two SCGs is not settled here: component-level signalling comes
 * first then. */
static bool overlap(const struct simulcrypt_scgs *scgs, const struct simulcrypt_scg *a,
                    const struct simulcrypt_scg *b)
{
    bool services = has_marked(scgs->services, a->services, a->service_count);
    if (a->transport_stream_id != b->transport_stream_id || a->original_network_id != b->original_network_id)
        return false;
    if (!a->component_count != !b->component_count)
        return false;
    if (!a->component_count)
        return services;
    return (services || !a->service_count || !b->service_count) &&
           has_marked(scgs->components, a->components, a->component_count);
}

/* Marks make it linear in what all SCGs hold: a peer can define ten thousand of 256 services. */
static bool is_taken(struct simulcrypt_scgs *scgs, const struct simulcrypt_scg *scg)
{
    bool taken = false;
    mark_content(scgs, scg, true);
    for (size_t i = 0; i < scgs->groups.count && !taken; i++) {
        const struct group *group = (const struct group *)scgs->groups.items[i];
        taken = group->head.id != scg->scg_id && overlap(scgs, latest(group), scg);
    }
    mark_content(scgs, scg, false);
    return taken;
}

static uint16_t check_content(struct simulcrypt_scgs *scgs, const struct simulcrypt_scg *scg,
                              int *information)
{
    *information = SIMULCRYPT_EIS_P_ECM_GROUP;
    if (!scg->ecm_group_count)
        return SIMULCRYPT_EIS_NO_ECM_GROUP;
    *information = SIMULCRYPT_EIS_P_COMPONENT_ID;
    if (scg->component_count && !scgs->abilities.components)
        return SIMULCRYPT_EIS_NO_COMPONENT_SCGS;
    *information = SIMULCRYPT_EIS_P_SERVICE_ID;
    if (!scg->service_count && !scg->component_count)
        return SIMULCRYPT_EIS_NO_CONTENT;
    if (!scg->component_count && !scgs->abilities.services)
        return SIMULCRYPT_EIS_NO_SERVICE_SCGS;
    *information = scg->component_count ? SIMULCRYPT_EIS_P_COMPONENT_ID : SIMULCRYPT_EIS_P_SERVICE_ID;
    return is_taken(scgs, scg) ? SIMULCRYPT_EIS_RESOURCE_TAKEN : SIMULCRYPT_EIS_OK;
}

static uint16_t check(struct simulcrypt_scgs *scgs, const struct simulcrypt_scg *scg, int *information)
{
    bool exists = find_group(scgs, scg->scg_id) != NULL;
    *information = SIMULCRYPT_EIS_P_SCG_ID;
    if (simulcrypt_scg_is_removal(scg))
        return exists ? SIMULCRYPT_EIS_OK : SIMULCRYPT_EIS_UNKNOWN_SCG;
    if (!exists && scgs->groups.count >= scgs->abilities.max_scg)
        return SIMULCRYPT_EIS_TOO_MANY_SCGS;
    uint16_t error = check_content(scgs, scg, information);
    if (error)
        return error;
    *information = SIMULCRYPT_NO_INFORMATION;
    return scgs->ops.check(scgs->context, scg);
}

/* The whole definition replaces one that was still pending. */
static uint16_t accept_definition(struct simulcrypt_scgs *scgs, const struct simulcrypt_scg *scg)
{
    struct definition *definition = copy_definition(scg);
    struct group *group = find_group(scgs, scg->scg_id);
    if (definition && !group)
        group = make_group(scgs, scg->scg_id);
    if (!definition || !group) {
        free(definition);
        return SIMULCRYPT_EIS_UNKNOWN_ERROR;
    }
    free(group->pending);
    group->pending = definition;
    scgs->ops.accepted(scgs->context, &definition->scg);
    return SIMULCRYPT_EIS_OK;
}

uint16_t simulcrypt__scgs_provide(struct simulcrypt_scgs *scgs, const struct simulcrypt_scg *scg,
                                  int *information)
{
    uint16_t error = check(scgs, scg, information);
    if (error && error != SIMULCRYPT_EIS_ACTIVATION_TOO_SOON)
        return error;
    *information = SIMULCRYPT_NO_INFORMATION;
    uint16_t refused = accept_definition(scgs, scg);
    return refused ? refused : error;
}

void simulcrypt__scgs_reset(struct simulcrypt_scgs *scgs)
{
    for (size_t i = 0; i < scgs->groups.count; i++) {
        const struct simulcrypt_scg *before = latest((const struct group *)scgs->groups.items[i]);
        struct simulcrypt_scg removal = {
            .scg_id = before->scg_id,
            .reference_id = before->reference_id,
            .transport_stream_id = before->transport_stream_id,
            .original_network_id = before->original_network_id,
        };
        accept_definition(scgs, &removal);
    }
}

static void remove_group(struct simulcrypt_scgs *scgs, struct group *group)
{
    free(group->current);
    free(group->pending);
    simulcrypt__streams_remove(&scgs->groups, group->head.id);
}

int simulcrypt_scgs_activated(struct simulcrypt_scgs *scgs, uint16_t scg_id)
{
    struct group *group = find_group(scgs, scg_id);
    if (!group || !group->pending)
        return -ENOENT;
    if (simulcrypt_scg_is_removal(&group->pending->scg)) {
        remove_group(scgs, group);
        return 0;
    }
    free(group->current);
    group->current = group->pending;
    group->pending = NULL;
    return 0;
}

const struct simulcrypt_scg *simulcrypt_scgs_current(const struct simulcrypt_scgs *scgs, uint16_t scg_id)
{
    const struct group *group = find_group(scgs, scg_id);
    return group && group->current ? &group->current->scg : NULL;
}

const struct simulcrypt_scg *simulcrypt_scgs_pending(const struct simulcrypt_scgs *scgs, uint16_t scg_id)
{
    const struct group *group = find_group(scgs, scg_id);
    return group && group->pending ? &group->pending->scg : NULL;
}

size_t simulcrypt_scgs_count(const struct simulcrypt_scgs *scgs)
{
    return scgs->groups.count;
}

uint16_t simulcrypt_scgs_id_at(const struct simulcrypt_scgs *scgs, size_t position)
{
    return scgs->groups.items[position]->id;
}

const struct simulcrypt_scs_abilities *simulcrypt__scgs_abilities(const struct simulcrypt_scgs *scgs)
{
    return &scgs->abilities;
}

bool simulcrypt__scgs_status(const struct simulcrypt_scgs *scgs, uint16_t scg_id,
                             struct simulcrypt_scg_status *status)
{
    const struct group *group = find_group(scgs, scg_id);
    if (!group)
        return false;
    *status = (struct simulcrypt_scg_status){
        .scg_id = scg_id,
        .current_reference_id = group->current ? group->current->scg.reference_id : 0,
        .pending = group->pending != NULL,
        .pending_reference_id = group->pending ? group->pending->scg.reference_id : 0,
        .nominal_cp_duration = scgs->ops.nominal_cp_duration(scgs->context, scg_id),
    };
    return true;
}

int simulcrypt_scgs_create(struct simulcrypt_scgs **scgs, const struct simulcrypt_scs_abilities *abilities,
                           const struct simulcrypt_scgs_ops *ops, void *context)
{
    struct simulcrypt_scgs *made = calloc(1, sizeof(*made));
    *scgs = made;
    if (!made)
        return -ENOMEM;
    made->abilities = *abilities;
    made->ops = *ops;
    made->context = context;
    if (!abilities->max_scg || abilities->max_scg > SIMULCRYPT_SCGS_MAX)
        made->abilities.max_scg = SIMULCRYPT_SCGS_MAX;
    return 0;
}

void simulcrypt_scgs_destroy(struct simulcrypt_scgs *scgs)
{
    if (!scgs)
        return;
    while (scgs->groups.count)
        remove_group(scgs, (struct group *)scgs->groups.items[scgs->groups.count - 1]);
    simulcrypt__streams_clear(&scgs->groups);
    free(scgs);
}
