/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "descrambler/follow.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "descrambler/group.h"

#define TABLE_ECM_EVEN 0x80 /* ETR 289: ECMs have table_id 0x80 and 0x81 in turn */
#define TABLE_ECM_ODD  0x81

/* scrambling_mode 0x01, DVB-CSA1, differs from CSA2 in rules for receivers alone. */
#define MODE_CSA1 0x01

#define SDT_SERVICES_MAX 128 /* of one section, when each has a name: at least 11 bytes each */

int descrambler__follow_begin(struct descrambler_engine *engine)
{
    int status = ts_demux_add(engine->demux, TS_PID_PAT);

    if (status == 0 && engine->service_name[0])
        status = ts_demux_add(engine->demux, TS_PID_SDT);
    return status;
}

static bool is_followed(const struct descrambler_engine *engine, const struct descrambler_service *service)
{
    return engine->selection != DESCRAMBLER_SERVICE ||
           (engine->has_service && service->program_number == engine->service_id);
}

static void watch(struct descrambler_engine *engine, uint16_t pid)
{
    if (pid == TS_PID_NULL || ts_demux_add(engine->demux, pid) != 0)
        engine->counters.crowded++;
}

static struct descrambler_table *queue_table(struct descrambler_engine *engine, unsigned service)
{
    struct descrambler_table *table = &engine->tables[engine->table_tail % DESCRAMBLER__TABLES];

    if (engine->table_tail - engine->table_head == DESCRAMBLER__TABLES) {
        engine->counters.crowded++;
        return NULL;
    }
    engine->table_tail++;
    table->position = engine->scouted;
    table->service = (uint16_t)service;
    table->size = 0;
    return table;
}

static struct descrambler_service *find_service(struct descrambler_engine *engine, uint16_t program_number)
{
    for (unsigned i = 0; i < DESCRAMBLER__SERVICES; i++)
        if (engine->services[i].used && engine->services[i].program_number == program_number)
            return &engine->services[i];
    return NULL;
}

/* A removal that waits for its position would take a successor's components with it. */
static bool waits_in_queue(const struct descrambler_engine *engine, unsigned service)
{
    for (uint64_t number = engine->table_head; number < engine->table_tail; number++)
        if (engine->tables[number % DESCRAMBLER__TABLES].service == service)
            return true;
    return false;
}

static struct descrambler_service *add_service(struct descrambler_engine *engine, uint16_t program_number)
{
    for (unsigned i = 0; i < DESCRAMBLER__SERVICES; i++) {
        struct descrambler_service *service = &engine->services[i];

        if (service->used || waits_in_queue(engine, i))
            continue;
        *service = (struct descrambler_service){
            .used = true, .program_number = program_number, .pmt_pid = TS_PID_NULL};
        return service;
    }
    engine->counters.crowded++;
    return NULL;
}

static void follow_program(struct descrambler_engine *engine, uint16_t program_number, uint16_t pmt_pid)
{
    struct descrambler_service *service = find_service(engine, program_number);

    if (!service)
        service = add_service(engine, program_number);
    if (!service || service->pmt_pid == pmt_pid)
        return;
    service->pmt_pid = pmt_pid;
    service->known = false;
    if (is_followed(engine, service))
        watch(engine, pmt_pid);
}

static bool lists(const struct ts_pat_section *pat, uint16_t program_number)
{
    for (unsigned i = 0; i < pat->count; i++)
        if (pat->programs[i].program_number == program_number)
            return true;
    return false;
}

/* So that a component that a service shared with one that is gone finds its way back to it. */
static void read_pmts_again(struct descrambler_engine *engine)
{
    for (unsigned i = 0; i < DESCRAMBLER__SERVICES; i++)
        engine->services[i].known = false;
}

/* A PAT of one section lists all services: others are gone from here on. */
static void drop_services(struct descrambler_engine *engine, const struct ts_pat_section *pat)
{
    for (unsigned i = 0; i < DESCRAMBLER__SERVICES; i++) {
        struct descrambler_service *service = &engine->services[i];

        if (!service->used || lists(pat, service->program_number))
            continue;
        if (service->applied && !queue_table(engine, i))
            continue; /* stays until a later PAT */
        service->used = false;
        read_pmts_again(engine);
    }
}

static void read_pat(struct descrambler_engine *engine, const uint8_t *section, size_t size)
{
    struct ts_pat_section pat;
    uint32_t crc = base_load_u32(section + size - 4);

    if (ts_pat_read(section, size, &pat) != 0) {
        engine->counters.bad_sections++;
        return;
    }
    if (!pat.current || (engine->pat_known[pat.number] && engine->pat_crc[pat.number] == crc))
        return;
    engine->pat_known[pat.number] = true;
    engine->pat_crc[pat.number] = crc;
    if (pat.last_number == 0)
        drop_services(engine, &pat);
    for (unsigned i = 0; i < pat.count; i++)
        follow_program(engine, pat.programs[i].program_number, pat.programs[i].pmt_pid);
}

static void choose_service(struct descrambler_engine *engine, uint16_t service_id)
{
    struct descrambler_service *service = find_service(engine, service_id);

    engine->service_id = service_id;
    engine->has_service = true;
    if (service)
        watch(engine, service->pmt_pid);
}

static void read_sdt(struct descrambler_engine *engine, const uint8_t *section, size_t size)
{
    struct ts_sdt_service services[SDT_SERVICES_MAX];
    ptrdiff_t count = ts_sdt_read(section, size, services, SDT_SERVICES_MAX);

    if (count < 0)
        engine->counters.bad_sections++;
    for (ptrdiff_t i = 0; i < count && i < SDT_SERVICES_MAX && !engine->has_service; i++)
        if (strcasecmp(services[i].name, engine->service_name) == 0)
            choose_service(engine, services[i].service_id);
}

static void set_algorithm(struct descrambler_pid *pid, uint8_t mode)
{
    enum cipher_algorithm algorithm = CIPHER_DVB_CSA2;

    pid->scrambling_mode = mode;
    pid->has_algorithm = mode != 0;
    if (mode != 0 && mode != MODE_CSA1 && cipher_algorithm_from_scrambling_mode(mode, &algorithm) != 0)
        algorithm = CIPHER_ALGORITHMS;
    pid->algorithm = (uint8_t)algorithm;
}

/* The group of an ECM PID, which is read from now on; negative where it cannot be. */
static int follow_ecms(struct descrambler_engine *engine, uint16_t ecm_pid)
{
    int group = ecm_pid < TS_PID_FIRST ? BASE_E_MALFORMED : descrambler__group_get(engine, ecm_pid);

    if (group < 0)
        engine->counters.crowded++;
    else
        watch(engine, ecm_pid);
    return group;
}

static unsigned add_candidate(struct descrambler_engine *engine, uint16_t ecm_pid, uint8_t *candidates,
                              unsigned count)
{
    int group = count < DESCRAMBLER__CANDIDATES ? follow_ecms(engine, ecm_pid) : -1;

    if (group >= 0)
        candidates[count++] = (uint8_t)group;
    return count;
}

/* Whether a component has a CA_descriptor of its own for the CAS. */
static bool has_own(const struct ts_pmt_component *component, uint16_t ca_system_id)
{
    for (unsigned i = 0; i < component->ca_count; i++)
        if (component->ca[i].ca_system_id == ca_system_id)
            return true;
    return false;
}

/* The ECM PIDs of a component: of its own CA_descriptors and, for a CAS that has none there, the programme's.
 */
static unsigned find_candidates(struct descrambler_engine *engine, const struct ts_pmt *pmt,
                                const struct ts_pmt_component *component, uint8_t *candidates)
{
    unsigned count = 0;

    if (!engine->ecm_open)
        return 0;
    for (unsigned i = 0; i < component->ca_count; i++)
        count = add_candidate(engine, component->ca[i].ca_pid, candidates, count);
    for (unsigned i = 0; i < pmt->ca_count; i++)
        if (!has_own(component, pmt->ca[i].ca_system_id))
            count = add_candidate(engine, pmt->ca[i].ca_pid, candidates, count);
    return count;
}

static void map_component(struct descrambler_engine *engine, unsigned service, const struct ts_pmt *pmt,
                          const struct ts_pmt_component *component)
{
    struct descrambler_pid *pid = &engine->pids[component->pid];
    uint8_t candidates[DESCRAMBLER__CANDIDATES] = {0};
    unsigned count = find_candidates(engine, pmt, component, candidates);

    if (pid->mapped && pid->service != service && pid->candidate_count)
        return; /* shared with another service, which came first */
    pid->mapped = true;
    pid->service = (uint16_t)service;
    set_algorithm(pid, pmt->scrambling_mode);
    for (unsigned i = 0; pid->chosen && i < count; i++) { /* the ECM PID that has opened goes on */
        if (candidates[i] != pid->candidates[0])
            continue;
        candidates[i] = candidates[0];
        candidates[0] = pid->candidates[0];
        break;
    }
    pid->chosen = pid->chosen && count && candidates[0] == pid->candidates[0];
    pid->candidate_count = (uint8_t)count;
    memcpy(pid->candidates, candidates, sizeof(pid->candidates));
}

static bool has_component(const struct ts_pmt *pmt, unsigned pid)
{
    for (unsigned i = 0; i < pmt->component_count; i++)
        if (pmt->components[i].pid == pid)
            return true;
    return false;
}

static void apply_pmt(struct descrambler_engine *engine, unsigned service, const struct ts_pmt *pmt)
{
    for (unsigned i = 0; i < TS_PIDS; i++) {
        struct descrambler_pid *pid = &engine->pids[i];

        if (!pid->mapped || pid->service != service || has_component(pmt, i))
            continue;
        pid->mapped = false;
        pid->chosen = false;
        pid->candidate_count = 0;
        pid->has_algorithm = false;
    }
    for (unsigned i = 0; i < pmt->component_count; i++)
        map_component(engine, service, pmt, &pmt->components[i]);
}

/* What a PMT says at the scouting end, which may be far ahead of its place: ECMs are wanted from here on, and
 * the parity of packets behind them is told by the components that they are for. */
static void scout_components(struct descrambler_engine *engine, const struct ts_pmt *pmt)
{
    for (unsigned i = 0; i < pmt->component_count; i++) {
        struct descrambler_pid *pid = &engine->pids[pmt->components[i].pid];

        pid->scouted_count = (uint8_t)find_candidates(engine, pmt, &pmt->components[i], pid->scouted);
    }
}

/* Whether another service that is in force opens one of these components. */
static bool takes_over(const struct descrambler_engine *engine, unsigned service, const struct ts_pmt *pmt)
{
    for (unsigned i = 0; i < pmt->component_count; i++) {
        const struct descrambler_pid *pid = &engine->pids[pmt->components[i].pid];

        if (pid->mapped && pid->service != service && pid->candidate_count)
            return true;
    }
    return false;
}

/* Components that no other service opens. */
static void map_unshared(struct descrambler_engine *engine, unsigned service, const struct ts_pmt *pmt)
{
    for (unsigned i = 0; i < pmt->component_count; i++) {
        const struct descrambler_pid *pid = &engine->pids[pmt->components[i].pid];

        if (!pid->mapped || pid->service == service)
            map_component(engine, service, pmt, &pmt->components[i]);
    }
}

/* The first PMT of a service serves the packets before it too; a changed one, and what it takes over from
 * another service, holds from its place on. */
static bool take_pmt(struct descrambler_engine *engine, struct descrambler_service *service,
                     const struct ts_pmt *pmt, const uint8_t *section, size_t size)
{
    unsigned index = (unsigned)(service - engine->services);
    struct descrambler_table *table;

    if (!service->applied && !takes_over(engine, index, pmt)) {
        service->applied = true;
        apply_pmt(engine, index, pmt);
        return true;
    }
    if (!service->applied)
        map_unshared(engine, index, pmt);
    table = size <= DESCRAMBLER__TABLE_MAX ? queue_table(engine, index) : NULL;
    if (!table)
        return false;
    memcpy(table->section, section, size);
    table->size = (uint16_t)size;
    service->applied = true;
    return true;
}

static void read_pmt(struct descrambler_engine *engine, uint16_t pid, const uint8_t *section, size_t size)
{
    struct descrambler_service *service;
    struct ts_pmt pmt;
    uint32_t crc = base_load_u32(section + size - 4);

    if (ts_pmt_read(section, size, &pmt) != 0) {
        engine->counters.bad_sections++;
        return;
    }
    service = find_service(engine, pmt.program_number);
    if (!pmt.current || !service || service->pmt_pid != pid || !is_followed(engine, service))
        return;
    if (service->known && service->pmt_crc == crc)
        return;
    if (!take_pmt(engine, service, &pmt, section, size))
        return; /* its repetition gets another chance */
    service->known = true;
    service->pmt_crc = crc;
    engine->service_found = true;
    scout_components(engine, &pmt);
}

static void read_ecm(struct descrambler_engine *engine, uint16_t pid, const uint8_t *section, size_t size)
{
    struct ts_section_header header;
    unsigned group;

    if (!descrambler__group_has(engine, pid, &group))
        return;
    if (ts_section_parse(section, size, &header) != 0)
        engine->counters.bad_sections++;
    else
        descrambler__group_scout_ecm(engine, group, section, size);
}

void descrambler__follow_section(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    struct descrambler_engine *engine = context;

    if (size < 4)
        return;
    if (pid == TS_PID_PAT && section[0] == TS_TABLE_PAT)
        read_pat(engine, section, size);
    else if (pid == TS_PID_SDT && section[0] == TS_TABLE_SDT)
        read_sdt(engine, section, size);
    else if (section[0] == TS_TABLE_PMT)
        read_pmt(engine, pid, section, size);
    else if (section[0] == TABLE_ECM_EVEN || section[0] == TABLE_ECM_ODD)
        read_ecm(engine, pid, section, size);
}

void descrambler__follow_apply(struct descrambler_engine *engine, uint64_t position)
{
    while (engine->table_head < engine->table_tail) {
        const struct descrambler_table *table = &engine->tables[engine->table_head % DESCRAMBLER__TABLES];
        struct ts_pmt pmt = {0};

        if (table->position > position)
            return;
        if (table->size == 0 || ts_pmt_read(table->section, table->size, &pmt) == 0)
            apply_pmt(engine, table->service, &pmt);
        engine->table_head++;
    }
}
