/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/follower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "headend/follower_room.h"

#define ECM_PID_FIRST 0x1F00 /* below what DVB and ATSC streams keep for tables near the end */

static bool is_free(const struct headend_follower *follower, uint16_t pid, uint8_t group)
{
    if (!headend__is_scramblable(pid) || headend__has_pid(follower->referenced, pid) ||
        headend__has_pid(follower->occupied, pid) || follower->next.pids[pid].verdict != HEADEND_UNREFERENCED)
        return false;
    for (unsigned i = 0; i < 256; i++)
        if (i != group && follower->ecm_pids[i] == pid)
            return false;
    return true;
}

static uint16_t choose_ecm_pid(const struct headend_follower *follower,
                               const struct headend__service *service)
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
    const struct headend__service *service = &follower->services[index];

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
    headend__map_build(f);
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

static bool same_map(const struct headend_map *a, const struct headend_map *b)
{
    if (a->complete != b->complete || a->reference_pid != b->reference_pid)
        return false;
    for (unsigned pid = 0; pid < TS_PIDS; pid++)
        if (a->pids[pid].verdict != b->pids[pid].verdict || a->pids[pid].group != b->pids[pid].group ||
            a->pids[pid].observe != b->pids[pid].observe || a->pids[pid].rewrite != b->pids[pid].rewrite ||
            a->pids[pid].guard != b->pids[pid].guard)
            return false;
    return true;
}

/* Whether the new map says something else; then it is the map. */
static bool take_map(struct headend_follower *follower, bool guarded)
{
    bool changed = guarded && follower->map.observations != follower->observed;

    follower->map.observations = follower->next.observations = follower->observed;
    if (same_map(&follower->map, &follower->next))
        return changed;
    follower->map = follower->next;
    return true;
}

static void build(struct headend_follower *follower)
{
    headend__map_build(follower);
    for (unsigned i = 0; i < follower->count; i++)
        if (is_signalled(follower, i))
            follower->ecm_pids[follower->services[i].config.group] =
                choose_ecm_pid(follower, &follower->services[i]);
}

int headend_follower_add(struct headend_follower *follower, const struct headend_service_config *config)
{
    struct headend__service *services;

    if (follower->pids_alone || follower->count == HEADEND_SERVICES_MAX ||
        (config->signal && !follower->signalling.orders))
        return -EINVAL;
    services = realloc(follower->services, (follower->count + 1) * sizeof(*services));
    if (!services)
        return -ENOMEM;
    follower->services = services;
    services[follower->count] = (struct headend__service){.config = *config};
    services[follower->count].config.name[TS_SERVICE_NAME_MAX - 1] = '\0';
    follower->count++;
    build(follower);
    (void)take_map(follower, false);
    return 0;
}

int headend_follower_set_pids(struct headend_follower *follower, const uint16_t *pids, unsigned count,
                              uint8_t group)
{
    struct headend_map *map = &follower->map;

    if (follower->count)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++)
        if (!headend__is_scramblable(pids[i]))
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

void headend_follower_occupy(struct headend_follower *follower, uint16_t pid)
{
    if (pid < TS_PIDS)
        follower->occupied[pid / 8] |= (uint8_t)(1u << pid % 8);
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
    if (r > 0)
        build(follower);
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
    const struct headend__service *service;
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
