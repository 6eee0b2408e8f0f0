/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What preparing control words costs: the pairs of 1 000 services in under 1 ms on one core, through the
 * tiers of our own. Here ten times as much is allowed: a busy machine must not fail it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cipher/cipher.h"

#define KEYS     2000
#define RUNS     20
#define BOUND_NS UINT64_C(10000000)

static struct cipher_key *keys[KEYS];

static uint64_t time_of_one_run(size_t cw_size, uint8_t run)
{
    uint8_t cw[16] = {run};
    uint64_t start = base_clock_monotonic_ns();

    for (unsigned i = 0; i < KEYS; i++) {
        memcpy(cw + 1, &i, sizeof(i));
        cr_assert_eq(cipher_key_set(keys[i], cw, cw_size), 0);
    }
    return base_clock_monotonic_ns() - start;
}

static uint64_t best_time(struct cipher *cipher)
{
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < KEYS; i++)
        cr_assert_eq(cipher_key_create(&keys[i], cipher), 0);
    for (unsigned run = 0; run < RUNS; run++) {
        uint64_t time = time_of_one_run(cipher_cw_size(cipher_algorithm_of(cipher)), (uint8_t)run);
        best = time < best ? time : best;
    }
    for (unsigned i = 0; i < KEYS; i++)
        cipher_key_destroy(keys[i]);
    return best;
}

static void check_time(struct cipher *cipher)
{
    const char *algorithm = cipher_algorithm_name(cipher_algorithm_of(cipher));
    uint64_t time = best_time(cipher);

    fprintf(stderr, "%s, %s: %.0f ns for a key\n", algorithm, cipher_tier_name(cipher), (double)time / KEYS);
    cr_expect_leq(time, BOUND_NS, "%s, %s: %.1f ms for %d keys", algorithm, cipher_tier_name(cipher),
                  (double)time / 1e6, KEYS);
}

static void check_tier(const char *name)
{
    unsigned found = 0;

    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        struct cipher *cipher;
        int status = cipher_create(&cipher, (enum cipher_algorithm)i, name);

        if (status == -ENOENT || status == -ENOTSUP)
            continue;
        cr_assert_eq(status, 0);
        check_time(cipher);
        cipher_destroy(cipher);
        found++;
    }
    if (!found)
        cr_skip_test("tier %s: this CPU lacks it, or its mask, or this build", name);
}

Test(prepare, avx512)
{
    check_tier("avx512");
}
Test(prepare, avx2)
{
    check_tier("avx2");
}
Test(prepare, neon)
{
    check_tier("neon");
}
