/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/scramble_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/input.h"
#include "cmd/output.h"
#include "cmd/plan.h"
#include "cmd/process.h"
#include "cmd/progress.h"
#include "cmd/protection.h"
#include "cmd/window.h"
#include "scrambler/engine.h"

#define BATCH              4096
#define ORDERS_BYTES       ((size_t)1 << 20)
#define OBSERVATIONS_BYTES ((size_t)1 << 20)
#define ASSUMED_BITRATE                                                                                      \
    UINT64_C(8000000) /* bit/s, where the stream carries no PCR and --bitrate is not given */

struct scramble_run {
    const struct cmd_command *command;
    const struct scramble_options *options;
    struct io_source *source;
    struct io_sink *sink;
    struct cmd_window window;
    struct cmd_progress progress;
    struct base_ring *orders;
    struct base_ring *observations;
    struct headend_follower *follower;
    struct ts_section_demux *scout;
    struct scrambler_engine *engine;
    struct scrambler_plan *plan;
    struct cipher *cipher;
    struct cipher_batch *batch;
    struct net_loop *loop;
    FILE *cw_out;
    unsigned group_count;
    struct cmd_protection groups[HEADEND_SERVICES_MAX];
    struct ts_observation observation;
    struct scrambler_input inputs[BATCH];
    struct scrambler_output outputs[BATCH + SCRAMBLER_INSERT_MAX];
    const uint8_t *out_packets[BATCH + SCRAMBLER_INSERT_MAX];
    struct io_packet_info out_infos[BATCH + SCRAMBLER_INSERT_MAX];
};

static int fail(int error, const char *what)
{
    base_log(BASE_LOG_ERROR, "%s: %s", what, base_error_text(error));
    return CMD_EXIT_FAILED;
}

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
    config->signal = options->ecmg.port != 0;
    config->ca.ca_system_id = (uint16_t)(options->super_cas_id >> 16);
    config->ca.ca_pid = (uint16_t)(options->ecm_pid ? options->ecm_pid + index : 0);
    config->scrambling_mode = cipher_scrambling_mode(options->algorithm);
}

static int create_follower(struct scramble_run *run)
{
    struct headend_service_config *configs = calloc(HEADEND_SERVICES_MAX, sizeof(*configs));
    int status;

    if (!configs)
        return -ENOMEM;
    run->group_count = run->options->services.count ? run->options->services.count : 1;
    for (unsigned i = 0; i < run->group_count; i++)
        describe_service(&configs[i], run->options, i);
    status = headend_follower_create(&run->follower, configs, run->options->pids.count ? 0 : run->group_count,
                                     run->orders);
    if (status == 0 && run->options->pids.count)
        status =
            headend_follower_set_pids(run->follower, run->options->pids.values, run->options->pids.count, 0);
    free(configs);
    return status;
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
    struct scrambler_engine_config config = {.stop_at_changes = true};
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
    int status = cipher_create(&run->cipher, options->algorithm, options->tier);

    if (status == -ENOENT || status == -ENOTSUP)
        return cmd_usage_error(run->command, "--tier: %s has no tier '%s' on this machine",
                               cipher_algorithm_name(options->algorithm), options->tier);
    if (status < 0)
        return fail(status, "cannot prepare the cipher");
    cipher_batch_init(run->batch, CIPHER_SCRAMBLE);
    run->batch->ciphers[options->algorithm] = run->cipher;
    return CMD_EXIT_OK;
}

/* Reads ahead until the tables name every service, or there is nothing more to read ahead. */
static int prime(struct scramble_run *run)
{
    uint64_t scouted_packets = 0;
    ptrdiff_t count = 1;

    while (!headend_follower_map(run->follower)->complete && count > 0) {
        count = cmd_window_fill(&run->window);
        for (; scouted_packets < run->window.read; scouted_packets++)
            ts_demux_feed(run->scout, cmd_window_packet(&run->window, scouted_packets));
    }
    return count < 0 ? fail((int)count, run->options->in) : CMD_EXIT_OK;
}

static void list_services(const struct scramble_run *run, char *text, size_t room)
{
    struct headend_service_entry entries[16];
    unsigned total = headend_follower_services(run->follower, entries, 16);
    size_t used = 0;

    snprintf(text, room, total ? "" : "none");
    for (unsigned i = 0; i < total && i < 16 && used < room; i++) {
        const char *name = entries[i].name;

        used += (size_t)snprintf(text + used, room - used, "%s%u%s%s%s", i ? ", " : "", entries[i].service_id,
                                 *name ? " (" : "", name, *name ? ")" : "");
    }
}

static int explain_missing(const struct scramble_run *run, const char *wanted,
                           const struct headend_service_status *status)
{
    char services[512];

    list_services(run, services, sizeof(services));
    if (status->found)
        base_log(BASE_LOG_ERROR,
                 "%s: service %u is in the PAT, but no sound PMT for it was found on PID 0x%04x",
                 run->options->in, status->service_id, status->pmt_pid);
    else
        base_log(BASE_LOG_ERROR, "%s: there is no service %s; there are: %s", run->options->in,
                 wanted ? wanted : "at all in a sound PAT", services);
    return CMD_EXIT_FAILED;
}

static int check_services(const struct scramble_run *run)
{
    const struct cmd_texts *services = &run->options->services;
    struct headend_service_status status;

    for (unsigned i = 0; !run->options->pids.count && i < run->group_count; i++) {
        headend_follower_status(run->follower, i, &status);
        if (!status.pmt_known)
            return explain_missing(run, services->count ? services->values[i] : NULL, &status);
        if (status.ambiguous_name)
            base_log(BASE_LOG_WARNING, "several services are called %s: service %u is taken",
                     services->values[i], status.service_id);
        if (status.ecm_pid_in_use)
            base_log(BASE_LOG_WARNING, "PID 0x%04x is in use: the ECMs go to 0x%04x",
                     (unsigned)run->options->ecm_pid + i, status.ecm_pid);
        if (!status.protected_components)
            base_log(BASE_LOG_WARNING, "service %u has none of the components to scramble",
                     status.service_id);
    }
    return CMD_EXIT_OK;
}

static int open_cw_out(struct scramble_run *run)
{
    const char *path = run->options->cw_out;
    int descriptor;

    if (!path)
        return CMD_EXIT_OK;
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0 || fchmod(descriptor, 0600) < 0 || !(run->cw_out = fdopen(descriptor, "w"))) {
        if (descriptor >= 0)
            close(descriptor);
        return fail(-errno, path);
    }
    return CMD_EXIT_OK;
}

static int create_groups(struct scramble_run *run)
{
    unsigned count = run->options->pids.count ? 1 : run->group_count;
    int status = open_cw_out(run);

    for (unsigned i = 0; status == CMD_EXIT_OK && i < count; i++) {
        struct headend_service_status service = {0};

        headend_follower_status(run->follower, i, &service);
        status = cmd_protection_init(&run->groups[i], run->command, run->options, i, service.ecm_pid,
                                     run->cipher, run->orders, run->loop, run->cw_out);
    }
    return status;
}

static void adopt_map(struct scramble_run *run)
{
    struct scrambler_group groups[HEADEND_SERVICES_MAX];

    for (unsigned i = 0; i < run->group_count; i++)
        groups[i] =
            (struct scrambler_group){.slots = run->groups[i].slots, .algorithm = run->options->algorithm};
    cmd_plan_from_map(run->plan, headend_follower_map(run->follower), groups, run->group_count);
}

static int start_time(struct scramble_run *run)
{
    const struct scramble_options *options = run->options;
    uint64_t rate = options->bitrate ? options->bitrate : ASSUMED_BITRATE;
    int status =
        cmd_window_start_time(&run->window, headend_follower_map(run->follower)->reference_pid, rate);

    return status < 0 ? fail(status, "cannot keep source time") : CMD_EXIT_OK;
}

static bool groups_ready(const struct scramble_run *run, uint64_t time)
{
    for (unsigned i = 0; i < run->group_count; i++) {
        if (!headend_group_ready(run->groups[i].group, time))
            return false;
    }
    return true;
}

static void advance_groups(struct scramble_run *run, uint64_t now)
{
    if (run->options->ecmg.port)
        net_loop_run_once(run->loop, 0);
    for (unsigned i = 0; i < run->group_count; i++)
        headend_group_advance(run->groups[i].group, now);
}

/* The first group that holds the run up. */
static const struct cmd_protection *awaited(const struct scramble_run *run, uint64_t time)
{
    for (unsigned i = 0; i < run->group_count; i++) {
        if (!headend_group_ready(run->groups[i].group, time))
            return &run->groups[i];
    }
    return NULL;
}

/* Files wait for ECMs: runs the loop until every group covers `time`, or the time-out is over. */
static bool wait_for_ecms(struct scramble_run *run, uint64_t now, uint64_t time)
{
    uint64_t deadline = base_clock_monotonic_ms() + run->options->ecm_timeout_us / 1000;

    while (!groups_ready(run, time)) {
        if (cmd_process_interrupted() || base_clock_monotonic_ms() >= deadline)
            return false;
        net_loop_run_once(run->loop, 50);
        advance_groups(run, now);
    }
    return true;
}

static int explain_no_ecmg(const struct scramble_run *run)
{
    const struct cmd_protection *late = awaited(run, 0);
    const char *why = late && late->client ? headend_ecmg_client_last_error(late->client) : "";
    const struct cmd_host_port *ecmg = &run->options->ecmg;

    if (cmd_process_interrupted())
        return CMD_EXIT_FAILED;
    base_log(
        BASE_LOG_ERROR,
        "no ECM from the ECMG at %s:%u within %.1f s%s%s; is it running? (scramline ecmg --listen %s:%u)",
        ecmg->host, ecmg->port, (double)run->options->ecm_timeout_us / 1e6, *why ? ": " : "", why, ecmg->host,
        ecmg->port);
    return CMD_EXIT_FAILED;
}

/* Nothing is written before the first ECM is there: an ECMG that is absent costs no partial file. */
static int wait_for_start(struct scramble_run *run)
{
    advance_groups(run, 0);
    return wait_for_ecms(run, 0, 0) ? CMD_EXIT_OK : explain_no_ecmg(run);
}

/* Where an ECM does not come in mid-stream, the policy takes over. */
static void give_up_waiting(struct scramble_run *run, uint64_t now, uint64_t time)
{
    for (unsigned i = 0; i < run->group_count; i++) {
        const char *why = run->groups[i].client ? headend_ecmg_client_last_error(run->groups[i].client) : "";

        if (!headend_group_ready(run->groups[i].group, time))
            headend_group_give_up(run->groups[i].group, now, *why ? why : "no ECM came in time");
    }
}

/* How many of the next packets every group covers; at least one, waiting where need be. */
static size_t covered(struct scramble_run *run, size_t count)
{
    uint64_t first = cmd_window_time(&run->window, run->window.done);

    advance_groups(run, first);
    while (count > 1 && !groups_ready(run, cmd_window_time(&run->window, run->window.done + count - 1)))
        count /= 2;
    if (!groups_ready(run, first) && !wait_for_ecms(run, first, first))
        give_up_waiting(run, first, first);
    return count;
}

static int write_outputs(struct scramble_run *run, unsigned output_count, unsigned consumed)
{
    uint64_t base = run->window.done;
    int status;

    for (unsigned i = 0; i < output_count; i++) {
        /* An inserted packet behind the last one has no packet that it stands before: it goes with the last.
         */
        uint32_t input = run->outputs[i].input < consumed || !consumed ? run->outputs[i].input : consumed - 1;

        run->out_packets[i] = run->outputs[i].packet;
        run->out_infos[i] = *cmd_window_info(&run->window, base + input);
    }
    status = io_sink_write(run->sink, run->out_packets, run->out_infos, output_count);
    return status < 0 ? fail(status, run->options->out) : CMD_EXIT_OK;
}

/* What the engine saw of changed tables goes to the follower, whose new map becomes the plan. */
static void take_observations(struct scramble_run *run)
{
    bool any = false;

    while (ts_observation_pop(run->observations, &run->observation) > 0) {
        const struct ts_observation *seen = &run->observation;

        headend_follower_section(run->follower, seen->pid, seen->section, seen->size, seen->sequence,
                                 seen->source_time);
        any = true;
    }
    if (any)
        adopt_map(run);
}

static int process_batch(struct scramble_run *run, size_t count)
{
    unsigned output_count;
    unsigned consumed;
    int status;

    for (size_t i = 0; i < count; i++)
        run->inputs[i] =
            (struct scrambler_input){.packet = cmd_window_packet(&run->window, run->window.done + i),
                                     .source_time = cmd_window_time(&run->window, run->window.done + i)};
    consumed = scrambler_engine_process(run->engine, run->plan, run->inputs, (unsigned)count, run->batch,
                                        run->outputs, &output_count);
    cipher_batch_flush(run->batch);
    status = output_count ? write_outputs(run, output_count, consumed) : CMD_EXIT_OK;
    cmd_window_release(&run->window, consumed);
    take_observations(run);
    return status;
}

static int pump(struct scramble_run *run)
{
    struct cmd_window *window = &run->window;
    int status = CMD_EXIT_OK;

    while (status == CMD_EXIT_OK && !(window->ended && window->done == window->read)) {
        ptrdiff_t filled = cmd_window_fill(window);

        if (filled < 0)
            return fail((int)filled, run->options->in);
        while (status == CMD_EXIT_OK && window->done < window->timed) {
            uint64_t waiting = window->timed - window->done;

            if (cmd_process_interrupted())
                return CMD_EXIT_FAILED;
            status = process_batch(run, covered(run, waiting < BATCH ? (size_t)waiting : BATCH));
        }
        cmd_progress_update(&run->progress, io_source_position(run->source));
    }
    return status;
}

struct totals {
    uint64_t crypto_periods;
    uint64_t ecms;
    uint64_t stretched;
    bool degraded;
};

static struct totals sum_groups(const struct scramble_run *run)
{
    struct totals totals = {0};

    for (unsigned i = 0; i < run->group_count; i++) {
        struct headend_group_status status;

        headend_group_status(run->groups[i].group, &status);
        totals.crypto_periods += status.crypto_periods;
        totals.ecms += status.ecms;
        totals.stretched += status.stretched;
        totals.degraded |= run->groups[i].was_degraded;
    }
    return totals;
}

static json_t *services_json(const struct scramble_run *run)
{
    json_t *services = json_array();

    for (unsigned i = 0; !run->options->pids.count && i < run->group_count; i++) {
        struct headend_service_status status;

        headend_follower_status(run->follower, i, &status);
        json_array_append_new(services, json_pack("{s:i, s:s, s:i, s:i, s:i}", "service_id",
                                                  (int)status.service_id, "name", status.name, "pmt_pid",
                                                  (int)status.pmt_pid, "ecm_pid", (int)status.ecm_pid,
                                                  "protected_components", (int)status.protected_components));
    }
    return services;
}

static void print_json(const struct scramble_run *run, double seconds)
{
    const struct scrambler_counters *counters = scrambler_engine_counters(run->engine);
    struct totals totals = sum_groups(run);
    FILE *to = cmd_output_summary(run->options->out);
    json_t *packets = json_object();
    json_t *summary;

#define X(name, help) json_object_set_new(packets, #name, json_integer((json_int_t)counters->name));
    SCRAMBLER_COUNTER_MAP(X)
#undef X
    summary =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:f, s:f}", "command",
                  "scramble", "in", run->options->in, "out", run->options->out, "algorithm",
                  cipher_algorithm_name(run->options->algorithm), "tier", cipher_tier_name(run->cipher),
                  "input", cmd_input_json(run->source), "packets", packets, "services", services_json(run),
                  "crypto_periods", (json_int_t)totals.crypto_periods, "ecms", (json_int_t)totals.ecms,
                  "stretched", (json_int_t)totals.stretched, "degraded", (int)totals.degraded, "seconds",
                  seconds, "bit_rate", (double)counters->in * TS_PACKET_SIZE * 8 / seconds);
    json_dumpf(summary, to, JSON_INDENT(2));
    fputc('\n', to);
    json_decref(summary);
}

static void print_line(const struct scramble_run *run, double seconds)
{
    const struct scrambler_counters *counters = scrambler_engine_counters(run->engine);
    struct totals totals = sum_groups(run);

    fprintf(stderr,
            "scrambled %" PRIu64 " of %" PRIu64 " packets (%s), %" PRIu64 " crypto-periods, %" PRIu64
            " ECMs, %" PRIu64 " black, %" PRIu64 " already scrambled, %.1f s, %.0f Mbit/s: %s\n",
            counters->scrambled, counters->in, cipher_algorithm_name(run->options->algorithm),
            totals.crypto_periods, totals.ecms, counters->black, counters->already_scrambled, seconds,
            (double)counters->in * TS_PACKET_SIZE * 8 / seconds / 1e6, run->options->out);
}

static int commit(struct scramble_run *run)
{
    int status = io_sink_commit(run->sink);

    if (status < 0)
        return fail(status, run->options->out);
    if (run->cw_out && (fflush(run->cw_out) != 0 || ferror(run->cw_out)))
        return fail(-EIO, run->options->cw_out);
    return CMD_EXIT_OK;
}

static void warn(const struct scramble_run *run)
{
    cmd_input_warn(run->source, run->options->in);
    if (!ts_timeline_has_pcr(run->window.timeline) && !run->options->bitrate && !run->options->cws.count)
        base_log(BASE_LOG_WARNING,
                 "%s carries no PCR: crypto-periods were timed as if it had %" PRIu64
                 " Mbit/s (--bitrate changes that)",
                 run->options->in, ASSUMED_BITRATE / 1000000);
}

static int report(struct scramble_run *run)
{
    double seconds = cmd_progress_seconds(&run->progress);

    cmd_progress_finish(&run->progress);
    warn(run);
    if (run->options->json)
        print_json(run, seconds);
    else
        print_line(run, seconds);
    return CMD_EXIT_OK;
}

static int run_all(struct scramble_run *run)
{
    int status;

    if ((status = cmd_input_open(run->command, run->options->in, run->options->flow, &run->source)) !=
        CMD_EXIT_OK)
        return status;
    if ((status = create_parts(run)) < 0)
        return fail(status, "cannot start");
    if ((status = create_cipher(run)) != CMD_EXIT_OK || (status = prime(run)) != CMD_EXIT_OK ||
        (status = check_services(run)) != CMD_EXIT_OK || (status = create_groups(run)) != CMD_EXIT_OK)
        return status;
    adopt_map(run);
    if ((status = start_time(run)) != CMD_EXIT_OK || (status = wait_for_start(run)) != CMD_EXIT_OK ||
        (status = cmd_output_open(run->command, run->options->out, run->options->in, run->source,
                                  &run->sink)) != CMD_EXIT_OK)
        return status;
    cmd_progress_start(&run->progress, io_source_size(run->source));
    status = pump(run);
    if (status == CMD_EXIT_OK)
        status = commit(run);
    return status == CMD_EXIT_OK ? report(run) : status;
}

static void clear(struct scramble_run *run)
{
    for (unsigned i = 0; i < HEADEND_SERVICES_MAX; i++)
        cmd_protection_clear(&run->groups[i]);
    net_loop_destroy(run->loop);
    scrambler_engine_destroy(run->engine);
    ts_demux_destroy(run->scout);
    headend_follower_destroy(run->follower);
    base_ring_destroy(run->observations);
    base_ring_destroy(run->orders);
    cmd_window_clear(&run->window);
    io_sink_close(run->sink);
    io_source_close(run->source);
    cipher_destroy(run->cipher);
    free(run->batch);
    free(run->plan);
    if (run->cw_out)
        fclose(run->cw_out);
}

int scramble_file(const struct cmd_command *command, const struct scramble_options *options)
{
    struct scramble_run *run = calloc(1, sizeof(*run));
    int status;

    if (!run)
        return fail(-ENOMEM, "cannot start");
    run->command = command;
    run->options = options;
    cmd_process_catch_signals();
    status = run_all(run);
    cmd_progress_finish(&run->progress);
    if (status != CMD_EXIT_OK)
        cmd_output_name_partial(run->sink);
    clear(run);
    free(run);
    return status;
}
