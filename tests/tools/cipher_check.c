/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher_check: compares the tiers of cipher/ with the reference tier. TAP, a line per tier and algorithm.
 *
 * Links nothing but bench/'s loads and the room cipher/, so that it runs where no test framework is: under an
 * emulator, on another architecture. A tier that cannot run here is skipped by name. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/tiers/trial.h"

#define REFERENCE      "ref"
#define CONTENDERS_MAX 8

struct options {
    uint64_t packets, seed, first_round;
    const char *algorithm;          /* NULL: all */
    const char *tiers;              /* a list "a,b", like the next two; NULL: all */
    const char *allowed, *required; /* NULL: any; none */
    bool is_short, progress;
};

struct contender {
    const char *tier;
    int status; /* of opening it */
    bool is_good;
    struct trial trial;
};

struct run {
    struct options options;
    unsigned number, failed; /* lines of TAP */
    unsigned compared;       /* tiers other than the reference, also skipped ones */
    struct field *field;
    struct match reference;
    struct pool pool;
    unsigned count;
    struct contender contenders[CONTENDERS_MAX]; /* of one algorithm */
};

static const char usage[] =
    "Usage: cipher_check [OPTION]...\n"
    "Compares each tier's kernels with the reference tier, byte by byte. TAP on standard output.\n\n"
    "  --packets N       random packets per tier and algorithm, each turned both ways (20000)\n"
    "  --seed S          repeats a run (otherwise taken from the clock; it is printed)\n"
    "  --first-round N   goes on where a run of this seed was stopped: 4096 packets a round (0)\n"
    "  --algorithm NAME  that algorithm alone\n"
    "  --tier LIST       these tiers alone (a,b,c)\n"
    "  --allowed LIST    tiers that may run (a,b,c): fails if another one does not skip\n"
    "  --required LIST   tiers that must run: fails if one of them is skipped\n"
    "  --short           the random packets alone, not also each length in each layout\n"
    "  --progress        progress, rate and time left on standard error\n"
    "  --help            this text\n\n"
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

static void show_progress(const struct run *run, enum cipher_algorithm algorithm, uint64_t round,
                          double started)
{
    uint64_t all = run->options.packets, begun = run->options.first_round * POOL_LANES;
    uint64_t done = round * POOL_LANES < all ? round * POOL_LANES : all;
    double rate = (double)(done - begun) / (now() - started);

    fprintf(stderr, "\r%s: %llu of %llu packets per tier, %.0f a second, %.0f s left; next round %llu   ",
            cipher_algorithm_name(algorithm), (unsigned long long)done, (unsigned long long)all, rate,
            (double)(all - done) / rate, (unsigned long long)round);
    if (done == all)
        fputc('\n', stderr);
}

/* All tiers turn the same pools: the slow reference judges each pool once. */
static void play_rounds(struct run *run, enum cipher_algorithm algorithm)
{
    struct pool_judge judge = match_as_judge(&run->reference);
    double started = now(), shown = started;
    uint64_t round = run->options.first_round;

    while (round * POOL_LANES < run->options.packets) {
        trial_make_round(&run->pool, algorithm, run->options.seed, round,
                         run->options.packets - round * POOL_LANES, &judge);
        round++;
        for (unsigned i = 0; i < run->count; i++) {
            struct contender *contender = &run->contenders[i];

            if (contender->is_good)
                contender->is_good = match_play(&contender->trial.match, &run->pool);
        }
        if (run->options.progress && (now() - shown > 1 || round * POOL_LANES >= run->options.packets)) {
            shown = now();
            show_progress(run, algorithm, round, started);
        }
    }
}

static void open_contenders(struct run *run, enum cipher_algorithm algorithm)
{
    const struct options *options = &run->options;
    struct pool_judge judge = match_as_judge(&run->reference);
    const char *tier;

    run->count = 0;
    for (unsigned n = 0; (tier = cipher_tier_at(algorithm, n)) && run->count < CONTENDERS_MAX; n++) {
        struct contender *contender = &run->contenders[run->count];

        if (!strcmp(tier, REFERENCE) || (options->tiers && !is_listed(options->tiers, tier)))
            continue;
        contender->tier = tier;
        contender->status = trial_open(&contender->trial, algorithm, tier, run->field, options->seed, judge);
        contender->is_good = contender->status == 0;
        run->count++;
        run->compared++;
    }
}

static void report_contender(struct run *run, enum cipher_algorithm algorithm,
                             const struct contender *contender)
{
    const struct options *options = &run->options;
    const char *tier = contender->tier;
    char text[500] = "";
    bool is_good = contender->is_good;

    if (contender->status == -ENOTSUP) {
        is_good = !options->required || !is_listed(options->required, tier);
        snprintf(text, sizeof(text),
                 is_good ? " # SKIP tier %s: " MATCH_LACKS_TIER : " (%s) is skipped, but must run", tier);
    } else if (contender->status < 0) {
        snprintf(text, sizeof(text), " cannot be opened: error %d", contender->status);
    } else if (options->allowed && !is_listed(options->allowed, tier)) {
        is_good = false;
        snprintf(text, sizeof(text), " runs, but must be skipped");
    } else if (!is_good) {
        snprintf(text, sizeof(text), "\n# --seed %llu: %s", (unsigned long long)options->seed,
                 contender->trial.match.failure);
    }
    report(run, is_good, tier, algorithm, text);
}

static bool play_trials(const struct run *run, struct trial *trial)
{
    return run->options.is_short || (trial_lengths(trial) && trial_new_words(trial));
}

static void check_algorithm(struct run *run, enum cipher_algorithm algorithm)
{
    int status = match_open(&run->reference, algorithm, REFERENCE, NULL);

    report(run, status == 0, REFERENCE, algorithm, " gives its known answers");
    if (status < 0)
        return;
    open_contenders(run, algorithm);
    play_rounds(run, algorithm);
    for (unsigned i = 0; i < run->count; i++) {
        struct contender *contender = &run->contenders[i];

        if (contender->is_good)
            contender->is_good = play_trials(run, &contender->trial);
        report_contender(run, algorithm, contender);
        trial_close(&contender->trial);
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
    case 'c':
        options->algorithm = optarg;
        return true;
    case 't':
        options->tiers = optarg;
        return true;
    case 'a':
        options->allowed = optarg;
        return true;
    case 'r':
        options->required = optarg;
        return true;
    case 'o':
        options->is_short = true;
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
        {"algorithm", required_argument, NULL, 'c'},
        {"first-round", required_argument, NULL, 'f'},
        {"tier", required_argument, NULL, 't'},
        {"allowed", required_argument, NULL, 'a'},
        {"required", required_argument, NULL, 'r'},
        {"short", no_argument, NULL, 'o'},
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
    if (field_create(&run.field) < 0) {
        fputs("cipher_check: no memory\n", stderr);
        return 1;
    }
    printf("# --seed %llu\n", (unsigned long long)run.options.seed);
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        if (!run.options.algorithm || !strcmp(run.options.algorithm, cipher_algorithm_name(i)))
            check_algorithm(&run, i);
    }
    field_destroy(run.field);
    printf("1..%u\n", run.number);
    if (!run.number || (run.options.tiers && !run.compared)) {
        fputs("cipher_check: no such algorithm or tier\n", stderr);
        return 2;
    }
    return run.failed ? 1 : 0;
}
