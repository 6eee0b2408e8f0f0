/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "crypto/aead.h"

/* From: McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test case 4. */
static const uint8_t key[16] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c,
                                0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
static const uint8_t nonce[12] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
static const uint8_t plain[60] = {0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5,
                                  0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda,
                                  0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95,
                                  0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25,
                                  0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39};
static const uint8_t associated[20] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
                                       0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
static const uint8_t sealed_start[8] = {0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24};
static const uint8_t expected_tag[16] = {0x5b, 0xc9, 0x4f, 0xbc, 0x32, 0x21, 0xa5, 0xdb,
                                         0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a, 0x47};

Test(aead, known_answer_and_back)
{
    uint8_t bytes[60];
    uint8_t tag[16];

    cr_assert_eq(crypto_gcm_seal(key, 16, nonce, associated, 20, plain, 60, bytes, tag), 0);
    cr_assert_arr_eq(bytes, sealed_start, 8);
    cr_assert_arr_eq(tag, expected_tag, 16);
    cr_assert_eq(crypto_gcm_open(key, 16, nonce, associated, 20, bytes, 60, tag, bytes), 0);
    cr_assert_arr_eq(bytes, plain, 60);
}

Test(aead, every_changed_bit_of_the_tag_is_seen_and_leaves_nothing)
{
    uint8_t sealed[60];
    uint8_t bytes[60];
    uint8_t tag[16];
    static const uint8_t zeros[60];

    cr_assert_eq(crypto_gcm_seal(key, 16, nonce, associated, 20, plain, 60, sealed, tag), 0);
    for (unsigned bit = 0; bit < 128; bit++) {
        tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(crypto_gcm_open(key, 16, nonce, associated, 20, sealed, 60, tag, bytes),
                     BASE_E_AUTHENTICATION);
        cr_assert_arr_eq(bytes, zeros, 60);
        tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_assert_eq(crypto_gcm_open(key, 16, nonce, associated, 19, sealed, 60, tag, bytes),
                 BASE_E_AUTHENTICATION);
}

Test(aead, refuses_other_key_sizes)
{
    uint8_t tag[16];

    cr_assert_eq(crypto_gcm_seal(key, 15, nonce, NULL, 0, NULL, 0, NULL, tag), -EINVAL);
}

Test(aead, a_sealer_seals_one_message_after_the_other)
{
    struct crypto_gcm_sealer *sealer;
    uint8_t other_key[16] = {1}, other_nonce[12] = {2};
    uint8_t bytes[60], expected[60], tag[16], expected_tag_of_other[16];

    cr_assert_eq(
        crypto_gcm_seal(other_key, 16, other_nonce, NULL, 0, plain, 31, expected, expected_tag_of_other), 0);
    cr_assert_eq(crypto_gcm_sealer_create(&sealer, 16), 0);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(
            crypto_gcm_sealer_seal(sealer, key, nonce, associated, sizeof(associated), plain, 60, bytes, tag),
            0);
        cr_assert_arr_eq(bytes, sealed_start, 8);
        cr_assert_arr_eq(tag, expected_tag, 16);
        cr_assert_eq(crypto_gcm_sealer_seal(sealer, other_key, other_nonce, NULL, 0, plain, 31, bytes, tag),
                     0);
        cr_assert_arr_eq(bytes, expected, 31);
        cr_assert_arr_eq(tag, expected_tag_of_other, 16);
    }
    crypto_gcm_sealer_destroy(sealer);
    cr_assert_eq(crypto_gcm_sealer_create(&sealer, 15), -EINVAL);
    crypto_gcm_sealer_destroy(NULL);
}
