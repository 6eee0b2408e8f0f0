/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <strings.h>

#include "cipher/cipher.h"

/* DVB-CSA3, EN 300 468 table "Scrambling_mode coding": known by name and mode alone. */
#define CSA3_NAME "dvb-csa3"
#define CSA3_MODE 0x03

static const struct {
    const char *name;
    size_t cw_size;
    uint8_t scrambling_mode;
} algorithms[CIPHER_ALGORITHMS] = {
#define X(name, text, cw_size, mode) [CIPHER_##name] = {text, cw_size, mode},
    CIPHER_ALGORITHM_MAP(X)
#undef X
};

const char *cipher_algorithm_name(enum cipher_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

int cipher_algorithm_from_name(const char *name, enum cipher_algorithm *algorithm)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        if (!strcasecmp(algorithms[i].name, name)) {
            *algorithm = (enum cipher_algorithm)i;
            return 0;
        }
    }
    return strcasecmp(name, CSA3_NAME) ? -ENOENT : -ENOTSUP;
}

size_t cipher_cw_size(enum cipher_algorithm algorithm)
{
    return algorithms[algorithm].cw_size;
}

uint8_t cipher_scrambling_mode(enum cipher_algorithm algorithm)
{
    return algorithms[algorithm].scrambling_mode;
}

int cipher_algorithm_from_scrambling_mode(uint8_t mode, enum cipher_algorithm *algorithm)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        if (algorithms[i].scrambling_mode == mode) {
            *algorithm = (enum cipher_algorithm)i;
            return 0;
        }
    }
    return mode == CSA3_MODE ? -ENOTSUP : -ENOENT;
}

bool cipher_has_iv(enum cipher_algorithm algorithm)
{
    return algorithm == CIPHER_AES_CBC || algorithm == CIPHER_AES_CTR;
}

size_t cipher_shortest_payload(enum cipher_algorithm algorithm)
{
    static const uint8_t shortest[CIPHER_ALGORITHMS] = {
        [CIPHER_DVB_CSA2] = 8, [CIPHER_DVB_CISSA] = 16, [CIPHER_ATIS_IDSA] = 1,
        [CIPHER_AES_CBC] = 16, [CIPHER_AES_CTR] = 1,
    };

    return shortest[algorithm];
}
