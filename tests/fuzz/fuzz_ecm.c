/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecmg_ecm_open() with foreign sections. As no input has a right tag by chance, each is also sealed and
 * opened as content that the fuzzer chose. */
#include <stdlib.h>
#include <string.h>

#include "ecmg/ecm.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void open_foreign(const struct base_secret *key, const uint8_t *bytes, size_t size)
{
    struct ecmg_ecm ecm;

    if (ecmg_ecm_open(key, bytes, size, &ecm) == 0)
        abort(); /* a tag of 128 bits was guessed */
}

static void seal_and_open(const struct base_secret *key, const uint8_t *bytes, size_t size)
{
    uint8_t section[ECMG_ECM_SIZE_MAX];
    struct ecmg_ecm ecm = {.super_cas_id = (uint32_t)size, .cp_number = bytes[0]};
    struct ecmg_ecm opened;
    ptrdiff_t sealed;

    base_secret_set(&ecm.even, bytes, bytes[1] % 17 < size ? bytes[1] % 17 : 0);
    base_secret_set(&ecm.odd, bytes, bytes[2] % 17 < size ? bytes[2] % 17 : 0);
    ecm.access_criteria_size = (uint16_t)(size < 300 ? size : 300);
    memcpy(ecm.access_criteria, bytes, size < ECMG_ACCESS_CRITERIA_MAX ? size : ECMG_ACCESS_CRITERIA_MAX);
    sealed = ecmg_ecm_seal(key, &ecm, section);
    if (sealed >= 0 &&
        (ecmg_ecm_open(key, section, (size_t)sealed, &opened) < 0 ||
         !base_secret_equal(&ecm.odd, &opened.odd) || !base_secret_equal(&ecm.even, &opened.even)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct base_secret key = {.size = ECMG_SERVICE_KEY_SIZE};

    open_foreign(&key, bytes, size);
    if (size >= 3)
        seal_and_open(&key, bytes, size);
    return 0;
}
