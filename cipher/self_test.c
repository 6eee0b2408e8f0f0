/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known answers, run before a tier's first use. Every answer is asked for alone and in a batch wide enough
 * for back ends that choose another path there. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "cipher/tier.h"

#define ANSWER_MAX 40
#define COPIES     16

#define CW_WITH_CHECKSUM 0x01, 0x23, 0x45, 0x69, 0x89, 0xab, 0xcd, 0x01
#define CW_COUNTING      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15

/* The clear payload is always 00 01 02 … */
struct answer {
    enum cipher_algorithm algorithm;
    uint8_t cw[16];
    uint16_t length;
    uint8_t scrambled[ANSWER_MAX];
};

static const struct answer answers[] = {
    /* From: libdvbcsa's scalar code, which also gives the 184-byte answer published with TSDuck. */
    {CIPHER_DVB_CSA2, {CW_WITH_CHECKSUM}, 7, {0, 1, 2, 3, 4, 5, 6}},
    {CIPHER_DVB_CSA2, {CW_WITH_CHECKSUM}, 8, {0x97, 0x30, 0xb8, 0xff, 0x36, 0x4e, 0x75, 0x60}},
    {CIPHER_DVB_CSA2,
     {CW_WITH_CHECKSUM},
     15,
     {0x97, 0x30, 0xb8, 0xff, 0x36, 0x4e, 0x75, 0x60, 0x9a, 0x26, 0x72, 0xd9, 0x33, 0x9c, 0x1d}},
    {CIPHER_DVB_CSA2, {CW_WITH_CHECKSUM}, 20, {0x42, 0x6c, 0xb2, 0x6f, 0x76, 0x9d, 0x75, 0x92, 0x46, 0xe9,
                                               0xb8, 0xc1, 0x44, 0xee, 0x66, 0xe6, 0x7a, 0xa4, 0x4b, 0x5d}},
    {CIPHER_DVB_CSA2,
     {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef},
     16,
     {0xd1, 0xc1, 0xde, 0xac, 0x38, 0x10, 0x62, 0x4b, 0x9f, 0x2e, 0x9a, 0x81, 0xb9, 0x61, 0xbd, 0xfe}},
    /* From: computed with AES-128-CBC as ETSI TS 103 127 says; the method gives its Annex B answers. */
    {CIPHER_DVB_CISSA, {CW_COUNTING}, 40, {0xeb, 0x9d, 0xca, 0x06, 0x34, 0x24, 0x27, 0x55, 0x90, 0xc2,
                                           0xdb, 0xbe, 0x00, 0xb7, 0x26, 0xfd, 0xfd, 0x17, 0xae, 0x6b,
                                           0x34, 0xfe, 0xd2, 0x80, 0x8f, 0xf1, 0x47, 0x8d, 0xcb, 0x90,
                                           0x2f, 0xc8, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27}},
    {CIPHER_DVB_CISSA, {CW_COUNTING}, 15, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}},
    /* From: computed as ATIS-0800006 says; the method gives the answers published with TSDuck. */
    {CIPHER_ATIS_IDSA, {CW_COUNTING}, 40, {0x0a, 0x94, 0x0b, 0xb5, 0x41, 0x6e, 0xf0, 0x45, 0xf1, 0xc3,
                                           0x94, 0x58, 0xc6, 0x53, 0xea, 0x5a, 0x3c, 0xf4, 0x56, 0xb4,
                                           0xca, 0x48, 0x8a, 0xa3, 0x83, 0xc7, 0x9c, 0x98, 0xb3, 0x47,
                                           0x97, 0xcb, 0xe4, 0x47, 0xab, 0x55, 0x14, 0x5a, 0x57, 0xf7}},
    {CIPHER_ATIS_IDSA, {CW_COUNTING}, 8, {0xc6, 0xa0, 0x39, 0x34, 0x83, 0x8a, 0x5d, 0x85}},
    /* From: computed with the openssl command, IV zero. */
    {CIPHER_AES_CBC, {CW_COUNTING}, 40, {0x0a, 0x94, 0x0b, 0xb5, 0x41, 0x6e, 0xf0, 0x45, 0xf1, 0xc3,
                                         0x94, 0x58, 0xc6, 0x53, 0xea, 0x5a, 0x3c, 0xf4, 0x56, 0xb4,
                                         0xca, 0x48, 0x8a, 0xa3, 0x83, 0xc7, 0x9c, 0x98, 0xb3, 0x47,
                                         0x97, 0xcb, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27}},
    {CIPHER_AES_CTR, {CW_COUNTING}, 40, {0xc6, 0xa0, 0x39, 0x34, 0x83, 0x8a, 0x5d, 0x85, 0x67, 0x46,
                                         0x8b, 0x69, 0xad, 0xc5, 0xd6, 0x76, 0x63, 0x57, 0x01, 0x86,
                                         0x81, 0xd5, 0xa2, 0x09, 0x51, 0x62, 0xa7, 0xf8, 0x79, 0xe9,
                                         0x33, 0x15, 0x69, 0xf7, 0xa5, 0x70, 0xbd, 0xbe, 0x80, 0xab}},
};

static void fill_clear(uint8_t *payload)
{
    for (int i = 0; i < ANSWER_MAX; i++)
        payload[i] = (uint8_t)i;
}

static int turns_into(struct cipher *cipher, enum cipher_direction direction, const struct answer *answer,
                      const struct cipher_key *key, unsigned copies)
{
    uint8_t clear[ANSWER_MAX];
    uint8_t payloads[COPIES][ANSWER_MAX];
    struct cipher_lane lanes[COPIES] = {{0}};
    const uint8_t *from = direction == CIPHER_SCRAMBLE ? clear : answer->scrambled;
    const uint8_t *to = direction == CIPHER_SCRAMBLE ? answer->scrambled : clear;

    fill_clear(clear);
    for (unsigned i = 0; i < copies; i++) {
        memcpy(payloads[i], from, answer->length);
        lanes[i] = (struct cipher_lane){.payload = payloads[i], .key = key, .length = answer->length};
    }
    cipher_run(cipher, direction, lanes, copies);
    for (unsigned i = 0; i < copies; i++) {
        if (memcmp(payloads[i], to, answer->length) != 0)
            return BASE_E_SELF_TEST;
    }
    return 0;
}

static int check_answer(struct cipher *cipher, struct cipher_key *key, const struct answer *answer)
{
    static const unsigned copies[] = {1, COPIES};
    int status = cipher_key_set(key, answer->cw, cipher_cw_size(answer->algorithm));

    for (unsigned i = 0; i < 2 && !status; i++) {
        status = turns_into(cipher, CIPHER_SCRAMBLE, answer, key, copies[i]);
        if (!status)
            status = turns_into(cipher, CIPHER_DESCRAMBLE, answer, key, copies[i]);
    }
    return status;
}

static int check_answers(struct cipher *cipher, struct cipher_key *key, bool corrupt)
{
    int status = 0;

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]) && !status; i++) {
        struct answer answer = answers[i];

        if (answer.algorithm != cipher_algorithm_of(cipher))
            continue;
        answer.scrambled[answer.length - 1] ^= corrupt ? 0x01 : 0x00;
        status = check_answer(cipher, key, &answer);
    }
    return status;
}

int cipher__self_test_tier(enum cipher_algorithm algorithm, const struct cipher__tier *tier, bool corrupt)
{
    struct cipher *cipher = NULL;
    struct cipher_key *key = NULL;
    int status = cipher__create_untested(&cipher, algorithm, tier);

    if (!status)
        status = cipher_key_create(&key, cipher);
    if (!status)
        status = check_answers(cipher, key, corrupt);
    cipher_key_destroy(key);
    cipher_destroy(cipher);
    return status;
}
