/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/outlet.h"

static bool is_carousel(unsigned outlet)
{
    return outlet >= SCRAMBLER__TABLES;
}

static struct scrambler_carousel *carousel_of(struct scrambler_engine *engine, unsigned outlet)
{
    return &engine->carousels[outlet - SCRAMBLER__TABLES];
}

static uint16_t pid_of(struct scrambler_engine *engine, unsigned outlet)
{
    return is_carousel(outlet) ? carousel_of(engine, outlet)->pid : engine->tables[outlet].pid;
}

static uint64_t deadline_of(struct scrambler_engine *engine, unsigned outlet)
{
    if (is_carousel(outlet)) {
        const struct scrambler_carousel *carousel = carousel_of(engine, outlet);

        return carousel->left ? carousel->deadline : SCRAMBLER__NEVER;
    } else {
        const struct scrambler_queue *queue = &engine->tables[outlet].queue;

        return queue->count ? queue->packets[queue->head].deadline : SCRAMBLER__NEVER;
    }
}

static void note_activation(struct scrambler_engine *engine, uint64_t activation)
{
    if (activation < engine->activation)
        engine->activation = activation;
    if (activation < engine->alarm)
        engine->alarm = activation;
}

void scrambler__outlet_refresh(struct scrambler_engine *engine, unsigned outlet)
{
    uint64_t deadline = deadline_of(engine, outlet);

    engine->waiting -= engine->deadlines[outlet] != SCRAMBLER__NEVER;
    engine->waiting += deadline != SCRAMBLER__NEVER;
    engine->deadlines[outlet] = deadline;
    if (deadline < engine->alarm)
        engine->alarm = deadline;
    if (is_carousel(outlet))
        note_activation(engine, scrambler__carousel_activation(carousel_of(engine, outlet)));
}

/* The outlet with the earliest deadline; at least one waits. */
static unsigned earliest(const struct scrambler_engine *engine)
{
    unsigned best = 0;

    for (unsigned outlet = 1; outlet < SCRAMBLER__OUTLETS; outlet++)
        if (engine->deadlines[outlet] < engine->deadlines[best])
            best = outlet;
    return best;
}

void scrambler__set_alarm(struct scrambler_engine *engine)
{
    engine->activation = SCRAMBLER__NEVER;
    for (unsigned i = 0; i < SCRAMBLER__CAROUSELS; i++) {
        uint64_t activation = scrambler__carousel_activation(&engine->carousels[i]);

        if (activation < engine->activation)
            engine->activation = activation;
    }
    engine->alarm = engine->activation;
    if (engine->waiting && engine->deadlines[earliest(engine)] < engine->alarm)
        engine->alarm = engine->deadlines[earliest(engine)];
}

static void activate_carousels(struct scrambler_engine *engine, uint64_t now)
{
    for (unsigned i = 0; i < SCRAMBLER__CAROUSELS; i++) {
        if (scrambler__carousel_activation(&engine->carousels[i]) > now)
            continue;
        scrambler__carousel_activate(&engine->carousels[i], now);
        scrambler__outlet_refresh(engine, scrambler__outlet_of_carousel(i));
    }
    scrambler__set_alarm(engine);
}

static bool emit(struct scrambler_engine *engine, unsigned outlet, uint8_t *packet)
{
    struct scrambler_carousel *carousel;

    if (!is_carousel(outlet))
        return scrambler__queue_emit(&engine->tables[outlet].queue, packet);
    carousel = carousel_of(engine, outlet);
    scrambler__carousel_emit(carousel, packet);
    scrambler__count(&engine->counters.ecm);
    return carousel->left > 0;
}

void scrambler__fill_place_from(struct scrambler_engine *engine, unsigned outlet, uint8_t *packet)
{
    uint16_t pid = pid_of(engine, outlet);
    bool more;

    if (engine->busy[pid])
        outlet = engine->busy[pid] - 1u;
    more = emit(engine, outlet, packet);
    engine->busy[pid] = more ? (uint8_t)(outlet + 1) : 0;
    scrambler__continuity_make(&engine->pids[pid], pid, packet);
    scrambler__outlet_refresh(engine, outlet);
}

static bool insert(struct scrambler_run *run, unsigned outlet)
{
    struct scrambler_output *output = &run->outputs[run->output_count];

    if (run->inserted == SCRAMBLER_INSERT_MAX)
        return false;
    output->packet = run->engine->inserted[run->inserted++];
    output->input = run->input;
    output->inserted = true;
    run->output_count++;
    scrambler__fill_place_from(run->engine, outlet, output->packet);
    return true;
}

bool scrambler__play_due(struct scrambler_run *run, uint64_t now)
{
    struct scrambler_engine *engine = run->engine;

    for (;;) {
        unsigned outlet;

        if (engine->activation <= now)
            activate_carousels(engine, now);
        outlet = earliest(engine);
        if (engine->deadlines[outlet] > now)
            break;
        if (!insert(run, outlet))
            return false;
    }
    scrambler__set_alarm(engine);
    return true;
}

bool scrambler__fill_place(struct scrambler_engine *engine, uint8_t *packet, uint64_t now)
{
    if (engine->activation <= now)
        activate_carousels(engine, now);
    if (!engine->waiting)
        return false;
    scrambler__fill_place_from(engine, earliest(engine), packet);
    return true;
}
