/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-ecmg: a SimulCrypt ECMG as a process of its own. */
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/options.h"
#include "cmd/process.h"
#include "ecmg/server.h"
#include "keys/key_file.h"

static const char *listen_on;
static const char *config_path;
static const char *key_path;
static bool json;

static const struct cmd_option options[] = {
    {.name = "--listen",
     .letter = 'l',
     .argument = "ADDRESS:PORT",
     .kind = CMD_TEXT,
     .value = &listen_on,
     .help = "where SCSs connect (default 127.0.0.1:2222; ':PORT' for every address,\n"
             "port 0 for a free one)"},
    {.name = "--config",
     .letter = 'c',
     .argument = "FILE",
     .kind = CMD_TEXT,
     .value = &config_path,
     .help = "everything else, as configs/ecmg.yaml shows it"},
    {.name = "--service-key",
     .letter = 'k',
     .argument = "FILE",
     .kind = CMD_TEXT,
     .value = &key_path,
     .help = "seals the ECMs of every Super_CAS_id that the configuration does not name\n"
             "(default: service.key of the key folder, unless the configuration names services)"},
    {.name = "--json", .kind = CMD_FLAG, .value = &json, .help = "lines on standard output are JSON objects"},
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "ecmg",
    .operands = "",
    .summary = "Serves ECMs over DVB SimulCrypt (ETSI TS 103 197, ECMG-SCS) until SIGINT or SIGTERM.",
    .details =
        "The ECMs are those of docs/ecm-format.md: AES-GCM under a service key, which `scramline keys`\n"
        "makes. Several Super_CAS_ids with a key of their own need a configuration file.\n\n"
        "Example:\n  scramline keys\n  scramline ecmg --listen 127.0.0.1:2222",
    .options = options,
};

static int fail(const char *why)
{
    base_log(BASE_LOG_ERROR, "%s", why);
    return CMD_EXIT_FAILED;
}

static bool serves_any(const struct ecmg_server_config *config)
{
    for (unsigned i = 0; i < config->service_count; i++) {
        if (config->services[i].any)
            return true;
    }
    return false;
}

/* The key of the command line, or of the default folder, for every Super_CAS_id without its own. */
static int add_service_key(struct ecmg_server_config *config, char why[static 256])
{
    struct ecmg_service_config *service = &config->services[config->service_count];
    char folder[PATH_MAX - 16];
    char path[PATH_MAX];
    int status;

    if (!key_path) {
        status = keys_default_directory(folder, sizeof(folder));
        if (status < 0) {
            snprintf(why, 256, "no folder for keys: set HOME, or give --service-key");
            return status;
        }
        snprintf(path, sizeof(path), "%s/service.key", folder);
    }
    service->any = true;
    status = ecmg_service_key_load(&service->key, key_path ? key_path : path, why);
    if (status == 0)
        config->service_count++;
    return status;
}

static int load_config(struct ecmg_server_config *config)
{
    char why[256];

    ecmg_server_config_init(config);
    if (config_path && ecmg_server_config_load(config, config_path, why) < 0)
        return fail(why);
    if (listen_on && base_parse_listen(listen_on, config->listener.host, sizeof(config->listener.host),
                                       &config->listener.port) < 0)
        return cmd_usage_error(&command, "--listen: '%s' is not ADDRESS:PORT", listen_on);
    if (key_path && (serves_any(config) || config->service_count == ECMG_SERVICES_MAX))
        return cmd_usage_error(&command, "--service-key: %s has a key for 'any' already, or no room for more",
                               config_path);
    if ((key_path || config->service_count == 0) && add_service_key(config, why) < 0)
        return fail(why);
    return CMD_EXIT_OK;
}

static void format_endpoint(const char *host, unsigned port, char *text, size_t room)
{
    snprintf(text, room, strchr(host, ':') ? "[%s]:%u" : "%s:%u", *host ? host : "*", port);
}

static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

static void print_listening(const char *host, unsigned port)
{
    char endpoint[300];

    format_endpoint(host, port, endpoint, sizeof(endpoint));
    if (json)
        print_json(json_pack("{s:s, s:s, s:i}", "event", "listening", "address", host, "port", (int)port));
    else
        printf("listening on %s\n", endpoint);
    fflush(stdout);
}

static void print_summary(const struct ecmg_server_counters *counters, uint64_t started_ms)
{
    double seconds = (double)(base_clock_monotonic_ms() - started_ms) / 1000;

    if (json)
        print_json(json_pack("{s:s, s:I, s:I, s:I, s:f, s:f}", "event", "summary", "connections",
                             (json_int_t)counters->accepted, "ecms", (json_int_t)counters->ecms, "errors",
                             (json_int_t)counters->errors, "seconds", seconds, "cpu_seconds",
                             cmd_process_cpu_seconds()));
    else
        printf("%" PRIu64 " connections, %" PRIu64 " ECMs, %" PRIu64
               " error messages in %.1f s (%.1f s of a core)\n",
               counters->accepted, counters->ecms, counters->errors, seconds, cmd_process_cpu_seconds());
    fflush(stdout);
}

static void on_signal(void *context, int signal)
{
    (void)signal;
    net_loop_stop(context);
}

static int serve(struct net_loop *loop, const struct ecmg_server_config *config)
{
    struct ecmg_server *server;
    struct ecmg_server_counters counters;
    uint64_t started_ms = base_clock_monotonic_ms();
    int status = ecmg_server_create(&server, loop, config);

    if (status < 0)
        return CMD_EXIT_FAILED;
    print_listening(config->listener.host, ecmg_server_port(server));
    net_loop_run(loop);
    ecmg_server_counters(server, &counters);
    ecmg_server_destroy(server);
    print_summary(&counters, started_ms);
    return CMD_EXIT_OK;
}

static int run(const struct ecmg_server_config *config)
{
    struct net_loop *loop;
    int status = net_loop_create(&loop);
    int exit_status = CMD_EXIT_FAILED;

    if (status == 0) {
        status = net_loop_on_signals(loop, on_signal, loop);
        if (status == 0)
            exit_status = serve(loop, config);
        net_loop_destroy(loop);
    }
    if (status < 0)
        base_log(BASE_LOG_ERROR, "cannot start: %s", base_error_text(status));
    return exit_status;
}

int main(int argc, char **argv)
{
    static struct ecmg_server_config config;
    unsigned count;
    int status;

    cmd_process_protect();
    cmd_process_raise_files();
    if (!cmd_parse(&command, argc, argv, NULL, &count, &status))
        return status;
    status = load_config(&config);
    if (status == CMD_EXIT_OK)
        status = run(&config);
    ecmg_server_config_clear(&config);
    return status;
}
