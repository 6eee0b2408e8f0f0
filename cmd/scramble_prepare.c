/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/cipher_options.h"
#include "cmd/input.h"
#include "cmd/scramble_run.h"

#define ORDERS_BYTES       ((size_t)1 << 20)
#define OBSERVATIONS_BYTES ((size_t)1 << 20)

/* A --service as the follower takes it: a number is a service_id, anything else a name. */
static void choose_service(struct headend_service_config *config, const char *text)
{
    uint64_t number;

    if (!text) {
        config->choice = HEADEND_SERVICE_FIRST;
    } else if (base_parse_u64(text, 0, 0xFFFF, &number) == 0) {
        config->choice = HEADEND_SERVICE_ID;
        config->service_id = (uint16_t)number;
    } else {
        config->choice = HEADEND_SERVICE_NAME;
        snprintf(config->name, sizeof(config->name), "%s", text);
    }
}

static void describe_service(struct headend_service_config *config, const struct scramble_options *options,
                             unsigned index)
{
    choose_service(config, options->services.count ? options->services.values[index] : NULL);
    config->components = options->components & HEADEND_ALL;
    config->group = (uint8_t)index;
    config->scrambling_mode = cipher_scrambling_mode(options->algorithm);
}

static void signals_of(const struct scramble_run *run, unsigned service, struct headend_signal *signals)
{
    const struct cmd_cas_list *cas = &run->options->cas;

    cmd_cas_signals(cas, run->uses, cas->count, scramble_run_flow(run, service), service, signals);
}

static int announce(struct scramble_run *run)
{
    struct headend_signal signals[HEADEND_SIGNALS_MAX];
    int status = 0;

    for (unsigned i = 0; i < run->options->cas.count; i++)
        run->uses[i] = run->options->cas.cas[i].terms;
    for (unsigned i = 0; run->options->cas.count && status == 0 && i < run->service_count; i++) {
        signals_of(run, i, signals);
        status = headend_follower_set_signals(run->follower, i, signals, run->options->cas.count);
    }
    return status;
}

static int create_follower(struct scramble_run *run)
{
    struct headend_service_config *configs = calloc(HEADEND_SERVICES_MAX, sizeof(*configs));
    int status;

    if (!configs)
        return -ENOMEM;
    run->service_count = run->options->services.count ? run->options->services.count : 1;
    for (unsigned i = 0; i < run->service_count; i++)
        describe_service(&configs[i], run->options, i);
    status = headend_follower_create(&run->follower, configs,
                                     run->options->pids.count ? 0 : run->service_count, run->orders);
    if (status == 0 && run->options->pids.count)
        status =
            headend_follower_set_pids(run->follower, run->options->pids.values, run->options->pids.count, 0);
    free(configs);
    return status < 0 ? status : announce(run);
}

/* The scout gives the follower the tables of the read-ahead, and listens to whatever PIDs the follower wants
 * next. */
static void observe_wanted(struct scramble_run *run)
{
    const struct headend_map *map = headend_follower_map(run->follower);

    for (uint16_t pid = 0; pid < TS_PIDS; pid++) {
        if (map->pids[pid].observe && !ts_demux_has(run->scout, pid))
            ts_demux_add(run->scout, pid);
    }
}

static void scouted(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    struct scramble_run *run = context;

    if (headend_follower_section(run->follower, pid, section, size, 0, 0) > 0)
        observe_wanted(run);
}

static int create_parts(struct scramble_run *run)
{
    unsigned services = run->options->services.count ? run->options->services.count : 1;
    struct scrambler_engine_config config = {
        .stop_at_changes = true, .carousels = SCRAMBLER_CAROUSELS + services * run->options->cas.count};
    int status;

    run->batch = calloc(1, sizeof(*run->batch));
    run->plan = calloc(1, sizeof(*run->plan));
    if (!run->batch || !run->plan)
        return -ENOMEM;
    if ((status = base_ring_create(&run->orders, ORDERS_BYTES)) < 0 ||
        (status = base_ring_create(&run->observations, OBSERVATIONS_BYTES)) < 0 ||
        (status = create_follower(run)) < 0 || (status = ts_demux_create(&run->scout, scouted, run)) < 0 ||
        (status = net_loop_create(&run->loop)) < 0)
        return status;
    config.orders = run->orders;
    config.observations = run->observations;
    status = scrambler_engine_create(&run->engine, &config);
    if (status < 0)
        return status;
    observe_wanted(run);
    return cmd_window_init(&run->window, run->source, CMD_WINDOW_PACKETS);
}

static int create_cipher(struct scramble_run *run)
{
    const struct scramble_options *options = run->options;
    int status = cmd_cipher_create(&run->cipher, options->algorithm, options->tier, &options->mode);

    if (options->tier && (status == -ENOENT || status == -ENOTSUP))
        return cmd_usage_error(run->command, "--tier: %s has no tier '%s' on this machine",
                               cipher_algorithm_name(options->algorithm), options->tier);
    if (status < 0)
        return cmd_failed(status, "cannot prepare the cipher");
    cipher_batch_init(run->batch, CIPHER_SCRAMBLE);
    run->batch->ciphers[options->algorithm] = run->cipher;
    return CMD_EXIT_OK;
}

static bool all_known(const struct scramble_run *run)
{
    struct headend_service_status status;

    for (unsigned i = 0; !run->options->pids.count && i < run->service_count; i++) {
        headend_follower_status(run->follower, i, &status);
        if (!status.pmt_known)
            return false;
    }
    return headend_follower_map(run->follower)->complete;
}

/* Looks for tables from the packet `first` on, up to where every service is known: what follows may change
 * them again, and is for the engine to see in its turn. */
static void scout(struct scramble_run *run, uint64_t first)
{
    const struct cmd_window *window = &run->window;

    for (uint64_t number = first; number < window->read; number++)
        headend_follower_occupy(run->follower, ts_pid(cmd_window_packet(window, number)));
    for (uint64_t number = first; number < window->read && !all_known(run); number++)
        ts_demux_feed(run->scout, cmd_window_packet(window, number));
}

/* Reads ahead until the tables name every service, or there is nothing more to read ahead. */
static int prime(struct scramble_run *run)
{
    ptrdiff_t count = 1;

    while (!headend_follower_map(run->follower)->complete && count > 0) {
        uint64_t first = run->window.read;

        count = cmd_window_fill(&run->window);
        scout(run, first);
    }
    return count < 0 ? cmd_failed((int)count, run->options->in) : CMD_EXIT_OK;
}

static int explain_missing(const struct scramble_run *run, const char *wanted,
                           const struct headend_service_status *status)
{
    char services[512];

    cmd_service_list(run->follower, services, sizeof(services));
    if (status->found)
        base_log(BASE_LOG_ERROR,
                 "%s: service %u is in the PAT, but no sound PMT for it was found on PID 0x%04x",
                 run->options->in, status->service_id, status->pmt_pid);
    else
        base_log(BASE_LOG_ERROR, "%s: there is no service %s; there are: %s", run->options->in,
                 wanted ? wanted : "at all in a sound PAT", services);
    return CMD_EXIT_FAILED;
}

/* The same service by its name and by its number. */
static bool is_repeated(const struct scramble_run *run, unsigned index, uint16_t service_id)
{
    struct headend_service_status other;

    for (unsigned i = 0; i < index; i++) {
        headend_follower_status(run->follower, i, &other);
        if (other.service_id == service_id)
            return true;
    }
    return false;
}

static void tell_ecm_pids(const struct scramble_run *run, unsigned index)
{
    struct headend_signal signals[HEADEND_SIGNALS_MAX];

    signals_of(run, index, signals);
    for (unsigned i = 0; i < run->options->cas.count; i++) {
        uint16_t wanted = signals[i].wanted_pid,
                 pid = headend_follower_flow_pid(run->follower, signals[i].flow);

        if (wanted && pid != wanted)
            base_log(BASE_LOG_WARNING, "PID 0x%04x is in use: the ECMs go to 0x%04x", wanted, pid);
    }
}

static int check_services(const struct scramble_run *run)
{
    const struct cmd_texts *services = &run->options->services;
    struct headend_service_status status;

    for (unsigned i = 0; !run->options->pids.count && i < run->service_count; i++) {
        headend_follower_status(run->follower, i, &status);
        if (!status.pmt_known)
            return explain_missing(run, services->count ? services->values[i] : NULL, &status);
        if (is_repeated(run, i, status.service_id))
            return cmd_usage_error(run->command, "service %u is given twice", status.service_id);
        if (status.ambiguous_name)
            base_log(BASE_LOG_WARNING, "several services are called %s: service %u is taken",
                     services->values[i], status.service_id);
        tell_ecm_pids(run, i);
        if (!status.protected_components)
            base_log(BASE_LOG_WARNING, "service %u has none of the components to scramble",
                     status.service_id);
    }
    return CMD_EXIT_OK;
}

int scramble_run_prepare(struct scramble_run *run)
{
    int status = cmd_input_open(run->command, run->options->in, run->options->flow, &run->source);

    if (status != CMD_EXIT_OK)
        return status;
    if ((status = create_parts(run)) < 0)
        return cmd_failed(status, "cannot start");
    if ((status = create_cipher(run)) != CMD_EXIT_OK || (status = prime(run)) != CMD_EXIT_OK)
        return status;
    return check_services(run);
}
