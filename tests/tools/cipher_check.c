/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher_check: compares the tiers of cipher/ with the reference tier. TAP, a line per tier and algorithm.
 *
 * Links nothing but the room cipher/, so that it runs where no test framework is: under an emulator, on
 * another architecture. A tier that cannot run here is skipped by name. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/tiers/trial.h"

#define REFERENCE "ref"

struct options {
    uint64_t packets, seed, first_round;
    const char *tier;
    const char *allowed, *required; /* lists of tiers with commas around each, or NULL */
    bool progress;
};

struct run {
    struct options options;
    unsigned number, failed;
    struct match reference;
    struct trial trial;
};

static const char usage[] =
    "Usage: cipher_check [OPTION]...\n"
    "Compares each tier's kernels with the reference tier, byte by byte. TAP on standard output.\n\n"
    "  --packets N      random packets per tier and algorithm, each turned both ways (20000)\n"
    "  --seed S         repeats a run (taken from the clock and printed otherwise)\n"
    "  --first-round N  goes on where a run of this seed was stopped: 4096 packets a round (0)\n"
    "  --tier NAME      that tier alone\n"
    "  --allowed LIST   tiers that may run: fails if another one does not skip (a,b,c)\n"
    "  --required LIST  tiers that must run: fails if one of them is skipped\n"
    "  --progress       progress, rate and time left on standard error\n"
    "  --help           this text\n\n"
    "Example: SCRAMLINE_CPU_MASK=avx2 cipher_check --packets 100000 --seed 7\n";

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool is_listed(const char *list, const char *tier)
{
    size_t size = strlen(tier);

    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (!strncmp(at, tier, size) && (at[size] == ',' || !at[size]))
            return true;
    }
    return false;
}

static void report(struct run *run, bool good, const char *tier, enum cipher_algorithm algorithm,
                   const char *text)
{
    run->number++;
    run->failed += !good;
    printf("%sok %u - tier %s: %s%s\n", good ? "" : "not ", run->number, tier,
           cipher_algorithm_name(algorithm), text);
    fflush(stdout);
}

static void show_progress(const struct run *run, uint64_t round, double started)
{
    uint64_t done = run->trial.match.packets, left = run->options.packets - done;
    double seconds = now() - started, rate = (double)done / seconds;

    fprintf(stderr, "\r%s, tier %s: %llu of %llu packets, %.0f a second, %.0f s left; next round %llu   ",
            cipher_algorithm_name(run->trial.algorithm), cipher_tier_name(run->trial.match.cipher),
            (unsigned long long)done, (unsigned long long)run->options.packets, rate, (double)left / rate,
            (unsigned long long)round);
    if (!left)
        fputc('\n', stderr);
}

static bool play_rounds(struct run *run)
{
    struct trial *trial = &run->trial;
    double started = now(), shown = started;

    trial->match.packets = run->options.first_round * POOL_LANES;
    for (uint64_t round = run->options.first_round; trial->match.packets < run->options.packets;) {
        uint64_t left = run->options.packets - trial->match.packets;

        if (!trial_round(trial, round++, left < POOL_LANES ? (unsigned)left : POOL_LANES))
            return false;
        if (run->options.progress && (now() - shown > 1 || trial->match.packets >= run->options.packets)) {
            shown = now();
            show_progress(run, round, started);
        }
    }
    return true;
}

static bool play_trial(struct run *run)
{
    return play_rounds(run) && trial_lengths(&run->trial) && trial_new_words(&run->trial);
}

/* A tier that may not be had: no failure, unless it was to run. */
static void report_skip(struct run *run, enum cipher_algorithm algorithm, const char *tier)
{
    if (is_listed(run->options.required, tier))
        report(run, false, tier, algorithm, " cannot run, and has to");
    else
        report(run, true, tier, algorithm, " # SKIP tier: " MATCH_LACKS_TIER);
}

static void check_tier(struct run *run, enum cipher_algorithm algorithm, const char *tier)
{
    struct pool_judge judge = match_as_judge(&run->reference);
    int status = trial_open(&run->trial, algorithm, tier, run->options.seed, judge);
    char text[400];

    if (status == -ENOTSUP) {
        report_skip(run, algorithm, tier);
        return;
    }
    if (status < 0) {
        snprintf(text, sizeof(text), " cannot be opened: %d", status);
        report(run, false, tier, algorithm, text);
        return;
    }
    if (run->options.allowed && !is_listed(run->options.allowed, tier))
        report(run, false, tier, algorithm, " runs, and must not");
    else if (play_trial(run))
        report(run, true, tier, algorithm, "");
    else {
        snprintf(text, sizeof(text), ", --seed %llu\n# %s", (unsigned long long)run->options.seed,
                 run->trial.match.failure);
        report(run, false, tier, algorithm, text);
    }
    trial_close(&run->trial);
}

static void check_algorithm(struct run *run, enum cipher_algorithm algorithm)
{
    int status = match_open(&run->reference, algorithm, REFERENCE);

    report(run, status == 0, REFERENCE, algorithm, " gives its known answers");
    for (unsigned n = 0; cipher_tier_at(algorithm, n) && !status; n++) {
        const char *tier = cipher_tier_at(algorithm, n);

        if (strcmp(tier, REFERENCE) != 0 && (!run->options.tier || !strcmp(tier, run->options.tier)))
            check_tier(run, algorithm, tier);
    }
    match_close(&run->reference);
}

static bool read_number(const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 0);
    return !errno && end != text && !*end;
}

static bool take_option(struct options *options, int option)
{
    switch (option) {
    case 'p':
        return read_number(optarg, &options->packets);
    case 's':
        return read_number(optarg, &options->seed);
    case 'f':
        return read_number(optarg, &options->first_round);
    case 't':
        options->tier = optarg;
        return true;
    case 'a':
        options->allowed = optarg;
        return true;
    case 'r':
        options->required = optarg;
        return true;
    case 'g':
        options->progress = true;
        return true;
    default:
        return false;
    }
}

static void read_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"packets", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 's'},
        {"first-round", required_argument, NULL, 'f'},
        {"tier", required_argument, NULL, 't'},
        {"allowed", required_argument, NULL, 'a'},
        {"required", required_argument, NULL, 'r'},
        {"progress", no_argument, NULL, 'g'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if (!take_option(options, option)) {
            fputs(usage, stderr);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    static struct run run;

    run.options = (struct options){.packets = 20000, .seed = (uint64_t)time(NULL)};
    read_options(&run.options, argc, argv);
    printf("# --seed %llu\n", (unsigned long long)run.options.seed);
    for (int i = 0; i < CIPHER_ALGORITHMS; i++)
        check_algorithm(&run, (enum cipher_algorithm)i);
    printf("1..%u\n", run.number);
    return run.failed ? 1 : 0;
}
