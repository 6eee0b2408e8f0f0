/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/cipher/tier_tests.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/cipher/judge.h"

#define PACKETS            200000u
#define PACKETS_LEAST      4096u
#define SIZES              1030
#define SIZES_OF_REFERENCE 260
#define AES_ALGORITHMS     (CIPHER_ALGORITHMS - 1)

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t packets_wanted(void)
{
    uint64_t packets = number_from("SCRAMLINE_TEST_PACKETS", PACKETS);

    return packets < PACKETS_LEAST ? PACKETS_LEAST : packets;
}

static bool has_tier(enum cipher_algorithm algorithm, const char *tier)
{
    for (unsigned n = 0; cipher_tier_at(algorithm, n); n++) {
        if (!strcmp(cipher_tier_at(algorithm, n), tier))
            return true;
    }
    return false;
}

/* False where this CPU lacks the tier. */
static bool run_one(const char *tier, enum cipher_algorithm algorithm, bool (*check)(struct trial *trial))
{
    static struct trial trial;
    uint64_t seed = number_from("SCRAMLINE_TEST_SEED", (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid());
    struct field *field;
    int status;

    cr_assert_eq(field_create(&field), 0);
    status = trial_open(&trial, algorithm, tier, field, seed, judge_by_libraries());
    if (status == -ENOTSUP)
        return false;
    cr_assert_eq(status, 0, "tier %s, %s: error %d", tier, cipher_algorithm_name(algorithm), status);
    cr_assert(check(&trial), "SCRAMLINE_TEST_SEED=%llu: %s", (unsigned long long)seed, trial.match.failure);
    trial_close(&trial);
    field_destroy(field);
    return true;
}

void tier_tests_run(const char *tier, enum cipher_algorithm first, enum cipher_algorithm last,
                    bool (*check)(struct trial *trial))
{
    unsigned present = 0, run = 0;

    for (enum cipher_algorithm algorithm = first; algorithm <= last; algorithm++) {
        if (!has_tier(algorithm, tier))
            continue;
        present++;
        run += run_one(tier, algorithm, check);
    }
    cr_assert(run == 0 || run == present, "tier %s: it is there for some algorithms only", tier);
    if (!run)
        cr_skip("tier %s: " MATCH_LACKS_TIER, tier);
}

void tier_tests_name_all(const char *names, enum cipher_algorithm first, enum cipher_algorithm last)
{
    for (enum cipher_algorithm algorithm = first; algorithm <= last; algorithm++) {
        cr_assert_not_null(cipher_tier_at(algorithm, 0));
        for (unsigned n = 0; cipher_tier_at(algorithm, n); n++) {
            char name[32];

            snprintf(name, sizeof(name), "%s,", cipher_tier_at(algorithm, n));
            cr_assert_not_null(strstr(names, name), "tier %s has no tests", cipher_tier_at(algorithm, n));
        }
    }
}

/* Plain C that turns one lane after the other: correct for a batch where it is for a lane, and slow. */
static bool is_reference(const struct trial *trial)
{
    return !strcmp(cipher_tier_name(trial->match.cipher), "ref");
}

bool tier_tests_random(struct trial *trial)
{
    unsigned share = is_reference(trial) && trial->algorithm != CIPHER_DVB_CSA2 ? AES_ALGORITHMS : 1;

    return trial_packets(trial, packets_wanted() / share);
}

bool tier_tests_lengths(struct trial *trial)
{
    return trial_lengths(trial);
}

bool tier_tests_sizes(struct trial *trial)
{
    const char *tier = cipher_tier_name(trial->match.cipher);

    if (is_reference(trial))
        return trial_sizes(trial, SIZES_OF_REFERENCE, false);
    return trial_sizes(trial, SIZES, !strcmp(tier, "libdvbcsa"));
}

bool tier_tests_new_words(struct trial *trial)
{
    return trial_new_words(trial);
}

static void *play_pool(void *memory)
{
    struct match *match = memory;
    bool good = true;

    for (int i = 0; i < 3 && good; i++)
        good = match_play(match, match->pool);
    return good ? match : NULL;
}

/* One worker's cipher knows nothing of another's: a second one of the tier works on another pool meanwhile.
 */
bool tier_tests_two_threads(struct trial *trial)
{
    static struct trial other;
    struct pool_shape shape = pool_shape_of_round(0, 512);
    struct field *field;
    pthread_t thread;
    void *result;
    bool good;

    cr_assert_eq(field_create(&field), 0);
    cr_assert_eq(trial_open(&other, trial->algorithm, cipher_tier_name(trial->match.cipher), field,
                            ~trial->seed, trial->judge),
                 0);
    pool_make(&trial->pool, trial->algorithm, shape, trial->seed, &trial->judge);
    pool_make(&other.pool, other.algorithm, shape, other.seed, &other.judge);
    trial->match.pool = &trial->pool;
    other.match.pool = &other.pool;
    cr_assert_eq(pthread_create(&thread, NULL, play_pool, &other.match), 0);
    good = play_pool(&trial->match) != NULL;
    cr_assert_eq(pthread_join(thread, &result), 0);
    cr_assert_not_null(result, "the other thread: %s", other.match.failure);
    trial_close(&other);
    field_destroy(field);
    return good;
}
