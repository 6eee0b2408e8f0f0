/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/outlet.h"

static bool is_carousel(unsigned outlet)
{
    return outlet >= SCRAMBLER__TABLES;
}

static struct scrambler_carousel *carousel_of(struct scrambler_engine *engine, unsigned outlet)
{
    return &engine->playout.carousels[outlet - SCRAMBLER__TABLES];
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

void scrambler__set_alarm(struct scrambler_engine *engine)
{
    uint64_t activation = scrambler__heap_first_key(&engine->activations);
    uint64_t deadline = scrambler__heap_first_key(&engine->deadlines);

    engine->alarm = activation < deadline ? activation : deadline;
}

static void refresh_carousel(struct scrambler_engine *engine, unsigned outlet)
{
    struct scrambler_carousel *carousel = carousel_of(engine, outlet);

    scrambler__playout_release(&engine->playout, carousel);
    scrambler__heap_set(&engine->activations, outlet - SCRAMBLER__TABLES,
                        scrambler__carousel_activation(carousel));
}

void scrambler__outlet_refresh(struct scrambler_engine *engine, unsigned outlet)
{
    scrambler__heap_set(&engine->deadlines, outlet, deadline_of(engine, outlet));
    if (is_carousel(outlet))
        refresh_carousel(engine, outlet);
    scrambler__set_alarm(engine);
}

/* One that still has something to do now waits for the end of its play, which refreshes it. */
static void activate_carousels(struct scrambler_engine *engine, uint64_t now)
{
    while (scrambler__heap_first_key(&engine->activations) <= now) {
        unsigned i = scrambler__heap_first(&engine->activations);

        scrambler__carousel_activate(&engine->playout.carousels[i], now);
        scrambler__outlet_refresh(engine, scrambler__outlet_of_carousel(i));
        if (engine->activations.keys[i] <= now)
            scrambler__heap_set(&engine->activations, i, SCRAMBLER__NEVER);
        scrambler__set_alarm(engine);
    }
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
    engine->busy[pid] = more ? (uint16_t)(outlet + 1) : 0;
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
        activate_carousels(engine, now);
        if (scrambler__heap_first_key(&engine->deadlines) > now)
            return true;
        if (!insert(run, scrambler__heap_first(&engine->deadlines)))
            return false;
    }
}

bool scrambler__fill_place(struct scrambler_engine *engine, uint8_t *packet, uint64_t now)
{
    activate_carousels(engine, now);
    if (scrambler__heap_first_key(&engine->deadlines) == SCRAMBLER__NEVER)
        return false;
    scrambler__fill_place_from(engine, scrambler__heap_first(&engine->deadlines), packet);
    return true;
}
