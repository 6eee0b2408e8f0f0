/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AES-128-CTR for every number of counting bits, through every tier of this CPU. */
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "cipher/cipher.h"

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
