/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-scramble: the command line of `scramline scramble`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cmd/common_options.h"
#include "cmd/control_words.h"
#include "cmd/process.h"
#include "cmd/scramble_cas.h"
#include "cmd/scramble_file.h"
#include "ts/packet.h"

static struct scramble_options options = {
    .algorithm = CIPHER_DVB_CSA2,
    .components = HEADEND_VIDEO | HEADEND_AUDIO,
    .ecm_timeout_us = 5000000,
    .crypto_period_us = 10000000,
};
static const char *algorithm = "dvb-csa2";
static struct cmd_mode_options mode;
static const char *cpu_mask;
static const char *policy;
static const char *simulcrypt;
static struct scramble_cas_options cas = {.super_cas_id = 0x5CA10001, .version = 3};
static bool super_cas_id_given;
static bool period_given;
static bool components_given;
static bool version_given;
static bool timeout_given;

/* The order of enum ts_component_kind: the bits are the follower's. */
static const char *const component_words[] = {"video", "audio", "subtitles", "data", NULL};

static const struct cmd_option option_table[] = {
    {"--service", "ID|NAME",
     "service to scramble, by service_id or name;\nagain for more; default: the first", &options.services,
     .kind = CMD_TEXTS},
    CMD_OPTION_PIDS("scramble these PIDs instead of a service\n(256,0x101,300-310); with --cw or --cw-file",
                    &options.pids),
    {"--components", "LIST",
     "components to scramble: all, or some of\nvideo,audio,subtitles,data; default: video,audio",
     &options.components, .kind = CMD_WORDS, .given = &components_given, .words = component_words},
    CMD_OPTION_ALGORITHM("dvb-csa2", &algorithm),
    CMD_OPTION_IV(&mode.iv),
    CMD_OPTION_COUNTER_BITS(&mode.counter_bits),
    {"--cw", "HEX",
     "fixed control word, 8 bytes for DVB-CSA2, else 16;\nseveral services: one for all, or one each",
     &options.cws, .kind = CMD_TEXTS},
    CMD_OPTION_CW_FILE(&options.cw_file),
    CMD_OPTION_RAW_CW(&options.raw_cw),
    {"--ecmg", "HOST:PORT", "make control words and get their ECMs from this ECMG", &cas.ecmg,
     .kind = CMD_HOST_PORT},
    {"--super-cas-id", "ID", "Super_CAS_ID at the ECMG; default: 0x5CA10001", &cas.super_cas_id,
     .kind = CMD_NUMBER, .given = &super_cas_id_given, .minimum = 0x10000, .maximum = UINT32_MAX},
    {"--access-criteria", "HEX", "access criteria for the ECMG", &cas.access_criteria, .kind = CMD_TEXT},
    {"--ecm-pid", "PID", "PID of the ECMs (the next services: the next PIDs);\ndefault: a free one",
     &cas.ecm_pid, .kind = CMD_NUMBER, .minimum = TS_PID_FIRST, .maximum = TS_PID_NULL - 1},
    {"--ecmg-version", "N", "protocol version to begin with, 2 or 3; default: 3", &cas.version,
     .kind = CMD_NUMBER, .given = &version_given, .minimum = 2, .maximum = 3},
    {"--simulcrypt", "FILE",
     "several CASs, with backups and terms: a file with the `cas:` of\nconfigs/headend.yaml", &simulcrypt,
     .kind = CMD_TEXT},
    {"--ecm-timeout", "SECONDS", "how long to wait for the ECMG; default: 5", &options.ecm_timeout_us,
     .kind = CMD_SECONDS, .given = &timeout_given, .minimum = 100000, .maximum = 600000000},
    {"--policy", "NAME",
     "what follows when the ECMG fails in mid-stream: hold (keep the\nlast crypto-period; default), "
     "black or clear",
     &policy, .kind = CMD_TEXT},
    {"--crypto-period", "SECONDS", "length of a crypto-period; default: 10", &options.crypto_period_us,
     .kind = CMD_SECONDS, .given = &period_given, .minimum = 500000, .maximum = UINT64_C(6553500000)},
    {"--bitrate", "BIT/S", "bit rate of the stream, where it carries no PCR", &options.bitrate,
     .kind = CMD_NUMBER, .minimum = 1000, .maximum = UINT64_C(100000000000)},
    CMD_OPTION_FLOW(&options.flow),
    {"--seed", "HEX", "reproducible control words (laboratory only)", &options.seed, .kind = CMD_TEXT},
    {"--cw-out", "FILE",
     "write the control words, one per line (laboratory only);\nwithout --ecmg or --cw they are made up",
     &options.cw_out, .kind = CMD_TEXT},
    CMD_OPTION_TIER(&options.tier),
    CMD_OPTION_CPU_MASK(&cpu_mask),
    CMD_OPTION_JSON(&options.json),
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "scramble",
    .operands = "IN OUT",
    .operands_min = 2,
    .operands_max = 2,
    .options = option_table,
    .summary =
        "Scrambles a programme of a transport stream.\n\n"
        "IN is a TS file (188, 192 or 204-byte packets), a pcap or pcapng capture of TS over UDP or RTP, or "
        "- for\n"
        "standard input; OUT is a file (written as OUT.partial until it is whole) or - for standard output.",
    .details =
        "Examples:\n"
        "  scramline scramble --cw 0123456789abcdef in.ts out.ts\n"
        "  scramline scramble --ecmg 127.0.0.1:2222 --service \"News\" --crypto-period 10 in.ts out.ts\n"
        "  scramline scramble --simulcrypt cas.yaml --service 1 --service 2 in.ts out.ts\n"
        "  scramline scramble --algorithm dvb-cissa --cw 00112233445566778899aabbccddeeff in.pcap - > "
        "out.ts\n"
        "  scramline scramble --cpu-mask avx2 --cw 0123456789abcdef in.ts out.ts",
};

/* Names to values. CMD_EXIT_OK or CMD_EXIT_USAGE. */
static int take_names(void)
{
    static const char *const policies[] = {"hold", "black", "clear"};
    unsigned i = 0;

    if (cmd_cpu_mask_take(&command, cpu_mask) != CMD_EXIT_OK ||
        cmd_algorithm_parse(&command, algorithm, &options.algorithm) != CMD_EXIT_OK ||
        cmd_mode_parse(&command, &mode, options.algorithm, &options.mode) != CMD_EXIT_OK)
        return CMD_EXIT_USAGE;
    while (policy && i < 3 && strcmp(policies[i], policy))
        i++;
    if (i == 3)
        return cmd_usage_error(&command, "--policy: '%s' is not one of hold, black, clear", policy);
    options.policy = (enum headend_policy)i;
    return CMD_EXIT_OK;
}

/* What contradicts itself on the command line; NULL for nothing. */
static const char *contradiction(void)
{
    bool one_cas = cas.ecmg.port, any_cas = one_cas || simulcrypt;
    int sources = one_cas + (simulcrypt != NULL) + (options.cws.count > 0) + (options.cw_file != NULL);

    if (sources > 1)
        return "--cw, --cw-file, --ecmg and --simulcrypt exclude each other";
    if (sources == 0 && !options.cw_out)
        return "where do the control words come from? give --cw, --cw-file, --ecmg or "
               "--simulcrypt";
    if (options.pids.count && options.services.count)
        return "--pid and --service exclude each other";
    if (options.pids.count && any_cas)
        return "--pid has no PMT to announce ECMs in: use --service with --ecmg or --simulcrypt";
    if (options.pids.count && components_given)
        return "--components are those of a service: they do not go with --pid";
    if (!one_cas && (cas.access_criteria || super_cas_id_given || cas.ecm_pid || version_given))
        return "--super-cas-id, --access-criteria, --ecm-pid and --ecmg-version need --ecmg";
    if (!any_cas && (timeout_given || policy))
        return "--ecm-timeout and --policy need --ecmg or --simulcrypt";
    if (options.raw_cw && (options.algorithm != CIPHER_DVB_CSA2 || !(options.cws.count || options.cw_file)))
        return "--raw-cw goes with the --cw or --cw-file of DVB-CSA2";
    if (options.seed && (options.cws.count || options.cw_file))
        return "--seed makes control words: it does not go with --cw or --cw-file";
    if (period_given && options.cws.count)
        return "--crypto-period has no meaning with one fixed --cw: use --cw-file";
    if (options.cws.count > 1 && options.cws.count != options.services.count)
        return "give one --cw for all services, or one for each --service";
    for (unsigned i = 1; i < options.services.count; i++)
        for (unsigned j = 0; j < i; j++)
            if (!strcmp(options.services.values[i], options.services.values[j]))
                return "the same --service is given twice";
    if (options.cw_out && options.services.count > 1)
        return "--cw-out takes one service";
    return NULL;
}

int main(int argc, char **argv)
{
    const char *operands[2];
    unsigned count;
    int status;
    const char *wrong;

    cmd_process_protect();
    if (!cmd_parse(&command, argc, argv, operands, &count, &status))
        return status;
    status = take_names();
    if (status != CMD_EXIT_OK)
        return status;
    wrong = contradiction();
    if (wrong)
        return cmd_usage_error(&command, "%s", wrong);
    options.in = operands[0];
    options.out = operands[1];
    cas.file = simulcrypt;
    cas.timeout_us = options.ecm_timeout_us;
    status = scramble_cas_take(&command, &cas, &options.cas);
    if (status == CMD_EXIT_OK)
        status = scramble_file(&command, &options);
    cmd_cas_list_clear(&options.cas);
    return status;
}
