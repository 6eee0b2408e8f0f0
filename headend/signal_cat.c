/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CAT: entries of our own behind those of the stream's, or a CAT of our own where the stream has none. */
#include <string.h>

#include "base/clock.h"
#include "headend/signalling.h"

/* At least every 500 ms (TR 101 290 wants a CAT wherever anything is scrambled). */
#define CAT_PERIOD (500 * BASE_TICKS_PER_MS)

static void take_entries(const struct headend__wanted *wanted, struct ts_ca_descriptor *ca)
{
    for (unsigned i = 0; i < wanted->cat_count; i++)
        ca[i] = (struct ts_ca_descriptor){.ca_system_id = wanted->cat[i].ca_system_id,
                                          .ca_pid = wanted->cat[i].emm_pid,
                                          .private_size = wanted->cat[i].private_size,
                                          .private_data = wanted->cat[i].private_data};
}

static void begin_version(struct headend__said_cat *said, const struct headend__table *cat, uint32_t entries)
{
    uint8_t before = said->version_known ? said->version : (cat->known ? cat->version : 31);

    said->version = headend__version_after(before);
    said->version_known = true;
    said->entries = entries;
    said->changes = cat->changes;
    said->full = false;
    memset(said->sent, 0, sizeof(said->sent));
}

/* What the stream has none of */

static int stop_playing(struct headend__signalling *signalling, unsigned from, uint64_t source_time)
{
    struct headend__said_cat *said = &signalling->cat;

    while (said->playing > from) {
        int r;

        signalling->order = (struct ts_order){.kind = TS_ORDER_STOP,
                                              .pid = TS_PID_CAT,
                                              .stream = (uint16_t)(said->playing - 1),
                                              .start = source_time};
        r = ts_order_push(signalling->orders, &signalling->order);
        if (r < 0)
            return r;
        said->playing--;
    }
    return 0;
}

/* As many entries as one section takes; always at least one. */
static unsigned fitting(struct headend__signalling *signalling, const struct ts_ca_descriptor *ca,
                        unsigned count)
{
    while (count > 1 &&
           ts_cat_write(ca, count, 0, signalling->order.bytes, sizeof(signalling->order.bytes)) < 0)
        count--;
    return count;
}

static unsigned sections_of(struct headend__signalling *signalling, const struct ts_ca_descriptor *ca,
                            unsigned count)
{
    unsigned sections = 1;

    for (unsigned at = fitting(signalling, ca, count); at < count; sections++)
        at += fitting(signalling, ca + at, count - at);
    return sections;
}

static int play_section(struct headend__signalling *signalling, const struct ts_ca_descriptor *ca,
                        unsigned count, unsigned number, unsigned sections, uint64_t source_time)
{
    struct ts_order *order = &signalling->order;
    ptrdiff_t size;

    *order = (struct ts_order){.kind = TS_ORDER_PLAY,
                               .pid = TS_PID_CAT,
                               .stream = (uint16_t)number,
                               .start = source_time,
                               .period = CAT_PERIOD};
    size = ts_cat_write(ca, count, signalling->cat.version, order->bytes, sizeof(order->bytes));
    if (size < 0)
        return (int)size;
    order->size = (uint16_t)size;
    order->bytes[6] = (uint8_t)number;
    order->bytes[7] = (uint8_t)(sections - 1);
    base_store_u32(order->bytes + size - 4, ts_crc32(order->bytes, (size_t)size - 4));
    return ts_order_push(signalling->orders, order);
}

static int play(struct headend__signalling *signalling, const struct ts_ca_descriptor *ca, unsigned count,
                uint64_t source_time)
{
    unsigned sections = sections_of(signalling, ca, count);
    unsigned at = 0;

    for (unsigned i = 0; i < sections; i++) {
        unsigned n = fitting(signalling, ca + at, count - at);
        int r = signalling->cat.sent[i] ? 0 : play_section(signalling, ca + at, n, i, sections, source_time);

        if (r < 0)
            return r;
        signalling->cat.sent[i] = true;
        if (signalling->cat.playing < i + 1)
            signalling->cat.playing = i + 1;
        at += n;
    }
    return stop_playing(signalling, sections, source_time);
}

/* What the stream has */

static bool is_in(const struct ts_ca_descriptor *ca, const struct headend__section *section)
{
    struct ts_ca_descriptor theirs[TS_CA_DESCRIPTORS_MAX];
    ptrdiff_t count = ts_cat_read(section->bytes, section->size, theirs, TS_CA_DESCRIPTORS_MAX);

    for (ptrdiff_t i = 0; i < count && i < TS_CA_DESCRIPTORS_MAX; i++)
        if (theirs[i].ca_system_id == ca->ca_system_id && theirs[i].ca_pid == ca->ca_pid)
            return true;
    return false;
}

/* Of the entries those that are to stand in this section: what it has already, and in the last one what no
 * section has. */
static unsigned choose(const struct headend__table *cat, unsigned number, const struct ts_ca_descriptor *ca,
                       unsigned count, struct ts_ca_descriptor *chosen)
{
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned home = cat->last_number;

        for (unsigned s = 0; s <= cat->last_number; s++)
            if (cat->sections[s].bytes && is_in(&ca[i], &cat->sections[s]))
                home = s;
        if (home == number)
            chosen[n++] = ca[i];
    }
    return n;
}

static int replace_section(struct headend__signalling *signalling, const struct headend__table *cat,
                           unsigned number, const struct ts_ca_descriptor *ca, unsigned count)
{
    const struct headend__section *source = &cat->sections[number];
    struct ts_order *order = headend__begin_replace(signalling, TS_PID_CAT, source);
    struct ts_ca_descriptor chosen[HEADEND_CAT_ENTRIES_MAX];
    unsigned n = choose(cat, number, ca, count, chosen);
    ptrdiff_t size;

    while ((size = ts_cat_add(source->bytes, source->size, chosen, n, signalling->cat.version, order->bytes,
                              sizeof(signalling->order.bytes))) < 0 &&
           n > 0) {
        n--;
        signalling->cat.full = true;
    }
    if (size < 0)
        return 0; /* headend__tables_section() has read it before: does not happen */
    order->size = (uint16_t)size;
    return ts_order_push(signalling->orders, order);
}

static int replace(struct headend__signalling *signalling, const struct headend__table *cat,
                   const struct ts_ca_descriptor *ca, unsigned count)
{
    for (unsigned i = 0; i <= cat->last_number; i++) {
        int r;

        if (signalling->cat.sent[i] || !cat->sections[i].bytes)
            continue;
        r = replace_section(signalling, cat, i, ca, count);
        if (r < 0)
            return r;
        signalling->cat.sent[i] = true;
        signalling->cat.replacing = true;
    }
    return 0;
}

/* The stream's own CAT is left alone until there is something to add, and then its versions are ours. */
int headend__signal_cat(struct headend__signalling *signalling, const struct headend__table *cat,
                        const struct headend__wanted *wanted, bool any, uint64_t source_time)
{
    struct headend__said_cat *said = &signalling->cat;
    struct ts_ca_descriptor ca[HEADEND_CAT_ENTRIES_MAX];
    uint32_t entries;
    int r;

    take_entries(wanted, ca);
    entries = headend__sum_of_ca(ca, wanted->cat_count);
    if (cat->known) {
        r = stop_playing(signalling, 0, source_time);
        if (r < 0 || (!wanted->cat_count && !said->replacing))
            return r;
        if (!said->replacing || said->entries != entries || said->changes != cat->changes)
            begin_version(said, cat, entries);
        return replace(signalling, cat, ca, wanted->cat_count);
    }
    if (!any && !wanted->cat_count)
        return stop_playing(signalling, 0, source_time);
    if (!said->playing || said->entries != entries)
        begin_version(said, cat, entries);
    return play(signalling, ca, wanted->cat_count, source_time);
}
