/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/error.h"
#include "ecmg/ecm.h"

/* From: docs/ecm-format.md, "Example": computed with Python's hmac module and the AESGCM of its cryptography
 * package, and its key with the openssl command. */
static const uint8_t example[61] = {
    0x80, 0x70, 0x3a, 0x01, 0x4a, 0xdc, 0x00, 0x01, 0x01, 0x02, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xa5, 0xbf, 0x38, 0xa6, 0x1e, 0x14, 0x0b, 0xb7, 0x61, 0x3c,
    0x6c, 0x6b, 0x2b, 0x77, 0xbb, 0x6a, 0xcc, 0xda, 0x0e, 0x9a, 0xa3, 0x73, 0x71, 0xa6, 0x7d, 0x0a,
    0xd3, 0x24, 0xef, 0x03, 0x33, 0x56, 0x55, 0x49, 0x52, 0x6e, 0x3b, 0x20, 0x3f};
static const uint8_t example_key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t even_cw[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t odd_cw[16] = {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 8, 7, 6, 5, 4, 3, 2, 1};
static const uint8_t label[15] = {'s', 'c', 'r', 'a', 'm', 'l', 'i', 'n', 'e', ' ', 'E', 'C', 'M', ' ', '1'};
static const uint8_t criteria[5] = {0x14, 0x78, 0x52, 0x36, 0x90};

static struct base_secret service_key;
static struct ecmg_ecm ecm, opened;
static uint8_t section[ECMG_ECM_SIZE_MAX];

static void setup(void)
{
    base_secret_set(&service_key, example_key, 16);
    ecm = (struct ecmg_ecm){.super_cas_id = 0x4adc0001, .cp_number = 0x0102, .access_criteria_size = 5};
    base_secret_set(&ecm.even, even_cw, 8);
    base_secret_set(&ecm.odd, odd_cw, 8);
    memcpy(ecm.access_criteria, criteria, sizeof(criteria));
}

TestSuite(ecm, .init = setup);

static void assert_same(const struct ecmg_ecm *a, const struct ecmg_ecm *b)
{
    cr_assert_eq(a->super_cas_id, b->super_cas_id);
    cr_assert_eq(a->cp_number, b->cp_number);
    cr_assert(base_secret_equal(&a->even, &b->even));
    cr_assert(base_secret_equal(&a->odd, &b->odd));
    cr_assert_eq(a->access_criteria_size, b->access_criteria_size);
    cr_assert_eq(memcmp(a->access_criteria, b->access_criteria, a->access_criteria_size), 0);
}

static void assert_wiped(const struct ecmg_ecm *object)
{
    static const struct ecmg_ecm nothing;

    cr_assert_eq(memcmp(object, &nothing, sizeof(nothing)), 0);
}

Test(ecm, opens_the_known_answer)
{
    cr_assert_eq(ecmg_ecm_open(&service_key, example, sizeof(example), &opened), 0);
    assert_same(&opened, &ecm);
}

/* The document's own recipe with nothing but OpenSSL: HMAC for the key, GCM for the content. */
static int recipe_open(const uint8_t *bytes, int size, uint8_t *content)
{
    uint8_t input[4 + 15 + 1 + 6 + 4] = {0, 0, 0, 1};
    uint8_t key[32];
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    uint8_t tag[16];
    int written = 0;
    int ok;

    memcpy(input + 4, label, sizeof(label));
    memcpy(input + 20, bytes + 4, 6);
    memcpy(tag, bytes + size - 16, 16);
    input[29] = 0x80;
    HMAC(EVP_sha256(), example_key, 16, input, sizeof(input), key, NULL);
    ok = EVP_DecryptInit_ex(gcm, EVP_aes_128_gcm(), NULL, key, bytes + 10) == 1 &&
         EVP_DecryptUpdate(gcm, NULL, &written, bytes, 22) == 1 &&
         EVP_DecryptUpdate(gcm, content, &written, bytes + 22, size - 38) == 1 &&
         EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1 &&
         EVP_DecryptFinal_ex(gcm, content + written, &(int){0}) == 1;
    EVP_CIPHER_CTX_free(gcm);
    return ok ? written : -1;
}

Test(ecm, seals_what_the_document_says)
{
    static const uint8_t content[23] = {0xc0, 0x08, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
                                        0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54,
                                        0x32, 0x10, 0x14, 0x78, 0x52, 0x36, 0x90};
    uint8_t plain[256];

    cr_assert_eq(ecmg_ecm_seal(&service_key, &ecm, section), 61);
    cr_assert_arr_eq(section, example, 10);
    cr_assert_eq(recipe_open(section, 61, plain), 23);
    cr_assert_arr_eq(plain, content, 23);
}

Test(ecm, comes_back_in_every_form)
{
    static const uint8_t sizes[] = {0, 8, 16};

    for (unsigned even = 0; even < 3; even++) {
        for (unsigned odd = 0; odd < 3; odd++) {
            for (unsigned size = 0; size <= ECMG_ACCESS_CRITERIA_MAX; size++) {
                bool usable = (even || odd) && (!even || !odd || even == odd);
                ptrdiff_t sealed;

                base_secret_set(&ecm.even, even_cw, sizes[even]);
                base_secret_set(&ecm.odd, odd_cw, sizes[odd]);
                ecm.cp_number = (uint16_t)(size * 517);
                ecm.access_criteria_size = (uint16_t)size;
                sealed = ecmg_ecm_seal(&service_key, &ecm, section);
                if (!usable) {
                    cr_assert_eq(sealed, -EINVAL);
                    continue;
                }
                cr_assert_eq(sealed, 40 + sizes[even] + sizes[odd] + size);
                cr_assert_eq(section[0], 0x80 | (ecm.cp_number & 1));
                cr_assert_eq(ecmg_ecm_open(&service_key, section, (size_t)sealed, &opened), 0);
                assert_same(&opened, &ecm);
            }
        }
    }
}

Test(ecm, never_seals_twice_alike)
{
    uint8_t second[ECMG_ECM_SIZE_MAX];

    cr_assert_eq(ecmg_ecm_seal(&service_key, &ecm, section), 61);
    cr_assert_eq(ecmg_ecm_seal(&service_key, &ecm, second), 61);
    cr_assert_neq(memcmp(section + 10, second + 10, 12), 0);
    cr_assert_neq(memcmp(section + 22, second + 22, 39), 0);
}

Test(ecm, holds_no_control_word_in_clear)
{
    ptrdiff_t size = ecmg_ecm_seal(&service_key, &ecm, section);

    cr_assert_null(memmem(section, (size_t)size, even_cw, 4));
    cr_assert_null(memmem(section, (size_t)size, odd_cw, 4));
    cr_assert_null(memmem(section, (size_t)size, criteria, 4));
}

Test(ecm, refuses_what_it_cannot_seal)
{
    base_secret_set(&ecm.even, even_cw, 7);
    cr_assert_eq(ecmg_ecm_seal(&service_key, &ecm, section), -EINVAL);
    base_secret_set(&ecm.even, even_cw, 8);
    ecm.access_criteria_size = ECMG_ACCESS_CRITERIA_MAX + 1;
    cr_assert_eq(ecmg_ecm_seal(&service_key, &ecm, section), -EMSGSIZE);
    ecm.access_criteria_size = 0;
    service_key.size = 15;
    cr_assert_eq(ecmg_ecm_seal(&service_key, &ecm, section), -EINVAL);
}

Test(ecm, every_changed_bit_is_seen_and_leaves_nothing)
{
    memcpy(section, example, sizeof(example));
    for (unsigned bit = 0; bit < 8 * sizeof(example); bit++) {
        int status;

        section[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(&opened, 0xa5, sizeof(opened));
        status = ecmg_ecm_open(&service_key, section, sizeof(example), &opened);
        cr_assert(status == BASE_E_AUTHENTICATION || (bit < 80 && status == BASE_E_MALFORMED), "bit %u: %d",
                  bit, status);
        assert_wiped(&opened);
        section[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

Test(ecm, another_key_does_not_open)
{
    service_key.bytes[15] ^= 1;
    cr_assert_eq(ecmg_ecm_open(&service_key, example, sizeof(example), &opened), BASE_E_AUTHENTICATION);
    assert_wiped(&opened);
}

Test(ecm, every_truncation_and_surplus_is_malformed)
{
    memcpy(section, example, sizeof(example));
    for (size_t size = 0; size < sizeof(section); size++) {
        if (size != sizeof(example))
            cr_assert_eq(ecmg_ecm_open(&service_key, section, size, &opened), BASE_E_MALFORMED);
    }
    /* Also where section_length agrees with the size. */
    for (size_t size = 3; size < 48; size++) {
        section[2] = (uint8_t)(size - 3);
        cr_assert_eq(ecmg_ecm_open(&service_key, section, size, &opened), BASE_E_MALFORMED);
    }
    section[2] = 201 - 3;
    cr_assert_eq(ecmg_ecm_open(&service_key, section, 201, &opened), BASE_E_MALFORMED);
}

/* Content that only someone with the service key can send, and that is wrong nevertheless. */
static int open_sealed(const uint8_t *content, int size)
{
    uint8_t input[30] = {0, 0, 0, 1};
    uint8_t key[32];
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    int written;
    int status;

    memcpy(section, example, 22);
    section[2] = (uint8_t)(size + 38 - 3);
    memcpy(input + 4, label, sizeof(label));
    memcpy(input + 20, section + 4, 6);
    input[29] = 0x80;
    HMAC(EVP_sha256(), example_key, 16, input, sizeof(input), key, NULL);
    cr_assert(EVP_EncryptInit_ex(gcm, EVP_aes_128_gcm(), NULL, key, section + 10) == 1 &&
              EVP_EncryptUpdate(gcm, NULL, &written, section, 22) == 1 &&
              EVP_EncryptUpdate(gcm, section + 22, &written, content, size) == 1 &&
              EVP_EncryptFinal_ex(gcm, section + 22 + written, &written) == 1 &&
              EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, 16, section + 22 + size) == 1);
    EVP_CIPHER_CTX_free(gcm);
    memset(&opened, 0xa5, sizeof(opened));
    status = ecmg_ecm_open(&service_key, section, (size_t)size + 38, &opened);
    if (status < 0)
        assert_wiped(&opened);
    return status;
}

Test(ecm, authentic_content_is_checked_all_the_same)
{
    uint8_t content[164] = {0xc0, 8};

    cr_assert_eq(open_sealed(content, 18), 0);
    cr_assert_eq(open_sealed(content, 17), BASE_E_MALFORMED); /* half an odd CW */
    cr_assert_eq(open_sealed(content, 10), BASE_E_MALFORMED);
    cr_assert_eq(open_sealed(content, 18 + 128), 0);
    cr_assert_eq(open_sealed(content, 18 + 129), BASE_E_MALFORMED); /* access criteria too long */
    content[0] = 0x00;
    cr_assert_eq(open_sealed(content, 18), BASE_E_MALFORMED); /* no CW */
    content[0] = 0xc1;
    cr_assert_eq(open_sealed(content, 18), BASE_E_MALFORMED); /* a reserved flag */
    content[0] = 0x40;
    content[1] = 9;
    cr_assert_eq(open_sealed(content, 18), BASE_E_MALFORMED); /* no such CW */
    content[1] = 16;
    cr_assert_eq(open_sealed(content, 18), 0);
    cr_assert_eq(opened.even.size, 0);
    cr_assert_eq(opened.odd.size, 16);
}

Test(ecm, clearing_leaves_nothing)
{
    ecmg_ecm_clear(&ecm);
    assert_wiped(&ecm);
}
