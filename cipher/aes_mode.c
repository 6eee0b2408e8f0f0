/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cipher/aes_mode.h"

#include <endian.h>
#include <string.h>

void cipher__aes_iv(enum cipher_algorithm algorithm, const struct cipher_mode *mode,
                    uint8_t iv[CIPHER__AES_BLOCK])
{
    static const uint8_t cissa[CIPHER__AES_BLOCK] = {'D', 'V', 'B', 'T', 'M', 'C', 'P', 'T',
                                                     'A', 'E', 'S', 'C', 'I', 'S', 'S', 'A'};

    if (algorithm == CIPHER_DVB_CISSA)
        memcpy(iv, cissa, CIPHER__AES_BLOCK);
    else if (algorithm == CIPHER_ATIS_IDSA)
        memset(iv, 0, CIPHER__AES_BLOCK);
    else
        memcpy(iv, mode->iv, CIPHER__AES_BLOCK);
}

static uint64_t ones(unsigned bits)
{
    return bits < 64 ? (UINT64_C(1) << bits) - 1 : ~UINT64_C(0);
}

/* `value`, but `to` in the bits of `mask`. */
static uint64_t replaced(uint64_t value, uint64_t to, uint64_t mask)
{
    return (value & ~mask) | (to & mask);
}

void cipher__aes_counter(uint8_t counter[CIPHER__AES_BLOCK], const uint8_t iv[CIPHER__AES_BLOCK],
                         unsigned counter_bits, unsigned number)
{
    uint64_t words[2], high, low, carry;

    memcpy(words, iv, sizeof(words));
    high = be64toh(words[0]);
    low = be64toh(words[1]);
    carry = low + number < low;
    words[0] = htobe64(replaced(high, high + carry, ones(counter_bits > 64 ? counter_bits - 64 : 0)));
    words[1] = htobe64(replaced(low, low + number, ones(counter_bits)));
    memcpy(counter, words, sizeof(words));
}
