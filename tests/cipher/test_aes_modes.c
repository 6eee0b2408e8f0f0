/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AES payload modes with IVs of their own, through every tier of this CPU. */
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/text.h"
#include "cipher/cipher.h"

#define KEY "2b7e151628aed2a6abf7158809cf4f3c" /* of every example in SP 800-38A */
static const char clear_text[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                                 "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

struct fixture {
    struct cipher *cipher;
    struct cipher_key *key;
};

/* False where this CPU lacks the tier. */
static bool open_fixture(struct fixture *fixture, enum cipher_algorithm algorithm, const char *tier,
                         const uint8_t *cw, const struct cipher_mode *mode)
{
    int status = cipher_create(&fixture->cipher, algorithm, tier);

    if (status == -ENOTSUP)
        return false;
    cr_assert_eq(status, 0);
    cr_assert_eq(cipher_set_mode(fixture->cipher, mode), 0);
    cr_assert_eq(cipher_key_create(&fixture->key, fixture->cipher), 0);
    cr_assert_eq(cipher_key_set(fixture->key, cw, 16), 0);
    return true;
}

static void close_fixture(struct fixture *fixture)
{
    cipher_key_destroy(fixture->key);
    cipher_destroy(fixture->cipher);
}

static void turn(const struct fixture *fixture, enum cipher_direction direction, uint8_t *payload,
                 uint16_t length)
{
    struct cipher_lane lane = {payload, fixture->key, length};

    cipher_run(fixture->cipher, direction, &lane, 1);
}

static void check_example(enum cipher_algorithm algorithm, struct cipher_mode mode,
                          const char *scrambled_text)
{
    uint8_t cw[16], clear[64], scrambled[64], payload[64];
    struct fixture fixture;

    cr_assert_eq(base_hex_decode(KEY, cw, sizeof(cw)), 16);
    cr_assert_eq(base_hex_decode(clear_text, clear, sizeof(clear)), 64);
    cr_assert_eq(base_hex_decode(scrambled_text, scrambled, sizeof(scrambled)), 64);
    for (unsigned n = 0; cipher_tier_at(algorithm, n); n++) {
        if (!open_fixture(&fixture, algorithm, cipher_tier_at(algorithm, n), cw, &mode))
            continue;
        memcpy(payload, clear, sizeof(payload));
        turn(&fixture, CIPHER_SCRAMBLE, payload, sizeof(payload));
        cr_assert_arr_eq(payload, scrambled, sizeof(payload), "%s", cipher_tier_at(algorithm, n));
        turn(&fixture, CIPHER_DESCRAMBLE, payload, sizeof(payload));
        cr_assert_arr_eq(payload, clear, sizeof(payload), "%s", cipher_tier_at(algorithm, n));
        close_fixture(&fixture);
    }
}

/* From: NIST SP 800-38A, F.2.1 and F.2.2. */
Test(aes_modes, cbc_example)
{
    struct cipher_mode mode = {.counter_bits = 64};

    for (uint8_t i = 0; i < 16; i++)
        mode.iv[i] = i;
    check_example(CIPHER_AES_CBC, mode,
                  "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
                  "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
}

/* From: NIST SP 800-38A, F.5.1 and F.5.2. */
Test(aes_modes, ctr_example)
{
    struct cipher_mode mode = {.counter_bits = 128};

    for (uint8_t i = 0; i < 16; i++)
        mode.iv[i] = 0xf0 + i;
    check_example(CIPHER_AES_CTR, mode,
                  "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
                  "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee");
}

/* The judge adds with carry bit by bit: slow, and unlike the code that it judges. */
static void count_up(uint8_t counter[16], unsigned bits)
{
    for (unsigned bit = 0; bit < bits; bit++) {
        counter[15 - bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (counter[15 - bit / 8] & (1u << bit % 8))
            return;
    }
}

static void judge_ctr(const uint8_t *cw, const struct cipher_mode *mode, uint8_t *stream, unsigned size)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t counter[16], block[16];
    int written;

    EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, cw, NULL);
    memcpy(counter, mode->iv, 16);
    for (unsigned done = 0; done < size; done += 16, count_up(counter, mode->counter_bits)) {
        EVP_EncryptUpdate(context, block, &written, counter, 16);
        memcpy(stream + done, block, size - done < 16 ? size - done : 16);
    }
    EVP_CIPHER_CTX_free(context);
}

static void check_counter(const struct cipher_mode *mode)
{
    static const uint8_t cw[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint8_t stream[CIPHER_PAYLOAD_MAX];
    struct fixture fixture;

    judge_ctr(cw, mode, stream, sizeof(stream));
    for (unsigned n = 0; cipher_tier_at(CIPHER_AES_CTR, n); n++) {
        uint8_t payload[CIPHER_PAYLOAD_MAX] = {0};

        if (!open_fixture(&fixture, CIPHER_AES_CTR, cipher_tier_at(CIPHER_AES_CTR, n), cw, mode))
            continue;
        turn(&fixture, CIPHER_SCRAMBLE, payload, sizeof(payload));
        cr_assert_arr_eq(payload, stream, sizeof(stream), "%s, %u bits", cipher_tier_at(CIPHER_AES_CTR, n),
                         mode->counter_bits);
        close_fixture(&fixture);
    }
}

Test(aes_modes, counters_wrap_within_their_bits)
{
    struct cipher_mode ones, end;

    memset(ones.iv, 0xff, sizeof(ones.iv));
    memset(end.iv, 0x55, sizeof(end.iv));
    memset(end.iv + 8, 0xff, 8);
    end.iv[15] = 0xfb; /* the wrap is within the packet, not at its start */
    for (unsigned bits = 1; bits <= 128; bits++) {
        ones.counter_bits = end.counter_bits = (uint8_t)bits;
        check_counter(&ones);
        check_counter(&end);
    }
}

Test(aes_modes, bits_out_of_range_are_refused)
{
    struct cipher *cipher;
    struct cipher_mode mode = {.counter_bits = 0};

    cr_assert_eq(cipher_create(&cipher, CIPHER_AES_CTR, NULL), 0);
    cr_assert_eq(cipher_set_mode(cipher, &mode), -EINVAL);
    mode.counter_bits = 129;
    cr_assert_eq(cipher_set_mode(cipher, &mode), -EINVAL);
    cipher_destroy(cipher);
}
