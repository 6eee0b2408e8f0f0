/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-bench: how fast this machine scrambles and descrambles, tier by tier, beside the libraries; and
 * how fast an ECMG answers (bench_ecmg.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"
#include "cmd/bench_ecmg.h"
#include "cmd/cipher_options.h"
#include "cmd/common_options.h"
#include "cmd/gnuplot.h"
#include "cmd/input.h"
#include "cmd/process.h"

#define MIXES_MAX      16
#define DEFAULT_SEED   1
#define MATRIX_SECONDS 150
#define BOUNDS_SECONDS 60
#define QUICK_SECONDS  8
#define READ_PACKETS   1394

static struct {
    unsigned algorithms, directions, sets;
    struct cmd_texts tiers, payloads;
    struct cmd_numbers keys, batches;
    uint64_t budget_us, memory_mib, seed;
    const char *capture, *svg, *cpu_mask;
    bool quick, bounds, json;
} options = {.algorithms = ~0u, .directions = ~0u, .seed = DEFAULT_SEED};

#define ALGORITHM_WORD(name, text, cw_size, mode) text,
static const char *const algorithm_words[] = {CIPHER_ALGORITHM_MAP(ALGORITHM_WORD) NULL};

static const struct cmd_option option_table[] = {
    {"--algorithm", "NAME,…", "dvb-csa2, dvb-cissa, atis-idsa, aes-128-cbc, aes-128-ctr;\ndefault: all",
     &options.algorithms, .words = algorithm_words, .kind = CMD_WORDS},
    {"--direction", "NAME,…", "scramble, descramble; default: both", &options.directions,
     .words = cmd_bench_direction_names, .kind = CMD_WORDS},
    {"--tier", "NAME", "only this tier or library (again for more); default: all", &options.tiers,
     .kind = CMD_TEXTS},
    {"--keys", "N,…", "services whose keys a batch mixes; default: 1,10,300,1000", &options.keys,
     .minimum = 1, .maximum = BENCH_KEYS_MAX, .kind = CMD_NUMBERS},
    {"--payload", "NAME",
     "full (184 bytes), mix (a real capture's lengths), short\n(1 to 40), N or N-M bytes; "
     "again for more; default: full,\nmix and short",
     &options.payloads, .kind = CMD_TEXTS},
    {"--capture", "FILE", "take the lengths of 'mix' from this TS file or capture", &options.capture,
     .kind = CMD_TEXT},
    {"--working-set", "NAME,…",
     "l2 (in the level-2 cache), memory (larger than the\nlast-level cache); "
     "default: both",
     &options.sets, .words = cmd_bench_set_names, .kind = CMD_WORDS},
    {"--memory", "MIB", "size of 'memory'; default: twice the last-level cache", &options.memory_mib,
     .minimum = 1, .maximum = 1 << 20, .kind = CMD_NUMBER},
    {"--batch", "N,…", "lanes in a call; default: 512", &options.batches, .minimum = 1,
     .maximum = CIPHER_BATCH_MAX, .kind = CMD_NUMBERS},
    {"--seconds", "S", "time for all cases together; default: 150 (--bounds: 60,\n--quick: 8)",
     &options.budget_us, .minimum = 100000, .maximum = UINT64_C(86400000000), .kind = CMD_SECONDS},
    {"--quick", NULL, "300 keys and one, full payloads, in the cache", &options.quick, .kind = CMD_FLAG},
    {"--bounds", NULL, "measure the ratios that the project promises;\nexit status 1 where one is missed",
     &options.bounds, .kind = CMD_FLAG},
    {"--svg", "FOLDER", "plots: bars per tier, curves over services and batches\n(needs gnuplot)",
     &options.svg, .kind = CMD_TEXT},
    CMD_OPTION_CPU_MASK(&options.cpu_mask),
    {"--seed", "N", "of keys, lengths and order; default: 1", &options.seed, .maximum = UINT64_MAX,
     .kind = CMD_NUMBER},
    {"--json", NULL, "a list of records on standard output", &options.json, .kind = CMD_FLAG},
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "bench",
    .operands = "cipher",
    .operands_min = 1,
    .operands_max = 1,
    .options = option_table,
    .summary = "Measures the ciphers on this machine: every tier, and the libraries libdvbcsa, OpenSSL and "
               "ipsec-mb.",
    .details =
        "In each case all contenders take turns, for only rates of the same moments compare. A figure is "
        "what\n"
        "the best tenth of the turns reach, the median beside it. Gbit/s count 188-byte packets. Cycles are "
        "the\n"
        "core's, by a chain of additions timed in the same run.\n\n"
        "The names libdvbcsa, openssl and ipsec-mb are the bare libraries, each as it is fastest: libdvbcsa\n"
        "with lanes grouped by key (and once more with one key per batch, for the ratio), EVP with a "
        "context\n"
        "per key and its IV reset per packet, ipsec-mb by its burst calls. Our own back ends on top of "
        "these\n"
        "libraries are named tier-libdvbcsa, tier-openssl and tier-ipsec-mb.\n\n"
        "A record of --json: algorithm, direction, tier, keys (services; a batch of fewer lanes holds as "
        "many\n"
        "keys as lanes), payload, working_set, batch, gbit_s, cycles_per_packet; further: gbit_s_median,\n"
        "cycles_per_packet_median, core_ghz, payload_bytes, working_set_bytes, turns, peer, default (the "
        "tier\n"
        "that commands take), ratios, keys_in_batch, key_ns, self_test_us.\n\n"
        "The other benchmark has options of its own: scramline bench ecmg --help\n\n"
        "Examples:\n"
        "  scramline bench cipher --algorithm dvb-csa2 --keys 300 --payload full\n"
        "  scramline bench cipher --bounds\n"
        "  scramline bench cipher --json --svg plots >bench.json",
};

static int add_lengths(struct io_source *source, struct bench_mix *mix)
{
    static uint8_t packets[READ_PACKETS * TS_PACKET_SIZE];
    ptrdiff_t count;

    while ((count = io_source_read(source, packets, NULL, READ_PACKETS)) > 0) {
        for (const uint8_t *packet = packets; packet < packets + count * TS_PACKET_SIZE;
             packet += TS_PACKET_SIZE) {
            unsigned length = TS_PACKET_SIZE - ts_payload_offset(packet);

            if (ts_pid(packet) >= TS_PID_FIRST && ts_pid(packet) != TS_PID_NULL && length)
                bench_mix_add(mix, length);
        }
    }
    return (int)count;
}

/* The lengths of all payloads that could be scrambled. CMD_EXIT_… after a message. */
static int read_capture(const char *path, struct bench_mix *mix)
{
    struct io_source *source;
    int exit_status = cmd_input_open(&command, path, NULL, &source);
    int status;

    if (exit_status != CMD_EXIT_OK)
        return exit_status;
    *mix = (struct bench_mix){.name = "mix"};
    status = add_lengths(source, mix);
    io_source_close(source);
    if (status < 0)
        return cmd_failed(status, path);
    return mix->total ? CMD_EXIT_OK : cmd_usage_error(&command, "%s: no packet has a payload", path);
}

static int choose_mixes(struct cmd_bench_plan *plan, struct bench_mix mixes[static MIXES_MAX])
{
    static const struct cmd_texts all = {3, {"full", "mix", "short"}}, full = {1, {"full"}};
    const struct cmd_texts *names = options.payloads.count ? &options.payloads : options.quick ? &full : &all;

    plan->mixes = mixes;
    for (unsigned i = 0; i < names->count; i++) {
        if (plan->mix_count == MIXES_MAX)
            return cmd_usage_error(&command, "--payload: more than %d are too many", MIXES_MAX);
        if (plan->capture && !strcmp(names->values[i], plan->capture->name))
            mixes[plan->mix_count] = *plan->capture;
        else if (bench_mix_from_name(&mixes[plan->mix_count], names->values[i]) < 0)
            return cmd_usage_error(&command,
                                   "--payload: '%s' is not what it takes (full, mix, short, N, N-M)",
                                   names->values[i]);
        plan->mix_count++;
    }
    return CMD_EXIT_OK;
}

static bool is_tier(const char *wanted)
{
    char name[BENCH_NAME_SIZE];

    for (unsigned algorithm = 0; algorithm < CIPHER_ALGORITHMS; algorithm++) {
        for (unsigned n = 0; bench_contender_name(algorithm, n, name); n++) {
            if ((options.algorithms & 1u << algorithm) && !strcmp(name, wanted))
                return true;
        }
    }
    return false;
}

static int check_tiers(void)
{
    for (unsigned i = 0; i < options.tiers.count; i++) {
        if (!is_tier(options.tiers.values[i]))
            return cmd_usage_error(&command, "--tier: no tier '%s' of these algorithms (names: see --help)",
                                   options.tiers.values[i]);
    }
    if (options.bounds && options.tiers.count > 1)
        return cmd_usage_error(&command, "--bounds takes one --tier");
    if (options.bounds && options.svg)
        return cmd_usage_error(&command, "--bounds and --svg do not go together");
    return CMD_EXIT_OK;
}

static uint64_t default_seconds(void)
{
    if (options.bounds)
        return BOUNDS_SECONDS;
    return options.quick ? QUICK_SECONDS : MATRIX_SECONDS;
}

static struct cmd_bench_plan plan_from_options(const struct bench_mix *capture)
{
    static const struct cmd_numbers all_keys = {4, {1, 10, 300, 1000}}, few_keys = {2, {1, 300}},
                                    batches = {1, {512}};
    unsigned sets = options.sets ? options.sets : options.quick ? 1u << CMD_BENCH_L2 : ~0u;

    return (struct cmd_bench_plan){
        .command = &command,
        .algorithms = options.algorithms,
        .directions = options.directions,
        .sets = options.bounds ? ~0u : sets,
        .keys = options.keys.count ? options.keys
                : options.quick    ? few_keys
                                   : all_keys,
        .batches = options.batches.count ? options.batches : batches,
        .tiers = options.tiers,
        .capture = capture->total ? capture : NULL,
        .budget_ns = options.budget_us ? options.budget_us * 1000 : default_seconds() * 1000000000,
        .json = options.json,
        .curves = options.svg != NULL,
    };
}

static int run_matrix(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place)
{
    struct cmd_bench_records records = {.entries = NULL};
    int status = cmd_bench_run_matrix(plan, place, &records);

    if (status == CMD_EXIT_OK && options.svg)
        status = cmd_bench_plot(plan, &records, options.svg);
    free(records.entries);
    return status;
}

static int run(const struct cmd_bench_plan *plan)
{
    struct cmd_bench_place place;
    int status = cmd_bench_place_open(&place, plan->sets, options.memory_mib << 20, options.seed);

    if (status != CMD_EXIT_OK)
        return status;
    if (!plan->json)
        cmd_bench_print_machine(plan, &place);
    status = options.bounds ? cmd_bench_run_bounds(plan, &place) : run_matrix(plan, &place);
    cmd_bench_place_close(&place);
    return status;
}

int main(int argc, char **argv)
{
    static struct bench_mix mixes[MIXES_MAX], capture;
    struct cmd_bench_plan plan;
    const char *operands[1];
    unsigned count;
    int status;

    cmd_process_protect();
    if (argc > 1 && !strcmp(argv[1], "ecmg"))
        return cmd_bench_ecmg(argc - 1, argv + 1);
    if (!cmd_parse(&command, argc, argv, operands, &count, &status))
        return status;
    if (strcmp(operands[0], "cipher") != 0)
        return cmd_usage_error(&command, "there is no benchmark '%s' (there are: cipher, ecmg)", operands[0]);
    if (cmd_cpu_mask_take(&command, options.cpu_mask) != CMD_EXIT_OK)
        return CMD_EXIT_USAGE;
    status = check_tiers();
    if (status == CMD_EXIT_OK && options.capture)
        status = read_capture(options.capture, &capture);
    plan = plan_from_options(&capture);
    if (status == CMD_EXIT_OK)
        status = choose_mixes(&plan, mixes);
    if (status == CMD_EXIT_OK && options.svg)
        status = cmd_gnuplot_check();
    cmd_process_catch_signals();
    return status == CMD_EXIT_OK ? run(&plan) : status;
}
