/* SPDX-License-Identifier: GPL-3.0-or-later */
/* constant_time: whether a tier's branches or addresses depend on control words or payload. TAP. Only under
 * valgrind.
 *
 * Both are marked as undefined, so that memcheck complains where one decides on a branch or an address. Tiers
 * that look up tables are expected to be complained about: that shows that the others' silence means
 * something. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "tests/tiers/match.h"

#define LANES 300
#define KEYS  7

struct run {
    unsigned number, failed; /* lines of TAP */
    struct cipher *cipher;
    struct cipher_key *keys[KEYS];
    struct cipher_lane lanes[LANES];
    uint8_t payloads[LANES][CIPHER_PAYLOAD_MAX];
};

static bool looks_up_tables(const char *tier)
{
    return !strcmp(tier, "ref") || !strcmp(tier, "libdvbcsa");
}

static bool make_keys(struct run *run, struct bench_random *random)
{
    uint8_t cw[16];

    for (int i = 0; i < KEYS; i++) {
        bench_random_fill(random, cw, sizeof(cw));
        (void)VALGRIND_MAKE_MEM_UNDEFINED(cw, sizeof(cw));
        if (cipher_key_create(&run->keys[i], run->cipher) < 0 ||
            cipher_key_set(run->keys[i], cw, cipher_cw_size(cipher_algorithm_of(run->cipher))) < 0)
            return false;
    }
    return true;
}

/* Lengths are no secret: most full, every length once. */
static void make_lanes(struct run *run, struct bench_random *random)
{
    for (unsigned i = 0; i < LANES; i++) {
        uint16_t length = (uint16_t)(i <= CIPHER_PAYLOAD_MAX ? i : CIPHER_PAYLOAD_MAX);

        bench_random_fill(random, run->payloads[i], sizeof(run->payloads[i]));
        (void)VALGRIND_MAKE_MEM_UNDEFINED(run->payloads[i], sizeof(run->payloads[i]));
        run->lanes[i] = (struct cipher_lane){run->payloads[i], run->keys[i % KEYS], length};
    }
}

static bool use_tier(struct run *run)
{
    struct bench_random random = {1};
    bool good = make_keys(run, &random);

    make_lanes(run, &random);
    for (int direction = 0; direction < 2 && good; direction++) {
        cipher_run(run->cipher, (enum cipher_direction)direction, run->lanes, LANES);
        cipher_run(run->cipher, (enum cipher_direction)direction, run->lanes, 1);
        cipher_run(run->cipher, (enum cipher_direction)direction, run->lanes + CIPHER_PAYLOAD_MAX, 70);
    }
    for (int i = 0; i < KEYS; i++) {
        cipher_key_destroy(run->keys[i]);
        run->keys[i] = NULL;
    }
    return good;
}

static void report(struct run *run, bool good, const char *tier, enum cipher_algorithm algorithm,
                   const char *text)
{
    run->number++;
    run->failed += !good;
    printf("%sok %u - tier %s: %s %s\n", good ? "" : "not ", run->number, tier,
           cipher_algorithm_name(algorithm), text);
}

static void check_tier(struct run *run, enum cipher_algorithm algorithm, const char *tier)
{
    int status = cipher_create(&run->cipher, algorithm, tier);
    unsigned before = VALGRIND_COUNT_ERRORS; /* what self-tests do in libraries is not meant */
    bool noticed;

    if (status == -ENOTSUP) {
        printf("ok %u - tier %s: %s # SKIP tier %s: " MATCH_LACKS_TIER "\n", ++run->number, tier,
               cipher_algorithm_name(algorithm), tier);
        return;
    }
    if (status < 0 || !use_tier(run)) {
        report(run, false, tier, algorithm, "cannot be used");
        return;
    }
    cipher_destroy(run->cipher);
    noticed = VALGRIND_COUNT_ERRORS != before;
    if (looks_up_tables(tier))
        report(run, noticed, tier, algorithm, "looks up tables, and that is noticed");
    else
        report(run, !noticed, tier, algorithm, "takes no branch and no address from a secret");
}

int main(void)
{
    static struct run run;

    if (!RUNNING_ON_VALGRIND) {
        fputs("usage: valgrind constant_time\n", stderr);
        return 2;
    }
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        for (unsigned n = 0; cipher_tier_at((enum cipher_algorithm)i, n); n++)
            check_tier(&run, (enum cipher_algorithm)i, cipher_tier_at((enum cipher_algorithm)i, n));
    }
    printf("1..%u\n", run.number);
    return run.failed ? 1 : 0;
}
