/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecmg/ecm.h: the ECM of this project's own CAS with a service key (docs/ecm-format.md). Thread-safe: no
 * state but that of a key made ready.
 *
 * A CA_message_section (ETR 289): table_id 0x80 | (CP_number & 1), no CRC, at most 256 bytes. Control words
 * and access criteria are encrypted and authenticated (AES-GCM) under a key derived from the service key. */
#ifndef ECMG_ECM_H
#define ECMG_ECM_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define ECMG_SERVICE_KEY_SIZE    16  /* bytes */
#define ECMG_ECM_SIZE_MAX        256 /* bytes of section */
#define ECMG_ACCESS_CRITERIA_MAX 128 /* bytes that fit beside two 16-byte control words */

struct ecmg_ecm {
    uint32_t super_cas_id;
    uint16_t cp_number;
    struct base_secret even, odd; /* size 0: not in this ECM; sizes 8 or 16, equal where both are there */
    uint16_t access_criteria_size;
    uint8_t access_criteria[ECMG_ACCESS_CRITERIA_MAX];
};

/* Returns the section's size, -EMSGSIZE, -EINVAL, or BASE_E_CRYPTO. */
ptrdiff_t ecmg_ecm_seal(const struct base_secret *service_key, const struct ecmg_ecm *ecm,
                        uint8_t section[static ECMG_ECM_SIZE_MAX]);

/* The same for many ECMs under one key: a service key made ready. BASE_E_CRYPTO, -EINVAL for another size. */
struct ecmg_ecm_key;
int ecmg_ecm_key_create(struct ecmg_ecm_key **key, const struct base_secret *service_key);
void ecmg_ecm_key_destroy(struct ecmg_ecm_key *key); /* wipes; NULL is allowed */
ptrdiff_t ecmg_ecm_key_seal(struct ecmg_ecm_key *key, const struct ecmg_ecm *ecm,
                            uint8_t section[static ECMG_ECM_SIZE_MAX]);

/* 0; BASE_E_MALFORMED for what is not our ECM; BASE_E_AUTHENTICATION for another key or a changed byte (`ecm`
 * is wiped then). The caller wipes `ecm` after use. */
int ecmg_ecm_open(const struct base_secret *service_key, const uint8_t *section, size_t size,
                  struct ecmg_ecm *ecm);
void ecmg_ecm_clear(struct ecmg_ecm *ecm);

#endif
