/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/batch.h: collects lanes of several algorithms and services, and turns them together.
 *
 * Engines append lanes while they choose packets; whoever drives them flushes once per burst, so that lanes
 * of hundreds of services share one batch. A full batch of an algorithm is turned at once by
 * cipher_batch_add(). One thread; no allocation after creation. */
#ifndef CIPHER_BATCH_H
#define CIPHER_BATCH_H

#include "cipher/cipher.h"

struct cipher_batch {
    enum cipher_direction direction;
    struct cipher *ciphers[CIPHER_ALGORITHMS]; /* borrowed; NULL for an algorithm that is not in use */
    unsigned counts[CIPHER_ALGORITHMS];
    uint64_t lanes_turned[CIPHER_ALGORITHMS];
    struct cipher_lane lanes[CIPHER_ALGORITHMS][CIPHER_BATCH_MAX];
};

void cipher_batch_init(struct cipher_batch *batch, enum cipher_direction direction);

/* The payload must stay where it is until the next flush. ciphers[algorithm] must be set. */
void cipher_batch_add(struct cipher_batch *batch, enum cipher_algorithm algorithm, uint8_t *payload,
                      uint16_t length, const struct cipher_key *key);

void cipher_batch_flush(struct cipher_batch *batch);

#endif
