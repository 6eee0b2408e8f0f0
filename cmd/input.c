/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"

static void list_flows(const struct io_source *source)
{
    const struct io_flow_entry *flows;
    size_t count = io_source_flows(source, &flows);

    for (size_t i = 0; i < count; i++) {
        char destination[64];

        wire_endpoint_format(&flows[i].flow.destination, flows[i].flow.destination_port, destination);
        fprintf(stderr, "  --flow %-28s %" PRIu64 " datagrams, %" PRIu64 " TS packets%s\n", destination,
                flows[i].datagrams, flows[i].ts_packets, flows[i].rtp ? ", RTP" : "");
    }
}

int cmd_input_open(const struct cmd_command *command, const char *path, const char *flow,
                   struct io_source **source)
{
    const struct io_source_options options = {.flow = flow};
    int status = io_source_open(source, path, &options);

    if (status == 0)
        return CMD_EXIT_OK;
    if (status == -ENOTUNIQ || (status == -ENOENT && flow && *source)) {
        cmd_usage_error(command,
                        status == -ENOTUNIQ ? "%s holds several flows: choose one of these"
                                            : "%s has no such flow: it holds these",
                        path);
        list_flows(*source);
        return CMD_EXIT_USAGE;
    }
    if (status == BASE_E_MALFORMED)
        base_log(
            BASE_LOG_ERROR,
            "%s: no transport stream (188, 192 or 204-byte packets) and no pcap or pcapng was found in it",
            path);
    else if (status == -ENODATA)
        base_log(BASE_LOG_ERROR, "%s: the file is empty", path);
    else if (status == -EINVAL && flow)
        base_log(BASE_LOG_ERROR, "--flow %s: expected ADDRESS:PORT of the destination", flow);
    else
        base_log(BASE_LOG_ERROR, "cannot read %s: %s", path, base_error_text(status));
    return CMD_EXIT_FAILED;
}

void cmd_input_warn(const struct io_source *source, const char *path)
{
    const struct io_source_report *report = io_source_report(source);

    if (report->sync_losses)
        base_log(BASE_LOG_WARNING,
                 "%s: sync lost %" PRIu64 " times, %" PRIu64 " bytes skipped to find it again", path,
                 report->sync_losses, report->bytes_skipped);
    else if (report->bytes_skipped)
        base_log(BASE_LOG_WARNING, "%s: %" PRIu64 " bytes before the first packet skipped", path,
                 report->bytes_skipped);
    if (report->bytes_truncated)
        base_log(BASE_LOG_WARNING, "%s: ends in the middle of a packet: its %" PRIu64 " bytes were left out",
                 path, report->bytes_truncated);
    if (report->datagrams_ignored)
        base_log(BASE_LOG_NOTICE, "%s: %" PRIu64 " frames that are not of the chosen flow were ignored", path,
                 report->datagrams_ignored);
}

json_t *cmd_input_json(const struct io_source *source)
{
    const struct io_source_report *report = io_source_report(source);

    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "format", io_source_format_name(source), "packets",
                     (json_int_t)report->packets, "sync_losses", (json_int_t)report->sync_losses,
                     "bytes_skipped", (json_int_t)report->bytes_skipped, "bytes_truncated",
                     (json_int_t)report->bytes_truncated, "datagrams_ignored",
                     (json_int_t)report->datagrams_ignored);
}
