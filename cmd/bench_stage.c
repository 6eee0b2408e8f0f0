/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a benchmark needs before its first turn: memory, lanes, contenders. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "bench/measure.h"
#include "cmd/bench.h"

#define MIB ((size_t)1 << 20)
/* A part of the cache: keys, scratch and lanes want room beside the payloads. */
#define SHARE_OF_LEVEL2  4
#define TIMES_LAST_LEVEL 2 /* so that nothing of the last lap is left */
#define START_MAX        64
#define COST_KEYS        2000 /* both control words of 1 000 services */
#define SELF_TEST_RUNS   3

static const size_t smallest_memory = (size_t)CIPHER_BATCH_MAX * BENCH_STRIDE + START_MAX;

/* Half of what is free at most. */
static size_t beyond_cache(const struct bench_caches *caches, uint64_t wanted)
{
    size_t size = wanted ? (size_t)wanted : TIMES_LAST_LEVEL * caches->last;
    size_t most = bench_memory_available() / 2;

    if (size > most) {
        base_log(BASE_LOG_WARNING, "working set 'memory': %zu MiB would be wanted, %zu MiB is what is free",
                 size / MIB, most / MIB);
        size = most;
    }
    if (size <= caches->last)
        base_log(BASE_LOG_WARNING, "working set 'memory': %zu MiB is not larger than the cache (%zu MiB)",
                 size / MIB, caches->last / MIB);
    return size > smallest_memory ? size : smallest_memory;
}

int cmd_bench_place_open(struct cmd_bench_place *place, unsigned sets, uint64_t memory_size, uint64_t seed)
{
    *place = (struct cmd_bench_place){.seed = seed};
    bench_caches_read(&place->caches);
    place->set_sizes[CMD_BENCH_L2] = place->caches.level2 / SHARE_OF_LEVEL2;
    place->size = smallest_memory;
    if (sets & 1u << CMD_BENCH_MEMORY) {
        place->set_sizes[CMD_BENCH_MEMORY] = beyond_cache(&place->caches, memory_size);
        place->size = place->set_sizes[CMD_BENCH_MEMORY];
    }
    place->memory = bench_memory_create(place->size, seed);
    return place->memory ? CMD_EXIT_OK : cmd_failed(-ENOMEM, "memory for the packets");
}

void cmd_bench_place_close(struct cmd_bench_place *place)
{
    bench_memory_destroy(place->memory, place->size);
}

int cmd_bench_lanes_open(const struct cmd_bench_place *place, const struct cmd_bench_case *of, unsigned keys,
                         struct bench_lanes **lanes)
{
    struct bench_random random = {place->seed};
    size_t start = bench_random_below(&random, START_MAX);
    size_t size = place->set_sizes[of->set];
    size_t smallest = start + (size_t)of->batch * BENCH_STRIDE;
    struct bench_lanes_plan plan = {
        .memory = place->memory,
        .size = size > smallest ? size : smallest,
        .start = start,
        .stride = BENCH_STRIDE,
        .keys = keys,
        .batch = of->batch,
        .mix = of->mix,
        .seed = place->seed,
    };

    return bench_lanes_create(lanes, &plan);
}

static bool is_wanted(const struct cmd_texts *tiers, const char *name)
{
    for (unsigned i = 0; i < tiers->count; i++) {
        if (!strcmp(tiers->values[i], name))
            return true;
    }
    return tiers->count == 0;
}

/* Its known answers, which it gave once already when it was opened. */
static double self_test_ns(const struct bench_contender *contender)
{
    const char *name = contender->name;
    size_t prefix = strlen(BENCH_WRAPPER_PREFIX);
    double best = 0;

    if (contender->peer)
        return 0;
    if (!strncmp(name, BENCH_WRAPPER_PREFIX, prefix))
        name += prefix;
    for (int i = 0; i < SELF_TEST_RUNS; i++) {
        uint64_t start = base_clock_monotonic_ns();
        double taken;

        if (cipher_self_test(contender->algorithm, name, 0) < 0)
            return 0;
        taken = (double)(base_clock_monotonic_ns() - start);
        best = i == 0 || taken < best ? taken : best;
    }
    return best;
}

static int measure_costs(struct cmd_bench_team *team, unsigned member, uint64_t seed)
{
    static uint8_t cws[COST_KEYS][BENCH_CW_SIZE];
    struct bench_random random = {seed};

    bench_random_fill(&random, cws[0], sizeof(cws));
    team->self_test_ns[member] = self_test_ns(team->members[member]);
    return bench_measure_keys(team->members[member], (const uint8_t(*)[BENCH_CW_SIZE])cws, COST_KEYS,
                              &team->key_ns[member]);
}

static int add_member(struct cmd_bench_team *team, enum cipher_algorithm algorithm, const char *name,
                      uint64_t seed)
{
    int status = bench_contender_open(&team->members[team->count], algorithm, name);

    if (status == -ENOTSUP || status == BASE_E_SELF_TEST) {
        base_log(BASE_LOG_NOTICE, "%s: %s is left out: %s", cipher_algorithm_name(algorithm), name,
                 status == -ENOTSUP ? "this CPU, the CPU mask or this build does not allow it"
                                    : base_error_text(status));
        return 0;
    }
    if (status == 0)
        status = measure_costs(team, team->count++, seed);
    return status;
}

int cmd_bench_team_open(struct cmd_bench_team *team, enum cipher_algorithm algorithm,
                        const struct cmd_texts *tiers, uint64_t seed)
{
    char name[BENCH_NAME_SIZE];
    int status = 0;

    *team = (struct cmd_bench_team){.count = 0};
    for (unsigned n = 0;
         status == 0 && team->count < CMD_BENCH_TEAM_MAX && bench_contender_name(algorithm, n, name); n++) {
        if (is_wanted(tiers, name))
            status = add_member(team, algorithm, name, seed);
    }
    if (status == 0)
        return CMD_EXIT_OK;
    cmd_bench_team_close(team);
    return cmd_failed(status, name);
}

void cmd_bench_team_close(struct cmd_bench_team *team)
{
    for (unsigned i = 0; i < team->count; i++)
        bench_contender_close(team->members[i]);
    team->count = 0;
}
