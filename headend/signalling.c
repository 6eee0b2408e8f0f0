/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/signalling.h"

#include <errno.h>
#include <string.h>

int headend__push_keep(struct headend__signalling *signalling, uint16_t pid)
{
    struct ts_order *order = &signalling->order;

    *order = (struct ts_order){.kind = TS_ORDER_KEEP, .pid = pid};
    return ts_order_push(signalling->orders, order);
}

struct ts_order *headend__begin_replace(struct headend__signalling *signalling, uint16_t pid,
                                        const struct headend__section *source)
{
    struct ts_order *order = &signalling->order;

    *order = (struct ts_order){
        .kind = TS_ORDER_REPLACE,
        .pid = pid,
        .table_id = source->bytes[0],
        .extension = base_load_u16(source->bytes + 3),
        .number = source->bytes[6],
        .source_crc = headend__section_crc(source),
    };
    return order;
}

/* The PMT */

/* CA_descriptors of one place stand together in signalling->ca. */
static struct ts_ca_descriptor *gather(const struct headend__signal *signal, bool of_components,
                                       uint8_t group, struct ts_ca_descriptor *into)
{
    for (unsigned i = 0; i < signal->ca_count; i++)
        if (signal->ca[i].of_components == of_components && (!of_components || signal->ca[i].group == group))
            *into++ = signal->ca[i].ca;
    return into;
}

static bool is_first_of_group(const struct headend__signal *signal, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (signal->ca[i].of_components && signal->ca[i].group == signal->ca[index].group)
            return false;
    return signal->ca[index].of_components;
}

static void protect_components(struct headend__signalling *signalling, const struct headend_map *map,
                               uint8_t group, const struct ts_ca_descriptor *first,
                               const struct ts_ca_descriptor *end, struct ts_pmt_protection *protection)
{
    const struct ts_pmt *pmt = &signalling->pmt;

    for (unsigned i = 0; i < pmt->component_count && protection->component_count < TS_PMT_COMPONENTS_MAX;
         i++) {
        uint16_t pid = pmt->components[i].pid;

        if (map->pids[pid].verdict == HEADEND_PROTECT && map->pids[pid].group == group)
            signalling->components[protection->component_count++] = (struct ts_pmt_component_protection){
                .pid = pid, .ca = first, .ca_count = (uint8_t)(end - first)};
    }
}

/* What is to be added to a service's PMT; it stands in the scratch of `signalling`. */
static struct ts_pmt_protection describe(struct headend__signalling *signalling,
                                         const struct headend__signal *signal, const struct headend_map *map)
{
    const struct headend__section *pmt = &signal->program->pmt;
    struct ts_ca_descriptor *end = gather(signal, false, 0, signalling->ca);
    struct ts_pmt_protection protection = {.ca = signalling->ca,
                                           .ca_count = (uint8_t)(end - signalling->ca),
                                           .scrambling_mode = signal->scrambling_mode,
                                           .components = signalling->components};

    if (protection.ca_count == signal->ca_count || ts_pmt_read(pmt->bytes, pmt->size, &signalling->pmt) < 0)
        return protection;
    for (unsigned i = 0; i < signal->ca_count; i++) {
        struct ts_ca_descriptor *first = end;

        if (!is_first_of_group(signal, i))
            continue;
        end = gather(signal, true, signal->ca[i].group, first);
        protect_components(signalling, map, signal->ca[i].group, first, end, &protection);
    }
    return protection;
}

static uint32_t mix(uint32_t sum, const void *bytes, size_t size)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ b[i]) * UINT32_C(16777619); /* FNV-1a: nobody gains by a collision */
    return sum;
}

static uint32_t mix_ca(uint32_t sum, const struct ts_ca_descriptor *ca, unsigned count)
{
    sum = mix(sum, &count, sizeof(count));
    for (unsigned i = 0; i < count; i++) {
        sum = mix(sum, &ca[i].ca_system_id, sizeof(ca[i].ca_system_id));
        sum = mix(sum, &ca[i].ca_pid, sizeof(ca[i].ca_pid));
        sum = mix(sum, &ca[i].private_size, sizeof(ca[i].private_size));
        sum = mix(sum, ca[i].private_data, ca[i].private_size);
    }
    return sum;
}

static uint32_t sum_of(const struct ts_pmt_protection *protection)
{
    uint32_t sum = mix_ca(UINT32_C(2166136261), protection->ca, protection->ca_count);

    for (unsigned i = 0; i < protection->component_count; i++) {
        sum = mix(sum, &protection->components[i].pid, sizeof(protection->components[i].pid));
        sum = mix_ca(sum, protection->components[i].ca, protection->components[i].ca_count);
    }
    return sum;
}

uint32_t headend__sum_of_ca(const struct ts_ca_descriptor *ca, unsigned count)
{
    return mix_ca(UINT32_C(2166136261), ca, count);
}

static bool same_pmt(const struct headend__said *said, const struct headend__signal *signal, uint32_t sum)
{
    return said->said && said->number == signal->program->number &&
           said->pmt_pid == signal->program->pmt_pid && said->protection == sum &&
           said->crc == headend__section_crc(&signal->program->pmt);
}

static int send_pmt(struct headend__signalling *signalling, struct headend__said *said,
                    const struct headend__signal *signal, const struct headend_map *map)
{
    const struct headend__section *source = &signal->program->pmt;
    struct ts_pmt_protection protection = describe(signalling, signal, map);
    uint32_t sum = sum_of(&protection);
    uint8_t before = said->version_known ? said->version : (source->bytes[5] >> 1) & 0x1F;
    struct ts_order *order;
    ptrdiff_t size;
    int r = 0;

    if (same_pmt(said, signal, sum))
        return 0;
    order = headend__begin_replace(signalling, signal->program->pmt_pid, source);
    size = ts_pmt_protect(source->bytes, source->size, &protection, headend__version_after(before),
                          order->bytes, sizeof(signalling->order.bytes));
    order->size = size > 0 ? (uint16_t)size : 0;
    if (size > 0)
        r = ts_order_push(signalling->orders, order);
    if (r < 0)
        return r;
    *said = (struct headend__said){
        .said = true,
        .unsignalled = size < 0,
        .version_known = true,
        .version = headend__version_after(before),
        .number = signal->program->number,
        .pmt_pid = signal->program->pmt_pid,
        .protection = sum,
        .crc = headend__section_crc(source),
    };
    return 0;
}

static bool pmt_pid_is_used(const struct headend__signal *signals, unsigned count, uint16_t pid)
{
    for (unsigned i = 0; i < count; i++)
        if (signals[i].program && signals[i].program->pmt_pid == pid)
            return true;
    return false;
}

/* What is no longer said. A PMT that other replacements share its PID with passes by itself: its CRC_32 is
 * theirs no more. */
static int end_pmt(struct headend__signalling *signalling, struct headend__said *said,
                   const struct headend__signal *signals, unsigned count)
{
    int r =
        pmt_pid_is_used(signals, count, said->pmt_pid) ? 0 : headend__push_keep(signalling, said->pmt_pid);

    if (r >= 0)
        said->said = false;
    return r;
}

static int send_pmts(struct headend__signalling *signalling, const struct headend__wanted *wanted)
{
    const struct headend__signal *signals = wanted->signals;

    for (unsigned i = 0; i < wanted->count; i++) {
        struct headend__said *said = &signalling->services[i];
        const struct headend__program *program = signals[i].program;
        int r = 0;

        if (said->said && (!program || program->pmt_pid != said->pmt_pid))
            r = end_pmt(signalling, said, signals, wanted->count);
        if (r >= 0 && program)
            r = send_pmt(signalling, said, &signals[i], wanted->map);
        if (r < 0)
            return r;
    }
    return 0;
}

static unsigned services_in_sdt(const struct headend__tables *tables, const struct headend__signal *signals,
                                unsigned count, uint16_t *services)
{
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++)
        if (signals[i].program && signals[i].ca_count && tables->sdt.known &&
            headend__tables_name(tables, signals[i].program->number))
            services[n++] = signals[i].program->number;
    return n;
}

/* All sections of one version must say the same version_number, also those that name none of the services. */
static void set_version(uint8_t *section, size_t size, uint8_t version)
{
    section[5] = (uint8_t)((section[5] & 0xC1) | version << 1);
    base_store_u32(section + size - 4, ts_crc32(section, size - 4));
}

static int send_sdt_section(struct headend__signalling *signalling, const struct headend__section *source)
{
    struct ts_order *order = headend__begin_replace(signalling, TS_PID_SDT, source);
    uint8_t copy[HEADEND__SECTION_MAX];

    memcpy(order->bytes, source->bytes, source->size);
    order->size = source->size;
    for (unsigned i = 0; i < signalling->sdt.count; i++) {
        ptrdiff_t size;

        memcpy(copy, order->bytes, order->size);
        size =
            ts_sdt_set_free_ca_mode(copy, order->size, signalling->sdt.services[i], true,
                                    signalling->sdt.version, order->bytes, sizeof(signalling->order.bytes));
        if (size > 0)
            order->size = (uint16_t)size;
        else
            memcpy(order->bytes, copy, order->size);
    }
    set_version(order->bytes, order->size, signalling->sdt.version);
    return ts_order_push(signalling->orders, order);
}

static void begin_sdt_version(struct headend__signalling *signalling, const struct headend__tables *tables,
                              const uint16_t *services, unsigned count)
{
    uint8_t before = signalling->sdt.version_known ? signalling->sdt.version : tables->sdt.version;

    signalling->sdt.version = headend__version_after(before);
    signalling->sdt.version_known = true;
    signalling->sdt.said = true;
    signalling->sdt.changes = tables->sdt.changes;
    signalling->sdt.count = count;
    memcpy(signalling->sdt.services, services, count * sizeof(*services));
    memset(signalling->sdt.sent, 0, sizeof(signalling->sdt.sent));
}

/* Once an SDT was changed its versions are ours until none of its services is followed any more. */
static bool concerns_sdt(const struct headend__signalling *signalling, const struct headend__wanted *wanted,
                         unsigned said_now)
{
    bool any = false;

    for (unsigned i = 0; i < wanted->count; i++)
        any |= wanted->signals[i].program != NULL;
    return said_now || (signalling->sdt.said && any);
}

static int send_sdt(struct headend__signalling *signalling, const struct headend__tables *tables,
                    const struct headend__wanted *wanted)
{
    uint16_t services[HEADEND_SERVICES_MAX];
    unsigned count = services_in_sdt(tables, wanted->signals, wanted->count, services);
    int r = 0;

    if (!concerns_sdt(signalling, wanted, count)) {
        r = signalling->sdt.said ? headend__push_keep(signalling, TS_PID_SDT) : 0;
        if (r >= 0)
            signalling->sdt.said = false;
        return r;
    }
    if (!signalling->sdt.said || signalling->sdt.changes != tables->sdt.changes ||
        signalling->sdt.count != count ||
        memcmp(signalling->sdt.services, services, count * sizeof(*services)) != 0)
        begin_sdt_version(signalling, tables, services, count);
    for (unsigned i = 0; i <= tables->sdt.last_number; i++) {
        if (signalling->sdt.sent[i] || !tables->sdt.sections[i].bytes)
            continue;
        r = send_sdt_section(signalling, &tables->sdt.sections[i]);
        if (r < 0)
            return r;
        signalling->sdt.sent[i] = true;
    }
    return 0;
}

int headend__signalling_send(struct headend__signalling *signalling, const struct headend__tables *tables,
                             const struct headend__wanted *wanted, uint64_t source_time)
{
    bool any = false;
    int r;

    for (unsigned i = 0; i < wanted->count; i++)
        any |= wanted->signals[i].program && wanted->signals[i].ca_count;
    r = send_pmts(signalling, wanted);
    if (r >= 0)
        r = send_sdt(signalling, tables, wanted);
    if (r >= 0)
        r = headend__signal_cat(signalling, &tables->cat, wanted, any, source_time);
    return r < 0 ? r : 0;
}
