/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

/* Whether the destination alone names the flow: no other source sends to it. */
static bool is_alone(const struct io_flow_entry *flows, size_t count, const struct wire_flow *flow)
{
    unsigned same = 0;

    for (size_t i = 0; i < count; i++)
        same += flows[i].flow.destination_port == flow->destination_port &&
                wire_address_equal(&flows[i].flow.destination, &flow->destination);
    return same == 1;
}

/* A flow as --flow takes it. */
static void name_flow(const struct io_flow_entry *flows, size_t count, const struct wire_flow *flow,
                      char *text, size_t room)
{
    char destination[64];
    char source[64];

    wire_endpoint_format(&flow->destination, flow->destination_port, destination);
    wire_address_format(&flow->source, source);
    if (is_alone(flows, count, flow))
        snprintf(text, room, "%s", destination);
    else
        snprintf(text, room, "%s@%s", source, destination);
}

static void list_flows(const struct io_source *source)
{
    const struct io_flow_entry *flows;
    size_t count = io_source_flows(source, &flows);

    for (size_t i = 0; i < count; i++) {
        char name[128];

        name_flow(flows, count, &flows[i].flow, name, sizeof(name));
        fprintf(stderr, "  --flow %-28s  %" PRIu64 " datagrams, %" PRIu64 " TS packets%s\n", name,
                flows[i].datagrams, flows[i].ts_packets, flows[i].rtp ? ", RTP" : "");
    }
    if (count == IO_FLOWS_MAX)
        fprintf(stderr, "  (there may be more)\n");
}

const char *cmd_input_name(const char *path)
{
    return strcmp(path, "-") ? path : "standard input";
}

/* A choice of flows is for captures alone. */
static int check_flow(const struct cmd_command *command, const char *path, const char *flow,
                      struct io_source **source)
{
    if (!flow || io_source_format(*source) == IO_FORMAT_CAPTURE)
        return CMD_EXIT_OK;
    cmd_usage_error(command, "--flow is for captures: %s is %s", cmd_input_name(path),
                    io_source_format_name(*source));
    io_source_close(*source);
    *source = NULL;
    return CMD_EXIT_USAGE;
}

static int explain_unreadable(const struct cmd_command *command, const char *path, const char *flow,
                              int status)
{
    const char *name = cmd_input_name(path);

    if (status == -EINTR)
        return CMD_EXIT_FAILED; /* said once, at the end */
    if (status == -EINVAL && flow)
        return cmd_usage_error(command, "--flow %s: expected ADDRESS:PORT of the destination", flow);
    if (status == BASE_E_MALFORMED)
        base_log(
            BASE_LOG_ERROR,
            "%s: no transport stream (188, 192 or 204-byte packets) and no pcap or pcapng was found in it",
            name);
    else if (status == -ENODATA)
        base_log(BASE_LOG_ERROR, "%s: the file is empty", name);
    else if (status == -ENOMSG)
        base_log(BASE_LOG_ERROR, "%s: a capture without any whole datagram of TS over UDP or RTP", name);
    else
        base_log(BASE_LOG_ERROR, "cannot read %s: %s", name, base_error_text(status));
    return CMD_EXIT_FAILED;
}

int cmd_input_open(const struct cmd_command *command, const char *path, const char *flow,
                   struct io_source **source)
{
    const struct io_source_options options = {.flow = flow};
    int status = io_source_open(source, path, &options);

    if (status == 0)
        return check_flow(command, path, flow, source);
    if (status == -ENOTUNIQ || (status == -ENOENT && flow && *source)) {
        cmd_usage_error(command,
                        status == -ENOTUNIQ ? "%s holds several flows: choose one of these"
                                            : "%s has no such flow: it holds these",
                        cmd_input_name(path));
        list_flows(*source);
        return CMD_EXIT_USAGE;
    }
    return explain_unreadable(command, path, flow, status);
}

void cmd_input_warn(const struct io_source *source, const char *path)
{
    const struct io_source_report *report = io_source_report(source);

    path = cmd_input_name(path);
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
