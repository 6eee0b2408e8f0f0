/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All cases that a plan names: every contender of a case takes turns with the others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/measure.h"
#include "cmd/bench.h"
#include "cmd/process.h"

const uint16_t cmd_bench_curve_keys[] = {1, 2, 5, 10, 30, 100, 300, 1000, 0};
const uint16_t cmd_bench_curve_batches[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 0};

struct cases {
    struct cmd_bench_case *entries;
    unsigned count, room;
};

struct matrix {
    const struct cmd_bench_plan *plan;
    const struct cmd_bench_place *place;
    struct cmd_bench_records *records;
    struct cmd_bench_team team;
    struct cmd_progress progress;
    struct cases cases;
    uint64_t deadline_ns;
};

static bool is_same(const struct cmd_bench_case *a, const struct cmd_bench_case *b)
{
    return a->algorithm == b->algorithm && a->direction == b->direction && a->keys == b->keys &&
           a->batch == b->batch && a->set == b->set && a->mix == b->mix;
}

/* What is there already is not measured twice. */
static int add_case(struct cases *cases, const struct cmd_bench_case *one)
{
    for (unsigned i = 0; i < cases->count; i++) {
        if (is_same(&cases->entries[i], one))
            return 0;
    }
    if (cases->count == cases->room) {
        unsigned room = cases->room ? 2 * cases->room : 256;
        struct cmd_bench_case *entries = realloc(cases->entries, room * sizeof(*entries));

        if (!entries)
            return -ENOMEM;
        cases->entries = entries;
        cases->room = room;
    }
    cases->entries[cases->count++] = *one;
    return 0;
}

static int add_keys_and_batches(struct cases *cases, const struct cmd_bench_plan *plan,
                                struct cmd_bench_case one)
{
    int status = 0;

    for (unsigned batch = 0; batch < plan->batches.count; batch++) {
        for (unsigned keys = 0; status == 0 && keys < plan->keys.count; keys++) {
            one.batch = plan->batches.values[batch];
            one.keys = plan->keys.values[keys];
            status = add_case(cases, &one);
        }
    }
    return status;
}

static int add_curves(struct cases *cases, struct cmd_bench_case one)
{
    int status = 0;

    one.batch = CMD_BENCH_CURVE_BATCH;
    for (const uint16_t *keys = cmd_bench_curve_keys; status == 0 && *keys; keys++) {
        one.keys = *keys;
        status = add_case(cases, &one);
    }
    one.keys = CMD_BENCH_CURVE_KEYS;
    for (const uint16_t *batch = cmd_bench_curve_batches; status == 0 && *batch; batch++) {
        one.batch = *batch;
        status = add_case(cases, &one);
    }
    return status;
}

static int add_direction(struct cases *cases, const struct cmd_bench_plan *plan, struct cmd_bench_case one)
{
    int status = 0;

    for (unsigned mix = 0; mix < plan->mix_count; mix++) {
        for (unsigned set = 0; status == 0 && set < CMD_BENCH_SETS; set++) {
            one.mix = &plan->mixes[mix];
            one.set = set;
            if (plan->sets & 1u << set)
                status = add_keys_and_batches(cases, plan, one);
        }
    }
    one.mix = &plan->mixes[0];
    one.set = CMD_BENCH_L2;
    return status == 0 && plan->curves ? add_curves(cases, one) : status;
}

static int add_all(struct cases *cases, const struct cmd_bench_plan *plan)
{
    int status = 0;

    for (unsigned algorithm = 0; algorithm < CIPHER_ALGORITHMS; algorithm++) {
        for (unsigned direction = 0; status == 0 && direction < 2; direction++) {
            struct cmd_bench_case one = {.algorithm = algorithm, .direction = direction};

            if ((plan->algorithms & 1u << algorithm) && (plan->directions & 1u << direction))
                status = add_direction(cases, plan, one);
        }
    }
    return status;
}

static struct cmd_bench_record *add_records(struct cmd_bench_records *records, unsigned count)
{
    if (records->count + count > records->room) {
        unsigned room = 2 * records->room + count;
        struct cmd_bench_record *entries = realloc(records->entries, room * sizeof(*entries));

        if (!entries)
            return NULL;
        records->entries = entries;
        records->room = room;
    }
    records->count += count;
    return records->entries + records->count - count;
}

/* The contenders' entries, and after them libdvbcsa once more with one key per batch, as it likes it best. */
struct entries {
    struct bench_entry each[CMD_BENCH_TEAM_MAX + 1];
    unsigned count;
    bool one_key;
};

static void note_entries(struct entries *entries, const struct cmd_bench_team *team,
                         const struct cmd_bench_case *of, struct bench_lanes *lanes,
                         struct bench_lanes *one_key)
{
    entries->count = 0;
    entries->one_key = false;
    for (unsigned i = 0; i < team->count; i++)
        entries->each[entries->count++] = (struct bench_entry){.contender = team->members[i],
                                                               .lanes = lanes,
                                                               .direction = of->direction,
                                                               .batch = of->batch,
                                                               .warm = of->set == CMD_BENCH_L2};
    for (unsigned i = 0; i < team->count && of->keys > 1; i++) {
        if (strcmp(team->members[i]->name, cmd_bench_peer_names[CMD_BENCH_LIBDVBCSA]) != 0)
            continue;
        entries->each[entries->count] = entries->each[i];
        entries->each[entries->count++].lanes = one_key;
        entries->one_key = true;
    }
}

static void note_ratios(struct cmd_bench_record *record, const struct entries *entries, unsigned members)
{
    for (unsigned i = 0; i < members; i++) {
        for (unsigned peer = 0; peer < CMD_BENCH_PEERS; peer++) {
            if (!strcmp(entries->each[i].contender->name, cmd_bench_peer_names[peer]))
                record->ratios[peer] = entries->each[i].best / record->best_ns;
        }
    }
    if (entries->one_key)
        record->one_key_ratio = entries->each[entries->count - 1].best / record->best_ns;
}

static int note_records(struct matrix *matrix, const struct cmd_bench_case *of, const struct entries *entries,
                        double cycles_per_ns, const struct bench_lanes *lanes)
{
    const struct cmd_bench_team *team = &matrix->team;
    struct cmd_bench_record *records = add_records(matrix->records, team->count);

    if (!records)
        return -ENOMEM;
    for (unsigned i = 0; i < team->count; i++) {
        records[i] = (struct cmd_bench_record){
            .of = *of,
            .peer = team->members[i]->peer,
            .is_default = team->members[i]->default_tier,
            .best_ns = entries->each[i].best,
            .median_ns = entries->each[i].median,
            .cycles_per_ns = cycles_per_ns,
            .mean_length = bench_lanes_mean_length(lanes),
            .set_size = bench_lanes_packets(lanes) * BENCH_STRIDE,
            .key_ns = team->key_ns[i],
            .self_test_ns = team->self_test_ns[i],
            .turns = entries->each[i].turns,
        };
        snprintf(records[i].tier, sizeof(records[i].tier), "%s", team->members[i]->name);
        note_ratios(&records[i], entries, team->count);
    }
    if (!matrix->plan->json)
        cmd_bench_print_case(records, team->count);
    return 0;
}

static int set_all_keys(const struct cmd_bench_team *team, const struct bench_lanes *lanes, unsigned keys)
{
    int status = 0;

    for (unsigned i = 0; status == 0 && i < team->count; i++)
        status = bench_contender_set_keys(team->members[i], bench_lanes_cws(lanes), keys);
    return status;
}

static int run_case(struct matrix *matrix, const struct cmd_bench_case *of, uint64_t budget_ns)
{
    struct bench_lanes *lanes = NULL, *one_key = NULL;
    struct entries entries;
    double cycles_per_ns;
    int status = cmd_bench_lanes_open(matrix->place, of, of->keys, &lanes);

    if (status == 0)
        status = cmd_bench_lanes_open(matrix->place, of, 1, &one_key);
    if (status == 0)
        status = set_all_keys(&matrix->team, lanes, of->keys);
    if (status == 0) {
        note_entries(&entries, &matrix->team, of, lanes, one_key);
        status = bench_measure(entries.each, entries.count, budget_ns, &cycles_per_ns);
    }
    if (status == 0) {
        cmd_progress_clear(&matrix->progress);
        status = note_records(matrix, of, &entries, cycles_per_ns, lanes);
    }
    bench_lanes_destroy(one_key);
    bench_lanes_destroy(lanes);
    return status;
}

static void show_progress(struct matrix *matrix, unsigned done, const struct cmd_bench_case *now)
{
    char text[80];

    snprintf(text, sizeof(text), "%s %s", cipher_algorithm_name(now->algorithm),
             cmd_bench_direction_names[now->direction]);
    cmd_progress_update_text(&matrix->progress, done, text);
}

/* The time that is left, shared alike by the cases that are left. */
static uint64_t budget(const struct matrix *matrix, unsigned left)
{
    uint64_t now = base_clock_monotonic_ns();

    return now < matrix->deadline_ns ? (matrix->deadline_ns - now) / left : 0;
}

static int next_team(struct matrix *matrix, enum cipher_algorithm algorithm)
{
    int status;

    cmd_bench_team_close(&matrix->team);
    status = cmd_bench_team_open(&matrix->team, algorithm, &matrix->plan->tiers, matrix->place->seed);
    if (status == CMD_EXIT_OK && !matrix->plan->json) {
        cmd_progress_clear(&matrix->progress);
        cmd_bench_print_costs(&matrix->team);
    }
    return status;
}

static int run_cases(struct matrix *matrix)
{
    const struct cases *cases = &matrix->cases;
    int status;

    for (unsigned i = 0; i < cases->count && !cmd_process_interrupted(); i++) {
        const struct cmd_bench_case *of = &cases->entries[i];

        show_progress(matrix, i, of);
        if (i == 0 || of->algorithm != cases->entries[i - 1].algorithm) {
            status = next_team(matrix, of->algorithm);
            if (status != CMD_EXIT_OK)
                return status;
        }
        if (!matrix->team.count)
            continue;
        status = run_case(matrix, of, budget(matrix, cases->count - i));
        if (status < 0)
            return cmd_failed(status, cipher_algorithm_name(of->algorithm));
    }
    return cmd_process_interrupted() ? CMD_EXIT_FAILED : CMD_EXIT_OK;
}

int cmd_bench_run_matrix(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place,
                         struct cmd_bench_records *records)
{
    struct matrix matrix = {.plan = plan, .place = place, .records = records};
    int status = add_all(&matrix.cases, plan);

    if (!plan->json)
        cmd_bench_print_legend();
    if (status == 0) {
        matrix.deadline_ns = base_clock_monotonic_ns() + plan->budget_ns;
        cmd_progress_start(&matrix.progress, matrix.cases.count);
        status = run_cases(&matrix);
        cmd_progress_finish(&matrix.progress);
    } else {
        status = cmd_failed(status, "the list of cases");
    }
    cmd_bench_team_close(&matrix.team);
    free(matrix.cases.entries);
    if (plan->json)
        cmd_bench_print_json(records);
    return status;
}
