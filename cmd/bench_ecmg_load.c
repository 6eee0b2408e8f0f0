/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The load of `scramline bench ecmg`: connects one channel after the other, lets CW_provisions become due,
 * and waits for the last answers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cmd/bench_ecmg_channel.h"
#include "cmd/process.h"
#include "cmd/progress.h"

#define CONNECTING_MAX 64 /* channels that are being set up at once: an ECMG may let few connections wait */
#define TICK_NS        UINT64_C(20000000)
#define NS_PER_SECOND  UINT64_C(1000000000)
#define NS_PER_MS      1000000

struct pace {
    struct cmd_progress progress;
    uint64_t ticked_ns;
};

static uint64_t stream_count(const struct cmd_bench_load *load)
{
    return load->plan->channels * load->plan->streams;
}

/* Time-outs are in no hurry, and looking for them walks through all streams. */
static void tick(struct cmd_bench_load *load, struct pace *pace)
{
    uint64_t now_ns = base_clock_monotonic_ns();

    if (now_ns - pace->ticked_ns < TICK_NS)
        return;
    pace->ticked_ns = now_ns;
    for (uint64_t i = 0; i < load->begun; i++)
        cmd_bench_channel_tick(&load->channels[i]);
}

static bool begin_channels(struct cmd_bench_load *load)
{
    uint64_t wanted = load->channels_ready + CONNECTING_MAX;

    while (load->begun < load->plan->channels && load->begun < wanted) {
        if (!cmd_bench_channel_open(&load->channels[load->begun++]))
            return false;
    }
    return true;
}

static bool may_go_on(struct cmd_bench_load *load)
{
    if (!cmd_process_interrupted())
        return true;
    snprintf(load->result->why, sizeof(load->result->why), "interrupted");
    return false;
}

/* One channel that cannot be set up ends it all. */
static bool set_up(struct cmd_bench_load *load, struct pace *pace)
{
    uint64_t begun_ns = base_clock_monotonic_ns();
    char text[64];

    cmd_progress_start(&pace->progress, stream_count(load));
    while (load->ready < stream_count(load)) {
        if (!begin_channels(load) || load->result->lost || !may_go_on(load))
            return false;
        net_loop_run_once(load->loop, 10);
        tick(load, pace);
        snprintf(text, sizeof(text), "%" PRIu64 " streams set up", load->ready);
        cmd_progress_update_text(&pace->progress, load->ready, text);
    }
    cmd_progress_finish(&pace->progress);
    load->result->set_up_seconds = (double)(base_clock_monotonic_ns() - begun_ns) / 1e9;
    return true;
}

/* The streams take turns, and with each turn the channels: neighbours in time are of different connections.
 */
static void ask_stream(struct cmd_bench_load *load, uint64_t turn)
{
    struct cmd_bench_channel *channel = &load->channels[turn % load->plan->channels];
    struct cmd_bench_stream *stream = &channel->streams[turn / load->plan->channels];

    stream->due++;
    cmd_bench_channel_ask(channel, stream);
}

static uint64_t due_so_far(const struct cmd_bench_load *load, uint64_t now_ns)
{
    uint64_t end_ns = now_ns < load->end_ns ? now_ns : load->end_ns;
    uint64_t passed_ns = end_ns - load->start_ns;

    return passed_ns / NS_PER_SECOND * load->plan->rate +
           passed_ns % NS_PER_SECOND * load->plan->rate / NS_PER_SECOND;
}

static void ask_what_is_due(struct cmd_bench_load *load)
{
    uint64_t due = due_so_far(load, base_clock_monotonic_ns());

    while (load->issued < due)
        ask_stream(load, load->issued++ % stream_count(load));
}

/* The loop counts in ms: nearer than that the next one is awaited without sleep. */
static uint64_t pause_ms(const struct cmd_bench_load *load)
{
    return load->plan->rate >= 500 ? 0 : 1;
}

static void begin_asking(struct cmd_bench_load *load)
{
    load->phase = CMD_BENCH_ASKING;
    load->start_ns = base_clock_monotonic_ns();
    load->end_ns = load->start_ns + load->plan->duration_us * 1000;
    for (uint64_t turn = 0; !load->plan->rate && turn < stream_count(load); turn++)
        ask_stream(load, turn);
}

static void show(struct cmd_bench_load *load, struct pace *pace)
{
    char text[96];

    snprintf(text, sizeof(text), "%" PRIu64 " CW_provisions, %" PRIu64 " answered", load->result->asked,
             load->result->answered);
    cmd_progress_update_text(&pace->progress, (base_clock_monotonic_ns() - load->start_ns) / NS_PER_MS, text);
}

static bool ask(struct cmd_bench_load *load, struct pace *pace)
{
    begin_asking(load);
    cmd_progress_start(&pace->progress, load->plan->duration_us / 1000);
    while (base_clock_monotonic_ns() < load->end_ns && load->result->lost < load->plan->channels) {
        if (!may_go_on(load))
            return false;
        if (load->plan->rate)
            ask_what_is_due(load);
        net_loop_run_once(load->loop, pause_ms(load));
        tick(load, pace);
        show(load, pace);
    }
    if (load->plan->rate)
        ask_what_is_due(load);
    load->phase = CMD_BENCH_WAITING;
    load->result->seconds = (double)(base_clock_monotonic_ns() - load->start_ns) / 1e9;
    return true;
}

/* Every answer comes, or its session gives it up. */
static bool await_answers(struct cmd_bench_load *load, struct pace *pace)
{
    while (load->outstanding) {
        if (!may_go_on(load))
            return false;
        net_loop_run_once(load->loop, 1);
        tick(load, pace);
    }
    cmd_progress_finish(&pace->progress);
    if (load->plan->rate)
        load->result->unsent = load->issued - load->result->asked;
    return true;
}

static bool run(struct cmd_bench_load *load)
{
    struct pace pace = {.ticked_ns = base_clock_monotonic_ns()};
    bool done = set_up(load, &pace) && ask(load, &pace) && await_answers(load, &pace);

    cmd_progress_finish(&pace.progress);
    return done;
}

static void close_channels(struct cmd_bench_load *load)
{
    for (uint64_t i = 0; i < load->begun; i++)
        cmd_bench_channel_close(&load->channels[i]);
    free(load->channels);
}

bool cmd_bench_ecmg_load(const struct cmd_bench_ecmg_plan *plan, struct cmd_bench_ecmg_result *result)
{
    struct cmd_bench_load load = {.plan = plan, .result = result};
    bool done = false;

    load.channels = calloc(plan->channels, sizeof(*load.channels));
    if (!load.channels || net_loop_create(&load.loop) < 0) {
        free(load.channels);
        snprintf(result->why, sizeof(result->why), "no memory for %" PRIu64 " channels", plan->channels);
        return false;
    }
    for (uint64_t i = 0; i < plan->channels; i++) {
        load.channels[i].load = &load;
        load.channels[i].index = i;
    }
    done = run(&load);
    close_channels(&load);
    net_loop_destroy(load.loop);
    return done;
}
