/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `scramline bench ecmg` found, for people and as JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "cmd/bench_ecmg.h"

/* X(name, text, share of all) */
#define PERCENTILE_MAP(X)                                                                                    \
    X(p50, "50 %", 0.5)                                                                                      \
    X(p95, "95 %", 0.95)                                                                                     \
    X(p99, "99 %", 0.99)                                                                                     \
    X(p99_9, "99.9 %", 0.999)                                                                                \
    X(max, "all", 1)

static const struct {
    const char *name, *text;
    double share;
} percentiles[] = {
#define X(name, text, share) {#name, text, share},
    PERCENTILE_MAP(X)
#undef X
};

#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

static double percentile_ms(const struct cmd_bench_ecmg_result *result, unsigned at)
{
    return (double)bench_latency_percentile(&result->latency, percentiles[at].share) / 1e6;
}

static double per_second(const struct cmd_bench_ecmg_result *result)
{
    return (double)result->answered_in_time / result->seconds;
}

static json_t *status_json(const struct simulcrypt_channel_status *status)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:i}", "ecms", status->packets ? "packets" : "sections", "lead_CW",
                     status->lead_cw, "CW_per_msg", status->cw_per_msg, "min_CP_duration",
                     status->min_cp_duration, "max_comp_time", status->max_comp_time);
}

static json_t *response_json(const struct cmd_bench_ecmg_result *result)
{
    json_t *times = json_object();

    for (unsigned i = 0; i < PERCENTILES; i++)
        json_object_set_new(times, percentiles[i].name, json_real(percentile_ms(result, i)));
    return times;
}

static json_t *counts_json(const struct cmd_bench_ecmg_result *result)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "asked", (json_int_t)result->asked, "unsent",
                     (json_int_t)result->unsent, "answered", (json_int_t)result->answered, "empty",
                     (json_int_t)result->empty, "malformed", (json_int_t)result->malformed, "errors",
                     (json_int_t)result->errors, "timeouts", (json_int_t)result->timeouts, "lost_channels",
                     (json_int_t)result->lost);
}

static void print_json(const struct cmd_bench_ecmg_plan *plan, const struct cmd_bench_ecmg_result *result)
{
    char address[300];
    json_t *object, *counts = counts_json(result);

    snprintf(address, sizeof(address), "%s:%u", plan->connect.host, plan->connect.port);
    object =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:f, s:f, s:s, s:o}", "address", address,
                  "super_cas_id", (json_int_t)plan->super_cas_id, "channels", (json_int_t)plan->channels,
                  "streams", (json_int_t)plan->streams, "outstanding", (json_int_t)plan->outstanding, "rate",
                  (json_int_t)plan->rate, "channel_status", status_json(&result->status), "set_up_seconds",
                  result->set_up_seconds, "seconds", result->seconds, "answered_per_second",
                  per_second(result), "failure", result->why, "response_ms", response_json(result));
    json_object_update(object, counts);
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(counts);
    json_decref(object);
}

static void print_set_up(const struct cmd_bench_ecmg_plan *plan, const struct cmd_bench_ecmg_result *result)
{
    const struct simulcrypt_channel_status *status = &result->status;

    printf("%" PRIu64 " channels with %" PRIu64 " streams each, the first ECM of all after %.2f s\n",
           plan->channels, plan->streams, result->set_up_seconds);
    printf("ECMs as %s, lead_CW %u, CW_per_msg %u, min_CP_duration %.1f s, max_comp_time %u ms\n",
           status->packets ? "TS packets" : "sections", status->lead_cw, status->cw_per_msg,
           status->min_cp_duration / 10.0, status->max_comp_time);
}

static void print_count(const char *what, uint64_t count)
{
    if (count)
        printf(", %" PRIu64 " %s", count, what);
}

static void print_text(const struct cmd_bench_ecmg_plan *plan, const struct cmd_bench_ecmg_result *result)
{
    print_set_up(plan, result);
    if (plan->rate)
        printf("asked: %" PRIu64 " per second for %.1f s\n", plan->rate, result->seconds);
    else
        printf("asked: as fast as it answers, %" PRIu64 " outstanding per stream, for %.1f s\n",
               plan->outstanding, result->seconds);
    printf("answered: %" PRIu64 " ECMs, %.0f per second", result->answered, per_second(result));
    print_count("of them empty", result->empty);
    print_count("of them malformed", result->malformed);
    print_count("refused", result->errors);
    print_count("not in time", result->timeouts);
    print_count("due and never sent, as the one before was not answered", result->unsent);
    print_count("channels lost", result->lost);
    printf("\nresponse time:");
    for (unsigned i = 0; i < PERCENTILES; i++)
        printf("%s %s within %.2f ms", i ? "," : "", percentiles[i].text, percentile_ms(result, i));
    putchar('\n');
    if (result->why[0])
        printf("the first failure: %s\n", result->why);
}

void cmd_bench_ecmg_print(const struct cmd_bench_ecmg_plan *plan, const struct cmd_bench_ecmg_result *result)
{
    if (plan->json)
        print_json(plan, result);
    else
        print_text(plan, result);
}
