/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "cmd/options.h"
#include "cmd/process.h"
#include "cmd/watch_capture.h"
#include "cmd/watch_proxy.h"

#define READ_MAX     ((size_t)512 * 1024) /* more than the longest record of a capture */
#define DAY          UINT64_C(86400000000)
#define HOST_MAX     256
#define LISTEN_SIDE  1u /* bits of --tls */
#define CONNECT_SIDE 2u

static struct {
    const char *interface;
    uint64_t port;
    const char *listen_on;
    struct cmd_host_port connect;
    const char *udp_listen_on;
    struct cmd_host_port udp_connect;
    struct cmd_texts allow;
    const char *certificate, *key, *authorities, *peer_name;
    unsigned tls_sides;
    bool json, full, show_secrets;
    uint64_t count, duration_us;
} options;

static const char *const side_names[] = {"listen", "connect", NULL};

static const struct cmd_option option_table[] = {
    {"--interface", "NAME", "ecmg, emmg, eis or cpsig; default: its messages tell", &options.interface,
     .kind = CMD_TEXT},
    {"--port", "N", "of a capture: connections with this port of the server alone", &options.port,
     .kind = CMD_NUMBER, .minimum = 1, .maximum = UINT16_MAX},
    {"--listen", "ADDRESS:PORT",
     "be a proxy: where clients connect (':PORT' for every\naddress, port 0 for a free one)",
     &options.listen_on, .kind = CMD_TEXT},
    {"--connect", "HOST:PORT", "the server that they are passed on to", &options.connect,
     .kind = CMD_HOST_PORT},
    {"--udp-listen", "ADDRESS:PORT", "take datagrams (data_provision) here, too", &options.udp_listen_on,
     .kind = CMD_TEXT},
    {"--udp-connect", "HOST:PORT", "where datagrams are passed on to", &options.udp_connect,
     .kind = CMD_HOST_PORT},
    {"--allow", "RANGE", "clients from here alone (192.0.2.0/24); again for more", &options.allow,
     .kind = CMD_TEXTS},
    {"--tls-certificate", "FILE", "speak TLS 1.3, with this certificate (PEM)", &options.certificate,
     .kind = CMD_TEXT},
    {"--tls-key", "FILE", "its key", &options.key, .kind = CMD_TEXT},
    {"--tls-authorities", "FILE", "whom certificates of peers must come from", &options.authorities,
     .kind = CMD_TEXT},
    {"--tls-peer-name", "NAME", "on the server's certificate; default: the HOST of --connect",
     &options.peer_name, .kind = CMD_TEXT},
    {"--tls", "SIDES", "where TLS is spoken: listen, connect; default: both", &options.tls_sides,
     .kind = CMD_WORDS, .words = side_names},
    {"--count", "N", "stop after so many messages", &options.count, .kind = CMD_NUMBER, .minimum = 1,
     .maximum = UINT64_MAX},
    {"--duration", "SECONDS", "stop the proxy after so long", &options.duration_us, .kind = CMD_SECONDS,
     .minimum = 1, .maximum = 365 * DAY},
    {"--full", NULL, "show long values whole (JSON always does)", &options.full, .kind = CMD_FLAG},
    {"--show-secrets", NULL, "show control words: the output is then a secret itself", &options.show_secrets,
     .kind = CMD_FLAG},
    {"--json", NULL, "a JSON object per line", &options.json, .kind = CMD_FLAG},
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "simulcrypt watch",
    .operands = "[FILE]",
    .operands_min = 0,
    .operands_max = 1,
    .options = option_table,
    .summary =
        "Shows the messages of SimulCrypt interfaces: those of a capture (pcap or pcapng, - for standard\n"
        "input), or those that pass through a proxy.",
    .details = "The proxy passes every byte on unchanged, what it cannot decode too. SIGINT ends it with a "
               "summary.\n\nExamples:\n"
               "  scramline simulcrypt watch conversation.pcap\n"
               "  tcpdump -i lo -U -w - port 2222 | scramline simulcrypt watch --port 2222 -\n"
               "  scramline simulcrypt watch --listen 127.0.0.1:3333 --connect 127.0.0.1:2222 --json",
};

static int check_options(unsigned operands)
{
    bool proxy = options.listen_on || options.connect.port;
    bool tls = options.certificate || options.key || options.authorities;

    if (options.interface && !cmd_watch_interface_named(options.interface))
        return cmd_usage_error(&command, "--interface: '%s' is none of ecmg, emmg, eis, cpsig",
                               options.interface);
    if (proxy == (operands == 1))
        return cmd_usage_error(&command,
                               "either a FILE, or --listen and --connect (scramline simulcrypt watch "
                               "--help explains)");
    if (proxy && !(options.listen_on && options.connect.port && *options.connect.host))
        return cmd_usage_error(&command, "a proxy needs both --listen ADDRESS:PORT and --connect HOST:PORT");
    if (!options.udp_listen_on != !options.udp_connect.port)
        return cmd_usage_error(&command, "--udp-listen and --udp-connect go together");
    if (tls && !(options.certificate && options.key && options.authorities))
        return cmd_usage_error(&command, "TLS needs --tls-certificate, --tls-key and --tls-authorities");
    if ((options.tls_sides || options.peer_name) && !tls)
        return cmd_usage_error(&command, "--tls and --tls-peer-name need --tls-certificate");
    if (!proxy && (tls || options.udp_listen_on || options.allow.count || options.duration_us))
        return cmd_usage_error(&command, "TLS, datagrams, --allow and --duration are for the proxy");
    if (proxy && options.port)
        return cmd_usage_error(&command, "--port is for captures");
    return CMD_EXIT_OK;
}

static const struct cmd_watch_interface *chosen_interface(void)
{
    return options.interface ? cmd_watch_interface_named(options.interface) : NULL;
}

/* A reader that has gone away wants no more. */
static int judge(struct cmd_watch *watch)
{
    if (watch->error == 0)
        cmd_watch_summary(watch);
    if (watch->error == 0 || watch->error == -EPIPE)
        return CMD_EXIT_OK;
    return cmd_failed(watch->error, "standard output");
}

/* Captures. */

struct reading {
    int descriptor;
    uint8_t *buffer;
    size_t filled;
};

/* 1: there is more; 0 at the end. */
static int fill(struct reading *reading)
{
    ssize_t got = read(reading->descriptor, reading->buffer + reading->filled, READ_MAX - reading->filled);

    if (got < 0)
        return -errno;
    reading->filled += (size_t)got;
    return got > 0;
}

static int take(struct reading *reading, struct cmd_watch_capture *capture)
{
    ptrdiff_t taken = cmd_watch_capture_take(capture, reading->buffer, reading->filled);

    if (taken < 0)
        return (int)taken;
    reading->filled -= (size_t)taken;
    memmove(reading->buffer, reading->buffer + taken, reading->filled);
    return 0;
}

static int read_all(struct reading *reading, struct cmd_watch_capture *capture, struct cmd_watch *watch)
{
    int status = 1;

    while (status > 0 && !cmd_watch_is_done(watch) && !cmd_process_interrupted()) {
        int more = fill(reading);

        status = more > 0 ? take(reading, capture) : more;
        if (more > 0 && status == 0)
            status = 1;
    }
    if (status == 0 && reading->filled && !cmd_watch_is_done(watch))
        base_log(BASE_LOG_WARNING, "the capture is cut off: its last %zu bytes are no whole record",
                 reading->filled);
    return status == -EINTR ? 0 : status;
}

static void warn_of_records(const struct cmd_watch_capture_counters *counters)
{
    if (counters->fragments)
        base_log(BASE_LOG_WARNING, "%" PRIu64 " fragments of IP were passed over", counters->fragments);
    if (counters->cut)
        base_log(BASE_LOG_WARNING, "%" PRIu64 " records are cut or broken: capture with -s 0", counters->cut);
}

static int watch_file(struct cmd_watch *watch, const char *path, struct reading *reading)
{
    struct cmd_watch_capture_config config = {.interface = chosen_interface(),
                                              .port = (uint16_t)options.port};
    struct cmd_watch_capture *capture;
    int status = cmd_watch_capture_create(&capture, watch, &config);

    if (status < 0)
        return cmd_failed(status, "cannot start");
    status = read_all(reading, capture, watch);
    cmd_watch_capture_finish(capture);
    warn_of_records(cmd_watch_capture_counters(capture));
    cmd_watch_capture_destroy(capture);
    return status < 0 ? cmd_failed(status, path) : judge(watch);
}

static int watch_capture(struct cmd_watch *watch, const char *path)
{
    bool is_pipe = !strcmp(path, "-");
    struct reading reading = {.descriptor = is_pipe ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)};
    int status;

    if (reading.descriptor < 0)
        return cmd_failed(-errno, path);
    reading.buffer = malloc(READ_MAX);
    status = reading.buffer ? watch_file(watch, path, &reading) : cmd_failed(-ENOMEM, "cannot start");
    if (reading.buffer)
        base_secure_zero(reading.buffer, READ_MAX); /* control words may be in it */
    free(reading.buffer);
    if (!is_pipe)
        close(reading.descriptor);
    return status;
}

/* The proxy. */

struct proxying {
    struct net_loop *loop;
    struct net_access access;
    struct net_tls *server_tls, *client_tls;
    char listen_host[HOST_MAX], udp_listen_host[HOST_MAX];
    struct cmd_watch_proxy_config config;
    struct cmd_watch_proxy *proxy;
    struct net_timer *end;
};

static void on_signal(void *context, int signal)
{
    (void)signal;
    net_loop_stop(context);
}

static void on_time_up(void *context)
{
    net_loop_stop(context);
}

static int take_allowed(struct net_access *access)
{
    for (unsigned i = 0; i < options.allow.count; i++) {
        if (access->count == NET_ACCESS_MAX)
            return cmd_usage_error(&command, "--allow: more than %d ranges", NET_ACCESS_MAX);
        if (net_range_parse(&access->ranges[access->count++], options.allow.values[i]) < 0)
            return cmd_usage_error(&command, "--allow: '%s' is no range of addresses",
                                   options.allow.values[i]);
    }
    return CMD_EXIT_OK;
}

static int take_endpoints(struct proxying *proxying)
{
    struct cmd_watch_proxy_config *config = &proxying->config;

    config->interface = chosen_interface();
    config->host = options.connect.host;
    config->port = options.connect.port;
    config->listen.host = proxying->listen_host;
    config->listen.access = proxying->access.count ? &proxying->access : NULL;
    if (base_parse_listen(options.listen_on, proxying->listen_host, HOST_MAX, &config->listen.port) < 0)
        return cmd_usage_error(&command, "--listen: '%s' is not ADDRESS:PORT", options.listen_on);
    if (!options.udp_listen_on)
        return CMD_EXIT_OK;
    config->udp_listen_host = proxying->udp_listen_host;
    config->udp_host = options.udp_connect.host;
    config->udp_port = options.udp_connect.port;
    if (base_parse_listen(options.udp_listen_on, proxying->udp_listen_host, HOST_MAX,
                          &config->udp_listen_port) < 0)
        return cmd_usage_error(&command, "--udp-listen: '%s' is not ADDRESS:PORT", options.udp_listen_on);
    return CMD_EXIT_OK;
}

static int create_tls(struct net_tls **tls, bool server)
{
    struct net_tls_config config = {.certificate = ""};
    char why[256];

    snprintf(config.certificate, sizeof(config.certificate), "%s", options.certificate);
    snprintf(config.key, sizeof(config.key), "%s", options.key);
    snprintf(config.authorities, sizeof(config.authorities), "%s", options.authorities);
    if (options.peer_name)
        snprintf(config.peer_name, sizeof(config.peer_name), "%s", options.peer_name);
    if (net_tls_create(tls, &config, server, why) == 0)
        return CMD_EXIT_OK;
    base_log(BASE_LOG_ERROR, "%s", why);
    return CMD_EXIT_FAILED;
}

static int take_tls(struct proxying *proxying)
{
    unsigned sides = options.tls_sides ? options.tls_sides : LISTEN_SIDE | CONNECT_SIDE;
    int status = CMD_EXIT_OK;

    if (options.certificate && sides & LISTEN_SIDE)
        status = create_tls(&proxying->server_tls, true);
    if (status == CMD_EXIT_OK && options.certificate && sides & CONNECT_SIDE)
        status = create_tls(&proxying->client_tls, false);
    proxying->config.listen.tls = proxying->server_tls;
    proxying->config.tls = proxying->client_tls;
    return status;
}

static int create_loop(struct proxying *proxying)
{
    int status = net_loop_create(&proxying->loop);

    if (status == 0)
        status = net_loop_on_signals(proxying->loop, on_signal, proxying->loop);
    if (status == 0 && options.duration_us) {
        status = net_timer_create(&proxying->end, proxying->loop, on_time_up, proxying->loop);
        if (status == 0)
            net_timer_start(proxying->end, options.duration_us / 1000);
    }
    return status < 0 ? cmd_failed(status, "cannot start") : CMD_EXIT_OK;
}

/* On standard error: standard output is the trace's. */
static void tell_listening(const struct proxying *proxying)
{
    const struct cmd_watch_proxy_config *config = &proxying->config;

    base_log(BASE_LOG_NOTICE, "listening on %s:%u, passing on to %s:%u",
             *proxying->listen_host ? proxying->listen_host : "*", cmd_watch_proxy_port(proxying->proxy),
             config->host, config->port);
    if (config->udp_listen_host)
        base_log(BASE_LOG_NOTICE, "datagrams on %s:%u, passing on to %s:%u",
                 *proxying->udp_listen_host ? proxying->udp_listen_host : "*",
                 cmd_watch_proxy_udp_port(proxying->proxy), config->udp_host, config->udp_port);
}

static int run_proxy(struct proxying *proxying, struct cmd_watch *watch)
{
    char why[256];

    if (cmd_watch_proxy_create(&proxying->proxy, proxying->loop, watch, &proxying->config, why) < 0) {
        base_log(BASE_LOG_ERROR, "%s", why);
        return CMD_EXIT_FAILED;
    }
    tell_listening(proxying);
    net_loop_run(proxying->loop);
    cmd_watch_proxy_destroy(proxying->proxy);
    return judge(watch);
}

static int watch_proxy(struct cmd_watch *watch)
{
    static struct proxying proxying;
    int status;

    if ((status = take_allowed(&proxying.access)) == CMD_EXIT_OK &&
        (status = take_endpoints(&proxying)) == CMD_EXIT_OK &&
        (status = take_tls(&proxying)) == CMD_EXIT_OK && (status = create_loop(&proxying)) == CMD_EXIT_OK)
        status = run_proxy(&proxying, watch);
    net_timer_destroy(proxying.end);
    if (proxying.loop)
        net_loop_destroy(proxying.loop);
    net_tls_destroy(proxying.server_tls);
    net_tls_destroy(proxying.client_tls);
    return status;
}

int cmd_watch_main(int argc, char **argv)
{
    const char *path = NULL;
    struct cmd_watch_config config = {.out = stdout};
    struct cmd_watch *watch;
    unsigned count;
    int status;

    if (!cmd_parse(&command, argc, argv, &path, &count, &status) ||
        (status = check_options(count)) != CMD_EXIT_OK)
        return status;
    config.json = options.json;
    config.full = options.full;
    config.show_secrets = options.show_secrets;
    config.count_max = options.count;
    config.impatient = count == 0; /* a link may not stand still because a terminal does */
    status = cmd_watch_create(&watch, &config);
    if (status < 0)
        return cmd_failed(status, "cannot start");
    if (count)
        cmd_process_catch_signals();
    status = count ? watch_capture(watch, path) : watch_proxy(watch);
    cmd_watch_destroy(watch);
    return status;
}
