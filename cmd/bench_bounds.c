/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bounds that the project holds itself to: each a ratio of two rates that take turns in one run. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "bench/measure.h"
#include "cmd/bench.h"
#include "cmd/process.h"
#include "cmd/summary.h"

#define OURS NULL /* the tier that commands take on this CPU, unless --tier says another */

struct side {
    const char *tier;
    unsigned keys;
    unsigned batch;
    enum cmd_bench_set set;
    const char *mix;
};

#define LANES_FROM(keys) keys, 512, CMD_BENCH_L2, "full"
#define OUR_LANES                                                                                            \
    {                                                                                                        \
        OURS, LANES_FROM(300)                                                                                \
    }
#define PEER(name, keys)                                                                                     \
    {                                                                                                        \
        name, LANES_FROM(keys)                                                                               \
    }
#define OUR_BATCH(batch)                                                                                     \
    {                                                                                                        \
        OURS, 300, batch, CMD_BENCH_L2, "full"                                                               \
    }
#define OUR_SET(set)                                                                                         \
    {                                                                                                        \
        OURS, 300, 512, CMD_BENCH_##set, "full"                                                              \
    }
#define OUR_MIX(mix)                                                                                         \
    {                                                                                                        \
        OURS, 300, 512, CMD_BENCH_L2, mix                                                                    \
    }
#define SCRAMBLE   (1u << CIPHER_SCRAMBLE)
#define DESCRAMBLE (1u << CIPHER_DESCRAMBLE)
#define BOTH       (SCRAMBLE | DESCRAMBLE)

static const struct bound {
    enum cipher_algorithm algorithm;
    unsigned directions; /* bits */
    const char *text;
    struct side measured, against;
    double at_least, aim;
    bool per_byte; /* of payload; else per packet */
} bounds[] = {
    {CIPHER_DVB_CSA2, SCRAMBLE, "against libdvbcsa with one key", OUR_LANES, PEER("libdvbcsa", 1), 17.5, 22,
     false},
    {CIPHER_DVB_CSA2, DESCRAMBLE, "against libdvbcsa with one key", OUR_LANES, PEER("libdvbcsa", 1), 19, 23,
     false},
    {CIPHER_DVB_CSA2, BOTH, "a key per packet, against one key", OUR_LANES, PEER(OURS, 1), 0.93, 0.97, false},
    {CIPHER_DVB_CSA2, BOTH, "beyond the cache, against in it", OUR_SET(MEMORY), OUR_SET(L2), 0.8, 0.95,
     false},
    {CIPHER_DVB_CSA2, BOTH, "batch of 256, against 512", OUR_BATCH(256), OUR_BATCH(512), 0.6, 0.8, false},
    {CIPHER_DVB_CSA2, BOTH, "batch of 64, against 512", OUR_BATCH(64), OUR_BATCH(512), 0.25, 0.4, false},
    {CIPHER_DVB_CSA2, BOTH, "avx2, against libdvbcsa with one key", PEER("avx2", 300), PEER("libdvbcsa", 1),
     3.5, 4.5, false},
    {CIPHER_DVB_CISSA, SCRAMBLE, "against ipsec-mb", OUR_LANES, PEER("ipsec-mb", 300), 2, 3, false},
    {CIPHER_DVB_CISSA, DESCRAMBLE, "against ipsec-mb", OUR_LANES, PEER("ipsec-mb", 300), 1, 1.3, false},
    {CIPHER_ATIS_IDSA, BOTH, "against OpenSSL", OUR_LANES, PEER("openssl", 300), 8, 12, false},
    {CIPHER_AES_CTR, BOTH, "against OpenSSL", OUR_LANES, PEER("openssl", 300), 8, 12, false},
    {CIPHER_DVB_CSA2, BOTH, "a capture's lengths, against full", OUR_MIX("mix"), OUR_LANES, 0.85, 0.95, true},
    {CIPHER_DVB_CISSA, BOTH, "a capture's lengths, against full", OUR_MIX("mix"), OUR_LANES, 0.85, 0.95,
     true},
    {CIPHER_ATIS_IDSA, BOTH, "a capture's lengths, against full", OUR_MIX("mix"), OUR_LANES, 0.85, 0.95,
     true},
    {CIPHER_AES_CTR, BOTH, "a capture's lengths, against full", OUR_MIX("mix"), OUR_LANES, 0.85, 0.95, true},
};

#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

enum verdict { MISSED, MET, AIM_REACHED, NOT_MEASURED, VERDICTS };
static const char *const verdict_names[] = {"missed", "met", "aim reached", "not measured"};

struct result {
    const struct bound *bound;
    enum cipher_direction direction;
    char tiers[2][BENCH_NAME_SIZE]; /* measured, and against */
    double ratio, median;
    enum verdict verdict;
};

/* One of the two sides, set up. */
struct stand {
    struct bench_contender *contender;
    struct bench_lanes *lanes;
    struct bench_mix mix;
};

static int open_contender(const struct cmd_bench_plan *plan, const struct bound *bound,
                          const struct side *side, char tier[static BENCH_NAME_SIZE], struct stand *stand)
{
    if (side->tier)
        snprintf(tier, BENCH_NAME_SIZE, "%s", side->tier);
    else if (plan->tiers.count)
        snprintf(tier, BENCH_NAME_SIZE, "%s", plan->tiers.values[0]);
    else if (!bench_contender_default(bound->algorithm, tier))
        return -ENOTSUP;
    return bench_contender_open(&stand->contender, bound->algorithm, tier);
}

static int open_stand(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place,
                      const struct bound *bound, const struct side *side, char tier[static BENCH_NAME_SIZE],
                      struct stand *stand)
{
    struct cmd_bench_case of = {
        .algorithm = bound->algorithm, .keys = side->keys, .batch = side->batch, .set = side->set};
    int status = open_contender(plan, bound, side, tier, stand);

    if (status < 0)
        return status;
    of.mix = &stand->mix;
    if (plan->capture && !strcmp(side->mix, plan->capture->name))
        stand->mix = *plan->capture;
    else
        status = bench_mix_from_name(&stand->mix, side->mix);
    if (status == 0)
        status = cmd_bench_lanes_open(place, &of, side->keys, &stand->lanes);
    if (status == 0)
        status = bench_contender_set_keys(stand->contender, bench_lanes_cws(stand->lanes), side->keys);
    return status;
}

static void close_stand(struct stand *stand)
{
    bench_contender_close(stand->contender);
    bench_lanes_destroy(stand->lanes);
}

static struct bench_entry entry_of(const struct stand *stand, const struct side *side,
                                   enum cipher_direction direction)
{
    return (struct bench_entry){.contender = stand->contender,
                                .lanes = stand->lanes,
                                .direction = direction,
                                .batch = side->batch,
                                .warm = side->set == CMD_BENCH_L2};
}

static enum verdict judge(const struct bound *bound, double ratio)
{
    if (ratio >= bound->aim)
        return AIM_REACHED;
    return ratio >= bound->at_least ? MET : MISSED;
}

static int compare(struct result *result, const struct stand stands[static 2], uint64_t budget_ns)
{
    const struct bound *bound = result->bound;
    struct bench_entry entries[2] = {entry_of(&stands[0], &bound->measured, result->direction),
                                     entry_of(&stands[1], &bound->against, result->direction)};
    double cycles_per_ns;
    double weight = 1;
    int status = bench_measure(entries, 2, budget_ns, &cycles_per_ns);

    if (status < 0)
        return status;
    if (bound->per_byte)
        weight = bench_lanes_mean_length(stands[0].lanes) / bench_lanes_mean_length(stands[1].lanes);
    result->ratio = weight * entries[1].best / entries[0].best;
    result->median = weight * entries[1].median / entries[0].median;
    result->verdict = judge(bound, result->ratio);
    return 0;
}

static int take_result(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place,
                       struct result *result, uint64_t budget_ns)
{
    const struct bound *bound = result->bound;
    struct stand stands[2] = {{.contender = NULL}, {.contender = NULL}};
    int status = open_stand(plan, place, bound, &bound->measured, result->tiers[0], &stands[0]);

    if (status == 0)
        status = open_stand(plan, place, bound, &bound->against, result->tiers[1], &stands[1]);
    if (status == 0)
        status = compare(result, stands, budget_ns);
    close_stand(&stands[0]);
    close_stand(&stands[1]);
    if (status != -ENOTSUP && status != -ENOENT)
        return status;
    result->verdict = NOT_MEASURED;
    return 0;
}

static void print_result(const struct result *result)
{
    const struct bound *bound = result->bound;

    printf("%-11s %-10s %-14s %-36s", cipher_algorithm_name(bound->algorithm),
           cmd_bench_direction_names[result->direction], result->tiers[0], bound->text);
    if (result->verdict != NOT_MEASURED)
        printf(" %6.2f (median %6.2f)", result->ratio, result->median);
    else
        printf(" %6s %15s", "", "");
    printf("  at least %5.2f, aim %5.2f: %s\n", bound->at_least, bound->aim, verdict_names[result->verdict]);
    fflush(stdout);
}

static json_t *result_json(const struct result *result)
{
    const struct bound *bound = result->bound;

    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:s, s:b}", "algorithm",
        cipher_algorithm_name(bound->algorithm), "direction", cmd_bench_direction_names[result->direction],
        "bound", bound->text, "tier", result->tiers[0], "against", result->tiers[1], "ratio", result->ratio,
        "ratio_median", result->median, "at_least", bound->at_least, "aim", bound->aim, "verdict",
        verdict_names[result->verdict], "met", result->verdict == MET || result->verdict == AIM_REACHED);
}

/* The rows of the table that the plan asks for, a row for each direction. */
static unsigned list_results(const struct cmd_bench_plan *plan, struct result results[static 2 * BOUNDS])
{
    unsigned count = 0;

    for (size_t i = 0; i < BOUNDS; i++) {
        for (unsigned direction = 0; direction < 2; direction++) {
            if (bounds[i].directions & plan->directions & 1u << direction &&
                plan->algorithms & 1u << bounds[i].algorithm)
                results[count++] = (struct result){.bound = &bounds[i], .direction = direction};
        }
    }
    return count;
}

static int take_results(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place,
                        struct result *results, unsigned count)
{
    uint64_t deadline = base_clock_monotonic_ns() + plan->budget_ns;
    struct cmd_progress progress;
    int status = 0;

    cmd_progress_start(&progress, count);
    for (unsigned i = 0; status == 0 && i < count && !cmd_process_interrupted(); i++) {
        uint64_t now = base_clock_monotonic_ns();

        cmd_progress_update_text(&progress, i, results[i].bound->text);
        status = take_result(plan, place, &results[i], now < deadline ? (deadline - now) / (count - i) : 0);
        cmd_progress_clear(&progress);
        if (status == 0 && !plan->json)
            print_result(&results[i]);
    }
    cmd_progress_finish(&progress);
    return cmd_process_interrupted() ? -EINTR : status;
}

/* Both as people and as programs see them: a line of totals, or the list. */
static int conclude(const struct cmd_bench_plan *plan, const struct result *results, unsigned count)
{
    unsigned verdicts[VERDICTS] = {0};
    json_t *list = json_array();

    for (unsigned i = 0; i < count; i++) {
        verdicts[results[i].verdict]++;
        json_array_append_new(list, result_json(&results[i]));
    }
    if (plan->json) {
        cmd_summary_print(stdout, list);
    } else {
        json_decref(list);
        printf("%u bounds: %u missed, %u met, %u with the aim reached, %u not measured\n", count,
               verdicts[MISSED], verdicts[MET], verdicts[AIM_REACHED], verdicts[NOT_MEASURED]);
    }
    return verdicts[MISSED] || verdicts[NOT_MEASURED] ? CMD_EXIT_FAILED : CMD_EXIT_OK;
}

int cmd_bench_run_bounds(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place)
{
    struct result results[2 * BOUNDS];
    unsigned count = list_results(plan, results);
    int status = take_results(plan, place, results, count);

    return status < 0 ? cmd_failed(status, "the bounds") : conclude(plan, results, count);
}
