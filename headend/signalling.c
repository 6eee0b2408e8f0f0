/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/signalling.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

/* At least every 500 ms (TR 101 290 wants a CAT wherever anything is scrambled). */
#define CAT_PERIOD (500 * BASE_TICKS_PER_MS)

static uint8_t version_after(uint8_t version)
{
    return (version + 1) & 0x1F;
}

static int push_keep(struct headend__signalling *signalling, uint16_t pid)
{
    struct ts_order *order = &signalling->order;

    *order = (struct ts_order){.kind = TS_ORDER_KEEP, .pid = pid};
    return ts_order_push(signalling->orders, order);
}

/* An order that replaces `source`; its bytes are still to be written. */
static struct ts_order *begin_replace(struct headend__signalling *signalling, uint16_t pid,
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

static bool same_pmt(const struct headend__said *said, const struct headend__signal *signal)
{
    return said->said && said->number == signal->program->number &&
           said->pmt_pid == signal->program->pmt_pid && said->ca_pid == signal->ca.ca_pid &&
           said->crc == headend__section_crc(&signal->program->pmt);
}

static int send_pmt(struct headend__signalling *signalling, struct headend__said *said,
                    const struct headend__signal *signal)
{
    const struct headend__section *source = &signal->program->pmt;
    struct ts_pmt_protection protection = {
        .ca = &signal->ca, .ca_count = 1, .scrambling_mode = signal->scrambling_mode};
    uint8_t before = said->version_known ? said->version : (source->bytes[5] >> 1) & 0x1F;
    struct ts_order *order = begin_replace(signalling, signal->program->pmt_pid, source);
    ptrdiff_t size = ts_pmt_protect(source->bytes, source->size, &protection, version_after(before),
                                    order->bytes, sizeof(signalling->order.bytes));
    int r = 0;

    order->size = size > 0 ? (uint16_t)size : 0;
    if (size > 0)
        r = ts_order_push(signalling->orders, order);
    if (r < 0)
        return r;
    *said = (struct headend__said){
        .said = true,
        .unsignalled = size < 0,
        .version_known = true,
        .version = version_after(before),
        .number = signal->program->number,
        .pmt_pid = signal->program->pmt_pid,
        .ca_pid = signal->ca.ca_pid,
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
    int r = pmt_pid_is_used(signals, count, said->pmt_pid) ? 0 : push_keep(signalling, said->pmt_pid);

    if (r >= 0)
        said->said = false;
    return r;
}

static int send_pmts(struct headend__signalling *signalling, const struct headend__signal *signals,
                     unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct headend__said *said = &signalling->services[i];
        const struct headend__program *program = signals[i].program;
        int r = 0;

        if (said->said && (!program || program->pmt_pid != said->pmt_pid))
            r = end_pmt(signalling, said, signals, count);
        if (r >= 0 && program && !same_pmt(said, &signals[i]))
            r = send_pmt(signalling, said, &signals[i]);
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
        if (signals[i].program && tables->sdt.known &&
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
    struct ts_order *order = begin_replace(signalling, TS_PID_SDT, source);
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

    signalling->sdt.version = version_after(before);
    signalling->sdt.version_known = true;
    signalling->sdt.said = true;
    signalling->sdt.changes = tables->sdt.changes;
    signalling->sdt.count = count;
    memcpy(signalling->sdt.services, services, count * sizeof(*services));
    memset(signalling->sdt.sent, 0, sizeof(signalling->sdt.sent));
}

static int send_sdt(struct headend__signalling *signalling, const struct headend__tables *tables,
                    const struct headend__signal *signals, unsigned signal_count)
{
    uint16_t services[HEADEND_SERVICES_MAX];
    unsigned count = services_in_sdt(tables, signals, signal_count, services);
    int r = 0;

    if (!count) {
        r = signalling->sdt.said ? push_keep(signalling, TS_PID_SDT) : 0;
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

static int send_cat(struct headend__signalling *signalling, bool wanted, uint64_t source_time)
{
    struct ts_order *order = &signalling->order;
    ptrdiff_t size = 0;
    int r;

    if (wanted == signalling->cat_playing)
        return 0;
    *order = (struct ts_order){.kind = wanted ? TS_ORDER_PLAY : TS_ORDER_STOP,
                               .pid = TS_PID_CAT,
                               .start = source_time,
                               .period = CAT_PERIOD};
    if (wanted)
        size = ts_cat_write(NULL, 0, 0, order->bytes, sizeof(signalling->order.bytes));
    if (size < 0)
        return (int)size;
    order->size = (uint16_t)size;
    r = ts_order_push(signalling->orders, order);
    if (r >= 0)
        signalling->cat_playing = wanted;
    return r;
}

int headend__signalling_send(struct headend__signalling *signalling, const struct headend__tables *tables,
                             const struct headend__signal *signals, unsigned count, bool stream_has_cat,
                             uint64_t source_time)
{
    bool any = false;
    int r;

    for (unsigned i = 0; i < count; i++)
        any |= signals[i].program != NULL;
    r = send_pmts(signalling, signals, count);
    if (r >= 0)
        r = send_sdt(signalling, tables, signals, count);
    if (r >= 0)
        r = send_cat(signalling, any && !stream_has_cat, source_time);
    return r < 0 ? r : 0;
}
