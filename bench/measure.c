/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/measure.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/clock.h"

#define SAMPLES_MAX  4096
#define SAMPLES_MIN  3
#define LANES_A_TURN 1024    /* and no less than a batch */
#define LONG_TURN_NS 2000000 /* a slow contender gets one batch per turn */
#define WARM_SAMPLES 3       /* timed runs of a load that is in the cache already */
#define BEST_SHARE   10      /* a figure is what the best tenth reach */
#define KEY_RUNS     5

struct track {
    struct bench_entry *entry;
    double *samples;
    unsigned lanes; /* per turn */
    uint64_t spent_ns;
};

static void load_next(const struct track *track)
{
    struct bench_lane lanes[BENCH_LOAD_MAX];
    const struct bench_entry *entry = track->entry;

    bench_lanes_take(entry->lanes, lanes, track->lanes);
    bench_contender_load(entry->contender, entry->direction, lanes, track->lanes, entry->batch);
}

/* By the clock, unless others had the core in between. */
static uint64_t timed_run(const struct track *track)
{
    uint64_t own_start = bench_clock_own_ns();
    uint64_t start = base_clock_monotonic_ns();
    uint64_t taken, own;

    bench_contender_run(track->entry->contender);
    taken = base_clock_monotonic_ns() - start;
    own = bench_clock_own_ns() - own_start;
    return own < taken ? own : taken;
}

static void take_sample(struct track *track)
{
    double sample = (double)timed_run(track) / track->lanes;

    track->samples[track->entry->turns++ % SAMPLES_MAX] = sample;
}

/* The first run brings keys, code and scratch back into the cache after the others' turns, and shows who is
 * slow. */
static void take_turn(struct track *track)
{
    uint64_t start = base_clock_monotonic_ns();
    bool is_long;

    load_next(track);
    is_long = timed_run(track) > LONG_TURN_NS && track->lanes > track->entry->batch;
    if (is_long)
        track->lanes = track->entry->batch;
    if (is_long || !track->entry->warm)
        load_next(track);
    for (unsigned i = 0; i < (track->entry->warm ? WARM_SAMPLES : 1); i++)
        take_sample(track);
    track->spent_ns += base_clock_monotonic_ns() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The newest SAMPLES_MAX of `taken` in order; how many that are. */
static unsigned sort_samples(double *samples, unsigned taken)
{
    unsigned count = taken < SAMPLES_MAX ? taken : SAMPLES_MAX;

    qsort(samples, count, sizeof(*samples), compare);
    return count;
}

static void conclude(struct track *track)
{
    unsigned count = sort_samples(track->samples, track->entry->turns);

    track->entry->best = track->samples[count / BEST_SHARE];
    track->entry->median = track->samples[count / 2];
}

/* Whether all have their few turns. */
static bool is_enough(const struct track *tracks, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (tracks[i].entry->turns < SAMPLES_MIN)
            return false;
    }
    return true;
}

/* Every entry in turn, another one first each time; one that has had its share of the time sits out. */
static void take_round(struct track *tracks, unsigned count, unsigned round, uint64_t elapsed_ns)
{
    for (unsigned i = 0; i < count; i++) {
        struct track *track = &tracks[(i + round) % count];

        if (track->entry->turns < SAMPLES_MIN || track->spent_ns <= elapsed_ns / count)
            take_turn(track);
    }
}

/* Returns the core's clock in the meantime, cycles per nanosecond; `clocks` has room for SAMPLES_MAX. */
static double take_rounds(struct track *tracks, unsigned count, uint64_t budget_ns, double *clocks)
{
    uint64_t start = base_clock_monotonic_ns();
    uint64_t elapsed = 0;
    unsigned round = 0;

    for (; elapsed < budget_ns || !is_enough(tracks, count); round++) {
        clocks[round % SAMPLES_MAX] = bench_clock_cycles_per_ns();
        take_round(tracks, count, round, elapsed);
        elapsed = base_clock_monotonic_ns() - start;
    }
    round = sort_samples(clocks, round);
    return clocks[round - 1 - round / BEST_SHARE];
}

static unsigned lanes_a_turn(unsigned batch)
{
    return batch >= LANES_A_TURN ? batch : LANES_A_TURN / batch * batch;
}

int bench_measure(struct bench_entry *entries, unsigned count, uint64_t budget_ns, double *cycles_per_ns)
{
    struct track *tracks = calloc(count, sizeof(*tracks));
    double *samples = malloc((count + 1) * SAMPLES_MAX * sizeof(*samples)); /* the last: the clock's */

    if (!tracks || !samples) {
        free(tracks);
        free(samples);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        entries[i].turns = 0;
        tracks[i] = (struct track){.entry = &entries[i],
                                   .samples = samples + (size_t)i * SAMPLES_MAX,
                                   .lanes = lanes_a_turn(entries[i].batch)};
    }
    *cycles_per_ns = take_rounds(tracks, count, budget_ns, samples + (size_t)count * SAMPLES_MAX);
    for (unsigned i = 0; i < count; i++)
        conclude(&tracks[i]);
    free(samples);
    free(tracks);
    return 0;
}

int bench_measure_keys(struct bench_contender *contender, const uint8_t (*cws)[BENCH_CW_SIZE], unsigned count,
                       double *nanoseconds)
{
    int status = bench_contender_set_keys(contender, cws, count);

    *nanoseconds = 0;
    for (unsigned i = 0; status == 0 && i < KEY_RUNS; i++) {
        uint64_t start = base_clock_monotonic_ns();
        double taken;

        status = bench_contender_set_keys(contender, cws, count);
        taken = (double)(base_clock_monotonic_ns() - start) / count;
        if (i == 0 || taken < *nanoseconds)
            *nanoseconds = taken;
    }
    return status;
}
