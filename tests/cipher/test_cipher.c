/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "cipher/cipher.h"

Test(cipher, algorithms_have_names_sizes_and_modes)
{
    static const struct {
        const char *name;
        size_t cw_size, shortest;
        uint8_t mode;
    } expected[CIPHER_ALGORITHMS] = {
        [CIPHER_DVB_CSA2] = {"dvb-csa2", 8, 8, 0x02},    [CIPHER_DVB_CISSA] = {"dvb-cissa", 16, 16, 0x10},
        [CIPHER_ATIS_IDSA] = {"atis-idsa", 16, 1, 0x70}, [CIPHER_AES_CBC] = {"aes-128-cbc", 16, 16, 0xF0},
        [CIPHER_AES_CTR] = {"aes-128-ctr", 16, 1, 0xF1},
    };

    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        enum cipher_algorithm found = CIPHER_ALGORITHMS;

        cr_assert_str_eq(cipher_algorithm_name(i), expected[i].name);
        cr_assert_eq(cipher_cw_size(i), expected[i].cw_size);
        cr_assert_eq(cipher_shortest_payload(i), expected[i].shortest);
        cr_assert_eq(cipher_scrambling_mode(i), expected[i].mode);
        cr_assert_eq(cipher_algorithm_from_name(expected[i].name, &found), 0);
        cr_assert_eq((int)found, i);
        cr_assert_eq(cipher_algorithm_from_scrambling_mode(expected[i].mode, &found), 0);
        cr_assert_eq((int)found, i);
    }
}

Test(cipher, refuses_unknown_names_and_modes)
{
    enum cipher_algorithm found;

    cr_assert_eq(cipher_algorithm_from_name("dvb-csa4", &found), -ENOENT);
    cr_assert_eq(cipher_algorithm_from_name("", &found), -ENOENT);
    cr_assert_eq(cipher_algorithm_from_scrambling_mode(0x04, &found), -ENOENT);
}

Test(cipher, csa3_is_known_and_not_available)
{
    enum cipher_algorithm found;

    cr_assert_eq(cipher_algorithm_from_name("dvb-csa3", &found), -ENOTSUP);
    cr_assert_eq(cipher_algorithm_from_name("DVB-CSA3", &found), -ENOTSUP);
    cr_assert_eq(cipher_algorithm_from_scrambling_mode(0x03, &found), -ENOTSUP);
}

Test(cipher, every_tier_can_be_asked_for_by_name)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        cr_assert_not_null(cipher_tier_at(i, 0));
        for (unsigned n = 0; cipher_tier_at(i, n); n++) {
            struct cipher *cipher;
            int status = cipher_create(&cipher, i, cipher_tier_at(i, n));

            if (status == -ENOTSUP) /* test_csa2 and test_aes report it as skipped */
                continue;
            cr_assert_eq(status, 0);
            cr_assert_str_eq(cipher_tier_name(cipher), cipher_tier_at(i, n));
            cr_assert_eq((int)cipher_algorithm_of(cipher), i);
            cipher_destroy(cipher);
        }
        cr_assert_null(cipher_tier_at(i, 1000));
    }
}

Test(cipher, without_a_name_the_best_tier_is_taken)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        struct cipher *cipher, *best;
        unsigned n = 0;

        while (cipher_create(&best, i, cipher_tier_at(i, n)) == -ENOTSUP)
            n++;
        cr_assert_eq(cipher_create(&cipher, i, NULL), 0);
        cr_assert_str_eq(cipher_tier_name(cipher), cipher_tier_name(best));
        cipher_destroy(cipher);
        cipher_destroy(best);
    }
    cipher_destroy(NULL);
}

Test(cipher, refuses_tiers_that_do_not_exist_or_lack_the_algorithm)
{
    struct cipher *cipher;

    cr_assert_eq(cipher_create(&cipher, CIPHER_DVB_CSA2, "abacus"), -ENOENT);
    cr_assert_eq(cipher_create(&cipher, CIPHER_DVB_CSA2, "openssl"), -ENOTSUP);
    cr_assert_eq(cipher_create(&cipher, CIPHER_DVB_CISSA, "libdvbcsa"), -ENOTSUP);
    cr_assert_eq(cipher_self_test(CIPHER_DVB_CISSA, "abacus", 0), -ENOENT);
}

Test(cipher, self_test_passes_and_is_able_to_fail)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        for (unsigned n = 0; cipher_tier_at(i, n); n++) {
            int status = cipher_self_test(i, cipher_tier_at(i, n), 0);

            if (status == -ENOTSUP)
                continue;
            cr_assert_eq(status, 0);
            cr_assert_eq(cipher_self_test(i, cipher_tier_at(i, n), 1), BASE_E_SELF_TEST);
        }
    }
}

Test(cipher, only_the_aes_modes_take_a_mode)
{
    static const struct cipher_mode mode = {.iv = {1}, .counter_bits = 128}, none = {.counter_bits = 0},
                                    too_many = {.counter_bits = 129};

    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        struct cipher *cipher;

        cr_assert_eq(cipher_create(&cipher, i, NULL), 0);
        cr_assert_eq(cipher_has_iv(i), i == CIPHER_AES_CBC || i == CIPHER_AES_CTR);
        cr_assert_eq(cipher_set_mode(cipher, &mode), cipher_has_iv(i) ? 0 : -ENOTSUP);
        cr_assert_eq(cipher_set_mode(cipher, &none), cipher_has_iv(i) ? -EINVAL : -ENOTSUP);
        cr_assert_eq(cipher_set_mode(cipher, &too_many), cipher_has_iv(i) ? -EINVAL : -ENOTSUP);
        cipher_destroy(cipher);
    }
}

Test(cipher, a_key_takes_only_a_cw_of_its_size)
{
    static const uint8_t cw[16];

    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        struct cipher *cipher;
        struct cipher_key *key;

        cr_assert_eq(cipher_create(&cipher, i, NULL), 0);
        cr_assert_eq(cipher_key_create(&key, cipher), 0);
        cr_assert_eq(cipher_key_set(key, cw, cipher_cw_size(i)), 0);
        cr_assert_eq(cipher_key_set(key, cw, cipher_cw_size(i) == 8 ? 16 : 8), -EINVAL);
        cr_assert_eq(cipher_key_set(key, cw, 0), -EINVAL);
        cipher_destroy(cipher);
        cipher_key_destroy(key); /* a key may outlive the cipher that it was made for */
        cipher_key_destroy(NULL);
    }
}

static void create_pair(int algorithm, struct cipher **cipher, struct cipher_key **key)
{
    cr_assert_eq(cipher_create(cipher, algorithm, NULL), 0);
    cr_assert_eq(cipher_key_create(key, *cipher), 0);
}

static void turn_one(struct cipher *cipher, struct cipher_key *key, uint8_t *payload, uint16_t length)
{
    struct cipher_lane lane = {.payload = payload, .key = key, .length = length};

    cipher_run(cipher, CIPHER_SCRAMBLE, &lane, 1);
}

Test(cipher, setting_a_key_again_replaces_the_cw_and_leaves_no_state)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        static const uint8_t first[16] = {1, 2, 3, 6}, second[16] = {9, 8, 7, 24};
        uint8_t before[184] = {0}, between[184] = {0}, after[184] = {0}, repeated[184] = {0};
        struct cipher *cipher;
        struct cipher_key *key;

        create_pair(i, &cipher, &key);
        cipher_key_set(key, first, cipher_cw_size(i));
        turn_one(cipher, key, before, sizeof(before));
        cipher_key_set(key, second, cipher_cw_size(i));
        turn_one(cipher, key, between, sizeof(between));
        cipher_key_set(key, first, cipher_cw_size(i));
        turn_one(cipher, key, after, sizeof(after));
        turn_one(cipher, key, repeated, sizeof(repeated));
        cr_assert_arr_eq(before, after, sizeof(before));
        cr_assert_arr_eq(before, repeated, sizeof(before), "each packet starts afresh");
        cr_assert(memcmp(before, between, sizeof(before)));
        cipher_key_destroy(key);
        cipher_destroy(cipher);
    }
}

Test(cipher, clearing_a_key_forgets_the_cw)
{
    static const uint8_t cw[16] = {1, 2, 3, 6};

    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        uint8_t with_cw[184] = {0}, cleared[184] = {0};
        struct cipher *cipher;
        struct cipher_key *key;

        create_pair(i, &cipher, &key);
        cipher_key_set(key, cw, cipher_cw_size(i));
        turn_one(cipher, key, with_cw, sizeof(with_cw));
        cipher_key_clear(key);
        turn_one(cipher, key, cleared, sizeof(cleared));
        cr_assert(memcmp(with_cw, cleared, sizeof(cleared)));
        cipher_key_destroy(key);
        cipher_destroy(cipher);
    }
}
