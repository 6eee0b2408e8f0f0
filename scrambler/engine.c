/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "scrambler/outlet.h"
#include "scrambler/state.h"
#include "scrambler/tables.h"

/* Source times stay below this, so that adding to one never wraps: 10 800 years. */
#define TIME_MAX (UINT64_MAX / 2)

static int create_outlets(struct scrambler_engine *engine, unsigned carousels)
{
    int r = scrambler__playout_create(&engine->playout, carousels);

    if (r >= 0)
        r = scrambler__heap_create(&engine->activations, carousels);
    if (r >= 0)
        r = scrambler__heap_create(&engine->deadlines, SCRAMBLER__TABLES + carousels);
    return r;
}

int scrambler_engine_create(struct scrambler_engine **out, const struct scrambler_engine_config *config)
{
    struct scrambler_engine *engine;
    int r;

    if (config->carousels > SCRAMBLER_CAROUSELS_MAX)
        return -EINVAL;
    engine = calloc(1, sizeof(*engine));
    if (!engine)
        return -ENOMEM;
    engine->orders = config->orders;
    engine->observations = config->observations;
    engine->stop_at_changes = config->stop_at_changes;
    r = create_outlets(engine, config->carousels ? config->carousels : SCRAMBLER_CAROUSELS);
    if (r < 0) {
        scrambler_engine_destroy(engine);
        return r;
    }
    scrambler__set_alarm(engine);
    *out = engine;
    return 0;
}

void scrambler_engine_destroy(struct scrambler_engine *engine)
{
    if (!engine)
        return;
    scrambler__playout_destroy(&engine->playout);
    scrambler__heap_destroy(&engine->activations);
    scrambler__heap_destroy(&engine->deadlines);
    free(engine);
}

const struct scrambler_counters *scrambler_engine_counters(const struct scrambler_engine *engine)
{
    return &engine->counters;
}

static bool is_timed(const struct ts_order *order)
{
    return order->kind == TS_ORDER_PLAY || order->kind == TS_ORDER_STOP;
}

static bool play(struct scrambler_engine *engine, const struct ts_order *order)
{
    int carousel = scrambler__playout_order(&engine->playout, order);

    if (carousel >= 0)
        scrambler__outlet_refresh(engine, scrambler__outlet_of_carousel((unsigned)carousel));
    return carousel != -ENOBUFS;
}

static bool carry_out(struct scrambler_engine *engine, const struct ts_order *order)
{
    if (!scrambler__order_is_sound(order))
        return false;
    switch (order->kind) {
    case TS_ORDER_REPLACE:
        return scrambler__replacements_add(&engine->replacements, order);
    case TS_ORDER_KEEP:
        scrambler__replacements_forget(&engine->replacements, order->pid);
        return true;
    default:
        return play(engine, order);
    }
}

/* All orders that are there: as many as the ring holds at the most. */
static void take_orders(struct scrambler_engine *engine)
{
    const struct ts_order *order = &engine->order;
    int found;

    if (!engine->orders || (found = ts_order_pop(engine->orders, &engine->order)) == 0)
        return;
    do {
        if (found > 0 && is_timed(order) && engine->begun && order->start < engine->now)
            scrambler__count(&engine->counters.late_orders);
        if (found < 0 || !carry_out(engine, order))
            scrambler__count(&engine->counters.refused_orders);
        found = ts_order_pop(engine->orders, &engine->order);
    } while (found != 0);
}

static bool is_guarded(const struct scrambler_run *run, uint64_t now)
{
    return run->plan->observations < run->engine->guard_sequence || now < run->engine->guard_until;
}

static enum scrambler_action action_of(const struct scrambler_run *run, const struct scrambler_pid *rule,
                                       uint64_t now)
{
    switch (rule->action) {
    case SCRAMBLER_PASS:
    case SCRAMBLER_PROTECT:
        return (enum scrambler_action)rule->action;
    case SCRAMBLER_DEFAULT:
        return run->plan->unreferenced == SCRAMBLER_PASS && !is_guarded(run, now) ? SCRAMBLER_PASS
                                                                                  : SCRAMBLER_BLACK;
    default:
        return SCRAMBLER_BLACK;
    }
}

static void make_black(struct scrambler_engine *engine, uint8_t *packet)
{
    ts_make_null(packet);
    scrambler__count(&engine->counters.black);
}

static void pass(struct scrambler_engine *engine, uint8_t *packet, uint64_t *counter)
{
    scrambler__continuity_pass(&engine->pids[ts_pid(packet)], packet);
    scrambler__count(counter);
}

/* What holds for a group now; NULL: black. A key without a cipher for it is no key. */
static const struct keys_slot *slot_of(const struct scrambler_run *run, unsigned group, uint64_t now)
{
    const struct scrambler_group *g = &run->plan->groups[group];
    const struct keys_slot *slot;

    if (group >= run->plan->group_count || !g->slots)
        return NULL;
    slot = keys_slots_current(g->slots, now);
    if (!slot || slot->kind == KEYS_SLOT_CLEAR)
        return slot;
    return slot->kind == KEYS_SLOT_KEY && slot->key && run->batch->ciphers[g->algorithm] ? slot : NULL;
}

static void scramble(struct scrambler_run *run, unsigned group, const struct keys_slot *slot, uint8_t *packet)
{
    unsigned offset = ts_payload_offset(packet);

    ts_set_scrambling_control(packet, slot->parity ? TS_ODD : TS_EVEN);
    pass(run->engine, packet, &run->engine->counters.scrambled);
    if (offset < TS_PACKET_SIZE)
        cipher_batch_add(run->batch, run->plan->groups[group].algorithm, packet + offset,
                         (uint16_t)(TS_PACKET_SIZE - offset), slot->key);
}

static void protect(struct scrambler_run *run, unsigned group, uint8_t *packet, uint64_t now)
{
    struct scrambler_engine *engine = run->engine;
    struct scrambler_counters *counters = &engine->counters;
    const struct keys_slot *slot = slot_of(run, group, now);

    if (!slot) {
        make_black(engine, packet);
    } else if (ts_scrambling_control(packet) != TS_CLEAR) {
        pass(engine, packet, &counters->already_scrambled);
    } else if (!ts_payload_flag(packet)) {
        scrambler__count(&counters->no_payload);
        pass(engine, packet, &counters->passed);
    } else if (!ts_adaptation_sound(packet)) {
        scrambler__count(&counters->bad_adaptation);
        pass(engine, packet, &counters->passed);
    } else if (slot->kind == KEYS_SLOT_CLEAR) {
        pass(engine, packet, &counters->unscrambled);
    } else {
        scramble(run, group, slot, packet);
    }
}

static void act(struct scrambler_run *run, enum scrambler_action action, unsigned group, uint8_t *packet,
                uint64_t now)
{
    if (action == SCRAMBLER_PROTECT)
        protect(run, group, packet, now);
    else if (action == SCRAMBLER_PASS)
        pass(run->engine, packet, &run->engine->counters.passed);
    else
        make_black(run->engine, packet);
}

/* A packet of a PID with tables. False where process() is to return before it. */
static bool take_table(struct scrambler_run *run, const struct scrambler_pid *rule, uint8_t *packet,
                       uint64_t now)
{
    struct scrambler_engine *engine = run->engine;
    struct scrambler_table *table = scrambler__tables_get(engine, ts_pid(packet), rule, now);
    enum scrambler_action action;

    if (table && !engine->looked) {
        engine->looked = true;
        if (scrambler__tables_look(engine, table, rule, packet, now) && engine->stop_at_changes)
            return false;
    }
    action = action_of(run, rule, now); /* after the look: a change that it finds may guard this packet too */
    if (table && scrambler__tables_rewrites(engine, table, rule, action == SCRAMBLER_PASS) &&
        ts_payload_flag(packet)) {
        scrambler__tables_rewrite(engine, table, packet, now);
        scrambler__count(&engine->counters.repacked);
    } else {
        act(run, action, rule->group, packet, now);
    }
    return true;
}

static void take_null(struct scrambler_engine *engine, uint8_t *packet, uint64_t now)
{
    if (scrambler__fill_place(engine, packet, now))
        scrambler__count(&engine->counters.replaced);
    else
        scrambler__count(&engine->counters.passed);
}

/* False where process() is to return before this packet. */
static bool take(struct scrambler_run *run, uint8_t *packet, uint64_t now)
{
    struct scrambler_engine *engine = run->engine;
    uint16_t pid = ts_pid(packet);
    const struct scrambler_pid *rule = &run->plan->pids[pid];
    bool error = ts_error_indicator(packet);

    if (pid == TS_PID_NULL) {
        take_null(engine, packet, now);
    } else {
        if (engine->alarm <= now && !scrambler__play_due(run, now) && engine->stop_at_changes)
            return false;
        if (!rule->observe && !rule->rewrite && !engine->pids[pid].table)
            act(run, action_of(run, rule, now), rule->group, packet, now);
        else if (!take_table(run, rule, packet, now))
            return false;
    }
    if (error)
        scrambler__count(&engine->counters.transport_error);
    return true;
}

/* The packet has been taken: its place goes out. */
static void give_out(struct scrambler_run *run, uint8_t *packet, uint64_t now)
{
    struct scrambler_output *output = &run->outputs[run->output_count++];

    output->packet = packet;
    output->input = run->input++;
    output->inserted = false;
    run->engine->now = now;
    run->engine->begun = true;
    run->engine->looked = false;
}

/* A group without packets must not keep its slots for ever, since its other members' publisher waits for it:
 * one group per call is told how far time has come. */
static void visit_group(struct scrambler_engine *engine, const struct scrambler_plan *plan)
{
    if (!plan->group_count)
        return;
    engine->visited = (uint16_t)((engine->visited + 1u) % plan->group_count);
    if (engine->begun && plan->groups[engine->visited].slots)
        keys_slots_current(plan->groups[engine->visited].slots, engine->now);
}

unsigned scrambler_engine_process(struct scrambler_engine *engine, const struct scrambler_plan *plan,
                                  const struct scrambler_input *inputs, unsigned count,
                                  struct cipher_batch *batch, struct scrambler_output *outputs,
                                  unsigned *output_count)
{
    struct scrambler_run run = {.engine = engine, .plan = plan, .batch = batch, .outputs = outputs};

    scrambler__tables_follow_plan(engine, plan);
    take_orders(engine);
    visit_group(engine, plan);
    while (run.input < count) {
        const struct scrambler_input *input = &inputs[run.input];
        uint64_t now = input->source_time < TIME_MAX ? input->source_time : TIME_MAX;

        if (!take(&run, input->packet, now))
            break;
        give_out(&run, input->packet, now);
    }
    scrambler__count_by(&engine->counters.in, run.input);
    scrambler__count_by(&engine->counters.out, run.output_count);
    scrambler__count_by(&engine->counters.inserted, run.inserted);
    *output_count = run.output_count;
    return run.input;
}
