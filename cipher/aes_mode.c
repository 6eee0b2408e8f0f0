/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cipher/aes_mode.h"

void cipher__aes_iv(enum cipher_algorithm algorithm, const struct cipher_mode *mode,
                    uint8_t iv[CIPHER__AES_BLOCK])
{
    static const char cissa[CIPHER__AES_BLOCK + 1] = "DVBTMCPTAESCISSA";

    if (algorithm == CIPHER_DVB_CISSA)
        memcpy(iv, cissa, CIPHER__AES_BLOCK);
    else if (algorithm == CIPHER_ATIS_IDSA)
        memset(iv, 0, CIPHER__AES_BLOCK);
    else
        memcpy(iv, mode->iv, CIPHER__AES_BLOCK);
}

void cipher__aes_count(uint8_t counter[CIPHER__AES_BLOCK], unsigned counter_bits)
{
    for (int i = CIPHER__AES_BLOCK - 1; counter_bits; i--) {
        unsigned bits = counter_bits < 8 ? counter_bits : 8;
        uint8_t mask = (uint8_t)(0xff >> (8 - bits));
        uint8_t sum = (uint8_t)(counter[i] + 1);

        counter[i] = (uint8_t)((counter[i] & ~mask) | (sum & mask));
        if (counter[i] & mask)
            return;
        counter_bits -= bits;
    }
}
