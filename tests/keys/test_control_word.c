/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "crypto/mac.h"
#include "keys/control_word.h"

/* From: BISS example of EBU Tech 3292, session word 112233445566. */
Test(control_word, checksum_bytes_are_sums_of_three)
{
    uint8_t cw[8] = {0x11, 0x22, 0x33, 0, 0x44, 0x55, 0x66, 0};

    cr_assert_not(keys_cw_has_checksum(cw, 8));
    keys_cw_set_checksum(cw, 8);
    cr_assert_arr_eq(cw, ((uint8_t[]){0x11, 0x22, 0x33, 0x66, 0x44, 0x55, 0x66, 0xff}), 8);
    cr_assert(keys_cw_has_checksum(cw, 8));
}

Test(control_word, checksum_is_taken_modulo_256)
{
    uint8_t cw[8] = {0xff, 0xff, 0xff, 0, 0x80, 0x80, 0x01, 0};

    keys_cw_set_checksum(cw, 8);
    cr_assert_eq(cw[3], 0xfd);
    cr_assert_eq(cw[7], 0x01);
    cw[7] ^= 1;
    cr_assert_not(keys_cw_has_checksum(cw, 8));
}

Test(control_word, other_sizes_have_no_checksum)
{
    uint8_t cw[16] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t same[16];

    memcpy(same, cw, 16);
    keys_cw_set_checksum(cw, 16);
    cr_assert_arr_eq(cw, same, 16);
    cr_assert(keys_cw_has_checksum(cw, 16));
}

Test(control_word, random_words_differ_and_have_checksums)
{
    struct keys_cw_generator generator = {.cw_size = 8};
    struct base_secret first, second;

    for (int i = 0; i < 100; i++) {
        cr_assert_eq(keys_cw_generate(&generator, 0, &first), 0);
        cr_assert_eq(keys_cw_generate(&generator, 0, &second), 0);
        cr_assert_eq(first.size, 8);
        cr_assert(keys_cw_has_checksum(first.bytes, 8));
        cr_assert_not(base_secret_equal(&first, &second));
    }
}

static struct keys_cw_generator seeded(uint32_t group, uint8_t cw_size)
{
    struct keys_cw_generator generator = {.group = group, .cw_size = cw_size};

    base_secret_set(&generator.seed, "seed", 4);
    return generator;
}

Test(control_word, seeded_words_depend_on_seed_group_and_crypto_period_alone)
{
    struct keys_cw_generator generator = seeded(7, 16), same = seeded(7, 16), group = seeded(8, 16),
                             seed = seeded(7, 16);
    struct base_secret word, other;

    seed.seed.bytes[0] ^= 1;
    cr_assert_eq(keys_cw_generate(&generator, 41, &other), 0);
    cr_assert_eq(keys_cw_generate(&generator, 42, &word), 0);
    cr_assert_eq(word.size, 16);
    cr_assert_not(base_secret_equal(&word, &other));
    cr_assert_eq(keys_cw_generate(&same, 42, &other), 0);
    cr_assert(base_secret_equal(&word, &other), "what was generated before has no influence");
    cr_assert_eq(keys_cw_generate(&group, 42, &other), 0);
    cr_assert_not(base_secret_equal(&word, &other));
    cr_assert_eq(keys_cw_generate(&seed, 42, &other), 0);
    cr_assert_not(base_secret_equal(&word, &other));
    cr_assert_eq(keys_cw_generate(&generator, UINT64_C(42) + (UINT64_C(1) << 32), &other), 0);
    cr_assert_not(base_secret_equal(&word, &other), "all 64 bits of the crypto-period count");
}

Test(control_word, seeded_words_are_the_documented_derivation)
{
    struct keys_cw_generator generator = seeded(0x01020304, 8);
    const uint8_t context[12] = {1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0x12, 0x34};
    struct base_secret word;
    uint8_t expected[8];

    cr_assert_eq(crypto_kdf("seed", 4, "scramline CW", context, sizeof(context), expected, 8), 0);
    keys_cw_set_checksum(expected, 8);
    cr_assert_eq(keys_cw_generate(&generator, 0x1234, &word), 0);
    cr_assert_arr_eq(word.bytes, expected, 8);
}

Test(control_word, refuses_other_sizes)
{
    struct keys_cw_generator generator = {.cw_size = 0};
    struct base_secret word;

    cr_assert_eq(keys_cw_generate(&generator, 0, &word), -EINVAL);
    generator.cw_size = 24;
    cr_assert_eq(keys_cw_generate(&generator, 0, &word), -EINVAL);
}

Test(control_word, clearing_a_generator_wipes_the_seed)
{
    struct keys_cw_generator generator = seeded(1, 8);
    static const struct base_secret none;

    keys_cw_generator_clear(&generator);
    cr_assert_arr_eq(&generator.seed, &none, sizeof(none));
}

Test(control_word, text_is_taken_as_digits_with_checksums_set)
{
    struct base_secret word;

    cr_assert_eq(keys_cw_from_hex(&word, "1122330044556600", 8, false), 0);
    cr_assert_arr_eq(word.bytes, ((uint8_t[]){0x11, 0x22, 0x33, 0x66, 0x44, 0x55, 0x66, 0xff}), 8);
    cr_assert_eq(keys_cw_from_hex(&word, "1122330044556600", 8, true), 0);
    cr_assert_eq(word.bytes[3], 0);
    cr_assert_eq(keys_cw_from_hex(&word, "000102030405060708090A0B0C0D0E0F", 16, false), 0);
    cr_assert_eq(word.bytes[3], 3);
}

Test(control_word, refuses_text_of_another_length_and_empties_the_word)
{
    static const char *const refused[] = {
        "",
        "11",
        "11223300445566",
        "112233004455660",
        "112233004455660011",
        "11 22330044556600",
        "1122330044556g00",
        "0x1122330044556600",
    };
    static const struct base_secret none;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct base_secret word = {.size = 8, .bytes = {1}};

        cr_assert_eq(keys_cw_from_hex(&word, refused[i], 8, false), BASE_E_MALFORMED, "%s", refused[i]);
        cr_assert_arr_eq(&word, &none, sizeof(none));
    }
}
