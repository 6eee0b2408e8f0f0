/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/run_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/cas_report.h"
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

/* What the control words of an SCG have come to; adds to `json`. */
static void add_scg_json(json_t *json, struct headend_scg *scg, const struct headend_follower *follower)
{
    struct headend_group_status group;
    json_t *more;

    headend_group_status(headend_scg_group(scg), &group);
    more = json_pack("{s:i, s:I, s:I, s:I, s:I, s:b, s:b, s:o}", "ecm_pid", cmd_scg_ecm_pid(scg, follower),
                     "crypto_periods", (json_int_t)group.crypto_periods, "ecms", (json_int_t)group.ecms,
                     "stretched", (json_int_t)group.stretched, "without", (json_int_t)group.without, "on_air",
                     group.on_air, "degraded", group.degraded, "cas", cmd_scg_cas_json(scg, follower));
    json_object_update(json, more);
    json_decref(more);
}

static json_t *service_json(const struct cmd_live_stream *stream, unsigned index)
{
    struct headend_scg *scg = stream->services[index].common.scg;
    struct headend_service_status service = {0};
    json_t *json;

    (void)headend_follower_status(stream->follower, index, &service);
    json = json_pack("{s:i, s:s, s:b, s:i}", "service_id", service.service_id, "name", service.name, "found",
                     service.found && service.pmt_known, "pmt_pid", service.pmt_pid);
    if (scg)
        add_scg_json(json, scg, stream->follower);
    return json;
}

static json_t *units_json(const struct cmd_live_stream *stream, const struct cmd_live_definition *definition,
                          bool components)
{
    json_t *units = json_array();

    for (unsigned i = 0; definition && i < definition->unit_count; i++) {
        const struct cmd_live_unit *unit = definition->units[i];
        struct headend_service_status service = {0};

        (void)headend_follower_status(stream->follower, unit->service, &service);
        if (unit->is_component == components)
            json_array_append_new(units, json_integer(components ? unit->component : service.service_id));
    }
    return units;
}

static json_t *scg_json(const struct cmd_live_stream *stream, const struct cmd_live_scg *scg)
{
    json_t *json = json_pack("{s:i, s:i, s:o, s:o, s:b}", "eis_channel_id", scg->channel_id, "scg_id",
                             scg->scg_id, "services", units_json(stream, scg->current, false), "components",
                             units_json(stream, scg->current, true), "pending", scg->coming != NULL);

    if (scg->scg)
        add_scg_json(json, scg->scg, stream->follower);
    return json;
}

static json_t *stream_json(const struct cmd_live_stream *stream)
{
    struct scrambler_counters packets;
    json_t *services = json_array(), *scgs = json_array();

    pipeline_stream_counters(stream->live->pipeline, stream->index, &packets);
    for (unsigned i = 0; i < stream->service_count; i++)
        json_array_append_new(services, service_json(stream, i));
    for (const struct cmd_live_scg *scg = cmd_live_scgs(stream); scg; scg = scg->next)
        json_array_append_new(scgs, scg_json(stream, scg));
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o}", "name", stream->name, "algorithm",
        cipher_algorithm_name(stream->config->algorithm), "tier", cipher_tier_name(stream->cipher), "packets",
        CMD_SUMMARY_COUNTERS(SCRAMBLER_COUNTER_MAP, &packets), "services", services, "scgs", scgs);
}

static void print_json(const struct cmd_run_report *report, double seconds,
                       const struct pipeline_counters *frames)
{
    json_t *streams = json_array(), *root;

    for (unsigned i = 0; i < report->live->stream_count; i++)
        json_array_append_new(streams, stream_json(&report->live->streams[i]));
    root = json_pack("{s:f, s:s, s:o, s:I, s:o, s:o}", "seconds", seconds, "memory",
                     pipeline_memory_mode(report->live->pipeline), "frames",
                     CMD_SUMMARY_COUNTERS(PIPELINE_COUNTER_MAP, frames), "dropped", (json_int_t)drops(frames),
                     "streams", streams, "cas", cmd_cas_set_json(&report->live->cas));
    cmd_summary_print(stdout, root);
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
        print_json(report, seconds, &frames);
    else
        print_line(report, seconds, &frames, &packets, &groups);
    return (int64_t)(frames.rx_frames + frames.inserted_frames - frames.tx_frames - drops(&frames));
}
