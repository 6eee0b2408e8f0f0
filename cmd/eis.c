/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-eis: an Event Information Scheduler for whoever has none: gives an SCS its SCGs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/eis_client.h"
#include "cmd/eis_report.h"
#include "cmd/options.h"
#include "cmd/process.h"

static const char *config_path;
static struct cmd_host_port connect_to;
static bool list, reset, stay, json;
static struct cmd_numbers tests, removals;
static uint64_t retry_us;

static const struct cmd_option options[] = {
    {.name = "--config",
     .letter = 'c',
     .argument = "FILE",
     .kind = CMD_TEXT,
     .value = &config_path,
     .help = "the SCS, the channel and the SCGs, as configs/eis.yaml shows them"},
    {.name = "--connect",
     .argument = "HOST:PORT",
     .kind = CMD_HOST_PORT,
     .value = &connect_to,
     .help = "where the SCS listens for EISs, instead of what the file says"},
    {.name = "--list", .kind = CMD_FLAG, .value = &list, .help = "show the SCGs that the SCS has"},
    {.name = "--test",
     .argument = "SCG_ID[,…]",
     .kind = CMD_NUMBERS,
     .value = &tests,
     .maximum = UINT16_MAX,
     .help = "ask about these SCGs alone"},
    {.name = "--remove",
     .argument = "SCG_ID[,…]",
     .kind = CMD_NUMBERS,
     .value = &removals,
     .maximum = UINT16_MAX,
     .help = "remove these SCGs"},
    {.name = "--reset",
     .kind = CMD_FLAG,
     .value = &reset,
     .help = "remove all SCGs of the channel (channel_reset), then show the list"},
    {.name = "--stay",
     .kind = CMD_FLAG,
     .value = &stay,
     .help = "keep the channel open until SIGINT: show what changes, answer tests, provide the SCGs\n"
             "again after a lost connection"},
    {.name = "--retry",
     .argument = "SECONDS",
     .kind = CMD_SECONDS,
     .value = &retry_us,
     .maximum = UINT64_C(86400) * 1000000,
     .help = "without --stay: try so long to reach the SCS (default: once)"},
    {.name = "--json", .kind = CMD_FLAG, .value = &json, .help = "lines on standard output are JSON objects"},
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "eis",
    .operands = "",
    .summary =
        "Gives an SCS its Scrambling Control Groups (SCG) over DVB SimulCrypt (ETSI TS 103 197, EIS-SCS).",
    .details =
        "Without --list, --test, --remove and --reset, the SCGs of the file are provided and the answers\n"
        "shown. The exit status is 1 where an SCG is refused. SCGs stay when the EIS leaves.\n\n"
        "Example:\n  scramline eis -c configs/eis.yaml --connect 127.0.0.1:2233\n"
        "  scramline eis -c configs/eis.yaml --list",
    .options = options,
};

struct eis {
    struct net_loop *loop;
    struct cmd_eis_config *config;
    struct cmd_eis_client *client;
    struct cmd_eis_report report;
    struct net_timer *again; /* --stay: ask for the status */
    uint64_t give_up_ms;
    unsigned answers, refused;
    bool failed, stopped;
    bool begun;   /* what the command line wants was asked for */
    bool showing; /* every answer is printed; else those that differ from the last about that SCG */
    char why[400];
    struct known {
        bool has;
        uint32_t current, pending;
        bool is_pending;
        uint16_t error;
    } known[UINT16_MAX + 1]; /* by SCG_id */
};

/* What is asked */

static bool provides(void)
{
    return !list && !reset && !tests.count && !removals.count;
}

static void ask(struct eis *eis, enum cmd_eis_request request, uint16_t scg_id)
{
    if (cmd_eis_client_ask(eis->client, request, scg_id) < 0)
        eis->failed = true;
}

static void ask_about_all(struct eis *eis, enum cmd_eis_request request)
{
    for (unsigned i = 0; i < eis->config->scg_count; i++)
        ask(eis, request, eis->config->scgs[i].scg.scg_id);
}

static void ask_about(struct eis *eis, enum cmd_eis_request request, const struct cmd_numbers *scg_ids)
{
    for (unsigned i = 0; i < scg_ids->count; i++)
        ask(eis, request, scg_ids->values[i]);
}

static void begin(struct eis *eis)
{
    if (reset)
        ask(eis, CMD_EIS_RESET, 0);
    ask_about(eis, CMD_EIS_REMOVE, &removals);
    if (provides())
        ask_about_all(eis, CMD_EIS_PROVIDE);
    ask_about(eis, CMD_EIS_TEST, &tests);
    if (list || reset)
        ask(eis, CMD_EIS_LIST, 0);
}

/* What comes */

static void on_up(void *context, const struct simulcrypt_scs_abilities *abilities, uint8_t version)
{
    struct eis *eis = context;
    bool again = eis->begun;

    cmd_eis_report_channel(&eis->report, eis->config, abilities, version);
    eis->why[0] = '\0';
    eis->begun = true;
    if (again && provides() && cmd_eis_client_is_idle(eis->client))
        ask_about_all(eis, CMD_EIS_PROVIDE);
}

static struct known known_of(const struct cmd_eis_answer *answer)
{
    if (!answer->status)
        return (struct known){.has = true, .error = answer->error ? answer->error : UINT16_MAX};
    return (struct known){.has = true,
                          .current = answer->status->current_reference_id,
                          .pending = answer->status->pending_reference_id,
                          .is_pending = answer->status->pending};
}

static bool is_news(struct eis *eis, const struct cmd_eis_answer *answer)
{
    struct known now = known_of(answer), *before = &eis->known[answer->scg_id];
    bool same = before->has && before->current == now.current && before->pending == now.pending &&
                before->is_pending == now.is_pending && before->error == now.error;

    *before = now;
    return !same;
}

static void on_answer(void *context, const struct cmd_eis_answer *answer)
{
    struct eis *eis = context;
    bool news = is_news(eis, answer);

    if (eis->showing || news)
        cmd_eis_report_answer(&eis->report, answer);
    if (answer->result == CMD_EIS_WARNED || !eis->showing)
        return;
    eis->answers++;
    eis->refused += answer->result != CMD_EIS_STATUS;
}

static void on_list(void *context, const uint16_t *scg_ids, size_t count)
{
    struct eis *eis = context;

    cmd_eis_report_list(&eis->report, scg_ids, count);
    for (size_t i = 0; i < count; i++)
        ask(eis, CMD_EIS_TEST, scg_ids[i]);
}

static void on_channel_error(void *context, const char *text)
{
    struct eis *eis = context;

    base_log(BASE_LOG_WARNING, "the SCS reports an error of the channel: %s", text);
    eis->refused += eis->showing;
    eis->answers += eis->showing;
}

static void on_idle(void *context)
{
    struct eis *eis = context;

    eis->showing = false;
    if (stay)
        net_timer_start(eis->again, eis->config->status_period_us / 1000);
    else
        net_loop_stop(eis->loop);
}

static void on_again(void *context)
{
    struct eis *eis = context;

    if (cmd_eis_client_is_idle(eis->client))
        ask_about_all(eis, CMD_EIS_TEST);
    if (!eis->config->scg_count)
        net_timer_start(eis->again, eis->config->status_period_us / 1000);
}

/* The same trouble over and over is told once. */
static void on_down(void *context, const char *why, bool lower)
{
    struct eis *eis = context;

    net_timer_stop(eis->again);
    if (!stay && !lower && net_loop_now_ms(eis->loop) >= eis->give_up_ms) {
        base_log(BASE_LOG_ERROR, "%s", why);
        eis->failed = true;
        net_loop_stop(eis->loop);
    } else if (strcmp(why, eis->why)) {
        base_log(BASE_LOG_WARNING, "%s; %s", why, lower ? "trying a lower version" : "trying again");
    }
    snprintf(eis->why, sizeof(eis->why), "%s", why);
}

static const struct cmd_eis_client_ops ops = {
    .up = on_up,
    .answer = on_answer,
    .list = on_list,
    .channel_error = on_channel_error,
    .idle = on_idle,
    .down = on_down,
};

/* Run */

static void on_signal(void *context, int signal)
{
    struct eis *eis = context;

    (void)signal;
    eis->stopped = true;
    net_loop_stop(eis->loop);
}

static int prepare(struct eis *eis)
{
    int status = net_loop_create(&eis->loop);

    if (status == 0)
        status = net_loop_on_signals(eis->loop, on_signal, eis);
    if (status == 0)
        status = net_timer_create(&eis->again, eis->loop, on_again, eis);
    if (status < 0)
        return cmd_failed(status, "cannot start");
    eis->give_up_ms = net_loop_now_ms(eis->loop) + retry_us / 1000;
    return CMD_EXIT_OK;
}

static int connect_and_serve(struct eis *eis)
{
    char why[CMD_EIS_WHY_SIZE];

    if (cmd_eis_client_create(&eis->client, eis->loop, eis->config, &ops, eis, why) < 0) {
        base_log(BASE_LOG_ERROR, "%s", why);
        return CMD_EXIT_FAILED;
    }
    begin(eis);
    net_loop_run(eis->loop);
    cmd_eis_report_summary(&eis->report, eis->answers, eis->refused);
    return eis->failed || eis->refused || (eis->stopped && !stay) ? CMD_EXIT_FAILED : CMD_EXIT_OK;
}

static int run(struct eis *eis)
{
    int status = prepare(eis);

    if (status == CMD_EXIT_OK)
        status = connect_and_serve(eis);
    cmd_eis_client_destroy(eis->client);
    net_timer_destroy(eis->again);
    net_loop_destroy(eis->loop);
    return status;
}

static int load(struct cmd_eis_config *config)
{
    char why[CMD_EIS_WHY_SIZE];

    if (!config_path)
        return cmd_usage_error(&command, "--config FILE is needed; configs/eis.yaml is an example");
    if (cmd_eis_config_load(config, config_path, why) < 0) {
        base_log(BASE_LOG_ERROR, "%s", why);
        return CMD_EXIT_FAILED;
    }
    if (provides() && !config->scg_count && !stay)
        return cmd_usage_error(&command, "%s has no scgs to provide", config_path);
    if (connect_to.port)
        config->scs = connect_to;
    return CMD_EXIT_OK;
}

int main(int argc, char **argv)
{
    static struct eis eis;
    unsigned count;
    int status;

    cmd_process_protect();
    if (!cmd_parse(&command, argc, argv, NULL, &count, &status))
        return status;
    eis = (struct eis){.report.json = json, .showing = true};
    eis.config = calloc(1, sizeof(*eis.config));
    status = eis.config ? load(eis.config) : cmd_failed(-ENOMEM, "cannot start");
    if (status == CMD_EXIT_OK)
        status = run(&eis);
    free(eis.config);
    return status;
}
