/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is compared does the same work: each contender turns a load into the same bytes. */
#include <criterion/criterion.h>
#include <errno.h>

#include "bench/contender.h"

#define PACKETS 1200
#define BATCH   300
#define KEYS    20

static uint8_t clear[PACKETS * BENCH_STRIDE], memory[PACKETS * BENCH_STRIDE],
    expected[PACKETS * BENCH_STRIDE];
static struct bench_lane lanes[PACKETS];

static struct bench_lanes *new_lanes(const char *mix_name)
{
    struct bench_mix mix;
    struct bench_random random = {11};
    struct bench_lanes *all;

    cr_assert_eq(bench_mix_from_name(&mix, mix_name), 0);
    cr_assert_eq(bench_lanes_create(&all, &(struct bench_lanes_plan){.memory = memory,
                                                                     .size = sizeof(memory),
                                                                     .stride = BENCH_STRIDE,
                                                                     .keys = KEYS,
                                                                     .batch = BATCH,
                                                                     .mix = &mix,
                                                                     .seed = 11}),
                 0);
    bench_random_fill(&random, clear, sizeof(clear));
    bench_lanes_take(all, lanes, PACKETS);
    return all;
}

static void turn(struct bench_contender *contender, const struct bench_lanes *all,
                 enum cipher_direction direction)
{
    memcpy(memory, clear, sizeof(memory));
    cr_assert_eq(bench_contender_set_keys(contender, bench_lanes_cws(all), KEYS), 0);
    bench_contender_load(contender, direction, lanes, PACKETS, BATCH);
    bench_contender_run(contender);
}

static void check_contender(enum cipher_algorithm algorithm, enum cipher_direction direction,
                            const char *name, const struct bench_lanes *all, bool first)
{
    struct bench_contender *contender;
    int status = bench_contender_open(&contender, algorithm, name);

    if (status == -ENOTSUP)
        return;
    cr_assert_eq(status, 0, "%s", name);
    turn(contender, all, direction);
    bench_contender_close(contender);
    if (first)
        memcpy(expected, memory, sizeof(expected));
    cr_assert_arr_eq(memory, expected, sizeof(expected), "%s %s", cipher_algorithm_name(algorithm), name);
    cr_assert(memcmp(memory, clear, sizeof(clear)));
}

static void check_mix(const char *mix_name)
{
    struct bench_lanes *all = new_lanes(mix_name);
    char name[BENCH_NAME_SIZE];

    for (int algorithm = 0; algorithm < CIPHER_ALGORITHMS; algorithm++) {
        for (int direction = 0; direction < 2; direction++) {
            /* the library first: it is the judge */
            check_contender(algorithm, direction, algorithm == CIPHER_DVB_CSA2 ? "libdvbcsa" : "openssl", all,
                            true);
            for (unsigned n = 0; bench_contender_name(algorithm, n, name); n++)
                check_contender(algorithm, direction, name, all, false);
        }
    }
    bench_lanes_destroy(all);
}

Test(contender, all_turn_full_payloads_alike)
{
    check_mix("full");
}

Test(contender, all_turn_a_captures_mix_alike)
{
    check_mix("mix");
}

Test(contender, all_turn_every_length_alike)
{
    check_mix("0-184");
}

Test(contender, names)
{
    struct bench_contender *contender;

    cr_assert_eq(bench_contender_open(&contender, CIPHER_DVB_CSA2, "nonsense"), -ENOENT);
    cr_assert_eq(bench_contender_open(&contender, CIPHER_DVB_CSA2, "openssl"), -ENOENT);
    cr_assert_eq(bench_contender_open(&contender, CIPHER_DVB_CSA2, BENCH_WRAPPER_PREFIX "libdvbcsa"), 0);
    cr_assert_not(contender->peer);
    bench_contender_close(contender);
}
