/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "crypto/mac.h"
#include "crypto/random.h"

Test(mac, sha256_of_abc)
{
    /* From: FIPS 180-4 examples, "abc". */
    static const uint8_t expected[8] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
    uint8_t digest[CRYPTO_SHA256_SIZE];

    cr_assert_eq(crypto_sha256("abc", 3, digest), 0);
    cr_assert_arr_eq(digest, expected, 8);
}

Test(mac, hmac_of_rfc4231_case_2)
{
    static const uint8_t expected[8] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e};
    uint8_t tag[CRYPTO_SHA256_SIZE];

    cr_assert_eq(crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, tag), 0);
    cr_assert_arr_eq(tag, expected, 8);
}

/* SP 800-108, 4.1: K(i) = PRF(K, [i]32 || label || 0 || context || [L]32), written out by hand over HMAC. */
Test(mac, kdf_is_counter_mode_as_written_in_the_standard)
{
    static const uint8_t key[16] = {1, 2, 3};
    uint8_t input[4 + 5 + 1 + 3 + 4] = {0, 0, 0, 1, 'l', 'a', 'b', 'e', 'l', 0, 'c', 't', 'x', 0, 0, 1, 0x80};
    uint8_t block[2][CRYPTO_SHA256_SIZE];
    uint8_t derived[48];

    cr_assert_eq(crypto_kdf(key, 16, "label", "ctx", 3, derived, 48), 0);
    cr_assert_eq(crypto_hmac_sha256(key, 16, input, sizeof(input), block[0]), 0);
    input[3] = 2;
    cr_assert_eq(crypto_hmac_sha256(key, 16, input, sizeof(input), block[1]), 0);
    cr_assert_arr_eq(derived, block, 48);
    cr_assert_eq(crypto_kdf(key, 16, "label", "ctx", 3, derived, 256 * 32), -EINVAL);
}

Test(mac, a_key_made_ready_derives_what_the_plain_call_does)
{
    static const uint8_t key[16] = {1, 2, 3};
    struct crypto_kdf *kdf;
    uint8_t expected[32], derived[32];

    cr_assert_eq(crypto_kdf_create(&kdf, key, sizeof(key)), 0);
    for (uint8_t i = 0; i < 4; i++) {
        cr_assert_eq(crypto_kdf(key, sizeof(key), "label", &i, 1, expected, 8u + 8u * i), 0);
        cr_assert_eq(crypto_kdf_derive(kdf, "label", &i, 1, derived, 8u + 8u * i), 0);
        cr_assert_arr_eq(derived, expected, 8u + 8u * i);
    }
    cr_assert_eq(crypto_kdf_derive(kdf, "label", NULL, 0, derived, 33), -EINVAL);
    crypto_kdf_destroy(kdf);
    crypto_kdf_destroy(NULL);
}

Test(mac, random_fills_and_differs)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};

    cr_assert_eq(crypto_random(a, 32), 0);
    cr_assert_eq(crypto_random(b, 32), 0);
    cr_assert(memcmp(a, b, 32));
}
