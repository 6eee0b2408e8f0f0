/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/cipher/tier_tests.h: the same Criterion tests for each tier of a family of algorithms.
 *
 * A family names all its tiers, whatever the machine: one that this CPU lacks is skipped by name.
 * SCRAMLINE_TEST_SEED repeats a run; SCRAMLINE_TEST_PACKETS lowers the 200 000 random packets per tier and
 * algorithm, down to 4 096. The slow reference shares them among the algorithms of AES, and turns batches of
 * 0 to 260 lanes where others turn all sizes to 1 030. */
#ifndef TESTS_CIPHER_TIER_TESTS_H
#define TESTS_CIPHER_TIER_TESTS_H

#include <criterion/criterion.h>

#include "tests/tiers/trial.h"

/* Runs `check` on the tier with each algorithm of [first, last] that it has. */
void tier_tests_run(const char *tier, enum cipher_algorithm first, enum cipher_algorithm last,
                    bool (*check)(struct trial *trial));

/* Fails where cipher_tier_at() names a tier that `names` ("a,b,") lacks. */
void tier_tests_name_all(const char *names, enum cipher_algorithm first, enum cipher_algorithm last);

/* What `check` above may be. */
bool tier_tests_random(struct trial *trial);
bool tier_tests_lengths(struct trial *trial);
bool tier_tests_sizes(struct trial *trial);
bool tier_tests_new_words(struct trial *trial);
bool tier_tests_two_threads(struct trial *trial);

/* The tests of one tier, and of a family: TIER_TESTS(suite, tier, first, last) for each tier. */
#define TIER_TEST(suite, name, tier, what, first, last)                                                      \
    Test(suite, name##_##what, .timeout = 300)                                                               \
    {                                                                                                        \
        tier_tests_run(tier, first, last, tier_tests_##what);                                                \
    }
#define TIER_TESTS(suite, name, tier, first, last)                                                           \
    TIER_TEST(suite, name, tier, random, first, last)                                                        \
    TIER_TEST(suite, name, tier, lengths, first, last)                                                       \
    TIER_TEST(suite, name, tier, sizes, first, last)                                                         \
    TIER_TEST(suite, name, tier, new_words, first, last)                                                     \
    TIER_TEST(suite, name, tier, two_threads, first, last)

#endif
