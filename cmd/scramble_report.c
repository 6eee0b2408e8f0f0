/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/cas_report.h"
#include "cmd/input.h"
#include "cmd/output.h"
#include "cmd/scramble_run.h"
#include "cmd/summary.h"

static struct cmd_service_totals sum_services(const struct scramble_run *run)
{
    struct cmd_service_totals totals = {0};

    for (unsigned i = 0; i < run->service_count; i++)
        cmd_service_add(&totals, run->services[i].scg);
    return totals;
}

static json_t *services_json(const struct scramble_run *run)
{
    json_t *services = json_array();

    for (unsigned i = 0; !run->options->pids.count && i < run->service_count; i++) {
        struct headend_service_status status;

        const struct headend_scg *scg = run->services[i].scg;

        headend_follower_status(run->follower, i, &status);
        json_array_append_new(services, json_pack("{s:i, s:s, s:i, s:i, s:i, s:o}", "service_id",
                                                  (int)status.service_id, "name", status.name, "pmt_pid",
                                                  (int)status.pmt_pid, "ecm_pid",
                                                  (int)cmd_scg_ecm_pid(scg, run->follower),
                                                  "protected_components", (int)status.protected_components,
                                                  "cas", cmd_scg_cas_json(scg, run->follower)));
    }
    return services;
}

static void print_json(const struct scramble_run *run, double seconds)
{
    const struct scrambler_counters *counters = scrambler_engine_counters(run->engine);
    struct cmd_service_totals totals = sum_services(run);
    json_t *summary = json_pack(
        "{s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:b, s:f, s:f}", "command",
        "scramble", "in", cmd_json_text(run->options->in), "out", cmd_json_text(run->options->out),
        "algorithm", cipher_algorithm_name(run->options->algorithm), "tier", cipher_tier_name(run->cipher),
        "input", cmd_input_json(run->source), "packets",
        CMD_SUMMARY_COUNTERS(SCRAMBLER_COUNTER_MAP, counters), "services", services_json(run), "cas",
        cmd_cas_set_json(&run->cas), "crypto_periods", (json_int_t)totals.crypto_periods, "ecms",
        (json_int_t)totals.ecms, "stretched", (json_int_t)totals.stretched, "without",
        (json_int_t)totals.without, "degraded", (int)totals.was_degraded, "seconds", seconds, "bit_rate",
        cmd_summary_bit_rate(counters->in, seconds));

    cmd_summary_print(cmd_output_summary(run->options->out), summary);
}

static void print_line(const struct scramble_run *run, double seconds)
{
    const struct scrambler_counters *counters = scrambler_engine_counters(run->engine);
    struct cmd_service_totals totals = sum_services(run);
    char ecms[512];

    cmd_cas_set_text(&run->cas, ecms, sizeof(ecms));
    fprintf(stderr,
            "scrambled %" PRIu64 " of %" PRIu64 " packets (%s, %s), %" PRIu64 " crypto-periods, %" PRIu64
            " ECMs%s%s%s, %" PRIu64 " black, %" PRIu64 " already scrambled, %.1f s, %.0f Mbit/s: %s\n",
            counters->scrambled, counters->in, cipher_algorithm_name(run->options->algorithm),
            cipher_tier_name(run->cipher), totals.crypto_periods, totals.ecms, *ecms ? " (" : "", ecms,
            *ecms ? ")" : "", counters->black, counters->already_scrambled, seconds,
            cmd_summary_bit_rate(counters->in, seconds) / 1e6, run->options->out);
}

static void warn(const struct scramble_run *run)
{
    cmd_input_warn(run->source, run->options->in);
    if (!scrambler_engine_counters(run->engine)->scrambled)
        base_log(BASE_LOG_WARNING, "nothing was scrambled: no clear packet of the chosen PIDs has a payload");
    if (!ts_timeline_has_pcr(run->window.timeline) && !run->options->bitrate && !run->options->cws.count)
        base_log(BASE_LOG_WARNING,
                 "%s carries no PCR: crypto-periods were timed as if it had %" PRIu64
                 " Mbit/s (--bitrate changes that)",
                 run->options->in, SCRAMBLE_ASSUMED_BITRATE / 1000000);
}

void scramble_run_report(struct scramble_run *run)
{
    double seconds = cmd_progress_seconds(&run->progress);

    cmd_progress_finish(&run->progress);
    warn(run);
    if (run->options->json)
        print_json(run, seconds);
    else
        print_line(run, seconds);
}
