/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tiers that fail their self-test, or that the CPU lacks, against cipher/choose.c; and what the mask allows.
 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cipher/tier.h"

static int take_any_key(void *state, enum cipher_algorithm algorithm, const uint8_t *cw,
                        const struct cipher_mode *mode)
{
    (void)state;
    (void)algorithm;
    (void)cw;
    (void)mode;
    return 0;
}

static void leave_clear(void *scratch, enum cipher_algorithm algorithm, enum cipher_direction direction,
                        const struct cipher_lane *lanes, unsigned count)
{
    (void)scratch;
    (void)algorithm;
    (void)direction;
    (void)lanes;
    (void)count;
}

static int refuse_memory(void *state, enum cipher_algorithm algorithm)
{
    (void)state;
    (void)algorithm;
    return -ENOMEM;
}

static const struct cipher__tier wrong = {.name = "wrong", .key_set = take_any_key, .run = leave_clear};
static const struct cipher__tier wrong_too = {
    .name = "wrong-too", .key_set = take_any_key, .run = leave_clear};
static const struct cipher__tier starved = {
    .name = "starved", .key_open = refuse_memory, .key_set = take_any_key, .run = leave_clear};
static const struct cipher__tier of_the_future = {.name = "of-the-future", .features = 1u << 31};

/* What was said on standard error since cr_redirect_stderr(). */
static void read_log(char text[static 1024])
{
    size_t size = fread(text, 1, 1023, cr_get_redirected_stderr());

    text[size] = 0;
}

Test(choose, a_tier_that_fails_is_disabled_loudly_and_the_next_one_taken, .init = cr_redirect_stderr)
{
    struct cipher__tier_list list = {.algorithm = CIPHER_DVB_CSA2,
                                     .tiers = {&of_the_future, &wrong, &cipher__csa2_libdvbcsa}};
    const struct cipher__tier *tier = NULL;
    char text[1024];

    cr_assert_eq(cipher__choose_tier(&list, NULL, &tier), 0);
    cr_assert_eq(tier, &cipher__csa2_libdvbcsa);
    cr_assert_eq(cipher__choose_tier(&list, NULL, &tier), 0);
    cr_assert_eq(tier, &cipher__csa2_libdvbcsa);
    fflush(stderr);
    read_log(text);
    cr_assert_str_eq(text,
                     "scramline: error: dvb-csa2: tier wrong gives wrong answers in its self-test and is "
                     "disabled: tier libdvbcsa takes its place\n",
                     "told once, found: %s", text);
}

Test(choose, a_named_tier_has_no_stand_in, .init = cr_redirect_stderr)
{
    struct cipher__tier_list list = {.algorithm = CIPHER_DVB_CSA2,
                                     .tiers = {&of_the_future, &wrong, &cipher__csa2_libdvbcsa}};
    const struct cipher__tier *tier = NULL;

    cr_assert_eq(cipher__choose_tier(&list, "wrong", &tier), BASE_E_SELF_TEST);
    cr_assert_eq(cipher__choose_tier(&list, "wrong", &tier), BASE_E_SELF_TEST);
    cr_assert_eq(cipher__choose_tier(&list, "of-the-future", &tier), -ENOTSUP);
    cr_assert_eq(cipher__choose_tier(&list, "abacus", &tier), -ENOENT);
    cr_assert_null(tier);
    cr_assert_eq(cipher__choose_tier(&list, "libdvbcsa", &tier), 0);
}

Test(choose, nothing_is_left_when_the_last_one_fails, .init = cr_redirect_stderr)
{
    struct cipher__tier_list list = {.algorithm = CIPHER_DVB_CISSA, .tiers = {&wrong, &wrong_too}};
    const struct cipher__tier *tier = NULL;
    char text[1024];

    cr_assert_eq(cipher__choose_tier(&list, NULL, &tier), BASE_E_SELF_TEST);
    cr_assert_null(tier);
    fflush(stderr);
    read_log(text);
    cr_assert_not_null(strstr(text, "tier wrong-too takes its place\n"), "%s", text);
    cr_assert_not_null(strstr(text, "tier wrong-too gives wrong answers in its self-test and is disabled: no "
                                    "other is left\n"),
                       "%s", text);
}

Test(choose, want_of_memory_is_no_verdict)
{
    struct cipher__tier_list list = {.algorithm = CIPHER_DVB_CSA2,
                                     .tiers = {&starved, &cipher__csa2_libdvbcsa}};
    const struct cipher__tier *tier = NULL;

    cr_assert_eq(cipher__choose_tier(&list, NULL, &tier), -ENOMEM);
    cr_assert_eq(list.verdicts[0], CIPHER__UNTESTED);
}

Test(choose, the_mask_takes_names_and_numbers)
{
    unsigned all;

    cr_assert_eq(cipher_cpu_mask("avx512"), 0);
    all = cipher_cpu_features();
    cr_assert(all & CIPHER_CPU_LIBRARIES);
    cr_assert_eq(cipher_cpu_mask("avx2"), 0);
    cr_assert_eq(cipher_cpu_features(), all & ~CIPHER_CPU_AVX512);
    cr_assert_eq(cipher_cpu_mask("libraries"), 0);
    cr_assert_eq(cipher_cpu_features(), CIPHER_CPU_LIBRARIES);
    cr_assert_eq(cipher_cpu_mask("0"), 0);
    cr_assert_eq(cipher_cpu_features(), 0);
    cr_assert_eq(cipher_cpu_mask("avx512"), 0);
    cr_assert_eq(cipher_cpu_features(), all);
    cr_assert_eq(cipher_cpu_mask("0xf"), 0);
    cr_assert_eq(cipher_cpu_features(), all);
}

Test(choose, the_mask_refuses_anything_else)
{
    static const char *const masks[] = {"", "avx", "AVX2", "16", "-1", "avx2 ", "1x"};

    cr_assert_eq(cipher_cpu_mask("libraries"), 0);
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
        cr_assert_eq(cipher_cpu_mask(masks[i]), -EINVAL, "'%s'", masks[i]);
    cr_assert_eq(cipher_cpu_features(), CIPHER_CPU_LIBRARIES, "a refused mask changes nothing");
}

/* Each test is a process of its own: these ask for the features for the first time. */
Test(choose, the_environment_is_read_where_no_mask_was_given)
{
    setenv(CIPHER_CPU_MASK_VARIABLE, "libraries", 1);
    cr_assert_eq(cipher_cpu_features(), CIPHER_CPU_LIBRARIES);
}

Test(choose, a_given_mask_comes_before_the_environment)
{
    setenv(CIPHER_CPU_MASK_VARIABLE, "nonsense", 1);
    cr_assert_eq(cipher_cpu_mask("libraries"), 0);
    cr_assert_eq(cipher_cpu_features(), CIPHER_CPU_LIBRARIES);
}

Test(choose, nonsense_in_the_environment_leaves_the_reference, .init = cr_redirect_stderr)
{
    char text[1024];

    setenv(CIPHER_CPU_MASK_VARIABLE, "nonsense", 1);
    cr_assert_eq(cipher_cpu_features(), 0);
    fflush(stderr);
    read_log(text);
    cr_assert_not_null(strstr(text, "error: SCRAMLINE_CPU_MASK: 'nonsense' is not libraries, neon, "), "%s",
                       text);
}
