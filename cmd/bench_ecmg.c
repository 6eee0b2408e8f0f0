/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline bench ecmg: how fast any ECMG answers, and how long that takes it. */
#include "cmd/bench_ecmg.h"

#include "base/log.h"
#include "base/text.h"
#include "cmd/process.h"

#define IDS_MAX 65535 /* ECM_ids, each of a stream */

static struct cmd_bench_ecmg_plan plan = {
    .super_cas_id = 0x4ADC0001,
    .channels = 1,
    .streams = 1,
    .outstanding = 1,
    .duration_us = 10000000,
    .timeout_us = 5000000,
    .cw_size = 8,
    .version = 3,
};
static const char *access_criteria;
static bool has_address;

static const struct cmd_option options[] = {
    {.name = "--connect",
     .argument = "HOST:PORT",
     .kind = CMD_HOST_PORT,
     .value = &plan.connect,
     .given = &has_address,
     .help = "the ECMG (needed)"},
    {.name = "--super-cas-id",
     .argument = "N",
     .kind = CMD_NUMBER,
     .value = &plan.super_cas_id,
     .maximum = UINT32_MAX,
     .help = "that it serves; default: 0x4ADC0001"},
    {.name = "--channels",
     .argument = "N",
     .kind = CMD_NUMBER,
     .value = &plan.channels,
     .minimum = 1,
     .maximum = IDS_MAX,
     .help = "each with a TCP connection; default: 1"},
    {.name = "--streams",
     .argument = "N",
     .kind = CMD_NUMBER,
     .value = &plan.streams,
     .minimum = 1,
     .maximum = IDS_MAX,
     .help = "of each channel; default: 1"},
    {.name = "--outstanding",
     .argument = "N",
     .kind = CMD_NUMBER,
     .value = &plan.outstanding,
     .minimum = 1,
     .maximum = SIMULCRYPT_OUTSTANDING_MAX,
     .help =
         "CW_provisions of a stream that await their answer, 1 to 4;\ndefault: 1, as the standard has it"},
    {.name = "--rate",
     .argument = "R",
     .kind = CMD_NUMBER,
     .value = &plan.rate,
     .maximum = 10000000,
     .help =
         "CW_provisions per second, over all streams; default: 0, the\nnext one as soon as one is answered"},
    {.name = "--duration",
     .argument = "SECONDS",
     .kind = CMD_SECONDS,
     .value = &plan.duration_us,
     .minimum = 100000,
     .maximum = UINT64_C(86400000000),
     .help = "of asking; default: 10"},
    {.name = "--timeout",
     .argument = "SECONDS",
     .kind = CMD_SECONDS,
     .value = &plan.timeout_us,
     .minimum = 1000,
     .maximum = 3600000000,
     .help = "for set-up answers, and for ECMs beyond max_comp_time;\ndefault: 5"},
    {.name = "--access-criteria",
     .argument = "HEX",
     .kind = CMD_TEXT,
     .value = &access_criteria,
     .help = "sent as the ECMG's access_criteria_transfer_mode asks;\ndefault: none"},
    {.name = "--cw-size",
     .argument = "BYTES",
     .kind = CMD_NUMBER,
     .value = &plan.cw_size,
     .minimum = 8,
     .maximum = 16,
     .help = "8 or 16; default: 8"},
    {.name = "--version",
     .argument = "N",
     .kind = CMD_NUMBER,
     .value = &plan.version,
     .minimum = 1,
     .maximum = 5,
     .help = "protocol_version: 1, 2, 3 or 5; default: 3"},
    {.name = "--json", .kind = CMD_FLAG, .value = &plan.json, .help = "one JSON object on standard output"},
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "bench ecmg",
    .operands = "",
    .options = options,
    .summary = "Measures an ECMG, any vendor's: CW_provisions per second, and the time to each ECM.",
    .details =
        "First all channels and streams are set up, and each stream asks for ECMs until it gets the first\n"
        "one. Then CW_provisions become due at the given rate, on one channel after the other. A response\n"
        "time counts from when its CW_provision was due, so that an ECMG which stands still is charged with\n"
        "all that should have been asked meanwhile. Without a rate it counts from the sending.\n"
        "An answer must be an ECM of the format in channel_status, for the crypto-period asked for.\n"
        "Exit status 1 where anything was refused, late, lost, never sent or no ECM.\n\n"
        "Keys of --json: address, super_cas_id, channels, streams, outstanding, rate, channel_status,\n"
        "set_up_seconds, seconds, asked, unsent, answered, answered_per_second, empty, malformed, errors,\n"
        "timeouts, lost_channels, failure, response_ms (p50, p95, p99, p99_9, max).\n\n"
        "Examples:\n"
        "  scramline bench ecmg --connect 127.0.0.1:2222\n"
        "  scramline bench ecmg --connect 192.0.2.7:3000 --super-cas-id 0x0B000001 --channels 100 \\\n"
        "      --streams 5 --rate 50 --duration 60 --access-criteria 0102 --json",
};

static int take_access_criteria(void)
{
    ptrdiff_t size;

    if (!access_criteria)
        return CMD_EXIT_OK;
    size = base_hex_decode(access_criteria, plan.access_criteria, sizeof(plan.access_criteria));
    if (size < 0)
        return cmd_usage_error(&command,
                               "--access-criteria: not an even number of hexadecimal digits, at most %d",
                               2 * SIMULCRYPT_ACCESS_CRITERIA_MAX);
    plan.access_criteria_size = (uint16_t)size;
    plan.has_access_criteria = true;
    return CMD_EXIT_OK;
}

static int check(void)
{
    if (!has_address)
        return cmd_usage_error(&command, "--connect HOST:PORT is needed: the ECMG to measure");
    if (!plan.connect.host[0])
        return cmd_usage_error(&command, "--connect: a host is needed before the port");
    if (plan.cw_size != 8 && plan.cw_size != 16)
        return cmd_usage_error(&command, "--cw-size: a control word has 8 or 16 bytes");
    if (plan.version == 4)
        return cmd_usage_error(&command, "--version: there is no version 4 (1, 2, 3 or 5)");
    if (plan.channels * plan.streams > IDS_MAX)
        return cmd_usage_error(
            &command, "--channels times --streams: more than %d, each stream needs an ECM_id", IDS_MAX);
    return take_access_criteria();
}

static bool is_flawless(const struct cmd_bench_ecmg_result *result)
{
    return !result->unsent && !result->malformed && !result->errors && !result->timeouts && !result->lost;
}

int cmd_bench_ecmg(int argc, char **argv)
{
    static struct cmd_bench_ecmg_result result;
    unsigned count;
    int status;

    if (!cmd_parse(&command, argc, argv, NULL, &count, &status))
        return status;
    status = check();
    if (status != CMD_EXIT_OK)
        return status;
    cmd_process_raise_files();
    cmd_process_catch_signals();
    if (!cmd_bench_ecmg_load(&plan, &result)) {
        base_log(BASE_LOG_ERROR, "%s:%u: %s", plan.connect.host, plan.connect.port, result.why);
        return CMD_EXIT_FAILED;
    }
    cmd_bench_ecmg_print(&plan, &result);
    return is_flawless(&result) ? CMD_EXIT_OK : CMD_EXIT_FAILED;
}
