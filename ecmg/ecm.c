/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ecmg/ecm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/error.h"
#include "crypto/aead.h"
#include "crypto/mac.h"
#include "crypto/random.h"

/* Offsets in the section (docs/ecm-format.md, table 1). */
#define LENGTH_END   3 /* section_length counts from here */
#define VERSION_AT   3
#define CAS_ID_AT    4
#define CP_NUMBER_AT 8
#define NONCE_AT     10
#define SEALED_AT    (NONCE_AT + CRYPTO_GCM_NONCE_SIZE)
#define SYNTAX_BITS  0x70 /* section_syntax_indicator 0, private_indicator 1, reserved 11 */
#define VERSION      1
#define KEY_SIZE     16
#define KEY_LABEL    "scramline ECM 1"
#define SEALED_MIN   10 /* flags, cw_size and one 8-byte CW */
#define SEALED_MAX   (2 + 2 * 16 + ECMG_ACCESS_CRITERIA_MAX)
#define HAS_EVEN     0x80
#define HAS_ODD      0x40
#define OVERHEAD     (SEALED_AT + CRYPTO_GCM_TAG_SIZE)

_Static_assert(OVERHEAD + SEALED_MAX <= ECMG_ECM_SIZE_MAX, "ETR 289 gives an ECM 256 bytes");

/* Super_CAS_ID and CP_number are the context, so that a nonce repeated by chance harms only where both are
 * the same too. */
static int derive_key(const struct base_secret *service_key, const uint8_t *section,
                      uint8_t key[static KEY_SIZE])
{
    return crypto_kdf(service_key->bytes, service_key->size, KEY_LABEL, section + CAS_ID_AT,
                      NONCE_AT - CAS_ID_AT, key, KEY_SIZE);
}

static bool is_cw_size(size_t size)
{
    return size == 8 || size == 16;
}

static bool cws_are_usable(const struct ecmg_ecm *ecm)
{
    uint8_t size = ecm->even.size ? ecm->even.size : ecm->odd.size;

    return is_cw_size(size) && (ecm->even.size == 0 || ecm->even.size == size) &&
           (ecm->odd.size == 0 || ecm->odd.size == size);
}

static void write_header(struct base_writer *section, const struct ecmg_ecm *ecm, size_t size)
{
    base_write_u8(section, (uint8_t)(0x80 | (ecm->cp_number & 1)));
    base_write_u16(section, (uint16_t)(SYNTAX_BITS << 8 | (size - LENGTH_END)));
    base_write_u8(section, VERSION);
    base_write_u32(section, ecm->super_cas_id);
    base_write_u16(section, ecm->cp_number);
}

static void write_content(struct base_writer *section, const struct ecmg_ecm *ecm)
{
    base_write_u8(section, (uint8_t)((ecm->even.size ? HAS_EVEN : 0) | (ecm->odd.size ? HAS_ODD : 0)));
    base_write_u8(section, ecm->even.size ? ecm->even.size : ecm->odd.size);
    base_write_bytes(section, ecm->even.bytes, ecm->even.size);
    base_write_bytes(section, ecm->odd.bytes, ecm->odd.size);
    base_write_bytes(section, ecm->access_criteria, ecm->access_criteria_size);
}

struct ecmg_ecm_key {
    struct crypto_kdf *kdf;
    struct crypto_gcm_sealer *sealer;
};

int ecmg_ecm_key_create(struct ecmg_ecm_key **key, const struct base_secret *service_key)
{
    struct ecmg_ecm_key *made;
    int status;

    if (service_key->size != ECMG_SERVICE_KEY_SIZE)
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    status = crypto_kdf_create(&made->kdf, service_key->bytes, service_key->size);
    if (status == 0)
        status = crypto_gcm_sealer_create(&made->sealer, KEY_SIZE);
    if (status < 0) {
        ecmg_ecm_key_destroy(made);
        return status;
    }
    *key = made;
    return 0;
}

void ecmg_ecm_key_destroy(struct ecmg_ecm_key *key)
{
    if (!key)
        return;
    crypto_gcm_sealer_destroy(key->sealer);
    crypto_kdf_destroy(key->kdf);
    free(key);
}

/* Encrypts bytes SEALED_AT … size − tag in place and sets the tag. */
static int seal_content(struct ecmg_ecm_key *service_key, uint8_t *section, size_t size)
{
    uint8_t *tag = section + size - CRYPTO_GCM_TAG_SIZE;
    uint8_t key[KEY_SIZE];
    int status = crypto_kdf_derive(service_key->kdf, KEY_LABEL, section + CAS_ID_AT, NONCE_AT - CAS_ID_AT,
                                   key, KEY_SIZE);

    if (status == 0)
        status = crypto_gcm_sealer_seal(service_key->sealer, key, section + NONCE_AT, section, SEALED_AT,
                                        section + SEALED_AT, size - OVERHEAD, section + SEALED_AT, tag);
    base_secure_zero(key, sizeof(key));
    return status;
}

ptrdiff_t ecmg_ecm_key_seal(struct ecmg_ecm_key *key, const struct ecmg_ecm *ecm,
                            uint8_t section[static ECMG_ECM_SIZE_MAX])
{
    struct base_writer writer = base_writer_of(section, ECMG_ECM_SIZE_MAX);
    size_t size = OVERHEAD + 2u + ecm->even.size + ecm->odd.size + ecm->access_criteria_size;
    int status;

    if (!cws_are_usable(ecm))
        return -EINVAL;
    if (ecm->access_criteria_size > ECMG_ACCESS_CRITERIA_MAX)
        return -EMSGSIZE;
    write_header(&writer, ecm, size);
    status = crypto_random(base_write_room(&writer, CRYPTO_GCM_NONCE_SIZE), CRYPTO_GCM_NONCE_SIZE);
    if (status == 0) {
        write_content(&writer, ecm);
        status = seal_content(key, section, size);
    }
    if (status < 0)
        base_secure_zero(section, ECMG_ECM_SIZE_MAX); /* it may hold control words in clear */
    return status < 0 ? status : (ptrdiff_t)size;
}

ptrdiff_t ecmg_ecm_seal(const struct base_secret *service_key, const struct ecmg_ecm *ecm,
                        uint8_t section[static ECMG_ECM_SIZE_MAX])
{
    struct ecmg_ecm_key *key;
    ptrdiff_t size = ecmg_ecm_key_create(&key, service_key);

    if (size < 0)
        return size;
    size = ecmg_ecm_key_seal(key, ecm, section);
    ecmg_ecm_key_destroy(key);
    return size;
}

static bool is_our_ecm(const uint8_t *section, size_t size)
{
    return size >= OVERHEAD + SEALED_MIN && size <= OVERHEAD + SEALED_MAX && (section[0] & 0xFE) == 0x80 &&
           base_load_u16(section + 1) == (SYNTAX_BITS << 8 | (size - LENGTH_END)) &&
           section[VERSION_AT] == VERSION && (section[0] & 1) == (section[CP_NUMBER_AT + 1] & 1);
}

static int open_content(const struct base_secret *service_key, const uint8_t *section, size_t size,
                        uint8_t *content)
{
    const uint8_t *tag = section + size - CRYPTO_GCM_TAG_SIZE;
    uint8_t key[KEY_SIZE];
    int status = derive_key(service_key, section, key);

    if (status == 0)
        status = crypto_gcm_open(key, KEY_SIZE, section + NONCE_AT, section, SEALED_AT, section + SEALED_AT,
                                 size - OVERHEAD, tag, content);
    base_secure_zero(key, sizeof(key));
    return status;
}

static void read_cw(struct base_reader *content, size_t size, struct base_secret *cw)
{
    const uint8_t *bytes = base_read_bytes(content, size);

    if (bytes)
        base_secret_set(cw, bytes, size);
}

static int read_content(struct base_reader *content, struct ecmg_ecm *ecm)
{
    uint8_t flags = base_read_u8(content);
    uint8_t cw_size = base_read_u8(content);
    size_t criteria_size;

    if (!is_cw_size(cw_size) || !(flags & (HAS_EVEN | HAS_ODD)) || (flags & ~(HAS_EVEN | HAS_ODD)))
        return BASE_E_MALFORMED;
    if (flags & HAS_EVEN)
        read_cw(content, cw_size, &ecm->even);
    if (flags & HAS_ODD)
        read_cw(content, cw_size, &ecm->odd);
    criteria_size = base_reader_left(content);
    if (content->failed || criteria_size > ECMG_ACCESS_CRITERIA_MAX)
        return BASE_E_MALFORMED;
    ecm->access_criteria_size = (uint16_t)criteria_size;
    memcpy(ecm->access_criteria, base_read_bytes(content, criteria_size), criteria_size);
    return 0;
}

int ecmg_ecm_open(const struct base_secret *service_key, const uint8_t *section, size_t size,
                  struct ecmg_ecm *ecm)
{
    uint8_t content[SEALED_MAX];
    struct base_reader reader;
    int status;

    ecmg_ecm_clear(ecm);
    if (!is_our_ecm(section, size))
        return BASE_E_MALFORMED;
    status = open_content(service_key, section, size, content);
    if (status == 0) {
        reader = base_reader_of(content, size - OVERHEAD);
        ecm->super_cas_id = base_load_u32(section + CAS_ID_AT);
        ecm->cp_number = base_load_u16(section + CP_NUMBER_AT);
        status = read_content(&reader, ecm);
    }
    base_secure_zero(content, sizeof(content));
    if (status < 0)
        ecmg_ecm_clear(ecm);
    return status;
}

void ecmg_ecm_clear(struct ecmg_ecm *ecm)
{
    base_secure_zero(ecm, sizeof(*ecm));
}
