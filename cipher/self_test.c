/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known answers, run before a tier's first use, in both directions: one lane, a few, and more than the widest
 * kernel takes at once, lanes of all an algorithm's answers (keys, lengths, modes) mixed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cipher/tier.h"

#define ANSWERS_MAX 9    /* of one algorithm */
#define LANES_MAX   600  /* the widest kernel has 512 */
#define STRIDE      189  /* bytes from payload to payload, so that every alignment comes up */
#define BETWEEN     0xee /* what stands between payloads, and stays */

#define IV_OF_NIST 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe

#define DEFAULT                                                                                              \
    {                                                                                                        \
        .counter_bits = 0                                                                                    \
    }

/* The clear payload is always 00 01 02 … */
struct answer {
    enum cipher_algorithm algorithm;
    const char *cw; /* hexadecimal, as is `scrambled` */
    uint16_t length;
    const char *scrambled;
    struct cipher_mode mode; /* counter_bits 0: the default */
};

static const struct answer answers[] = {
    /* From: libdvbcsa's scalar code, which also gives the answers published with TSDuck. */
    {CIPHER_DVB_CSA2, "0123456989abcd01", 7, "00010203040506", DEFAULT},
    {CIPHER_DVB_CSA2, "0123456989abcd01", 8, "9730b8ff364e7560", DEFAULT},
    {CIPHER_DVB_CSA2, "0123456989abcd01", 15, "9730b8ff364e75609a2672d9339c1d", DEFAULT},
    {CIPHER_DVB_CSA2, "0123456989abcd01", 16, "426cb26f769d759246e9b8c144ee66e6", DEFAULT},
    {CIPHER_DVB_CSA2, "0123456989abcd01", 20, "426cb26f769d759246e9b8c144ee66e67aa44b5d", DEFAULT},
    {CIPHER_DVB_CSA2, "0123456789abcdef", 16, "d1c1deac3810624b9f2e9a81b961bdfe", DEFAULT},
    {CIPHER_DVB_CSA2, "c0b1f061a6ed7104", 108,
     "3c0d151f83e782c30c5dabfe6c22ecbfeb860b58c1f4cb81c1eca6afce64703b88712d87975577e3918bf217dfae"
     "65e0bd6405e0c7081ab04c84946fc2361600c313a807cddb8c0c1e474ac10886d77eec0f28818c2af213dc8fc52e"
     "8af8a8ae25bd5b9803619d9f491d61e1",
     DEFAULT},
    {CIPHER_DVB_CSA2, "fedcba9876543210", 183,
     "b5926034ecaa1defeea318982499df1b6d1cd020b3fa0b0a79d41b0e5577ab6fcc0948f915f583ffb13124ba98dd"
     "f6f96bb1c6405116db30482b7770e29b145ce193da3f5872fb26fcbacc38e5539273a9918b74fc9651da2b2825a8"
     "f61d24b00771ebe44b9034bd6f7dd043d9c48087c38936119008dc899d0d634eb291a5043bfef20624c523386402"
     "f100e58dea8313a2fc56c05a2850ade11633e76200913c7d04f61d882a17e5e0a647f5740945fca8437bb19c30",
     DEFAULT},
    {CIPHER_DVB_CSA2, "c0b1f061a6ed7104", 184,
     "07d8ca758d0161a84b0dbc587d652986526d3ebf9b6d3226a804a621a0f3c3d3eb06a745ed35353368ca2b7931cf"
     "fcf8ff17966e4758a400edbfca8b2223160eda9cd3e096eb3d82317d4965191ecdfd81e8aaa053ecc2bba0f33445"
     "56651ef4527c5ab30b426b32cb10dcdc0090f295c0db5b15c54075521e87bce5405673904b5ecaf9a44ca2aa899b"
     "051c89988553757010d033c699f5e5d54fe3f54fe67b96980596eb3fb3a2ab07976ebaeeb955b31b44dac6794cc1",
     DEFAULT},
    /* From: the openssl command as ETSI TS 103 127 says; the method gives its Annex B answers. */
    {CIPHER_DVB_CISSA, "000102030405060708090a0b0c0d0e0f", 15, "000102030405060708090a0b0c0d0e", DEFAULT},
    {CIPHER_DVB_CISSA, "000102030405060708090a0b0c0d0e0f", 40,
     "eb9dca063424275590c2dbbe00b726fdfd17ae6b34fed2808ff1478dcb902fc82021222324252627", DEFAULT},
    {CIPHER_DVB_CISSA, "2b7e151628aed2a6abf7158809cf4f3c", 184,
     "166be39559329fb84843f94c1ea57722c30d2f298a262aed78460df03d817324b6d3d10505a382cfef2531d3ecc2"
     "440290113bef3d75a05c52b9bf3fa2378d37475a45c0f1ea33b6f826c8f7bd3c7fb2a58a017185058c956b059c2c"
     "0ee40f84f049896bc5f40911fd18c29c408e50fd5cd81a7c099ea8f3ffbff28cf51b8bb27fe64aa51faded686705"
     "3020b19602eb39c4bb2893403a6346a7ced1ac123edeedf4ba43ad49e2ad14101bbd79542435b0b1b2b3b4b5b6b7",
     DEFAULT},
    /* From: the openssl command as ATIS-0800006 says; the method gives the answers published with TSDuck. */
    {CIPHER_ATIS_IDSA, "000102030405060708090a0b0c0d0e0f", 8, "c6a03934838a5d85", DEFAULT},
    {CIPHER_ATIS_IDSA, "000102030405060708090a0b0c0d0e0f", 40,
     "0a940bb5416ef045f1c39458c653ea5a3cf456b4ca488aa383c79c98b34797cbe447ab55145a57f7", DEFAULT},
    {CIPHER_ATIS_IDSA, "2b7e151628aed2a6abf7158809cf4f3c", 184,
     "50fe67cc996d32b6da0937e99bafec60359e6e3515b4f10112306f7aef739f45e9c278b0a8218eb950313481264f"
     "b986ad1f720ba5095c31bf5cd8df1e3e7176275db682fdf6adee783219279e5271cc0b375aad7de08be2f4b15921"
     "1d930a087dcec002d1abf6997a3d4d99dbd5d67b0717cd92c87c6553274093755988115a832f76f703a6a50acc0a"
     "bab85e9df8ff13308c328479706f3c05874f077ceedcf5efde736acaf86bef923a80f268d903c64c8c7831d9553e",
     DEFAULT},
    /* From: the openssl command; the counter runs over within its bits. */
    {CIPHER_AES_CBC, "000102030405060708090a0b0c0d0e0f", 15, "000102030405060708090a0b0c0d0e", DEFAULT},
    {CIPHER_AES_CBC, "000102030405060708090a0b0c0d0e0f", 40,
     "0a940bb5416ef045f1c39458c653ea5a3cf456b4ca488aa383c79c98b34797cb2021222324252627", DEFAULT},
    {CIPHER_AES_CBC,
     "2b7e151628aed2a6abf7158809cf4f3c",
     184,
     "e6bd31d2dd23910a0bf7e2a03083749000c140de93154ce8723b0a0aa6d86fc28be56963e58ebb3c7270d0eee6c0"
     "81f176df9e293b5f2e0cabd521caf785c73f91c90dc885d59b462d7e63eed164650d85f8f1b159fbbc0f3280a00d"
     "06a823ef03bd5fc4f33c70d72fe0d5b3d0ef1dbfd457a9e9f1db0bc14c5afbab11bbcaa2fc6d3058e7e9b2af5e73"
     "1d5847ec5da6b91d2f40f7aa4c81774f77e6edc677bd242c066ad520b784ebb7863d96c37838b0b1b2b3b4b5b6b7",
     {.iv = {IV_OF_NIST, 0xff}, .counter_bits = 64}},
    {CIPHER_AES_CTR, "000102030405060708090a0b0c0d0e0f", 40,
     "c6a03934838a5d8567468b69adc5d6766357018681d5a2095162a7f879e9331569f7a570bdbe80ab", DEFAULT},
    {CIPHER_AES_CTR, "000102030405060708090a0b0c0d0e0f", 8, "c6a03934838a5d85", DEFAULT},
    {CIPHER_AES_CTR,
     "2b7e151628aed2a6abf7158809cf4f3c",
     184,
     "688510645b6ac71931cde70126ac1307fc9dcd608c756aa7eacb0c6ef683bffb6d29cd45ff495e2352f949b131fd"
     "0bd825c5773ee5583a7640718161b1961da488d56028161ed4f9d1a8da3e64506b0fdd69856ea2b28861f462f3ae"
     "1e275bd3728b982f1a8a7082955c8ce52ceaf6048ea11cdf698fbfde936600141054b5af2af13ff22699c0e63032"
     "eb43282ed2ebf00b43bb93a9e340bf69d187134ef681c8add13cc2ff6487948e1ed1b9279f514c42740c34fabd43",
     {.iv = {IV_OF_NIST, 0xfe}, .counter_bits = 8}},
};

struct lane_answer {
    struct cipher_key *key;
    uint16_t length;
    uint8_t texts[2][STRIDE]; /* before and after, by enum cipher_direction */
};

struct test {
    struct cipher *cipher;
    unsigned count;
    struct lane_answer answers[ANSWERS_MAX];
    struct cipher_lane lanes[LANES_MAX];
    uint8_t payloads[LANES_MAX][STRIDE];
};

/* Counting and scrambled bytes, both with what stands between payloads behind them. */
static void fill_texts(struct lane_answer *lane, const struct answer *answer)
{
    memset(lane->texts, BETWEEN, sizeof(lane->texts));
    for (unsigned i = 0; i < answer->length; i++)
        lane->texts[CIPHER_SCRAMBLE][i] = (uint8_t)i;
    (void)base_hex_decode(answer->scrambled, lane->texts[CIPHER_DESCRAMBLE], CIPHER_PAYLOAD_MAX);
}

static int add_answer(struct test *test, const struct answer *answer)
{
    struct lane_answer *lane = &test->answers[test->count++];
    uint8_t cw[16];
    ptrdiff_t cw_size = base_hex_decode(answer->cw, cw, sizeof(cw));
    int status = 0;

    lane->length = answer->length;
    fill_texts(lane, answer);
    if (answer->mode.counter_bits)
        status = cipher_set_mode(test->cipher, &answer->mode);
    if (status == 0)
        status = cipher_key_create(&lane->key, test->cipher);
    return status < 0 ? status : cipher_key_set(lane->key, cw, (size_t)cw_size);
}

static int add_answers(struct test *test, enum cipher_algorithm algorithm)
{
    int status = 0;

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]) && status == 0; i++) {
        if (answers[i].algorithm == algorithm)
            status = add_answer(test, &answers[i]);
    }
    return status;
}

static int check_lanes(struct test *test, enum cipher_direction direction, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct lane_answer *answer = &test->answers[(first + i) % test->count];

        memcpy(test->payloads[i], answer->texts[direction], STRIDE);
        test->lanes[i] = (struct cipher_lane){test->payloads[i], answer->key, answer->length};
    }
    cipher_run(test->cipher, direction, test->lanes, count);
    for (unsigned i = 0; i < count; i++) {
        const struct lane_answer *answer = &test->answers[(first + i) % test->count];

        if (memcmp(test->payloads[i], answer->texts[!direction], STRIDE) != 0)
            return BASE_E_SELF_TEST;
    }
    return 0;
}

static int check_both(struct test *test, unsigned first, unsigned count)
{
    int status = check_lanes(test, CIPHER_SCRAMBLE, first, count);

    return status < 0 ? status : check_lanes(test, CIPHER_DESCRAMBLE, first, count);
}

static int check_batches(struct test *test)
{
    static const unsigned mixed[] = {ANSWERS_MAX + 4, 75, LANES_MAX};
    int status = test->count ? 0 : BASE_E_SELF_TEST; /* what nothing was asked has not answered */

    for (unsigned i = 0; i < test->count && status == 0; i++)
        status = check_both(test, i, 1);
    for (unsigned i = 0; i < sizeof(mixed) / sizeof(mixed[0]) && status == 0; i++)
        status = check_both(test, i, mixed[i]);
    return status;
}

int cipher__self_test_tier(enum cipher_algorithm algorithm, const struct cipher__tier *tier, bool corrupt)
{
    struct test *test = calloc(1, sizeof(*test));
    int status;

    if (!test)
        return -ENOMEM;
    status = cipher__create_untested(&test->cipher, algorithm, tier);
    if (status == 0)
        status = add_answers(test, algorithm);
    if (status == 0) {
        test->answers[test->count - 1].texts[CIPHER_DESCRAMBLE][0] ^= corrupt ? 0x01 : 0x00;
        status = check_batches(test);
    }
    for (unsigned i = 0; i < test->count; i++)
        cipher_key_destroy(test->answers[i].key);
    cipher_destroy(test->cipher);
    free(test);
    return status;
}
