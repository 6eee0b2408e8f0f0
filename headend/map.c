/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <strings.h>

#include "headend/follower_room.h"

static void set_bit(uint8_t *bits, uint16_t pid)
{
    bits[pid / 8] |= (uint8_t)(1u << pid % 8);
}

static void clear_bit(uint8_t *bits, uint16_t pid)
{
    bits[pid / 8] &= (uint8_t) ~(1u << pid % 8);
}

/* Which programme is meant */

static const struct headend__program *find_named(struct headend_follower *follower,
                                                 struct headend__service *service)
{
    const struct headend__tables *tables = &follower->tables;
    const struct headend__program *found = NULL;

    service->ambiguous = false;
    if (!tables->programs) /* no PAT yet */
        return NULL;
    for (unsigned i = 0; i < tables->program_count; i++) {
        const char *name = headend__tables_name(tables, tables->programs[i].number);

        if (!name || strcasecmp(name, service->config.name) != 0)
            continue;
        service->ambiguous |= found != NULL;
        if (!found)
            found = &tables->programs[i];
    }
    return found;
}

static const struct headend__program *find_service(struct headend_follower *follower,
                                                   struct headend__service *service)
{
    const struct headend__tables *tables = &follower->tables;
    const struct headend__program *before =
        service->chosen ? headend__tables_program(tables, service->id) : NULL;
    const struct headend__program *named;

    switch (service->config.choice) {
    case HEADEND_SERVICE_ID:
        return headend__tables_program(tables, service->config.service_id);
    case HEADEND_SERVICE_NAME:
        /* A service that is renamed on air stays the one that was meant. */
        named = find_named(follower, service);
        return named ? named : before;
    default:
        if (!before && tables->program_count)
            return &tables->programs[0];
        return before;
    }
}

static void find_services(struct headend_follower *follower)
{
    follower->name_pending = false;
    for (unsigned i = 0; i < follower->count; i++) {
        struct headend__service *service = &follower->services[i];

        service->program = find_service(follower, service);
        if (service->program) {
            service->chosen = true;
            service->id = service->program->number;
        } else {
            memset(service->former, 0, sizeof(service->former));
            follower->name_pending |= service->config.choice == HEADEND_SERVICE_NAME;
        }
    }
}

/* Whether a programme may turn out to be a named service that is not found yet. */
static bool may_be_meant(const struct headend_follower *follower, const struct headend__program *program)
{
    return follower->name_pending && !headend__tables_name(&follower->tables, program->number);
}

static bool is_complete(const struct headend_follower *follower)
{
    const struct headend__tables *tables = &follower->tables;

    if (!tables->pat.complete || tables->unreadable_pat || !follower->count)
        return false;
    for (unsigned i = 0; i < follower->count; i++) {
        const struct headend__program *program = follower->services[i].program;

        if (program && (!program->pmt.bytes || program->unreadable))
            return false;
    }
    for (unsigned i = 0; follower->name_pending && i < tables->program_count; i++)
        if (may_be_meant(follower, &tables->programs[i]))
            return false;
    return true;
}

/* The map */

static void map_tables(struct headend_follower *follower)
{
    struct headend_map *map = &follower->next;
    const struct headend__tables *tables = &follower->tables;

    for (uint16_t pid = 0; pid < TS_PID_FIRST; pid++)
        map->pids[pid].verdict = HEADEND_PASS;
    map->pids[TS_PID_NULL].verdict = HEADEND_PASS;
    map->pids[TS_PID_PAT].observe = map->pids[TS_PID_PAT].guard = true;
    map->pids[TS_PID_SDT].observe = true;
    map->pids[TS_PID_CAT].observe = true;
    map->pids[TS_PID_CAT].rewrite = follower->cat_count || follower->signalling.cat.replacing;
    for (unsigned i = 0; i < tables->program_count; i++) {
        uint16_t pid = tables->programs[i].pmt_pid;

        if (!headend__is_scramblable(pid))
            continue;
        map->pids[pid].verdict = HEADEND_PASS;
        map->pids[pid].observe = true;
        set_bit(follower->referenced, pid);
    }
}

bool headend__read_pmt(struct headend_follower *follower, const struct headend__program *program)
{
    return program->pmt.bytes && ts_pmt_read(program->pmt.bytes, program->pmt.size, &follower->pmt) >= 0;
}

static void protect_pid(struct headend_follower *follower, struct headend__service *service, uint16_t pid,
                        uint8_t group)
{
    struct headend_map *map = &follower->next;

    if (!headend__is_scramblable(pid) || map->pids[pid].verdict == HEADEND_PASS)
        return;
    service->protected_components++;
    set_bit(service->former, pid);
    if (map->pids[pid].verdict == HEADEND_PROTECT)
        return;
    map->pids[pid].verdict = HEADEND_PROTECT;
    map->pids[pid].group = group;
}

/* The group that was given to a component, NULL where none was. */
static const struct headend_component_group *group_of(const struct headend__service *service,
                                                      const struct ts_pmt_component *component)
{
    for (unsigned i = 0; i < service->component_count; i++)
        if (headend__is_component(component, service->components[i].by_tag, service->components[i].component))
            return &service->components[i];
    return NULL;
}

static void map_component(struct headend_follower *follower, struct headend__service *service,
                          const struct ts_pmt_component *component)
{
    const struct headend_component_group *own = group_of(service, component);

    if (own)
        protect_pid(follower, service, component->pid, own->group);
    else if (service->config.components & 1u << component->kind)
        protect_pid(follower, service, component->pid, service->config.group);
}

/* Before other programmes' PIDs are mapped: a PID that both use is protected. */
static void map_service(struct headend_follower *follower, struct headend__service *service)
{
    const struct headend__program *program = service->program;
    struct headend_map *map = &follower->next;

    service->protected_components = 0;
    if (!program)
        return;
    map->pids[TS_PID_SDT].rewrite |= service->signalled;
    if (headend__is_scramblable(program->pmt_pid)) {
        map->pids[program->pmt_pid].guard = true;
        map->pids[program->pmt_pid].rewrite |= service->signalled;
    }
    if (!headend__read_pmt(follower, program))
        return;
    for (unsigned i = 0; i < follower->pmt.component_count; i++)
        map_component(follower, service, &follower->pmt.components[i]);
}

static void reference(struct headend_follower *follower, uint16_t pid, bool pass)
{
    struct headend_map *map = &follower->next;

    pid &= TS_PIDS - 1;
    set_bit(follower->referenced, pid);
    if (pass && map->pids[pid].verdict == HEADEND_UNREFERENCED)
        map->pids[pid].verdict = HEADEND_PASS;
}

static void map_program(struct headend_follower *follower, const struct headend__program *program)
{
    bool pass = follower->completed && !may_be_meant(follower, program);
    const struct ts_pmt *pmt = &follower->pmt;

    if (!headend__read_pmt(follower, program))
        return;
    reference(follower, pmt->pcr_pid, pass);
    for (unsigned i = 0; i < pmt->ca_count; i++)
        reference(follower, pmt->ca[i].ca_pid, pass);
    for (unsigned i = 0; i < pmt->component_count; i++) {
        reference(follower, pmt->components[i].pid, pass);
        for (unsigned n = 0; n < pmt->components[i].ca_count; n++)
            reference(follower, pmt->components[i].ca[n].ca_pid, pass);
    }
}

/* The stream's own EMMs. */
static void map_cat(struct headend_follower *follower)
{
    const struct headend__table *cat = &follower->tables.cat;
    struct ts_ca_descriptor ca[TS_CA_DESCRIPTORS_MAX];

    for (unsigned i = 0; cat->known && i <= cat->last_number; i++) {
        const struct headend__section *section = &cat->sections[i];
        ptrdiff_t count =
            section->bytes ? ts_cat_read(section->bytes, section->size, ca, TS_CA_DESCRIPTORS_MAX) : 0;

        for (ptrdiff_t n = 0; n < count && n < TS_CA_DESCRIPTORS_MAX; n++)
            reference(follower, ca[n].ca_pid, follower->completed);
    }
}

static uint8_t former_group(const struct headend_follower *follower, const struct headend__service *service,
                            uint16_t pid)
{
    return follower->map.pids[pid].verdict == HEADEND_PROTECT ? follower->map.pids[pid].group
                                                              : service->config.group;
}

/* What a service's PMT listed before and nothing names now stays protected. */
static void map_former_pid(struct headend_follower *follower, struct headend__service *service, uint16_t pid)
{
    struct headend_map *map = &follower->next;

    if (map->pids[pid].verdict == HEADEND_PASS) {
        clear_bit(service->former, pid);
    } else if (map->pids[pid].verdict == HEADEND_UNREFERENCED) {
        map->pids[pid].verdict = HEADEND_PROTECT;
        map->pids[pid].group = former_group(follower, service, pid);
    }
}

/* Services have few PIDs: most of the bits are passed over 64 at a time. */
static void map_former(struct headend_follower *follower, struct headend__service *service)
{
    static const uint8_t none[8];

    for (unsigned at = 0; service->program && at < sizeof(service->former); at += sizeof(none)) {
        if (memcmp(service->former + at, none, sizeof(none)) == 0)
            continue;
        for (unsigned pid = 8 * at; pid < 8 * (at + sizeof(none)); pid++)
            if (headend__has_pid(service->former, (uint16_t)pid))
                map_former_pid(follower, service, (uint16_t)pid);
    }
}

static uint16_t reference_pid(struct headend_follower *follower)
{
    if (!follower->count || !follower->services[0].program ||
        !headend__read_pmt(follower, follower->services[0].program) || follower->pmt.pcr_pid >= TS_PID_NULL)
        return TS_PIDS;
    return follower->pmt.pcr_pid;
}

void headend__map_build(struct headend_follower *follower)
{
    struct headend_map *map = &follower->next;

    memset(map, 0, sizeof(*map));
    memset(follower->referenced, 0, sizeof(follower->referenced));
    find_services(follower);
    map->complete = is_complete(follower);
    follower->completed |= map->complete;
    map->reference_pid = reference_pid(follower);
    map_tables(follower);
    for (unsigned i = 0; i < follower->count; i++)
        map_service(follower, &follower->services[i]);
    for (unsigned i = 0; i < follower->tables.program_count; i++)
        map_program(follower, &follower->tables.programs[i]);
    map_cat(follower);
    for (unsigned i = 0; i < follower->count; i++)
        map_former(follower, &follower->services[i]);
}
