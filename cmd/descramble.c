/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-descramble: opens a scrambled file, pipe or capture. Tables and ECMs stay in the stream as they
 * are. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/common_options.h"
#include "cmd/control_words.h"
#include "cmd/input.h"
#include "cmd/output.h"
#include "cmd/process.h"
#include "cmd/progress.h"
#include "cmd/summary.h"
#include "cmd/window.h"
#include "descrambler/engine.h"
#include "ecmg/ecm.h"
#include "io/sink.h"
#include "keys/control_word.h"
#include "keys/key_file.h"

#define BATCH            4096
#define PATIENCE_PACKETS 2000 /* 0.1 s, the repetition of ECMs, at 30 Mbit/s */

static struct {
    const char *in;
    const char *out;
    const char *flow;
    struct cmd_texts services;
    const char *service; /* the only one of them */
    struct cmd_numbers pids;
    const char *algorithm;
    struct cmd_mode_options mode;
    const char *cw;
    const char *cw_file;
    bool raw_cw;
    const char *service_key;
    const char *tier;
    const char *cpu_mask;
    bool json;
} options;

static const struct cmd_option option_table[] = {
    {"--service", "ID|NAME", "open this service alone; default: all", &options.services, .kind = CMD_TEXTS},
    CMD_OPTION_PIDS("open these PIDs alone (256,0x101,300-310)", &options.pids),
    CMD_OPTION_ALGORITHM("what the scrambling_descriptor says, else dvb-csa2", &options.algorithm),
    CMD_OPTION_IV(&options.mode.iv),
    CMD_OPTION_COUNTER_BITS(&options.mode.counter_bits),
    {"--cw", "HEX", "fixed control word, loaded for both parities", &options.cw, .kind = CMD_TEXT},
    CMD_OPTION_CW_FILE(&options.cw_file),
    CMD_OPTION_RAW_CW(&options.raw_cw),
    {"--service-key", "FILE",
     "open ECMs with this service key; default: service.key\nin the folder of `scramline keys`",
     &options.service_key, .kind = CMD_TEXT},
    CMD_OPTION_FLOW(&options.flow),
    CMD_OPTION_TIER(&options.tier),
    CMD_OPTION_CPU_MASK(&options.cpu_mask),
    CMD_OPTION_JSON(&options.json),
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "descramble",
    .operands = "IN OUT",
    .operands_min = 2,
    .operands_max = 2,
    .options = option_table,
    .summary = "Opens a scrambled transport stream.\n\n"
               "Without --cw and --cw-file the control words come from the stream's ECMs, opened with the "
               "service key.\n"
               "IN is a TS file, a pcap or pcapng capture, or - for standard input; OUT is a file or - for "
               "standard output.",
    .details = "Examples:\n"
               "  scramline descramble --cw 0123456789abcdef scrambled.ts clear.ts\n"
               "  scramline descramble --service-key service.key scrambled.ts clear.ts\n"
               "  scramline descramble --cpu-mask avx2 --cw 0123456789abcdef scrambled.ts clear.ts",
};

struct descramble_run {
    struct io_source *source;
    struct io_sink *sink;
    struct cmd_window window;
    struct cmd_progress progress;
    struct cipher_mode mode;
    struct cipher *ciphers[CIPHER_ALGORITHMS];
    struct cipher_batch batch;
    struct descrambler_engine *engine;
    struct descrambler_config config;
    struct keys_cw_list list;
    struct base_secret service_key;
    uint64_t scouted;
    uint64_t patience; /* the packet up to which a pipe waits for ECM PIDs that are silent still */
    bool told_unknown; /* that a service's algorithm is not known here */
    bool flows;        /* a pipe is not held back any more */
    uint8_t *packets[BATCH];
    struct io_packet_info infos[BATCH];
};

static int open_ecm(void *context, const uint8_t *section, size_t size, struct descrambler_cws *cws)
{
    const struct descramble_run *run = context;
    struct ecmg_ecm ecm;
    int status = ecmg_ecm_open(&run->service_key, section, size, &ecm);

    if (status == 0) {
        cws->even = ecm.even;
        cws->odd = ecm.odd;
    }
    ecmg_ecm_clear(&ecm);
    return status;
}

static int load_service_key(struct descramble_run *run)
{
    char folder[3072];
    char path[4096];
    int status = 0;

    if (options.service_key)
        snprintf(path, sizeof(path), "%s", options.service_key);
    else if ((status = keys_default_directory(folder, sizeof(folder))) == 0)
        snprintf(path, sizeof(path), "%s/service.key", folder);
    if (status == 0)
        status = keys_file_read(path, &run->service_key, ECMG_SERVICE_KEY_SIZE);
    if (status == 0)
        return CMD_EXIT_OK;
    if (status == -ENOENT)
        base_log(BASE_LOG_ERROR,
                 "no control words: there is no service key %s to open ECMs with; give --cw, --cw-file or "
                 "--service-key",
                 path);
    else if (status == -EPERM)
        base_log(BASE_LOG_ERROR, "%s: others can read this key: chmod 600 it first", path);
    else
        base_log(BASE_LOG_ERROR, "%s: not a service key (%s)", path, base_error_text(status));
    return CMD_EXIT_FAILED;
}

static int load_words(struct descramble_run *run)
{
    int status;

    if (options.cw)
        return cmd_cw_parse(&command, options.cw, run->config.algorithm, options.raw_cw,
                            &run->config.fixed_even);
    if (options.cw_file) {
        status = cmd_cw_list_load(&run->list, options.cw_file, run->config.algorithm, options.raw_cw);
        run->config.list = run->list.words;
        run->config.list_count = run->list.count;
        return status < 0 ? CMD_EXIT_FAILED : CMD_EXIT_OK;
    }
    run->config.ecm_open = open_ecm;
    run->config.ecm_context = run;
    return load_service_key(run);
}

static void select_packets(struct descrambler_config *config)
{
    uint64_t number;

    if (options.pids.count) {
        config->selection = DESCRAMBLER_PIDS;
        config->pids = options.pids.values;
        config->pid_count = options.pids.count;
    } else if (options.service) {
        config->selection = DESCRAMBLER_SERVICE;
        if (base_parse_u64(options.service, 0, 0xFFFF, &number) == 0)
            config->service_id = (uint16_t)number;
        else
            config->service_name = options.service;
    }
}

/* Fixed words and lists have the size of an algorithm, so one is assumed where none is given: without ECMs
 * there is seldom a scrambling_descriptor. */
static int choose_algorithm(struct descramble_run *run)
{
    struct descrambler_config *config = &run->config;

    config->algorithm = CIPHER_DVB_CSA2;
    config->has_algorithm = options.algorithm || options.cw || options.cw_file;
    if (options.algorithm &&
        cmd_algorithm_parse(&command, options.algorithm, &config->algorithm) != CMD_EXIT_OK)
        return CMD_EXIT_USAGE;
    if (cmd_mode_parse(&command, &options.mode, config->has_algorithm ? config->algorithm : CIPHER_ALGORITHMS,
                       &run->mode) != CMD_EXIT_OK)
        return CMD_EXIT_USAGE;
    if ((options.cw != NULL) + (options.cw_file != NULL) + (options.service_key != NULL) > 1)
        return cmd_usage_error(&command, "--cw, --cw-file and --service-key exclude each other");
    if (options.raw_cw && (config->algorithm != CIPHER_DVB_CSA2 || !(options.cw || options.cw_file)))
        return cmd_usage_error(&command, "--raw-cw goes with the --cw or --cw-file of DVB-CSA2");
    if (options.services.count > 1)
        return cmd_usage_error(&command, "--service: one service, or all of them without it");
    if (options.pids.count && options.service)
        return cmd_usage_error(&command, "--pid and --service exclude each other");
    return CMD_EXIT_OK;
}

static int create_ciphers(struct descramble_run *run)
{
    bool any = false;

    cipher_batch_init(&run->batch, CIPHER_DESCRAMBLE);
    for (unsigned i = 0; i < CIPHER_ALGORITHMS; i++) {
        bool wanted = !run->config.has_algorithm || run->config.algorithm == (enum cipher_algorithm)i;
        int status =
            wanted ? cmd_cipher_create(&run->ciphers[i], (enum cipher_algorithm)i, options.tier, &run->mode)
                   : 0;

        if (status < 0 && status != -ENOENT && status != -ENOTSUP)
            return cmd_failed(status, "cannot prepare the cipher");
        any |= run->ciphers[i] != NULL;
        run->batch.ciphers[i] = run->ciphers[i];
    }
    return any ? CMD_EXIT_OK
               : cmd_usage_error(&command, "--tier: there is no tier '%s' on this machine", options.tier);
}

static int prepare(struct descramble_run *run)
{
    int status;

    if ((status = cmd_cpu_mask_take(&command, options.cpu_mask)) != CMD_EXIT_OK ||
        (status = choose_algorithm(run)) != CMD_EXIT_OK)
        return status;
    run->patience = PATIENCE_PACKETS;
    select_packets(&run->config);
    if ((status = load_words(run)) != CMD_EXIT_OK || (status = create_ciphers(run)) != CMD_EXIT_OK ||
        (status = cmd_input_open(&command, options.in, options.flow, &run->source)) != CMD_EXIT_OK)
        return status;
    if ((status = descrambler_engine_create(&run->engine, &run->config)) < 0 ||
        (status = cmd_window_init(&run->window, run->source, CMD_WINDOW_PACKETS)) < 0)
        return cmd_failed(status, "cannot start");
    return cmd_output_open(&command, options.out, options.in, run->source, &run->sink);
}

static void scout(struct descramble_run *run)
{
    for (; run->scouted < run->window.read; run->scouted++)
        descrambler_engine_scout(run->engine, cmd_window_packet(&run->window, run->scouted));
}

/* Once. */
static void tell_unknown(struct descramble_run *run)
{
    uint16_t service_id;
    uint8_t mode = descrambler_engine_unknown_mode(run->engine, &service_id);
    enum cipher_algorithm algorithm;

    if (!mode || run->told_unknown)
        return;
    run->told_unknown = true;
    if (cipher_algorithm_from_scrambling_mode(mode, &algorithm) == -ENOTSUP)
        base_log(BASE_LOG_ERROR, "service %u stays scrambled: " CIPHER_CSA3_ABSENT, service_id);
    else
        base_log(BASE_LOG_ERROR, "service %u stays scrambled: its scrambling_mode 0x%02x is not known here",
                 service_id, mode);
}

static int process_batch(struct descramble_run *run, unsigned count)
{
    int status;

    for (unsigned i = 0; i < count; i++) {
        run->packets[i] = cmd_window_packet(&run->window, run->window.done + i);
        run->infos[i] = *cmd_window_info(&run->window, run->window.done + i);
    }
    descrambler_engine_process(run->engine, run->packets, count, &run->batch);
    cipher_batch_flush(&run->batch);
    tell_unknown(run);
    status = io_sink_write(run->sink, (const uint8_t *const *)run->packets, run->infos, count);
    cmd_window_release(&run->window, count);
    return status < 0 ? cmd_failed(status, options.out) : CMD_EXIT_OK;
}

/* Whether packets of a pipe are kept back for control words. Once they have been let go they flow: keys come
 * in time from then on, and what has none by then is not ours. */
static bool holds_back(struct descramble_run *run)
{
    switch (run->flows ? DESCRAMBLER_WAITS_FOR_NOTHING : descrambler_engine_waiting(run->engine)) {
    case DESCRAMBLER_WAITS_FOR_WORDS:
        run->patience = run->window.read + PATIENCE_PACKETS;
        return true;
    case DESCRAMBLER_WAITS_FOR_MORE:
        return run->window.read < run->patience;
    default:
        return false;
    }
}

/* A file is read a whole window ahead, so that tables and ECMs serve the packets in front of them; a pipe
 * until the first control words are known, and then as far as it has come, so that it is not held up. */
static bool read_on(struct descramble_run *run)
{
    const struct cmd_window *window = &run->window;

    if (window->ended || window->read - window->done == window->capacity)
        return false;
    return io_source_size(run->source) != 0 || window->read == window->done || holds_back(run);
}

static int read_ahead(struct descramble_run *run)
{
    while (read_on(run)) {
        ptrdiff_t filled = cmd_window_fill(&run->window);

        if (filled < 0)
            return cmd_failed((int)filled, options.in);
        scout(run);
    }
    run->flows |= descrambler_engine_waiting(run->engine) != DESCRAMBLER_WAITS_FOR_NOTHING;
    return CMD_EXIT_OK;
}

static int pump(struct descramble_run *run)
{
    struct cmd_window *window = &run->window;
    int status = CMD_EXIT_OK;

    while (status == CMD_EXIT_OK && !(window->ended && window->done == window->read)) {
        uint64_t waiting;

        status = read_ahead(run);
        if (status != CMD_EXIT_OK || cmd_process_interrupted())
            return CMD_EXIT_FAILED;
        waiting = window->read - window->done;
        if (waiting)
            status = process_batch(run, waiting < BATCH ? (unsigned)waiting : BATCH);
        cmd_progress_update(&run->progress, io_source_position(run->source));
    }
    return status;
}

/* Of the algorithms that opened packets. */
static json_t *tiers_json(const struct descramble_run *run)
{
    json_t *tiers = json_object();

    for (unsigned i = 0; i < CIPHER_ALGORITHMS; i++) {
        if (run->batch.lanes_turned[i])
            json_object_set_new(tiers, cipher_algorithm_name((enum cipher_algorithm)i),
                                json_string(cipher_tier_name(run->ciphers[i])));
    }
    return tiers;
}

static void print_json(const struct descramble_run *run, double seconds)
{
    const struct descrambler_counters *counters = descrambler_engine_counters(run->engine);
    json_t *summary = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:f, s:f}", "command", "descramble", "in",
                                cmd_json_text(options.in), "out", cmd_json_text(options.out), "tiers",
                                tiers_json(run), "input", cmd_input_json(run->source), "packets",
                                CMD_SUMMARY_COUNTERS(DESCRAMBLER_COUNTER_MAP, counters), "seconds", seconds,
                                "bit_rate", cmd_summary_bit_rate(counters->in, seconds));

    cmd_summary_print(cmd_output_summary(options.out), summary);
}

static void print_line(const struct descramble_run *run, double seconds)
{
    const struct descrambler_counters *counters = descrambler_engine_counters(run->engine);

    fprintf(stderr,
            "opened %" PRIu64 " of %" PRIu64 " packets, %" PRIu64 " ECMs, %" PRIu64
            " left locked, %.1f s, %.0f Mbit/s: %s\n",
            counters->descrambled, counters->in, counters->ecm_opened, counters->locked, seconds,
            cmd_summary_bit_rate(counters->in, seconds) / 1e6, options.out);
}

/* A run that opened nothing of what was locked, or did not find its service, has failed: its output keeps the
 * name of a partial file. */
static int judge(const struct descramble_run *run)
{
    const struct descrambler_counters *counters = descrambler_engine_counters(run->engine);

    if (!descrambler_engine_found_service(run->engine)) {
        base_log(BASE_LOG_ERROR, "%s: there is no service %s with a sound PMT", cmd_input_name(options.in),
                 options.service);
        return CMD_EXIT_FAILED;
    }
    if (run->told_unknown && !counters->descrambled)
        return CMD_EXIT_FAILED;
    if (counters->locked && counters->ecm_refused && !counters->ecm_opened)
        base_log(BASE_LOG_ERROR, "none of the stream's ECMs opens with this service key: is it the ECMG's?");
    else if (counters->locked && !counters->descrambled)
        base_log(BASE_LOG_ERROR,
                 "nothing could be opened: no control word for any of the %" PRIu64 " scrambled packets",
                 counters->locked);
    else if (counters->locked)
        base_log(BASE_LOG_WARNING, "%" PRIu64 " scrambled packets had no control word and stay scrambled",
                 counters->locked);
    else if (!counters->descrambled)
        base_log(BASE_LOG_WARNING, "nothing was opened: no packet %sis scrambled",
                 options.pids.count ? "of these PIDs "
                 : options.service  ? "of this service "
                                    : "");
    return counters->locked && !counters->descrambled ? CMD_EXIT_FAILED : CMD_EXIT_OK;
}

static int finish(struct descramble_run *run)
{
    double seconds = cmd_progress_seconds(&run->progress);
    int status = judge(run);

    cmd_input_warn(run->source, options.in);
    if (status == CMD_EXIT_OK && (status = io_sink_commit(run->sink)) < 0)
        return cmd_failed(status, options.out);
    if (options.json)
        print_json(run, seconds);
    else
        print_line(run, seconds);
    return status;
}

static int run_all(struct descramble_run *run)
{
    int status = prepare(run);

    if (status != CMD_EXIT_OK)
        return status;
    cmd_progress_start(&run->progress, io_source_size(run->source));
    status = pump(run);
    cmd_progress_finish(&run->progress);
    return status == CMD_EXIT_OK ? finish(run) : status;
}

static void clear(struct descramble_run *run)
{
    descrambler_engine_destroy(run->engine);
    for (unsigned i = 0; i < CIPHER_ALGORITHMS; i++)
        cipher_destroy(run->ciphers[i]);
    cmd_window_clear(&run->window);
    io_sink_close(run->sink);
    io_source_close(run->source);
    keys_cw_list_clear(&run->list);
    base_secure_zero(run, sizeof(*run));
}

int main(int argc, char **argv)
{
    const char *operands[2];
    unsigned count;
    int status;
    struct descramble_run *run;

    cmd_process_protect();
    if (!cmd_parse(&command, argc, argv, operands, &count, &status))
        return status;
    options.in = operands[0];
    options.out = operands[1];
    options.service = options.services.values[0];
    run = calloc(1, sizeof(*run));
    if (!run)
        return cmd_failed(-ENOMEM, "cannot start");
    cmd_process_catch_signals();
    status = run_all(run);
    if (status != CMD_EXIT_OK)
        cmd_output_name_partial(run->sink);
    clear(run);
    free(run);
    return status;
}
