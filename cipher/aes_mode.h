/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/aes_mode.h: what the AES algorithms make of a payload, the same in every tier. Private to cipher/.
 *
 * IVs and where the counter counts: ETSI TS 103 127, clause 6; ATIS-0800006; struct cipher_mode. */
#ifndef CIPHER_AES_MODE_H
#define CIPHER_AES_MODE_H

#include "cipher/cipher.h"

#define CIPHER__AES_BLOCK      16
#define CIPHER__AES_BLOCKS_MAX ((CIPHER_PAYLOAD_MAX + CIPHER__AES_BLOCK - 1) / CIPHER__AES_BLOCK)

/* Copies the IV of a packet's first block to `iv`; zeros for IDSA. */
void cipher__aes_iv(enum cipher_algorithm algorithm, const struct cipher_mode *mode,
                    uint8_t iv[CIPHER__AES_BLOCK]);

/* The next counter block: the last counter_bits bits plus one, big-endian, modulo their size. */
void cipher__aes_count(uint8_t counter[CIPHER__AES_BLOCK], unsigned counter_bits);

#endif
