/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline run: the live headend. The main lcore is the control thread; it runs an event loop with a tick.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/common_options.h"
#include "cmd/live.h"
#include "cmd/options.h"
#include "cmd/process.h"
#include "cmd/run_report.h"

#define TICK_MS       5
#define TICKS_PER_SEC (1000 / TICK_MS)
#define LOOK_TICKS    (TICKS_PER_SEC / 10)

struct run {
    const char *config_path;
    const char *cpu_mask;
    bool check, json, stop_at_end;
    uint64_t duration_us; /* 0: for ever */

    struct cmd_headend_config config;
    struct pipeline *pipeline;
    struct net_loop *loop;
    struct net_timer *timer;
    struct cmd_live live;
    struct cmd_run_report report;
    struct cmd_status_file status; /* without a path: none */
    uint64_t ticks;
};

static const char details[] =
    "Reads transport streams from DPDK ports, scrambles the configured services and sends them on. Stops "
    "with\n"
    "SIGINT or SIGTERM, with a summary. configs/headend.yaml shows every key of the configuration.\n\n"
    "Examples:\n"
    "  scramline run -c configs/headend.yaml --check\n"
    "  scramline run -c configs/headend.yaml --cpu-mask avx2\n";

static void tick(void *context)
{
    struct run *run = (struct run *)context;
    uint64_t now_us = pipeline_now(run->pipeline) / (BASE_TICKS_PER_SECOND / 1000000);

    net_timer_start(run->timer, TICK_MS);
    cmd_live_tick(&run->live);
    if (run->ticks % LOOK_TICKS == 0)
        cmd_run_report_look(&run->report);
    if (++run->ticks % TICKS_PER_SEC == 0) {
        cmd_live_report(&run->live);
        cmd_run_report_status(&run->report);
        if (run->status.path)
            cmd_run_report_write(&run->report, &run->status);
    }
    if ((run->duration_us && now_us >= run->duration_us) || pipeline_finished(run->pipeline))
        net_loop_stop(run->loop);
}

static void stop(void *context, int signal_number)
{
    struct run *run = (struct run *)context;

    base_log(BASE_LOG_NOTICE, "%s: stopping", signal_number == SIGINT ? "SIGINT" : "SIGTERM");
    net_loop_stop(run->loop);
}

static int prepare_loop(struct run *run)
{
    int rc = net_loop_create(&run->loop);

    if (!rc)
        rc = net_loop_on_signals(run->loop, stop, run);
    if (!rc)
        rc = net_timer_create(&run->timer, run->loop, tick, run);
    if (rc)
        base_log(BASE_LOG_ERROR, "the event loop cannot be had: %s", base_error_text(rc));
    return rc;
}

static int prepare_pipeline(struct run *run)
{
    char why[256];
    int rc = pipeline_create(&run->pipeline, &run->config.pipeline, why);

    if (rc)
        base_log(BASE_LOG_ERROR, "%s: %s", run->config_path, why);
    return rc;
}

static int go(struct run *run)
{
    int64_t unexplained;
    int rc = pipeline_start(run->pipeline);

    if (rc)
        return rc;
    base_log(BASE_LOG_NOTICE, "running: %u streams, %s; SIGINT stops it with a summary",
             run->config.pipeline.stream_count, pipeline_memory_mode(run->pipeline));
    cmd_run_report_init(&run->report, &run->live);
    net_timer_start(run->timer, 0);
    rc = net_loop_run(run->loop);
    pipeline_stop(run->pipeline);
    unexplained = cmd_run_report_end(&run->report, run->json);
    if (unexplained) {
        base_log(BASE_LOG_ERROR, "%lld frames are neither sent nor counted as dropped: please report this",
                 (long long)unexplained);
        return -EIO;
    }
    return rc;
}

static int run_headend(struct run *run)
{
    int rc = prepare_pipeline(run);

    if (!rc)
        rc = prepare_loop(run);
    if (!rc)
        rc = cmd_live_init(&run->live, &run->config, run->pipeline, run->loop);
    if (!rc)
        rc = go(run);
    cmd_status_file_clear(&run->status);
    cmd_live_clear(&run->live);
    net_timer_destroy(run->timer);
    net_loop_destroy(run->loop);
    pipeline_destroy(run->pipeline);
    return rc ? CMD_EXIT_FAILED : CMD_EXIT_OK;
}

static int load(struct run *run)
{
    char why[CMD_HEADEND_WHY_SIZE];
    int rc = cmd_headend_config_load(&run->config, run->config_path, why);

    if (rc)
        base_log(BASE_LOG_ERROR, "%s", why);
    run->config.pipeline.stop_at_end = run->stop_at_end;
    return rc;
}

int main(int argc, char **argv)
{
    struct run run = {0};
    const struct cmd_option options[] = {
        {.name = "--config",
         .letter = 'c',
         .argument = "FILE",
         .kind = CMD_TEXT,
         .value = &run.config_path,
         .help = "the configuration (YAML)"},
        {.name = "--check",
         .kind = CMD_FLAG,
         .value = &run.check,
         .help = "only check the configuration; needs no ports and no rights"},
        CMD_OPTION_CPU_MASK(&run.cpu_mask),
        {.name = "--json", .kind = CMD_FLAG, .value = &run.json, .help = "the summary as JSON"},
        {.name = "--status",
         .argument = "FILE",
         .kind = CMD_TEXT,
         .value = &run.status.path,
         .help = "replace FILE each second by what the JSON summary would say:\nstreams, CASs, ECMGs, EISs, "
                 "EMMGs, C(P)SIGs"},
        {.name = "--stop-at-end",
         .kind = CMD_FLAG,
         .value = &run.stop_at_end,
         .help = "stop when nothing has come for a second: inputs are files (net_pcap)"},
        {.name = "--duration",
         .argument = "SECONDS",
         .kind = CMD_SECONDS,
         .value = &run.duration_us,
         .minimum = 1,
         .maximum = UINT64_C(1) << 50,
         .help = "stop after so long"},
        {0}};
    const struct cmd_command command = {.name = "run",
                                        .operands = "",
                                        .summary = "Scrambles live streams between DPDK ports.",
                                        .details = details,
                                        .options = options};
    const char *operands[1];
    unsigned count;
    int status;

    cmd_process_protect();
    base_log_from_environment();
    if (!cmd_parse(&command, argc, argv, operands, &count, &status))
        return status;
    if (!run.config_path)
        return cmd_usage_error(&command, "-c FILE is needed; configs/headend.yaml is an example");
    if (cmd_cpu_mask_take(&command, run.cpu_mask) != CMD_EXIT_OK)
        return CMD_EXIT_USAGE;
    if (load(&run))
        return CMD_EXIT_FAILED;
    if (run.check)
        printf("%s: %u port(s), %u stream(s): ready to run\n", run.config_path,
               run.config.pipeline.port_count, run.config.pipeline.stream_count);
    else
        status = run_headend(&run);
    cmd_headend_config_clear(&run.config);
    return run.check ? CMD_EXIT_OK : status;
}
