/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/follower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "headend/follower_room.h"

bool headend__is_signalled(const struct headend_follower *follower, unsigned index)
{
    const struct headend__service *service = &follower->services[index];

    if (!service->signalled || !service->program || !service->program->pmt.bytes || !follower->completed)
        return false;
    for (unsigned i = 0; i < index; i++)
        if (follower->services[i].signalled && follower->services[i].program == service->program)
            return false;
    return true;
}

static struct headend__signal describe(const struct headend_follower *follower,
                                       const struct headend__service *service)
{
    struct headend__signal said = {.program = service->program,
                                   .scrambling_mode = service->config.scrambling_mode};

    for (unsigned i = 0; i < service->signal_count; i++) {
        const struct headend_signal *signal = &service->signals[i];
        uint16_t pid = follower->flows[signal->flow].pid;

        if (pid)
            said.ca[said.ca_count++] = (struct headend__signal_ca){
                .ca = {.ca_system_id = signal->ca_system_id,
                       .ca_pid = pid,
                       .private_size = signal->private_size,
                       .private_data = signal->private_data},
                .of_components = signal->of_components,
                .group = signal->group,
            };
    }
    return said;
}

int headend_follower_flush(struct headend_follower *follower, uint64_t source_time)
{
    struct headend__signal signals[HEADEND_SERVICES_MAX];
    const struct headend__wanted wanted = {.signals = signals,
                                           .count = follower->count,
                                           .map = &follower->map,
                                           .cat = follower->cat,
                                           .cat_count = follower->cat_count};

    if (!follower->signalling.orders)
        return 0;
    for (unsigned i = 0; i < follower->count; i++) {
        signals[i].program = NULL;
        if (headend__is_signalled(follower, i))
            signals[i] = describe(follower, &follower->services[i]);
    }
    follower->flush_time = source_time;
    return headend__signalling_send(&follower->signalling, &follower->tables, &wanted, source_time);
}

int headend_follower_create(struct headend_follower **follower, const struct headend_service_config *configs,
                            unsigned count, struct base_ring *orders)
{
    struct headend_follower *f;

    if (count > HEADEND_SERVICES_MAX)
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
    headend__flows_place(follower);
}

int headend_follower_add(struct headend_follower *follower, const struct headend_service_config *config)
{
    struct headend__service *services;

    if (follower->pids_alone || follower->count == HEADEND_SERVICES_MAX)
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

/* The map anew after a change of what is wanted, and the orders that follow from it. */
static int apply(struct headend_follower *follower)
{
    build(follower);
    (void)take_map(follower, false);
    return headend_follower_flush(follower, follower->flush_time);
}

static bool are_sound(const struct headend_signal *signals, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (signals[i].flow >= HEADEND_FLOWS_MAX || signals[i].private_size > HEADEND_CA_PRIVATE_MAX)
            return false;
    return true;
}

int headend_follower_set_signals(struct headend_follower *follower, unsigned index,
                                 const struct headend_signal *signals, unsigned count)
{
    struct headend__service *service;

    if (index >= follower->count)
        return -ERANGE;
    if (!follower->signalling.orders || count > HEADEND_SIGNALS_MAX || !are_sound(signals, count))
        return -EINVAL;
    service = &follower->services[index];
    service->signal_count = count;
    if (count)
        memcpy(service->signals, signals, count * sizeof(*signals));
    service->signalled |= count;
    return apply(follower);
}

int headend_follower_set_cat(struct headend_follower *follower, const struct headend_cat_entry *entries,
                             unsigned count)
{
    if (!follower->signalling.orders || follower->pids_alone || count > HEADEND_CAT_ENTRIES_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++)
        if (entries[i].private_size > HEADEND_CA_PRIVATE_MAX)
            return -EINVAL;
    follower->cat_count = count;
    if (count)
        memcpy(follower->cat, entries, count * sizeof(*entries));
    return apply(follower);
}

bool headend_follower_cat_is_full(const struct headend_follower *follower)
{
    return follower->signalling.cat.full;
}

int headend_follower_set_components(struct headend_follower *follower, unsigned index,
                                    const struct headend_component_group *components, unsigned count)
{
    struct headend__service *service;

    if (index >= follower->count)
        return -ERANGE;
    if (count > HEADEND_COMPONENT_GROUPS_MAX)
        return -EINVAL;
    service = &follower->services[index];
    service->component_count = count;
    if (count)
        memcpy(service->components, components, count * sizeof(*components));
    build(follower);
    (void)take_map(follower, false);
    return 0;
}

bool headend_follower_has_component(struct headend_follower *follower, unsigned index, bool by_tag,
                                    uint16_t component)
{
    const struct headend__program *program =
        index < follower->count ? follower->services[index].program : NULL;

    if (!program || !headend__read_pmt(follower, program))
        return false;
    for (unsigned i = 0; i < follower->pmt.component_count; i++)
        if (headend__is_component(&follower->pmt.components[i], by_tag, component))
            return true;
    return false;
}

bool headend_follower_transport_stream(const struct headend_follower *follower, uint16_t *transport_stream_id,
                                       uint16_t *original_network_id, bool *network_known)
{
    const struct headend__table *sdt = &follower->tables.sdt;
    const struct headend__section *section = &sdt->sections[sdt->last_number];

    *network_known = sdt->known && section->bytes;
    if (*network_known)
        *original_network_id = base_load_u16(section->bytes + 8); /* ts_sdt_read() has seen it */
    *transport_stream_id = follower->tables.pat.extension;
    return follower->tables.pat.known;
}

int headend_follower_section(struct headend_follower *follower, uint16_t pid, const uint8_t *section,
                             size_t size, uint64_t sequence, uint64_t source_time)
{
    bool guarded, changed;
    int r;

    if (follower->pids_alone || pid >= TS_PIDS)
        return 0;
    guarded = follower->map.pids[pid].guard;
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

static bool wants_other_pid(const struct headend_follower *follower, const struct headend__service *service)
{
    for (unsigned i = 0; i < service->signal_count; i++) {
        uint16_t pid = follower->flows[service->signals[i].flow].pid;

        if (pid && service->signals[i].wanted_pid && service->signals[i].wanted_pid != pid)
            return true;
    }
    return false;
}

int headend_follower_status(const struct headend_follower *follower, unsigned index,
                            struct headend_service_status *status)
{
    const struct headend__service *service;
    const char *name;

    if (index >= follower->count)
        return -ERANGE;
    service = &follower->services[index];
    name = service->program ? headend__tables_name(&follower->tables, service->id) : NULL;
    *status = (struct headend_service_status){
        .found = service->program != NULL,
        .pmt_known = service->program && service->program->pmt.bytes && !service->program->unreadable,
        .ambiguous_name = service->ambiguous,
        .unsignalled = follower->signalling.services[index].unsignalled,
        .ecm_pid_in_use = wants_other_pid(follower, service),
        .service_id = service->program ? service->id : service->config.service_id,
        .pmt_pid = service->program ? service->program->pmt_pid : 0,
        .protected_components = service->protected_components,
        .pmt_crc = service->program && service->program->pmt.bytes
                       ? headend__section_crc(&service->program->pmt)
                       : 0,
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

static const struct headend__table *find_table(const struct headend__tables *tables, uint8_t table_id)
{
    switch (table_id) {
    case TS_TABLE_PAT:
        return &tables->pat;
    case TS_TABLE_CAT:
        return &tables->cat;
    case TS_TABLE_SDT:
        return &tables->sdt;
    default:
        return NULL;
    }
}

static int give_pmt(const struct headend_follower *follower, uint16_t service_id,
                    void (*section)(void *to, const uint8_t *bytes, size_t size), void *to)
{
    const struct headend__program *program = headend__tables_program(&follower->tables, service_id);

    if (!program || !program->pmt.bytes)
        return -ENOENT;
    section(to, program->pmt.bytes, program->pmt.size);
    return 1;
}

int headend_follower_table(const struct headend_follower *follower, uint8_t table_id, uint16_t service_id,
                           void (*section)(void *to, const uint8_t *bytes, size_t size), void *to)
{
    const struct headend__table *table = find_table(&follower->tables, table_id);
    int count = 0;

    if (table_id == TS_TABLE_PMT)
        return give_pmt(follower, service_id, section, to);
    for (unsigned i = 0; table && table->known && i <= table->last_number; i++) {
        if (!table->sections[i].bytes)
            continue;
        section(to, table->sections[i].bytes, table->sections[i].size);
        count++;
    }
    return count ? count : -ENOENT;
}

uint64_t headend_follower_bad_sections(const struct headend_follower *follower)
{
    return follower->tables.bad_sections;
}
