/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/aes_mode.h: what the AES algorithms make of a payload, the same in every tier. Private to cipher/.
 *
 * IVs and where the counter counts: ETSI TS 103 127, clause 6; ATIS-0800006; struct cipher_mode. */
#ifndef CIPHER_AES_MODE_H
#define CIPHER_AES_MODE_H

#include <string.h>

#include "cipher/cipher.h"

#define CIPHER__AES_BLOCK      16
#define CIPHER__AES_BLOCKS_MAX ((CIPHER_PAYLOAD_MAX + CIPHER__AES_BLOCK - 1) / CIPHER__AES_BLOCK)

/* Copies the IV of a packet's first block to `iv`; zeros for IDSA. */
void cipher__aes_iv(enum cipher_algorithm algorithm, const struct cipher_mode *mode,
                    uint8_t iv[CIPHER__AES_BLOCK]);

/* The counter block of a packet's block `number` (0 for the first): the last counter_bits bits of `iv` plus
 * the number, big-endian, modulo their size. */
void cipher__aes_counter(uint8_t counter[CIPHER__AES_BLOCK], const uint8_t iv[CIPHER__AES_BLOCK],
                         unsigned counter_bits, unsigned number);

/* bytes ^= stream, for `size` under a block. Writes exactly the bytes: a masked store would hold back loads
 * of the packet behind until it is done. */
static inline void cipher__aes_add_bytes(uint8_t *bytes, const uint8_t stream[CIPHER__AES_BLOCK],
                                         unsigned size)
{
#pragma GCC unroll 4
    for (unsigned part = CIPHER__AES_BLOCK / 2; part; part /= 2) {
        uint64_t value = 0, mask = 0;

        if (!(size & part))
            continue;
        memcpy(&value, bytes, part);
        memcpy(&mask, stream, part);
        value ^= mask;
        memcpy(bytes, &value, part);
        bytes += part;
        stream += part;
    }
}

#endif
