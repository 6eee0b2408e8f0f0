/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/follower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "headend/signalling.h"
#include "headend/tables.h"

#define ECM_PID_FIRST 0x1F00 /* below what DVB and ATSC streams keep for tables near the end */

struct service {
    struct headend_service_config config;
    bool chosen; /* `id` was found once: a first or named service stays the same while it is listed */
    bool ambiguous;
    uint16_t id;
    const struct headend__program *program; /* NULL: not in the PAT */
    uint16_t protected_components;
    uint8_t former[TS_PIDS / 8]; /* PIDs that were protected for it */
};

struct headend_follower {
    struct service *services;
    unsigned count;
    bool pids_alone; /* headend_follower_set_pids() */
    struct headend__tables tables;
    struct headend__signalling signalling;
    uint16_t ecm_pids[256]; /* by group; 0: none yet */
    bool has_cat;
    bool completed; /* the map was complete once */
    bool name_pending;
    uint64_t observed;
    struct headend_map map, next;
    uint8_t referenced[TS_PIDS / 8]; /* by any table */
    struct ts_pmt pmt;               /* scratch */
};

static bool has_bit(const uint8_t *bits, uint16_t pid)
{
    return bits[pid / 8] & 1u << pid % 8;
}

static void set_bit(uint8_t *bits, uint16_t pid)
{
    bits[pid / 8] |= (uint8_t)(1u << pid % 8);
}

static void clear_bit(uint8_t *bits, uint16_t pid)
{
    bits[pid / 8] &= (uint8_t) ~(1u << pid % 8);
}

static bool can_be_protected(uint16_t pid)
{
    return pid >= TS_PID_FIRST && pid < TS_PID_NULL;
}

/* Which programme is meant */

static const struct headend__program *find_named(struct headend_follower *follower, struct service *service)
{
    const struct headend__tables *tables = &follower->tables;
    const struct headend__program *found = NULL;

    service->ambiguous = false;
    for (unsigned i = 0; i < tables->program_count; i++) {
        const char *name = headend__tables_name(tables, tables->programs[i].number);

        if (!name || strcasecmp(name, service->config.name))
            continue;
        service->ambiguous |= found != NULL;
        if (!found)
            found = &tables->programs[i];
    }
    return found;
}

static const struct headend__program *find_service(struct headend_follower *follower, struct service *service)
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
        struct service *service = &follower->services[i];

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

    if (!tables->pat.complete || tables->unreadable_pat)
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
    for (unsigned i = 0; i < tables->program_count; i++) {
        uint16_t pid = tables->programs[i].pmt_pid;

        if (!can_be_protected(pid))
            continue;
        map->pids[pid].verdict = HEADEND_PASS;
        map->pids[pid].observe = true;
        set_bit(follower->referenced, pid);
    }
}

static bool read_pmt(struct headend_follower *follower, const struct headend__program *program)
{
    return program->pmt.bytes && ts_pmt_read(program->pmt.bytes, program->pmt.size, &follower->pmt) >= 0;
}

static void protect_pid(struct headend_follower *follower, struct service *service, uint16_t pid)
{
    struct headend_map *map = &follower->next;

    if (!can_be_protected(pid) || map->pids[pid].verdict == HEADEND_PASS)
        return;
    service->protected_components++;
    set_bit(service->former, pid);
    if (map->pids[pid].verdict == HEADEND_PROTECT)
        return;
    map->pids[pid].verdict = HEADEND_PROTECT;
    map->pids[pid].group = service->config.group;
}

/* Before other programmes' PIDs are mapped: a PID that both use is protected. */
static void map_service(struct headend_follower *follower, struct service *service)
{
    const struct headend__program *program = service->program;
    struct headend_map *map = &follower->next;

    service->protected_components = 0;
    if (!program)
        return;
    if (service->config.signal) {
        map->pids[TS_PID_CAT].observe = true;
        map->pids[TS_PID_SDT].rewrite = true;
    }
    if (can_be_protected(program->pmt_pid)) {
        map->pids[program->pmt_pid].guard = true;
        map->pids[program->pmt_pid].rewrite |= service->config.signal;
    }
    if (!read_pmt(follower, program))
        return;
    for (unsigned i = 0; i < follower->pmt.component_count; i++)
        if (service->config.components & 1u << follower->pmt.components[i].kind)
            protect_pid(follower, service, follower->pmt.components[i].pid);
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

    if (!read_pmt(follower, program))
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

/* What a service's PMT listed before and nothing names now stays protected. */
static void map_former(struct headend_follower *follower, struct service *service)
{
    struct headend_map *map = &follower->next;

    for (uint16_t pid = TS_PID_FIRST; service->program && pid < TS_PID_NULL; pid++) {
        if (!has_bit(service->former, pid))
            continue;
        if (map->pids[pid].verdict == HEADEND_PASS) {
            clear_bit(service->former, pid);
        } else if (map->pids[pid].verdict == HEADEND_UNREFERENCED) {
            map->pids[pid].verdict = HEADEND_PROTECT;
            map->pids[pid].group = service->config.group;
        }
    }
}

static uint16_t reference_pid(struct headend_follower *follower)
{
    if (!follower->count || !follower->services[0].program ||
        !read_pmt(follower, follower->services[0].program) || follower->pmt.pcr_pid >= TS_PID_NULL)
        return TS_PIDS;
    return follower->pmt.pcr_pid;
}

static void build_map(struct headend_follower *follower)
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
    for (unsigned i = 0; i < follower->count; i++)
        map_former(follower, &follower->services[i]);
}

/* ECM PIDs */

static bool is_free(const struct headend_follower *follower, uint16_t pid, uint8_t group)
{
    if (!can_be_protected(pid) || has_bit(follower->referenced, pid) ||
        follower->next.pids[pid].verdict != HEADEND_UNREFERENCED)
        return false;
    for (unsigned i = 0; i < 256; i++)
        if (i != group && follower->ecm_pids[i] == pid)
            return false;
    return true;
}

static uint16_t choose_ecm_pid(const struct headend_follower *follower, const struct service *service)
{
    uint8_t group = service->config.group;
    uint16_t pid = follower->ecm_pids[group];

    if (pid && is_free(follower, pid, group))
        return pid;
    if (is_free(follower, service->config.ca.ca_pid, group))
        return service->config.ca.ca_pid;
    for (pid = ECM_PID_FIRST; pid >= TS_PID_FIRST; pid--)
        if (is_free(follower, pid, group))
            return pid;
    return 0;
}

/* A service is signalled as soon as its PMT is known; not before all are, so that no ECM PID has to move. */
static bool is_signalled(const struct headend_follower *follower, unsigned index)
{
    const struct service *service = &follower->services[index];

    if (!service->config.signal || !service->program || !service->program->pmt.bytes || !follower->completed)
        return false;
    for (unsigned i = 0; i < index; i++)
        if (follower->services[i].config.signal && follower->services[i].program == service->program)
            return false;
    return true;
}

int headend_follower_flush(struct headend_follower *follower, uint64_t source_time)
{
    struct headend__signal signals[HEADEND_SERVICES_MAX] = {0};

    for (unsigned i = 0; i < follower->count; i++) {
        const struct headend_service_config *config = &follower->services[i].config;

        if (!is_signalled(follower, i) || !follower->ecm_pids[config->group])
            continue;
        signals[i] = (struct headend__signal){
            .program = follower->services[i].program,
            .ca = {.ca_system_id = config->ca.ca_system_id, .ca_pid = follower->ecm_pids[config->group]},
            .scrambling_mode = config->scrambling_mode,
        };
    }
    return headend__signalling_send(&follower->signalling, &follower->tables, signals, follower->count,
                                    follower->has_cat, source_time);
}

int headend_follower_create(struct headend_follower **follower, const struct headend_service_config *configs,
                            unsigned count, struct base_ring *orders)
{
    struct headend_follower *f;

    if (count > HEADEND_SERVICES_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++)
        if (configs[i].signal && !orders)
            return -EINVAL;
    f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->services = calloc(count ? count : 1, sizeof(*f->services));
    if (!f->services) {
        free(f);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        f->services[i].config = configs[i];
        f->services[i].config.name[TS_SERVICE_NAME_MAX - 1] = '\0';
    }
    f->count = count;
    f->signalling.orders = orders;
    build_map(f);
    f->map = f->next;
    *follower = f;
    return 0;
}

void headend_follower_destroy(struct headend_follower *follower)
{
    if (!follower)
        return;
    headend__tables_clear(&follower->tables);
    free(follower->services);
    free(follower);
}

int headend_follower_set_pids(struct headend_follower *follower, const uint16_t *pids, unsigned count,
                              uint8_t group)
{
    struct headend_map *map = &follower->map;

    if (follower->count)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++)
        if (!can_be_protected(pids[i]))
            return -EINVAL;
    follower->pids_alone = true;
    memset(map, 0, sizeof(*map));
    map->complete = true;
    map->reference_pid = TS_PIDS;
    for (unsigned i = 0; i < count; i++) {
        map->pids[pids[i]].verdict = HEADEND_PROTECT;
        map->pids[pids[i]].group = group;
    }
    return 0;
}

static int cat_section(struct headend_follower *follower, const uint8_t *section, size_t size)
{
    struct ts_section_header header;

    if (ts_section_parse(section, size, &header) < 0 || header.table_id != TS_TABLE_CAT) {
        follower->tables.bad_sections++;
        return 0;
    }
    follower->has_cat = true;
    return 0;
}

/* Whether the new map says something else; then it is the map. */
static bool take_map(struct headend_follower *follower, bool guarded)
{
    bool changed = guarded && follower->map.observations != follower->observed;

    follower->map.observations = follower->next.observations = follower->observed;
    if (!memcmp(&follower->map, &follower->next, sizeof(follower->map)))
        return changed;
    follower->map = follower->next;
    return true;
}

int headend_follower_section(struct headend_follower *follower, uint16_t pid, const uint8_t *section,
                             size_t size, uint64_t sequence, uint64_t source_time)
{
    bool guarded, changed;
    int r;

    if (follower->pids_alone || pid >= TS_PIDS)
        return 0;
    guarded = follower->map.pids[pid].guard;
    if (pid == TS_PID_CAT)
        r = cat_section(follower, section, size);
    else
        r = headend__tables_section(&follower->tables, pid, section, size);
    if (r < 0)
        return r;
    if (sequence > follower->observed)
        follower->observed = sequence;
    if (r > 0) {
        build_map(follower);
        for (unsigned i = 0; i < follower->count; i++)
            if (is_signalled(follower, i))
                follower->ecm_pids[follower->services[i].config.group] =
                    choose_ecm_pid(follower, &follower->services[i]);
    }
    changed = take_map(follower, guarded);
    r = headend_follower_flush(follower, source_time);
    return r < 0 ? r : changed;
}

const struct headend_map *headend_follower_map(const struct headend_follower *follower)
{
    return &follower->map;
}

int headend_follower_status(const struct headend_follower *follower, unsigned index,
                            struct headend_service_status *status)
{
    const struct service *service;
    const char *name;
    uint16_t ecm_pid;

    if (index >= follower->count)
        return -ERANGE;
    service = &follower->services[index];
    ecm_pid = service->config.signal ? follower->ecm_pids[service->config.group] : 0;
    name = service->program ? headend__tables_name(&follower->tables, service->id) : NULL;
    *status = (struct headend_service_status){
        .found = service->program != NULL,
        .pmt_known = service->program && service->program->pmt.bytes && !service->program->unreadable,
        .ambiguous_name = service->ambiguous,
        .unsignalled = follower->signalling.services[index].unsignalled,
        .ecm_pid_in_use = ecm_pid && service->config.ca.ca_pid && service->config.ca.ca_pid != ecm_pid,
        .service_id = service->program ? service->id : service->config.service_id,
        .pmt_pid = service->program ? service->program->pmt_pid : 0,
        .ecm_pid = ecm_pid,
        .protected_components = service->protected_components,
    };
    if (name)
        memcpy(status->name, name, TS_SERVICE_NAME_MAX);
    return 0;
}

unsigned headend_follower_services(const struct headend_follower *follower,
                                   struct headend_service_entry *entries, unsigned room)
{
    const struct headend__tables *tables = &follower->tables;

    for (unsigned i = 0; i < tables->program_count && i < room; i++) {
        const char *name = headend__tables_name(tables, tables->programs[i].number);

        entries[i] = (struct headend_service_entry){.service_id = tables->programs[i].number};
        if (name)
            memcpy(entries[i].name, name, TS_SERVICE_NAME_MAX);
    }
    return tables->program_count;
}

uint64_t headend_follower_bad_sections(const struct headend_follower *follower)
{
    return follower->tables.bad_sections;
}
