/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-emmg: a SimulCrypt EMMG (or PDG) as a process of its own. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/options.h"
#include "cmd/process.h"
#include "emmg/client.h"

#define DEFAULT_VERSION 3
#define DEFAULT_BITRATE 100                /* kbit/s */
#define TEST_PERIOD     UINT64_C(10000000) /* µs */
#define REPORT_MS       10000

static struct cmd_host_port mux, udp;
static uint64_t client_id, channel_id = 1, stream_id = 1, data_id = 1;
static uint64_t version = DEFAULT_VERSION, bitrate = DEFAULT_BITRATE, cycles, test_period = TEST_PERIOD;
static bool client_id_given, udp_given, udp_ids, packets, json, quiet;
static const char *data_type = "emm";
static const char *certificate, *key, *authorities, *peer_name;

static const struct cmd_option options[] = {
    {.name = "--mux",
     .letter = 'm',
     .argument = "HOST:PORT",
     .kind = CMD_HOST_PORT,
     .value = &mux,
     .help = "where the MUX listens (needed)"},
    {.name = "--client-id",
     .argument = "NUMBER",
     .kind = CMD_NUMBER,
     .value = &client_id,
     .given = &client_id_given,
     .maximum = UINT32_MAX,
     .help = "client_id (needed); of EMMs the upper 16 bits are the CA_system_id"},
    {.name = "--data-id",
     .argument = "NUMBER",
     .kind = CMD_NUMBER,
     .value = &data_id,
     .maximum = UINT16_MAX,
     .help = "data_id; default: 1"},
    {.name = "--channel-id",
     .argument = "NUMBER",
     .kind = CMD_NUMBER,
     .value = &channel_id,
     .maximum = UINT16_MAX,
     .help = "data_channel_id; default: 1"},
    {.name = "--stream-id",
     .argument = "NUMBER",
     .kind = CMD_NUMBER,
     .value = &stream_id,
     .maximum = UINT16_MAX,
     .help = "data_stream_id; default: 1"},
    {.name = "--data-type",
     .argument = "TYPE",
     .kind = CMD_TEXT,
     .value = &data_type,
     .help = "emm or private; default: emm"},
    {.name = "--bitrate",
     .letter = 'b',
     .argument = "KBITS",
     .kind = CMD_NUMBER,
     .value = &bitrate,
     .minimum = 1,
     .maximum = UINT16_MAX,
     .help = "kbit/s to ask for and to send, packets around the sections counted;\ndefault: 100, and never "
             "more than the MUX allocates"},
    {.name = "--packets",
     .kind = CMD_FLAG,
     .value = &packets,
     .help = "deliver TS packets (sections back to back) instead of sections"},
    {.name = "--udp",
     .argument = "HOST:PORT",
     .kind = CMD_HOST_PORT,
     .value = &udp,
     .given = &udp_given,
     .help = "send the data there in UDP datagrams, to a multicast group maybe;\ncontrol stays on --mux"},
    {.name = "--udp-ids",
     .kind = CMD_FLAG,
     .value = &udp_ids,
     .help = "with data_channel_id and data_stream_id in them, as some MUXes want it"},
    {.name = "--cycle",
     .letter = 'c',
     .argument = "N",
     .kind = CMD_NUMBER,
     .value = &cycles,
     .maximum = UINT32_MAX,
     .help = "times through the folder; default: 0, for ever"},
    {.name = "--emmg-version",
     .argument = "N",
     .kind = CMD_NUMBER,
     .value = &version,
     .minimum = 1,
     .maximum = 5,
     .help = "protocol version to begin with: 1, 2, 3 or 5 (default 3);\na MUX that does not know it is "
             "tried with the next lower one"},
    {.name = "--test-period",
     .argument = "SECONDS",
     .kind = CMD_SECONDS,
     .value = &test_period,
     .maximum = UINT64_C(3600000000),
     .help = "channel_test after so long a silence of the MUX; 0: never; default: 10"},
    {.name = "--tls-certificate",
     .argument = "FILE",
     .kind = CMD_TEXT,
     .value = &certificate,
     .help = "speak TLS 1.3 with this certificate (PEM)"},
    {.name = "--tls-key", .argument = "FILE", .kind = CMD_TEXT, .value = &key, .help = "its key (PEM)"},
    {.name = "--tls-authorities",
     .argument = "FILE",
     .kind = CMD_TEXT,
     .value = &authorities,
     .help = "whom the MUX's certificate may come from (PEM)"},
    {.name = "--tls-name",
     .argument = "NAME",
     .kind = CMD_TEXT,
     .value = &peer_name,
     .help = "what the MUX's certificate must name; default: the host of --mux"},
    {.name = "--quiet", .letter = 'q', .kind = CMD_FLAG, .value = &quiet, .help = "no progress every 10 s"},
    {.name = "--json", .kind = CMD_FLAG, .value = &json, .help = "lines on standard output are JSON objects"},
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "emmg",
    .operands = "FOLDER",
    .summary =
        "Delivers the sections of FOLDER to a MUX over DVB SimulCrypt (ETSI TS 103 197, EMMG/PDG-MUX), "
        "again and\nagain until SIGINT or SIGTERM.",
    .details =
        "FOLDER's files *.bin and *.sec hold one or more whole sections each, and are sent in the order of\n"
        "their names. Where the folder changes, it is read anew; a file that is not in order leaves what "
        "was\n"
        "read before. A MUX that goes away is waited for, and the rest of the folder sent when it is "
        "back.\n\n"
        "Example:\n  scramline emmg --mux 127.0.0.1:2223 --client-id 0x4adc0001 --bitrate 200 emms/",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
};

struct sender {
    struct net_loop *loop;
    struct net_timer *report;
    struct emmg_client *client;
    uint64_t started_ms;
};

static int check_options(struct emmg_client_config *config)
{
    bool private = !strcmp(data_type, "private");

    if (!mux.port)
        return cmd_usage_error(&command, "where is the MUX? (--mux HOST:PORT)");
    if (!client_id_given)
        return cmd_usage_error(&command, "--client-id is needed: the MUX finds the PID by it");
    if (version == 4)
        return cmd_usage_error(&command, "--emmg-version: there is no version 4 (1, 2, 3 or 5)");
    if (!private && strcmp(data_type, "emm") != 0)
        return cmd_usage_error(&command, "--data-type: '%s' is neither emm nor private", data_type);
    if (udp_ids && !udp_given)
        return cmd_usage_error(&command, "--udp-ids goes with --udp");
    *config = (struct emmg_client_config){
        .port = mux.port,
        .udp_port = udp.port,
        .udp_ids = udp_ids,
        .session = {.version = (uint8_t)version,
                    .client_id = (uint32_t)client_id,
                    .channel_id = (uint16_t)channel_id,
                    .format = packets ? SIMULCRYPT_PACKETS : SIMULCRYPT_SECTIONS,
                    .test_period_ms = (uint32_t)(test_period / 1000)},
        .stream = {.stream_id = (uint16_t)stream_id,
                   .data_id = (uint16_t)data_id,
                   .data_type = private ? SIMULCRYPT_DATA_PRIVATE : SIMULCRYPT_DATA_EMM},
        .bandwidth = (uint16_t)bitrate,
        .cycles = cycles,
    };
    snprintf(config->host, sizeof(config->host), "%s", *mux.host ? mux.host : "127.0.0.1");
    if (udp_given)
        snprintf(config->udp_host, sizeof(config->udp_host), "%s", *udp.host ? udp.host : "127.0.0.1");
    return CMD_EXIT_OK;
}

static int copy_path(char to[static NET_TLS_PATH_MAX], const char *path)
{
    if (path && strlen(path) >= NET_TLS_PATH_MAX)
        return cmd_usage_error(&command, "--tls-…: this path is too long: %.60s…", path);
    snprintf(to, NET_TLS_PATH_MAX, "%s", path ? path : "");
    return CMD_EXIT_OK;
}

static int make_tls(struct net_tls **tls)
{
    static struct net_tls_config config;
    char why[256];

    if (copy_path(config.certificate, certificate) || copy_path(config.key, key) ||
        copy_path(config.authorities, authorities))
        return CMD_EXIT_USAGE;
    snprintf(config.peer_name, sizeof(config.peer_name), "%s", peer_name ? peer_name : "");
    if (!net_tls_is_wanted(&config))
        return CMD_EXIT_OK;
    if (!certificate || !key || !authorities)
        return cmd_usage_error(&command, "TLS takes --tls-certificate, --tls-key and --tls-authorities");
    if (net_tls_create(tls, &config, false, why) == 0)
        return CMD_EXIT_OK;
    base_log(BASE_LOG_ERROR, "%s", why);
    return CMD_EXIT_FAILED;
}

static void print_json(const char *event, const struct emmg_client_counters *counters, double seconds)
{
    json_t *object =
        json_pack("{s:s, s:b, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "event", event, "up",
                  counters->bandwidth > 0, "bandwidth", (int)counters->bandwidth, "version",
                  (int)counters->version, "sections", (json_int_t)counters->sections, "bytes",
                  (json_int_t)counters->bytes, "messages", (json_int_t)counters->messages, "cycles",
                  (json_int_t)counters->cycles, "connections", (json_int_t)counters->connections, "attempts",
                  (json_int_t)counters->attempts, "errors", (json_int_t)counters->errors, "seconds", seconds);

    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void print_counters(const struct sender *sender, const char *event)
{
    double seconds = (double)(base_clock_monotonic_ms() - sender->started_ms) / 1000;
    struct emmg_client_counters counters;

    emmg_client_counters(sender->client, &counters);
    if (json)
        print_json(event, &counters, seconds);
    else
        printf("%" PRIu64 " sections (%" PRIu64 " bytes) in %" PRIu64 " messages, %" PRIu64
               " times through, %" PRIu64 " connections, %" PRIu64 " errors in %.1f s\n",
               counters.sections, counters.bytes, counters.messages, counters.cycles, counters.connections,
               counters.errors, seconds);
    fflush(stdout);
}

static void report(void *context)
{
    struct sender *sender = context;

    print_counters(sender, "progress");
    net_timer_start(sender->report, REPORT_MS);
}

static void on_finished(void *context)
{
    net_loop_stop(((struct sender *)context)->loop);
}

static void on_signal(void *context, int signal)
{
    (void)signal;
    emmg_client_stop(((struct sender *)context)->client);
}

static int start(struct sender *sender, const struct emmg_client_config *config)
{
    int status = emmg_client_create(&sender->client, sender->loop, config);

    if (status == 0)
        status = net_timer_create(&sender->report, sender->loop, report, sender);
    if (status == 0)
        status = net_loop_on_signals(sender->loop, on_signal, sender);
    if (status == 0 && !quiet)
        net_timer_start(sender->report, REPORT_MS);
    return status;
}

static int run(struct emmg_client_config *config)
{
    static struct sender sender;
    int status = net_loop_create(&sender.loop);

    sender.started_ms = base_clock_monotonic_ms();
    config->finished = on_finished;
    config->context = &sender;
    if (status == 0)
        status = start(&sender, config);
    if (status == 0) {
        net_loop_run(sender.loop);
        print_counters(&sender, "summary");
    }
    net_timer_destroy(sender.report);
    emmg_client_destroy(sender.client);
    net_loop_destroy(sender.loop);
    return status < 0 ? cmd_failed(status, "cannot start") : CMD_EXIT_OK;
}

static int deliver(struct emmg_client_config *config, const char *folder)
{
    char why[256];
    int status = make_tls(&config->tls);

    if (status != CMD_EXIT_OK)
        return status;
    if (emmg_carousel_open(&config->carousel, folder, why) < 0) {
        base_log(BASE_LOG_ERROR, "%s", why);
        status = CMD_EXIT_FAILED;
    } else {
        status = run(config);
    }
    emmg_carousel_close(config->carousel);
    net_tls_destroy(config->tls);
    return status;
}

int main(int argc, char **argv)
{
    static struct emmg_client_config config;
    const char *folder;
    unsigned count;
    int status;

    cmd_process_protect();
    if (!cmd_parse(&command, argc, argv, &folder, &count, &status))
        return status;
    status = check_options(&config);
    return status == CMD_EXIT_OK ? deliver(&config, folder) : status;
}
