/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/run_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/cas_report.h"
#include "cmd/live_json.h"
#include "cmd/live_scg.h"
#include "cmd/summary.h"

static bool line_shown;

static void wipe_line(void)
{
    if (line_shown)
        fputs("\r\033[K", stderr);
    line_shown = false;
}

static uint64_t drops(const struct pipeline_counters *counters)
{
    return counters->drop_not_linear + counters->drop_not_udp + counters->drop_malformed +
           counters->drop_fragment + counters->drop_no_stream + counters->drop_not_ts +
           counters->drop_worker_busy + counters->drop_tx_full;
}

static void sum_streams(const struct cmd_live *live, struct scrambler_counters *sum)
{
    *sum = (struct scrambler_counters){0};
    for (unsigned i = 0; i < live->stream_count; i++) {
        struct scrambler_counters counters;

        pipeline_stream_counters(live->pipeline, i, &counters);
#define X(name, help) sum->name += counters.name;
        SCRAMBLER_COUNTER_MAP(X)
#undef X
    }
}

static void sum_services(const struct cmd_live *live, struct cmd_service_totals *sum)
{
    *sum = (struct cmd_service_totals){0};
    for (unsigned i = 0; i < live->stream_count; i++) {
        const struct cmd_live_stream *stream = &live->streams[i];

        for (unsigned j = 0; j < stream->service_count; j++)
            cmd_service_add(sum, stream->services[j].common.scg);
        for (const struct cmd_live_scg *scg = cmd_live_scgs(stream); scg; scg = scg->next)
            cmd_service_add(sum, scg->scg);
    }
}

void cmd_run_report_init(struct cmd_run_report *report, const struct cmd_live *live)
{
    *report = (struct cmd_run_report){.live = live,
                                      .started_ns = base_clock_monotonic_ns(),
                                      .last_ns = base_clock_monotonic_ns(),
                                      .terminal = isatty(STDERR_FILENO)};
    if (report->terminal)
        base_log_set_wipe(wipe_line);
}

void cmd_run_report_status(struct cmd_run_report *report)
{
    uint64_t now = base_clock_monotonic_ns();
    double seconds = (double)(now - report->last_ns) / 1e9;
    struct pipeline_counters frames;
    struct scrambler_counters packets;
    struct cmd_service_totals groups;

    if (!report->terminal || seconds <= 0)
        return;
    pipeline_counters(report->live->pipeline, &frames);
    sum_streams(report->live, &packets);
    sum_services(report->live, &groups);
    wipe_line();
    fprintf(stderr,
            "%.1f Mbit/s, %.0f frames/s; %" PRIu64 " in, %" PRIu64 " out, %" PRIu64
            " dropped; %u of %u services on air%s",
            cmd_summary_bit_rate(packets.in - report->last_packets, seconds) / 1e6,
            (double)(frames.rx_frames - report->last_frames) / seconds, frames.rx_frames, frames.tx_frames,
            drops(&frames), groups.on_air, groups.services, groups.degraded ? ", CAS failing" : "");
    fflush(stderr);
    line_shown = true;
    report->last_ns = now;
    report->last_frames = frames.rx_frames;
    report->last_packets = packets.in;
}

static void print_line(const struct cmd_run_report *report, double seconds,
                       const struct pipeline_counters *frames, const struct scrambler_counters *packets,
                       const struct cmd_service_totals *groups)
{
    char ecms[512];

    cmd_cas_set_text(&report->live->cas, ecms, sizeof(ecms));
    printf("%.1f s: %" PRIu64 " frames in, %" PRIu64 " out, %" PRIu64 " dropped; %" PRIu64
           " TS packets, %" PRIu64 " scrambled, %" PRIu64 " black; %u of %u services on air, %" PRIu64
           " crypto-periods, %" PRIu64 " ECMs%s%s%s\n",
           seconds, frames->rx_frames, frames->tx_frames, drops(frames), packets->in, packets->scrambled,
           packets->black, groups->on_air, groups->services, groups->crypto_periods, groups->ecms,
           *ecms ? " (" : "", ecms, *ecms ? ")" : "");
}

void cmd_run_report_look(struct cmd_run_report *report)
{
    struct cmd_service_totals groups;

    if (report->on_air_ns)
        return;
    sum_services(report->live, &groups);
    if (!groups.services || groups.on_air < groups.services)
        return;
    report->on_air_ns = base_clock_monotonic_ns();
    base_log(BASE_LOG_NOTICE, "all %u services are on air, after %.1f s", groups.services,
             (double)(report->on_air_ns - report->started_ns) / 1e9);
}

/* Of this thread, whose work is control. */
static double control_seconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static json_t *on_air_json(const struct cmd_run_report *report)
{
    return report->on_air_ns ? json_real((double)(report->on_air_ns - report->started_ns) / 1e9)
                             : json_null();
}

static json_t *make_json(const struct cmd_run_report *report)
{
    double seconds = (double)(base_clock_monotonic_ns() - report->started_ns) / 1e9;
    struct pipeline_counters frames;
    struct rusage usage;
    json_t *root;

    getrusage(RUSAGE_SELF, &usage);
    pipeline_counters(report->live->pipeline, &frames);
    root = json_pack("{s:f, s:o, s:f, s:i, s:s, s:o, s:I}", "seconds", seconds, "on_air_after",
                     on_air_json(report), "control_cpu_seconds", control_seconds(), "memory_mib",
                     (int)(usage.ru_maxrss / 1024), "memory", pipeline_memory_mode(report->live->pipeline),
                     "frames", CMD_SUMMARY_COUNTERS(PIPELINE_COUNTER_MAP, &frames), "dropped",
                     (json_int_t)drops(&frames));
    cmd_live_add_json(root, report->live);
    return root;
}

void cmd_run_report_write(const struct cmd_run_report *report, struct cmd_status_file *file)
{
    if (cmd_status_file_is_ready(file))
        cmd_status_file_replace(file, make_json(report));
}

int64_t cmd_run_report_end(const struct cmd_run_report *report, bool json)
{
    double seconds = (double)(base_clock_monotonic_ns() - report->started_ns) / 1e9;
    struct pipeline_counters frames;
    struct scrambler_counters packets;
    struct cmd_service_totals groups;

    pipeline_counters(report->live->pipeline, &frames);
    sum_streams(report->live, &packets);
    sum_services(report->live, &groups);
    wipe_line();
    if (json)
        cmd_summary_print(stdout, make_json(report));
    else
        print_line(report, seconds, &frames, &packets, &groups);
    return (int64_t)(frames.rx_frames + frames.inserted_frames - frames.tx_frames - drops(&frames));
}
