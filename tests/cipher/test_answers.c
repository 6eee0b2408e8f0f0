/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Published known answers, through every tier, alone and in a full batch. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cipher/cipher.h"

static void check_copies(struct cipher *cipher, struct cipher_key *key, enum cipher_direction direction,
                         const uint8_t *from, const uint8_t *to, size_t size, unsigned copies)
{
    static uint8_t payloads[CIPHER_BATCH_MAX][CIPHER_PAYLOAD_MAX];
    struct cipher_lane lanes[CIPHER_BATCH_MAX];

    for (unsigned i = 0; i < copies; i++) {
        memcpy(payloads[i], from, size);
        lanes[i] = (struct cipher_lane){payloads[i], key, (uint16_t)size};
    }
    cipher_run(cipher, direction, lanes, copies);
    for (unsigned i = 0; i < copies; i++)
        cr_assert_arr_eq(payloads[i], to, size, "%s, lane %u of %u", cipher_tier_name(cipher), i, copies);
}

static void check_cipher(struct cipher *cipher, const uint8_t *cw, const uint8_t *clear,
                         const uint8_t *scrambled, size_t size)
{
    struct cipher_key *key;

    cr_assert_eq(cipher_key_create(&key, cipher), 0);
    cr_assert_eq(cipher_key_set(key, cw, cipher_cw_size(cipher_algorithm_of(cipher))), 0);
    for (unsigned copies = 1; copies <= CIPHER_BATCH_MAX; copies += CIPHER_BATCH_MAX - 1) {
        check_copies(cipher, key, CIPHER_SCRAMBLE, clear, scrambled, size, copies);
        check_copies(cipher, key, CIPHER_DESCRAMBLE, scrambled, clear, size, copies);
    }
    cipher_key_destroy(key);
}

/* A tier that this CPU lacks is passed over here; test_csa2 and test_aes report it as skipped. */
static void check_bytes(enum cipher_algorithm algorithm, const struct cipher_mode *mode, const uint8_t *cw,
                        const uint8_t *clear, const uint8_t *scrambled, size_t size)
{
    for (unsigned n = 0; cipher_tier_at(algorithm, n); n++) {
        struct cipher *cipher;
        int status = cipher_create(&cipher, algorithm, cipher_tier_at(algorithm, n));

        if (status == -ENOTSUP)
            continue;
        cr_assert_eq(status, 0);
        if (mode)
            cr_assert_eq(cipher_set_mode(cipher, mode), 0);
        check_cipher(cipher, cw, clear, scrambled, size);
        cipher_destroy(cipher);
    }
}

/* The texts are hexadecimal; a mode is for AES_CBC and AES_CTR. */
static void check_mode(enum cipher_algorithm algorithm, const struct cipher_mode *mode, const char *cw_text,
                       const char *clear_text, const char *scrambled_text)
{
    uint8_t cw[16], clear[CIPHER_PAYLOAD_MAX], scrambled[CIPHER_PAYLOAD_MAX];
    ptrdiff_t size = base_hex_decode(clear_text, clear, sizeof(clear));

    cr_assert_gt(size, 0);
    cr_assert_eq(base_hex_decode(cw_text, cw, sizeof(cw)), (ptrdiff_t)cipher_cw_size(algorithm));
    cr_assert_eq(base_hex_decode(scrambled_text, scrambled, sizeof(scrambled)), size);
    check_bytes(algorithm, mode, cw, clear, scrambled, (size_t)size);
}

static void check_answer(enum cipher_algorithm algorithm, const char *cw, const char *clear,
                         const char *scrambled)
{
    check_mode(algorithm, NULL, cw, clear, scrambled);
}

/* From: libdvbcsa's scalar code, clear payload 00 01 02 …, a CW with its checksum bytes. */
static void check_csa2(const char *clear, const char *scrambled)
{
    check_answer(CIPHER_DVB_CSA2, "0123456989abcd01", clear, scrambled);
}

Test(answers, csa2_7_bytes_stay_as_they_are)
{
    check_csa2("00010203040506", "00010203040506");
}

Test(answers, csa2_8_bytes_are_one_block)
{
    check_csa2("0001020304050607", "9730b8ff364e7560");
}

Test(answers, csa2_15_bytes_are_a_block_and_a_residue)
{
    check_csa2("000102030405060708090a0b0c0d0e", "9730b8ff364e75609a2672d9339c1d");
}

Test(answers, csa2_16_bytes_are_two_blocks)
{
    check_csa2("000102030405060708090a0b0c0d0e0f", "426cb26f769d759246e9b8c144ee66e6");
}

Test(answers, csa2_20_bytes_are_two_blocks_and_a_residue)
{
    check_csa2("000102030405060708090a0b0c0d0e0f10111213", "426cb26f769d759246e9b8c144ee66e67aa44b5d");
}

/* From: the test vectors published with TSDuck (tv_dvb_csa2.h), 184 bytes. */
Test(answers, csa2_full_payload)
{
    check_answer(
        CIPHER_DVB_CSA2, "c0b1f061a6ed7104",
        "81dbefc27aae3fb041481e0da8c0764ab30fcb3394a5799cad9da279a9258971b2e8e5061fda3bbf32d202dfc02dd39a"
        "e329e77edf21743635331d5ac6b1b84c885d719bbe777c29bf44a9f0faba0769adc70ef85171a057e573e639ccc0e89f"
        "7cf12306ec5d9b4bf353b792d471c9ebffae47f34d63286ad639119794a55c2165193224fa41eb42ca4493a1d5e9e037"
        "0291c6e05e0ba9dc0efea5f9475b5a457f4b7931aeb6de9c0c404b93503ad57b8a0074ebb64312f2",
        "e34b701e54165b1407c581aa37c7009ec9858379f1853b4e9cfa0d50a70ef6957b1cfbd131f1a999549155ba41230efe"
        "0291905838507a408aa979003c55b607fd4eedfea393226a2ab1a2436f32e29729e7f56a43f47a6c64556404a3772898"
        "b16fc507f7d597be6b73f5158aba80b714c82e346947099b53b30efd28812effd66eae5cbc91ce5b98a2ed6b05536130"
        "d1ad7325b09a4ffc5e70dd517b2dc27daf70e15898f696668406006c4d8d65fe6f6a83bcf5cff05a");
}

/* From: the same, 108 bytes (13 blocks and a residue of 4). */
Test(answers, csa2_residue)
{
    check_answer(
        CIPHER_DVB_CSA2, "c0b1f061a6ed7104",
        "6234ac56db0e3837e57b7e6adbc16f44f3dbf6fe0ed72ff8eacf67558aaf3f12545c874f0da9476edcc26012c745aaa8"
        "fd14eb636a874ec3fa99a304713b982290c1fc249997a3d8157e9f6f2a106261653201c7ea48c0c9a1b88f8bde4fc949"
        "8a32b29ac5ab63226f82d277",
        "a13042321cd198381c8071f3fc60b328b9dd2c790c6100fdbf945aeced00cd8233cc86ecd61c92f6eee3d285fdb7d4a3"
        "37e31cfa3a9b6acecd931828efce225b6418e472bf4ff6e5d64951b2fbf4061ca849fb9c185f8be23b07ed0a16a65091"
        "0fb8a14295866525dfb007a5");
}

/* From: libdvbcsa's scalar code, clear payload 00 01 02 …, a CW without checksum bytes. */
Test(answers, csa2_takes_the_cw_as_it_is)
{
    check_answer(CIPHER_DVB_CSA2, "0123456789abcdef", "000102030405060708090a0b0c0d0e0f",
                 "d1c1deac3810624b9f2e9a81b961bdfe");
}

/* From: ETSI TS 103 127, Annex B, test cases 1 to 4 (adaptation fields of 0, 7, 8 and 9 bytes). The clear
 * payload is one sentence over and over; the cases differ in length alone. */
Test(answers, cissa_annex_b)
{
    static const char clear[] = "This is the payload used for creating the test vectors for the DVB IPTV "
                                "scrambler/descrambler. This is the payload used for creating the test "
                                "vectors for the DVB IPTV scrambler/descram";
    static const char scrambled_blocks[] =
        "15ce67e0cb01b53ce76054e57a4ad120a0dfa4eaaae932c6783f51ae19faee108bdb78f3113ec2b572cc208500a52cec"
        "a114126c58244df563e7a9b4e041cbc3fbfffbd83c8fbffb10e83ea38204bad702fb01a27b622c4f85aab6aa75559720"
        "d65ab844cea28cf2e1fe5e7ac19d44818919c23249f140757b5d16c0af45b25f509b9da0619712c59f0b39b06f1fbe90"
        "123f212983936a95317fcb62f4346a1b1e164840303aff838a019bf810a8e0b2";
    static const size_t sizes[] = {184, 177, 176, 175};
    uint8_t cw[16], blocks[176], scrambled[CIPHER_PAYLOAD_MAX];

    cr_assert_eq(base_hex_decode("00112233445566778899aabbccddeeff", cw, sizeof(cw)), 16);
    cr_assert_eq(base_hex_decode(scrambled_blocks, blocks, sizeof(blocks)), (ptrdiff_t)sizeof(blocks));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memcpy(scrambled, clear, sizes[i]);
        memcpy(scrambled, blocks, sizes[i] / 16 * 16);
        check_bytes(CIPHER_DVB_CISSA, NULL, cw, (const uint8_t *)clear, scrambled, sizes[i]);
    }
}

/* From: AES-128-CBC as TS 103 127 applies it, clear payload 00 01 02 … */
Test(answers, cissa_short_payload)
{
    check_answer(CIPHER_DVB_CISSA, "000102030405060708090a0b0c0d0e0f",
                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
                 "eb9dca063424275590c2dbbe00b726fdfd17ae6b34fed2808ff1478dcb902fc82021222324252627");
}

/* From: the test vectors published with TSDuck (tv_atis_idsa.h): no block, and two blocks with a residue. */
Test(answers, idsa_residue)
{
    check_answer(CIPHER_ATIS_IDSA, "01020304050607080910111213141516", "c275bd850c9d79770bdf226e10",
                 "8eeb650d1475ad35a803f59c44");
    check_answer(CIPHER_ATIS_IDSA, "01020304050607080910111213141516",
                 "4f70a9eb42935deb74396c85465f177ccdf6fd24fd410dae3ad720d8f6693e1922d9f9",
                 "e95c723bcec9219d5c1260e382d9790ab70e80030919f7b9e0073826305dfd5d72f5bc");
}

/* From: AES-128-CBC as ATIS-0800006 applies it, clear payload 00 01 02 … */
Test(answers, idsa_short_payloads)
{
    check_answer(CIPHER_ATIS_IDSA, "000102030405060708090a0b0c0d0e0f",
                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
                 "0a940bb5416ef045f1c39458c653ea5a3cf456b4ca488aa383c79c98b34797cbe447ab55145a57f7");
    check_answer(CIPHER_ATIS_IDSA, "000102030405060708090a0b0c0d0e0f", "0001020304050607",
                 "c6a03934838a5d85");
}

#define NIST_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define NIST_CLEAR                                                                                           \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                                       \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

/* From: NIST SP 800-38A, F.2.1 and F.2.2, CBC-AES128. */
Test(answers, aes_cbc_of_nist)
{
    struct cipher_mode mode = CIPHER_MODE_DEFAULT;

    cr_assert_eq(base_hex_decode("000102030405060708090a0b0c0d0e0f", mode.iv, sizeof(mode.iv)), 16);
    check_mode(CIPHER_AES_CBC, &mode, NIST_KEY, NIST_CLEAR,
               "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
               "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
}

/* From: NIST SP 800-38A, F.5.1 and F.5.2, CTR-AES128: the last byte of the first counter block is 0xff, so 16
 * bits at least count; how many more makes no difference. */
Test(answers, aes_ctr_of_nist)
{
    static const uint8_t counting_bits[] = {16, 64, 128};
    struct cipher_mode mode;

    cr_assert_eq(base_hex_decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", mode.iv, sizeof(mode.iv)), 16);
    for (size_t i = 0; i < sizeof(counting_bits); i++) {
        mode.counter_bits = counting_bits[i];
        check_mode(CIPHER_AES_CTR, &mode, NIST_KEY, NIST_CLEAR,
                   "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
                   "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee");
    }
}

/* From: the openssl command, block by block: 4 bits count, and nothing is carried above them; TSDuck counts
 * so. */
Test(answers, aes_ctr_counts_within_its_bits)
{
    struct cipher_mode mode = {.counter_bits = 4};

    cr_assert_eq(base_hex_decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", mode.iv, sizeof(mode.iv)), 16);
    check_mode(CIPHER_AES_CTR, &mode, "000102030405060708090a0b0c0d0e0f",
               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
               "66a6c5eb3057374f9f58d40c3f1ba3a242553dd8581cba03a0fb452c7b313a0f712a08c8da801fc1");
}
