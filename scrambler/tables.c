/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/tables.h"

#include "base/error.h"
#include "scrambler/outlet.h"

#define DRAIN_PACKETS 64

/* Longest time in which a table is surely repeated; 0.5 s is what TR 101 290 asks of PAT and PMT. */
#define REPETITION (5 * BASE_TICKS_PER_SECOND)

static bool is_wanted(const struct scrambler_pid *rule)
{
    return rule->observe || rule->rewrite;
}

static void release(struct scrambler_engine *engine, struct scrambler_table *table)
{
    engine->pids[table->pid].table = 0;
    table->used = false;
}

/* Drops what waits to be sent; a section under way stays cut. */
static void abandon_queue(struct scrambler_engine *engine, struct scrambler_table *table)
{
    unsigned outlet = scrambler__outlet_of_table(engine, table);

    if (table->queue.count)
        scrambler__count(&engine->counters.crowded_sections);
    if (engine->busy[table->pid] == outlet + 1)
        engine->busy[table->pid] = 0;
    table->queue.count = 0;
    scrambler__outlet_refresh(engine, outlet);
}

/* Rewriting is about to end: what waits goes out before the packets that pass again. */
static void hurry(struct scrambler_engine *engine, struct scrambler_table *table)
{
    scrambler__queue_hurry(&table->queue);
    scrambler__outlet_refresh(engine, scrambler__outlet_of_table(engine, table));
}

void scrambler__tables_follow_plan(struct scrambler_engine *engine, const struct scrambler_plan *plan)
{
    if (plan == engine->plan && plan->observations == engine->plan_observations)
        return;
    engine->plan = plan;
    engine->plan_observations = plan->observations;
    for (unsigned i = 0; i < SCRAMBLER__TABLES; i++) {
        struct scrambler_table *table = &engine->tables[i];
        const struct scrambler_pid *rule = &plan->pids[table->pid];

        if (!table->used)
            continue;
        if (!rule->observe)
            table->tenure = ++engine->tenures;
        if (!rule->rewrite)
            hurry(engine, table);
        if (!is_wanted(rule) && !table->rewriting && !table->queue.count)
            release(engine, table);
    }
}

static struct scrambler_table *find_free(struct scrambler_engine *engine)
{
    for (unsigned i = 0; i < SCRAMBLER__TABLES; i++)
        if (!engine->tables[i].used)
            return &engine->tables[i];
    for (unsigned i = 0; i < SCRAMBLER__TABLES; i++) {
        struct scrambler_table *table = &engine->tables[i];

        if (is_wanted(&engine->plan->pids[table->pid]) || table->queue.count)
            continue;
        release(engine, table); /* of a PID that vanished before its last section was whole */
        return table;
    }
    return NULL;
}

/* Unreferenced PIDs stay black until the change has been told for sure. */
static void lose_change(struct scrambler_engine *engine, const struct scrambler_pid *rule, uint64_t now)
{
    scrambler__count(&engine->counters.lost_observations);
    if (rule->guard)
        engine->guard_until = now + REPETITION;
}

struct scrambler_table *scrambler__tables_get(struct scrambler_engine *engine, uint16_t pid,
                                              const struct scrambler_pid *rule, uint64_t now)
{
    struct scrambler_table *table;

    if (engine->pids[pid].table)
        return &engine->tables[engine->pids[pid].table - 1];
    table = find_free(engine);
    if (!table) {
        lose_change(engine, rule, now);
        return NULL;
    }
    table->used = true;
    table->rewriting = false;
    table->open = false;
    table->pid = pid;
    table->tenure = ++engine->tenures;
    table->lost = 0;
    ts_section_assembler_reset(&table->assembler);
    table->queue.head = 0;
    table->queue.count = 0;
    engine->pids[pid].table = (uint8_t)(scrambler__outlet_of_table(engine, table) + 1);
    return table;
}

static void keep_section(void *context, const uint8_t *section, size_t size)
{
    struct scrambler_engine *engine = context;
    struct scrambler_completed *completed = &engine->completed;
    struct scrambler_completed_section *entry = &completed->sections[completed->count];

    if (completed->count == SCRAMBLER__COMPLETED || size > sizeof(completed->bytes) - completed->filled)
        return; /* more than one packet can complete */
    entry->good = ts_section_parse(section, size, &entry->header) == 0;
    entry->size = (uint16_t)size;
    entry->at = completed->filled;
    memcpy(completed->bytes + completed->filled, section, size);
    completed->filled += size;
    completed->count++;
    if (!entry->good)
        scrambler__count(&engine->counters.bad_sections);
}

static void read_sections(struct scrambler_engine *engine, struct scrambler_table *table,
                          const uint8_t *packet)
{
    engine->completed.count = 0;
    engine->completed.filled = 0;
    ts_section_assembler_feed(&table->assembler, packet, keep_section, engine);
    scrambler__count_by(&engine->counters.bad_sections, table->assembler.lost - table->lost);
    table->lost = table->assembler.lost;
}

static uint32_t crc_of(const uint8_t *section, size_t size)
{
    return base_load_u32(section + size - 4);
}

static bool tell(struct scrambler_engine *engine, uint16_t pid, const uint8_t *section, uint16_t size,
                 uint64_t now)
{
    struct ts_observation *observation = &engine->observation;

    observation->source_time = now;
    observation->sequence = engine->sequence + 1;
    observation->pid = pid;
    observation->size = size;
    memcpy(observation->section, section, size);
    if (ts_observation_push(engine->observations, observation) != 0)
        return false;
    engine->sequence++;
    return true;
}

/* Tells control where the section is new. */
static bool tell_change(struct scrambler_engine *engine, const struct scrambler_table *table,
                        const struct scrambler_pid *rule, const struct scrambler_completed_section *completed,
                        uint64_t now)
{
    const uint8_t *section = engine->completed.bytes + completed->at;
    uint64_t key;
    uint32_t crc;

    if (!completed->good || !completed->header.long_syntax)
        return false;
    key = scrambler__memory_key(table->pid, table->tenure, &completed->header);
    crc = crc_of(section, completed->size);
    if (scrambler__memory_has(&engine->memory, key, crc))
        return false;
    if (!tell(engine, table->pid, section, completed->size, now)) {
        lose_change(engine, rule, now);
        return false;
    }
    scrambler__memory_set(&engine->memory, key, crc);
    if (rule->guard)
        engine->guard_sequence = engine->sequence;
    return true;
}

bool scrambler__tables_look(struct scrambler_engine *engine, struct scrambler_table *table,
                            const struct scrambler_pid *rule, const uint8_t *packet, uint64_t now)
{
    bool told = false;

    read_sections(engine, table, packet);
    if (!rule->observe || !engine->observations)
        return false;
    for (unsigned i = 0; i < engine->completed.count; i++)
        told |= tell_change(engine, table, rule, &engine->completed.sections[i], now);
    return told;
}

bool scrambler__tables_rewrites(struct scrambler_engine *engine, struct scrambler_table *table,
                                const struct scrambler_pid *rule, bool passes)
{
    if (passes && rule->rewrite) {
        table->rewriting = true;
        table->drain = DRAIN_PACKETS;
        return true;
    }
    if (table->rewriting && passes && table->drain && (table->open || table->queue.count)) {
        table->drain--;
        hurry(engine, table);
        return true;
    }
    if (table->rewriting)
        abandon_queue(engine, table);
    table->rewriting = false;
    if (!is_wanted(rule))
        release(engine, table);
    return false;
}

static void queue_section(struct scrambler_engine *engine, struct scrambler_table *table,
                          const struct scrambler_completed_section *completed, uint64_t deadline)
{
    const uint8_t *section = engine->completed.bytes + completed->at;
    const struct scrambler_content *replacement = NULL;
    bool fits;

    if (completed->header.long_syntax)
        replacement = scrambler__replacements_find(&engine->replacements, table->pid, &completed->header,
                                                   crc_of(section, completed->size));
    fits = replacement ? scrambler__queue_content(&table->queue, replacement, deadline)
                       : scrambler__queue_section(&table->queue, section, completed->size, deadline);
    if (!fits)
        scrambler__count(&engine->counters.crowded_sections);
}

void scrambler__tables_rewrite(struct scrambler_engine *engine, struct scrambler_table *table,
                               uint8_t *packet, uint64_t now)
{
    unsigned outlet = scrambler__outlet_of_table(engine, table);
    uint64_t deadline = table->drain < DRAIN_PACKETS ? now : now + SCRAMBLER__TABLE_PATIENCE;

    scrambler__continuity_consume(&engine->pids[table->pid], packet);
    for (unsigned i = 0; i < engine->completed.count; i++)
        if (engine->completed.sections[i].good)
            queue_section(engine, table, &engine->completed.sections[i], deadline);
    table->open = table->assembler.collecting;
    scrambler__outlet_refresh(engine, outlet);
    if (table->queue.count)
        scrambler__fill_place_from(engine, outlet, packet);
    else if (!scrambler__fill_place(engine, packet, now))
        ts_make_null(packet);
}
